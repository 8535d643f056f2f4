//! Cuts the bytes of a growing segment into fragments.
//!
//! Belongs here: which bytes belong together and when they are complete.
//! Does not belong here: reading the file, looking into a `moof`.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use super::{BoxError, BoxHeader, BoxType};

/// Longest accepted fragment (`moof` + `mdat`) unless told otherwise, in bytes.
///
/// A whole 10 s segment at 5 Mbit/s in one fragment, as the hls muxer of FFmpeg writes it, is
/// 6 MiB; a fragment of 200 ms is a hundredth of that.
pub const MAX_FRAGMENT_BYTES: u64 = 8 * 1024 * 1024;

/// Why a segment cannot be cut any further.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SplitError {
    /// The bytes are not a sequence of boxes.
    #[error(transparent)]
    Malformed(#[from] BoxError),
    /// A box, or a `moof` with its `mdat`, is longer than the limit.
    #[error("the box `{kind}` at byte {at} makes {size} bytes; the limit is {limit}")]
    TooLarge {
        /// Where it begins in the segment.
        at: u64,
        /// Its type.
        kind: BoxType,
        /// Its size, with that of the `moof` before it, in bytes.
        size: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A `moof` is not followed by its `mdat`.
    #[error("`{kind}` at byte {at} where the `mdat` of a fragment belongs")]
    NoMdat {
        /// Where the other box begins in the segment.
        at: u64,
        /// Its type.
        kind: BoxType,
    },
    /// An `mdat` without a `moof` before it.
    #[error("the `mdat` at byte {at} has no `moof` before it")]
    NoMoof {
        /// Where it begins in the segment.
        at: u64,
    },
    /// A segment with an init segment of its own.
    #[error(
        "`moov` at byte {at}: a segment must not contain an init segment; write it to `init.mp4` only"
    )]
    ContainsInit {
        /// Where it begins in the segment.
        at: u64,
    },
}

/// One complete fragment of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// `moof` and `mdat`, and nothing else.
    pub bytes: Bytes,
    /// Where its `moof` begins in the segment.
    pub starts_at: u64,
    /// The first byte after its `mdat` in the segment.
    pub ends_at: u64,
}

/// Takes the bytes of a segment as they come and gives back complete fragments.
///
/// Every other box between fragments (`styp`, `sidx`, `free`, `prft`, `emsg`, `mfra` and unknown
/// ones) is dropped: a player of the endless response does not need it, and an index would be wrong
/// there. After an error the same error comes back for ever; the rest of the segment is lost.
///
/// Bound: at most the limit of a fragment and what was pushed since the last call of
/// [`Splitter::next_piece`].
#[derive(Debug)]
pub struct Splitter {
    buffer: BytesMut,
    /// Position of the first byte of `buffer` in the segment.
    at: u64,
    /// How much of a dropped box is still to come.
    dropping: u64,
    limit: u64,
    failed: Option<SplitError>,
}

