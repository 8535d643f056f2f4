//! The chat of a recording as plain data: what is kept of a line, and the file it is kept in.
//!
//! Belongs here: the shape of the file, its limits, what a line may hold.
//! Does not belong here: which lines are kept ([`crate::room::chat_log`]), when they are written
//! ([`crate::recording`]), what they look like for people and players ([`export`]).
//!
//! A line holds nothing that stood on nobody's page: no session, no public id, no colour. Of
//! somebody without a name it does not hold the tag, so nobody can tell whether two lines are from
//! the same stranger.

pub mod export;

use std::ops::Not;

use serde::{Deserialize, Serialize};

use super::RecordingName;

/// The shape of the file; another number is another shape.
pub const VERSION: u32 = 1;

/// Lines that are kept of one recording; the ones after that are counted.
pub const MAX_LINES: usize = 50_000;

/// Bytes that the lines of one recording may take in its file.
pub const MAX_BYTES: usize = 6 << 20;

/// Bytes that the whole file takes at most: two more for each line, and what is before them.
pub const MOST_BYTES: usize = MAX_BYTES + 2 * MAX_LINES + 256;

/// Who has no name.
pub const ANONYMOUS: &str = "Anonymous";

/// Ending of the files.
const EXTENSION: &str = ".chat.json";

/// A line of the chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it was said, in milliseconds from the beginning of the recording.
    pub ms: u64,
    /// The name of who said it, or [`ANONYMOUS`]; one line.
    pub name: String,
    /// Their tripcode as it was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tripcode: Option<String>,
    /// What was said; may have several lines.
    pub text: String,
    /// Whether it tells what the person does (`/me`).
    #[serde(default, skip_serializing_if = "Not::not")]
    pub action: bool,
}

impl Line {
    /// The same without what could be more than text where it is shown: control characters,
    /// directions of writing, line ends in names.
    #[must_use]
    pub fn cleaned(self) -> Self {
        let name = one_line(&self.name);
        Self {
            ms: self.ms,
            name: if name.is_empty() {
                ANONYMOUS.to_owned()
            } else {
                name
            },
            tripcode: self.tripcode.map(|tripcode| one_line(&tripcode)),
            text: clean(&self.text),
            action: self.action,
        }
    }

    /// As it stands in the file: one line of JSON.
    pub fn to_json(&self) -> String {
        // Strings and numbers: there is nothing that JSON has no form for.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Single spaces, and no line ends.
fn one_line(text: &str) -> String {
    let clean = clean(text);
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|letter| match letter {
            '\n' => Some('\n'),
            '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
            _ if letter.is_control() || sets_direction(letter) => None,
            _ => Some(letter),
        })
        .collect()
}

/// Whether it makes what comes after it be written in another direction (Unicode Standard Annex 9).
fn sets_direction(letter: char) -> bool {
    matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// The chat of one recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatFile {
    /// [`VERSION`].
    pub version: u32,
    /// The name of the recording.
    pub recording: String,
    /// Lines that were said after there was no more room.
    #[serde(default)]
    pub left_out: u64,
    /// The lines, oldest first.
    pub lines: Vec<Line>,
}

/// Why a file is not the chat of a recording. Never says what stands in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChatFileError {
    /// Not the JSON that it should be.
    #[error("it is no chat of a recording: line {line}, column {column}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Of another program.
    #[error("it has the version {0}, and this program reads version {VERSION}")]
    Version(u32),
    /// More than [`MAX_LINES`].
    #[error("it has more than {MAX_LINES} lines")]
    TooLong,
}

impl ChatFile {
    /// Reads the text of a file, which somebody may have changed.
    ///
    /// # Errors
    ///
    /// [`ChatFileError`].
    pub fn parse(text: &str) -> Result<Self, ChatFileError> {
        let mut file: Self = serde_json::from_str(text).map_err(|error| ChatFileError::Syntax {
            line: error.line(),
            column: error.column(),
        })?;
        if file.version != VERSION {
            return Err(ChatFileError::Version(file.version));
        }
        if file.lines.len() > MAX_LINES {
            return Err(ChatFileError::TooLong);
        }
        file.recording = one_line(&file.recording);
        file.lines = file.lines.into_iter().map(Line::cleaned).collect();
        file.lines.sort_by_key(|line| line.ms);
        Ok(file)
    }
}

