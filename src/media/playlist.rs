//! A strict reader of the playlist `stream.m3u8` (RFC 8216), as FFmpeg's hls and segment muxers
//! and OBS write it.
//!
//! Belongs here: which segments the playlist names, and whether it has ended.
//! Does not belong here: files. Segments are numbers, so that no string of a playlist ever
//! becomes a path.

use std::{str::FromStr, time::Duration};

use thiserror::Error;

/// Longest accepted playlist, in bytes.
///
/// 120 segments, a common length, are 6 KiB. This bounds the number of segments, too: the shortest
/// entry has 22 bytes, so there are never 3,000.
pub const MAX_PLAYLIST_BYTES: usize = 64 * 1024;

/// Largest segment number and media sequence: what a double can count (2^53).
const MAX_NUMBER: u64 = 1 << 53;

/// Longest segment and target duration, in seconds.
const MAX_SECONDS: f64 = 600.0;

/// The only name of the init segment.
const INIT_NAME: &str = "init.mp4";

/// Why bytes are not a playlist of this stream.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct PlaylistError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: PlaylistReason,
}

/// What is wrong with a line of a playlist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlaylistReason {
    /// More than [`MAX_PLAYLIST_BYTES`].
    #[error("the playlist has more than {MAX_PLAYLIST_BYTES} bytes")]
    TooLarge,
    /// Bytes that are not UTF-8.
    #[error("not UTF-8 text")]
    NotText,
    /// The first line is something else.
    #[error("a playlist begins with `#EXTM3U`")]
    NotAPlaylist,
    /// It lists other playlists.
    #[error("this is a master playlist; write the media playlist itself to `stream.m3u8`")]
    Master,
    /// A number that is no number or out of range.
    #[error("`{tag}` needs a number in range")]
    Number {
        /// The tag.
        tag: &'static str,
    },
    /// A tag that may appear once appears again.
    #[error("`{tag}` appears twice")]
    Twice {
        /// The tag.
        tag: &'static str,
    },
    /// `#EXT-X-TARGETDURATION` is missing.
    #[error("`#EXT-X-TARGETDURATION` is missing")]
    NoTarget,
    /// `#EXT-X-MAP` names another file.
    #[error("the init segment must be `URI=\"{INIT_NAME}\"`, without a byte range")]
    WrongMap,
    /// A segment has a name that the stream directory does not use.
    #[error("segments are named `stream<number>.m4s`, without a directory")]
    WrongName,
    /// A segment without a duration.
    #[error("a segment without `#EXTINF` before it")]
    NoDuration,
    /// A duration without a segment.
    #[error("`#EXTINF` without a segment after it")]
    NoSegment,
    /// Parts of one file, or encrypted media.
    #[error("`{tag}` is not supported: segments must be whole files without encryption")]
    Unsupported {
        /// The tag.
        tag: &'static str,
    },
}

/// One segment of a [`Playlist`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The N of `stream<N>.m4s`; at most 2^53.
    pub number: u64,
    /// `#EXTINF`, at most ten minutes.
    pub duration: Duration,
}

/// What a playlist says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist {
    /// `#EXT-X-TARGETDURATION`, at most ten minutes.
    pub target_duration: Duration,
    /// `#EXT-X-MEDIA-SEQUENCE`, 0 if it is missing; at most 2^53.
    pub media_sequence: u64,
    /// In the order of the file; fewer than 3,000.
    pub segments: Vec<Entry>,
    /// `#EXT-X-ENDLIST` was there: the encoder has ended the broadcast.
    pub ended: bool,
}

