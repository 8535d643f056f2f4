use super::{
    super::{
        meter::{Picture, Sound, Supply},
        privacy::{Metadata, Refusal, Traces},
    },
    *,
};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What the recipes in `ffmpeg/` deliver.
fn good() -> EncoderState {
    EncoderState {
        supply: Supply::Directory,
        on_air: true,
        since_last_fragment: Some(ms(100)),
        bits_per_second: Some(580_000),
        fps: Some(FrameRate(25_000)),
        fragment: Some(ms(200)),
        segment: Some(ms(2000)),
        gop: Some(ms(1000)),
        picture: Some(Picture {
            codec: Some("H.264"),
            size: None,
        }),
        sound: Some(Sound::default()),
        speed: Some(1000),
        lateness: Duration::ZERO,
        metadata: Metadata::default(),
    }
}

type Change = fn(&mut EncoderState);

/// What is wrong, what is said about, and words that must be in the sentence.
const TROUBLES: &[(Change, Concern, &[&str])] = &[
    (
        |state| state.bits_per_second = Some(2_600_000),
        Concern::Bitrate,
        &["2.6 Mbit/s is more than most Tor circuits carry; try 700 kbit/s"],
    ),
    (
        |state| state.bits_per_second = Some(900_000),
        Concern::Bitrate,
        &["900 kbit/s", "some Tor circuits", "-b:v"],
    ),
    (
        |state| state.gop = Some(ms(10_000)),
        Concern::Gop,
        &["10 s", "`-g 50`"],
    ),
    (
        |state| state.segment = Some(ms(10_000)),
        Concern::Segment,
        &["10 s", "30 s", "`-segment_time 2`"],
    ),
    (
        |state| state.fragment = Some(ms(2000)),
        Concern::Fragment,
        &["2 s", "`frag_duration=200000`", "`ffmpeg/`"],
    ),
    (
        |state| state.fragment = Some(ms(8000)),
        Concern::Fragment,
        &["8 s", "`-hls_time 2`"],
    ),
    (
        |state| state.fragment = Some(ms(40)),
        Concern::Fragment,
        &["40 ms", "47 kbit/s"],
    ),
    (
        |state| state.fps = Some(FrameRate(7_500)),
        Concern::FrameRate,
        &["7.5 frames", "`-r 25`"],
    ),
    (
        |state| state.fps = Some(FrameRate(60_000)),
        Concern::FrameRate,
        &["60 frames", "`-r 25`"],
    ),
    (
        |state| state.speed = Some(800),
        Concern::Speed,
        &["0.8 s", "`-preset veryfast`"],
    ),
    (
        |state| state.lateness = ms(1500),
        Concern::Lateness,
        &["1.5 s", "`safe`"],
    ),
    (
        |state| state.sound = None,
        Concern::Sound,
        &["no sound", "`-c:a aac"],
    ),
    (
        |state| {
            state.sound = Some(Sound {
                codec: None,
                is_empty: true,
            });
        },
        Concern::Sound,
        &["microphone", "`-an`"],
    ),
    (
        |state| {
            state.picture = Some(Picture {
                codec: Some("HEVC"),
                size: None,
            });
        },
        Concern::Codec,
        &["HEVC", "`-c:v libx264`"],
    ),
    (
        |state| {
            state.picture = Some(Picture {
                codec: None,
                size: None,
            });
        },
        Concern::Codec,
        &["the codec of this picture", "`-c:v libx264`"],
    ),
    (
        |state| state.since_last_fragment = Some(ms(5000)),
        Concern::Silence,
        &["for 5 s", "stands still"],
    ),
    (
        |state| state.on_air = false,
        Concern::NoStart,
        &["no keyframe", "`-g 50`"],
    ),
];

#[test]
fn each_trouble_is_named_with_its_number_and_what_helps() {
    for (change, concern, words) in TROUBLES {
        let mut state = good();
        change(&mut state);
        let found = advice(&state);
        let [one] = &found[..] else {
            panic!("{concern:?}: {found:?}");
        };
        assert_eq!(one.concern, *concern, "{}", one.words);
        assert!(!one.words.ends_with('.'), "{}", one.words);
        for word in *words {
            assert!(one.words.contains(word), "{}: {word}", one.words);
        }
    }
}

#[test]
fn the_recipes_need_no_advice() {
    assert_eq!(advice(&good()), []);
    // Too little has come to say anything about it.
    let young = EncoderState {
        bits_per_second: None,
        fps: None,
        segment: None,
        gop: None,
        speed: None,
        ..good()
    };
    assert_eq!(advice(&young), []);
}

