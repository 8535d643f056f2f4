//! The slate: what viewers see while the encoder is away, encoded like the show itself.
//!
//! The same plan makes the same init segment, so that players go over to the slate and back without
//! noticing. For encoders that are not ours see `run/standby.rs`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    thread::Builder,
    time::Duration,
};

use bytes::Bytes;
use thiserror::Error;

use super::{
    ask::{Answer, Leash, Limits, answer, question},
    command::Plan,
    complaints::Complaints,
    input::Input,
    probe::{self, EncoderError},
    process::Task,
    run::Surroundings,
};
use crate::media::{clip::ClipError, splice::SpliceError};

/// The picture that is built in.
const CARD: &[u8] = include_bytes!("../../assets/slate.png");

/// Length of a slate that is a picture, in seconds; it is repeated.
const STILL_SECONDS: &str = "4";

/// Longest slate that is a clip, in seconds.
const CLIP_SECONDS: &str = "60";

/// Largest slate, in bytes: a minute at 8 Mbit/s.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// An ffmpeg that writes nothing of the slate for this long is stuck: a slow computer that is busy
/// with the show begins within some seconds, and a disk may have to wake up.
const SILENT: Duration = Duration::from_secs(30);

/// All that the slate may take: a clip of a minute, by a computer that encodes ten times slower than it
/// plays.
const WITHIN: Duration = Duration::from_mins(10);

/// Endings of files that are pictures.
const PICTURES: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// Why there is no slate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SlateError {
    /// The file cannot be used.
    #[error(transparent)]
    File(EncoderError),
    /// There is no pipe or no thread for the card.
    #[error("ffmpeg cannot be given the card: {0}")]
    Card(#[from] io::Error),
    /// It was ended.
    #[error(
        "it was not made in time (nothing came for {} s, or not all of it within {} minutes); see that \
         its file can be read, or name a picture or a shorter clip with `encoder.slate`",
        SILENT.as_secs(),
        WITHIN.as_secs() / 60
    )]
    Stuck,
    /// ffmpeg refused.
    #[error("ffmpeg cannot encode the slate: {0}")]
    Encode(String),
    /// What it wrote cannot be played again and again.
    #[error("the slate cannot be used: {0}")]
    Clip(#[from] ClipError),
    /// It cannot be put into the stream.
    #[error(transparent)]
    Splice(#[from] SpliceError),
}

/// What it is called in complaints.
const SPEAKER: &str = "the slate";

impl SlateError {
    /// Whether nobody wants one any more, which is no error.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::File(EncoderError::Over))
    }
}

impl From<EncoderError> for SlateError {
    fn from(error: EncoderError) -> Self {
        match error {
            EncoderError::Stuck { .. } => Self::Stuck,
            error => Self::File(error),
        }
    }
}

/// Encodes the slate of a plan: a picture or a clip, or the card that is built in. Takes a second or
/// two, and much longer for a long clip. What ffmpeg says is noted among the complaints.
///
/// # Errors
///
/// See [`SlateError`].
pub fn slate(
    plan: &Plan,
    path: Option<PathBuf>,
    around: &Surroundings,
) -> Result<Bytes, SlateError> {
    let (input, seconds) = input(&plan.ffmpeg, path, &around.leash)?;
    let needs_card = matches!(input, Input::Still { path: None });
    let mut arguments = plan.of_slate(input).arguments();
    let output = arguments.pop();
    arguments.extend(["-t", seconds].map(Into::into));
    arguments.extend(output);
    let task = question(&plan.ffmpeg, arguments);
    encode(task, needs_card, around, &around.leash, Complaints::first)
}

/// Runs ffmpeg to its end, and gives back what it wrote. If it refused, `words` are picked of what it
/// complained about.
pub(super) fn encode(
    task: Task,
    needs_card: bool,
    around: &Surroundings,
    leash: &Leash,
    words: fn(&Complaints) -> Option<String>,
) -> Result<Bytes, SlateError> {
    let task = Task {
        input: if needs_card { card()? } else { Stdio::null() },
        patience: Some(SILENT),
        ..task
    };
    let limits = Limits {
        bytes: MAX_BYTES,
        time: WITHIN,
    };
    let complaints = around.complaints.by(SPEAKER);
    match answer(task, limits, &complaints, leash)? {
        Answer {
            success: true,
            bytes,
        } if !bytes.is_empty() => Ok(bytes.into()),
        _ => Err(SlateError::Encode(
            words(&complaints).unwrap_or_else(|| "it did not say why".to_owned()),
        )),
    }
}

/// A pipe out of which the card comes.
fn card() -> io::Result<Stdio> {
    let (reader, mut writer) = io::pipe()?;
    // Ends with the process that reads.
    Builder::new()
        .name("card".to_owned())
        .spawn(move || drop(writer.write_all(CARD)))?;
    Ok(Stdio::from(reader))
}

/// What is read for a slate, and how many seconds of it.
pub(super) fn input(
    ffmpeg: &Path,
    path: Option<PathBuf>,
    leash: &Leash,
) -> Result<(Input, &'static str), EncoderError> {
    let is_picture = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| PICTURES.iter().any(|one| one.eq_ignore_ascii_case(ending)))
    };
    Ok(match path {
        Some(path) if !is_picture(&path) => {
            let contents = probe::contents(ffmpeg, &path, leash)?;
            (Input::File { path, contents }, CLIP_SECONDS)
        }
        path => (Input::Still { path }, STILL_SECONDS),
    })
}
