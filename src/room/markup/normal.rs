//! The normal form of a message, and its limits.
//!
//! Belongs here: what is left out, what is counted, when it is too much.
//! Does not belong here: what the text means.

use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::{
    super::character::{columns, has_piled_marks, is_blank, is_format, is_noncharacter},
    COLUMNS, MAX_CHARACTERS, MAX_LINES, MAX_ROWS, TextRefusal,
};

/// Longest input that is looked at, in bytes: far more than a message may have.
const MAX_INPUT: usize = 16 * 1024;

/// A text within the limits.
pub(super) struct Normal {
    pub(super) text: String,
    pub(super) rows: usize,
    pub(super) characters: usize,
}

/// The normal form of what somebody typed.
pub(super) fn checked(text: &str) -> Result<Normal, TextRefusal> {
    if text.len() > MAX_INPUT {
        return Err(TextRefusal::TooLong {
            characters: text.chars().count(),
        });
    }
    let text = normal(text);
    if text.chars().all(is_blank) {
        return Err(TextRefusal::Empty);
    }
    let characters = text.chars().count();
    if characters > MAX_CHARACTERS {
        return Err(TextRefusal::TooLong { characters });
    }
    let lines = text.split('\n').count();
    if lines > MAX_LINES {
        return Err(TextRefusal::TooManyLines { lines });
    }
    let rows = text.split('\n').map(rows).sum();
    if rows > MAX_ROWS {
        return Err(TextRefusal::TooManyRows { rows });
    }
    if has_piled_marks(&text) {
        return Err(TextRefusal::PiledMarks);
    }
    Ok(Normal {
        text,
        rows,
        characters,
    })
}

/// One kind of line end, nothing invisible, NFC, nothing blank around it.
pub(super) fn normal(text: &str) -> String {
    let text: String = text
        .replace("\r\n", "\n")
        .chars()
        .map(|character| match character {
            '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
            '\t' => ' ',
            other => other,
        })
        .filter(|&character| {
            character == '\n'
                || !(character.is_control() || is_format(character) || is_noncharacter(character))
        })
        .nfc()
        .collect();
    let lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
    let is_seen = |line: &&str| !line.chars().all(is_blank);
    let first = lines.iter().position(is_seen).unwrap_or(0);
    let last = lines.iter().rposition(is_seen).unwrap_or(0);
    lines.get(first..=last).unwrap_or_default().join("\n")
}

/// Rows that one line takes: words go to the next row as a whole, longer ones are broken.
fn rows(line: &str) -> usize {
    let (mut rows, mut column) = (1, 0);
    for piece in line.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let width: usize = word.graphemes(true).map(columns).sum();
        if column > 0 && column + width > COLUMNS {
            rows += 1;
            column = 0;
        }
        for cluster in word.graphemes(true) {
            let width = columns(cluster);
            if column > 0 && column + width > COLUMNS {
                rows += 1;
                column = 0;
            }
            column += width;
            rows += column.saturating_sub(1) / COLUMNS;
            column = column.min(COLUMNS);
        }
        // A space at the end of a row takes no room.
        let space: usize = piece
            .chars()
            .rev()
            .take_while(|letter| letter.is_whitespace())
            .count();
        column = (column + space).min(COLUMNS);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_a_window_breaks_lines() {
        let word = |letters: usize| "x".repeat(letters);
        for (line, expected) in [
            (String::new(), 1),
            (word(48), 1),
            (word(49), 2),
            (word(96), 2),
            (word(512), 11),
            (format!("{} {}", word(24), word(24)), 2),
            (format!("{} {}", word(23), word(24)), 1),
            (format!("{} {}", word(2), word(96)), 3),
            ("夜".repeat(24), 1),
            ("夜".repeat(25), 2),
            ("x".to_owned() + &"夜".repeat(24), 2),
            ("👩‍👧".repeat(24), 1),
            ("x ".repeat(24), 1),
            ("\u{FDFD}".repeat(40), 10),
        ] {
            assert_eq!(rows(&line), expected, "{line}");
        }
    }

    #[test]
    fn line_ends_become_one_kind_and_blank_edges_go() {
        for (text, expected) in [
            (
                "a\r\nb\rc\u{2028}d\u{2029}e\u{85}f\u{B}g\u{C}h",
                "a\nb\nc\nd\ne\nf\ng\nh",
            ),
            ("\n \n\u{3164}\n  a  \n\n b\t\n \u{200B}\n\n", "  a\n\n b"),
            ("a\tb", "a b"),
            ("a\n\r\nb", "a\n\nb"),
            ("", ""),
            (" \n ", ""),
        ] {
            assert_eq!(normal(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_invisible_or_turns_the_text_around_is_left_out() {
        assert_eq!(
            normal("a\u{202E}b\u{2066}c\u{200F}d\u{FEFF}e\u{AD}f\0g\u{7F}h\u{E0041}i\u{FFFE}"),
            "abcdefghi"
        );
        for text in ["می\u{200C}خواهم", "👩\u{200D}👧", "שלום", "क्\u{200D}ष"]
        {
            assert_eq!(normal(text), text);
        }
    }
}
