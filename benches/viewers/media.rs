//! Fragmented MP4 made by hand: one video track at 1 Mbit/s whose fragments say when they were written.
//!
//! Belongs here: the bytes. What is in the pictures does not matter: nobody decodes them.

/// Bytes of every fragment; five a second make 1 Mbit/s.
pub(crate) const FRAGMENT_BYTES: usize = 25_000;
/// From fragment to fragment.
pub(crate) const FRAGMENT_MILLIS: u64 = 200;
/// From keyframe to keyframe.
const FRAGMENTS_PER_GOP: u64 = 5;
/// In one file.
pub(crate) const FRAGMENTS_PER_SEGMENT: u64 = 10;

/// Pictures in a fragment, at 25 a second.
const SAMPLES: u32 = 5;
const TICKS_PER_SAMPLE: u32 = 512;
const TICKS_PER_SECOND: u32 = 12_800;
/// `sample_is_non_sync_sample`, and that it depends on others.
const NOT_A_KEYFRAME: u32 = 0x0101_0000;
const KEYFRAME: u32 = 0x0200_0000;

/// Before a time stamp, so that nothing else is taken for one.
const MARK: [u8; 8] = *b"stamp-ns";

/// Where the mark is in a fragment: behind the boxes' headers, which have always the same length.
pub(crate) const STAMP_AT: usize = MOOF_BYTES + 8;
/// Bytes of the mark and the time stamp.
pub(crate) const STAMP_BYTES: usize = 16;
/// Of the box that [`moof`] makes.
const MOOF_BYTES: usize = 8 + 16 + 8 + 28 + 20 + 44;

/// `ftyp` and `moov` of one video track.
pub(crate) fn init_segment() -> Vec<u8> {
    let handler = [&words(&[0, 0])[..], b"vide", &[0; 13]].concat();
    let media = [
        a_box(*b"mdhd", &words(&[0, 0, 0, TICKS_PER_SECOND, 0, 0])),
        a_box(*b"hdlr", &handler),
    ]
    .concat();
    let track = [
        a_box(*b"tkhd", &words(&[3, 0, 0, 1, 0, 0])),
        a_box(*b"mdia", &media),
    ]
    .concat();
    let defaults = words(&[0, 1, 1, TICKS_PER_SAMPLE, 0, NOT_A_KEYFRAME]);
    let movie = [
        a_box(*b"mvhd", &[0; 12]),
        a_box(*b"trak", &track),
        a_box(*b"mvex", &a_box(*b"trex", &defaults)),
    ]
    .concat();
    [
        a_box(*b"ftyp", b"iso5\0\0\x02\0iso5"),
        a_box(*b"moov", &movie),
    ]
    .concat()
}

/// The fragment with this number, from 0 on, written at `nanos` after 1970.
pub(crate) fn fragment(number: u64, nanos: u64) -> Vec<u8> {
    let mut bytes = moof(number);
    assert_eq!(bytes.len(), MOOF_BYTES, "the stamp is behind the moof");
    let payload = FRAGMENT_BYTES - MOOF_BYTES - 8;
    let mut data = Vec::with_capacity(payload);
    data.extend(MARK);
    data.extend(nanos.to_be_bytes());
    data.resize(payload, 0x5a);
    bytes.extend(a_box(*b"mdat", &data));
    bytes
}

/// The time in the bytes at [`STAMP_AT`]; `None` if there is none.
pub(crate) fn stamp(bytes: [u8; STAMP_BYTES]) -> Option<u64> {
    let (mark, nanos) = bytes.split_at(MARK.len());
    (mark == MARK).then(|| nanos.try_into().map(u64::from_be_bytes).unwrap_or_default())
}

fn moof(number: u64) -> Vec<u8> {
    let samples = u64::from(SAMPLES);
    let start = number * samples * u64::from(TICKS_PER_SAMPLE);
    let payload = u32::try_from(FRAGMENT_BYTES - MOOF_BYTES - 8).unwrap_or_default();
    let (most, last) = (payload / SAMPLES, payload / SAMPLES + payload % SAMPLES);
    let first_flags = if number.is_multiple_of(FRAGMENTS_PER_GOP) {
        KEYFRAME
    } else {
        NOT_A_KEYFRAME
    };
    let data_offset = u32::try_from(MOOF_BYTES + 8).unwrap_or_default();
    let run = words(&[
        0x205,
        SAMPLES,
        data_offset,
        first_flags,
        most,
        most,
        most,
        most,
        last,
    ]);
    let defaults = words(&[0x0002_0038, 1, TICKS_PER_SAMPLE, most, NOT_A_KEYFRAME]);
    let time = [&words(&[0x0100_0000])[..], &start.to_be_bytes()].concat();
    let track = [
        a_box(*b"tfhd", &defaults),
        a_box(*b"tfdt", &time),
        a_box(*b"trun", &run),
    ]
    .concat();
    let sequence = u32::try_from(number + 1).unwrap_or(u32::MAX);
    let body = [
        a_box(*b"mfhd", &words(&[0, sequence])),
        a_box(*b"traf", &track),
    ]
    .concat();
    a_box(*b"moof", &body)
}

fn a_box(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).unwrap_or(u32::MAX);
    [&size.to_be_bytes()[..], &kind, body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}