/// The text of a file with these lines, which are as [`Line::to_json`] gives them.
pub fn text<S: AsRef<str>>(
    recording: &str,
    left_out: u64,
    lines: impl IntoIterator<Item = S>,
) -> String {
    let mut text = head(recording, left_out);
    for (number, line) in lines.into_iter().enumerate() {
        text.push_str(if number == 0 { "\n" } else { ",\n" });
        text.push_str(line.as_ref());
    }
    text.push_str(TAIL);
    text
}

/// What stands before the lines.
fn head(recording: &str, left_out: u64) -> String {
    let recording = serde_json::to_string(recording).unwrap_or_default();
    format!(r#"{{"version":{VERSION},"recording":{recording},"left_out":{left_out},"lines":["#)
}

/// What stands after them.
const TAIL: &str = "\n]}\n";

/// The name of the file with the chat of a recording.
pub fn file(name: RecordingName) -> String {
    format!("{name}{EXTENSION}")
}

/// Reads the name of such a file.
pub fn parse_file(file: &str) -> Option<RecordingName> {
    RecordingName::parse(file.strip_suffix(EXTENSION)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(super) fn line(ms: u64, name: &str, text: &str) -> Line {
        Line {
            ms,
            name: name.to_owned(),
            tripcode: None,
            text: text.to_owned(),
            action: false,
        }
    }

    #[test]
    fn the_file_is_what_the_guide_says() {
        const GUIDE: &str = include_str!("../../../docs/broadcasting.md");
        let anna = Line {
            tripcode: Some("abcd-efgh-jkmn-pqrs".to_owned()),
            ..line(83_250, "Anna", "hello <3\nall")
        };
        let waves = Line {
            action: true,
            ..line(84_000, ANONYMOUS, "waves")
        };
        let lines = [anna.clone(), waves.clone()].map(|line| line.to_json());

        let text = text("2026-11-21_2000", 0, &lines);

        assert!(GUIDE.contains(&text), "{text}");
        let file = ChatFile::parse(&text).unwrap();
        assert_eq!(file.lines, [anna, waves]);
        assert_eq!(
            (file.version, file.recording.as_str()),
            (1, "2026-11-21_2000")
        );
    }

    #[test]
    fn what_is_no_chat_is_refused_without_repeating_it() {
        let line = r#"{"ms":1,"name":"a","text":"b"}"#;
        let many = vec![line; MAX_LINES + 1].join(",");
        for (text, words) in [
            (String::new(), "line 1"),
            (
                "{\"version\":1,\n\"recording\":\"x\",\"lines\":\"secret\"}".to_owned(),
                "line 2, column",
            ),
            (
                r#"{"version":2,"recording":"x","lines":[]}"#.to_owned(),
                "version 2",
            ),
            (
                format!(r#"{{"version":1,"recording":"x","lines":[{many}]}}"#),
                "more than",
            ),
        ] {
            let why = ChatFile::parse(&text).unwrap_err().to_string();
            assert!(why.contains(words) && !why.contains("secret"), "{why}");
        }
    }

    #[test]
    fn names_of_files_are_those_of_recordings() {
        let name = RecordingName::parse("2026-11-21_2000-2").unwrap();
        assert_eq!(file(name), "2026-11-21_2000-2.chat.json");
        assert_eq!(parse_file(&file(name)), Some(name));
        for other in ["chat.json", "2026-11-21_2000-2.mp4", "../x.chat.json"] {
            assert_eq!(parse_file(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_holds_more_than_text(text in "(\\PC|[\u{0}\u{7}\r\n\t\u{202e}\u{2066}\u{2028}<>&\"-]){0,40}") {
            let hostile = Line { tripcode: Some(text.clone()), ..line(5, &text, &text) };
            let json = hostile.to_json();
            let whole = super::text("x", 0, [&json]);

            let read = ChatFile::parse(&whole).unwrap().lines.remove(0);

            prop_assert!(!json.contains('\n'));
            prop_assert!(!read.name.contains(char::is_control) && !read.name.is_empty());
            prop_assert!(!read.text.contains(|letter: char| letter != '\n' && letter.is_control()));
            prop_assert!(!read.text.contains(sets_direction));
            prop_assert_eq!(read.clone().cleaned(), read);
        }
    }
}
