//! The colour of a name: reading, contrast, and the shades that are shown.
//!
//! Belongs here: what is a colour, which ones may be chosen, which one a newcomer gets.
//! Does not belong here: style sheets.
//!
//! The page has a dark and a light ground. No colour is readable on both, so a person has one
//! colour and it is shown in two shades of the same hue ([`Colour::shown`]).

mod names;

use std::fmt;

use thiserror::Error;

/// Least contrast of a colour that somebody chooses, against the dark ground (WCAG 2.2 asks for
/// 3.0 for large text and 4.5 for all other).
pub const MIN_CHOSEN: f64 = 3.0;

/// Least contrast of what is shown, and of a colour that is given out.
pub const MIN_DEFAULT: f64 = 4.5;

/// The ground of the dark theme.
const DARK_GROUND: Colour = Colour(0x14, 0x10, 0x1C);

/// The page in its dark themes: the ground, and raised parts.
pub const DARK_GROUNDS: &[Colour] = &[
    DARK_GROUND,
    Colour(0x1F, 0x18, 0x29),
    Colour(0x00, 0x00, 0x00),
];

/// The page in its light themes: the ground, and raised parts.
pub const LIGHT_GROUNDS: &[Colour] = &[
    Colour(0xFA, 0xF7, 0xFF),
    Colour(0xFF, 0xFF, 0xFF),
    Colour(0xF6, 0xEE, 0xDD),
    Colour(0xFD, 0xF8, 0xEC),
];

/// The word that asks for any colour.
const RANDOM: &str = "random";

/// Colours of which the one farthest from those in use is given out.
const CANDIDATES: usize = 32;

/// Steps from a colour to white or black.
const STEPS: u32 = 64;

/// Why a colour cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[non_exhaustive]
pub enum ColourRefusal {
    /// No known way to write one.
    #[error(
        "this is not a colour; write a name such as `teal`, a number such as `#40c0b0`, or `random`"
    )]
    NotAColour,
    /// Below [`MIN_CHOSEN`].
    #[error(
        "this colour is too dark to be read: contrast {:.1}, at least {MIN_CHOSEN:.1} is needed; choose a lighter one",
        rounded_down(*.contrast)
    )]
    TooFaint {
        /// Against the dark ground, from 1.
        contrast: f64,
    },
}

/// To one decimal: 2.96 must not read as the 3.0 that is needed.
fn rounded_down(contrast: f64) -> f64 {
    (contrast * 10.0).floor() / 10.0
}

/// Red, green and blue in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Colour(pub u8, pub u8, pub u8);

/// The two shades of one colour, each readable on its grounds with [`MIN_DEFAULT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// On [`DARK_GROUNDS`].
    pub dark: Colour,
    /// On [`LIGHT_GROUNDS`].
    pub light: Colour,
}

impl Colour {
    /// Reads `#rgb`, `#rrggbb` or the name of a CSS colour, in either case and nothing around it.
    ///
    /// # Errors
    ///
    /// [`ColourRefusal::NotAColour`].
    pub fn parse(text: &str) -> Result<Self, ColourRefusal> {
        let read = match text.strip_prefix('#') {
            Some(digits) => from_digits(digits),
            // The longest name has 20 letters.
            None if text.len() <= 20 => names::named(&text.to_ascii_lowercase()),
            None => None,
        };
        read.ok_or(ColourRefusal::NotAColour)
    }

    /// What a person asks for: a colour that can be read, or the word `random`. White space around
    /// it does not count.
    ///
    /// # Errors
    ///
    /// See [`ColourRefusal`].
    pub fn choose(text: &str, random: [u8; 16], in_use: &[Self]) -> Result<Self, ColourRefusal> {
        let text = text.trim();
        if text.eq_ignore_ascii_case(RANDOM) {
            return Ok(Self::default_for(random, in_use));
        }
        let colour = Self::parse(text)?;
        let contrast = colour.contrast(DARK_GROUND);
        if contrast < MIN_CHOSEN {
            return Err(ColourRefusal::TooFaint { contrast });
        }
        Ok(colour)
    }

    /// A colour for somebody who has chosen none: readable on the dark grounds with
    /// [`MIN_DEFAULT`] and, among a few drawn from `random`, the farthest from those in use.
    pub fn default_for(random: [u8; 16], in_use: &[Self]) -> Self {
        let mut draw = Draw::new(random);
        let mut best = draw.colour().on_dark();
        let mut best_distance = best.distance_to_nearest(in_use);
        for _ in 1..CANDIDATES {
            let candidate = draw.colour().on_dark();
            let distance = candidate.distance_to_nearest(in_use);
            if distance > best_distance {
                (best, best_distance) = (candidate, distance);
            }
        }
        best
    }

    /// How well one can be read on the other: from 1 (equal) to 21 (black and white).
    ///
    /// Contrast ratio of WCAG 2.2.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Relative luminance of WCAG 2.2: from 0 (black) to 1 (white).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// The two shades in which the colour is shown.
    pub fn shown(self) -> Shown {
        Shown {
            dark: self.on_dark(),
            light: self.on_light(),
        }
    }

