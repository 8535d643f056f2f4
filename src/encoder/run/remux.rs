//! Repacking what somebody else encoded: FLV goes into an ffmpeg, fragments come out.

use std::{
    io::{self, PipeWriter},
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    thread::Builder,
    time::Duration,
};

use super::{
    EncoderThread, Life, Surroundings, encode, last_words,
    process::{Ended, Task},
    watch,
};
use crate::{encoder::command::remux_arguments, media::stream::Item};

/// One that repacks writes within this time what it gets.
const STUCK: Duration = Duration::from_secs(15);

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
    let clock = remux.around.clock;
    let reading = Arc::clone(&life);
    let work = move || {
        let task = Task {
            ffmpeg: remux.ffmpeg,
            arguments: remux_arguments(),
            input: Stdio::from(input),
            patience: Some(STUCK),
            feed: None,
        };
        let mut is_wanted = true;
        let ended = encode(task, &remux.around, &reading, &mut |item| {
            is_wanted = each(item);
            is_wanted
        });
        let is_expected = matches!(ended, Ended::Well) || !is_wanted || reading.is_over();
        if !is_expected {
            tracing::warn!(
                "the ffmpeg that repacks the stream {}{}",
                ended.words(),
                last_words(&remux.around.complaints)
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
