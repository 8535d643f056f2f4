//! What a clip must be like to be played in the place of a stream: read from its init segment.
//!
//! Belongs here: the few facts of sample entries and decoder configurations that decide it
//! (ISO/IEC 14496-12 §12, 14496-15 §5.3, 14496-3 §1.6, the mappings of VP9, AV1 and Opus).

use super::{
    super::{
        boxes::{BoxError, BoxType, Boxes, MediaBox},
        init::{self, InitSegment, TrackKind},
    },
    SpliceError,
    parameters::Parameters,
};

/// What a clip must be like to be played in the place of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Likeness {
    /// The picture, if there is one.
    pub picture: Option<Picture>,
    /// The sound, if there is any.
    pub sound: Option<Sound>,
}

/// What its picture is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// How it is encoded: 8 bits a colour, 4:2:0.
    pub codec: PictureCodec,
    /// Width and height in pixels: even, 16 to 4096.
    pub size: (u16, u16),
    /// Ticks a second.
    pub timescale: u32,
}

/// How a picture is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureCodec {
    /// H.264 of this profile: 66, 77 or 100.
    H264(u8),
    /// VP9, profile 0.
    Vp9,
    /// AV1, main profile.
    Av1,
}

/// What its sound is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sound {
    /// How it is encoded.
    pub codec: SoundCodec,
    /// Samples a second, which are also its ticks.
    pub rate: u32,
    /// How many channels.
    pub channels: u8,
}

/// How sound is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoundCodec {
    /// AAC, low complexity, 1024 samples a frame.
    Aac,
    /// Opus.
    Opus,
}

/// Sides of a picture, in pixels.
const SIDES: std::ops::RangeInclusive<u16> = 16..=4096;

/// Fewest ticks a second of a picture: as many as it has frames.
const FEWEST_TICKS: u32 = 10;

impl Likeness {
    /// What a clip must be like to be played in the place of the stream with this init segment.
    ///
    /// # Errors
    ///
    /// There can be no such clip.
    pub fn of(init: &InitSegment) -> Result<Self, SpliceError> {
        described(init).map(|described| described.likeness())
    }

    /// Whether a decoder of one takes the other, which says in its keyframes what is different.
    pub(super) fn is_decoded_like(&self, other: &Self) -> bool {
        let picture = match (self.picture, other.picture) {
            (Some(own), Some(other)) => {
                let codec = match (own.codec, other.codec) {
                    (PictureCodec::H264(_), PictureCodec::H264(_)) => true,
                    (own, other) => own == other,
                };
                codec && own.timescale == other.timescale
            }
            (own, other) => own == other,
        };
        picture && self.sound == other.sound
    }
}

/// The tracks of an init segment as far as a splice minds.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) picture: Option<Track<Picture>>,
    pub(super) sound: Option<Track<Sound>>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Track<T> {
    pub(super) id: u32,
    what: T,
    /// What a decoder is told beside the samples.
    pub(super) parameters: Option<Parameters>,
}

impl Described {
    pub(super) fn picture_id(&self) -> Option<u32> {
        self.picture.as_ref().map(|track| track.id)
    }

    pub(super) fn sound_id(&self) -> Option<u32> {
        self.sound.as_ref().map(|track| track.id)
    }

    pub(super) fn likeness(&self) -> Likeness {
        Likeness {
            picture: self.picture.as_ref().map(|track| track.what),
            sound: self.sound.as_ref().map(|track| track.what),
        }
    }
}

/// Reads the tracks of an init segment.
pub(super) fn described(init: &InitSegment) -> Result<Described, SpliceError> {
    let missing = |kind| BoxError::Missing {
        kind: BoxType(kind),
        parent: BoxType(*b"file"),
    };
    let moov = Boxes::of(init.bytes())
        .flatten()
        .find(|found| found.kind.0 == *b"moov")
        .ok_or(missing(*b"moov"))?;
    let mut found = Described {
        picture: None,
        sound: None,
    };
    for child in moov.children() {
        let child = child?;
        if child.kind.0 != *b"trak" {
            continue;
        }
        let id = init::track_id(&child)?;
        let track = init.track(id).ok_or(SpliceError::Tracks)?;
        if track.kind == TrackKind::Other {
            return Err(SpliceError::Tracks);
        }
        let entry = only_entry(&child)?;
        let is_second = match track.kind {
            TrackKind::Video => found
                .picture
                .replace(picture(&entry, id, track.timescale)?)
                .is_some(),
            TrackKind::Audio => found
                .sound
                .replace(sound(&entry, id, track.timescale)?)
                .is_some(),
            TrackKind::Other => true,
        };
        if is_second {
            return Err(SpliceError::Tracks);
        }
    }
    Ok(found)
}

/// The description of the samples of a track; with several of them each fragment may follow another
/// one.
fn only_entry<'bytes>(trak: &MediaBox<'bytes>) -> Result<MediaBox<'bytes>, SpliceError> {
    let stbl = trak.child(b"mdia")?.child(b"minf")?.child(b"stbl")?;
    let stsd = stbl.child(b"stsd")?;
    // Version and flags, then how many entries follow.
    let mut entries = after(&stsd, 8).children();
    let missing = BoxError::ShortFields { kind: stsd.kind };
    let entry = entries.next().ok_or(missing)??;
    match entries.next() {
        None => Ok(entry),
        Some(_) => Err(SpliceError::Tracks),
    }
}

