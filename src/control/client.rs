//! The other end of the socket, for the commands of a terminal.
//!
//! Belongs here: one connection with its time limits. Does not belong here: printing.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use thiserror::Error;

use super::{
    answer::Answer,
    request::{Request, RequestError},
};

/// An answer takes no longer than this; reading the emotes again is the slowest.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Longest answer or event, in bytes: a thousand long messages fit in.
const LONGEST_ANSWER: u64 = 32 * 1024 * 1024;

/// A connection to a running show.
#[derive(Debug)]
pub struct Client {
    answers: BufReader<UnixStream>,
}

/// Why there is no answer, or none that helps.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody listens.
    #[error("no onionstream is running in `{dir}`; start it with `onionstream --dir {dir} start`", dir = .dir.display())]
    NotRunning {
        /// The working directory.
        dir: PathBuf,
    },
    /// Nobody can listen or connect there.
    #[error("{0}")]
    PathTooLong(String),
    /// The socket is there, but not for us.
    #[error("cannot reach the onionstream in `{}`; it may belong to another user", .dir.display())]
    Unreachable {
        /// The working directory.
        dir: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A text that cannot stand in a line, such as one with a line end.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The connection broke, or nothing came.
    #[error("the onionstream that is running does not answer")]
    NoAnswer(#[source] io::Error),
    /// The connection ended before an answer.
    #[error("the onionstream that was running has ended")]
    Ended,
    /// An answer that is none; another version may be running.
    #[error("the answer cannot be read; another version of onionstream may be running")]
    Unreadable(#[source] serde_json::Error),
    /// It said no.
    #[error("{0}")]
    Refused(String),
}

impl Client {
    /// Connects to the show with this state directory; `dir` is the working directory, for errors.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub fn connect(state_dir: &Path, dir: &Path) -> Result<Self, ClientError> {
        let path = state_dir.join(super::SOCKET);
        let stream = UnixStream::connect(&path);
        let stream = stream.map_err(|cause| {
            let dir = dir.to_owned();
            match cause.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    ClientError::NotRunning { dir }
                }
                io::ErrorKind::InvalidInput => ClientError::PathTooLong(super::too_long(&path)),
                _ => ClientError::Unreachable { dir, cause },
            }
        })?;
        let limited = stream
            .set_read_timeout(Some(ANSWER_WITHIN))
            .and_then(|()| stream.set_write_timeout(Some(ANSWER_WITHIN)));
        limited.map_err(ClientError::NoAnswer)?;
        Ok(Self {
            answers: BufReader::new(stream),
        })
    }

    /// Asks for something, and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with what it said; otherwise what went wrong on the way.
    pub fn ask(&mut self, request: &Request) -> Result<Value, ClientError> {
        let mut line = request.to_string();
        // A line end in a text would be the beginning of another request.
        Request::parse(&line)?;
        line.push('\n');
        let mut stream = self.answers.get_ref();
        // Whoever is refused is told why, and finds the connection closed: the answer counts.
        let sent = stream.write_all(line.as_bytes());
        let answer = self.line()?;
        let answer = match (answer, sent) {
            (Some(answer), _) => answer,
            (None, Err(error)) => return Err(broken(error)),
            (None, Ok(())) => return Err(ClientError::Ended),
        };
        match serde_json::from_str(&answer).map_err(ClientError::Unreadable)? {
            Answer::Ok(value) => Ok(value),
            Answer::Error(words) => Err(ClientError::Refused(words)),
        }
    }

    /// Asks for everything that happens from now on; [`Client::next_event`] waits for it.
    ///
    /// # Errors
    ///
    /// As [`Client::ask`].
    pub fn follow(&mut self) -> Result<(), ClientError> {
        self.ask(&Request::Follow)?;
        let stream = self.answers.get_ref();
        stream.set_read_timeout(None).map_err(ClientError::NoAnswer)
    }

    /// The next event as a line of JSON without its end; `None` when there are no more.
    ///
    /// # Errors
    ///
    /// [`ClientError::NoAnswer`].
    pub fn next_event(&mut self) -> Result<Option<String>, ClientError> {
        self.line()
    }

    /// Waits until the other side is gone, at most as long as an answer may take.
    pub fn wait_for_end(&mut self) {
        // An error is an end, too.
        while let Ok(Some(_)) = self.line() {}
    }

    fn line(&mut self) -> Result<Option<String>, ClientError> {
        let mut line = String::new();
        let read = (&mut self.answers)
            .take(LONGEST_ANSWER)
            .read_line(&mut line);
        match read {
            Ok(0) => Ok(None),
            Ok(_) => {
                line.truncate(line.trim_end().len());
                Ok(Some(line))
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(None),
            Err(error) => Err(ClientError::NoAnswer(error)),
        }
    }
}

/// What a failed write means.
fn broken(error: io::Error) -> ClientError {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => ClientError::Ended,
        _ => ClientError::NoAnswer(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_text_with_a_line_end_is_not_sent_as_two_requests() {
        let home = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(home.path().join(crate::control::SOCKET)).unwrap();
        let mut client = Client::connect(home.path(), home.path()).unwrap();

        let error = client
            .ask(&Request::Say("hello\nstop".to_owned()))
            .unwrap_err();

        assert_eq!(
            error.to_string(),
            "the line contains the control character U+000A"
        );
        drop(client);
        let mut sent = String::new();
        let (mut other, _) = listener.accept().unwrap();
        other.read_to_string(&mut sent).unwrap();
        assert_eq!(sent, "");
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_told_with_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("x".repeat(120));
        std::fs::create_dir(&state).unwrap();

        let error = Client::connect(&state, home.path()).unwrap_err();

        let words = error.to_string();
        let length = state.join(crate::control::SOCKET).as_os_str().len();
        assert!(words.contains(&format!("has {length} bytes")), "{words}");
        assert!(words.contains("set `onion.state` to a shorter"), "{words}");
    }

    #[test]
    fn without_a_show_the_error_says_how_to_start_one() {
        let home = tempfile::tempdir().unwrap();

        let error = Client::connect(home.path(), Path::new("here")).unwrap_err();

        assert_eq!(
            error.to_string(),
            "no onionstream is running in `here`; start it with `onionstream --dir here start`"
        );
    }
}
