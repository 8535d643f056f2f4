//! A person in the room: how they look, what they may, and what they did lately.

use std::fmt;

use super::{
    colour::Colour,
    desk::Seat,
    flood::Pace,
    name::DisplayName,
    nonce::Nonces,
    tag::{PublicKey, PublicTag},
    theme::Theme,
    tripcode::Tripcode,
};
use crate::{clock::Tick, media::variant::Quality};

/// What a person may do. Higher is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Watches and talks.
    Viewer,
    /// Helps to keep order.
    Moderator,
    /// Runs the show.
    Broadcaster,
}

/// How a person looks to others. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The stable public id; the only handle others have.
    pub key: PublicKey,
    /// Shown while they have no name.
    pub tag: PublicTag,
    /// The name they chose.
    pub name: Option<DisplayName>,
    /// The colour of the name.
    pub colour: Colour,
    /// The tripcode they set.
    pub tripcode: Option<Tripcode>,
    /// What they may do.
    pub role: Role,
}

/// Whether the next message needs a captcha.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A captcha is due.
    Due,
    /// Not before so many more messages.
    Good {
        /// Messages until the next captcha.
        messages_left: u32,
    },
}

/// Everything the room knows of a person.
pub struct Person {
    /// How they look.
    pub identity: Identity,
    /// Whether they solved the captcha at the entrance.
    pub has_entered: bool,
    /// Whether the next message needs a captcha.
    pub proof: Proof,
    /// The viewing password they know, by its number.
    pub knows_password: Option<u64>,
    /// Their place at the desk, if they logged in.
    pub seat: Option<Seat>,
    /// What they said and changed lately.
    pub pace: Pace,
    /// Their open forms.
    pub nonces: Nonces,
    /// Their open pages whose forms can be used again and again: those that never end.
    pub bearers: Nonces,
    /// Their choice of colours for the pages.
    pub theme: Theme,
    /// What they chose to watch or hear.
    pub quality: Quality,
    /// Whether what they say may be kept with a recording, see [`super::consent`].
    pub may_be_kept: bool,
    /// When they first came; the order of the list of people.
    pub came: Tick,
}

impl fmt::Debug for Person {
    /// Without anything about the person: logs must not be able to follow them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person")
    }
}

impl Person {
    /// Somebody who has just come.
    pub fn new(key: PublicKey, tag: PublicTag, colour: Colour, now: Tick) -> Self {
        Self {
            identity: Identity {
                key,
                tag,
                name: None,
                colour,
                tripcode: None,
                role: Role::Viewer,
            },
            has_entered: false,
            knows_password: None,
            seat: None,
            proof: Proof::Due,
            pace: Pace::default(),
            nonces: Nonces::default(),
            bearers: Nonces::default(),
            theme: Theme::default(),
            quality: Quality::default(),
            may_be_kept: true,
            came: now,
        }
    }

    /// Whether they keep order here.
    pub fn is_staff(&self) -> bool {
        self.identity.role > Role::Viewer
    }

    /// The broadcaster is free of captchas, flood rules and sanctions.
    pub fn is_exempt(&self) -> bool {
        self.identity.role == Role::Broadcaster
    }
}
