//! How long a captcha takes, how long its file is, and how often a program reads it.
//!
//! `cargo bench --bench captcha -- [PICTURES] [DIRECTORY]` draws that many (default 100) of ours and
//! of the crate alone, reads them with a template matcher that knows the letters, and prints the
//! rates. With a directory it leaves the pictures there, named after their answers, for people and
//! for programs like Tesseract.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::use_debug,
    reason = "a measuring program prints, times and may fail"
)]

use std::{fs, io::Cursor, ops::RangeInclusive, path::PathBuf, time::Instant};

use captcha::{
    Captcha, Geometry,
    filters::{Noise, Wave},
};
use onionstream::captcha::{ALPHABET, Picture, Randomness, SYMBOLS, Typeface};

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let count = arguments.first().map_or(100, |n| n.parse().unwrap());
    let directory = arguments.get(1).map(PathBuf::from);

    let face = Typeface::load().unwrap();
    let mut words = Randomness::open().unwrap();
    let start = Instant::now();
    let ours: Vec<Picture> = (0..count)
        .map(|_| words.with(|next| face.draw(next)).unwrap())
        .collect();
    let each = start.elapsed() / u32::try_from(count).unwrap();
    let mut lengths: Vec<usize> = ours.iter().map(|picture| picture.png.len()).collect();
    lengths.sort_unstable();
    println!(
        "ours: {each:.1?} each; {} / {} / {} bytes (least, median, most)",
        lengths[0],
        lengths[count / 2],
        lengths[count - 1]
    );
    let theirs: Vec<Picture> = (0..count).map(|_| crate_alone()).collect();

    let letters: Vec<Letter> = ALPHABET.chars().map(Letter::of_the_crate).collect();
    // The last two: how much smaller pictures are made first, and how near the centres of two
    // letters may be, in pixels of the picture.
    for (name, pictures, sizes, turns, slants, shrink, nearest) in [
        (
            "crate alone",
            &theirs,
            &[1.0][..],
            &[0.0][..],
            &[0.0][..],
            1,
            15,
        ),
        (
            "ours",
            &ours,
            &[1.4, 1.55, 1.7, 1.85],
            &[-0.24, -0.12, 0.0, 0.12, 0.24],
            &[-0.17, 0.0, 0.17],
            3,
            18,
        ),
    ] {
        if let Some(directory) = &directory {
            let place = directory.join(name.replace(' ', "-"));
            fs::create_dir_all(&place).unwrap();
            for (number, picture) in pictures.iter().enumerate() {
                let file = format!("{number:03}_{}.png", picture.answer);
                fs::write(place.join(file), &picture.png).unwrap();
            }
        }
        let templates = templates(&letters, sizes, turns, slants, shrink);
        let apart = nearest / shrink..=70 / shrink;
        let start = Instant::now();
        let (mut whole, mut symbols) = (0, 0);
        for picture in pictures {
            let read = read(&Grey::of(&picture.png).shrunk(shrink), &templates, &apart);
            whole += usize::from(read == picture.answer);
            symbols += read
                .chars()
                .zip(picture.answer.chars())
                .filter(|(read, right)| read == right)
                .count();
        }
        println!(
            "{name}: template matcher reads {whole} of {count} whole, {:.1} % of symbols in place; \
             {:.0?} each with {} templates",
            100.0 * symbols as f64 / (SYMBOLS * count) as f64,
            start.elapsed() / u32::try_from(count).unwrap(),
            templates.len(),
        );
    }
}

/// What the crate makes of six letters by itself: noise and a wave.
fn crate_alone() -> Picture {
    let mut picture = Captcha::new();
    let alphabet: Vec<char> = ALPHABET.chars().collect();
    picture
        .set_chars(&alphabet)
        .add_chars(u32::try_from(SYMBOLS).unwrap())
        .apply_filter(Noise::new(0.1))
        .apply_filter(Wave::new(2.0, 10.0).horizontal());
    let area = picture.text_area();
    // A little room on each side; `view` would underflow for short texts.
    picture.extract(Geometry::new(
        area.left - 10,
        area.right + 10,
        area.top - 10,
        area.bottom + 10,
    ));
    Picture {
        answer: picture.chars_as_string(),
        png: picture.as_png().unwrap(),
    }
}

/// A picture in brightness, or in what is left of it.
struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<f32>,
}

impl Grey {
    fn of(png: &[u8]) -> Self {
        let mut decoder = png::Decoder::new(Cursor::new(png));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut bytes).unwrap();
        let samples = frame.color_type.samples();
        let pixels = bytes[..frame.buffer_size()]
            .chunks_exact(samples)
            .map(|pixel| f32::from(pixel[0]) / 255.0)
            .collect();
        Self {
            width: frame.width as usize,
            height: frame.height as usize,
            pixels,
        }
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        if x < 0.0 || y < 0.0 || x >= self.width as f32 || y >= self.height as f32 {
            return 0.0;
        }
        self.pixels[y as usize * self.width + x as usize]
    }

    /// Means of `by` times `by` pixels.
    fn shrunk(&self, by: usize) -> Self {
        let (width, height) = (self.width / by, self.height / by);
        let mut pixels = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let mut sum = 0.0;
                for dy in 0..by {
                    for dx in 0..by {
                        sum += self.pixels[(y * by + dy) * self.width + x * by + dx];
                    }
                }
                pixels.push(sum / (by * by) as f32);
            }
        }
        Self {
            width,
            height,
            pixels,
        }
    }
}

