//! The init segment: `ftyp` + `moov`, what a player needs before the first fragment.

use bytes::Bytes;

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
    /// `default_sample_flags` of its `trex`.
    pub default_sample_flags: u32,
}

/// A complete, checked init segment. Cheap to clone; equal when the bytes are equal.
#[derive(Debug, Clone)]
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

impl InitSegment {
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
}
