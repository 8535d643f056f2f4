//! Sanctions: who may not write, and who may not be here at all, until when.
//!
//! A sanction follows a person by their session, by the digests of the tokens they had, and by
//! their tripcode, so that it also holds after a restart of the program. Times are wall times for
//! the same reason: a computer whose clock is moved moves the ends of sanctions with it.
//!
//! Bounds: [`CAPACITY`] sanctions; the tokens of one at most [`TOKENS`], the oldest give way.

use std::collections::{BTreeMap, HashMap};

use super::{
    session::{TokenDigest, ViewerId},
    tripcode::Tripcode,
};
use crate::clock::WallTime;

/// Sanctions that are kept. A show with more needs another shield, such as a viewing password.
pub const CAPACITY: usize = 4096;

/// Of these, so many are for the broadcaster alone: whoever can make moderators or a word filter
/// sanction people again and again must not be able to fill the list.
const RESERVED: usize = CAPACITY / 4;

/// Tokens of one person that are remembered. Each return after a restart adds one.
const TOKENS: usize = 8;

/// What a sanction takes away. Higher is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SanctionKind {
    /// Writing, mostly for a short time; moderators may do it.
    Mute,
    /// Writing, and looking different.
    Ban,
    /// Everything: what is open ends, and nothing is answered but a refusal.
    Block,
}

impl SanctionKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mute, Self::Ban, Self::Block];

    /// The word for it in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mute => "mute",
            Self::Ban => "ban",
            Self::Block => "block",
        }
    }

    /// What the person is then.
    pub fn participle(self) -> &'static str {
        match self {
            Self::Mute => "muted",
            Self::Ban => "banned from the chat",
            Self::Block => "blocked",
        }
    }

    /// Reads [`SanctionKind::word`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// The number of a sanction; not reused while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SanctionId(pub u64);

/// One sanction.
#[derive(Clone, PartialEq, Eq)]
pub struct Sanction {
    /// Its number.
    pub id: SanctionId,
    /// What it takes away.
    pub kind: SanctionKind,
    /// How the person looked, for the list.
    pub label: String,
    /// Who ordered it, for the list.
    pub by: String,
    /// When it began.
    pub since: WallTime,
    /// When it ends; `None` is for good.
    pub until: Option<WallTime>,
    /// Whoever shows this tripcode is meant.
    pub tripcode: Option<Tripcode>,
    /// Whoever has one of these tokens is meant; the newest last.
    pub tokens: Vec<TokenDigest>,
}

impl std::fmt::Debug for Sanction {
    /// Without anything about the person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sanction({:?}, {:?})", self.id, self.kind)
    }
}

impl Sanction {
    /// Whether it holds at `wall`.
    pub fn holds(&self, wall: WallTime) -> bool {
        self.until.is_none_or(|until| wall < until)
    }
}

/// Whom a new sanction is about.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Their session now.
    pub viewer: Option<ViewerId>,
    /// The digest of its token.
    pub token: Option<TokenDigest>,
    /// Their tripcode.
    pub tripcode: Option<Tripcode>,
    /// How they look.
    pub label: String,
}

/// There are as many sanctions as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

/// The list of sanctions.
#[derive(Debug, Default)]
pub struct Sanctions {
    next: u64,
    all: BTreeMap<SanctionId, Sanction>,
    by_viewer: HashMap<ViewerId, Vec<SanctionId>>,
    by_token: HashMap<TokenDigest, Vec<SanctionId>>,
    by_tripcode: HashMap<Tripcode, Vec<SanctionId>>,
}

impl Sanctions {
    /// Adds a sanction.
    ///
    /// # Errors
    ///
    /// [`TooMany`] beyond [`CAPACITY`]; those that are over are forgotten first.
    pub fn add(
        &mut self,
        target: Target,
        kind: SanctionKind,
        by: String,
        since: WallTime,
        until: Option<WallTime>,
    ) -> Result<SanctionId, TooMany> {
        let sanction = Sanction {
            id: SanctionId(0),
            kind,
            label: target.label,
            by,
            since,
            until,
            tripcode: target.tripcode,
            tokens: target.token.into_iter().collect(),
        };
        let id = self.restore(sanction, since)?;
        if let Some(viewer) = target.viewer {
            self.by_viewer.entry(viewer).or_default().push(id);
        }
        Ok(id)
    }

    /// Adds a sanction from before, under a new number.
    ///
    /// # Errors
    ///
    /// [`TooMany`] beyond [`CAPACITY`].
    pub fn restore(
        &mut self,
        mut sanction: Sanction,
        wall: WallTime,
    ) -> Result<SanctionId, TooMany> {
        if self.all.len() >= CAPACITY {
            self.tick(wall);
        }
        if self.all.len() >= CAPACITY {
            return Err(TooMany);
        }
        self.next += 1;
        let id = SanctionId(self.next);
        sanction.id = id;
        let surplus = sanction.tokens.len().saturating_sub(TOKENS);
        sanction.tokens.drain(..surplus);
        for token in &sanction.tokens {
            self.by_token.entry(*token).or_default().push(id);
        }
        if let Some(tripcode) = sanction.tripcode {
            self.by_tripcode.entry(tripcode).or_default().push(id);
        }
        self.all.insert(id, sanction);
        Ok(id)
    }

