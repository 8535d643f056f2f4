//! The chat of a recording for others: subtitles for players, JSON for programs, text for people.
//!
//! Belongs here: the three formats. Does not belong here: who may have them.
//!
//! Made piece by piece, so that what is sent to a slow reader is not held a second time.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use super::{ChatFile, Line, TAIL, head};

/// A subtitle stays for this long, and for [`PER_LETTER_MS`] more for each letter.
const BASE_MS: u64 = 3_000;

/// Reading takes about this long: some 17 letters a second.
const PER_LETTER_MS: u64 = 60;

/// No subtitle stays longer.
const LONGEST_MS: u64 = 10_000;

/// So many lines are shown together at most; when there are more, the oldest goes.
const TOGETHER: usize = 4;

/// What stands before a tripcode; no name may have this sign in it.
const TRIPCODE: char = '◇';

/// How the chat is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lines of text.
    Text,
    /// Subtitles.
    WebVtt,
    /// As it is kept.
    Json,
}

impl Format {
    /// All, the one for people first.
    pub const ALL: [Self; 3] = [Self::Text, Self::WebVtt, Self::Json];

    /// The last part of its address.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Text => "chat.txt",
            Self::WebVtt => "chat.vtt",
            Self::Json => "chat.json",
        }
    }

    /// Reads what [`Format::file`] gives.
    pub fn parse(file: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.file() == file)
    }

    /// What it is called.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::WebVtt => "WebVTT",
            Self::Json => "JSON",
        }
    }

    /// For the header `Content-Type`.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::WebVtt => "text/vtt; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

/// A chat that is being written; gives its pieces in order, at most a line each.
#[derive(Debug)]
pub struct Export {
    file: Arc<ChatFile>,
    format: Format,
    from: u64,
    /// 0 before the head, then the number of lines that were written and 1.
    step: usize,
}

impl Export {
    /// Of a recording that is played `from` there: subtitles are moved as much, and those before it
    /// left out. Text and JSON are always whole, with the times of the recording.
    pub fn new(file: Arc<ChatFile>, format: Format, from: Duration) -> Self {
        Self {
            file,
            format,
            from: u64::try_from(from.as_millis()).unwrap_or(u64::MAX),
            step: 0,
        }
    }

    fn head(&self) -> String {
        match self.format {
            Format::Text => String::new(),
            Format::WebVtt => "WEBVTT\n\n".to_owned(),
            Format::Json => head(&self.file.recording, self.file.left_out),
        }
    }

    fn line(&self, at: usize) -> Option<String> {
        let line = self.file.lines.get(at)?;
        Some(match self.format {
            Format::Text => text(line),
            Format::WebVtt => {
                let next = self.file.lines.get(at + TOGETHER);
                subtitle(line, next.map(|next| next.ms), self.from)
            }
            Format::Json => {
                let before = if at == 0 { "\n" } else { ",\n" };
                format!("{before}{}", line.to_json())
            }
        })
    }

    fn tail(&self) -> String {
        let more = self.file.left_out;
        match self.format {
            Format::Json => TAIL.to_owned(),
            _ if more == 0 => String::new(),
            Format::Text => format!("({more} more lines had no room)\n"),
            Format::WebVtt => format!("NOTE {more} more lines had no room\n\n"),
        }
    }
}

impl Iterator for Export {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let step = self.step;
        self.step = step.saturating_add(1);
        let lines = self.file.lines.len();
        match step {
            0 => Some(self.head()),
            _ if step <= lines => self.line(step - 1),
            _ if step == lines + 1 => Some(self.tail()),
            _ => None,
        }
    }
}

/// `[00:01:23] Anna: hello`, on one line whatever was said.
fn text(line: &Line) -> String {
    let seconds = line.ms / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    // A name with a colon must not look like a name and what was said.
    let mut who = line.name.replace(": ", ":");
    if let Some(tripcode) = &line.tripcode {
        who.extend([' ', TRIPCODE]);
        who.push_str(tripcode);
    }
    let said = rows(&line.text, " / ");
    if line.action {
        format!("[{hours:02}:{minutes:02}:{seconds:02}] * {who} {said}\n")
    } else {
        format!("[{hours:02}:{minutes:02}:{seconds:02}] {who}: {said}\n")
    }
}

/// A cue, or nothing if it is over before `from`. `next` begins when this one has to go.
fn subtitle(line: &Line, next: Option<u64>, from: u64) -> String {
    let letters = line.name.chars().count() + line.text.chars().count();
    let letters = u64::try_from(letters).unwrap_or(u64::MAX);
    let stays = BASE_MS
        .saturating_add(PER_LETTER_MS.saturating_mul(letters))
        .min(LONGEST_MS);
    let end = line.ms.saturating_add(stays);
    let end = next.map_or(end, |next| end.min(next)).max(line.ms + 1);
    if end <= from {
        return String::new();
    }
    let mut cue = String::new();
    let (start, end) = (time(line.ms.saturating_sub(from)), time(end - from));
    let name = escaped(&line.name);
    // Writing into a string cannot fail.
    let _written = write!(cue, "{start} --> {end}\n<v {name}");
    if let Some(tripcode) = &line.tripcode {
        let _written = write!(cue, " {TRIPCODE}{}", escaped(tripcode));
    }
    // Players do not show who the voice is.
    let said = escaped(&rows(&line.text, "\n"));
    let _written = if line.action {
        write!(cue, "><i>{name} {said}</i></v>\n\n")
    } else {
        write!(cue, "><b>{name}</b>: {said}</v>\n\n")
    };
    cue
}

/// The rows of a text that are not blank: a blank one would end a cue.
fn rows(text: &str, between: &str) -> String {
    let rows = text.split('\n').map(str::trim);
    let rows: Vec<_> = rows.filter(|row| !row.is_empty()).collect();
    rows.join(between)
}

/// For the text of a cue and for the name of a voice; so an arrow is none.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

fn time(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}", ms % 1_000)
}

#[cfg(test)]
mod tests;
