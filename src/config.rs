//! The configuration: what can be changed, and the checked result.
//!
//! Belongs here: the table of settings, the layers (defaults, `onionstream.toml`, environment,
//! command line) and what is printed about them.
//! Does not belong here: what the numbers do. Nothing here reads the process environment; it is
//! handed in.

mod file;
mod layers;
mod mistake;
mod table;
mod text;
mod value;

use std::path::Path;

pub use self::{
    layers::{Layers, Override},
    mistake::{ConfigErrors, Mistake},
    table::{Http, Ingest, Live, Log, LogFilter, Onion, Playback, Recording, Settings},
    text::{example, reference},
    value::Listen,
};

/// The name of the configuration file in the working directory.
pub const FILE_NAME: &str = "onionstream.toml";

impl Settings {
    /// Reads and checks everything: defaults, the file in `dir`, `environment`, `overrides`.
    ///
    /// Of `environment`, only variables that start with `ONIONSTREAM__` matter. Relative paths
    /// start at `dir`.
    ///
    /// # Errors
    ///
    /// All mistakes at once.
    pub fn load(
        dir: &Path,
        environment: impl Iterator<Item = (String, String)>,
        overrides: &[Override],
    ) -> Result<Self, ConfigErrors> {
        Layers::read(dir, environment, overrides).settings()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf, time::Duration};

    use proptest::prelude::*;

    use super::*;

