use proptest::prelude::*;

use super::{
    sample::{
        NON_SYNC, a_box, audio_and_video_init, fragment, fragment_bytes, init_with, track_boxes,
        words,
    },
    *,
};

/// One video traf with these boxes after `mfhd`, and an `mdat` of 100 bytes.
fn video(traf: &[Vec<u8>]) -> Result<Fragment, FragmentError> {
    let moof = [
        a_box(b"mfhd", &words(&[0, 1])),
        a_box(b"traf", &traf.concat()),
    ]
    .concat();
    let bytes = [a_box(b"moof", &moof), a_box(b"mdat", &[0; 100])].concat();
    Fragment::parse(bytes.into(), &audio_and_video_init())
}

fn narrow_time(ticks: u32) -> Vec<u8> {
    a_box(b"tfdt", &words(&[0, ticks]))
}

/// Where the samples begin in the fragments that [`video`] makes of boxes of these lengths.
fn data_at(traf: &[Vec<u8>]) -> u32 {
    let boxes: usize = traf.iter().map(Vec::len).sum();
    u32::try_from(8 + 16 + 8 + boxes + 8).unwrap()
}

/// A `traf` with one `trun` of these fields after its data offset.
fn with_run(tfhd: &[u32], flags: u32, count: u32, rest: &[u32]) -> Result<Fragment, FragmentError> {
    let build = |offset: u32| {
        let run = [&[flags | 1, count, offset], rest].concat();
        vec![
            a_box(b"tfhd", &words(tfhd)),
            narrow_time(1000),
            a_box(b"trun", &words(&run)),
        ]
    };
    video(&build(data_at(&build(0))))
}

#[test]
fn times_and_keyframe_of_a_fragment_as_ffmpeg_writes_it() {
    let key = fragment(1000, true);

    assert!(key.starts_with_keyframe());
    assert!(!key.begins_segment());
    assert_eq!(key.runs().len(), 2);
    assert_eq!(
        (key.start(), key.end()),
        (Duration::from_secs(1), Duration::from_millis(1200))
    );
    assert_eq!(key.duration(), Duration::from_millis(200));
    assert_eq!(
        key.runs()[1],
        TrackRun {
            track_id: 2,
            timescale: 48_000,
            decode_time: 48_000,
            duration: 9600,
            samples: 10,
            sync_samples: 10
        }
    );
    assert!(!fragment(1200, false).starts_with_keyframe());
    assert!(key.starting_segment().begins_segment());
}

#[test]
fn the_flags_of_the_first_sample_come_from_the_nearest_place_that_states_them() {
    const SYNC: u32 = 0x0200_0000;
    // (tfhd, trun flags, fields after the data offset, keyframe)
    let table: &[(&[u32], u32, &[u32], bool)] = &[
        // `trex` of the sample init segment says non-sync.
        (&[0x2_0000, 1], 0, &[], false),
        (&[0x2_0020, 1, SYNC], 0, &[], true),
        (&[0x2_0020, 1, SYNC], 0x400, &[NON_SYNC], false),
        (&[0x2_0000, 1], 0x400, &[SYNC], true),
        (&[0x2_0020, 1, NON_SYNC], 0x004, &[SYNC], true),
        // All fields at once: first flags, then duration, size, flags, composition offset.
        (
            &[0x2_003A, 1, 1, 512, 9, NON_SYNC],
            0xF04,
            &[SYNC, 7, 9, NON_SYNC, 3],
            true,
        ),
    ];
    for (tfhd, flags, rest, keyframe) in table {
        let found = with_run(tfhd, *flags, 1, rest).unwrap();
        assert_eq!(
            found.starts_with_keyframe(),
            *keyframe,
            "{tfhd:x?} {flags:x} {rest:x?}"
        );
    }
}

#[test]
fn samples_and_keyframes_among_them_are_counted() {
    const SYNC: u32 = 0x0200_0000;
    // (tfhd, trun flags, samples, fields after the data offset, sync samples)
    type Case<'a> = (&'a [u32], u32, u32, &'a [u32], u32);
    let table: &[Case<'_>] = &[
        (&[0x2_0000, 1], 0, 3, &[], 0),
        (&[0x2_0020, 1, SYNC], 0, 3, &[], 3),
        (&[0x2_0020, 1, NON_SYNC], 0x004, 3, &[SYNC], 1),
        (&[0x2_0020, 1, SYNC], 0x004, 3, &[NON_SYNC], 2),
        (&[0x2_0000, 1], 0x400, 3, &[SYNC, NON_SYNC, SYNC], 2),
        (
            &[0x2_0000, 1],
            0x404,
            3,
            &[NON_SYNC, SYNC, NON_SYNC, SYNC],
            1,
        ),
        (&[0x2_0000, 1], 0, 0, &[], 0),
    ];
    for (tfhd, flags, count, rest, sync) in table {
        let run = with_run(tfhd, *flags, *count, rest).unwrap().runs()[0].clone();
        assert_eq!(
            (run.samples, run.sync_samples),
            (*count, *sync),
            "{flags:x} {rest:x?}"
        );
    }
}

