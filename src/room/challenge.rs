//! The ledger of captchas: issued to one person, solved once, or expired.
//!
//! Belongs here: which prompt is open for whom and what answer counts. Does not belong here:
//! drawing, randomness, what solving allows.
//!
//! Invariants: a person has at most one open challenge; a challenge is answered rightly at most
//! once and only by the person it was issued to; nothing about the answer leaves the ledger.
//! Bound: `capacity` open challenges; the oldest gives way.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use super::session::ViewerId;
use crate::clock::Tick;

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// A PNG with the answer drawn in it.
    Picture(Bytes),
    /// A question in words, for people who cannot see pictures.
    Question(Arc<str>),
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Right; the challenge is used up.
    Right,
    /// Wrong; it may be tried again this many times.
    Wrong {
        /// 0: the challenge is used up.
        tries_left: u32,
    },
    /// There is no open challenge of this person with this id.
    Gone,
}

/// Limits of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChallengeLimits {
    /// Open challenges of everybody together.
    pub capacity: usize,
    /// Answers to one challenge.
    pub tries: u32,
    /// How long a challenge can be answered.
    pub lifetime: Duration,
}

struct Open {
    id: u64,
    prompt: Prompt,
    answer: String,
    issued: Tick,
    tries_left: u32,
}

/// The ledger. All operations are O(1) on average.
pub struct Challenges {
    limits: ChallengeLimits,
    by_viewer: HashMap<ViewerId, Open>,
    /// In the order of issue; entries of challenges that are gone are skipped.
    order: VecDeque<(u64, ViewerId)>,
}

impl std::fmt::Debug for Challenges {
    /// Without the answers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Challenges")
            .field("open", &self.by_viewer.len())
            .finish_non_exhaustive()
    }
}

impl Challenges {
    /// An empty ledger.
    pub fn new(limits: ChallengeLimits) -> Self {
        Self {
            limits,
            by_viewer: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Opens a challenge for `viewer` in place of an open one. `id` is random and never reused.
    pub fn issue(&mut self, viewer: ViewerId, id: u64, prompt: Prompt, answer: String, now: Tick) {
        let tries_left = self.limits.tries;
        self.by_viewer.insert(
            viewer,
            Open {
                id,
                prompt,
                answer,
                issued: now,
                tries_left,
            },
        );
        self.order.push_back((id, viewer));
        while self.by_viewer.len() > self.limits.capacity
            || self.order.len() > 2 * self.limits.capacity
        {
            let Some((id, viewer)) = self.order.pop_front() else {
                return;
            };
            if self
                .by_viewer
                .get(&viewer)
                .is_some_and(|open| open.id == id)
            {
                self.by_viewer.remove(&viewer);
            }
        }
    }

    /// The open challenge of `viewer`, to be shown again.
    pub fn open(&self, viewer: ViewerId, now: Tick) -> Option<(u64, Prompt)> {
        let open = self.by_viewer.get(&viewer)?;
        (now.since(open.issued) < self.limits.lifetime).then(|| (open.id, open.prompt.clone()))
    }

    /// Takes an answer. `given` is compared as it is; normalise it first.
    pub fn answer(&mut self, viewer: ViewerId, id: u64, given: &str, now: Tick) -> Answer {
        let Some(open) = self
            .by_viewer
            .get_mut(&viewer)
            .filter(|open| open.id == id && now.since(open.issued) < self.limits.lifetime)
        else {
            return Answer::Gone;
        };
        if open.answer == given {
            self.by_viewer.remove(&viewer);
            return Answer::Right;
        }
        open.tries_left = open.tries_left.saturating_sub(1);
        let tries_left = open.tries_left;
        if tries_left == 0 {
            self.by_viewer.remove(&viewer);
        }
        Answer::Wrong { tries_left }
    }

    /// Forgets the challenge of somebody who is gone.
    pub fn forget(&mut self, viewer: ViewerId) {
        self.by_viewer.remove(&viewer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::session::Sessions;

    const LIMITS: ChallengeLimits = ChallengeLimits {
        capacity: 4,
        tries: 5,
        lifetime: Duration::from_mins(10),
    };

    fn people() -> (ViewerId, ViewerId, Sessions<()>) {
        let mut sessions = Sessions::new(10);
        (sessions.guest(), sessions.guest(), sessions)
    }

    fn question() -> Prompt {
        Prompt::Question("?".into())
    }

    fn at(seconds: u64) -> Tick {
        Tick::START + Duration::from_secs(seconds)
    }

    #[test]
    fn a_solved_captcha_cannot_be_replayed() {
        let (anna, _, _) = people();
        let mut ledger = Challenges::new(LIMITS);
        ledger.issue(anna, 7, question(), "abc".into(), at(0));

        assert_eq!(ledger.answer(anna, 7, "abc", at(1)), Answer::Right);
        assert_eq!(ledger.answer(anna, 7, "abc", at(2)), Answer::Gone);
    }

    #[test]
    fn a_captcha_is_worth_nothing_to_somebody_else() {
        let (anna, ben, _) = people();
        let mut ledger = Challenges::new(LIMITS);
        ledger.issue(anna, 7, question(), "abc".into(), at(0));

        assert_eq!(ledger.answer(ben, 7, "abc", at(1)), Answer::Gone);
        assert_eq!(ledger.answer(anna, 7, "abc", at(1)), Answer::Right);
    }

    #[test]
    fn five_wrong_answers_use_a_captcha_up() {
        let (anna, _, _) = people();
        let mut ledger = Challenges::new(LIMITS);
        ledger.issue(anna, 7, question(), "abc".into(), at(0));

        for tries_left in (0..5).rev() {
            assert_eq!(
                ledger.answer(anna, 7, "x", at(1)),
                Answer::Wrong { tries_left }
            );
        }
        assert_eq!(ledger.answer(anna, 7, "abc", at(1)), Answer::Gone);
        assert_eq!(ledger.open(anna, at(1)), None);
    }

    #[test]
    fn after_ten_minutes_a_captcha_is_gone() {
        let (anna, _, _) = people();
        let mut ledger = Challenges::new(LIMITS);
        ledger.issue(anna, 7, question(), "abc".into(), at(0));

        assert!(ledger.open(anna, at(599)).is_some());
        assert_eq!(ledger.answer(anna, 7, "abc", at(600)), Answer::Gone);
    }

    #[test]
    fn the_table_is_bounded_and_the_oldest_gives_way() {
        let (anna, _, mut sessions) = people();
        let mut ledger = Challenges::new(LIMITS);
        for id in 0..100 {
            ledger.issue(anna, id, question(), "abc".into(), at(0));
        }
        assert_eq!(
            ledger.open(anna, at(0)).unwrap().0,
            99,
            "one for each person"
        );
        for id in 100..200 {
            ledger.issue(sessions.guest(), id, question(), "abc".into(), at(0));
        }

        assert_eq!(ledger.by_viewer.len(), 4);
        assert!(ledger.order.len() <= 8);
        assert_eq!(ledger.open(anna, at(0)), None);
    }
}
