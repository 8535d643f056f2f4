//! What a message consists of: text, line breaks, links, emoji, emotes, mentions.
//!
//! Belongs here: the limits of a message and its division into spans, done once per message.
//! Does not belong here: HTML. Nobody replaces anything in text that was already divided or
//! escaped, so an emote called `class` is as harmless as any other.
//!
//! All of it takes time in proportion to the length of the text.

mod link;
mod normal;

use thiserror::Error;
use unicode_segmentation::UnicodeSegmentation as _;

pub use link::Place;

use super::{emote::EmoteTable, tag::PublicKey};

/// Longest message, in Unicode scalar values (`char`).
pub const MAX_CHARACTERS: usize = 512;

/// Most lines, as typed.
pub const MAX_LINES: usize = 20;

/// Most rows that the message is thought to take at [`COLUMNS`] columns.
pub const MAX_ROWS: usize = 20;

/// Width for which rows are estimated, in columns of a terminal.
pub const COLUMNS: usize = 48;

/// Longest text that is shown for a link, in characters.
pub const MAX_LABEL: usize = 60;

/// Most emoji that a message of emoji alone may have to be shown larger.
pub const MAX_ENLARGED: usize = 12;

/// Longest alias between two colons, in bytes; the longest known has 74.
const MAX_ALIAS: usize = 80;

/// Most `@` in a message that are looked up; the others stay text.
const MAX_MENTIONS: usize = 16;

/// Most words of a name behind `@`.
const MAX_MENTION_WORDS: usize = 4;

/// Longest text behind `@` that is looked up, in bytes: as long as a name may be.
const MAX_MENTION_BYTES: usize = super::name::MAX_BYTES;

/// Why a text cannot be a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TextRefusal {
    /// Nothing that can be seen.
    #[error("the message is empty; write something first")]
    Empty,
    /// More than [`MAX_CHARACTERS`].
    #[error("the message has {characters} characters; shorten it to {MAX_CHARACTERS}")]
    TooLong {
        /// How many.
        characters: usize,
    },
    /// More than [`MAX_LINES`].
    #[error("the message has {lines} lines; shorten it to {MAX_LINES}")]
    TooManyLines {
        /// How many.
        lines: usize,
    },
    /// More than [`MAX_ROWS`].
    #[error("the message would fill {rows} rows; shorten it to {MAX_ROWS}")]
    TooManyRows {
        /// How many, as estimated.
        rows: usize,
    },
    /// Marks would lie over other messages.
    #[error("a letter of the message has too many marks on it; use at most two")]
    PiledMarks,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Plain text without line ends.
    Text(String),
    /// The end of a line.
    LineBreak,
    /// An address that can be followed.
    Link {
        /// The whole address as typed; begins with `http://` or `https://` in some case.
        href: String,
        /// What to show: the address, shortened to [`MAX_LABEL`] with the end of the host kept.
        label: String,
        /// Where it leads.
        place: Place,
    },
    /// `:alias:` of a Unicode emoji.
    Emoji {
        /// The emoji.
        glyph: &'static str,
        /// The alias without its colons.
        alias: &'static str,
    },
    /// `:name:` of a custom emote.
    Emote {
        /// Its name.
        name: String,
        /// The number of its picture.
        id: u32,
    },
    /// `@name` or `@#tag` of somebody in the room.
    Mention {
        /// Who.
        key: PublicKey,
        /// As typed, with the `@`.
        label: String,
    },
}

/// A message that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Its parts in order; never two texts beside each other.
    pub spans: Vec<Span>,
    /// Rows it is thought to take, 1 to [`MAX_ROWS`].
    pub rows: usize,
    /// Unicode scalar values, 1 to [`MAX_CHARACTERS`].
    pub characters: usize,
    /// Whether it is one line of at most [`MAX_ENLARGED`] emoji and nothing else.
    pub has_only_emoji: bool,
}

impl Body {
    /// Checks a message and divides it.
    ///
    /// Line ends of all kinds become one, tabs become spaces, and blank lines around the message
    /// and spaces at the end of lines go. Control, format and direction characters are left out
    /// without a word, because they come along when people paste; the joiners that Persian, Indic
    /// scripts and emoji need stay. Letters come into the normal form NFC.
    ///
    /// `resolve` is asked who is called so (without the `@`; `#tag` with its `#`), longest
    /// candidate first, at most a hundred times or so.
    ///
    /// # Errors
    ///
    /// See [`TextRefusal`].
    pub fn parse(
        text: &str,
        emotes: &EmoteTable,
        resolve: &mut dyn FnMut(&str) -> Option<PublicKey>,
    ) -> Result<Self, TextRefusal> {
        let normal = normal::checked(text)?;
        let mut scanner = Scanner {
            rest: &normal.text,
            before: None,
            text: String::new(),
            spans: Vec::new(),
            mentions: 0,
        };
        while scanner.step(emotes, resolve) {}
        scanner.flush();
        let spans = scanner.spans;
        Ok(Self {
            has_only_emoji: has_only_emoji(&spans),
            spans,
            rows: normal.rows,
            characters: normal.characters,
        })
    }

    /// Makes plain text of every address.
    pub fn unlink(&mut self) {
        let mut spans: Vec<Span> = Vec::with_capacity(self.spans.len());
        for span in self.spans.drain(..) {
            let text = match span {
                Span::Text(text) | Span::Link { href: text, .. } => text,
                other => {
                    spans.push(other);
                    continue;
                }
            };
            match spans.last_mut() {
                Some(Span::Text(before)) => before.push_str(&text),
                _ => spans.push(Span::Text(text)),
            }
        }
        self.spans = spans;
    }

