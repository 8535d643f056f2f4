//! Recordings as plain data: what they are called, who may see them, when there is no more room.
//!
//! Belongs here: the rules about recordings. Does not belong here: files and their contents on disk
//! ([`crate::recording`]), when something is recorded.

pub mod chapters;
pub mod chat;
pub mod length;
mod space;

use std::{fmt, time::Duration};

use self::chapters::Chapters;
pub use self::space::{Shortage, Space};
use crate::clock::{Civil, WallTime};

/// Ending of the files.
const EXTENSION: &str = ".mp4";

/// Recordings that may begin in the same minute.
const MOST_IN_A_MINUTE: u16 = 999;

/// Recordings that there may be at the same time.
pub const MOST: usize = 500;

/// What a recording is called: the minute in which it began, in UTC, and its number if it was not
/// the first in that minute. Ordered by time.
///
/// There is one way to write each name, and it holds no more than digits, `-` and `_`: what was
/// parsed is safe as the name of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingName {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    /// From 1.
    nth: u16,
}

impl RecordingName {
    /// The first name of a recording that begins at that time; years stop at 9999.
    pub fn of(time: WallTime) -> Self {
        let civil = Civil::from(time);
        let small = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
        Self {
            year: u16::try_from(civil.year.min(9999)).unwrap_or(9999),
            month: small(civil.month),
            day: small(civil.day),
            hour: small(civil.hour),
            minute: small(civil.minute),
            nth: 1,
        }
    }

    /// The next name in the same minute; `None` after the 999th.
    pub fn next(self) -> Option<Self> {
        let nth = self.nth + 1;
        (nth <= MOST_IN_A_MINUTE).then_some(Self { nth, ..self })
    }

    /// Reads what [`Display`](fmt::Display) writes, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once('_')?;
        let mut date = date.splitn(3, '-');
        let (year, month, day) = (date.next()?, date.next()?, date.next()?);
        let (time, nth) = rest.split_once('-').unwrap_or((rest, "1"));
        let (hour, minute) = time.split_at_checked(2)?;
        let name = Self {
            year: year.parse().ok()?,
            month: month.parse().ok()?,
            day: day.parse().ok()?,
            hour: hour.parse().ok()?,
            minute: minute.parse().ok()?,
            nth: nth.parse().ok()?,
        };
        let is_time = (1970..=9999).contains(&name.year)
            && (1..=12).contains(&name.month)
            && (1..=31).contains(&name.day)
            && name.hour < 24
            && name.minute < 60
            && (1..=MOST_IN_A_MINUTE).contains(&name.nth);
        // One way to write each: no signs, no zeros in front, no `-1`.
        (is_time && name.to_string() == text).then_some(name)
    }

    /// Reads the name of a file.
    pub fn parse_file(file: &str) -> Option<Self> {
        Self::parse(file.strip_suffix(EXTENSION)?)
    }

    /// The name of its file.
    pub fn file(self) -> String {
        format!("{self}{EXTENSION}")
    }

    /// When it began, for people: `2026-11-21 20:00 UTC`.
    pub fn words(self) -> String {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            ..
        } = self;
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
    }

    /// Whether it began so many days ago or earlier; never with 0 days.
    pub fn is_expired(self, keep_days: u64, now: WallTime) -> bool {
        let keep = keep_days.saturating_mul(86_400_000);
        match now.unix_millis().checked_sub(keep) {
            Some(then) if keep_days > 0 => {
                let last = Self {
                    nth: MOST_IN_A_MINUTE,
                    ..Self::of(WallTime::from_unix_millis(then))
                };
                self <= last
            }
            _ => false,
        }
    }
}

impl fmt::Display for RecordingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            nth,
        } = self;
        write!(f, "{year:04}-{month:02}-{day:02}_{hour:02}{minute:02}")?;
        if *nth > 1 {
            write!(f, "-{nth}")
        } else {
            Ok(())
        }
    }
}

/// How far a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is being made.
    Running,
    /// Nobody has looked yet where its last whole fragment ends.
    Unchecked,
    /// It is complete, or cut where it can be played to the end.
    Whole,
}

/// Who wants to see a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eyes {
    /// Whoever sits at the desk as the broadcaster.
    Broadcaster,
    /// Everybody else.
    Viewer,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// What it is called.
    pub name: RecordingName,
    /// What the show was called when it began; may be empty.
    pub title: String,
    /// When its first fragment was written, if that is known.
    pub began: Option<WallTime>,
    /// How long it plays.
    pub length: Duration,
    /// Size of its file.
    pub bytes: u64,
    /// Size of the file with its chat; 0 if there is none.
    pub chat_bytes: u64,
    /// Where playback can start.
    pub chapters: Chapters,
    /// Whether viewers may not see it.
    pub is_hidden: bool,
    /// How far it is.
    pub stage: Stage,
}

impl Recording {
    /// Whether it can be played by these. `is_public`: whether viewers see recordings at all.
    pub fn is_for(&self, eyes: Eyes, is_public: bool) -> bool {
        let may = match eyes {
            Eyes::Broadcaster => true,
            Eyes::Viewer => is_public && !self.is_hidden,
        };
        may && self.stage == Stage::Whole
    }
}

/// How recording goes, for the desk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorder {
    /// Whether the show is to be recorded whenever it is on the air.
    pub is_wanted: bool,
    /// What is being recorded: its name, its length and its bytes.
    pub running: Option<(RecordingName, Duration, u64)>,
    /// Why the last recording ended too early: lower case, no full stop.
    pub problem: Option<String>,
    /// The room that there is.
    pub space: Space,
}

