//! One endless byte stream of fragmented MP4, as an encoder writes it into a pipe or a request.
//!
//! Belongs here: where the init segment ends, which fragments follow, where segments of the
//! playlist begin. Does not belong here: where the bytes come from, when a fragment is due.

use std::time::Duration;

use bytes::BytesMut;
use thiserror::Error;

use super::{
    boxes::{BoxError, BoxHeader, SplitError, Splitter},
    fragment::{Fragment, FragmentError},
    init::{InitError, InitSegment, MAX_INIT_BYTES},
};

/// Shortest segment of the playlist that is cut from such a stream.
pub const SEGMENT: Duration = Duration::from_secs(2);

/// A keyframe this much before its time begins a segment all the same: of a fragment with two tracks
/// the one that begins first counts, and a keyframe missed would make the segment twice as long.
const NEARLY: Duration = Duration::from_millis(100);

/// Why the rest of a stream cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// It is not a sequence of boxes.
    #[error(transparent)]
    Malformed(#[from] BoxError),
    /// It does not begin with an init segment.
    #[error(transparent)]
    Init(#[from] InitError),
    /// More than [`MAX_INIT_BYTES`] before the first fragment.
    #[error("there is no end to the init segment; the limit is {} KiB", MAX_INIT_BYTES / 1024)]
    EndlessInit,
    /// What follows is not fragments.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A fragment cannot be forwarded.
    #[error("the fragment at byte {at}: {error}")]
    Fragment {
        /// Where it begins, counted from the end of the init segment.
        at: u64,
        /// What is wrong with it.
        error: FragmentError,
    },
}

/// What a stream consists of.
#[derive(Debug, Clone)]
pub enum Item {
    /// Comes once, first.
    Init(InitSegment),
    /// The next fragment; it begins a segment of the playlist if it is marked so.
    Fragment(Fragment),
}

/// Takes the bytes of a stream as they come and gives back what is complete.
///
/// Bound: the limit of a fragment or [`MAX_INIT_BYTES`], and what was pushed last.
#[derive(Debug)]
pub struct StreamReader {
    /// What came before the first fragment, until that is complete.
    head: BytesMut,
    init: Option<InitSegment>,
    splitter: Splitter,
    segment: Option<Duration>,
}

impl StreamReader {
    /// For a stream from its first byte on; a fragment may have at most `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self {
            head: BytesMut::new(),
            init: None,
            splitter: Splitter::new(limit),
            segment: None,
        }
    }

    /// Appends the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.init.is_some() {
            self.splitter.push(bytes);
        } else {
            self.head.extend_from_slice(bytes);
        }
    }

    /// What is complete next; `None` if more bytes are needed.
    ///
    /// # Errors
    ///
    /// See [`StreamError`]; the rest of the stream is then to be given up.
    pub fn next_item(&mut self) -> Result<Option<Item>, StreamError> {
        let Some(init) = &self.init else {
            let Some(len) = init_len(&self.head)? else {
                return if self.head.len() > MAX_INIT_BYTES {
                    Err(StreamError::EndlessInit)
                } else {
                    Ok(None)
                };
            };
            let init = InitSegment::parse(self.head.split_to(len).freeze())?;
            self.splitter.push(&std::mem::take(&mut self.head));
            self.init = Some(init.clone());
            return Ok(Some(Item::Init(init)));
        };
        let Some(piece) = self.splitter.next_piece()? else {
            return Ok(None);
        };
        let fragment = Fragment::parse(piece.bytes, init).map_err(|error| {
            let at = piece.starts_at;
            StreamError::Fragment { at, error }
        })?;
        Ok(Some(Item::Fragment(self.cut(fragment))))
    }

    /// Marks the keyframes with which a segment of the playlist begins.
    fn cut(&mut self, fragment: Fragment) -> Fragment {
        let start = fragment.start();
        let is_due = self
            .segment
            .is_none_or(|begun| start.saturating_sub(begun).saturating_add(NEARLY) >= SEGMENT);
        if !(is_due && fragment.starts_with_keyframe()) {
            return fragment;
        }
        self.segment = Some(start);
        fragment.starting_segment()
    }
}

/// Length of what comes before the first box of media, once that has begun.
fn init_len(head: &[u8]) -> Result<Option<usize>, StreamError> {
    let mut at = 0;
    loop {
        let Some(header) = BoxHeader::read(head.get(at..).unwrap_or_default(), at as u64)? else {
            return Ok(None);
        };
        if matches!(&header.kind.0, b"moof" | b"styp" | b"sidx" | b"mdat") {
            return Ok(Some(at));
        }
        let size = usize::try_from(header.size).unwrap_or(usize::MAX);
        at = at.saturating_add(size);
        if at > MAX_INIT_BYTES {
            return Err(StreamError::EndlessInit);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::{
        boxes::MAX_FRAGMENT_BYTES,
        fragment::sample::{audio_and_video, fragment_bytes},
    };

    fn stream(fragments: u64) -> Vec<u8> {
        let media = (0..fragments).map(|n| fragment_bytes(n * 200, n % 5 == 0));
        std::iter::once(audio_and_video())
            .chain(media)
            .collect::<Vec<_>>()
            .concat()
    }

    /// How many init segments, fragments and beginnings of segments came out.
    fn read(pieces: &[&[u8]]) -> Result<(usize, usize, usize), StreamError> {
        let mut reader = StreamReader::new(MAX_FRAGMENT_BYTES);
        let mut counts = (0, 0, 0);
        for piece in pieces {
            reader.push(piece);
            while let Some(item) = reader.next_item()? {
                match item {
                    Item::Init(_) => counts.0 += 1,
                    Item::Fragment(fragment) => {
                        counts.1 += 1;
                        counts.2 += usize::from(fragment.begins_segment());
                    }
                }
            }
        }
        Ok(counts)
    }

    #[test]
    fn a_segment_begins_with_a_keyframe_every_two_seconds() {
        // Keyframes each second: every other one begins a segment.
        assert_eq!(read(&[&stream(50)]), Ok((1, 50, 5)));
    }

    #[test]
    fn what_is_no_stream_is_refused() {
        assert!(matches!(
            read(&[&[0, 0, 0, 16, 0, 1, 2, 3]]),
            Err(StreamError::Malformed(_))
        ));
        let media = fragment_bytes(0, true);
        assert!(matches!(read(&[&media]), Err(StreamError::Init(_))));
        let huge = [&0x7fff_0000_u32.to_be_bytes()[..], b"free"].concat();
        assert_eq!(read(&[&huge]), Err(StreamError::EndlessInit));
        let small = [&16_u32.to_be_bytes()[..], b"free", &[0; 8]].concat();
        assert_eq!(
            read(&[&small.repeat(MAX_INIT_BYTES / 16 + 1)]),
            Err(StreamError::EndlessInit)
        );
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_are_cut(cuts in proptest::collection::vec(1_usize..2_000, 0..40)) {
            let bytes = stream(12);
            let mut rest = bytes.as_slice();
            let mut pieces = Vec::new();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);

            prop_assert_eq!(read(&pieces), read(&[&bytes]));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0_usize..3_000) {
            let mut stream = stream(3);
            let at = at.min(stream.len());
            stream.splice(at..at, bytes);
            let _read = read(&[&stream]);
        }
    }
}
