//! Files become events: the stream directory, the title file, the built-in clip.
//!
//! Belongs here: reading what somebody else writes, on one thread of its own that may wait for
//! the disk, and saying what is new.
//! Does not belong here: what the formats mean (`media/`), what is on air (`media/timeline.rs`),
//! who gets to see it (`live/`).
//!
//! `notify` gives a hint, never a fact: a lost event costs a quarter of a second, not the show.

mod complaints;
pub mod demo;
mod disk;
mod encoder_pid;
mod file;
mod follower;
mod identity;
mod init_file;
mod playlist_file;
mod retitle;
mod segment;
mod thread;
mod title;
mod variants;
mod watch;

use std::{io, path::PathBuf, time::Duration};

use thiserror::Error;

pub use self::{
    retitle::retitle,
    thread::IngestThread,
    variants::{variant_directories, watch_variants},
    watch::watch,
};
use crate::{
    clock::WallTime,
    media::{
        boxes::MAX_FRAGMENT_BYTES, clip::ClipError, fragment::Fragment, init::InitSegment, playlist,
    },
    room::title::Title,
};

/// Files of an encoder that hold one number: its process, and when it began.
pub const NUMBER_FILES: [&str; 2] = [encoder_pid::NAME, init_file::START_NAME];

/// Whether an encoder writes a file with this name into the stream directory: the playlist, the
/// init segment and segments, also while they are being written. [`NUMBER_FILES`] come on top.
pub fn is_of_a_broadcast(name: &str) -> bool {
    let name = name.strip_suffix(".tmp").unwrap_or(name);
    [playlist_file::NAME, init_file::NAME].contains(&name)
        || playlist::segment_number(name).is_some()
}

/// What to watch, and how much of it to accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the encoder writes `stream.m3u8`, `init.mp4` and `stream<N>.m4s`; made if missing.
    pub stream_dir: PathBuf,
    /// The file that holds the title; need not exist.
    pub title_file: PathBuf,
    /// Longest accepted segment file, in bytes.
    pub max_segment_bytes: u64,
    /// Longest accepted fragment (`moof` + `mdat`), in bytes; kept in memory until complete.
    pub max_fragment_bytes: u64,
}

impl Settings {
    /// With the usual limits: 64 MiB a segment, 8 MiB a fragment.
    pub fn new(stream_dir: PathBuf, title_file: PathBuf) -> Self {
        Self {
            stream_dir,
            title_file,
            max_segment_bytes: 64 * 1024 * 1024,
            max_fragment_bytes: MAX_FRAGMENT_BYTES,
        }
    }
}

/// Something new.
#[derive(Debug, Clone)]
pub enum Event {
    /// A run of the encoder begins; its fragments follow. The init segment may be the same as that
    /// of the run before.
    Init {
        /// What every fragment of this run needs.
        init: InitSegment,
        /// When the broadcast began, if `start.txt` says so credibly.
        started: Option<WallTime>,
    },
    /// The next fragment of the run.
    Fragment(Fragment),
    /// The playlist states another target duration than before.
    TargetDuration(Duration),
    /// The encoder has stopped.
    Stopped(Stop),
    /// Another title; the first one is empty without an event.
    Title(Title),
}

/// How it became known that the encoder has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The playlist has ended.
    EndList,
    /// The process that `pid.txt` names has ended.
    EncoderGone,
    /// What it delivers now is not played.
    Refused,
}

/// Why nothing can be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The stream directory does not exist and cannot be made.
    #[error("cannot make the stream directory `{}`", path.display())]
    MakeDirectory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The stream directory cannot be listed, or is something else.
    #[error("cannot list the stream directory `{}`", path.display())]
    ListDirectory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// No thread for it.
    #[error("cannot start a thread for reading files")]
    Thread(#[source] io::Error),
    /// The built-in clip is no clip.
    #[error("cannot play the clip")]
    Clip(#[from] ClipError),
}
