//! The tripcode: a mark that only who knows a password can show again on this site.
//!
//! Belongs here: its value, its text and its colours.
//! Does not belong here: how it is computed from a password and a salt (`tripcodes.rs`).

use std::fmt;

/// Bytes of a tripcode: 80 bits, so that nobody finds a second password for one that is in use.
pub const TRIPCODE_BYTES: usize = 10;

/// What five bits are shown as: small letters and digits without `0`, `1`, `i` and `l`, so that
/// `o` is the only round one and nothing is a bar.
const LETTERS: [char; 32] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u',
    'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9',
];

/// Letters between two hyphens.
const GROUP: usize = 4;

/// Least contrast of the badge's text on its ground (WCAG 2.2, success criterion 1.4.3).
const MIN_CONTRAST: f64 = 4.5;

/// A tripcode; shown as `abcd-efgh-jkmn-pqrs`.
///
/// It is public: everybody in the room sees it. `Debug` shows nothing, so that it gets into no log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tripcode([u8; TRIPCODE_BYTES]);

impl Tripcode {
    /// The tripcode that the password function gave.
    pub const fn from_bytes(bytes: [u8; TRIPCODE_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads what [`Display`](fmt::Display) writes; hyphens may be left out, capitals do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        // Longer than any tripcode with its hyphens.
        if text.len() > 64 {
            return None;
        }
        let (mut bits, mut have, mut bytes) = (0_u32, 0_u32, Vec::with_capacity(TRIPCODE_BYTES));
        for letter in text.trim().chars().filter(|letter| *letter != '-') {
            let letter = letter.to_ascii_lowercase();
            let value = LETTERS.iter().position(|known| *known == letter)?;
            bits = (bits << 5 | u32::try_from(value).ok()?) & 0xffff;
            have += 5;
            if have >= 8 {
                have -= 8;
                bytes.push(u8::try_from(bits >> have & 0xff).ok()?);
            }
        }
        (have == 0).then_some(())?;
        <[u8; TRIPCODE_BYTES]>::try_from(bytes).ok().map(Self)
    }

    /// What [`Tripcode::from_bytes`] was given.
    pub const fn as_bytes(&self) -> &[u8; TRIPCODE_BYTES] {
        &self.0
    }

    /// Ground and text of the badge, as red, green and blue.
    ///
    /// The ground is the last three bytes; the text is white or black, whichever has more contrast,
    /// which is at least 4.58 on any ground. The colour helps the eye, the letters are what counts.
    pub fn badge(&self) -> ([u8; 3], [u8; 3]) {
        const WHITE: [u8; 3] = [255; 3];
        const BLACK: [u8; 3] = [0; 3];
        let [.., red, green, blue] = self.0;
        let ground = [red, green, blue];
        let text = if contrast(ground, WHITE) >= MIN_CONTRAST {
            WHITE
        } else {
            BLACK
        };
        (ground, text)
    }
}

impl fmt::Display for Tripcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;

        let (mut bits, mut have, mut written) = (0_u32, 0_u32, 0);
        for byte in self.0 {
            bits = (bits << 8 | u32::from(byte)) & 0xffff;
            have += 8;
            while have >= 5 {
                have -= 5;
                if written > 0 && written % GROUP == 0 {
                    f.write_char('-')?;
                }
                let letter = LETTERS.get((bits >> have & 31) as usize);
                f.write_char(letter.copied().unwrap_or('a'))?;
                written += 1;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Tripcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tripcode(hidden)")
    }
}

/// Contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio").
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Relative luminance, 0 to 1 (WCAG 2.2).
fn luminance(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|channel| {
        let channel = f64::from(channel) / 255.0;
        if channel <= 0.04045 {
            channel / 12.92
        } else {
            ((channel + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn eighty_bits_are_shown_as_four_groups_of_four_letters() {
        for (bytes, text) in [
            ([0; 10], "aaaa-aaaa-aaaa-aaaa"),
            ([0xff; 10], "9999-9999-9999-9999"),
            // 00000 00001 00010 … 01111: the first sixteen letters.
            (
                [0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf],
                "abcd-efgh-jkmn-opqr",
            ),
        ] {
            assert_eq!(Tripcode::from_bytes(bytes).to_string(), text);
        }
    }

    #[test]
    fn no_letter_looks_like_another() {
        let different: BTreeSet<_> = LETTERS.into_iter().collect();

        assert_eq!(different.len(), 32);
        assert!(LETTERS.iter().all(|letter| !"01il".contains(*letter)));
    }

    #[test]
    fn a_tripcode_does_not_get_into_a_log_by_itself() {
        let tripcode = Tripcode::from_bytes([7; 10]);

        assert_eq!(format!("{tripcode:?}"), "Tripcode(hidden)");
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        for (one, other, expected) in [
            ([0, 0, 0], [255, 255, 255], 21.0),
            ([255, 255, 255], [255, 255, 255], 1.0),
            ([119, 119, 119], [255, 255, 255], 4.48),
            ([255, 0, 0], [255, 255, 255], 4.0),
        ] {
            assert!(
                (contrast(one, other) - expected).abs() < 0.01,
                "{one:?} on {other:?}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn two_tripcodes_look_the_same_only_if_they_are(one: [u8; 10], other: [u8; 10], bit in 0..80_usize) {
            let text = Tripcode::from_bytes(one).to_string();
            prop_assert_eq!(text.len(), 19);
            prop_assert_eq!(one == other, text == Tripcode::from_bytes(other).to_string());

            let mut near = one;
            near[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(text, Tripcode::from_bytes(near).to_string());
        }

        #[test]
        fn the_badge_can_be_read(bytes: [u8; 10]) {
            let (ground, text) = Tripcode::from_bytes(bytes).badge();

            prop_assert!(contrast(ground, text) >= MIN_CONTRAST);
        }
    }
}
