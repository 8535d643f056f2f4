//! The stage on which the whole program is tested: real processes, real Tor, a real browser.
//!
//! Belongs here: starting, watching and stopping what a test needs around the program, and
//! clients to look at it from outside. Does not belong here: assertions about onionstream, and
//! anything from its library; the stage knows the program only through its interface, but for
//! `watching`.
//!
//! Everything stays on loopback, owns a temporary directory, and ends when its value is dropped.
//! When a test fails, each part prints the end of what its processes wrote.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of the stage, and none has to use it all"
)]

pub(crate) mod desk;
pub(crate) mod encoder;
pub(crate) mod firefox;
pub(crate) mod guest;
pub(crate) mod http;
pub(crate) mod person;
pub(crate) mod process;
pub(crate) mod puzzle;
pub(crate) mod server;
pub(crate) mod tor_network;
pub(crate) mod watching;

use std::{
    thread,
    time::{Duration, Instant},
};

/// A point in time until which something is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    started: Instant,
    allowed: Duration,
}

impl Deadline {
    /// The deadline `allowed` from now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the stage waits for real processes in real time"
    )]
    pub(crate) fn after(allowed: Duration) -> Self {
        Self {
            started: Instant::now(),
            allowed,
        }
    }

    /// The time that has passed since the deadline was made.
    pub(crate) fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    /// The time left; zero when the deadline has passed.
    pub(crate) fn left(self) -> Duration {
        self.allowed.saturating_sub(self.elapsed())
    }

    /// Whether no time is left.
    pub(crate) fn has_passed(self) -> bool {
        self.left().is_zero()
    }
}

/// Asks `look` every 20 ms until it sees something, for at most `allowed`.
///
/// For processes that can only be looked at, such as files that they write.
pub(crate) fn watch<T>(allowed: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Deadline::after(allowed);
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if deadline.has_passed() {
            return None;
        }
        thread::sleep(Duration::from_millis(20).min(deadline.left()));
    }
}
