//! The playlist that external players get: the complete segments of the current run.

use std::{fmt::Write as _, time::Duration};

use super::{playlist::numbered, rendition::Rendition};

/// A complete segment that external players can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedSegment {
    /// Its number; grows by one from segment to segment and never repeats.
    pub sequence: u64,
    /// Media time it covers.
    pub duration: Duration,
    /// What it costs.
    pub bytes: usize,
}

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Complete segments with consecutive numbers, oldest first.
    pub segments: Vec<ListedSegment>,
    /// What the encoder announced as the longest segment; the listed ones may raise it.
    pub target_duration: Duration,
    /// What is in them.
    pub rendition: Rendition,
}

impl Listing {
    /// Bits per second of the most expensive segment, and on average; `None` before the first one.
    pub fn rates(&self) -> Option<(u64, u64)> {
        let rate = |bytes: usize, media: Duration| {
            let bits_and_millis = (bytes as u128).saturating_mul(8_000);
            let rate = bits_and_millis.checked_div(media.as_millis())?;
            u64::try_from(rate).ok()
        };
        let all = self.segments.iter();
        let peak = all.clone().filter_map(|one| rate(one.bytes, one.duration));
        let media = all.clone().map(|one| one.duration);
        let media = media.fold(Duration::ZERO, Duration::saturating_add);
        let bytes = all.map(|one| one.bytes).sum();
        Some((peak.max()?, rate(bytes, media)?))
    }

    /// The text (RFC 8216). Version 7 is the first that allows fragmented MP4 with `EXT-X-MAP`.
    pub fn playlist(&self) -> String {
        let longest = self.segments.iter().map(|segment| segment.duration).max();
        let target = self.target_duration.max(longest.unwrap_or_default());
        // Section 4.3.3.1: each duration, rounded, is at most the target.
        let target = target.as_secs() + u64::from(target.subsec_nanos() > 0);
        let first = self.segments.first().map_or(0, |segment| segment.sequence);
        let (init, name) = match self.rendition {
            Rendition::Full => ("init.mp4", FULL),
            Rendition::Sound => ("audio-init.mp4", SOUND),
        };
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{first}\n\
             #EXT-X-MAP:URI=\"{init}\"\n",
            target.max(1)
        );
        for segment in &self.segments {
            let seconds = segment.duration.as_secs_f64();
            let sequence = segment.sequence;
            // Writing to a String cannot fail.
            let _written = write!(text, "#EXTINF:{seconds:.3},\n{name}{sequence}.m4s\n");
        }
        text
    }
}

/// What the names of segments begin with.
const FULL: &str = "stream";

/// The same for those with the sound alone.
const SOUND: &str = "audio";

/// Which segment has this name in our playlists.
pub fn segment_named(name: &str) -> Option<(Rendition, u64)> {
    let full = numbered(name, FULL).map(|number| (Rendition::Full, number));
    full.or_else(|| Some((Rendition::Sound, numbered(name, SOUND)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::playlist::Playlist;

    #[test]
    fn our_own_reader_accepts_what_is_written() {
        let segments = (7..10)
            .map(|sequence| ListedSegment {
                sequence,
                duration: Duration::from_millis(2040),
                bytes: 51_000,
            })
            .collect();
        let listing = Listing {
            segments,
            target_duration: Duration::from_secs(2),
            rendition: Rendition::Full,
        };
        assert_eq!(listing.rates(), Some((200_000, 200_000)));

        let text = listing.playlist();
        let read = Playlist::parse(text.as_bytes()).unwrap();

        assert_eq!(
            read.target_duration,
            Duration::from_secs(3),
            "not shorter than a segment"
        );
        assert_eq!((read.media_sequence, read.ended), (7, false));
        let numbers: Vec<_> = read.segments.iter().map(|entry| entry.number).collect();
        assert_eq!(numbers, [7, 8, 9]);
    }

    #[test]
    fn a_broadcast_that_has_just_begun_has_an_empty_playlist() {
        let listing = Listing {
            segments: Vec::new(),
            target_duration: Duration::ZERO,
            rendition: Rendition::Full,
        };
        assert_eq!(listing.rates(), None);

        assert!(
            Playlist::parse(listing.playlist().as_bytes())
                .unwrap()
                .segments
                .is_empty()
        );
    }

    #[test]
    fn the_sound_has_names_of_its_own_which_lead_back_to_it() {
        let listing = Listing {
            segments: vec![ListedSegment {
                sequence: 12,
                duration: Duration::from_secs(2),
                bytes: 0,
            }],
            target_duration: Duration::ZERO,
            rendition: Rendition::Sound,
        };

        let text = listing.playlist();

        assert!(text.contains("URI=\"audio-init.mp4\""), "{text}");
        assert_eq!(
            text.lines().last().and_then(segment_named),
            Some((Rendition::Sound, 12))
        );
        assert_eq!(segment_named("stream3.m4s"), Some((Rendition::Full, 3)));
        for name in ["audio03.m4s", "audio.m4s", "audio+3.m4s", "init.mp4", ""] {
            assert_eq!(segment_named(name), None, "{name}");
        }
    }
}
