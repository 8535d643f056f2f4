//! Asking a program something that it answers by ending, for a time that is bounded.

use std::{
    ffi::OsStr,
    io::{BufReader, Read},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::EncoderError;
use crate::encoder::complaints::Complaints;

/// Time a question may take: a device may have to wake up.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks whether it has answered.
const LOOK: Duration = Duration::from_millis(10);

/// Bytes of words that are read; the list of encoders has some 15 KB.
const WORDS: u64 = 60 * 1024;

/// What a program said.
pub(super) struct Answer {
    pub(super) success: bool,
    /// What it wrote.
    pub(super) bytes: Vec<u8>,
    /// What it complained about.
    pub(super) complaints: Complaints,
}

impl Answer {
    pub(super) fn words(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Runs a program whose answer is words.
pub(super) fn ask(
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<Answer, EncoderError> {
    ask_for(program, arguments, WORDS)
}

/// Runs a program that ends by itself, for at most [`PATIENCE`]; reads at most `limit` bytes.
///
/// # Errors
///
/// It cannot be started, or had to be ended.
pub(super) fn ask_for(
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    limit: u64,
) -> Result<Answer, EncoderError> {
    let not_started = |cause| EncoderError::NoFfmpeg {
        program: program.to_owned(),
        cause,
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A script in place of ffmpeg has children, which must end with it.
        .process_group(0)
        .spawn()
        .map_err(not_started)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(stdout) = stdout {
            // What was read until an error is as good as what can be had.
            drop(stdout.take(limit).read_to_end(&mut bytes));
        }
        bytes
    });
    let complaints = Complaints::default();
    let noted = complaints.clone();
    let listener = thread::spawn(move || {
        if let Some(stderr) = stderr {
            noted.listen_to(BufReader::new(stderr));
        }
    });
    let mut looks = PATIENCE.as_millis() / LOOK.as_millis();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(not_started)? {
            break status;
        }
        if looks == 0 {
            let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            if let Some(group) = group {
                // An error means that it has ended meanwhile.
                kill_process_group(group, Signal::KILL).unwrap_or_default();
            }
            drop(child.wait());
            return Err(EncoderError::Stuck {
                program: program.to_owned(),
            });
        }
        looks -= 1;
        thread::sleep(LOOK);
    };
    let bytes = reader.join().unwrap_or_default();
    drop(listener.join());
    Ok(Answer {
        success: status.success(),
        bytes,
        complaints,
    })
}
