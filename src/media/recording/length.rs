//! The length of a recording, put into its init segment when it is sent.
//!
//! An init segment of a live stream does not say how long the stream is. A player that is not told
//! shows no length, and cannot be sent to a place that it has not loaded. `mehd` (ISO/IEC 14496-12
//! section 8.8.2) is the box that says it.

use std::time::Duration;

use bytes::Bytes;

use super::super::{
    boxes::{BoxType, Boxes, MediaBox},
    init::InitSegment,
};

/// Length of a `mehd` of version 1.
const MEHD: usize = 20;

/// Length of the header of the boxes around it; longer ones are left alone.
const HEADER: usize = 8;

/// The init segment with this length, in place of a length it may have; `None` if it is built in a
/// way that nobody writes.
pub fn add(init: &InitSegment, length: Duration) -> Option<Bytes> {
    let bytes = init.bytes();
    let moov = child(Boxes::of(bytes), *b"moov")?;
    let scale = u128::from(timescale(&moov)?);
    let ticks = length.as_nanos().saturating_mul(scale) / 1_000_000_000;
    let ticks = u64::try_from(ticks).unwrap_or(u64::MAX);
    let mvex = child(moov.children(), *b"mvex")?;
    let old = child(mvex.children(), *b"mehd");
    let (old_at, old_len) = match &old {
        None => (mvex.body_at, 0),
        Some(old) => (
            old.body_at.checked_sub(HEADER)?,
            old.body.len().checked_add(HEADER)?,
        ),
    };
    let mut new = bytes.get(..old_at)?.to_vec();
    new.extend_from_slice(&u32::try_from(MEHD).ok()?.to_be_bytes());
    new.extend_from_slice(b"mehd");
    new.extend_from_slice(&[1, 0, 0, 0]);
    new.extend_from_slice(&ticks.to_be_bytes());
    new.extend_from_slice(bytes.get(old_at.checked_add(old_len)?..)?);
    for parent in [&moov, &mvex] {
        let size = parent.body.len() + HEADER;
        let at = parent.body_at.checked_sub(HEADER)?;
        let field = new.get_mut(at..at + 4)?;
        // A header with a long size has other bytes there.
        if field != u32::try_from(size).ok()?.to_be_bytes() {
            return None;
        }
        let size = u32::try_from((size + MEHD).checked_sub(old_len)?).ok()?;
        field.copy_from_slice(&size.to_be_bytes());
    }
    Some(new.into())
}

fn child(mut boxes: Boxes<'_>, kind: [u8; 4]) -> Option<MediaBox<'_>> {
    let found = boxes.find(|found| match found {
        Ok(found) => found.kind == BoxType(kind),
        Err(_) => true,
    });
    found?.ok()
}

/// The units in which `moov` counts; `mvhd` has two dates before it.
fn timescale(moov: &MediaBox<'_>) -> Option<u32> {
    let mut fields = child(moov.children(), *b"mvhd")?.fields();
    let (version, _) = fields.version_and_flags().ok()?;
    let dates = if version == 1 { 16 } else { 8 };
    fields.skip(dates).ok()?;
    fields.u32().ok().filter(|timescale| *timescale > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::fragment::sample::{a_box, audio_and_video_init, words};

    /// An init segment as a sample, with an `mvhd` and what else is in `mvex`.
    fn init(extra: &[u8]) -> InitSegment {
        let plain = audio_and_video_init();
        let moov = child(Boxes::of(plain.bytes()), *b"moov").unwrap();
        let mut children = a_box(b"mvhd", &words(&[0, 1, 2, 1000, 0]));
        for part in moov.children() {
            let part = part.unwrap();
            match &part.kind.0 {
                b"mvhd" => {}
                b"mvex" => children.extend(a_box(b"mvex", &[part.body, extra].concat())),
                kind => children.extend(a_box(kind, part.body)),
            }
        }
        let ftyp = child(Boxes::of(plain.bytes()), *b"ftyp").unwrap();
        let bytes = [a_box(b"ftyp", ftyp.body), a_box(b"moov", &children)].concat();
        InitSegment::parse(bytes.into()).unwrap()
    }

    const LENGTH: Duration = Duration::from_millis(61_500);

    #[test]
    fn a_length_is_added_and_everything_else_stays() {
        let before = init(&[]);

        let after = add(&before, LENGTH).unwrap();

        assert_eq!(after.len(), before.bytes().len() + MEHD);
        let parsed = InitSegment::parse(after.clone()).unwrap();
        assert_eq!(parsed.tracks(), before.tracks());
        let at = after.windows(4).position(|four| four == b"mehd").unwrap();
        // The movie header of the sample counts in thousandths.
        let said = [&[1, 0, 0, 0][..], &61_500u64.to_be_bytes()].concat();
        assert_eq!(after[at + 4..at + 16], said);
        assert!(add(&before, Duration::MAX).is_some());
    }

    #[test]
    fn a_length_that_is_there_is_replaced() {
        for old in [
            a_box(b"mehd", &words(&[0, 77])),
            a_box(b"mehd", &words(&[1 << 24, 0, 77])),
        ] {
            let after = add(&init(&old), LENGTH).unwrap();

            let again = InitSegment::parse(after.clone()).unwrap();
            assert_eq!(add(&again, LENGTH).as_ref(), Some(&after));
            assert_eq!(after.len(), init(&[]).bytes().len() + MEHD);
        }
    }

    #[test]
    fn an_init_segment_without_a_movie_header_is_left_alone() {
        // The movie header of this sample has no more than its dates.
        assert_eq!(add(&audio_and_video_init(), LENGTH), None);
    }
}
