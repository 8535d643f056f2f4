//! One running onionstream per directory.
//!
//! Belongs here: the lock that makes a second start in the same directory fail at once, with the
//! process number of the first. Does not belong here: locks of single parts (arti has its own).
//!
//! The lock is held by the kernel for an open file (`flock`), so it ends with the process however
//! that dies. The file itself stays: removing it would let two processes lock two different files.

use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// The locked file inside the state directory; it holds the process number in decimal.
pub const LOCK_FILE: &str = "instance.lock";

/// Proof that this process is the only onionstream in its state directory; ends when dropped.
#[derive(Debug)]
#[must_use = "the directory is free again when this is dropped"]
pub struct Instance {
    _lock: File,
}

/// Why a directory could not be claimed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// Another process holds the lock.
    #[error(
        "another onionstream{} is already running in `{}`; stop it first{}, or start this one with \
         another `--dir`",
        numbered(*.pid, " (process ", ")"), .dir.display(), numbered(*.pid, " (`kill ", "`)")
    )]
    AlreadyRunning {
        /// The state directory.
        dir: PathBuf,
        /// The other process, if it has written its number already.
        pid: Option<u32>,
    },
    /// The state directory could not be made, or not be closed to other people.
    #[error("cannot make the directory `{}` for this user alone; check who owns it", .dir.display())]
    Directory {
        /// The state directory.
        dir: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The lock file could not be opened, locked or written.
    #[error("cannot lock `{}`; check its owner and the space on the disk", .file.display())]
    LockFile {
        /// The lock file.
        file: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// `before`, the number and `after`, or nothing.
fn numbered(pid: Option<u32>, before: &str, after: &str) -> String {
    pid.map(|pid| format!("{before}{pid}{after}"))
        .unwrap_or_default()
}

impl Instance {
    /// Makes the state directory `dir` (mode 0700) and locks it for this process.
    ///
    /// # Errors
    ///
    /// [`InstanceError::AlreadyRunning`] at once, without waiting, if another process holds the lock.
    pub fn claim(dir: &Path) -> Result<Self, InstanceError> {
        make_private(dir).map_err(|cause| InstanceError::Directory {
            dir: dir.to_owned(),
            cause,
        })?;

        let file = dir.join(LOCK_FILE);
        let trouble = |cause| InstanceError::LockFile {
            file: file.clone(),
            cause,
        };
        // Not truncated here: until the lock is ours, the content belongs to the first process.
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&file)
            .map_err(trouble)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(InstanceError::AlreadyRunning {
                    dir: dir.to_owned(),
                    pid: read_pid(&lock),
                });
            }
            Err(TryLockError::Error(cause)) => return Err(trouble(cause)),
        }
        write_pid(&mut lock).map_err(trouble)?;
        Ok(Self { _lock: lock })
    }
}

/// Whether a process holds the state directory `dir` at this moment.
pub fn is_claimed(dir: &Path) -> bool {
    let Ok(lock) = File::open(dir.join(LOCK_FILE)) else {
        return false;
    };
    // Given back at once, when the file is closed.
    matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Makes `dir` if it is missing and takes every right from other people.
fn make_private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    // The directory may be older, or copied by a tool that does not keep modes.
    if dir.metadata()?.permissions().mode() & 0o777 != 0o700 {
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.rewind()?;
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}

/// The number in the file; `None` if the other process has not got round to writing it.
fn read_pid(lock: &File) -> Option<u32> {
    // Longer than any number; the file could hold anything.
    let mut text = String::new();
    lock.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_claim_names_the_process_that_holds_the_directory() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state");
        let _first = Instance::claim(&state).unwrap();

        let refusal = Instance::claim(&state).unwrap_err().to_string();

        assert!(is_claimed(&state) && !is_claimed(home.path()));
        let pid = std::process::id();
        assert!(
            refusal.starts_with(&format!(
                "another onionstream (process {pid}) is already running in `{}`; stop it first (`kill {pid}`)",
                state.display()
            )),
            "{refusal}"
        );
    }

    #[test]
    fn a_released_directory_can_be_claimed_again_whatever_the_lock_file_holds() {
        let home = tempfile::tempdir().unwrap();
        drop(Instance::claim(home.path()).unwrap());
        std::fs::write(
            home.path().join(LOCK_FILE),
            "not a number, and longer than any number",
        )
        .unwrap();

        let again = Instance::claim(home.path());

        assert!(again.is_ok());
        let text = std::fs::read_to_string(home.path().join(LOCK_FILE)).unwrap();
        assert_eq!(text.trim(), std::process::id().to_string());
    }

    #[test]
    fn a_lock_file_without_a_number_still_explains_the_refusal() {
        let home = tempfile::tempdir().unwrap();
        let _first = Instance::claim(home.path()).unwrap();
        std::fs::write(home.path().join(LOCK_FILE), "").unwrap();

        let refusal = Instance::claim(home.path()).unwrap_err();

        assert!(matches!(
            refusal,
            InstanceError::AlreadyRunning { pid: None, .. }
        ));
        assert!(
            refusal
                .to_string()
                .starts_with("another onionstream is already running in")
        );
    }

    #[test]
    fn the_state_directory_is_closed_to_other_people() {
        let home = tempfile::tempdir().unwrap();
        let open = home.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        let missing = home.path().join("not/yet/there");

        let _open = Instance::claim(&open).unwrap();
        let _missing = Instance::claim(&missing).unwrap();

        for dir in [open, missing] {
            assert_eq!(
                dir.metadata().unwrap().permissions().mode() & 0o777,
                0o700,
                "{}",
                dir.display()
            );
        }
    }
}
