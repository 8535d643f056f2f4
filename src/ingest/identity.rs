//! Telling a new file from one that has been seen before, by its number and metadata.
//!
//! Belongs here: which segments are leftovers and which are live.
//! Does not belong here: asking the file system.

use std::{collections::BTreeMap, fs::Metadata, os::unix::fs::MetadataExt};

/// Most segments that are remembered one by one.
const MAX_REMEMBERED: usize = 20_000;

/// When a file was last written: seconds and nanoseconds since 1970.
pub(super) type Modified = (i64, i64);

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    /// In bytes.
    pub(super) size: u64,
    pub(super) modified: Modified,
}

impl Identity {
    /// Whether both are states of the same file, which may have been written to in between.
    pub(super) fn is_same_file(self, other: Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// What to do with a segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// On disk since before the program started, or read already: never serve it.
    Leftover,
    /// To be read; fragments that end within the first `skip` bytes are leftovers.
    Live {
        /// In bytes.
        skip: u64,
    },
}

/// How a segment was when it was last seen.
#[derive(Debug, Clone, Copy)]
struct Known {
    state: Identity,
    /// An encoder may be writing it: if it gets longer, what was there is still what was seen.
    may_grow: bool,
}

/// The segments that were on disk at first sight or have been read, each in its last known state.
///
/// Bound: 20,000 segments. Of the lowest numbers beyond that only the newest date is kept: what
/// was written no later is a leftover, too.
#[derive(Debug, Default)]
pub(super) struct Seen {
    segments: BTreeMap<u64, Known>,
    forgotten: Option<Modified>,
}

impl Seen {
    /// From now on this state of segment `number` is a leftover. `may_grow` says that an encoder
    /// may still be writing it.
    pub(super) fn remember(&mut self, number: u64, state: Identity, may_grow: bool) {
        self.segments.insert(number, Known { state, may_grow });
        if self.segments.len() > MAX_REMEMBERED
            && let Some((_, lowest)) = self.segments.pop_first()
        {
            self.forget_until(lowest.state.modified);
        }
    }

    /// A new run begins: whoever wrote the segments that are known by now has ended. If one of
    /// them gets longer, it has been written anew into the same file.
    pub(super) fn begin_run(&mut self) {
        for known in self.segments.values_mut() {
            known.may_grow = false;
        }
    }

    /// From now on every unknown segment that was not written later than `modified` is a leftover.
    pub(super) fn forget_until(&mut self, modified: Modified) {
        self.forgotten = self.forgotten.max(Some(modified));
    }

    /// What segment `number` is, judged by its present state.
    pub(super) fn judge(&self, number: u64, state: Identity) -> Verdict {
        match self.segments.get(&number) {
            Some(known) if known.state == state => Verdict::Leftover,
            Some(Known {
                state: before,
                may_grow: true,
            }) if before.is_same_file(state) && before.size < state.size => {
                Verdict::Live { skip: before.size }
            }
            None if self.forgotten.is_some_and(|until| state.modified <= until) => {
                Verdict::Leftover
            }
            _ => Verdict::Live { skip: 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(inode: u64, size: u64, seconds: i64) -> Identity {
        Identity {
            device: 1,
            inode,
            size,
            modified: (seconds, 0),
        }
    }

    #[test]
    fn a_segment_is_judged_by_what_changed_since_it_was_seen() {
        let mut seen = Seen::default();
        seen.remember(5, state(9, 100, 1000), true);
        let table = [
            (5, state(9, 100, 1000), Verdict::Leftover, "untouched"),
            (5, state(9, 150, 1001), Verdict::Live { skip: 100 }, "grown"),
            (
                5,
                state(9, 50, 1001),
                Verdict::Live { skip: 0 },
                "truncated",
            ),
            (
                5,
                state(8, 150, 1001),
                Verdict::Live { skip: 0 },
                "replaced",
            ),
            (
                5,
                state(9, 100, 1001),
                Verdict::Live { skip: 0 },
                "rewritten",
            ),
            (
                6,
                state(9, 100, 1000),
                Verdict::Live { skip: 0 },
                "another number",
            ),
        ];
        for (number, now, expected, what) in table {
            assert_eq!(seen.judge(number, now), expected, "{what}");
        }
        seen.begin_run();
        assert_eq!(seen.judge(5, state(9, 100, 1000)), Verdict::Leftover);
        assert_eq!(
            seen.judge(5, state(9, 150, 1001)),
            Verdict::Live { skip: 0 }
        );
    }

    #[test]
    fn segments_beyond_the_bound_are_still_leftovers_by_their_date() {
        let mut seen = Seen::default();
        for number in 0..MAX_REMEMBERED as u64 + 10 {
            seen.remember(
                number,
                state(number, 1, i64::try_from(number).unwrap()),
                true,
            );
        }

        assert_eq!(seen.segments.len(), MAX_REMEMBERED);
        assert_eq!(seen.judge(3, state(3, 1, 3)), Verdict::Leftover);
        assert_eq!(
            seen.judge(3, state(3, 1, 50_000)),
            Verdict::Live { skip: 0 }
        );
    }
}
