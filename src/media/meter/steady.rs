//! Numbers for people to look at: rounded, and kept as they were shown while they hardly change.
//!
//! A panel that shows another bitrate each second says nothing more, and costs a change each time.

use std::time::Duration;

use super::{EncoderState, FrameRate};

/// Within this part of what is shown a number counts as unchanged, in thousandths.
pub(in crate::media) const HARDLY: u64 = 50;

/// The same for frame rates, which are exact unless frames are missing.
const HARDLY_A_FRAME: u64 = 4;

/// A fragment may be this late before anybody is told: less is absorbed by every player.
const LATE: Duration = Duration::from_millis(500);

/// Up to this speed the encoder counts as fast enough, in thousandths: arrival times are not exact.
const FAST_ENOUGH: u32 = 970;

impl EncoderState {
    /// The same state for people who see `shown` now.
    #[must_use]
    pub fn steadied(self, shown: &Self) -> Self {
        Self {
            since_last_fragment: self.since_last_fragment.map(|since| self.waiting(since)),
            bits_per_second: kept(
                self.bits_per_second,
                shown.bits_per_second,
                HARDLY,
                two_digits,
            ),
            fps: self.fps.map(|FrameRate(rate)| {
                let shown = shown.fps.map(|rate| u64::from(rate.0));
                let rate = kept(Some(u64::from(rate)), shown, HARDLY_A_FRAME, |rate| {
                    (rate + 5) / 10 * 10
                });
                FrameRate(
                    rate.and_then(|rate| u32::try_from(rate).ok())
                        .unwrap_or(u32::MAX),
                )
            }),
            fragment: kept_time(self.fragment, shown.fragment),
            segment: kept_time(self.segment, shown.segment),
            gop: kept_time(self.gop, shown.gop),
            speed: self.speed.map(|speed| {
                if speed >= FAST_ENOUGH {
                    1000
                } else {
                    (speed + 25) / 50 * 50
                }
            }),
            lateness: if self.lateness < LATE {
                Duration::ZERO
            } else {
                Duration::from_millis(rounded(self.lateness, 500))
            },
            ..self
        }
    }

    /// Nothing while fragments come as they should, then seconds, then minutes.
    fn waiting(&self, since: Duration) -> Duration {
        let usual = self.fragment.unwrap_or_default().saturating_mul(2);
        match since {
            since if since < usual.max(Duration::from_secs(2)) => Duration::ZERO,
            since if since < Duration::from_mins(1) => Duration::from_secs(since.as_secs()),
            since => Duration::from_mins(since.as_secs() / 60),
        }
    }
}

/// What is shown while `now` is near it; otherwise `now`, rounded.
pub(in crate::media) fn kept(
    now: Option<u64>,
    shown: Option<u64>,
    hardly: u64,
    round: impl Fn(u64) -> u64,
) -> Option<u64> {
    let now = now?;
    let is_near =
        |shown: &u64| now.abs_diff(*shown).saturating_mul(1000) <= shown.saturating_mul(hardly);
    Some(shown.filter(is_near).unwrap_or_else(|| round(now)))
}

fn kept_time(now: Option<Duration>, shown: Option<Duration>) -> Option<Duration> {
    let millis = |time: Duration| rounded(time, 1);
    let kept = kept(now.map(millis), shown.map(millis), HARDLY, |time| {
        time.saturating_add(5) / 10 * 10
    });
    kept.map(Duration::from_millis)
}

/// Milliseconds, to the nearest `step` of them.
fn rounded(time: Duration, step: u64) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX - step);
    millis.saturating_add(step / 2) / step * step
}

/// 2,643,211 becomes 2,600,000.
pub(in crate::media) fn two_digits(number: u64) -> u64 {
    let mut step = 1_u64;
    while number / step >= 100 {
        step *= 10;
    }
    number.saturating_add(step / 2) / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_rate(bits: u64) -> EncoderState {
        EncoderState {
            bits_per_second: Some(bits),
            ..EncoderState::default()
        }
    }

    #[test]
    fn a_rate_is_rounded_and_stays_while_it_hardly_changes() {
        let first = at_rate(2_643_211).steadied(&EncoderState::default());
        assert_eq!(first, at_rate(2_600_000));

        for (bits, shown) in [
            (2_480_000, 2_600_000),
            (2_720_000, 2_600_000),
            (2_760_000, 2_800_000),
        ] {
            assert_eq!(at_rate(bits).steadied(&first), at_rate(shown), "{bits}");
        }
        for bits in [0, 1, 99, u64::MAX] {
            let settled = at_rate(bits).steadied(&EncoderState::default());
            assert!(
                settled.bits_per_second.unwrap().abs_diff(bits) <= bits / 20,
                "{bits}"
            );
        }
    }

    #[test]
    fn frame_rates_keep_their_hundredths() {
        for (exact, shown) in [
            (25_000, "25"),
            (29_970, "29.97"),
            (29_966, "29.97"),
            (12_496, "12.5"),
        ] {
            let state = EncoderState {
                fps: Some(FrameRate(exact)),
                ..EncoderState::default()
            };
            let settled = state.steadied(&EncoderState::default());
            assert_eq!(settled.fps.unwrap().to_string(), shown);
            // The first second of a stream is not exact, and must not be what stays.
            let beginning = EncoderState {
                fps: Some(FrameRate(exact - exact / 100)),
                ..EncoderState::default()
            };
            let settled = state.steadied(&beginning);
            assert_eq!(settled.fps.unwrap().to_string(), shown);
        }
    }

    #[test]
    fn waiting_is_shown_when_it_is_longer_than_fragments_take() {
        // (fragment, since the last one, shown), in milliseconds
        for (fragment, since, shown) in [
            (200, 1_900, 0),
            (200, 2_900, 2_000),
            (4_000, 7_900, 0),
            (4_000, 8_100, 8_000),
            (200, 59_999, 59_000),
            (200, 119_000, 60_000),
        ] {
            let state = EncoderState {
                fragment: Some(Duration::from_millis(fragment)),
                since_last_fragment: Some(Duration::from_millis(since)),
                ..EncoderState::default()
            };
            let settled = state.steadied(&EncoderState::default()).since_last_fragment;
            assert_eq!(
                settled,
                Some(Duration::from_millis(shown)),
                "{fragment} {since}"
            );
        }
    }
}
