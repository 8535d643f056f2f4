//! Asking a program something that it answers by ending: what a file holds, what a device does, what a
//! slate looks like.
//!
//! Belongs here: how long that may take, and what ends it. Does not belong here: the process itself
//! (`process.rs`), programs that run as long as the show.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read as _},
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{TryRecvError, channel},
    },
    thread::{self, Builder},
    time::Duration,
};

use super::{
    complaints::Complaints,
    guard::NOT_STARTED,
    probe::EncoderError,
    process::{LOOK, Process, Task},
};

/// Time a question may take: a device may have to wake up.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of words that are read; the list of encoders has some 15 KB.
const WORDS: u64 = 60 * 1024;

/// What ties a program that is asked to us: it does not outlive us, nor the wish for its answer.
#[derive(Debug, Clone, Default)]
pub struct Leash {
    guard: Vec<OsString>,
    over: Vec<Arc<AtomicBool>>,
}

impl Leash {
    /// What is started in place of a program, with its command line as arguments (see
    /// [`super::guard`]; nothing is: the program itself), and what is set when no answer is wanted any
    /// more.
    pub fn new(guard: Vec<OsString>, over: Arc<AtomicBool>) -> Self {
        Self {
            guard,
            over: vec![over],
        }
    }

    /// One that something else ends too.
    pub(super) fn and(&self, over: &Arc<AtomicBool>) -> Self {
        let mut leash = self.clone();
        leash.over.push(Arc::clone(over));
        leash
    }

    pub(super) fn guard(&self) -> &[OsString] {
        &self.guard
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.iter().any(|over| over.load(Ordering::SeqCst))
    }
}

/// What bounds an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// What is read of it.
    pub(super) bytes: u64,
    /// All that it may take. How long nothing may come is said by [`Task::patience`].
    pub(super) time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: WORDS,
            time: PATIENCE,
        }
    }
}

/// What a program said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) success: bool,
    /// What it wrote.
    pub(super) bytes: Vec<u8>,
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
    leash: &Leash,
) -> Result<Answer, EncoderError> {
    let task = question(program, arguments);
    answer(task, Limits::default(), &Complaints::default(), leash)
}

/// A program that ends by itself and reads nothing.
pub(super) fn question(
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Task {
    let arguments = arguments.into_iter();
    Task {
        ffmpeg: program.to_owned(),
        arguments: arguments.map(|one| one.as_ref().to_owned()).collect(),
        input: Stdio::null(),
        patience: None,
        feed: None,
    }
}

/// Runs a program to its end; all that it complained about is noted by then.
///
/// # Errors
///
/// It cannot be started, did not end in time, or nobody wants to know any more. Then it and what it has
/// started are gone.
pub(super) fn answer(
    task: Task,
    limits: Limits,
    complaints: &Complaints,
    leash: &Leash,
) -> Result<Answer, EncoderError> {
    let (program, patience) = (task.ffmpeg.clone(), task.patience);
    let not_started = |cause| EncoderError::NoFfmpeg {
        program: program.clone(),
        cause,
    };
    if leash.is_over() {
        return Err(EncoderError::Over);
    }
    let (mut process, output) =
        Process::start(task, leash.guard(), complaints).map_err(not_started)?;
    let (chunks, come) = channel();
    Builder::new()
        .name("answer".to_owned())
        .spawn(move || {
            let mut output = output.take(limits.bytes);
            let mut chunk = vec![0; 64 * 1024];
            // What was read until an error is as good as what can be had.
            while let Ok(count @ 1..) = output.read(&mut chunk) {
                let bytes = chunk.get(..count).unwrap_or_default().to_vec();
                if chunks.send(bytes).is_err() {
                    return;
                }
            }
        })
        .map_err(EncoderError::Thread)?;
    let mut bytes = Vec::new();
    let (mut all, mut quiet) = (Duration::ZERO, Duration::ZERO);
    loop {
        let is_read = loop {
            match come.try_recv() {
                Ok(chunk) => {
                    bytes.extend(chunk);
                    quiet = Duration::ZERO;
                }
                Err(end) => break end == TryRecvError::Disconnected,
            }
        };
        // Not before everything was read: a process that was waited for has no group to be killed.
        let ended = is_read.then(|| process.has_ended()).transpose();
        if let Some(status) = ended.map_err(not_started)?.flatten() {
            if !leash.guard().is_empty() && status.code() == Some(i32::from(NOT_STARTED)) {
                let words = complaints.last().unwrap_or_default();
                let cause = words.rsplit_once("`: ").map_or(&*words, |(_, cause)| cause);
                return Err(not_started(io::Error::other(cause)));
            }
            return Ok(Answer {
                success: status.success(),
                bytes,
            });
        }
        let is_stuck = all >= limits.time || patience.is_some_and(|patience| quiet >= patience);
        if leash.is_over() || is_stuck {
            // Also when it has ended itself: what it has started has not.
            process.kill();
            return Err(if leash.is_over() {
                EncoderError::Over
            } else {
                EncoderError::Stuck { program }
            });
        }
        thread::sleep(LOOK);
        all += LOOK;
        quiet += LOOK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask_shell(script: &str, limits: Limits, leash: &Leash) -> Result<Answer, EncoderError> {
        let mut task = question(Path::new("sh"), ["-c", script]);
        task.patience = Some(Duration::from_millis(300));
        answer(task, limits, &Complaints::default(), leash)
    }

    #[test]
    fn one_that_is_silent_for_too_long_is_stuck_and_one_that_writes_on_is_not() {
        let ask = |script: &str| ask_shell(script, Limits::default(), &Leash::default());
        let slow = ask("for n in 1 2 3 4 5; do echo $n; sleep 0.1; done").unwrap();
        assert_eq!((slow.success, slow.words().lines().count()), (true, 5));
        let stuck = ask("echo 1; sleep 60");
        assert!(
            matches!(stuck, Err(EncoderError::Stuck { .. })),
            "{stuck:?}"
        );
        // What it left behind holds its output, and is ended too.
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("number");
        let left = ask(&format!("sleep 60 & echo $! >'{}'", file.display()));
        assert!(matches!(left, Err(EncoderError::Stuck { .. })), "{left:?}");
        let number = std::fs::read_to_string(file).unwrap();
        let stat = format!("/proc/{}/stat", number.trim());
        let is_gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z"));
        assert!((0..100).any(|_| is_gone() || (thread::sleep(LOOK), false).1));
    }

    #[test]
    fn one_that_never_stops_writing_is_stuck_too_and_little_of_it_is_read() {
        let time = Duration::from_millis(500);
        let limits = |bytes| Limits { bytes, time };
        let script = "while :; do echo word; sleep 0.05; done";
        let endless = ask_shell(script, limits(1000), &Leash::default());
        assert!(
            matches!(endless, Err(EncoderError::Stuck { .. })),
            "{endless:?}"
        );
        // It is told so by the end of its pipe.
        let cut = ask_shell("yes", limits(1000), &Leash::default()).unwrap();
        assert_eq!((cut.success, cut.bytes.len()), (false, 1000));
    }

    #[test]
    fn nobody_waits_for_an_answer_that_is_not_wanted_any_more() {
        let over = Arc::new(AtomicBool::new(false));
        let leash = Leash::default().and(&over);
        let asking = thread::spawn(move || ask(Path::new("sleep"), ["60"], &leash));
        thread::sleep(LOOK * 5);
        assert!(!asking.is_finished());
        over.store(true, Ordering::SeqCst);
        assert!(matches!(asking.join().unwrap(), Err(EncoderError::Over)));
    }
}
