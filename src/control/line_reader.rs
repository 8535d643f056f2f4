//! Lines from a connection, each of bounded length.

use tokio::io::{self, AsyncBufRead, AsyncBufReadExt as _};

use super::request::MAX_LINE;

/// What comes from a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// A line without its end.
    Line(String),
    /// A line that is too long, or not UTF-8; it was passed over.
    Unreadable(&'static str),
    /// The other side is done. What it wrote without an end of line does not count.
    End,
}

/// Reads lines, and holds at most [`MAX_LINE`] bytes and a buffer while it does.
#[derive(Debug)]
pub(super) struct LineReader<R> {
    source: R,
    line: Vec<u8>,
    is_too_long: bool,
}

impl<R: AsyncBufRead + Unpin> LineReader<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            line: Vec::new(),
            is_too_long: false,
        }
    }

    /// The next line. Cancel safe: what was read is kept for the next call.
    pub(super) async fn next(&mut self) -> io::Result<Incoming> {
        loop {
            let buffer = self.source.fill_buf().await?;
            if buffer.is_empty() {
                return Ok(Incoming::End);
            }
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let piece = buffer
                .get(..end.unwrap_or(buffer.len()))
                .unwrap_or_default();
            if self.line.len() + piece.len() > MAX_LINE {
                self.is_too_long = true;
            } else {
                self.line.extend_from_slice(piece);
            }
            let taken = piece.len() + usize::from(end.is_some());
            self.source.consume(taken);
            if end.is_some() {
                return Ok(self.take());
            }
        }
    }

    /// Waits until the other side is done, and passes over what it still says.
    pub(super) async fn ended(&mut self) {
        while let Ok(buffer) = self.source.fill_buf().await {
            let length = buffer.len();
            if length == 0 {
                return;
            }
            self.source.consume(length);
        }
    }

    fn take(&mut self) -> Incoming {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_too_long) {
            return Incoming::Unreadable("the line has too many bytes; 4096 are allowed");
        }
        match String::from_utf8(line) {
            Ok(line) => Incoming::Line(line),
            Err(_) => Incoming::Unreadable("the line is not UTF-8 text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    async fn read(bytes: &[u8]) -> Vec<Incoming> {
        // A small buffer, so that lines come in pieces.
        let mut reader = LineReader::new(BufReader::with_capacity(7, bytes));
        let mut all = Vec::new();
        loop {
            match reader.next().await.unwrap() {
                Incoming::End => return all,
                incoming => all.push(incoming),
            }
        }
    }

    #[tokio::test]
    async fn lines_come_whole_however_they_arrive_and_a_bad_one_does_not_spoil_the_next() {
        let long = "a".repeat(MAX_LINE);
        let bytes = [
            b"status\n\n".as_slice(),
            long.as_bytes(),
            b"\n",
            long.as_bytes(),
            b"b\nhelp\n\xff\xfe\nstop\nwithout an end",
        ]
        .concat();

        assert_eq!(
            read(&bytes).await,
            [
                Incoming::Line("status".to_owned()),
                Incoming::Line(String::new()),
                Incoming::Line(long),
                Incoming::Unreadable("the line has too many bytes; 4096 are allowed"),
                Incoming::Line("help".to_owned()),
                Incoming::Unreadable("the line is not UTF-8 text"),
                Incoming::Line("stop".to_owned()),
            ]
        );
    }
}
