//! The timeline: the newest fragments of a run, where a viewer starts and what comes next.
//!
//! Belongs here: the rules of walks 1, 2 and 4 (start, follow, fall behind, restart of the encoder) and what
//! is kept for how long. Does not belong here: whether the show is on the air
//! ([`super::broadcast`]), waking readers, files, sockets.
//!
//! Invariants: the first kept fragment starts with a keyframe; the decode times of each track only
//! grow within a run; a reader holds a [`Position`], never a queue, so a stalled one costs nothing.

mod past;
mod reading;
pub mod rewind;

use std::time::Duration;

use bytes::Bytes;

pub use self::reading::{Next, Position};
use super::{
    fragment::{Fragment, TimeShift},
    init::InitSegment,
    rendition::Rendition,
    sound::SoundTrack,
};
use crate::{clock::Tick, ring::Ring};

/// How far decode times may run ahead of the wall clock before the timeline closes the gap itself.
///
/// An encoder that paused or jumped by less is believed; more would make players wait that long.
const MAX_JUMP_AHEAD: Duration = Duration::from_secs(10);

/// Encoders round the length of the last sample of a fragment: one that begins this much before the
/// end of the one before is moved to that end, and does not count as a step back.
const ROUNDING: Duration = Duration::from_millis(1);

/// What the timeline keeps and what it lets readers do.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Fragments older than this are dropped.
    pub keep: Duration,
    /// The oldest fragments are dropped beyond this many bytes.
    pub keep_bytes: usize,
    /// A reader further behind than its delay plus this is moved forward.
    pub max_lag: Duration,
}

/// The number of a run: one init segment, from its first fragment until it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(u64);

impl RunId {
    /// Grows by one from run to run; the first has 1.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// What a new init segment means for the responses that are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// Nothing was being played.
    Fresh,
    /// The same init segment again: they go on.
    Continued,
    /// Another init segment: they end.
    Replaced,
}

#[derive(Debug)]
struct Kept {
    bytes: Bytes,
    /// The sound alone, made once for all who listen.
    sound: Option<Bytes>,
    duration: Duration,
    starts_with_keyframe: bool,
    begins_sequence: bool,
    sequence: u64,
    arrived: Tick,
}

impl Kept {
    /// `None` if there is nothing of this rendition in the fragment.
    fn part(&self, rendition: Rendition) -> Option<&Bytes> {
        match rendition {
            Rendition::Full => Some(&self.bytes),
            Rendition::Sound => self.sound.as_ref(),
        }
    }

    /// Whether a player can start with it. Any fragment is a beginning for the ear.
    fn is_start(&self, rendition: Rendition) -> bool {
        match rendition {
            Rendition::Full => self.starts_with_keyframe,
            Rendition::Sound => self.sound.is_some(),
        }
    }

    /// Bytes of memory, or a little more: sound that is everything is not stored twice.
    fn size(&self) -> usize {
        self.bytes.len() + self.sound.as_ref().map_or(0, Bytes::len)
    }
}

/// End of the newest fragment of one track.
#[derive(Debug, Clone, Copy)]
struct TrackEnd {
    track_id: u32,
    end: Duration,
    /// The same in ticks of the track: durations are rounded.
    ticks: u64,
}

/// The newest part of the current run. See the module's words.
#[derive(Debug)]
pub struct Timeline {
    limits: Limits,
    run: RunId,
    init: Option<InitSegment>,
    /// The track for those who only listen.
    sound: Option<SoundTrack>,
    playing: bool,
    ring: Ring<Kept>,
    /// Number of the first fragment of the run.
    began: u64,
    bytes: usize,
    sequence: u64,
    /// Added to the decode times of the encoder as it runs now.
    shift: TimeShift,
    /// How much later than with `shift` the newest fragment is, for no track to step back.
    late: Duration,
    /// The next fragment is the first of an encoder that started again.
    rejoin: bool,
    /// How far the media are ahead of the time, because fragments that had to follow came sooner than
    /// they are long.
    lead: Duration,
    /// At most as many as the init segment has tracks.
    ends: Vec<TrackEnd>,
    last_arrival: Option<Tick>,
    /// The run before, if it came to a good end and somebody may be watching it.
    past: Option<Box<Timeline>>,
}

