use bytes::Bytes;
use proptest::prelude::*;

use super::{
    super::fragment::sample::{a_box, audio_and_video, fragment, track_boxes, words},
    *,
};

mod samples;

/// Bytes that say something, or as many zeros.
pub(super) fn said(text: &[u8], clean: bool) -> Vec<u8> {
    if clean {
        vec![0; text.len()]
    } else {
        text.to_vec()
    }
}

/// A box that nobody needs, or the same one as padding.
fn needless(kind: &[u8], body: &[u8], clean: bool) -> Vec<u8> {
    a_box(if clean { b"free" } else { kind }, &said(body, clean))
}

/// The configuration of an AAC decoder as FFmpeg writes it.
pub(super) const ESDS: &[u8] =
    b"\0\0\0\0\x03\x80\x80\x80\x25\0\x02\0\x04\x80\x80\x80\x17\x40\x15\0\0\0\
    \0\0\xFA\0\0\0\xFA\0\x05\x80\x80\x80\x05\x11\x88\x56\xE5\0\x06\x80\x80\x80\x01\x02";

fn picture_entry(clean: bool) -> Vec<u8> {
    let body = [
        words(&[0, 1, 0]),
        said(b"FFMP", clean),
        vec![0; 8],
        words(&[0x0280_0168, 0x0048_0000, 0x0048_0000, 0, 0x0001_0000]),
        Vec::new(),
    ]
    .concat();
    // The count of frames is 16 bits: the name begins two bytes before the last word ends.
    let mut body = body[..42].to_vec();
    let name = [&[21][..], b"Lavc59.37.100 libx264", &[0; 10]].concat();
    body.extend(said(&name, clean));
    body.extend([0, 24, 0xFF, 0xFF]);
    body.extend(a_box(b"avcC", &[1, 66, 0, 30, 0xFF, 0xE0, 0]));
    body.extend(needless(b"uuid", b"0123456789abcdefAnna", clean));
    body.extend(a_box(b"pasp", &words(&[1, 1])));
    a_box(b"avc1", &body)
}

fn sound_entry(clean: bool) -> Vec<u8> {
    let body = [
        words(&[0, 1, 0]),
        said(b"appl", clean),
        words(&[0x0002_0010, 0, 0xBB80_0000]),
        a_box(b"esds", ESDS),
    ]
    .concat();
    a_box(b"mp4a", &body)
}

/// `trak` and `trex` with everything that programs put there.
fn track(id: u32, handler: &[u8], entry: &[u8], clean: bool) -> (Vec<u8>, Vec<u8>) {
    let dates = said(b"DATE", clean);
    let hdlr = [
        &words(&[0, 0])[..],
        handler,
        &said(b"applabcdefgh", clean),
        &said(b"Anna's camera", clean),
        &[0],
    ]
    .concat();
    let paths = [
        words(&[0, 2]),
        a_box(b"url ", &words(&[1])),
        if clean {
            a_box(b"url ", &[&words(&[1])[..], &[0; 11]].concat())
        } else {
            a_box(b"alis", &[&words(&[0])[..], b"/home/anna\0"].concat())
        },
    ]
    .concat();
    let stbl = [
        a_box(b"stsd", &[&words(&[0, 1])[..], entry].concat()),
        a_box(b"stts", &words(&[0, 0])),
    ]
    .concat();
    let minf = [
        a_box(b"dinf", &a_box(b"dref", &paths)),
        needless(b"udta", b"in the minf", clean),
        a_box(b"stbl", &stbl),
    ]
    .concat();
    let mdia = [
        a_box(
            b"mdhd",
            &[&words(&[0])[..], &dates, &dates, &words(&[12_800, 0, 0])].concat(),
        ),
        a_box(b"hdlr", &hdlr),
        a_box(b"minf", &minf),
    ]
    .concat();
    let trak = [
        a_box(
            b"tkhd",
            &[
                &words(&[0x0100_0003])[..],
                &dates.repeat(4),
                &words(&[id, 0, 0]),
            ]
            .concat(),
        ),
        needless(b"udta", &a_box(b"name", b"Anna's living room"), clean),
        needless(b"meta", b"in the track", clean),
        a_box(b"mdia", &mdia),
    ]
    .concat();
    let (_, trex) = track_boxes(id, handler, 12_800);
    (a_box(b"trak", &trak), trex)
}

