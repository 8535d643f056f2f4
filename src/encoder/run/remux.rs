//! Repacking what somebody else encoded: FLV goes into an ffmpeg, fragments come out.

use std::{
    io::{self, PipeWriter},
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    thread::Builder,
};

use super::{
    EncoderThread, Life, Surroundings, encode, last_words,
    process::{Ended, Task},
    watch,
};
use crate::{encoder::command::remux_arguments, media::stream::Item};

/// What it is called in complaints.
const SPEAKER: &str = "repacking";

/// Everything that is needed to repack.
#[derive(Debug, Clone)]
pub struct Remux {
    /// The program.
    pub ffmpeg: PathBuf,
    /// What it needs to know.
    pub around: Surroundings,
}

/// Starts an ffmpeg that repacks what is written into the pipe; `each` gets what comes out, and says
/// whether to go on.
///
/// It ends when the pipe is closed. When it ends by itself, writing into the pipe fails.
///
/// # Errors
///
/// No pipe or no thread. A program that cannot be started is logged, and the pipe is closed.
pub fn remux(
    remux: Remux,
    mut each: impl FnMut(Item) -> bool + Send + 'static,
) -> io::Result<(PipeWriter, EncoderThread)> {
    let (input, writer) = io::pipe()?;
    let life = Arc::new(Life::default());
    let around = Surroundings {
        complaints: remux.around.complaints.by(SPEAKER),
        ..remux.around
    };
    let clock = around.clock;
    let reading = Arc::clone(&life);
    let work = move || {
        let task = Task {
            ffmpeg: remux.ffmpeg,
            arguments: remux_arguments(),
            input: Stdio::from(input),
            is_live: true,
        };
        let mut is_wanted = true;
        let ended = encode(task, &around, &reading, &mut |item| {
            is_wanted = each(item);
            is_wanted
        });
        let is_expected = matches!(ended, Ended::Well) || !is_wanted || reading.is_over();
        if !is_expected {
            tracing::warn!(
                "the ffmpeg that repacks the stream {}{}",
                ended.words(),
                last_words(&around.complaints)
            );
        }
        // Nothing is left to look after.
        reading.end();
    };
    let mut thread = EncoderThread {
        life: Arc::clone(&life),
        threads: Vec::new(),
    };
    let reader = Builder::new().name("remux".to_owned()).spawn(work)?;
    thread.threads.push(reader);
    let watcher = Builder::new()
        .name("remux watch".to_owned())
        .spawn(move || watch(&life, clock))?;
    thread.threads.push(watcher);
    Ok((writer, thread))
}
