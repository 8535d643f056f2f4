//! The thread that waits for the disk, and how it is woken and stopped.
//!
//! Belongs here: the life of one thread.
//! Does not belong here: what it does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use super::IngestError;

/// Wakes the thread. Any number of calls before it looks are one.
#[derive(Debug, Clone)]
pub(super) struct Bell(SyncSender<()>);

impl Bell {
    /// Never waits.
    pub(super) fn ring(&self) {
        match self.0.try_send(()) {
            // Full means that it rings already; disconnected, that nobody listens any more.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }
}

/// The thread's end of a [`Bell`].
#[derive(Debug)]
pub(super) struct Sleeper {
    rung: Receiver<()>,
    stopped: Arc<AtomicBool>,
}

/// Why the thread woke up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    ByBell,
    ByTime,
    /// To end.
    ToStop,
}

impl Sleeper {
    /// Waits for the bell, but not longer than `at_most`.
    pub(super) fn sleep(&self, at_most: Duration) -> Woken {
        let woken = match self.rung.recv_timeout(at_most) {
            Ok(()) => Woken::ByBell,
            Err(RecvTimeoutError::Timeout) => Woken::ByTime,
            Err(RecvTimeoutError::Disconnected) => Woken::ToStop,
        };
        if self.is_stopped() {
            Woken::ToStop
        } else {
            woken
        }
    }

    /// Whether the thread is to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// A running ingest; stopped when it is dropped.
#[derive(Debug)]
#[must_use = "dropping it stops the ingest"]
pub struct IngestThread {
    bell: Bell,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl IngestThread {
    /// A bell and the sleeper it wakes, and what stops them.
    pub(super) fn bell() -> (Bell, Sleeper) {
        let (ring, rung) = sync_channel(1);
        (
            Bell(ring),
            Sleeper {
                rung,
                stopped: Arc::new(AtomicBool::new(false)),
            },
        )
    }

    /// Runs `work` on a thread of its own.
    pub(super) fn start(
        name: &str,
        bell: Bell,
        sleeper: Sleeper,
        work: impl FnOnce(Sleeper) + Send + 'static,
    ) -> Result<Self, IngestError> {
        let stopped = Arc::clone(&sleeper.stopped);
        let thread = Builder::new()
            .name(name.to_owned())
            .spawn(move || work(sleeper))
            .map_err(IngestError::Thread)?;
        Ok(Self {
            bell,
            stopped,
            thread: Some(thread),
        })
    }

    /// Asks the thread to end and waits until it has: after this the sink is not called any more.
    pub fn stop(mut self) {
        self.end();
    }

    /// Whether the thread has ended by itself, which only a panic of the sink makes it do.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn end(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.bell.ring();
        if let Some(thread) = self.thread.take() {
            // A panic over there has been reported by the panic hook.
            drop(thread.join());
        }
    }
}

impl Drop for IngestThread {
    fn drop(&mut self) {
        self.end();
    }
}
