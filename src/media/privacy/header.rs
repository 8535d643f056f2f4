//! The init segment: which boxes a player needs, and the fields of those that say too much
//! (ISO/IEC 14496-12 §8, `QuickTime` File Format).
//!
//! Belongs here: the tree of boxes down to the sample tables. Does not belong here: the
//! descriptions of samples (`entry.rs`).
//!
//! Whatever is not on the list of boxes that are kept goes: what a player does not know, it has to
//! pass over anyway, and nobody can list everything that programs have invented.

use super::{
    super::{
        boxes::{BoxError, BoxType, Boxes, MediaBox},
        init::InitSegment,
    },
    Refusal,
    edit::Cleaning,
    entry,
    samples::Layout,
    trace::{Trace, Traces},
};

/// What is kept in which box. The lists are no circle, so a walk along them ends.
const KEPT: &[(&[u8; 4], &[&[u8; 4]])] = &[
    (b"moov", &[b"mvhd", b"iods", b"trak", b"mvex", b"pssh"]),
    (b"mvex", &[b"mehd", b"trex", b"leva", b"trep"]),
    (
        b"trak",
        &[b"tkhd", b"edts", b"tref", b"trgr", b"tapt", b"mdia"],
    ),
    (b"edts", &[b"elst"]),
    (b"mdia", &[b"mdhd", b"hdlr", b"elng", b"minf"]),
    (
        b"minf",
        &[
            b"vmhd", b"smhd", b"hmhd", b"nmhd", b"sthd", b"gmhd", b"hdlr", b"dinf", b"stbl",
        ],
    ),
    (b"dinf", &[b"dref"]),
    (
        b"stbl",
        &[
            b"stsd", b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stz2", b"stco", b"co64",
            b"stss", b"stsh", b"sdtp", b"sbgp", b"sgpd", b"subs", b"saiz", b"saio", b"padb",
            b"stdp",
        ],
    ),
];

/// Kinds of tracks (`hdlr`) that are picture, sound or words to read.
const WATCHED: &[&[u8; 4]] = &[
    b"vide", b"auxv", b"pict", b"soun", b"text", b"sbtl", b"subt", b"clcp",
];

/// Names of tracks that say nothing about anybody.
const USUAL_NAMES: &[&[u8]] = &[
    b"",
    b"VideoHandler",
    b"SoundHandler",
    b"SubtitleHandler",
    b"DataHandler",
];

/// Words in tags that tell what they are about.
const NEEDLES: &[(&[u8], Trace)] = &[
    (b"\xA9xyz", Trace::Place),
    (b"loci", Trace::Place),
    (b"location", Trace::Place),
    (b"\xA9too", Trace::Encoder),
    (b"\xA9enc", Trace::Encoder),
    (b"\xA9mak", Trace::Device),
    (b"\xA9mod", Trace::Device),
    (b"\xA9swr", Trace::Device),
    (b"quicktime.make", Trace::Device),
    (b"quicktime.model", Trace::Device),
    (b"quicktime.software", Trace::Device),
    (b"\xA9day", Trace::Date),
    (b"creationdate", Trace::Date),
    (b"\xA9nam", Trace::Tags),
    (b"\xA9cmt", Trace::Tags),
    (b"\xA9ART", Trace::Tags),
];

/// What is known of an init segment.
#[derive(Debug)]
pub(super) struct Scanned<'bytes> {
    /// What is to be overwritten.
    pub(super) cleaning: Cleaning<'bytes>,
    /// How the samples of its tracks are laid out, by `track_ID`.
    pub(super) layouts: Vec<(u32, Layout)>,
    /// Why that is not enough.
    pub(super) refusal: Option<Refusal>,
}

/// Goes through an init segment.
pub(super) fn scan(init: &InitSegment) -> Scanned<'_> {
    let mut scanned = Scanned {
        cleaning: Cleaning::of(init.bytes()),
        layouts: Vec::new(),
        refusal: None,
    };
    // `InitSegment::parse` saw that these are boxes, and one `moov` among them.
    for found in Boxes::of(init.bytes()).flatten() {
        match &found.kind.0 {
            b"ftyp" | b"pdin" => {}
            b"moov" => {
                if let Err(error) = scanned.movie(&found, init) {
                    scanned.refusal.get_or_insert(Refusal::Unreadable { error });
                }
            }
            _ => erase(&mut scanned.cleaning, &found),
        }
    }
    scanned
}

