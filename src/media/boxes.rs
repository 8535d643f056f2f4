//! Boxes of the ISO base media file format (ISO/IEC 14496-12 §4.2), read with limits.
//!
//! Belongs here: where a box begins and ends, its type and its plain fields.
//! Does not belong here: what a box means (`init.rs`, `fragment.rs`), cutting a growing file into
//! fragments (`boxes/splitter.rs`).
//!
//! Nothing here recurses: whoever reads a box inside a box asks for it by name, so the depth of an
//! input cannot matter. No input makes a function of this module panic or allocate.

mod splitter;

use std::fmt;

use thiserror::Error;

pub use splitter::{MAX_FRAGMENT_BYTES, Piece, SplitError, Splitter};

/// Length of `size` and `type`, in bytes.
const SHORT_HEADER: usize = 8;

/// Length of `size`, `type` and the 64-bit `largesize`, in bytes.
const LONG_HEADER: usize = 16;

/// The four characters that name a box.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BoxType(pub [u8; 4]);

impl BoxType {
    /// Whether the four bytes are characters that names of boxes are made of.
    ///
    /// The standard only says "normally four printable characters"; ISO 8859-1 `©` (0xA9) begins
    /// the names of `QuickTime` metadata.
    fn is_plausible(self) -> bool {
        self.0
            .iter()
            .all(|&byte| byte == 0xA9 || (0x20..0x7F).contains(&byte))
    }
}

impl fmt::Display for BoxType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for BoxType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// Why bytes are not a sequence of boxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BoxError {
    /// The four bytes where a type belongs are not characters.
    #[error("no box begins at byte {at}: its type would be `{kind}`")]
    NotABox {
        /// Position from the start of the bytes that were handed in.
        at: u64,
        /// The four bytes.
        kind: BoxType,
    },
    /// Size 0 means "to the end of the file", which a file that grows does not have.
    #[error("the box `{kind}` at byte {at} has no size of its own (size 0)")]
    Endless {
        /// Position from the start of the bytes that were handed in.
        at: u64,
        /// Its type.
        kind: BoxType,
    },
    /// The size is less than that of the header.
    #[error("the box `{kind}` at byte {at} says it has {size} bytes, less than its own header")]
    TooSmall {
        /// Position from the start of the bytes that were handed in.
        at: u64,
        /// Its type.
        kind: BoxType,
        /// The size it states, in bytes.
        size: u64,
    },
    /// A box ends after the box that holds it.
    #[error("the box `{kind}` at byte {at} is longer than what holds it")]
    Overhanging {
        /// Position from the start of the bytes that were handed in.
        at: u64,
        /// Its type.
        kind: BoxType,
    },
    /// A few bytes are left that are too short to be a box.
    #[error("{left} stray bytes after the last box, at byte {at}")]
    Stray {
        /// Position from the start of the bytes that were handed in.
        at: u64,
        /// How many.
        left: usize,
    },
    /// A field lies beyond the end of its box.
    #[error("the box `{kind}` ends before its fields do")]
    ShortFields {
        /// Its type.
        kind: BoxType,
    },
    /// A box that must be there is not.
    #[error("the box `{kind}` is missing in `{parent}`")]
    Missing {
        /// The type that was looked for.
        kind: BoxType,
        /// Where it was looked for.
        parent: BoxType,
    },
    /// A box that may be there once is there twice.
    #[error("the box `{kind}` appears twice in `{parent}`")]
    Twice {
        /// Its type.
        kind: BoxType,
        /// Where it was found.
        parent: BoxType,
    },
}

/// Type and extent of a box, from its first 8 or 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoxHeader {
    /// Its type.
    pub kind: BoxType,
    /// Length of the header itself: 8 or 16 bytes.
    pub header_len: usize,
    /// Length of the whole box with its header, in bytes; never less than `header_len`.
    pub size: u64,
}

