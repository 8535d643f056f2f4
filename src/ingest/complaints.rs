//! Warnings about files, each said once, and not about ten thousand files at once.
//!
//! Belongs here: remembering what has been said about which file.
//! Does not belong here: deciding that a file is bad.

use std::{collections::VecDeque, fmt::Display};

use tracing::warn;

/// Most complaints that are remembered; beyond it the oldest may be said again.
const MAX_REMEMBERED: usize = 256;

/// Most complaints in a row; more of them help nobody and bury everything else.
const IN_A_ROW: u32 = 10;

/// After so many rests, which come four times a second, one more may be said.
const RESTS: u32 = 20;

/// What has been said about files that are bad at present.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    said: VecDeque<(String, String)>,
    /// How many have been said in a row.
    row: u32,
    rests: u32,
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
        self.row = self.row.saturating_add(1);
        let is_said = self.row <= IN_A_ROW;
        if is_said {
            warn!(file, "cannot use `{file}`: {reason}");
        } else if self.row == IN_A_ROW + 1 {
            warn!("more files cannot be used; they are not named, being too many");
        }
        self.said.push_back((file.to_owned(), reason));
        is_said
    }

    /// Time has passed, a quarter of a second: after a while there may be complaints again.
    pub(super) fn rest(&mut self) {
        self.rests += 1;
        if self.rests >= RESTS {
            self.rests = 0;
            // However many were left out, it does not take longer until one is said again.
            self.row = self.row.min(IN_A_ROW + 1).saturating_sub(1);
        }
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
    fn of_many_files_only_a_few_are_named_until_some_time_has_passed() {
        let mut complaints = Complaints::default();
        let named = |complaints: &mut Complaints, from: usize| {
            let files = from..from + 1000;
            files
                .filter(|file| complaints.complain(&file.to_string(), &"bad"))
                .count()
        };
        assert_eq!(named(&mut complaints, 0), 10);
        for _ in 0..40 {
            complaints.rest();
        }
        assert_eq!(named(&mut complaints, 5000), 1);
        for _ in 0..1000 {
            complaints.rest();
        }
        assert_eq!(named(&mut complaints, 9000), 10);
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
