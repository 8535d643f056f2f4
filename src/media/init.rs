//! The init segment: `ftyp` + `moov`, what a player needs before the first fragment.
//!
//! Belongs here: checking such a file and the few facts about its tracks that rules need.
//! Does not belong here: what decoders need, samples, where the file comes from.

mod entry;

use std::fmt;

use bytes::Bytes;
use thiserror::Error;

pub use self::entry::SampleEntry;
use super::boxes::{BoxError, BoxHeader, BoxType, MediaBox};

/// Longest accepted init segment, in bytes.
///
/// FFmpeg writes about 1.3 KiB; a megabyte leaves room for any decoder configuration.
pub const MAX_INIT_BYTES: usize = 1024 * 1024;

/// Most tracks of an init segment.
const MAX_TRACKS: usize = 8;

/// Why bytes are not an init segment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InitError {
    /// The file is empty or ends inside a box: whoever writes it has not finished yet.
    #[error("the init segment is not complete yet")]
    Incomplete,
    /// Longer than [`MAX_INIT_BYTES`].
    #[error("the init segment has more than {MAX_INIT_BYTES} bytes")]
    TooLarge,
    /// A `moof` or `mdat`: FFmpeg's hls muxer puts the first segment here if it is given
    /// fragment options.
    #[error(
        "the init segment contains media (`{kind}`); leave out fragment options such as \
         `frag_duration` with `-f hls`, or use `-f segment`"
    )]
    ContainsMedia {
        /// The first box that is media.
        kind: BoxType,
    },
    /// The first box is not `ftyp`.
    #[error("the init segment begins with `{kind}` instead of `ftyp`")]
    NoFtyp {
        /// The first box.
        kind: BoxType,
    },
    /// A box that does not belong at the top of an init segment.
    #[error("`{kind}` does not belong into an init segment")]
    Unexpected {
        /// Its type.
        kind: BoxType,
    },
    /// Not boxes, or not the boxes that must be there.
    #[error(transparent)]
    Malformed(#[from] BoxError),
    /// No track, more than 8, or two with the same number.
    #[error("the init segment must have 1 to {MAX_TRACKS} tracks with different numbers")]
    Tracks,
    /// A timescale of 0.
    #[error("track {track_id} has no timescale")]
    NoTimescale {
        /// Its `track_ID`.
        track_id: u32,
    },
}

/// What a track carries, from its `hdlr` box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackKind {
    /// `vide`.
    Video,
    /// `soun`.
    Audio,
    /// Anything else; forwarded, but no rule looks at it.
    Other,
}

/// One track of an [`InitSegment`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// `track_ID` of `tkhd`.
    pub id: u32,
    /// What it carries.
    pub kind: TrackKind,
    /// Ticks per second of its decode times (`mdhd`), never 0.
    pub timescale: u32,
    /// `default_sample_duration` of its `trex`, in ticks.
    pub default_sample_duration: u32,
    /// `default_sample_size` of its `trex`, in bytes.
    pub default_sample_size: u32,
    /// `default_sample_flags` of its `trex`.
    pub default_sample_flags: u32,
    /// What the samples are, if the file tells. No rule depends on it; people are told.
    pub entry: Option<SampleEntry>,
}

/// A complete, checked init segment. Cheap to clone; equal when the bytes are equal.
#[derive(Clone)]
pub struct InitSegment {
    bytes: Bytes,
    tracks: Vec<Track>,
}

impl PartialEq for InitSegment {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for InitSegment {}

impl fmt::Debug for InitSegment {
    /// Everything but the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitSegment")
            .field("len", &self.bytes.len())
            .field("tracks", &self.tracks)
            .finish_non_exhaustive()
    }
}

