//! Reading `onionstream.toml` into assignments with their lines.
//!
//! Belongs here: the bounds of the file, TOML syntax, positions.
//! Does not belong here: which settings exist and what they may hold.

use std::{collections::BTreeSet, fs, io::Read as _, ops::Range, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    FILE_NAME,
    mistake::{ConfigErrors, Mistake, shortened, suggest_section, suggest_setting},
    table::SECTIONS,
};

/// Largest accepted file, in bytes; the example with every sentence is a tenth of it.
const MAX_BYTES: usize = 64 * 1024;

/// One `key = value` below `[section]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) given: Given,
    /// The value as it stands in the file.
    pub(super) source: String,
    /// The first line of the file is 1.
    pub(super) line: usize,
}

/// A value by its shape.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// A string, without its quotes.
    Quoted(String),
    /// A number or a truth value.
    Bare(String),
    /// Anything else: a date, a list, a table.
    Other,
}

/// The text of the file; nothing if there is none.
pub(super) fn read(dir: &Path, errors: &mut ConfigErrors) -> Option<String> {
    let path = dir.join(FILE_NAME);
    let problem = match fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => format!("cannot be read: {error}"),
        // A pipe or a device could keep the program waiting for ever.
        Ok(about) if !about.is_file() => "is not a file".to_owned(),
        Ok(_) => match read_bounded(&path) {
            Err(error) => format!("cannot be read: {error}"),
            Ok(bytes) if bytes.len() > MAX_BYTES => {
                format!(
                    "is larger than {} KiB, so it is not a configuration",
                    MAX_BYTES / 1024
                )
            }
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => return Some(text),
                Err(error) => {
                    let at = error.utf8_error().valid_up_to();
                    let before = error.as_bytes().iter().take(at);
                    let line = 1 + before.filter(|byte| **byte == b'\n').count();
                    format!("is not UTF-8 text: the first wrong byte is in line {line}")
                }
            },
        },
    };
    errors.push(|| Mistake::new(FILE_NAME, problem));
    None
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The assignments of a file, in the order of its lines, as far as it can be understood.
pub(super) fn parse(text: &str, errors: &mut ConfigErrors) -> Vec<Assignment> {
    let lines = Lines::new(text);
    let (document, syntax) = DeTable::parse_recoverable(text);
    let mut wrong = BTreeSet::new();
    let mut found = Vec::new();
    for error in &syntax {
        let (line, column) = lines.position(error.span().map_or(0, |span| span.start));
        // What follows the first error of a line is mostly its echo.
        if !wrong.insert(line) {
            continue;
        }
        let place = format!("{FILE_NAME}, line {line}, column {column}");
        found.push((
            line,
            Mistake::new(place, format!("not TOML: {}", error.message())),
        ));
    }
    let mut assignments = Vec::new();
    for (name, value) in document.get_ref() {
        let (line, _) = lines.position(name.span().start);
        if wrong.contains(&line) {
            continue;
        }
        let name = name.get_ref().as_ref();
        match value.get_ref() {
            DeValue::Table(_) if !SECTIONS.iter().any(|section| section.name == name) => {
                let problem = format!("there is no section `[{}]`", shortened(name));
                let mistake = Mistake::new(place(line), problem);
                found.push((line, mistake.with_hint(suggest_section(name))));
            }
            DeValue::Table(table) => {
                let assigned = table
                    .iter()
                    .map(|(key, value)| assignment(text, &lines, name, key, value));
                // What is on a line with broken syntax may be something else than was meant.
                assignments.extend(assigned.filter(|assigned| !wrong.contains(&assigned.line)));
            }
            _ if SECTIONS.iter().any(|section| section.name == name) => {
                let problem =
                    format!("`{name}` is a section: write `[{name}]` on a line of its own");
                found.push((line, Mistake::new(place(line), problem)));
            }
            _ => {
                let problem = format!("`{}` stands outside of any section", shortened(name));
                let mistake = Mistake::new(place(line), problem);
                found.push((line, mistake.with_hint(suggest_setting("", name))));
            }
        }
    }
    found.sort_by_key(|(line, _)| *line);
    for (_, mistake) in found {
        errors.push(|| mistake);
    }
    assignments.sort_by_key(|assignment| assignment.line);
    assignments
}

/// The place of a line, for messages.
pub(super) fn place(line: usize) -> String {
    format!("{FILE_NAME}, line {line}")
}

