//! A line of the protocol as a value.
//!
//! Belongs here: reading and writing lines. Does not belong here: doing what they say
//! (`executor.rs`).
//!
//! A line is UTF-8 without control characters, at most [`MAX_LINE`] bytes: a verb and what it needs,
//! with white space between them.

pub mod span;
pub mod verb;
pub mod who;

use std::{fmt, time::Duration};

use thiserror::Error;

use self::{span::Span, verb::Verb, who::Who};
use crate::room::{
    sanction::{SanctionId, SanctionKind},
    shields::{ChatMode, Shield},
    tripcode::Tripcode,
};

/// Longest line, in bytes, without its end.
pub const MAX_LINE: usize = 4096;

/// Messages that `chat` answers with when no number is given.
pub const SOME_MESSAGES: usize = 20;

/// Messages that `chat` can be asked for.
pub const MOST_MESSAGES: usize = 1000;

/// How long a mute holds when no term is given.
pub const MUTE_FOR: Duration = Duration::from_mins(10);

/// Letters of a public id.
const KEY_LETTERS: usize = 8;

/// Letters of an unknown verb that are repeated to whoever wrote it.
const REPEATED: usize = 24;

/// What a program or a person at a terminal asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// What is on.
    Status,
    /// What ffmpeg said.
    Complaints,
    /// The title, or another one; an empty one takes it away.
    Title(Option<String>),
    /// Says something as the broadcaster.
    Say(String),
    /// The newest messages, so many.
    Chat(usize),
    /// Everything from now on.
    Follow,
    /// Who is here.
    Users,
    /// Takes messages out of sight.
    Hide(Vec<u64>),
    /// Shows them again.
    Unhide(Vec<u64>),
    /// Takes rights from a person.
    Sanction {
        /// Which rights.
        kind: SanctionKind,
        /// From whom.
        who: Who,
        /// For how long; `None` is for good.
        term: Option<Duration>,
        /// Whether everything they said is hidden too.
        purge: bool,
    },
    /// Gives them back.
    Unban(Unban),
    /// The list of sanctions.
    Bans,
    /// Another name; an empty one takes the name away.
    Rename {
        /// Whom.
        who: Who,
        /// The name.
        name: String,
    },
    /// Ends a person's video.
    Cut(Who),
    /// Takes an entry of the log back.
    Undo(u64),
    /// What was ordered.
    Log,
    /// Switches a shield.
    Shield(Shield, bool),
    /// Whether there is a chat.
    ChatMode(ChatMode),
    /// Who helps to keep order.
    Moderator(Moderator),
    /// A link for one login as the broadcaster.
    LoginLink,
    /// Reads files again.
    Reload,
    /// The password file is new.
    PasswordChanged,
    /// Ends the program in good order.
    Stop,
    /// Ends it at once.
    Panic(Deletions),
    /// The list of verbs.
    Help,
}

/// Which sanctions are taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unban {
    /// All of a person.
    Who(Who),
    /// The one with this number.
    Number(SanctionId),
}

/// What happens to the list of moderators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moderator {
    /// Whoever shows this tripcode is one.
    Add {
        /// Whose.
        tripcode: Tripcode,
        /// What they are called in the list; may be empty.
        label: String,
    },
    /// Not any more.
    Remove(Tripcode),
    /// A link for one login.
    Link,
}

/// What `panic` deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deletions {
    /// The files of broadcasts in the stream directory.
    pub stream: bool,
    /// The keys, and what shows and Tor have written into the state directory.
    pub keys: bool,
}

