//! The sheet of ink as a small PNG in the colours of the page.
//!
//! Belongs here: colours and the file format.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels and colours: whole numbers far below 2^23, steps below 16"
)]

use png::{BitDepth, ColorType, Compression, Encoder, Filter};

use super::{
    CaptchaError,
    canvas::{Canvas, HEIGHT, WIDTH},
};

/// Longest picture, in bytes. As a `data:` address it is a third longer.
pub const MAX_PNG_BYTES: usize = 6 * 1024;

/// Colour without ink, `--raised` of `assets/site.css`; dark in both colour schemes, because the picture brings its own ground.
const GROUND: [u8; 3] = [0x1f, 0x18, 0x29];

/// Colour of full ink, `--text` of the dark scheme.
const INK: [u8; 3] = [0xec, 0xe7, 0xf5];

/// Steps between ground and ink: half a byte a pixel. More steps only cost bytes.
const STEPS: u8 = 16;

pub(super) fn encode(canvas: &Canvas) -> Result<Vec<u8>, CaptchaError> {
    let mut file = Vec::with_capacity(MAX_PNG_BYTES);
    let mut encoder = Encoder::new(&mut file, WIDTH as u32, HEIGHT as u32);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Four);
    encoder.set_palette(palette());
    encoder.set_compression(Compression::High);
    // Palette indices are no slopes: filters make them longer.
    encoder.set_filter(Filter::NoFilter);
    let mut writer = encoder.write_header().map_err(CaptchaError::Png)?;
    writer
        .write_image_data(&halves(canvas))
        .map_err(CaptchaError::Png)?;
    writer.finish().map_err(CaptchaError::Png)?;
    if file.len() > MAX_PNG_BYTES {
        return Err(CaptchaError::TooLarge { bytes: file.len() });
    }
    Ok(file)
}

fn palette() -> Vec<u8> {
    let mix = |step: u8, from: u8, to: u8| {
        let share = f32::from(step) / f32::from(STEPS - 1);
        (f32::from(from) + share * (f32::from(to) - f32::from(from))).round() as u8
    };
    (0..STEPS)
        .flat_map(|step| {
            let channels = GROUND.into_iter().zip(INK);
            channels.map(move |(from, to)| mix(step, from, to))
        })
        .collect()
}

/// Two pixels a byte, the left one in the upper half.
fn halves(canvas: &Canvas) -> Vec<u8> {
    let index = |ink: f32| (ink * f32::from(STEPS - 1)).round() as u8;
    let pairs = canvas.pixels().chunks_exact(2);
    pairs
        .map(|pair| pair.iter().fold(0, |byte, ink| (byte << 4) | index(*ink)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::captcha::canvas::Mark;

    #[test]
    fn ground_and_ink_come_out_in_the_colours_of_the_page() {
        let mut canvas = Canvas::new();
        canvas.dot((100.0, 50.0), 20.0, 1.0, Mark::Ink);

        let file = encode(&canvas).unwrap();

        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.height), (300, 100));
        assert_eq!(pixels[..3], GROUND);
        let middle = 3 * (50 * WIDTH + 100);
        assert_eq!(pixels[middle..middle + 3], INK);
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn a_sheet_that_does_not_pack_is_refused() {
        let mut canvas = Canvas::new();
        let mut words = crate::captcha::dice::tests::words(1);
        for pixel in 0..WIDTH * HEIGHT {
            let place = ((pixel % WIDTH) as f32 + 0.5, (pixel / WIDTH) as f32 + 0.5);
            canvas.dot(place, 0.4, (words() % 8) as f32 / 7.0, Mark::Ink);
        }

        assert!(matches!(
            encode(&canvas),
            Err(CaptchaError::TooLarge {
                bytes: MAX_PNG_BYTES..
            })
        ));
    }
}
