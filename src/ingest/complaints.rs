//! Warnings about files, each said once.
//!
//! Belongs here: remembering what has been said about which file.
//! Does not belong here: deciding that a file is bad.

use std::{collections::VecDeque, fmt::Display};

use tracing::warn;

/// Most complaints that are remembered; beyond it the oldest may be said again.
const MAX_REMEMBERED: usize = 256;

/// What has been said about files that are bad at present.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    said: VecDeque<(String, String)>,
}

impl Complaints {
    /// Logs that `file` cannot be used because of `reason`, unless that has been said already.
    /// Answers whether it was logged.
    pub(super) fn complain(&mut self, file: &str, reason: &dyn Display) -> bool {
        let reason = reason.to_string();
        if self
            .said
            .iter()
            .any(|(about, why)| about == file && *why == reason)
        {
            return false;
        }
        if self.said.len() == MAX_REMEMBERED {
            self.said.pop_front();
        }
        warn!(file, "cannot use `{file}`: {reason}");
        self.said.push_back((file.to_owned(), reason));
        true
    }

    /// `file` is good now; if it turns bad again that is news.
    pub(super) fn forget(&mut self, file: &str) {
        self.said.retain(|(about, _)| about != file);
    }

    /// What has been said, newest last: file and reason.
    #[cfg(test)]
    pub(super) fn said(&self) -> Vec<(&str, &str)> {
        self.said
            .iter()
            .map(|(file, reason)| (file.as_str(), reason.as_str()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_complaint_is_made_again_only_after_the_file_was_good() {
        let mut complaints = Complaints::default();

        assert!(complaints.complain("a", &"bad"));
        assert!(!complaints.complain("a", &"bad"));
        assert!(complaints.complain("a", &"worse"));
        assert!(complaints.complain("b", &"bad"));
        complaints.forget("a");
        assert!(complaints.complain("a", &"bad"));
        assert!(!complaints.complain("b", &"bad"));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut complaints = Complaints::default();
        for number in 0..1000 {
            complaints.complain(&number.to_string(), &"bad");
        }
        assert_eq!(complaints.said().len(), MAX_REMEMBERED);
    }
}
