//! What readers of the timeline get: where they start, what comes next, and what they can choose.
//!
//! Belongs here: everything that only looks. Does not belong here: what is kept (`timeline.rs`).

use std::time::Duration;

use bytes::Bytes;

use super::{
    super::{
        lag::Lag,
        listing::ListedSegment,
        rendition::{Offer, Rendition},
    },
    RunId, Timeline,
};
use crate::clock::Tick;

/// The newest media that rates are taken from.
const RATE_OF: Duration = Duration::from_secs(10);

/// Less media than this makes no rate.
const ENOUGH: Duration = Duration::from_secs(1);

/// Where a reader stands.
#[derive(Debug, Clone, Copy)]
pub struct Position {
    pub(super) run: RunId,
    rendition: Rendition,
    /// Age of the keyframe it starts from.
    pub(super) delay: Duration,
    /// How much it gets in advance: the newest it gets is `delay - lead` old. Live it is `delay`.
    lead: Duration,
    /// Number of the next fragment; `None` before the first.
    pub(super) next: Option<u64>,
    /// `None` before the first fragment.
    lag: Option<Lag>,
}

impl Position {
    /// How far behind this reader is; `None` before their first fragment.
    pub fn lag(&self) -> Option<Lag> {
        self.lag
    }

    /// How old a fragment must be for this reader.
    fn hold(&self) -> Duration {
        self.delay.saturating_sub(self.lead)
    }
}

/// What a reader gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The next fragment.
    Fragment(Bytes),
    /// The next fragment after leaving some out, because the reader was too far behind.
    Skipped(Bytes),
    /// Nothing yet; ask again when something changes, or at this time if it comes first.
    Wait(Option<Tick>),
    /// The run is over, and the reader has had what was left of it.
    Ended,
}

impl Timeline {
    /// What viewers can choose from, with the rates of the newest ten seconds; `None` when nothing is
    /// being played. O(fragments of these seconds).
    pub fn offer(&self) -> Option<Offer> {
        let (_, init) = self.current()?;
        let (mut media, mut full, mut sound) = (Duration::ZERO, 0, 0);
        for (_, kept) in self.ring.iter().rev() {
            media = media.saturating_add(kept.duration);
            full += kept.bytes.len();
            sound += kept.sound.as_ref().map_or(0, Bytes::len);
            if media >= RATE_OF {
                break;
            }
        }
        let rate = |bytes: usize| {
            let bits_and_millis = (bytes as u128).saturating_mul(8_000);
            let rate = bits_and_millis.checked_div(media.as_millis())?;
            u64::try_from(rate).ok().filter(|_| media >= ENOUGH)
        };
        Some(Offer {
            has_picture: init.has_video(),
            has_sound: self.sound.is_some(),
            full: rate(full),
            sound: rate(sound).filter(|_| self.sound.is_some()),
        })
    }

    /// Complete segments, oldest first. The one that is still growing is not among them.
    pub fn segments(&self, rendition: Rendition) -> Vec<ListedSegment> {
        let mut listed: Vec<ListedSegment> = Vec::new();
        for (_, kept) in self
            .ring
            .iter()
            .filter(|(_, kept)| kept.sequence < self.sequence)
        {
            let bytes = kept.part(rendition).map_or(0, Bytes::len);
            match listed
                .last_mut()
                .filter(|last| last.sequence == kept.sequence)
            {
                Some(last) => {
                    last.duration = last.duration.saturating_add(kept.duration);
                    last.bytes += bytes;
                }
                // The rest of a segment whose beginning is gone cannot be played.
                None if !kept.begins_sequence => {}
                None => listed.push(ListedSegment {
                    sequence: kept.sequence,
                    duration: kept.duration,
                    bytes,
                }),
            }
        }
        listed
    }

    /// The bytes of a complete segment, in order; `None` if it is not listed.
    pub fn segment(&self, rendition: Rendition, sequence: u64) -> Option<Vec<Bytes>> {
        let mut parts = self
            .ring
            .iter()
            .map(|(_, kept)| kept)
            .filter(|kept| kept.sequence == sequence);
        let first = parts
            .next()
            .filter(|kept| kept.begins_sequence && sequence < self.sequence)?;
        let parts = std::iter::once(first).chain(parts);
        Some(
            parts
                .filter_map(|kept| kept.part(rendition).cloned())
                .collect(),
        )
    }