impl InitSegment {
    /// Checks a whole init segment: `ftyp` first, then one `moov`; `free`, `skip` and metadata
    /// boxes may lie around.
    ///
    /// # Errors
    ///
    /// [`InitError::Incomplete`] means "not yet": ask again when the file has grown. Everything
    /// else is for good.
    pub fn parse(bytes: Bytes) -> Result<Self, InitError> {
        let mut moov = None;
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let header = BoxHeader::read(rest, at as u64)?.ok_or(InitError::Incomplete)?;
            let kind = header.kind;
            match &kind.0 {
                b"moof" | b"mdat" | b"styp" | b"sidx" => {
                    return Err(InitError::ContainsMedia { kind });
                }
                b"ftyp" if at == 0 => {}
                _ if at == 0 => return Err(InitError::NoFtyp { kind }),
                b"moov" | b"free" | b"skip" | b"meta" | b"uuid" | b"pdin" => {}
                _ => return Err(InitError::Unexpected { kind }),
            }
            let size = usize::try_from(header.size).map_err(|_| InitError::TooLarge)?;
            let end = at.saturating_add(size);
            if end > MAX_INIT_BYTES {
                return Err(InitError::TooLarge);
            }
            let body = rest
                .get(header.header_len..size)
                .ok_or(InitError::Incomplete)?;
            if kind.0 == *b"moov" {
                let found = MediaBox {
                    kind,
                    at,
                    body_at: at + header.header_len,
                    body,
                };
                if moov.replace(found).is_some() {
                    let parent = BoxType(*b"file");
                    return Err(BoxError::Twice { kind, parent }.into());
                }
            }
            at = end;
        }
        let tracks = tracks(&moov.ok_or(InitError::Incomplete)?)?;
        Ok(Self { bytes, tracks })
    }

    /// The bytes as they are sent.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The tracks, in the order of the file.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Whether any track is video.
    pub fn has_video(&self) -> bool {
        self.tracks
            .iter()
            .any(|track| track.kind == TrackKind::Video)
    }

    /// The track with that `track_ID`.
    pub fn track(&self, id: u32) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == id)
    }
}

fn tracks(moov: &MediaBox<'_>) -> Result<Vec<Track>, InitError> {
    let defaults = moov.child(b"mvex")?;
    let mut tracks: Vec<Track> = Vec::new();
    for child in moov.children() {
        let child = child?;
        if child.kind.0 != *b"trak" {
            continue;
        }
        let track = track(&child, &defaults)?;
        if tracks.len() == MAX_TRACKS || tracks.iter().any(|other| other.id == track.id) {
            return Err(InitError::Tracks);
        }
        tracks.push(track);
    }
    if tracks.is_empty() {
        return Err(InitError::Tracks);
    }
    Ok(tracks)
}

/// One `trak` with its defaults from the `trex` of the same track in `mvex`.
fn track(trak: &MediaBox<'_>, mvex: &MediaBox<'_>) -> Result<Track, InitError> {
    let id = track_id(trak)?;
    let mdia = trak.child(b"mdia")?;
    let timescale = after_dates(&mdia.child(b"mdhd")?)?;
    if timescale == 0 {
        return Err(InitError::NoTimescale { track_id: id });
    }
    let mut handler = mdia.child(b"hdlr")?.fields();
    handler.skip(8)?;
    let kind = match &handler.four()? {
        b"vide" => TrackKind::Video,
        b"soun" => TrackKind::Audio,
        _ => TrackKind::Other,
    };
    for trex in mvex.children() {
        let trex = trex?;
        if trex.kind.0 != *b"trex" {
            continue;
        }
        let mut fields = trex.fields();
        fields.version_and_flags()?;
        if fields.u32()? != id {
            continue;
        }
        fields.u32()?;
        return Ok(Track {
            id,
            kind,
            timescale,
            default_sample_duration: fields.u32()?,
            default_sample_size: fields.u32()?,
            default_sample_flags: fields.u32()?,
            entry: SampleEntry::read(&mdia, kind),
        });
    }
    Err(BoxError::Missing {
        kind: BoxType(*b"trex"),
        parent: mvex.kind,
    }
    .into())
}

/// The `track_ID` of a `trak`.
pub(super) fn track_id(trak: &MediaBox<'_>) -> Result<u32, BoxError> {
    after_dates(&trak.child(b"tkhd")?)
}

