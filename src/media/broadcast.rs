//! The broadcast: whether the show is on the air, decided from what the encoder delivers.
//!
//! Belongs here: on air / off air and when it changes. Does not belong here: reading the stream
//! directory (its events come in as calls), telling viewers.
//!
//! An encoder that goes away for a moment is covered by a slate: a clip with the same init segment,
//! or one that was made to go with it ([`super::splice`]), looped in the timeline until the encoder
//! is back. Viewers' players do not notice the splice.
//!
//! "Look at everything afresh": [`Broadcast::tick`] decides from timestamps, so a missed call
//! delays a change but never loses one.

use std::time::Duration;

use super::{
    clip::Loop,
    fragment::Fragment,
    init::InitSegment,
    meter::{EncoderState, Meter},
    privacy::Metadata,
    splice::Spliced,
    timeline::{Begun, Limits, RunId, Timeline},
};
use crate::clock::{Tick, WallTime};

/// How long a broadcast stays on the air after the encoder said that it is done or is gone.
///
/// An encoder that is restarted by hand or by a script is back within this time, and then the
/// open responses just go on.
pub const STOP_GRACE: Duration = Duration::from_millis(1500);

/// How long an encoder may deliver nothing before the slate is shown.
pub const SLATE_AFTER: Duration = Duration::from_millis(1500);

/// The same for an encoder that is known to have ended: nothing of it can be on its way, and the next
/// one begins with a keyframe, so that an early slate costs nothing.
pub const SLATE_AFTER_END: Duration = Duration::from_millis(800);

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
        /// How long that is ago.
        uptime: Uptime,
        /// Whether there is a picture, or only sound.
        has_video: bool,
    },
}

/// How long something has been going on, whatever happens to the date meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uptime {
    noted: Tick,
    /// How long it had been going on then.
    before: Duration,
}

impl Uptime {
    /// The time that has passed at `now`.
    pub fn at(self, now: Tick) -> Duration {
        self.before.saturating_add(now.since(self.noted))
    }
}

/// A timeline that knows whether it is on the air.
#[derive(Debug)]
pub struct Broadcast {
    timeline: Timeline,
    meter: Meter,
    metadata: Metadata,
    silence: Duration,
    target_duration: Duration,
    /// Start of the broadcast as the encoder states it, for the next run.
    stated_start: Option<WallTime>,
    air: Air,
    /// When the newest fragment arrived, be it of the slate.
    last_fragment: Option<Tick>,
    /// When the encoder was last heard of.
    heard: Option<Tick>,
    /// Media in its newest fragment, which is how far apart they come.
    cadence: Duration,
    stopping_since: Option<Tick>,
    /// The encoder is done, not gone: nobody waits for it.
    done: bool,
    slate: Option<Slate>,
    /// The slate as it is being shown.
    shown: Option<Loop>,
    /// How much later than its decode times say the slate would have to begin now.
    pause: Duration,
}

/// What is shown while the encoder is away.
#[derive(Debug)]
struct Slate {
    clip: Spliced,
    /// How long at most.
    at_most: Duration,
}

impl Broadcast {
    /// Off the air. `silence` is how long an encoder may deliver nothing.
    pub fn new(limits: Limits, silence: Duration) -> Self {
        Self {
            timeline: Timeline::new(limits),
            meter: Meter::new(),
            metadata: Metadata::default(),
            silence,
            target_duration: Duration::ZERO,
            stated_start: None,
            air: Air::Off,
            last_fragment: None,
            heard: None,
            cadence: Duration::ZERO,
            stopping_since: None,
            done: false,
            slate: None,
            shown: None,
            pause: Duration::ZERO,
        }
    }

    /// What is shown while an encoder with the same init segment is away, for how long at most.
    pub fn set_slate(&mut self, clip: impl Into<Spliced>, at_most: Duration) {
        let clip = clip.into();
        self.slate = Some(Slate { clip, at_most });
        self.shown = None;
    }