fn assignment(
    text: &str,
    lines: &Lines<'_>,
    section: &str,
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
) -> Assignment {
    let source = text.get(value.span()).unwrap_or("");
    let given = match value.get_ref() {
        DeValue::String(string) => Given::Quoted(string.to_string()),
        DeValue::Boolean(flag) => Given::Bare(flag.to_string()),
        DeValue::Integer(integer) => match u64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Given::Bare(number.to_string()),
            Err(_) => Given::Bare(source.to_owned()),
        },
        DeValue::Float(_) => Given::Bare(source.to_owned()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => Given::Other,
    };
    let (line, _) = lines.position(key.span().start);
    Assignment {
        section: section.to_owned(),
        key: key.get_ref().to_string(),
        given,
        source: source.to_owned(),
        line,
    }
}

/// Where the lines of a text are.
struct Lines<'a> {
    text: &'a str,
    /// The offset of every line feed.
    feeds: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            feeds: text.match_indices('\n').map(|(at, _)| at).collect(),
        }
    }

    /// Line and column of a byte offset, both from 1, columns in characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.feeds.partition_point(|feed| *feed < offset);
        let start = line
            .checked_sub(1)
            .and_then(|above| self.feeds.get(above))
            .map_or(0, |feed| feed + 1);
        let range: Range<usize> = start..offset.max(start);
        let column = self
            .text
            .get(range)
            .map_or(0, |before| before.chars().count());
        (line + 1, column + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes_of(text: &str) -> Vec<String> {
        let mut errors = ConfigErrors::default();
        parse(text, &mut errors);
        errors.mistakes().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn assignments_come_with_their_lines_and_shapes() {
        let mut errors = ConfigErrors::default();

        let assignments = parse(
            "# comment\r\n[http]\r\nlisten = 'x'\r\nmax_connections = 0x1_0\r\n\r\n[onion]\nenabled = false\nkeys = []\n",
            &mut errors,
        );

        assert_eq!(errors, ConfigErrors::default());
        let seen: Vec<_> = assignments
            .iter()
            .map(|a| {
                (
                    a.line,
                    a.section.as_str(),
                    a.key.as_str(),
                    a.source.as_str(),
                    &a.given,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (3, "http", "listen", "'x'", &Given::Quoted("x".to_owned())),
                (
                    4,
                    "http",
                    "max_connections",
                    "0x1_0",
                    &Given::Bare("16".to_owned())
                ),
                (
                    7,
                    "onion",
                    "enabled",
                    "false",
                    &Given::Bare("false".to_owned())
                ),
                (8, "onion", "keys", "[]", &Given::Other),
            ]
        );
    }

    #[test]
    fn every_broken_line_is_told_with_line_and_column() {
        let mistakes = mistakes_of("[http]\nlisten = \n\n[onion]\nä = = 3\n");

        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        assert!(
            mistakes[0].starts_with("onionstream.toml, line 2, column "),
            "{mistakes:?}"
        );
        assert!(
            mistakes[1].starts_with("onionstream.toml, line 5, column "),
            "{mistakes:?}"
        );
    }

    #[test]
    fn unknown_sections_and_settings_outside_of_sections_are_told() {
        let mistakes = mistakes_of("silence = '8s'\nhttp = 3\n[htpp]\nlisten = 'x'\n");

        assert_eq!(
            mistakes,
            [
                "onionstream.toml, line 1: `silence` stands outside of any section",
                "onionstream.toml, line 2: `http` is a section: write `[http]` on a line of its own",
                "onionstream.toml, line 3: there is no section `[htpp]`",
            ]
        );
    }

    #[test]
    fn a_file_that_is_too_large_not_text_or_not_a_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let mut problems = Vec::new();
        let mut attempt = || {
            let mut errors = ConfigErrors::default();
            assert_eq!(read(dir.path(), &mut errors), None);
            problems.extend(errors.mistakes().iter().map(ToString::to_string));
        };

        attempt();
        fs::write(&path, vec![b'#'; MAX_BYTES + 1]).unwrap();
        attempt();
        fs::write(&path, b"# one\n# \xff").unwrap();
        attempt();
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        attempt();

        assert_eq!(
            problems,
            [
                "onionstream.toml: is larger than 64 KiB, so it is not a configuration",
                "onionstream.toml: is not UTF-8 text: the first wrong byte is in line 2",
                "onionstream.toml: is not a file",
            ]
        );
    }
}