impl Playlist {
    /// Reads a whole playlist.
    ///
    /// Tags it does not know are passed over, as RFC 8216 §6.3.1 asks.
    ///
    /// # Errors
    ///
    /// The first line that is wrong; see [`PlaylistReason`].
    pub fn parse(bytes: &[u8]) -> Result<Self, PlaylistError> {
        let fail = |line, reason| Err(PlaylistError { line, reason });
        if bytes.len() > MAX_PLAYLIST_BYTES {
            return fail(1, PlaylistReason::TooLarge);
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let line = good.split(|&byte| byte == b'\n').count();
                return fail(line, PlaylistReason::NotText);
            }
        };
        let mut lines = text.lines().map(str::trim_end).enumerate();
        if lines.next().is_none_or(|(_, line)| line != "#EXTM3U") {
            return fail(1, PlaylistReason::NotAPlaylist);
        }
        let mut reading = Reading::default();
        let mut last = 1;
        for (index, line) in lines {
            last = index + 1;
            if let Err(reason) = reading.line(line) {
                return fail(last, reason);
            }
        }
        reading.finish().or_else(|reason| fail(last, reason))
    }
}

/// The state between two lines.
#[derive(Default)]
struct Reading {
    target: Option<Duration>,
    media_sequence: Option<u64>,
    pending: Option<Duration>,
    segments: Vec<Entry>,
    ended: bool,
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), PlaylistReason> {
        if line.is_empty() {
            return Ok(());
        }
        if !line.starts_with('#') {
            return self.segment(line);
        }
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXT-X-TARGETDURATION" => {
                const TAG: &str = "#EXT-X-TARGETDURATION";
                let seconds = whole(value, TAG, 600)?;
                once(&mut self.target, Duration::from_secs(seconds), TAG)
            }
            "#EXT-X-MEDIA-SEQUENCE" => {
                const TAG: &str = "#EXT-X-MEDIA-SEQUENCE";
                once(
                    &mut self.media_sequence,
                    whole(value, TAG, MAX_NUMBER)?,
                    TAG,
                )
            }
            "#EXTINF" => {
                let seconds = value
                    .split_once(',')
                    .map_or(value, |(seconds, _title)| seconds);
                once(&mut self.pending, decimal_seconds(seconds)?, "#EXTINF")
            }
            "#EXT-X-MAP" => check_map(value),
            "#EXT-X-ENDLIST" => {
                self.ended = true;
                Ok(())
            }
            "#EXT-X-STREAM-INF" | "#EXT-X-I-FRAME-STREAM-INF" | "#EXT-X-MEDIA" => {
                Err(PlaylistReason::Master)
            }
            "#EXT-X-BYTERANGE" => Err(PlaylistReason::Unsupported {
                tag: "#EXT-X-BYTERANGE",
            }),
            "#EXT-X-KEY" if value != "METHOD=NONE" => {
                Err(PlaylistReason::Unsupported { tag: "#EXT-X-KEY" })
            }
            _ => Ok(()),
        }
    }

    fn segment(&mut self, name: &str) -> Result<(), PlaylistReason> {
        let number = segment_number(name).ok_or(PlaylistReason::WrongName)?;
        let duration = self.pending.take().ok_or(PlaylistReason::NoDuration)?;
        self.segments.push(Entry { number, duration });
        Ok(())
    }

    fn finish(self) -> Result<Playlist, PlaylistReason> {
        if self.pending.is_some() {
            return Err(PlaylistReason::NoSegment);
        }
        Ok(Playlist {
            target_duration: self.target.ok_or(PlaylistReason::NoTarget)?,
            media_sequence: self.media_sequence.unwrap_or(0),
            segments: self.segments,
            ended: self.ended,
        })
    }
}

/// The N of `stream<N>.m4s`, without leading zeros and at most 2^53; `None` for any other name.
pub fn segment_number(name: &str) -> Option<u64> {
    numbered(name, "stream")
}

/// The same for names that begin with `prefix`.
pub(super) fn numbered(name: &str, prefix: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?.strip_suffix(".m4s")?;
    let plain = digits == "0" || !digits.starts_with('0');
    // Not `parse` alone: it accepts a plus sign.
    let number = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())??;
    (plain && number <= MAX_NUMBER).then_some(number)
}

fn once<T>(place: &mut Option<T>, value: T, tag: &'static str) -> Result<(), PlaylistReason> {
    if place.replace(value).is_some() {
        return Err(PlaylistReason::Twice { tag });
    }
    Ok(())
}

