//! The file `stream.m3u8`: read when it changes, believed in nothing but numbers.
//!
//! Belongs here: noticing a new playlist, and that it has ended.
//! Does not belong here: the format (`media/playlist.rs`).

use std::{path::Path, time::Duration};

use super::{
    complaints::Complaints,
    file::{self, FileError, Links},
    identity::Identity,
};
use crate::media::playlist::{MAX_PLAYLIST_BYTES, Playlist};

/// Its name in the stream directory.
pub(super) const NAME: &str = "stream.m3u8";

/// What a playlist says that it did not say before.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct News {
    /// The target duration, if it is new.
    pub(super) target_duration: Option<Duration>,
    /// The playlist has just ended.
    pub(super) ended: bool,
}

/// What is known about `stream.m3u8`.
#[derive(Debug, Default)]
pub(super) struct PlaylistFile {
    state: Option<Identity>,
    /// The last good content that was written while somebody watched.
    playlist: Option<Playlist>,
}

impl PlaylistFile {
    /// Takes note of the file without reading it: what it says now is about an earlier run.
    pub(super) fn pass_over(&mut self, directory: &Path) {
        self.state = file::state(&directory.join(NAME));
        self.playlist = None;
    }

    /// Forgets what it said, but not the state of the file: the next change is about a new run.
    pub(super) fn begin_run(&mut self) {
        self.playlist = None;
    }

    /// Reads the file if it has changed. A bad playlist changes nothing: the last good one stays.
    pub(super) fn look(&mut self, directory: &Path, complaints: &mut Complaints) -> News {
        let path = directory.join(NAME);
        let state = file::state(&path);
        if state == self.state {
            return News::default();
        }
        self.state = state;
        let content = match file::read_small(&path, Links::Refused, MAX_PLAYLIST_BYTES) {
            Ok(None) => return News::default(),
            Ok(Some((content, state))) => {
                self.state = Some(state);
                content
            }
            Err(FileError::Changing) => {
                self.state = None;
                return News::default();
            }
            Err(error) => {
                complaints.complain(NAME, &error);
                return News::default();
            }
        };
        // OBS on Windows shares and shell scripts write in place: empty means "not yet".
        if content.is_empty() {
            return News::default();
        }
        match Playlist::parse(&content) {
            Ok(playlist) => {
                complaints.forget(NAME);
                let before = self.playlist.replace(playlist);
                self.news_since(before.as_ref())
            }
            Err(error) => {
                complaints.complain(NAME, &error);
                News::default()
            }
        }
    }

    /// The segment numbers above `number`, lowest first.
    pub(super) fn above(&self, number: u64) -> Vec<u64> {
        let segments = self.playlist.iter().flat_map(|playlist| &playlist.segments);
        let mut above: Vec<_> = segments
            .map(|entry| entry.number)
            .filter(|&listed| listed > number)
            .collect();
        above.sort_unstable();
        above
    }

    fn news_since(&self, before: Option<&Playlist>) -> News {
        let Some(now) = &self.playlist else {
            return News::default();
        };
        let same_target = before.is_some_and(|old| old.target_duration == now.target_duration);
        News {
            target_duration: (!same_target).then_some(now.target_duration),
            ended: now.ended && !before.is_some_and(|old| old.ended),
        }
    }
}
