//! A fragment: one `moof` + `mdat`, the smallest thing that is forwarded.
//!
//! Belongs here: checking a fragment against the init segment, its times, whether playback can
//! start with it, and moving it in time.
//! Does not belong here: reading the run boxes (`fragment/track.rs`), the order of fragments
//! (`timeline.rs`).

mod track;

#[cfg(test)]
pub(crate) mod sample;

use std::{fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use thiserror::Error;

pub(super) use self::track::Sample;
use self::track::{DecodeTimeField, TrackFragment};
use super::{
    boxes::{BoxError, BoxType, Boxes, MediaBox},
    init::{InitSegment, TrackKind},
};

/// Most `traf` boxes of a fragment; two for each track an init segment may have.
const MAX_RUNS: usize = 16;

/// Why bytes are not a fragment of this stream.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FragmentError {
    /// Not boxes, or not the boxes that must be there.
    #[error(transparent)]
    Malformed(#[from] BoxError),
    /// Something else than one `moof` and one `mdat`.
    #[error("a fragment is one `moof` and one `mdat`, found `{kind}`")]
    Unexpected {
        /// The box that is too much or in the wrong place.
        kind: BoxType,
    },
    /// A track that the init segment does not have.
    #[error("track {track_id} is not in the init segment")]
    UnknownTrack {
        /// Its `track_ID`.
        track_id: u32,
    },
    /// Sample data found by its place in the file: nobody else has that file.
    #[error(
        "track {track_id} finds its data by an absolute place in the file; \
         write with `-movflags +default_base_moof`"
    )]
    AbsoluteOffset {
        /// Its `track_ID`.
        track_id: u32,
    },
    /// A run of samples lies outside the `mdat`.
    #[error("samples of track {track_id} lie outside the fragment")]
    DataOutside {
        /// Its `track_ID`.
        track_id: u32,
    },
    /// The samples are more than the `mdat`: looking at each would take much longer than its bytes are
    /// worth.
    #[error("samples of track {track_id} lie above others in the fragment")]
    Overlap {
        /// Its `track_ID`.
        track_id: u32,
    },
    /// More samples than any encoder puts into a fragment.
    #[error("track {track_id} has more than {limit} samples in one fragment")]
    TooManySamples {
        /// Its `track_ID`.
        track_id: u32,
        /// The limit.
        limit: u32,
    },
    /// More `traf` boxes than any encoder writes, or none.
    #[error("a fragment has 1 to {MAX_RUNS} track runs")]
    Runs,
    /// The end of the fragment is beyond what a decode time can say.
    #[error("the decode time of track {track_id} is out of range")]
    TimeOutOfRange {
        /// Its `track_ID`.
        track_id: u32,
    },
}

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
    /// How many samples: pictures, or packets of sound.
    pub samples: u32,
    /// How many of them playback can start with.
    pub sync_samples: u32,
}

impl TrackRun {
    /// Decode time of its first sample, in media time.
    pub fn start(&self) -> Duration {
        media_time(self.decode_time, self.timescale)
    }

    /// Decode time of the sample that would follow its last one, in media time.
    pub fn end(&self) -> Duration {
        media_time(
            self.decode_time.saturating_add(self.duration),
            self.timescale,
        )
    }

    /// Where [`Fragment::shifted`] puts its decode time, in ticks; negative is before the
    /// beginning of media time.
    pub fn moved(&self, by: TimeShift) -> i128 {
        i128::from(self.decode_time).saturating_add(by.ticks(self.timescale))
    }

    /// The shortest time that moves it by `ticks` or more.
    pub fn at_least(&self, ticks: u64) -> Duration {
        let timescale = u64::from(self.timescale.max(1));
        let part = ((ticks % timescale) * 1_000_000_000).div_ceil(timescale);
        Duration::from_secs(ticks / timescale).saturating_add(Duration::from_nanos(part))
    }
}