/// A letter as the crate draws it: dark ground is 0, ink is 1.
struct Letter {
    symbol: char,
    ink: Grey,
}

impl Letter {
    fn of_the_crate(symbol: char) -> Self {
        let mut one = Captcha::new();
        one.set_chars(&[symbol]).add_chars(1);
        let area = one.text_area();
        one.extract(Geometry::new(
            area.left,
            area.right + 1,
            area.top,
            area.bottom + 1,
        ));
        let mut ink = Grey::of(&one.as_png().unwrap());
        for pixel in &mut ink.pixels {
            *pixel = 1.0 - *pixel;
        }
        Self { symbol, ink }
    }
}

/// A letter in one size, turn and slant, with mean 0 and length 1, as tall and wide as it needs.
struct Template {
    symbol: char,
    shape: Grey,
}

fn templates(
    letters: &[Letter],
    sizes: &[f32],
    turns: &[f32],
    slants: &[f32],
    shrink: usize,
) -> Vec<Template> {
    let mut made = Vec::new();
    for letter in letters {
        for size in sizes {
            for turn in turns {
                for slant in slants {
                    made.push(template(letter, *size, *turn, *slant, shrink));
                }
            }
        }
    }
    made
}

fn template(letter: &Letter, size: f32, turn: f32, slant: f32, by: usize) -> Template {
    let (sin, cos) = turn.sin_cos();
    let (wide, high) = (
        letter.ink.width as f32 * size,
        letter.ink.height as f32 * size,
    );
    let width = wide * cos.abs() + high * (sin.abs() + slant.abs());
    let height = high * cos.abs() + wide * sin.abs();
    // A multiple of the shrinking, with a rim.
    let up = |side: f32| (side as usize / by + 2) * by;
    let (width, height) = (up(width), up(height));
    let mut large = Grey {
        width,
        height,
        pixels: vec![0.0; width * height],
    };
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = (
                x as f32 + 0.5 - width as f32 / 2.0,
                y as f32 + 0.5 - height as f32 / 2.0,
            );
            let (turned, down) = (dx * cos + dy * sin, dy * cos - dx * sin);
            let across = turned + slant * down;
            large.pixels[y * width + x] = letter
                .ink
                .at((across + wide / 2.0) / size, (down + high / 2.0) / size);
        }
    }
    let mut shape = large.shrunk(by);
    let mean = shape.pixels.iter().sum::<f32>() / shape.pixels.len() as f32;
    for pixel in &mut shape.pixels {
        *pixel -= mean;
    }
    let length = shape
        .pixels
        .iter()
        .map(|pixel| pixel * pixel)
        .sum::<f32>()
        .sqrt();
    for pixel in &mut shape.pixels {
        *pixel /= length;
    }
    Template {
        symbol: letter.symbol,
        shape,
    }
}

/// A letter that may be at a place.
#[derive(Clone, Copy)]
struct Sighting {
    symbol: char,
    likeness: f32,
}

/// Six letters from left to right whose likeness to the picture is the largest altogether.
///
/// The likeness is the normalised cross-correlation, its sign ignored: light on dark is as good as
/// dark on light.
fn read(picture: &Grey, templates: &[Template], apart: &RangeInclusive<usize>) -> String {
    // The best letter for each column of its centre.
    let mut columns = vec![
        Sighting {
            symbol: ' ',
            likeness: 0.0
        };
        picture.width
    ];
    for template in templates {
        let shape = &template.shape;
        if shape.width > picture.width || shape.height > picture.height {
            continue;
        }
        for left in 0..=picture.width - shape.width {
            for top in 0..=picture.height - shape.height {
                let likeness = likeness(picture, shape, left, top);
                let column = &mut columns[left + shape.width / 2];
                if likeness > column.likeness {
                    *column = Sighting {
                        symbol: template.symbol,
                        likeness,
                    };
                }
            }
        }
    }
    // best[n][x]: n + 1 letters, the last one at x.
    let mut best = vec![vec![(f32::MIN, 0); picture.width]; SYMBOLS];
    for (x, column) in columns.iter().enumerate() {
        best[0][x] = (column.likeness, 0);
    }
    for n in 1..SYMBOLS {
        for x in 0..picture.width {
            for before in x.saturating_sub(*apart.end())..=x.saturating_sub(*apart.start()) {
                if apart.contains(&(x - before)) {
                    let sum = best[n - 1][before].0 + columns[x].likeness;
                    if sum > best[n][x].0 {
                        best[n][x] = (sum, before);
                    }
                }
            }
        }
    }
    let last = &best[SYMBOLS - 1];
    let mut x = (0..picture.width)
        .max_by(|a, b| last[*a].0.total_cmp(&last[*b].0))
        .unwrap();
    let mut text = Vec::new();
    for n in (0..SYMBOLS).rev() {
        text.push(columns[x].symbol);
        x = best[n][x].1;
    }
    text.iter().rev().collect()
}

fn likeness(picture: &Grey, shape: &Grey, left: usize, top: usize) -> f32 {
    let (mut product, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (y, row) in shape.pixels.chunks_exact(shape.width).enumerate() {
        let start = (top + y) * picture.width + left;
        let seen = &picture.pixels[start..start + shape.width];
        for (a, b) in row.iter().zip(seen) {
            product += a * b;
            sum += b;
            squares += b * b;
        }
    }
    let spread = squares - sum * sum / shape.pixels.len() as f32;
    if spread < 0.01 {
        return 0.0;
    }
    // The larger a letter that fits, the less it is chance.
    (product / spread.sqrt()).abs() * (shape.pixels.len() as f32).powf(0.15)
}
