//! What a request is answered with: one line of JSON.
//!
//! Belongs here: which facts an answer has, under which names. Does not belong here: finding them
//! out (`executor.rs`), tables for people.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::OnAir;
use crate::{
    media::uplink::sums::Sums,
    room::{audit::AuditEntry, order::Done, sanction::Sanction, shields::ChatMode},
};

/// An answer: `{"ok":…}` or `{"error":"…"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It was done, or here it is.
    Ok(Value),
    /// Nothing was done, and this is why.
    Error(String),
}

impl Answer {
    /// A value as an answer.
    pub fn of(value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => Self::Ok(value),
            Err(error) => Self::Error(format!("cannot write the answer: {error}")),
        }
    }
}

/// What is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// What the show is called; may be empty.
    pub title: String,
    /// Whether it is on the air.
    pub air: OnAir,
    /// How many people watch.
    pub watching: usize,
    /// How many people are here and do not watch.
    pub not_watching: usize,
    /// Responses that are open: video, panels.
    pub open_responses: usize,
    /// `http://….onion/`; `null` until it is known, and without Tor.
    pub onion: Option<String>,
    /// Whether viewers can come through Tor.
    pub reachable: bool,
    /// Where the onion service stands, in words.
    pub tor: String,
    /// Whether there is a chat.
    pub chat: ChatMode,
    /// Pinned above the chat; may be empty.
    pub announcement: String,
    /// The shields that are on.
    pub shields: Vec<&'static str>,
    /// Whether viewers need a password.
    pub viewing_password: bool,
    /// Whether only some tripcodes come in.
    pub club: bool,
    /// Sanctions that hold.
    pub bans: usize,
    /// What goes out.
    pub uplink: Sums,
}

/// An order was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Did {
    /// What was done, as a sentence.
    pub did: String,
    /// The number for `undo`; `null` if nothing was changed.
    pub number: Option<u64>,
}

impl Did {
    /// Something that leaves no entry in the log.
    pub fn only(words: impl Into<String>) -> Self {
        Self {
            did: words.into(),
            number: None,
        }
    }
}

impl From<Done> for Did {
    fn from(done: Done) -> Self {
        Self {
            did: done.words,
            number: done.entry.map(|id| id.0),
        }
    }
}

/// A sanction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ban {
    /// The number for `unban`.
    pub number: u64,
    /// `mute`, `ban` or `block`.
    pub kind: &'static str,
    /// How the person looked.
    pub who: String,
    /// Who ordered it.
    pub by: String,
    /// When it began, in milliseconds since 1970-01-01 00:00 UTC.
    pub since: u64,
    /// When it ends, likewise; `null` is for good.
    pub until: Option<u64>,
    /// Whoever shows this tripcode is meant.
    pub tripcode: Option<String>,
}

impl From<&Sanction> for Ban {
    fn from(sanction: &Sanction) -> Self {
        Self {
            number: sanction.id.0,
            kind: sanction.kind.word(),
            who: sanction.label.clone(),
            by: sanction.by.clone(),
            since: sanction.since.unix_millis(),
            until: sanction.until.map(crate::clock::WallTime::unix_millis),
            tripcode: sanction.tripcode.map(|tripcode| tripcode.to_string()),
        }
    }
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The number for `undo`.
    pub number: u64,
    /// When, in milliseconds since 1970-01-01 00:00 UTC.
    pub at: u64,
    /// Who ordered it.
    pub by: String,
    /// What was done.
    pub what: String,
    /// Whether it can be taken back.
    pub can_undo: bool,
    /// Whether it was taken back.
    pub undone: bool,
}

impl From<&AuditEntry> for Entry {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            number: entry.id.0,
            at: entry.at.unix_millis(),
            by: entry.by.clone(),
            what: entry.what.clone(),
            can_undo: entry.can_undo(),
            undone: entry.undone,
        }
    }
}
