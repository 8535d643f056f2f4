//! Streams that somebody's encoder pushes to this computer: who may, one at a time.
//!
//! Belongs here: the stream key, whose turn it is, RTMP.
//! Does not belong here: HTTP (`http/ingest.rs` hands its bodies in), what ffmpeg is told
//! (`encoder/`).

pub mod key;
mod publishers;
pub mod rtmp;

pub use self::publishers::{Publishers, Refused, Turn};
