//! Runs ffmpeg: which command, and everything around its life.
//!
//! Belongs here: the command for each source and preset, starting and ending the process, what it
//! complained about, starting it again.
//! Does not belong here: files that somebody else's encoder writes (`ingest/`), what is on the air
//! (`media/`).
//!
//! The encoder writes fragmented MP4 into a pipe, not onto the disk: nothing of a broadcast is left
//! behind, and an encoder whose reader is gone ends by itself.

mod ask;
mod command;
mod complaints;
mod feed;
pub mod guard;
mod hardware;
mod input;
mod lower;
mod pace;
mod preset;
mod probe;
mod process;
mod run;
mod shut_off;
mod slate;

pub use self::{
    ask::Leash,
    command::{Plan, Shape, Sound, quoted},
    complaints::Complaints,
    feed::{Feed, Trouble},
    hardware::{Hardware, HardwareEncoder},
    input::{Contents, Input, Microphone},
    lower::{Codecs, Lower},
    preset::Preset,
    probe::{
        EncoderError, Tried, check, check_encoders, check_ffmpeg, ffprobe_of, try_hardware, version,
    },
    run::{
        EncoderThread, Job, Remux, Slates, Surroundings, check_files, lower, plans, remux, run,
        slates,
    },
    shut_off::{PORT as PROXY_PORT, check_shut_off},
    slate::{SlateError, slate},
};
