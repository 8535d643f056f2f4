//! What goes into the ffmpeg: a bounded queue, and a thread that writes it into the pipe.

use std::{
    collections::VecDeque,
    io::{self, PipeWriter, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use bytes::Bytes;

use crate::{
    clock::{Clock, Tick},
    encoder::EncoderThread,
};

/// Pieces that may wait: some seconds of fragments of one frame each.
const WAITING: usize = 512;

/// Bytes that may wait.
const WAITING_BYTES: u64 = 32 << 20;

/// How long a piece may wait. A computer that does not keep up falls behind without end; it had
/// better leave something out.
const PATIENCE: Duration = Duration::from_secs(6);

/// The same until the first piece came out: a busy computer takes a while to start a program.
const PATIENCE_AT_FIRST: Duration = Duration::from_secs(20);

/// Why a piece is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Too much waits already.
    Slow,
    /// Nobody reads any more.
    Gone,
}

/// What the threads and the feed share.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Pieces that were written.
    taken: AtomicU64,
    /// Their bytes, and those of the pieces that wait.
    taken_bytes: AtomicU64,
    /// Something came out.
    pub(super) has_come: AtomicBool,
}

/// The ffmpeg and the way into it.
#[derive(Debug)]
pub(super) struct Feed {
    queue: SyncSender<Bytes>,
    counts: Arc<Counts>,
    /// When each piece came that has not been written, and those that just were.
    came: VecDeque<Tick>,
    /// Pieces that were pushed, and that are not in `came` any more.
    forgotten: u64,
    pushed_bytes: u64,
    clock: Clock,
    writer: JoinHandle<()>,
    encoder: EncoderThread,
}

impl Feed {
    /// Starts the thread that writes.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(super) fn new(
        pipe: PipeWriter,
        encoder: EncoderThread,
        counts: Arc<Counts>,
        clock: Clock,
    ) -> io::Result<Self> {
        let (queue, pieces) = sync_channel(WAITING);
        let written = Arc::clone(&counts);
        let writer = Builder::new()
            .name("lower feed".to_owned())
            .spawn(move || write(pipe, &pieces, &written))?;
        Ok(Self {
            queue,
            counts,
            came: VecDeque::new(),
            forgotten: 0,
            pushed_bytes: 0,
            clock,
            writer,
            encoder,
        })
    }

    /// Hands in the next bytes. Never waits.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub(super) fn push(&mut self, bytes: Bytes) -> Result<(), Refused> {
        let now = self.clock.tick();
        let taken = self.counts.taken.load(Ordering::Relaxed);
        while self.forgotten < taken && self.came.pop_front().is_some() {
            self.forgotten += 1;
        }
        let has_come = self.counts.has_come.load(Ordering::Relaxed);
        let patience = if has_come {
            PATIENCE
        } else {
            PATIENCE_AT_FIRST
        };
        let waits = self
            .came
            .front()
            .is_some_and(|came| now.since(*came) > patience);
        let written = self.counts.taken_bytes.load(Ordering::Relaxed);
        if waits || self.pushed_bytes.saturating_sub(written) > WAITING_BYTES {
            return Err(Refused::Slow);
        }
        let len = bytes.len() as u64;
        match self.queue.try_send(bytes) {
            Ok(()) => {
                self.came.push_back(now);
                self.pushed_bytes = self.pushed_bytes.saturating_add(len);
                Ok(())
            }
            Err(TrySendError::Full(_)) => Err(Refused::Slow),
            Err(TrySendError::Disconnected(_)) => Err(Refused::Gone),
        }
    }

    /// Ends the ffmpeg; with what waits still written if it is to be `whole`. Blocks for two seconds
    /// at most.
    pub(super) fn end(self, whole: bool) {
        let Self {
            queue,
            writer,
            encoder,
            ..
        } = self;
        // The thread closes the pipe after what waits, and that ends the ffmpeg.
        drop(queue);
        if whole {
            encoder.finish();
        } else {
            drop(encoder);
        }
        // Nobody reads any more, so it does not wait.
        drop(writer.join());
    }
}

fn write(mut pipe: PipeWriter, pieces: &Receiver<Bytes>, counts: &Counts) {
    while let Ok(piece) = pieces.recv() {
        if pipe.write_all(&piece).is_err() {
            return;
        }
        counts
            .taken_bytes
            .fetch_add(piece.len() as u64, Ordering::Relaxed);
        counts.taken.fetch_add(1, Ordering::Relaxed);
    }
}
