//! Starting further back than the live edge: as far as the timeline reaches, and then in real time.

use std::time::Duration;

use super::{super::rendition::Rendition, Position, Timeline};
use crate::clock::Tick;

/// More than anybody keeps.
const MAX_BACK: Duration = Duration::from_hours(24);

/// Where a viewer wants to start who does not want the live picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewind {
    /// At the start, or the oldest that is kept.
    Start,
    /// So long ago.
    Back(Duration),
    /// At the segment that has this number in the playlist.
    Segment(u64),
}

impl Rewind {
    /// Reads the values of `back` (`start`, `90s`, `2m`; at most a day) and `segment` (a number) in
    /// an address; the segment comes first. `None` for anything else: that is live.
    pub fn parse(back: Option<&str>, segment: Option<&str>) -> Option<Self> {
        if let Some(number) = segment.and_then(digits) {
            return Some(Self::Segment(number));
        }
        let back = back?;
        if back == "start" {
            return Some(Self::Start);
        }
        let (number, unit) = match back.strip_suffix('m') {
            Some(number) => (number, 60),
            None => (back.strip_suffix('s')?, 1),
        };
        let back = Duration::from_secs(digits(number)?.checked_mul(unit)?);
        (Duration::ZERO < back && back <= MAX_BACK).then_some(Self::Back(back))
    }

    /// The same in an address.
    pub fn query(self) -> String {
        match self {
            Self::Start => "back=start".to_owned(),
            Self::Back(back) if back.as_secs().is_multiple_of(60) => {
                format!("back={}m", back.as_secs() / 60)
            }
            Self::Back(back) => format!("back={}s", back.as_secs()),
            Self::Segment(number) => format!("segment={number}"),
        }
    }
}

/// A number without a sign.
fn digits(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

impl Timeline {
    /// How far back a viewer can start now and not lose their place.
    ///
    /// Fragments go when they are too old or too many: whoever stood at the oldest would lose it with
    /// their first hiccup. So they stay as far from the end as they may fall behind.
    pub fn reach(&self, now: Tick) -> Duration {
        let Some(oldest) = self.ring.oldest() else {
            return Duration::ZERO;
        };
        let age = now.since(oldest.arrived);
        let margin = self.limits.max_lag;
        if self.ring.first() > self.began {
            age.saturating_sub(margin)
        } else {
            age.min(self.limits.keep.saturating_sub(margin))
        }
    }

    /// How old the picture would be that a viewer starts from: what they want, as far as it is there.
    ///
    /// O(kept fragments) for a segment.
    pub fn back_to(&self, rewind: Rewind, now: Tick) -> Duration {
        let reach = self.reach(now);
        let wanted = match rewind {
            Rewind::Start => reach,
            Rewind::Back(back) => back,
            Rewind::Segment(number) if number > self.sequence => Duration::ZERO,
            Rewind::Segment(number) => self
                .beginning_of(number)
                .and_then(|first| self.ring.get(first))
                .map_or(reach, |kept| now.since(kept.arrived)),
        };
        wanted.min(reach)
    }

    /// Where a viewer starts who wants to see what was; no nearer to the live edge than `delay`.
    ///
    /// Behind the live edge fragments are there before they are needed. All of them at once would be
    /// 40 MB for two minutes of an ordinary stream, through the same uplink as everybody's picture,
    /// and a restarted player would have them sent again. So this viewer is served like a live one at
    /// `delay`, only later: as much in advance, then each fragment as it becomes old enough.
    ///
    /// `None` when nothing is being played, or when there is no such rendition.
    pub fn rewind(
        &self,
        rendition: Rendition,
        rewind: Rewind,
        delay: Duration,
        now: Tick,
    ) -> Option<Position> {
        let mut position = self.join_rendition(rendition, delay)?;
        let back = self.back_to(rewind, now);
        if back > delay {
            position.delay = back;
            // Several fragments may have arrived at the same moment: the one that was named.
            position.next = match rewind {
                Rewind::Segment(number) => self.beginning_of(number).filter(|first| {
                    let kept = self.ring.get(*first);
                    kept.is_some_and(|kept| now.since(kept.arrived) <= back)
                }),
                Rewind::Start | Rewind::Back(_) => None,
            };
        }
        Some(position)
    }

    /// The number of the first fragment of a segment.
    fn beginning_of(&self, sequence: u64) -> Option<u64> {
        self.ring
            .iter()
            .find(|(_, kept)| kept.sequence == sequence && kept.begins_sequence)
            .map(|(number, _)| number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_stands_in_an_address_is_read_or_means_live() {
        let back = |text: &str| Rewind::parse(Some(text), None);
        assert_eq!(back("start"), Some(Rewind::Start));
        assert_eq!(back("2m"), Some(Rewind::Back(Duration::from_mins(2))));
        assert_eq!(back("30s"), Some(Rewind::Back(Duration::from_secs(30))));
        for wrong in [
            "",
            "0s",
            "2",
            "m",
            "-2m",
            "+2m",
            "2h",
            "1.5m",
            "2 m",
            "1441m",
            "99999999999999999999m",
            "18446744073709551615m",
            "Start",
        ] {
            assert_eq!(back(wrong), None, "{wrong}");
        }
        assert_eq!(
            Rewind::parse(Some("2m"), Some("7")),
            Some(Rewind::Segment(7))
        );
        assert_eq!(Rewind::parse(Some("2m"), Some("x")), back("2m"));
        assert_eq!(Rewind::parse(None, Some("-7")), None);
        assert_eq!(Rewind::parse(None, None), None);
    }

    proptest! {
        #[test]
        fn what_is_written_into_an_address_is_read_again(seconds in 1..=86_400_u64, number: u64) {
            for rewind in [
                Rewind::Start,
                Rewind::Back(Duration::from_secs(seconds)),
                Rewind::Segment(number),
            ] {
                let query = rewind.query();
                let (name, value) = query.split_once('=').unwrap();
                let value = Some(value);
                let read = match name {
                    "back" => Rewind::parse(value, None),
                    _ => Rewind::parse(None, value),
                };
                prop_assert_eq!(read, Some(rewind));
            }
        }
    }
}
