//! The control socket of a running show: what it can do to the program itself.
//!
//! Belongs here: files that requests change, and how the program ends by request.
//! Does not belong here: the protocol (`control.rs`), orders of the room.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{Task, until};
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
    live::room::RoomHandle,
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

/// Endings that were asked for.
pub(super) type Endings = mpsc::UnboundedReceiver<Ending>;

/// Opens the socket. The show goes on without it if that fails.
pub(super) fn open(
    settings: &Settings,
    site: &Site,
    book: watch::Sender<Arc<Emotes>>,
    clock: Clock,
    closing: &CancellationToken,
    tasks: &mut JoinSet<Task>,
) -> Endings {
    let (asked, endings) = mpsc::unbounded_channel();
    let program = Running {
        title_file: settings.ingest.title_file.clone(),
        emotes: settings.chat.emotes.clone(),
        room: site.room.clone(),
        book,
        // One end stays here in any case, so that the other never sees the last one go.
        asked,
    };
    let executor = Executor {
        room: site.room.clone(),
        panel: site.panel.clone(),
        leases: site.leases.clone(),
        clock,
        program: Arc::new(program),
    };
    let state = &settings.onion.state;
    match Socket::bind(state) {
        Ok(socket) => {
            let closed = closing.clone();
            tasks.spawn(async move {
                socket.serve(executor, closed).await;
                Ok("control socket")
            });
        }
        Err(error) => {
            tracing::warn!(
                "commands such as `onionstream status` will not reach this show: cannot listen in `{}`: {error}",
                state.display()
            );
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
    asked: mpsc::UnboundedSender<Ending>,
}

impl Running {
    fn end(&self, ending: Ending) {
        // Nobody listens any more: it ends already.
        let _ends_already = self.asked.send(ending);
    }
}

/// What is answered as long as there is no login.
const NO_LOGIN: &str = "this version has no login for the desk yet";

impl Program for Running {
    fn write_title(&self, title: &Title) -> Result<(), String> {
        let text = format!("{}\n", title.as_str());
        replace(&self.title_file, &text)
            .map_err(|error| format!("cannot write `{}`: {error}", self.title_file.display()))
    }

    fn reload(&self) -> Result<String, String> {
        let loaded = Arc::new(emotes::load(&self.emotes).map_err(|error| error.to_string())?);
        self.room.set_emotes(Arc::new(loaded.table.clone()));
        self.book.send_replace(loaded);
        Ok("The emotes were read again.".to_owned())
    }

    fn login_link(&self, _role: Role, _label: &str) -> Result<String, String> {
        Err(NO_LOGIN.to_owned())
    }

    fn password_changed(&self) -> Result<String, String> {
        Err(NO_LOGIN.to_owned())
    }

    fn stop(&self) {
        self.end(Ending::Stop);
    }

    fn panic(&self, deletions: Deletions) {
        self.end(Ending::Panic(deletions));
    }
}

/// Replaces the content of a file at once: whoever reads it sees the old or the new one. A link
/// stays a link.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let file = match file.canonicalize() {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => file.to_owned(),
        Err(error) => return Err(error),
    };
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    let written = fs::File::create(&new).and_then(|mut new| new.write_all(text.as_bytes()));
    let replaced = written.and_then(|()| fs::rename(&new, &file));
    if replaced.is_err() {
        let _gone = fs::remove_file(&new);
    }
    replaced
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
    fn a_title_replaces_the_file_at_once_and_a_link_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let (file, link) = (home.path().join("real.txt"), home.path().join("title.txt"));

        replace(&file, "one\n").unwrap();
        symlink("real.txt", &link).unwrap();
        replace(&link, "two\n").unwrap();

        assert_eq!(fs::read_to_string(&file).unwrap(), "two\n");
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
    }

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
