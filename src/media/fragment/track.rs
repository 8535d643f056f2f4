//! One `traf`: which track, when, how long, and whether it starts with a sync sample
//! (ISO/IEC 14496-12 §8.8.6 to §8.8.12).
//!
//! Belongs here: reading `tfhd`, `tfdt` and `trun` with all their flags.
//! Does not belong here: what several tracks mean together (`fragment.rs`).

use std::ops::Range;

use super::{
    super::{
        boxes::{BoxError, BoxType, MediaBox},
        init::{InitSegment, Track},
    },
    FragmentError,
};

/// Most samples of one track in a fragment.
///
/// Ten seconds of uncompressed 48 kHz sound, one frame a sample, are half of it.
const MAX_SAMPLES: u32 = 1 << 20;

/// Most samples of one track in a fragment that have no bytes and say nothing of themselves: nothing else
/// limits them, and whoever looks at each would be busy with what cost nobody anything.
const MAX_EMPTY: u32 = 1024;

/// `sample_is_non_sync_sample` in the 32 bits of sample flags.
const NON_SYNC: u32 = 0x0001_0000;

fn is_sync(flags: u32) -> bool {
    flags & NON_SYNC == 0
}

/// Flags of `tfhd`.
mod tfhd {
    pub(super) const BASE_DATA_OFFSET: u32 = 0x01;
    pub(super) const DESCRIPTION_INDEX: u32 = 0x02;
    pub(super) const DEFAULT_DURATION: u32 = 0x08;
    pub(super) const DEFAULT_SIZE: u32 = 0x10;
    pub(super) const DEFAULT_FLAGS: u32 = 0x20;
    pub(super) const BASE_IS_MOOF: u32 = 0x0002_0000;
}

/// Flags of `trun`.
mod trun {
    pub(super) const DATA_OFFSET: u32 = 0x001;
    pub(super) const FIRST_FLAGS: u32 = 0x004;
    pub(super) const DURATION: u32 = 0x100;
    pub(super) const SIZE: u32 = 0x200;
    pub(super) const FLAGS: u32 = 0x400;
    pub(super) const COMPOSITION: u32 = 0x800;
    /// What a sample can state of itself.
    pub(super) const OWN: u32 = DURATION | SIZE | FLAGS | COMPOSITION;
}

/// Where a `baseMediaDecodeTime` is in the bytes of the fragment, and how wide it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DecodeTimeField {
    at: usize,
    /// 64 bits (version 1) instead of 32.
    wide: bool,
}

impl DecodeTimeField {
    /// The largest value it can hold.
    pub(super) fn max(self) -> u64 {
        if self.wide {
            u64::MAX
        } else {
            u64::from(u32::MAX)
        }
    }

    /// Writes `time`, which must not be larger than [`DecodeTimeField::max`], into `bytes`.
    pub(super) fn write(self, time: u64, bytes: &mut [u8]) {
        let wide = time.to_be_bytes();
        let value = if self.wide {
            wide.as_slice()
        } else {
            wide.get(4..).unwrap_or_default()
        };
        if let Some(field) = bytes.get_mut(self.at..self.at + value.len()) {
            field.copy_from_slice(value);
        }
    }
}

/// One sample of a `traf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Sample {
    /// `track_ID`.
    pub(in crate::media) track_id: u32,
    /// Where it begins in the bytes of the fragment.
    pub(in crate::media) at: u64,
    /// Its length in bytes.
    pub(in crate::media) len: u64,
    /// In ticks.
    pub(in crate::media) duration: u32,
    /// The 32 bits of sample flags.
    pub(in crate::media) flags: u32,
    /// From when it is decoded to when it is shown, in ticks; negative is before.
    pub(in crate::media) composition: i64,
}

impl Sample {
    /// Whether playback can start with it.
    pub(in crate::media) fn is_sync(&self) -> bool {
        is_sync(self.flags)
    }
}

