//! A viewer that takes a stream apart.
//!
//! Belongs here: what is in `/stream.mp4`, fragment by fragment, and which encoders run for it. The
//! one part of the stage that uses the library: its parsers have tests of their own.

use std::{fs, time::Duration};

use onionstream::media::{
    boxes::MAX_FRAGMENT_BYTES,
    fragment::Fragment,
    init::InitSegment,
    stream::{Item, StreamReader},
};

use super::{
    Deadline,
    http::{Piece, Request, Stream},
    server::Server,
    watch,
};

/// How long it may take on a busy machine until something is played.
const PLAYS_WITHIN: Duration = Duration::from_secs(20);

/// What an answer brings, as it comes.
#[derive(Debug)]
pub(crate) struct Watching {
    stream: Stream,
    reader: StreamReader,
    /// The init segments that came.
    pub(crate) inits: Vec<InitSegment>,
    /// The fragments that came.
    pub(crate) fragments: Vec<Fragment>,
}

impl Watching {
    /// Waits until something is played, and joins.
    pub(crate) fn open(server: &Server) -> Self {
        Self::open_at(server, "/stream.mp4?delay=low")
    }

    /// The same at this address.
    pub(crate) fn open_at(server: &Server, path: &str) -> Self {
        let address = server.local_address();
        let stream = watch(PLAYS_WITHIN, || {
            let stream = Request::get(path).open(address);
            (stream.status == 200).then_some(stream)
        });
        Self {
            stream: stream.unwrap_or_else(|| panic!("nothing is played: {}", server.log())),
            reader: StreamReader::new(MAX_FRAGMENT_BYTES),
            inits: Vec::new(),
            fragments: Vec::new(),
        }
    }

    /// Reads until `enough`, or until the answer ends; says whether it goes on.
    pub(crate) fn until(&mut self, allowed: Duration, enough: impl Fn(&Self) -> bool) -> bool {
        let deadline = Deadline::after(allowed);
        while !enough(self) {
            match self.stream.next(deadline.left()) {
                Piece::Data(bytes) => self.reader.push(&bytes),
                Piece::Silence => panic!("only {} s came", self.seconds()),
                _end => return false,
            }
            while let Some(item) = self.reader.next_item().expect("a stream") {
                match item {
                    Item::Init(init) => self.inits.push(init),
                    Item::Fragment(fragment) => self.fragments.push(fragment),
                }
            }
        }
        true
    }

    /// Playing time of what came.
    pub(crate) fn seconds(&self) -> f64 {
        let first = self.fragments.first().map(Fragment::start);
        let last = self.fragments.last().map(Fragment::end);
        last.zip(first).map_or(0.0, |(last, first)| {
            last.saturating_sub(first).as_secs_f64()
        })
    }

    /// The longest pause between fragments and the longest overlap, of any track.
    pub(crate) fn seams(&self) -> (Duration, Duration) {
        let init = self.inits.first().expect("an init segment");
        let (mut pause, mut overlap) = (Duration::ZERO, Duration::ZERO);
        for track in init.tracks() {
            let runs = self.fragments.iter().flat_map(Fragment::runs);
            let runs: Vec<_> = runs.filter(|run| run.track_id == track.id).collect();
            for (before, after) in runs.iter().zip(runs.iter().skip(1)) {
                pause = pause.max(after.start().saturating_sub(before.end()));
                overlap = overlap.max(before.end().saturating_sub(after.start()));
            }
        }
        (pause, overlap)
    }
}

/// The encoders that this process has started and that still run.
pub(crate) fn encoders_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc");
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter(|number: &u32| {
            let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
            let Some((before, after)) = stat.rsplit_once(") ") else {
                return false;
            };
            let mut fields = after.split(' ');
            let is_running = fields.next() != Some("Z");
            is_running && before.contains("(ffmpeg") && fields.next() == Some(&parent.to_string())
        })
        .collect()
}

/// Whether a process is there and not only waiting to be noticed.
pub(crate) fn is_running(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| !state.starts_with('Z'))
}
