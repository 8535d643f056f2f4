//! The list of recordings: what is in the directory, and what `index.toml` says about it.
//!
//! A recording that the index does not know is hidden: nobody said that viewers may see it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::PoisonError,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Shared, contents};
use crate::{
    clock::WallTime,
    media::recording::{
        MOST, Recording, RecordingName, Stage,
        chapters::{Chapter, Chapters},
        chat,
    },
    private_file::{self, PrivateFileError},
};

/// Name of the index in the directory.
const INDEX: &str = "index.toml";

/// Where an index is put that cannot be read.
const UNREADABLE: &str = "index.toml.unreadable";

/// Entries of a directory that are looked at.
const MAX_ENTRIES: usize = 100_000;

/// Longest title that is kept, in bytes; so the longest index is one that can be read back.
const MAX_TITLE: usize = 200;

/// What `index.toml` holds.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Index {
    recordings: Vec<Entry>,
}

/// One recording in it.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    title: String,
    /// Milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<u64>,
    /// Milliseconds; missing while it is being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    /// Milliseconds and bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    chapters: Vec<Chapter>,
    #[serde(default)]
    hidden: bool,
}

impl Entry {
    fn of(recording: &Recording) -> Self {
        let millis = u64::try_from(recording.length.as_millis()).unwrap_or(u64::MAX);
        Self {
            name: recording.name.to_string(),
            title: recording.title.clone(),
            began: recording.began.map(WallTime::unix_millis),
            length: (recording.stage == Stage::Whole).then_some(millis),
            chapters: recording.chapters.all().to_vec(),
            hidden: recording.is_hidden,
        }
    }

    fn recording(self) -> Option<Recording> {
        let is_shown = self.title.len() <= MAX_TITLE && !self.title.contains(char::is_control);
        Some(Recording {
            name: RecordingName::parse(&self.name)?,
            title: if is_shown { self.title } else { String::new() },
            began: self.began.map(WallTime::from_unix_millis),
            length: Duration::from_millis(self.length.unwrap_or_default()),
            bytes: 0,
            chat_bytes: 0,
            // Looked at once more when the size is known.
            chapters: Chapters::restored(self.chapters, u64::MAX),
            is_hidden: self.hidden,
            stage: match self.length {
                Some(_) => Stage::Whole,
                None => Stage::Unchecked,
            },
        })
    }
}

impl Shared {
    /// The file of a recording.
    pub(super) fn file(&self, name: RecordingName) -> PathBuf {
        self.settings.directory.join(name.file())
    }