impl BoxHeader {
    /// Reads the header of the box that begins with `bytes`; `at` is only for the error.
    ///
    /// `None` means that more bytes are needed to tell.
    ///
    /// # Errors
    ///
    /// A type that is not text, size 0 and a size below that of the header.
    pub fn read(bytes: &[u8], at: u64) -> Result<Option<Self>, BoxError> {
        let Some((&size, rest)) = bytes.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let Some((&kind, rest)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let kind = BoxType(kind);
        if !kind.is_plausible() {
            return Err(BoxError::NotABox { at, kind });
        }
        let (header_len, size) = match u32::from_be_bytes(size) {
            0 => return Err(BoxError::Endless { at, kind }),
            1 => match rest.first_chunk::<8>() {
                None => return Ok(None),
                Some(&large) => (LONG_HEADER, u64::from_be_bytes(large)),
            },
            size => (SHORT_HEADER, u64::from(size)),
        };
        if size < header_len as u64 {
            return Err(BoxError::TooSmall { at, kind, size });
        }
        Ok(Some(Self {
            kind,
            header_len,
            size,
        }))
    }
}

/// One complete box inside bytes that are all there.
#[derive(Debug, Clone, Copy)]
pub struct MediaBox<'bytes> {
    /// Its type.
    pub kind: BoxType,
    /// Where it begins, from the start of the outermost bytes.
    pub at: usize,
    /// Where its body begins, from the start of the outermost bytes.
    pub body_at: usize,
    /// What follows the header.
    pub body: &'bytes [u8],
}

impl<'bytes> MediaBox<'bytes> {
    /// The boxes that the body consists of.
    pub fn children(&self) -> Boxes<'bytes> {
        Boxes {
            rest: self.body,
            at: self.body_at,
        }
    }

    /// The only child of that type.
    ///
    /// # Errors
    ///
    /// [`BoxError::Missing`], [`BoxError::Twice`], or the first malformed child.
    pub fn child(&self, kind: &[u8; 4]) -> Result<MediaBox<'bytes>, BoxError> {
        let kind = BoxType(*kind);
        let mut found = None;
        for child in self.children() {
            let child = child?;
            if child.kind == kind && found.replace(child).is_some() {
                return Err(BoxError::Twice {
                    kind,
                    parent: self.kind,
                });
            }
        }
        found.ok_or(BoxError::Missing {
            kind,
            parent: self.kind,
        })
    }

    /// A reader of the plain fields of the body.
    pub fn fields(&self) -> Fields<'bytes> {
        Fields {
            kind: self.kind,
            rest: self.body,
            at: self.body_at,
        }
    }
}

/// The boxes in bytes that are all there; ends after the first error.
#[derive(Debug, Clone)]
pub struct Boxes<'bytes> {
    rest: &'bytes [u8],
    at: usize,
}

impl<'bytes> Boxes<'bytes> {
    /// The boxes that `bytes` consist of.
    pub fn of(bytes: &'bytes [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    fn read(&self) -> Result<(MediaBox<'bytes>, usize), BoxError> {
        let at = self.at as u64;
        let header = BoxHeader::read(self.rest, at)?.ok_or(BoxError::Stray {
            at,
            left: self.rest.len(),
        })?;
        let overhanging = BoxError::Overhanging {
            at,
            kind: header.kind,
        };
        let Ok(size) = usize::try_from(header.size) else {
            return Err(overhanging);
        };
        let Some(body) = self.rest.get(header.header_len..size) else {
            return Err(overhanging);
        };
        Ok((
            MediaBox {
                kind: header.kind,
                at: self.at,
                body_at: self.at + header.header_len,
                body,
            },
            size,
        ))
    }
}

