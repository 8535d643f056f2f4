//! The recipe of a picture: what is random about it, and within which bounds.
//!
//! Belongs here: the numbers. Each was chosen by looking at pictures and by the two programs that
//! `docs/captcha.md` describes; change none without doing both again.
#![expect(
    clippy::cast_precision_loss,
    reason = "pixels of a small picture: whole numbers far below 2^23"
)]

use std::f32::consts::TAU;

use super::{
    CaptchaError, Picture, SYMBOLS, Typeface,
    canvas::{Canvas, HEIGHT, Mark, WIDTH},
    dice::Dice,
    png,
    typeface::Letter,
};

/// Free space to the left and right of the text, in pixels.
const MARGIN: f32 = 12.0;

/// Tries to get a picture that fits into the promised size; the first one nearly always does.
const TRIES: usize = 4;

/// How one letter stands in the picture; lengths in pixels.
struct Placed<'face> {
    letter: &'face Letter,
    /// Times the size in the font, across and down.
    scale: (f32, f32),
    /// Radians; to the right is positive.
    turn: f32,
    /// How far the top leans to the right, as a part of the height.
    shear: f32,
    /// Where on the soft edge the line is drawn: less is bolder.
    edge: f32,
    /// Bends the letter: depth and phase, across and down.
    bend: [(f32, f32); 2],
    /// Pixels of the letter before that this one covers.
    overlap: f32,
}

impl Typeface {
    /// Draws a new picture; 1 to 3 ms.
    ///
    /// The same words give the same picture.
    ///
    /// # Errors
    ///
    /// [`CaptchaError::TooLarge`] and [`CaptchaError::Png`]; neither has been seen to happen.
    pub fn draw(&self, mut words: impl FnMut() -> u64) -> Result<Picture, CaptchaError> {
        let mut dice = Dice::new(&mut words);
        let mut last = self.draw_once(&mut dice);
        for _ in 1..TRIES {
            if !matches!(last, Err(CaptchaError::TooLarge { .. })) {
                break;
            }
            last = self.draw_once(&mut dice);
        }
        last
    }

    fn draw_once(&self, dice: &mut Dice<'_>) -> Result<Picture, CaptchaError> {
        let letters = self.letters();
        let chosen: Vec<_> = std::iter::repeat_with(|| letters.get(dice.below(letters.len())))
            .take(SYMBOLS)
            .flatten()
            .collect();
        let text: Vec<_> = chosen
            .into_iter()
            .map(|letter| Placed::at_random(letter, dice))
            .collect();
        let mut canvas = Canvas::new();
        write(&mut canvas, &text, dice);
        strike(&mut canvas, dice);
        speckle(&mut canvas, dice);
        Ok(Picture {
            answer: text.iter().map(|placed| placed.letter.symbol).collect(),
            png: png::encode(&canvas)?,
        })
    }
}

impl<'face> Placed<'face> {
    fn at_random(letter: &'face Letter, dice: &mut Dice<'_>) -> Self {
        let size = dice.between(1.4, 1.8);
        // A narrow letter (`t`, `r`) is lost in its neighbour sooner than a wide one.
        let overlap = (letter.width() * dice.between(0.0, 0.13)).min(4.0);
        let mut bend = || (dice.between(1.2, 3.0), dice.between(0.0, TAU));
        let bend = [bend(), bend()];
        Self {
            letter,
            scale: (size * dice.between(0.85, 1.15), size),
            turn: dice.between(-0.30, 0.30),
            shear: dice.between(-0.25, 0.25),
            edge: dice.between(0.34, 0.50),
            bend,
            overlap,
        }
    }

    /// Ink at an offset, in pixels of the picture, from where the letter stands.
    fn ink(&self, x: f32, y: f32) -> f32 {
        let [across, down] = self.bend;
        let x = x + across.0 * (y / 9.0 + across.1).sin();
        let y = y + down.0 * (x / 9.0 + down.1).sin();
        let (sin, cos) = self.turn.sin_cos();
        let (x, y) = (x * cos + y * sin, y * cos - x * sin);
        let x = x + self.shear * y;
        let ink = self.letter.at(x / self.scale.0, y / self.scale.1);
        // Two thirds of a pixel of softness.
        (ink - self.edge) * 4.0 * self.scale.1 / 1.35 + 0.5
    }
}