/// Why a line is not a request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Beyond [`MAX_LINE`].
    #[error("the line has more than {MAX_LINE} bytes")]
    TooLong,
    /// A control character, which no line needs.
    #[error("the line contains the control character U+{:04X}", u32::from(*.found))]
    Control {
        /// The first one.
        found: char,
    },
    /// Nothing.
    #[error("the line is empty; write `help` for the verbs")]
    Empty,
    /// Not in [`verb::VERBS`].
    #[error("`{word}` is no verb; {}", advice(*.nearest))]
    UnknownVerb {
        /// The beginning of the word.
        word: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// The verb needs something else after it.
    #[error("{wrong}; write `{}{}{}`", .verb.word, if .verb.arguments.is_empty() { "" } else { " " }, .verb.arguments)]
    Arguments {
        /// What is wrong with it.
        wrong: Wrong,
        /// How it is used.
        verb: &'static Verb,
    },
}

/// What is wrong with what follows a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Wrong {
    /// Something is missing.
    #[error("something is missing")]
    Missing,
    /// There is more than is needed.
    #[error("there is too much in this line")]
    TooMuch,
    /// Nobody can be called so.
    #[error("WHO is `#tag`, the eight letters of a public id, `@name` or `message:NUMBER`")]
    Who,
    /// Not a number.
    #[error("this takes a whole number")]
    Number,
    /// Not between 1 and [`MOST_MESSAGES`].
    #[error("this takes a number from 1 to {MOST_MESSAGES}")]
    Messages,
    /// Not a length of time.
    #[error("DURATION is like `10s`, `10m`, `2h` or `7d`, at most 366 days")]
    Duration,
    /// Not a word that can stand here.
    #[error("one of these words is not known here")]
    Word,
    /// Not a shield.
    #[error(
        "NAME is `slow`, `captcha-always`, `tripcodes-only`, `read-only`, `links-off` or `filter-broadcaster`"
    )]
    Shield,
    /// Not a tripcode.
    #[error("TRIPCODE is four groups of four letters, like `abcd-efgh-jkmn-pqrs`")]
    Tripcode,
}

fn advice(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "write `help` for the verbs".to_owned(),
    }
}

impl Request {
    /// Reads a line without its end.
    ///
    /// # Errors
    ///
    /// See [`RequestError`].
    pub fn parse(line: &str) -> Result<Self, RequestError> {
        if line.len() > MAX_LINE {
            return Err(RequestError::TooLong);
        }
        let line = line.trim();
        if let Some(found) = line.chars().find(|letter| letter.is_control()) {
            return Err(RequestError::Control { found });
        }
        if line.is_empty() {
            return Err(RequestError::Empty);
        }
        let (word, rest) = split_word(line);
        let verb = verb::find(word).ok_or_else(|| RequestError::UnknownVerb {
            word: word.chars().take(REPEATED).collect(),
            nearest: verb::nearest(word),
        })?;
        arguments(verb.word, rest).map_err(|wrong| RequestError::Arguments { wrong, verb })
    }
}

