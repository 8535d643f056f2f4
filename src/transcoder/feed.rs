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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::{self, Codecs, Complaints, Leash, Lower, Surroundings};

    /// A feed into a pipe of which the test has the other end; there is no ffmpeg.
    fn feed() -> (Feed, io::PipeReader) {
        let clock = Clock::new();
        let around = Surroundings {
            leash: Leash::default(),
            max_fragment_bytes: 1 << 20,
            complaints: Complaints::default(),
            clock,
        };
        let lower = Lower {
            codecs: Codecs::H264,
            frames: None,
            kbits: 200,
        };
        let nothing = "/there/is/none".into();
        let (_, encoder) = encoder::lower(nothing, &lower, around, |_| true, |_| {}).unwrap();
        let (reader, writer) = io::pipe().unwrap();
        let feed = Feed::new(writer, encoder, Arc::default(), clock).unwrap();
        (feed, reader)
    }

    #[test]
    fn what_nobody_reads_is_refused_before_it_is_too_much() {
        let (mut feed, reader) = feed();
        let piece = Bytes::from(vec![0; 4096]);

        let pushed = (0..10_000).find_map(|count| Some((count, feed.push(piece.clone()).err()?)));

        let (count, refused) = pushed.expect("there is a limit");
        assert_eq!(refused, Refused::Slow);
        // And a pipe full of them.
        assert!((WAITING..WAITING + 64).contains(&count), "{count}");
        drop(reader);
        feed.end(false);
    }

    #[test]
    fn bytes_have_a_limit_of_their_own() {
        let (mut feed, reader) = feed();
        let piece = Bytes::from(vec![0; 8 << 20]);

        let pushed = (0..100).find_map(|count| Some((count, feed.push(piece.clone()).err()?)));

        assert_eq!(pushed, Some((5, Refused::Slow)));
        drop(reader);
        feed.end(false);
    }

    #[test]
    fn a_reader_that_is_gone_is_noticed() {
        let (mut feed, reader) = feed();
        drop(reader);

        let piece = Bytes::from_static(b"piece");
        let refused = (0..2_000).find_map(|_| {
            std::thread::sleep(Duration::from_millis(5));
            feed.push(piece.clone()).err()
        });

        assert_eq!(refused, Some(Refused::Gone));
        feed.end(true);
    }
}
