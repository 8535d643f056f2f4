//! Recordings on the disk: one file for each run, its chat, a list of them, and reading them again.
//!
//! Belongs here: the directory of recordings, the thread that writes, following the broadcast.
//! Does not belong here: names and rules ([`crate::media::recording`]), pages, HTTP.
//!
//! A recorder is one more viewer: it holds a position in the timeline and gets the same bytes, so
//! nothing that happens to it can reach the encoder or other viewers. Between it and the disk is a
//! bounded queue; when the disk is too slow, too full or broken, the recording ends and says why.

mod chat;
mod contents;
mod follow;
mod index;
mod playback;
mod tape;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::AtomicBool},
    time::Duration,
};

use tokio::sync::{Semaphore, watch};

pub use self::{index::is_ours, playback::Playback};
use crate::{
    clock::Clock,
    media::recording::{
        Eyes, MOST, Recorder, Recording, RecordingName, Shortage, Space, Stage, chat::ChatFile,
    },
    private_file::PrivateFileError,
};

/// Time for a recording to begin or to end before its page is shown.
const SETTLES_WITHIN: Duration = Duration::from_millis(700);

/// What can be configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the files are; made when the first recording begins.
    pub directory: PathBuf,
    /// Recordings that are older than so many days are deleted; 0 keeps all.
    pub keep_days: u64,
    /// Bytes that all of them may take.
    pub max_bytes: u64,
    /// Bytes that the disk must keep for everything else.
    pub keep_free: u64,
    /// Whether viewers see recordings at all.
    pub is_public: bool,
    /// Whether they get the chats of those they see.
    pub is_chat_public: bool,
}

/// All recordings; clones are the same ones.
#[derive(Debug, Clone)]
pub struct Recordings {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    clock: Clock,
    state: Mutex<State>,
    /// One write of the index at a time.
    index: Mutex<()>,
    /// One write of a chat at a time, and no recording is deleted meanwhile.
    chats: Mutex<()>,
    /// Chats that somebody is reading: so many readers hold each once.
    read: Mutex<BTreeMap<RecordingName, Weak<ChatFile>>>,
    /// The turn to read one. Who waits for it takes no thread, and who leaves meanwhile costs nothing.
    reading: Arc<Semaphore>,
    /// What is not on the disk yet must not come there any more.
    is_abandoned: AtomicBool,
    wanted: watch::Sender<bool>,
    wants_chat: watch::Sender<bool>,
    /// Counts beginnings, ends and problems.
    turns: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    all: BTreeMap<RecordingName, Recording>,
    running: Option<RecordingName>,
    problem: Option<String>,
    /// As it was last looked at.
    free: Option<u64>,
}

