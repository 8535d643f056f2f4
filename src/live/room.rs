//! The room, shared: the one lock around its rules.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    clock::Clock,
    room::session::{Sessions, TOKEN_BYTES, Token, ViewerId},
};

/// The shared room; clones are the same one.
#[derive(Debug, Clone)]
pub struct RoomHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sessions: Mutex<Sessions>,
    clock: Clock,
}

impl RoomHandle {
    /// An empty room for at most `max_sessions` sessions.
    pub fn new(max_sessions: usize, clock: Clock) -> Self {
        let sessions = Mutex::new(Sessions::new(max_sessions));
        Self {
            shared: Arc::new(Shared { sessions, clock }),
        }
    }

    /// The viewer whose token this is, if it is one of ours.
    pub fn recognise(&self, token: &str) -> Option<ViewerId> {
        let now = self.shared.clock.tick();
        self.lock().recognise(token, now)
    }

    /// Makes a session for a newcomer and the token for their cookie.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give.
    pub fn admit(&self) -> Result<(ViewerId, Token), getrandom::Error> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        let token = Token::from_random(bytes);
        let now = self.shared.clock.tick();
        let viewer = self.lock().admit(&token, now);
        Ok((viewer, token))
    }

    /// A viewer without a session, for players that send no cookie.
    pub fn guest(&self) -> ViewerId {
        self.lock().guest()
    }

    /// Forgets what is over. Call it about once a second.
    pub fn tick(&self) {
        let now = self.shared.clock.tick();
        self.lock().tick(now);
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        // A table of sessions: each operation leaves it whole.
        self.shared
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