#[test]
fn durations_come_from_samples_or_from_either_default() {
    let duration = |fragment: Fragment| fragment.runs()[0].duration;

    assert_eq!(
        duration(with_run(&[0x2_0000, 1], 0, 3, &[]).unwrap()),
        3 * 512
    );
    assert_eq!(
        duration(with_run(&[0x2_0008, 1, 10], 0, 3, &[]).unwrap()),
        30
    );
    assert_eq!(
        duration(with_run(&[0x2_0008, 1, 10], 0x100, 3, &[1, 2, 4]).unwrap()),
        7
    );
}

#[test]
fn a_fragment_without_video_is_a_start_only_in_a_stream_without_video() {
    let bytes = |id| {
        let traf = [a_box(b"tfhd", &words(&[0x2_0000, id])), narrow_time(0)].concat();
        let moof = [a_box(b"mfhd", &words(&[0, 1])), a_box(b"traf", &traf)].concat();
        Bytes::from([a_box(b"moof", &moof), a_box(b"mdat", b"")].concat())
    };
    let sound_only = InitSegment::parse(init_with(&[track_boxes(2, b"soun", 48_000)]).into());

    let both = Fragment::parse(bytes(2), &audio_and_video_init()).unwrap();
    let sound = Fragment::parse(bytes(2), &sound_only.unwrap()).unwrap();
    let empty_video = Fragment::parse(bytes(1), &audio_and_video_init()).unwrap();

    assert!(!both.starts_with_keyframe());
    assert!(sound.starts_with_keyframe());
    assert!(
        !empty_video.starts_with_keyframe(),
        "it has no sample that could be a keyframe"
    );
}

#[test]
fn what_cannot_be_forwarded_is_refused() {
    let run = || a_box(b"trun", &words(&[0, 0]));
    let tfhd = |words_: &[u32]| a_box(b"tfhd", &words(words_));
    let missing = |kind| {
        FragmentError::from(BoxError::Missing {
            kind: BoxType(kind),
            parent: BoxType(*b"traf"),
        })
    };
    let table = [
        (video(&[narrow_time(0), run()]), missing(*b"tfhd")),
        (video(&[tfhd(&[0x2_0000, 1]), run()]), missing(*b"tfdt")),
        (
            video(&[tfhd(&[0x2_0000, 9]), narrow_time(0), run()]),
            FragmentError::UnknownTrack { track_id: 9 },
        ),
        (
            video(&[tfhd(&[0x1, 1, 0, 0]), narrow_time(0), run()]),
            FragmentError::AbsoluteOffset { track_id: 1 },
        ),
        (
            video(&[
                tfhd(&[0x2_0000, 1]),
                narrow_time(u32::MAX),
                a_box(b"trun", &words(&[0, 0])),
            ])
            .and_then(|_| with_run(&[0x2_0008, 1, u32::MAX], 0, 2, &[])),
            FragmentError::TimeOutOfRange { track_id: 1 },
        ),
        (
            with_run(&[0x2_0000, 1], 0, u32::MAX, &[]),
            FragmentError::TooManySamples {
                track_id: 1,
                limit: 1 << 20,
            },
        ),
        (
            with_run(&[0x2_0000, 1], 0x100, 1000, &[1]),
            BoxError::ShortFields {
                kind: BoxType(*b"trun"),
            }
            .into(),
        ),
        (
            with_run(&[0x2_0010, 1, 101], 0, 1, &[]),
            FragmentError::DataOutside { track_id: 1 },
        ),
    ];
    for (found, expected) in table {
        assert_eq!(found.map(|fragment| fragment.runs), Err(expected));
    }
    let moof = a_box(b"moof", &a_box(b"mfhd", &words(&[0, 1])));
    let no_runs = Bytes::from([moof, a_box(b"mdat", b"")].concat());
    let error = Fragment::parse(no_runs, &audio_and_video_init()).unwrap_err();
    assert_eq!(error, FragmentError::Runs);
}

