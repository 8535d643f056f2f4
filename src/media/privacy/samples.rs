//! A fragment: its boxes, and the samples of each track.
//!
//! Belongs here: which part of a fragment is looked at how. Does not belong here: what is in a
//! sample (`nal.rs`, `av1.rs`, `aac.rs`).

use super::{
    super::{boxes::Boxes, fragment::Fragment, init::InitSegment},
    aac, av1,
    edit::Cleaning,
    header::erase,
    nal::{self, Codec},
};

/// How the samples of a track are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// NAL units, each after its length in so many bytes.
    Nal(Codec, usize),
    /// Open bitstream units.
    Obus,
    /// A `raw_data_block` of AAC.
    Aac,
    /// Several of these in one track: nobody can say which one a sample follows.
    Several,
}

impl Layout {
    /// What holds for a track with both descriptions.
    pub(super) fn of_both(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) if one != other => Some(Self::Several),
            (one, other) => one.or(other),
        }
    }
}

/// Boxes of a `moof` that players need.
const IN_MOOF: &[&[u8; 4]] = &[b"mfhd", b"traf", b"pssh"];

/// Boxes of a `traf` that players need.
const IN_TRAF: &[&[u8; 4]] = &[
    b"tfhd", b"tfdt", b"trun", b"sdtp", b"sbgp", b"sgpd", b"subs", b"saiz", b"saio", b"senc",
];

/// What is to be overwritten in a fragment, and whether all its samples could be looked at.
///
/// O(samples and NAL units); of the media only the first bytes of each are touched.
pub(super) fn scan<'fragment>(
    fragment: &'fragment Fragment,
    init: &InitSegment,
    layouts: &[(u32, Layout)],
) -> (Cleaning<'fragment>, bool) {
    let mut cleaning = Cleaning::of(fragment.bytes());
    scan_boxes(&mut cleaning);
    let mut is_readable = true;
    if layouts.is_empty() {
        return (cleaning, is_readable);
    }
    fragment.each_sample(init, &mut |track, at, len| {
        let layout = layouts.iter().find(|(id, _)| *id == track);
        let Some((_, layout)) = layout.filter(|_| len > 0) else {
            return;
        };
        // Within the bytes, as the fragment was checked; so it fits.
        let [from, to] = [at, at.saturating_add(len)].map(|at| usize::try_from(at).unwrap_or(0));
        is_readable &= match layout {
            Layout::Nal(codec, length) => nal::scan(&mut cleaning, from..to, *codec, *length),
            Layout::Obus => av1::scan(&mut cleaning, from..to),
            Layout::Aac => aac::scan(&mut cleaning, from..to),
            Layout::Several => false,
        };
    });
    (cleaning, is_readable)
}

/// Erases what players pass over.
fn scan_boxes(cleaning: &mut Cleaning<'_>) {
    // What is malformed after the boxes that `Fragment::parse` needs, it would have refused.
    let moof = Boxes::of(cleaning.bytes()).flatten().next();
    for child in moof.iter().flat_map(|moof| moof.children().flatten()) {
        if !IN_MOOF.contains(&&child.kind.0) {
            erase(cleaning, &child);
        } else if child.kind.0 == *b"traf" {
            for part in child.children().flatten() {
                if !IN_TRAF.contains(&&part.kind.0) {
                    erase(cleaning, &part);
                }
            }
        }
    }
}
