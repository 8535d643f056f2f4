//! Kinds of characters, as far as the rules for names and messages need them.
//!
//! Belongs here: questions about single characters, and how much room text takes.
//! Does not belong here: what is refused, which differs between a name and a message.

use unicode_normalization::char::is_combining_mark;
use unicode_security::{GeneralSecurityProfile as _, general_security_profile::IdentifierType};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Joins emoji, and letters of Indic scripts.
pub(super) const JOINER: char = '\u{200D}';

/// Parts letters that would be joined; Persian spelling needs it.
pub(super) const NON_JOINER: char = '\u{200C}';

/// Most accents on one letter: Vietnamese has two.
const MAX_ACCENTS: usize = 2;

/// Most marks of any kind on one letter, without those that stand beside it: Burmese, Tibetan and
/// pointed Hebrew have three.
const MAX_MARKS: usize = 3;

/// Characters of the category Cf (Unicode 17) except the two joiners: they are invisible, and many
/// change the direction of what follows.
pub(super) fn is_format(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}'
        | '\u{890}'..='\u{891}' | '\u{8E2}' | '\u{180E}' | '\u{200B}' | '\u{200E}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E00FF}'
        | '\u{E01F0}'..='\u{E0FFF}')
}

/// Characters of other categories that show nothing: fillers, selectors, the blank of Braille.
pub(super) fn is_invisible_letter(character: char) -> bool {
    matches!(character,
        '\u{34F}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{2800}' | '\u{3164}' | '\u{FFA0}')
        || is_selector(character)
}

/// Characters that choose between two looks of the one before, such as text and emoji.
pub(super) fn is_selector(character: char) -> bool {
    matches!(character, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// Whether nobody sees it: white space and all that shows nothing.
pub(super) fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || is_format(character)
        || is_invisible_letter(character)
        || matches!(character, JOINER | NON_JOINER)
}

/// Numbers that will never be characters.
pub(super) fn is_noncharacter(character: char) -> bool {
    let number = u32::from(character);
    number & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&number)
}

/// Whether the Unicode standard (18) says what it is: not so for unassigned numbers and those for
/// private use.
pub(super) fn is_assigned(character: char) -> bool {
    !matches!(
        character.identifier_type(),
        None | Some(IdentifierType::Not_Character)
    )
}

/// Accents that go with any letter, unlike the vowel signs of a script.
pub(super) fn is_accent(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// Whether some letter carries so many marks that they would lie over other lines ("zalgo").
pub(super) fn has_piled_marks(text: &str) -> bool {
    let (mut accents, mut marks) = (0, 0);
    for character in text.chars() {
        if is_combining_mark(character) && character.width() == Some(0) {
            if is_invisible_letter(character) {
                continue;
            }
            marks += 1;
            accents += usize::from(is_accent(character));
            if marks > MAX_MARKS || accents > MAX_ACCENTS {
                return true;
            }
        } else if !is_blank(character) || character.is_whitespace() {
            (accents, marks) = (0, 0);
        }
    }
    false
}

/// Columns that one grapheme cluster takes in a terminal; more for what is drawn much wider.
pub(super) fn columns(cluster: &str) -> usize {
    let extra: usize = cluster
        .chars()
        .map(|character| match character {
            // Vowels and ends of Hangul syllables that did not become one syllable.
            '\u{1160}'..='\u{11FF}' | '\u{D7B0}'..='\u{D7FF}' => 1,
            // Whole phrases, long dashes, cuneiform.
            '\u{FDFD}' => 11,
            '\u{FDFA}' | '\u{FDFB}' | '\u{2E3B}' => 5,
            '\u{2E3A}' | '\u{12000}'..='\u{1254F}' => 3,
            _ => 0,
        })
        .sum();
    cluster.width() + extra
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unassigned_and_private_numbers_are_told_from_characters() {
        for character in [
            'a', 'ß', 'م', '夜', '🧅', '\u{301}', 'ி', '★', ' ', '₿', '🫩',
        ] {
            assert!(is_assigned(character), "U+{:04X}", u32::from(character));
        }
        for character in [
            '\u{378}',
            '\u{E000}',
            '\u{F0000}',
            '\u{10FFFD}',
            '\u{FDD0}',
            '\u{1FFFE}',
        ] {
            assert!(!is_assigned(character), "U+{:04X}", u32::from(character));
        }
        assert!(
            is_noncharacter('\u{FFFF}')
                && is_noncharacter('\u{10FFFE}')
                && is_noncharacter('\u{FDEF}')
        );
        assert!(!is_noncharacter('\u{FFFD}') && !is_noncharacter('\u{E000}'));
    }

    #[test]
    fn every_invisible_character_counts_as_blank() {
        for character in [
            ' ',
            '\n',
            '\0',
            '\u{85}',
            '\u{A0}',
            '\u{AD}',
            '\u{34F}',
            '\u{200B}',
            '\u{200D}',
            '\u{202E}',
            '\u{2066}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{FE0F}',
            '\u{FEFF}',
            '\u{E0041}',
            '\u{E0100}',
        ] {
            assert!(is_blank(character), "U+{:04X}", u32::from(character));
        }
        assert!(!"aß夜🧅.".chars().any(is_blank));
    }

    #[test]
    fn piled_marks_are_told_from_spelling() {
        for text in [
            "Việt Nam",
            "e\u{302}\u{323}",
            "ที่นี่",
            "น้ำ",
            "हिन्दी",
            "ကြော်",
            "လွှဲ",
            "བསྒྲུབས",
            "שָּׁלוֹם",
            "مُحَمَّد",
            "1\u{FE0F}\u{20E3}",
        ] {
            assert!(!has_piled_marks(text), "{text}");
        }
        for text in [
            "e\u{301}\u{301}\u{301}",
            "ก็็็็",
            "e\u{301}\u{200D}\u{301}\u{34F}\u{301}",
            "e\u{301}\u{FE0F}\u{301}\u{FE0F}\u{301}",
        ] {
            assert!(has_piled_marks(text), "{text:?}");
        }
    }

    #[test]
    fn wide_characters_take_the_columns_they_are_drawn_in() {
        for (cluster, expected) in [
            ("a", 1),
            ("夜", 2),
            ("👩‍👧", 2),
            ("e\u{301}", 1),
            ("\u{FDFD}", 12),
            ("\u{1161}", 1),
        ] {
            assert_eq!(columns(cluster), expected, "{cluster}");
        }
    }
}