/// The boxes in `found` after its first bytes.
fn after<'bytes>(found: &MediaBox<'bytes>, skipped: usize) -> MediaBox<'bytes> {
    MediaBox {
        body: found.body.get(skipped..).unwrap_or_default(),
        body_at: found.body_at.saturating_add(skipped),
        ..*found
    }
}

fn picture(entry: &MediaBox<'_>, id: u32, timescale: u32) -> Result<Track<Picture>, SpliceError> {
    let mut fields = entry.fields();
    fields.skip(24)?;
    let [a, b, c, d] = fields.four()?;
    let size = [[a, b], [c, d]].map(|side| u16::from_be_bytes(side) & !1);
    let boxes = after(entry, 78);
    let (codec, parameters) = match &entry.kind.0 {
        b"avc1" | b"avc3" => {
            let (profile, parameters) = Parameters::of_avc(boxes.child(b"avcC")?.body)
                .ok_or(SpliceError::Picture("an unusual `avcC`"))?;
            let codec = match profile {
                66 | 77 | 100 => PictureCodec::H264(profile),
                88 => PictureCodec::H264(77),
                _ => {
                    return Err(SpliceError::Picture(
                        "more than 8 bits a colour or other than 4:2:0",
                    ));
                }
            };
            (codec, Some(parameters))
        }
        b"vp09" => match boxes.child(b"vpcC")?.body {
            [1, _, _, _, 0, ..] => (PictureCodec::Vp9, None),
            _ => return Err(SpliceError::Picture("another profile of VP9 than 0")),
        },
        b"av01" => {
            let parameters = Parameters::of_av1(boxes.child(b"av1C")?.body).ok_or(
                SpliceError::Picture("another AV1 than 8 bits a colour, 4:2:0"),
            )?;
            (PictureCodec::Av1, Some(parameters))
        }
        _ => return Err(SpliceError::Codec { kind: entry.kind }),
    };
    let [width, height] = size;
    if !SIDES.contains(&width) || !SIDES.contains(&height) {
        return Err(SpliceError::Picture(
            "a side of less than 16 or more than 4096 pixels",
        ));
    }
    if timescale < FEWEST_TICKS {
        return Err(SpliceError::Picture("less than ten ticks a second"));
    }
    Ok(Track {
        id,
        what: Picture {
            codec,
            size: (width, height),
            timescale,
        },
        parameters,
    })
}

fn sound(entry: &MediaBox<'_>, id: u32, timescale: u32) -> Result<Track<Sound>, SpliceError> {
    let boxes = after(entry, 28);
    let what = match &entry.kind.0 {
        b"mp4a" => {
            let esds = boxes.child(b"esds")?.body;
            aac(esds).ok_or(SpliceError::Sound("another AAC than low complexity"))?
        }
        b"Opus" => match boxes.child(b"dOps")?.body {
            // Version, channels, pre-skip, rate of the source, gain, mapping family.
            &[0, channels @ 1..=2, _, _, _, _, _, _, _, _, 0, ..] => Sound {
                codec: SoundCodec::Opus,
                rate: 48_000,
                channels,
            },
            _ => return Err(SpliceError::Sound("more than two channels of Opus")),
        },
        _ => return Err(SpliceError::Codec { kind: entry.kind }),
    };
    if what.rate != timescale {
        return Err(SpliceError::Sound(
            "other ticks than its samples; write it anew with `-c copy`",
        ));
    }
    Ok(Track {
        id,
        what,
        parameters: None,
    })
}

/// Sampling frequencies by their index (ISO/IEC 14496-3 §1.6.3.4).
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// Reads the `AudioSpecificConfig` in an `esds` box. `None` if it is not plain AAC.
fn aac(esds: &[u8]) -> Option<Sound> {
    // Version and flags, then descriptors in each other: a stream, its decoder, what is for that.
    let stream = descriptor(esds.get(4..)?, 0x03)?;
    let flags = *stream.get(2)?;
    // A stream it depends on, a URL, a clock: nobody writes them into MP4.
    let decoder = descriptor(stream.get(3..)?, 0x04).filter(|_| flags & 0xE0 == 0)?;
    // MPEG-4 sound, or the low complexity of MPEG-2.
    matches!(decoder.first()?, 0x40 | 0x67).then_some(())?;
    let config = descriptor(decoder.get(13..)?, 0x05)?;
    let [a, b, rest @ ..] = config else {
        return None;
    };
    let bits = u16::from_be_bytes([*a, *b]);
    let is_low_complexity = bits >> 11 == 2;
    let rate = *RATES.get(usize::from(bits >> 7 & 0xF))?;
    let channels = u8::try_from(bits >> 3 & 0xF).ok()?;
    // Frames of 960, a core coder, an extension.
    let is_plain = bits.trailing_zeros() >= 3;
    // What may follow says whether there are higher tones beside: `2B7`, SBR, and its bit.
    let has_higher = match rest {
        [0x56, 0xE5, bit, ..] => bit & 0x80 != 0,
        [0x56, ..] => true,
        _ => false,
    };
    let is_usual = is_low_complexity && is_plain && !has_higher && matches!(channels, 1 | 2 | 6);
    is_usual.then_some(Sound {
        codec: SoundCodec::Aac,
        rate,
        channels,
    })
}

/// The content of the descriptor with this tag that `bytes` begin with (ISO/IEC 14496-1 §8.3.3).
fn descriptor(bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    let (tag, mut rest) = bytes.split_first()?;
    if *tag != wanted {
        return None;
    }
    let mut len = 0_usize;
    for _byte in 0..4 {
        let (byte, after) = rest.split_first()?;
        rest = after;
        len = len << 7 | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return rest.get(..len);
        }
    }
    None
}
