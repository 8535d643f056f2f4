//! The title file: published when it changes.
//!
//! Belongs here: noticing a change however an editor writes, keeping the old title if the new one
//! is bad.
//! Does not belong here: what may be a title (`room/title.rs`).

use std::{path::PathBuf, time::Duration};

use super::{
    complaints::Complaints,
    file::{self, FileError, Links},
    identity::Identity,
};
use crate::{
    clock::Tick,
    room::title::{MAX_TITLE_BYTES, Title},
};

/// How long a title file must be empty or missing before that counts.
///
/// `echo new > title.txt` empties the file before it writes, and editors move the old file away
/// before they put the new one there; neither takes 50 ms.
const EMPTY_COUNTS_AFTER: Duration = Duration::from_millis(50);

/// What is known about the title file.
#[derive(Debug)]
pub(super) struct TitleFile {
    path: PathBuf,
    state: Option<Identity>,
    published: Title,
    /// Since when the file has been empty or missing although the title is not.
    empty_since: Option<Tick>,
}

impl TitleFile {
    /// Nothing is known about the file at `path` yet; the title is empty.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            state: None,
            published: Title::default(),
            empty_since: None,
        }
    }

    /// The new title, if there is one.
    pub(super) fn look(&mut self, now: Tick, complaints: &mut Complaints) -> Option<Title> {
        // Follows a link, so that a change of what it points to shows.
        let state = std::fs::metadata(&self.path)
            .ok()
            .map(|metadata| (&metadata).into());
        if state == self.state && self.empty_since.is_none() {
            return None;
        }
        self.state = state;
        let name = self.path.display().to_string();
        let content = match file::read_small(&self.path, Links::Followed, MAX_TITLE_BYTES) {
            Ok(None) => Vec::new(),
            Ok(Some((content, state))) => {
                self.state = Some(state);
                content
            }
            Err(FileError::Changing) => {
                self.state = None;
                return None;
            }
            Err(error) => {
                complaints.complain(&name, &error);
                self.empty_since = None;
                return None;
            }
        };
        match Title::parse(&content) {
            Ok(title) => {
                complaints.forget(&name);
                self.publish(title, now)
            }
            Err(error) => {
                complaints.complain(&name, &format_args!("{error}; the old title stays"));
                self.empty_since = None;
                None
            }
        }
    }

    /// How long after `now` the next look must be, if the file does not change before.
    pub(super) fn look_again_in(&self, now: Tick) -> Option<Duration> {
        let since = self.empty_since?;
        Some((since + EMPTY_COUNTS_AFTER).since(now))
    }

    fn publish(&mut self, title: Title, now: Tick) -> Option<Title> {
        if title == self.published {
            self.empty_since = None;
            return None;
        }
        if title.as_str().is_empty() {
            let since = *self.empty_since.get_or_insert(now);
            if now.since(since) < EMPTY_COUNTS_AFTER {
                return None;
            }
        }
        self.empty_since = None;
        self.published = title.clone();
        Some(title)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Desk {
        directory: tempfile::TempDir,
        file: TitleFile,
        complaints: Complaints,
        now: Tick,
    }

    impl Desk {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let file = TitleFile::new(directory.path().join("title.txt"));
            Self {
                directory,
                file,
                complaints: Complaints::default(),
                now: Tick::START,
            }
        }

        fn write(&self, content: impl AsRef<[u8]>) {
            fs::write(self.directory.path().join("title.txt"), content).unwrap();
        }

        fn look(&mut self) -> Option<String> {
            self.file
                .look(self.now, &mut self.complaints)
                .map(|title| title.to_string())
        }
    }

    #[test]
    fn a_title_is_published_when_it_changes_and_only_then() {
        let mut desk = Desk::new();
        assert_eq!(desk.look(), None);
        desk.write("One\n");
        assert_eq!(desk.look().as_deref(), Some("One"));
        assert_eq!(desk.look(), None);
        desk.write("  One");
        assert_eq!(desk.look(), None, "the same title in other bytes");

        let other = desk.directory.path().join("new");
        fs::write(&other, "Two").unwrap();
        fs::rename(other, desk.directory.path().join("title.txt")).unwrap();
        assert_eq!(desk.look().as_deref(), Some("Two"));
    }

    #[test]
    fn bad_bytes_keep_the_old_title_and_are_complained_about_once() {
        let mut desk = Desk::new();
        desk.write("Good");
        desk.look();
        for content in [b"\xFF".to_vec(), b"\xFF\xFF".to_vec(), vec![b'x'; 5000]] {
            desk.write(content);
            assert_eq!(desk.look(), None);
        }
        assert_eq!(desk.complaints.said().len(), 2);
        desk.write("Good again");
        assert_eq!(desk.look().as_deref(), Some("Good again"));
    }

    #[test]
    fn an_empty_or_missing_file_clears_the_title_but_not_at_once() {
        let mut desk = Desk::new();
        desk.write("Here");
        desk.look();
        desk.write("");
        assert_eq!(desk.look(), None);
        assert_eq!(desk.file.look_again_in(desk.now), Some(EMPTY_COUNTS_AFTER));
        desk.write("There");
        assert_eq!(desk.look().as_deref(), Some("There"));
        assert_eq!(desk.file.look_again_in(desk.now), None);

        fs::remove_file(desk.directory.path().join("title.txt")).unwrap();
        assert_eq!(desk.look(), None);
        desk.now = desk.now + EMPTY_COUNTS_AFTER;
        assert_eq!(desk.look().as_deref(), Some(""));
        assert_eq!(desk.look(), None);
    }

    #[test]
    fn a_link_to_a_file_is_followed_and_a_pipe_is_not_waited_for() {
        let mut desk = Desk::new();
        let (elsewhere, title) = (
            desk.directory.path().join("elsewhere"),
            desk.directory.path().join("title.txt"),
        );
        fs::write(&elsewhere, "Linked").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &title).unwrap();
        assert_eq!(desk.look().as_deref(), Some("Linked"));
        fs::write(&elsewhere, "Linked, changed").unwrap();
        assert_eq!(desk.look().as_deref(), Some("Linked, changed"));

        fs::remove_file(&title).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &title,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert_eq!(desk.look(), None);
        assert_eq!(desk.complaints.said().len(), 1);
    }
}