/// `ticks` as a duration, rounded down to a nanosecond; a timescale of 0 counts as 1.
fn media_time(ticks: u64, timescale: u32) -> Duration {
    let timescale = u64::from(timescale.max(1));
    let part = (ticks % timescale) * 1_000_000_000 / timescale;
    Duration::from_secs(ticks / timescale).saturating_add(Duration::from_nanos(part))
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
        let seconds = u64::try_from(moved / 1_000_000_000).unwrap_or(u64::MAX);
        let rest = u32::try_from(moved % 1_000_000_000).unwrap_or(0);
        Duration::new(seconds, rest)
    }

    /// The shift in ticks of a track, rounded to the nearest one.
    fn ticks(self, timescale: u32) -> i128 {
        const SECOND: i128 = 1_000_000_000;
        let scaled = self.nanos.saturating_mul(i128::from(timescale));
        // Half a tick away from zero, so that a shift and its opposite cancel.
        scaled.saturating_add(scaled.signum() * SECOND / 2) / SECOND
    }
}

/// A `Duration` is less than 2^94 nanoseconds, so sums of these do not overflow.
fn nanos(time: Duration) -> i128 {
    i128::try_from(time.as_nanos()).unwrap_or(i128::MAX / 4)
}

/// A complete, checked fragment. Cheap to clone: the bytes are shared.
#[derive(Clone)]
pub struct Fragment {
    bytes: Bytes,
    runs: Vec<TrackRun>,
    /// Where the decode time of each of `runs` is in `bytes`.
    decode_times: Vec<DecodeTimeField>,
    starts_with_keyframe: bool,
    begins_segment: bool,
}

impl fmt::Debug for Fragment {
    /// Everything but the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fragment")
            .field("len", &self.bytes.len())
            .field("runs", &self.runs)
            .field("starts_with_keyframe", &self.starts_with_keyframe)
            .field("begins_segment", &self.begins_segment)
            .finish_non_exhaustive()
    }
}

impl Fragment {
    /// Checks one `moof` + `mdat` against the init segment of its run.
    ///
    /// # Errors
    ///
    /// See [`FragmentError`]; none of them goes away by waiting.
    pub fn parse(bytes: Bytes, init: &InitSegment) -> Result<Self, FragmentError> {
        let (moof, data) = moof_and_data(&bytes)?;
        moof.child(b"mfhd")?;
        let mut runs = Vec::new();
        let mut decode_times = Vec::new();
        let mut first_video_sample_is_sync = None;
        let (mut data_end, mut taken) = (0, 0_u64);
        for traf in moof.children() {
            let traf = traf?;
            if traf.kind.0 != *b"traf" {
                continue;
            }
            if runs.len() == MAX_RUNS {
                return Err(FragmentError::Runs);
            }
            let (track, found) =
                TrackFragment::read(&traf, init, &data, data_end, &mut |_sample| {})?;
            data_end = found.data_end;
            taken = taken.saturating_add(found.bytes);
            if taken > data.end.saturating_sub(data.start) {
                let track_id = track.id;
                return Err(FragmentError::Overlap { track_id });
            }
            if track.kind == TrackKind::Video && first_video_sample_is_sync.is_none() {
                first_video_sample_is_sync = found.first_sample_is_sync;
            }
            decode_times.push(found.decode_time_field);
            runs.push(TrackRun {
                track_id: track.id,
                timescale: track.timescale,
                decode_time: found.decode_time,
                duration: found.duration,
                samples: found.samples,
                sync_samples: found.sync_samples,
            });
        }
        if runs.is_empty() {
            return Err(FragmentError::Runs);
        }
        let starts_with_keyframe = !init.has_video() || first_video_sample_is_sync == Some(true);
        Ok(Self {
            bytes,
            runs,
            decode_times,
            starts_with_keyframe,
            begins_segment: false,
        })
    }

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

    /// The same fragment, marked as the first one of a segment.
    #[must_use]
    pub fn starting_segment(self) -> Self {
        Self {
            begins_segment: true,
            ..self
        }
    }

