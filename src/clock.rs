//! The only code that reads the clock of the computer.
//!
//! Belongs here: the two kinds of time and the one place they come from.
//! Everything else takes a [`Tick`] or a [`WallTime`] as an argument, so that every rule can be
//! tested as a table of (time, event) without sleeping.

use std::{
    fmt,
    ops::{Add, Sub},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How far before the start of the program a [`Tick`] can lie.
///
/// The built-in clip pretends to have been running for a while when the program starts, and tests
/// subtract from early ticks; an hour is far more than either needs.
const BEFORE_START: Duration = Duration::from_hours(1);

/// A date that jumps by less than this was corrected, not set: time servers do that now and then.
const STEP: Duration = Duration::from_secs(1);

/// Two readings of the clock that are farther apart than this are not of the same moment: the process
/// was held up in between.
const SAME_MOMENT: Duration = Duration::from_millis(100);

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
        Self(millis(since))
    }
}

/// How far the date jumped: somebody or a time server set it, or the computer slept, which a [`Tick`]
/// does not notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The date is later than it should be.
    Forward(Duration),
    /// The date is earlier than it should be.
    Back(Duration),
}

impl fmt::Display for Step {
    /// To be read after "went".
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (way, by) = match self {
            Self::Forward(by) => ("forward", by),
            Self::Back(by) => ("back", by),
        };
        // To the nearest, so that an hour that took a moment to be noticed is still an hour.
        let seconds = by.saturating_add(Duration::from_millis(500)).as_secs();
        let minutes = seconds.saturating_add(30) / 60;
        let hours = (minutes + 30) / 60;
        write!(out, "{way} by ")?;
        match (seconds, minutes, hours) {
            (..120, _, _) => write!(out, "{seconds} s"),
            (_, ..120, _) if minutes != 60 => write!(out, "{minutes} min"),
            (_, _, ..48) => write!(out, "{hours} h"),
            _ => write!(out, "{} days", (hours + 12) / 24),
        }
    }
}

/// Notices that the date jumped, from readings of both kinds of time.
///
/// A clock that runs a little fast or slow is none of its business: only neighbours are compared.
#[derive(Debug, Default)]
pub struct Steps {
    last: Option<(Tick, WallTime)>,
}

impl Steps {
    /// How far the date jumped since the reading before, if it did; see [`Clock::both`].
    pub fn look(&mut self, both: Option<(Tick, WallTime)>) -> Option<Step> {
        let (now, wall) = both?;
        let (then, date) = self.last.replace((now, wall))?;
        let expected = WallTime(date.0.saturating_add(millis(now.since(then))));
        let (forward, back) = (wall.since(expected), expected.since(wall));
        match (forward >= STEP, back >= STEP) {
            (true, _) => Some(Step::Forward(forward)),
            (_, true) => Some(Step::Back(back)),
            _ => None,
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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

    /// Both at the same moment; `None` if the process was held up in between.
    pub fn both(&self) -> Option<(Tick, WallTime)> {
        let (before, wall, after) = (self.tick(), self.wall(), self.tick());
        (after - before < SAME_MOMENT).then_some((after, wall))
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

    fn at(millis: u64, wall: u64) -> (Tick, WallTime) {
        let tick = Tick::START + Duration::from_millis(millis);
        (tick, WallTime::from_unix_millis(wall))
    }

    #[test]
    fn a_date_that_jumps_is_noticed_once_and_one_that_drifts_never() {
        let noon: u64 = 1_700_000_000_000;
        let hour = Duration::from_hours(1);
        let mut steps = Steps::default();
        let mut looks = Vec::new();
        for reading in [
            Some(at(0, noon)),
            Some(at(1_000, noon + 1_000)),
            // A correction, and a process that was held up between the two clocks.
            Some(at(2_000, noon + 2_900)),
            None,
            Some(at(9_000, noon + 9_500)),
            Some(at(10_000, noon + 3_610_500)),
            Some(at(11_000, noon + 3_611_500)),
            Some(at(12_000, noon + 12_500)),
            Some(at(13_000, noon + 13_500)),
        ] {
            looks.extend(steps.look(reading));
        }
        assert_eq!(looks, [Step::Forward(hour), Step::Back(hour)]);

        // A crystal that is off by as much as they get: 0.1 % would be an hour in six weeks.
        let mut steps = Steps::default();
        let drifts = (0..100_000).map(|second| at(second * 1_000, noon + second * 1_001));
        assert_eq!(drifts.filter_map(|both| steps.look(Some(both))).count(), 0);
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let mut steps = Steps::default();
        assert_eq!(steps.look(Some(at(0, 0))), None);
        assert!(matches!(
            steps.look(Some(at(1, u64::MAX))),
            Some(Step::Forward(_))
        ));
        assert!(matches!(
            steps.look(Some(at(u64::MAX, 0))),
            Some(Step::Back(_))
        ));
    }

    #[test]
    fn a_step_is_told_in_the_unit_that_fits() {
        let told = |seconds| Step::Back(Duration::from_secs(seconds)).to_string();
        assert_eq!(told(2), "back by 2 s");
        assert_eq!(told(150), "back by 3 min");
        assert_eq!(told(3_599), "back by 1 h");
        assert_eq!(told(5_400), "back by 90 min");
        assert_eq!(told(7_201), "back by 2 h");
        assert_eq!(told(86_400 * 30), "back by 30 days");
        let most = Step::Forward(Duration::MAX).to_string();
        assert!(most.starts_with("forward by "), "{most}");
    }
}
