//! Pictures that say when they were made: 32 large black or white cells.
//!
//! 24 bits are milliseconds after 1970 modulo 2^24 (4.6 hours), 8 are a check, so that a torn or
//! blurred picture is noticed and a blank one means nothing. Compression does not hurt cells of
//! this size.

/// Of a picture, in pixels.
pub(crate) const WIDTH: usize = 640;
/// Of a picture, in pixels.
pub(crate) const HEIGHT: usize = 360;
pub(crate) const COLUMNS: usize = 8;
pub(crate) const ROWS: usize = 4;
/// Values before they start again.
pub(crate) const RANGE: u64 = 1 << 24;

/// Video levels of black and white, with room for the noise.
const BLACK: u8 = 32;
const WHITE: u8 = 220;
/// How much the noise brightens a pixel at most.
const NOISE: u8 = 31;

/// What is in the pictures besides the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    /// Noise, which takes every bit that the encoder may spend: like a camera.
    Busy,
    /// Nothing: far fewer bits than allowed, like a shared screen.
    Still,
}

impl Scene {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Still => "still",
        }
    }
}

/// A picture of one byte a pixel that says `millis`.
pub(crate) fn paint(millis: u64, scene: Scene) -> Vec<u8> {
    let code = with_check(millis % RANGE);
    let noise = match scene {
        Scene::Busy => NOISE,
        Scene::Still => 0,
    };
    // xorshift, from another seed each millisecond; zero would stay zero.
    let mut random = millis | 1;
    let mut picture = Vec::with_capacity(WIDTH * HEIGHT);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let bit = y * ROWS / HEIGHT * COLUMNS + x * COLUMNS / WIDTH;
            let level = if code >> bit & 1 == 1 { WHITE } else { BLACK };
            picture.push(level + (random.to_be_bytes()[0] & noise));
        }
    }
    picture
}

/// What the cells say; `None` if the check fails.
pub(crate) fn read(cells: u64) -> Option<u64> {
    let millis = cells % RANGE;
    (with_check(millis) == cells).then_some(millis)
}

/// How long before `now` (milliseconds after 1970) the picture was made.
pub(crate) fn age(millis: u64, now: u64) -> u64 {
    (now % RANGE + RANGE - millis) % RANGE
}

fn with_check(millis: u64) -> u64 {
    let folded = (millis ^ millis >> 8 ^ millis >> 16) & 0xff;
    millis | (folded ^ 0xa5) << 24
}

/// A script that reads the cells of the `<video>` of a page from the picture it shows now.
///
/// It returns the time, the cells as a number, and when the page was asked for; `null` without a
/// picture.
pub(crate) fn reading_script() -> String {
    format!(
        "const video = document.querySelector('video');
         if (!video || video.readyState < 2) return null;
         const canvas = document.createElement('canvas');
         canvas.width = {COLUMNS} * 8; canvas.height = {ROWS} * 8;
         const context = canvas.getContext('2d', {{ willReadFrequently: true }});
         context.drawImage(video, 0, 0, canvas.width, canvas.height);
         const now = Date.now();
         const {{ data }} = context.getImageData(0, 0, canvas.width, canvas.height);
         let cells = 0;
         for (let cell = 0; cell < {COLUMNS} * {ROWS}; cell++) {{
           const x = (cell % {COLUMNS}) * 8 + 4, y = Math.floor(cell / {COLUMNS}) * 8 + 4;
           if (data[(y * canvas.width + x) * 4] > 127) cells += 2 ** cell;
         }}
         return [now, cells, Math.floor(performance.timeOrigin)];"
    )
}
