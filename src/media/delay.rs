//! How old the keyframe is that a new viewer starts from, as viewers choose it.

use serde::Deserialize;

/// The choice; the configuration says how long each is.
///
/// Firefox needs about 2.3 s of media in advance to play without stutter, and what is in advance
/// is all a viewer has when a circuit stalls: with stalls of 1.5 to 4 s each 10 s, a start 2.5 s
/// old froze for 8 s of 70, one 4 s old for 4 s, one 6 s old never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delay {
    /// For good circuits.
    Low,
    /// For most.
    Normal,
    /// For circuits that stall.
    Safe,
}

impl Delay {
    /// All of them, shortest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::Safe];

    /// The word in addresses and configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::Safe => "safe",
        }
    }

    /// The delay that is called so.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|delay| delay.word() == word)
    }
}
