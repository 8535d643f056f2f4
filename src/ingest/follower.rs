//! Follows the segments of a stream directory: what is new in it, in the right order, once.
//!
//! Belongs here: which file to read next and what a change of `init.mp4` means.
//! Does not belong here: waiting for changes (`watch.rs`), the content of each file (`init_file.rs`,
//! `playlist_file.rs`, `segment.rs`), deciding what is on air (`media/timeline.rs`).
//!
//! Invariant: bytes that were on disk when the follower was made are never handed out, and no
//! other bytes twice. For that every segment that has been read joins the leftovers of the start
//! in [`Seen`], so that at the start of a new run whatever is *not* in there is new. A snapshot
//! taken at that moment would come too late: FFmpeg's hls muxer fills `init.mp4` and writes the
//! first segment in the same instant.

use std::{fs, io, path::PathBuf};

use tracing::warn;

use super::{
    Event, Settings, Stop,
    complaints::Complaints,
    encoder_pid::EncoderPid,
    file::{self, Links},
    identity::{Identity, Modified, Seen, Verdict},
    init_file::InitFile,
    playlist_file::PlaylistFile,
    segment::{SegmentError, SegmentReader},
};
use crate::{clock::WallTime, media::playlist::segment_number};

/// Most directory entries that a search for segments looks at.
const MAX_ENTRIES: usize = 20_000;

/// Bytes that are read from a segment at a time.
const CHUNK: usize = 64 * 1024;

/// Without any sign of a change the directory is still searched every so many looks.
const SEARCH_EVERY: u32 = 20;

/// Dates of files may lie so many milliseconds before the moment of writing: Linux takes them from a
/// clock that goes in steps of up to 10 ms, and on a busy virtual machine a step can be missed.
const DATES_LAG: u64 = 50;

/// Why the follower is asked to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Something may have changed.
    Hint,
    /// Time has passed.
    Slow,
}

/// The segment that is being followed.
#[derive(Debug)]
struct Current {
    number: u64,
    /// `None` if the rest of it is not to be served.
    reader: Option<SegmentReader>,
    /// The state of the file when it was opened.
    opened: Identity,
}

/// Follows one stream directory. All calls may wait for the disk.
#[derive(Debug)]
pub(super) struct Follower {
    directory: PathBuf,
    max_segment_bytes: u64,
    max_fragment_bytes: u64,
    seen: Seen,
    complaints: Complaints,
    init: InitFile,
    /// Whether the init segment has been handed out for the present run.
    announced: bool,
    playlist: PlaylistFile,
    encoder: EncoderPid,
    current: Option<Current>,
    buffer: Vec<u8>,
    /// When the directory was written to, at the last search.
    searched: Option<Modified>,
    looks_since_search: u32,
    /// Whether the warning about too many entries has been given.
    warned_of_entries: bool,
}

impl Follower {
    /// Takes note of everything that is in the directory now; none of it will be handed out.
    ///
    /// # Errors
    ///
    /// The directory cannot be listed.
    pub(super) fn new(settings: &Settings, now: WallTime) -> io::Result<Self> {
        let mut follower = Self {
            directory: settings.stream_dir.clone(),
            max_segment_bytes: settings.max_segment_bytes,
            max_fragment_bytes: settings.max_fragment_bytes,
            seen: Seen::default(),
            complaints: Complaints::default(),
            init: InitFile::default(),
            announced: false,
            playlist: PlaylistFile::default(),
            encoder: EncoderPid::default(),
            current: None,
            buffer: vec![0; CHUNK],
            searched: None,
            looks_since_search: 0,
            warned_of_entries: false,
        };
        follower.take_note(now, |_| true)?;
        follower.playlist.pass_over(&follower.directory);
        follower
            .init
            .read(&follower.directory, &mut follower.complaints);
        Ok(follower)
    }

    /// Another directory is at the path now. What was written before `since`, when the old one was
    /// last there, cannot be of a broadcast that is under way.
    pub(super) fn directory_replaced(&mut self, since: WallTime) -> io::Result<()> {
        let since = WallTime::from_unix_millis(since.unix_millis().saturating_sub(DATES_LAG));
        self.take_note(since, |state| state.modified < modified_at(since))?;
        self.searched = None;
        Ok(())
    }

