//! A plain HTTP/1.1 client that hides nothing, to look at the program from outside.
//!
//! Belongs here: requests as a test wants them on the wire, answers as they came, endless bodies
//! read piece by piece, and the way through a SOCKS proxy. Does not belong here: anything that a
//! browser would do by itself, such as redirects or a cookie jar.

mod socks;

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use self::socks::through;
use super::Deadline;

/// How long the head of an answer may take, and a finite body after it, unless a request says so.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest head that is read, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;
/// The longest finite body that is read, in bytes.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// A request, written to the wire as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    patience: Duration,
}

impl Request {
    /// A request without a body.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            body: None,
            patience: PATIENCE,
        }
    }

    /// `GET target`.
    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// `POST target` with the fields of a form.
    pub(crate) fn form(target: &str, fields: &[(&str, &str)]) -> Self {
        let body = fields
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
        Self::new("POST", target)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body.collect::<Vec<_>>().join("&"))
    }

    /// Adds a header. A `Host` given here replaces the one made from the address.
    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds the cookies, each as `name=value`.
    #[must_use]
    pub(crate) fn cookies(self, cookies: &[&str]) -> Self {
        self.header("Cookie", &cookies.join("; "))
    }

    /// Sets the body and its length.
    #[must_use]
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets how long the head of the answer may take, and a finite body after it; 30 s otherwise.
    #[must_use]
    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sends it to `address` and reads the whole answer.
    pub(crate) fn send(&self, address: SocketAddr) -> Response {
        self.open(address).finish(self.patience)
    }

    /// Sends it to `address` and reads the head of the answer.
    pub(crate) fn open(&self, address: SocketAddr) -> Stream {
        let socket = TcpStream::connect_timeout(&address, self.patience)
            .unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"));
        self.exchange(socket, &address.to_string())
            .unwrap_or_else(|error| panic!("{} {} at {address}: {error}", self.method, self.target))
    }

    /// Sends it to port 80 of `host` through the SOCKS proxy at `proxy` and reads the head of the
    /// answer; an error says which part failed.
    pub(crate) fn open_through(&self, proxy: SocketAddr, host: &str) -> Result<Stream, String> {
        self.exchange(through(proxy, host, 80)?, host)
    }

    fn exchange(&self, mut socket: TcpStream, host: &str) -> Result<Stream, String> {
        let mut lines = vec![format!("{} {} HTTP/1.1", self.method, self.target)];
        if !self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            lines.push(format!("Host: {host}"));
        }
        lines.extend(
            self.headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}")),
        );
        lines.extend(
            self.body
                .iter()
                .map(|body| format!("Content-Length: {}", body.len())),
        );
        let mut bytes = (lines.join("\r\n") + "\r\n\r\n").into_bytes();
        bytes.extend(self.body.iter().flatten());
        // A server may answer and close before it has read everything.
        let written = socket.write_all(&bytes);
        Stream::read_head(socket, self.method == "HEAD", self.patience).map_err(|error| {
            written
                .err()
                .map_or_else(|| error.clone(), |cause| format!("{error} ({cause})"))
        })
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// The header lines in their order.
    pub(crate) headers: Vec<(String, String)>,
    /// The body without its transfer encoding.
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of a header, if there is exactly one.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        single(&self.headers, name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The cookies it sets, each as `name=value`, for [`Request::cookies`].
    pub(crate) fn cookies(&self) -> Vec<String> {
        cookies(&self.headers)
    }
}

/// What one look at an open body saw.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Some bytes of the body.
    Data(Vec<u8>),
    /// The body has ended as its framing says: nothing is missing.
    End,
    /// The connection ended in the middle of the body.
    Cut,
    /// Nothing came in the time allowed.
    Silence,
}

/// How the end of a body is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Chunked { left: u64 },
    Length { left: u64 },
    UntilClose,
    Ended,
}

