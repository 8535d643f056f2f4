//! What an encoder's threads and whoever ends them share.
//!
//! Belongs here: starting a process unless all is over, and ending everything. Does not belong here:
//! reading what it writes, when it is started again (`run.rs`).

use std::{
    io,
    process::ChildStdout,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::Surroundings;
use crate::{
    clock::Tick,
    encoder::process::{END_WITHIN, Ended, LOOK, Process, Task},
};

/// A running encoder; ended when it is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the encoder"]
pub struct EncoderThread {
    pub(super) life: Arc<Life>,
    pub(super) threads: Vec<JoinHandle<()>>,
}

/// What the threads and whoever ends them share.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// Shared with questions, which end at once.
    pub(super) ended: Arc<AtomicBool>,
    pub(super) current: Mutex<Current>,
    pub(super) wake: Condvar,
}

/// The encoder that runs now.
#[derive(Debug, Default)]
pub(super) struct Current {
    pub(super) process: Option<Process>,
    /// When it was started or last wrote something, if it has to write all the time.
    pub(super) heard: Option<Tick>,
    /// For how long it may write nothing.
    pub(super) patience: Duration,
}

impl Life {
    pub(super) fn is_over(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a process, unless all is over.
    pub(super) fn start(
        &self,
        task: Task,
        around: &Surroundings,
    ) -> io::Result<Option<ChildStdout>> {
        let mut current = self.lock();
        if self.is_over() {
            return Ok(None);
        }
        let patience = task.patience;
        let (process, output) = Process::start(task, around.leash.guard(), &around.complaints)?;
        current.process = Some(process);
        current.heard = patience.map(|_| around.clock.tick());
        current.patience = patience.unwrap_or_default();
        Ok(Some(output))
    }

    /// Waits until the process has ended; it is killed if it takes too long.
    pub(super) fn reap(&self) -> Ended {
        let Current { process, .. } = std::mem::take(&mut *self.lock());
        process.map_or(Ended::Killed, Process::reap)
    }

    /// Waits, but not when all is over.
    pub(super) fn sleep(&self, time: Duration) {
        if !time.is_zero() {
            let waited = self
                .wake
                .wait_timeout_while(self.lock(), time, |_| !self.is_over());
            drop(waited);
        }
    }

    pub(super) fn end(&self) {
        let current = self.lock();
        self.ended.store(true, Ordering::SeqCst);
        if let Some(process) = &current.process {
            process.ask_to_end();
        }
        drop(current);
        self.wake.notify_all();
    }

    pub(super) fn kill(&self) {
        if let Some(process) = &self.lock().process {
            process.kill();
        }
    }
}

impl EncoderThread {
    /// Whether everything was played, or a thread has panicked.
    pub fn is_finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits a moment for an encoder whose input has ended, so that its last pictures are not lost.
    pub fn finish(self) {
        for _ in 0..END_WITHIN.as_millis() / LOOK.as_millis() {
            // The first thread is the one that reads.
            if self.threads.first().is_none_or(JoinHandle::is_finished) {
                break;
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for EncoderThread {
    fn drop(&mut self) {
        self.life.end();
        for _ in 0..END_WITHIN.as_millis() / LOOK.as_millis() {
            if self.is_finished() {
                break;
            }
            std::thread::sleep(LOOK);
        }
        self.life.kill();
        for thread in self.threads.drain(..) {
            // A panic over there has been reported by the panic hook.
            drop(thread.join());
        }
    }
}