impl<'bytes> Iterator for Boxes<'bytes> {
    type Item = Result<MediaBox<'bytes>, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match self.read() {
            Ok((found, size)) => {
                self.rest = self.rest.get(size..).unwrap_or_default();
                self.at += size;
                Some(Ok(found))
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}

/// Reads big-endian fields one after the other.
#[derive(Debug, Clone)]
pub struct Fields<'bytes> {
    kind: BoxType,
    rest: &'bytes [u8],
    at: usize,
}

impl Fields<'_> {
    /// Position of the next field, from the start of the outermost bytes.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], BoxError> {
        let short = BoxError::ShortFields { kind: self.kind };
        let (&field, rest) = self.rest.split_first_chunk::<N>().ok_or(short)?;
        self.rest = rest;
        self.at += N;
        Ok(field)
    }

    /// `FullBox`: the version and the 24 bits of flags.
    pub fn version_and_flags(&mut self) -> Result<(u8, u32), BoxError> {
        let word = self.u32()?;
        let [version, ..] = word.to_be_bytes();
        Ok((version, word & 0x00FF_FFFF))
    }

    /// The next 32 bits.
    pub fn u32(&mut self) -> Result<u32, BoxError> {
        self.take().map(u32::from_be_bytes)
    }

    /// The next 64 bits.
    pub fn u64(&mut self) -> Result<u64, BoxError> {
        self.take().map(u64::from_be_bytes)
    }

    /// The next four bytes as they are.
    pub fn four(&mut self) -> Result<[u8; 4], BoxError> {
        self.take()
    }

    /// Passes over `count` bytes.
    pub fn skip(&mut self, count: usize) -> Result<(), BoxError> {
        self.rest = self
            .rest
            .get(count..)
            .ok_or(BoxError::ShortFields { kind: self.kind })?;
        self.at += count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_box_may_state_its_size_in_64_bits() {
        let mut bytes = vec![0, 0, 0, 1];
        bytes.extend(b"free");
        bytes.extend(18_u64.to_be_bytes());
        bytes.extend([7, 8]);

        let found = Boxes::of(&bytes).next().unwrap().unwrap();

        assert_eq!(
            (found.kind, found.body_at, found.body),
            (BoxType(*b"free"), 16, &[7, 8][..])
        );
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let kind = BoxType(*b"free");
        let table = [
            (0_u32, BoxError::Endless { at: 5, kind }),
            (
                7,
                BoxError::TooSmall {
                    at: 5,
                    kind,
                    size: 7,
                },
            ),
        ];
        for (size, expected) in table {
            let bytes = [&size.to_be_bytes()[..], b"free"].concat();
            assert_eq!(BoxHeader::read(&bytes, 5), Err(expected));
        }
        let large = [&1_u32.to_be_bytes()[..], b"free", &15_u64.to_be_bytes()].concat();
        assert_eq!(
            BoxHeader::read(&large, 0),
            Err(BoxError::TooSmall {
                at: 0,
                kind,
                size: 15
            })
        );
    }

    #[test]
    fn text_where_a_box_belongs_is_not_a_box_and_the_message_stays_printable() {
        let error = BoxHeader::read(b"\0\0\0\x10\x1b[2J", 0).unwrap_err();

        assert_eq!(
            error.to_string(),
            r"no box begins at byte 0: its type would be `\x1b[2J`"
        );
    }

    #[test]
    fn a_child_longer_than_its_parent_is_refused() {
        let bytes = [
            &16_u32.to_be_bytes()[..],
            b"moov",
            &9_u32.to_be_bytes(),
            b"trak",
        ]
        .concat();
        let parent = Boxes::of(&bytes).next().unwrap().unwrap();

        let error = parent.child(b"trak").unwrap_err();

        assert_eq!(
            error,
            BoxError::Overhanging {
                at: 8,
                kind: BoxType(*b"trak")
            }
        );
    }

    proptest! {
        #[test]
        fn walking_any_bytes_ends_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let boxes = Boxes::of(&bytes).count();
            prop_assert!(boxes <= bytes.len() / SHORT_HEADER + 1);
        }
    }
}
