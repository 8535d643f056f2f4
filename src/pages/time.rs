//! Times as people read them. Always UTC: the time zone of the host says where it is.

use std::time::Duration;

use crate::clock::WallTime;

const SECONDS_PER_DAY: u64 = 86_400;

/// `14:05 UTC`.
pub(super) fn time_of_day(time: WallTime) -> String {
    let minutes = time.unix_millis() / 1000 % SECONDS_PER_DAY / 60;
    format!("{:02}:{:02} UTC", minutes / 60, minutes % 60)
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
