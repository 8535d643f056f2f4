//! One process of the encoder, and everything that it may have started, as a process group.

use std::{
    ffi::OsString,
    io::{self, BufReader},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::super::{command::Plan, complaints::Complaints};
use crate::media::stream::StreamError;

/// An encoder has this long to end after it was asked to, or after its output ended.
pub(super) const END_WITHIN: Duration = Duration::from_secs(1);

/// Between two looks whether it has ended.
pub(super) const LOOK: Duration = Duration::from_millis(10);

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
    /// Whether it is stuck when it writes nothing for long.
    pub(super) is_live: bool,
}

impl Task {
    /// The encoder of a plan.
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            ffmpeg: plan.ffmpeg.clone(),
            arguments: plan.arguments(),
            input: Stdio::null(),
            is_live: plan.input.is_live(),
        }
    }
}

/// A process that has not been waited for, so that its number is still its own.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// Starts it, through the guard if there is one.
    pub(super) fn start(
        task: Task,
        guard: &[OsString],
        complaints: &Complaints,
    ) -> io::Result<(Self, ChildStdout)> {
        let mut words = guard.iter().cloned().chain([task.ffmpeg.into()]);
        let program = words.next().unwrap_or_default();
        let mut child = Command::new(program)
            .args(words)
            .args(task.arguments)
            .stdin(task.input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in the terminal is for the show, which then ends its encoder.
            .process_group(0)
            .spawn()?;
        let missing = || io::Error::other("a pipe is missing");
        let output = child.stdout.take().ok_or_else(missing)?;
        let errors = child.stderr.take().ok_or_else(missing)?;
        let complaints = complaints.clone();
        // Ends with the process, whose standard error it reads.
        thread::Builder::new()
            .name("complaints".to_owned())
            .spawn(move || complaints.listen_to(BufReader::new(errors)))?;
        Ok((Self { child }, output))
    }

    /// Asks it to finish what it writes and to end.
    pub(super) fn ask_to_end(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it at once.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
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
            drop(self.child.wait());
        }
    }
}
