//! The chat of recordings on the disk: following the room, writing, reading again.
//!
//! Belongs here: when the file of a chat is written or goes. Does not belong here: what is in it and
//! whose lines are kept (the room, [`crate::room::chat_log`]).
//!
//! One task follows the room as programs do. It holds the chats of the newest recordings in memory
//! and writes a file whole or not at all: ten seconds after something came in, at once when
//! something has to go. What cannot be written again without what has to go is deleted.

use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, PoisonError, Weak, atomic::Ordering},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Recordings, Shared};
use crate::{
    live::{
        feed::{Cursor, Read},
        room::RoomHandle,
    },
    media::recording::{
        Eyes, RecordingName, Shortage,
        chat::{self, ChatFile},
    },
    private_file::{self, PrivateFileError},
    room::{
        chat_log::{ChatLog, Due},
        panel::Update,
    },
};

/// What was said is on the disk after this long, if the disk takes it.
const WRITE_EVERY: Duration = Duration::from_secs(10);

/// Chats that are remembered, the one that is being made included: so long hiding a line or
/// forgetting a person changes their files.
const REMEMBERED: usize = 8;

/// What is written can be read again.
const _: () = assert!((chat::MOST_BYTES as u64) < private_file::MAX_BYTES);

/// Why a chat was not written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error("{0}")]
    Full(Shortage),
    #[error(transparent)]
    File(#[from] PrivateFileError),
    #[error("it cannot be deleted")]
    Delete(#[source] io::Error),
}

impl Recordings {
    /// Whether the chat is to be kept whenever the show is recorded.
    pub fn want_chat(&self, is_wanted: bool) {
        self.shared.wants_chat.send_replace(is_wanted);
    }

    /// Whether the chat is to be kept whenever the show is recorded.
    pub fn wants_chat(&self) -> bool {
        *self.shared.wants_chat.borrow()
    }

    /// Whether viewers get the chats of the recordings that they may play.
    pub fn is_chat_public(&self) -> bool {
        self.shared.settings.is_chat_public
    }

    /// Whether these may have the chat of a recording.
    pub fn has_chat_for(&self, name: RecordingName, eyes: Eyes) -> bool {
        let recording = self.get_for(name, eyes);
        let may = eyes == Eyes::Broadcaster || self.is_chat_public();
        may && recording.is_some_and(|recording| recording.chat_bytes > 0)
    }

    /// The chat of a recording that these may have.
    pub async fn chat(&self, name: RecordingName, eyes: Eyes) -> Option<Arc<ChatFile>> {
        if !self.has_chat_for(name, eyes) {
            return None;
        }
        let turn = Arc::clone(&self.shared.reading)
            .acquire_owned()
            .await
            .ok()?;
        self.on_disk(move |recordings| {
            let _until_read = turn;
            recordings.shared.read_chat(name)
        })
        .await?
    }

    /// For a panic: what was said and is not written down yet stays unwritten. What has to go from a
    /// file still goes.
    pub fn abandon_chat(&self) {
        self.shared.is_abandoned.store(true, Ordering::Relaxed);
    }

    /// Tells the room whether its chat is kept, and keeps it, until `closing`.
    pub async fn keep_chat(self, room: RoomHandle, closing: CancellationToken) {
        // Before anybody is told: nothing that is said after it is missed.
        let events = room.events();
        let mut keeper = Keeper {
            recordings: self,
            room,
            events,
            chats: Vec::new(),
            writing: JoinSet::new(),
        };
        keeper.run(&closing).await;
        keeper.finish().await;
    }
}

/// The chat of a recording that is being made, or was not long ago.
#[derive(Debug)]
struct Chat {
    name: RecordingName,
    log: ChatLog,
    due: Due,
    /// It is written as soon as nothing else is.
    is_ripe: bool,
    /// The last write failed.
    has_failed: bool,
}

/// What became of a file, and how soon it has to be written again.
type Written = (RecordingName, Due, Result<(), WriteError>);

struct Keeper {
    recordings: Recordings,
    room: RoomHandle,
    events: Cursor<Update>,
    /// Oldest first.
    chats: Vec<Chat>,
    /// At most one at a time; the room goes on meanwhile.
    writing: JoinSet<Written>,
}

impl Keeper {
    async fn run(&mut self, closing: &CancellationToken) {
        let shared = Arc::clone(&self.recordings.shared);
        let mut wanted = shared.wanted.subscribe();
        let mut wants_chat = shared.wants_chat.subscribe();
        let mut turns = shared.turns.subscribe();
        let mut beat = tokio::time::interval(WRITE_EVERY);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let is_wanted = *wanted.borrow_and_update();
            let is_chat_wanted = *wants_chat.borrow_and_update();
            self.room.keep_chat(is_wanted && is_chat_wanted);
            let is_open = tokio::select! {
                () = closing.cancelled() => return,
                changed = wanted.changed() => changed.is_ok(),
                changed = wants_chat.changed() => changed.is_ok(),
                changed = turns.changed() => {
                    self.notice_ends();
                    changed.is_ok()
                }
                read = self.events.next() => {
                    self.take(&read);
                    true
                }
                Some(written) = self.writing.join_next() => {
                    if let Ok(written) = written {
                        self.note(written);
                    }
                    true
                }
                _ = beat.tick() => {
                    for chat in &mut self.chats {
                        chat.is_ripe = true;
                    }
                    true
                }
            };
            if !is_open {
                return;
            }
            self.write_next();
        }
    }

    /// Takes over what happened in the room.
    fn take(&mut self, read: &Read<Update>) {
        let Read::Item(update) = read else {
            // What was taken back meanwhile is not known.
            tracing::warn!("too much happened at once: the kept chat begins anew");
            for chat in &mut self.chats {
                let due = chat.log.clear();
                chat.must(due);
            }
            return;
        };
        let place = match update {
            Update::Said(message) if message.may_be_kept => self.recordings.shared.place(),
            _ => None,
        };
        if let Some((name, _)) = place
            && self.chats.iter().all(|chat| chat.name != name)
        {
            self.begin(name);
        }
        for chat in &mut self.chats {
            let at = place.filter(|(name, _)| *name == chat.name);
            let due = chat.log.take(update, at.map(|(_, at)| at));
            chat.must(due);
        }
    }

    fn begin(&mut self, name: RecordingName) {
        self.chats.push(Chat {
            name,
            log: ChatLog::new(),
            due: Due::Nothing,
            is_ripe: false,
            has_failed: false,
        });
        // What is not written yet stays; there is one at most that still grows.
        if self.chats.len() > REMEMBERED
            && let Some(oldest) = self.chats.iter().position(|chat| chat.due == Due::Nothing)
        {
            self.chats.remove(oldest);
        }
    }

    /// Recordings that have ended, or were deleted.
    fn notice_ends(&mut self) {
        let running = self.recordings.shared.place().map(|(name, _)| name);
        for chat in &mut self.chats {
            chat.is_ripe |= running != Some(chat.name);
        }
        let shared = &self.recordings.shared;
        self.chats.retain(|chat| shared.has(chat.name));
    }

    /// Begins to write what has to be written now, one file after the other.
    fn write_next(&mut self) {
        if !self.writing.is_empty() {
            return;
        }
        let mut chats = self.chats.iter_mut();
        if let Some(chat) = chats.find(|chat| chat.is_ripe && chat.due > Due::Nothing) {
            let work = chat.work(&self.recordings);
            self.writing.spawn_blocking(work);
        }
    }

    /// What was not written is tried again.
    fn note(&mut self, (name, due, written): Written) {
        for chat in self.chats.iter_mut().filter(|chat| chat.name == name) {
            chat.due = chat.due.max(due);
            let had_failed = std::mem::replace(&mut chat.has_failed, written.is_err());
            if let Err(error) = &written
                && !had_failed
            {
                tracing::warn!("the chat of the recording {name} cannot be written: {error}");
            }
        }
    }

    /// Writes what is not written yet, unless it was given up.
    async fn finish(mut self) {
        while let Some(read) = self.events.next().now_or_never() {
            self.take(&read);
        }
        while self.writing.join_next().await.is_some() {}
        let is_abandoned = self.recordings.shared.is_abandoned.load(Ordering::Relaxed);
        let enough = if is_abandoned { Due::Now } else { Due::Later };
        for mut chat in self.chats.into_iter().filter(|chat| chat.due >= enough) {
            let work = chat.work(&self.recordings);
            if let Ok((name, _, Err(error))) = tokio::task::spawn_blocking(work).await {
                tracing::warn!("the chat of the recording {name} cannot be written: {error}");
            }
        }
    }
}

