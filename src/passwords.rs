//! Passwords: making, hashing and checking them, in a queue of their own.
//!
//! Belongs here: the slow function, its parameters, and computing off the threads that serve
//! requests. Does not belong here: who may guess how often (the room).
//!
//! Passwords are compared as typed, in normalisation form C and without white space around them, so
//! that one password is one password on every keyboard and out of every clipboard.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::background;

/// Longest password, in bytes of UTF-8 as typed.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Shortest password for the broadcaster, in characters.
pub const SHORTEST: usize = 12;

/// Longest text of a hash, in bytes; ours have about a hundred.
const MAX_HASH_BYTES: usize = 256;

/// Memory of one computation, in KiB: 19 MiB.
///
/// Memory, passes and lanes are the first choice of OWASP's password storage cheat sheet for
/// Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;

/// Passes over the memory.
const PASSES: u32 = 2;

/// Most memory that a hash from a file may ask for, in KiB, and most passes: a file must not be
/// able to stop the computer.
const MOST: (u32, u32) = (256 * 1024, 16);

/// Computations at the same time: one core and 19 MiB at the most, whatever is tried at the door.
const RUNNING: usize = 1;

/// Requests of one kind that wait for their turn, about 15 ms each.
const WAITING: usize = 8;

/// Letters of a made password: nobody mixes them up (no `i`, `l`, `o`, `u`).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Groups of four letters: 100 bits.
const GROUPS: usize = 5;

/// Why a text is not a hash that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Not a hash in the PHC form.
    #[error("this is not an Argon2id hash like `$argon2id$v=19$m=19456,t=2,p=1$…$…`")]
    Form,
    /// More memory or passes than any password is worth.
    #[error("this hash asks for more than 256 MiB of memory or 16 passes")]
    Cost,
}

/// Why there is no answer this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoAnswer {
    /// Too many people ask at the same time.
    #[error("too many passwords are being checked at this moment; try again in a few seconds")]
    Busy,
    /// Nothing was typed.
    #[error("no password was typed")]
    Empty,
    /// The password is longer than [`MAX_PASSWORD_BYTES`].
    #[error("the password has more than {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// The hash to compare with cannot be used.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The operating system has no randomness to give.
    #[error("no random bytes from the operating system")]
    Randomness,
}

/// A new password of 100 bits, like `7k2m-q9xd-…`.
///
/// # Errors
///
/// When the operating system has no randomness to give.
pub fn generate() -> Result<Zeroizing<String>, getrandom::Error> {
    let mut random = Zeroizing::new([0_u8; 4 * GROUPS]);
    getrandom::fill(random.as_mut_slice())?;
    // As much room as it needs: a buffer that grows leaves a copy of itself behind.
    let mut password = Zeroizing::new(String::with_capacity(5 * GROUPS));
    for (place, byte) in random.iter().enumerate() {
        if place > 0 && place % 4 == 0 {
            password.push('-');
        }
        let letter = ALPHABET.get(usize::from(byte % 32)).copied();
        password.push(char::from(letter.unwrap_or(b'0')));
    }
    Ok(password)
}

/// Whether a password can be one.
///
/// # Errors
///
/// [`NoAnswer::Empty`] and [`NoAnswer::TooLong`].
pub fn check(password: &str) -> Result<(), NoAnswer> {
    if password.trim().is_empty() {
        return Err(NoAnswer::Empty);
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(NoAnswer::TooLong);
    }
    Ok(())
}

/// The hash of a password with a fresh salt; blocks for some ten milliseconds.
///
/// # Errors
///
/// [`NoAnswer`], without ever waiting for a turn.
pub fn hash(password: &str) -> Result<String, NoAnswer> {
    check(password)?;
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_error| NoAnswer::Randomness)?;
    argon2(MEMORY_KIB, PASSES)
        .hash_password_with_salt(normal(password).as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|_error| NoAnswer::Randomness)
}

fn argon2(memory: u32, passes: u32) -> Argon2<'static> {
    let params = Params::new(memory, passes, 1, None)
        .expect("these parameters are within the bounds of the function");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Whether a text is a hash that can be used.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_hash(text: &str) -> Result<(), HashError> {
    read_hash(text).map(|_hash| ())
}

