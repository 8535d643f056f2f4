//! An ffmpeg between two pipes: what somebody else encoded goes in, fragments come out.
//!
//! Belongs here: repacking FLV, and encoding once more what is on the air already. Does not belong
//! here: what is done with the fragments.

use std::{
    ffi::OsString,
    io::{self, PipeWriter},
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    thread::Builder,
    time::Duration,
};

use super::{EncoderThread, Life, Surroundings, encode, last_words, watch};
use crate::{
    encoder::{
        command::remux_arguments,
        lower::Lower,
        process::{Ended, Task},
    },
    media::stream::Item,
};

/// What is repacked is called this in complaints.
const REPACKING: &str = "repacking";

/// What is encoded once more is called this in complaints.
const LOW: &str = "low";

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
    each: impl FnMut(Item) -> bool + Send + 'static,
) -> io::Result<(PipeWriter, EncoderThread)> {
    let Remux { ffmpeg, around } = remux;
    between(
        REPACKING,
        ffmpeg,
        remux_arguments(),
        around,
        each,
        |words| {
            if let Some(words) = words {
                tracing::warn!("the ffmpeg that repacks the stream {words}");
            }
        },
    )
}

/// Starts an ffmpeg that makes less of the fragmented MP4 that is written into the pipe; `each` gets
/// what comes out, and says whether to go on. At the end `ended` is told why, to be read after "the
/// encoder", unless that was wanted.
///
/// It ends when the pipe is closed. When it ends by itself, writing into the pipe fails.
///
/// # Errors
///
/// No pipe or no thread.
pub fn lower(
    ffmpeg: PathBuf,
    lower: &Lower,
    around: Surroundings,
    each: impl FnMut(Item) -> bool + Send + 'static,
    ended: impl FnOnce(Option<String>) + Send + 'static,
) -> io::Result<(PipeWriter, EncoderThread)> {
    between(LOW, ffmpeg, lower.arguments(), around, each, ended)
}

fn between(
    name: &'static str,
    ffmpeg: PathBuf,
    arguments: Vec<OsString>,
    around: Surroundings,
    mut each: impl FnMut(Item) -> bool + Send + 'static,
    told: impl FnOnce(Option<String>) + Send + 'static,
) -> io::Result<(PipeWriter, EncoderThread)> {
    let (input, writer) = io::pipe()?;
    let life = Arc::new(Life::default());
    let around = Surroundings {
        complaints: around.complaints.by(name),
        ..around
    };
    let clock = around.clock;
    let reading = Arc::clone(&life);
    let work = move || {
        let task = Task {
            ffmpeg,
            arguments,
            input: Stdio::from(input),
            patience: Some(STUCK),
            feed: None,
        };
        let mut is_wanted = true;
        let ended = encode(task, &around, &reading, &mut |item| {
            is_wanted = each(item);
            is_wanted
        });
        let is_expected = matches!(ended, Ended::Well) || !is_wanted || reading.is_over();
        told(
            (!is_expected).then(|| format!("{}{}", ended.words(), last_words(&around.complaints))),
        );
        // Nothing is left to look after.
        reading.end();
    };
    let mut thread = EncoderThread {
        life: Arc::clone(&life),
        threads: Vec::new(),
    };
    let reader = Builder::new().name(name.to_owned()).spawn(work)?;
    thread.threads.push(reader);
    let watcher = Builder::new()
        .name(format!("{name} watch"))
        .spawn(move || watch(&life, clock, false))?;
    thread.threads.push(watcher);
    Ok((writer, thread))
}