/// `640 B`, `45 KiB`, `1.2 GiB`.
pub fn size(bytes: u64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        let whole = bytes >> shift;
        if whole >= 100 {
            return format!("{whole} {unit}");
        }
        if whole > 0 {
            // Less than 100 units: ten times as many do not overflow.
            let tenths = ((bytes >> (shift - 10)) * 10) >> 10;
            return match tenths % 10 {
                0 => format!("{whole} {unit}"),
                tenth => format!("{whole}.{tenth} {unit}"),
            };
        }
    }
    format!("{bytes} B")
}

/// `0:07`, `12:34`, `1:02:03`.
pub fn clock(length: Duration) -> String {
    let seconds = length.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: u64 = 86_400_000;

    fn name(text: &str) -> RecordingName {
        RecordingName::parse(text).expect(text)
    }

    #[test]
    fn a_name_is_the_minute_of_the_beginning_and_a_number() {
        let began = WallTime::from_unix_millis(1_700_000_000_000);
        let first = RecordingName::of(began);
        assert_eq!(first.file(), "2023-11-14_2213.mp4");
        assert_eq!(first.words(), "2023-11-14 22:13 UTC");
        assert_eq!(first.next().unwrap().to_string(), "2023-11-14_2213-2");
        assert!(first < first.next().unwrap());
        assert_eq!(name("2023-11-14_2213-999").next(), None);
    }

    #[test]
    fn only_names_that_this_program_writes_are_names() {
        for text in [
            "",
            "2023-11-14_2213-1",
            "2023-11-14_2213-0",
            "2023-11-14_2213-02",
            "2023-11-14_2213-1000",
            "2023-11-14_2213-",
            "2023-11-14_+213",
            "2023-11-14_2413",
            "2023-11-14_2260",
            "2023-13-14_2213",
            "2023-00-14_2213",
            "2023-11-32_2213",
            "23-11-14_2213",
            "2023-11-14_2213.mp4",
            "2023-11-14_22130",
            "../2023-11-14_2213",
            "2023-11-14_2213/..",
            "2023-11-14_2ä13",
            "2023-11-14 2213",
        ] {
            assert_eq!(RecordingName::parse(text), None, "{text}");
        }
        assert_eq!(RecordingName::parse_file("2023-11-14_2213"), None);
        assert_eq!(RecordingName::parse_file("2023-11-14_2213.mp4.mp4"), None);
    }

    #[test]
    fn a_recording_expires_so_many_days_after_it_began() {
        let began = WallTime::from_unix_millis(1_700_000_000_000);
        let later = |days| WallTime::from_unix_millis(began.unix_millis() + days * DAY);
        for name in [
            RecordingName::of(began),
            RecordingName::of(began).next().unwrap(),
        ] {
            assert!(!name.is_expired(7, later(6)));
            assert!(name.is_expired(7, later(7)));
            assert!(name.is_expired(7, later(8)));
            assert!(!name.is_expired(0, later(10_000)));
            assert!(!name.is_expired(u64::MAX, later(10_000)));
            // A clock that was set back deletes nothing.
            assert!(!name.is_expired(1, WallTime::from_unix_millis(0)));
        }
    }

    #[test]
    fn hidden_and_unfinished_ones_are_not_for_viewers() {
        let whole = Recording {
            name: name("2023-11-14_2213"),
            title: String::new(),
            began: None,
            length: Duration::ZERO,
            bytes: 0,
            chat_bytes: 0,
            chapters: Chapters::default(),
            is_hidden: false,
            stage: Stage::Whole,
        };
        let hidden = Recording {
            is_hidden: true,
            ..whole.clone()
        };
        let running = Recording {
            stage: Stage::Running,
            ..whole.clone()
        };
        for (recording, is_public, viewer, desk) in [
            (&whole, true, true, true),
            (&whole, false, false, true),
            (&hidden, true, false, true),
            (&running, true, false, false),
        ] {
            assert_eq!(recording.is_for(Eyes::Viewer, is_public), viewer);
            assert_eq!(recording.is_for(Eyes::Broadcaster, is_public), desk);
        }
    }

    #[test]
    fn sizes_and_lengths_are_short_words() {
        for (bytes, words) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (150 << 20, "150 MiB"),
            (10 << 30, "10 GiB"),
            (u64::MAX, "17179869183 GiB"),
        ] {
            assert_eq!(size(bytes), words);
        }
        for (seconds, words) in [
            (0, "0:00"),
            (59, "0:59"),
            (3599, "59:59"),
            (3661, "1:01:01"),
        ] {
            assert_eq!(clock(Duration::from_secs(seconds)), words);
        }
    }

    proptest! {
        #[test]
        fn every_name_is_read_back_and_sorts_by_time(a in 0u64..253_402_300_800_000, b in 0u64..253_402_300_800_000, nth in 1u16..=999) {
            let of = |millis| RecordingName::of(WallTime::from_unix_millis(millis));
            let name = RecordingName { nth, ..of(a) };
            prop_assert_eq!(RecordingName::parse_file(&name.file()), Some(name));
            if a / 60_000 < b / 60_000 {
                prop_assert!(of(a) < of(b));
            }
        }

        #[test]
        fn what_is_read_as_a_name_can_leave_no_directory(text in "\\PC{0,24}|[0-9_./-]{0,24}|[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{4}(-[0-9]{1,4})?") {
            if let Some(name) = RecordingName::parse(&text) {
                prop_assert_eq!(name.to_string(), text.clone());
                prop_assert!(text.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'_'));
            }
        }
    }
}
