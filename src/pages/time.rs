//! Times as people read them. Always UTC: the time zone of the host says where it is.

use std::time::Duration;

use crate::clock::WallTime;

const SECONDS_PER_DAY: u64 = 86_400;

/// `14:05 UTC`.
pub(super) fn time_of_day(time: WallTime) -> String {
    format!("{} UTC", clock(time))
}

/// `14:05`, for lines that have the date nearby.
pub(super) fn clock(time: WallTime) -> String {
    let minutes = time.unix_millis() / 1000 % SECONDS_PER_DAY / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `2026-11-21`.
pub(super) fn date(time: WallTime) -> String {
    // Days to civil date: the era arithmetic of Howard Hinnant's "chrono-compatible low-level
    // date algorithms", for days since 1970-01-01.
    let days = time.days() + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-11-21 14:05:09 UTC`.
pub(super) fn full(time: WallTime) -> String {
    let seconds = time.unix_millis() / 1000 % 60;
    format!("{} {}:{seconds:02} UTC", date(time), clock(time))
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
