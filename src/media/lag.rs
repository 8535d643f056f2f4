//! How far a viewer's picture is behind, and when they are told.
//!
//! Belongs here: the estimate from what was handed out when, and the rule for the notice. Does not
//! belong here: where a reader stands ([`super::timeline`]), words, sockets.
//!
//! The program cannot see a player. But a fragment cannot be shown before it was handed out, and no
//! player runs faster than time: so its picture is at least as old as the oldest fragment was when
//! it was handed out, from the first one on. What is under way (some 64 KiB here, a second or two in
//! Tor) is not counted; hence "about".

use std::time::Duration;

/// A viewer is told when they are this much further behind than where they chose to start.
const TELLS: Duration = Duration::from_secs(10);

/// Another notice comes when the estimate differs from the last one by this much.
const STEP: Duration = Duration::from_secs(5);

/// How far behind a viewer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Where they chose to start: the age of their first fragment when it was handed out.
    pub start: Duration,
    /// Their picture is at least this old.
    pub behind: Duration,
    /// The age of the newest fragment they have, when it was handed out.
    pub taken: Duration,
}

impl Lag {
    /// The first fragment was handed out at this age.
    pub fn started(age: Duration) -> Self {
        Self {
            start: age,
            behind: age,
            taken: age,
        }
    }

    /// A fragment was handed out at this age.
    pub fn took(&mut self, age: Duration) {
        self.behind = self.behind.max(age);
        self.taken = age;
    }

    /// A fragment of this age was left out: decode times are kept, so the player, which had nothing
    /// newer, waits where it was and does not come closer.
    pub fn missed(&mut self, age: Duration) {
        self.behind = self.behind.max(age);
    }

    /// The same when there has been something to take for `waited`, and it was not taken.
    #[must_use]
    pub fn after(mut self, waited: Duration) -> Self {
        self.missed(self.taken.saturating_add(waited));
        self
    }
}

/// What a viewer was told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notice {
    shown: Option<Duration>,
}

impl Notice {
    /// What is shown now: how far behind, or nothing.
    pub fn shown(self) -> Option<Duration> {
        self.shown
    }

    /// Looks at a viewer, if they watch. Returns whether what is shown has changed.
    pub fn look(&mut self, lag: Option<Lag>) -> bool {
        let wanted = lag
            .filter(|lag| lag.behind > lag.start.saturating_add(TELLS))
            .map(|lag| lag.behind);
        let changed = match (self.shown, wanted) {
            (Some(shown), Some(wanted)) => shown.abs_diff(wanted) >= STEP,
            (shown, wanted) => shown != wanted,
        };
        if changed {
            self.shown = wanted;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_viewer_who_takes_everything_stays_where_they_started() {
        let mut lag = Lag::started(seconds(4));
        for age in [3, 2, 1, 0, 0, 3, 0] {
            lag.took(seconds(age));
        }

        assert_eq!(lag.behind, seconds(4));
        assert!(!Notice::default().look(Some(lag)));
    }

    #[test]
    fn what_came_late_or_was_left_out_stays_in_the_estimate() {
        let mut lag = Lag::started(seconds(4));
        lag.took(seconds(9));
        lag.took(Duration::ZERO);
        assert_eq!(lag.behind, seconds(9));
        lag.missed(seconds(15));
        lag.took(seconds(4));
        assert_eq!(lag.behind, seconds(15));
        assert_eq!(lag.after(seconds(3)).behind, seconds(15));
        assert_eq!(lag.after(seconds(30)).behind, seconds(34));
    }

    #[test]
    fn a_notice_comes_after_ten_seconds_and_again_after_five_more() {
        let mut notice = Notice::default();
        let mut told = Vec::new();
        for waited in 0..30 {
            if notice.look(Some(Lag::started(seconds(4)).after(seconds(waited)))) {
                told.push(notice.shown().map(|shown| shown.as_secs()));
            }
        }
        assert!(notice.look(Some(Lag::started(seconds(4)))), "a new start");
        assert_eq!(notice.shown(), None);

        assert_eq!(told, [Some(15), Some(20), Some(25), Some(30)]);
        assert!(!notice.look(None), "nothing was shown, and nobody watches");
    }

    #[test]
    fn whoever_chose_to_be_behind_is_not_told() {
        let lag = Lag::started(seconds(120)).after(seconds(9));
        assert!(!Notice::default().look(Some(lag)));
    }
}
