//! What an init segment says about its codecs, in the words of RFC 6381, as the `CODECS` of a master
//! playlist has them.
//!
//! Belongs here: profiles and levels from the configuration of the decoders. Does not belong here:
//! names for people ([`super::init::SampleEntry`]).

use super::{
    boxes::{Boxes, MediaBox},
    init::InitSegment,
};

/// Where the boxes of a picture's entry begin in its body (ISO/IEC 14496-12 §12.1.3).
const AFTER_PICTURE: usize = 78;

/// The same for sound (§12.2.3).
const AFTER_SOUND: usize = 28;

/// The codecs of all tracks, like `avc1.4D401E,mp4a.40.2`; `None` if one of them is not known:
/// a player that is told of half of them may refuse the rest.
pub fn codecs(init: &InitSegment) -> Option<String> {
    let moov = Boxes::of(init.bytes())
        .filter_map(Result::ok)
        .find(|found| found.kind.0 == *b"moov")?;
    let mut all = Vec::new();
    for track in moov.children() {
        let track = track.ok()?;
        if track.kind.0 == *b"trak" {
            all.push(of_track(&track)?);
        }
    }
    (!all.is_empty()).then(|| all.join(","))
}

fn of_track(track: &MediaBox<'_>) -> Option<String> {
    let media = track.child(b"mdia").ok()?.child(b"minf").ok()?;
    let table = media.child(b"stbl").ok()?.child(b"stsd").ok()?;
    // Version and flags, then how many entries follow.
    let entry = Boxes::of(table.body.get(8..)?).next()?.ok()?;
    let name = std::str::from_utf8(&entry.kind.0).ok()?;
    match &entry.kind.0 {
        b"avc1" | b"avc3" => {
            let found = configuration(&entry, AFTER_PICTURE, *b"avcC")?;
            let [profile, constraints, level] = *found.body.get(1..4)? else {
                return None;
            };
            Some(format!("{name}.{profile:02X}{constraints:02X}{level:02X}"))
        }
        b"vp09" => {
            let found = configuration(&entry, AFTER_PICTURE, *b"vpcC")?;
            // Version and flags; profile, level, and four bits of depth.
            let [profile, level, packed] = *found.body.get(4..7)? else {
                return None;
            };
            Some(format!("vp09.{profile:02}.{level:02}.{:02}", packed >> 4))
        }
        b"mp4a" => {
            let found = configuration(&entry, AFTER_SOUND, *b"esds")?;
            Some(format!("mp4a.40.{}", audio_object(found.body.get(4..)?)?))
        }
        b"Opus" => Some("opus".to_owned()),
        b"fLaC" => Some("flac".to_owned()),
        _ => None,
    }
}

/// The box of that type in a sample entry.
fn configuration<'bytes>(
    entry: &MediaBox<'bytes>,
    after: usize,
    kind: [u8; 4],
) -> Option<MediaBox<'bytes>> {
    Boxes::of(entry.body.get(after..)?)
        .filter_map(Result::ok)
        .find(|found| found.kind.0 == kind)
}

/// The audio object type of an `ES_Descriptor` with MPEG-4 sound (ISO/IEC 14496-1 §7.2.6.5 and
/// 14496-3 §1.6.2.1).
fn audio_object(bytes: &[u8]) -> Option<u8> {
    let stream = descriptor(bytes, 3)?;
    let flags = *stream.get(2)?;
    // Three fields that may follow the number and the flags.
    let mut at = 3;
    if flags & 0x80 != 0 {
        at += 2;
    }
    if flags & 0x40 != 0 {
        at += 1 + usize::from(*stream.get(at)?);
    }
    if flags & 0x20 != 0 {
        at += 2;
    }
    let decoder = descriptor(stream.get(at..)?, 4)?;
    if *decoder.first()? != 0x40 {
        return None;
    }
    let specific = descriptor(decoder.get(13..)?, 5)?;
    let kind = specific.first()? >> 3;
    // 31 says that the type follows in more bits: nothing that browsers play.
    (1..31).contains(&kind).then_some(kind)
}

