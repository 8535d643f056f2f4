//! The chunk stream: messages in pieces, several at a time, with headers that leave out what was
//! the same before.

use std::collections::BTreeMap;

use bytes::{Buf as _, Bytes, BytesMut};
use thiserror::Error;

/// Chunk streams that are remembered; encoders use three to six.
const MAX_STREAMS: usize = 16;

/// Longest message before the key was right, and longest that is not media, in bytes.
const MAX_COMMAND: usize = 16 * 1024;

/// Longest message with media, in bytes: a keyframe at 50 Mbit/s has less.
pub(super) const MAX_MEDIA: usize = 4 * 1024 * 1024;

/// The size of chunks until somebody says otherwise.
const FIRST_CHUNK: usize = 128;

/// In a header: the time follows behind it.
const EXTENDED: u32 = 0x00ff_ffff;

/// Why the bytes are no chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// A header refers to one before it that there was not.
    #[error("chunk stream {0} begins in the middle")]
    NoBeginning(u32),
    /// A message begins before the last one on its stream was complete.
    #[error("a message on chunk stream {0} begins before the last one has ended")]
    Unfinished(u32),
    /// More chunk streams than any encoder uses.
    #[error("there are more than {MAX_STREAMS} chunk streams")]
    TooManyStreams,
    /// A message longer than its kind may be, or more begun messages than that.
    #[error("a message of {0} bytes is too long")]
    TooLong(usize),
    /// A size of chunks that cannot be.
    #[error("chunks of {0} bytes are impossible")]
    ChunkSize(u32),
}

/// A complete message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u8,
    /// Milliseconds; wraps after 49 days.
    pub(super) time: u32,
    pub(super) body: Bytes,
}

/// Kinds of messages.
pub(super) mod kind {
    pub(crate) const CHUNK_SIZE: u8 = 1;
    pub(crate) const ABORT: u8 = 2;
    pub(crate) const ACKNOWLEDGEMENT: u8 = 3;
    pub(crate) const USER_CONTROL: u8 = 4;
    pub(crate) const WINDOW: u8 = 5;
    pub(crate) const BANDWIDTH: u8 = 6;
    pub(crate) const AUDIO: u8 = 8;
    pub(crate) const VIDEO: u8 = 9;
    pub(crate) const COMMAND3: u8 = 17;
    pub(crate) const COMMAND: u8 = 20;
    pub(crate) const AGGREGATE: u8 = 22;
}

/// Puts messages together.
///
/// Bound: [`MAX_MEDIA`] in all begun messages, [`MAX_COMMAND`] until [`ChunkReader::trust`] is
/// called, and what was pushed last.
#[derive(Debug)]
pub(super) struct ChunkReader {
    input: BytesMut,
    chunk: usize,
    streams: BTreeMap<u32, ChunkStream>,
    /// The stream whose chunk is being read, and what is missing of the chunk.
    current: Option<(u32, usize)>,
    is_trusted: bool,
}

#[derive(Debug, Default)]
struct ChunkStream {
    kind: u8,
    length: usize,
    time: u32,
    /// Added to the time by a header that says nothing.
    step: u32,
    is_extended: bool,
    /// A message has begun and is not complete.
    is_begun: bool,
    body: BytesMut,
}

/// A header as it stands.
struct Header {
    format: u8,
    id: u32,
    time: u32,
    about: Option<(usize, u8)>,
    is_extended: bool,
}

impl ChunkReader {
    pub(super) fn new() -> Self {
        Self {
            input: BytesMut::new(),
            chunk: FIRST_CHUNK,
            streams: BTreeMap::new(),
            current: None,
            is_trusted: false,
        }
    }

    /// Accepts media from now on.
    pub(super) fn trust(&mut self) {
        self.is_trusted = true;
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Bytes that are kept.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let bodies = self.streams.values().map(|stream| stream.body.capacity());
        self.input.len() + bodies.sum::<usize>()
    }

    /// The sender makes chunks of this size from now on.
    pub(super) fn set_chunk_size(&mut self, size: u32) -> Result<(), ChunkError> {
        if size == 0 || size >> 31 == 1 {
            return Err(ChunkError::ChunkSize(size));
        }
        self.chunk = usize::try_from(size).unwrap_or(usize::MAX);
        Ok(())
    }