/// Reads what follows a verb of the table.
fn arguments(verb: &str, rest: &str) -> Result<Request, Wrong> {
    let alone = |request| match rest {
        "" => Ok(request),
        _ => Err(Wrong::TooMuch),
    };
    let text = || match rest {
        "" => Err(Wrong::Missing),
        text => Ok(text.to_owned()),
    };
    match verb {
        "status" => alone(Request::Status),
        "complaints" => alone(Request::Complaints),
        "title" => Ok(Request::Title(match rest {
            "" => None,
            "\"\"" => Some(String::new()),
            text => Some(text.to_owned()),
        })),
        "say" => text().map(Request::Say),
        "chat" if rest.is_empty() => Ok(Request::Chat(SOME_MESSAGES)),
        "chat" => number(rest)
            .and_then(|count| usize::try_from(count).ok())
            .filter(|count| (1..=MOST_MESSAGES).contains(count))
            .map(Request::Chat)
            .ok_or(Wrong::Messages),
        "follow" => alone(Request::Follow),
        "users" => alone(Request::Users),
        "hide" => numbers(rest).map(Request::Hide),
        "unhide" => numbers(rest).map(Request::Unhide),
        "mute" => sanction(SanctionKind::Mute, rest),
        "ban" => sanction(SanctionKind::Ban, rest),
        "block" => sanction(SanctionKind::Block, rest),
        // Eight digits are a public id: their letters are digits by chance.
        "unban" => Ok(Request::Unban(match number(rest) {
            Some(id) if rest.len() != KEY_LETTERS => Unban::Number(SanctionId(id)),
            _ => Unban::Who(who_alone(rest)?),
        })),
        "bans" => alone(Request::Bans),
        "rename" => {
            let (who, name) = who_first(rest)?;
            let name = name.to_owned();
            Ok(Request::Rename { who, name })
        }
        "cut" => who_alone(rest).map(Request::Cut),
        "undo" | "chat-mode" if rest.is_empty() => Err(Wrong::Missing),
        "undo" => number(rest).map(Request::Undo).ok_or(Wrong::Number),
        "log" => alone(Request::Log),
        "shield" => {
            let (name, switch) = split_word(rest);
            let shield = Shield::parse(name).ok_or(Wrong::Shield)?;
            match switch {
                "on" => Ok(Request::Shield(shield, true)),
                "off" => Ok(Request::Shield(shield, false)),
                "" => Err(Wrong::Missing),
                _ => Err(Wrong::Word),
            }
        }
        "chat-mode" => ChatMode::parse(rest)
            .map(Request::ChatMode)
            .ok_or(Wrong::Word),
        "moderator" => moderator(rest).map(Request::Moderator),
        "login-link" => alone(Request::LoginLink),
        "reload" => alone(Request::Reload),
        "password-changed" => alone(Request::PasswordChanged),
        "stop" => alone(Request::Stop),
        "panic" => deletions(rest).map(Request::Panic),
        // The table and this list are compared by a test.
        _ => alone(Request::Help),
    }
}

/// The first word, and the rest without white space in front of it.
fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// Digits and nothing else; `parse` alone would read a plus sign.
fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn numbers(text: &str) -> Result<Vec<u64>, Wrong> {
    if text.is_empty() {
        return Err(Wrong::Missing);
    }
    let numbers: Option<_> = text.split_whitespace().map(number).collect();
    numbers.ok_or(Wrong::Number)
}

/// Somebody, and what follows.
fn who_first(text: &str) -> Result<(Who, &str), Wrong> {
    if text.is_empty() {
        return Err(Wrong::Missing);
    }
    let (who, rest) = Who::split(text);
    Ok((Who::parse(who).ok_or(Wrong::Who)?, rest))
}

fn who_alone(text: &str) -> Result<Who, Wrong> {
    match who_first(text)? {
        (who, "") => Ok(who),
        _ => Err(Wrong::TooMuch),
    }
}

fn sanction(kind: SanctionKind, text: &str) -> Result<Request, Wrong> {
    let (who, mut rest) = who_first(text)?;
    let mut term = (kind == SanctionKind::Mute).then_some(MUTE_FOR);
    if let ("for", terms) = split_word(rest) {
        let (time, after) = split_word(terms);
        term = match time {
            "" => return Err(Wrong::Missing),
            "good" => None,
            time => Some(span::parse(time).ok_or(Wrong::Duration)?),
        };
        rest = after;
    }
    let purge = match rest {
        "" => false,
        "purge" => true,
        _ => return Err(Wrong::Word),
    };
    Ok(Request::Sanction {
        kind,
        who,
        term,
        purge,
    })
}

fn moderator(text: &str) -> Result<Moderator, Wrong> {
    let (what, rest) = split_word(text);
    let (tripcode, label) = split_word(rest);
    let tripcode = || Tripcode::parse(tripcode).ok_or(Wrong::Tripcode);
    match what {
        "add" => Ok(Moderator::Add {
            tripcode: tripcode()?,
            label: label.to_owned(),
        }),
        "remove" if !label.is_empty() => Err(Wrong::TooMuch),
        "remove" => tripcode().map(Moderator::Remove),
        "link" if !rest.is_empty() => Err(Wrong::TooMuch),
        "link" => Ok(Moderator::Link),
        "" => Err(Wrong::Missing),
        _ => Err(Wrong::Word),
    }
}

