//! As much of ISO/IEC 14496-12 as is needed to see what a recipe wrote.
//!
//! On its own on purpose: the parser of the program must not be the judge of the files that it is tested with.

/// A box of ISO/IEC 14496-12.
pub(crate) struct Found<'file> {
    pub(crate) kind: &'file [u8],
    pub(crate) body: &'file [u8],
}

/// The complete boxes at the start of `bytes`, and what is left: the beginning of a box, or nothing.
pub(crate) fn boxes(mut bytes: &[u8]) -> (Vec<Found<'_>>, &[u8]) {
    let mut found = Vec::new();
    while bytes.len() >= 8 {
        let size = usize::try_from(number(bytes, 0)).expect("a size");
        assert!(size >= 8, "a box of {size} bytes");
        if size > bytes.len() {
            break;
        }
        found.push(Found {
            kind: &bytes[4..8],
            body: &bytes[8..size],
        });
        bytes = &bytes[size..];
    }
    (found, bytes)
}

/// The body of the first box of a kind.
pub(crate) fn child<'file>(bytes: &'file [u8], kind: &[u8]) -> &'file [u8] {
    let (found, _) = boxes(bytes);
    found
        .iter()
        .find(|found| found.kind == kind)
        .unwrap_or_else(|| panic!("no `{}`", String::from_utf8_lossy(kind)))
        .body
}

/// The 32-bit number at an offset.
fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// How many complete `moof` + `mdat` pairs there are.
pub(crate) fn fragments(segment: &[u8]) -> usize {
    let (found, _) = boxes(segment);
    found.iter().filter(|found| found.kind == b"mdat").count()
}

/// Whether the first sample of the first track can be decoded alone.
///
/// Source: ISO/IEC 14496-12, 8.8.7 (`tfhd`), 8.8.8 (`trun`) and 8.8.3.1 (bit 16 of the sample flags: not a sync sample).
pub(crate) fn starts_with_keyframe(moof: &[u8]) -> bool {
    let track = child(moof, b"traf");
    let run = child(track, b"trun");
    let run_flags = number(run, 0) & 0x00ff_ffff;
    assert_eq!(run_flags & 1, 1, "with a data offset, as ffmpeg writes it");
    let sample_flags = if run_flags & 0x4 != 0 {
        number(run, 12)
    } else if run_flags & 0x400 != 0 {
        let before = [0x100, 0x200].iter().filter(|&bit| run_flags & bit != 0);
        number(run, 12 + 4 * before.count())
    } else {
        let header = child(track, b"tfhd");
        let header_flags = number(header, 0);
        assert_ne!(header_flags & 0x20, 0, "default sample flags");
        let before = [0x2, 0x8, 0x10]
            .iter()
            .filter(|&bit| header_flags & bit != 0);
        assert_eq!(header_flags & 0x1, 0, "no base data offset");
        number(header, 8 + 4 * before.count())
    };
    sample_flags & 0x1_0000 == 0
}

/// The decode time of each track's first sample, in ticks of that track (ISO/IEC 14496-12, 8.8.12, version 1).
pub(crate) fn decode_times(moof: &[u8]) -> Vec<u64> {
    let (found, _) = boxes(moof);
    found
        .iter()
        .filter(|found| found.kind == b"traf")
        .map(|track| {
            let time = child(track.body, b"tfdt");
            assert_eq!(time[0], 1, "a 64-bit time");
            u64::from_be_bytes(time[4..12].try_into().expect("eight bytes"))
        })
        .collect()
}

/// No date of creation or change in a `mvhd`, `tkhd` or `mdhd` of version 0.
pub(crate) fn assert_undated(header: &[u8]) {
    assert_eq!(header[0], 0, "version");
    assert_eq!((number(header, 4), number(header, 8)), (0, 0), "dates");
}

pub(crate) fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
