//! The file of a recording: opening it with suspicion, and finding where its last whole fragment ends.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::Duration,
};

use rustix::fs::OFlags;

use crate::media::{
    boxes::MAX_FRAGMENT_BYTES,
    recording::chapters::Chapters,
    stream::{Item, StreamReader},
};

/// Bytes that are read at once from a recording that has to be checked.
const CHECK: usize = 256 * 1024;

/// Opens a file of the directory, never through a link.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is not a plain file"))
    }
}

/// What a recording holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) length: Duration,
    /// Bytes of its whole fragments and what is before them.
    pub(super) bytes: u64,
    pub(super) chapters: Chapters,
}

/// Reads a recording. One of ours is cut after its last whole fragment.
pub(super) fn check(path: &Path, is_ours: bool) -> io::Result<Contents> {
    let mut file = open(path, OpenOptions::new().read(true).write(is_ours))?;
    if is_ours {
        // Another show may be writing it.
        file.try_lock()?;
    }
    let mut reader = StreamReader::new(MAX_FRAGMENT_BYTES);
    let mut buffer = vec![0; CHECK];
    let mut found = Contents::default();
    let mut start = None;
    'file: loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        reader.push(buffer.get(..read).unwrap_or_default());
        loop {
            match reader.next_item() {
                Ok(None) => break,
                Ok(Some(Item::Init(init))) => {
                    found.bytes = init.bytes().len() as u64;
                }
                Ok(Some(Item::Fragment(fragment))) => {
                    let start = *start.get_or_insert(fragment.start());
                    if is_ours && fragment.starts_with_keyframe() {
                        let at = fragment.start().saturating_sub(start);
                        found.chapters.push(at, found.bytes);
                    }
                    found.length = found.length.max(fragment.end().saturating_sub(start));
                    found.bytes += fragment.bytes().len() as u64;
                }
                // What comes after the last whole fragment is of no use.
                Err(_) => break 'file,
            }
        }
    }
    if is_ours {
        file.set_len(found.bytes)?;
        file.sync_all()?;
    } else {
        // Other programs may put other boxes between fragments.
        found.bytes = file.metadata()?.len();
    }
    Ok(found)
}