/// An answer whose head has been read and whose body may be endless.
///
/// Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The status code.
    pub(crate) status: u16,
    /// The header lines in their order.
    pub(crate) headers: Vec<(String, String)>,
    socket: TcpStream,
    /// Received and not yet read.
    pending: Vec<u8>,
    framing: Framing,
}

impl Stream {
    fn read_head(mut socket: TcpStream, bodiless: bool, allowed: Duration) -> Result<Self, String> {
        let deadline = Deadline::after(allowed);
        let mut pending = Vec::new();
        let end = loop {
            if let Some(end) = position(&pending, b"\r\n\r\n") {
                break end;
            }
            if pending.len() > HEAD_LIMIT {
                return Err(format!(
                    "the head of the answer is longer than {HEAD_LIMIT} bytes"
                ));
            }
            match receive(&mut socket, &mut pending, deadline.left()) {
                Received::Bytes => {}
                Received::Closed => {
                    return Err("the connection ended before the head of an answer".into());
                }
                Received::Nothing => {
                    return Err(format!("no answer within {} s", allowed.as_secs()));
                }
            }
        };
        let body = pending.split_off(end + 4);
        let head = String::from_utf8_lossy(&pending).into_owned();
        let mut lines = head.trim_end().split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok())
            .ok_or_else(|| format!("not an answer of HTTP/1.1: {status_line}"))?;
        let headers: Vec<_> = lines
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                (name.to_owned(), value.trim().to_owned())
            })
            .collect();
        let framing = if bodiless || status == 204 || status == 304 {
            Framing::Ended
        } else if single(&headers, "transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
        {
            Framing::Chunked { left: 0 }
        } else if let Some(length) = single(&headers, "content-length") {
            Framing::Length {
                left: length
                    .parse()
                    .map_err(|_| format!("not a length: {length}"))?,
            }
        } else {
            Framing::UntilClose
        };
        Ok(Self {
            status,
            headers,
            socket,
            pending: body,
            framing,
        })
    }

    /// The value of a header, if there is exactly one.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        single(&self.headers, name)
    }

    /// The cookies it sets, each as `name=value`, for [`Request::cookies`].
    pub(crate) fn cookies(&self) -> Vec<String> {
        cookies(&self.headers)
    }

    /// The next bytes of the body, waiting up to `allowed` for them.
    pub(crate) fn next(&mut self, allowed: Duration) -> Piece {
        let deadline = Deadline::after(allowed);
        loop {
            if let Some(piece) = self.take_pending() {
                return piece;
            }
            match receive(&mut self.socket, &mut self.pending, deadline.left()) {
                Received::Bytes => {}
                Received::Nothing => return Piece::Silence,
                Received::Closed if self.framing == Framing::UntilClose => {
                    self.framing = Framing::Ended;
                    return Piece::End;
                }
                Received::Closed => return Piece::Cut,
            }
        }
    }

    /// Reads the body until `enough` says so of all that this call has read, for at most
    /// `allowed`; the rest stays for the next call only in whole pieces.
    ///
    /// Fails the test, with the end of the body so far, when the body ends or is silent first.
    pub(crate) fn read_until(
        &mut self,
        allowed: Duration,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Vec<u8> {
        let deadline = Deadline::after(allowed);
        let mut body = Vec::new();
        while !enough(&body) {
            match self.next(deadline.left()) {
                Piece::Data(bytes) => body.extend(bytes),
                other => {
                    let tail = body
                        .get(body.len().saturating_sub(500)..)
                        .unwrap_or_default();
                    let tail = String::from_utf8_lossy(tail);
                    panic!(
                        "{other:?} after {} bytes and {:?}; the last: {tail}",
                        body.len(),
                        deadline.elapsed()
                    );
                }
            }
        }
        body
    }

    /// Reads the body until it contains `text`, for at most `allowed`, and gives it as text.
    pub(crate) fn read_until_text(&mut self, allowed: Duration, text: &str) -> String {
        let body = self.read_until(allowed, |body| position(body, text.as_bytes()).is_some());
        String::from_utf8_lossy(&body).into_owned()
    }

    /// Reads the rest of a finite body.
    pub(crate) fn finish(mut self, allowed: Duration) -> Response {
        let deadline = Deadline::after(allowed);
        let mut body = Vec::new();
        loop {
            match self.next(deadline.left()) {
                Piece::Data(bytes) => body.extend(bytes),
                Piece::End => {
                    return Response {
                        status: self.status,
                        headers: self.headers,
                        body,
                    };
                }
                other => panic!(
                    "{other:?} after {} bytes of a body that should end",
                    body.len()
                ),
            }
            assert!(
                body.len() <= BODY_LIMIT,
                "the body is longer than {BODY_LIMIT} bytes"
            );
        }
    }

    /// What the received bytes hold of the body; `None` if more are needed to tell.
    fn take_pending(&mut self) -> Option<Piece> {
        loop {
            match self.framing {
                Framing::Ended => return Some(Piece::End),
                Framing::Length { left: 0 } => self.framing = Framing::Ended,
                Framing::Chunked { left: 0 } => self.take_chunk_head()?,
                Framing::Length { left } => {
                    let bytes = self.take_bytes(left)?;
                    self.framing = Framing::Length {
                        left: left - bytes.len() as u64,
                    };
                    return Some(Piece::Data(bytes));
                }
                Framing::Chunked { left } => {
                    let bytes = self.take_bytes(left)?;
                    self.framing = Framing::Chunked {
                        left: left - bytes.len() as u64,
                    };
                    return Some(Piece::Data(bytes));
                }
                Framing::UntilClose => return self.take_bytes(u64::MAX).map(Piece::Data),
            }
        }
    }

    /// Up to `most` received bytes; `None` if there are none.
    fn take_bytes(&mut self, most: u64) -> Option<Vec<u8>> {
        if self.pending.is_empty() {
            return None;
        }
        let most = usize::try_from(most)
            .unwrap_or(usize::MAX)
            .min(self.pending.len());
        Some(self.pending.drain(..most).collect())
    }

    /// Reads the line before a chunk, and the end of the line after the chunk before it.
    fn take_chunk_head(&mut self) -> Option<()> {
        let skip = if self.pending.starts_with(b"\r\n") {
            2
        } else {
            0
        };
        let line = self.pending.get(skip..)?;
        let end = position(line, b"\r\n")?;
        let size = String::from_utf8_lossy(line.get(..end)?).into_owned();
        let digits = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(digits, 16)
            .unwrap_or_else(|_| panic!("not the size of a chunk: {size:?}"));
        if size == 0 {
            // The last chunk is only there when the empty line after it is.
            position(line, b"\r\n\r\n")?;
            self.framing = Framing::Ended;
        } else {
            self.framing = Framing::Chunked { left: size };
        }
        self.pending.drain(..skip + end + 2);
        Some(())
    }
}

/// What one read of a socket gave.
enum Received {
    Bytes,
    Closed,
    Nothing,
}

fn receive(socket: &mut TcpStream, into: &mut Vec<u8>, allowed: Duration) -> Received {
    if allowed.is_zero() {
        return Received::Nothing;
    }
    socket
        .set_read_timeout(Some(allowed))
        .expect("a socket with a timeout");
    let mut buffer = vec![0; 64 * 1024];
    match socket.read(&mut buffer) {
        Ok(0) => Received::Closed,
        Ok(count) => {
            into.extend(buffer.iter().take(count));
            Received::Bytes
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Received::Nothing
        }
        Err(_) => Received::Closed,
    }
}

fn single<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let mut values = headers
        .iter()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

fn cookies(headers: &[(String, String)]) -> Vec<String> {
    headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        .filter_map(|(_, value)| value.split(';').next())
        .map(|cookie| cookie.trim().to_owned())
        .collect()
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// `text` as a field of a form.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            b' ' => "+".to_owned(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
