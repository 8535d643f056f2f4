//! Names that people give themselves.
//!
//! Belongs here: which names can be shown, and which would pass for somebody else.
//! Does not belong here: who has which name.

use std::{collections::BTreeSet, fmt, sync::Arc};

use thiserror::Error;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};
use unicode_segmentation::UnicodeSegmentation as _;

use super::character::{
    JOINER, NON_JOINER, columns, has_piled_marks, is_accent, is_assigned, is_blank, is_format,
    is_invisible_letter, is_selector,
};

/// Longest name, in what a reader sees as characters (grapheme clusters).
pub const MAX_CLUSTERS: usize = 24;

/// Longest name, in bytes of UTF-8.
pub const MAX_BYTES: usize = 200;

/// Widest name, in columns of a terminal: 24 characters of Chinese.
pub const MAX_COLUMNS: usize = 48;

/// Longest input that is looked at, in bytes.
const MAX_INPUT: usize = 1024;

/// Signs that the page puts beside a name, or that look like them: nobody may type them there.
pub const INSIGNIA: &[char] = &[
    '★', '☆', '⭐', '🌟', '✪', '✯', '✓', '✔', '☑', '✅', '🛡', '⚔', '🔨', '🎥', '📹', '📷', '📸',
    '🎬', '📡', '👑', '♛', '♚', '◆', '◇', '⚑', '🔰', '🎙', '🔴', '⏺', '●', '🏅', '🎖', '🔱', '⚜',
];

/// Words that are refused when they stand anywhere in a name, even inside a longer word.
const ANYWHERE: &[&str] = &[
    "broadcaster",
    "moderator",
    "administrator",
    "onionstream",
    "streamer",
];

/// Words that are refused as a word of a name, with or without a number behind.
const AS_WORD: &[&str] = &["mod", "mods", "admin", "host", "system", "server"];

/// Words that are refused as the whole name, with or without a number behind.
const AS_WHOLE: &[&str] = &["you", "anonymous"];

/// A name of the broadcaster or a moderator that is shorter may stand inside a longer word by
/// chance: Ana in Banana.
const MIN_LETTERS_ANYWHERE: usize = 6;

/// Why a name cannot be had, each with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameRefusal {
    /// Nothing that can be seen.
    #[error("the name is empty; write at least one letter")]
    Empty,
    /// More than [`MAX_CLUSTERS`], [`MAX_BYTES`] or [`MAX_COLUMNS`].
    #[error("the name is too long; use at most {MAX_CLUSTERS} characters")]
    TooLong,
    /// A control, format, filler or direction character.
    #[error(
        "the name contains the invisible character U+{:04X}; type the name anew instead of pasting it",
        u32::from(*.found)
    )]
    Invisible {
        /// The first one.
        found: char,
    },
    /// Not in the Unicode standard, or for private use.
    #[error(
        "the name contains U+{:04X}, which most people cannot see; leave it out",
        u32::from(*.found)
    )]
    Unassigned {
        /// The first one.
        found: char,
    },
    /// Marks would lie over other lines.
    #[error("a letter of the name has too many marks on it; use at most two")]
    PiledMarks,
    /// `#` and four letters.
    #[error("the name contains what looks like somebody's tag; leave out the `#`")]
    LooksLikeTag,
    /// One of [`INSIGNIA`].
    #[error("the sign {found} is kept for badges; leave it out of the name")]
    Insignia {
        /// The first one.
        found: char,
    },
    /// Looks like a reserved name.
    #[error("the name looks like that of somebody who runs this site; choose another")]
    Reserved,
}

/// A checked name: one line, in the normal form NFKC. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DisplayName(Arc<str>);

