//! What the encoder complained about, for the person who runs the show.

use std::{
    collections::VecDeque,
    io::{BufRead, Read as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Lines that are kept.
const LINES: usize = 64;

/// Characters that are kept of a line.
const LINE: usize = 400;

/// Bytes of a line that are read at most; the rest is left out.
const LINE_BYTES: u64 = 4096;

/// Said of every show, because it is meant so: sound begins before the picture, and fragments are
/// written from the start.
const MEANT: [&str; 1] = ["starts with a nonzero dts"];

/// The newest lines of what the programs of a show wrote to their standard errors; clones are the
/// same.
#[derive(Debug, Clone, Default)]
pub struct Complaints {
    lines: Arc<Mutex<VecDeque<Line>>>,
    speaker: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    speaker: Option<&'static str>,
    words: String,
}

impl Line {
    fn shown(&self) -> String {
        match self.speaker {
            Some(speaker) => format!("{speaker}: {}", self.words),
            None => self.words.clone(),
        }
    }
}

impl Complaints {
    /// The same list, for a program that is not the encoder and is called this.
    #[must_use]
    pub fn by(&self, speaker: &'static str) -> Self {
        Self {
            lines: Arc::clone(&self.lines),
            speaker: Some(speaker),
        }
    }

    /// Notes all lines until the end.
    pub(super) fn listen_to(&self, mut errors: impl BufRead) {
        let mut line = Vec::new();
        let mut is_rest = false;
        while let Ok(1..) = errors
            .by_ref()
            .take(LINE_BYTES)
            .read_until(b'\n', &mut line)
        {
            // The rest of a line that was too long could be the end of an address.
            if !is_rest {
                self.note(&line);
            }
            is_rest = line.last() != Some(&b'\n');
            line.clear();
        }
    }

    /// Notes a line; a repetition of the last one is not news.
    pub(super) fn note(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        // ffmpeg marks lines with the address of the part that speaks: `[libx264 @ 0x5581…] `.
        let words = match line.split_once(" @ 0x").zip(line.split_once("] ")) {
            Some(((part, _), (_, rest))) => format!("{part}] {rest}"),
            None => line.into_owned(),
        };
        let words: String = without_addresses(&words)
            .trim()
            .chars()
            .filter(|letter| !letter.is_control())
            .take(LINE)
            .collect();
        let line = Line {
            speaker: self.speaker,
            words,
        };
        let mut lines = self.lock();
        let is_meant = MEANT.iter().any(|meant| line.words.contains(meant));
        if line.words.is_empty() || is_meant || lines.back() == Some(&line) {
            return;
        }
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The newest one of this speaker, without the name.
    pub fn last(&self) -> Option<String> {
        let lines = self.lock();
        let mut own = lines.iter().rev();
        let last = own.find(|line| line.speaker == self.speaker)?;
        Some(last.words.clone())
    }

    /// The oldest one of this speaker that is kept, without the name: of a program that failed at
    /// once it is the cause, and the others are what it led to.
    pub(super) fn first(&self) -> Option<String> {
        let lines = self.lock();
        let first = lines.iter().find(|line| line.speaker == self.speaker)?;
        Some(first.words.clone())
    }

    /// All that are kept, of everybody, oldest first; who spoke stands before the words if it was not
    /// the encoder.
    pub fn all(&self) -> Vec<String> {
        self.lock().iter().map(Line::shown).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The words without addresses of servers: there are passwords and keys in them, and the log is kept and
/// shown to people who help.
fn without_addresses(words: &str) -> String {
    let shown = words.split(' ').map(|word| {
        if word.contains("://") || (word.contains('?') && word.contains('=')) {
            let colon = if word.ends_with(':') { ":" } else { "" };
            format!("[address]{colon}")
        } else {
            word.to_owned()
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept_without_what_a_terminal_would_obey() {
        let complaints = Complaints::default();
        for number in 0..100 {
            complaints.note(format!("line {number}\r").as_bytes());
        }
        complaints.note(b"line 99");
        complaints.note(b"[mp4 @ 0x5] Track 1 starts with a nonzero dts -1024, while the moov");
        complaints.note(b"\x1b[31m[libx264 @ 0x5581abc] \xffbroken\n");
        complaints.note(b"  ");

        let all = complaints.all();
        assert_eq!(all.len(), LINES);
        assert_eq!(all.first().map(String::as_str), Some("line 37"));
        assert_eq!(
            complaints.last().as_deref(),
            Some("[31m[libx264] \u{fffd}broken")
        );
    }

    #[test]
    fn the_line_says_who_spoke_and_each_has_their_own_last_words() {
        let complaints = Complaints::default();
        let slate = complaints.by("the slate");
        complaints.note(b"past duration too large");
        slate.note(b"past duration too large");

        assert_eq!(
            complaints.all(),
            [
                "past duration too large",
                "the slate: past duration too large"
            ]
        );
        slate.note(b"no such file");
        assert_eq!(
            complaints.last().as_deref(),
            Some("past duration too large")
        );
        assert_eq!(slate.last().as_deref(), Some("no such file"));
        assert_eq!(slate.first().as_deref(), Some("past duration too large"));
        assert_eq!(complaints.by("nobody").last(), None);
    }

    #[test]
    fn addresses_do_not_stay_in_what_is_kept() {
        for (said, kept) in [
            (
                "rtmp://127.0.0.1:1935/live/KEY: Input/output error",
                "[address]: Input/output error",
            ),
            (
                "Opening 'https://me:KEY@example.org/a.m3u8?token=1' for reading",
                "Opening [address] for reading",
            ),
            ("skip /live/KEY.ts?t=1 now", "skip [address] now"),
            (
                "/home/me/film.mkv: no such file",
                "/home/me/film.mkv: no such file",
            ),
        ] {
            let complaints = Complaints::default();
            complaints.note(said.as_bytes());
            assert_eq!(complaints.last().as_deref(), Some(kept));
        }
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let complaints = Complaints::default();
        complaints.note(&[b'x'; 10_000]);
        assert_eq!(complaints.last().map(|line| line.len()), Some(LINE));
        complaints.listen_to(&[b'y'; 10_000][..]);
        let long = [&[b'z'; 10_000][..], b"KEY\nnext\n"].concat();
        complaints.listen_to(&long[..]);
        let all = complaints.all();
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|line| !line.contains("KEY")), "{all:?}");
    }
}