    /// Looks at the directory again, and deletes what is too old.
    pub(super) fn look(&self) {
        let directory = &self.settings.directory;
        let Found { files, chats } = match found(directory) {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(
                    "the recordings in `{}` cannot be listed: {error}",
                    directory.display()
                );
                return;
            }
        };
        let mut known = self.known(directory);
        let free = free(directory);
        let now = self.clock.wall();
        let mut state = self.lock();
        state.free = free;
        let running = state.running;
        // What is known in memory is newer than the index.
        for (name, recording) in std::mem::take(&mut state.all) {
            known.insert(name, recording);
        }
        for (name, bytes) in files {
            let mut recording = known.remove(&name).unwrap_or(Recording {
                name,
                title: String::new(),
                began: None,
                length: Duration::ZERO,
                bytes,
                chat_bytes: 0,
                chapters: Chapters::default(),
                is_hidden: true,
                stage: Stage::Unchecked,
            });
            if running != Some(name) {
                let chapters = recording.chapters.all().to_vec();
                recording.chapters = Chapters::restored(chapters, bytes);
                recording.bytes = bytes;
                recording.chat_bytes = chats.get(&name).copied().unwrap_or_default();
            }
            state.all.insert(name, recording);
        }
        let expired: Vec<_> = state
            .all
            .keys()
            .filter(|name| running != Some(**name))
            .filter(|name| name.is_expired(self.settings.keep_days, now))
            .copied()
            .collect();
        drop(state);
        self.drop_orphans(&chats);
        for name in &expired {
            match self.remove(*name) {
                Ok(()) => tracing::info!("the recording {name} was deleted: it is too old"),
                Err(error) => tracing::warn!("the recording {name} cannot be deleted: {error}"),
            }
        }
        if !expired.is_empty() {
            self.keep_index();
        }
    }

    /// Deletes chats whose recordings are not there any more: whoever deletes a recording with another
    /// program means its chat, too.
    fn drop_orphans(&self, chats: &BTreeMap<RecordingName, u64>) {
        for name in chats.keys().filter(|name| !self.file(**name).exists()) {
            let _no_write = self.chats.lock().unwrap_or_else(PoisonError::into_inner);
            match self.remove_chat(*name) {
                Ok(()) => tracing::info!("the chat of {name} was deleted: its recording is gone"),
                Err(error) => tracing::warn!("the chat of {name} cannot be deleted: {error}"),
            }
        }
    }

    /// Deletes what was left behind by a program that was killed while it wrote a chat or the index: in
    /// that one are titles of recordings that may have been deleted since. Blocks.
    pub(super) fn clear_up(&self) {
        let entries = fs::read_dir(&self.settings.directory);
        for entry in entries.into_iter().flatten().flatten().take(MAX_ENTRIES) {
            let name = entry.file_name();
            if name.to_str().is_some_and(is_unfinished) {
                // What stays is deleted at another start.
                drop(fs::remove_file(entry.path()));
            }
        }
    }

    /// What the index says; what is no index is moved out of the way.
    fn known(&self, directory: &Path) -> BTreeMap<RecordingName, Recording> {
        // The memory has everything after the first look.
        if !self.lock().all.is_empty() {
            return BTreeMap::new();
        }
        let file = directory.join(INDEX);
        let text = match private_file::read(&file) {
            Ok(text) => text,
            Err(error) => {
                tracing::warn!("{error}; all recordings are hidden");
                None
            }
        };
        let Some(text) = text else {
            return BTreeMap::new();
        };
        match toml::from_str::<Index>(&text) {
            Ok(index) => {
                let recordings = index.recordings.into_iter().filter_map(Entry::recording);
                recordings.map(|found| (found.name, found)).collect()
            }
            Err(error) => {
                let aside = directory.join(UNREADABLE);
                tracing::warn!(
                    "`{}` cannot be read and was moved to `{}`; all recordings are hidden: {error}",
                    file.display(),
                    aside.display()
                );
                drop(fs::rename(&file, &aside));
                BTreeMap::new()
            }
        }
    }

    /// Writes the index down.
    pub(super) fn write_index(&self) -> Result<(), PrivateFileError> {
        let _one_at_a_time = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let recordings = self.lock().all.values().map(Entry::of).collect();
        let text = toml::to_string(&Index { recordings }).unwrap_or_default();
        private_file::write(&self.settings.directory.join(INDEX), &text)
    }

    /// The same where nobody waits for it.
    pub(super) fn keep_index(&self) {
        if let Err(error) = self.write_index() {
            tracing::warn!("the list of recordings cannot be written: {error}");
        }
    }

    /// Deletes a recording with its chat and forgets it. One that is not there any more is no error.
    pub(super) fn remove(&self, name: RecordingName) -> io::Result<()> {
        let _no_write = self.chats.lock().unwrap_or_else(PoisonError::into_inner);
        self.remove_chat(name)?;
        match fs::remove_file(self.file(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut state = self.lock();
        state.all.remove(&name);
        drop(state);
        let free = free(&self.settings.directory);
        self.lock().free = free;
        Ok(())
    }

    /// Looks where the recordings end that were cut by a crash, and cuts them after the last whole
    /// fragment. Blocks as long as it takes to read them.
    pub(super) fn check(&self) {
        let unchecked: Vec<_> = self
            .lock()
            .all
            .values()
            .filter(|recording| recording.stage == Stage::Unchecked)
            .map(|recording| (recording.name, recording.began.is_some()))
            .collect();
        if unchecked.is_empty() {
            return;
        }
        for (name, is_ours) in unchecked {
            match contents::check(&self.file(name), is_ours) {
                Ok(found) => self.grew(name, |recording| {
                    recording.length = found.length;
                    recording.bytes = found.bytes;
                    recording.chapters = found.chapters;
                    recording.stage = Stage::Whole;
                }),
                Err(error) => tracing::warn!("the recording {name} cannot be played: {error}"),
            }
        }
        self.keep_index();
    }
}

/// Whether a file of this name in the directory of recordings is one of them, the chat of one, or the
/// index.
pub fn is_ours(name: &str) -> bool {
    [INDEX, UNREADABLE].contains(&name)
        || RecordingName::parse_file(name).is_some()
        || chat::parse_file(name).is_some()
        || is_unfinished(name)
}

/// Whether this is what the writing of a chat or of the index leaves behind when the program is killed
/// in it.
fn is_unfinished(name: &str) -> bool {
    let file = name
        .strip_prefix('.')
        .and_then(|name| name.rsplit_once('.'));
    file.is_some_and(|(file, _mark)| {
        let is_ours = file == INDEX || chat::parse_file(file).is_some();
        is_ours && private_file::is_unfinished(name, file)
    })
}

/// As much of a title as is kept.
pub(super) fn cut(mut title: String) -> String {
    let end = (0..=MAX_TITLE)
        .rev()
        .find(|end| title.is_char_boundary(*end));
    title.truncate(end.unwrap_or_default());
    title
}

/// What is in the directory: names and sizes.
#[derive(Debug, Default)]
struct Found {
    /// Recordings, of at most as many as there may be.
    files: Vec<(RecordingName, u64)>,
    chats: BTreeMap<RecordingName, u64>,
}

fn found(directory: &Path) -> io::Result<Found> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::default()),
        entries => entries?,
    };
    let mut found = Found::default();
    for entry in entries.take(MAX_ENTRIES) {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        let (recording, chat) = (RecordingName::parse_file(name), chat::parse_file(name));
        if recording.or(chat).is_none() {
            continue;
        }
        // Of the entry itself: links are not followed.
        match entry.metadata() {
            Ok(about) if about.is_file() => {
                found
                    .files
                    .extend(recording.map(|name| (name, about.len())));
                found.chats.extend(chat.map(|name| (name, about.len())));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let files = &mut found.files;
    files.sort_unstable_by_key(|(name, _)| std::cmp::Reverse(*name));
    files.truncate(MOST);
    Ok(found)
}

/// What the disk has left, if it says so.
pub(super) fn free(directory: &Path) -> Option<u64> {
    // Before the first recording there is no directory.
    let there = directory.ancestors().find(|place| place.exists())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests;
