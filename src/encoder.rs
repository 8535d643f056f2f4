//! Runs ffmpeg: which command, and everything around its life.
//!
//! Belongs here: the command for each source and preset, starting and ending the process, what it
//! complained about, starting it again.
//! Does not belong here: files that somebody else's encoder writes (`ingest/`), what is on the air
//! (`media/`).
//!
//! The encoder writes fragmented MP4 into a pipe, not onto the disk: nothing of a broadcast is left
//! behind, and an encoder whose reader is gone ends by itself.

mod command;
mod complaints;
mod feed;
pub mod guard;
mod input;
mod pace;
mod preset;
mod probe;
mod run;
mod shut_off;
mod slate;

pub use self::{
    command::{Plan, Shape, Sound, quoted},
    complaints::Complaints,
    feed::{Feed, Trouble},
    input::{Contents, Input, Microphone},
    preset::Preset,
    probe::{EncoderError, check, check_ffmpeg},
    run::{EncoderThread, Job, Remux, Surroundings, plans, remux, run},
    shut_off::PORT as PROXY_PORT,
    slate::{SlateError, slate},
};
