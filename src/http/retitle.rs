//! How the desk sets the title: through the title file, which others watch.

use std::{fmt, io, sync::Arc};

use crate::room::title::Title;

/// Writes the title file; clones write the same one.
#[derive(Clone)]
pub struct Retitle {
    write: Arc<Write>,
}

/// Replaces the file.
type Write = dyn Fn(&Title) -> io::Result<()> + Send + Sync;

impl fmt::Debug for Retitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Retitle")
    }
}

impl Retitle {
    /// `write` replaces the file, and may wait for the disk.
    pub fn new(write: impl Fn(&Title) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self {
            write: Arc::new(write),
        }
    }

    /// Replaces the title. It is shown when the watcher of the file has seen it: some milliseconds
    /// later.
    ///
    /// # Errors
    ///
    /// When the file cannot be written; the old title stays.
    pub async fn set(&self, title: Title) -> io::Result<()> {
        let write = Arc::clone(&self.write);
        match tokio::task::spawn_blocking(move || write(&title)).await {
            Ok(written) => written,
            Err(panicked) => Err(io::Error::other(panicked)),
        }
    }
}
