//! Why the room does not do what somebody asked: a value with one plain sentence.

use std::{fmt, time::Duration};

use super::{
    colour::ColourRefusal, filter::FilterMistake, markup::TextRefusal, name::NameRefusal,
    sanction::SanctionKind, show::ShowMistake, wording::ends,
};
use crate::clock::WallTime;

/// Nothing has changed, and this is why.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// The form's number was used already, is too old, or was never ours.
    Form,
    /// Solve the captcha first.
    CaptchaDue(CaptchaReason),
    /// The answer is wrong; the same captcha can be tried again.
    CaptchaWrong,
    /// The captcha is used up or too old; here is another.
    CaptchaGone,
    /// The next message may come after this time.
    TooSoon(Duration),
    /// So many rows fit in only after this time.
    TooManyRows(Duration),
    /// The whole room is slow.
    RoomIsSlow(Duration),
    /// Appearance may be changed again after this time.
    ChangedTooOften(Duration),
    /// Something about the text.
    Text(TextRefusal),
    /// Something about the name.
    Name(NameRefusal),
    /// Something about the colour.
    Colour(ColourRefusal),
    /// The session ended.
    NoSession,
    /// Somebody who is muted or banned wants to write.
    Sanctioned {
        /// What it takes away.
        kind: SanctionKind,
        /// When it ends.
        until: Option<WallTime>,
    },
    /// Only the broadcaster and moderators write.
    ReadOnly,
    /// Only people with a tripcode write.
    TripcodesOnly,
    /// There is no chat.
    ChatOff,
    /// A word filter stopped it.
    Filtered,
    /// This role may not do that.
    NotAllowed,
    /// This person, or what they said, is not for this role to touch.
    Protected,
    /// The person is not here any more.
    NobodyThere,
    /// The message is not kept any more.
    NoSuchMessage,
    /// The sanction is over or was lifted.
    NoSuchSanction,
    /// It was taken back already, or cannot be.
    NothingToUndo,
    /// A link to the desk that was used or is too old.
    Link,
    /// A term that is too short or too long.
    Term,
    /// There are as many of these as there may be.
    TooMany(&'static str),
    /// Something about a word filter.
    Filter(FilterMistake),
    /// Something about the words of the show.
    Show(ShowMistake),
}

/// Why a captcha is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptchaReason {
    /// Before the first message.
    First,
    /// After many messages, or many in a short time.
    Again,
    /// The room is being flooded.
    Raid,
}

/// Whole seconds, rounded up: a person who waits that long has waited long enough.
fn seconds(wait: Duration) -> String {
    match wait.as_secs() + u64::from(wait.subsec_nanos() > 0) {
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

/// An error's words as a sentence: with a capital and a full stop.
fn sentence(f: &mut fmt::Formatter<'_>, words: &impl fmt::Display) -> fmt::Result {
    let words = words.to_string();
    let mut letters = words.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    write!(f, "{}{}.", first.unwrap_or_default(), letters.as_str())
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str(
                "This was sent before, or the form is too old. Send it again if you mean it.",
            ),
            Self::CaptchaDue(CaptchaReason::First) => {
                f.write_str("Type the letters from the picture, then send.")
            }
            Self::CaptchaDue(CaptchaReason::Again) => {
                f.write_str("You said a lot. Type the letters from the picture, then send.")
            }
            Self::CaptchaDue(CaptchaReason::Raid) => f.write_str(
                "Many people are coming in. Type the letters from the picture, then send.",
            ),
            Self::CaptchaWrong => f.write_str("Those were not the letters. Try again."),
            Self::CaptchaGone => f.write_str("That picture is used up. Here is another one."),
            Self::TooSoon(wait) => write!(f, "Too fast. Send it again in {}.", seconds(*wait)),
            Self::TooManyRows(wait) => {
                write!(
                    f,
                    "Too many lines at once. Send it again in {}.",
                    seconds(*wait)
                )
            }
            Self::RoomIsSlow(wait) => {
                write!(f, "The room is busy. Send it again in {}.", seconds(*wait))
            }
            Self::ChangedTooOften(wait) => {
                write!(f, "Changed too often. Try again in {}.", seconds(*wait))
            }
            Self::Text(refusal) => sentence(f, refusal),
            Self::Name(refusal) => sentence(f, refusal),
            Self::Colour(refusal) => sentence(f, refusal),
            Self::Sanctioned { kind, until } => {
                write!(f, "You are {}{}.", kind.participle(), ends(*until))
            }
            Self::ReadOnly => {
                f.write_str("For now only the broadcaster and the moderators write here.")
            }
            Self::TripcodesOnly => {
                f.write_str("For now only people with a tripcode write here: set one below.")
            }
            Self::ChatOff => f.write_str("There is no chat at the moment."),
            Self::Filtered => {
                f.write_str("This was not sent: there is something in it that is not wanted here.")
            }
            Self::NotAllowed => f.write_str("That is not for you to do."),
            Self::Protected => {
                f.write_str("The broadcaster and moderators are out of reach from here.")
            }
            Self::NobodyThere => f.write_str("This person is not here any more."),
            Self::NoSuchMessage => f.write_str("This message is not kept any more."),
            Self::NoSuchSanction => f.write_str("This is over, or was lifted already."),
            Self::NothingToUndo => f.write_str("This cannot be taken back, or was already."),
            Self::Link => f.write_str("This link was used already, or is too old."),
            Self::Term => f.write_str("Choose a time from one second to one year."),
            Self::TooMany(what) => write!(f, "There are too many {what} already."),
            Self::Filter(mistake) => sentence(f, mistake),
            Self::Show(mistake) => sentence(f, mistake),
            Self::NoSession => {
                f.write_str("Your session has ended. Start again from the first page.")
            }
        }
    }
}
