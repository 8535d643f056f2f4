//! Sessions: which token belongs to which viewer.
//!
//! Tokens are minted by the server only ([`Token::from_random`]) and kept as SHA-256 digests, so a
//! memory dump of the table lets nobody in. No token chosen by a client is ever accepted: a token
//! is either in the table or nothing.
//!
//! Each session carries whatever its owner keeps about the person.
//!
//! Bound: `capacity` sessions, and one more while all are held. Sessions that never came back after
//! their first request give way first, so a flood of first requests cannot log out people who are
//! here; those that are held ([`Sessions::hold`]) do not give way at all.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use crate::clock::Tick;

/// A session that was not seen for this long is forgotten.
pub const IDLE: Duration = Duration::from_hours(12);

/// Bytes of randomness in a token: 128 bits cannot be guessed.
pub const TOKEN_BYTES: usize = 16;

/// One in so many sessions may be newcomers before newcomers push out newcomers.
const NEWCOMER_SHARE: usize = 4;

/// A viewer, for as long as the process runs. Never shown and never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewerId(u64);

impl fmt::Debug for ViewerId {
    /// Without the number: logs must not be able to follow a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ViewerId")
    }
}

/// The secret in a viewer's cookie: 32 lower-case hexadecimal digits.
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// A token from fresh random bytes.
    pub fn from_random(bytes: [u8; TOKEN_BYTES]) -> Self {
        Self(data_encoding::HEXLOWER.encode(&bytes))
    }

    /// The text for the cookie.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// SHA-256 of the text of a token; nobody can make the token from it.
pub type TokenDigest = [u8; 32];

#[derive(Debug)]
struct Session<P> {
    digest: TokenDigest,
    seen: Tick,
    came_back: bool,
    /// It is in neither queue: it gives way to nobody.
    is_held: bool,
    person: P,
}

/// The table of sessions. All operations are O(log n).
#[derive(Debug)]
pub struct Sessions<P> {
    capacity: usize,
    next_id: u64,
    by_digest: HashMap<TokenDigest, ViewerId>,
    by_viewer: HashMap<ViewerId, Session<P>>,
    /// By the time they were last seen: those with one request so far, and those who came back.
    newcomers: BTreeSet<(Tick, ViewerId)>,
    returned: BTreeSet<(Tick, ViewerId)>,
    /// Ended since they were last asked for.
    ended: Vec<(ViewerId, P)>,
}

impl<P> Sessions<P> {
    /// An empty table for at most `capacity` sessions (at least one).
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            next_id: 0,
            by_digest: HashMap::new(),
            by_viewer: HashMap::new(),
            newcomers: BTreeSet::new(),
            returned: BTreeSet::new(),
            ended: Vec::new(),
        }
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.by_viewer.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_viewer.is_empty()
    }

    /// A viewer without a session: somebody whose player sends no cookie.
    pub fn guest(&mut self) -> ViewerId {
        self.next_id += 1;
        ViewerId(self.next_id)
    }

    /// Makes a session for a newcomer.
    pub fn admit(&mut self, token: &Token, person: P, now: Tick) -> ViewerId {
        while self.by_viewer.len() >= self.capacity && self.evict() {}
        let viewer = self.guest();
        let digest = digest(token.as_str());
        self.by_digest.insert(digest, viewer);
        let session = Session {
            digest,
            seen: now,
            came_back: false,
            is_held: false,
            person,
        };
        self.by_viewer.insert(viewer, session);
        self.newcomers.insert((now, viewer));
        viewer
    }

    /// Gives a session another token; the one before is worth nothing from now on.
    ///
    /// At every change of what a session may do, so that nobody can prepare a session for somebody
    /// else and use it with them.
    pub fn remint(&mut self, viewer: ViewerId, token: &Token) {
        if let Some(session) = self.by_viewer.get_mut(&viewer) {
            self.by_digest.remove(&session.digest);
            session.digest = digest(token.as_str());
            self.by_digest.insert(session.digest, viewer);
        }
    }

    /// The digest of the token that a session has now.
    pub fn digest_of(&self, viewer: ViewerId) -> Option<TokenDigest> {
        Some(self.by_viewer.get(&viewer)?.digest)
    }

    /// What is kept about a person.
    pub fn person(&self, viewer: ViewerId) -> Option<&P> {
        Some(&self.by_viewer.get(&viewer)?.person)
    }

    /// What is kept about a person, to be changed.
    pub fn person_mut(&mut self, viewer: ViewerId) -> Option<&mut P> {
        Some(&mut self.by_viewer.get_mut(&viewer)?.person)
    }

    /// Everybody, with the time they were last seen, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (ViewerId, &P, Tick)> {
        self.by_viewer
            .iter()
            .map(|(viewer, session)| (*viewer, &session.person, session.seen))
    }

    /// Ends a session.
    pub fn end(&mut self, viewer: ViewerId) {
        if let Some(session) = self.by_viewer.get(&viewer) {
            self.forget(session.seen, viewer);
        }
    }

    /// The people whose sessions ended since this was last asked.
    pub fn take_ended(&mut self) -> Vec<(ViewerId, P)> {
        std::mem::take(&mut self.ended)
    }

    /// The viewer whose token this is, if it is one of ours; they are seen at `now`.
    pub fn recognise(&mut self, token: &str, now: Tick) -> Option<ViewerId> {
        if token.len() != TOKEN_BYTES * 2 {
            return None;
        }
        let viewer = *self.by_digest.get(&digest(token))?;
        let session = self.by_viewer.get_mut(&viewer)?;
        let queue = if session.came_back {
            &mut self.returned
        } else {
            &mut self.newcomers
        };
        queue.remove(&(session.seen, viewer));
        session.seen = session.seen.max(now);
        session.came_back = true;
        if !session.is_held {
            self.returned.insert((session.seen, viewer));
        }
        Some(viewer)
    }

    /// Holds a session, or lets it go again: one that is held neither gives way to others nor ends
    /// by itself. Whoever holds sessions sees to it that they are few.
    pub fn hold(&mut self, viewer: ViewerId, is_held: bool) {
        let Some(session) = self.by_viewer.get_mut(&viewer) else {
            return;
        };
        if session.is_held == is_held {
            return;
        }
        session.is_held = is_held;
        let place = (session.seen, viewer);
        if is_held {
            self.newcomers.remove(&place);
            self.returned.remove(&place);
        } else {
            session.came_back = true;
            self.returned.insert(place);
        }
    }

    /// Forgets who was not seen for [`IDLE`].
    pub fn tick(&mut self, now: Tick) {
        while let Some(&(seen, viewer)) = self
            .newcomers
            .first()
            .filter(|(seen, _)| now - *seen > IDLE)
        {
            self.forget(seen, viewer);
        }
        while let Some(&(seen, viewer)) =
            self.returned.first().filter(|(seen, _)| now - *seen > IDLE)
        {
            self.forget(seen, viewer);
        }
    }

    /// Answers whether anybody could give way.
    fn evict(&mut self) -> bool {
        let crowded = self.newcomers.len() > self.capacity / NEWCOMER_SHARE;
        let newcomer = self.newcomers.first().copied();
        let returned = self.returned.first().copied();
        let victim = if crowded {
            newcomer.or(returned)
        } else {
            returned.or(newcomer)
        };
        if let Some((seen, viewer)) = victim {
            self.forget(seen, viewer);
        }
        victim.is_some()
    }

    fn forget(&mut self, seen: Tick, viewer: ViewerId) {
        self.newcomers.remove(&(seen, viewer));
        self.returned.remove(&(seen, viewer));
        if let Some(session) = self.by_viewer.remove(&viewer) {
            self.by_digest.remove(&session.digest);
            self.ended.push((viewer, session.person));
        }
    }
}

