//! As many connections as a benchmark wants: each is two open files of the computer.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For this process and for the server, which inherits it.
const OPEN_FILES: u64 = 8192;

/// Allows more open files if it is fewer.
pub(crate) fn allow() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < OPEN_FILES) {
        let more = Rlimit {
            current: Some(OPEN_FILES),
            ..limit
        };
        setrlimit(Resource::Nofile, more).expect("more open files; see `ulimit -n`");
    }
}
