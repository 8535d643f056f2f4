//! The table of settings as text for people.
//!
//! Belongs here: `config show`, `onionstream.example.toml` and `docs/configuration.md`.
//! Does not belong here: messages about mistakes (`mistake.rs`).

use std::fmt::Write as _;

use super::{
    layers::Layers,
    mistake::ConfigErrors,
    table::{SECTIONS, Setting, default_of},
};

/// Columns of the comments in the example file.
const WIDTH: usize = 96;

impl Layers {
    /// The result of all layers as TOML, each value with a comment that says where it came from.
    ///
    /// # Errors
    ///
    /// All mistakes of all layers.
    pub fn show(&self) -> Result<String, ConfigErrors> {
        self.settings()?;
        let mut text = String::new();
        for section in SECTIONS {
            if !text.is_empty() {
                text.push('\n');
            }
            line(&mut text, format_args!("[{}]", section.name));
            for entry in self
                .entries
                .iter()
                .filter(|entry| entry.section.name == section.name)
            {
                let assignment = format!("{} = {}", entry.setting.key, entry.value);
                line(
                    &mut text,
                    format_args!("{assignment:<40} # {}", entry.origin),
                );
            }
        }
        Ok(text)
    }
}

/// The text of `onionstream.example.toml`: every setting, commented out, with its sentence.
pub fn example() -> String {
    let mut text = String::from(
        "# Settings of onionstream. Copy this file to `onionstream.toml` in the working directory and\n\
         # take the `#` away before the lines that you want to change; without the file, everything\n\
         # is as written here. `onionstream config check` finds mistakes.\n\
         #\n\
         # The environment (`ONIONSTREAM__HTTP__LISTEN`) goes before this file, and the command line\n\
         # (`--set http.listen=127.0.0.1:5052`) before both.\n",
    );
    for section in SECTIONS {
        text.push('\n');
        wrap(&mut text, section.doc.trim());
        line(&mut text, format_args!("[{}]", section.name));
        for setting in section.settings {
            text.push('\n');
            wrap(
                &mut text,
                &format!(
                    "{} Allowed: {}.",
                    setting.doc.trim(),
                    setting.kind.allowed()
                ),
            );
            line(
                &mut text,
                format_args!("#{} = {}", setting.key, default_of(setting)),
            );
        }
    }
    text
}

/// The text of `docs/configuration.md`.
pub fn reference() -> String {
    let mut text = String::from(
        "# Configuration\n\
         \n\
         <!-- Written by `onionstream config reference`; a test compares. Change src/config/table.rs. -->\n\
         \n\
         Nothing has to be configured. What you want to change goes into `onionstream.toml` in the\n\
         working directory (`--dir`, or where you start the program); `onionstream.example.toml` is a\n\
         copy of everything below to start from. A later layer wins:\n\
         \n\
         1. the defaults on this page\n\
         2. `onionstream.toml`, at most 64 KiB of UTF-8\n\
         3. environment variables: `ONIONSTREAM__PLAYBACK__DELAY_LOW=2s`\n\
         4. the command line: `--set playback.delay_low=2s`, then flags such as `--listen` and `--no-tor`\n\
         \n\
         A name that does not exist, or a value outside its range, stops the program before it does\n\
         anything. `onionstream config check` lists all mistakes at once, and `onionstream config show`\n\
         prints the result and where each value came from. Both end with exit code 64 when there is a\n\
         mistake.\n\
         \n\
         Times are a number and a unit (`300ms`, `2.5s`, `1min`, `1h`), sizes too (`512B`, `64KiB`,\n\
         `8MiB`, `1GiB`); in the file both stand in quotes. Counts are plain numbers. Relative paths\n\
         start at the working directory.\n",
    );
    for section in SECTIONS {
        line(
            &mut text,
            format_args!("\n## `[{}]`\n\n{}\n", section.name, section.doc.trim()),
        );
        text.push_str("| setting | default | allowed | what it is |\n|---|---|---|---|\n");
        for setting in section.settings {
            let Setting { key, kind, doc, .. } = setting;
            let default = default_of(setting);
            let allowed = kind.allowed();
            line(
                &mut text,
                format_args!("| `{key}` | `{default}` | {allowed} | {} |", doc.trim()),
            );
        }
    }
    text.push_str(
        "\nSome values must fit together: the three delays may not get shorter from `low` to `safe`;\n\
         `playback.keep` is at least `playback.delay_safe` and `playback.max_lag` together; one\n\
         `ingest.max_fragment` fits into `ingest.max_segment` and into `playback.keep_bytes`;\n\
         `onion.keys`, `onion.state` and `ingest.directory` are three directories.\n\
         \n\
         A filter for `log.level` is a list of `part=level` with commas between them, and a level for\n\
         everything else: `onionstream=debug,tor_hsservice=info,warn`. The environment variable\n\
         `RUST_LOG` is not looked at: left over from other work, it could make the libraries write\n\
         down what viewers send.\n",
    );
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _: Result<(), _> = writeln!(text, "{line}");
}

