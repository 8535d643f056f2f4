//! Where pictures and sound come from.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{command::Shape, feed};

/// What ffmpeg reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A moving test picture with a tone.
    Test,
    /// The X11 screen and a microphone.
    Screen {
        /// As X11 names it, such as `:0`.
        display: String,
        /// What is heard.
        microphone: Microphone,
    },
    /// A camera and a microphone.
    Camera {
        /// Its device, such as `/dev/video0`.
        device: PathBuf,
        /// What is heard.
        microphone: Microphone,
    },
    /// A picture that stands still, with silence; without a file it comes through standard input.
    Still {
        /// The picture.
        path: Option<PathBuf>,
    },
    /// A file with a picture, sound, or both.
    File {
        /// Which one.
        path: PathBuf,
        /// What of it is used.
        contents: Contents,
    },
    /// A feed, over HTTP through the proxy of the show and in no other way.
    Url {
        /// Under which address the proxy knows it.
        address: String,
        /// Whether its server has to show a certificate.
        is_tls: bool,
        /// What of it is used.
        contents: Contents,
    },
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contents {
    /// A moving picture that is no cover.
    pub video: bool,
    /// Sound.
    pub audio: bool,
}

/// Where the sound of a screen or a camera comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Microphone {
    /// A source of `PulseAudio` or `PipeWire`.
    Pulse(String),
    /// A device of ALSA.
    Alsa(String),
    /// Silence.
    None,
}

/// An encoder of what happens now that writes nothing for this long is stuck. A device may take some
/// seconds to start.
const STUCK: Duration = Duration::from_secs(15);

/// Packets that may wait while another device is read.
const QUEUE: &str = "512";

/// Frequency of the test tone, in hertz; it beeps four times as high each second.
const TONE: u32 = 440;

impl Input {
    /// How long nothing may come before it is stuck; `None` if it never is, because it is encoded ahead
    /// as fast as it is taken.
    pub(super) fn patience(&self) -> Option<Duration> {
        match self {
            Self::File { .. } | Self::Still { .. } => None,
            Self::Url { .. } => Some(feed::STUCK),
            Self::Test | Self::Screen { .. } | Self::Camera { .. } => Some(STUCK),
        }
    }

    /// Whether ffmpeg takes times from the date. When that jumps, such an input stands still: forward,
    /// ffmpeg repeats the last picture until the sound, which counts the time that passes, is as far;
    /// back, it waits until the date is what it was (measured with ffmpeg 5.1 and x11grab; it reads
    /// sound cards the same way).
    pub(super) fn goes_by_date(&self) -> bool {
        match self {
            Self::Screen { .. } => true,
            Self::Camera { microphone, .. } => *microphone != Microphone::None,
            Self::Test | Self::Still { .. } | Self::File { .. } | Self::Url { .. } => false,
        }
    }

    /// The inputs of the command: the picture is number 0 and the sound number 1, unless one file
    /// has both.
    pub(super) fn arguments(&self, shape: &Shape, wants_video: bool) -> Vec<OsString> {
        let Shape {
            width,
            height,
            frame_rate,
        } = shape;
        let mut arguments = Arguments::default();
        match self {
            Self::Test => {
                if wants_video {
                    let picture = format!("testsrc2=size={width}x{height}:rate={frame_rate}");
                    arguments.all(["-re", "-f", "lavfi", "-i", &picture]);
                }
                let tone = format!("sine=frequency={TONE}:beep_factor=4:sample_rate=48000");
                arguments.all(["-re", "-f", "lavfi", "-i", &tone]);
            }
            Self::Screen {
                display,
                microphone,
            } => {
                if wants_video {
                    let rate = frame_rate.to_string();
                    arguments.all(["-thread_queue_size", QUEUE, "-f", "x11grab"]);
                    arguments.all(["-framerate", &rate, "-i", display]);
                }
                microphone.add_to(&mut arguments);
            }
            Self::Camera { device, microphone } => {
                if wants_video {
                    // No frame rate is asked of the camera: many know only 30; a filter picks.
                    arguments.all(["-thread_queue_size", QUEUE, "-f", "v4l2", "-i"]);
                    arguments.0.push(device.into());
                }
                microphone.add_to(&mut arguments);
            }
            Self::Still { path } => {
                if wants_video {
                    match path {
                        None => arguments.all(["-f", "png_pipe", "-i", "pipe:0"]),
                        Some(path) => arguments.file(path),
                    }
                }
                arguments.all(["-f", "lavfi", "-i", SILENCE]);
            }
            Self::File { contents, .. } | Self::Url { contents, .. } => {
                match self {
                    Self::Url {
                        address, is_tls, ..
                    } => arguments.0.extend(feed::arguments(address, *is_tls)),
                    Self::File { path, .. } => arguments.file(path),
                    _ => {}
                }
                // A channel of several files needs the same tracks in all of them.
                if wants_video && !contents.video && self.drawn().is_none() {
                    let black = format!("color=c=black:size={width}x{height}:rate={frame_rate}");
                    arguments.all(["-f", "lavfi", "-i", &black]);
                }
                if !contents.audio {
                    arguments.all(["-f", "lavfi", "-i", SILENCE]);
                }
            }
        }
        arguments.0
    }

