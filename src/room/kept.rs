//! What survives a restart: bans, moderators, filters, switches, and the words of the show.
//!
//! Plain data for a small file that people can read and edit. Nothing about viewers is in it but
//! what finds those who were sanctioned again: digests of their tokens, and their tripcodes.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    Room,
    access::{MAX_CLUB, ViewingPassword},
    desk::{Desk, MAX_MODERATORS},
    filter::{FilterRule, Filters},
    sanction::{CAPACITY, Sanction, SanctionId, SanctionKind},
    session::TokenDigest,
    shields::Shields,
    show::Show,
    tripcode::Tripcode,
};
use crate::{clock::WallTime, room::order::Effect};

/// Longest label that is read back, in bytes.
const MAX_LABEL: usize = 256;

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kept {
    /// The hash of the viewing password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewing_password: Option<String>,
    /// The tripcodes of the secret club.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub club: Option<Vec<String>>,
    /// Word filters, one rule each.
    pub filters: Vec<String>,
    /// The switches.
    pub shields: Shields,
    /// The words of the show.
    pub show: Show,
    /// Moderators by tripcode.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moderators: Vec<KeptModerator>,
    /// Who may not write or be here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sanctions: Vec<KeptSanction>,
}

/// A moderator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptModerator {
    /// Their tripcode.
    pub tripcode: String,
    /// What they are called.
    #[serde(default)]
    pub label: String,
}

/// A sanction.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptSanction {
    /// `mute`, `ban` or `block`.
    pub kind: String,
    /// How the person looked.
    #[serde(default)]
    pub label: String,
    /// Who ordered it.
    #[serde(default)]
    pub by: String,
    /// When it began, in milliseconds since 1970.
    pub since: u64,
    /// When it ends, in milliseconds since 1970; for good if it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Their tripcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tripcode: Option<String>,
    /// SHA-256 of their tokens, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<String>,
}