fn read_hash(text: &str) -> Result<PasswordHash, HashError> {
    if text.len() > MAX_HASH_BYTES {
        return Err(HashError::Form);
    }
    let hash = PasswordHash::new(text).map_err(|_error| HashError::Form)?;
    if hash.algorithm.as_str() != "argon2id" || hash.salt.is_none() || hash.hash.is_none() {
        return Err(HashError::Form);
    }
    let params = Params::try_from(&hash).map_err(|_error| HashError::Form)?;
    if params.m_cost() > MOST.0 || params.t_cost() > MOST.1 || params.p_cost() > 4 {
        return Err(HashError::Cost);
    }
    Ok(hash)
}

/// Whether this is the password; blocks for some ten milliseconds.
fn is_right(password: &str, hash: &str) -> Result<bool, NoAnswer> {
    let hash = read_hash(hash)?;
    // The parameters are the hash's own.
    Ok(argon2(MEMORY_KIB, PASSES)
        .verify_password(normal(password).as_bytes(), &hash)
        .is_ok())
}

fn normal(password: &str) -> Zeroizing<String> {
    let password = password.trim();
    let mut normal = Zeroizing::new(String::with_capacity(password.len() * 3));
    normal.extend(password.nfc());
    normal
}

/// Checks passwords for many without standing in anybody's way, and knows the broadcaster's hash.
///
/// Clones share one queue and one hash. Who guesses viewing passwords, who logs in at the desk, and
/// who sets a password there have places of their own in the queue: none of them can keep another
/// out.
#[derive(Clone)]
pub struct Passwords {
    broadcaster: Arc<Mutex<Arc<str>>>,
    running: Arc<Semaphore>,
    guesses: Places,
    logins: Places,
    settings: Places,
}

