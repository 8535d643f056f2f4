//! Whether a plan can work, asked before the show, and answered in a sentence that says what to do.

mod hardware;

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};
use thiserror::Error;

pub use self::hardware::{Tried, try_hardware};
use super::{
    ask::{Leash, PATIENCE, ask},
    command::Plan,
    input::{Contents, Input},
    shut_off::NO_NAMESPACE,
};

/// Why there will be no picture.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// No such program.
    #[error(
        "`{}` cannot be started: {cause}; install ffmpeg (Debian: `apt install ffmpeg`), or name it \
         with `--set encoder.ffmpeg=PATH`",
        program.display()
    )]
    NoFfmpeg {
        /// What was to be started.
        program: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It did not answer.
    #[error("`{}` did not answer within {} seconds; is the disk or a device stuck?", program.display(), PATIENCE.as_secs())]
    Stuck {
        /// What was asked.
        program: PathBuf,
    },
    /// Nobody wants to know any more.
    #[error("the show is over")]
    Over,
    /// This ffmpeg was built without it.
    #[error(
        "this ffmpeg has no encoder `{name}`, which the preset `{preset}` needs; choose another with \
         `--preset`, or install an ffmpeg that has it (Debian's has)"
    )]
    NoEncoder {
        /// As ffmpeg calls it.
        name: &'static str,
        /// The preset that wants it.
        preset: &'static str,
    },
    /// The hardware that is asked for does not encode.
    #[error(
        "the hardware encoder `{name}` does not work here ({why}); {}",
        instead(working)
    )]
    NoHardware {
        /// As ffmpeg calls it.
        name: &'static str,
        /// What happened when it was tried.
        why: String,
        /// Those that work.
        working: Vec<&'static str>,
    },
    /// Nothing that can be played.
    #[error("`{}` holds neither a picture nor sound that ffmpeg can read", path.display())]
    NotMedia {
        /// The file.
        path: PathBuf,
    },
    /// Sound is wanted and there is none.
    #[error("`{}` has no sound, and the preset `audio` sends nothing else; choose another with `--preset`", path.display())]
    Mute {
        /// The file.
        path: PathBuf,
    },
    /// Not there, or not to be read.
    #[error("`{}` cannot be read: {cause}", path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A directory without files.
    #[error("there is nothing to play in `{}`; put video or sound files into it", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// No screen.
    #[error(
        "the screen `{display}` cannot be read; start this from a terminal on the X11 desktop, or name \
         it with `--set encoder.screen=:0`; Wayland desktops give their picture to OBS only"
    )]
    NoScreen {
        /// As it was named.
        display: String,
    },
    /// No camera.
    #[error(
        "the camera `{}` gives no picture; plug it in, close other programs that use it, or name \
         another with `--set encoder.camera=/dev/videoN`", device.display()
    )]
    NoCamera {
        /// As it was named.
        device: PathBuf,
    },
    /// No microphone.
    #[error(
        "the microphone cannot be read; set `encoder.microphone` to `pulse`, `alsa` or `none`, and \
         `encoder.microphone_name` to a name that `pactl list short sources` or `arecord -L` shows"
    )]
    NoMicrophone,
    /// A feed is only for an ffmpeg that has no network.
    #[error("{NO_NAMESPACE}")]
    NotShutOff,
    /// No thread for it.
    #[error("cannot start a thread for the encoder: {0}")]
    Thread(io::Error),
}

/// What to do about hardware that does not work.
fn instead(working: &[&str]) -> String {
    if working.is_empty() {
        return "none does: let the processor encode, with `--hardware none`".to_owned();
    }
    let working: Vec<_> = working.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "choose one that works with `--hardware`: {}, or `none` for the processor",
        working.join(", ")
    )
}

/// Asks ffmpeg whether it can do what the plan says.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn check(plan: &Plan, leash: &Leash) -> Result<(), EncoderError> {
    check_encoders(plan, leash)?;
    match &plan.input {
        Input::Test | Input::File { .. } | Input::Still { .. } | Input::Url { .. } => Ok(()),
        Input::Screen {
            display,
            microphone,
        } => {
            let screen = ["-f", "x11grab", "-i", display].map(OsStr::new);
            if plan.preset.has_video() && !gives(&plan.ffmpeg, &screen, leash)? {
                return Err(EncoderError::NoScreen {
                    display: display.clone(),
                });
            }
            microphone_works(plan, microphone, leash)
        }
        Input::Camera { device, microphone } => {
            let camera = [
                OsStr::new("-f"),
                OsStr::new("v4l2"),
                OsStr::new("-i"),
                device.as_os_str(),
            ];
            if plan.preset.has_video() && !gives(&plan.ffmpeg, &camera, leash)? {
                return Err(EncoderError::NoCamera {
                    device: device.clone(),
                });
            }
            microphone_works(plan, microphone, leash)
        }
    }
}