impl Scanned<'_> {
    fn movie(&mut self, moov: &MediaBox<'_>, init: &InitSegment) -> Result<(), BoxError> {
        let mut tracks = init.tracks().iter();
        for child in kept_children(&mut self.cleaning, moov)? {
            let descriptions = walk(&mut self.cleaning, child)?;
            if child.kind.0 != *b"trak" {
                continue;
            }
            let handler = handler(&child)?;
            if !WATCHED.contains(&&handler.0) {
                self.refusal.get_or_insert(if handler.0 == *b"tmcd" {
                    Refusal::TimeCodes
                } else {
                    Refusal::DataTrack { kind: handler }
                });
            }
            let mut layout = None;
            for stsd in descriptions {
                let read = entry::scan(&mut self.cleaning, &stsd, handler)?;
                layout = Layout::of_both(layout, read);
            }
            // Both are in the order of the file.
            if let (Some(track), Some(layout)) = (tracks.next(), layout) {
                self.layouts.push((track.id, layout));
            }
        }
        Ok(())
    }
}

/// What a track carries.
fn handler(trak: &MediaBox<'_>) -> Result<BoxType, BoxError> {
    let mut fields = trak.child(b"mdia")?.child(b"hdlr")?.fields();
    fields.skip(8)?;
    fields.four().map(BoxType)
}

/// Goes through a box and everything that is kept in it; gives back the sample descriptions.
fn walk<'bytes>(
    cleaning: &mut Cleaning<'_>,
    found: MediaBox<'bytes>,
) -> Result<Vec<MediaBox<'bytes>>, BoxError> {
    let mut descriptions = Vec::new();
    let mut open = vec![found];
    while let Some(found) = open.pop() {
        match &found.kind.0 {
            b"mvhd" | b"tkhd" | b"mdhd" => dates(cleaning, &found),
            b"hdlr" => name(cleaning, &found),
            b"dref" => places(cleaning, &found)?,
            b"stsd" => descriptions.push(found),
            _ => open.extend(kept_children(cleaning, &found)?),
        }
    }
    Ok(descriptions)
}

/// The boxes in `parent` that are kept; the others are erased. Nothing if its content is no boxes.
fn kept_children<'bytes>(
    cleaning: &mut Cleaning<'_>,
    parent: &MediaBox<'bytes>,
) -> Result<Vec<MediaBox<'bytes>>, BoxError> {
    let Some((_, kept)) = KEPT.iter().find(|(kind, _)| **kind == parent.kind.0) else {
        return Ok(Vec::new());
    };
    let mut found = children(parent)?;
    found.retain(|child| {
        let is_kept = kept.contains(&&child.kind.0);
        if !is_kept {
            erase(cleaning, child);
        }
        is_kept
    });
    Ok(found)
}

/// The boxes in `parent`, which `QuickTime` may end with zeros.
pub(super) fn children<'bytes>(
    parent: &MediaBox<'bytes>,
) -> Result<Vec<MediaBox<'bytes>>, BoxError> {
    let mut found: Vec<MediaBox<'bytes>> = Vec::new();
    for child in parent.children() {
        match child {
            Ok(child) => found.push(child),
            Err(error) => {
                let end = found
                    .last()
                    .map_or(parent.body_at, |last| last.body_at + last.body.len());
                let rest = parent.body.get(end - parent.body_at..).unwrap_or_default();
                if rest.iter().any(|byte| *byte != 0) {
                    return Err(error);
                }
            }
        }
    }
    Ok(found)
}

/// The content of a box after its first `skipped` bytes.
pub(super) fn inside<'bytes>(found: &MediaBox<'bytes>, skipped: usize) -> MediaBox<'bytes> {
    let skipped = skipped.min(found.body.len());
    MediaBox {
        body_at: found.body_at + skipped,
        body: found.body.get(skipped..).unwrap_or_default(),
        ..*found
    }
}

