//! Short public marks of a person: the tag beside an unnamed one, and the key behind a named one.
//!
//! Belongs here: how the two are written and read.
//! Does not belong here: where the random bits come from, and that no two people have the same
//! (the room draws again).

use std::fmt;

/// Thirty-two letters that nobody mixes up: no `i`, `l`, `o` beside `1` and `0`, and no `u`, so
/// that fewer of them spell a word (Crockford's alphabet in lower case).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Bits that one letter carries.
const BITS: u32 = 5;

/// Letters of a tag.
const TAG_LETTERS: u32 = 4;

/// Letters of a key.
const KEY_LETTERS: u32 = 8;

fn write_letters(f: &mut fmt::Formatter<'_>, bits: u64, letters: u32) -> fmt::Result {
    for place in (0..letters).rev() {
        let index = usize::try_from(bits >> (place * BITS) & 0x1F).unwrap_or_default();
        let letter = ALPHABET.get(index).copied().unwrap_or_default();
        fmt::Write::write_char(f, char::from(letter))?;
    }
    Ok(())
}

/// Exactly `letters` letters, each of the alphabet.
fn read_letters(text: &str, letters: u32) -> Option<u64> {
    if text.len() != usize::try_from(letters).ok()? {
        return None;
    }
    text.bytes().try_fold(0, |bits, letter| {
        let index = ALPHABET.iter().position(|&known| known == letter)?;
        Some(bits << BITS | u64::try_from(index).ok()?)
    })
}

/// What is shown beside a person without a name: `#` and four letters, 20 bits.
///
/// Two of 100 people have the same one by chance in 1 of 200 rooms, so the room checks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicTag(u32);

impl PublicTag {
    /// How many different tags there are.
    pub const COUNT: u32 = 1 << (TAG_LETTERS * BITS);

    /// A tag from fresh random bits, of which the lowest 20 are used.
    pub fn from_random(bits: u32) -> Self {
        Self(bits % Self::COUNT)
    }

    /// Reads what people see and type: `#` and four letters, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        let letters = text.strip_prefix('#')?.to_ascii_lowercase();
        let bits = read_letters(&letters, TAG_LETTERS)?;
        u32::try_from(bits).ok().map(Self)
    }
}

impl fmt::Display for PublicTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("#")?;
        write_letters(f, self.0.into(), TAG_LETTERS)
    }
}

/// The public id of a person for classes in style sheets and values in forms: eight letters, 40
/// bits, as long as the person is in the room.
///
/// It may begin with a digit, which a class must not: put a letter and a hyphen before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(u64);

impl PublicKey {
    /// A key from fresh random bits, of which the lowest 40 are used.
    pub fn from_random(bits: u64) -> Self {
        Self(bits % (1 << (KEY_LETTERS * BITS)))
    }

    /// Reads exactly what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        read_letters(text, KEY_LETTERS).map(Self)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_letters(f, self.0, KEY_LETTERS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tag_is_a_hash_and_four_letters() {
        assert_eq!(PublicTag::from_random(0).to_string(), "#0000");
        assert_eq!(PublicTag::from_random(u32::MAX).to_string(), "#zzzz");
        assert_eq!(
            PublicTag::from_random(0b00001_00010_00011_00100).to_string(),
            "#1234"
        );
        assert_eq!(
            PublicTag::parse("#ZZzz"),
            Some(PublicTag::from_random(u32::MAX))
        );
        for text in [
            "zzzz", "#zzz", "#zzzzz", "#zzz\n", "#zilo", "#zzzé", "", "#", "##zzz",
        ] {
            assert_eq!(PublicTag::parse(text), None, "{text:?}");
        }
    }

    /// Features 5.4-37: tags of 12 bits had 4096 values, and 76 people an even chance of two equal.
    #[test]
    fn tags_do_not_collide_as_tags_of_12_bits_do() {
        assert_eq!(PublicTag::COUNT, 1 << 20);
        let different: std::collections::BTreeSet<_> = (0..PublicTag::COUNT)
            .step_by(97)
            .map(|bits| PublicTag::from_random(bits).to_string())
            .collect();
        assert_eq!(different.len(), PublicTag::COUNT.div_ceil(97) as usize);
    }

    #[test]
    fn a_key_is_fit_for_a_class_and_a_form_and_nothing_else_is_read() {
        let key = PublicKey::from_random(u64::MAX);
        assert_eq!(key.to_string(), "zzzzzzzz");
        for text in [
            "ZZZZZZZZ",
            "zzzzzzz",
            "zzzzzzzzz",
            "zzzzzzz\n",
            "zzzzzzz\"",
            "zzzz zzz",
            "zzzzzzé",
        ] {
            assert_eq!(PublicKey::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn both_are_read_back(bits: u64, text in "\\PC{0,10}") {
            let key = PublicKey::from_random(bits);
            prop_assert_eq!(PublicKey::parse(&key.to_string()), Some(key));
            let tag = PublicTag::from_random(u32::try_from(bits % (1 << 32)).unwrap());
            prop_assert_eq!(PublicTag::parse(&tag.to_string()), Some(tag));
            if let Some(key) = PublicKey::parse(&text) {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }
}
