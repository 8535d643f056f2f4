//! Fragmented MP4 as plain data: boxes, init segments, fragments, playlists and the timeline.
//!
//! Belongs here: parsing bytes that somebody hands in and rules about media time.
//! Does not belong here: files, sockets, tasks, the clock. Everything is a pure function or a
//! state machine that takes the time as an argument, and no input of any kind makes it panic.

pub mod advice;
pub mod boxes;
pub mod broadcast;
pub mod clip;
pub mod codecs;
pub mod delay;
pub mod fragment;
pub mod init;
pub mod lag;
pub mod listing;
pub mod master;
pub mod meter;
pub mod playlist;
pub mod privacy;
pub mod recording;
pub mod rendition;
pub mod sound;
pub mod stream;
pub mod timeline;
pub mod variant;
