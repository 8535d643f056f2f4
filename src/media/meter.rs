//! The meter: what the encoder delivers, in numbers for the broadcaster.
//!
//! Belongs here: counting over the newest [`WINDOW`] of media. Does not belong here: what the numbers
//! mean and what to do about them ([`super::advice`]), showing them.
//!
//! A fragment costs O(1); the window is bounded in media time and in entries.

pub(super) mod steady;

use std::{collections::VecDeque, fmt, time::Duration};

use super::{
    fragment::{Fragment, TrackRun},
    init::{InitSegment, TrackKind},
    privacy::Metadata,
};
use crate::clock::Tick;

/// How much media the numbers are taken from: long enough that one large keyframe does not move
/// them, short enough that a changed setting shows while one looks.
pub const WINDOW: Duration = Duration::from_secs(10);

/// Most fragments of the window; fragments of 10 ms just fit.
const MAX_ENTRIES: usize = 1024;

/// Less media than this makes no rate.
const ENOUGH: Duration = Duration::from_secs(1);

/// Less waiting than this makes no speed: the files that were there at the start come all at once.
const ENOUGH_WAITING: Duration = Duration::from_secs(5);

/// After this long without a fragment, and off the air, the numbers are those of another show.
const STALE: Duration = Duration::from_secs(3);

/// Pictures per second, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FrameRate(pub u32);

impl fmt::Display for FrameRate {
    /// `25`, `29.97`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.0.saturating_add(5) / 10;
        let (whole, part) = (hundredths / 100, hundredths % 100);
        match part {
            0 => write!(f, "{whole}"),
            part if part % 10 == 0 => write!(f, "{whole}.{}", part / 10),
            part => write!(f, "{whole}.{part:02}"),
        }
    }
}

/// What is known of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Picture {
    /// The codec's usual name, if it is one of the usual ones.
    pub codec: Option<&'static str>,
    /// Width and height in pixels.
    pub size: Option<(u16, u16)>,
}

/// What is known of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sound {
    /// The codec's usual name, if it is one of the usual ones.
    pub codec: Option<&'static str>,
    /// The track was announced, but nothing is in it.
    pub is_empty: bool,
}

/// Who is to make something come; the meter does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Supply {
    /// An encoder of somebody else's writes files.
    #[default]
    Directory,
    /// An ffmpeg that we run.
    Own,
    /// The same, of somebody else's feed.
    Feed,
    /// An encoder on this computer sends its stream.
    Push,
}

/// What the encoder delivers. Numbers are `None` until enough has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EncoderState {
    /// Whether viewers can see it.
    pub on_air: bool,
    /// `None` if nothing has ever come.
    pub since_last_fragment: Option<Duration>,
    /// Bits per second of media, with everything that is sent to viewers.
    pub bits_per_second: Option<u64>,
    /// `None` also if there is no picture.
    pub fps: Option<FrameRate>,
    /// The longest fragment.
    pub fragment: Option<Duration>,
    /// The longest file.
    pub segment: Option<Duration>,
    /// The longest way from keyframe to keyframe; `None` also if there is no picture.
    pub gop: Option<Duration>,
    /// `None` if the stream has no picture.
    pub picture: Option<Picture>,
    /// `None` if the stream has no sound.
    pub sound: Option<Sound>,
    /// Media per time that passed, in thousandths: below 1,000 the encoder is too slow.
    pub speed: Option<u32>,
    /// The longest that a fragment came later than the media in it explains.
    pub lateness: Duration,
    /// What it says about itself; the meter does not look for that.
    pub metadata: Metadata,
    /// Whom advice is for when nothing comes.
    pub supply: Supply,
}

/// What is remembered of a fragment.
#[derive(Debug, Clone, Copy)]
struct Entry {
    bytes: u64,
    arrived: Tick,
    media: Duration,
    pictures: u64,
    picture_time: Duration,
    sounds: u64,
    lateness: Duration,
    /// Of the segment and the group of pictures that ended before this fragment.
    segment: Option<Duration>,
    gop: Option<Duration>,
}

/// Measures how far apart certain fragments are.
#[derive(Debug, Clone, Copy, Default)]
struct Stretch {
    /// Media since the newest start; `None` before the first one.
    so_far: Option<Duration>,
    /// Starts inside the stretch, with the one it began with.
    starts: u32,
    /// The length of the newest complete one.
    last: Option<Duration>,
}

impl Stretch {
    /// The next fragment has this much media and so many starts; `begins` if one is its beginning.
    /// Returns the length of the stretch that ended with it.
    fn push(&mut self, begins: bool, starts: u32, media: Duration) -> Option<Duration> {
        let mut ended = None;
        if begins {
            ended = self.so_far.map(|length| length / self.starts.max(1));
            self.last = ended.or(self.last);
            *self = Self {
                so_far: Some(Duration::ZERO),
                starts: 0,
                last: self.last,
            };
        }
        self.starts = self.starts.saturating_add(starts);
        self.so_far = self.so_far.map(|length| length.saturating_add(media));
        ended
    }

    /// The longest of `complete` ones; one that is still open counts when it is longer.
    fn longest(&self, complete: impl Iterator<Item = Duration>) -> Option<Duration> {
        let open = self.so_far.map(|length| length / self.starts.max(1));
        let known = complete.max().or(self.last);
        // Before the first one is complete its length is only a lower bound, and would grow in view.
        known
            .map(|known| open.map_or(known, |open| open.max(known)))
            .or(open.filter(|open| *open > WINDOW))
    }
}

/// Counts what comes. See the module's words.
#[derive(Debug, Default)]
pub struct Meter {
    video: Vec<u32>,
    audio: Vec<u32>,
    picture: Option<Picture>,
    sound: Option<Sound>,
    window: VecDeque<Entry>,
    /// Media in the window.
    media: Duration,
    segments: Stretch,
    gops: Stretch,
    last_arrival: Option<Tick>,
}

