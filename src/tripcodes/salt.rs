//! The salt file: 32 random bytes that make the tripcodes of a site its own.
//!
//! Belongs here: reading, checking and making `tripcode_salt` in the key directory.
//! Does not belong here: the rest of that directory (`onion/identity.rs`).

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// Name of the salt in the key directory.
pub const SALT_FILE: &str = "tripcode_salt";

/// Bytes of a salt.
const SALT_BYTES: usize = 32;

/// Hex digits of a salt.
const DIGITS: usize = 2 * SALT_BYTES;

/// Bytes of the file: hex text and a line feed.
const FILE_BYTES: usize = DIGITS + 1;

/// The salt of this site, as the hex digits of its file. `Debug` shows nothing.
pub struct Salt(Zeroizing<[u8; DIGITS]>);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(hidden)")
    }
}

/// Why the salt cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaltError {
    /// The system did not let us read or write.
    #[error("cannot {doing} `{}`; check who owns it and the space on the disk", .file.display())]
    Cannot {
        /// A verb.
        doing: &'static str,
        /// What was read or written.
        file: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A link, a directory or a device.
    #[error("`{}` must be a plain file, not a link or directory; put the file itself there", .0.display())]
    NotAFile(PathBuf),
    /// Another user could have chosen it.
    #[error("`{}` belongs to another user; make it yours with `chown`", .0.display())]
    NotOurs(PathBuf),
    /// Another user can read it and guess passwords.
    #[error("`{}` is open to other users of this computer (mode {mode:o}); set its mode to 600 with `chmod`", .file.display())]
    OpenToOthers {
        /// The salt file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not what we write.
    #[error(
        "`{}` is not 64 hex digits and a line feed (perhaps half-written); restore it from a backup, \
         or move it away to start with NEW tripcodes", .0.display()
    )]
    Broken(PathBuf),
    /// No new salt can be made.
    #[error("no random bytes from the operating system for a new salt")]
    Randomness(#[source] getrandom::Error),
}

impl Salt {
    /// Reads the salt of the site from its key directory; makes both if they are missing.
    ///
    /// Blocks for a few milliseconds of file work.
    ///
    /// # Errors
    ///
    /// [`SaltError`]; an existing file is never changed.
    pub fn open(keys_dir: &Path) -> Result<Self, SaltError> {
        let file = keys_dir.join(SALT_FILE);
        match read(&file) {
            Err(SaltError::Cannot { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
                make(keys_dir, &file)?;
                // Not what was made but what is there: another process may have been faster.
                read(&file)
            }
            result => result,
        }
    }

    /// A given salt, for checking a derivation by hand.
    pub fn from_bytes(bytes: [u8; SALT_BYTES]) -> Self {
        let mut digits = Zeroizing::new([0; DIGITS]);
        HEXLOWER.encode_mut(&bytes, digits.as_mut_slice());
        Self(digits)
    }

    /// What goes into the password function: 64 hex digits.
    pub(super) fn text(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// For `map_err`.
fn cannot(doing: &'static str, file: &Path) -> impl Fn(io::Error) -> SaltError + use<> {
    let file = file.to_owned();
    move |cause| SaltError::Cannot {
        doing,
        file: file.clone(),
        cause,
    }
}

fn read(path: &Path) -> Result<Salt, SaltError> {
    // Not through a link, and without waiting for the writer of a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match opened {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(SaltError::NotAFile(path.to_owned()));
        }
        result => result.map_err(cannot("read", path))?,
    };
    // Of what was opened, not of what stands at the path by now.
    let found = file.metadata().map_err(cannot("read", path))?;
    if !found.is_file() {
        return Err(SaltError::NotAFile(path.to_owned()));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(SaltError::NotOurs(path.to_owned()));
    }
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(SaltError::OpenToOthers {
            file: path.to_owned(),
            mode,
        });
    }
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_BYTES + 1));
    file.take(FILE_BYTES as u64 + 1)
        .read_to_end(&mut text)
        .map_err(cannot("read", path))?;
    parse(&text).ok_or_else(|| SaltError::Broken(path.to_owned()))
}

/// Exactly what [`make`] writes; a line feed that an editor dropped is forgiven.
fn parse(text: &[u8]) -> Option<Salt> {
    let digits = text.strip_suffix(b"\n").unwrap_or(text);
    let bytes = Zeroizing::new(HEXLOWER.decode(digits).ok()?);
    let salt = <[u8; SALT_BYTES]>::try_from(bytes.as_slice()).ok()?;
    // Zeros are what some file systems leave after a loss of power; as hex text nobody wrote them.
    (salt != [0; SALT_BYTES]).then(|| Salt::from_bytes(salt))
}

