//! AAC: comments in elements that decoders drop (ISO/IEC 14496-3 §4.4.2).
//!
//! Belongs here: fill and data stream elements at the beginning of a sample, where encoders write
//! their names, and whether it is AAC at all. Elements after the first sound cannot be found
//! without decoding that.

use std::ops::Range;

use super::{edit::Cleaning, trace::Trace};

/// More elements than this before the sound nobody writes.
const MAX_ELEMENTS: usize = 16;

/// Goes through the elements before the first sound in `sample`. Answers whether they end in it.
pub(super) fn scan(cleaning: &mut Cleaning<'_>, sample: Range<usize>) -> bool {
    let Some(bytes) = cleaning.bytes().get(sample.clone()) else {
        return false;
    };
    let mut bits = Bits { bytes, at: 0 };
    for _element in 0..MAX_ELEMENTS {
        match element(&mut bits) {
            Some(Element::Sound) => return true,
            Some(Element::Comment(range)) => {
                let base = sample.start * 8;
                cleaning.zero_bits(base + range.start, base + range.end, Trace::SoundNotes);
            }
            Some(Element::Fill) => {}
            None => return false,
        }
    }
    true
}

enum Element {
    /// The rest of the sample.
    Sound,
    /// Bits that nobody hears.
    Comment(Range<usize>),
    /// A fill element that is part of the sound, or empty.
    Fill,
}

/// Reads over the next element; `None` if it does not end in the sample.
fn element(bits: &mut Bits<'_>) -> Option<Element> {
    match bits.read(3)? {
        // `data_stream_element`: a tag, whether it is aligned, the number of bytes.
        4 => {
            bits.read(4)?;
            let is_aligned = bits.read(1)? == 1;
            let mut count = bits.read(8)?;
            if count == 255 {
                count += bits.read(8)?;
            }
            if is_aligned {
                bits.at = bits.at.next_multiple_of(8);
            }
            let begin = bits.at;
            bits.skip(count * 8)?;
            Some(Element::Comment(begin..bits.at))
        }
        // `fill_element`: the number of bytes, then what kind of filling it is.
        6 => {
            let mut count = bits.read(4)?;
            if count == 15 {
                count += bits.read(8)?;
                count -= 1;
            }
            let begin = bits.at;
            if count == 0 {
                return Some(Element::Fill);
            }
            let kind = bits.read(4)?;
            bits.skip(count * 8 - 4)?;
            // Filling, filling with a pattern, other data. The rest is needed for the sound.
            Some(if kind <= 2 {
                Element::Comment(begin..bits.at)
            } else {
                Element::Fill
            })
        }
        _ => Some(Element::Sound),
    }
}

struct Bits<'bytes> {
    bytes: &'bytes [u8],
    /// Number of the next bit.
    at: usize,
}

impl Bits<'_> {
    fn read(&mut self, count: usize) -> Option<usize> {
        let mut value = 0;
        for _bit in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | usize::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at += count;
        (self.at <= self.bytes.len() * 8).then_some(())
    }
}

/// Whether an `esds` box (ISO/IEC 14496-1 §7.2.6) describes AAC whose samples are laid out so.
pub(super) fn is_described_by(esds: &[u8]) -> bool {
    object_type(esds).is_some_and(|kind| matches!(kind, 1 | 2 | 4 | 5 | 29))
}

/// The audio object type of MPEG-4 or MPEG-2 AAC.
fn object_type(esds: &[u8]) -> Option<u8> {
    let mut rest = esds.get(4..)?;
    let stream = descriptor(&mut rest, 3)?;
    let flags = *stream.get(2)?;
    let mut rest = stream.get(3..)?;
    if flags & 0x80 != 0 {
        rest = rest.get(2..)?;
    }
    if flags & 0x40 != 0 {
        let (len, after) = rest.split_first()?;
        rest = after.get(usize::from(*len)..)?;
    }
    if flags & 0x20 != 0 {
        rest = rest.get(2..)?;
    }
    let decoder = descriptor(&mut rest, 4)?;
    match decoder.first()? {
        0x40 => {}
        // MPEG-2 AAC, which has no description of its own.
        0x66..=0x68 => return Some(2),
        _ => return None,
    }
    let mut rest = decoder.get(13..)?;
    Some(descriptor(&mut rest, 5)?.first()? >> 3)
}

/// The content of the descriptor with this tag that `rest` begins with.
fn descriptor<'bytes>(rest: &mut &'bytes [u8], tag: u8) -> Option<&'bytes [u8]> {
    let (found, mut after) = rest.split_first()?;
    let mut len = 0;
    for _byte in 0..4 {
        let (byte, behind) = after.split_first()?;
        after = behind;
        len = len << 7 | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let content = after.get(..len)?;
    *rest = after.get(len..)?;
    (*found == tag).then_some(content)
}
