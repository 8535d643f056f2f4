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
    meter::{EncoderState, Meter},
    privacy::Metadata,
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
    meter: Meter,
    metadata: Metadata,
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
            meter: Meter::new(),
            metadata: Metadata::default(),
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
        self.meter.begin(&init);
        if self.timeline.begin(init) != Begun::Continued {
            self.stated_start = started;
            // On the air again with the first fragment: until then there is nothing to play.
            self.air = Air::Off;
        }
    }

    /// Takes the next fragment. Returns whether it is kept; see [`Timeline::push`].
    pub fn push(&mut self, fragment: &Fragment, now: Tick, wall: WallTime) -> bool {
        // Also what is not kept: an encoder that delivers and is not seen is what one looks for.
        self.meter.push(fragment, now);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::fragment::sample;

    const LIMITS: Limits = Limits {
        keep: Duration::from_mins(1),
        keep_bytes: 1 << 20,
        max_lag: Duration::from_secs(10),
    };
    const SILENCE: Duration = Duration::from_secs(8);
    const NOON: WallTime = WallTime::from_unix_millis(43_200_000);

    fn at(millis: u64) -> Tick {
        Tick::START + Duration::from_millis(millis)
    }

    /// On the air since `at(0)`.
    fn on_air() -> Broadcast {
        let mut broadcast = Broadcast::new(LIMITS, SILENCE);
        broadcast.begin(sample::audio_and_video_init(), None);
        assert_eq!(broadcast.air(), Air::Off, "nothing to play yet");
        broadcast.push(&sample::fragment(0, true), at(0), NOON);
        assert!(is_on(&broadcast));
        broadcast
    }

    fn is_on(broadcast: &Broadcast) -> bool {
        broadcast.air() != Air::Off
    }

    #[test]
    fn a_stopped_encoder_is_off_the_air_within_two_seconds() {
        let mut broadcast = on_air();

        broadcast.stop(at(1000));

        broadcast.tick(at(2400));
        assert!(is_on(&broadcast), "it may come back");
        broadcast.tick(at(2500));
        assert!(!is_on(&broadcast));
        assert!(broadcast.timeline().join(SILENCE).is_none());
    }

    #[test]
    fn an_encoder_that_comes_back_in_time_was_never_off_the_air() {
        let mut broadcast = on_air();
        let before = broadcast.air();

        broadcast.stop(at(1000));
        broadcast.begin(sample::audio_and_video_init(), None);
        broadcast.tick(at(5000));
        broadcast.push(&sample::fragment(0, true), at(6000), NOON);
        broadcast.tick(at(7000));

        assert_eq!(broadcast.air(), before);
    }

    #[test]
    fn silence_ends_the_broadcast_after_eight_seconds_or_three_segments() {
        for (target, last_on, off) in [(2, 8_000, 8_001), (10, 30_000, 30_001)] {
            let mut broadcast = on_air();
            broadcast.set_target_duration(Duration::from_secs(target));

            broadcast.tick(at(last_on));
            assert!(is_on(&broadcast), "{target}");
            broadcast.tick(at(off));
            assert!(!is_on(&broadcast), "{target}");
        }
    }

    #[test]
    fn the_broadcast_began_when_the_encoder_says_unless_that_is_in_the_future() {
        let earlier = WallTime::from_unix_millis(43_100_000);
        let later = WallTime::from_unix_millis(43_300_000);
        for (stated, expected) in [(None, NOON), (Some(earlier), earlier), (Some(later), NOON)] {
            let mut broadcast = Broadcast::new(LIMITS, SILENCE);
            broadcast.begin(sample::audio_and_video_init(), stated);
            broadcast.push(&sample::fragment(0, true), at(0), NOON);

            let Air::On { since, .. } = broadcast.air() else {
                panic!("off air")
            };
            assert_eq!(since, expected);
        }
    }
}
