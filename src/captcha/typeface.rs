//! The letters, as the `captcha` crate draws them: one at a time, once per program.
//!
//! Belongs here: getting a clean bitmap of a letter out of that crate without its sharp edges.
//! Does not belong here: anything that differs from picture to picture.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "pixels of a small picture: whole numbers far below 2^23"
)]

use std::{io::Cursor, panic};

use captcha::{Captcha, Geometry};

use super::{ALPHABET, CaptchaError};

/// Free pixels kept around a letter, so that it can be blurred and made bolder.
const MARGIN: usize = 3;

/// Height of the small letters without ascender and descender, in pixels of the crate's font.
const X_HEIGHT: f32 = 27.0;

/// Letters larger than this are not the font that we know; it has 16–43 by 26–41 pixels.
const MAX_SIDE: u32 = 64;

/// Every letter of [`ALPHABET`] as a soft mask.
///
/// Made once: the crate takes about half a millisecond for a letter.
pub struct Typeface {
    letters: Vec<Letter>,
}

/// One letter: ink from 0 to 1 for each pixel, blurred a little.
///
/// The blur turns the edge into a slope; where on the slope the picture draws the line decides how
/// bold the letter is.
pub(super) struct Letter {
    pub(super) symbol: char,
    width: usize,
    height: usize,
    ink: Vec<f32>,
    /// From the top of the mask to the middle of the small letters.
    middle: f32,
}

impl Typeface {
    /// Takes all letters from the crate. Some ten milliseconds.
    ///
    /// # Errors
    ///
    /// [`CaptchaError::Letter`] if the crate has no such letter, or draws it in an unknown way.
    pub fn load() -> Result<Self, CaptchaError> {
        let letters = ALPHABET.chars().map(Letter::load);
        Ok(Self {
            letters: letters.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn letters(&self) -> &[Letter] {
        &self.letters
    }
}

impl Letter {
    fn load(symbol: char) -> Result<Self, CaptchaError> {
        // Parts of the crate panic on surprises, and run in a thread that must go on.
        panic::catch_unwind(|| crate_png(symbol))
            .ok()
            .flatten()
            .and_then(|(png, x, y)| Self::from_png(symbol, &png, (x, y)))
            .ok_or(CaptchaError::Letter(symbol))
    }

    /// Reads what the crate drew; the letter has `size` pixels at the top left.
    fn from_png(symbol: char, png: &[u8], size: (usize, usize)) -> Option<Self> {
        let mut reader = ::png::Decoder::new(Cursor::new(png)).read_info().ok()?;
        let mut bytes = vec![0; reader.output_buffer_size()?];
        let frame = reader.next_frame(&mut bytes).ok()?;
        let bytes_per_pixel = frame.color_type.samples();
        let (width, height) = (size.0 + 2 * MARGIN, size.1 + 2 * MARGIN);
        let mut ink = vec![0.0; width * height];
        for (y, row) in bytes.chunks_exact(frame.line_size).take(size.1).enumerate() {
            for (x, pixel) in row.chunks_exact(bytes_per_pixel).take(size.0).enumerate() {
                let place = (y + MARGIN) * width + x + MARGIN;
                *ink.get_mut(place)? = 1.0 - f32::from(*pixel.first()?) / 255.0;
            }
        }
        let total: f32 = ink.iter().sum();
        if total < 40.0 {
            return None;
        }
        let stands_at = if "gpy".contains(symbol) {
            X_HEIGHT
        } else {
            size.1 as f32
        };
        let mut letter = Self {
            symbol,
            width,
            height,
            ink,
            middle: stands_at - X_HEIGHT / 2.0 + MARGIN as f32,
        };
        letter.blur();
        Some(letter)
    }

    /// Means of three by three pixels.
    fn blur(&mut self) {
        let mut blurred = Vec::with_capacity(self.ink.len());
        for y in 0..self.height {
            for x in 0..self.width {
                let mut sum = 0.0;
                for (dx, dy, weight) in KERNEL {
                    sum += weight * self.pixel(x as i32 + dx, y as i32 + dy);
                }
                blurred.push(sum);
            }
        }
        self.ink = blurred;
    }

    fn pixel(&self, x: i32, y: i32) -> f32 {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
            return 0.0;
        };
        if x >= self.width {
            return 0.0;
        }
        self.ink.get(y * self.width + x).copied().unwrap_or(0.0)
    }

    /// Ink between the pixels, 0 outside; `x` from the centre, `y` from the middle of the small
    /// letters, both in pixels of the font.
    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x + self.width as f32 / 2.0 - 0.5, y + self.middle - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (across, down) = (x - left, y - top);
        let (left, top) = (left as i32, top as i32);
        let upper = self.pixel(left, top) * (1.0 - across) + self.pixel(left + 1, top) * across;
        let lower =
            self.pixel(left, top + 1) * (1.0 - across) + self.pixel(left + 1, top + 1) * across;
        upper * (1.0 - down) + lower * down
    }

    /// Width of the letter itself, in pixels of the font.
    pub(super) fn width(&self) -> f32 {
        (self.width - 2 * MARGIN) as f32
    }

    /// Farthest from the origin of [`Letter::at`] where there may be ink.
    pub(super) fn reach(&self) -> f32 {
        let (above, below) = (self.middle, self.height as f32 - self.middle);
        (self.width as f32 / 2.0).hypot(above.max(below))
    }
}

/// A small bell: offsets and weights.
const KERNEL: [(i32, i32, f32); 9] = [
    (-1, -1, 0.0625),
    (0, -1, 0.125),
    (1, -1, 0.0625),
    (-1, 0, 0.125),
    (0, 0, 0.25),
    (1, 0, 0.125),
    (-1, 1, 0.0625),
    (0, 1, 0.125),
    (1, 1, 0.0625),
];

/// A PNG with one letter, without filters, and the width and height of the letter at its top left.
fn crate_png(symbol: char) -> Option<(Vec<u8>, usize, usize)> {
    let mut one = Captcha::new();
    one.set_chars(&[symbol]).add_chars(1);
    // A letter that the font lacks gives an empty picture without a word.
    if one.chars() != [symbol] {
        return None;
    }
    // `view` underflows for such short texts; the exact area is safe. It includes its last column
    // and row, `extract` does not.
    let area = one.text_area();
    let right = area.right + 1;
    let bottom = area.bottom + 1;
    let width = right.checked_sub(area.left).filter(|w| *w <= MAX_SIDE)?;
    let height = bottom.checked_sub(area.top).filter(|h| *h <= MAX_SIDE)?;
    let png = one
        .extract(Geometry::new(area.left, right, area.top, bottom))
        .as_png()?;
    Some((png, width as usize, height as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_the_alphabet_can_be_had_with_ink_in_its_middle() {
        let face = Typeface::load().unwrap();

        assert_eq!(face.letters().len(), 16);
        for letter in face.letters() {
            let near = (-8..=8).flat_map(|y| (-8..=8).map(move |x| (x, y)));
            let ink: f32 = near.map(|(x, y)| letter.at(x as f32, y as f32)).sum();
            assert!(ink > 20.0, "{}: {ink}", letter.symbol);
            assert!(letter.at(letter.reach(), 0.0) < 0.01, "{}", letter.symbol);
        }
    }

    #[test]
    fn a_letter_that_the_font_lacks_is_an_error() {
        assert!(matches!(Letter::load('ж'), Err(CaptchaError::Letter('ж'))));
    }
}
