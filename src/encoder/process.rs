//! One process of the encoder, and everything that it may have started, as a process group.

use std::{
    env,
    ffi::OsString,
    io::{self, BufReader},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{
    command::Plan,
    complaints::Complaints,
    feed::Feed,
    shut_off::{self, SHUT_OFF},
};
use crate::media::stream::StreamError;

/// An encoder has this long to end after it was asked to, or after its output ended.
pub(super) const END_WITHIN: Duration = Duration::from_secs(1);

/// Between two looks whether it has ended.
pub(super) const LOOK: Duration = Duration::from_millis(10);

/// Variables that one that fetches keeps: how to find programs, libraries and certificates, and the
/// language of its complaints.
const KEPT: [&str; 7] = [
    "PATH",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
    "LANG",
];

/// How a process ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With success.
    Well,
    /// With something else.
    Badly(ExitStatus),
    /// It had to be killed, or was never wanted.
    Killed,
    /// Its output is not what it should be.
    Broken(StreamError),
    /// It could not be started.
    NotStarted(io::Error),
}

impl Ended {
    /// To be read after "the encoder".
    pub(super) fn words(&self) -> String {
        match self {
            Self::Well => "has ended".to_owned(),
            Self::Badly(status) => format!("has ended with {status}"),
            Self::Killed => "did not end and was killed".to_owned(),
            Self::Broken(error) => format!("wrote something that cannot be used ({error})"),
            Self::NotStarted(error) => format!("cannot be started ({error})"),
        }
    }
}

/// What is to be started.
pub(super) struct Task {
    /// The program.
    pub(super) ffmpeg: PathBuf,
    /// What follows its name.
    pub(super) arguments: Vec<OsString>,
    /// Its standard input.
    pub(super) input: Stdio,
    /// For how long it may write nothing before it is stuck; `None`: for ever.
    pub(super) patience: Option<Duration>,
    /// The feed that it fetches. Then it has no network but the proxy, and nothing of our environment
    /// reaches it but [`KEPT`].
    pub(super) feed: Option<Feed>,
}

impl Task {
    /// The encoder of a plan.
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            ffmpeg: plan.ffmpeg.clone(),
            arguments: plan.arguments(),
            input: Stdio::null(),
            patience: plan.input.patience(),
            feed: None,
        }
    }
}

/// A process that has not been waited for, so that its number is still its own.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Notes what it complains about, and ends after it.
    listening: JoinHandle<()>,
}

impl Process {
    /// Starts it, through the guard if there is one.
    pub(super) fn start(
        task: Task,
        guard: &[OsString],
        complaints: &Complaints,
    ) -> io::Result<(Self, ChildStdout)> {
        let shut_off = task.feed.as_ref().map(|_| SHUT_OFF.into());
        let words = guard.iter().cloned().chain(shut_off);
        let mut words = words.chain([task.ffmpeg.into()]);
        let program = words.next().unwrap_or_default();
        let mut command = Command::new(program);
        let (mut stdin, mut handed_over) = (task.input, None);
        if let Some(feed) = &task.feed {
            // Not only without `no_proxy`, which would lead past it: also without whatever else a
            // library may read, such as where TLS keys are to be logged.
            command.env_clear();
            command.envs(
                KEPT.iter()
                    .filter_map(|name| Some((name, env::var_os(name)?))),
            );
            command.env("http_proxy", feed.proxy.as_str());
            let (ours, theirs) = UnixStream::pair()?;
            stdin = OwnedFd::from(theirs).into();
            handed_over = Some((ours, &feed.door));
        }
        command
            .args(words)
            .args(task.arguments)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in the terminal is for the show, which then ends its encoder.
            .process_group(0);
        let mut child = command.spawn()?;
        // Our copy of what the child reads from: it would hide that the child is gone.
        drop(command);
        let missing = || io::Error::other("a pipe is missing");
        let output = child.stdout.take().ok_or_else(missing)?;
        let errors = child.stderr.take().ok_or_else(missing)?;
        let complaints = complaints.clone();
        let listening = thread::Builder::new()
            .name("complaints".to_owned())
            .spawn(move || complaints.listen_to(BufReader::new(errors)))?;
        let process = Self { child, listening };
        // Without a listener it has ended, and its complaints say why.
        if let Some((ours, door)) = handed_over
            && let Ok(listener) = shut_off::receive(&ours)
        {
            door(listener);
        }
        Ok((process, output))
    }

    /// Asks it to finish what it writes and to end.
    pub(super) fn ask_to_end(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it at once.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// How it has ended, if so and all its complaints are noted.
    pub(super) fn has_ended(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.listening.is_finished() {
            self.child.try_wait()
        } else {
            Ok(None)
        }
    }

    /// Waits until it has ended; it is killed if it takes too long.
    pub(super) fn reap(mut self) -> Ended {
        for _ in 0..END_WITHIN.as_millis() / LOOK.as_millis() {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ended::Well,
                Ok(Some(status)) => return Ended::Badly(status),
                Ok(None) => thread::sleep(LOOK),
                Err(_) => break,
            }
        }
        Ended::Killed
    }

    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            // An error means that it has ended already.
            kill_process_group(group, signal).unwrap_or_default();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::KILL);
            // Not for ever: the kernel may keep one that waits for a disk that is stuck.
            for _ in 0..END_WITHIN.as_millis() / LOOK.as_millis() {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    break;
                }
                thread::sleep(LOOK);
            }
        }
    }
}
