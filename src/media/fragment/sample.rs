//! Small, valid init segments and fragments for tests.

use bytes::Bytes;

use crate::media::{fragment::Fragment, init::InitSegment};

/// `sample_is_non_sync_sample`.
pub(crate) const NON_SYNC: u32 = 0x0001_0000;

/// A box with a 32-bit size.
pub(crate) fn a_box(kind: &[u8], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).expect("small test data");
    [&size.to_be_bytes()[..], kind, body].concat()
}

/// Big-endian words one after the other.
pub(crate) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// `trak` and `trex` of one track.
pub(crate) fn track_boxes(id: u32, handler: &[u8], timescale: u32) -> (Vec<u8>, Vec<u8>) {
    let (duration, flags) = if handler == b"soun" {
        (1024, 0)
    } else {
        (512, NON_SYNC)
    };
    let hdlr = [&words(&[0, 0])[..], handler, &[0; 13]].concat();
    let mdia = [
        a_box(b"mdhd", &words(&[0, 0, 0, timescale, 0, 0])),
        a_box(b"hdlr", &hdlr),
    ]
    .concat();
    let trak = [
        a_box(b"tkhd", &words(&[3, 0, 0, id, 0, 0])),
        a_box(b"mdia", &mdia),
    ]
    .concat();
    (
        a_box(b"trak", &trak),
        a_box(b"trex", &words(&[0, id, 1, duration, 0, flags])),
    )
}

/// An init segment of these tracks.
pub(crate) fn init_with(tracks: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let traks = tracks.iter().flat_map(|(trak, _)| trak.clone());
    let trexs: Vec<u8> = tracks.iter().flat_map(|(_, trex)| trex.clone()).collect();
    let moov: Vec<u8> = a_box(b"mvhd", &[0; 12])
        .into_iter()
        .chain(traks)
        .chain(a_box(b"mvex", &trexs))
        .collect();
    [a_box(b"ftyp", b"iso5\0\0\x02\0iso5"), a_box(b"moov", &moov)].concat()
}

/// Track 1 is video at 12,800 ticks a second, track 2 sound at 48,000.
pub(crate) fn audio_and_video() -> Bytes {
    init_with(&[
        track_boxes(1, b"vide", 12_800),
        track_boxes(2, b"soun", 48_000),
    ])
    .into()
}

/// The parsed form of [`audio_and_video`].
pub(crate) fn audio_and_video_init() -> InitSegment {
    InitSegment::parse(audio_and_video()).expect("valid by construction")
}

/// One fragment of 200 ms: 5 frames of video and 9,600 ticks of sound, from `start_ms` on.
pub(crate) fn fragment_bytes(start_ms: u64, keyframe: bool) -> Bytes {
    let video = [vec![0x11; 200], vec![0x22; 4 * 40]].concat();
    let sound = vec![0x33; 10 * 20];
    let build = |moof_len: u32| {
        let first_flags = if keyframe { 0x0200_0000 } else { NON_SYNC };
        let mut run = words(&[0x205, 5, moof_len + 8, first_flags]);
        run.extend(words(&[200, 40, 40, 40, 40]));
        let video_traf = [
            a_box(b"tfhd", &words(&[0x0002_0028, 1, 512, 0x0101_0000])),
            a_box(b"tfdt", &wide_time(start_ms * 12_800 / 1000)),
            a_box(b"trun", &run),
        ]
        .concat();
        let sound_run = words(&[0x001, 10, moof_len + 8 + 360]);
        let sound_traf = [
            a_box(b"tfhd", &words(&[0x0002_0018, 2, 960, 20])),
            a_box(b"tfdt", &wide_time(start_ms * 48_000 / 1000)),
            a_box(b"trun", &sound_run),
        ]
        .concat();
        let moof = [
            a_box(b"mfhd", &words(&[0, 1])),
            a_box(b"traf", &video_traf),
            a_box(b"traf", &sound_traf),
        ]
        .concat();
        a_box(b"moof", &moof)
    };
    let moof_len = u32::try_from(build(0).len()).expect("small test data");
    [build(moof_len), a_box(b"mdat", &[video, sound].concat())]
        .concat()
        .into()
}

/// The parsed form of [`fragment_bytes`].
pub(crate) fn fragment(start_ms: u64, keyframe: bool) -> Fragment {
    Fragment::parse(fragment_bytes(start_ms, keyframe), &audio_and_video_init())
        .expect("valid by construction")
}

fn wide_time(ticks: u64) -> Vec<u8> {
    [&words(&[0x0100_0000])[..], &ticks.to_be_bytes()].concat()
}
