//! A small text file for this user alone, read with suspicion and written whole or not at all.
//!
//! Belongs here: owner, mode, size, links; writing without ever leaving half a file.
//! Does not belong here: what is in it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// Largest file that is read, in bytes. The largest that is written, with as many bans as there may
/// be, has some 5 MiB.
pub const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Why a private file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateFileError {
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
    /// Another user could have chosen what is in it.
    #[error("`{}` belongs to another user; make it yours with `chown`", .0.display())]
    NotOurs(PathBuf),
    /// Another user can read it.
    #[error("`{}` is open to other users of this computer (mode {mode:o}); set its mode to 600 with `chmod`", .file.display())]
    OpenToOthers {
        /// The file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Larger than [`MAX_BYTES`].
    #[error("`{}` is larger than {} KiB, so it is not ours; move it away", .0.display(), MAX_BYTES / 1024)]
    TooLarge(PathBuf),
    /// Not text.
    #[error("`{}` is not UTF-8 text (perhaps half-written); restore it from a backup, or move it away", .0.display())]
    NotText(PathBuf),
    /// No name for the unfinished file.
    #[error("no random bytes from the operating system")]
    Randomness(#[source] getrandom::Error),
}

/// For `map_err`.
fn cannot(doing: &'static str, file: &Path) -> impl Fn(io::Error) -> PrivateFileError + use<> {
    let file = file.to_owned();
    move |cause| PrivateFileError::Cannot {
        doing,
        file: file.clone(),
        cause,
    }
}

/// Makes a directory for this user alone, if it is missing. Blocks.
///
/// # Errors
///
/// As from the system.
pub fn make_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

/// The text of the file; `None` if there is no file. Blocks.
///
/// # Errors
///
/// [`PrivateFileError`], also for a file that others could have written or can read.
pub fn read(path: &Path) -> Result<Option<Zeroizing<String>>, PrivateFileError> {
    // Not through a link, and without waiting for the writer of a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(PrivateFileError::NotAFile(path.to_owned()));
        }
        result => result.map_err(cannot("read", path))?,
    };
    // Of what was opened, not of what stands at the path by now.
    let found = file.metadata().map_err(cannot("read", path))?;
    if !found.is_file() {
        return Err(PrivateFileError::NotAFile(path.to_owned()));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(PrivateFileError::NotOurs(path.to_owned()));
    }
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(PrivateFileError::OpenToOthers {
            file: path.to_owned(),
            mode,
        });
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let read = file
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot("read", path))?;
    if read as u64 > MAX_BYTES {
        return Err(PrivateFileError::TooLarge(path.to_owned()));
    }
    std::str::from_utf8(&bytes)
        .map(|text| Some(Zeroizing::new(text.to_owned())))
        .map_err(|_not| PrivateFileError::NotText(path.to_owned()))
}

/// Whether [`write()`] (or a program that was killed in it) uses `name` for what is not yet `file`.
pub fn is_unfinished(name: &str, file: &str) -> bool {
    let mark = name
        .strip_prefix('.')
        .and_then(|name| name.strip_prefix(file)?.strip_prefix('.'));
    mark.is_some_and(|mark| mark.len() == 16 && mark.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Removes what a [`write()`] left behind in which the program was killed. Blocks.
///
/// Only for somebody who knows that nobody is writing this file now.
pub fn remove_unfinished(path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let entries = path.parent().and_then(|parent| fs::read_dir(parent).ok());
    for entry in entries.into_iter().flatten().flatten() {
        if is_unfinished(&entry.file_name().to_string_lossy(), &name) {
            // What stays is removed at another start.
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// Replaces the file, or leaves the old one as it is. Blocks until it is on the disk.
///
/// # Errors
///
/// [`PrivateFileError`], for example when the disk is full.
pub fn write(path: &Path, text: &str) -> Result<(), PrivateFileError> {
    let mut mark = [0; 8];
    getrandom::fill(&mut mark).map_err(PrivateFileError::Randomness)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mark = data_encoding::HEXLOWER.encode(&mark);
    let unfinished = directory.join(format!(".{name}.{mark}"));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&unfinished, path))
        .map_err(cannot("write", path));
    if written.is_err() {
        // What cannot be removed now was perhaps never made.
        drop(fs::remove_file(&unfinished));
    }
    written?;
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(cannot("write", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn what_was_written_is_read_back_and_is_for_us_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.toml");
        assert!(read(&file).unwrap().is_none());

        write(&file, "one").unwrap();
        write(&file, "two").unwrap();

        assert_eq!(read(&file).unwrap().unwrap().as_str(), "two");
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_program_left_is_removed_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.toml");
        write(&file, "x").unwrap();
        for name in [
            ".x.toml.0123456789abcdef",
            ".y.toml.0123456789abcdef",
            ".x.toml.bak",
        ] {
            fs::write(directory.path().join(name), "half").unwrap();
        }

        remove_unfinished(&file);

        let left = fs::read_dir(directory.path()).unwrap();
        let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".x.toml.bak", ".y.toml.0123456789abcdef", "x.toml"]);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.toml");
        fs::create_dir(&file).unwrap();
        fs::write(file.join("inside"), "old").unwrap();

        assert!(matches!(
            write(&file, "new"),
            Err(PrivateFileError::Cannot { doing: "write", .. })
        ));
        assert_eq!(fs::read_to_string(file.join("inside")).unwrap(), "old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn files_that_others_could_have_written_or_read_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.toml");
        write(&file, "x").unwrap();
        let link = directory.path().join("link");
        symlink(&file, &link).unwrap();
        assert!(matches!(read(&link), Err(PrivateFileError::NotAFile(_))));
        assert!(matches!(
            read(directory.path()),
            Err(PrivateFileError::NotAFile(_))
        ));

        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            read(&file),
            Err(PrivateFileError::OpenToOthers { mode: 0o640, .. })
        ));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&file, [0xff, 0xfe]).unwrap();
        assert!(matches!(read(&file), Err(PrivateFileError::NotText(_))));
        let large = usize::try_from(MAX_BYTES).unwrap() + 1;
        fs::write(&file, vec![b'x'; large]).unwrap();
        assert!(matches!(read(&file), Err(PrivateFileError::TooLarge(_))));
    }
}
