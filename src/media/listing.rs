//! The playlist that external players get: the complete segments of the current run.

use std::{fmt::Write as _, time::Duration};

/// A complete segment that external players can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedSegment {
    /// Its number; grows by one from segment to segment and never repeats.
    pub sequence: u64,
    /// Media time it covers.
    pub duration: Duration,
}

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Complete segments with consecutive numbers, oldest first.
    pub segments: Vec<ListedSegment>,
    /// What the encoder announced as the longest segment; the listed ones may raise it.
    pub target_duration: Duration,
}

impl Listing {
    /// The text (RFC 8216). Version 7 is the first that allows fragmented MP4 with `EXT-X-MAP`.
    pub fn playlist(&self) -> String {
        let longest = self.segments.iter().map(|segment| segment.duration).max();
        let target = self.target_duration.max(longest.unwrap_or_default());
        // Section 4.3.3.1: each duration, rounded, is at most the target.
        let target = target.as_secs() + u64::from(target.subsec_nanos() > 0);
        let first = self.segments.first().map_or(0, |segment| segment.sequence);
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{first}\n\
             #EXT-X-MAP:URI=\"init.mp4\"\n",
            target.max(1)
        );
        for ListedSegment { sequence, duration } in &self.segments {
            let seconds = duration.as_secs_f64();
            // Writing to a String cannot fail.
            let _written = write!(text, "#EXTINF:{seconds:.3},\nstream{sequence}.m4s\n");
        }
        text
    }
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
            })
            .collect();
        let listing = Listing {
            segments,
            target_duration: Duration::from_secs(2),
        };

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
        };

        assert!(
            Playlist::parse(listing.playlist().as_bytes())
                .unwrap()
                .segments
                .is_empty()
        );
    }
}