/// Appends a comment, broken between words.
fn wrap(text: &mut String, comment: &str) {
    let mut column = 0;
    for word in comment.split_whitespace() {
        let needed = word.chars().count() + 1;
        if column > 0 && column + needed > WIDTH {
            text.push('\n');
            column = 0;
        }
        if column == 0 {
            text.push('#');
            column = 1;
        }
        text.push(' ');
        text.push_str(word);
        column += needed;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Override, Settings};

    fn layers(
        dir: &std::path::Path,
        environment: &[(&str, &str)],
        overrides: &[Override],
    ) -> Layers {
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Layers::read(dir, environment, overrides)
    }

    #[test]
    fn the_example_file_is_what_the_table_says() {
        assert_eq!(
            include_str!("../../onionstream.example.toml"),
            example(),
            "write it again: onionstream config example > onionstream.example.toml"
        );
    }

    #[test]
    fn the_reference_page_is_what_the_table_says() {
        assert_eq!(
            include_str!("../../docs/configuration.md"),
            reference(),
            "write it again: onionstream config reference > docs/configuration.md"
        );
    }

    #[test]
    fn the_example_with_every_setting_uncommented_is_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let uncommented: Vec<_> = example()
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') => setting.to_owned(),
                _ => line.to_owned(),
            })
            .collect();
        let settings = SECTIONS
            .iter()
            .map(|section| section.settings.len())
            .sum::<usize>();

        let defaults = layers(dir.path(), &[], &[]).settings().unwrap();
        fs::write(
            dir.path().join("onionstream.toml"),
            uncommented.join(
                "
",
            ),
        )
        .unwrap();
        let layers = layers(dir.path(), &[], &[]);

        assert_eq!(layers.settings().unwrap(), defaults);
        assert_eq!(
            layers
                .show()
                .unwrap()
                .matches("# onionstream.toml line ")
                .count(),
            settings
        );
    }

    #[test]
    fn show_says_where_each_value_came_from_and_can_be_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("onionstream.toml");
        fs::write(
            &file,
            "[playback]\ndelay_low = '1500ms'\n[log]\nlevel = 'debug'\n",
        )
        .unwrap();

        let shown = layers(
            dir.path(),
            &[("ONIONSTREAM__INGEST__DIRECTORY", "my \"films\"")],
            &[
                Override::set("http.max_connections=7"),
                Override::flag("--no-tor", "onion.enabled", "false"),
            ],
        );
        let text = shown.show().unwrap();

        for (setting, origin) in [
            ("delay_low = \"1.5s\" ", "# onionstream.toml line 2"),
            ("level = \"debug\" ", "# onionstream.toml line 4"),
            (
                "directory = 'my \"films\"' ",
                "# environment ONIONSTREAM__INGEST__DIRECTORY",
            ),
            ("max_connections = 7 ", "# command line --set"),
            ("enabled = false ", "# command line --no-tor"),
            ("silence = \"8s\" ", "# default"),
        ] {
            // Sections may have a key in common.
            let mut lines = text.lines().filter(|line| line.starts_with(setting));
            assert!(
                lines.any(|line| line.ends_with(origin)),
                "{setting}: {text}"
            );
        }
        fs::write(&file, &text).unwrap();
        assert_eq!(
            Settings::load(dir.path(), std::iter::empty(), &[]).unwrap(),
            shown.settings().unwrap()
        );
    }
}