/// The same for the encoders alone, whatever the picture comes from. Hardware is tried, for about a
/// second.
///
/// # Errors
///
/// The first one that is missing or does not work.
pub fn check_encoders(plan: &Plan, leash: &Leash) -> Result<(), EncoderError> {
    let listed = listed(&plan.ffmpeg, leash)?;
    let hardware = plan.hardware();
    for name in plan.encoders() {
        let is_hardware = hardware.is_some_and(|one| one.encoder.word() == name);
        if !is_hardware && !listed.has(name) {
            return Err(EncoderError::NoEncoder {
                name,
                preset: plan.preset.word(),
            });
        }
    }
    hardware.map_or(Ok(()), |hardware| hardware::check(plan, hardware, leash))
}

/// The encoders of an ffmpeg, as it lists them.
struct Listed(String);

impl Listed {
    fn has(&self, name: &str) -> bool {
        let mut names = self.0.lines().map(|line| line.split_whitespace().nth(1));
        names.any(|listed| listed == Some(name))
    }
}

fn listed(ffmpeg: &Path, leash: &Leash) -> Result<Listed, EncoderError> {
    let answer = ask(ffmpeg, ["-hide_banner", "-encoders"], leash)?;
    Ok(Listed(answer.words()))
}

/// Asks whether there is an ffmpeg at all; one that only repacks needs no encoder.
///
/// # Errors
///
/// It cannot be started.
pub fn check_ffmpeg(ffmpeg: &Path, leash: &Leash) -> Result<(), EncoderError> {
    version(ffmpeg, leash).map(|_version| ())
}

/// The version of an ffmpeg or ffprobe, at most sixty characters of it.
///
/// # Errors
///
/// It cannot be started.
pub fn version(program: &Path, leash: &Leash) -> Result<String, EncoderError> {
    let answer = ask(program, ["-hide_banner", "-version"], leash)?;
    let words = answer.words();
    let version = words.split_whitespace().nth(2).unwrap_or("unknown");
    let is_plain = |c: &char| !c.is_control();
    Ok(version.chars().filter(is_plain).take(60).collect())
}

/// The ffprobe that belongs to an ffmpeg.
pub fn ffprobe_of(ffmpeg: &Path) -> PathBuf {
    beside(ffmpeg, "ffprobe")
}

fn microphone_works(
    plan: &Plan,
    microphone: &super::Microphone,
    leash: &Leash,
) -> Result<(), EncoderError> {
    let (format, name) = match microphone {
        super::Microphone::Pulse(name) => ("pulse", name),
        super::Microphone::Alsa(name) => ("alsa", name),
        super::Microphone::None => return Ok(()),
    };
    let input = ["-f", format, "-i", name].map(OsStr::new);
    if gives(&plan.ffmpeg, &input, leash)? {
        Ok(())
    } else {
        Err(EncoderError::NoMicrophone)
    }
}

/// Whether a moment of this input can be read.
fn gives(ffmpeg: &Path, input: &[&OsStr], leash: &Leash) -> Result<bool, EncoderError> {
    let before = ["-nostdin", "-loglevel", "quiet"].map(OsStr::new);
    let after = ["-t", "0.1", "-f", "null", "-"].map(OsStr::new);
    let arguments = before.iter().chain(input).chain(&after).copied();
    Ok(ask(ffmpeg, arguments, leash)?.success)
}

/// What a file holds, as ffprobe sees it. It reads nothing but this file.
///
/// # Errors
///
/// It cannot be read, or nobody can play it.
pub(super) fn contents(
    ffmpeg: &Path,
    path: &Path,
    leash: &Leash,
) -> Result<Contents, EncoderError> {
    let mut file = std::ffi::OsString::from("file:");
    file.push(path);
    let arguments = ["-v", "error", "-protocol_whitelist", "file"]
        .into_iter()
        .chain(LIST)
        .map(OsStr::new)
        .chain([file.as_os_str()]);
    let contents = tracks(&ask(&ffprobe_of(ffmpeg), arguments, leash)?.words());
    if contents == Contents::default() {
        // Only now: with a disk that is stuck this would not come back.
        access(path, Access::READ_OK).map_err(|cause| EncoderError::Unreadable {
            path: path.to_owned(),
            cause: cause.into(),
        })?;
        return Err(EncoderError::NotMedia {
            path: path.to_owned(),
        });
    }
    Ok(contents)
}

/// What makes ffprobe list the tracks for [`tracks`].
pub(super) const LIST: [&str; 4] = [
    "-show_entries",
    "stream=codec_type:stream_disposition=attached_pic",
    "-of",
    "csv=p=0",
];

/// What is there, as ffprobe says it after [`LIST`].
pub(super) fn tracks(words: &str) -> Contents {
    let mut contents = Contents::default();
    for line in words.lines() {
        let mut fields = line.trim().split(',');
        match (fields.next(), fields.next()) {
            (Some("video"), cover) => contents.video |= cover != Some("1"),
            (Some("audio"), _) => contents.audio = true,
            _ => {}
        }
    }
    contents
}

/// The program of this name that belongs to an ffmpeg.
fn beside(ffmpeg: &Path, name: &str) -> PathBuf {
    let file = ffmpeg.file_name().and_then(OsStr::to_str);
    ffmpeg.with_file_name(file.unwrap_or_default().replace("ffmpeg", name))
}