    /// Looks at everything afresh and hands out what is new, in order.
    pub(super) fn look(&mut self, why: Look, now: WallTime, emit: &mut dyn FnMut(Event)) {
        self.looks_since_search += 1;
        match why {
            Look::Hint => self.searched = None,
            Look::Slow => self.complaints.rest(),
        }
        self.look_at_init(now, emit);
        let news = self.playlist.look(&self.directory, &mut self.complaints);
        if let Some(target) = news.target_duration {
            emit(Event::TargetDuration(target));
        }
        self.follow(now, emit);
        if news.ended && self.announced {
            emit(Event::Stopped(Stop::EndList));
        }
        if why == Look::Slow && self.encoder.has_gone(&self.directory, &mut self.complaints) {
            // What it wrote last may have come after the look above.
            self.follow(now, emit);
            emit(Event::Stopped(Stop::EncoderGone));
        }
    }

    /// A changed init file is a new run.
    fn look_at_init(&mut self, now: WallTime, emit: &mut dyn FnMut(Event)) {
        if !self.init.has_changed(&self.directory) {
            return;
        }
        self.read_current(now, emit);
        self.seen.begin_run();
        // Unlike all others this one may go on: somebody may only have touched `init.mp4`.
        self.leave_current(true);
        self.init.read(&self.directory, &mut self.complaints);
        self.announced = false;
        self.searched = None;
        self.playlist.begin_run();
        self.encoder.begin_run();
        self.announce(now, emit);
    }

    /// Hands out the init segment if that has not happened in this run.
    fn announce(&mut self, now: WallTime, emit: &mut dyn FnMut(Event)) {
        if self.announced {
            return;
        }
        if let Some(init) = self.init.segment() {
            let started = self.init.started(&self.directory, now);
            emit(Event::Init {
                init: init.clone(),
                started,
            });
            self.announced = true;
        }
    }

    /// Reads on, from segment to segment, until there is nothing new.
    fn follow(&mut self, now: WallTime, emit: &mut dyn FnMut(Event)) {
        while self.init.segment().is_some() {
            let Some(current) = &self.current else {
                let Some((number, skip)) = self.search() else {
                    return;
                };
                self.enter(number, skip, now, emit);
                continue;
            };
            let (number, opened) = (current.number, current.opened);
            // Noted before reading: once a later segment exists, this one is complete.
            let next = self.successor(number);
            let replaced = file::state(&self.segment_path(number))
                .is_some_and(|state| !state.is_same_file(opened));
            self.read_current(now, emit);
            match (&self.current, next) {
                // It was written anew, without a new `init.mp4`.
                (None, _) => {}
                _ if replaced => self.begin_again(),
                (Some(_), Some((next, skip))) => {
                    self.leave_current(false);
                    self.enter(next, skip, now, emit);
                }
                (Some(_), None) => return,
            }
        }
    }

    /// Opens segment `number` and makes it the current one.
    fn enter(&mut self, number: u64, skip: u64, now: WallTime, emit: &mut dyn FnMut(Event)) {
        // Encoders write `init.mp4` first. So if this segment belongs to a new run, that shows now.
        if self.init.has_changed(&self.directory) {
            self.look_at_init(now, emit);
            return;
        }
        let path = self.segment_path(number);
        match file::open(&path, Links::Refused) {
            Ok(None) => {}
            Ok(Some((file, opened))) => {
                let reader =
                    SegmentReader::new(file, skip, self.max_segment_bytes, self.max_fragment_bytes);
                self.current = Some(Current {
                    number,
                    reader: Some(reader),
                    opened,
                });
            }
            Err(error) => {
                self.complaints.complain(&segment_name(number), &error);
                if let Some(state) = file::state(&path) {
                    self.seen.remember(number, state, false);
                }
            }
        }
    }

    /// Hands out what the current segment has to give by now. Afterwards there is no current one
    /// if it turned out to be written anew.
    fn read_current(&mut self, now: WallTime, emit: &mut dyn FnMut(Event)) {
        let Some(init) = self.init.segment() else {
            return;
        };
        let Some(current) = &mut self.current else {
            return;
        };
        let Some(reader) = &mut current.reader else {
            return;
        };
        let mut fragments = 0_u64;
        let announced = self.announced;
        let (file, directory) = (&self.init, &self.directory);
        let result = reader.read(init, &mut self.buffer, &mut |fragment| {
            if fragments == 0 && !announced {
                let started = file.started(directory, now);
                emit(Event::Init {
                    init: init.clone(),
                    started,
                });
            }
            fragments += 1;
            emit(Event::Fragment(fragment));
        });
        self.announced |= fragments > 0;
        match result {
            Ok(()) => {}
            Err(SegmentError::Truncated) => self.begin_again(),
            Err(error) => {
                self.complaints
                    .complain(&segment_name(current.number), &error);
                current.reader = None;
            }
        }
    }

