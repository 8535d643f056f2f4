//! The only code that reads the clock of the computer.
//!
//! Belongs here: the two kinds of time and the one place they come from.
//! Everything else takes a [`Tick`] or a [`WallTime`] as an argument, so that every rule can be
//! tested as a table of (time, event) without sleeping.

use std::{
    ops::{Add, Sub},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How far before the start of the program a [`Tick`] can lie.
///
/// The built-in clip pretends to have been running for a while when the program starts, and tests
/// subtract from early ticks; an hour is far more than either needs.
const BEFORE_START: Duration = Duration::from_hours(1);

/// A point on the monotonic clock of this process, in nanoseconds.
///
/// Not comparable between processes and not convertible to a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(Duration);

impl Tick {
    /// The moment the [`Clock`] was made.
    pub const START: Self = Self(BEFORE_START);

    /// The time from `earlier` to here; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The tick `by` before this one, but not more than an hour before the program started.
    #[must_use]
    pub fn back(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by))
    }
}

impl Add<Duration> for Tick {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

impl Sub for Tick {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// A date and time of day: milliseconds since 1970-01-01 00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(u64);

impl WallTime {
    /// From milliseconds since 1970-01-01 00:00 UTC.
    pub const fn from_unix_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 00:00 UTC.
    pub const fn unix_millis(self) -> u64 {
        self.0
    }

    /// Whole days since 1970-01-01, UTC.
    pub const fn days(self) -> u64 {
        self.0 / 86_400_000
    }

    /// The time from `earlier` to here; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A time as a calendar shows it, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// 1970 or later.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59; days have no leap seconds here.
    pub second: u64,
}

impl From<WallTime> for Civil {
    fn from(time: WallTime) -> Self {
        let seconds = time.0 / 1_000;
        // Years that begin in March, so that the leap day is the last of its year; day 0 is the
        // first of March of the year 0, 719,468 days before 1970.
        let days = time.days() + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        Self {
            year: 400 * era + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            hour: seconds / 3_600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }
}

impl From<SystemTime> for WallTime {
    /// Dates before 1970 become 1970.
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The source of both kinds of time. Copies share the same origin.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock whose [`Tick::START`] is now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    #[expect(
        clippy::new_without_default,
        reason = "a default value should not depend on the time"
    )]
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    /// The current monotonic time.
    pub fn tick(&self) -> Tick {
        Tick::START + self.origin.elapsed()
    }

    /// The current date and time.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    pub fn wall(&self) -> WallTime {
        SystemTime::now().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_can_lie_before_the_start_of_the_program() {
        let before = Tick::START.back(Duration::from_secs(10));

        assert_eq!(Tick::START - before, Duration::from_secs(10));
        assert_eq!(before - Tick::START, Duration::ZERO);
    }
}