    /// Where a viewer who comes now starts: the newest keyframe at least `delay` old.
    ///
    /// `None` when nothing is being played.
    pub fn join(&self, delay: Duration) -> Option<Position> {
        self.join_rendition(Rendition::Full, delay)
    }

    /// The same for a rendition; `None` also when there is no such one.
    pub fn join_rendition(&self, rendition: Rendition, delay: Duration) -> Option<Position> {
        self.init(rendition).map(|_| Position {
            run: self.run,
            rendition,
            delay,
            lead: delay,
            next: None,
            lag: None,
        })
    }

    /// The next thing for the reader at `position`, which moves on.
    pub fn read(&self, position: &mut Position, now: Tick) -> Next {
        if !self.playing || position.run != self.run {
            return self.read_past(position, now);
        }
        let Some(wanted) = position.next else {
            return match self.start_older_than(position, now) {
                Some(number) => self.take(position, number, now, false),
                // The run is younger than the delay: its first keyframe will be old enough soon.
                None => Next::Wait(self.first_start(position)),
            };
        };
        let lost = wanted < self.ring.first();
        let age = self.age(wanted.max(self.ring.first()), now);
        if lost {
            // What is kept got shorter, because the picture got richer: from now on the reader is as
            // far behind as there is. Else it would wait for each fragment until that is gone.
            position.delay = position.delay.min(self.reach(now)).max(position.lead);
        }
        if lost || age > position.delay.saturating_add(self.limits.max_lag) {
            let target = self
                .start_older_than(position, now)
                .unwrap_or(self.ring.first())
                .max(self.ring.first());
            if target > wanted {
                if let Some(lag) = &mut position.lag {
                    lag.missed(age);
                }
                return self.take(position, target, now, true);
            }
        }
        self.take(position, wanted, now, false)
    }

    fn take(&self, position: &mut Position, mut number: u64, now: Tick, skipped: bool) -> Next {
        position.next = Some(number);
        while let Some(kept) = self.ring.get(number) {
            let due = kept.arrived + position.hold();
            if now < due {
                return Next::Wait(Some(due));
            }
            number += 1;
            position.next = Some(number);
            // A fragment without sound is nothing to those who listen.
            let Some(bytes) = kept.part(position.rendition).cloned() else {
                continue;
            };
            let age = now.since(kept.arrived);
            position
                .lag
                .get_or_insert_with(|| Lag::started(age))
                .took(age);
            return if skipped {
                Next::Skipped(bytes)
            } else {
                Next::Fragment(bytes)
            };
        }
        Next::Wait(None)
    }

    /// How long ago a fragment arrived; 0 if it has not.
    fn age(&self, number: u64, now: Tick) -> Duration {
        self.ring
            .get(number)
            .map_or(Duration::ZERO, |kept| now.since(kept.arrived))
    }

    /// The number of the newest keyframe that arrived at least the reader's delay before `now`.
    ///
    /// O(fragments younger than the delay and one GOP).
    fn start_older_than(&self, position: &Position, now: Tick) -> Option<u64> {
        self.ring
            .iter()
            .rev()
            .find(|(_, kept)| {
                kept.is_start(position.rendition) && kept.arrived + position.delay <= now
            })
            .map(|(number, _)| number)
    }

    /// When the first keyframe is as old as the reader wants it.
    fn first_start(&self, position: &Position) -> Option<Tick> {
        let mut kept = self.ring.iter().map(|(_, kept)| kept);
        let first = kept.find(|kept| kept.is_start(position.rendition))?;
        Some(first.arrived + position.delay)
    }

    /// The bytes that a reader who has had nothing yet gets at once; `None` if the run is younger
    /// than their delay, so that they get nothing yet.
    pub fn burst(&self, position: &Position, now: Tick) -> Option<usize> {
        let first = match position.next {
            Some(number) => number,
            None => self.start_older_than(position, now)?,
        };
        let from_first = self
            .ring
            .iter()
            .rev()
            .take_while(|(number, _)| *number >= first)
            .filter(|(_, kept)| kept.arrived + position.hold() <= now);
        let parts = from_first.filter_map(|(_, kept)| kept.part(position.rendition));
        Some(parts.map(Bytes::len).sum())
    }
}