    /// Loads `file` with `environment` and the texts of `--set`.
    fn load(
        file: &str,
        environment: &[(&str, &str)],
        set: &[&str],
    ) -> (PathBuf, Result<Settings, ConfigErrors>) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE_NAME), file).unwrap();
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let overrides: Vec<_> = set.iter().copied().map(Override::set).collect();
        (
            dir.path().to_owned(),
            Settings::load(dir.path(), environment, &overrides),
        )
    }

    fn mistakes(file: &str, environment: &[(&str, &str)], set: &[&str]) -> Vec<String> {
        let errors = load(file, environment, set)
            .1
            .expect_err("there are mistakes");
        errors.mistakes().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn without_a_file_everything_has_its_default() {
        let dir = tempfile::tempdir().unwrap();

        let settings = Settings::load(dir.path(), std::iter::empty(), &[]).unwrap();

        assert_eq!(settings.http.listen.to_string(), "127.0.0.1:5051");
        assert_eq!(settings.http.send_buffer, 65_536);
        assert_eq!(
            settings.playback.delay(settings.playback.default_delay),
            Duration::from_secs(4)
        );
        assert_eq!(settings.ingest.directory, dir.path().join("stream"));
        assert_eq!(settings.live.max_age, Duration::from_hours(1));
        assert_eq!(settings.onion.network, None);
        assert!(
            settings
                .log
                .level
                .directives()
                .starts_with("onionstream=info,warn,")
        );
    }

    #[test]
    fn the_command_line_goes_before_the_environment_and_that_before_the_file() {
        let file =
            "[http]\nmax_connections = 1\n[live]\nmax_elements = 101\n[onion]\nmax_circuits = 5\n";
        let environment = [
            ("ONIONSTREAM__HTTP__MAX_CONNECTIONS", "2"),
            ("ONIONSTREAM__LIVE__MAX_ELEMENTS", "102"),
        ];

        let settings = load(file, &environment, &["http.max_connections=3"])
            .1
            .unwrap();

        assert_eq!(settings.http.max_connections, 3);
        assert_eq!(settings.live.max_elements, 102);
        assert_eq!(settings.onion.max_circuits, 5);
    }

    #[test]
    fn paths_start_at_the_working_directory_unless_they_are_absolute() {
        let file = "[http]\nlisten = 'unix:site.sock'\n[onion]\nkeys = '/srv/keys'\nnetwork = 'net.toml'\n";

        let (dir, settings) = load(file, &[], &[]);
        let settings = settings.unwrap();

        assert_eq!(settings.http.listen, Listen::Unix(dir.join("site.sock")));
        assert_eq!(settings.onion.keys, PathBuf::from("/srv/keys"));
        assert_eq!(settings.onion.network, Some(dir.join("net.toml")));
    }

    #[test]
    fn all_mistakes_of_all_layers_are_told_at_once() {
        let file = "[http]\nlisten = '0.0.0.0:80'\nmax_sesions = 5\n[playback]\ndelay_low = 2\nmax_lag = 'long'\n\
                    [onion]\nenabled = 'no'\n[ingest]\nsilence = 1979-05-27\n";

        let found = mistakes(
            file,
            &[
                ("ONIONSTREAM__LIVE__HEARTBEAT", "1h"),
                ("ONIONSTREAM__LIFE__X", "1"),
                ("ONIONSTREAM__X", "1"),
            ],
            &["log.level=inof", "nonsense", "http.max_connections=0"],
        );

        let expected = [
            "onionstream.toml, line 2: `http.listen` cannot be `'0.0.0.0:80'`: other computers could reach it, \
             and the site must only be reachable through Tor; allowed is a loopback address with a port \
             (port 0: any free one), or \"unix:PATH\"",
            "onionstream.toml, line 3: there is no setting `http.max_sesions`",
            "onionstream.toml, line 5: `playback.delay_low` cannot be `2`: it must stand in quotes; \
             allowed is a time from \"500ms\" to \"60s\"",
            "onionstream.toml, line 6: `playback.max_lag` cannot be `'long'`: the units of time are `ms`, `s`, \
             `min` and `h`; allowed is a time from \"1s\" to \"5min\"",
            "onionstream.toml, line 8: `onion.enabled` cannot be `'no'`: it must stand without quotes; \
             allowed is `true` or `false`",
            "onionstream.toml, line 10: `ingest.silence` cannot be `1979-05-27`: \
             allowed is a time from \"1s\" to \"5min\"",
            "environment ONIONSTREAM__LIFE__X: there is no setting `life.x`",
            "environment ONIONSTREAM__LIVE__HEARTBEAT: `live.heartbeat` cannot be `1h`: \
             allowed is a time from \"2s\" to \"60s\"",
            "environment ONIONSTREAM__X: the name is not of the form `ONIONSTREAM__SECTION__KEY`",
            "command line --set: `log.level` cannot be `inof`: allowed is \"error\", \"warn\", \"info\", \
             \"debug\", \"trace\", or a filter such as \"onionstream=debug,warn\"",
            "command line --set: `nonsense` is not of the form `section.key=value`",
            "command line --set: `http.max_connections` cannot be `0`: allowed is a whole number from 1 to 65536",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_misspelt_setting_is_answered_with_the_right_one() {
        let errors = load("[http]\nlitsen = 'x'\n[htpp]\n", &[], &["playbck.keep=60s"])
            .1
            .unwrap_err();

        let hints: Vec<_> = errors
            .mistakes()
            .iter()
            .map(|mistake| mistake.hint().unwrap())
            .collect();
        assert_eq!(
            hints,
            [
                "did you mean `[http]`?",
                "did you mean `http.listen`?",
                "did you mean `playback.keep`?"
            ]
        );
    }

    #[test]
    fn values_that_do_not_fit_together_are_told_with_where_they_came_from() {
        let found = mistakes(
            "[playback]\ndelay_low = '5s'\nkeep = '17s'\n[ingest]\nmax_segment = '1MiB'\n[onion]\nkeys = './state'\n",
            &[],
            &[],
        );

        assert_eq!(
            found,
            [
                "`playback.delay_low = \"5s\"` (onionstream.toml line 2) is more than \
                 `playback.delay_normal = \"4s\"` (default): the delays must not get shorter",
                "`ingest.max_fragment = \"8MiB\"` (default) is more than \
                 `ingest.max_segment = \"1MiB\"` (onionstream.toml line 5): a segment holds at least one fragment",
                "`playback.keep = \"17s\"` (onionstream.toml line 3) is less than \
                 `playback.delay_safe = \"8s\"` (default) and `playback.max_lag = \"10s\"` (default) together: \
                 a slow viewer would lose their place",
                "`onion.keys = \"./state\"` (onionstream.toml line 7) and \
                 `onion.state = \"state\"` (default) must be different directories",
            ]
        );
    }

    #[test]
    fn a_refused_value_does_not_lead_to_complaints_about_its_neighbours() {
        let found = mistakes(
            "[playback]\ndelay_low = '5s'\ndelay_normal = 'six'\n",
            &[],
            &[],
        );

        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_socket_whose_name_is_too_long_for_the_system_is_refused() {
        let found = mistakes("", &[], &[&format!("http.listen=unix:{}", "x".repeat(107))]);

        assert!(found[0].contains("107 bytes"), "{found:?}");
    }

    #[test]
    fn a_working_directory_that_does_not_exist_is_told() {
        let dir = tempfile::tempdir().unwrap();

        let errors = Settings::load(&dir.path().join("no"), std::iter::empty(), &[]).unwrap_err();

        assert!(errors.to_string().contains("does not exist"), "{errors}");
    }

    #[test]
    fn variables_of_other_programs_are_left_alone() {
        let (_, settings) = load(
            "",
            &[
                ("PATH", "/bin"),
                ("ONIONSTREAM_TEST", "x"),
                ("onionstream__x", "y"),
            ],
            &[],
        );

        assert!(settings.is_ok());
    }

    /// Text that gets past the first checks more often than random characters do.
    fn nearly_a_file() -> impl Strategy<Value = String> {
        let name = "(http|playback|log|listen|keep|level|[a-z.\"]{0,4})";
        let value = "(\"[0-9.]{0,3}(s|ms|MiB|min)?\"|[0-9_x]{0,20}|true|\\[\\]|\\{ a = 1 \\}|'unix:[a-z/]{0,3}'|\\PC{0,8})";
        let line = format!(
            "(\\[{name}\\]|\\[\\[{name}\\]\\]|{name} = {value}|{name}.{name} = {value}|\\PC{{0,12}})\r?\n?"
        );
        let line = proptest::string::string_regex(&line).expect("the pattern is correct");
        prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn no_file_environment_or_command_line_makes_it_panic(
            file in nearly_a_file(),
            variable in "ONIONSTREAM__[A-Z_]{0,12}",
            text in "\\PC{0,20}",
            set in "((http|live)\\.(listen|keep)?=)?\\PC{0,20}",
        ) {
            let result = load(&file, &[(&variable, &text), ("ONIONSTREAM__HTTP__LISTEN", &text)], &[&set]).1;
            if let Err(errors) = result {
                prop_assert!(errors.count() > 0);
                let clean = errors.to_string().chars().all(|c| c == '\n' || !c.is_control());
                prop_assert!(clean, "{errors}");
            }
        }
    }
}