/// The 32-bit field that `tkhd` and `mdhd` have after their two dates (64 bits each in version 1).
fn after_dates(header: &MediaBox<'_>) -> Result<u32, BoxError> {
    let mut fields = header.fields();
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 1 { 16 } else { 8 })?;
    fields.u32()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::fragment::sample::{a_box, audio_and_video, init_with, track_boxes};

    #[test]
    fn the_tracks_are_read_with_their_defaults() {
        let init = InitSegment::parse(audio_and_video()).unwrap();

        let kinds: Vec<_> = init
            .tracks()
            .iter()
            .map(|t| (t.id, t.kind, t.timescale))
            .collect();
        assert_eq!(
            kinds,
            [(1, TrackKind::Video, 12_800), (2, TrackKind::Audio, 48_000)]
        );
        assert_eq!(init.track(2).unwrap().default_sample_duration, 1024);
        assert_eq!(init.track(1).unwrap().default_sample_flags, 0x0001_0000);
        assert!(init.has_video());
    }

    #[test]
    fn every_beginning_of_an_init_segment_is_not_yet() {
        let whole = audio_and_video();
        for cut in 0..whole.len() {
            assert_eq!(
                InitSegment::parse(whole.slice(..cut)),
                Err(InitError::Incomplete),
                "{cut}"
            );
        }
    }

    #[test]
    fn an_init_file_with_media_in_it_is_refused_and_says_what_to_do() {
        let bytes = [&audio_and_video()[..], &a_box(b"moof", &[0; 20])].concat();

        let error = InitSegment::parse(bytes.into()).unwrap_err();

        assert_eq!(
            error,
            InitError::ContainsMedia {
                kind: BoxType(*b"moof")
            }
        );
        assert!(error.to_string().contains("-f segment"));
    }

    #[test]
    fn padding_and_metadata_around_the_moov_are_allowed() {
        let bytes = [&audio_and_video()[..], &a_box(b"free", &[0; 9])].concat();

        InitSegment::parse(bytes.into()).unwrap();
    }

    #[test]
    fn files_that_are_no_init_segment_are_refused() {
        let ftyp = a_box(b"ftyp", b"iso5");
        let table = [
            (
                a_box(b"moov", b""),
                InitError::NoFtyp {
                    kind: BoxType(*b"moov"),
                },
            ),
            (
                [ftyp.clone(), a_box(b"ftyp", b"")].concat(),
                InitError::Unexpected {
                    kind: BoxType(*b"ftyp"),
                },
            ),
            (
                [ftyp.clone(), a_box(b"moov", b"")].concat(),
                BoxError::Missing {
                    kind: BoxType(*b"mvex"),
                    parent: BoxType(*b"moov"),
                }
                .into(),
            ),
            (
                [
                    ftyp,
                    0x7000_0000_u32.to_be_bytes().to_vec(),
                    b"moov".to_vec(),
                ]
                .concat(),
                InitError::TooLarge,
            ),
            (init_with(&[]), InitError::Tracks),
            (
                init_with(&[track_boxes(1, b"vide", 1), track_boxes(1, b"soun", 1)]),
                InitError::Tracks,
            ),
            (
                init_with(
                    &(1..=9)
                        .map(|id| track_boxes(id, b"soun", 1))
                        .collect::<Vec<_>>(),
                ),
                InitError::Tracks,
            ),
            (
                init_with(&[track_boxes(3, b"vide", 0)]),
                InitError::NoTimescale { track_id: 3 },
            ),
        ];
        for (bytes, expected) in table {
            assert_eq!(InitSegment::parse(bytes.into()), Err(expected));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            flips in proptest::collection::vec((0_usize..800, any::<u8>()), 1..6),
        ) {
            drop(InitSegment::parse(bytes.into()));
            let mut mutated = audio_and_video().to_vec();
            for (at, flip) in flips {
                if let Some(byte) = mutated.get_mut(at) {
                    *byte ^= flip;
                }
            }
            drop(InitSegment::parse(mutated.into()));
        }
    }
}
