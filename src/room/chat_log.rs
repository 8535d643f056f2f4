//! The chat of one recording while it can still change: what comes in, and what has to go again.
//!
//! Belongs here: which lines are kept, and the limits. Does not belong here: who was asked
//! ([`super::consent`]), what the file looks like ([`crate::media::recording::chat`]), writing it.
//!
//! Whoever said a line is known here, so that all of theirs can go; it is never written down.

use std::{collections::BTreeSet, time::Duration};

use super::{
    markup::{Body, Span},
    panel::Update,
    person::{Identity, Role},
    tag::PublicKey,
    transcript::{Message, MessageId, Speaker},
};
use crate::media::recording::{
    RecordingName,
    chat::{self, ANONYMOUS, Line},
};

/// How soon the file has to be written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// It is as it should be.
    Nothing,
    /// Something is missing in it.
    Later,
    /// Something is in it that must not be there.
    Now,
}

#[derive(Debug)]
struct Kept {
    id: MessageId,
    author: PublicKey,
    json: String,
    is_hidden: bool,
}

/// The lines of one recording; at most [`chat::MAX_LINES`] and [`chat::MAX_BYTES`], and then no
/// more: what was said first is not pushed out by whoever talks most.
#[derive(Debug, Default)]
pub struct ChatLog {
    lines: Vec<Kept>,
    bytes: usize,
    left_out: u64,
}

impl ChatLog {
    /// Nothing was said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over what happened in the room. `at` is the place in the recording if it is being made;
    /// after that nothing comes in any more, and what is taken back still goes.
    pub fn take(&mut self, update: &Update, at: Option<Duration>) -> Due {
        match (update, at) {
            (Update::Said(message), Some(at)) => self.say(message, at),
            (Update::Hidden(ids), _) => self.mark(ids, true),
            (Update::Shown(ids), _) => self.mark(ids, false),
            (Update::Removed(ids), _) => {
                let ids: BTreeSet<_> = ids.iter().copied().collect();
                self.drop_lines(|line| ids.contains(&line.id))
            }
            (Update::Withdrawn(author), _) => self.drop_lines(|line| line.author == *author),
            _ => Due::Nothing,
        }
    }

    fn say(&mut self, message: &Message, at: Duration) -> Due {
        let Speaker::Person(identity) = &message.speaker else {
            return Due::Nothing;
        };
        if !message.may_be_kept {
            return Due::Nothing;
        }
        let line = Line {
            ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            name: name(identity).to_owned(),
            tripcode: identity.tripcode.map(|tripcode| tripcode.to_string()),
            text: words(&message.body),
            action: message.is_action,
        };
        let json = line.cleaned().to_json();
        let bytes = self.bytes + json.len();
        if self.left_out > 0 || self.lines.len() >= chat::MAX_LINES || bytes > chat::MAX_BYTES {
            self.left_out += 1;
            return Due::Later;
        }
        self.bytes = bytes;
        self.lines.push(Kept {
            id: message.id,
            author: identity.key,
            json,
            is_hidden: false,
        });
        Due::Later
    }

    fn mark(&mut self, ids: &[MessageId], hidden: bool) -> Due {
        let ids: BTreeSet<_> = ids.iter().collect();
        let mut due = Due::Nothing;
        for line in &mut self.lines {
            if line.is_hidden != hidden && ids.contains(&line.id) {
                line.is_hidden = hidden;
                due = if hidden { Due::Now } else { Due::Later };
            }
        }
        due
    }

    fn drop_lines(&mut self, goes: impl Fn(&Kept) -> bool) -> Due {
        let before = self.lines.len();
        self.lines.retain(|line| !goes(line));
        self.bytes = self.lines.iter().map(|line| line.json.len()).sum();
        if self.lines.len() < before {
            Due::Now
        } else {
            Due::Nothing
        }
    }

    /// Drops everything: for when it is not known any more what was taken back.
    pub fn clear(&mut self) -> Due {
        self.left_out += self.shown().count() as u64;
        self.lines.clear();
        self.bytes = 0;
        Due::Now
    }

    /// What the file holds; `None` if there is nothing to keep.
    pub fn text(&self, name: RecordingName) -> Option<String> {
        if self.left_out == 0 && self.shown().next().is_none() {
            return None;
        }
        Some(chat::text(&name.to_string(), self.left_out, self.shown()))
    }

    /// Lines in the file.
    pub fn len(&self) -> usize {
        self.shown().count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shown().next().is_none()
    }

    fn shown(&self) -> impl Iterator<Item = &str> {
        let shown = self.lines.iter().filter(|line| !line.is_hidden);
        shown.map(|line| line.json.as_str())
    }
}

/// What somebody is called in the chat, without the tag of those who have no name.
fn name(identity: &Identity) -> &str {
    match (&identity.name, identity.role) {
        (Some(name), _) => name.as_str(),
        (None, Role::Broadcaster) => "Broadcaster",
        (None, _) => ANONYMOUS,
    }
}

/// A message as it reads, without tags of strangers.
fn words(body: &Body) -> String {
    let mut words = String::new();
    for span in &body.spans {
        match span {
            Span::Text(text) | Span::Link { href: text, .. } => words.push_str(text),
            Span::LineBreak => words.push('\n'),
            Span::Emoji { glyph, .. } => words.push_str(glyph),
            Span::Emote { name, .. } => words.extend([":", name, ":"]),
            Span::Mention { label, .. } if label.starts_with("@#") => {
                words.extend(["@", ANONYMOUS]);
            }
            Span::Mention { label, .. } => words.push_str(label),
        }
    }
    words
}

#[cfg(test)]
mod tests;
