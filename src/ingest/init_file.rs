//! The file `init.mp4`: its content, and when the broadcast it belongs to began.
//!
//! Belongs here: noticing a new init segment, reading `start.txt` beside it.
//! Does not belong here: what a new init segment means for segments (`follower.rs`).

use std::path::Path;

use super::{
    complaints::Complaints,
    file::{self, FileError, Links},
    identity::Identity,
};
use crate::{
    clock::WallTime,
    media::init::{InitError, InitSegment, MAX_INIT_BYTES},
};

/// Its name in the stream directory.
pub(super) const NAME: &str = "init.mp4";

/// Name of the file with the unix time at which the broadcast began.
pub(super) const START_NAME: &str = "start.txt";

/// Longest accepted `start.txt`, in bytes.
const MAX_START_BYTES: usize = 64;

/// How far apart `start.txt` and `init.mp4` may have been written to belong together, in seconds.
///
/// A script writes one and then starts the encoder, which writes the other; a minute is plenty,
/// and less than anybody needs to start another broadcast without the script.
const TOGETHER: i64 = 60;

/// What is known about `init.mp4`.
#[derive(Debug, Default)]
pub(super) struct InitFile {
    /// The state that was read last; `None` if the file was not there.
    state: Option<Identity>,
    segment: Option<InitSegment>,
}

impl InitFile {
    /// Whether the file differs from what was read last.
    pub(super) fn has_changed(&self, directory: &Path) -> bool {
        file::state(&directory.join(NAME)) != self.state
    }

    /// Reads the file. An empty or incomplete one is "not yet": FFmpeg's hls muxer leaves it empty
    /// until the first segment is complete.
    pub(super) fn read(&mut self, directory: &Path, complaints: &mut Complaints) {
        let path = directory.join(NAME);
        self.segment = None;
        self.state = file::state(&path);
        let content = match file::read_small(&path, Links::Refused, MAX_INIT_BYTES) {
            Ok(None) => {
                self.state = None;
                return;
            }
            Ok(Some((content, state))) => {
                self.state = Some(state);
                content
            }
            Err(FileError::Changing) => {
                // Unlike any real state, so that the next look reads again.
                self.state = None;
                return;
            }
            Err(error) => {
                complaints.complain(NAME, &error);
                return;
            }
        };
        match InitSegment::parse(content.into()) {
            Ok(segment) => {
                complaints.forget(NAME);
                self.segment = Some(segment);
            }
            Err(InitError::Incomplete) => {}
            Err(error) => {
                complaints.complain(NAME, &error);
            }
        }
    }

    /// The init segment, if the file holds a good one.
    pub(super) fn segment(&self) -> Option<&InitSegment> {
        self.segment.as_ref()
    }

    /// When the broadcast began according to `start.txt`: only if that was written with this init
    /// segment and does not lie after `now`.
    pub(super) fn started(&self, directory: &Path, now: WallTime) -> Option<WallTime> {
        let path = directory.join(START_NAME);
        let (content, state) = file::read_small(&path, Links::Refused, MAX_START_BYTES)
            .ok()
            .flatten()?;
        let (written, _) = state.modified;
        let (init_written, _) = self.state?.modified;
        if written.abs_diff(init_written) > TOGETHER.unsigned_abs() {
            return None;
        }
        let seconds: u64 = std::str::from_utf8(&content).ok()?.trim().parse().ok()?;
        let started = WallTime::from_unix_millis(seconds.checked_mul(1000)?);
        (started <= now).then_some(started)
    }
}
