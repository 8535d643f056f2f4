//! The descriptions of the samples (`stsd`, ISO/IEC 14496-12 §8.5.2): names of encoders in them, and
//! what they say about the samples.
//!
//! Belongs here: sample entries and the configuration of decoders, as far as text can hide in
//! there. Does not belong here: the samples.

use super::{
    super::boxes::{BoxError, BoxType, MediaBox},
    aac, av1,
    edit::Cleaning,
    header::{children, erase, inside},
    nal::{self, Codec},
    samples::Layout,
    trace::Trace,
};

/// Where the boxes of a picture's entry begin in its body (§12.1.3).
const AFTER_PICTURE: usize = 78;

/// The same for sound (§12.2.3), and for versions 1 and 2 of `QuickTime`'s sound description.
const AFTER_SOUND: [usize; 3] = [28, 44, 72];

/// Bytes of `compressorname`: a length and 31 characters.
const NAME_BYTES: usize = 32;

/// Names of compressors that say no more than the type of the entry.
const USUAL_NAMES: &[&[u8]] = &[
    b"",
    b"video",
    b"AVC Coding",
    b"HEVC Coding",
    b"VPC Coding",
    b"AOM Coding",
];

/// Goes through a `stsd` box. `None`: there is nothing in the samples that could be looked at.
pub(super) fn scan(
    cleaning: &mut Cleaning<'_>,
    stsd: &MediaBox<'_>,
    handler: BoxType,
) -> Result<Option<Layout>, BoxError> {
    let mut layout = None;
    // Version and flags, then how many entries follow.
    for entry in children(&inside(stsd, 8))? {
        let boxes = match &handler.0 {
            b"vide" | b"auxv" | b"pict" => {
                vendor(cleaning, &entry);
                compressor(cleaning, &entry);
                children(&inside(&entry, AFTER_PICTURE))?
            }
            b"soun" => {
                vendor(cleaning, &entry);
                sound_boxes(&entry)?
            }
            _ => continue,
        };
        let mut own = None;
        let mut open = boxes;
        while let Some(found) = open.pop() {
            let body = found.body_at..found.body_at + found.body.len();
            match &found.kind.0 {
                b"free" | b"skip" | b"uuid" | b"udta" | b"meta" | b"name" => {
                    erase(cleaning, &found);
                }
                // QuickTime's own box around what belongs to the decoder.
                b"wave" => open.extend(children(&found)?),
                b"avcC" => own = length_bytes(&found, 4).map(|len| Layout::Nal(Codec::H264, len)),
                b"hvcC" => {
                    nal::scan_configuration(cleaning, body);
                    own = length_bytes(&found, 21).map(|len| Layout::Nal(Codec::Hevc, len));
                }
                b"av1C" => {
                    av1::scan(cleaning, body.start.saturating_add(4)..body.end);
                    own = Some(Layout::Obus);
                }
                b"esds" if aac::is_described_by(found.body) => own = Some(Layout::Aac),
                _ => {}
            }
        }
        layout = Layout::of_both(layout, own);
    }
    Ok(layout)
}

/// The boxes of an entry for sound, wherever they begin.
fn sound_boxes<'bytes>(entry: &MediaBox<'bytes>) -> Result<Vec<MediaBox<'bytes>>, BoxError> {
    let mut found = AFTER_SOUND.map(|after| children(&inside(entry, after)));
    found.sort_by_key(Result::is_err);
    let [first, ..] = found;
    first
}

/// Who made the compressor, in `QuickTime`; zero everywhere else.
fn vendor(cleaning: &mut Cleaning<'_>, entry: &MediaBox<'_>) {
    let at = entry.body_at + 12;
    cleaning.fill(at..at + 4, 0, Trace::Encoder);
}

fn compressor(cleaning: &mut Cleaning<'_>, entry: &MediaBox<'_>) {
    let field = entry.body.get(42..42 + NAME_BYTES).unwrap_or_default();
    let Some((len, name)) = field.split_first() else {
        return;
    };
    let (text, rest) = name.split_at(usize::from(*len).min(name.len()));
    if !USUAL_NAMES.contains(&text) || rest.iter().any(|byte| *byte != 0) {
        let at = entry.body_at + 42;
        cleaning.fill(at..at + NAME_BYTES, 0, Trace::Encoder);
    }
}

/// How many bytes state the length of a NAL unit: two bits at `at`.
fn length_bytes(configuration: &MediaBox<'_>, at: usize) -> Option<usize> {
    let field = configuration.body.get(at)?;
    Some(usize::from(field & 3) + 1)
}
