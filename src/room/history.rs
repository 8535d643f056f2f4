//! How many people watched in the last hour, minute by minute.
//!
//! Numbers only, in memory only: nothing here says who. Belongs here: counting. Does not belong
//! here: the picture of it (`pages/history.rs`).

use std::collections::VecDeque;

use crate::clock::WallTime;

/// How many minutes are remembered.
pub const MINUTES: usize = 60;

/// Milliseconds of a minute.
const MINUTE: u64 = 60_000;

/// One minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Minute {
    /// The most at any time in it.
    pub peak: u32,
    /// The newest number.
    pub last: u32,
}

/// The last hour. Cheap to clone: at most [`MINUTES`] pairs of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Oldest first, without gaps; the last one is the current minute.
    minutes: VecDeque<Minute>,
    /// The current minute, counted from 1970-01-01 00:00 UTC.
    current: u64,
}

impl History {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// `count` people are watching at `now`.
    ///
    /// A clock that was set back or by more than an hour begins a new history: old minutes would be
    /// at the wrong time.
    pub fn record(&mut self, count: usize, now: WallTime) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let minute = now.unix_millis() / MINUTE;
        let passed = minute.checked_sub(self.current).map(usize::try_from);
        let known = passed.filter(|_| !self.minutes.is_empty());
        let Some(Ok(passed @ ..MINUTES)) = known else {
            self.minutes.clear();
            self.minutes.push_back(Minute {
                peak: count,
                last: count,
            });
            self.current = minute;
            return;
        };
        for step in 1..=passed {
            // Whoever was there at the end of a minute was there in those that nothing is known of.
            let last = self.now();
            let (peak, last) = if step == passed {
                (count, count)
            } else {
                (last, last)
            };
            self.minutes.push_back(Minute { peak, last });
        }
        while self.minutes.len() > MINUTES {
            self.minutes.pop_front();
        }
        self.current = minute;
        if let Some(newest) = self.minutes.back_mut() {
            newest.peak = newest.peak.max(count);
            newest.last = count;
        }
    }

    /// The minutes, oldest first; at most [`MINUTES`].
    pub fn minutes(&self) -> impl DoubleEndedIterator<Item = Minute> + ExactSizeIterator {
        self.minutes.iter().copied()
    }

    /// How many are watching now.
    pub fn now(&self) -> u32 {
        self.minutes.back().map_or(0, |minute| minute.last)
    }

    /// The most in the last hour and the beginning of the minute it was reached in for the first time;
    /// `None` if nobody came.
    pub fn most(&self) -> Option<(u32, WallTime)> {
        let most = self.minutes().map(|minute| minute.peak).max()?;
        let first = self.minutes().position(|minute| minute.peak == most)?;
        let ago = self.minutes.len().saturating_sub(first + 1);
        let minute = self.current.saturating_sub(ago as u64);
        let at = WallTime::from_unix_millis(minute.saturating_mul(MINUTE));
        (most > 0).then_some((most, at))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 20:00 UTC on some day, and this much later.
    fn at(minutes: u64, seconds: u64) -> WallTime {
        WallTime::from_unix_millis(72_000_000 + minutes * MINUTE + seconds * 1000)
    }

    fn peaks(history: &History) -> Vec<u32> {
        history.minutes().map(|minute| minute.peak).collect()
    }

    #[test]
    fn each_minute_keeps_its_most_and_its_last() {
        let mut history = History::new();
        for (time, count) in [
            (at(0, 0), 3),
            (at(0, 30), 9),
            (at(0, 59), 4),
            (at(1, 1), 5),
            (at(3, 20), 1),
        ] {
            history.record(count, time);
        }

        assert_eq!(peaks(&history), [9, 5, 5, 1]);
        assert_eq!(history.now(), 1);
        assert_eq!(history.most(), Some((9, at(0, 0))));
    }

    #[test]
    fn the_first_of_equal_peaks_is_named_and_nobody_is_no_peak() {
        let mut history = History::new();
        assert_eq!(history.most(), None);
        history.record(0, at(0, 0));
        assert_eq!((history.now(), history.most()), (0, None));
        history.record(7, at(1, 0));
        history.record(0, at(2, 0));
        history.record(7, at(14, 5));
        history.record(2, at(14, 6));

        assert_eq!(history.most(), Some((7, at(1, 0))));
    }

    #[test]
    fn after_an_hour_the_oldest_minutes_are_gone() {
        let mut history = History::new();
        for minute in 0..90 {
            history.record(usize::try_from(minute).unwrap(), at(minute, 0));
        }

        assert_eq!(history.minutes().len(), MINUTES);
        assert_eq!(history.minutes().next().unwrap().last, 30);
        assert_eq!(history.most(), Some((89, at(89, 0))));
    }

    #[test]
    fn a_clock_that_was_set_begins_a_new_history() {
        for set in [at(0, 0), at(500, 0)] {
            let mut history = History::new();
            history.record(5, at(10, 0));
            history.record(2, set);

            assert_eq!(peaks(&history), [2]);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_recorded_is_bounded(
            records in proptest::collection::vec((any::<usize>(), any::<u64>()), 0..100),
        ) {
            let mut history = History::new();
            for (count, millis) in records {
                history.record(count, WallTime::from_unix_millis(millis));
                prop_assert!((1..=MINUTES).contains(&history.minutes().len()));
                prop_assert!(history.minutes().all(|minute| minute.peak >= minute.last));
            }
        }
    }
}
