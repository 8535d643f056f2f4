use proptest::prelude::*;

use super::*;
use crate::media::{
    boxes::Boxes,
    fragment::sample::{
        NON_SYNC, a_box, audio_and_video, audio_and_video_init, fragment, fragment_bytes,
        init_with, track_boxes, words,
    },
};

fn sound_of(init: &InitSegment) -> (SoundTrack, InitSegment) {
    let track = SoundTrack::of(init).unwrap();
    let alone = InitSegment::parse(track.init().clone()).unwrap();
    (track, alone)
}

/// The bytes of the samples of a track, one after the other.
fn samples(fragment: &Fragment, init: &InitSegment, wanted: u32) -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    fragment.each_sample(init, &mut |track_id, at, len| {
        if track_id == wanted {
            let range = usize::try_from(at).unwrap()..usize::try_from(at + len).unwrap();
            samples.push(fragment.bytes()[range].to_vec());
        }
    });
    samples
}

/// Takes the sound out and checks that it is the same sound at the same time.
fn is_the_same_sound(whole: &Fragment, init: &InitSegment) -> Fragment {
    let (track, alone) = sound_of(init);
    let bytes = track.fragment(whole, init).expect("sound");
    let sound = Fragment::parse(bytes, &alone).unwrap();
    let runs = |fragment: &Fragment| -> Vec<_> {
        let runs = fragment.runs().iter();
        runs.filter(|run| run.track_id == track.track_id)
            .cloned()
            .collect()
    };
    assert_eq!(runs(&sound), runs(whole));
    assert_eq!(
        samples(&sound, &alone, track.track_id),
        samples(whole, init, track.track_id)
    );
    sound
}

#[test]
fn the_sound_has_an_init_segment_of_its_own() {
    let init = audio_and_video_init();

    let (_, alone) = sound_of(&init);

    assert_eq!(alone.tracks(), [init.track(2).unwrap().clone()]);
    assert!(!alone.has_video());
}

#[test]
fn sound_alone_is_everything_already_and_a_picture_alone_has_none() {
    let only = |handler| {
        let bytes = init_with(&[track_boxes(1, handler, 48_000)]);
        InitSegment::parse(bytes.into()).unwrap()
    };

    assert_eq!(sound_of(&only(b"soun")).1, only(b"soun"));
    assert!(SoundTrack::of(&only(b"vide")).is_none());
}

#[test]
fn a_fragment_keeps_its_sound_and_nothing_else() {
    let init = audio_and_video_init();
    let whole = fragment(1000, false);

    let sound = is_the_same_sound(&whole, &init);

    assert!(sound.starts_with_keyframe(), "any of them is a beginning");
    // 200 bytes of samples: 360 of the picture and its `traf` are gone.
    assert!(sound.bytes().len() < 320, "{}", sound.bytes().len());
}

/// A fragment of pictures (40 bytes of `p`) and sound in two runs (30 bytes of `a`, 20 of `b`),
/// which lie in that order: `a`, pictures, `b`. Offsets are relative to the `moof`, or, without
/// `is_based`, left out where one follows the other.
fn interleaved(is_based: bool) -> Fragment {
    let base = if is_based { BASE_IS_MOOF } else { 0 };
    let build = |moof_len: u32| {
        let at = moof_len + 8;
        let traf = |id: u32, runs: &[Vec<u8>]| {
            let head = [
                a_box(b"tfhd", &words(&[base, id])),
                a_box(b"tfdt", &words(&[0, 96_000])),
            ];
            a_box(b"traf", &[head.concat(), runs.concat()].concat())
        };
        let first = a_box(b"trun", &words(&[0x201, 3, at, 10, 10, 10]));
        let second = a_box(b"trun", &words(&[0x201, 1, at + 70, 20]));
        let pictures = if is_based {
            a_box(b"trun", &words(&[0x205, 1, at + 30, NON_SYNC, 40]))
        } else {
            // Its base is the end of the sound, which was read first.
            let back = 0_u32.wrapping_sub(60);
            a_box(b"trun", &words(&[0x205, 1, back, NON_SYNC, 40]))
        };
        let moof = [
            a_box(b"mfhd", &words(&[0, 7])),
            traf(2, &[first, second]),
            traf(1, &[pictures]),
        ];
        a_box(b"moof", &moof.concat())
    };
    let moof_len = u32::try_from(build(0).len()).unwrap();
    let data = [vec![b'a'; 30], vec![b'p'; 40], vec![b'b'; 20]].concat();
    let bytes = [build(moof_len), a_box(b"mdat", &data)].concat();
    Fragment::parse(bytes.into(), &audio_and_video_init()).unwrap()
}

