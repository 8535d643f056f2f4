//! The directory of the broadcaster's emotes: a manifest and the pictures it names.
//!
//! ```toml
//! [[emote]]
//! name = "wave"
//! file = "wave.png"
//! ```
//!
//! Belongs here: reading and checking that directory.
//! Does not belong here: what a name in a message means (`room/emote.rs`), and when it is read
//! again.

mod picture;

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::room::emote::{Emote, EmoteTable, MAX_EMOTES};

/// The list of emotes in their directory.
pub const MANIFEST: &str = "emotes.toml";

/// Largest manifest, in bytes: 500 entries with long names take a quarter.
pub const MAX_MANIFEST_BYTES: usize = 256 * 1024;

/// Largest picture, in bytes.
pub const MAX_PICTURE_BYTES: usize = 256 * 1024;

/// Largest sum of all pictures, in bytes: they stay in memory.
pub const MAX_TOTAL_BYTES: usize = 16 * 1024 * 1024;

/// Longest file name, in bytes.
const MAX_FILE_NAME: usize = 255;

/// Mistakes that are told one by one.
const MOST_TOLD: usize = 50;

/// Longest part of a name that is repeated in a message, in characters.
const MOST_SHOWN: usize = 60;

/// Everything that is wrong with a directory, each with the entry it is about.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct EmotesError {
    manifest: PathBuf,
    mistakes: Vec<String>,
}

impl EmotesError {
    /// The mistakes, in the order of the manifest.
    pub fn mistakes(&self) -> &[String] {
        &self.mistakes
    }
}

impl fmt::Display for EmotesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the emotes in `{}` cannot be used:",
            self.manifest.display()
        )?;
        for mistake in self.mistakes.iter().take(MOST_TOLD) {
            write!(f, "\n  {mistake}")?;
        }
        match self.mistakes.len().saturating_sub(MOST_TOLD) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more mistakes"),
        }
    }
}

/// A picture as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// `image/png`, `image/gif` or `image/webp`, by what the file is.
    pub content_type: &'static str,
    /// The file.
    pub bytes: Bytes,
}

/// All emotes of a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Emotes {
    /// For messages.
    pub table: EmoteTable,
    pictures: BTreeMap<u32, Picture>,
}

impl Emotes {
    /// The picture of an emote. A picture that changes gets another number, so an answer with this
    /// one may be kept for ever.
    pub fn picture(&self, id: u32) -> Option<&Picture> {
        self.pictures.get(&id)
    }
}

/// Reads the manifest in `dir` and every picture in it; nothing if the directory does not exist.
/// Blocks on the file system.
///
/// # Errors
///
/// All mistakes at once. One wrong entry refuses the whole directory, so that a reload never takes
/// emotes away by accident.
pub fn load(dir: &Path) -> Result<Emotes, EmotesError> {
    let failed = |mistakes| EmotesError {
        manifest: dir.join(MANIFEST),
        mistakes,
    };
    match fs::metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Emotes::default()),
        Err(error) => {
            return Err(failed(vec![format!(
                "the directory cannot be read: {error}"
            )]));
        }
        Ok(metadata) if !metadata.is_dir() => {
            return Err(failed(vec!["this is not in a directory".to_owned()]));
        }
        Ok(_) => {}
    }
    let manifest = read(&dir.join(MANIFEST), MAX_MANIFEST_BYTES)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned()))
        .map_err(|problem| failed(vec![problem]))?;
    let entries = entries(&manifest).map_err(failed)?;

    let mut emotes = Emotes::default();
    let mut mistakes = Vec::new();
    let mut total = 0;
    for (at, entry) in entries.into_iter().enumerate() {
        // Before a picture is read: a manifest without end must not be.
        if at == MAX_EMOTES {
            mistakes.push(format!(
                "there are more than {MAX_EMOTES} emotes; take some out"
            ));
            break;
        }
        let name = entry.as_ref().map_or("", |entry| &entry.name);
        let place = if name.is_empty() {
            format!("emote {}", at + 1)
        } else {
            format!("emote {} (`{}`)", at + 1, shortened(name))
        };
        if let Err(problem) = entry.and_then(|entry| emotes.add(dir, entry, &mut total)) {
            mistakes.push(format!("{place}: {problem}"));
        }
        if total > MAX_TOTAL_BYTES {
            mistakes.push(format!(
                "the pictures have more than {} MiB together; take some out",
                MAX_TOTAL_BYTES / 1024 / 1024
            ));
            break;
        }
    }
    if mistakes.is_empty() {
        Ok(emotes)
    } else {
        Err(failed(mistakes))
    }
}

