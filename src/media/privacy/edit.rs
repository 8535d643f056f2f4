//! Bytes that are to be overwritten, collected while they are read.
//!
//! Belongs here: the list of changes, and carrying it out on a copy. A change that changes nothing
//! is not on the list: clean bytes are never copied.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::{
    super::boxes::MediaBox,
    trace::{Trace, Traces},
};

/// One run of bytes that becomes one byte again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    range: Range<usize>,
    with: u8,
}

/// What is to be overwritten in `bytes`, and why.
#[derive(Debug)]
pub(super) struct Cleaning<'bytes> {
    bytes: &'bytes [u8],
    edits: Vec<Edit>,
    traces: Traces,
}

impl<'bytes> Cleaning<'bytes> {
    /// Nothing so far.
    pub(super) fn of(bytes: &'bytes [u8]) -> Self {
        Self {
            bytes,
            edits: Vec::new(),
            traces: Traces::default(),
        }
    }

    /// The bytes as they came.
    pub(super) fn bytes(&self) -> &'bytes [u8] {
        self.bytes
    }

    /// What the changes are about.
    pub(super) fn traces(&self) -> Traces {
        self.traces
    }

    /// Overwrites `range`, as far as it lies in the bytes. Answers whether that changes anything.
    pub(super) fn fill(&mut self, range: Range<usize>, with: u8, trace: Trace) -> bool {
        let changes = self
            .bytes
            .get(range.clone())
            .is_some_and(|bytes| bytes.iter().any(|byte| *byte != with));
        if changes {
            self.traces.insert(trace);
            self.edits.push(Edit { range, with });
        }
        changes
    }

    /// Sets the bits from `from` to `to`, counted from the first bit of the bytes, to zero.
    pub(super) fn zero_bits(&mut self, from: usize, to: usize, trace: Trace) {
        let (first, last) = (from.div_ceil(8), to / 8);
        if first > last {
            // All of it within one byte.
            self.keep_bits(last, !(0xFF >> (from % 8)) | (0xFF >> (to % 8)), trace);
            return;
        }
        if !from.is_multiple_of(8) {
            self.keep_bits(first - 1, !(0xFF >> (from % 8)), trace);
        }
        self.fill(first..last, 0, trace);
        if !to.is_multiple_of(8) {
            self.keep_bits(last, 0xFF >> (to % 8), trace);
        }
    }

    fn keep_bits(&mut self, at: usize, mask: u8, trace: Trace) {
        if let Some(byte) = self.bytes.get(at) {
            self.fill(at..at + 1, byte & mask, trace);
        }
    }

    /// Makes padding of a box, `free` and zeros, unless there is nothing in it. Answers whether
    /// that changes anything.
    pub(super) fn erase(&mut self, found: &MediaBox<'_>, trace: Trace) -> bool {
        let body = found.body_at..found.body_at + found.body.len();
        let has_content = self.fill(body, 0, trace);
        if has_content && found.kind.0 != *b"skip" {
            self.put(found.at + 4, *b"free", trace);
        }
        has_content
    }

    /// Writes these bytes at `at`.
    pub(super) fn put<const N: usize>(&mut self, at: usize, bytes: [u8; N], trace: Trace) {
        for (at, byte) in (at..).zip(bytes) {
            self.fill(at..at + 1, byte, trace);
        }
    }

    /// Notes what else the changes are about.
    pub(super) fn note(&mut self, traces: Traces) {
        self.traces.add(traces);
    }

    /// The changed bytes; `None` if nothing changes.
    pub(super) fn applied(self) -> Option<Bytes> {
        if self.edits.is_empty() {
            return None;
        }
        let mut changed = BytesMut::from(self.bytes);
        for edit in self.edits {
            if let Some(bytes) = changed.get_mut(edit.range) {
                bytes.fill(edit.with);
            }
        }
        Some(changed.freeze())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_changes_nothing_is_no_change() {
        let mut cleaning = Cleaning::of(&[0, 0, 7]);
        cleaning.fill(0..2, 0, Trace::Tags);
        cleaning.fill(2..3, 7, Trace::Tags);
        cleaning.fill(2..9, 0, Trace::Tags);

        assert!(cleaning.traces().is_empty());
        assert_eq!(cleaning.applied(), None);
    }

    proptest! {
        #[test]
        fn exactly_these_bits_become_zero(from in 0_usize..40, len in 0_usize..40) {
            let to = (from + len).min(40);
            let mut cleaning = Cleaning::of(&[0xFF; 5]);
            cleaning.zero_bits(from, to, Trace::SoundNotes);
            let bytes = cleaning.applied().unwrap_or(vec![0xFF; 5].into());
            for bit in 0..40 {
                let is_set = bytes[bit / 8] & (0x80 >> (bit % 8)) != 0;
                prop_assert_eq!(is_set, !(from..to).contains(&bit), "bit {}", bit);
            }
        }
    }
}
