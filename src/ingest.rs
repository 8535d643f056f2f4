//! (being written)
use crate::{
    clock::{Clock, Tick, WallTime},
    media::{fragment::Fragment, init::InitSegment},
    room::title::Title,
};
use std::{path::PathBuf, time::Duration};
/// stub
#[derive(Debug)]
pub struct IngestThread;
/// stub
#[derive(Debug)]
pub struct Settings {
    /** s */
    pub stream_dir: Option<PathBuf>,
    /** s */
    pub title_file: PathBuf,
    /** s */
    pub max_fragment_bytes: usize,
    /** s */
    pub max_segment_bytes: usize,
}
/// stub
#[derive(Debug)]
pub enum Event {
    /** s */
    Init {
        /** s */
        init: InitSegment,
        /** s */
        started: Option<WallTime>,
    },
    /** s */
    Fragment(Fragment),
    /** s */
    TargetDuration(Duration),
    /** s */
    Stopped(()),
    /** s */
    Title(Title),
}
/// stub
pub fn watch(
    _s: Settings,
    _c: Clock,
    _sink: impl FnMut(Event, Tick) + Send + 'static,
) -> std::io::Result<IngestThread> {
    Ok(IngestThread)
}
/// stub
pub mod demo {
    use super::*;
    /// stub
    pub fn play(
        _clip: &'static [u8],
        _c: Clock,
        _sink: impl FnMut(Event, Tick) + Send + 'static,
    ) -> std::io::Result<IngestThread> {
        Ok(IngestThread)
    }
}
