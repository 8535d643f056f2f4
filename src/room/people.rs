//! The list of people: who is watching, who is here without watching.

use super::person::{Identity, Role};

/// People of a group that are listed by name; more are only counted. A list of thousands would be
/// sent to everybody at every change.
const LISTED: usize = 200;

/// One group of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// The first of them, in the order they came.
    pub listed: Vec<Identity>,
    /// How many there are, listed or not.
    pub count: usize,
}

/// The list as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    /// Who runs the show, watching or not.
    pub broadcaster: Group,
    /// Has a video response that takes what there is. Counts players without a session too.
    pub watching: Group,
    /// Is here, but not watching.
    pub not_watching: Group,
}

/// Where a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Has a video response that takes what there is.
    Watching,
    /// Has a panel open, or asked for something a moment ago.
    Here,
}

impl People {
    /// Everybody who is listed by name.
    pub fn listed(&self) -> impl Iterator<Item = &Identity> {
        [&self.broadcaster, &self.watching, &self.not_watching]
            .into_iter()
            .flat_map(|group| &group.listed)
    }

    /// Adds somebody; call it in the order they came.
    pub fn add(&mut self, identity: &Identity, presence: Presence) {
        let group = match (identity.role, presence) {
            (Role::Broadcaster, _) => &mut self.broadcaster,
            (_, Presence::Watching) => &mut self.watching,
            (_, Presence::Here) => &mut self.not_watching,
        };
        group.count += 1;
        if group.listed.len() < LISTED {
            group.listed.push(identity.clone());
        }
    }
}