#[test]
fn runs_that_lie_between_pictures_are_brought_together() {
    let init = audio_and_video_init();
    for is_based in [true, false] {
        let sound = is_the_same_sound(&interleaved(is_based), &init);

        let data = Boxes::of(sound.bytes()).nth(1).unwrap().unwrap();
        assert_eq!(data.body, [vec![b'a'; 30], vec![b'b'; 20]].concat());
    }
}

#[test]
fn a_run_that_follows_another_states_its_place_from_now_on() {
    let init = audio_and_video_init();
    let build = |moof_len: u32| {
        let traf = [
            a_box(b"tfhd", &words(&[BASE_IS_MOOF, 2])),
            a_box(b"tfdt", &words(&[0, 96_000])),
            a_box(b"trun", &words(&[0x201, 2, moof_len + 8, 10, 5])),
            a_box(b"trun", &words(&[0, 0])),
            a_box(b"trun", &words(&[0x200, 1, 9])),
        ];
        let moof = [
            a_box(b"mfhd", &words(&[0, 7])),
            a_box(b"traf", &traf.concat()),
        ];
        a_box(b"moof", &moof.concat())
    };
    let moof = build(u32::try_from(build(0).len()).unwrap());
    let bytes = [moof, a_box(b"mdat", b"aaaaaaaaaabbbbbccccccccc")].concat();
    let whole = Fragment::parse(bytes.into(), &init).unwrap();

    let sound = is_the_same_sound(&whole, &init);

    assert!(sound.bytes().ends_with(b"aaaaaaaaaabbbbbccccccccc"));
}

#[test]
fn a_fragment_of_pictures_has_no_sound() {
    let init = audio_and_video_init();
    let (track, _) = sound_of(&init);
    let whole = interleaved(true);
    let without = String::from_utf8_lossy(whole.bytes()).into_owned();
    assert!(without.contains("traf"));
    // The track of the sound becomes one of pictures.
    let other = InitSegment::parse(
        init_with(&[
            track_boxes(1, b"vide", 12_800),
            track_boxes(2, b"vide", 48_000),
            track_boxes(3, b"soun", 48_000),
        ])
        .into(),
    )
    .unwrap();
    let pictures = Fragment::parse(whole.bytes().clone(), &other).unwrap();

    assert_eq!(
        SoundTrack::of(&other).unwrap().fragment(&pictures, &other),
        None
    );
    assert!(track.fragment(&whole, &init).is_some());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_what_comes_out_can_be_played(
        flips in proptest::collection::vec((0_usize..700, any::<u8>()), 1..8),
        init_flips in proptest::collection::vec((0_usize..700, any::<u8>()), 0..4),
        which in 0_usize..3,
    ) {
        let flip = |bytes: &[u8], flips: &[(usize, u8)]| {
            let mut bytes = bytes.to_vec();
            for (at, flip) in flips {
                if let Some(byte) = bytes.get_mut(*at) {
                    *byte ^= flip;
                }
            }
            bytes
        };
        let init = InitSegment::parse(flip(&audio_and_video(), &init_flips).into());
        let init = init.unwrap_or_else(|_| audio_and_video_init());
        let whole = match which {
            0 => fragment_bytes(1000, true),
            1 => interleaved(true).bytes().clone(),
            _ => interleaved(false).bytes().clone(),
        };
        if let Ok(whole) = Fragment::parse(flip(&whole, &flips).into(), &init)
            && let Some(track) = SoundTrack::of(&init)
            && let Some(bytes) = track.fragment(&whole, &init)
        {
            prop_assert!(bytes.len() <= 2 * whole.bytes().len());
            if !track.is_everything {
                is_the_same_sound(&whole, &init);
            }
        }
    }
}