    /// Whether the slate is shown.
    #[cfg(test)]
    fn is_away(&self) -> bool {
        self.shown.is_some()
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

    /// What the encoder delivers.
    pub fn encoder(&self, now: Tick) -> EncoderState {
        EncoderState {
            metadata: self.metadata,
            ..self.meter.state(now, self.air != Air::Off)
        }
    }

    /// What is known of the metadata of the stream; only for those who ask for the encoder's state.
    pub fn set_metadata(&mut self, metadata: Metadata) {
        self.metadata = metadata;
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
        self.done = false;
        self.meter.begin(&init);
        if self.timeline.begin(init) != Begun::Continued {
            self.stated_start = started;
            self.shown = None;
            // On the air again with the first fragment: until then there is nothing to play.
            self.air = Air::Off;
        }
    }

    /// Takes the next fragment. Returns whether it is kept; see [`Timeline::push`].
    pub fn push(&mut self, fragment: &Fragment, now: Tick, wall: WallTime) -> bool {
        // Also what is not kept: an encoder that delivers and is not seen is what one looks for.
        self.meter.push(fragment, now);
        self.keep_slate_in_step(fragment);
        let prepared = self
            .slate_that_fits()
            .and_then(|s| s.clip.prepared(fragment));
        let fragment = prepared.as_ref().unwrap_or(fragment);
        if self.shown.is_some() {
            if !fragment.starts_with_keyframe() {
                return false;
            }
            // Up to this moment, so that the encoder follows without a gap.
            self.play_slate(now);
            self.shown = None;
            self.timeline.rejoin();
        }
        if !self.timeline.push(fragment, now) {
            return false;
        }
        self.stopping_since = None;
        self.last_fragment = Some(now);
        self.heard = Some(now);
        self.cadence = fragment.duration();
        self.pause = self
            .slate_that_fits()
            .map_or(Duration::ZERO, |slate| slate.clip.pause_behind(fragment));
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
                uptime: Uptime {
                    noted: now,
                    before: wall.since(since),
                },
                has_video: init.has_video(),
            };
        }
        true
    }

    /// The encoder said that it is done.
    pub fn stop(&mut self, now: Tick) {
        self.done = true;
        self.lose(now);
    }

    /// The encoder is gone, and may come back.
    pub fn lose(&mut self, now: Tick) {
        if self.air != Air::Off {
            self.stopping_since.get_or_insert(now);
        }
    }

    /// Looks at the time; shows the slate when the encoder is away, and goes off the air when it has
    /// been silent or gone too long.
    pub fn tick(&mut self, now: Tick) {
        self.timeline.forget(now);
        let quiet = self.heard.map_or(Duration::ZERO, |heard| now.since(heard));
        if self.air != Air::Off && self.has_slate(quiet) {
            if self.shown.is_none() {
                self.show_slate();
            }
            self.play_slate(now);
            return;
        }
        let stopped = self
            .stopping_since
            .is_some_and(|since| now.since(since) >= STOP_GRACE);
        let longest = self
            .silence
            .max(self.target_duration.saturating_mul(SILENT_TARGETS));
        if self.air != Air::Off && (stopped || quiet > longest) {
            self.timeline.end();
            self.air = Air::Off;
            self.stopping_since = None;
            self.shown = None;
        }
    }

    /// Whether the slate is to be seen after the encoder was quiet for so long.
    fn has_slate(&self, quiet: Duration) -> bool {
        // Whole segments come as far apart as they are long: that is no silence.
        let patience = match self.stopping_since {
            Some(_) => SLATE_AFTER_END,
            None => SLATE_AFTER.max(self.cadence.saturating_mul(2)),
        };
        !self.done
            && quiet >= patience
            && self
                .slate_that_fits()
                .is_some_and(|slate| quiet <= slate.at_most)
    }

    /// The slate learns from the encoder what it could not know before.
    fn keep_slate_in_step(&mut self, fragment: &Fragment) {
        let learned = self
            .slate_that_fits()
            .and_then(|slate| slate.clip.in_step_with(fragment));
        if let Some((clip, slate)) = learned.zip(self.slate.as_mut()) {
            slate.clip = clip;
        }
    }

    /// The slate, if it is one for the run that is being played.
    fn slate_that_fits(&self) -> Option<&Slate> {
        let (_, init) = self.timeline.current()?;
        self.slate
            .as_ref()
            .filter(|slate| slate.clip.clip().init() == init)
    }

    /// From where the encoder stopped, so that there is no gap: what is overdue is sent at once.
    fn show_slate(&mut self) {
        if let (Some(slate), Some(last)) = (&self.slate, self.last_fragment) {
            let begins = last + self.timeline.lead() + self.pause;
            let clip = slate.clip.clip().clone();
            self.shown = Some(Loop::new(clip, begins, Duration::ZERO));
            self.timeline.rejoin();
        }
    }

    fn play_slate(&mut self, now: Tick) {
        let Some(shown) = &mut self.shown else {
            return;
        };
        while let Some((fragment, due)) = shown.next(now) {
            if self.timeline.push(&fragment, due) {
                self.last_fragment = Some(due);
            }
        }
    }
}

#[cfg(test)]
mod tests;
