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

/// Another position of one switch, whatever the others are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShieldChange {
    /// On or off.
    Switch(Shield, bool),
    /// Whether there is a chat.
    Chat(ChatMode),
}

impl Shields {
    /// The same with one change.
    #[must_use]
    pub fn changed(self, change: ShieldChange) -> Self {
        match change {
            ShieldChange::Switch(shield, on) => self.with(shield, on),
            ShieldChange::Chat(chat) => Self { chat, ..self },
        }
    }

    /// What makes `after` of these, and nothing more.
    pub fn changes_to(self, after: Self) -> Vec<ShieldChange> {
        let switches = Shield::ALL
            .into_iter()
            .filter(|shield| self.is_on(*shield) != after.is_on(*shield))
            .map(|shield| ShieldChange::Switch(shield, after.is_on(shield)));
        let chat = (self.chat != after.chat).then_some(ShieldChange::Chat(after.chat));
        switches.chain(chat).collect()
    }

    /// All of them as words with spaces between, the chat's last.
    pub fn words(self) -> String {
        let on = Shield::ALL
            .into_iter()
            .filter(|shield| self.is_on(*shield))
            .map(Shield::word);
        on.chain([self.chat.word()]).collect::<Vec<_>>().join(" ")
    }

    /// Reads [`Shields::words`]; `None` for anything else.
    pub fn parse(words: &str) -> Option<Self> {
        let (on, chat) = words.rsplit_once(' ').unwrap_or(("", words));
        let shields = Self {
            chat: ChatMode::parse(chat)?,
            ..Self::default()
        };
        on.split(' ')
            .filter(|word| !word.is_empty())
            .try_fold(shields, |shields, word| {
                Some(shields.with(Shield::parse(word)?, true))
            })
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every position of all switches.
    fn all() -> impl Iterator<Item = Shields> {
        ChatMode::ALL.into_iter().flat_map(|chat| {
            (0..1_u32 << Shield::ALL.len()).map(move |bits| {
                let none = Shields {
                    chat,
                    ..Shields::default()
                };
                let switches = Shield::ALL.into_iter().enumerate();
                switches.fold(none, |shields, (place, shield)| {
                    shields.with(shield, bits >> place & 1 == 1)
                })
            })
        })
    }

    #[test]
    fn changes_lead_from_any_position_to_any_other_and_say_nothing_of_the_rest() {
        for before in all() {
            for after in all() {
                let changes = before.changes_to(after);

                let changed = changes.iter().copied().fold(before, Shields::changed);
                assert_eq!(changed, after);
                assert!(before != after || changes.is_empty());
                assert!(
                    changes
                        .iter()
                        .all(|change| before.changed(*change) != before)
                );
            }
        }
    }

    #[test]
    fn words_are_read_as_they_were_written_and_nothing_else_is() {
        for shields in all() {
            assert_eq!(Shields::parse(&shields.words()), Some(shields));
        }
        for words in ["", " ", "slow", "shown slow", "slow bam off", "on"] {
            assert_eq!(Shields::parse(words), None, "{words:?}");
        }
    }
}
