//! Parameter sets: what a decoder of H.264 or AV1 must know before the first picture, taken from
//! the init segment and put in front of keyframes.
//!
//! Belongs here: `avcC` (ISO/IEC 14496-15 §5.3.3) and `av1C`, NAL units and open bitstream units of
//! one sample. Does not belong here: which samples there are.

use std::borrow::Cow;

/// Most bytes of parameter sets: they go into every keyframe. A usual stream has some forty.
const MAX_BYTES: usize = 4096;

/// Most units of a sample that are looked at; a picture of many slices has some hundred.
const MAX_UNITS: usize = 4096;

/// NAL units (ITU-T H.264 §7.4.1).
const SEQUENCE_PARAMETERS: u8 = 7;
const DELIMITER: u8 = 9;

/// Open bitstream units (AV1 specification §6.2.2).
const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;

/// How a sample is cut into units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// NAL units, each after its length in so many bytes.
    Nal(usize),
    /// Open bitstream units.
    Obu,
}

/// The parameter sets of a track.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    layout: Layout,
    /// Each a whole unit.
    sets: Vec<Vec<u8>>,
}

impl Parameters {
    /// Reads an `avcC`: the profile, and the sets. `None` if it is not what it should be.
    pub(super) fn of_avc(body: &[u8]) -> Option<(u8, Self)> {
        let [1, profile, _, _, length, count, rest @ ..] = body else {
            return None;
        };
        let length = usize::from(length & 3) + 1;
        // Three bytes are reserved.
        if length == 3 {
            return None;
        }
        let mut sets = Vec::new();
        let rest = take_sets(rest, count & 0x1F, &mut sets)?;
        let (count, rest) = rest.split_first()?;
        take_sets(rest, *count, &mut sets)?;
        let parameters = Self::limited(Layout::Nal(length), sets)?;
        Some((*profile, parameters))
    }

    /// Reads an `av1C`. `None` if it is not 8 bits a colour, 4:2:0, or not what it should be.
    pub(super) fn of_av1(body: &[u8]) -> Option<Self> {
        let [0x81, profile, kind, _, units @ ..] = body else {
            return None;
        };
        // High bit depth, twelve bits, monochrome; then both halvings of the colours.
        if profile >> 5 != 0 || kind & 0x70 != 0 || kind & 0x0C != 0x0C {
            return None;
        }
        let mut rest = units;
        let mut sets = Vec::new();
        while !rest.is_empty() {
            let (unit, after) = obu(rest)?;
            if obu_kind(unit) == Some(SEQUENCE_HEADER) {
                // Something will follow it.
                (unit.first()? & 0x02 != 0).then_some(())?;
                sets.push(unit.to_vec());
            }
            rest = after;
        }
        Self::limited(Layout::Obu, sets)
    }

    fn limited(layout: Layout, sets: Vec<Vec<u8>>) -> Option<Self> {
        let bytes: usize = sets.iter().map(Vec::len).sum();
        (bytes <= MAX_BYTES).then_some(Self { layout, sets })
    }
}

/// Reads `count` units, each after its length in two bytes; gives back what follows them.
fn take_sets<'bytes>(
    mut bytes: &'bytes [u8],
    count: u8,
    sets: &mut Vec<Vec<u8>>,
) -> Option<&'bytes [u8]> {
    for _set in 0..count {
        let (len, rest) = bytes.split_first_chunk::<2>()?;
        let (set, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        if !set.is_empty() {
            sets.push(set.to_vec());
        }
        bytes = rest;
    }
    Some(bytes)
}

/// How the samples of one track become samples of another.
#[derive(Debug, Clone)]
pub(super) struct Rewriting {
    from: Layout,
    to: Layout,
    /// What goes in front of keyframes.
    sets: Vec<Vec<u8>>,
}

