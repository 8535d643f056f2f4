//! The real program, as a person runs it.
//!
//! Belongs here: starting and stopping the binary, and the facts it prints. What it serves is
//! looked at with the HTTP client and the browser.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::Process;

/// How long the first fact may take on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(20);
/// How long it may take to end when asked to; it promises 5 s.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// A running `onionstream start`, in a working directory of its own.
///
/// Dropping it kills it; when the test fails, its outputs are printed.
#[derive(Debug)]
pub(crate) struct Server {
    process: Process,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    directory: PathBuf,
    // Removed after the process has been killed.
    _temporary: Option<TempDir>,
}

impl Server {
    /// Runs `onionstream start` with a free port and these arguments in a new directory.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_prepared(arguments, |_directory| {})
    }

    /// The same, after `prepare` has put something into the directory.
    pub(crate) fn start_prepared(arguments: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        let temporary = tempfile::Builder::new()
            .prefix("onionstream-")
            .tempdir()
            .expect("a temporary directory");
        let directory = temporary.path().to_owned();
        prepare(&directory);
        Self::run(directory, arguments, &[], Some(temporary))
    }

    /// Runs it with these variables in its environment, in a directory that the test has prepared and
    /// keeps.
    pub(crate) fn start_with(
        directory: &Path,
        arguments: &[&str],
        environment: &[(String, String)],
    ) -> Self {
        Self::run(directory.to_owned(), arguments, environment, None)
    }

    /// Runs it in a directory that the test has prepared and keeps.
    pub(crate) fn start_in(directory: &Path, arguments: &[&str]) -> Self {
        Self::run(directory.to_owned(), arguments, &[], None)
    }

    fn run(
        directory: PathBuf,
        arguments: &[&str],
        environment: &[(String, String)],
        temporary: Option<TempDir>,
    ) -> Self {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|&argument| argument.to_owned())
            .collect();
        let process = spawn(&directory, &arguments, environment);
        Self {
            process,
            arguments,
            environment: environment.to_vec(),
            directory,
            _temporary: temporary,
        }
    }

    /// Its working directory, which holds `stream/`, `title.txt` and the rest.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The address of the preview, `http://127.0.0.1:PORT/`.
    pub(crate) fn local_url(&self) -> String {
        self.fact("local ", STARTS_WITHIN)
    }

    /// Where the preview listens.
    pub(crate) fn local_address(&self) -> SocketAddr {
        let url = self.local_url();
        let address = url
            .strip_prefix("http://")
            .and_then(|rest| rest.trim_end_matches('/').parse().ok());
        address.unwrap_or_else(|| panic!("`{url}` is not the address of a preview"))
    }

    /// Waits for the address of the onion service, `http://ADDRESS.onion/`.
    pub(crate) fn wait_onion(&self, allowed: Duration) -> String {
        self.fact("onion ", allowed)
    }

    /// Waits until it says that viewers can reach the onion service.
    pub(crate) fn wait_reachable(&self, allowed: Duration) {
        self.fact("reachable", allowed);
    }

    /// Where an encoder sends its stream with this `--source`, `rtmp` or `ingest`.
    pub(crate) fn place(&self, source: &str) -> String {
        self.fact(&format!("{source} "), STARTS_WITHIN)
    }

    /// The stream key.
    pub(crate) fn stream_key(&self) -> String {
        let said = self.says(&["stream-key"]);
        let key = said.lines().find_map(|line| line.strip_prefix("key "));
        key.unwrap_or_else(|| panic!("no key in {said}")).to_owned()
    }

    /// What another command of the program prints in this directory; it has to succeed.
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_onionstream"))
            .arg("--dir")
            .arg(&self.directory)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the program runs");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The facts it has printed on standard output.
    pub(crate) fn facts(&self) -> Vec<String> {
        self.process.out().lines()
    }

    /// The end of its log.
    pub(crate) fn log(&self) -> String {
        self.process.err().text()
    }

    /// Waits for a line of the log that contains `text`.
    pub(crate) fn wait_log(&self, text: &str, allowed: Duration) -> String {
        let line = self
            .process
            .err()
            .find(allowed, |line| line.contains(text).then(|| line.to_owned()));
        line.unwrap_or_else(|| panic!("no `{text}` in the log within {allowed:?}"))
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn sigterm(&mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.wait(ENDS_WITHIN)
    }

    /// Stops it without ending it: connections stay open and nothing comes.
    pub(crate) fn freeze(&mut self) {
        self.process.signal(Signal::STOP);
    }

    /// Lets it run on after [`freeze`](Self::freeze).
    pub(crate) fn thaw(&mut self) {
        self.process.signal(Signal::CONT);
    }

    /// Kills it, as a power cut would.
    pub(crate) fn sigkill(&mut self) -> ExitStatus {
        self.process.signal(Signal::KILL);
        self.wait(ENDS_WITHIN)
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self, allowed: Duration) -> ExitStatus {
        self.process
            .wait(allowed)
            .unwrap_or_else(|| panic!("onionstream still runs after {allowed:?}"))
    }

    /// Runs it again in the same directory with the same arguments; one that still runs is asked to
    /// end first.
    pub(crate) fn restart(&mut self) {
        self.sigterm();
        self.process = spawn(&self.directory, &self.arguments, &self.environment);
    }

    /// What follows `name` in a line of standard output.
    fn fact(&self, name: &str, allowed: Duration) -> String {
        let fact = self
            .process
            .out()
            .find(allowed, |line| line.strip_prefix(name).map(str::to_owned));
        fact.unwrap_or_else(|| {
            panic!(
                "onionstream did not print `{}` within {allowed:?}, or ended before",
                name.trim_end()
            )
        })
    }
}

fn spawn(directory: &Path, arguments: &[String], environment: &[(String, String)]) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onionstream"));
    // The settings of the person who runs the tests are not those of the tests.
    for (name, _) in
        env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ONIONSTREAM_"))
    {
        command.env_remove(name);
    }
    command
        .current_dir(directory)
        .args(["start", "--listen", "127.0.0.1:0", "--dir"])
        .arg(directory)
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)));
    Process::start("onionstream", &mut command)
}