    /// The earliest decode time of its tracks, in media time.
    pub fn start(&self) -> Duration {
        self.runs
            .iter()
            .map(TrackRun::start)
            .min()
            .unwrap_or_default()
    }

    /// The latest end (decode time + duration) of its tracks, in media time.
    pub fn end(&self) -> Duration {
        self.runs
            .iter()
            .map(TrackRun::end)
            .max()
            .unwrap_or_default()
    }

    /// From [`Fragment::start`] to [`Fragment::end`].
    pub fn duration(&self) -> Duration {
        self.end().saturating_sub(self.start())
    }

    /// Tells `each` the `track_ID` of each sample, where it begins in the bytes and its length.
    ///
    /// O(samples). It is the caller's affair to check that what it is told lies in the bytes.
    pub(super) fn each_sample(&self, init: &InitSegment, each: &mut impl FnMut(u32, u64, u64)) {
        self.each_sample_of_run(init, &mut |_run, sample| {
            each(sample.track_id, sample.at, sample.len);
        });
    }

    /// Tells `each` of each sample, and to which of [`Fragment::runs`] it belongs.
    ///
    /// The same words hold as for [`Fragment::each_sample`].
    pub(super) fn each_sample_of_run(
        &self,
        init: &InitSegment,
        each: &mut impl FnMut(usize, Sample),
    ) {
        // What was parsed with these tracks can be read again.
        let Ok((moof, data)) = moof_and_data(&self.bytes) else {
            return;
        };
        let mut data_end = 0;
        let trafs = moof
            .children()
            .flatten()
            .filter(|child| child.kind.0 == *b"traf");
        for (run, traf) in trafs.enumerate() {
            let mut of_run = |sample| each(run, sample);
            if let Ok((_, found)) = TrackFragment::read(&traf, init, &data, data_end, &mut of_run) {
                data_end = found.data_end;
            }
        }
    }

    /// The same fragment with other bytes, which differ from its own only in what
    /// [`Fragment::parse`] does not look at.
    pub(super) fn overwritten(&self, bytes: Bytes) -> Self {
        Self {
            bytes,
            ..self.clone()
        }
    }

    /// The same fragment with every decode time moved; the bytes are copied once.
    ///
    /// A decode time that would leave the range of its field stays at the end of the range.
    #[must_use]
    pub fn shifted(&self, by: TimeShift) -> Self {
        let mut bytes = BytesMut::from(&*self.bytes);
        let mut runs = self.runs.clone();
        for (run, field) in runs.iter_mut().zip(&self.decode_times) {
            let moved = run.moved(by);
            let latest = field.max().saturating_sub(run.duration);
            run.decode_time = u64::try_from(moved.max(0)).unwrap_or(u64::MAX).min(latest);
            field.write(run.decode_time, &mut bytes);
        }
        Self {
            bytes: bytes.freeze(),
            runs,
            ..self.clone()
        }
    }
}

/// The `moof` of a fragment and the bytes of it that are samples.
fn moof_and_data(bytes: &[u8]) -> Result<(MediaBox<'_>, std::ops::Range<u64>), FragmentError> {
    let mut boxes = Boxes::of(bytes);
    let nothing = |kind| BoxError::Missing {
        kind: BoxType(kind),
        parent: BoxType(*b"file"),
    };
    let moof = boxes.next().ok_or(nothing(*b"moof"))??;
    if moof.kind.0 != *b"moof" {
        return Err(FragmentError::Unexpected { kind: moof.kind });
    }
    let mdat = boxes.next().ok_or(nothing(*b"mdat"))??;
    if mdat.kind.0 != *b"mdat" {
        return Err(FragmentError::Unexpected { kind: mdat.kind });
    }
    if let Some(third) = boxes.next() {
        return Err(FragmentError::Unexpected { kind: third?.kind });
    }
    Ok((moof, mdat.body_at as u64..bytes.len() as u64))
}

#[cfg(test)]
mod tests;