impl Splitter {
    /// For a segment from its first byte on; a fragment may have at most `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self {
            buffer: BytesMut::new(),
            at: 0,
            dropping: 0,
            limit,
            failed: None,
        }
    }

    /// Appends the next bytes of the segment.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next complete fragment; `None` if more bytes are needed.
    ///
    /// # Errors
    ///
    /// See [`SplitError`]; from then on the answer stays the same.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, SplitError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.advance().inspect_err(|error| {
            self.failed = Some(error.clone());
            self.buffer = BytesMut::new();
        })
    }

    /// Whether everything pushed so far has been given back or dropped: the segment may end here.
    pub fn is_at_boundary(&self) -> bool {
        self.failed.is_none() && self.buffer.is_empty() && self.dropping == 0
    }

    fn advance(&mut self) -> Result<Option<Piece>, SplitError> {
        loop {
            self.drop_pending();
            if self.dropping > 0 {
                return Ok(None);
            }
            let Some(head) = BoxHeader::read(&self.buffer, self.at)? else {
                return Ok(None);
            };
            self.check_size(self.at, head.kind, head.size)?;
            match &head.kind.0 {
                b"moof" => return self.fragment(head.size),
                b"mdat" => return Err(SplitError::NoMoof { at: self.at }),
                b"moov" => return Err(SplitError::ContainsInit { at: self.at }),
                _ => self.dropping = head.size,
            }
        }
    }

    fn drop_pending(&mut self) {
        let now = self
            .buffer
            .len()
            .min(usize::try_from(self.dropping).unwrap_or(usize::MAX));
        self.buffer.advance(now);
        self.at += now as u64;
        self.dropping -= now as u64;
    }

    /// The fragment at the start of the buffer, whose `moof` has `moof` bytes.
    fn fragment(&mut self, moof: u64) -> Result<Option<Piece>, SplitError> {
        let mdat_at = self.at + moof;
        // Sizes are below the limit, which the caller keeps in memory: they fit a `usize`.
        let behind = usize::try_from(moof)
            .ok()
            .and_then(|moof| self.buffer.get(moof..));
        let Some(behind) = behind else {
            return Ok(None);
        };
        let Some(mdat) = BoxHeader::read(behind, mdat_at)? else {
            return Ok(None);
        };
        if mdat.kind.0 != *b"mdat" {
            return Err(SplitError::NoMdat {
                at: mdat_at,
                kind: mdat.kind,
            });
        }
        let size = moof.saturating_add(mdat.size);
        self.check_size(self.at, mdat.kind, size)?;
        let whole = usize::try_from(size)
            .ok()
            .and_then(|size| self.buffer.get(..size));
        let Some(whole) = whole else { return Ok(None) };
        // A copy, so that a fragment holds exactly its own bytes in memory and not the whole
        // buffer that its neighbours came in.
        let bytes = Bytes::copy_from_slice(whole);
        self.buffer.advance(bytes.len());
        let starts_at = self.at;
        self.at += size;
        Ok(Some(Piece {
            bytes,
            starts_at,
            ends_at: self.at,
        }))
    }

    fn check_size(&self, at: u64, kind: BoxType, size: u64) -> Result<(), SplitError> {
        if size > self.limit {
            return Err(SplitError::TooLarge {
                at,
                kind,
                size,
                limit: self.limit,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn a_box(kind: &[u8], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap();
        [&size.to_be_bytes()[..], kind, body].concat()
    }

    fn segment() -> Vec<u8> {
        [
            a_box(b"styp", b"msdh"),
            a_box(b"sidx", &[1; 30]),
            a_box(b"moof", &[2; 40]),
            a_box(b"mdat", &[3; 50]),
            a_box(b"prft", &[4; 9]),
            a_box(b"moof", &[5; 10]),
            a_box(b"mdat", &[6; 500]),
            a_box(b"mfra", &[7; 12]),
        ]
        .concat()
    }

    fn all(splitter: &mut Splitter) -> Result<Vec<Piece>, SplitError> {
        std::iter::from_fn(|| splitter.next_piece().transpose()).collect()
    }

    fn whole(bytes: &[u8], limit: u64) -> Result<Vec<Piece>, SplitError> {
        let mut splitter = Splitter::new(limit);
        splitter.push(bytes);
        all(&mut splitter)
    }

    #[test]
    fn only_fragments_come_out_and_each_knows_where_it_was() {
        let pieces = whole(&segment(), MAX_FRAGMENT_BYTES).unwrap();

        let ends: Vec<_> = pieces
            .iter()
            .map(|piece| (piece.starts_at, piece.ends_at))
            .collect();
        assert_eq!(ends, [(50, 156), (173, 699)]);
        assert_eq!(&segment()[50..156], &pieces[0].bytes[..]);
        assert_eq!(&segment()[173..699], &pieces[1].bytes[..]);
    }

    #[test]
    fn an_incomplete_last_box_is_not_yet_and_not_a_boundary() {
        let bytes = segment();
        let mut splitter = Splitter::new(MAX_FRAGMENT_BYTES);
        splitter.push(&bytes[..698]);
        assert_eq!(all(&mut splitter).unwrap().len(), 1);
        assert!(!splitter.is_at_boundary());

        splitter.push(&bytes[698..699]);
        assert_eq!(all(&mut splitter).unwrap().len(), 1);
        assert!(splitter.is_at_boundary());

        splitter.push(&bytes[699..710]);
        assert_eq!(all(&mut splitter).unwrap().len(), 0);
        assert!(!splitter.is_at_boundary());
    }

    #[test]
    fn a_fragment_over_the_limit_is_refused_before_it_is_collected() {
        let moof = a_box(b"moof", &[0; 40]);
        let huge = [&moof[..], &0x7FFF_FFFF_u32.to_be_bytes(), b"mdat"].concat();

        let error = whole(&huge, 1000).unwrap_err();

        let size = 48 + 0x7FFF_FFFF;
        assert_eq!(
            error,
            SplitError::TooLarge {
                at: 0,
                kind: BoxType(*b"mdat"),
                size,
                limit: 1000
            }
        );
    }

    #[test]
    fn what_is_no_fragment_is_refused_with_its_place() {
        let moof = a_box(b"moof", b"");
        let table = [
            (a_box(b"mdat", b"x"), SplitError::NoMoof { at: 0 }),
            (a_box(b"moov", b"x"), SplitError::ContainsInit { at: 0 }),
            (
                [moof.clone(), a_box(b"free", b"")].concat(),
                SplitError::NoMdat {
                    at: 8,
                    kind: BoxType(*b"free"),
                },
            ),
            (
                [moof, vec![0; 8]].concat(),
                SplitError::Malformed(BoxError::NotABox {
                    at: 8,
                    kind: BoxType([0; 4]),
                }),
            ),
        ];
        for (bytes, expected) in table {
            assert_eq!(whole(&bytes, 1000), Err(expected));
        }
    }

    #[test]
    fn an_error_stays() {
        let mut splitter = Splitter::new(1000);
        splitter.push(&a_box(b"mdat", b"x"));
        let first = splitter.next_piece().unwrap_err();

        splitter.push(&segment());

        assert_eq!(splitter.next_piece(), Err(first));
        assert!(!splitter.is_at_boundary());
    }

    proptest! {
        #[test]
        fn the_same_pieces_come_out_however_the_bytes_are_cut(
            cuts in proptest::collection::vec(0_usize..720, 0..40),
        ) {
            let bytes = segment();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.push(bytes.len());
            cuts.sort_unstable();

            let mut splitter = Splitter::new(MAX_FRAGMENT_BYTES);
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                splitter.push(&bytes[from..cut]);
                pieces.extend(all(&mut splitter).unwrap());
                from = cut;
            }

            prop_assert_eq!(pieces, whole(&bytes, MAX_FRAGMENT_BYTES).unwrap());
            prop_assert!(splitter.is_at_boundary());
        }

        #[test]
        fn no_bytes_make_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            (at, flipped) in (0_usize..710, any::<u8>()),
        ) {
            drop(whole(&bytes, 200));
            let mut mutated = segment();
            if let Some(byte) = mutated.get_mut(at) {
                *byte ^= flipped;
            }
            drop(whole(&mutated, 2000));
        }
    }
}
