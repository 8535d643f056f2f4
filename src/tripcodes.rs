//! Tripcodes from passwords: the salt of the site, the slow function, and the queue before it.
//!
//! Belongs here: the salt file and computing off the threads that serve requests.
//! Does not belong here: who may ask how often (the room), showing a tripcode (`room::tripcode`).
//!
//! `docs/tripcodes.md` has the derivation for people who check it by hand, and what a tripcode
//! proves.

mod salt;

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

pub use self::salt::{SALT_FILE, Salt, SaltError};
use crate::{
    background,
    room::tripcode::{TRIPCODE_BYTES, Tripcode},
};

/// Longest password, in bytes of UTF-8 as typed.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Memory of one computation, in KiB: 19 MiB.
///
/// Memory, passes and lanes are the first choice of OWASP's password storage cheat sheet for
/// Argon2id. Changing one changes every tripcode of every site.
const MEMORY_KIB: u32 = 19 * 1024;

/// Passes over the memory.
const PASSES: u32 = 2;

/// Lanes: one core a computation.
const LANES: u32 = 1;

/// Computations at the same time: 38 MiB and two cores at the most.
const RUNNING: usize = 2;

/// Requests that wait for their turn; with two running, the last waits for about eight others.
const WAITING: usize = 16;

/// The tripcode of `password` on the site with this `salt`; blocks for some ten milliseconds.
///
/// Argon2id, version 1.3, of the password in normalisation form C, so that one password is one
/// password on every keyboard. The salt is the text of the salt file, so that anybody can give it to
/// another program. Nothing is trimmed: blanks count. Longer passwords than
/// [`MAX_PASSWORD_BYTES`] are for the caller to refuse; here they are computed as they are.
pub fn derive(password: &str, salt: &Salt) -> Tripcode {
    // As much room as the longest form needs: a buffer that grows leaves a copy of itself behind.
    let mut normal = Zeroizing::new(String::with_capacity(password.len() * 3));
    normal.extend(password.nfc());
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(TRIPCODE_BYTES))
        .expect("these parameters are within the bounds of the function");
    let mut bytes = [0; TRIPCODE_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(normal.as_bytes(), salt.text(), &mut bytes)
        .expect("a salt of 64 bytes and an output of 10 are within the bounds of the function");
    Tripcode::from_bytes(bytes)
}

/// Computes tripcodes for many viewers without standing in anybody's way.
///
/// Clones share one queue.
#[derive(Clone)]
pub struct Tripcodes {
    salt: Arc<Salt>,
    running: Arc<Semaphore>,
    /// Those who wait and those who run.
    admitted: Arc<Semaphore>,
}

/// Why there is no tripcode this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoTripcode {
    /// Too many people ask at the same time.
    #[error("too many tripcodes are being made at this moment; try again in a few seconds")]
    Busy,
    /// Nothing was typed.
    #[error("a tripcode needs a password; type one")]
    Empty,
    /// The password is longer than [`MAX_PASSWORD_BYTES`].
    #[error("the password has more than {MAX_PASSWORD_BYTES} bytes; use a shorter one")]
    TooLong,
}

impl Tripcodes {
    /// An empty queue for the site with this salt.
    pub fn new(salt: Salt) -> Self {
        Self {
            salt: Arc::new(salt),
            running: Arc::new(Semaphore::new(RUNNING)),
            admitted: Arc::new(Semaphore::new(RUNNING + WAITING)),
        }
    }