    /// The sender gives up the message on this stream.
    pub(super) fn abort(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.is_begun = false;
            stream.body = BytesMut::new();
        }
    }

    /// The next complete message; `None` if more bytes are needed.
    pub(super) fn next_message(&mut self) -> Result<Option<Message>, ChunkError> {
        loop {
            let (id, missing) = match self.current {
                Some(current) => current,
                None => match self.begin_chunk()? {
                    Some(current) => current,
                    None => return Ok(None),
                },
            };
            let Some(stream) = self.streams.get_mut(&id) else {
                return Err(ChunkError::NoBeginning(id));
            };
            let piece = self.input.split_to(missing.min(self.input.len()));
            stream.body.extend_from_slice(&piece);
            if piece.len() < missing {
                self.current = Some((id, missing - piece.len()));
                return Ok(None);
            }
            self.current = None;
            if stream.body.len() >= stream.length {
                stream.is_begun = false;
                return Ok(Some(Message {
                    kind: stream.kind,
                    time: stream.time,
                    body: std::mem::take(&mut stream.body).freeze(),
                }));
            }
        }
    }

    /// Reads the header of the next chunk: its stream and how long it is.
    fn begin_chunk(&mut self) -> Result<Option<(u32, usize)>, ChunkError> {
        let Some((header, length)) = self.header()? else {
            return Ok(None);
        };
        let id = header.id;
        self.input.advance(length);
        let begun: usize = self.streams.values().map(ChunkStream::reserved).sum();
        let is_new = !self.streams.contains_key(&id);
        if is_new && self.streams.len() == MAX_STREAMS {
            return Err(ChunkError::TooManyStreams);
        }
        let stream = self.streams.entry(id).or_default();
        if stream.is_begun {
            if header.format != 3 {
                return Err(ChunkError::Unfinished(id));
            }
        } else {
            stream.begin(&header);
            let is_media = matches!(stream.kind, kind::AUDIO | kind::VIDEO);
            let most = if self.is_trusted && is_media {
                MAX_MEDIA
            } else {
                MAX_COMMAND
            };
            let all = if self.is_trusted {
                MAX_MEDIA
            } else {
                MAX_COMMAND
            };
            if stream.length > most || begun + stream.length > all {
                return Err(ChunkError::TooLong(stream.length));
            }
            stream.is_begun = true;
        }
        let missing = stream.length.saturating_sub(stream.body.len());
        Ok(Some((id, missing.min(self.chunk))))
    }

    /// The header at the beginning of the input and its length, once it is complete.
    fn header(&self) -> Result<Option<(Header, usize)>, ChunkError> {
        let mut cursor = &self.input[..];
        Ok(self
            .read_header(&mut cursor)?
            .map(|header| (header, self.input.len() - cursor.len())))
    }

    fn read_header(&self, from: &mut &[u8]) -> Result<Option<Header>, ChunkError> {
        let Some([first]) = take(from) else {
            return Ok(None);
        };
        let (format, low) = (first >> 6, u32::from(first & 0x3f));
        let id = match low {
            0 => take(from).map(|[low]: [u8; 1]| 64 + u32::from(low)),
            1 => take(from).map(|two: [u8; 2]| 64 + u32::from(u16::from_le_bytes(two))),
            id => Some(id),
        };
        let Some(id) = id else { return Ok(None) };
        let before = self.streams.get(&id);
        if format != 0 && before.is_none() {
            return Err(ChunkError::NoBeginning(id));
        }
        let mut header = Header {
            format,
            id,
            time: before.map_or(0, |stream| stream.step),
            about: None,
            is_extended: before.is_some_and(|stream| stream.is_extended),
        };
        if format < 3 {
            let Some(time) = take(from) else {
                return Ok(None);
            };
            header.time = number24(time);
            header.is_extended = header.time == EXTENDED;
        }
        if format < 2 {
            let (Some(length), Some([kind])) = (take(from), take(from)) else {
                return Ok(None);
            };
            let length = usize::try_from(number24(length)).unwrap_or(usize::MAX);
            header.about = Some((length, kind));
        }
        // The number of the media stream: there is one.
        if format == 0 && take::<4>(from).is_none() {
            return Ok(None);
        }
        if header.is_extended {
            let Some(time) = take(from) else {
                return Ok(None);
            };
            header.time = u32::from_be_bytes(time);
        }
        Ok(Some(header))
    }
}

impl ChunkStream {
    /// Bytes that a begun message takes or will take.
    fn reserved(&self) -> usize {
        if self.is_begun { self.length } else { 0 }
    }

    fn begin(&mut self, header: &Header) {
        if let Some((length, kind)) = header.about {
            (self.length, self.kind) = (length, kind);
        }
        self.time = match header.format {
            0 => header.time,
            _ => self.time.wrapping_add(header.time),
        };
        self.step = header.time;
        self.is_extended = header.is_extended;
    }
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*taken)
}

fn number24([a, b, c]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, a, b, c])
}

