//! One connection of a publisher: handshake, commands, media. Pure: bytes in, steps and bytes out.

use std::fmt;

use bytes::{Buf as _, BytesMut};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    amf::{self, AmfError, Reader, Value},
    chunks::{self, ChunkError, ChunkReader, Message, kind},
    media::{self, CodecError},
};

/// Bytes of each part of the handshake besides the version.
const HELLO: usize = 1536;

/// The version of the protocol.
const VERSION: u8 = 3;

/// The number of the only media stream.
const STREAM: u32 = 1;

/// Bytes after which either side says that it has them.
const WINDOW: u32 = 2_500_000;

/// Acknowledgements are not asked for more often than this, in bytes.
const LEAST_WINDOW: u64 = 4096;

/// Commands and control messages between two messages with media, or before the first: somebody who
/// only talks is no encoder.
const MAX_TALK: u32 = 200;

/// Bytes of answers that wait; real ones take under a kilobyte.
const MAX_REPLY: usize = 64 * 1024;

/// Why a connection cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SessionError {
    /// It does not begin like RTMP.
    #[error("this is not RTMP")]
    NotRtmp,
    /// The bytes are no chunks.
    #[error(transparent)]
    Chunks(#[from] ChunkError),
    /// A command cannot be read.
    #[error(transparent)]
    Command(#[from] AmfError),
    /// Something in it that is not passed on.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Media or a second publishing at the wrong time.
    #[error("an encoder must ask to publish first, and once")]
    OutOfTurn,
    /// Somebody wants to watch.
    #[error("here one can only publish; viewers come to the site")]
    WantsToPlay,
    /// Several messages in one, which no encoder of these years sends.
    #[error("aggregate messages are not supported")]
    Aggregate,
    /// Messages without end, and no media.
    #[error("there is much talk and no media")]
    Talk,
}

/// What a session comes to next.
#[derive(Clone, PartialEq, Eq)]
pub enum Step {
    /// Somebody wants to publish with this key: [`Session::accept`] or [`Session::refuse`] them.
    Publish(Zeroizing<String>),
    /// The next bytes of an FLV file.
    Media(Vec<u8>),
    /// The publisher has said that this is the end.
    End,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publish(_key) => f.write_str("Publish"),
            Self::Media(bytes) => write!(f, "Media({} bytes)", bytes.len()),
            Self::End => f.write_str("End"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first part of the handshake has not come.
    Greeting,
    /// The last part has not come.
    Greeted,
    /// Commands.
    Talking,
    /// It is being decided.
    Asking,
    /// Media.
    Publishing,
    /// Nothing more.
    Over,
}

/// The state of a connection.
///
/// Bound: that of [`ChunkReader`], two parts of a handshake, and [`MAX_REPLY`].
#[derive(Debug)]
pub struct Session {
    state: State,
    input: BytesMut,
    chunks: ChunkReader,
    reply: Vec<u8>,
    is_first: bool,
    talk: u32,
    received: u64,
    acknowledged: u64,
    window: Option<u64>,
}

impl Session {
    /// Nothing has come.
    pub fn new() -> Self {
        Self {
            state: State::Greeting,
            input: BytesMut::new(),
            chunks: ChunkReader::new(),
            reply: Vec::new(),
            is_first: true,
            talk: 0,
            received: 0,
            acknowledged: 0,
            window: None,
        }
    }

    /// Takes the next bytes; ask [`Session::next_step`] until there is none before the next call.
    pub fn push(&mut self, bytes: &[u8]) {
        self.received += bytes.len() as u64;
        if matches!(self.state, State::Greeting | State::Greeted) {
            self.input.extend_from_slice(bytes);
        } else {
            self.chunks.push(bytes);
        }
    }

    /// What is to be sent now.
    pub fn take_reply(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.reply)
    }

    /// What comes next; `None` if more bytes are needed, or a decision.
    ///
    /// # Errors
    ///
    /// [`SessionError`]; the connection is then to be closed.
    pub fn next_step(&mut self) -> Result<Option<Step>, SessionError> {
        if !self.greet()? {
            return Ok(None);
        }
        while !matches!(self.state, State::Asking | State::Over) {
            let Some(message) = self.chunks.next_message()? else {
                break;
            };
            if let Some(step) = self.take(&message)? {
                return Ok(Some(step));
            }
            if self.reply.len() > MAX_REPLY {
                return Err(SessionError::Talk);
            }
        }
        self.acknowledge();
        Ok(None)
    }

    /// Lets the publisher begin.
    pub fn accept(&mut self) {
        if self.state == State::Asking {
            self.state = State::Publishing;
            self.chunks.trust();
            // Stream begin.
            let mut event = vec![0, 0];
            event.extend(STREAM.to_be_bytes());
            self.control(kind::USER_CONTROL, &event);
            self.status("status", "NetStream.Publish.Start", "on the air");
        }
    }

    /// Tells the publisher why not; nothing more is read.
    pub fn refuse(&mut self, why: &str) {
        self.status("error", "NetStream.Publish.BadName", why);
        self.state = State::Over;
    }

    /// Whether the handshake is done.
    fn greet(&mut self) -> Result<bool, SessionError> {
        if self.state == State::Greeting {
            match self.input.first() {
                Some(&VERSION) => {}
                Some(_) => return Err(SessionError::NotRtmp),
                None => return Ok(false),
            }
            if self.input.len() <= HELLO {
                return Ok(false);
            }
            self.input.advance(1);
            let theirs = self.input.split_to(HELLO);
            self.reply.push(VERSION);
            // Without a version at the fifth byte nobody expects a signature in the rest.
            self.reply.extend([0; HELLO]);
            self.reply.extend(&theirs);
            self.state = State::Greeted;
        }
        if self.state == State::Greeted {
            if self.input.len() < HELLO {
                return Ok(false);
            }
            // What they say about our greeting does not matter.
            self.input.advance(HELLO);
            let rest = std::mem::take(&mut self.input);
            self.chunks.push(&rest);
            self.state = State::Talking;
        }
        Ok(true)
    }

    fn take(&mut self, message: &Message) -> Result<Option<Step>, SessionError> {
        let body = &message.body[..];
        if matches!(message.kind, kind::AUDIO | kind::VIDEO) {
            if self.state != State::Publishing {
                return Err(SessionError::OutOfTurn);
            }
            self.talk = 0;
            let Some(tag) = media::tag(message.kind, message.time, body)? else {
                return Ok(None);
            };
            let mut flv = Vec::new();
            if std::mem::take(&mut self.is_first) {
                flv.extend(media::BEGINNING);
            }
            flv.extend(tag);
            return Ok(Some(Step::Media(flv)));
        }
        self.talk += 1;
        if self.talk > MAX_TALK {
            return Err(SessionError::Talk);
        }
        match message.kind {
            kind::CHUNK_SIZE => self.chunks.set_chunk_size(number(body)?)?,
            kind::ABORT => self.chunks.abort(number(body)?),
            kind::WINDOW => self.window = Some(u64::from(number(body)?).max(LEAST_WINDOW)),
            kind::USER_CONTROL => {
                // A ping is answered with the same number.
                if let [0, 6, stamp @ ..] = body {
                    let answer: Vec<u8> = [0, 7].into_iter().chain(stamp.iter().copied()).collect();
                    self.control(kind::USER_CONTROL, answer.get(..6).unwrap_or(&answer));
                }
            }
            kind::COMMAND => return self.command(body),
            // The same behind one byte that says so.
            kind::COMMAND3 => return self.command(body.get(1..).unwrap_or_default()),
            kind::AGGREGATE => return Err(SessionError::Aggregate),
            // What describes the stream is not passed on.
            _ => {}
        }
        Ok(None)
    }

    fn command(&mut self, body: &[u8]) -> Result<Option<Step>, SessionError> {
        let mut values = Reader(body);
        let name = values.text()?;
        // The number by which an answer is recognised.
        let number = values.number().unwrap_or_default();
        match name.as_str() {
            "connect" => self.connected(number),
            "createStream" => {
                let values = [Value::Null, Value::Number(f64::from(STREAM))];
                self.answer("_result", number, 0, &values);
            }
            "publish" => {
                if self.state != State::Talking {
                    return Err(SessionError::OutOfTurn);
                }
                values.skip()?;
                let key = values.text()?;
                self.state = State::Asking;
                return Ok(Some(Step::Publish(key)));
            }
            "FCUnpublish" | "deleteStream" | "closeStream" => {
                self.state = State::Over;
                return Ok(Some(Step::End));
            }
            "play" | "play2" => return Err(SessionError::WantsToPlay),
            // `releaseStream`, `FCPublish`, `_checkbw`: nobody waits for an answer.
            _ => {}
        }
        Ok(None)
    }

    fn connected(&mut self, number: f64) {
        self.control(kind::WINDOW, &WINDOW.to_be_bytes());
        let mut bandwidth = WINDOW.to_be_bytes().to_vec();
        // They may decide themselves.
        bandwidth.push(2);
        self.control(kind::BANDWIDTH, &bandwidth);
        let properties = [
            ("fmsVer", Value::Text("FMS/3,0,1,123")),
            ("capabilities", Value::Number(31.0)),
        ];
        let information = [
            ("level", Value::Text("status")),
            ("code", Value::Text("NetConnection.Connect.Success")),
            ("description", Value::Text("welcome")),
            ("objectEncoding", Value::Number(0.0)),
        ];
        let values = [Value::Object(&properties), Value::Object(&information)];
        self.answer("_result", number, 0, &values);
    }

    fn status(&mut self, level: &str, code: &str, description: &str) {
        let information = [
            ("level", Value::Text(level)),
            ("code", Value::Text(code)),
            ("description", Value::Text(description)),
        ];
        let values = [Value::Null, Value::Object(&information)];
        self.answer("onStatus", 0.0, STREAM, &values);
    }

    fn answer(&mut self, name: &str, number: f64, stream: u32, values: &[Value<'_>]) {
        let mut body = Vec::new();
        amf::write(Value::Text(name), &mut body);
        amf::write(Value::Number(number), &mut body);
        for value in values {
            amf::write(*value, &mut body);
        }
        chunks::write(3, kind::COMMAND, stream, &body, &mut self.reply);
    }

    fn control(&mut self, kind: u8, body: &[u8]) {
        chunks::write(2, kind, 0, body, &mut self.reply);
    }

    /// Says how much has come, if the other side wants to know.
    fn acknowledge(&mut self) {
        let is_due = self
            .window
            .is_some_and(|window| self.received - self.acknowledged >= window);
        if is_due {
            self.acknowledged = self.received;
            // The number wraps.
            let count = self.received & u64::from(u32::MAX);
            let count = u32::try_from(count).unwrap_or_default();
            self.control(kind::ACKNOWLEDGEMENT, &count.to_be_bytes());
        }
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

fn number(body: &[u8]) -> Result<u32, SessionError> {
    let first = body.first_chunk().ok_or(AmfError::Short)?;
    Ok(u32::from_be_bytes(*first))
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
