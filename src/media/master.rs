//! The master playlist: which media playlists there are of one broadcast (RFC 8216 §4.3.4.2).

use std::fmt::Write as _;

use bytes::Bytes;

use super::{codecs::codecs, init::InitSegment, listing::Listing};

/// A media playlist that external players can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Its address, relative to that of the master playlist; nothing that needs quoting.
    pub address: String,
    /// Bits per second of its most expensive segment.
    pub peak: u64,
    /// Bits per second on average.
    pub average: u64,
    /// Width and height of the picture in pixels.
    pub size: Option<(u16, u16)>,
    /// See [`super::codecs::codecs`].
    pub codecs: Option<String>,
}

impl Stream {
    /// What is known of the stream with this init segment; `so_far` is its rate before the first
    /// segment is complete.
    pub fn of(address: String, init: Bytes, listing: &Listing, so_far: Option<u64>) -> Self {
        let (peak, average) = listing.rates().unwrap_or_else(|| {
            let rate = so_far.unwrap_or(0);
            (rate, rate)
        });
        // It was checked when it came.
        let init = InitSegment::parse(init).ok();
        let tracks = init.as_ref().map(InitSegment::tracks).unwrap_or_default();
        Self {
            address,
            peak,
            average,
            size: tracks.iter().find_map(|track| track.entry?.size),
            codecs: init.as_ref().and_then(codecs),
        }
    }
}

/// The text; players start with the first one.
pub fn playlist(streams: &[Stream]) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n".to_owned();
    for stream in streams {
        let Stream {
            address,
            peak,
            average,
            size,
            codecs,
        } = stream;
        // Writing to a String cannot fail. A bandwidth is required, and 0 is none.
        let (peak, average) = (peak.max(average).max(&1), average.max(&1));
        let _written = write!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average}"
        );
        if let Some((width, height)) = size {
            let _written = write!(text, ",RESOLUTION={width}x{height}");
        }
        if let Some(codecs) = codecs {
            let _written = write!(text, ",CODECS=\"{codecs}\"");
        }
        let _written = write!(text, "\n{address}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stream_says_what_it_costs_and_what_is_known_of_it() {
        let source = Stream {
            address: "stream.m3u8".to_owned(),
            peak: 640_000,
            average: 580_000,
            size: Some((640, 360)),
            codecs: Some("avc1.4D401E,mp4a.40.2".to_owned()),
        };
        let new = Stream {
            address: "audio.m3u8".to_owned(),
            peak: 0,
            average: 0,
            size: None,
            codecs: None,
        };
        assert_eq!(
            playlist(&[source, new]),
            "#EXTM3U\n#EXT-X-VERSION:7\n\
             #EXT-X-STREAM-INF:BANDWIDTH=640000,AVERAGE-BANDWIDTH=580000,RESOLUTION=640x360,\
             CODECS=\"avc1.4D401E,mp4a.40.2\"\nstream.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1,AVERAGE-BANDWIDTH=1\naudio.m3u8\n"
        );
    }
}
