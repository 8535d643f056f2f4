//! Shields: switches that change the rules for everybody at once.

use serde::{Deserialize, Serialize};

/// Whether there is a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatMode {
    /// Beside the picture.
    #[default]
    Shown,
    /// Not until a viewer asks for it.
    Hidden,
    /// Not at all.
    Off,
}

impl ChatMode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Shown, Self::Hidden, Self::Off];

    /// The word for it in forms and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Hidden => "hidden",
            Self::Off => "off",
        }
    }

    /// Reads [`ChatMode::word`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }
}

/// The switches. All off is how a show begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "six switches that are independent of each other"
)]
pub struct Shields {
    /// Everybody waits longer between messages.
    pub slow: bool,
    /// Every message needs a captcha.
    pub captcha_always: bool,
    /// Only people with a tripcode write.
    pub tripcodes_only: bool,
    /// Only the broadcaster and moderators write.
    pub read_only: bool,
    /// Addresses in messages are plain text.
    pub links_off: bool,
    /// The word filters are for the broadcaster too.
    pub filter_broadcaster: bool,
    /// Whether there is a chat.
    pub chat: ChatMode,
}

/// One of the switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shield {
    /// [`Shields::slow`].
    Slow,
    /// [`Shields::captcha_always`].
    CaptchaAlways,
    /// [`Shields::tripcodes_only`].
    TripcodesOnly,
    /// [`Shields::read_only`].
    ReadOnly,
    /// [`Shields::links_off`].
    LinksOff,
    /// [`Shields::filter_broadcaster`].
    FilterBroadcaster,
}

impl Shield {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Slow,
        Self::CaptchaAlways,
        Self::TripcodesOnly,
        Self::ReadOnly,
        Self::LinksOff,
        Self::FilterBroadcaster,
    ];

    /// The word for it in forms and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::CaptchaAlways => "captcha-always",
            Self::TripcodesOnly => "tripcodes-only",
            Self::ReadOnly => "read-only",
            Self::LinksOff => "links-off",
            Self::FilterBroadcaster => "filter-broadcaster",
        }
    }

    /// Reads [`Shield::word`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shield| shield.word() == word)
    }

    /// What it does, in words for the desk.
    pub fn says(self) -> &'static str {
        match self {
            Self::Slow => "everybody waits longer between messages",
            Self::CaptchaAlways => "every message needs a captcha",
            Self::TripcodesOnly => "only people with a tripcode write",
            Self::ReadOnly => "only you and moderators write",
            Self::LinksOff => "addresses in messages are plain text",
            Self::FilterBroadcaster => "the word filters are for you too",
        }
    }
}

impl Shields {
    /// Whether a switch is on.
    pub fn is_on(&self, shield: Shield) -> bool {
        match shield {
            Shield::Slow => self.slow,
            Shield::CaptchaAlways => self.captcha_always,
            Shield::TripcodesOnly => self.tripcodes_only,
            Shield::ReadOnly => self.read_only,
            Shield::LinksOff => self.links_off,
            Shield::FilterBroadcaster => self.filter_broadcaster,
        }
    }

    /// The same with one switch on or off.
    #[must_use]
    pub fn with(mut self, shield: Shield, on: bool) -> Self {
        let switch = match shield {
            Shield::Slow => &mut self.slow,
            Shield::CaptchaAlways => &mut self.captcha_always,
            Shield::TripcodesOnly => &mut self.tripcodes_only,
            Shield::ReadOnly => &mut self.read_only,
            Shield::LinksOff => &mut self.links_off,
            Shield::FilterBroadcaster => &mut self.filter_broadcaster,
        };
        *switch = on;
        self
    }

    /// What a raid calls for: the way in, the pace and the links at once.
    #[must_use]
    pub fn against_a_raid(self) -> Self {
        Self {
            slow: true,
            captcha_always: true,
            links_off: true,
            ..self
        }
    }
}