/// Those of one kind who wait and who run.
type Places = Arc<Semaphore>;

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    /// An empty queue, with the hash of the broadcaster's password.
    pub fn new(broadcaster: &str) -> Self {
        let places = || Arc::new(Semaphore::new(RUNNING + WAITING));
        Self {
            broadcaster: Arc::new(Mutex::new(broadcaster.into())),
            running: Arc::new(Semaphore::new(RUNNING)),
            guesses: places(),
            logins: places(),
            settings: places(),
        }
    }

    /// Another password for the broadcaster from now on.
    pub fn replace_broadcaster(&self, hash: &str) {
        // A text is replaced whole.
        let mut broadcaster = self
            .broadcaster
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *broadcaster = hash.into();
    }

    /// Whether this is the broadcaster's password.
    ///
    /// # Errors
    ///
    /// [`NoAnswer`], at once.
    pub async fn verify_broadcaster(&self, password: Zeroizing<String>) -> Result<bool, NoAnswer> {
        let hash = Arc::clone(
            &self
                .broadcaster
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        check(&password)?;
        self.in_turn(&self.logins, move || is_right(&password, &hash))
            .await
    }

    /// Whether this is the viewing password that the hash is of.
    ///
    /// # Errors
    ///
    /// [`NoAnswer`], at once.
    pub async fn verify(&self, hash: &str, password: Zeroizing<String>) -> Result<bool, NoAnswer> {
        check(&password)?;
        let hash = hash.to_owned();
        self.in_turn(&self.guesses, move || is_right(&password, &hash))
            .await
    }

    /// The hash of a password with a fresh salt.
    ///
    /// # Errors
    ///
    /// [`NoAnswer`], at once.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, NoAnswer> {
        check(&password)?;
        self.in_turn(&self.settings, move || hash(&password)).await
    }

    /// Runs `work` in the background when it is its turn.
    ///
    /// Cancel safe: who goes away while waiting leaves the queue; work that has begun ends by itself
    /// and keeps its place until then.
    async fn in_turn<T: Send + 'static>(
        &self,
        places: &Places,
        work: impl FnOnce() -> Result<T, NoAnswer> + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let admitted = Arc::clone(places)
            .try_acquire_owned()
            .map_err(|_full| NoAnswer::Busy)?;
        // Neither semaphore is ever closed.
        let running = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_closed| NoAnswer::Busy)?;
        let work = move || {
            // Given back when the work is done, also if nobody waits for it any more.
            let _places = (admitted, running);
            work()
        };
        let done = background::compute("passwords", work).await;
        done.ok_or(NoAnswer::Busy)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[test]
    fn a_made_password_has_a_hundred_bits_and_never_repeats() {
        let (one, other) = (generate().unwrap(), generate().unwrap());

        assert_ne!(*one, *other);
        for password in [one, other] {
            let groups: Vec<_> = password.split('-').collect();
            assert_eq!(groups.len(), 5);
            let letters: Vec<_> = groups.concat().into_bytes();
            assert_eq!(letters.len(), 20, "{}", 20 * 5);
            assert!(letters.iter().all(|letter| ALPHABET.contains(letter)));
        }
    }

    #[tokio::test]
    async fn a_password_is_right_however_it_was_typed_and_another_is_not() {
        let first = hash("correct horse Änne").unwrap();
        assert_ne!(first, hash("correct horse Änne").unwrap(), "the salt");
        let passwords = Passwords::new(&first);
        for (password, right) in [
            ("correct horse Änne", true),
            // Composed otherwise, and with what a clipboard adds.
            (" correct horse A\u{308}nne\n", true),
            ("correct horse", false),
            ("Correct horse Änne", false),
        ] {
            let answer = passwords.verify_broadcaster(typed(password)).await;
            assert_eq!(answer, Ok(right), "{password}");
        }
        passwords.replace_broadcaster(&hash("another one").unwrap());
        let old = passwords.verify_broadcaster(typed("correct horse Änne"));
        assert_eq!(old.await, Ok(false));
    }

    #[test]
    fn a_hash_from_a_file_cannot_ask_for_everything() {
        let good = hash("something long").unwrap();
        assert_eq!(check_hash(&good), Ok(()));
        assert!(
            good.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{good}"
        );
        for (bad, error) in [
            (String::new(), HashError::Form),
            ("secret".to_owned(), HashError::Form),
            (good.replace("argon2id", "argon2i"), HashError::Form),
            (good.replace("m=19456", "m=4194304"), HashError::Cost),
            (good.replace("t=2", "t=100"), HashError::Cost),
            ("$argon2id$v=19$m=19456,t=2,p=1".to_owned(), HashError::Form),
            ("x".repeat(10_000), HashError::Form),
        ] {
            assert_eq!(check_hash(&bad), Err(error), "{bad}");
        }
    }

    #[tokio::test]
    async fn beyond_the_queue_the_answer_is_that_it_is_busy_at_once() {
        let passwords = Passwords::new(&hash("correct horse").unwrap());
        let many = (0..20).map(|_| passwords.verify_broadcaster(typed("wrong one")));
        let answers = futures_util::future::join_all(many).await;
        let busy = answers
            .iter()
            .filter(|answer| **answer == Err(NoAnswer::Busy))
            .count();

        assert_eq!(busy, 20 - RUNNING - WAITING);
        assert_eq!(
            passwords.verify_broadcaster(typed("")).await,
            Err(NoAnswer::Empty)
        );
    }

    #[tokio::test]
    async fn guesses_at_the_door_keep_nobody_at_the_desk_waiting_for_a_place() {
        let hash = hash("correct horse").unwrap();
        let passwords = Passwords::new(&hash);
        let guesses = (0..20).map(|_| passwords.verify(&hash, typed("wrong one")));
        let logins = (0..20).map(|_| passwords.verify_broadcaster(typed("wrong one")));
        let at_the_desk = async {
            // After all of them have asked.
            tokio::task::yield_now().await;
            passwords.hash(typed("another password")).await
        };

        let (_, tried, set) = tokio::join!(
            futures_util::future::join_all(guesses),
            futures_util::future::join_all(logins),
            at_the_desk
        );

        assert!(set.is_ok(), "{set:?}");
        let answered = tried.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(answered, RUNNING + WAITING);
    }
}
