//! Advice about the encoder in plain words: each with the number it is about and what to change.
//!
//! Belongs here: from which number on something hurts viewers behind Tor, and what helps.
//! Does not belong here: measuring ([`super::meter`]).
//!
//! The limits were measured with Firefox and ffmpeg; `docs/benchmarks.md` and the recipes in
//! `ffmpeg/` keep to them.

use std::time::Duration;

use super::meter::{EncoderState, FrameRate};

/// More bits per second than this stall on most circuits.
const MOST_CIRCUITS: u64 = 1_200_000;

/// More than this stall on some.
const SOME_CIRCUITS: u64 = 850_000;

/// What a fragment costs in headers, in bits: `moof` and the head of `mdat`.
const FRAGMENT_OVERHEAD: u64 = 236 * 8;

/// A viewer starts at a keyframe, so the way between two is added to the delay.
const LONG_GOP: Duration = Duration::from_millis(2500);

/// Pieces longer than this are whole files, not fragments.
const LONG_FRAGMENT: Duration = Duration::from_millis(1200);

/// Whole files longer than this can be made shorter without another muxer.
const LONG_PIECE: Duration = Duration::from_millis(2500);

/// Shorter fragments cost more in headers than they save in delay.
const SHORT_FRAGMENT: Duration = Duration::from_millis(90);

/// External players start three files back.
const LONG_SEGMENT: Duration = Duration::from_millis(6500);

/// Below this a picture does not seem to move.
const FEW_FRAMES: FrameRate = FrameRate(10_000);

/// Above this a picture costs bits that nobody behind Tor sees.
const MANY_FRAMES: FrameRate = FrameRate(31_000);

/// A player with the short delay has about this much in reserve.
const MUCH_TOO_LATE: Duration = Duration::from_millis(1000);

/// How long nothing may come before it is worth a word, if pieces are short.
const SILENCE: Duration = Duration::from_secs(3);

/// What a piece of advice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    /// Nothing comes.
    Silence,
    /// Something comes, but playback cannot start with it.
    NoStart,
    /// Viewers cannot play it.
    Codec,
    /// Too many bits.
    Bitrate,
    /// The encoder cannot keep up.
    Speed,
    /// Pieces come late.
    Lateness,
    /// Keyframes are too far apart.
    Gop,
    /// Pieces are too long or too short.
    Fragment,
    /// Files are too long.
    Segment,
    /// Too few or too many pictures.
    FrameRate,
    /// There is none.
    Sound,
}

/// One sentence, without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What it is about.
    pub concern: Concern,
    /// The sentence; words in backticks are to be typed or are names of files.
    pub words: String,
}

/// What to tell the broadcaster, the most urgent first; nothing if all is well.
pub fn advice(state: &EncoderState) -> Vec<Advice> {
    if let Some(silence) = silence(state) {
        return vec![silence];
    }
    if !state.on_air {
        let flag = keyframe_flag(state);
        let words = format!(
            "The encoder delivers, but no keyframe has come that playback could start with; set {flag}"
        );
        return vec![Advice {
            concern: Concern::NoStart,
            words,
        }];
    }
    let found = [
        (Concern::Codec, codec(state)),
        (Concern::Bitrate, bitrate(state)),
        (Concern::Speed, speed(state)),
        (Concern::Lateness, lateness(state)),
        (Concern::Gop, gop(state)),
        (Concern::Fragment, fragment(state)),
        (Concern::Segment, segment(state)),
        (Concern::FrameRate, frame_rate(state)),
        (Concern::Sound, sound(state)),
    ];
    found
        .into_iter()
        .filter_map(|(concern, words)| {
            Some(Advice {
                concern,
                words: words?,
            })
        })
        .collect()
}

fn silence(state: &EncoderState) -> Option<Advice> {
    let words = match state.since_last_fragment {
        None => {
            "Nothing has come from an encoder yet; start one, for example with `ffmpeg/screen.sh`"
                .to_owned()
        }
        Some(since)
            if since < SILENCE.max(state.fragment.unwrap_or_default().saturating_mul(2)) =>
        {
            return None;
        }
        Some(since) if state.on_air => format!(
            "Nothing has come from the encoder for {}, and the picture of the viewers stands still; \
             see whether the encoder still runs and what it says",
            time(since)
        ),
        Some(since) => format!(
            "The encoder has sent nothing for {}; start it again to go on the air",
            time(since)
        ),
    };
    Some(Advice {
        concern: Concern::Silence,
        words,
    })
}

fn codec(state: &EncoderState) -> Option<String> {
    let codec = state.picture?.codec?;
    (codec == "HEVC").then(|| {
        "Tor Browser does not play HEVC; encode with `-c:v libx264` or `-c:v libvpx-vp9`".to_owned()
    })
}