    /// Which inputs the picture and the sound are taken from.
    pub(super) fn maps(&self, wants_video: bool) -> (Option<&'static str>, &'static str) {
        match self {
            Self::File { contents, .. } | Self::Url { contents, .. } => {
                match (contents.video, contents.audio) {
                    (true, true) => (wants_video.then_some("0:V:0"), "0:a:0"),
                    (true, false) => (wants_video.then_some("0:V:0"), "1:a:0"),
                    (false, _) if self.drawn().is_some() => (wants_video.then_some(DRAWN), "0:a:0"),
                    (false, _) => (wants_video.then_some("1:v:0"), "0:a:0"),
                }
            }
            _ if wants_video => (Some("0:v:0"), "1:a:0"),
            _ => (None, "0:a:0"),
        }
    }

    /// What draws the picture that [`DRAWN`] names: black, out of the sound, so that it ends with the
    /// sound. A source of black beside it would be encoded on for as long as the encoder looks ahead,
    /// and the next file would come so much too late.
    pub(super) fn drawn(&self) -> Option<&'static str> {
        match self {
            Self::File { contents, .. } if !contents.video => Some(
                // Numbered anew at 25 a second: what the scope says of its end is wrong in ffmpeg 5.1.
                "[0:a:0]aresample=48000:async=1,avectorscope=size=16x16:rate=25,\
                 drawbox=color=black:thickness=fill,setpts=N/25/TB",
            ),
            _ => None,
        }
    }

    /// Whether an input that never ends stands beside one that does.
    pub(super) fn ends_with_the_shortest(&self, wants_video: bool) -> bool {
        match self {
            Self::File { contents, .. } | Self::Url { contents, .. } => {
                !contents.audio || (wants_video && !contents.video)
            }
            _ => false,
        }
    }

    /// Whether a sound card's clock has to be kept in step with the picture.
    pub(super) fn has_own_clock(&self) -> bool {
        match self {
            Self::Screen { microphone, .. } | Self::Camera { microphone, .. } => {
                *microphone != Microphone::None
            }
            // Pieces that did not come in time are missing from it.
            Self::Url { contents, .. } => contents.audio,
            _ => false,
        }
    }
}

/// The picture of a file that has none.
pub(super) const DRAWN: &str = "[black]";

/// Silence without an end.
const SILENCE: &str = "anullsrc=channel_layout=stereo:sample_rate=48000";

impl Microphone {
    fn add_to(&self, arguments: &mut Arguments) {
        let (format, name) = match self {
            Self::Pulse(name) => ("pulse", name.as_str()),
            Self::Alsa(name) => ("alsa", name.as_str()),
            Self::None => {
                arguments.all(["-re", "-f", "lavfi", "-i", SILENCE]);
                return;
            }
        };
        arguments.all(["-thread_queue_size", QUEUE, "-f", format, "-i", name]);
    }
}

#[derive(Debug, Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    /// Only `file`: a playlist dressed up as a video must not make ffmpeg fetch something from the
    /// network, outside Tor.
    fn file(&mut self, path: &Path) {
        self.all(["-protocol_whitelist", "file", "-i"]);
        let mut file = OsString::from("file:");
        file.push(path);
        self.0.push(file);
    }

    fn all<const N: usize>(&mut self, arguments: [&str; N]) {
        self.0.extend(arguments.map(OsString::from));
    }
}
