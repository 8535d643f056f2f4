//! A fragment written anew: other samples, the tracks of another init segment.
//!
//! Belongs here: the boxes of the new fragment. Does not belong here: what becomes of each sample.

use std::borrow::Cow;

use bytes::Bytes;

use super::super::{
    boxes::{Boxes, MAX_FRAGMENT_BYTES},
    fragment::{Fragment, Sample},
    init::InitSegment,
};

/// Most samples of a fragment that is written anew: a minute of pictures and of AAC has half as many.
const MAX_SAMPLES: u64 = 8192;

/// `default-base-is-moof` and `sample-description-index-present` of `tfhd`.
const TRACK_FLAGS: u32 = 0x0002_0002;

/// Version 1 of `trun`, with the place of the data, and of each sample its duration, size, flags and
/// composition time.
const RUN_FLAGS: u32 = 0x0100_0F01;

/// A sample as it is written.
struct Written<'bytes> {
    duration: u32,
    flags: u32,
    composition: i32,
    bytes: Cow<'bytes, [u8]>,
}

/// Writes `old`, which was parsed with `from`, for the tracks of `onto`: decode times, durations and
/// flags stay, `track` says which track becomes which, `each` what becomes of the bytes of a sample and
/// when it is shown. `None` if either has no answer, or the result would not be what it should be.
pub(super) fn fragment(
    old: &Fragment,
    from: &InitSegment,
    onto: &InitSegment,
    track: impl Fn(u32) -> Option<u32>,
    mut each: impl for<'bytes> FnMut(&mut Sample, &'bytes [u8]) -> Option<Cow<'bytes, [u8]>>,
) -> Option<Fragment> {
    let count: u64 = old.runs().iter().map(|run| u64::from(run.samples)).sum();
    if count > MAX_SAMPLES {
        return None;
    }
    let bytes = old.bytes();
    let mut samples: Vec<Vec<Sample>> = old.runs().iter().map(|_| Vec::new()).collect();
    old.each_sample_of_run(from, &mut |run, sample| {
        if let Some(samples) = samples.get_mut(run) {
            samples.push(sample);
        }
    });
    // Runs could lie above each other, and make more of the bytes than there are.
    let total = samples
        .iter()
        .flatten()
        .fold(0_u64, |sum, sample| sum.saturating_add(sample.len));
    if total > bytes.len() as u64 {
        return None;
    }
    let (mut runs, mut total) = (Vec::new(), 0_u64);
    for (run, samples) in old.runs().iter().zip(&samples) {
        let mut written = Vec::with_capacity(samples.len());
        for sample in samples {
            let mut sample = *sample;
            let start = usize::try_from(sample.at).ok()?;
            let end = start.checked_add(usize::try_from(sample.len).ok()?)?;
            let bytes = each(&mut sample, bytes.get(start..end)?)?;
            // Each sample may grow, and there may be thousands of them.
            total = total.saturating_add(bytes.len() as u64);
            (total <= MAX_FRAGMENT_BYTES).then_some(())?;
            written.push(Written {
                duration: sample.duration,
                flags: sample.flags,
                composition: i32::try_from(sample.composition).ok()?,
                bytes,
            });
        }
        runs.push((track(run.track_id)?, run.decode_time, written));
    }
    let moof = Boxes::of(bytes).next()?.ok()?;
    let mut header = moof.child(b"mfhd").ok()?.fields();
    header.skip(4).ok()?;
    let bytes = write(header.u32().ok()?, &runs)?;
    (bytes.len() as u64 <= MAX_FRAGMENT_BYTES).then_some(())?;
    let new = Fragment::parse(bytes, onto).ok()?;
    let is_same = new.runs().len() == old.runs().len()
        && new.runs().iter().zip(old.runs()).all(|(new, old)| {
            (new.decode_time, new.duration, new.samples, new.sync_samples)
                == (old.decode_time, old.duration, old.samples, old.sync_samples)
        })
        && new.starts_with_keyframe() == old.starts_with_keyframe();
    let new = if old.begins_segment() {
        new.starting_segment()
    } else {
        new
    };
    is_same.then_some(new)
}

/// The bytes of a fragment of these runs: `track_ID`, decode time, samples.
fn write(sequence: u32, runs: &[(u32, u64, Vec<Written<'_>>)]) -> Option<Bytes> {
    let mut out = Vec::new();
    let moof = begin(&mut out, *b"moof");
    let mfhd = begin(&mut out, *b"mfhd");
    words(&mut out, &[0, sequence]);
    end(&mut out, mfhd)?;
    let mut data_fields = Vec::with_capacity(runs.len());
    for (track_id, decode_time, samples) in runs {
        let traf = begin(&mut out, *b"traf");
        let tfhd = begin(&mut out, *b"tfhd");
        words(&mut out, &[TRACK_FLAGS, *track_id, 1]);
        end(&mut out, tfhd)?;
        let tfdt = begin(&mut out, *b"tfdt");
        words(&mut out, &[0x0100_0000]);
        out.extend_from_slice(&decode_time.to_be_bytes());
        end(&mut out, tfdt)?;
        let trun = begin(&mut out, *b"trun");
        words(&mut out, &[RUN_FLAGS, u32::try_from(samples.len()).ok()?]);
        data_fields.push(out.len());
        words(&mut out, &[0]);
        for sample in samples {
            let size = u32::try_from(sample.bytes.len()).ok()?;
            let composition = sample.composition.cast_unsigned();
            words(
                &mut out,
                &[sample.duration, size, sample.flags, composition],
            );
        }
        end(&mut out, trun)?;
        end(&mut out, traf)?;
    }
    end(&mut out, moof)?;
    let mdat = begin(&mut out, *b"mdat");
    for ((_, _, samples), field) in runs.iter().zip(data_fields) {
        let place = i32::try_from(out.len()).ok()?;
        let field = out.get_mut(field..field.checked_add(4)?)?;
        field.copy_from_slice(&place.to_be_bytes());
        for sample in samples {
            out.extend_from_slice(&sample.bytes);
        }
    }
    end(&mut out, mdat)?;
    Some(out.into())
}

fn words(out: &mut Vec<u8>, words: &[u32]) {
    for word in words {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// Begins a box; gives back where.
fn begin(out: &mut Vec<u8>, kind: [u8; 4]) -> usize {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&kind);
    at
}

/// Ends the box that began there.
fn end(out: &mut [u8], at: usize) -> Option<()> {
    let size = u32::try_from(out.len().checked_sub(at)?).ok()?;
    out.get_mut(at..at.checked_add(4)?)?
        .copy_from_slice(&size.to_be_bytes());
    Some(())
}
