//! What the samples of a track are (`stsd`, ISO/IEC 14496-12 §8.5.2): for people, not for rules.
//!
//! Belongs here: the name of the codec and the size of the picture. Does not belong here: profiles,
//! levels, anything a decoder needs.

use super::{
    super::boxes::{BoxError, BoxType, MediaBox},
    TrackKind,
};

/// The first sample entry of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleEntry {
    /// Its four characters, such as `avc1`.
    pub format: BoxType,
    /// Width and height of the picture in pixels; `None` if it is no picture.
    pub size: Option<(u16, u16)>,
}

impl SampleEntry {
    /// The first sample entry below `mdia`; `None` if there is none, or it makes no sense: a stream
    /// that plays must not be refused because of something that is only shown.
    pub(super) fn read(mdia: &MediaBox<'_>, kind: TrackKind) -> Option<Self> {
        Self::try_read(mdia, kind).ok().flatten()
    }

    fn try_read(mdia: &MediaBox<'_>, kind: TrackKind) -> Result<Option<Self>, BoxError> {
        let stsd = mdia.child(b"minf")?.child(b"stbl")?.child(b"stsd")?;
        // Version and flags, then how many entries follow.
        let entries = MediaBox {
            body: stsd.body.get(8..).unwrap_or_default(),
            ..stsd
        };
        let Some(entry) = entries.children().next().transpose()? else {
            return Ok(None);
        };
        let mut size = None;
        if kind == TrackKind::Video {
            let mut fields = entry.fields();
            // Reserved and the data reference (8 bytes), then 16 that are predefined (§12.1.3).
            fields.skip(24)?;
            let [a, b, c, d] = fields.four()?;
            size = Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
        }
        Ok(Some(Self {
            format: entry.kind,
            size,
        }))
    }

    /// The name people know the codec by; `None` for a format that is not among the usual ones.
    pub fn codec(&self) -> Option<&'static str> {
        Some(match &self.format.0 {
            b"avc1" | b"avc3" => "H.264",
            b"hvc1" | b"hev1" => "HEVC",
            b"vp08" => "VP8",
            b"vp09" => "VP9",
            b"av01" => "AV1",
            // Also MP3, which nobody puts into a live stream.
            b"mp4a" => "AAC",
            b"Opus" => "Opus",
            b"fLaC" => "FLAC",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{
        boxes::Boxes,
        fragment::sample::{a_box, words},
    };

    /// An `mdia` with one sample entry.
    fn mdia(format: &[u8], body: &[u8]) -> Vec<u8> {
        let stsd = [words(&[0, 1]), a_box(format, body)].concat();
        let stbl = a_box(b"stbl", &a_box(b"stsd", &stsd));
        a_box(b"mdia", &a_box(b"minf", &stbl))
    }

    fn read(bytes: &[u8], kind: TrackKind) -> Option<SampleEntry> {
        SampleEntry::read(&Boxes::of(bytes).next().unwrap().unwrap(), kind)
    }

    #[test]
    fn codec_and_size_of_the_picture_are_found() {
        let body = [vec![0; 24], words(&[0x0280_0168]), vec![0; 50]].concat();

        let video = read(&mdia(b"avc1", &body), TrackKind::Video).unwrap();
        let sound = read(&mdia(b"Opus", &body), TrackKind::Audio).unwrap();

        assert_eq!(
            (video.codec(), video.size),
            (Some("H.264"), Some((640, 360)))
        );
        assert_eq!((sound.codec(), sound.size), (Some("Opus"), None));
    }

    #[test]
    fn what_is_missing_or_cut_off_is_nothing_and_no_error() {
        let nothing_in_it = a_box(b"mdia", &[]);
        let no_entry = a_box(
            b"mdia",
            &a_box(b"minf", &a_box(b"stbl", &a_box(b"stsd", &[]))),
        );
        for bytes in [nothing_in_it, no_entry, mdia(b"vp09", &[0; 25])] {
            assert_eq!(read(&bytes, TrackKind::Video), None);
        }
    }
}
