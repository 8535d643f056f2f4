//! The broadcast: whether the show is on the air, decided from what the encoder delivers.
//!
//! Belongs here: on air / off air and when it changes. Does not belong here: reading the stream
//! directory (its events come in as calls), telling viewers.
//!
//! An encoder that goes away for a moment is covered by a slate: a clip with the same init segment,
//! looped in the timeline until the encoder is back. Viewers' players do not notice the splice.
//!
//! "Look at everything afresh": [`Broadcast::tick`] decides from timestamps, so a missed call
//! delays a change but never loses one.

use std::time::Duration;

use super::{
    clip::{Clip, Loop},
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
}

/// What is shown while the encoder is away.
#[derive(Debug)]
struct Slate {
    clip: Clip,
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
        }
    }

    /// What is shown while an encoder with the same init segment is away, for how long at most.
    pub fn set_slate(&mut self, clip: Clip, at_most: Duration) {
        self.slate = Some(Slate { clip, at_most });
        self.shown = None;
    }

    /// Whether the slate is shown.
    pub fn is_away(&self) -> bool {
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
            self.timeline.finish();
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
        let fits = |slate: &Slate| {
            let init = self.timeline.current().map(|(_, init)| init);
            quiet <= slate.at_most && init == Some(slate.clip.init())
        };
        !self.done && quiet >= patience && self.slate.as_ref().is_some_and(fits)
    }

    /// From where the encoder stopped, so that there is no gap: what is overdue is sent at once.
    fn show_slate(&mut self) {
        if let (Some(slate), Some(last)) = (&self.slate, self.last_fragment) {
            let begins = last + self.timeline.lead();
            self.shown = Some(Loop::new(slate.clip.clone(), begins, Duration::ZERO));
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
mod tests {
    use super::*;
    use crate::media::{fragment::sample, timeline::Next};

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

    #[test]
    fn a_clock_that_is_set_by_an_hour_ends_no_broadcast_and_changes_no_uptime() {
        let hour = 3_600_000;
        let noon = NOON.unix_millis();
        for wall in [noon - hour, noon + hour, 0, u64::MAX] {
            let wall = WallTime::from_unix_millis(wall);
            let earlier = WallTime::from_unix_millis(noon - 600_000);
            let mut broadcast = Broadcast::new(LIMITS, SILENCE);
            broadcast.begin(sample::audio_and_video_init(), Some(earlier));
            broadcast.push(&sample::fragment(0, true), at(0), NOON);
            let before = broadcast.air();

            // Set between two fragments; then the encoder starts again.
            broadcast.push(&sample::fragment(200, false), at(200), wall);
            broadcast.tick(at(1000));
            broadcast.lose(at(1000));
            broadcast.begin(sample::audio_and_video_init(), Some(wall));
            broadcast.push(&sample::fragment(0, true), at(1500), wall);
            broadcast.tick(at(5000));

            assert_eq!(broadcast.air(), before, "{wall:?}");
            let Air::On { uptime, since, .. } = broadcast.air() else {
                panic!("off air")
            };
            assert_eq!(since, earlier);
            assert_eq!(uptime.at(at(5000)), Duration::from_secs(605));
        }
    }

    #[test]
    fn restarts_under_the_slate_do_not_add_up_to_a_growing_delay() {
        let mut broadcast = on_air();
        broadcast.set_slate(slate(), Duration::from_mins(1));
        let mut now = 0;
        for round in 0..20 {
            broadcast.lose(at(now));
            // Back at any moment between two fragments of the slate.
            let back = now + 2_000 + round * 37 % 200;
            for millis in (now..back).step_by(50) {
                broadcast.tick(at(millis));
            }
            now = back;
            broadcast.begin(sample::audio_and_video_init(), None);
            for _ in 0..10 {
                broadcast.push(
                    &sample::fragment((now - back) + 5_000, now == back),
                    at(now),
                    NOON,
                );
                now += 200;
            }
            now -= 200;
        }
        let init = sample::audio_and_video_init();
        let mut position = broadcast.timeline().join(Duration::ZERO).unwrap();
        let mut end = Duration::ZERO;
        while let Next::Fragment(bytes) = broadcast.timeline().read(&mut position, at(now)) {
            end = Fragment::parse(bytes, &init).unwrap().end();
        }
        // The first fragment began 200 ms before it came.
        let ahead = end.saturating_sub(Duration::from_millis(now + 200));
        assert!(ahead < Duration::from_millis(300), "{ahead:?} ahead");
    }

    /// A slate of two seconds, for at most a minute, with the init segment of [`on_air`].
    fn slate() -> Clip {
        let media = (0..10).map(|n| sample::fragment_bytes(7_000 + n * 200, n % 5 == 0));
        let bytes = std::iter::once(sample::audio_and_video()).chain(media);
        Clip::parse(&bytes.collect::<Vec<_>>().concat().into()).unwrap()
    }

    /// The decode times of everything that was sent, and whether they follow without a gap.
    fn sent(broadcast: &Broadcast, now: Tick) -> usize {
        let init = sample::audio_and_video_init();
        let mut position = broadcast.timeline().join(Duration::ZERO).unwrap();
        let (mut count, mut end) = (0, None);
        // From the oldest kept on: a reader who is late starts at a keyframe.
        while let Next::Fragment(bytes) | Next::Skipped(bytes) =
            broadcast.timeline().read(&mut position, now)
        {
            let fragment = Fragment::parse(bytes, &init).unwrap();
            let gap = end.map(|end| fragment.start().abs_diff(end));
            assert!(
                gap.is_none_or(|gap| gap < Duration::from_millis(5)),
                "{gap:?}"
            );
            end = Some(fragment.end());
            count += 1;
        }
        count
    }

    #[test]
    fn an_encoder_that_is_away_is_covered_by_the_slate_until_it_is_back() {
        let mut broadcast = on_air();
        broadcast.set_slate(slate(), Duration::from_mins(1));
        for n in 1..10 {
            broadcast.push(&sample::fragment(n * 200, n % 5 == 0), at(n * 200), NOON);
        }
        let on = broadcast.air();
        broadcast.tick(at(3_250));
        assert!(!broadcast.is_away(), "a pause is no absence");

        for millis in (3_500..20_000).step_by(250) {
            broadcast.tick(at(millis));
            assert!(broadcast.is_away());
        }
        assert!(sent(&broadcast, at(19_900)) >= 1);
        assert_eq!(broadcast.last_fragment(), Some(at(19_600)));

        assert!(!broadcast.push(&sample::fragment(0, false), at(19_950), NOON));
        assert!(broadcast.push(&sample::fragment(200, true), at(20_000), NOON));
        assert!(!broadcast.is_away());
        assert_eq!(broadcast.air(), on, "it was never off the air");
        assert!(sent(&broadcast, at(20_000)) >= 1);
    }

    #[test]
    fn the_slate_has_an_end_and_covers_no_encoder_that_is_done_or_another_one() {
        let away = |prepare: fn(&mut Broadcast)| {
            let mut broadcast = on_air();
            broadcast.set_slate(slate(), Duration::from_mins(1));
            prepare(&mut broadcast);
            broadcast.tick(at(4_000));
            let was_away = broadcast.is_away();
            broadcast.tick(at(59_000));
            let was_on = is_on(&broadcast);
            broadcast.tick(at(61_000));
            (was_away, was_on, is_on(&broadcast))
        };

        assert_eq!(away(|_| {}), (true, true, false));
        assert_eq!(
            away(|broadcast| broadcast.lose(at(300))),
            (true, true, false)
        );
        assert_eq!(
            away(|broadcast| broadcast.stop(at(300))),
            (false, false, false)
        );
        let other = away(|broadcast| {
            let tracks = [(1, b"vide", 12_800), (2, b"soun", 44_100)];
            let tracks = tracks.map(|(id, kind, scale)| sample::track_boxes(id, kind, scale));
            let other = InitSegment::parse(sample::init_with(&tracks).into()).unwrap();
            broadcast.begin(other, None);
            broadcast.push(&sample::fragment(0, true), at(400), NOON);
        });
        assert_eq!(other, (false, false, false));
    }
}