/// The letters, side by side on a line that rises and falls.
fn write(canvas: &mut Canvas, text: &[Placed<'_>], dice: &mut Dice<'_>) {
    let width = |placed: &Placed<'_>| placed.letter.width() * placed.scale.0;
    let total: f32 = text
        .iter()
        .map(|placed| width(placed) - placed.overlap)
        .sum();
    let room = WIDTH as f32 - 2.0 * MARGIN;
    let squeeze = (room / total).min(1.0);
    let slack = (room - total * squeeze).max(0.0);
    let mut left = MARGIN + slack * dice.between(0.1, 0.9);
    let wave = (
        dice.either_way(2.0, 8.0),
        dice.between(0.0, TAU),
        dice.between(25.0, 60.0),
    );
    for placed in text {
        let half = width(placed) * squeeze / 2.0;
        let x = left + half;
        let y =
            HEIGHT as f32 / 2.0 + wave.0 * (x / wave.2 + wave.1).sin() + dice.between(-6.0, 6.0);
        // Bends and slants reach a little farther than the letter.
        let reach = placed.letter.reach() * placed.scale.1 * 1.3 + 4.0;
        canvas.mark((x, y), reach, Mark::Ink, |dx, dy| {
            placed.ink(dx / squeeze, dy)
        });
        left += 2.0 * half - placed.overlap * squeeze;
    }
}

/// Lines of the thickness of letters, of ink and of ground, and a band in which both change places.
fn strike(canvas: &mut Canvas, dice: &mut Dice<'_>) {
    let (width, height) = (WIDTH as f32, HEIGHT as f32);
    let mut across = |mark, thin, thick| {
        let curve = [
            (dice.between(-10.0, 30.0), dice.between(0.25, 0.75) * height),
            (
                dice.between(0.3, 0.7) * width,
                dice.between(-0.2, 1.2) * height,
            ),
            (
                width - dice.between(-10.0, 30.0),
                dice.between(0.25, 0.75) * height,
            ),
        ];
        canvas.stroke(
            curve,
            dice.between(thin, thick),
            dice.between(0.8, 1.3),
            mark,
        );
    };
    across(Mark::Ink, 1.3, 2.0);
    across(Mark::Carve, 0.8, 1.3);
    across(Mark::Ink, 0.8, 1.3);
    for _ in 0..3 {
        let from = (
            dice.between(0.05, 0.95) * width,
            dice.between(0.15, 0.85) * height,
        );
        let to = (
            from.0 + dice.either_way(12.0, 35.0),
            from.1 + dice.either_way(6.0, 25.0),
        );
        let pull = (
            from.0 + dice.either_way(5.0, 25.0),
            to.1 + dice.either_way(2.0, 15.0),
        );
        canvas.stroke([from, pull, to], dice.between(1.3, 2.0), 1.2, Mark::Ink);
    }
    let half = dice.between(35.0, 70.0);
    let middle = dice.between(0.15, 0.85) * width;
    let edge = |dice: &mut Dice<'_>| {
        let (depth, length) = (dice.between(3.0, 9.0), dice.between(9.0, 20.0));
        let (start, lean) = (dice.between(0.0, TAU), dice.between(-0.4, 0.4));
        move |y: f32| depth * (y / length + start).sin() + lean * y
    };
    let (left, right) = (edge(dice), edge(dice));
    // Sheet and band overlap by far at top and bottom.
    let reach = half + height;
    canvas.mark((middle, height / 2.0), reach, Mark::Invert, |x, y| {
        let from_left = x + half - left(y);
        let from_right = half + right(y) - x;
        from_left.min(from_right).clamp(0.0, 1.0)
    });
}

/// Dust: too small to hinder a person, too much to be cleaned without touching the letters.
fn speckle(canvas: &mut Canvas, dice: &mut Dice<'_>) {
    for _ in 0..80 {
        let place = (
            dice.between(0.0, WIDTH as f32),
            dice.between(0.0, HEIGHT as f32),
        );
        let (radius, strength) = (dice.between(0.5, 1.5), dice.between(0.5, 1.0));
        let mark = dice.one_of(&[0_u8, 1]);
        let mark = if mark == 0 { Mark::Ink } else { Mark::Carve };
        canvas.dot(place, radius, strength, mark);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::captcha::{ALPHABET, MAX_PNG_BYTES, dice::tests::words};

    #[test]
    fn pictures_always_say_six_letters_in_a_whole_small_png() {
        let face = Typeface::load().unwrap();

        for seed in 0..400 {
            let picture = face.draw(words(seed)).unwrap();

            assert_eq!(picture.answer.chars().count(), SYMBOLS);
            assert!(
                picture
                    .answer
                    .chars()
                    .all(|letter| ALPHABET.contains(letter))
            );
            assert!(
                (800..=MAX_PNG_BYTES).contains(&picture.png.len()),
                "{}",
                picture.png.len()
            );
            let mut reader = ::png::Decoder::new(Cursor::new(&picture.png))
                .read_info()
                .unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let frame = reader.next_frame(&mut pixels).unwrap();
            assert_eq!(
                (frame.width as usize, frame.height as usize),
                (WIDTH, HEIGHT)
            );
        }
    }

    #[test]
    fn the_same_letters_never_look_the_same() {
        let face = Typeface::load().unwrap();
        let mut seen = std::collections::BTreeSet::new();

        for seed in 0..50 {
            // The first words choose the letters.
            let mut first = std::iter::repeat_n(0, SYMBOLS);
            let mut rest = words(seed);
            let picture = face
                .draw(|| first.next().unwrap_or_else(&mut rest))
                .unwrap();
            assert_eq!(picture.answer, "333333");
            seen.insert(picture.png);
        }

        assert_eq!(seen.len(), 50);
    }

    #[test]
    fn a_broken_source_of_randomness_is_no_reason_to_panic() {
        let face = Typeface::load().unwrap();

        for word in [0, 1, u64::MAX, u64::MAX / 2, 1 << 63] {
            let drawn = face.draw(|| word);
            assert!(
                drawn.is_ok_and(|picture| picture.answer.len() == SYMBOLS),
                "{word}"
            );
        }
    }
}
