//! Opening files that somebody else writes.
//!
//! Belongs here: what is opened at all, and reading small files with a limit.
//! Does not belong here: which files those are and what they contain.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;
use thiserror::Error;

use super::identity::Identity;

/// Why a file is not read.
#[derive(Debug, Error)]
pub(super) enum FileError {
    /// It could point anywhere.
    #[error("it is a symbolic link; put the file itself there")]
    Symlink,
    /// A directory, pipe, socket or device.
    #[error("it is not a regular file")]
    NotRegular,
    /// Longer than the limit of such a file.
    #[error("it has more than {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// It was written to while it was read: ask again.
    #[error("it is being written")]
    Changing,
    /// The file system says no.
    #[error("it cannot be read: {0}")]
    Io(io::Error),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Whether the last part of a path may be a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// As the encoder's files: what it writes are files.
    Refused,
    /// As the title file, which people may keep elsewhere.
    Followed,
}

/// The present state of whatever is at `path`, a link itself rather than what it points to;
/// `None` if there is nothing or it cannot be asked.
pub(super) fn state(path: &Path) -> Option<Identity> {
    fs::symlink_metadata(path)
        .ok()
        .map(|metadata| Identity::from(&metadata))
}

/// Opens a regular file for reading without ever waiting for another process; `None` if there is
/// nothing.
pub(super) fn open(path: &Path, links: Links) -> Result<Option<(File, Identity)>, FileError> {
    // Asked before opening, because opening a device can do something.
    let metadata = match links {
        Links::Refused => fs::symlink_metadata(path),
        Links::Followed => fs::metadata(path),
    };
    match metadata {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
        Ok(metadata) => must_be_regular(&metadata)?,
    }
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refused {
        flags |= OFlags::NOFOLLOW;
    }
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    must_be_regular(&metadata)?;
    Ok(Some((file, Identity::from(&metadata))))
}

fn must_be_regular(metadata: &Metadata) -> Result<(), FileError> {
    if metadata.file_type().is_symlink() {
        return Err(FileError::Symlink);
    }
    if metadata.is_file() {
        Ok(())
    } else {
        Err(FileError::NotRegular)
    }
}

/// The whole content of a file of at most `limit` bytes and the state it was read in; `None` if
/// there is nothing.
pub(super) fn read_small(
    path: &Path,
    links: Links,
    limit: usize,
) -> Result<Option<(Vec<u8>, Identity)>, FileError> {
    let Some((mut file, before)) = open(path, links)? else {
        return Ok(None);
    };
    let limit = limit as u64;
    let mut content = Vec::new();
    file.by_ref().take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(FileError::TooLarge { limit });
    }
    let after = Identity::from(&file.metadata()?);
    if before != after || after.size != content.len() as u64 {
        return Err(FileError::Changing);
    }
    Ok(Some((content, after)))
}
