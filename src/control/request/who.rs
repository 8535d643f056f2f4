//! Whom a line is about.

use std::fmt;

use crate::room::tag::{PublicKey, PublicTag};

/// A way to name a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// By the public id of eight letters.
    Key(PublicKey),
    /// By the mark of a person without a name, `#` and four letters.
    Tag(PublicTag),
    /// By name, after an `@`; in double quotes if there is a space in it.
    Name(String),
    /// Whoever said the message with this number, after `message:`.
    Author(u64),
}

/// Before a name.
const AT: char = '@';

/// Before the number of a message.
const MESSAGE: &str = "message:";

impl Who {
    /// Reads all of `text`. A name may have spaces, with quotes around it or without.
    ///
    /// `None` if it names nobody in one of the four ways.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix(AT) {
            let name = match name.strip_prefix('"') {
                Some(quoted) => quoted
                    .strip_suffix('"')
                    .filter(|name| !name.contains('"'))?,
                None => name,
            };
            let name = name.trim();
            // In quotes it could not be told where it ends.
            let can_be_said = !(name.is_empty() || needs_quotes(name) && name.contains('"'));
            return can_be_said.then(|| Self::Name(name.to_owned()));
        }
        if let Some(number) = text.strip_prefix(MESSAGE) {
            return super::number(number).map(Self::Author);
        }
        if text.starts_with('#') {
            return PublicTag::parse(text).map(Self::Tag);
        }
        PublicKey::parse(text).map(Self::Key)
    }

    /// Splits what stands at the beginning of `text` from the rest, which has no space in front.
    pub(super) fn split(text: &str) -> (&str, &str) {
        let quoted = text.strip_prefix("@\"").and_then(|inside| inside.find('"'));
        let end = match quoted {
            Some(at) => "@\"".len() + at + '"'.len_utf8(),
            None => text.find(char::is_whitespace).unwrap_or(text.len()),
        };
        let (who, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        (who, rest.trim_start())
    }
}

fn needs_quotes(name: &str) -> bool {
    name.contains(char::is_whitespace) || name.starts_with('"')
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Tag(tag) => tag.fmt(f),
            Self::Name(name) if needs_quotes(name) => write!(f, "{AT}\"{name}\""),
            Self::Name(name) => write!(f, "{AT}{name}"),
            Self::Author(id) => write!(f, "{MESSAGE}{id}"),
        }
    }
}
