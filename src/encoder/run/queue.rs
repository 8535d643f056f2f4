//! Which file comes next.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
};

use super::super::{
    ask::Leash,
    command::Plan,
    probe::{self, EncoderError},
};

/// Files of a directory that are looked at.
const MAX_FILES: usize = 10_000;

/// What lies beside films and music and is neither: covers and other pictures, which would flash by
/// for the length of one frame, subtitles, lists, notes. By the ending, in small letters.
const COMPANIONS: [&str; 22] = [
    "jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "svg", "srt", "ass", "ssa", "vtt", "sub",
    "idx", "lrc", "nfo", "txt", "md", "m3u", "m3u8", "cue", "log",
];

/// The files that are played, in their order.
#[derive(Debug)]
pub(super) struct Queue {
    path: PathBuf,
    again: bool,
    rest: VecDeque<PathBuf>,
}

impl Queue {
    /// A file that can be played, or a directory with at least one file.
    ///
    /// # Errors
    ///
    /// There is nothing to play.
    pub(super) fn open(
        plan: &Plan,
        path: PathBuf,
        again: bool,
        leash: &Leash,
    ) -> Result<Self, EncoderError> {
        let rest = list(&path)?;
        if !path.is_dir() {
            let contents = probe::contents(&plan.ffmpeg, &path, leash)?;
            if !contents.audio && !plan.preset.has_video() {
                return Err(EncoderError::Mute { path });
            }
        }
        Ok(Self { path, again, rest })
    }

    /// The next file; the directory is looked at again for each round.
    pub(super) fn next(&mut self) -> Option<PathBuf> {
        if let Some(path) = self.rest.pop_front() {
            return Some(path);
        }
        if !self.again {
            return None;
        }
        match list(&self.path) {
            Ok(files) => self.rest = files,
            Err(error) => tracing::warn!("{error}; the last round is tried again"),
        }
        // A directory that is empty for a moment is no reason to end a channel.
        self.rest.pop_front().or_else(|| Some(self.path.clone()))
    }
}

/// A plan for each file of a file or directory, in the order of playing.
///
/// # Errors
///
/// There is nothing to play, or one of them cannot be played.
pub fn plans(plan: &Plan, path: &Path, leash: &Leash) -> Result<Vec<Plan>, EncoderError> {
    let files = list(path)?;
    files
        .iter()
        .map(|file| Ok(plan.of_file(file, probe::contents(&plan.ffmpeg, file, leash)?)))
        .collect()
}

/// Whether a file can be played, or how many files there are in a directory; these are not opened.
///
/// # Errors
///
/// There is nothing to play.
pub fn check_files(plan: &Plan, path: &Path, leash: &Leash) -> Result<usize, EncoderError> {
    Queue::open(plan, path.to_owned(), false, leash).map(|queue| queue.rest.len())
}

/// The files to play, by name.
fn list(path: &Path) -> Result<VecDeque<PathBuf>, EncoderError> {
    let unreadable = |cause| EncoderError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_dir() {
        return Ok(VecDeque::from([path.to_owned()]));
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)?.take(MAX_FILES) {
        let file = entry.map_err(unreadable)?.path();
        let is_hidden = file
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && !is_companion(&file) && file.is_file() {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(EncoderError::Empty {
            path: path.to_owned(),
        });
    }
    files.sort();
    Ok(files.into())
}

fn is_companion(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| {
        COMPANIONS
            .iter()
            .any(|one| one.eq_ignore_ascii_case(ending))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_by_name_and_new_ones_in_the_next_round() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "b.mp4",
            "a.mkv",
            ".hidden",
            "a.srt",
            "Cover.JPG",
            "list.m3u8",
        ] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let mut queue = Queue {
            path: dir.path().to_owned(),
            again: true,
            rest: list(dir.path()).unwrap(),
        };
        let mut next = || {
            let path = queue.next().unwrap();
            path.file_name().unwrap().to_string_lossy().into_owned()
        };

        assert_eq!([next(), next()], ["a.mkv", "b.mp4"]);
        fs::write(dir.path().join("0.webm"), "x").unwrap();
        assert_eq!([next(), next(), next()], ["0.webm", "a.mkv", "b.mp4"]);
    }

    #[test]
    fn an_empty_directory_and_a_missing_file_are_said_so() {
        let dir = tempfile::tempdir().unwrap();
        let empty = list(dir.path()).unwrap_err().to_string();
        assert!(empty.contains("nothing to play"), "{empty}");
        fs::write(dir.path().join("cover.jpg"), "x").unwrap();
        assert!(list(dir.path()).is_err(), "no film and no music");
        assert_eq!(
            list(&dir.path().join("cover.jpg")).unwrap().len(),
            1,
            "as named"
        );
        let missing = list(&dir.path().join("x")).unwrap_err().to_string();
        assert!(missing.contains("cannot be read"), "{missing}");
    }
}
