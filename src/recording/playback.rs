//! Reading a recording again, piece by piece.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    sync::Arc,
};

use bytes::Bytes;

use super::{Recordings, index};
use crate::media::recording::{Eyes, RecordingName};

/// A recording that is being read by somebody.
#[derive(Debug, Clone)]
pub struct Playback {
    recordings: Recordings,
    name: RecordingName,
    eyes: Eyes,
    file: Arc<File>,
    len: u64,
}

impl Recordings {
    /// Opens a recording that these may play; `None` if there is none. The only way from a name to
    /// a file.
    pub async fn play(&self, name: RecordingName, eyes: Eyes) -> Option<Playback> {
        let recording = self.get_for(name, eyes)?;
        let opened = self
            .on_disk(move |recordings| {
                let file = recordings.shared.file(name);
                let file = index::open(&file, OpenOptions::new().read(true))?;
                let len = file.metadata()?.len();
                Ok::<_, io::Error>((file, len))
            })
            .await?;
        match opened {
            Ok((file, len)) => Some(Playback {
                recordings: self.clone(),
                name,
                eyes,
                file: Arc::new(file),
                len: len.min(recording.bytes),
            }),
            Err(error) => {
                tracing::warn!("the recording {name} cannot be played: {error}");
                None
            }
        }
    }
}

impl Playback {
    /// Bytes of the whole recording.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// At most `most` bytes from `at` on; `None` when these may not play it any more, or when it
    /// cannot be read.
    pub async fn read(&self, at: u64, most: usize) -> Option<Bytes> {
        self.recordings.get_for(self.name, self.eyes)?;
        let file = Arc::clone(&self.file);
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; most];
            file.read_exact_at(&mut piece, at).map(|()| piece)
        });
        match read.await.ok()? {
            Ok(piece) => Some(piece.into()),
            Err(error) => {
                let name = self.name;
                tracing::warn!("the recording {name} cannot be read: {error}");
                None
            }
        }
    }
}
