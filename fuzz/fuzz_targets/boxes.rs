//! Any bytes as a stream: the first input byte says how the rest is cut, then an init segment and a
//! segment follow each other. No panic; however the bytes are cut the pieces are the same; what is
//! accepted as a fragment can be moved in time and is still accepted.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use onionstream_fuzz::media::{
    boxes::{Piece, SplitError, Splitter},
    fragment::{Fragment, TimeShift},
    init::InitSegment,
};

/// Fragments of more bytes are refused here, so that the limit is reached.
const LIMIT: u64 = 4096;

fn pieces(bytes: &[u8], chunk: usize) -> (Vec<Piece>, Option<SplitError>) {
    let mut splitter = Splitter::new(LIMIT);
    let mut pieces = Vec::new();
    for chunk in bytes.chunks(chunk) {
        splitter.push(chunk);
        loop {
            match splitter.next_piece() {
                Ok(Some(piece)) => pieces.push(piece),
                Ok(None) => break,
                Err(error) => return (pieces, Some(error)),
            }
        }
    }
    (pieces, None)
}

/// Where the first `moof` box seems to begin.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let at = bytes.windows(4).position(|window| window == b"moof");
    bytes.split_at(at.map_or(bytes.len(), |at| at.saturating_sub(4)))
}

fuzz_target!(|input: &[u8]| {
    let Some((&chunk, bytes)) = input.split_first() else {
        return;
    };
    let (head, media) = split(bytes);
    let whole = pieces(media, media.len().max(1));
    assert_eq!(whole, pieces(media, usize::from(chunk).max(1)));

    let Ok(init) = InitSegment::parse(Bytes::copy_from_slice(head)) else {
        return;
    };
    assert!(!init.tracks().is_empty());
    for piece in whole.0 {
        let Ok(fragment) = Fragment::parse(piece.bytes, &init) else {
            continue;
        };
        assert!(fragment.end() >= fragment.start());
        for nanos in [-1_000_000_000, 1, i128::MAX, i128::MIN] {
            let moved = fragment.shifted(TimeShift { nanos });
            let read = Fragment::parse(moved.bytes().clone(), &init).expect("still a fragment");
            assert_eq!(read.runs(), moved.runs());
        }
    }
});
