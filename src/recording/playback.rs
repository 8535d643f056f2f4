//! Reading a recording again, piece by piece.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use super::{Recordings, contents};
use crate::media::{
    init::{InitSegment, MAX_INIT_BYTES},
    recording::{Eyes, RecordingName, length},
};

/// A recording that is being read by somebody.
#[derive(Debug, Clone)]
pub struct Playback {
    recordings: Recordings,
    name: RecordingName,
    eyes: Eyes,
    file: Arc<File>,
    /// What is sent in place of the bytes before `skipped`: the init segment with a length.
    head: Bytes,
    skipped: u64,
    /// Bytes of the file that count.
    end: u64,
}

impl Recordings {
    /// Opens a recording that these may play, from the last of its chapters before `from`; `None` if
    /// there is none. The only way from a name to a file.
    pub async fn play(&self, name: RecordingName, eyes: Eyes, from: Duration) -> Option<Playback> {
        let recording = self.get_for(name, eyes)?;
        let (start, at) = match recording.chapters.before(from) {
            Some(chapter) => (chapter.start(), Some(chapter.at)),
            None => (Duration::ZERO, None),
        };
        let head = recording.chapters.head();
        let length = recording.length.saturating_sub(start);
        let opened = self
            .on_disk(move |recordings| {
                let file = recordings.shared.file(name);
                let file = contents::open(&file, OpenOptions::new().read(true))?;
                let (head, skipped) = match head {
                    Some(head) => (read_head(&file, head, length)?, at.unwrap_or(head)),
                    // A file of another program is sent as it is.
                    None => (Bytes::new(), 0),
                };
                let end = file.metadata()?.len();
                Ok::<_, io::Error>((file, head, skipped, end))
            })
            .await?;
        match opened {
            Ok((file, head, skipped, end)) => Some(Playback {
                recordings: self.clone(),
                name,
                eyes,
                file: Arc::new(file),
                head,
                skipped,
                end: end.min(recording.bytes),
            }),
            Err(error) => {
                tracing::warn!("the recording {name} cannot be played: {error}");
                None
            }
        }
    }
}

/// The init segment of a file, with a length in it.
fn read_head(file: &File, len: u64, length: Duration) -> io::Result<Bytes> {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let mut head = vec![0; len.min(MAX_INIT_BYTES)];
    file.read_exact_at(&mut head, 0)?;
    let init = InitSegment::parse(head.into()).map_err(io::Error::other)?;
    Ok(length::add(&init, length).unwrap_or_else(|| init.bytes().clone()))
}

impl Playback {
    /// Bytes of what is sent.
    pub fn len(&self) -> u64 {
        self.head.len() as u64 + self.end.saturating_sub(self.skipped)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// At most `most` bytes from `at` on; `None` at the end, when these may not play it any more,
    /// or when it cannot be read.
    pub async fn read(&self, at: u64, most: usize) -> Option<Bytes> {
        self.recordings.get_for(self.name, self.eyes)?;
        let head = usize::try_from(at).ok().and_then(|at| self.head.get(at..));
        if let Some(head) = head.filter(|head| !head.is_empty()) {
            let piece = head.get(..most).unwrap_or(head);
            return Some(self.head.slice_ref(piece));
        }
        let at = at - self.head.len() as u64 + self.skipped;
        let left = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX);
        if left == 0 {
            return None;
        }
        let file = Arc::clone(&self.file);
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; most.min(left)];
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
