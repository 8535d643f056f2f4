//! AV1: free text and time codes in metadata units (AV1 specification §5.8).
//!
//! Belongs here: finding them in samples, and making padding of them. HDR data and captions stay.

use std::ops::Range;

use super::{edit::Cleaning, nal::is_part_of_the_picture, trace::Trace};

/// `OBU_METADATA` and `OBU_PADDING`.
const METADATA: u8 = 5;
const PADDING: u8 = 15;

/// Goes through the open bitstream units in `sample`. Answers whether they fill it exactly.
pub(super) fn scan(cleaning: &mut Cleaning<'_>, sample: Range<usize>) -> bool {
    let Some(bytes) = cleaning.bytes().get(sample.clone()) else {
        return false;
    };
    let mut at = 0;
    while let Some(header) = bytes.get(at) {
        let header_at = at;
        // One more byte of header, and the length.
        at += if header & 0x04 == 0 { 1 } else { 2 };
        let len = if header & 0x02 == 0 {
            bytes.len().checked_sub(at)
        } else {
            leb128(bytes, &mut at)
        };
        let Some(unit) = len.and_then(|len| bytes.get(at..at.checked_add(len)?)) else {
            return false;
        };
        let begin = sample.start + at;
        at += unit.len();
        let kind = header >> 3 & 0x0F;
        if kind == PADDING || (kind == METADATA && says_too_much(unit)) {
            let name = header & !0x78 | PADDING << 3;
            cleaning.put(sample.start + header_at, [name], Trace::PictureNotes);
            let Some(last) = unit.len().checked_sub(1) else {
                continue;
            };
            cleaning.fill(begin..begin + last, 0, Trace::PictureNotes);
            // The bit that ends a unit.
            cleaning.put(begin + last, [0x80], Trace::PictureNotes);
        }
    }
    true
}

/// Whether a metadata unit is anything but HDR data, scalability or captions.
fn says_too_much(unit: &[u8]) -> bool {
    let mut at = 0;
    match leb128(unit, &mut at) {
        Some(1..=3) => false,
        Some(4) => !is_part_of_the_picture(unit.get(at..).unwrap_or_default()),
        _ => true,
    }
}

/// A number in the format of §4.10.5, which is at most eight bytes long.
fn leb128(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0;
    for place in 0..8 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            return usize::try_from(value).ok();
        }
    }
    None
}