impl Meter {
    /// Nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The encoder started (again) with this init segment: counts from the beginning.
    pub fn begin(&mut self, init: &InitSegment) {
        let of = |kind| init.tracks().iter().filter(move |track| track.kind == kind);
        let ids = |kind| of(kind).map(|track| track.id).collect();
        *self = Self {
            video: ids(TrackKind::Video),
            audio: ids(TrackKind::Audio),
            picture: of(TrackKind::Video).next().map(|track| Picture {
                codec: track.entry.and_then(|entry| entry.codec()),
                size: track.entry.and_then(|entry| entry.size),
            }),
            sound: of(TrackKind::Audio).next().map(|track| Sound {
                codec: track.entry.and_then(|entry| entry.codec()),
                is_empty: false,
            }),
            last_arrival: self.last_arrival,
            ..Self::default()
        };
    }

    /// The next fragment arrived at `now`.
    pub fn push(&mut self, fragment: &Fragment, now: Tick) {
        let runs = fragment.runs();
        let video = || runs.iter().filter(|run| self.video.contains(&run.track_id));
        let sounds = runs.iter().filter(|run| self.audio.contains(&run.track_id));
        let picture_time = total(video().map(length));
        // Tracks that end together with the picture would only add their rounding.
        let media = if picture_time > Duration::ZERO {
            picture_time
        } else {
            fragment.duration()
        };
        let keyframes: u32 = video().fold(0, |sum, run| sum.saturating_add(run.sync_samples));
        let pictures = video().map(|run| u64::from(run.samples)).sum();
        let sounds = sounds.map(|run| u64::from(run.samples)).sum();
        let begins = fragment.begins_segment();
        let segment = self.segments.push(begins, u32::from(begins), media);
        let is_keyframe = self.picture.is_some() && fragment.starts_with_keyframe();
        let gop = self.gops.push(is_keyframe, keyframes, media);
        let previous = self.window.back().map(|entry| entry.arrived);
        let entry = Entry {
            bytes: fragment.bytes().len() as u64,
            arrived: now,
            media,
            pictures,
            picture_time,
            sounds,
            lateness: previous.map_or(Duration::ZERO, |at| now.since(at).saturating_sub(media)),
            segment,
            gop,
        };
        self.last_arrival = Some(now);
        self.media = self.media.saturating_add(media);
        self.window.push_back(entry);
        while self.window.len() > MAX_ENTRIES || self.outgrown() {
            let dropped = self
                .window
                .pop_front()
                .map_or(Duration::ZERO, |entry| entry.media);
            self.media = self.media.saturating_sub(dropped);
        }
    }

    /// Whether the window is full without its oldest fragment. The newest always stays.
    fn outgrown(&self) -> bool {
        let oldest = self
            .window
            .front()
            .map_or(Duration::ZERO, |entry| entry.media);
        self.window.len() > 1 && self.media.saturating_sub(oldest) >= WINDOW
    }

    /// The numbers at `now`. O(fragments of the window).
    pub fn state(&self, now: Tick, on_air: bool) -> EncoderState {
        let since_last_fragment = self.last_arrival.map(|last| now.since(last));
        let mut state = EncoderState {
            on_air,
            since_last_fragment,
            ..EncoderState::default()
        };
        let stale = since_last_fragment.is_none_or(|since| since > STALE);
        if stale && !on_air {
            return state;
        }
        let window = || self.window.iter();
        let bytes: u64 = window().map(|entry| entry.bytes).sum();
        let picture_time = total(window().map(|entry| entry.picture_time));
        let pictures: u64 = window().map(|entry| entry.pictures).sum();
        let sounds: u64 = window().map(|entry| entry.sounds).sum();
        let enough = self.media >= ENOUGH;
        state.bits_per_second = per_second(bytes.saturating_mul(8), self.media);
        state.fps = per_second(pictures.saturating_mul(1000), picture_time)
            .map(|rate| FrameRate(u32::try_from(rate).unwrap_or(u32::MAX)));
        state.fragment = window().map(|entry| entry.media).max();
        state.segment = self
            .segments
            .longest(window().filter_map(|entry| entry.segment));
        state.gop = self.gops.longest(window().filter_map(|entry| entry.gop));
        state.picture = self.picture;
        state.sound = self.sound.map(|sound| Sound {
            is_empty: enough && sounds == 0,
            ..sound
        });
        state.speed = self.speed();
        state.lateness = window()
            .map(|entry| entry.lateness)
            .max()
            .unwrap_or_default();
        state
    }

    fn speed(&self) -> Option<u32> {
        let (first, last) = (self.window.front()?, self.window.back()?);
        let passed = last.arrived.since(first.arrived);
        // What is in the first fragment was made before it arrived.
        let media = self.media.saturating_sub(first.media).as_nanos();
        let speed = media.saturating_mul(1000).checked_div(passed.as_nanos())?;
        (passed >= ENOUGH_WAITING).then(|| u32::try_from(speed).unwrap_or(u32::MAX))
    }
}

/// The media of a run.
fn length(run: &TrackRun) -> Duration {
    run.end().saturating_sub(run.start())
}

/// The sum, which `Sum` would panic over: times come from files.
fn total(times: impl Iterator<Item = Duration>) -> Duration {
    times.fold(Duration::ZERO, Duration::saturating_add)
}

/// `count` for each second of `time`; `None` if that is too short to tell.
fn per_second(count: u64, time: Duration) -> Option<u64> {
    if time < ENOUGH {
        return None;
    }
    let scaled = u128::from(count) * 1_000_000_000 / time.as_nanos();
    Some(u64::try_from(scaled).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
