//! One segment file, read once while it grows.
//!
//! Belongs here: the open file, how far it has been read, cutting it into fragments.
//! Does not belong here: which segment to read next.

use std::{
    fs::File,
    io::{self, Read},
};

use thiserror::Error;

use super::{file::FileError, identity::Identity};
use crate::media::{
    boxes::{Piece, SplitError, Splitter},
    fragment::{Fragment, FragmentError},
    init::InitSegment,
};

/// Why the rest of a segment is not served.
#[derive(Debug, Error)]
pub(super) enum SegmentError {
    /// The file is shorter than what was read of it: somebody began to write it anew.
    #[error("it has become shorter")]
    Truncated,
    /// It has grown beyond the limit or cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It does not consist of fragments.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A fragment of it cannot be forwarded.
    #[error("the fragment at byte {at}: {error}")]
    Fragment {
        /// Where the fragment begins in the segment.
        at: u64,
        /// What is wrong with it.
        error: FragmentError,
    },
}

/// A segment file that is being read.
#[derive(Debug)]
pub(super) struct SegmentReader {
    file: File,
    read: u64,
    splitter: Splitter,
    /// Fragments that end here or before are leftovers.
    skip: u64,
    /// No fragment has come out yet, leftovers included.
    at_first: bool,
    max_bytes: u64,
}

impl SegmentReader {
    /// Reads `file` from its start, without the fragments that end within the first `skip` bytes.
    pub(super) fn new(file: File, skip: u64, max_bytes: u64, max_fragment_bytes: u64) -> Self {
        Self {
            file,
            read: 0,
            splitter: Splitter::new(max_fragment_bytes),
            skip,
            at_first: true,
            max_bytes,
        }
    }

    /// Hands every fragment that is complete by now to `each`. `buffer` is scratch space.
    ///
    /// # Errors
    ///
    /// See [`SegmentError`]; the segment is then to be given up.
    pub(super) fn read(
        &mut self,
        init: &InitSegment,
        buffer: &mut [u8],
        each: &mut dyn FnMut(Fragment),
    ) -> Result<(), SegmentError> {
        let size = self.file.metadata().map_err(FileError::Io)?.len();
        if size < self.read {
            return Err(SegmentError::Truncated);
        }
        if size > self.max_bytes {
            return Err(FileError::TooLarge {
                limit: self.max_bytes,
            }
            .into());
        }
        loop {
            let count = match self.file.read(buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(FileError::Io(error).into()),
            };
            self.read += count as u64;
            if self.read > self.max_bytes {
                return Err(FileError::TooLarge {
                    limit: self.max_bytes,
                }
                .into());
            }
            self.splitter.push(buffer.get(..count).unwrap_or_default());
            while let Some(piece) = self.splitter.next_piece()? {
                let is_first = std::mem::take(&mut self.at_first);
                if piece.ends_at > self.skip {
                    let fragment = fragment(piece, init)?;
                    each(if is_first {
                        fragment.starting_segment()
                    } else {
                        fragment
                    });
                }
            }
        }
    }

    /// Whether the file ends in the middle of a box, as far as it has been read.
    pub(super) fn is_cut_off(&self) -> bool {
        !self.splitter.is_at_boundary()
    }

    /// The present state of the open file, whatever is at its path by now; `None` if it is shorter
    /// than what was read.
    pub(super) fn state(&self) -> Option<Identity> {
        let state = Identity::from(&self.file.metadata().ok()?);
        (state.size >= self.read).then_some(state)
    }
}

fn fragment(piece: Piece, init: &InitSegment) -> Result<Fragment, SegmentError> {
    Fragment::parse(piece.bytes, init).map_err(|error| SegmentError::Fragment {
        at: piece.starts_at,
        error,
    })
}
