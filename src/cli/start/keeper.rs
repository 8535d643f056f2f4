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
    private_file::{self, PrivateFileError},
    room::kept::Kept,
};

/// The file is written at most this often.
const PAUSE: Duration = Duration::from_millis(250);

/// After a write that failed, the next one is tried after this long.
const RETRY: Duration = Duration::from_secs(5);

/// Reads the file and hands it to the room.
pub(super) fn restore(state: &Path, room: &RoomHandle) -> anyhow::Result<()> {
    let file = state.join(KEEPER_FILE);
    let Some(text) = private_file::read(&file)? else {
        return Ok(());
    };
    Kept::parse(&text)
        .and_then(|kept| room.restore(&kept))
        .with_context(|| format!("`{}` cannot be used", file.display()))
        .hint("correct what is wrong in it, or move it away to begin without bans and settings")
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
        while let Err(error) = write(&file, &mut kept).await {
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
                let _written = write(&file, &mut kept).await;
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
async fn write(file: &Path, kept: &mut watch::Receiver<Arc<Kept>>) -> Result<(), PrivateFileError> {
    if !kept.has_changed().unwrap_or(true) && file.exists() {
        return Ok(());
    }
    let newest = Arc::clone(&kept.borrow_and_update());
    let file = file.to_owned();
    let written = tokio::task::spawn_blocking({
        let file = file.clone();
        move || private_file::write(&file, &newest.to_toml())
    })
    .await;
    match written {
        Ok(Ok(())) => Ok(()),
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
    use std::fs;

    use super::*;
    use crate::room::shields::Shields;

    fn kept(slow: bool) -> Arc<Kept> {
        Arc::new(Kept {
            shields: Shields {
                slow,
                ..Shields::default()
            },
            ..Kept::default()
        })
    }

    #[tokio::test]
    async fn a_write_that_failed_is_tried_again_with_the_newest_state() {
        let home = tempfile::tempdir().unwrap();
        let (state, file) = (
            home.path().join("state"),
            home.path().join("state/desk.toml"),
        );
        let (change, mut news) = watch::channel(kept(false));
        change.send_replace(kept(true));

        assert!(
            write(&file, &mut news).await.is_err(),
            "there is no directory"
        );
        fs::create_dir(&state).unwrap();
        write(&file, &mut news).await.unwrap();

        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(Kept::parse(&text).unwrap(), *kept(true));
        // Nothing changed: nothing is written.
        fs::write(&file, "by hand").unwrap();
        write(&file, &mut news).await.unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "by hand");
    }
}
