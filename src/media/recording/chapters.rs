//! Places in a recording where playback can start without what came before.
//!
//! Browsers find their way in a fragmented file only by reading it from its beginning, which through
//! Tor takes as long as playing it. So a recording remembers some keyframes, and is sent from there.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Places that are remembered; beyond it every second one is forgotten.
pub const MOST: usize = 48;

/// Least time between two places at first.
const APART: Duration = Duration::from_mins(1);

/// A place where playback can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64)", into = "(u64, u64)")]
pub struct Chapter {
    /// Milliseconds from the beginning of the recording.
    pub millis: u64,
    /// Where its first byte is in the file.
    pub at: u64,
}

impl Chapter {
    /// Its time.
    pub fn start(self) -> Duration {
        Duration::from_millis(self.millis)
    }
}

impl From<(u64, u64)> for Chapter {
    fn from((millis, at): (u64, u64)) -> Self {
        Self { millis, at }
    }
}

impl From<Chapter> for (u64, u64) {
    fn from(Chapter { millis, at }: Chapter) -> Self {
        (millis, at)
    }
}

/// Some keyframes of a recording, evenly apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapters {
    all: Vec<Chapter>,
    apart: Duration,
}

impl Default for Chapters {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            apart: APART,
        }
    }
}

impl Chapters {
    /// Takes over what was written down. Nothing, unless it is in order and within `bytes` of a
    /// recording.
    #[must_use]
    pub fn restored(all: Vec<Chapter>, bytes: u64) -> Self {
        let is_ordered = all.is_sorted_by(|a, b| a.millis < b.millis && a.at < b.at);
        let is_within = all.last().is_none_or(|last| last.at < bytes);
        let is_sound = is_ordered && is_within && all.len() <= MOST;
        Self {
            all: if is_sound { all } else { Vec::new() },
            apart: APART,
        }
    }

    /// A keyframe begins at this time and this byte; remembers it if the last one is long ago.
    pub fn push(&mut self, start: Duration, at: u64) {
        let is_due = self
            .all
            .last()
            .is_none_or(|last| start >= last.start() + self.apart);
        if !is_due {
            return;
        }
        if self.all.len() == MOST {
            let mut number = 0;
            self.all.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.apart *= 2;
            return self.push(start, at);
        }
        let millis = u64::try_from(start.as_millis()).unwrap_or(u64::MAX);
        self.all.push(Chapter { millis, at });
    }

    /// All, in order.
    pub fn all(&self) -> &[Chapter] {
        &self.all
    }

    /// The last one that is not after `time`, both in whole seconds; `None` for the very beginning.
    pub fn before(&self, time: Duration) -> Option<Chapter> {
        self.all
            .iter()
            .rev()
            .copied()
            .find(|chapter| chapter.start().as_secs() <= time.as_secs())
            .filter(|chapter| chapter.millis > 0)
    }

    /// Where the first fragment begins: the length of the init segment.
    pub fn head(&self) -> Option<u64> {
        self.all
            .first()
            .filter(|first| first.millis == 0)
            .map(|first| first.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(seconds: u64) -> Chapters {
        let mut chapters = Chapters::default();
        for second in 0..seconds {
            chapters.push(Duration::from_secs(second), 1000 + second * 10);
        }
        chapters
    }

    fn starts(chapters: &Chapters) -> Vec<u64> {
        chapters.all().iter().map(|one| one.millis / 1000).collect()
    }

    #[test]
    fn a_short_recording_has_a_place_each_minute_and_a_long_one_few() {
        assert_eq!(starts(&pushed(150)), [0, 60, 120]);
        for hours in [1, 5, 30] {
            let chapters = pushed(hours * 3600);
            let starts = starts(&chapters);
            assert!((20..=MOST).contains(&starts.len()), "{starts:?}");
            assert_eq!(starts[0], 0);
            let apart = starts[1];
            assert!(
                starts.windows(2).all(|two| two[1] - two[0] == apart),
                "{starts:?}"
            );
        }
        assert_eq!(pushed(3600).head(), Some(1000));
    }

    #[test]
    fn a_place_is_found_by_time() {
        let chapters = pushed(150);
        let at = |seconds| {
            chapters
                .before(Duration::from_secs(seconds))
                .map(|found| found.at)
        };
        assert_eq!(at(0), None);
        assert_eq!(at(59), None);
        assert_eq!(at(60), Some(1600));
        assert_eq!(at(100_000), Some(2200));
        assert_eq!(Chapters::default().before(Duration::MAX), None);
        // Keyframes are seldom at whole seconds, and links are.
        let mut odd = Chapters::default();
        for millis in [0, 60_021, 120_980] {
            odd.push(Duration::from_millis(millis), millis);
        }
        let found = odd.before(Duration::from_mins(2));
        assert_eq!(found.map(|chapter| chapter.millis), Some(120_980));
    }

    #[test]
    fn what_was_written_down_is_taken_over_if_it_can_be_true() {
        let chapters = pushed(150);
        let all = chapters.all().to_vec();
        assert_eq!(Chapters::restored(all.clone(), 2201).all(), all);
        assert!(Chapters::restored(all.clone(), 2200).all().is_empty());
        let reversed = all.into_iter().rev().collect();
        assert!(Chapters::restored(reversed, u64::MAX).all().is_empty());
        let many = (0..100).map(|n| Chapter { millis: n, at: n }).collect();
        assert!(Chapters::restored(many, u64::MAX).all().is_empty());
    }
}