fn bitrate(state: &EncoderState) -> Option<String> {
    let bits = state.bits_per_second?;
    let whom = match bits {
        bits if bits > MOST_CIRCUITS => "most Tor circuits carry",
        bits if bits > SOME_CIRCUITS => "some Tor circuits carry",
        _ => return None,
    };
    let flags = if state.picture.is_some() {
        "`-b:v 600k -maxrate 600k -bufsize 600k` and `-b:a 64k`"
    } else {
        "`-b:a 64k`"
    };
    let aim = if state.picture.is_some() {
        "700 kbit/s"
    } else {
        "64 kbit/s"
    };
    Some(format!(
        "{} is more than {whom}; try {aim} ({flags})",
        rate(bits)
    ))
}

fn speed(state: &EncoderState) -> Option<String> {
    let speed = state.speed.filter(|speed| *speed < 950)?;
    Some(format!(
        "The encoder makes only {} of media in a second, so the picture must stop again and again; \
         give it less to do: `-preset veryfast`, a smaller picture, or fewer frames",
        time(Duration::from_millis(u64::from(speed)))
    ))
}

fn lateness(state: &EncoderState) -> Option<String> {
    (state.lateness >= MUCH_TOO_LATE).then(|| {
        format!(
            "Pieces came up to {} late, and viewers at the short delay saw the picture freeze; \
             close what else keeps this computer busy, or advise the delay `safe`",
            time(state.lateness)
        )
    })
}

fn gop(state: &EncoderState) -> Option<String> {
    let gop = state.gop.filter(|gop| *gop > LONG_GOP)?;
    Some(format!(
        "Keyframes are {} apart, and nobody can start in between; set {}",
        time(gop),
        keyframe_flag(state)
    ))
}

/// The flag of ffmpeg for a keyframe each two seconds.
fn keyframe_flag(state: &EncoderState) -> String {
    let FrameRate(thousandths) = state.fps.unwrap_or(FrameRate(25_000));
    let frames = (thousandths.saturating_mul(2).saturating_add(500) / 1000).max(1);
    format!("`-g {frames}`")
}

fn fragment(state: &EncoderState) -> Option<String> {
    let fragment = state.fragment?;
    if fragment > LONG_FRAGMENT {
        let shorter = if fragment > LONG_PIECE {
            "; with `-f hls`, `-hls_time 2` is the least that helps"
        } else {
            ""
        };
        return Some(format!(
            "Media comes in pieces of {}, and viewers are that much further behind; `-f segment` with \
             `frag_duration=200000`, as the recipes in `ffmpeg/` have it, makes pieces of 0.2 s{shorter}",
            time(fragment)
        ));
    }
    if fragment > Duration::ZERO && fragment < SHORT_FRAGMENT {
        let each_second = 1_000_000_000 / u64::from(fragment.subsec_nanos().max(1));
        return Some(format!(
            "Pieces of {} cost {} in headers alone; set `frag_duration=200000`",
            time(fragment),
            rate(each_second.saturating_mul(FRAGMENT_OVERHEAD))
        ));
    }
    None
}

fn segment(state: &EncoderState) -> Option<String> {
    let segment = state.segment.filter(|segment| *segment > LONG_SEGMENT)?;
    // Whole files as pieces: said already, with what helps.
    if state
        .fragment
        .is_some_and(|fragment| fragment > LONG_FRAGMENT)
    {
        return None;
    }
    Some(format!(
        "Files of {} put external players (`/stream.m3u8`) {} behind; set `-segment_time 2`",
        time(segment),
        time(segment.saturating_mul(3))
    ))
}

fn frame_rate(state: &EncoderState) -> Option<String> {
    let rate = state.fps?;
    if rate < FEW_FRAMES {
        return Some(format!(
            "{rate} frames a second look like a slide show; set `-r 25`, and if it stays like this, \
             the source gives no more or the computer is too slow"
        ));
    }
    (rate > MANY_FRAMES).then(|| {
        format!(
            "{rate} frames a second take bits from each picture that viewers would rather see sharp; \
             try `-r 25`"
        )
    })
}

fn sound(state: &EncoderState) -> Option<String> {
    match state.sound {
        None => Some(
            "There is no sound; if there should be some, name a source for it and add `-c:a aac -b:a 64k`"
                .to_owned(),
        ),
        Some(sound) if sound.is_empty => Some(
            "Sound was announced but none has come for 10 s, and players wait for it; see whether \
             the microphone is connected, or leave it out with `-an`"
                .to_owned(),
        ),
        Some(_) => None,
    }
}

/// `2.6 Mbit/s`, `580 kbit/s`.
pub fn rate(bits_per_second: u64) -> String {
    let kilobits = bits_per_second.saturating_add(500) / 1000;
    if kilobits < 1000 {
        return format!("{kilobits} kbit/s");
    }
    let tenths = bits_per_second.saturating_add(50_000) / 100_000;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} Mbit/s"),
        (whole, tenth) => format!("{whole}.{tenth} Mbit/s"),
    }
}