/// What a `traf` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TrackFragment {
    /// In ticks.
    pub(super) decode_time: u64,
    pub(super) decode_time_field: DecodeTimeField,
    /// Sum over all samples, in ticks.
    pub(super) duration: u64,
    pub(super) samples: u32,
    /// How many of them playback can start with.
    pub(super) sync_samples: u32,
    /// `None` if it has no samples.
    pub(super) first_sample_is_sync: Option<bool>,
    /// First byte of the fragment after its last sample; where the next `traf` may go on.
    pub(super) data_end: u64,
    /// Sum over all samples.
    pub(super) bytes: u64,
}

/// Values for samples that do not state their own.
#[derive(Debug, Clone, Copy)]
struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

impl TrackFragment {
    /// Reads `traf`; its samples must lie in the bytes `data` of the fragment. `previous_end` is
    /// the `data_end` of the `traf` before it, 0 for the first. `each` is told of each
    /// sample, before that is known to lie in `data`.
    pub(super) fn read<'init>(
        traf: &MediaBox<'_>,
        init: &'init InitSegment,
        data: &Range<u64>,
        previous_end: u64,
        each: &mut impl FnMut(Sample),
    ) -> Result<(&'init Track, Self), FragmentError> {
        let header = traf.child(b"tfhd")?;
        let mut fields = header.fields();
        let (_, flags) = fields.version_and_flags()?;
        let track_id = fields.u32()?;
        let track = init
            .track(track_id)
            .ok_or(FragmentError::UnknownTrack { track_id })?;
        if flags & tfhd::BASE_DATA_OFFSET != 0 {
            return Err(FragmentError::AbsoluteOffset { track_id });
        }
        let mut optional = |flag: u32, otherwise: u32| {
            if flags & flag == 0 {
                Ok(otherwise)
            } else {
                fields.u32()
            }
        };
        optional(tfhd::DESCRIPTION_INDEX, 0)?;
        let defaults = Defaults {
            duration: optional(tfhd::DEFAULT_DURATION, track.default_sample_duration)?,
            size: optional(tfhd::DEFAULT_SIZE, track.default_sample_size)?,
            flags: optional(tfhd::DEFAULT_FLAGS, track.default_sample_flags)?,
        };
        let (decode_time, decode_time_field) = decode_time(traf)?;

        // Without the flag a second `traf` counts from the end of the first one's samples (§8.8.7.1).
        let base = if flags & tfhd::BASE_IS_MOOF == 0 {
            previous_end
        } else {
            0
        };
        let mut runs = Runs {
            track_id,
            base,
            position: base,
            bytes: 0,
            samples: 0,
            empty: 0,
            sync_samples: 0,
            duration: 0,
            first_flags: None,
        };
        for child in traf.children() {
            let child = child?;
            if child.kind.0 == *b"trun" {
                runs.read(&child, defaults, data, each)?;
            }
        }
        let end = decode_time.checked_add(runs.duration);
        if end.is_none_or(|end| end > decode_time_field.max()) {
            return Err(FragmentError::TimeOutOfRange { track_id });
        }
        let found = Self {
            decode_time,
            decode_time_field,
            duration: runs.duration,
            samples: runs.samples,
            sync_samples: runs.sync_samples,
            first_sample_is_sync: runs.first_flags.map(is_sync),
            data_end: runs.position,
            bytes: runs.bytes,
        };
        Ok((track, found))
    }
}

/// The `tfdt` of a `traf`. Optional in the standard, but without it nobody can join.
fn decode_time(traf: &MediaBox<'_>) -> Result<(u64, DecodeTimeField), BoxError> {
    let mut fields = traf.child(b"tfdt")?.fields();
    let (version, _) = fields.version_and_flags()?;
    let field = DecodeTimeField {
        at: fields.at(),
        wide: version == 1,
    };
    let time = if field.wide {
        fields.u64()?
    } else {
        u64::from(fields.u32()?)
    };
    Ok((time, field))
}

/// Adds up the `trun` boxes of a `traf`.
struct Runs {
    track_id: u32,
    /// What data offsets are counted from, in bytes from the start of the fragment.
    base: u64,
    /// Where the next run begins unless it says otherwise.
    position: u64,
    bytes: u64,
    samples: u32,
    /// Those of them that are nothing but a number.
    empty: u32,
    sync_samples: u32,
    duration: u64,
    first_flags: Option<u32>,
}

