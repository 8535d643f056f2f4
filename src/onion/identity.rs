//! The identity of the onion service: a directory of key files, as C tor's `HiddenServiceDir`.
//!
//! Belongs here: reading, checking and making the three files. Does not belong here: using the
//! secret key. arti reads it from the same files itself, so there is no second copy on the disk and
//! none in our memory for longer than a check takes.
//!
//! Invariants: a secret key is never overwritten, and being killed at any moment leaves either no
//! identity or a whole one. The secret key is what makes an identity; it appears in one step
//! (a hard link to a finished file), and the other two files can be made from it at any time.
//!
//! Format: `hs_ed25519_secret_key` is a 32-byte header and the 64-byte expanded key (RFC 8032 §5.1.5),
//! `hs_ed25519_public_key` a 32-byte header and the key, `hostname` the address and a line feed.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use safelog::DisplayRedacted as _;
use sha2::{Digest as _, Sha256, Sha512};
use tor_hscrypto::pk::HsIdKey;
use tor_hsservice::HsNickname;
use tor_llcrypto::pk::ed25519::{ExpandedKeypair, PublicKey};

use super::keys_error::{KeysError, Wrong};

const SECRET_FILE: &str = "hs_ed25519_secret_key";
const PUBLIC_FILE: &str = "hs_ed25519_public_key";
/// Holds the address as one line.
pub const HOSTNAME_FILE: &str = "hostname";
/// Where a new secret key is written before it gets its name.
const UNFINISHED_FILE: &str = ".unfinished";
/// What the identity leaves in its directory, besides [`HOSTNAME_FILE`].
pub const KEY_FILES: [&str; 3] = [SECRET_FILE, PUBLIC_FILE, UNFINISHED_FILE];

/// What the files start with, filled up with zeros to [`HEADER`] bytes.
const SECRET_TAG: &[u8] = b"== ed25519v1-secret: type0 ==";
const PUBLIC_TAG: &[u8] = b"== ed25519v1-public: type0 ==";
const HEADER: usize = 32;
const SECRET_LENGTH: usize = HEADER + 64;
const PUBLIC_LENGTH: usize = HEADER + 32;

/// The key everybody has; serving under it would let anybody take the address over.
const EXAMPLE_SECRET: &[u8] = include_bytes!("../../onion-keys.example/hs_ed25519_secret_key");

/// Most files looked at in the directory; C tor keeps three and a directory of client keys.
const MAX_ENTRIES: usize = 1000;

/// An onion address with its `.onion`, to be shown to the broadcaster and to nobody else.
///
/// It has no place in logs, so its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct OnionAddress(String);

impl OnionAddress {
    /// The 56 letters and digits and `.onion`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OnionAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnionAddress(hidden)")
    }
}

/// A checked identity: the public part only.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    public: PublicKey,
    dir: PathBuf,
}

/// The whole content of a secret key file, erased when dropped.
struct SecretFile([u8; SECRET_LENGTH]);

impl Drop for SecretFile {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the compiler from leaving out the line above.
        std::hint::black_box(&self.0);
    }
}

impl SecretFile {
    /// A new key from the random source of the operating system.
    fn generate() -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let mut key: [u8; 64] = Sha512::digest(seed).into();
        // The bits that RFC 8032 fixes; C tor stores them fixed.
        key[0] &= 0b1111_1000;
        key[31] &= 0b0111_1111;
        key[31] |= 0b0100_0000;
        let mut file = Self([0; SECRET_LENGTH]);
        for (place, byte) in file.0.iter_mut().zip(SECRET_TAG) {
            *place = *byte;
        }
        file.0[HEADER..].copy_from_slice(&key);
        seed.fill(0);
        key.fill(0);
        std::hint::black_box((&seed, &key));
        Ok(file)
    }

    /// The public key, or `None` if this is not a whole key.
    fn public(&self) -> Option<PublicKey> {
        let (header, key) = self.0.split_at_checked(HEADER)?;
        let (scalar, prefix) = key.split_at_checked(32)?;
        // Zeros are what some file systems leave after a loss of power.
        if !is_header(header, SECRET_TAG)
            || [scalar, prefix]
                .iter()
                .any(|half| half.iter().all(|byte| *byte == 0))
        {
            return None;
        }
        ExpandedKeypair::from_secret_key_bytes(key.try_into().ok()?).map(|pair| *pair.public())
    }
}

