//! When fragments of files are due: they are encoded faster than they are played.

use std::time::Duration;

use crate::{
    clock::Tick,
    media::fragment::{Fragment, TimeShift, TrackRun},
};

/// If a file is that late, the computer slept or is too slow: it goes on from where it was instead
/// of catching up.
const SLEPT: Duration = Duration::from_secs(5);

/// What comes over the network is played this much later than it could be, so that a piece that takes
/// a little longer than the last one is not missed.
const RESERVE: Duration = Duration::from_secs(2);

/// If what comes over the network is late by more than this, a new reserve is laid up. Less is what
/// viewers have in reserve themselves.
const LATE: Duration = Duration::from_secs(1);

/// A fragment that is early by more than this comes after a hole, in which there is nothing to be waited
/// for: a feed could say that it goes on tomorrow. The timeline closes holes of this length, too.
const EARLY: Duration = Duration::from_secs(10);

/// Puts files behind each other without a gap, and says when each fragment is due.
#[derive(Debug)]
pub(super) struct Pace {
    /// Between the arrival of the first fragment and its turn.
    reserve: Duration,
    /// Fragments that are later than this move everything that follows.
    patience: Duration,
    /// When a fragment was due, and its end in decode time.
    anchor: Option<(Tick, Duration)>,
    /// End of what was placed, in decode time, of each track.
    ends: Vec<(u32, Duration)>,
    shift: TimeShift,
    begins: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            reserve: Duration::ZERO,
            patience: SLEPT,
            anchor: None,
            ends: Vec::new(),
            shift: TimeShift::default(),
            begins: false,
        }
    }
}

impl Pace {
    /// The pace of what comes over the network in pieces of some seconds.
    pub(super) fn of_feed() -> Self {
        Self {
            reserve: RESERVE,
            patience: LATE,
            ..Self::default()
        }
    }

    /// The next fragment is the first of another file.
    pub(super) fn begin(&mut self) {
        self.begins = true;
    }

    /// The fragment in its place, and when it is due: when it ends, as from an encoder that is live.
    pub(super) fn place(&mut self, fragment: &Fragment, now: Tick) -> (Fragment, Tick) {
        if std::mem::take(&mut self.begins) {
            self.shift = self.behind_the_last(fragment);
        }
        let placed = fragment.shifted(self.shift);
        for run in placed.runs() {
            let end = run.end();
            match self
                .ends
                .iter_mut()
                .find(|(track, _)| *track == run.track_id)
            {
                Some((_, known)) => *known = end.max(*known),
                None => self.ends.push((run.track_id, end)),
            }
        }
        let (end, anew) = (placed.end(), now + self.reserve);
        let (tick, anchored) = *(self.anchor).get_or_insert((anew, end));
        let due = (tick + end.saturating_sub(anchored)).back(anchored.saturating_sub(end));
        if now.since(due) <= self.patience && due.since(now) <= EARLY + self.reserve {
            return (placed, due);
        }
        self.anchor = Some((anew, end));
        (placed, anew)
    }

    /// The least shift that lets no track go back.
    ///
    /// Of each track by itself: where pictures are reordered, sound begins some frames later than the
    /// picture in decode time and ends as much later.
    fn behind_the_last(&self, fragment: &Fragment) -> TimeShift {
        let shifts = self.ends.iter().map(|&(track, end)| {
            let mut runs = fragment.runs().iter();
            let first = runs.find(|run| run.track_id == track);
            TimeShift::between(first.map_or(fragment.start(), TrackRun::start), end)
        });
        shifts
            .max_by_key(|shift| shift.nanos)
            .unwrap_or_else(|| TimeShift::between(fragment.start(), Duration::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{
        fragment::sample::{audio_and_video, fragment_bytes},
        init::InitSegment,
    };

    fn fragments(from: u64) -> Vec<Fragment> {
        let init = InitSegment::parse(audio_and_video()).unwrap();
        (0..10)
            .map(|n| Fragment::parse(fragment_bytes(from + n * 200, n == 0), &init).unwrap())
            .collect()
    }

    #[test]
    fn files_follow_each_other_without_a_gap_wherever_they_begin() {
        let start = Tick::START + Duration::from_secs(100);
        let mut pace = Pace::default();
        let mut last: Option<(Duration, Tick)> = None;
        for from in [1_000, 0, 70_000] {
            pace.begin();
            for fragment in fragments(from) {
                let (placed, due) = pace.place(&fragment, start);
                if let Some((end, was_due)) = last {
                    assert_eq!(placed.start(), end);
                    assert_eq!(due.since(was_due), fragment.duration());
                } else {
                    assert_eq!(due, start, "the first one at once");
                }
                last = Some((placed.end(), due));
            }
        }
    }

    #[test]
    fn what_comes_in_bursts_goes_out_evenly_and_after_a_gap_has_a_reserve_again() {
        let start = Tick::START + Duration::from_secs(100);
        let mut pace = Pace::of_feed();
        let fragments = fragments(0);
        let mut place = |number: usize, now| pace.place(&fragments[number], now).1;
        let length = fragments[0].duration();

        // A burst.
        let first = place(0, start);
        assert_eq!(first, start + RESERVE);
        assert_eq!(place(1, start), first + length);
        // A little late: at once, and the next as if nothing had been.
        let late = first + length * 2 + LATE;
        assert_eq!(place(2, late), first + length * 2);
        assert_eq!(place(3, late), first + length * 3);
        // Too late.
        let later = first + length * 4 + LATE * 2;
        assert_eq!(place(4, later), later + RESERVE);
        assert_eq!(place(5, later), later + RESERVE + length);
    }

    #[test]
    fn nobody_waits_for_what_a_hole_in_the_media_is_long() {
        let start = Tick::START + Duration::from_secs(100);
        let (before, after) = (fragments(0), fragments(400 * 3_600_000));
        let short = fragments(5_000);
        let length = before[0].duration();

        let mut pace = Pace::of_feed();
        let (_, first) = pace.place(&before[0], start);
        assert_eq!(pace.place(&after[0], first).1, first + RESERVE);
        assert_eq!(pace.place(&after[1], first).1, first + RESERVE + length);
        assert_eq!(pace.place(&before[0], first).1, first + RESERVE);

        let mut pace = Pace::of_feed();
        let (_, first) = pace.place(&before[0], start);
        let (_, next) = pace.place(&short[0], first);
        assert_eq!(next, first + Duration::from_secs(5), "a pause is a pause");
    }

    #[test]
    fn a_computer_that_slept_goes_on_from_where_it_was() {
        let start = Tick::START + Duration::from_secs(100);
        let mut pace = Pace::default();
        pace.begin();
        let fragments = fragments(0);
        pace.place(&fragments[0], start);
        let woken = start + Duration::from_mins(1);

        let (_, due) = pace.place(&fragments[1], woken);
        let (_, next) = pace.place(&fragments[2], woken);

        assert_eq!((due, next), (woken, woken + fragments[2].duration()));
    }
}
