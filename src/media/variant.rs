//! Qualities of a broadcast: what they are called, and which one a viewer chose.
//!
//! Belongs here: names. Does not belong here: where a variant comes from, what it costs
//! ([`super::rendition`]).

use std::fmt;

use serde::{Serialize, Serializer};

use super::rendition::Rendition;

/// Most variants of a broadcast besides the source.
///
/// Each keeps minutes of media in memory, and a choice of more helps nobody.
pub const MOST: usize = 4;

/// Most bytes of a name.
const LONGEST: usize = 16;

/// What the broadcast itself is called among the qualities; no variant is called so.
pub const SOURCE: &str = "source";

/// The name of a variant: 1 to 16 of `a-z`, `0-9` and `-`, a letter first, and not [`SOURCE`].
///
/// So it needs no escaping in a path, a URL, a playlist, HTML or a log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariantName {
    /// Zero behind the name, so that the order is that of the texts.
    bytes: [u8; LONGEST],
}

impl VariantName {
    /// The variant that we make ourselves.
    pub const LOW: Self = Self {
        bytes: *b"low\0\0\0\0\0\0\0\0\0\0\0\0\0",
    };

    /// The name, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins_well = text.bytes().next()?.is_ascii_lowercase();
        if !begins_well || !text.bytes().all(is_allowed) || text == SOURCE {
            return None;
        }
        let mut bytes = [0; LONGEST];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        Some(Self { bytes })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let end = self.bytes.iter().position(|&byte| byte == 0);
        let text = self.bytes.get(..end.unwrap_or(LONGEST));
        // Nothing but ASCII gets in.
        text.and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default()
    }
}

impl fmt::Display for VariantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for VariantName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Debug for VariantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// What a viewer chose to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quality {
    /// The broadcast as the encoder delivers it.
    #[default]
    Source,
    /// A variant of it.
    Variant(VariantName),
    /// The sound of the source alone.
    Sound,
}

impl Quality {
    /// The quality with a picture that is called so in addresses: the sound has an address of its
    /// own.
    pub fn parse(word: &str) -> Option<Self> {
        if word == SOURCE {
            return Some(Self::Source);
        }
        VariantName::parse(word).map(Self::Variant)
    }

    /// What of a timeline is sent for it.
    pub fn rendition(self) -> Rendition {
        match self {
            Self::Source | Self::Variant(_) => Rendition::Full,
            Self::Sound => Rendition::Sound,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_plain_short_names_are_names() {
        for name in ["low", "a", "x-2", "p240", "abcdefghijklmnop", "source-2"] {
            let parsed = VariantName::parse(name).map(|name| name.to_string());
            assert_eq!(parsed.as_deref(), Some(name));
        }
        for name in [
            "",
            "-low",
            "2x",
            "Low",
            "source",
            "../x",
            "..",
            ".",
            "a/b",
            "a b",
            "a\0",
            "ä",
            "a.b",
            "%2e",
            "abcdefghijklmnopq",
        ] {
            assert_eq!(VariantName::parse(name), None, "{name:?}");
        }
        assert_eq!(VariantName::parse("low"), Some(VariantName::LOW));
    }

    #[test]
    fn words_of_addresses_are_the_source_or_a_variant() {
        assert_eq!(Quality::parse("source"), Some(Quality::Source));
        assert_eq!(
            Quality::parse("low"),
            Some(Quality::Variant(VariantName::LOW))
        );
        assert_eq!(Quality::parse("LOW"), None);
    }

    proptest! {
        #[test]
        fn what_is_a_name_is_itself_and_needs_no_escaping(text in "\\PC{0,20}|[a-z][a-z0-9-]{0,17}") {
            if let Some(name) = VariantName::parse(&text) {
                prop_assert_eq!(name.as_str(), &text);
                prop_assert!(text.len() <= LONGEST);
                prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
            }
        }

        #[test]
        fn names_are_in_the_order_of_their_texts(a in "[a-z][a-z0-9-]{0,15}", b in "[a-z][a-z0-9-]{0,15}") {
            if let (Some(one), Some(other)) = (VariantName::parse(&a), VariantName::parse(&b)) {
                prop_assert_eq!(one.cmp(&other), a.cmp(&b));
            }
        }
    }
}
