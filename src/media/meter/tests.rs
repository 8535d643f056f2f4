use super::*;
use crate::media::fragment::sample::{
    a_box, audio_and_video_init, fragment, init_with, track_boxes, words,
};

fn at(millis: u64) -> Tick {
    Tick::START + Duration::from_millis(millis)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A meter that got fragments of 200 ms (5 pictures each) in time: a keyframe each `gop` of them, a
/// file each `segment`, `count` fragments from 0 on.
fn fed(count: u64, gop: u64, segment: u64) -> Meter {
    let mut meter = Meter::new();
    meter.begin(&audio_and_video_init());
    for number in 0..count {
        push(&mut meter, number, gop, segment, 200 * (number + 1));
    }
    meter
}

fn push(meter: &mut Meter, number: u64, gop: u64, segment: u64, arrives: u64) {
    let next = fragment(200 * number, number.is_multiple_of(gop));
    let next = if number.is_multiple_of(segment) {
        next.starting_segment()
    } else {
        next
    };
    meter.push(&next, at(arrives));
}

#[test]
fn a_steady_stream_is_measured() {
    let meter = fed(200, 5, 10);
    let bits = fragment(0, true).bytes().len() as u64 * 8 * 5;

    let state = meter.state(at(40_100), true);

    let expected = EncoderState {
        supply: Supply::default(),
        on_air: true,
        since_last_fragment: Some(ms(100)),
        bits_per_second: Some(bits),
        fps: Some(FrameRate(25_000)),
        fragment: Some(ms(200)),
        segment: Some(ms(2000)),
        gop: Some(ms(1000)),
        picture: Some(Picture::default()),
        sound: Some(Sound::default()),
        speed: Some(1000),
        lateness: Duration::ZERO,
        metadata: Metadata::default(),
    };
    assert_eq!(state, expected);
}

#[test]
fn numbers_wait_until_there_is_enough_to_count() {
    let state = fed(4, 5, 10).state(at(900), true);

    assert_eq!(
        (state.bits_per_second, state.fps, state.speed),
        (None, None, None)
    );
    assert_eq!((state.segment, state.gop), (None, None));
    assert_eq!(state.sound, Some(Sound::default()));
}

#[test]
fn a_group_of_pictures_longer_than_the_window_is_still_measured() {
    assert_eq!(
        fed(200, 75, 75).state(at(40_000), true).gop,
        Some(ms(15_000))
    );
    // One keyframe and then none: what is known is that it is longer than that.
    assert_eq!(
        fed(60, 1000, 10).state(at(12_000), true).gop,
        Some(ms(12_000))
    );
}

#[test]
fn keyframes_inside_a_whole_file_count() {
    let mut meter = Meter::new();
    meter.begin(&audio_and_video_init());
    for number in 0..6 {
        let traf = |offset| {
            // 50 samples of 512 ticks are 2 s; every 25th is a keyframe.
            let samples: Vec<u32> = (0..50)
                .map(|sample| {
                    if sample % 25 == 0 {
                        0x0200_0000
                    } else {
                        0x0101_0000
                    }
                })
                .collect();
            let run = [words(&[0x401, 50, offset]), words(&samples)].concat();
            [
                a_box(b"tfhd", &words(&[0x0002_0018, 1, 512, 1])),
                a_box(b"tfdt", &words(&[0, number * 25_600])),
                a_box(b"trun", &run),
            ]
            .concat()
        };
        let moof = |offset| {
            let parts = [
                a_box(b"mfhd", &words(&[0, 1])),
                a_box(b"traf", &traf(offset)),
            ];
            a_box(b"moof", &parts.concat())
        };
        let offset = u32::try_from(moof(0).len()).unwrap() + 8;
        let bytes = [moof(offset), a_box(b"mdat", &[0; 50])].concat();
        let whole = Fragment::parse(bytes.into(), &audio_and_video_init()).unwrap();
        meter.push(&whole.starting_segment(), at(2000 * u64::from(number)));
    }

    let state = meter.state(at(10_000), true);

    assert_eq!(
        (state.fragment, state.segment),
        (Some(ms(2000)), Some(ms(2000)))
    );
    assert_eq!(state.gop, Some(ms(1000)));
    assert_eq!(state.fps, Some(FrameRate(25_000)));
    let sound = state.sound.unwrap();
    assert!(sound.is_empty, "announced, but nothing came");
}

#[test]
fn fragments_that_come_late_and_an_encoder_that_is_too_slow_are_noticed() {
    let mut late = fed(20, 5, 10);
    for number in 20..40 {
        push(&mut late, number, 5, 10, 200 * (number + 1) + 1500);
    }
    assert_eq!(late.state(at(9_700), true).lateness, ms(1500));

    let mut slow = Meter::new();
    slow.begin(&audio_and_video_init());
    for number in 0..100 {
        push(&mut slow, number, 5, 10, 250 * number);
    }
    assert_eq!(slow.state(at(25_000), true).speed, Some(800));
}

#[test]
fn sound_alone_has_no_frame_rate_and_no_groups_of_pictures() {
    let init = InitSegment::parse(init_with(&[track_boxes(2, b"soun", 48_000)]).into()).unwrap();
    let mut meter = Meter::new();
    meter.begin(&init);
    for number in 0..20_u32 {
        let traf = |offset| {
            [
                a_box(b"tfhd", &words(&[0x0002_0018, 2, 9600, 4])),
                a_box(b"tfdt", &words(&[0, number * 9600])),
                a_box(b"trun", &words(&[1, 1, offset])),
            ]
            .concat()
        };
        let moof = |offset| {
            let parts = [
                a_box(b"mfhd", &words(&[0, 1])),
                a_box(b"traf", &traf(offset)),
            ];
            a_box(b"moof", &parts.concat())
        };
        let offset = u32::try_from(moof(0).len()).unwrap() + 8;
        let bytes = [moof(offset), a_box(b"mdat", &[0; 4])].concat();
        meter.push(
            &Fragment::parse(bytes.into(), &init).unwrap(),
            at(200 * u64::from(number)),
        );
    }

    let state = meter.state(at(4_000), true);

    assert_eq!((state.picture, state.fps, state.gop), (None, None, None));
    assert_eq!(state.sound, Some(Sound::default()));
    assert!(state.bits_per_second.is_some());
}

#[test]
fn numbers_of_a_show_that_is_over_are_not_shown() {
    let meter = fed(50, 5, 10);

    let state = meter.state(at(20_000), false);

    let expected = EncoderState {
        since_last_fragment: Some(ms(10_000)),
        ..EncoderState::default()
    };
    assert_eq!(state, expected);
    assert_eq!(Meter::new().state(at(0), false), EncoderState::default());
}

#[test]
fn an_encoder_that_starts_again_is_measured_from_the_beginning() {
    let mut meter = fed(50, 5, 10);

    meter.begin(&audio_and_video_init());

    let state = meter.state(at(20_000), true);
    assert_eq!(state.since_last_fragment, Some(ms(10_000)));
    assert_eq!(
        (state.bits_per_second, state.lateness),
        (None, Duration::ZERO)
    );
}

#[test]
fn fragments_without_any_media_do_not_fill_the_memory() {
    let init = audio_and_video_init();
    let mut meter = Meter::new();
    meter.begin(&init);
    let traf = [
        a_box(b"tfhd", &words(&[0x0002_0000, 1])),
        a_box(b"tfdt", &words(&[0, 0])),
    ]
    .concat();
    let moof = [a_box(b"mfhd", &words(&[0, 1])), a_box(b"traf", &traf)].concat();
    let bytes = [a_box(b"moof", &moof), a_box(b"mdat", &[])].concat();
    let empty = Fragment::parse(bytes.into(), &init).unwrap();

    for number in 0..3000 {
        meter.push(&empty, at(number));
    }

    assert_eq!(meter.window.len(), MAX_ENTRIES);
    assert_eq!(meter.state(at(3000), true).bits_per_second, None);
}

#[test]
fn times_out_of_all_bounds_are_numbers_like_others() {
    // Each fragment says that it lasts as long as there are ticks.
    let init = InitSegment::parse(init_with(&[track_boxes(1, b"vide", 1)]).into()).unwrap();
    let wide = [&words(&[0x0100_0000])[..], &0_u64.to_be_bytes()].concat();
    let traf = |offset| {
        [
            a_box(b"tfhd", &words(&[0x0002_0018, 1, u32::MAX, 1])),
            a_box(b"tfdt", &wide),
            a_box(b"trun", &words(&[1, 1 << 20, offset])),
        ]
        .concat()
    };
    let moof = |offset| {
        let parts = [
            a_box(b"mfhd", &words(&[0, 1])),
            a_box(b"traf", &traf(offset)),
        ];
        a_box(b"moof", &parts.concat())
    };
    let offset = u32::try_from(moof(0).len()).unwrap() + 8;
    let bytes = [moof(offset), a_box(b"mdat", &vec![0; 1 << 20])].concat();
    let endless = Fragment::parse(bytes.into(), &init).unwrap();
    let mut meter = Meter::new();
    meter.begin(&init);

    for number in 0..5 {
        meter.push(&endless.clone().starting_segment(), at(number));
    }

    let state = meter.state(at(10), true);
    assert!(state.fragment.unwrap() > Duration::from_hours(1_000_000));
    let shown = state.steadied(&EncoderState::default());
    assert!(!super::super::advice::advice(&shown).is_empty());
}