    /// The tripcode of `password`: at most 2 are computed and 16 wait, on tokio's blocking pool.
    ///
    /// Cancel safe: who goes away while waiting leaves the queue; a computation that has begun ends
    /// by itself and keeps its place until then.
    ///
    /// # Errors
    ///
    /// [`NoTripcode`], at once.
    pub async fn derive(&self, password: Zeroizing<String>) -> Result<Tripcode, NoTripcode> {
        check(&password)?;
        let admitted = Arc::clone(&self.admitted)
            .try_acquire_owned()
            .map_err(|_full| NoTripcode::Busy)?;
        // Neither semaphore is ever closed.
        let running = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_closed| NoTripcode::Busy)?;
        let salt = Arc::clone(&self.salt);
        let work = move || {
            // Given back when the work is done, also if nobody waits for it any more.
            let _places = (admitted, running);
            derive(&password, &salt)
        };
        let done = background::compute("tripcodes", work).await;
        done.ok_or(NoTripcode::Busy)
    }
}

/// Whether a password can be one.
///
/// # Errors
///
/// [`NoTripcode::Empty`] and [`NoTripcode::TooLong`].
pub fn check(password: &str) -> Result<(), NoTripcode> {
    if password.is_empty() {
        return Err(NoTripcode::Empty);
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(NoTripcode::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    fn known_salt() -> Salt {
        Salt::from_bytes(
            [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]
                .repeat(4)
                .try_into()
                .unwrap(),
        )
    }

    fn word(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    /// The examples of `docs/tripcodes.md`, computed by other programs.
    #[test]
    fn a_tripcode_is_what_the_reference_implementation_computes() {
        for (password, tripcode) in [
            ("correct horse", "5pdy-qu8g-dj4t-nbdd"),
            ("gr\u{fc}n \u{1f9c5}", "w48g-6cs9-u8ku-4mqk"),
        ] {
            assert_eq!(
                derive(password, &known_salt()).to_string(),
                tripcode,
                "{password}"
            );
        }
    }

    #[test]
    fn a_password_is_the_same_on_every_keyboard() {
        assert_eq!(
            derive("gr\u{fc}n", &known_salt()),
            derive("gru\u{308}n", &known_salt())
        );
    }

    #[test]
    fn blanks_case_and_the_site_make_a_difference() {
        let here = derive("word", &known_salt());

        assert_ne!(here, derive("word ", &known_salt()));
        assert_ne!(here, derive("Word", &known_salt()));
        assert_ne!(here, derive("word", &Salt::from_bytes([0; 32])));
    }

    #[tokio::test]
    async fn nothing_and_too_much_are_refused_at_once() {
        let tripcodes = Tripcodes::new(known_salt());

        assert_eq!(tripcodes.derive(word("")).await, Err(NoTripcode::Empty));
        let long = "x".repeat(MAX_PASSWORD_BYTES + 1);
        assert_eq!(
            tripcodes.derive(word(&long)).await,
            Err(NoTripcode::TooLong)
        );
        let longest = "x".repeat(MAX_PASSWORD_BYTES);
        assert!(tripcodes.derive(word(&longest)).await.is_ok());
    }

    #[tokio::test]
    async fn eighteen_may_ask_at_once_and_the_others_are_told_to_come_back() {
        let tripcodes = Tripcodes::new(known_salt());

        let asked = (0..25).map(|n| tripcodes.derive(word(&n.to_string())));
        let answers = join_all(asked).await;

        let busy = answers
            .iter()
            .filter(|answer| **answer == Err(NoTripcode::Busy));
        assert_eq!(busy.count(), 25 - RUNNING - WAITING);
        assert!(tripcodes.derive(word("later")).await.is_ok());
    }

    #[tokio::test]
    async fn who_goes_away_while_waiting_leaves_the_queue() {
        let tripcodes = Tripcodes::new(known_salt());
        let places = Arc::clone(&tripcodes.running)
            .acquire_many_owned(u32::try_from(RUNNING).unwrap())
            .await
            .unwrap();

        for n in 0..100 {
            let asked = tripcodes.derive(word(&n.to_string()));
            let at_once = tokio::time::timeout(std::time::Duration::ZERO, asked).await;
            assert!(at_once.is_err(), "{n}");
        }

        drop(places);
        assert_eq!(tripcodes.admitted.available_permits(), RUNNING + WAITING);
    }
}
