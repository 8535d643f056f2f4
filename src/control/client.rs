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

use super::{answer::Answer, request::Request};

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
    /// The socket is there, but not for us.
    #[error("cannot reach the onionstream in `{}`; it may belong to another user", .dir.display())]
    Unreachable {
        /// The working directory.
        dir: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
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
        let stream = UnixStream::connect(state_dir.join(super::SOCKET));
        let stream = stream.map_err(|cause| {
            let dir = dir.to_owned();
            match cause.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    ClientError::NotRunning { dir }
                }
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
        let line = format!("{request}\n");
        let mut stream = self.answers.get_ref();
        stream.write_all(line.as_bytes()).map_err(broken)?;
        let answer = self.line()?.ok_or(ClientError::Ended)?;
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
    use super::*;

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
