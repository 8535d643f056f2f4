//! Text that a terminal shows and does not obey.
//!
//! What people write in the chat is checked when it comes in. This is for what was overlooked there,
//! and for text that comes from elsewhere.

use std::fmt::Write as _;

/// Whether a terminal could take it as a command, or show it as nothing, or in another order.
fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// One line: what is unsafe becomes `�`, a line end `⏎`.
pub(super) fn line(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' => '⏎',
            letter if is_unsafe(letter) => char::REPLACEMENT_CHARACTER,
            letter => letter,
        })
        .collect()
}

/// Several lines, of which only the first begins at the left.
pub(super) fn paragraph(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(line).collect();
    lines.join("\n      ")
}

/// JSON in one line, in which unsafe characters are written as `\u` and four digits: the same value.
///
/// Outside of strings JSON has none of them.
pub(super) fn json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_unsafe(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _written = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(letter);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\x1b[2J\u{9b}b\r\n\u{202E}c\u{7f}\u{E0041}é夜";

    #[test]
    fn no_text_can_command_a_terminal() {
        assert_eq!(line(HOSTILE), "a�[2J�b�⏎�c��é夜");
        assert_eq!(paragraph("one\ntwo\x07"), "one\n      two�");
    }

    #[test]
    fn json_stays_the_same_value_without_a_character_that_could_do_harm() {
        let text = serde_json::to_string(HOSTILE).unwrap();

        let safe = json(&text);

        assert!(!safe.chars().any(is_unsafe), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), HOSTILE);
    }
}
