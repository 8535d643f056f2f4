//! The control socket of a running show: what it can do to the program itself.
//!
//! Belongs here: files that requests change, and how the program ends by request.
//! Does not belong here: the protocol (`control.rs`), orders of the room.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{Task, keeper, password, until};
use crate::{
    clock::Clock,
    config::Settings,
    control::{
        executor::{Executor, Program},
        request::Deletions,
        socket::Socket,
    },
    emotes::{self, Emotes},
    http::Site,
    ingest,
    live::{desk::DeskFeed, room::RoomHandle},
    passwords::Passwords,
    recording,
    room::{person::Role, title::Title},
};

/// How the show ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// In good order: everybody is told, and what is being sent may still be sent.
    Stop,
    /// At once, and these are deleted.
    Panic(Deletions),
}

/// Endings that wait to be looked at; the first counts.
const ASKED: usize = 4;

/// Endings that were asked for.
pub(super) type Endings = mpsc::Receiver<Ending>;

/// Opens the socket: before the show says that it is there, so that whoever waits for that can ask
/// it at once. The show goes on without a socket if that fails.
pub(super) fn bind(settings: &Settings) -> Option<Socket> {
    let state = &settings.onion.state;
    Socket::bind(state)
        .inspect_err(|error| {
            tracing::warn!(
                "commands such as `onionstream status` will not reach this show: cannot listen in `{}`: {error}",
                state.display()
            );
        })
        .ok()
}

/// Answers at the socket, if there is one.
#[expect(clippy::too_many_arguments, reason = "the parts of the show meet here")]
pub(super) fn open(
    socket: Option<Socket>,
    settings: &Settings,
    site: &Site,
    local: String,
    book: watch::Sender<Arc<Emotes>>,
    clock: Clock,
    closing: &CancellationToken,
    tasks: &mut JoinSet<Task>,
) -> Endings {
    let (asked, endings) = mpsc::channel(ASKED);
    let program = Running {
        title_file: settings.ingest.title_file.clone(),
        emotes: settings.chat.emotes.clone(),
        room: site.room.clone(),
        book,
        desk: site.desk.clone(),
        passwords: site.passwords.clone(),
        state: settings.onion.state.clone(),
        local,
        // One end stays here in any case, so that the other never sees the last one go.
        asked,
    };
    let executor = Executor {
        room: site.room.clone(),
        panel: site.panel.clone(),
        leases: site.leases.clone(),
        desk: site.desk.clone(),
        clock,
        program: Arc::new(program),
    };
    match socket {
        Some(socket) => {
            let closed = closing.clone();
            tasks.spawn(async move {
                socket.serve(executor, closed).await;
                Ok("control socket")
            });
        }
        None => {
            tasks.spawn(until(closing, "no control socket", async move {
                let _kept = executor;
                std::future::pending::<()>().await;
            }));
        }
    }
    endings
}

/// The program, as requests see it.
#[derive(Debug)]
struct Running {
    title_file: PathBuf,
    emotes: PathBuf,
    room: RoomHandle,
    book: watch::Sender<Arc<Emotes>>,
    desk: DeskFeed,
    passwords: Passwords,
    state: PathBuf,
    /// The address of the local preview, with a slash at its end.
    local: String,
    asked: mpsc::Sender<Ending>,
}

impl Running {
    fn end(&self, ending: Ending) {
        // No place left, or nobody listens any more: it ends already.
        let _ends_already = self.asked.try_send(ending);
    }
}

impl Program for Running {
    fn write_title(&self, title: &Title) -> Result<(), String> {
        ingest::retitle(&self.title_file, title)
            .map_err(|error| format!("cannot write `{}`: {error}", self.title_file.display()))
    }

    fn reload(&self) -> Result<String, String> {
        let loaded = Arc::new(emotes::load(&self.emotes).map_err(|error| error.to_string())?);
        keeper::restore(&self.state, &self.room).map_err(|error| format!("{error:#}"))?;
        self.room.set_emotes(Arc::new(loaded.table.clone()));
        self.book.send_replace(loaded);
        Ok("The emotes, and `desk.toml` with bans and settings, were read again.".to_owned())
    }

    fn login_link(&self, role: Role) -> Result<String, String> {
        let token = self
            .room
            .login_link(role)
            .map_err(|error| error.to_string())?;
        // Before Tor has told the address, and without Tor, the link is for this computer.
        let site = self.desk.values().tor.address;
        let site = site.unwrap_or_else(|| self.local.clone());
        Ok(format!("{site}broadcaster/in/{}", token.as_str()))
    }

    fn password_changed(&self) -> Result<String, String> {
        let hash = password::read(&self.state).map_err(|error| format!("{error:#}"))?;
        let hash = hash.ok_or("there is no password file")?;
        self.passwords.replace_broadcaster(&hash);
        self.room.log_everybody_out();
        Ok("The new password holds; everybody at the desk was logged out.".to_owned())
    }

    fn stop(&self) {
        self.end(Ending::Stop);
    }

    fn panic(&self, deletions: Deletions) {
        self.end(Ending::Panic(deletions));
    }
}

/// Deletes what a panic asks for. Goes on when something cannot be deleted.
///
/// # Errors
///
/// The first thing that could not be deleted.
pub(super) fn delete(settings: &Settings, deletions: Deletions) -> anyhow::Result<()> {
    let onion = &settings.onion;
    let mut result = Ok(());
    let asked = [
        (deletions.stream, &settings.ingest.directory),
        (deletions.keys, &onion.keys),
        (deletions.keys, &onion.state),
    ];
    for (_, dir) in asked.into_iter().filter(|(is_asked, _)| *is_asked) {
        let emptied =
            empty(dir).with_context(|| format!("cannot delete all in `{}`", dir.display()));
        result = result.and(emptied);
    }
    if deletions.stream {
        let dir = &settings.recording.directory;
        let deleted = recording::delete_all(dir)
            .with_context(|| format!("cannot delete all recordings in `{}`", dir.display()));
        result = result.and(deleted);
    }
    result
}

/// Deletes everything in a directory; links are deleted, not followed.
fn empty(dir: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut result = Ok(());
    for entry in entries {
        let deleted = entry.and_then(|entry| {
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())
            } else {
                fs::remove_file(entry.path())
            }
        });
        match deleted {
            // Somebody else was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            deleted => result = result.and(deleted),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn emptying_a_directory_follows_no_link() {
        let home = tempfile::tempdir().unwrap();
        let (inside, outside) = (home.path().join("stream"), home.path().join("other"));
        fs::create_dir_all(inside.join("deep/deeper")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("mine"), "").unwrap();
        fs::write(inside.join("a.m4s"), "").unwrap();
        symlink(&outside, inside.join("link")).unwrap();

        empty(&inside).unwrap();
        empty(&home.path().join("missing")).unwrap();

        assert_eq!(fs::read_dir(&inside).unwrap().count(), 0);
        assert!(outside.join("mine").exists());
    }
}
