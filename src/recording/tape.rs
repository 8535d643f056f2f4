//! One file that is being written: a queue, and a thread at the end of it.
//!
//! One write for each fragment, so that a crash leaves whole fragments behind; and if it does not,
//! a player stops at the last whole one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{Shared, index};
use crate::{
    media::recording::{Recording, RecordingName, Shortage, Stage, chapters::Chapters},
    private_file,
};

/// What is written is on the disk after this long at the latest.
const SYNC_EVERY: Duration = Duration::from_secs(5);

/// Fragments that may wait for the disk: at least ten seconds of fragments of one frame each.
const WAITING: usize = 512;

/// Bytes that may wait for the disk, beside one fragment.
const WAITING_BYTES: u64 = 32 << 20;

/// Why a recording cannot begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum TapeError {
    /// The system did not let us write.
    #[error(
        "cannot write into `{directory}`: {cause}; check the space on the disk and who owns it"
    )]
    Write {
        /// Where.
        directory: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// There is no more room.
    #[error("{0}; delete recordings, or allow more")]
    Full(Shortage),
    /// More waits for the disk than may wait.
    #[error(
        "the disk is too slow: it did not take {} in time",
        crate::media::recording::size(WAITING_BYTES)
    )]
    Slow,
    /// Somebody deleted or moved it.
    #[error("its file was deleted while it was written")]
    Gone,
    /// As many in one minute as there are names.
    #[error("too many recordings began in this minute")]
    Names,
}

/// A part of the recording.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    /// Where in the recording it begins, if playback can start with it.
    pub(super) start: Option<Duration>,
    /// How long the recording is with it.
    pub(super) length: Duration,
}

/// Writes a recording on a thread of its own; dropping it ends the file.
#[derive(Debug)]
pub(super) struct Tape {
    pub(super) name: RecordingName,
    queue: SyncSender<Piece>,
    waiting: Arc<AtomicU64>,
    ended: oneshot::Receiver<Result<(), TapeError>>,
}

impl Tape {
    /// Makes the file, puts the init segment into it and starts the thread. Blocks.
    ///
    /// # Errors
    ///
    /// [`TapeError`]; then there is no file.
    pub(super) fn begin(
        shared: &Arc<Shared>,
        init: &Bytes,
        title: String,
    ) -> Result<Self, TapeError> {
        let failed = cannot_write(shared);
        private_file::make_directory(&shared.settings.directory).map_err(&failed)?;
        shared.lock().free = index::free(&shared.settings.directory);
        if let Some(shortage) = shared.cannot_begin() {
            return Err(TapeError::Full(shortage));
        }
        let began = shared.clock.wall();
        let mut name = RecordingName::of(began);
        let mut file = loop {
            let new = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(shared.file(name));
            match new {
                Ok(file) => break file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    name = name.next().ok_or(TapeError::Names)?;
                }
                Err(error) => return Err(failed(error)),
            }
        };
        let begun = file
            .write_all(init)
            .and_then(|()| file.sync_all())
            .and_then(|()| Ok(file.try_lock()?));
        if let Err(error) = begun {
            drop(fs::remove_file(shared.file(name)));
            return Err(failed(error));
        }
        let (queue, pieces) = sync_channel(WAITING);
        let (result, ended) = oneshot::channel();
        let waiting = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            shared: Arc::clone(shared),
            name,
            written: init.len() as u64,
            length: Duration::ZERO,
            waiting: Arc::clone(&waiting),
            file,
        };
        std::thread::Builder::new()
            .name("recording".to_owned())
            .spawn(move || {
                // Nobody waits for it when the program ends.
                drop(result.send(writer.write(&pieces)));
            })
            .map_err(failed)?;
        let mut state = shared.lock();
        state.running = Some(name);
        let recording = Recording {
            name,
            title: index::cut(title),
            began: Some(began),
            length: Duration::ZERO,
            bytes: init.len() as u64,
            chat_bytes: 0,
            chapters: Chapters::default(),
            is_hidden: false,
            stage: Stage::Running,
        };
        state.all.insert(name, recording);
        drop(state);
        shared.keep_index();
        shared.turned();
        Ok(Self {
            name,
            queue,
            waiting,
            ended,
        })
    }

    /// Hands a fragment to the thread. Never blocks.
    ///
    /// # Errors
    ///
    /// [`TapeError::Slow`], also when the thread has ended; then [`Tape::ended`] says why.
    pub(super) fn push(&self, piece: Piece) -> Result<(), TapeError> {
        if self.waiting.load(Ordering::Relaxed) > WAITING_BYTES {
            return Err(TapeError::Slow);
        }
        self.waiting
            .fetch_add(piece.bytes.len() as u64, Ordering::Relaxed);
        self.queue
            .try_send(piece)
            .map_err(|_full_or_ended| TapeError::Slow)
    }

    /// Resolves when the thread ended by itself. Cancel safe; not to be called again after that.
    pub(super) async fn ended(&mut self) -> Result<(), TapeError> {
        (&mut self.ended).await.unwrap_or(Ok(()))
    }

    /// Ends the file, and waits until it is on the disk.
    pub(super) async fn end(self) -> Result<(), TapeError> {
        drop(self.queue);
        self.ended.await.unwrap_or(Ok(()))
    }
}

fn cannot_write(shared: &Shared) -> impl Fn(io::Error) -> TapeError + use<> {
    let directory = shared.settings.directory.display().to_string();
    move |cause| TapeError::Write {
        directory: directory.clone(),
        cause,
    }
}

struct Writer {
    shared: Arc<Shared>,
    name: RecordingName,
    file: File,
    /// Bytes of whole boxes.
    written: u64,
    length: Duration,
    waiting: Arc<AtomicU64>,
}

impl Writer {
    fn write(mut self, pieces: &Receiver<Piece>) -> Result<(), TapeError> {
        let result = self.take(pieces);
        // A cut fragment is no use to anybody.
        let cut = match &result {
            Err(_) => self.file.set_len(self.written),
            Ok(()) => Ok(()),
        };
        let synced = cut.and_then(|()| self.file.sync_all());
        result.and(synced.map_err(cannot_write(&self.shared)))
    }

    fn take(&mut self, pieces: &Receiver<Piece>) -> Result<(), TapeError> {
        let failed = cannot_write(&self.shared);
        let mut synced = self.shared.clock.tick();
        loop {
            match pieces.recv_timeout(SYNC_EVERY) {
                Ok(piece) => {
                    let len = piece.bytes.len() as u64;
                    if let Some(shortage) = self.shared.shortage(len) {
                        return Err(TapeError::Full(shortage));
                    }
                    self.file.write_all(&piece.bytes).map_err(&failed)?;
                    self.waiting.fetch_sub(len, Ordering::Relaxed);
                    let at = self.written;
                    self.written += len;
                    self.length = piece.length;
                    let (length, bytes) = (self.length, self.written);
                    self.shared.grew(self.name, |recording| {
                        recording.length = length;
                        recording.bytes = bytes;
                        if let Some(start) = piece.start {
                            recording.chapters.push(start, at);
                        }
                    });
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            let now = self.shared.clock.tick();
            if now.since(synced) >= SYNC_EVERY {
                synced = now;
                self.file.sync_data().map_err(&failed)?;
                if self.file.metadata().map_err(&failed)?.nlink() == 0 {
                    return Err(TapeError::Gone);
                }
                let free = index::free(&self.shared.settings.directory);
                self.shared.lock().free = free;
            }
        }
    }
}
