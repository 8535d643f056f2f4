//! What the pages say about the show, besides its title: the words the broadcaster chose.

use serde::{Deserialize, Serialize};

use crate::clock::{Civil, WallTime};

/// Longest description, in bytes of Markdown.
pub const MAX_DESCRIPTION: usize = 8 * 1024;

/// Longest announcement, in characters; it is one line.
pub const MAX_ANNOUNCEMENT: usize = 300;

/// Longest text of a link, in characters.
pub const MAX_LINK_TEXT: usize = 60;

/// Longest address, in bytes.
pub const MAX_ADDRESS: usize = 512;

/// The words of the show. [`Show::check`] says whether they may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Show {
    /// Markdown, shown below the player; may be empty.
    pub description: String,
    /// One line, pinned above the chat; may be empty.
    pub announcement: String,
    /// When it begins, as `2026-11-21 20:00` (UTC); may be empty.
    pub starts_at: String,
    /// The text of a link at the foot of the page; may be empty.
    pub link_text: String,
    /// Where it leads; may be empty.
    pub link_address: String,
    /// A profile that says it belongs to this site (`rel="me"`); may be empty.
    pub profile: String,
}

/// Why the words cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShowMistake {
    /// Longer than it may be.
    #[error("the {what} is too long: at most {limit}")]
    TooLong {
        /// Which of the words.
        what: &'static str,
        /// The limit, with its unit.
        limit: String,
    },
    /// Something that nobody can see or that breaks the line.
    #[error("the {what} has characters that cannot be shown")]
    Characters {
        /// Which of the words.
        what: &'static str,
    },
    /// Not a date and time.
    #[error("the beginning is written like `2026-11-21 20:00`, in UTC")]
    StartsAt,
    /// Not an address that a browser could follow.
    #[error("the {what} is a whole address like `http://example.onion/`, without a password in it")]
    Address {
        /// Which of the words.
        what: &'static str,
    },
    /// Half a link.
    #[error("the link at the foot needs both a text and an address")]
    HalfLink,
}

impl Show {
    /// The one line above the chat.
    pub fn announcement(&self) -> &str {
        &self.announcement
    }

    /// When it begins.
    pub fn begins(&self) -> Option<WallTime> {
        parse_time(&self.starts_at)
    }

    /// Whether the words may be shown.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with them.
    pub fn check(&self) -> Result<(), ShowMistake> {
        if self.description.len() > MAX_DESCRIPTION {
            return Err(ShowMistake::TooLong {
                what: "description",
                limit: format!("{} KiB", MAX_DESCRIPTION / 1024),
            });
        }
        let is_broken = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
        if self.description.contains(is_broken) {
            return Err(ShowMistake::Characters {
                what: "description",
            });
        }
        line("announcement", &self.announcement, MAX_ANNOUNCEMENT)?;
        line("text of the link", &self.link_text, MAX_LINK_TEXT)?;
        if !self.starts_at.is_empty() && self.begins().is_none() {
            return Err(ShowMistake::StartsAt);
        }
        if self.link_text.is_empty() != self.link_address.is_empty() {
            return Err(ShowMistake::HalfLink);
        }
        address("address of the link", &self.link_address)?;
        address("address of the profile", &self.profile)
    }

    /// The same words without blanks around them, and with one kind of line end.
    #[must_use]
    pub fn trimmed(&self) -> Self {
        let trim = |text: &str| text.trim().to_owned();
        Self {
            description: self.description.replace("\r\n", "\n").trim().to_owned(),
            announcement: trim(&self.announcement),
            starts_at: trim(&self.starts_at).replace('T', " "),
            link_text: trim(&self.link_text),
            link_address: trim(&self.link_address),
            profile: trim(&self.profile),
        }
    }
}

fn line(what: &'static str, text: &str, limit: usize) -> Result<(), ShowMistake> {
    if text.chars().count() > limit {
        return Err(ShowMistake::TooLong {
            what,
            limit: format!("{limit} characters"),
        });
    }
    let is_unseen = |letter: char| letter.is_control() || super::character::is_format(letter);
    if text.contains(is_unseen) {
        return Err(ShowMistake::Characters { what });
    }
    Ok(())
}

fn address(what: &'static str, text: &str) -> Result<(), ShowMistake> {
    if text.is_empty() || is_address(text) {
        Ok(())
    } else {
        Err(ShowMistake::Address { what })
    }
}