    /// Whether only the broadcaster's have a place yet.
    pub fn is_crowded(&self) -> bool {
        self.all.len() >= CAPACITY - RESERVED
    }

    /// Forgets all. Numbers go on: what is about one that is gone must not be about another.
    pub fn clear(&mut self) {
        let next = self.next;
        *self = Self {
            next,
            ..Self::default()
        };
    }

    /// The sessions that a sanction is about.
    pub fn viewers_of(&self, id: SanctionId) -> Vec<ViewerId> {
        self.by_viewer
            .iter()
            .filter(|(_, ids)| ids.contains(&id))
            .map(|(viewer, _)| *viewer)
            .collect()
    }

    /// Takes a sanction back; gives it with the sessions it was about.
    pub fn lift(&mut self, id: SanctionId) -> Option<(Sanction, Vec<ViewerId>)> {
        let sanction = self.all.remove(&id)?;
        let mut viewers = Vec::new();
        self.by_viewer.retain(|viewer, ids| {
            if ids.contains(&id) {
                viewers.push(*viewer);
            }
            ids.retain(|other| *other != id);
            !ids.is_empty()
        });
        for token in &sanction.tokens {
            remove(&mut self.by_token, token, id);
        }
        if let Some(tripcode) = &sanction.tripcode {
            remove(&mut self.by_tripcode, tripcode, id);
        }
        Some((sanction, viewers))
    }

    /// The heaviest sanction that holds for somebody; of equal ones, the one that lasts longest.
    pub fn of(
        &self,
        viewer: ViewerId,
        tripcode: Option<Tripcode>,
        wall: WallTime,
    ) -> Option<&Sanction> {
        let of_viewer = self.by_viewer.get(&viewer).into_iter().flatten();
        let of_tripcode = tripcode.and_then(|tripcode| self.by_tripcode.get(&tripcode));
        self.heaviest(of_viewer.chain(of_tripcode.into_iter().flatten()), wall)
    }

    /// The heaviest sanction that holds for whoever has this token.
    pub fn of_token(&self, token: &TokenDigest, wall: WallTime) -> Option<&Sanction> {
        self.heaviest(self.by_token.get(token).into_iter().flatten(), wall)
    }

    fn heaviest<'a>(
        &'a self,
        ids: impl Iterator<Item = &'a SanctionId>,
        wall: WallTime,
    ) -> Option<&'a Sanction> {
        ids.filter_map(|id| self.all.get(id))
            .filter(|sanction| sanction.holds(wall))
            .max_by_key(|sanction| {
                let lasts = sanction.until.map_or(u64::MAX, WallTime::unix_millis);
                (sanction.kind, lasts)
            })
    }

    /// Somebody who is sanctioned came again with an old token and has a new one now. Answers
    /// whether there was anything to carry over.
    pub fn follow(&mut self, old: &TokenDigest, viewer: ViewerId, new: TokenDigest) -> bool {
        let Some(ids) = self.by_token.get(old).cloned() else {
            return false;
        };
        for id in ids {
            let Some(sanction) = self.all.get_mut(&id) else {
                continue;
            };
            if !sanction.tokens.contains(&new) {
                sanction.tokens.push(new);
                self.by_token.entry(new).or_default().push(id);
            }
            if sanction.tokens.len() > TOKENS {
                let oldest = sanction.tokens.remove(0);
                remove(&mut self.by_token, &oldest, id);
            }
            let of_viewer = self.by_viewer.entry(viewer).or_default();
            if !of_viewer.contains(&id) {
                of_viewer.push(id);
            }
        }
        true
    }

    /// The session is over; the sanctions stay with its token.
    pub fn forget_viewer(&mut self, viewer: ViewerId) {
        self.by_viewer.remove(&viewer);
    }

    /// Forgets what is over. Answers whether there was anything.
    pub fn tick(&mut self, wall: WallTime) -> bool {
        let over: Vec<_> = self
            .all
            .values()
            .filter(|sanction| !sanction.holds(wall))
            .map(|sanction| sanction.id)
            .collect();
        for id in &over {
            self.lift(*id);
        }
        !over.is_empty()
    }

    /// The sanction with this number.
    pub fn get(&self, id: SanctionId) -> Option<&Sanction> {
        self.all.get(&id)
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Sanction> {
        self.all.values()
    }

    /// Whether a sanction is about this session or this tripcode; for commands that name a person.
    pub fn ids_of(&self, viewer: ViewerId, tripcode: Option<Tripcode>) -> Vec<SanctionId> {
        let of_viewer = self.by_viewer.get(&viewer).into_iter().flatten();
        let of_tripcode = tripcode.and_then(|tripcode| self.by_tripcode.get(&tripcode));
        let mut ids: Vec<_> = of_viewer
            .chain(of_tripcode.into_iter().flatten())
            .copied()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Puts the sessions back that a sanction was about, after it was lifted and restored.
    pub fn attach(&mut self, id: SanctionId, viewer: ViewerId) {
        if self.all.contains_key(&id) {
            self.by_viewer.entry(viewer).or_default().push(id);
        }
    }
}

fn remove<K: std::hash::Hash + Eq>(
    index: &mut HashMap<K, Vec<SanctionId>>,
    key: &K,
    id: SanctionId,
) {
    if let Some(ids) = index.get_mut(key) {
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}
