//! A real ffmpeg that writes a stream directory.
//!
//! Belongs here: starting it as a broadcaster would, and stopping it in every way it can stop.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use rustix::process::Signal;

use super::{
    process::{Process, program},
    watch,
};

/// How long the first file may take on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// An encoder that everybody has forgotten ends by itself, in seconds.
const AT_MOST: u32 = 3600;

/// The two ways in which ffmpeg writes fragmented MP4 to a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `-f segment`: a segment grows by a fragment of 200 ms at a time.
    Growing,
    /// `-f hls`: a segment appears as a whole.
    Whole,
}

/// What the stream is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codecs {
    /// H.264 and AAC.
    H264,
    /// VP9 and Opus.
    Vp9,
    /// AAC alone.
    Audio,
    /// H.264 alone.
    Picture,
}

/// How to encode.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// How the segments are written.
    pub(crate) kind: Kind,
    /// What is in them.
    pub(crate) codecs: Codecs,
    /// The width of the picture in pixels; the height is 9/16 of it. Another one makes another
    /// init segment.
    pub(crate) width: u32,
    /// The bit rate of the picture, in kbit/s.
    pub(crate) bitrate: u32,
    /// The length of a segment, in seconds; a keyframe comes every second.
    pub(crate) segment_seconds: u32,
}

impl Options {
    /// 640 × 360, 25 pictures and one keyframe a second, H.264 at 500 kbit/s and a tone in AAC, in
    /// segments of 2 s.
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            codecs: Codecs::H264,
            width: 640,
            bitrate: 500,
            segment_seconds: 2,
        }
    }
}

/// A running ffmpeg that encodes a test picture with a counter and a tone, in real time.
///
/// Dropping it kills it, as a crash would.
#[derive(Debug)]
pub(crate) struct Encoder {
    process: Process,
}

impl Encoder {
    /// Starts to write to `directory`, which is made if it is not there.
    pub(crate) fn start(directory: &Path, options: Options) -> Self {
        Self::run(
            directory,
            options,
            Command::new(program("ffmpeg", "FFMPEG")),
        )
    }

    /// Starts one that may not make any file longer than so many KiB, as if the disk were full then.
    pub(crate) fn start_limited(directory: &Path, options: Options, kib: u32) -> Self {
        let mut shell = Command::new("bash");
        shell
            .arg("-c")
            // The kernel would kill it; a full disk is an error that it is told of.
            .arg(format!(
                "trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\""
            ))
            .arg(program("ffmpeg", "FFMPEG"));
        Self::run(directory, options, shell)
    }

    fn run(directory: &Path, options: Options, mut command: Command) -> Self {
        let (width, height) = (options.width, options.width * 9 / 16 / 2 * 2);
        let picture = match options.codecs {
            Codecs::Audio => String::new(),
            _ => format!("-re -f lavfi -i testsrc2=size={width}x{height}:rate=25"),
        };
        let arguments = format!(
            "-hide_banner -nostdin -nostats -loglevel warning -y {picture} \
             -re -f lavfi -i sine=frequency=440:sample_rate=48000 -t {AT_MOST} {} \
             -map_metadata -1 -fflags +bitexact {}",
            codecs(options),
            output(options)
        );
        fs::create_dir_all(directory).expect("a directory for the stream");
        command
            .current_dir(directory)
            .args(arguments.split_whitespace());
        Self {
            process: Process::start("ffmpeg", &mut command),
        }
    }

    /// Starts as [`start`](Self::start) does, and waits until the init segment and the first
    /// media are in the directory.
    pub(crate) fn start_and_wait(directory: &Path, options: Options) -> Self {
        // Leftovers of an earlier run may be there, and are overwritten.
        let before = media(directory);
        let mut encoder = Self::start(directory, options);
        let there = watch(STARTS_WITHIN, || {
            assert!(
                encoder.process.is_running(),
                "ffmpeg has ended:\n{}",
                encoder.process.story()
            );
            let now = media(directory);
            (now.is_some() && now != before).then_some(())
        });
        assert!(
            there.is_some(),
            "ffmpeg wrote nothing:\n{}",
            encoder.process.story()
        );
        encoder
    }

    /// The id of the process, for a `pid.txt`.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it, as a crash would: no end mark, the last segment cut anywhere.
    pub(crate) fn kill(mut self) {
        self.process.kill();
    }

    /// Asks it to end as a person does with Ctrl-C, and waits until it has: the playlist gets its
    /// end mark.
    pub(crate) fn quit(mut self) {
        self.process.signal(Signal::INT);
        let ended = self.process.wait(Duration::from_secs(10));
        assert!(
            ended.is_some(),
            "ffmpeg does not end:\n{}",
            self.process.story()
        );
    }

    /// Stops it without ending it, as a computer that has fallen asleep would.
    pub(crate) fn freeze(&mut self) {
        self.process.signal(Signal::STOP);
    }

    /// Lets it run on after [`freeze`](Self::freeze).
    pub(crate) fn thaw(&mut self) {
        self.process.signal(Signal::CONT);
    }
}

/// The arguments that choose and set up the codecs.
fn codecs(options: Options) -> String {
    let rate = options.bitrate;
    let picture = format!(
        "-map 0:v -map 1:a -g 25 -keyint_min 25 -b:v {rate}k -maxrate {rate}k -bufsize {rate}k"
    );
    match options.codecs {
        Codecs::H264 => format!(
            "{picture} -c:v libx264 -preset veryfast -tune zerolatency -profile:v main \
             -pix_fmt yuv420p -bf 0 -sc_threshold 0 -x264-params repeat-headers=1 \
             -c:a aac -b:a 64k -ac 2"
        ),
        Codecs::Vp9 => format!(
            "{picture} -minrate {rate}k -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 1 \
             -threads 2 -lag-in-frames 0 -c:a libopus -b:a 48k"
        ),
        Codecs::Audio => "-map 0:a -c:a aac -b:a 64k -ac 2".to_owned(),
        Codecs::Picture => {
            "-map 0:v -c:v libx264 -preset veryfast -tune zerolatency -bf 0 -g 25".to_owned()
        }
    }
}

/// The arguments that write the directory.
fn output(options: Options) -> String {
    let seconds = options.segment_seconds;
    match options.kind {
        // `flush_packets` inside the format options and not outside: only there does each fragment
        // reach the disk at once.
        Kind::Growing => format!(
            "-f segment -segment_time {seconds} -segment_format mp4 -segment_list stream.m3u8 \
             -segment_list_type m3u8 -segment_list_flags +live -segment_list_size 10 \
             -individual_header_trailer 0 -segment_header_filename init.mp4 \
             -segment_format_options movflags=+frag_keyframe+empty_moov+default_base_moof\
             +skip_trailer:frag_duration=200000:flush_packets=1 stream%d.m4s"
        ),
        Kind::Whole => format!(
            "-f hls -hls_time {seconds} -hls_list_size 10 -hls_flags delete_segments \
             -hls_segment_type fmp4 -hls_fmp4_init_filename init.mp4 \
             -hls_segment_filename stream%d.m4s stream.m3u8"
        ),
    }
}

/// When and how long the first segment was written; `None` until it and the init segment hold
/// something.
fn media(directory: &Path) -> Option<(SystemTime, u64)> {
    let init = fs::metadata(directory.join("init.mp4")).ok()?;
    let segment = fs::metadata(directory.join("stream0.m4s")).ok()?;
    let filled = init.len() > 0 && segment.len() > 0;
    filled.then_some((segment.modified().ok()?, segment.len()))
}