    /// The same hue, lightened until it can be read on the dark grounds.
    #[must_use]
    pub fn on_dark(self) -> Self {
        self.moved_until_readable(Self(255, 255, 255), DARK_GROUNDS)
    }

    /// The same hue, darkened until it can be read on the light grounds.
    #[must_use]
    pub fn on_light(self) -> Self {
        self.moved_until_readable(Self(0, 0, 0), LIGHT_GROUNDS)
    }

    fn moved_until_readable(self, end: Self, grounds: &[Self]) -> Self {
        (0..STEPS)
            .map(|step| self.mixed(end, step))
            .find(|shade| {
                grounds
                    .iter()
                    .all(|&ground| shade.contrast(ground) >= MIN_DEFAULT)
            })
            .unwrap_or(end)
    }

    /// `step` of [`STEPS`] towards `end`. Towards white or black this keeps the hue.
    fn mixed(self, end: Self, step: u32) -> Self {
        let channel = |from: u8, to: u8| {
            let sum = u32::from(from) * (STEPS - step) + u32::from(to) * step;
            u8::try_from((sum + STEPS / 2) / STEPS).unwrap_or(u8::MAX)
        };
        Self(
            channel(self.0, end.0),
            channel(self.1, end.1),
            channel(self.2, end.2),
        )
    }

    /// Squared distance to the nearest of `others`; the weights follow the eye roughly.
    fn distance_to_nearest(self, others: &[Self]) -> u32 {
        let square = |one: u8, two: u8| u32::from(one.abs_diff(two)).pow(2);
        others
            .iter()
            .map(|other| {
                2 * square(self.0, other.0)
                    + 4 * square(self.1, other.1)
                    + 3 * square(self.2, other.2)
            })
            .min()
            .unwrap_or(u32::MAX)
    }
}

impl fmt::Display for Colour {
    /// `#rrggbb` in lower case, whatever it was read from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// Three or six hexadecimal digits and nothing else.
fn from_digits(digits: &str) -> Option<Colour> {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let values: Vec<u8> = digits
        .as_bytes()
        .iter()
        .take(7)
        .map(digit)
        .collect::<Option<_>>()?;
    match *values.as_slice() {
        [r, g, b] => Some(Colour(r * 17, g * 17, b * 17)),
        [r1, r2, g1, g2, b1, b2] => Some(Colour(r1 * 16 + r2, g1 * 16 + g2, b1 * 16 + b2)),
        _ => None,
    }
}

/// Colours from random bytes: a stream of numbers (FNV-1a, then `SplitMix64`), because 16 bytes are
/// too few for all candidates. Nothing secret hangs on it.
struct Draw(u64);

impl Draw {
    fn new(random: [u8; 16]) -> Self {
        let fold = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        Self(random.into_iter().fold(0xCBF2_9CE4_8422_2325, fold))
    }

    /// A number from 0 to `most`.
    fn number(&mut self, most: u8) -> u8 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        u8::try_from(mixed % (u64::from(most) + 1)).unwrap_or_default()
    }