/// The content of the descriptor with this tag that `bytes` begin with.
fn descriptor(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (first, rest) = bytes.split_first()?;
    if *first != tag {
        return None;
    }
    // Seven bits in each byte, at most four of them.
    let mut len = 0_usize;
    for at in 0..4 {
        let byte = *rest.get(at)?;
        len = len << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return rest.get(at + 1..)?.get(..len);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::fragment::sample::a_box;

    /// A track with one sample entry that holds `inside`, after `after` bytes of fields.
    fn track(format: &[u8], after: usize, inside: &[u8]) -> Vec<u8> {
        let entry = a_box(format, &[vec![0; after], inside.to_vec()].concat());
        let table = a_box(b"stsd", &[vec![0, 0, 0, 0, 0, 0, 0, 1], entry].concat());
        let media = a_box(b"minf", &a_box(b"stbl", &table));
        a_box(b"trak", &a_box(b"mdia", &media))
    }

    fn read(track: &[u8]) -> Option<String> {
        of_track(&Boxes::of(track).next()?.ok()?)
    }

    /// As ffmpeg writes it for AAC-LC, with four bytes for each length.
    const ESDS: [u8; 46] = [
        0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 0x25, 0, 2, 0, 4, 0x80, 0x80, 0x80, 0x17, 0x40, 0x15, 0,
        0, 0, 0, 0, 0xfa, 0, 0, 0, 0xfa, 0, 5, 0x80, 0x80, 0x80, 5, 0x11, 0x90, 0x56, 0xe5, 0, 6,
        0x80, 0x80, 0x80, 1, 2,
    ];

    #[test]
    fn the_usual_codecs_are_named_with_profile_and_level() {
        let avc = a_box(b"avcC", &[1, 0x4d, 0x40, 0x1e, 0xff]);
        assert_eq!(
            read(&track(b"avc1", 78, &avc)).as_deref(),
            Some("avc1.4D401E")
        );
        assert_eq!(
            read(&track(b"avc3", 78, &avc)).as_deref(),
            Some("avc3.4D401E")
        );
        let vp9 = a_box(b"vpcC", &[1, 0, 0, 0, 0, 21, 0x82, 2, 2, 2, 0, 0]);
        let pasp = a_box(b"pasp", &[0; 8]);
        let both = [pasp, vp9].concat();
        assert_eq!(
            read(&track(b"vp09", 78, &both)).as_deref(),
            Some("vp09.00.21.08")
        );
        let aac = a_box(b"esds", &ESDS);
        assert_eq!(
            read(&track(b"mp4a", 28, &aac)).as_deref(),
            Some("mp4a.40.2")
        );
        assert_eq!(read(&track(b"Opus", 28, &[])).as_deref(), Some("opus"));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        assert_eq!(read(&track(b"avc1", 78, &[])), None);
        assert_eq!(read(&track(b"zzzz", 78, &[])), None);
        assert_eq!(read(&track(b"mp4a", 28, &a_box(b"esds", &[0; 6]))), None);
        let mut mp3 = ESDS;
        mp3[17] = 0x6b;
        assert_eq!(read(&track(b"mp4a", 28, &a_box(b"esds", &mp3))), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_write_anything_odd(
            format in prop::sample::select(vec![*b"avc1", *b"vp09", *b"mp4a", *b"Opus"]),
            kind in prop::sample::select(vec![*b"avcC", *b"vpcC", *b"esds"]),
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            at in 0_usize..46,
            flip in any::<u8>(),
        ) {
            let mut esds = ESDS;
            esds[at] ^= flip;
            for inside in [&bytes[..], &esds] {
                for after in [28, 78] {
                    let found = read(&track(&format, after, &a_box(&kind, inside)));
                    let is_plain = |text: String| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
                    prop_assert!(found.is_none_or(is_plain));
                }
            }
        }
    }
}