/// An init segment in which everything is said, or the same one as it should come out.
pub(super) fn init(clean: bool) -> Bytes {
    let (picture, picture_trex) = track(1, b"vide", &picture_entry(clean), clean);
    let (sound, sound_trex) = track(2, b"soun", &sound_entry(clean), clean);
    let tags = [
        a_box(b"\xA9xyz", b"+52.5+013.4/"),
        a_box(b"\xA9mod", b"Phone 12"),
        a_box(b"\xA9too", b"Lavf59.27.100"),
        a_box(b"\xA9day", b"2024-05-06"),
        a_box(b"\xA9nam", b"Tea"),
    ]
    .concat();
    let dates = said(b"DATE", clean);
    let moov = [
        a_box(
            b"mvhd",
            &[&words(&[0])[..], &dates, &dates, &words(&[1000, 0])].concat(),
        ),
        picture,
        sound,
        a_box(b"mvex", &[picture_trex, sound_trex].concat()),
        needless(b"udta", &tags, clean),
        needless(b"abcd", b"whatever", clean),
    ]
    .concat();
    let large = [
        &[0, 0, 0, 1][..],
        if clean { b"free" } else { b"uuid" },
        &[0, 0, 0, 0, 0, 0, 0, 27],
        &said(b"<x:xmpmeta>", clean),
    ]
    .concat();
    [
        a_box(b"ftyp", b"iso5\0\0\x02\0iso5"),
        needless(b"free", b"IsoMedia File Produced with Anna", clean),
        a_box(b"moov", &moov),
        needless(b"meta", b"on top", clean),
        large,
    ]
    .concat()
    .into()
}

/// The dirty one, parsed.
pub(super) fn dirty_init() -> InitSegment {
    InitSegment::parse(init(false)).unwrap()
}

fn all_but(missing: &[Trace]) -> Traces {
    let all = Trace::ALL.into_iter();
    all.filter(|trace| !missing.contains(trace)).collect()
}

#[test]
fn everything_that_is_said_in_an_init_segment_goes_and_every_other_byte_stays() {
    let mut guard = Guard::new(true);

    let clean = guard.begin(dirty_init()).unwrap();

    assert_eq!(clean.bytes(), &init(true));
    assert_eq!(clean.tracks(), dirty_init().tracks());
    assert_eq!(
        guard.metadata().found,
        all_but(&[Trace::PictureNotes, Trace::SoundNotes, Trace::Unreadable])
    );
}

#[test]
fn a_clean_init_segment_and_a_clean_fragment_are_the_very_same_bytes() {
    let mut guard = Guard::new(true);
    for bytes in [audio_and_video(), init(true)] {
        let before = InitSegment::parse(bytes.clone()).unwrap();
        let after = guard.begin(before).unwrap();
        assert_eq!(after.bytes().as_ptr(), bytes.as_ptr());
        assert!(guard.metadata().found.is_empty(), "{:?}", guard.metadata());
    }
    guard
        .begin(InitSegment::parse(audio_and_video()).unwrap())
        .unwrap();
    let fragment = fragment(0, true);
    let after = guard.fragment(&fragment).unwrap();
    assert_eq!(after.bytes().as_ptr(), fragment.bytes().as_ptr());
}

#[test]
fn a_list_of_tags_without_any_is_left_and_one_with_something_in_its_head_is_not() {
    let list = |name: &[u8], tags: &[u8]| {
        let hdlr = [&words(&[0, 0])[..], b"mdirappl\0\0\0\0\0\0\0\0", name, &[0]].concat();
        let meta = [words(&[0]), a_box(b"hdlr", &hdlr), a_box(b"ilst", tags)];
        a_box(b"meta", &meta.concat())
    };
    let with = |list: Vec<u8>| [&audio_and_video()[..], &list].concat();
    for (list, stays) in [
        (list(b"", b""), true),
        (list(b"Anna", b""), false),
        (list(b"", &a_box(b"\xA9nam", b"Tea")), false),
        (a_box(b"meta", b"\0\0\0\0Anna"), false),
    ] {
        let before = InitSegment::parse(with(list).into()).unwrap();
        let after = Guard::new(true).begin(before.clone()).unwrap();
        assert_eq!(after == before, stays);
    }
}