impl Rewriting {
    /// From samples that `own` is for, to a track that `theirs` is for.
    pub(super) fn new(own: &Parameters, theirs: &Parameters) -> Self {
        Self {
            from: own.layout,
            to: theirs.layout,
            sets: own.sets.clone(),
        }
    }

    /// The sample for the other track, with the parameter sets if it is a keyframe that has none.
    /// `None` if it cannot be written.
    pub(super) fn sample<'bytes>(
        &self,
        bytes: &'bytes [u8],
        is_keyframe: bool,
    ) -> Option<Cow<'bytes, [u8]>> {
        let units = self.from.units(bytes)?;
        let has = |kind: u8| units.iter().any(|unit| self.from.kind(unit) == Some(kind));
        let (own_parameters, delimiter) = match self.from {
            Layout::Nal(_) => (SEQUENCE_PARAMETERS, DELIMITER),
            Layout::Obu => (SEQUENCE_HEADER, TEMPORAL_DELIMITER),
        };
        let wants_sets = is_keyframe && !self.sets.is_empty() && !has(own_parameters);
        if !wants_sets && self.from == self.to {
            return Some(Cow::Borrowed(bytes));
        }
        let mut out = Vec::with_capacity(bytes.len().checked_add(MAX_BYTES)?);
        // A delimiter stays in front of everything.
        let first = units
            .iter()
            .take_while(|unit| self.from.kind(unit) == Some(delimiter))
            .count();
        let (before, after) = units.split_at_checked(first)?;
        let sets = self.sets.iter().filter(|_| wants_sets).map(Vec::as_slice);
        let before = before.iter().copied();
        for unit in before.chain(sets).chain(after.iter().copied()) {
            self.to.write(unit, &mut out)?;
        }
        Some(Cow::Owned(out))
    }
}

impl Layout {
    /// The units of a sample; `None` if they do not fill it, or are more than [`MAX_UNITS`].
    fn units(self, mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
        let mut units = Vec::new();
        while !bytes.is_empty() {
            let (unit, rest) = match self {
                Self::Nal(length) => {
                    let (field, rest) = bytes.split_at_checked(length)?;
                    let len = field
                        .iter()
                        .fold(0, |len, byte| len << 8 | usize::from(*byte));
                    rest.split_at_checked(len)?
                }
                Self::Obu => obu(bytes)?,
            };
            if units.len() == MAX_UNITS {
                return None;
            }
            units.push(unit);
            bytes = rest;
        }
        Some(units)
    }

    fn kind(self, unit: &[u8]) -> Option<u8> {
        match self {
            Self::Nal(_) => unit.first().map(|byte| byte & 0x1F),
            Self::Obu => obu_kind(unit),
        }
    }

    /// Appends a unit; `None` if its length cannot be said.
    fn write(self, unit: &[u8], out: &mut Vec<u8>) -> Option<()> {
        if let Self::Nal(length) = self {
            let len = u32::try_from(unit.len()).ok()?.to_be_bytes();
            let (zeros, field) = len.split_at_checked(len.len().checked_sub(length)?)?;
            zeros.iter().all(|byte| *byte == 0).then_some(())?;
            out.extend_from_slice(field);
        }
        out.extend_from_slice(unit);
        Some(())
    }
}

fn obu_kind(unit: &[u8]) -> Option<u8> {
    unit.first().map(|byte| byte >> 3 & 0x0F)
}

/// The open bitstream unit that `bytes` begin with, and the rest. One without a length goes to the
/// end of the sample.
fn obu(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let header = *bytes.first()?;
    let mut at = if header & 0x04 == 0 { 1 } else { 2 };
    if header & 0x02 == 0 {
        return Some((bytes, &[]));
    }
    let mut len = 0_u64;
    for place in 0..8 {
        let byte = *bytes.get(at)?;
        at += 1;
        len |= u64::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            return bytes.split_at_checked(at.checked_add(usize::try_from(len).ok()?)?);
        }
    }
    None
}
