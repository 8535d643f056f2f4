//! The viewers of the last hour as a small picture: bars, without SVG and without script.
//!
//! Belongs here: the drawing and its words. The ground is transparent and the colours lie between
//! dark and light, so that the bars can be seen in every theme.

use data_encoding::BASE64;
use maud::{Markup, html};
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};

use super::time::time_of_day;
use crate::room::history::{History, MINUTES, Minute};

/// Width in pixels: four for each minute, the last of them empty.
const WIDTH: u32 = 240;
/// Height in pixels.
const HEIGHT: u32 = 48;
const BAR: usize = WIDTH as usize / MINUTES;
/// Two bits a pixel.
const ROW_BYTES: usize = WIDTH as usize / 4;
/// A handful of people is not shown as a full house.
const LEAST_FULL: u32 = 5;

/// Ground, newest number, most of the minute, line at the foot. The three colours have a contrast of
/// at least 3 (WCAG 2.2, 1.4.11) to the grounds of `assets/site.css`, dark and light.
const PALETTE: [[u8; 3]; 4] = [
    [0, 0, 0],
    [0x8b, 0x5c, 0xf6],
    [0x85, 0x7a, 0x99],
    [0x85, 0x7a, 0x99],
];
/// How opaque each of them is.
const OPACITY: [u8; 4] = [0, 255, 255, 255];
const LAST: u8 = 1;
const PEAK: u8 = 2;
const FOOT: u8 = 3;

/// The picture with its words.
pub(super) fn figure(history: &History) -> Markup {
    let words = words(history);
    html! {
        figure class="history" {
            // Without the picture the words are still there.
            @if let Ok(file) = picture(history) {
                img width=(WIDTH) height=(HEIGHT) alt={ "Bars, a minute each: " (words) }
                    src={ "data:image/png;base64," (BASE64.encode(&file)) };
            }
            figcaption { "Watching in the last hour: " (words) }
        }
    }
}

/// `now 12, most 34 at 20:14 UTC`.
fn words(history: &History) -> String {
    let now = history.now();
    match history.most() {
        None => "nobody".to_owned(),
        Some((most, at)) => format!("now {now}, most {most} at {}", time_of_day(at)),
    }
}

fn picture(history: &History) -> Result<Vec<u8>, EncodingError> {
    let mut file = Vec::with_capacity(512);
    let mut encoder = Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Two);
    encoder.set_palette(PALETTE.as_flattened().to_vec());
    encoder.set_trns(OPACITY.to_vec());
    encoder.set_compression(Compression::High);
    // Palette indices are no slopes: filters make them longer.
    encoder.set_filter(Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels(history))?;
    writer.finish()?;
    Ok(file)
}

/// Four pixels a byte, the left one in the upper bits: a bar is exactly one byte wide.
fn pixels(history: &History) -> Vec<u8> {
    // Three pixels of the colour and an empty one.
    let bar = |colour: u8| colour << 6 | colour << 4 | colour << 2;
    let foot = FOOT << 6 | FOOT << 4 | FOOT << 2 | FOOT;
    let full = history
        .minutes()
        .map(|minute| minute.peak)
        .max()
        .unwrap_or_default()
        .max(LEAST_FULL);
    let empty = MINUTES.saturating_sub(history.minutes().len());
    let minutes: Vec<_> = std::iter::repeat_n(Minute::default(), empty)
        .chain(history.minutes())
        .map(|minute| (height(minute.last, full), height(minute.peak, full)))
        .collect();
    let mut rows = Vec::with_capacity(ROW_BYTES * HEIGHT as usize);
    // From the top: a row is above so many others.
    for above in (1..HEIGHT).rev() {
        rows.extend(minutes.iter().map(|(last, peak)| match above {
            above if above <= *last => bar(LAST),
            above if above <= *peak => bar(PEAK),
            _ => 0,
        }));
    }
    rows.extend(std::iter::repeat_n(foot, ROW_BYTES));
    rows
}

/// How high the bar is: nobody is nothing, somebody is at least one pixel.
fn height(count: u32, full: u32) -> u32 {
    let room = u64::from(HEIGHT - 1);
    let exact = u64::from(count) * room / u64::from(full.max(1));
    u32::try_from(exact)
        .unwrap_or(HEIGHT - 1)
        .max(u32::from(count > 0))
}

const _: () = assert!(BAR == 4 && ROW_BYTES == MINUTES, "a bar is one byte");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::WallTime;

    /// 20:00 UTC on some day and so many minutes.
    fn at(minutes: u64) -> WallTime {
        WallTime::from_unix_millis(72_000_000 + minutes * 60_000)
    }

    fn decoded(history: &History) -> Vec<[u8; 4]> {
        let file = picture(history).unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.height), (240, 48));
        pixels.as_chunks::<4>().0.to_vec()
    }

    /// From the foot up, in the middle of the bar so many minutes ago.
    fn column(pixels: &[[u8; 4]], ago: usize) -> Vec<[u8; 4]> {
        let x = 240 - 4 * ago - 3;
        (0..48).rev().map(|y| pixels[240 * y + x]).collect()
    }

    #[test]
    fn the_bars_are_as_high_as_the_numbers_and_end_at_the_right() {
        let mut history = History::new();
        for (count, minute) in [(34, 0), (34, 1), (17, 1), (17, 2), (0, 2), (0, 3)] {
            history.record(count, at(minute));
        }

        let pixels = decoded(&history);

        let heights: Vec<_> = (0..5)
            .map(|ago| {
                let column = column(&pixels, ago);
                let of = |colour: u8| {
                    let [r, g, b] = PALETTE[usize::from(colour)];
                    // Not the foot.
                    column[1..]
                        .iter()
                        .filter(|pixel| **pixel == [r, g, b, 255])
                        .count()
                };
                (of(LAST), of(PEAK))
            })
            .collect();
        assert_eq!(heights, [(0, 0), (0, 23), (23, 24), (47, 0), (0, 0)]);
        assert_eq!(pixels[0], [0, 0, 0, 0], "the ground is that of the page");
    }

    #[test]
    fn the_words_say_the_same_as_the_picture() {
        let mut history = History::new();
        assert_eq!(words(&history), "nobody");
        history.record(34, at(14));
        history.record(12, at(15));

        let html = figure(&history).into_string();

        assert!(
            html.contains("alt=\"Bars, a minute each: now 12, most 34 at 20:14 UTC\""),
            "{html}"
        );
        assert!(html.contains("width=\"240\" height=\"48\" "));
        assert!(html.len() < 1500, "{}", html.len());
    }

    #[test]
    fn one_viewer_of_very_many_is_still_a_pixel() {
        assert_eq!(
            (
                height(0, 9),
                height(1, u32::MAX),
                height(u32::MAX, u32::MAX)
            ),
            (0, 1, 47)
        );
    }
}