/// Makes padding of a box that nobody needs.
pub(super) fn erase(cleaning: &mut Cleaning<'_>, found: &MediaBox<'_>) {
    if is_empty_list(found) {
        return;
    }
    let (main, others) = match &found.kind.0 {
        b"udta" | b"meta" => about(found.body),
        _ => (Trace::PrivateBoxes, Traces::default()),
    };
    if cleaning.erase(found, main) {
        cleaning.note(others);
    }
}

/// Whether this is the list of tags that FFmpeg writes when there are none.
fn is_empty_list(found: &MediaBox<'_>) -> bool {
    let lists = match &found.kind.0 {
        b"udta" => children(found).unwrap_or_default(),
        b"meta" => vec![*found],
        _ => return false,
    };
    let says_nothing = |part: &MediaBox<'_>| {
        let text = match &part.kind.0 {
            b"hdlr" => part.body.get(24..),
            b"ilst" => Some(part.body),
            _ => None,
        };
        text.is_some_and(|text| text.iter().all(|byte| *byte == 0))
    };
    // None at all: content that is no boxes.
    !lists.is_empty()
        && lists.iter().all(|list| {
            // Its children come after the version and flags.
            let parts = children(&inside(list, 4)).unwrap_or_default();
            list.kind.0 == *b"meta" && !parts.is_empty() && parts.iter().all(says_nothing)
        })
}

/// What tags are about: one kind of trace, and which others.
fn about(tags: &[u8]) -> (Trace, Traces) {
    let holds = |needle: &[u8]| tags.windows(needle.len()).any(|part| part == needle);
    let found: Traces = NEEDLES
        .iter()
        .filter(|(needle, _)| holds(needle))
        .map(|(_, trace)| *trace)
        .collect();
    (found.iter().next().unwrap_or(Trace::Tags), found)
}

/// Times of creation and modification (§8.2.2, §8.3.2, §8.4.2): two fields after the flags.
fn dates(cleaning: &mut Cleaning<'_>, header: &MediaBox<'_>) {
    let len = if header.body.first() == Some(&1) {
        16
    } else {
        8
    };
    let at = header.body_at + 4;
    cleaning.fill(at..at + len, 0, Trace::Date);
}

/// The name in a `hdlr` box (§8.4.3), and the manufacturer that `QuickTime` has there.
fn name(cleaning: &mut Cleaning<'_>, header: &MediaBox<'_>) {
    let at = header.body_at;
    cleaning.fill(at + 12..at + 24, 0, Trace::Encoder);
    let name = header.body.get(24..).unwrap_or_default();
    let text = name.split(|byte| *byte == 0).next().unwrap_or_default();
    // In QuickTime its length comes first.
    let text = match text.split_first() {
        Some((len, rest)) if usize::from(*len) == rest.len() => rest,
        _ => text,
    };
    let is_usual = USUAL_NAMES.contains(&text)
        // And nothing after it.
        && name.iter().rev().skip_while(|byte| **byte == 0).count() <= text.len() + 1;
    if !is_usual {
        cleaning.fill(at + 24..at + 24 + name.len(), 0, Trace::TrackName);
    }
}

/// Where the media is (§8.7.2): in this very file. Anything else is the path of another one, with
/// the name of a volume or of a user.
fn places(cleaning: &mut Cleaning<'_>, dref: &MediaBox<'_>) -> Result<(), BoxError> {
    /// The entry is this file.
    const SELF_CONTAINED: [u8; 4] = [0, 0, 0, 1];
    for entry in children(&inside(dref, 8))? {
        let rest = entry.body_at + 4..entry.body_at + entry.body.len();
        if !rest.is_empty() && cleaning.fill(rest, 0, Trace::PrivateBoxes) {
            cleaning.put(entry.at + 4, *b"url ", Trace::PrivateBoxes);
            cleaning.put(entry.body_at, SELF_CONTAINED, Trace::PrivateBoxes);
        }
    }
    Ok(())
}