impl Chat {
    fn must(&mut self, due: Due) {
        self.due = self.due.max(due);
        self.is_ripe |= due == Due::Now;
    }

    /// What writes the file as the log is now.
    fn work(&mut self, recordings: &Recordings) -> impl FnOnce() -> Written + Send + use<> {
        let due = std::mem::replace(&mut self.due, Due::Nothing);
        self.is_ripe = false;
        let (name, text) = (self.name, self.log.text(self.name));
        let shared = Arc::clone(&recordings.shared);
        move || match shared.write_chat(name, text.as_deref()) {
            Ok(()) => (name, Due::Nothing, Ok(())),
            // There are lines in it that must not be: better none than those.
            Err(error) if due == Due::Now => match shared.delete_chat(name) {
                Ok(()) => (name, Due::Later, Err(error)),
                Err(error) => (name, Due::Now, Err(error)),
            },
            Err(error) => (name, Due::Later, Err(error)),
        }
    }
}

impl Shared {
    /// The recording that is being made, and how long it is.
    fn place(&self) -> Option<(RecordingName, Duration)> {
        let state = self.lock();
        let running = state.all.get(&state.running?)?;
        Some((running.name, running.length))
    }

    fn has(&self, name: RecordingName) -> bool {
        self.lock().all.contains_key(&name)
    }