/// Appends a message of ours in chunks of [`FIRST_CHUNK`] bytes: all of them are short.
pub(super) fn write(chunk_stream: u8, kind: u8, media_stream: u32, body: &[u8], to: &mut Vec<u8>) {
    let length = u32::try_from(body.len()).unwrap_or_default();
    let [_, length @ ..] = length.to_be_bytes();
    to.extend([chunk_stream, 0, 0, 0]);
    to.extend(length);
    to.push(kind);
    to.extend(media_stream.to_le_bytes());
    for (number, piece) in body.chunks(FIRST_CHUNK).enumerate() {
        if number > 0 {
            to.push(0xc0 | chunk_stream);
        }
        to.extend(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(reader: &mut ChunkReader, bytes: &[u8]) -> Result<Vec<Message>, ChunkError> {
        reader.push(bytes);
        let mut messages = Vec::new();
        while let Some(message) = reader.next_message()? {
            messages.push(message);
        }
        Ok(messages)
    }

    fn times(bytes: &[u8]) -> Vec<u32> {
        let messages = all(&mut ChunkReader::new(), bytes).unwrap();
        messages.iter().map(|message| message.time).collect()
    }

    #[test]
    fn messages_come_back_however_the_bytes_are_cut() {
        let (one, two) = (vec![1; 300], vec![2; 5]);
        let mut bytes = Vec::new();
        write(3, kind::COMMAND, 0, &one, &mut bytes);
        write(4, kind::COMMAND, 1, &two, &mut bytes);
        for step in [1, 7, 1000] {
            let mut reader = ChunkReader::new();
            let mut bodies = Vec::new();
            for piece in bytes.chunks(step) {
                let messages = all(&mut reader, piece).unwrap();
                bodies.extend(messages.into_iter().map(|message| message.body));
            }
            assert_eq!(bodies, [one.clone(), two.clone()], "{step}");
        }
    }

    #[test]
    fn messages_on_two_streams_may_be_mixed() {
        let mut bytes = vec![3, 0, 0, 0, 0, 0, 200, kind::COMMAND, 0, 0, 0, 0];
        bytes.extend([1; 128]);
        bytes.extend([4, 0, 0, 0, 0, 0, 130, kind::COMMAND, 0, 0, 0, 0]);
        bytes.extend([2; 128]);
        bytes.push(0xc3);
        bytes.extend([1; 72]);
        bytes.push(0xc4);
        bytes.extend([2; 2]);

        let messages = all(&mut ChunkReader::new(), &bytes).unwrap();

        assert_eq!(messages[0].body, vec![1; 200]);
        assert_eq!(messages[1].body, vec![2; 130]);
    }

    #[test]
    fn times_are_added_up_as_headers_leave_them_out() {
        let first = [3, 0, 0, 10, 0, 0, 1, 20, 0, 0, 0, 0, 9];
        let step = [0x83, 0, 0, 5, 9];
        let same = [0xc3, 9];
        let other_length = [0x43, 0, 0, 1, 0, 0, 2, 20, 9, 9];
        let bytes = [&first[..], &step, &same, &other_length, &same, &[9]].concat();
        assert_eq!(times(&bytes), [10, 15, 20, 21, 22]);
        // The first header of a stream counts as a step too.
        assert_eq!(times(&[&first[..], &same].concat()), [10, 20]);
        let extended = [3, 255, 255, 255, 0, 0, 1, 20, 0, 0, 0, 0, 1, 0, 0, 0, 9];
        let more = [0xc3, 0, 0, 0, 7, 9];
        let again = [&extended[..], &more].concat();
        assert_eq!(times(&again), [1 << 24, (1 << 24) + 7]);
    }

    #[test]
    fn what_asks_for_too_much_is_refused_before_it_is_kept() {
        let begin = |id: u8, length: usize, kind: u8| {
            let [.., a, b, c] = length.to_be_bytes();
            vec![id, 0, 0, 0, a, b, c, kind, 0, 0, 0, 0]
        };
        let mut reader = ChunkReader::new();
        let long = begin(6, MAX_COMMAND + 1, kind::VIDEO);
        assert!(matches!(
            all(&mut reader, &long),
            Err(ChunkError::TooLong(_))
        ));
        for (kind, length, is_ok) in [
            (kind::VIDEO, MAX_MEDIA, true),
            (kind::VIDEO, MAX_MEDIA + 1, false),
            (kind::COMMAND, MAX_COMMAND + 1, false),
        ] {
            let mut reader = ChunkReader::new();
            reader.trust();
            let read = all(&mut reader, &begin(6, length, kind));
            assert_eq!(read.is_ok(), is_ok, "{kind} {length}");
        }
        // Two that fit by themselves and not together.
        let mut reader = ChunkReader::new();
        reader.trust();
        let mut half = begin(6, MAX_MEDIA / 2 + 1, kind::VIDEO);
        half.extend([0; FIRST_CHUNK]);
        assert!(all(&mut reader, &half).is_ok());
        half[0] = 7;
        assert!(all(&mut reader, &half).is_err());

        let mut reader = ChunkReader::new();
        let many: Result<Vec<_>, _> = (3..60)
            .map(|id| all(&mut reader, &[&begin(id, 1, 20)[..], &[0]].concat()))
            .collect();
        assert_eq!(many.err(), Some(ChunkError::TooManyStreams));
        let mut reader = ChunkReader::new();
        assert_eq!(all(&mut reader, &[0xc5]), Err(ChunkError::NoBeginning(5)));
        assert!(reader.set_chunk_size(0).is_err());
        assert!(reader.set_chunk_size(u32::MAX).is_err());
        assert!(reader.set_chunk_size(0x7fff_ffff).is_ok());
    }
}