fn is_header(header: &[u8], tag: &[u8]) -> bool {
    header
        .strip_prefix(tag)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
}

impl Identity {
    /// Checks the identity in `dir`; makes a new one if there is none.
    ///
    /// Blocks for a few milliseconds of file work.
    pub(super) fn open(dir: &Path) -> Result<Self, KeysError> {
        // Absolute because arti keeps the path and reads the files again later.
        let dir = std::path::absolute(dir).map_err(KeysError::cannot("find", dir))?;
        match dir.metadata() {
            Ok(found) if !found.is_dir() => {
                return Err(KeysError::wrong(&dir, Wrong::NotADirectory));
            }
            Ok(_) => {}
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(&dir)
                    .map_err(KeysError::cannot("make", &dir))?;
            }
            Err(cause) => {
                return Err(KeysError::Cannot {
                    doing: "read",
                    file: dir,
                    cause,
                });
            }
        }
        refuse_the_example(&dir)?;
        check_access(&dir)?;

        let secret = dir.join(SECRET_FILE);
        if !exists(&secret)? {
            for left in [PUBLIC_FILE, HOSTNAME_FILE] {
                if exists(&dir.join(left))? {
                    return Err(KeysError::wrong(&secret, Wrong::SecretKeyMissing));
                }
            }
            make_secret(&dir)?;
        }
        let public = read_secret(&secret)?
            .public()
            .ok_or_else(|| KeysError::wrong(&secret, Wrong::SecretKeyBroken))?;
        let identity = Self { public, dir };
        identity.check_or_make(
            PUBLIC_FILE,
            &identity.public_file(),
            Wrong::PublicKeyDiffers,
        )?;
        identity.check_or_make(
            HOSTNAME_FILE,
            &identity.hostname_file(),
            Wrong::HostnameDiffers,
        )?;
        Ok(identity)
    }

    /// The absolute path of the directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn address(&self) -> OnionAddress {
        OnionAddress(
            HsIdKey::from(self.public)
                .id()
                .display_unredacted()
                .to_string(),
        )
    }

    /// The name under which arti keeps what belongs to this identity (introduction points and their
    /// keys), so that exchanging the directory for another identity mixes nothing up.
    ///
    /// A digest, because arti writes this name into its log and the address must not be there.
    pub(super) fn nickname(&self) -> Result<HsNickname, tor_hsservice::InvalidNickname> {
        let digest = Sha256::new()
            .chain_update(b"onionstream nickname")
            .chain_update(self.public.to_bytes())
            .finalize();
        let name: String = HEXLOWER.encode(&digest).chars().take(16).collect();
        HsNickname::try_from(format!("id-{name}"))
    }

    fn public_file(&self) -> Vec<u8> {
        let mut content = PUBLIC_TAG.to_vec();
        content.resize(HEADER, 0);
        content.extend_from_slice(&self.public.to_bytes());
        content
    }

    fn hostname_file(&self) -> Vec<u8> {
        format!("{}\n", self.address().as_str()).into_bytes()
    }

    /// Compares a file with what it should hold, or writes it if it is missing.
    fn check_or_make(&self, name: &str, content: &[u8], otherwise: Wrong) -> Result<(), KeysError> {
        let file = self.dir.join(name);
        if exists(&file)? {
            let found = read_at_most(&file, PUBLIC_LENGTH.max(content.len()) + 2)?;
            // Editors add or drop the last line feed.
            return if found.trim_ascii_end() == content.trim_ascii_end() {
                Ok(())
            } else {
                Err(KeysError::wrong(&file, otherwise))
            };
        }
        let unfinished = self.dir.join(UNFINISHED_FILE);
        write_new(&unfinished, content)?;
        fs::rename(&unfinished, &file).map_err(KeysError::cannot("make", &file))?;
        sync_dir(&self.dir)
    }
}

/// Refuses the published key before anything else: its sentence is the useful one whatever its mode.
fn refuse_the_example(dir: &Path) -> Result<(), KeysError> {
    let secret = dir.join(SECRET_FILE);
    match read_at_most(&secret, SECRET_LENGTH + 1) {
        Ok(content) if content == EXAMPLE_SECRET => {
            Err(KeysError::wrong(&secret, Wrong::ExampleKey))
        }
        // Everything else is judged later, with a sentence of its own.
        _ => Ok(()),
    }
}

