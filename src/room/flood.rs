//! Flood control: how often and how much one person, and the whole room, may say.
//!
//! Windows of timestamps; every question gets the time as an argument. Bounded by its own rules:
//! a window never holds more entries than the rule lets through.

use std::{collections::VecDeque, time::Duration};

use crate::clock::Tick;

/// The numbers of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FloodLimits {
    /// Length of the window for messages and rows.
    pub window: Duration,
    /// So many messages in the window, and a captcha is due.
    pub messages: usize,
    /// So many rows in the window, and the rest has to wait.
    pub rows: usize,
    /// Least time between two messages.
    pub gap: Duration,
    /// Changes of name, colour or tripcode in a minute.
    pub appearance_per_minute: usize,
    /// So many messages of everybody in the window, and the room slows down.
    pub room_messages: usize,
    /// Least time between two messages of a person while the room is slow.
    pub slow_gap: Duration,
    /// How long the room stays slow.
    pub slow_for: Duration,
    /// So many new sessions in a minute, and every message needs a captcha.
    pub newcomers_per_minute: usize,
    /// How long that lasts.
    pub raid_for: Duration,
}

/// What a person said lately.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    said: VecDeque<(Tick, usize)>,
    last: Option<Tick>,
    appearance: VecDeque<Tick>,
    captchas: VecDeque<Tick>,
}

/// Captchas that a person can have in [`CAPTCHA_WINDOW`].
///
/// A program that reads pictures badly gets in by asking for many; a person who gets every second
/// one wrong needs ten.
const CAPTCHAS: usize = 30;
/// See [`CAPTCHAS`].
const CAPTCHA_WINDOW: Duration = Duration::from_mins(10);

/// Whether somebody may speak now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Speak,
    /// After solving a captcha.
    Captcha,
    /// After this time.
    Wait(Duration),
    /// After this time, because the whole room is slow.
    RoomIsSlow(Duration),
    /// After this time, because of the rows.
    TooManyRows(Duration),
}

impl Pace {
    /// Whether a message of so many rows may be said; `slow` while the room is slow.
    pub fn judge(&self, rows: usize, slow: bool, now: Tick, limits: &FloodLimits) -> Verdict {
        if let Some(last) = self.last {
            let waited = now.since(last);
            if waited < limits.gap {
                return Verdict::Wait(limits.gap.saturating_sub(waited));
            }
            if slow && waited < limits.slow_gap {
                return Verdict::RoomIsSlow(limits.slow_gap.saturating_sub(waited));
            }
        }
        let recent = || {
            self.said
                .iter()
                .filter(|(at, _)| now.since(*at) < limits.window)
        };
        let rows_before: usize = recent().map(|(_, rows)| rows).sum();
        if rows_before + rows > limits.rows {
            // When enough of the older ones leave the window.
            let mut over = rows_before + rows - limits.rows;
            for (at, rows) in recent() {
                if *rows >= over {
                    return Verdict::TooManyRows(limits.window.saturating_sub(now.since(*at)));
                }
                over -= rows;
            }
            return Verdict::TooManyRows(limits.window);
        }
        if recent().count() + 1 >= limits.messages {
            return Verdict::Captcha;
        }
        Verdict::Speak
    }

    /// A message was said.
    pub fn said(&mut self, rows: usize, now: Tick, limits: &FloodLimits) {
        while self
            .said
            .front()
            .is_some_and(|(at, _)| now.since(*at) >= limits.window)
        {
            self.said.pop_front();
        }
        self.said.push_back((now, rows));
        self.last = Some(now);
    }

    /// A captcha was solved: the count of messages starts anew, the rows still count.
    pub fn solved(&mut self) {
        let rows = self.said.iter().map(|(_, rows)| rows).sum();
        if let Some((at, _)) = self.said.back().copied() {
            self.said.clear();
            self.said.push_back((at, rows));
        }
    }

    /// Notes that a captcha is made for this person; `false` if they had too many.
    pub fn ask(&mut self, now: Tick) -> bool {
        while self
            .captchas
            .front()
            .is_some_and(|at| now.since(*at) >= CAPTCHA_WINDOW)
        {
            self.captchas.pop_front();
        }
        let may = self.captchas.len() < CAPTCHAS;
        if may {
            self.captchas.push_back(now);
        }
        may
    }

    /// Notes a change of appearance, or says how long to wait for the next one.
    ///
    /// # Errors
    ///
    /// The time until the next change is allowed.
    pub fn change_appearance(&mut self, now: Tick, limits: &FloodLimits) -> Result<(), Duration> {
        const MINUTE: Duration = Duration::from_mins(1);
        while self
            .appearance
            .front()
            .is_some_and(|at| now.since(*at) >= MINUTE)
        {
            self.appearance.pop_front();
        }
        match self.appearance.front() {
            Some(first) if self.appearance.len() >= limits.appearance_per_minute => {
                Err(MINUTE.saturating_sub(now.since(*first)))
            }
            _ => {
                self.appearance.push_back(now);
                Ok(())
            }
        }
    }
}

/// What the whole room did lately.
#[derive(Debug, Default)]
pub struct RoomPace {
    said: VecDeque<Tick>,
    slow_until: Option<Tick>,
    newcomers: VecDeque<Tick>,
    raid_until: Option<Tick>,
}

impl RoomPace {
    /// Whether everybody has to wait longer between messages.
    pub fn is_slow(&self, now: Tick) -> bool {
        self.slow_until.is_some_and(|until| now < until)
    }

    /// Whether every message needs a captcha.
    pub fn is_raided(&self, now: Tick) -> bool {
        self.raid_until.is_some_and(|until| now < until)
    }