impl Emotes {
    fn add(&mut self, dir: &Path, entry: Entry, total: &mut usize) -> Result<(), String> {
        let Entry { name, file } = entry;
        let shown = shortened(&file);
        let told = |problem: String| format!("`{shown}`: {problem}");
        if !is_plain_file_name(&file) {
            return Err(told(
                "write the plain name of a file in this directory, without `/`".to_owned(),
            ));
        }
        let bytes = read(&dir.join(&file), MAX_PICTURE_BYTES).map_err(told)?;
        *total += bytes.len();
        let header = picture::header(&bytes).ok_or_else(|| {
            told("it is not a PNG, GIF or WebP picture, whatever its name says".to_owned())
        })?;
        let id = self.free_id(&name, &bytes);
        self.table
            .add(Emote {
                name,
                width: header.width,
                height: header.height,
                id,
            })
            .map_err(|refusal| refusal.to_string())?;
        let picture = Picture {
            content_type: header.content_type,
            bytes: bytes.into(),
        };
        self.pictures.insert(id, picture);
        Ok(())
    }

    /// A number that follows from name and content, so that it outlasts a restart.
    fn free_id(&self, name: &str, bytes: &[u8]) -> u32 {
        let digest = Sha256::new()
            .chain_update(name)
            .chain_update([0])
            .chain_update(bytes)
            .finalize();
        let mut id = digest
            .iter()
            .take(4)
            .fold(0, |id, &byte| id << 8 | u32::from(byte));
        while self.pictures.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        id
    }
}

/// One `[[emote]]`.
struct Entry {
    name: String,
    file: String,
}

/// The entries of the manifest in order, each either complete or a mistake.
fn entries(manifest: &str) -> Result<Vec<Result<Entry, String>>, Vec<String>> {
    let table: toml::Table = manifest
        .parse()
        .map_err(|error: toml::de::Error| vec![syntax_mistake(manifest, &error)])?;
    let mistakes: Vec<String> = table
        .keys()
        .filter(|&key| key != "emote")
        .map(|key| {
            format!(
                "`{}` is not known here; every emote begins with `[[emote]]`",
                shortened(key)
            )
        })
        .collect();
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    match table.get("emote") {
        None => Ok(Vec::new()),
        Some(toml::Value::Array(entries)) => Ok(entries.iter().map(entry).collect()),
        Some(_) => Err(vec![
            "begin every emote with `[[emote]]`, with two brackets".to_owned(),
        ]),
    }
}

/// Without the line itself, which may hold anything.
fn syntax_mistake(manifest: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start);
    let line = 1 + manifest
        .bytes()
        .take(start)
        .filter(|&byte| byte == b'\n')
        .count();
    format!("line {line}: {}", error.message().escape_debug())
}

fn entry(value: &toml::Value) -> Result<Entry, String> {
    let table = value
        .as_table()
        .ok_or("begin every emote with `[[emote]]`")?;
    if let Some(key) = table.keys().find(|&key| key != "name" && key != "file") {
        return Err(format!(
            "`{}` is not known here; an emote has `name` and `file`",
            shortened(key)
        ));
    }
    let text = |key: &str| match table.get(key) {
        Some(toml::Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("put the value of `{key}` in quotation marks")),
        None => Err(format!("`{key}` is missing")),
    };
    Ok(Entry {
        name: text("name")?,
        file: text("file")?,
    })
}

/// Whether a text names a file of the directory itself, not hidden and nowhere else.
fn is_plain_file_name(name: &str) -> bool {
    (1..=MAX_FILE_NAME).contains(&name.len())
        && !name.starts_with('.')
        && !name.contains(|letter: char| matches!(letter, '/' | '\\') || letter.is_control())
}

/// The content of a regular file that is not a symbolic link.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, String> {
    let told = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("it cannot be read: {error}"),
    };
    // Asked before opening, because opening a device can do something.
    let metadata = fs::symlink_metadata(path).map_err(told)?;
    if metadata.is_symlink() {
        return Err("it is a symbolic link; put the file itself there".to_owned());
    }
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(told)?;
    // It may have been exchanged in between.
    if !file.metadata().map_err(told)?.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut content = Vec::new();
    file.take(limit as u64 + 1)
        .read_to_end(&mut content)
        .map_err(told)?;
    if content.len() > limit {
        return Err(format!("it has more than {} KiB", limit / 1024));
    }
    Ok(content)
}

/// Names come from a file: none may fill the terminal or steer it.
fn shortened(name: &str) -> String {
    let mut shown: String = name
        .chars()
        .take(MOST_SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if name.chars().count() > MOST_SHOWN {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
#[path = "emotes/load_tests.rs"]
mod tests;
