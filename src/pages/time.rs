//! Times as people read them. Always UTC: the time zone of the host says where it is.

use std::time::Duration;

use crate::clock::{Civil, WallTime};

/// `14:05 UTC`.
pub(super) fn time_of_day(time: WallTime) -> String {
    format!("{} UTC", clock(time))
}

/// `14:05`, for lines that have the date nearby.
pub(super) fn clock(time: WallTime) -> String {
    let Civil { hour, minute, .. } = time.into();
    format!("{hour:02}:{minute:02}")
}

/// `2026-11-21`.
pub(super) fn date(time: WallTime) -> String {
    let Civil {
        year, month, day, ..
    } = time.into();
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-11-21 14:05:09 UTC`.
pub(super) fn full(time: WallTime) -> String {
    let second = Civil::from(time).second;
    format!("{} {}:{second:02} UTC", date(time), clock(time))
}

/// `4 minutes`, `1 hour 5 minutes`: for pages that do not tick.
pub(super) fn roughly(duration: Duration) -> String {
    let minutes = duration.as_secs() / 60;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    match (hours, minutes) {
        (0, 0) => "less than a minute".to_owned(),
        (0, minutes) => count(minutes, "minute"),
        (hours, 0) => count(hours, "hour"),
        (hours, minutes) => format!("{} {}", count(hours, "hour"), count(minutes, "minute")),
    }
}

/// `12 s`, `2 minutes`: to the nearest, for what is only roughly known.
pub(super) fn about(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ ..100 => format!("{seconds} s"),
        seconds => count((seconds + 30) / 60, "minute"),
    }
}

fn count(number: u64, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_utc() {
        assert_eq!(time_of_day(WallTime::from_unix_millis(0)), "00:00 UTC");
        assert_eq!(
            time_of_day(WallTime::from_unix_millis(1_700_000_000_000)),
            "22:13 UTC"
        );
    }

    #[test]
    fn what_is_roughly_known_has_no_more_places_than_it_should() {
        for (seconds, expected) in [
            (12, "12 s"),
            (99, "99 s"),
            (100, "2 minutes"),
            (149, "2 minutes"),
            (150, "3 minutes"),
        ] {
            assert_eq!(about(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn dates_are_right_around_leap_days_and_ends_of_years() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_709_251_200, "2024-03-01 00:00:00 UTC"),
            (1_798_761_599, "2026-12-31 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(full(WallTime::from_unix_millis(seconds * 1000)), expected);
        }
    }

    #[test]
    fn durations_are_words() {
        for (seconds, words) in [
            (59, "less than a minute"),
            (60, "1 minute"),
            (3599, "59 minutes"),
            (3600, "1 hour"),
            (3660, "1 hour 1 minute"),
            (90_000, "25 hours"),
        ] {
            assert_eq!(roughly(Duration::from_secs(seconds)), words);
        }
    }
}