    /// The message as typed, in its normal form. Parsing it gives the same message.
    pub fn source(&self) -> String {
        let mut source = String::new();
        for span in &self.spans {
            match span {
                Span::Text(text)
                | Span::Link { href: text, .. }
                | Span::Mention { label: text, .. } => {
                    source.push_str(text);
                }
                Span::LineBreak => source.push('\n'),
                Span::Emoji { alias, .. } => source.extend([":", alias, ":"]),
                Span::Emote { name, .. } => source.extend([":", name, ":"]),
            }
        }
        source
    }
}

/// A text in its normal form, without looking at its limits.
pub(super) fn normalised(text: &str) -> String {
    normal::normal(text)
}

fn has_only_emoji(spans: &[Span]) -> bool {
    let mut count = 0;
    for span in spans {
        match span {
            Span::Emoji { .. } | Span::Emote { .. } => count += 1,
            Span::Text(text) => {
                for cluster in text.graphemes(true).filter(|&cluster| cluster != " ") {
                    if emojis::get(cluster).is_none() {
                        return false;
                    }
                    count += 1;
                }
            }
            Span::LineBreak | Span::Link { .. } | Span::Mention { .. } => return false,
        }
    }
    (1..=MAX_ENLARGED).contains(&count)
}

/// Goes through a text once, from left to right.
struct Scanner<'a> {
    rest: &'a str,
    /// The character before `rest`.
    before: Option<char>,
    /// Text that is not in a span yet.
    text: String,
    spans: Vec<Span>,
    mentions: usize,
}

impl Scanner<'_> {
    /// Takes what comes next; `false` at the end.
    fn step(
        &mut self,
        emotes: &EmoteTable,
        resolve: &mut dyn FnMut(&str) -> Option<PublicKey>,
    ) -> bool {
        let Some(first) = self.rest.chars().next() else {
            return false;
        };
        let starts_word = !self.before.is_some_and(char::is_alphanumeric);
        let found = match first {
            '\n' => Some((Span::LineBreak, 1)),
            ':' if starts_word => named_picture(self.rest, emotes),
            '@' if starts_word && self.mentions < MAX_MENTIONS => {
                self.mentions += 1;
                mention(self.rest, resolve)
            }
            'h' | 'H' if starts_word => match link::at_start(self.rest) {
                Some(link::Found::Address(address, place)) => {
                    let link = Span::Link {
                        href: address.to_owned(),
                        label: link::label(address),
                        place,
                    };
                    Some((link, address.len()))
                }
                // Said, but not to be followed; nothing in it means anything else.
                Some(link::Found::Refused(address)) => {
                    self.text.push_str(address);
                    self.advance(address.len());
                    return true;
                }
                None => None,
            },
            _ => None,
        };
        if let Some((span, bytes)) = found {
            self.flush();
            self.spans.push(span);
            self.advance(bytes);
        } else {
            self.text.push(first);
            self.advance(first.len_utf8());
        }
        true
    }

    fn advance(&mut self, bytes: usize) {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.before = taken.chars().next_back();
        self.rest = rest;
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.spans.push(Span::Text(std::mem::take(&mut self.text)));
        }
    }
}

/// The emote or emoji at the start of `rest`, and its length in bytes.
fn named_picture(rest: &str, emotes: &EmoteTable) -> Option<(Span, usize)> {
    let inside = rest.strip_prefix(':')?;
    let length = inside
        .bytes()
        .take(MAX_ALIAS + 1)
        .take_while(|letter| letter.is_ascii_alphanumeric() || b"_+-".contains(letter))
        .count();
    let (name, after) = inside.split_at_checked(length)?;
    if name.is_empty() || !after.starts_with(':') {
        return None;
    }
    let bytes = length + 2;
    if let Some(emote) = emotes.get(name) {
        return Some((
            Span::Emote {
                name: emote.name.clone(),
                id: emote.id,
            },
            bytes,
        ));
    }
    let emoji = emojis::get_by_shortcode(name)?;
    let alias = emoji.shortcodes().find(|&alias| alias == name)?;
    Some((
        Span::Emoji {
            glyph: emoji.as_str(),
            alias,
        },
        bytes,
    ))
}

/// The mention at the start of `rest`, and its length in bytes.
fn mention(
    rest: &str,
    resolve: &mut dyn FnMut(&str) -> Option<PublicKey>,
) -> Option<(Span, usize)> {
    let inside = rest.strip_prefix('@')?;
    // Where the first, second, … word ends.
    let mut ends = Vec::with_capacity(MAX_MENTION_WORDS);
    let mut in_word = false;
    for (at, letter) in inside.char_indices() {
        let blank = letter.is_whitespace();
        if blank && (at == 0 || letter == '\n') {
            break;
        }
        if blank && in_word {
            ends.push(at);
        }
        in_word = !blank;
        if at + letter.len_utf8() > MAX_MENTION_BYTES || ends.len() == MAX_MENTION_WORDS {
            in_word = false;
            break;
        }
    }
    if in_word {
        let line = inside.split('\n').next().unwrap_or_default();
        ends.push(line.len());
    }
    ends.iter().rev().find_map(|&end| {
        let typed = inside.get(..end)?;
        let bare = typed.trim_end_matches(|letter: char| {
            letter.is_ascii_punctuation() || "…。、，！？".contains(letter)
        });
        let owner = bare.strip_suffix("'s").or_else(|| bare.strip_suffix("’s"));
        let mut tried = "";
        [Some(typed), Some(bare), owner]
            .into_iter()
            .flatten()
            .find_map(|name| {
                if name.is_empty() || name == tried {
                    return None;
                }
                tried = name;
                let key = resolve(name)?;
                Some((
                    Span::Mention {
                        key,
                        label: format!("@{name}"),
                    },
                    name.len() + 1,
                ))
            })
    })
}

#[cfg(test)]
#[path = "markup_tests.rs"]
mod tests;