/// The directory and everything in it must belong to us and be closed to everybody else.
fn check_access(dir: &Path) -> Result<(), KeysError> {
    let me = rustix::process::geteuid().as_raw();
    let check = |path: &Path, found: &fs::Metadata| {
        if found.uid() != me {
            return Err(KeysError::wrong(path, Wrong::NotOurs));
        }
        if found.mode() & 0o077 != 0 {
            let is_dir = found.is_dir();
            return Err(KeysError::wrong(
                path,
                Wrong::OpenToOthers {
                    mode: found.mode() & 0o777,
                    is_dir,
                },
            ));
        }
        Ok(())
    };
    check(
        dir,
        &dir.metadata().map_err(KeysError::cannot("read", dir))?,
    )?;
    for entry in dir
        .read_dir()
        .map_err(KeysError::cannot("read", dir))?
        .take(MAX_ENTRIES)
    {
        let path = entry.map_err(KeysError::cannot("read", dir))?.path();
        let found = path
            .symlink_metadata()
            .map_err(KeysError::cannot("read", &path))?;
        let is_key = [SECRET_FILE, PUBLIC_FILE, HOSTNAME_FILE]
            .iter()
            .any(|name| path.ends_with(name));
        if is_key && !found.is_file() {
            return Err(KeysError::wrong(&path, Wrong::NotAFile));
        }
        // The mode of a symbolic link says nothing.
        if !found.is_symlink() {
            check(&path, &found)?;
        }
    }
    Ok(())
}

fn exists(file: &Path) -> Result<bool, KeysError> {
    match file.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(KeysError::Cannot {
            doing: "read",
            file: file.to_owned(),
            cause,
        }),
    }
}

/// At most `limit` bytes; not for secrets, except the published one.
fn read_at_most(file: &Path, limit: usize) -> Result<Vec<u8>, KeysError> {
    let mut content = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut reading = File::open(file)
        .map_err(KeysError::cannot("read", file))?
        .take(limit);
    reading
        .read_to_end(&mut content)
        .map_err(KeysError::cannot("read", file))?;
    Ok(content)
}

fn read_secret(file: &Path) -> Result<SecretFile, KeysError> {
    let cannot = KeysError::cannot("read", file);
    let mut reading = File::open(file).map_err(&cannot)?;
    // By its size, so that a file that is too long is refused like one that is too short.
    if reading.metadata().map_err(&cannot)?.len() != SECRET_LENGTH as u64 {
        return Err(KeysError::wrong(file, Wrong::SecretKeyBroken));
    }
    let mut secret = SecretFile([0; SECRET_LENGTH]);
    reading.read_exact(&mut secret.0).map_err(cannot)?;
    Ok(secret)
}

fn make_secret(dir: &Path) -> Result<(), KeysError> {
    let secret = SecretFile::generate().map_err(|cause| KeysError::Cannot {
        doing: "make",
        file: dir.join(SECRET_FILE),
        cause: cause.into(),
    })?;
    let unfinished = dir.join(UNFINISHED_FILE);
    let finished = dir.join(SECRET_FILE);
    write_new(&unfinished, &secret.0)?;
    // A link, because a rename would silently replace a key that has appeared meanwhile.
    fs::hard_link(&unfinished, &finished).map_err(KeysError::cannot("make", &finished))?;
    fs::remove_file(&unfinished).map_err(KeysError::cannot("remove", &unfinished))?;
    sync_dir(dir)
}

/// Writes a file for this user alone, and waits until it is on the disk.
fn write_new(file: &Path, content: &[u8]) -> Result<(), KeysError> {
    match fs::remove_file(file) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            return Err(KeysError::Cannot {
                doing: "remove",
                file: file.to_owned(),
                cause,
            });
        }
        // Left behind by a process that was killed, and never used.
        _ => {}
    }
    let write = || {
        let mut writing = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)?;
        writing.write_all(content)?;
        writing.sync_all()
    };
    write().map_err(KeysError::cannot("write", file))
}

fn sync_dir(dir: &Path) -> Result<(), KeysError> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(KeysError::cannot("write", dir))
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