/// Whether this is a whole address of a page, in ASCII, without a user name in it, and of at most
/// [`MAX_ADDRESS`] bytes.
pub fn is_address(text: &str) -> bool {
    let inside = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let host = inside.and_then(|inside| inside.split(['/', '?', '#']).next());
    text.len() <= MAX_ADDRESS
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && host.is_some_and(|host| host.contains('.') && !host.contains(['@', '\\']))
}

/// Reads `2026-11-21 20:00`, in UTC.
fn parse_time(text: &str) -> Option<WallTime> {
    let (date, time) = text.split_once(' ')?;
    let mut date = date.splitn(3, '-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (hour, minute) = time.split_once(':')?;
    let (hour, minute) = (number(hour)?, number(minute)?);
    if !(1970..=9999).contains(&year) || hour > 23 || minute > 59 {
        return None;
    }
    // The day is looked for: the calendar is in one place only, in `Civil`.
    let mut from = (year - 1970) * 365;
    let mut to = from + 366 + (year - 1970) / 4 + 2;
    while from < to {
        let middle = from.midpoint(to);
        let civil = Civil::from(WallTime::from_unix_millis(middle * 86_400_000));
        if (civil.year, civil.month, civil.day) < (year, month, day) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    day_of(from, (year, month, day)).map(|days| {
        WallTime::from_unix_millis(days * 86_400_000 + hour * 3_600_000 + minute * 60_000)
    })
}

/// The day itself, if it is the one that was asked for: there is no 30th of February.
fn day_of(days: u64, date: (u64, u64, u64)) -> Option<u64> {
    let civil = Civil::from(WallTime::from_unix_millis(days * 86_400_000));
    ((civil.year, civil.month, civil.day) == date).then_some(days)
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_beginning_is_a_day_that_there_is() {
        for (text, millis) in [
            ("1970-01-01 00:00", Some(0)),
            ("2026-11-21 20:00", Some(1_795_291_200_000)),
            ("2024-02-29 23:59", Some(1_709_251_140_000)),
            ("2023-02-29 00:00", None),
            ("2026-13-01 00:00", None),
            ("2026-00-10 00:00", None),
            ("2026-11-21 24:00", None),
            ("2026-11-21", None),
            ("soon", None),
            ("+026-11-21 20:00", None),
        ] {
            let time = parse_time(text).map(WallTime::unix_millis);
            assert_eq!(time, millis, "{text}");
        }
    }

    #[test]
    fn words_that_cannot_be_shown_are_refused_with_the_reason() {
        let show = Show::default();
        assert_eq!(show.check(), Ok(()));
        let with = |change: fn(&mut Show)| {
            let mut show = Show::default();
            change(&mut show);
            show.trimmed().check().unwrap_err().to_string()
        };
        for (mistake, words) in [
            (with(|show| show.description = "x".repeat(9_000)), "8 KiB"),
            (
                with(|show| show.announcement = "a\nb".into()),
                "cannot be shown",
            ),
            (with(|show| show.announcement = "x".repeat(301)), "300"),
            (with(|show| show.starts_at = "tonight".into()), "2026-11-21"),
            (with(|show| show.link_text = "me".into()), "both"),
            (
                with(|show| show.profile = "javascript:alert(1)".into()),
                "address",
            ),
            (
                with(|show| show.profile = "https://a:b@c.d/".into()),
                "address",
            ),
            (
                with(|show| show.profile = "https://nodots/".into()),
                "address",
            ),
        ] {
            assert!(mistake.contains(words), "{mistake}");
        }
        let good = Show {
            starts_at: " 2026-11-21T20:00 ".into(),
            link_text: "More".into(),
            link_address: "https://example.org/x".into(),
            profile: "https://social.example/@me".into(),
            ..Show::default()
        };
        assert_eq!(good.trimmed().check(), Ok(()));
    }

    proptest! {
        #[test]
        fn every_minute_of_the_calendar_is_read_back(minute in 0_u64..200_000_000) {
            let time = WallTime::from_unix_millis(minute * 60_000);
            let Civil { year, month, day, hour, minute, .. } = Civil::from(time);
            let text = format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}");

            prop_assert_eq!(parse_time(&text), Some(time));
        }

        #[test]
        fn no_words_make_it_panic(text in "\\PC{0,40}") {
            let show = Show { starts_at: text.clone(), profile: text.clone(), announcement: text, ..Show::default() };
            let _checked = show.trimmed().check();
        }
    }
}