impl DisplayName {
    /// Checks what somebody typed. White space around it and runs of it do not count; letters that
    /// differ only in their form (fullwidth, ligatures) become the plain ones.
    ///
    /// Whether the name is reserved is another question: [`Reserved::refuses`].
    ///
    /// # Errors
    ///
    /// See [`NameRefusal`].
    pub fn parse(text: &str) -> Result<Self, NameRefusal> {
        if text.len() > MAX_INPUT {
            return Err(NameRefusal::TooLong);
        }
        let name = normal(text);
        if name.chars().all(is_blank) {
            return Err(NameRefusal::Empty);
        }
        // Before the refusals for single characters: what is too long need not be read to its end.
        if name.len() > MAX_BYTES
            || name.graphemes(true).count() > MAX_CLUSTERS
            || name.graphemes(true).map(columns).sum::<usize>() > MAX_COLUMNS
        {
            return Err(NameRefusal::TooLong);
        }
        for cluster in name.graphemes(true) {
            let emoji = is_emoji(cluster);
            for found in cluster.chars() {
                let part_of_emoji = emoji && (found == JOINER || is_selector(found));
                if found.is_control()
                    || is_format(found)
                    || (!part_of_emoji
                        && (is_invisible_letter(found) || matches!(found, JOINER | NON_JOINER)))
                {
                    return Err(NameRefusal::Invisible { found });
                }
                if !is_assigned(found) {
                    return Err(NameRefusal::Unassigned { found });
                }
            }
        }
        if has_piled_marks(&name) {
            return Err(NameRefusal::PiledMarks);
        }
        if contains_tag(&name) {
            return Err(NameRefusal::LooksLikeTag);
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two names have in common that look alike: case, accents, spaces, punctuation and
    /// confusable letters (Unicode Technical Standard 39) are evened out. For comparing only.
    pub fn skeleton(&self) -> String {
        let kept: String = self
            .0
            .chars()
            .filter(|&letter| !is_separator(letter))
            .collect();
        let skeleton_of_kept = skeleton(&kept);
        if skeleton_of_kept.is_empty() {
            // A name of punctuation alone has nothing else to be compared by.
            skeleton(&self.0)
        } else {
            skeleton_of_kept
        }
    }

    /// The name for looking it up, as people type it after `@`: case does not count.
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text in the form of [`DisplayName::folded`].
pub fn fold(text: &str) -> String {
    // Twice, because lower-case letters may come out decomposed (`İ`).
    text.nfkc()
        .collect::<String>()
        .to_lowercase()
        .nfkc()
        .collect()
}

/// NFKC, single spaces, and no selectors where there is no emoji to select.
fn normal(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for word in text.nfkc().collect::<String>().split_whitespace() {
        if !name.is_empty() {
            name.push(' ');
        }
        for cluster in word.graphemes(true) {
            if is_emoji(cluster) {
                name.push_str(cluster);
            } else {
                name.extend(cluster.chars().filter(|&letter| !is_selector(letter)));
            }
        }
    }
    // A mark may have come to stand beside its letter, and a space have become the last character.
    let name: String = name.nfkc().collect();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    // A mark without a letter would sit on whatever stands before the name.
    name.trim_start_matches(|letter: char| letter == ' ' || is_combining_mark(letter))
        .to_owned()
}

fn is_emoji(cluster: &str) -> bool {
    emojis::get(cluster).is_some()
}

/// White space and punctuation of all scripts in which a name is likely, but not symbols.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_ascii_punctuation()
        || matches!(letter,
            '\u{A1}' | '\u{A7}' | '\u{AB}' | '\u{B6}' | '\u{B7}' | '\u{BB}' | '\u{BF}'
            | '\u{2010}'..='\u{205E}' | '\u{2E00}'..='\u{2E5D}' | '\u{3001}'..='\u{3003}'
            | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301F}' | '\u{30FB}')
}

/// A `#`, or a sign like it, with exactly four letters or digits behind.
fn contains_tag(name: &str) -> bool {
    let mut letters = None;
    for letter in name
        .chars()
        .filter(|&letter| !is_accent(letter) && !is_blank_inside(letter))
        .chain([' '])
    {
        letters = match (letter, letters) {
            ('#' | '♯' | '⌗' | '⋕', _) => Some(0),
            (letter, Some(count)) if letter.is_alphanumeric() => Some(count + 1),
            (_, Some(4)) => return true,
            (..) => None,
        };
    }
    false
}

/// Blank, but no end of a word.
fn is_blank_inside(letter: char) -> bool {
    is_blank(letter) && !letter.is_whitespace()
}

/// The look of a text, without its case and accents.
fn skeleton(text: &str) -> String {
    unicode_security::skeleton(&fold(text))
        .flat_map(char::to_lowercase)
        .filter(|&letter| !is_accent(letter))
        // A capital I looks like an l, and case is already gone.
        .map(|letter| match letter {
            'i' | '1' | '|' | 'ı' => 'l',
            '0' => 'o',
            '@' => 'a',
            '$' => 's',
            other => other,
        })
        .collect()
}

/// The letters of a word as they are compared.
fn letters_of(word: &str) -> String {
    skeleton(word)
        .chars()
        .filter(|&letter| is_letter(letter))
        .collect()
}

/// The two ways to compare a word: as it is (`0nion`) and without the number around it (`Admin_01`).
fn comparable(word: &str) -> [String; 2] {
    let bare = word.trim_matches(|letter: char| letter.is_numeric() || !is_letter(letter));
    [letters_of(word), letters_of(bare)]
}

/// Letters and digits, and the signs that stand for one in [`skeleton`].
fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '@' | '$' | '|') || is_combining_mark(letter)
}

/// Names that nobody may imitate, compared by what they look like.
#[derive(Debug, Clone, Default)]
pub struct Reserved {
    anywhere: BTreeSet<String>,
    as_word: BTreeSet<String>,
    as_whole: BTreeSet<String>,
}

impl Reserved {
    /// The built-in words and `names`: those of the broadcaster and the moderators.
    #[expect(
        single_use_lifetimes,
        reason = "the elided form is not stable in this place"
    )]
    pub fn new<'name>(names: impl IntoIterator<Item = &'name str>) -> Self {
        let set = |words: &[&str]| words.iter().map(|word| letters_of(word)).collect();
        let mut reserved = Self {
            anywhere: set(ANYWHERE),
            as_word: set(AS_WORD),
            as_whole: set(AS_WHOLE),
        };
        for name in names {
            let letters = letters_of(name);
            if letters.is_empty() {
                continue;
            }
            if letters.chars().count() >= MIN_LETTERS_ANYWHERE {
                reserved.anywhere.insert(letters.clone());
            }
            reserved.as_word.insert(letters);
        }
        reserved
    }

    /// Why `name` would pass for somebody it is not; `None` if it would not.
    pub fn refuses(&self, name: &DisplayName) -> Option<NameRefusal> {
        if let Some(found) = name.as_str().chars().find(|sign| INSIGNIA.contains(sign)) {
            return Some(NameRefusal::Insignia { found });
        }
        let whole = comparable(name.as_str()).iter().any(|whole| {
            self.as_whole.contains(whole)
                || self.as_word.contains(whole)
                || self.anywhere.iter().any(|word| whole.contains(word))
        });
        let part = name
            .as_str()
            .split(|letter: char| !is_letter(letter))
            .flat_map(comparable)
            .any(|word| self.as_word.contains(&word));
        (whole || part).then_some(NameRefusal::Reserved)
    }
}

#[cfg(test)]
#[path = "name_tests.rs"]
mod tests;
