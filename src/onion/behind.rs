//! Whether the clock is earlier now than it was when this program last ran here.
//!
//! A relay that keeps the entry of an onion service takes only newer ones, and "newer" goes by the
//! clock of the service (Tor's specification, rend-spec, "Encrypted time in period"). So whoever set
//! the clock back cannot replace the entry, which names ways in that ended with the program: nobody finds the site.
//! It lasts until the clock is as late as it was, or the relay drops the entry, after three hours.
//!
//! Belongs here: finding that out from the dates of arti's files. Does not belong here: saying it
//! (`status.rs`).

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::clock::WallTime;

/// Differences below this are none: the publishing takes about as long.
const LEAST: Duration = Duration::from_mins(1);

/// Files and directories that are looked at; arti has a few dozen.
const MAX_ENTRIES: usize = 5_000;

/// How much later than `now` the newest file in arti's state directory was written; `None` if none
/// is, or there is none. Blocks.
pub(super) fn behind(directory: &Path, now: WallTime) -> Option<Duration> {
    let mut newest: Option<WallTime> = None;
    let mut waiting: Vec<PathBuf> = vec![directory.to_owned()];
    let mut left = MAX_ENTRIES;
    while let Some(directory) = waiting.pop() {
        // What cannot be read is arti's to complain about.
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if left == 0 {
                break;
            }
            left -= 1;
            // Of a link its own date, which nobody changes.
            let Ok(about) = entry.metadata() else {
                continue;
            };
            if about.is_dir() {
                waiting.push(entry.path());
            } else if let Ok(modified) = about.modified() {
                newest = newest.max(Some(modified.into()));
            }
        }
    }
    newest
        .map(|newest| newest.since(now))
        .filter(|behind| *behind >= LEAST)
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    fn write(path: &Path, seconds: u64) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = fs::File::create(path).unwrap();
        let date: SystemTime = UNIX_EPOCH + Duration::from_secs(seconds);
        file.set_modified(date).unwrap();
    }

    #[test]
    fn the_newest_file_says_how_late_it_was_when_the_program_ran_last() {
        let home = tempfile::tempdir().unwrap();
        let at = |seconds: u64| WallTime::from_unix_millis(seconds * 1_000);
        let state = home.path().join("tor");
        assert_eq!(behind(&state, at(0)), None, "it never ran");
        write(&state.join("state/guards.json"), 1_700_000_000);
        write(&state.join("hss/site/ipts.json"), 1_700_003_600);
        write(&state.join("lock"), 1_600_000_000);

        for (now, expected) in [
            (1_700_000_000, Some(Duration::from_hours(1))),
            (1_700_003_541, None),
            (1_700_003_540, Some(LEAST)),
            (1_700_003_600, None),
            (1_800_000_000, None),
        ] {
            assert_eq!(behind(&state, at(now)), expected, "{now}");
        }
    }
}
