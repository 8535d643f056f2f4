//! Whether the disk has room for what an encoder writes.
//!
//! Belongs here: noticing that it has none, and saying so once. Encoders say it too, but where nobody
//! looks, and the show just ends.

use std::path::Path;

use rustix::fs::{StatVfs, statvfs};
use tracing::{info, warn};

/// Less free room than this is none, in bytes: about a quarter of a minute of a show.
const LITTLE: u64 = 2 * 1024 * 1024;

/// On a disk so small that this part of it is less, that is none.
const SMALL_PART: u64 = 20;

/// What is known of the room on the disk.
#[derive(Debug, Default)]
pub(super) struct Disk {
    is_full: bool,
}

impl Disk {
    /// Asks how much room there is for files in `directory`, and says so when that has become too
    /// little or enough again.
    pub(super) fn look(&mut self, directory: &Path) {
        let Ok(state) = statvfs(directory) else {
            return;
        };
        let (free, little) = room(&state);
        // Twice as much before it is enough: files that come and go must not make it a litany.
        let is_full = free < if self.is_full { little * 2 } else { little };
        if is_full && !self.is_full {
            warn!(
                "the disk of the stream directory `{}` is full ({} KiB left), so the encoder cannot \
                 write; delete something there, and start the encoder again if it has ended",
                directory.display(),
                free / 1024
            );
        } else if self.is_full && !is_full {
            info!(
                "the disk of the stream directory `{}` has room again",
                directory.display()
            );
        }
        self.is_full = is_full;
    }
}

/// The bytes that are free for the encoder, and how many are too few.
fn room(state: &StatVfs) -> (u64, u64) {
    let free = state.f_bavail.saturating_mul(state.f_frsize);
    let all = state.f_blocks.saturating_mul(state.f_frsize);
    // File systems that count nothing say 0 of 0.
    (free, LITTLE.min(all / SMALL_PART))
}
