//! The room that recordings have: when there is none, and when there will soon be none.

use std::fmt;

use super::{MOST, size};

/// The part of the limit at which there is a warning, in hundredths.
const WARN_AT: u64 = 80;

/// Why there is no more room, or soon will be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// The recordings together have their limit.
    Limit {
        /// What they take, in bytes.
        used: u64,
        /// What they may take, in bytes.
        max: u64,
    },
    /// The disk has to have some room for everything else.
    Disk {
        /// What it has, in bytes.
        free: u64,
        /// What has to stay, in bytes.
        keep: u64,
    },
    /// There are as many recordings as there may be.
    Count,
}

impl fmt::Display for Shortage {
    /// Lower case, without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit { used, max } => write!(
                f,
                "the recordings take {} of {} (`recording.max_size`)",
                size(*used),
                size(*max)
            ),
            Self::Disk { free, keep } => write!(
                f,
                "the disk has {} left, and {} stay free for everything else (`recording.keep_free`)",
                size(*free),
                size(*keep)
            ),
            Self::Count => write!(f, "there are {MOST} recordings, and there may be no more"),
        }
    }
}

/// The room that recordings have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Space {
    /// What all of them take, in bytes.
    pub used: u64,
    /// What they may take.
    pub max: u64,
    /// What the disk has; `None` if it does not say.
    pub free: Option<u64>,
    /// What the disk must keep.
    pub keep_free: u64,
}

impl Space {
    /// Why `more` bytes have no room.
    pub fn shortage(&self, more: u64) -> Option<Shortage> {
        let used = self.used.saturating_add(more);
        if used > self.max {
            let (used, max) = (self.used, self.max);
            return Some(Shortage::Limit { used, max });
        }
        let free = self.free?;
        (free.saturating_sub(more) < self.keep_free).then_some(Shortage::Disk {
            free,
            keep: self.keep_free,
        })
    }

    /// What will soon be a shortage: four fifths of the limit, or the disk has less than twice what
    /// must stay free.
    pub fn warning(&self) -> Option<Shortage> {
        let (used, max) = (self.used, self.max);
        if u128::from(used) * 100 >= u128::from(max) * u128::from(WARN_AT) {
            return Some(Shortage::Limit { used, max });
        }
        let (free, keep) = (self.free?, self.keep_free);
        (free < keep.saturating_mul(2)).then_some(Shortage::Disk { free, keep })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_shortage_is_announced_before_it_is_there() {
        let space = |used, free| Space {
            used,
            max: 100,
            free,
            keep_free: 10,
        };
        assert_eq!(space(79, Some(1000)).warning(), None);
        assert_eq!(
            space(80, Some(1000)).warning(),
            Some(Shortage::Limit { used: 80, max: 100 })
        );
        assert_eq!(space(80, Some(1000)).shortage(20), None);
        assert!(matches!(
            space(80, Some(1000)).shortage(21),
            Some(Shortage::Limit { .. })
        ));
        assert_eq!(space(0, Some(20)).warning(), None);
        assert!(matches!(
            space(0, Some(19)).warning(),
            Some(Shortage::Disk { free: 19, keep: 10 })
        ));
        assert_eq!(space(0, Some(20)).shortage(10), None);
        assert!(matches!(
            space(0, Some(20)).shortage(11),
            Some(Shortage::Disk { .. })
        ));
        // A system that does not say how full its disk is.
        assert_eq!(space(0, None).shortage(100), None);
        assert_eq!(space(0, None).warning(), None);
    }

    proptest! {
        #[test]
        fn room_never_overflows_and_a_shortage_comes_with_a_warning(used: u64, max: u64, free: Option<u64>, keep_free: u64, more: u64) {
            let space = Space { used, max, free, keep_free };
            if space.shortage(0).is_some() {
                prop_assert!(space.warning().is_some());
            }
            let _words = space.shortage(more).map(|shortage| shortage.to_string());
            let _size = size(more);
        }
    }
}