/// Puts a new salt there, whole or not at all; leaves one that appears meanwhile alone.
fn make(keys_dir: &Path, path: &Path) -> Result<(), SaltError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(keys_dir)
        .map_err(cannot("make", keys_dir))?;
    let mut random = Zeroizing::new([0; SALT_BYTES + 8]);
    getrandom::fill(random.as_mut_slice()).map_err(SaltError::Randomness)?;
    let (salt, mark) = random.split_at(SALT_BYTES);
    let mut text = Zeroizing::new(HEXLOWER.encode(salt));
    text.push('\n');
    let unfinished = keys_dir.join(format!(".{SALT_FILE}.{}", HEXLOWER.encode(mark)));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .map_err(cannot("write", &unfinished))
        // A link, unlike a new name, does not take the place of a file that is there.
        .and_then(|()| match fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(cannot("make", path)(error))
            }
            _ => Ok(()),
        });
    // What cannot be removed now was perhaps never made; the salt does not depend on it.
    drop(fs::remove_file(&unfinished));
    written?;
    File::open(keys_dir)
        .and_then(|dir| dir.sync_all())
        .map_err(cannot("write", keys_dir))
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        os::unix::fs::{PermissionsExt as _, symlink},
    };

    use super::*;

    fn keys() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let keys = dir.path().join("onion-keys");
        (dir, keys)
    }

    fn put(keys: &Path, text: &str, mode: u32) -> PathBuf {
        fs::create_dir_all(keys).unwrap();
        let file = keys.join(SALT_FILE);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn a_missing_salt_is_made_once_and_closed_to_others() {
        let (_dir, keys) = keys();

        let first = Salt::open(&keys).unwrap();
        let second = Salt::open(&keys).unwrap();

        assert_eq!(first.text(), second.text());
        assert_eq!(fs::metadata(&keys).unwrap().mode() & 0o777, 0o700);
        let found = fs::metadata(keys.join(SALT_FILE)).unwrap();
        assert_eq!((found.mode() & 0o777, found.len()), (0o600, 65));
        assert_eq!(
            fs::read_dir(&keys).unwrap().count(),
            1,
            "nothing else is left"
        );
    }

    #[test]
    fn processes_that_start_together_agree_on_one_salt() {
        let (_dir, keys) = keys();

        let salts: BTreeSet<Vec<u8>> = std::thread::scope(|scope| {
            let open = || Salt::open(&keys).unwrap().text().to_vec();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });

        assert_eq!(salts.len(), 1);
    }

    #[test]
    fn what_is_not_a_salt_is_refused_and_left_alone() {
        let whole = "0123456789abcdef".repeat(4);
        for text in [
            String::new(),
            "\n".to_owned(),
            whole.chars().take(62).collect(),
            format!("{whole}\n\n"),
            format!("{whole}00\n"),
            format!("{}\n", whole.to_uppercase()),
            format!("{}g\n", "0".repeat(63)),
            format!("{}\n", "0".repeat(64)),
            "x".repeat(100_000),
        ] {
            let (_dir, keys) = keys();
            let file = put(&keys, &text, 0o600);

            assert!(
                matches!(Salt::open(&keys), Err(SaltError::Broken(_))),
                "{text:.70}"
            );
            assert_eq!(fs::read_to_string(file).unwrap(), text);
        }
    }

    #[test]
    fn a_salt_from_a_backup_is_taken_with_and_without_its_line_feed() {
        for end in ["\n", ""] {
            let (_dir, keys) = keys();
            put(&keys, &format!("{}{end}", "0f".repeat(32)), 0o400);

            assert_eq!(
                Salt::open(&keys).unwrap().text(),
                "0f".repeat(32).as_bytes()
            );
        }
    }

    #[test]
    fn a_salt_that_others_can_read_is_refused_with_what_to_do() {
        let (_dir, keys) = keys();
        put(&keys, &"0f".repeat(32), 0o640);

        let error = Salt::open(&keys).unwrap_err().to_string();

        assert!(
            error.ends_with("(mode 640); set its mode to 600 with `chmod`"),
            "{error}"
        );
    }

    #[test]
    fn a_link_or_directory_in_its_place_is_refused() {
        let (_dir, keys) = keys();
        let elsewhere = put(&keys, &"0f".repeat(32), 0o600).with_file_name("elsewhere");
        fs::rename(keys.join(SALT_FILE), &elsewhere).unwrap();
        symlink(&elsewhere, keys.join(SALT_FILE)).unwrap();
        assert!(matches!(Salt::open(&keys), Err(SaltError::NotAFile(_))));

        fs::remove_file(keys.join(SALT_FILE)).unwrap();
        fs::create_dir(keys.join(SALT_FILE)).unwrap();
        assert!(matches!(Salt::open(&keys), Err(SaltError::NotAFile(_))));
    }

    #[test]
    fn the_salt_does_not_get_into_a_log_by_itself() {
        let salt = Salt::from_bytes([7; 32]);

        assert_eq!(format!("{salt:?}"), "Salt(hidden)");
    }
}
