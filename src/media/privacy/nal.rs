//! H.264 and HEVC: free text and time codes in supplemental enhancement information (SEI).
//!
//! Belongs here: finding SEI messages in samples (ITU-T H.264 §7.3.2.3, H.265 §7.3.5) and blanking
//! those that say more than a decoder needs. Does not belong here: which samples there are.
//!
//! Captions, HDR data, buffering periods and all other messages stay as they are.

use std::ops::Range;

use super::{edit::Cleaning, trace::Trace};

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    Hevc,
}

/// What a message becomes. Neither a start code nor an escape can come about with it, and as
/// `num_clock_ts` of a time code it means that there is none.
const BLANK: u8 = 1;

/// Text registered by a country's authority: captions, HDR10+, and whatever a company likes.
const REGISTERED: usize = 4;

/// Whatever a program likes, after 16 bytes that name it: x264 writes its settings here.
const UNREGISTERED: usize = 5;

/// The time of day at which the picture was taken (HEVC).
const TIME_CODE: usize = 136;

/// Beginnings of registered texts that are part of the picture: captions and `AFD` of ATSC and
/// DVB, HDR10+.
const PART_OF_THE_PICTURE: &[&[u8]] = &[b"\xB5\0\x31GA94", b"\xB5\0\x31DTG1", b"\xB5\0\x3C\0\x01"];

/// The longest of them.
const LONGEST: usize = 7;

/// Whether a registered text is part of the picture.
pub(super) fn is_part_of_the_picture(text: &[u8]) -> bool {
    PART_OF_THE_PICTURE
        .iter()
        .any(|begin| text.starts_with(begin))
}

/// Goes through the NAL units of a sample, each after its length in `length` bytes. Answers whether
/// they fill it exactly.
pub(super) fn scan(
    cleaning: &mut Cleaning<'_>,
    sample: Range<usize>,
    codec: Codec,
    length: usize,
) -> bool {
    let Some(bytes) = cleaning.bytes().get(sample.clone()) else {
        return false;
    };
    let mut at = 0;
    while at < bytes.len() {
        let Some(field) = bytes.get(at..at + length) else {
            return false;
        };
        let len = field
            .iter()
            .fold(0, |len, byte| len << 8 | usize::from(*byte));
        at += length;
        if len > bytes.len() - at {
            return false;
        }
        let begin = sample.start + at;
        if !unit(cleaning, begin..begin + len, codec) {
            return false;
        }
        at += len;
    }
    true
}

/// Goes through the NAL units of an `hvcC` box (ISO/IEC 14496-15 §8.3.3), where x265's settings are.
pub(super) fn scan_configuration(cleaning: &mut Cleaning<'_>, body: Range<usize>) {
    let Some(bytes) = cleaning.bytes().get(body.clone()) else {
        return;
    };
    let number = |at: usize| {
        let field = bytes.get(at..at + 2)?;
        Some(
            field
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
        )
    };
    let mut at = 23;
    for _array in 0..bytes.get(22).copied().unwrap_or_default() {
        let Some(units) = number(at + 1) else { return };
        at += 3;
        for _unit in 0..units {
            let Some(len) = number(at) else { return };
            at += 2;
            let begin = body.start + at;
            let end = begin.saturating_add(len).min(body.end);
            unit(cleaning, begin..end, Codec::Hevc);
            at += len;
        }
    }
}

/// One NAL unit. Answers whether it is what it should be.
fn unit(cleaning: &mut Cleaning<'_>, unit: Range<usize>, codec: Codec) -> bool {
    let header = cleaning
        .bytes()
        .get(unit.start)
        .filter(|_| !unit.is_empty());
    let header_len = match (codec, header) {
        (Codec::H264, Some(byte)) if byte & 0x1F == 6 => 1,
        (Codec::Hevc, Some(byte)) if matches!(byte >> 1 & 0x3F, 39 | 40) => 2,
        _ => return true,
    };
    messages(cleaning, unit.start + header_len..unit.end, codec)
}

/// The messages of an SEI unit.
fn messages(cleaning: &mut Cleaning<'_>, body: Range<usize>, codec: Codec) -> bool {
    let Some(bytes) = cleaning.bytes().get(body.clone()) else {
        return false;
    };
    // The last byte that is not zero holds the bit that ends the unit.
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    let mut reader = Unescaped {
        bytes,
        at: 0,
        zeros: 0,
        escapes: Vec::new(),
    };
    let mut found = Vec::new();
    let mut is_whole = true;
    while reader.at < end {
        let (Some(kind), Some(len)) = (reader.number(), reader.number()) else {
            is_whole = false;
            break;
        };
        let begin = reader.at;
        let mut head = [0; LONGEST];
        for at in 0..len {
            let Some(byte) = reader.next() else {
                is_whole = false;
                break;
            };
            if let Some(place) = head.get_mut(at) {
                *place = byte;
            }
        }
        let goes = match kind {
            UNREGISTERED => true,
            REGISTERED => !is_part_of_the_picture(&head),
            TIME_CODE => codec == Codec::Hevc,
            _ => false,
        };
        if goes {
            found.push(begin..reader.at);
        }
    }
    for message in found {
        blank(cleaning, body.start, message, &reader.escapes);
    }
    is_whole
}

/// Overwrites a message that begins and ends so many bytes after `base`.
///
/// An escape (`00 00 03`, of which decoders drop the `03`) has to stay, or the message would seem
/// longer than it says.
fn blank(cleaning: &mut Cleaning<'_>, base: usize, message: Range<usize>, escapes: &[usize]) {
    let mut from = message.start;
    let first = escapes.partition_point(|escape| *escape < message.start);
    for escape in escapes.iter().skip(first) {
        let zeros = escape.saturating_sub(2);
        if zeros >= message.end {
            break;
        }
        if from < zeros {
            cleaning.fill(base + from..base + zeros, BLANK, Trace::PictureNotes);
        }
        from = escape + 1;
    }
    if from < message.end {
        cleaning.fill(base + from..base + message.end, BLANK, Trace::PictureNotes);
    }
}

/// Reads the bytes of a NAL unit without its escapes.
struct Unescaped<'bytes> {
    bytes: &'bytes [u8],
    at: usize,
    zeros: u32,
    /// Where the bytes are that were left out.
    escapes: Vec<usize>,
}

impl Unescaped<'_> {
    /// A number of the header of a message: bytes 255 and a last one.
    fn number(&mut self) -> Option<usize> {
        let mut sum = 0;
        loop {
            let byte = self.next()?;
            sum += usize::from(byte);
            if byte != u8::MAX {
                return Some(sum);
            }
        }
    }
}

impl Iterator for Unescaped<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let mut byte = *self.bytes.get(self.at)?;
        if self.zeros >= 2 && byte == 3 {
            self.escapes.push(self.at);
            self.at += 1;
            self.zeros = 0;
            byte = *self.bytes.get(self.at)?;
        }
        self.at += 1;
        self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
        Some(byte)
    }
}