impl Runs {
    /// Counts samples that are to be looked at.
    fn count(&mut self, count: u32, are_empty: bool) -> Result<(), FragmentError> {
        self.samples = self.samples.saturating_add(count);
        if are_empty {
            self.empty = self.empty.saturating_add(count);
        }
        for (number, limit) in [(self.samples, MAX_SAMPLES), (self.empty, MAX_EMPTY)] {
            if number > limit {
                let track_id = self.track_id;
                return Err(FragmentError::TooManySamples { track_id, limit });
            }
        }
        Ok(())
    }

    fn read(
        &mut self,
        run: &MediaBox<'_>,
        defaults: Defaults,
        data: &Range<u64>,
        each: &mut impl FnMut(Sample),
    ) -> Result<(), FragmentError> {
        let track_id = self.track_id;
        let outside = FragmentError::DataOutside { track_id };
        let mut fields = run.fields();
        let (version, flags) = fields.version_and_flags()?;
        let count = fields.u32()?;
        self.count(count, flags & trun::OWN == 0 && defaults.size == 0)?;
        if flags & trun::DATA_OFFSET != 0 {
            // The field is signed.
            let offset = i64::from(fields.u32()?.cast_signed());
            self.position = self
                .base
                .checked_add_signed(offset)
                .ok_or(outside.clone())?;
        }
        let first_flags = if flags & trun::FIRST_FLAGS == 0 {
            None
        } else {
            Some(fields.u32()?)
        };
        if count == 0 {
            return Ok(());
        }

        let mut size = 0;
        let mut first_own_flags = None;
        // Of the samples after the first one, whose flags may be stated elsewhere.
        let mut sync_samples = 0;
        let own = trun::OWN;
        if flags & own == 0 {
            self.duration += u64::from(count) * u64::from(defaults.duration);
            size = u64::from(count) * u64::from(defaults.size);
            sync_samples = (count - 1) * u32::from(is_sync(defaults.flags));
            let len = u64::from(defaults.size);
            for number in 0..u64::from(count) {
                each(Sample {
                    track_id,
                    at: self.position.saturating_add(number * len),
                    len,
                    duration: defaults.duration,
                    flags: first_flags
                        .filter(|_| number == 0)
                        .unwrap_or(defaults.flags),
                    composition: 0,
                });
            }
        } else {
            let width = 4 * (flags & own).count_ones() as usize;
            if fields.left() / width < count as usize {
                return Err(BoxError::ShortFields {
                    kind: BoxType(*b"trun"),
                }
                .into());
            }
            for _ in 0..count {
                let mut optional = |flag: u32, otherwise: u32| {
                    if flags & flag == 0 {
                        Ok(otherwise)
                    } else {
                        fields.u32()
                    }
                };
                let duration = optional(trun::DURATION, defaults.duration)?;
                self.duration += u64::from(duration);
                let len = u64::from(optional(trun::SIZE, defaults.size)?);
                let own_flags = optional(trun::FLAGS, defaults.flags)?;
                if first_own_flags.is_some() {
                    sync_samples += u32::from(is_sync(own_flags));
                }
                let is_first = first_own_flags.is_none();
                first_own_flags.get_or_insert(own_flags);
                let composition = optional(trun::COMPOSITION, 0)?;
                each(Sample {
                    track_id,
                    at: self.position.saturating_add(size),
                    len,
                    duration,
                    flags: first_flags.filter(|_| is_first).unwrap_or(own_flags),
                    composition: match version {
                        0 => i64::from(composition),
                        _ => i64::from(composition.cast_signed()),
                    },
                });
                size += len;
            }
        }
        let first = first_flags.or(first_own_flags).unwrap_or(defaults.flags);
        self.sync_samples += sync_samples + u32::from(is_sync(first));
        self.first_flags.get_or_insert(first);
        // 2^20 samples of 2^32 bytes at most: no overflow.
        let end = self.position + size;
        if self.position < data.start || end > data.end {
            return Err(outside);
        }
        self.position = end;
        self.bytes = self.bytes.saturating_add(size);
        Ok(())
    }
}