#[test]
fn several_troubles_are_several_sentences_the_worst_first() {
    let state = EncoderState {
        bits_per_second: Some(5_000_000),
        gop: Some(ms(8000)),
        fps: Some(FrameRate(60_000)),
        sound: None,
        ..good()
    };

    let concerns: Vec<_> = advice(&state).iter().map(|one| one.concern).collect();

    assert_eq!(
        concerns,
        [
            Concern::Bitrate,
            Concern::Gop,
            Concern::FrameRate,
            Concern::Sound
        ]
    );
    assert!(advice(&state)[1].words.contains("`-g 120`"));
}

#[test]
fn whole_files_are_no_silence_and_are_said_once() {
    let state = EncoderState {
        fragment: Some(ms(8000)),
        segment: Some(ms(8000)),
        since_last_fragment: Some(ms(9000)),
        ..good()
    };

    let concerns: Vec<_> = advice(&state).iter().map(|one| one.concern).collect();

    assert_eq!(concerns, [Concern::Fragment]);
}

#[test]
fn before_and_after_a_show_the_only_advice_is_how_to_begin() {
    let never = advice(&EncoderState::default());
    let over = advice(&EncoderState {
        since_last_fragment: Some(ms(180_000)),
        ..EncoderState::default()
    });

    assert!(never[0].words.contains("`ffmpeg/screen.sh`"));
    assert!(over[0].words.contains("3 minutes"), "{}", over[0].words);
    assert_eq!((never.len(), over.len()), (1, 1));
}

#[test]
fn sound_alone_gets_no_advice_about_pictures() {
    let loud = EncoderState {
        bits_per_second: Some(1_400_000),
        picture: None,
        fps: None,
        gop: None,
        ..good()
    };
    let found = advice(&loud);
    assert!(!found[0].words.contains("-b:v"), "{}", found[0].words);
    assert!(!found[0].words.ends_with('.'));
}

#[test]
fn rates_and_times_are_short() {
    for (bits, shown) in [
        (0, "0 kbit/s"),
        (999_499, "999 kbit/s"),
        (999_500, "1 Mbit/s"),
        (2_640_000, "2.6 Mbit/s"),
    ] {
        assert_eq!(rate(bits), shown);
    }
    for (millis, shown) in [
        (40, "40 ms"),
        (200, "0.2 s"),
        (2000, "2 s"),
        (1_480, "1.5 s"),
        (9_999, "10 s"),
        (59_900, "59 s"),
        (61_000, "1 minute"),
        (7_200_000, "120 minutes"),
    ] {
        assert_eq!(time(Duration::from_millis(millis)), shown);
    }
}

#[test]
fn what_the_encoder_tells_about_itself_is_said_with_the_flag_and_whether_viewers_get_it() {
    let found: Traces = [Trace::Encoder, Trace::Date, Trace::Place]
        .into_iter()
        .collect();
    let with = |stays| {
        let metadata = Metadata {
            found,
            stays,
            refused: None,
        };
        let all = advice(&EncoderState { metadata, ..good() });
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].words.clone()
    };
    let stripped = with(false);
    assert!(
        stripped.contains("the encoder, a creation time and a place")
            && stripped.contains("viewers do not get it"),
        "{stripped}"
    );
    assert_eq!(stripped.matches("`-map_metadata -1`").count(), 1);
    assert!(with(true).contains("Viewers can read"));
}

#[test]
fn a_stream_that_is_refused_is_the_only_thing_worth_a_word() {
    let metadata = Metadata {
        refused: Some(Refusal::TimeCodes),
        ..Metadata::default()
    };
    let all = advice(&EncoderState {
        metadata,
        ..EncoderState::default()
    });
    assert_eq!(all.len(), 1);
    assert!(all[0].words.contains("`-write_tmcd 0`"), "{all:?}");
}

#[test]
fn what_to_change_is_said_in_the_words_of_what_encodes() {
    for (supply, ours, others) in [
        (Supply::Directory, "`-", ["OBS", "`encoder.", "`--"]),
        (Supply::Own, "`--", ["OBS", "`-g", "`-c:"]),
        (Supply::Feed, "`--", ["OBS", "`-g", "`-c:"]),
        (Supply::Push, "OBS", ["`-", "`encoder.", "`--"]),
    ] {
        let about = [
            Concern::Codec,
            Concern::Bitrate,
            Concern::Speed,
            Concern::Gop,
            Concern::FrameRate,
            Concern::Sound,
            Concern::NoStart,
        ];
        let mut said = String::new();
        for (change, concern, _) in TROUBLES.iter().filter(|(_, one, _)| about.contains(one)) {
            let mut state = good();
            change(&mut state);
            state.supply = supply;
            let advice = advice(&state);
            let [advice] = &advice[..] else {
                panic!("{advice:?}");
            };
            assert_eq!(advice.concern, *concern);
            said += &advice.words;
            said += "\n";
        }
        assert!(said.contains(ours), "{supply:?}: {said}");
        for other in others {
            assert!(!said.contains(other), "{supply:?}, `{other}`: {said}");
        }
    }
}
