//! The broadcast: whether the show is on the air, decided from what the encoder delivers.
//!
//! Belongs here: on air / off air and when it changes. Does not belong here: reading the stream
//! directory (its events come in as calls), telling viewers.
//!
//! "Look at everything afresh": [`Broadcast::tick`] decides from timestamps, so a missed call
//! delays a change but never loses one.

use std::time::Duration;

use super::{
    fragment::Fragment,
    init::InitSegment,
    timeline::{Begun, Limits, RunId, Timeline},
};
use crate::clock::{Tick, WallTime};

/// How long a broadcast stays on the air after the encoder said that it is done or is gone.
///
/// An encoder that is restarted by hand or by a script is back within this time, and then the
/// open responses just go on.
pub const STOP_GRACE: Duration = Duration::from_millis(1500);

/// Silence of this many target durations is accepted, whatever the configured silence is:
/// whole segments arrive one target duration apart.
const SILENT_TARGETS: u32 = 3;

/// What viewers may know about the broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Air {
    /// Nothing is being played.
    Off,
    /// A run is being played.
    On {
        /// Which one.
        run: RunId,
        /// When the broadcast began.
        since: WallTime,
        /// Whether there is a picture, or only sound.
        has_video: bool,
    },
}

/// A timeline that knows whether it is on the air.
#[derive(Debug)]
pub struct Broadcast {
    timeline: Timeline,
    silence: Duration,
    target_duration: Duration,
    /// Start of the broadcast as the encoder states it, for the next run.
    stated_start: Option<WallTime>,
    air: Air,
    last_fragment: Option<Tick>,
    stopping_since: Option<Tick>,
}

impl Broadcast {
    /// Off the air. `silence` is how long an encoder may deliver nothing.
    pub fn new(limits: Limits, silence: Duration) -> Self {
        Self {
            timeline: Timeline::new(limits),
            silence,
            target_duration: Duration::ZERO,
            stated_start: None,
            air: Air::Off,
            last_fragment: None,
            stopping_since: None,
        }
    }

    /// The fragments.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// What viewers may know.
    pub fn air(&self) -> Air {
        self.air
    }

    /// When the newest fragment arrived.
    pub fn last_fragment(&self) -> Option<Tick> {
        self.last_fragment
    }

    /// The longest segment that the encoder announced; 0 if it announced none.
    pub fn target_duration(&self) -> Duration {
        self.target_duration
    }

    /// The encoder announced how long its segments are at most.
    pub fn set_target_duration(&mut self, target: Duration) {
        self.target_duration = target;
    }

    /// The encoder started with this init segment; `started` is when it says the broadcast began.
    pub fn begin(&mut self, init: InitSegment, started: Option<WallTime>) {
        self.stopping_since = None;
        if self.timeline.begin(init) != Begun::Continued {
            self.stated_start = started;
            // On the air again with the first fragment: until then there is nothing to play.
            self.air = Air::Off;
        }
    }

    /// Takes the next fragment. Returns whether it is kept; see [`Timeline::push`].
    pub fn push(&mut self, fragment: &Fragment, now: Tick, wall: WallTime) -> bool {
        if !self.timeline.push(fragment, now) {
            return false;
        }
        self.stopping_since = None;
        self.last_fragment = Some(now);
        if self.air == Air::Off
            && let Some((run, init)) = self.timeline.current()
        {
            let since = self
                .stated_start
                .take()
                .filter(|start| *start <= wall)
                .unwrap_or(wall);
            self.air = Air::On {
                run,
                since,
                has_video: init.has_video(),
            };
        }
        true
    }

    /// The encoder said that it is done, or its process is gone.
    pub fn stop(&mut self, now: Tick) {
        if self.air != Air::Off {
            self.stopping_since.get_or_insert(now);
        }
    }

    /// Looks at the time; goes off the air when the encoder has been silent or gone too long.
    pub fn tick(&mut self, now: Tick) {
        let stopped = self
            .stopping_since
            .is_some_and(|since| now.since(since) >= STOP_GRACE);
        let longest = self
            .silence
            .max(self.target_duration.saturating_mul(SILENT_TARGETS));
        let silent = self
            .last_fragment
            .is_some_and(|last| now.since(last) > longest);
        if self.air != Air::Off && (stopped || silent) {
            self.timeline.finish();
            self.air = Air::Off;
            self.stopping_since = None;
        }
    }
}
