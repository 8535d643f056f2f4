//! The socket: who may connect, and how lines go in and answers go out.
//!
//! Belongs here: limits, time limits, the stream of events. Does not belong here: what lines mean.
//!
//! Three things keep others out: the directory is for this user alone, so is the socket, and the
//! system says who is on the other side of each connection.

use std::{
    fs::Permissions,
    io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::Serialize;
use tokio::{
    io::{AsyncWriteExt as _, BufReader},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    answer::Answer,
    event::Event,
    executor::Executor,
    line_reader::{Incoming, LineReader},
    request::Request,
};
use crate::{live::feed::Read, room::panel::Update};

/// Connections that may be open at once.
const CONNECTIONS: usize = 32;

/// Lines that are no requests, after which a connection ends.
const BAD_LINES: usize = 8;

/// A reader that takes nothing for this long is left alone.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// An answer may still go out for this long when the program ends.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Pause after the system refuses a connection (usually: too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The socket, listening.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    patience: Duration,
    _file: SocketFile,
}

/// Removes the socket's file when dropped.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

impl Socket {
    /// Listens in the state directory, which must be claimed and closed to other people: a socket
    /// that is there was left by an earlier run, and is replaced.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` when others may use the directory, or own it; `AlreadyExists` when
    /// something other than a socket is there; `InvalidInput` for a path that is too long for a
    /// socket; otherwise what the system says.
    pub fn bind(state_dir: &Path) -> io::Result<Self> {
        let directory = state_dir.metadata()?;
        let own = rustix::process::geteuid().as_raw();
        if !is_private(directory.uid(), directory.permissions().mode(), own) {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the directory is not for this user alone; `chmod 700` it, and see who owns it",
            ));
        }
        let path = state_dir.join(super::SOCKET);
        if let Ok(existing) = path.symlink_metadata() {
            if !existing.file_type().is_socket() {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    format!("`{}` is not a socket; move it away", path.display()),
                ));
            }
            std::fs::remove_file(&path)?;
        }
        let listener = UnixListener::bind(&path).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => io::Error::new(error.kind(), super::too_long(&path)),
            _ => error,
        })?;
        let file = SocketFile(path);
        std::fs::set_permissions(&file.0, Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            patience: WRITE_WITHIN,
            _file: file,
        })
    }

    /// Serves connections until `closing` is cancelled.
    pub async fn serve(self, executor: Executor, closing: CancellationToken) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = closing.cancelled() => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection to the control socket could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let place = Arc::clone(&places).try_acquire_owned();
            let (executor, closing) = (executor.clone(), closing.clone());
            let patience = self.patience;
            connections.spawn(async move {
                let connection = Connection::new(stream, patience, closing);
                let refusal = match &place {
                    _ if !connection.is_ours => "this socket is for another user",
                    Err(_) => "too many connections are open; 32 are allowed",
                    // How a connection ends is the other side's business.
                    Ok(_) => return drop(connection.serve(executor).await),
                };
                drop(connection.refuse(refusal).await);
            });
            while connections.try_join_next().is_some() {}
        }
        while connections.join_next().await.is_some() {}
    }
}

/// Whether a directory of this owner and with these permissions is closed to everybody else.
fn is_private(owner: u32, mode: u32, own: u32) -> bool {
    let of_others = mode & 0o077;
    owner == own && of_others == 0
}

/// Whether the user on the other side is the one who runs the program. Nobody else is, not even
/// root, who needs no socket.
fn is_own(peer: Option<u32>, own: u32) -> bool {
    peer == Some(own)
}

/// One connection.
#[derive(Debug)]
struct Connection {
    lines: LineReader<BufReader<OwnedReadHalf>>,
    answers: OwnedWriteHalf,
    is_ours: bool,
    /// For a reader that takes nothing.
    patience: Duration,
    closing: CancellationToken,
}

impl Connection {
    fn new(stream: UnixStream, patience: Duration, closing: CancellationToken) -> Self {
        let peer = stream.peer_cred().ok().map(|peer| peer.uid());
        let is_ours = is_own(peer, rustix::process::geteuid().as_raw());
        let (lines, answers) = stream.into_split();
        Self {
            lines: LineReader::new(BufReader::new(lines)),
            answers,
            is_ours,
            patience,
            closing,
        }
    }

    /// Says why not, and ends.
    async fn refuse(mut self, why: &str) -> io::Result<()> {
        self.write(&Answer::Error(why.to_owned())).await
    }

    /// Answers lines until the other side is done, says too much nonsense, or the program ends.
    async fn serve(mut self, executor: Executor) -> io::Result<()> {
        let mut bad_lines = 0;
        while bad_lines < BAD_LINES {
            let incoming = tokio::select! {
                incoming = self.lines.next() => incoming?,
                () = self.closing.cancelled() => return Ok(()),
            };
            let request = match incoming {
                Incoming::End => return Ok(()),
                Incoming::Unreadable(why) => Err(why.to_owned()),
                Incoming::Line(line) => Request::parse(&line).map_err(|error| error.to_string()),
            };
            let answer = match request {
                Ok(Request::Follow) => return self.follow(&executor).await,
                Ok(request) => {
                    let executor = executor.clone();
                    // Files and the room's lock may take their time.
                    tokio::task::spawn_blocking(move || executor.execute(request)).await?
                }
                Err(why) => {
                    bad_lines += 1;
                    Answer::Error(why)
                }
            };
            self.write(&answer).await?;
        }
        self.refuse("too many lines were no requests").await
    }

    /// Writes everything that happens, after what is the case now.
    async fn follow(mut self, executor: &Executor) -> io::Result<()> {
        // Before looking: what changes in between comes twice, which is better than never.
        let mut events = executor.room.events();
        self.write(&Answer::of("following")).await?;
        for update in present(executor) {
            self.write_event(&update).await?;
        }
        loop {
            let read = tokio::select! {
                read = events.next() => read,
                () = self.lines.ended() => return Ok(()),
                () = self.closing.cancelled() => return Ok(()),
            };
            match read {
                Read::Item(update) => self.write_event(&update).await?,
                Read::Lost => return self.write(&Event::Lost).await,
            }
        }
    }

    async fn write_event(&mut self, update: &Update) -> io::Result<()> {
        match Event::of(update) {
            Some(event) => self.write(&event).await,
            None => Ok(()),
        }
    }

    /// Writes a line of JSON.
    async fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        let (answers, closing) = (&mut self.answers, &self.closing);
        let ended = async {
            closing.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            written = timeout(self.patience, answers.write_all(&line)) => written?,
            () = ended => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// What is the case now, as if it had just changed.
fn present(executor: &Executor) -> [Update; 6] {
    let values = executor.panel.values();
    [
        Update::Title(values.title),
        Update::Air(values.air),
        Update::Watching(values.watching),
        Update::Announcement(values.announcement),
        Update::Chat(values.chat),
        Update::People(values.list),
    ]
}

#[cfg(test)]
mod tests;
