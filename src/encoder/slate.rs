//! The slate: what viewers see while the encoder is away, encoded like the show itself.
//!
//! The same plan makes the same init segment, so that players go over to the slate and back without
//! noticing. For encoders that are not ours see `run/standby.rs`.

use std::{
    io::{self, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use bytes::Bytes;
use thiserror::Error;

use super::{
    command::Plan,
    complaints::Complaints,
    input::Input,
    probe::{self, EncoderError},
};
use crate::media::{clip::ClipError, splice::SpliceError};

/// The picture that is built in.
pub(super) const CARD: &[u8] = include_bytes!("../../assets/slate.png");

/// Length of a slate that is a picture, in seconds; it is repeated.
const STILL_SECONDS: &str = "4";

/// Longest slate that is a clip, in seconds.
const CLIP_SECONDS: &str = "60";

/// Largest slate, in bytes: a minute at 8 Mbit/s.
pub(super) const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Endings of files that are pictures.
const PICTURES: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// Why there is no slate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SlateError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] EncoderError),
    /// ffmpeg could not be run.
    #[error("ffmpeg cannot be run for the slate: {0}")]
    Run(#[from] io::Error),
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
pub(super) const SPEAKER: &str = "the slate";

/// Encodes the slate of a plan: a picture or a clip, or the card that is built in. Takes a second or
/// two, and much longer for a long clip. What ffmpeg says is noted among `complaints`.
///
/// # Errors
///
/// See [`SlateError`].
pub fn slate(
    plan: &Plan,
    path: Option<PathBuf>,
    complaints: &Complaints,
) -> Result<Bytes, SlateError> {
    let (input, seconds) = input(&plan.ffmpeg, path)?;
    let mut arguments = plan.of_slate(input).arguments();
    let output = arguments.pop();
    let mut child = Command::new(&plan.ffmpeg)
        .args(arguments)
        .args(["-t", seconds])
        .args(output)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdin = child.stdin.take();
    let feeding = thread::spawn(move || {
        // One that reads a file instead closes this early.
        stdin.map(|mut stdin| stdin.write_all(CARD))
    });
    let errors = child.stderr.take();
    let complaints = complaints.by(SPEAKER);
    let noted = complaints.clone();
    let complaining = thread::spawn(move || {
        if let Some(errors) = errors {
            noted.listen_to(BufReader::new(errors));
        }
    });
    let mut bytes = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(MAX_BYTES).read_to_end(&mut bytes)?;
    }
    let status = child.wait()?;
    drop(feeding.join());
    drop(complaining.join());
    if status.success() && !bytes.is_empty() {
        return Ok(bytes.into());
    }
    let first = complaints.first();
    Err(SlateError::Encode(
        first.unwrap_or_else(|| "it did not say why".to_owned()),
    ))
}

/// What is read for a slate, and how many seconds of it.
pub(super) fn input(
    ffmpeg: &Path,
    path: Option<PathBuf>,
) -> Result<(Input, &'static str), EncoderError> {
    let is_picture = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| PICTURES.iter().any(|one| one.eq_ignore_ascii_case(ending)))
    };
    Ok(match path {
        Some(path) if !is_picture(&path) => {
            let contents = probe::contents(ffmpeg, &path)?;
            (Input::File { path, contents }, CLIP_SECONDS)
        }
        path => (Input::Still { path }, STILL_SECONDS),
    })
}
