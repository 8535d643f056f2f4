//! The broadcaster's own emoji: which names mean a picture.
//!
//! Belongs here: the table that `:name:` is looked up in.
//! Does not belong here: the pictures and the directory they come from (`emotes.rs`).

use std::collections::BTreeMap;

use thiserror::Error;

/// Most emotes in a table.
pub const MAX_EMOTES: usize = 500;

/// Shortest and longest name, in bytes, which are characters here.
pub const NAME_BYTES: std::ops::RangeInclusive<usize> = 2..=32;

/// Widest and highest picture, in pixels.
pub const MAX_SIDE: u32 = 128;

/// One picture that can be put into a message as `:name:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emote {
    /// 2 to 32 of `A-Z a-z 0-9 _ -`.
    pub name: String,
    /// In pixels, 1 to [`MAX_SIDE`].
    pub width: u32,
    /// In pixels, 1 to [`MAX_SIDE`].
    pub height: u32,
    /// Number of the picture, for its address.
    pub id: u32,
}

/// Why an emote does not come into the table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EmoteRefusal {
    /// Other characters, too few or too many.
    #[error("the name must be 2 to 32 of the characters `A-Z a-z 0-9 _ -`")]
    Name,
    /// The name is taken.
    #[error("the name is there twice; give each emote its own")]
    Twice,
    /// The number is taken.
    #[error("another emote has the same picture number")]
    SameId,
    /// No pixels, or too many.
    #[error("the picture has {width}×{height} pixels; 1×1 to {MAX_SIDE}×{MAX_SIDE} are allowed")]
    Size {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// [`MAX_EMOTES`] are there.
    #[error("there are more than {MAX_EMOTES} emotes; take some out")]
    TooMany,
}

/// All emotes by name. Empty by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EmoteTable(BTreeMap<String, Emote>);

impl EmoteTable {
    /// Adds one.
    ///
    /// # Errors
    ///
    /// See [`EmoteRefusal`]; the table is then unchanged.
    pub fn add(&mut self, emote: Emote) -> Result<(), EmoteRefusal> {
        if !is_name(&emote.name) {
            return Err(EmoteRefusal::Name);
        }
        let sides = 1..=MAX_SIDE;
        if !sides.contains(&emote.width) || !sides.contains(&emote.height) {
            return Err(EmoteRefusal::Size {
                width: emote.width,
                height: emote.height,
            });
        }
        if self.0.contains_key(&emote.name) {
            return Err(EmoteRefusal::Twice);
        }
        if self.0.values().any(|known| known.id == emote.id) {
            return Err(EmoteRefusal::SameId);
        }
        if self.0.len() >= MAX_EMOTES {
            return Err(EmoteRefusal::TooMany);
        }
        self.0.insert(emote.name.clone(), emote);
        Ok(())
    }

    /// The emote of exactly this name; case counts.
    pub fn get(&self, name: &str) -> Option<&Emote> {
        self.0.get(name)
    }

    /// All, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Emote> {
        self.0.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether an emote may be called so.
pub fn is_name(name: &str) -> bool {
    NAME_BYTES.contains(&name.len())
        && name
            .bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || b"_-".contains(&letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emote(name: &str, id: u32) -> Emote {
        Emote {
            name: name.to_owned(),
            width: 32,
            height: 32,
            id,
        }
    }

    #[test]
    fn emotes_are_found_by_their_exact_name_and_listed_in_order() {
        let mut table = EmoteTable::default();
        assert!(table.is_empty());
        for (id, name) in ["wave", "Bow", "class"].into_iter().enumerate() {
            table.add(emote(name, u32::try_from(id).unwrap())).unwrap();
        }

        assert_eq!(table.get("wave").unwrap().id, 0);
        assert_eq!(table.get("Wave"), None);
        let names: Vec<_> = table.iter().map(|emote| emote.name.as_str()).collect();
        assert_eq!(names, ["Bow", "class", "wave"]);
        assert_eq!(table.len(), 3);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_changes_nothing() {
        let mut table = EmoteTable::default();
        table.add(emote("wave", 1)).unwrap();
        let long = "x".repeat(33);
        for name in ["", "a", &long, "a b", "a:b", "é!", "a\n", "<b>", "a\""] {
            assert_eq!(
                table.add(emote(name, 2)),
                Err(EmoteRefusal::Name),
                "{name:?}"
            );
        }
        assert_eq!(table.add(emote("wave", 2)), Err(EmoteRefusal::Twice));
        assert_eq!(table.add(emote("bow", 1)), Err(EmoteRefusal::SameId));
        for (width, height) in [(0, 32), (32, 0), (129, 32), (32, u32::MAX)] {
            let refused = Emote {
                width,
                height,
                ..emote("bow", 2)
            };
            assert_eq!(
                table.add(refused),
                Err(EmoteRefusal::Size { width, height })
            );
        }
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn the_table_has_an_end() {
        let mut table = EmoteTable::default();
        for id in 0..500 {
            table.add(emote(&format!("e{id}"), id)).unwrap();
        }
        assert_eq!(
            table.add(emote("one_more", 500)),
            Err(EmoteRefusal::TooMany)
        );
    }
}
