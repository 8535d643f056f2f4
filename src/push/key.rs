//! The stream key: whoever has it can be on the air.
//!
//! It is a file, read again for each publisher, so that a new key holds at once.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{
    passwords,
    private_file::{self, PrivateFileError},
};

/// Name of the file, in the state directory.
pub const KEY_FILE: &str = "stream_key";

/// Longest key that is looked at, in bytes; ours have 24.
pub const MAX_KEY_BYTES: usize = 128;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The file holds something else.
    #[error(
        "`{}` does not hold a stream key; make another with `onionstream stream-key --new`",
        .0.display()
    )]
    NotAKey(PathBuf),
    /// There is none yet.
    #[error("there is no stream key yet; make one with `onionstream stream-key`")]
    Missing,
    /// A key cannot be made.
    #[error("no random bytes from the operating system")]
    Randomness(#[source] getrandom::Error),
}

/// The file with the key. Holds no key itself.
#[derive(Debug, Clone)]
pub struct StreamKey {
    file: PathBuf,
}

impl StreamKey {
    /// The key of the show with this state directory.
    pub fn of(state: &Path) -> Self {
        Self {
            file: state.join(KEY_FILE),
        }
    }

    /// The key; made if there is none. Blocks.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub fn open(&self) -> Result<Zeroizing<String>, KeyError> {
        match self.read() {
            Err(KeyError::Missing) => self.renew(),
            result => result,
        }
    }

    /// Makes another key of 100 bits, like `7k2m-q9xd-…`; the old one is of no use any more. Blocks.
    ///
    /// # Errors
    ///
    /// [`KeyError`]; the old key stays.
    pub fn renew(&self) -> Result<Zeroizing<String>, KeyError> {
        let key = passwords::generate().map_err(KeyError::Randomness)?;
        let mut line = Zeroizing::new(String::with_capacity(key.len() + 1));
        line.push_str(&key);
        line.push('\n');
        private_file::write(&self.file, &line)?;
        Ok(key)
    }

    /// Whether this is the key, in a time that does not depend on how much of it is right. Blocks.
    ///
    /// # Errors
    ///
    /// [`KeyError`]: then nobody has the right key.
    pub fn is(&self, presented: &str) -> Result<bool, KeyError> {
        let key = self.read()?;
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        let (right, given) = (digest(&key), digest(presented));
        let difference = right
            .iter()
            .zip(&given)
            .fold(0, |difference, (a, b)| difference | (a ^ b));
        Ok(difference == 0)
    }

    fn read(&self) -> Result<Zeroizing<String>, KeyError> {
        let text = private_file::read(&self.file)?.ok_or(KeyError::Missing)?;
        let key = text.trim();
        let is_one = (20..=MAX_KEY_BYTES).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !is_one {
            return Err(KeyError::NotAKey(self.file.clone()));
        }
        Ok(Zeroizing::new(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_key_is_made_once_stays_and_is_for_us_alone() {
        let state = tempfile::tempdir().unwrap();
        let key = StreamKey::of(state.path());
        assert!(matches!(key.is(""), Err(KeyError::Missing)));

        let first = key.open().unwrap();

        assert_eq!(key.open().unwrap(), first);
        assert_eq!(first.len(), 24);
        let mode = fs::metadata(state.path().join(KEY_FILE)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        assert!(key.is(&first).unwrap());
        for wrong in [
            "",
            "x",
            first.trim_end_matches(char::is_alphanumeric),
            &format!("{} ", *first),
        ] {
            assert!(!key.is(wrong).unwrap(), "{wrong}");
        }
    }

    #[test]
    fn another_key_makes_the_old_one_useless_at_once() {
        let state = tempfile::tempdir().unwrap();
        let key = StreamKey::of(state.path());
        let old = key.open().unwrap();

        let new = StreamKey::of(state.path()).renew().unwrap();

        assert!(!key.is(&old).unwrap() && key.is(&new).unwrap());
    }

    #[test]
    fn a_file_without_a_key_lets_nobody_in() {
        let state = tempfile::tempdir().unwrap();
        let key = StreamKey::of(state.path());
        for text in ["", "\n", "short", "with a space in the middle of it"] {
            private_file::write(&state.path().join(KEY_FILE), text).unwrap();
            assert!(matches!(key.is(text), Err(KeyError::NotAKey(_))), "{text}");
            assert!(key.open().is_err(), "it is not overwritten");
        }
    }
}