/// `40 ms`, `1.5 s`, `12 s`, `3 minutes`.
pub fn time(time: Duration) -> String {
    let millis = time.as_millis();
    match (millis, time.as_secs()) {
        (..100, _) => format!("{millis} ms"),
        (_, ..10) => {
            let tenths = (millis + 50) / 100;
            match (tenths / 10, tenths % 10) {
                (whole, 0) => format!("{whole} s"),
                (whole, tenth) => format!("{whole}.{tenth} s"),
            }
        }
        (_, seconds @ ..60) => format!("{seconds} s"),
        (_, 60..120) => "1 minute".to_owned(),
        (_, seconds) => format!("{} minutes", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::meter::{Picture, Sound},
        *,
    };

    const fn ms(millis: u64) -> Option<Duration> {
        Some(Duration::from_millis(millis))
    }

    /// What the recipes in `ffmpeg/` deliver.
    fn good() -> EncoderState {
        EncoderState {
            on_air: true,
            since_last_fragment: ms(100),
            bits_per_second: Some(580_000),
            fps: Some(FrameRate(25_000)),
            fragment: ms(200),
            segment: ms(2000),
            gop: ms(1000),
            picture: Some(Picture::default()),
            sound: Some(Sound::default()),
            speed: Some(1000),
            lateness: Duration::ZERO,
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
    fn each_trouble_is_named_with_its_number_and_what_helps() {
        let with = |change: fn(&mut EncoderState)| {
            let mut state = good();
            change(&mut state);
            state
        };
        let empty = |state: &mut EncoderState| {
            state.sound = Some(Sound {
                codec: None,
                is_empty: true,
            });
        };
        let hevc = |state: &mut EncoderState| {
            state.picture = Some(Picture {
                codec: Some("HEVC"),
                size: None,
            });
        };
        let table = [
            (
                with(|s| s.bits_per_second = Some(2_600_000)),
                Concern::Bitrate,
                &["2.6 Mbit/s is more than most Tor circuits carry; try 700 kbit/s"][..],
            ),
            (
                with(|s| s.bits_per_second = Some(900_000)),
                Concern::Bitrate,
                &["900 kbit/s", "some Tor circuits", "-b:v"],
            ),
            (
                with(|s| s.gop = ms(10_000)),
                Concern::Gop,
                &["10 s", "`-g 50`"],
            ),
            (
                with(|s| s.segment = ms(10_000)),
                Concern::Segment,
                &["10 s", "30 s", "`-segment_time 2`"],
            ),
            (
                with(|s| s.fragment = ms(2000)),
                Concern::Fragment,
                &["2 s", "`frag_duration=200000`", "`ffmpeg/`"],
            ),
            (
                with(|s| s.fragment = ms(8000)),
                Concern::Fragment,
                &["8 s", "`-hls_time 2`"],
            ),
            (
                with(|s| s.fragment = ms(40)),
                Concern::Fragment,
                &["40 ms", "47 kbit/s"],
            ),
            (
                with(|s| s.fps = Some(FrameRate(7_500))),
                Concern::FrameRate,
                &["7.5 frames", "`-r 25`"],
            ),
            (
                with(|s| s.fps = Some(FrameRate(60_000))),
                Concern::FrameRate,
                &["60 frames", "`-r 25`"],
            ),
            (
                with(|s| s.speed = Some(800)),
                Concern::Speed,
                &["0.8 s", "`-preset veryfast`"],
            ),
            (
                with(|s| s.lateness = Duration::from_millis(1500)),
                Concern::Lateness,
                &["1.5 s", "`safe`"],
            ),
            (
                with(|s| s.sound = None),
                Concern::Sound,
                &["no sound", "`-c:a aac"],
            ),
            (with(empty), Concern::Sound, &["microphone", "`-an`"]),
            (with(hevc), Concern::Codec, &["HEVC", "`-c:v libx264`"]),
            (
                with(|s| s.since_last_fragment = ms(5000)),
                Concern::Silence,
                &["for 5 s", "stands still"],
            ),
            (
                with(|s| s.on_air = false),
                Concern::NoStart,
                &["no keyframe", "`-g 50`"],
            ),
        ];
        for (state, concern, words) in table {
            let found = advice(&state);
            let [one] = &found[..] else {
                panic!("{concern:?}: {found:?}");
            };
            assert_eq!(one.concern, concern, "{}", one.words);
            for word in words {
                assert!(one.words.contains(word), "{}: {word}", one.words);
            }
        }
    }

    #[test]
    fn several_troubles_are_several_sentences_the_worst_first() {
        let state = EncoderState {
            bits_per_second: Some(5_000_000),
            gop: ms(8000),
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
            fragment: ms(8000),
            segment: ms(8000),
            since_last_fragment: ms(9000),
            ..good()
        };

        let concerns: Vec<_> = advice(&state).iter().map(|one| one.concern).collect();

        assert_eq!(concerns, [Concern::Fragment]);
    }

    #[test]
    fn before_and_after_a_show_the_only_advice_is_how_to_begin() {
        let never = advice(&EncoderState::default());
        let over = advice(&EncoderState {
            since_last_fragment: ms(180_000),
            ..EncoderState::default()
        });

        assert!(never[0].words.contains("`ffmpeg/screen.sh`"));
        assert!(over[0].words.contains("3 minutes"), "{}", over[0].words);
        assert_eq!((never.len(), over.len()), (1, 1));
    }

    #[test]
    fn sentences_have_no_full_stop_and_sound_alone_no_advice_about_pictures() {
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
}