/// `decimal-integer` of RFC 8216 §4.2.
fn whole(text: &str, tag: &'static str, max: u64) -> Result<u64, PlaylistReason> {
    let number = digits::<u64>(text, |byte| byte.is_ascii_digit());
    number
        .filter(|&number| number <= max)
        .ok_or(PlaylistReason::Number { tag })
}

/// `decimal-floating-point` of RFC 8216 §4.2: no sign, no exponent, not infinite.
fn decimal_seconds(text: &str) -> Result<Duration, PlaylistReason> {
    let number = digits::<f64>(text, |byte| byte.is_ascii_digit() || byte == b'.');
    number
        .filter(|seconds| (0.0..=MAX_SECONDS).contains(seconds))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or(PlaylistReason::Number { tag: "#EXTINF" })
}

fn digits<T: FromStr>(text: &str, allowed: impl Fn(u8) -> bool) -> Option<T> {
    text.bytes().all(allowed).then(|| text.parse().ok())?
}

fn check_map(attributes: &str) -> Result<(), PlaylistReason> {
    let mut named = false;
    for attribute in attributes.split(',') {
        match attribute.trim().split_once('=') {
            Some(("URI", uri)) if uri.trim_matches('"') == INIT_NAME => named = true,
            Some(("URI" | "BYTERANGE", _)) => return Err(PlaylistReason::WrongMap),
            _ => {}
        }
    }
    if named {
        Ok(())
    } else {
        Err(PlaylistReason::WrongMap)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HLS: &str = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n\
        #EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2.000000,\nstream7.m4s\n\
        #EXTINF:1.960000,\nstream8.m4s\n";

    fn entry(number: u64, millis: u64) -> Entry {
        Entry {
            number,
            duration: Duration::from_millis(millis),
        }
    }

    #[test]
    fn a_playlist_of_the_hls_muxer_is_read() {
        let playlist = Playlist::parse(HLS.as_bytes()).unwrap();

        assert_eq!(
            playlist,
            Playlist {
                target_duration: Duration::from_secs(2),
                media_sequence: 7,
                segments: vec![entry(7, 2000), entry(8, 1960)],
                ended: false,
            }
        );
    }

    #[test]
    fn a_playlist_of_the_segment_muxer_is_read() {
        let text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-ALLOW-CACHE:YES\n\
            #EXT-X-TARGETDURATION:3\n#EXTINF:2.021,\nstream0.m4s\n#EXT-X-ENDLIST\n";

        let playlist = Playlist::parse(text.as_bytes()).unwrap();

        assert!(playlist.ended);
        assert_eq!(playlist.segments, [entry(0, 2021)]);
    }

    #[test]
    fn windows_line_ends_and_unknown_tags_do_not_matter() {
        let text = format!("{HLS}#EXT-X-SOMETHING-NEW:1\n# a comment\n").replace('\n', "\r\n");

        assert_eq!(
            Playlist::parse(text.as_bytes()),
            Playlist::parse(HLS.as_bytes())
        );
    }

    #[test]
    fn each_wrong_line_is_named() {
        use PlaylistReason as Why;
        let start = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n";
        let table = [
            ("#EXTINF:2,\n/etc/passwd\n", 4, Why::WrongName),
            ("#EXTINF:2,\n../stream1.m4s\n", 4, Why::WrongName),
            ("#EXTINF:2,\nd/stream1.m4s\n", 4, Why::WrongName),
            ("#EXTINF:2,\nhttp://x/stream1.m4s\n", 4, Why::WrongName),
            ("#EXTINF:2,\nstream01.m4s\n", 4, Why::WrongName),
            ("#EXTINF:2,\nstream+1.m4s\n", 4, Why::WrongName),
            ("#EXTINF:2,\nstream.m4s\n", 4, Why::WrongName),
            (
                "#EXTINF:2,\nstream9007199254740993.m4s\n",
                4,
                Why::WrongName,
            ),
            (
                "#EXTINF:inf,\nstream1.m4s\n",
                3,
                Why::Number { tag: "#EXTINF" },
            ),
            ("#EXTINF:NaN,\n", 3, Why::Number { tag: "#EXTINF" }),
            ("#EXTINF:-1,\n", 3, Why::Number { tag: "#EXTINF" }),
            ("#EXTINF:1e2,\n", 3, Why::Number { tag: "#EXTINF" }),
            ("#EXTINF:600.1,\n", 3, Why::Number { tag: "#EXTINF" }),
            ("#EXTINF:2,\n#EXTINF:2,\n", 4, Why::Twice { tag: "#EXTINF" }),
            ("#EXTINF:2,\n\n", 4, Why::NoSegment),
            ("\nstream1.m4s\n", 4, Why::NoDuration),
            (
                "#EXT-X-TARGETDURATION:2\n",
                3,
                Why::Twice {
                    tag: "#EXT-X-TARGETDURATION",
                },
            ),
            (
                "#EXT-X-MEDIA-SEQUENCE:x\n",
                3,
                Why::Number {
                    tag: "#EXT-X-MEDIA-SEQUENCE",
                },
            ),
            (
                "#EXT-X-MEDIA-SEQUENCE:99999999999999999999\n",
                3,
                Why::Number {
                    tag: "#EXT-X-MEDIA-SEQUENCE",
                },
            ),
            ("#EXT-X-MAP:URI=\"../init.mp4\"\n", 3, Why::WrongMap),
            (
                "#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"9@0\"\n",
                3,
                Why::WrongMap,
            ),
            ("#EXT-X-MAP:X=1\n", 3, Why::WrongMap),
            ("#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n", 3, Why::Master),
            (
                "#EXT-X-BYTERANGE:9@0\n",
                3,
                Why::Unsupported {
                    tag: "#EXT-X-BYTERANGE",
                },
            ),
            (
                "#EXT-X-KEY:METHOD=AES-128\n",
                3,
                Why::Unsupported { tag: "#EXT-X-KEY" },
            ),
        ];
        for (rest, line, reason) in table {
            let found = Playlist::parse(format!("{start}{rest}").as_bytes());
            assert_eq!(found, Err(PlaylistError { line, reason }), "{rest}");
        }
        let whole = [
            (&b""[..], 1, Why::NotAPlaylist),
            (b"<html>", 1, Why::NotAPlaylist),
            (b"#EXTM3U\n", 1, Why::NoTarget),
            (
                b"#EXTM3U\n#EXT-X-TARGETDURATION:601\n",
                2,
                Why::Number {
                    tag: "#EXT-X-TARGETDURATION",
                },
            ),
            (b"#EXTM3U\n\xFF", 2, Why::NotText),
            (&vec![b'#'; MAX_PLAYLIST_BYTES + 1], 1, Why::TooLarge),
        ];
        for (bytes, line, reason) in whole {
            assert_eq!(Playlist::parse(bytes), Err(PlaylistError { line, reason }));
        }
    }

    #[test]
    fn the_byte_limit_bounds_the_number_of_segments() {
        let segments = |count: usize| {
            let entries = "#EXTINF:1\nstream1.m4s\n".repeat(count);
            let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{entries}");
            Playlist::parse(text.as_bytes()).map(|playlist| playlist.segments.len())
        };

        assert_eq!(segments(2900), Ok(2900));
        assert_eq!(segments(3000).unwrap_err().reason, PlaylistReason::TooLarge);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            flips in proptest::collection::vec((0_usize..200, any::<u8>()), 1..6),
        ) {
            drop(Playlist::parse(&bytes));
            let mut mutated = HLS.as_bytes().to_vec();
            for (at, flip) in flips {
                if let Some(byte) = mutated.get_mut(at) {
                    *byte ^= flip;
                }
            }
            drop(Playlist::parse(&mutated));
        }

        #[test]
        fn no_name_but_our_own_becomes_a_number(name in "[a-z0-9./+ -]{0,20}") {
            if let Some(number) = segment_number(&name) {
                prop_assert_eq!(format!("stream{number}.m4s"), name);
            }
        }
    }
}
