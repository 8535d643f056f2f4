//! What the encoder complained about, for the person who runs the show.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Lines that are kept.
const LINES: usize = 64;

/// Characters that are kept of a line.
const LINE: usize = 400;

/// The newest lines of an encoder's standard error; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Complaints(Arc<Mutex<VecDeque<String>>>);

impl Complaints {
    /// Notes a line; a repetition of the last one is not news.
    pub(super) fn note(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        // ffmpeg marks lines with the address of the part that speaks: `[libx264 @ 0x5581…] `.
        let words = match line.split_once(" @ 0x").zip(line.split_once("] ")) {
            Some(((part, _), (_, rest))) => format!("{part}] {rest}"),
            None => line.into_owned(),
        };
        let shown: String = words
            .trim()
            .chars()
            .filter(|letter| !letter.is_control())
            .take(LINE)
            .collect();
        let mut lines = self.lock();
        if shown.is_empty() || lines.back() == Some(&shown) {
            return;
        }
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(shown);
    }

    /// The newest one.
    pub fn last(&self) -> Option<String> {
        self.lock().back().cloned()
    }

    /// All that are kept, oldest first.
    pub fn all(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    fn a_line_without_an_end_is_cut() {
        let complaints = Complaints::default();
        complaints.note(&[b'x'; 10_000]);
        assert_eq!(complaints.last().map(|line| line.len()), Some(LINE));
    }
}