    /// The current segment is being written anew: a new run with the same init segment.
    fn begin_again(&mut self) {
        self.seen.begin_run();
        self.current = None;
        self.announced = false;
        self.searched = None;
        self.playlist.begin_run();
        self.encoder.begin_run();
    }

    /// Done with the current segment: it is a leftover from now on, in case of `may_grow` only as
    /// long as it is now.
    fn leave_current(&mut self, may_grow: bool) {
        let Some(current) = self.current.take() else {
            return;
        };
        let name = segment_name(current.number);
        match &current.reader {
            None => {
                let state = file::state(&self.segment_path(current.number));
                self.seen
                    .remember(current.number, state.unwrap_or(current.opened), false);
            }
            Some(reader) => {
                // If it has become shorter it is being written anew and must stay live.
                let Some(state) = reader.state() else { return };
                self.seen.remember(current.number, state, may_grow);
                if reader.is_cut_off() {
                    self.complaints.complain(
                        &name,
                        &"it ends in the middle of a fragment; only the rest was served",
                    );
                } else {
                    self.complaints.forget(&name);
                }
            }
        }
    }

    /// The live segment after `number`: the next number, else the next one that the playlist
    /// lists, else 0 (FFmpeg's `-segment_wrap`).
    fn successor(&self, number: u64) -> Option<(u64, u64)> {
        let live = |number| Some((number, self.live(number)?));
        live(number + 1)
            .or_else(|| self.playlist.above(number).into_iter().find_map(live))
            .or_else(|| if number == 0 { None } else { live(0) })
    }

    /// How many bytes of segment `number` are leftovers; `None` if all are or it does not exist.
    fn live(&self, number: u64) -> Option<u64> {
        let state = file::state(&self.segment_path(number))?;
        match self.seen.judge(number, state) {
            Verdict::Live { skip } => Some(skip),
            Verdict::Leftover => None,
        }
    }

    /// The lowest live segment of the directory. Answers without searching if nothing speaks for
    /// a change since the last search.
    fn search(&mut self) -> Option<(u64, u64)> {
        let written = file::state(&self.directory)?.modified;
        if self.searched == Some(written) && self.looks_since_search < SEARCH_EVERY {
            return None;
        }
        let numbers = self.numbers().ok()?;
        let found = numbers
            .into_iter()
            .find_map(|number| Some((number, self.live(number)?)));
        if found.is_none() {
            self.searched = Some(written);
            self.looks_since_search = 0;
        }
        found
    }

    /// The numbers of all segments in the directory, lowest first.
    fn numbers(&mut self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for (index, entry) in fs::read_dir(&self.directory)?.enumerate() {
            if index == MAX_ENTRIES {
                if !self.warned_of_entries {
                    warn!(
                        "the stream directory has more than {MAX_ENTRIES} entries; \
                         delete old segments, or new ones may be missed"
                    );
                }
                self.warned_of_entries = true;
                break;
            }
            let name = entry?.file_name();
            numbers.extend(name.to_str().and_then(segment_number));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Remembers the segments that `is_leftover` picks. If there are too many entries to look at,
    /// everything written until `now` is a leftover.
    fn take_note(
        &mut self,
        now: WallTime,
        is_leftover: impl Fn(Identity) -> bool,
    ) -> io::Result<()> {
        self.warned_of_entries = false;
        for number in self.numbers()? {
            if let Some(state) = file::state(&self.segment_path(number))
                && is_leftover(state)
            {
                self.seen.remember(number, state, true);
            }
        }
        if self.warned_of_entries {
            self.seen.forget_until(modified_at(now));
        }
        Ok(())
    }

    fn segment_path(&self, number: u64) -> PathBuf {
        self.directory.join(segment_name(number))
    }

    /// What has been complained about so far.
    #[cfg(test)]
    fn said(&self) -> Vec<(&str, &str)> {
        self.complaints.said()
    }
}

/// `time` as the date of a file.
fn modified_at(time: WallTime) -> Modified {
    let millis = i64::try_from(time.unix_millis()).unwrap_or(i64::MAX);
    (millis / 1000, millis % 1000 * 1_000_000)
}

fn segment_name(number: u64) -> String {
    format!("stream{number}.m4s")
}

#[cfg(test)]
mod tests;