    /// The file with the chat of a recording.
    fn chat_file(&self, name: RecordingName) -> PathBuf {
        self.settings.directory.join(chat::file(name))
    }

    /// Replaces the chat of a recording that is still there; `None` deletes it. Blocks.
    fn write_chat(&self, name: RecordingName, text: Option<&str>) -> Result<(), WriteError> {
        let Some(text) = text else {
            return self.delete_chat(name);
        };
        // So that a recording is not deleted between the look and the write.
        let _one_at_a_time = self.chats.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = text.len() as u64;
        let state = self.lock();
        let Some(recording) = state.all.get(&name) else {
            return Ok(());
        };
        let more = bytes.saturating_sub(recording.chat_bytes);
        if more > 0
            && let Some(shortage) = self.space(&state).shortage(more)
        {
            return Err(WriteError::Full(shortage));
        }
        drop(state);
        private_file::write(&self.chat_file(name), text)?;
        self.wrote_chat(name, bytes);
        Ok(())
    }

    /// Deletes the chat of a recording. Blocks. One that is not there any more is no error.
    fn delete_chat(&self, name: RecordingName) -> Result<(), WriteError> {
        let _one_at_a_time = self.chats.lock().unwrap_or_else(PoisonError::into_inner);
        self.remove_chat(name).map_err(WriteError::Delete)
    }

    /// The same for somebody who holds the lock.
    pub(super) fn remove_chat(&self, name: RecordingName) -> io::Result<()> {
        let file = self.chat_file(name);
        private_file::remove_unfinished(&file);
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.wrote_chat(name, 0);
        Ok(())
    }

    fn wrote_chat(&self, name: RecordingName, bytes: u64) {
        self.grew(name, |recording| recording.chat_bytes = bytes);
        // Whoever comes now gets what is there now.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.remove(&name);
    }

    /// The chat of a recording, which anybody may have changed who can write there. Blocks.
    fn read_chat(&self, name: RecordingName) -> Option<Arc<ChatFile>> {
        // Held all the time: of those who come together one reads for all.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.retain(|_, chat| chat.strong_count() > 0);
        if let Some(chat) = read.get(&name).and_then(Weak::upgrade) {
            return Some(chat);
        }
        let text = match private_file::read(&self.chat_file(name)) {
            Ok(text) => text?,
            Err(error) => {
                tracing::warn!("the chat of the recording {name} cannot be read: {error}");
                return None;
            }
        };
        match ChatFile::parse(&text) {
            Ok(file) => {
                let chat = Arc::new(file);
                read.insert(name, Arc::downgrade(&chat));
                Some(chat)
            }
            Err(error) => {
                tracing::warn!("the chat of the recording {name} cannot be read: {error}");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
