//! What a timeline can give of a broadcast, and what it costs.

/// The parts of a broadcast that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rendition {
    /// Everything the encoder delivers.
    #[default]
    Full,
    /// The sound alone: about a tenth of the bytes.
    Sound,
}

/// What there is to choose from while a broadcast is on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Whether there is a picture.
    pub has_picture: bool,
    /// Whether there is sound.
    pub has_sound: bool,
    /// Bits per second of [`Rendition::Full`]; `None` until enough was sent.
    pub full: Option<u64>,
    /// Bits per second of [`Rendition::Sound`]; `None` also without sound.
    pub sound: Option<u64>,
}

impl Offer {
    /// Whether there is anything to choose.
    pub fn is_choice(self) -> bool {
        self.has_picture && self.has_sound
    }
}

/// Kilobits per second with the two digits that one can rely on.
pub fn roughly(bits_per_second: u64) -> u64 {
    let kilobits = bits_per_second.saturating_add(500) / 1_000;
    let digits = kilobits.max(1).ilog10();
    let step = 10_u64.pow(digits.saturating_sub(1));
    kilobits.saturating_add(step / 2) / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rounded_to_two_digits() {
        for (rate, kilobits) in [
            (400, 0),
            (7_600, 8),
            (63_600, 64),
            (583_400, 580),
            (1_250_000, 1_300),
        ] {
            assert_eq!(roughly(rate), kilobits);
        }
        assert!(roughly(u64::MAX) > 0);
    }
}