impl Timeline {
    /// An empty timeline.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            run: RunId(0),
            init: None,
            sound: None,
            playing: false,
            ring: Ring::new(),
            began: 0,
            bytes: 0,
            sequence: 0,
            shift: TimeShift::default(),
            late: Duration::ZERO,
            rejoin: false,
            lead: Duration::ZERO,
            ends: Vec::new(),
            last_arrival: None,
            past: None,
        }
    }

    /// The run that is being played, with its init segment.
    pub fn current(&self) -> Option<(RunId, &InitSegment)> {
        self.init
            .as_ref()
            .filter(|_| self.playing)
            .map(|init| (self.run, init))
    }

    /// The init segment of a rendition of the run that is being played.
    pub fn init(&self, rendition: Rendition) -> Option<&Bytes> {
        let (_, init) = self.current()?;
        match rendition {
            Rendition::Full => Some(init.bytes()),
            Rendition::Sound => self.sound.as_ref().map(SoundTrack::init),
        }
    }

    /// The encoder started (again) with this init segment.
    pub fn begin(&mut self, init: InitSegment) -> Begun {
        let begun = match &self.init {
            Some(current) if self.playing && *current == init => {
                self.rejoin = true;
                return Begun::Continued;
            }
            Some(_) if self.playing => Begun::Replaced,
            _ => Begun::Fresh,
        };
        self.finish();
        self.sound = SoundTrack::of(&init);
        self.init = Some(init);
        begun
    }

    /// What comes next is from somewhere else, with the same init segment: it follows in time
    /// whatever its decode times are, from its first keyframe on.
    pub fn rejoin(&mut self) {
        self.rejoin = self.playing;
    }

    /// Ends the run at once: every reader gets [`Next::Ended`], nothing of it is kept. See
    /// [`Timeline::end`] for a good end.
    pub fn finish(&mut self) {
        self.playing = false;
        self.ring.clear();
        self.bytes = 0;
        self.ends.clear();
        self.shift = TimeShift::default();
        self.late = Duration::ZERO;
        self.rejoin = false;
        self.lead = Duration::ZERO;
        self.last_arrival = None;
    }

    /// How far the media are ahead of the time; the next pause makes up for it.
    pub fn lead(&self) -> Duration {
        self.lead
    }

    /// Takes the next fragment, which arrived at `now`. Returns whether it is kept.
    ///
    /// Refused are fragments without an init segment, and fragments before the first keyframe
    /// (also before the first keyframe of an encoder that started again).
    pub fn push(&mut self, fragment: &Fragment, now: Tick) -> bool {
        if self.init.is_none() {
            return false;
        }
        let first = self.ring.is_empty();
        if (first || self.rejoin) && !fragment.starts_with_keyframe() {
            return false;
        }
        if first && !self.playing {
            self.run = RunId(self.run.0 + 1);
            self.began = self.ring.end();
            self.playing = true;
        }
        if !first && (self.rejoin || self.jumps(fragment, now)) {
            self.shift = self.shift_to_now(fragment, now);
        }
        self.rejoin = false;
        // No more than this fragment needs: a pause makes up for what the ones before needed, so
        // that roundings do not add up to a growing delay.
        self.late = self.overlap(fragment, self.shift);
        let shift = self.shift.later_by(self.late);
        let fragment = if shift == TimeShift::default() {
            fragment.clone()
        } else {
            fragment.shifted(shift)
        };
        self.remember_ends(&fragment);
        self.last_arrival = Some(now);

        let begins_sequence =
            first || (fragment.begins_segment() && fragment.starts_with_keyframe());
        if begins_sequence {
            self.sequence += 1;
        }
        let sound = self
            .sound
            .as_ref()
            .zip(self.init.as_ref())
            .and_then(|(sound, init)| sound.fragment(&fragment, init));
        let kept = Kept {
            bytes: fragment.bytes().clone(),
            sound,
            duration: fragment.duration(),
            starts_with_keyframe: fragment.starts_with_keyframe(),
            begins_sequence,
            sequence: self.sequence,
            arrived: now,
        };
        self.bytes += kept.size();
        self.ring.push(kept);
        self.evict(now);
        true
    }

    /// Whether the decode times do not follow on from the fragment before.
    fn jumps(&self, fragment: &Fragment, now: Tick) -> bool {
        let waited = self
            .last_arrival
            .map_or(Duration::ZERO, |last| now.since(last));
        let ahead = fragment.runs().iter().any(|run| {
            let start = self.shift.applied_to(run.start());
            self.end_of(run.track_id).is_some_and(|track| {
                let latest = track.end.saturating_add(waited);
                start > latest.saturating_add(MAX_JUMP_AHEAD)
            })
        });
        // Against the end of the one before as the encoder means it, without our own correction.
        ahead || self.overlap(fragment, self.shift.later_by(self.late)) > ROUNDING
    }

    /// How much later than with `shift` the fragment must be for none of its tracks to step back.
    ///
    /// Exact: decode times are ticks, and a shift that is rounded to them moves two fragments that
    /// follow each other by as many.
    fn overlap(&self, fragment: &Fragment, shift: TimeShift) -> Duration {
        let overlaps = fragment.runs().iter().filter_map(|run| {
            let end = i128::from(self.end_of(run.track_id)?.ticks);
            let missing = u64::try_from(end - run.moved(shift)).ok()?;
            Some(run.at_least(missing))
        });
        overlaps.max().unwrap_or_default()
    }

    /// The shift that puts `fragment` after everything so far, as much later as it came later.
    ///
    /// Its content ends now, and the content of the fragment before ended when that one arrived.
    fn shift_to_now(&mut self, fragment: &Fragment, now: Tick) -> TimeShift {
        let last_end = self
            .ends
            .iter()
            .map(|track| track.end)
            .max()
            .unwrap_or_default();
        let waited = self
            .last_arrival
            .map_or(Duration::ZERO, |last| now.since(last));
        // What came too soon is not added up: viewers would see each restart later than the one before.
        let wanted = fragment.duration().saturating_add(self.lead);
        let start = last_end.saturating_add(waited.saturating_sub(wanted));
        self.lead = wanted.saturating_sub(waited);
        let shift = TimeShift::between(fragment.start(), start);
        // Tracks need not end together: none of them may step back.
        shift.later_by(self.overlap(fragment, shift).saturating_add(ROUNDING))
    }

    fn end_of(&self, track_id: u32) -> Option<&TrackEnd> {
        self.ends.iter().find(|track| track.track_id == track_id)
    }

    fn remember_ends(&mut self, fragment: &Fragment) {
        for run in fragment.runs() {
            let end = run.end();
            let ticks = run.decode_time.saturating_add(run.duration);
            match self
                .ends
                .iter_mut()
                .find(|track| track.track_id == run.track_id)
            {
                Some(track) => {
                    track.end = track.end.max(end);
                    track.ticks = track.ticks.max(ticks);
                }
                None => self.ends.push(TrackEnd {
                    track_id: run.track_id,
                    end,
                    ticks,
                }),
            }
        }
    }

    /// Drops what is too old or too much, down to a keyframe.
    fn evict(&mut self, now: Tick) {
        while let Some(oldest) = self.ring.oldest()
            && (!oldest.starts_with_keyframe
                || (self.ring.end() - self.ring.first() > 1
                    && (self.bytes > self.limits.keep_bytes
                        || now.since(oldest.arrived) > self.limits.keep)))
        {
            if let Some(dropped) = self.ring.drop_first() {
                self.bytes -= dropped.size();
            }
        }
        self.forget(now);
    }
}

#[cfg(test)]
mod tests;
