//! The file `pid.txt`: the encoder's process, and whether it has gone.
//!
//! Belongs here: the one transition that counts, "seen alive, now dead".
//! Does not belong here: starting or ending processes.

use std::path::Path;

use rustix::process::{Pid, test_kill_process};

use super::{
    complaints::Complaints,
    file::{self, FileError, Links},
    identity::Identity,
};

/// Its name in the stream directory.
pub(super) const NAME: &str = "pid.txt";

/// Longest accepted content, in bytes.
const MAX_BYTES: usize = 32;

/// The process that `pid.txt` names.
///
/// A number alone proves nothing: the file may be left over and the number used again. So a
/// process counts only if it was alive when we looked, and its end counts once.
#[derive(Debug, Default)]
pub(super) struct EncoderPid {
    state: Option<Identity>,
    pid: Option<Pid>,
    seen_alive: bool,
}

impl EncoderPid {
    /// Asks afresh; `true` if the encoder was alive at an earlier look and is dead now.
    pub(super) fn has_gone(&mut self, directory: &Path, complaints: &mut Complaints) -> bool {
        self.read(directory, complaints);
        let alive = self.pid.is_some_and(is_alive);
        let gone = self.seen_alive && !alive;
        self.seen_alive = alive;
        gone
    }

    /// A new run has begun: a process that dies now without having been seen since then was the
    /// encoder of the run before.
    pub(super) fn begin_run(&mut self) {
        self.seen_alive = false;
    }

    /// Reads the file if it has changed. If it is missing the last process stays of interest:
    /// scripts remove the file when they end.
    fn read(&mut self, directory: &Path, complaints: &mut Complaints) {
        let path = directory.join(NAME);
        let state = file::state(&path);
        if state == self.state || state.is_none() {
            return;
        }
        self.state = state;
        let content = match file::read_small(&path, Links::Refused, MAX_BYTES) {
            Ok(None) => return,
            Ok(Some((content, _))) => content,
            Err(FileError::Changing) => {
                self.state = None;
                return;
            }
            Err(error) => {
                complaints.complain(NAME, &error);
                return;
            }
        };
        let text = String::from_utf8_lossy(&content);
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let pid = text
            .parse::<i32>()
            .ok()
            .filter(|&pid| pid > 0)
            .and_then(Pid::from_raw);
        if pid.is_none() {
            complaints.complain(
                NAME,
                &"it must hold the number of a process and nothing else",
            );
        } else {
            complaints.forget(NAME);
        }
        if pid != self.pid {
            self.seen_alive = false;
        }
        self.pid = pid;
    }
}

/// Whether the process runs. Another user's counts; one that has ended and waits for its parent
/// to notice (a zombie) does not.
fn is_alive(pid: Pid) -> bool {
    match test_kill_process(pid) {
        Ok(()) | Err(rustix::io::Errno::PERM) => !is_zombie(pid),
        Err(_) => false,
    }
}

/// Asks `/proc` (Linux); elsewhere the answer is "no".
fn is_zombie(pid: Pid) -> bool {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let Ok(stat) = std::fs::read_to_string(path) else {
        return false;
    };
    // `pid (name) state …`; the name may contain anything, so look behind its last parenthesis.
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        process::{Child, Command},
    };

    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("60").spawn().unwrap()
    }

    #[test]
    fn the_end_of_a_process_that_was_seen_alive_is_reported_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut complaints = Complaints::default();
        let mut encoder = EncoderPid::default();
        let mut look = || encoder.has_gone(directory.path(), &mut complaints);
        let mut child = sleeper();
        fs::write(directory.path().join(NAME), format!("{}\n", child.id())).unwrap();
        assert!(!look());

        child.kill().unwrap();
        // Not waited for yet: it is a zombie, as under a script that does not wait.
        while !is_zombie(Pid::from_child(&child)) {
            std::thread::yield_now();
        }

        assert!(look());
        assert!(!look());
        child.wait().unwrap();
        assert!(!look());
    }

    #[test]
    fn a_left_over_number_means_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut child = sleeper();
        child.kill().unwrap();
        child.wait().unwrap();
        fs::write(directory.path().join(NAME), child.id().to_string()).unwrap();

        let mut encoder = EncoderPid::default();

        assert!(!encoder.has_gone(directory.path(), &mut Complaints::default()));
    }

    #[test]
    fn nonsense_is_complained_about_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut complaints = Complaints::default();
        let mut encoder = EncoderPid::default();
        for text in ["-1", "zero", "99999999999999"] {
            fs::write(directory.path().join(NAME), text).unwrap();
            assert!(!encoder.has_gone(directory.path(), &mut complaints));
        }
        assert_eq!(complaints.said().len(), 1);
    }
}
