//! Child processes that cannot outlive the test.
//!
//! Belongs here: finding programs and writing small ones, starting them in a process group of their own, keeping the end
//! of their output, signals, and their end. Does not belong here: what any one program prints or
//! means.

use std::{
    collections::VecDeque,
    env,
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader, Read},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

use super::{Deadline, watch};

/// How many lines of an output are kept.
const KEPT_LINES: usize = 400;
/// Longer lines are kept in pieces of this many bytes.
const LINE_LIMIT: u64 = 4096;
/// How long a killed process group may take to disappear.
const DISAPPEARS_WITHIN: Duration = Duration::from_secs(3);

/// The full path of the program `name`: from the environment variable `variable`, else from
/// `PATH`, else from the directory where `tests/run` installs tools.
///
/// Fails the test with the way to get it when there is none.
pub(crate) fn program(name: &str, variable: &str) -> PathBuf {
    if let Some(path) = env::var_os(variable) {
        return path.into();
    }
    let cache = env::var_os("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache"),
        PathBuf::from,
    );
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([cache.join("onionstream-tools/bin")])
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| {
            panic!("`{name}` is not installed; `tests/run` installs it, or set `{variable}` to its path")
        })
}

/// Writes a shell script that can be started like a program, such as one that stands in for ffmpeg.
pub(crate) fn write_script(directory: &Path, name: &str, script: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, script).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    path
}

/// A running child process, the leader of its own process group.
///
/// Dropping it kills the whole group. A guard (a shell that waits for the end of a pipe from this
/// process) does the same when the test binary itself is killed and nothing is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    group: Pid,
    guard: Child,
    out: Output,
    err: Output,
}

impl Process {
    /// Starts `command`, which is called `name` in messages, without a standard input.
    pub(crate) fn start(name: impl Into<String>, command: &mut Command) -> Self {
        let name = name.into();
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "cannot start {name} ({}): {error}",
                    command.get_program().display()
                )
            });
        let group = Pid::from_child(&child);
        let guard = Command::new("sh")
            .args(["-c", r#"read -r _; kill -KILL "-$1""#, "guard"])
            .arg(group.to_string())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell to guard the process with");
        let out = Output::of(child.stdout.take().expect("standard output is piped"));
        let err = Output::of(child.stderr.take().expect("standard error is piped"));
        Self {
            name,
            child,
            group,
            guard,
            out,
            err,
        }
    }

    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output.
    pub(crate) fn out(&self) -> &Output {
        &self.out
    }

    /// What it has written to standard error.
    pub(crate) fn err(&self) -> &Output {
        &self.err
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Sends `signal` to the process alone; nothing happens if it has ended.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.is_running() {
            // It may end between the question and the signal; it is not reaped, so nobody else
            // has its id.
            let _ = kill_process(self.group, signal);
        }
    }

    /// Waits for its end; `None` if it is still running after `allowed`.
    pub(crate) fn wait(&mut self, allowed: Duration) -> Option<ExitStatus> {
        watch(allowed, || {
            self.child.try_wait().expect("the state of a child process")
        })
    }

    /// Ends the process and everything it has started.
    pub(crate) fn kill(&mut self) {
        // The guard first, so that it cannot meet a group id that has been given to others.
        drop(self.guard.kill());
        drop(self.guard.wait());
        let _ = kill_process_group(self.group, Signal::KILL);
        drop(self.child.wait());
        // What it has started may hold files of our temporary directory for another moment.
        watch(DISAPPEARS_WITHIN, || {
            test_kill_process_group(self.group).is_err().then_some(())
        });
    }

    /// The ends of both outputs, for the message of a failed test.
    pub(crate) fn story(&self) -> String {
        let outputs = [
            ("standard output", &self.out),
            ("standard error", &self.err),
        ];
        let told = outputs.map(|(stream, output)| {
            format!(
                "--- end of the {stream} of {}:\n{}\n",
                self.name,
                output.text()
            )
        });
        told.concat()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            tell(&self.story());
        }
    }
}

/// Prints to the captured output of the failing test.
#[expect(
    clippy::print_stderr,
    reason = "a failed test prints what its processes said"
)]
pub(crate) fn tell(story: &str) {
    eprintln!("{story}");
}

/// The last lines that a process wrote to one of its outputs.
#[derive(Debug, Clone)]
pub(crate) struct Output(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Written {
    lines: VecDeque<String>,
    ended: bool,
}

impl Output {
    /// Follows `stream` in a thread until it ends.
    fn of(stream: impl Read + Send + 'static) -> Self {
        let output = Self(Arc::new(Shared {
            written: Mutex::default(),
            changed: Condvar::new(),
        }));
        let writer = output.clone();
        thread::spawn(move || writer.follow(stream));
        output
    }

    fn follow(&self, stream: impl Read) {
        let mut reader = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            let read = reader
                .by_ref()
                .take(LINE_LIMIT)
                .read_until(b'\n', &mut line);
            let mut written = self.lock();
            if matches!(read, Ok(0) | Err(_)) {
                written.ended = true;
                self.0.changed.notify_all();
                return;
            }
            if written.lines.len() == KEPT_LINES {
                written.lines.pop_front();
            }
            written
                .lines
                .push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
            self.0.changed.notify_all();
        }
    }

    /// The first value that `find` makes of a kept line, waiting up to `allowed` for one.
    ///
    /// `None` when there was none in time, or the output has ended without one.
    pub(crate) fn find<T>(&self, allowed: Duration, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let deadline = Deadline::after(allowed);
        let mut written = self.lock();
        loop {
            if let Some(found) = written.lines.iter().find_map(|line| find(line)) {
                return Some(found);
            }
            if written.ended || deadline.has_passed() {
                return None;
            }
            written = self
                .0
                .changed
                .wait_timeout(written, deadline.left())
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// The kept lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lock().lines.iter().cloned().collect()
    }

    /// The kept lines as one text.
    pub(crate) fn text(&self) -> String {
        self.lines().join("\n")
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0
            .written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A short name for messages from anything that names a file.
pub(crate) fn shown(path: &(impl AsRef<OsStr> + ?Sized)) -> String {
    path.as_ref().to_string_lossy().into_owned()
}

/// Resident memory of a process, in KiB.
pub(crate) fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    number.expect("a number")
}
