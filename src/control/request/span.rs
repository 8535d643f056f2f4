//! Lengths of time as people write them: `10s`, `10m`, `2h`, `7d`.

use std::{fmt, time::Duration};

/// Seconds of each unit, the longest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// The longest that is read; the room's own limit.
pub const LONGEST: Duration = Duration::from_hours(366 * 24);

/// Reads a whole number and a unit. `None` for anything else, for zero, and beyond [`LONGEST`].
pub fn parse(text: &str) -> Option<Duration> {
    let (unit, seconds) = UNITS.into_iter().find(|(unit, _)| text.ends_with(*unit))?;
    let number = super::number(text.strip_suffix(unit)?)?;
    let time = Duration::from_secs(number.checked_mul(seconds)?);
    (!time.is_zero() && time <= LONGEST).then_some(time)
}

/// Writes whole seconds in the longest unit that fits, so that [`parse`] reads them back.
#[derive(Debug, Clone, Copy)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.as_secs();
        let fitting = UNITS
            .into_iter()
            .find(|(_, seconds)| total.is_multiple_of(*seconds));
        let (unit, seconds) = fitting.unwrap_or(('s', 1));
        write!(f, "{}{unit}", total / seconds)
    }
}
