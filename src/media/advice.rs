//! Advice about the encoder in plain words: each with the number it is about and what to change.
//!
//! Belongs here: from which number on something hurts viewers behind Tor, and what helps.
//! Does not belong here: measuring ([`super::meter`]).
//!
//! The limits were measured with Firefox and ffmpeg; `docs/benchmarks.md` and the recipes in
//! `ffmpeg/` keep to them.

mod remedy;
mod silence;
pub mod uplink;

use std::time::Duration;

use super::{
    meter::{EncoderState, FrameRate},
    privacy::Trace,
};

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
const MUCH_TOO_LATE: Duration = Duration::from_secs(1);

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
    /// The encoder tells more than viewers need.
    Metadata,
    /// The connection is full.
    Uplink,
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
    if let Some(refusal) = state.metadata.refused {
        return vec![Advice {
            concern: Concern::Metadata,
            words: format!("Nothing is played: {refusal}"),
        }];
    }
    if let Some(silence) = silence::silence(state) {
        return vec![silence];
    }
    if !state.on_air {
        let words = format!(
            "The encoder delivers, but no keyframe has come that playback could start with; {}",
            more_keyframes(state)
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
        (Concern::Metadata, metadata(state)),
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

fn codec(state: &EncoderState) -> Option<String> {
    let what = match state.picture?.codec {
        Some("HEVC") => "HEVC",
        // Such as MPEG-4 Part 2, which some encoders write unless they are told.
        None => "the codec of this picture",
        Some(_) => return None,
    };
    Some(format!(
        "Tor Browser does not play {what}; {}",
        remedy::codec(state.supply)
    ))
}

fn bitrate(state: &EncoderState) -> Option<String> {
    let bits = state.bits_per_second?;
    let whom = match bits {
        bits if bits > MOST_CIRCUITS => "most Tor circuits carry",
        bits if bits > SOME_CIRCUITS => "some Tor circuits carry",
        _ => return None,
    };
    Some(format!(
        "{} is more than {whom}; try {}",
        rate(bits),
        remedy::bitrate(state.supply, state.picture.is_some())
    ))
}

fn speed(state: &EncoderState) -> Option<String> {
    let speed = state.speed.filter(|speed| *speed < 950)?;
    Some(format!(
        "The encoder makes only {} of media in a second, so the picture must stop again and again; \
         give it less to do: {}; `onionstream doctor` says whether a graphics card can do it instead",
        time(Duration::from_millis(u64::from(speed))),
        remedy::less_work(state.supply)
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
        "Keyframes are {} apart, and nobody can start in between; {}",
        time(gop),
        more_keyframes(state)
    ))
}

/// What makes a keyframe come each two seconds.
fn more_keyframes(state: &EncoderState) -> String {
    let FrameRate(thousandths) = state.fps.unwrap_or(FrameRate(25_000));
    let frames = (thousandths.saturating_mul(2).saturating_add(500) / 1000).max(1);
    remedy::keyframes(state.supply, frames)
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
            "{rate} frames a second look like a slide show; set {}, and if it stays like this, \
             the source gives no more or the computer is too slow",
            remedy::frame_rate(state.supply)
        ));
    }
    (rate > MANY_FRAMES).then(|| {
        format!(
            "{rate} frames a second take bits from each picture that viewers would rather see sharp; \
             try {}",
            remedy::frame_rate(state.supply)
        )
    })
}

fn sound(state: &EncoderState) -> Option<String> {
    match state.sound {
        None => Some(format!(
            "There is no sound; if there should be some, {}",
            remedy::sound(state.supply)
        )),
        Some(sound) if sound.is_empty => Some(format!(
            "Sound was announced but none has come for 10 s, and players wait for it; {}",
            remedy::no_sound_comes(state.supply)
        )),
        Some(_) => None,
    }
}

fn metadata(state: &EncoderState) -> Option<String> {
    let found = || {
        let found = state.metadata.found.iter();
        found.filter(|trace| *trace != Trace::Unreadable)
    };
    let what = listed(found().map(Trace::words))?;
    let fix = listed(found().map(Trace::fix))?;
    Some(if state.metadata.stays {
        format!(
            "Viewers can read {what} in the stream, because `ingest.strip_metadata` is off; keep it from \
             being written with {fix}"
        )
    } else {
        format!(
            "The encoder writes {what} into the stream; viewers do not get it. To keep it from being \
             written: {fix}"
        )
    })
}

/// `a, b and c`, each once.
fn listed(words: impl Iterator<Item = &'static str>) -> Option<String> {
    let mut all: Vec<&str> = Vec::new();
    for word in words {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    let (last, others) = all.split_last()?;
    Some(if others.is_empty() {
        (*last).to_owned()
    } else {
        format!("{} and {last}", others.join(", "))
    })
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
mod tests;