fn deletions(text: &str) -> Result<Deletions, Wrong> {
    let mut deletions = Deletions::default();
    for word in text.split_whitespace() {
        match word {
            "delete-stream" => deletions.stream = true,
            "delete-keys" => deletions.keys = true,
            _ => return Err(Wrong::Word),
        }
    }
    Ok(deletions)
}

impl fmt::Display for Request {
    /// Writes the line that [`Request::parse`] reads, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status => f.write_str("status"),
            Self::Complaints => f.write_str("complaints"),
            Self::Title(None) => f.write_str("title"),
            Self::Title(Some(text)) if text.is_empty() => f.write_str("title \"\""),
            Self::Title(Some(text)) => write!(f, "title {text}"),
            Self::Say(text) => write!(f, "say {text}"),
            Self::Chat(count) => write!(f, "chat {count}"),
            Self::Follow => f.write_str("follow"),
            Self::Users => f.write_str("users"),
            Self::Hide(ids) => list(f, "hide", ids),
            Self::Unhide(ids) => list(f, "unhide", ids),
            Self::Sanction {
                kind,
                who,
                term,
                purge,
            } => {
                write!(f, "{} {who} for ", kind.word())?;
                match term {
                    Some(time) => Span(*time).fmt(f)?,
                    None => f.write_str("good")?,
                }
                f.write_str(if *purge { " purge" } else { "" })
            }
            Self::Unban(Unban::Who(who)) => write!(f, "unban {who}"),
            Self::Unban(Unban::Number(id)) => {
                let eight_digits = (10_000_000..100_000_000).contains(&id.0);
                write!(f, "unban {}{}", if eight_digits { "0" } else { "" }, id.0)
            }
            Self::Bans => f.write_str("bans"),
            Self::Rename { who, name } => line(f, format_args!("rename {who}"), name),
            Self::Cut(who) => write!(f, "cut {who}"),
            Self::Undo(id) => write!(f, "undo {id}"),
            Self::Log => f.write_str("log"),
            Self::Shield(shield, on) => {
                write!(
                    f,
                    "shield {} {}",
                    shield.word(),
                    if *on { "on" } else { "off" }
                )
            }
            Self::ChatMode(mode) => write!(f, "chat-mode {}", mode.word()),
            Self::Moderator(Moderator::Add { tripcode, label }) => {
                line(f, format_args!("moderator add {tripcode}"), label)
            }
            Self::Moderator(Moderator::Remove(tripcode)) => {
                write!(f, "moderator remove {tripcode}")
            }
            Self::Moderator(Moderator::Link) => f.write_str("moderator link"),
            Self::LoginLink => f.write_str("login-link"),
            Self::Reload => f.write_str("reload"),
            Self::PasswordChanged => f.write_str("password-changed"),
            Self::Stop => f.write_str("stop"),
            Self::Panic(Deletions { stream, keys }) => {
                f.write_str("panic")?;
                f.write_str(if *stream { " delete-stream" } else { "" })?;
                f.write_str(if *keys { " delete-keys" } else { "" })
            }
            Self::Help => f.write_str("help"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, verb: &str, ids: &[u64]) -> fmt::Result {
    f.write_str(verb)?;
    ids.iter().try_for_each(|id| write!(f, " {id}"))
}

/// With a text that may be empty.
fn line(f: &mut fmt::Formatter<'_>, begin: fmt::Arguments<'_>, text: &str) -> fmt::Result {
    f.write_fmt(begin)?;
    if text.is_empty() {
        return Ok(());
    }
    write!(f, " {text}")
}

#[cfg(test)]
mod tests;
