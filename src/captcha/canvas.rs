//! A sheet of ink: coverage from 0 (ground) to 1 (ink) for each pixel, with soft edges.
//!
//! Belongs here: putting marks on the sheet. Does not belong here: which marks, and their chance.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels of a small picture: whole numbers far below 2^23"
)]

/// Width of the sheet in pixels.
pub(super) const WIDTH: usize = 300;

/// Height of the sheet in pixels.
pub(super) const HEIGHT: usize = 100;

/// What a mark does to the ink below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Adds ink.
    Ink,
    /// Takes ink away.
    Carve,
    /// Turns ink into ground and ground into ink.
    Invert,
}

/// The sheet.
pub(super) struct Canvas {
    ink: Vec<f32>,
}

impl Canvas {
    pub(super) fn new() -> Self {
        Self {
            ink: vec![0.0; WIDTH * HEIGHT],
        }
    }

    /// The pixels, row by row.
    pub(super) fn pixels(&self) -> &[f32] {
        &self.ink
    }

    /// Marks the square around `centre`; `cover` says how much, from 0 to 1, for an offset from it.
    pub(super) fn mark(
        &mut self,
        centre: (f32, f32),
        reach: f32,
        mark: Mark,
        cover: impl Fn(f32, f32) -> f32,
    ) {
        let (left, right) = span(centre.0, reach, WIDTH);
        let (top, bottom) = span(centre.1, reach, HEIGHT);
        let rows = self.ink.chunks_exact_mut(WIDTH).enumerate();
        for (y, row) in rows.take(bottom).skip(top) {
            let pixels = row.iter_mut().enumerate();
            for (x, pixel) in pixels.take(right).skip(left) {
                let offset = (x as f32 + 0.5 - centre.0, y as f32 + 0.5 - centre.1);
                let amount = cover(offset.0, offset.1).clamp(0.0, 1.0);
                *pixel = match mark {
                    Mark::Ink => pixel.max(amount),
                    Mark::Carve => pixel.min(1.0 - amount),
                    Mark::Invert => *pixel + amount * (1.0 - 2.0 * *pixel),
                };
            }
        }
    }

    /// A round dot.
    pub(super) fn dot(&mut self, centre: (f32, f32), radius: f32, strength: f32, mark: Mark) {
        self.mark(centre, radius + 1.0, mark, |x, y| {
            strength * (radius + 0.5 - x.hypot(y)).clamp(0.0, 1.0)
        });
    }

    /// A stroke along a quadratic curve from the first to the last point, `radius` thick to each
    /// side at its ends and `radius * swell` in its middle.
    pub(super) fn stroke(&mut self, curve: [(f32, f32); 3], radius: f32, swell: f32, mark: Mark) {
        /// Dots closer than a pixel to each other on the longest curve.
        const STEPS: u16 = 320;
        let [start, pull, end] = curve;
        for step in 0..=STEPS {
            let way = f32::from(step) / f32::from(STEPS);
            let back = 1.0 - way;
            let mix =
                |a: f32, b: f32, c: f32| back * back * a + 2.0 * back * way * b + way * way * c;
            let point = (mix(start.0, pull.0, end.0), mix(start.1, pull.1, end.1));
            let thick = radius * (1.0 + (swell - 1.0) * 4.0 * way * back);
            self.dot(point, thick, 1.0, mark);
        }
    }
}

/// The pixels within `reach` of `centre` on a line of `length` pixels.
fn span(centre: f32, reach: f32, length: usize) -> (usize, usize) {
    // Casts from floats stop at the ends of the range; negative becomes 0.
    let first = (centre - reach).floor() as usize;
    let end = (centre + reach).ceil() as usize + 1;
    (first.min(length), end.min(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(canvas: &Canvas, x: usize, y: usize) -> f32 {
        canvas.pixels()[y * WIDTH + x]
    }

    #[test]
    fn a_dot_is_full_inside_soft_at_the_edge_and_nothing_outside() {
        let mut canvas = Canvas::new();

        canvas.dot((50.5, 50.5), 3.0, 1.0, Mark::Ink);

        assert!(at(&canvas, 50, 50) > 0.99);
        assert!((0.01..0.99).contains(&at(&canvas, 53, 50)));
        assert!(at(&canvas, 55, 50) < 0.01);
    }

    #[test]
    fn ink_is_carved_and_turned_round() {
        let mut canvas = Canvas::new();
        canvas.dot((50.5, 50.5), 10.0, 1.0, Mark::Ink);
        canvas.dot((50.5, 50.5), 3.0, 1.0, Mark::Carve);
        assert!(at(&canvas, 50, 50) < 0.01);

        canvas.dot((50.5, 50.5), 20.0, 1.0, Mark::Invert);
        assert!(at(&canvas, 50, 50) > 0.99);
        assert!(at(&canvas, 50, 57) < 0.01);
    }

    #[test]
    fn marks_may_hang_over_every_edge() {
        let mut canvas = Canvas::new();

        for point in [
            (-500.0, 50.0),
            (0.0, 0.0),
            (1e9, -1e9),
            (300.0, 100.0),
            (f32::NAN, 1.0),
        ] {
            canvas.dot(point, 20.0, 1.0, Mark::Ink);
            canvas.stroke([point, (150.0, 50.0), point], 2.0, 1.5, Mark::Carve);
        }

        assert!(canvas.pixels().iter().all(|ink| (0.0..=1.0).contains(ink)));
    }
}
