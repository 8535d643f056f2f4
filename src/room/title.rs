//! The title of the broadcast: one short line of plain text.
//!
//! Belongs here: what may be a title.
//! Does not belong here: the file it comes from (`ingest/title.rs`) and how it is shown.

use std::{fmt, sync::Arc};

use thiserror::Error;

/// Longest title, in Unicode scalar values (`char`); a flag or a family may count as several.
pub const MAX_TITLE_CHARS: usize = 200;

/// Longest input that is looked at, in bytes.
pub const MAX_TITLE_BYTES: usize = 4 * 1024;

/// Why text cannot be a title.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TitleError {
    /// More than [`MAX_TITLE_BYTES`].
    #[error("the title has more than {MAX_TITLE_BYTES} bytes")]
    TooManyBytes,
    /// More than [`MAX_TITLE_CHARS`].
    #[error("the title has {chars} characters; {MAX_TITLE_CHARS} are allowed")]
    TooLong {
        /// How many.
        chars: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("the title is not UTF-8 text (byte {at}); save the file as UTF-8")]
    NotText {
        /// The first wrong byte, counted from 0.
        at: usize,
    },
    /// Text in a second line.
    #[error("the title has more than one line")]
    SeveralLines,
    /// A character that is invisible or changes the direction of what follows.
    #[error("the title contains the invisible character U+{:04X}", u32::from(*.found))]
    Invisible {
        /// The first one.
        found: char,
    },
}

/// A checked title. Empty by default; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(Arc<str>);

impl Title {
    /// Checks the content of a title file; white space around the text does not count.
    ///
    /// # Errors
    ///
    /// See [`TitleError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TitleError> {
        if bytes.len() > MAX_TITLE_BYTES {
            return Err(TitleError::TooManyBytes);
        }
        let text = std::str::from_utf8(bytes).map_err(|error| TitleError::NotText {
            at: error.valid_up_to(),
        })?;
        // Some editors mark UTF-8 files with a byte order mark.
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text).trim();
        if text.contains([
            '\n', '\r', '\u{0B}', '\u{0C}', '\u{85}', '\u{2028}', '\u{2029}',
        ]) {
            return Err(TitleError::SeveralLines);
        }
        if let Some(found) = text.chars().find(|&character| is_invisible(character)) {
            return Err(TitleError::Invisible { found });
        }
        let chars = text.chars().count();
        if chars > MAX_TITLE_CHARS {
            return Err(TitleError::TooLong { chars });
        }
        Ok(Self(text.into()))
    }

    /// The text; may be empty.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Title {
    fn default() -> Self {
        Self(Arc::from(""))
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Control characters and those of the category Cf (Unicode 17), except the joiners U+200C and
/// U+200D, which Persian and many emoji need.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{AD}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}'
            | '\u{890}'..='\u{891}' | '\u{8E2}' | '\u{180E}' | '\u{200B}' | '\u{200E}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_space_around_the_text_does_not_count() {
        for bytes in [
            "  Night train\n",
            "Night train\r\n\n",
            "\u{FEFF}Night train",
            "Night train",
        ] {
            assert_eq!(
                Title::parse(bytes.as_bytes()).unwrap().as_str(),
                "Night train"
            );
        }
        assert_eq!(Title::parse(b" \n").unwrap(), Title::default());
    }

    #[test]
    fn titles_in_any_script_and_joined_emoji_are_allowed() {
        for text in ["می‌خواهم", "夜の列車", "👩‍👧 at home", "<b>not html</b>"]
        {
            assert_eq!(Title::parse(text.as_bytes()).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_would_break_the_page_or_deceive_its_reader_is_refused() {
        let table: [(&[u8], TitleError); 8] = [
            (b"one\ntwo", TitleError::SeveralLines),
            ("one\u{2028}two".as_bytes(), TitleError::SeveralLines),
            (b"\xFFx", TitleError::NotText { at: 0 }),
            (b"a\tb", TitleError::Invisible { found: '\t' }),
            (b"a\0b", TitleError::Invisible { found: '\0' }),
            (
                "a\u{202E}b".as_bytes(),
                TitleError::Invisible { found: '\u{202E}' },
            ),
            (
                "a\u{2066}b".as_bytes(),
                TitleError::Invisible { found: '\u{2066}' },
            ),
            (&[b' '; MAX_TITLE_BYTES + 1], TitleError::TooManyBytes),
        ];
        for (bytes, expected) in table {
            assert_eq!(Title::parse(bytes), Err(expected));
        }
        assert_eq!(
            Title::parse("a\u{202E}b".as_bytes())
                .unwrap_err()
                .to_string(),
            "the title contains the invisible character U+202E"
        );
    }

    #[test]
    fn the_limit_counts_characters_and_not_bytes() {
        assert!(Title::parse("ß".repeat(200).as_bytes()).is_ok());
        assert_eq!(
            Title::parse("ß".repeat(201).as_bytes()),
            Err(TitleError::TooLong { chars: 201 })
        );
    }

    proptest! {
        #[test]
        fn an_accepted_title_is_one_line_and_reads_back_unchanged(bytes in "\\PC{0,20}[\\s\\u{0}-\\u{300}]{0,3}") {
            if let Ok(title) = Title::parse(bytes.as_bytes()) {
                prop_assert!(!title.as_str().contains('\n'));
                prop_assert_eq!(Title::parse(title.as_str().as_bytes()), Ok(title));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(Title::parse(&bytes));
        }
    }
}