/// Why something was not done to a recording.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// There is none with that name.
    #[error("there is no such recording; perhaps it was deleted")]
    Missing,
    /// It is being made.
    #[error("it is still being recorded; stop recording first")]
    Running,
    /// The file could not be deleted.
    #[error("the file cannot be deleted: {0}")]
    Delete(#[source] std::io::Error),
    /// The list could not be written.
    #[error("it holds until the program ends, but could not be written down: {0}")]
    Index(#[from] PrivateFileError),
}

impl Recordings {
    /// Looks at what is in the directory. Blocks for as long as it takes to read the directory; a
    /// recording that was cut by a crash is looked at later, by [`Recordings::follow`].
    ///
    /// A directory that cannot be read is reported and counts as empty.
    pub fn open(settings: Settings, clock: Clock) -> Self {
        let (wanted, _) = watch::channel(false);
        let (wants_chat, _) = watch::channel(false);
        let (turns, _) = watch::channel(0);
        let recordings = Self {
            shared: Arc::new(Shared {
                settings,
                clock,
                state: Mutex::default(),
                index: Mutex::default(),
                chats: Mutex::default(),
                read: Mutex::default(),
                reading: Arc::new(Semaphore::new(1)),
                is_abandoned: AtomicBool::new(false),
                wanted,
                wants_chat,
                turns,
            }),
        };
        recordings.shared.clear_up();
        recordings.look();
        recordings
    }

    /// Whether the show is to be recorded whenever it is on the air.
    pub fn want(&self, is_wanted: bool) {
        if is_wanted {
            self.shared.lock().problem = None;
        }
        self.shared.wanted.send_replace(is_wanted);
    }

    /// Whether viewers see recordings at all.
    pub fn is_public(&self) -> bool {
        self.shared.settings.is_public
    }

    /// How many days they are kept; 0 is for ever.
    pub fn keep_days(&self) -> u64 {
        self.shared.settings.keep_days
    }

    /// How recording goes. O(recordings).
    pub fn recorder(&self) -> Recorder {
        let state = self.shared.lock();
        let running = state.running.and_then(|name| state.all.get(&name));
        Recorder {
            is_wanted: *self.shared.wanted.borrow(),
            running: running.map(|running| (running.name, running.length, running.bytes)),
            problem: state.problem.clone(),
            space: self.shared.space(&state),
        }
    }

    /// How recording goes as soon as it does what is wanted, or after a moment: off the air nothing
    /// begins.
    pub async fn settled(&self) -> Recorder {
        let mut turns = self.shared.turns.subscribe();
        let settled = turns.wait_for(|_| {
            let recorder = self.recorder();
            recorder.problem.is_some() || recorder.is_wanted == recorder.running.is_some()
        });
        let _in_time = tokio::time::timeout(SETTLES_WITHIN, settled).await;
        self.recorder()
    }

    /// All recordings, the newest first.
    pub fn list(&self) -> Vec<Recording> {
        let state = self.shared.lock();
        state.all.values().rev().cloned().collect()
    }

    /// Those that these may play, the newest first.
    pub fn list_for(&self, eyes: Eyes) -> Vec<Recording> {
        let is_public = self.is_public();
        let mut list = self.list();
        list.retain(|recording| recording.is_for(eyes, is_public));
        list
    }

    /// One that these may play.
    pub fn get_for(&self, name: RecordingName, eyes: Eyes) -> Option<Recording> {
        let state = self.shared.lock();
        let recording = state.all.get(&name)?;
        recording
            .is_for(eyes, self.is_public())
            .then(|| recording.clone())
    }

    /// Looks at the directory again, and deletes what is too old. Blocks.
    pub fn look(&self) {
        self.shared.look();
    }

    /// Hides a recording from viewers, or shows it. Blocks until that is on the disk. Responses that
    /// are open end by themselves.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Missing`] and [`RecordingError::Index`].
    pub fn hide(&self, name: RecordingName, is_hidden: bool) -> Result<(), RecordingError> {
        let mut state = self.shared.lock();
        let recording = state.all.get_mut(&name).ok_or(RecordingError::Missing)?;
        recording.is_hidden = is_hidden;
        drop(state);
        Ok(self.shared.write_index()?)
    }

    /// Deletes a recording and its chat for good. Blocks. Responses that are open end by themselves.
    ///
    /// # Errors
    ///
    /// [`RecordingError`]; what could not be deleted stays in the list.
    pub fn delete(&self, name: RecordingName) -> Result<(), RecordingError> {
        let state = self.shared.lock();
        if !state.all.contains_key(&name) {
            return Err(RecordingError::Missing);
        }
        if state.running == Some(name) {
            return Err(RecordingError::Running);
        }
        drop(state);
        self.shared.remove(name).map_err(RecordingError::Delete)?;
        Ok(self.shared.write_index()?)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Each recording is replaced whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn space(&self, state: &State) -> Space {
        Space {
            used: state
                .all
                .values()
                .map(|recording| recording.bytes + recording.chat_bytes)
                .sum(),
            max: self.settings.max_bytes,
            free: state.free,
            keep_free: self.settings.keep_free,
        }
    }

    /// Why `more` bytes have no room.
    fn shortage(&self, more: u64) -> Option<Shortage> {
        let state = self.lock();
        self.space(&state).shortage(more)
    }

    /// Why no recording can begin.
    fn cannot_begin(&self) -> Option<Shortage> {
        let state = self.lock();
        if state.all.len() >= MOST {
            return Some(Shortage::Count);
        }
        // One that would end at once is none.
        self.space(&state).shortage(1)
    }

    /// What the recording that is being made has come to.
    fn grew(&self, name: RecordingName, change: impl FnOnce(&mut Recording)) {
        if let Some(recording) = self.lock().all.get_mut(&name) {
            change(recording);
        }
    }

    /// Ends the recording that is being made; what has no fragment or no file is none.
    fn ended(&self, name: RecordingName) {
        let mut state = self.lock();
        state.running = None;
        if let Some(recording) = state.all.get_mut(&name) {
            recording.stage = Stage::Whole;
        }
        let is_empty = state
            .all
            .get(&name)
            .is_some_and(|recording| recording.length.is_zero());
        drop(state);
        let is_none = is_empty || !self.file(name).exists();
        if is_none && let Err(error) = self.remove(name) {
            tracing::warn!(%error, "an empty recording cannot be deleted");
        }
        self.keep_index();
        self.turned();
    }

    fn turned(&self) {
        self.turns.send_modify(|count| *count += 1);
    }

    /// Why recording does not go on, for the desk and the log.
    fn failed(&self, words: String) {
        tracing::error!("recording ended: {words}; the show goes on");
        self.lock().problem = Some(words);
        self.wanted.send_replace(false);
        self.turned();
    }
}