    /// Somebody said something. Answers whether the room has just become slow.
    pub fn said(&mut self, now: Tick, limits: &FloodLimits) -> bool {
        note(&mut self.said, now, limits.window, limits.room_messages);
        let full = self.said.len() >= limits.room_messages;
        let begins = full && !self.is_slow(now);
        if full {
            self.slow_until = Some(now + limits.slow_for);
        }
        begins
    }

    /// Somebody new came. Answers whether a raid has just begun.
    pub fn newcomer(&mut self, now: Tick, limits: &FloodLimits) -> bool {
        note(
            &mut self.newcomers,
            now,
            Duration::from_mins(1),
            limits.newcomers_per_minute,
        );
        let full = self.newcomers.len() >= limits.newcomers_per_minute;
        let begins = full && !self.is_raided(now);
        if full {
            self.raid_until = Some(now + limits.raid_for);
        }
        begins
    }
}

/// Adds `now` and drops what left the window; keeps at most `most`.
fn note(times: &mut VecDeque<Tick>, now: Tick, window: Duration, most: usize) {
    times.push_back(now);
    while times.len() > most || times.front().is_some_and(|at| now.since(*at) >= window) {
        times.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) const LIMITS: FloodLimits = FloodLimits {
        window: Duration::from_secs(20),
        messages: 4,
        rows: 20,
        gap: Duration::from_secs(1),
        appearance_per_minute: 6,
        room_messages: 10,
        slow_gap: Duration::from_secs(10),
        slow_for: Duration::from_mins(1),
        newcomers_per_minute: 5,
        raid_for: Duration::from_mins(5),
    };

    fn at(millis: u64) -> Tick {
        Tick::START + Duration::from_millis(millis)
    }

    #[test]
    fn the_fourth_message_in_twenty_seconds_needs_a_captcha() {
        let mut pace = Pace::default();
        for (millis, expected) in [
            (0, Verdict::Speak),
            (500, Verdict::Wait(Duration::from_millis(500))),
            (2_000, Verdict::Speak),
            (4_000, Verdict::Speak),
            (6_000, Verdict::Captcha),
            (19_999, Verdict::Captcha),
            (20_000, Verdict::Speak),
        ] {
            assert_eq!(
                pace.judge(1, false, at(millis), &LIMITS),
                expected,
                "{millis}"
            );
            if expected == Verdict::Speak {
                pace.said(1, at(millis), &LIMITS);
            }
        }
        pace.solved();
        assert_eq!(pace.judge(1, false, at(22_000), &LIMITS), Verdict::Speak);
    }

    #[test]
    fn twenty_rows_in_twenty_seconds_are_enough_and_the_wait_is_told() {
        let mut pace = Pace::default();
        pace.said(12, at(0), &LIMITS);
        pace.said(6, at(5_000), &LIMITS);

        let verdict = pace.judge(3, false, at(8_000), &LIMITS);
        assert_eq!(
            verdict,
            Verdict::TooManyRows(Duration::from_secs(12)),
            "the first leaves at 20 s"
        );
        pace.solved();
        assert!(
            matches!(
                pace.judge(3, false, at(9_000), &LIMITS),
                Verdict::TooManyRows(_)
            ),
            "a captcha does not buy rows"
        );
    }

    #[test]
    fn a_busy_room_slows_everybody_down_for_a_minute() {
        let (mut room, mut pace) = (RoomPace::default(), Pace::default());
        pace.said(1, at(0), &LIMITS);
        let begun: Vec<_> = (0..12).map(|n| room.said(at(n * 100), &LIMITS)).collect();

        assert_eq!(begun.iter().filter(|begins| **begins).count(), 1);
        assert!(room.is_slow(at(2_000)));
        assert_eq!(
            pace.judge(1, true, at(2_000), &LIMITS),
            Verdict::RoomIsSlow(Duration::from_secs(8))
        );
        assert!(!room.is_slow(at(61_200)));
    }

    #[test]
    fn many_newcomers_in_a_minute_are_a_raid() {
        let mut room = RoomPace::default();
        assert!((0..4).all(|n| !room.newcomer(at(n), &LIMITS)));
        assert!(room.newcomer(at(5), &LIMITS));
        assert!(room.is_raided(at(299_000)) && !room.is_raided(at(301_000)));
    }

    #[test]
    fn a_seventh_change_of_appearance_in_a_minute_has_to_wait() {
        let mut pace = Pace::default();
        for n in 0..6 {
            assert_eq!(pace.change_appearance(at(n * 1000), &LIMITS), Ok(()));
        }
        assert_eq!(
            pace.change_appearance(at(10_000), &LIMITS),
            Err(Duration::from_secs(50))
        );
        assert_eq!(pace.change_appearance(at(60_000), &LIMITS), Ok(()));
    }

    proptest! {
        #[test]
        fn no_accepted_message_breaks_a_limit(
            tries in proptest::collection::vec((0..5_000u64, 1..20usize), 1..200),
        ) {
            let (mut pace, mut accepted, mut now) = (Pace::default(), Vec::<(Tick, usize)>::new(), at(0));
            for (wait, rows) in tries {
                now = now + Duration::from_millis(wait);
                if pace.judge(rows, false, now, &LIMITS) != Verdict::Speak {
                    continue;
                }
                pace.said(rows, now, &LIMITS);
                if let Some((last, _)) = accepted.last() {
                    prop_assert!(now.since(*last) >= LIMITS.gap);
                }
                accepted.push((now, rows));
                let recent: Vec<_> = accepted.iter().filter(|(at, _)| now.since(*at) < LIMITS.window).collect();
                prop_assert!(recent.len() < LIMITS.messages);
                prop_assert!(recent.iter().map(|(_, rows)| rows).sum::<usize>() <= LIMITS.rows);
                prop_assert!(pace.said.len() <= LIMITS.messages);
            }
        }
    }
}