/// What a token is recognised by.
pub fn digest(token: &str) -> TokenDigest {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u128) -> Token {
        Token::from_random(number.to_be_bytes())
    }

    fn at(seconds: u64) -> Tick {
        Tick::START + Duration::from_secs(seconds)
    }

    #[test]
    fn a_token_that_was_not_minted_here_is_nobody() {
        let mut sessions = Sessions::new(10);
        let anna = sessions.admit(&token(1), (), at(0));

        assert_eq!(sessions.recognise(token(1).as_str(), at(1)), Some(anna));
        assert_eq!(sessions.recognise(token(2).as_str(), at(1)), None);
        assert_eq!(sessions.recognise("", at(1)), None);
        assert_eq!(sessions.recognise(&"a".repeat(100_000), at(1)), None);
    }

    #[test]
    fn a_flood_of_newcomers_does_not_log_out_people_who_came_back() {
        let mut sessions = Sessions::new(8);
        let anna = sessions.admit(&token(1), (), at(0));
        sessions.recognise(token(1).as_str(), at(1));

        for number in 100..1_000 {
            sessions.admit(&token(number), (), at(2));
        }

        assert_eq!(sessions.len(), 8);
        assert_eq!(sessions.recognise(token(1).as_str(), at(3)), Some(anna));
    }

    #[test]
    fn a_table_full_of_people_who_came_back_still_lets_newcomers_in() {
        let mut sessions = Sessions::new(8);
        for number in 0..8 {
            sessions.admit(&token(number), (), at(0));
            sessions.recognise(
                token(number).as_str(),
                at(1 + u64::try_from(number).unwrap()),
            );
        }

        let zoe = sessions.admit(&token(99), (), at(20));

        assert_eq!(sessions.recognise(token(99).as_str(), at(21)), Some(zoe));
        assert_eq!(
            sessions.recognise(token(0).as_str(), at(21)),
            None,
            "the longest unseen gave way"
        );
    }

    #[test]
    fn a_session_ends_when_it_was_not_seen_for_twelve_hours() {
        let mut sessions = Sessions::new(8);
        sessions.admit(&token(1), (), at(0));
        sessions.admit(&token(2), (), at(0));
        sessions.recognise(token(2).as_str(), at(100));

        sessions.tick(at(50) + IDLE);

        assert_eq!(sessions.len(), 1);
        assert_eq!(sessions.recognise(token(1).as_str(), at(50) + IDLE), None);
    }

    #[test]
    fn a_token_handed_to_a_victim_beforehand_is_worth_nothing_after_a_change_of_rights() {
        let mut sessions = Sessions::new(8);
        let anna = sessions.admit(&token(1), (), at(0));

        sessions.remint(anna, &token(2));

        assert_eq!(sessions.recognise(token(1).as_str(), at(1)), None);
        assert_eq!(sessions.recognise(token(2).as_str(), at(1)), Some(anna));
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let token = token(0xdead_beef);

        assert_eq!(format!("{token:?}"), "Token");
    }
}