impl std::fmt::Debug for KeptSanction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeptSanction({})", self.kind)
    }
}

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeptError {
    /// Not TOML, or something that is not expected in it.
    #[error("{0}")]
    Syntax(String),
    /// A value that is none.
    #[error("`{what}`: `{value}` is not {expected}")]
    Value {
        /// The key.
        what: &'static str,
        /// The value, cut.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// More entries than there may be.
    #[error("`{what}` has more than {limit} entries")]
    TooMany {
        /// The key.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A word filter that is none.
    #[error("`filters`: {0}")]
    Filter(String),
    /// Something about the words of the show.
    #[error("`show`: {0}")]
    Show(String),
}

fn wrong(what: &'static str, value: &str, expected: &'static str) -> KeptError {
    KeptError::Value {
        what,
        value: value.chars().take(40).collect(),
        expected,
    }
}

impl Kept {
    /// Reads the file's text.
    pub fn parse(text: &str) -> Result<Self, KeptError> {
        toml::from_str(text).map_err(|error| KeptError::Syntax(error.to_string()))
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        // Plain strings, numbers and lists: nothing in it has no form in TOML.
        toml::to_string(self).unwrap_or_default()
    }

    pub(super) fn of(desk: &Desk) -> Self {
        Self {
            viewing_password: desk
                .access
                .password()
                .map(|password| password.as_str().to_owned()),
            club: desk
                .access
                .club()
                .map(|club| club.iter().map(Tripcode::to_string).collect()),
            filters: desk.rules.iter().map(FilterRule::to_string).collect(),
            shields: desk.shields,
            show: Show::clone(&desk.show),
            moderators: desk
                .moderators
                .iter()
                .map(|(tripcode, label)| KeptModerator {
                    tripcode: tripcode.to_string(),
                    label: label.clone(),
                })
                .collect(),
            sanctions: desk.sanctions.iter().map(KeptSanction::of).collect(),
        }
    }
}

impl KeptSanction {
    fn of(sanction: &Sanction) -> Self {
        Self {
            kind: sanction.kind.word().to_owned(),
            label: sanction.label.clone(),
            by: sanction.by.clone(),
            since: sanction.since.unix_millis(),
            until: sanction.until.map(WallTime::unix_millis),
            tripcode: sanction.tripcode.map(|tripcode| tripcode.to_string()),
            tokens: sanction
                .tokens
                .iter()
                .map(|digest| data_encoding::HEXLOWER.encode(digest))
                .collect(),
        }
    }

    fn read(&self) -> Result<Sanction, KeptError> {
        let kind = SanctionKind::parse(&self.kind)
            .ok_or_else(|| wrong("kind", &self.kind, "`mute`, `ban` or `block`"))?;
        let tokens = self.tokens.iter().map(|text| {
            let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
            bytes
                .and_then(|bytes| TokenDigest::try_from(bytes).ok())
                .ok_or_else(|| wrong("tokens", text, "64 hexadecimal digits"))
        });
        Ok(Sanction {
            id: SanctionId(0),
            kind,
            label: cut(&self.label),
            by: cut(&self.by),
            since: WallTime::from_unix_millis(self.since),
            until: self.until.map(WallTime::from_unix_millis),
            tripcode: self.tripcode.as_deref().map(tripcode).transpose()?,
            tokens: tokens.collect::<Result<_, _>>()?,
        })
    }
}

/// A label without what could break a page or a terminal, and not too long.
fn cut(label: &str) -> String {
    let mut bytes = 0;
    label
        .chars()
        .filter(|letter| !letter.is_control())
        .take_while(|letter| {
            bytes += letter.len_utf8();
            bytes <= MAX_LABEL
        })
        .collect()
}

fn tripcode(text: &str) -> Result<Tripcode, KeptError> {
    Tripcode::parse(text).ok_or_else(|| wrong("tripcode", text, "a tripcode of 16 letters"))
}

fn bounded<T>(what: &'static str, list: &[T], limit: usize) -> Result<(), KeptError> {
    if list.len() > limit {
        return Err(KeptError::TooMany { what, limit });
    }
    Ok(())
}

impl Room {
    /// Takes over what was kept; all of it or nothing.
    ///
    /// # Errors
    ///
    /// What is wrong with it; the room is as it was.
    pub fn restore(&mut self, kept: &Kept, wall: WallTime) -> Result<(), KeptError> {
        bounded("sanctions", &kept.sanctions, CAPACITY)?;
        bounded("moderators", &kept.moderators, MAX_MODERATORS)?;
        bounded("club", kept.club.as_deref().unwrap_or_default(), MAX_CLUB)?;
        let rules = kept
            .filters
            .iter()
            .map(|line| {
                FilterRule::parse(line).map_err(|error| KeptError::Filter(error.to_string()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let filters =
            Filters::compile(&rules).map_err(|error| KeptError::Filter(error.to_string()))?;
        let moderators = kept
            .moderators
            .iter()
            .map(|kept| Ok((tripcode(&kept.tripcode)?, cut(&kept.label))))
            .collect::<Result<_, KeptError>>()?;
        let club = kept
            .club
            .as_ref()
            .map(|club| {
                club.iter()
                    .map(|text| tripcode(text))
                    .collect::<Result<BTreeSet<_>, _>>()
            })
            .transpose()?;
        let restored = kept
            .sanctions
            .iter()
            .map(KeptSanction::read)
            .collect::<Result<Vec<_>, _>>()?;
        kept.show
            .check()
            .map_err(|error| KeptError::Show(error.to_string()))?;

        let desk = &mut self.desk;
        let password = kept
            .viewing_password
            .as_deref()
            .map(ViewingPassword::from_hash);
        if desk.access.password != password {
            desk.access.set_password(password);
        }
        desk.access.club = club;
        desk.rules = rules;
        desk.filters = filters;
        desk.shields = kept.shields;
        desk.moderators = moderators;
        desk.show = Arc::new(kept.show.clone());
        desk.sanctions.clear();
        for sanction in restored.into_iter().filter(|sanction| sanction.holds(wall)) {
            // The list is within the bound.
            let _added = desk.sanctions.restore(sanction, wall);
        }
        // Sanctions of sessions that are here stay attached to them.
        let here: Vec<_> = self.sessions.iter().map(|(viewer, ..)| viewer).collect();
        for viewer in here {
            if let Some(digest) = self.sessions.digest_of(viewer) {
                self.desk.sanctions.follow(&digest, viewer, digest);
            }
            self.rank(viewer);
        }
        self.effects.extend([
            Effect::Shields(kept.shields),
            Effect::Show(Arc::clone(&self.desk.show)),
            Effect::Enforce,
        ]);
        Ok(())
    }
}