    /// A lively colour: one channel high, one low, the third between them.
    fn colour(&mut self) -> Colour {
        let high = 200 + self.number(55);
        let low = self.number(120);
        let between = low + self.number(high - low);
        match self.number(5) {
            0 => Colour(high, between, low),
            1 => Colour(high, low, between),
            2 => Colour(between, high, low),
            3 => Colour(low, high, between),
            4 => Colour(between, low, high),
            _ => Colour(low, between, high),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BLACK: Colour = Colour(0, 0, 0);
    const WHITE: Colour = Colour(255, 255, 255);

    #[test]
    fn colours_are_read_in_three_ways_and_written_in_one() {
        for (text, canonical) in [
            ("#abc", "#aabbcc"),
            ("#AbC", "#aabbcc"),
            ("#40C0b0", "#40c0b0"),
            ("teal", "#008080"),
            ("RebeccaPurple", "#663399"),
            ("lightGoldenRodYellow", "#fafad2"),
            ("DarkSlateGrey", "#2f4f4f"),
        ] {
            assert_eq!(
                Colour::parse(text).unwrap().to_string(),
                canonical,
                "{text}"
            );
        }
    }

    /// Features 5.3-24: a pattern that ended with `$` let a line end into a style sheet.
    #[test]
    fn nothing_before_or_after_a_colour_is_overlooked() {
        for text in [
            "#ffffff\n",
            "\n#ffffff",
            "#fff\n",
            "teal\n",
            "teal ",
            " #fff",
            "#ffffff;",
            "#fffffff",
            "#ffff",
            "#ff",
            "#",
            "",
            "fff",
            "ffffff",
            "#ggg",
            "#+ff",
            "#é1",
            "#ｆｆｆ",
            "rgb(1,2,3)",
            "url(x)",
            "#fff}body{",
            "transparent",
            "currentcolor",
            "inherit",
            "teal\0",
            "##fff",
        ] {
            assert_eq!(
                Colour::parse(text),
                Err(ColourRefusal::NotAColour),
                "{text:?}"
            );
        }
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        // The middle column was computed by hand from the formula for grey 0x77 and 0x76, the two
        // sides of 4.5 on white that every guide names.
        for (one, two, expected) in [
            (BLACK, WHITE, 21.0),
            (WHITE, WHITE, 1.0),
            (Colour(0x77, 0x77, 0x77), WHITE, 4.478),
            (Colour(0x76, 0x76, 0x76), WHITE, 4.542),
            (Colour(255, 0, 0), WHITE, 3.998),
            (Colour(0, 0, 255), WHITE, 8.592),
            (Colour(0, 0, 255), BLACK, 2.444),
        ] {
            let contrast = one.contrast(two);
            assert!(
                (contrast - expected).abs() < 0.001,
                "{one} on {two}: {contrast}"
            );
        }
    }

    #[test]
    fn a_colour_that_cannot_be_read_is_refused_with_the_figure() {
        let refusal = Colour::choose("navy", [0; 16], &[]).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "this colour is too dark to be read: contrast 1.1, at least 3.0 is needed; choose a lighter one"
        );
        let nearly = ColourRefusal::TooFaint { contrast: 2.999 };
        assert!(nearly.to_string().contains("contrast 2.9,"), "{nearly}");
        assert_eq!(
            Colour::choose(" teal\n", [0; 16], &[]),
            Ok(Colour(0, 128, 128))
        );
        assert_eq!(
            Colour::choose("tael", [0; 16], &[]),
            Err(ColourRefusal::NotAColour)
        );
    }

    #[test]
    fn random_is_a_word_for_any_readable_colour() {
        let one = Colour::choose("Random", [1; 16], &[]).unwrap();
        assert_eq!(one, Colour::default_for([1; 16], &[]));
        assert_ne!(one, Colour::default_for([2; 16], &[]));
    }

    #[test]
    fn a_newcomer_gets_a_colour_unlike_those_in_use() {
        let mut in_use = Vec::new();
        for person in 0..12_u8 {
            let colour = Colour::default_for([person.wrapping_mul(37); 16], &in_use);
            // 2 × 30² + 4 × 30² + 3 × 30²: thirty steps in every channel.
            assert!(
                colour.distance_to_nearest(&in_use) > 9 * 30 * 30,
                "{person}: {colour}"
            );
            in_use.push(colour);
        }
    }

    fn hue(colour: Colour) -> Option<f64> {
        let [r, g, b] = [colour.0, colour.1, colour.2].map(f64::from);
        let (high, low) = (r.max(g).max(b), r.min(g).min(b));
        let spread = high - low;
        if spread < 40.0 {
            return None;
        }
        let sixth = if r >= g && r >= b {
            (g - b) / spread
        } else if g >= b {
            2.0 + (b - r) / spread
        } else {
            4.0 + (r - g) / spread
        };
        Some((sixth * 60.0).rem_euclid(360.0))
    }

    proptest! {
        #[test]
        fn contrast_is_symmetrical_and_in_its_range(one: [u8; 3], two: [u8; 3]) {
            let [one, two] = [one, two].map(|[r, g, b]| Colour(r, g, b));
            let contrast = one.contrast(two);
            prop_assert!((1.0..=21.000_001).contains(&contrast));
            prop_assert!((contrast - two.contrast(one)).abs() < 1e-12);
        }

        #[test]
        fn both_shades_can_be_read_and_keep_the_hue([r, g, b]: [u8; 3]) {
            let colour = Colour(r, g, b);
            let shown = colour.shown();
            for (shade, grounds) in [(shown.dark, DARK_GROUNDS), (shown.light, LIGHT_GROUNDS)] {
                for &ground in grounds {
                    prop_assert!(shade.contrast(ground) >= MIN_DEFAULT, "{shade} on {ground}");
                }
                if let (Some(before), Some(after)) = (hue(colour), hue(shade)) {
                    let turned = (before - after).abs();
                    prop_assert!(turned.min(360.0 - turned) < 3.0, "{colour} became {shade}");
                }
            }
            prop_assert_eq!(shown.dark.on_dark(), shown.dark);
            prop_assert_eq!(shown.light.on_light(), shown.light);
        }

        #[test]
        fn a_given_colour_can_be_read(random: [u8; 16], used in proptest::collection::vec(any::<[u8; 3]>(), 0..20)) {
            let in_use: Vec<_> = used.into_iter().map(|[r, g, b]| Colour(r, g, b)).collect();
            let colour = Colour::default_for(random, &in_use);
            prop_assert!(colour.contrast(DARK_GROUNDS[0]) >= MIN_DEFAULT);
        }

        #[test]
        fn what_is_read_is_written_as_seven_plain_characters(text in "#?[0-9a-fA-F\\PC\n]{0,9}") {
            if let Ok(colour) = Colour::parse(&text) {
                let canonical = colour.to_string();
                prop_assert_eq!(canonical.len(), 7);
                prop_assert_eq!(Colour::parse(&canonical), Ok(colour));
            }
        }
    }
}
