//! What kind of picture some bytes are, and how large it is drawn.
//!
//! Belongs here: signatures and sizes of PNG, GIF and WebP.
//! Does not belong here: decoding. Browsers do that, with what they trust themselves to do.

/// What the first bytes of a picture say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) content_type: &'static str,
    /// In pixels.
    pub(super) width: u32,
    /// In pixels.
    pub(super) height: u32,
}

/// Reads the header; `None` if it is none of the three, or cut off.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    png(bytes).or_else(|| gif(bytes)).or_else(|| webp(bytes))
}

fn png(bytes: &[u8]) -> Option<Header> {
    // Signature, then the chunk IHDR of 13 bytes.
    let ihdr = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")?;
    let (width, rest) = ihdr.split_first_chunk()?;
    let (height, _) = rest.split_first_chunk()?;
    Some(Header {
        content_type: "image/png",
        width: u32::from_be_bytes(*width),
        height: u32::from_be_bytes(*height),
    })
}

fn gif(bytes: &[u8]) -> Option<Header> {
    let screen = bytes
        .strip_prefix(b"GIF89a")
        .or_else(|| bytes.strip_prefix(b"GIF87a"))?;
    let (&[w0, w1, h0, h1], _) = screen.split_first_chunk()?;
    Some(Header {
        content_type: "image/gif",
        width: u16::from_le_bytes([w0, w1]).into(),
        height: u16::from_le_bytes([h0, h1]).into(),
    })
}

fn webp(bytes: &[u8]) -> Option<Header> {
    let (_, form) = bytes.strip_prefix(b"RIFF")?.split_first_chunk::<4>()?;
    let chunk = form.strip_prefix(b"WEBP")?;
    let (kind, rest) = chunk.split_first_chunk::<4>()?;
    let (_, data) = rest.split_first_chunk::<4>()?;
    let (width, height) = match kind {
        b"VP8 " => lossy(data)?,
        b"VP8L" => lossless(data)?,
        b"VP8X" => extended(data)?,
        _ => return None,
    };
    Some(Header {
        content_type: "image/webp",
        width,
        height,
    })
}

/// RFC 6386, section 9.1: a key frame, its start code, two sides of 14 bits.
fn lossy(data: &[u8]) -> Option<(u32, u32)> {
    let (&[tag, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1], _) = data.split_first_chunk()? else {
        return None;
    };
    let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3FFF);
    (tag & 1 == 0).then_some((side([w0, w1]), side([h0, h1])))
}

/// RFC 9649, section 3.4: a signature and two sides less one, of 14 bits.
fn lossless(data: &[u8]) -> Option<(u32, u32)> {
    let (&[0x2F, b0, b1, b2, b3], _) = data.split_first_chunk()? else {
        return None;
    };
    let bits = u32::from_le_bytes([b0, b1, b2, b3]);
    Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
}

/// RFC 9649, section 2.7: flags, three reserved bytes, two sides of the canvas less one, of 24
/// bits.
fn extended(data: &[u8]) -> Option<(u32, u32)> {
    let (&[_, _, _, _, w0, w1, w2, h0, h1, h2], _) = data.split_first_chunk()?;
    Some((
        u32::from_le_bytes([w0, w1, w2, 0]) + 1,
        u32::from_le_bytes([h0, h1, h2, 0]) + 1,
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn webp_file(kind: &[u8], data: &[u8]) -> Vec<u8> {
        [b"RIFF\x1a\0\0\0WEBP", kind, b"\x0e\0\0\0", data].concat()
    }

    #[test]
    fn the_three_kinds_are_told_by_their_content() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x20\0\0\0\x80\x08\x06\0\0\0";
        let lossy = webp_file(b"VP8 ", b"\x10\x02\0\x9d\x01\x2a\x20\x40\x80\x40");
        // 31 and 127 << 14.
        let lossless = webp_file(b"VP8L", b"\x2f\x1f\xc0\x1f\x00");
        let extended = webp_file(b"VP8X", b"\x10\0\0\0\x1f\0\0\x7f\0\0");
        for (bytes, content_type) in [
            (png.as_slice(), "image/png"),
            (b"GIF89a\x20\0\x80\0\0\0\0", "image/gif"),
            (b"GIF87a\x20\0\x80\0\0\0\0", "image/gif"),
            (&lossy, "image/webp"),
            (&lossless, "image/webp"),
            (&extended, "image/webp"),
        ] {
            assert_eq!(
                header(bytes),
                Some(Header {
                    content_type,
                    width: 32,
                    height: 128
                }),
                "{bytes:?}"
            );
            // The bytes behind the sides are not needed.
            for length in 0..bytes.len().min(20) {
                assert_eq!(
                    header(&bytes[..length]).filter(|_| length < 10),
                    None,
                    "{length} of {bytes:?}"
                );
            }
        }
    }

    #[test]
    fn other_files_are_no_pictures() {
        for bytes in [
            b"".as_slice(),
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            b"<!doctype html><script>",
            b"\xff\xd8\xff\xe0\0\x10JFIF",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIDAT\0\0\0\x20\0\0\0\x20",
            b"GIF90a\x20\0\x20\0",
            b"RIFF\x1a\0\0\0WAVEfmt \x10\0\0\0",
            &webp_file(b"VP8 ", b"\x11\x02\0\x9d\x01\x2a\x20\0\x20\0"),
        ] {
            assert_eq!(header(bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(start in prop::sample::select(vec!["", "GIF89a", "RIFF0000WEBPVP8 0000", "RIFF0000WEBPVP8L0000/", "RIFF0000WEBPVP8X0000"]), rest: Vec<u8>) {
            let _ = header(&[start.as_bytes(), &rest].concat());
        }
    }
}