#[test]
fn names_that_everybody_has_stay() {
    let with = |name: &[u8]| {
        let bytes = init(true);
        let text = [name, &vec![0; 13 - name.len()]].concat();
        let at = bytes.windows(4).position(|part| part == b"hdlr").unwrap() + 4 + 24;
        [&bytes[..at], &text, &bytes[at + 13..]].concat()
    };
    for (name, stays) in [
        (&b"VideoHandler"[..], true),
        // As QuickTime counts.
        (b"\x0CVideoHandler", true),
        (b"Core Media", false),
        (b"\0Anna", false),
    ] {
        let before = InitSegment::parse(with(name).into()).unwrap();
        let after = Guard::new(true).begin(before.clone()).unwrap();
        assert_eq!(after == before, stays, "{name:?}");
        assert!(stays || after.bytes() == &init(true));
    }
}

#[test]
fn tracks_of_other_data_are_refused_with_the_flag_until_another_stream_comes() {
    for (kind, flag) in [(b"tmcd", "`-write_tmcd 0`"), (b"meta", "`-dn`")] {
        let tracks = [track_boxes(1, b"vide", 12_800), track_boxes(2, kind, 1_000)];
        let bytes = super::super::fragment::sample::init_with(&tracks);
        let with_data = InitSegment::parse(bytes.into()).unwrap();
        let mut guard = Guard::new(true);

        let refusal = guard.begin(with_data.clone()).unwrap_err();

        assert!(refusal.to_string().contains(flag), "{refusal}");
        assert_eq!(guard.metadata().refused, Some(refusal));
        assert!(guard.fragment(&fragment(0, true)).is_none());
        guard
            .begin(InitSegment::parse(audio_and_video()).unwrap())
            .unwrap();
        assert_eq!(guard.metadata().refused, None);
        assert!(guard.fragment(&fragment(0, true)).is_some());

        let mut looking = Guard::new(false);
        assert_eq!(looking.begin(with_data.clone()), Ok(with_data));
        assert!(looking.fragment(&fragment(0, true)).is_some());
    }
}

#[test]
fn a_sample_description_that_is_no_boxes_is_refused() {
    let mut bytes = init(false).to_vec();
    let at = bytes.windows(4).position(|part| part == b"pasp").unwrap();
    bytes[at - 2] = 0xFF;

    let refusal = Guard::new(true).begin(InitSegment::parse(bytes.into()).unwrap());

    assert!(
        matches!(refusal, Err(Refusal::Unreadable { .. })),
        "{refusal:?}"
    );
}

#[test]
fn a_guard_that_only_looks_changes_nothing_and_says_the_same() {
    let mut guard = Guard::new(false);

    let after = guard.begin(dirty_init()).unwrap();

    assert_eq!(after, dirty_init());
    assert!(guard.metadata().stays);
    assert!(guard.metadata().found.contains(Trace::Place));
}

#[test]
fn news_come_once_in_a_run() {
    let mut guard = Guard::new(true);
    for (init, is_news) in [
        (dirty_init(), true),
        (dirty_init(), false),
        (InitSegment::parse(audio_and_video()).unwrap(), false),
        (dirty_init(), true),
    ] {
        guard.begin(init).unwrap();
        assert_eq!(!guard.news().is_empty(), is_news);
        assert!(guard.news().is_empty());
    }
}

#[test]
fn encoders_that_differ_only_in_what_is_taken_out_go_on_with_the_same_run() {
    let mut other = init(false).to_vec();
    let at = other.windows(4).position(|part| part == b"DATE").unwrap();
    other[at..at + 4].copy_from_slice(b"ETAD");
    let mut guard = Guard::new(true);

    let first = guard.begin(dirty_init()).unwrap();
    let second = guard
        .begin(InitSegment::parse(other.into()).unwrap())
        .unwrap();

    assert_eq!(first, second);
}

proptest! {
    #[test]
    fn whatever_the_init_segment_is_like_cleaning_keeps_tracks_and_length_and_is_done_once(
        flips in proptest::collection::vec((0_usize..1_400, any::<u8>()), 0..8),
    ) {
        let mut bytes = init(false).to_vec();
        for (at, flip) in flips {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= flip;
            }
        }
        let Ok(before) = InitSegment::parse(bytes.into()) else { return Ok(()) };
        let mut guard = Guard::new(true);
        let Ok(after) = guard.begin(before.clone()) else { return Ok(()) };
        prop_assert_eq!(after.tracks(), before.tracks());
        prop_assert_eq!(after.bytes().len(), before.bytes().len());
        let mut again = Guard::new(true);
        prop_assert_eq!(again.begin(after.clone()), Ok(after));
        prop_assert!(again.metadata().found.is_empty(), "{:?}", again.metadata());
    }
}