#[test]
fn runs_that_lie_above_each_other_do_not_make_more_bytes_of_few() {
    let build = |moof_len: u32| {
        let run = a_box(b"trun", &words(&[0x201, 1, moof_len + 8, 4_000]));
        let traf = [
            a_box(b"tfhd", &words(&[0x2_0000, 2])),
            narrow_time(0),
            run.repeat(100),
        ];
        let moof = [
            a_box(b"mfhd", &words(&[0, 7])),
            a_box(b"traf", &traf.concat()),
        ];
        a_box(b"moof", &moof.concat())
    };
    let moof = build(u32::try_from(build(0).len()).unwrap());
    let bytes = |data: usize| Bytes::from([&moof[..], &a_box(b"mdat", &vec![0; data])].concat());
    let init = audio_and_video_init();

    let refused = Fragment::parse(bytes(4_000), &init).unwrap_err();
    assert_eq!(refused, FragmentError::Overlap { track_id: 2 });
    // As many bytes as there are: nobody's work grows, wherever they lie.
    assert!(Fragment::parse(bytes(400_000), &init).is_ok());
}

#[test]
fn samples_of_nothing_are_not_countless() {
    assert!(with_run(&[0x2_0000, 1], 0, 1024, &[]).is_ok());
    let countless = with_run(&[0x2_0000, 1], 0, 1025, &[]).unwrap_err();
    let expected = FragmentError::TooManySamples {
        track_id: 1,
        limit: 1024,
    };
    assert_eq!(countless, expected);
    let build = |data_at: u32| {
        let runs = a_box(b"trun", &words(&[1, 1024, data_at])).repeat(2);
        vec![a_box(b"tfhd", &words(&[0x2_0000, 1])), narrow_time(0), runs]
    };
    let in_pieces = video(&build(data_at(&build(0)))).unwrap_err();
    assert_eq!(in_pieces, expected);
}

#[test]
fn a_narrow_decode_time_stops_at_its_ends_when_shifted() {
    let early = with_run(&[0x2_0008, 1, 10], 0, 1, &[]).unwrap();
    let hour = 3_600_000_000_000;

    let back = early.shifted(TimeShift { nanos: -hour });
    let far = early.shifted(TimeShift {
        nanos: 10_000 * hour,
    });

    assert_eq!(back.runs()[0].decode_time, 0);
    assert_eq!(far.runs()[0].decode_time, u64::from(u32::MAX) - 10);
    Fragment::parse(far.bytes().clone(), &audio_and_video_init()).unwrap();
}

proptest! {
    #[test]
    fn a_shifted_fragment_reads_back_with_the_expected_times(
        start_ms in 0_u64..100_000_000,
        nanos in -1_000_000_000_000_i128..1_000_000_000_000_000,
    ) {
        let before = fragment(start_ms, true).starting_segment();
        let after = before.shifted(TimeShift { nanos });

        let read = Fragment::parse(after.bytes().clone(), &audio_and_video_init()).unwrap();
        prop_assert_eq!(read.runs(), after.runs());
        prop_assert!(after.begins_segment() && after.starts_with_keyframe());
        for (old, new) in before.runs().iter().zip(after.runs()) {
            let exact = i128::from(old.decode_time) * 1_000_000_000
                + nanos * i128::from(old.timescale);
            let error = i128::from(new.decode_time) * 1_000_000_000 - exact.max(0);
            prop_assert!(error.abs() <= 500_000_000, "more than half a tick off: {}", error);
            prop_assert_eq!(old.duration, new.duration);
        }
    }

    #[test]
    fn no_shift_makes_it_panic(nanos in any::<i128>(), ticks in any::<u64>()) {
        let mut bytes = fragment_bytes(0, true).to_vec();
        let at = bytes.windows(4).position(|window| window == b"tfdt").unwrap() + 8;
        bytes[at..at + 8].copy_from_slice(&ticks.to_be_bytes());
        if let Ok(fragment) = Fragment::parse(bytes.into(), &audio_and_video_init()) {
            let shifted = fragment.shifted(TimeShift { nanos });
            prop_assert!(shifted.end() >= shifted.start());
            prop_assert!(
                Fragment::parse(shifted.bytes().clone(), &audio_and_video_init()).is_ok()
            );
        }
    }

    #[test]
    fn no_bytes_make_the_parser_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        flips in proptest::collection::vec((0_usize..400, any::<u8>()), 1..6),
    ) {
        let init = audio_and_video_init();
        drop(Fragment::parse(bytes.into(), &init));
        let mut mutated = fragment_bytes(40, true).to_vec();
        for (at, flip) in flips {
            if let Some(byte) = mutated.get_mut(at) {
                *byte ^= flip;
            }
        }
        drop(Fragment::parse(mutated.into(), &init));
    }
}
