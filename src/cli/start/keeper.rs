//! What the desk decided, kept over restarts in one small file.
//!
//! Belongs here: when the file is read and written. Does not belong here: what is in it
//! (`room/kept.rs`), how a private file is written (`private_file.rs`).

use std::{path::Path, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Task;
use crate::{
    cli::{deletion::KEEPER_FILE, report::WithHint as _},
    live::room::RoomHandle,
    passwords,
    private_file::{self, PrivateFileError},
    room::kept::Kept,
};

/// The file is written at most this often.
const PAUSE: Duration = Duration::from_millis(250);

/// After a write that failed, the next one is tried after this long.
const RETRY: Duration = Duration::from_secs(5);

/// Before the file is read again, it is looked this often whether everything is in it,
const LOOKS: u32 = 100;

/// with this pause.
const LOOK: Duration = Duration::from_millis(20);

/// Reads the file and hands it to the room.
pub(super) fn restore(state: &Path, room: &RoomHandle) -> anyhow::Result<()> {
    let file = state.join(KEEPER_FILE);
    // The directory is ours alone since the start.
    private_file::remove_unfinished(&file);
    let saved = room.saved();
    let Some(text) = private_file::read(&file)? else {
        return Ok(());
    };
    take_over(&text, room, &saved)
        .with_context(|| format!("`{}` cannot be used", file.display()))
        .hint("correct what is wrong in it, or move it away to begin without bans and settings")
}

/// The same in the middle of a show, for a file that was changed by hand. Blocks until what was
/// decided before is in it, which takes moments.
pub(super) fn reload(state: &Path, room: &RoomHandle) -> anyhow::Result<()> {
    for _ in 0..LOOKS {
        if room.is_saved() {
            break;
        }
        std::thread::sleep(LOOK);
    }
    restore(state, room)
}

fn take_over(text: &str, room: &RoomHandle, saved: &Arc<Kept>) -> anyhow::Result<()> {
    let kept = Kept::parse(text)?;
    // Nobody could come in, and only viewers would learn why.
    if let Some(hash) = &kept.viewing_password {
        passwords::check_hash(hash).context("`viewing_password`")?;
    }
    anyhow::ensure!(
        room.restore(&kept, saved)?,
        "something was changed and is not in it yet; try again, and see that the disk is not full"
    );
    Ok(())
}

/// Writes the file whenever something in it changes, and once more at the end.
pub(super) async fn keep(state: PathBuf, room: RoomHandle, closing: CancellationToken) -> Task {
    let file = state.join(KEEPER_FILE);
    let mut kept = room.kept();
    let mut failing = false;
    loop {
        let closed = tokio::select! {
            changed = kept.changed() => {
                // Seen, but not written yet.
                kept.mark_changed();
                changed.is_err()
            }
            () = closing.cancelled() => true,
        };
        while let Err(error) = write(&file, &mut kept, &room).await {
            if !failing {
                tracing::error!(
                    "bans and settings cannot be kept: {error}; they hold until the program ends, and \
                     writing is tried again and again"
                );
                failing = true;
            }
            if closed {
                return Ok("keeper");
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = closing.cancelled() => {}
            }
            if closing.is_cancelled() {
                // One last try, for a disk that has room again.
                let _written = write(&file, &mut kept, &room).await;
                return Ok("keeper");
            }
        }
        if failing {
            tracing::info!("bans and settings are kept again");
            failing = false;
        }
        if closed {
            return Ok("keeper");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Writes the newest state, if it is not the one in the file.
async fn write(
    file: &Path,
    kept: &mut watch::Receiver<Arc<Kept>>,
    room: &RoomHandle,
) -> Result<(), PrivateFileError> {
    if !kept.has_changed().unwrap_or(true) && file.exists() {
        return Ok(());
    }
    let newest = Arc::clone(&kept.borrow_and_update());
    let file = file.to_owned();
    let written = tokio::task::spawn_blocking({
        let file = file.clone();
        let newest = Arc::clone(&newest);
        move || private_file::write(&file, &newest.to_toml())
    })
    .await;
    match written {
        Ok(Ok(())) => {
            room.note_saved(newest);
            Ok(())
        }
        Ok(Err(error)) => {
            kept.mark_changed();
            Err(error)
        }
        // The runtime is going down.
        Err(_stopped) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::{super::parts, *};
    use crate::{
        clock::Clock,
        config::Settings,
        emotes::Emotes,
        room::{
            access::MAX_CLUB,
            desk::MAX_MODERATORS,
            filter::{MAX_PATTERN, MAX_RULES},
            kept::{KeptModerator, KeptSanction},
            order::{Actor, Order},
            sanction,
            show::Show,
        },
    };

    fn room(home: &Path) -> RoomHandle {
        let settings = Settings::load(home, std::iter::empty(), &[]).unwrap();
        let (emotes, closing) = (Arc::new(Emotes::default()), CancellationToken::new());
        let assembled = parts::assemble(&settings, &emotes, "", Clock::new(), &closing);
        assembled.unwrap().0.room
    }

    fn announce(room: &RoomHandle, words: &str) {
        let show = Arc::new(Show {
            announcement: words.to_owned(),
            ..Show::default()
        });
        room.order(Actor::Terminal, Order::Show(show)).unwrap();
    }

    #[tokio::test]
    async fn a_write_that_failed_is_tried_again_with_the_newest_state() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state");
        let file = state.join("desk.toml");
        let room = room(home.path());
        let mut news = room.kept();
        announce(&room, "soon");

        assert!(
            write(&file, &mut news, &room).await.is_err(),
            "there is no directory"
        );
        fs::create_dir(&state).unwrap();
        write(&file, &mut news, &room).await.unwrap();

        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(Kept::parse(&text).unwrap().show.announcement, "soon");
        // Nothing changed: nothing is written.
        fs::write(&file, "by hand").unwrap();
        write(&file, &mut news, &room).await.unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "by hand");
    }

    #[tokio::test]
    async fn reading_the_file_again_loses_nothing_that_is_not_in_it_yet() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("desk.toml");
        let room = room(home.path());
        let mut news = room.kept();
        announce(&room, "later");
        write(&file, &mut news, &room).await.unwrap();
        restore(home.path(), &room).unwrap();

        announce(&room, "soon");
        let error = restore(home.path(), &room).unwrap_err();

        assert!(format!("{error:#}").contains("try again"), "{error:#}");
        assert_eq!(room.show().announcement(), "soon");
        write(&file, &mut news, &room).await.unwrap();
        restore(home.path(), &room).unwrap();
        assert_eq!(room.show().announcement(), "soon");
    }

    #[test]
    fn a_viewing_password_that_lets_nobody_in_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("desk.toml");
        fs::write(&file, "viewing_password = 'open sesame'").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();

        let error = restore(home.path(), &room(home.path())).unwrap_err();

        let words = format!("{error:#}");
        assert!(words.contains("Argon2id"), "{words}");
        assert!(!words.contains("sesame"), "{words}");
    }

    /// As much of everything as the room takes over.
    fn fullest() -> Kept {
        let label = "\u{1F468}".repeat(64);
        let tripcode = "aaaa-aaaa-aaaa-aaaa".to_owned();
        let moderator = KeptModerator {
            tripcode: tripcode.clone(),
            label: label.clone(),
        };
        let sanction = KeptSanction {
            kind: "block".to_owned(),
            label: label.clone(),
            by: label,
            since: 1 << 62,
            until: Some(1 << 62),
            tripcode: Some(tripcode.clone()),
            tokens: vec!["0123456789abcdef".repeat(4); 8],
        };
        Kept {
            club: Some(vec![tripcode; MAX_CLUB]),
            filters: vec![format!("censor {}", "x".repeat(MAX_PATTERN)); MAX_RULES],
            moderators: vec![moderator; MAX_MODERATORS],
            sanctions: vec![sanction; sanction::CAPACITY],
            ..Kept::default()
        }
    }

    #[test]
    fn a_file_that_is_as_full_as_it_can_be_is_read_again() {
        let home = tempfile::tempdir().unwrap();
        private_file::write(&home.path().join("desk.toml"), &fullest().to_toml()).unwrap();
        let room = room(home.path());

        restore(home.path(), &room).unwrap();

        assert_eq!(room.desk().sanctions.len(), sanction::CAPACITY);
    }
}
