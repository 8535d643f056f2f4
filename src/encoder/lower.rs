//! The command that makes a smaller quality of a broadcast. Pure.

use std::ffi::OsString;

use super::{
    command::{MAX_PIXELS, NO_TRACES, into_a_pipe},
    preset::Preset,
};
use crate::media::meter::FrameRate;

/// Longest side of the smaller picture, in pixels: 426 x 240 of a usual one.
const LONGEST_SIDE: u32 = 426;

/// Most frames a second of it, in thousandths.
const MOST_FRAMES: u32 = 15_500;

/// What is taken if nobody knows how many frames the broadcast has, in thousandths.
const USUAL_FRAMES: u32 = 15_000;

/// Kilobits a second of its sound.
const SOUND_KBITS: u64 = 32;

/// Kilobits a second of everything round it: five fragments with two tracks.
const CONTAINER_KBITS: u64 = 11;

/// Least kilobits a second of the picture, however little is asked for.
const LEAST_KBITS: u64 = 20;

/// Seconds from keyframe to keyframe: bits are few.
const KEYFRAMES: u64 = 2;

/// Which family of codecs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codecs {
    /// H.264 and AAC.
    H264,
    /// VP9 and Opus.
    Vp9,
}

/// What a smaller quality is made of, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lower {
    /// Those of the broadcast: who can play that can play this.
    pub codecs: Codecs,
    /// Frames a second of the broadcast, if that is known.
    pub frames: Option<FrameRate>,
    /// Kilobits a second that all of it is to cost.
    pub kbits: u64,
}

impl Lower {
    /// Frames a second: a whole part of those of the broadcast, so that it is every n-th one.
    fn frames(&self) -> FrameRate {
        match self.frames {
            Some(FrameRate(rate @ 1..)) => FrameRate(rate / rate.div_ceil(MOST_FRAMES)),
            _ => FrameRate(USUAL_FRAMES),
        }
    }

    /// What follows the name of the program: fragmented MP4 from the standard input, and into the
    /// standard output.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let FrameRate(frames) = self.frames();
        let (preset, sound) = match self.codecs {
            Codecs::H264 => (Preset::LowLatency, "aac"),
            Codecs::Vp9 => (Preset::Compatible, "libopus"),
        };
        // Only the pipe: nothing that these bytes name may be opened.
        let input = format!(
            "-nostdin -hide_banner -nostats -loglevel warning -protocol_whitelist pipe \
             -max_pixels {MAX_PIXELS} -analyzeduration 2000000 -fpsprobesize 0 -threads 2 -f mp4 \
             -i pipe:0 -map 0:v:0 -map 0:a:0? -filter:a aresample=async=1 -filter:v"
        );
        let filter = format!(
            "fps={frames}/1000,scale='min({LONGEST_SIDE},iw)':'min({LONGEST_SIDE},ih)'\
             :force_original_aspect_ratio=decrease:force_divisible_by=2,format=yuv420p"
        );
        let gop = (u64::from(frames) * KEYFRAMES / 1_000).max(1);
        let kbits = self.kbits.saturating_sub(SOUND_KBITS + CONTAINER_KBITS);
        let rate = format!("{SOUND_KBITS}k");
        let sound = ["-c:a", sound, "-b:a", &rate, "-ac", "1", "-ar", "48000"];
        let mut arguments: Vec<OsString> = input.split_whitespace().map(OsString::from).collect();
        arguments.push(filter.into());
        let picture = preset.video(kbits.max(LEAST_KBITS), gop);
        arguments.extend(picture.into_iter().map(OsString::from));
        arguments.extend(sound.map(OsString::from));
        arguments.extend(NO_TRACES.map(OsString::from));
        arguments.extend(into_a_pipe());
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::{super::command::quoted, *};

    fn lower(frames: Option<u32>, kbits: u64, codecs: Codecs) -> Lower {
        Lower {
            codecs,
            frames: frames.map(FrameRate),
            kbits,
        }
    }

    #[test]
    fn there_are_at_most_fifteen_frames_and_each_is_one_of_the_broadcast() {
        for (source, low) in [
            (Some(25_000), 12_500),
            (Some(30_000), 15_000),
            (Some(29_970), 14_985),
            (Some(60_000), 15_000),
            (Some(24_000), 12_000),
            (Some(10_000), 10_000),
            (Some(0), 15_000),
            (None, 15_000),
        ] {
            let lower = lower(source, 200, Codecs::H264);
            assert_eq!(lower.frames(), FrameRate(low), "{source:?}");
        }
    }

    #[test]
    fn it_reads_the_pipe_alone_says_nothing_of_the_computer_and_costs_what_was_asked_for() {
        for codecs in [Codecs::H264, Codecs::Vp9] {
            let line = quoted(&lower(Some(25_000), 200, codecs).arguments());
            for option in [
                "-protocol_whitelist pipe ",
                "-max_pixels 16777216 ",
                "-i pipe:0 ",
                "-b:v 157k ",
                "-b:a 32k ",
                "-g 25 ",
                "fps=12500/1000,",
                "-map_metadata -1",
                "+bitexact",
                "-frag_duration 200000",
            ] {
                assert!(line.contains(option), "{option} in {line}");
            }
            assert!(line.ends_with(" pipe:1"), "{line}");
        }
        let line = quoted(&lower(None, 10, Codecs::Vp9).arguments());
        assert!(
            line.contains("-b:v 20k ") && line.contains("libvpx-vp9"),
            "{line}"
        );
    }
}
