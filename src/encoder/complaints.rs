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
        let shown: String = without_addresses(&words)
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
    fn addresses_do_not_stay_in_what_is_kept() {
        let complaints = Complaints::default();
        for line in [
            "https://me:secret@example.org/a?key=secret: Server returned 404 Not Found",
            "[hls @ 0x55] Failed to open 'crypto+https://example.org/secret,x' (again)",
            "[hls] skip /live/secret.ts?t=secret",
        ] {
            complaints.note(line.as_bytes());
        }

        let all = complaints.all().join("\n");
        assert!(!all.contains("secret"), "{all}");
        assert!(
            all.starts_with("[address]: Server returned 404 Not Found"),
            "{all}"
        );
        assert!(all.contains("Failed to open [address] (again)"), "{all}");
    }

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
