//! What a panic deletes: the files that a show has written, and nothing else.
//!
//! Belongs here: telling our files from others by their names, deleting them, counting the rest.
//! Does not belong here: how a panic is asked for, ending the show.
//!
//! The directories are settings: any of them may be the working directory or a home. So nothing is
//! deleted for being in one of them, only for having a name that a show or an encoder gives. Links
//! are deleted, not followed.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::password::PASSWORD_FILE;
use crate::{
    config::Settings, control, control::request::Deletions, ingest, instance, onion, private_file,
    push::key::KEY_FILE, recording, tripcodes,
};

/// Name of the file with everything of the desk that survives a restart, in the state directory.
pub(super) const KEEPER_FILE: &str = "desk.toml";

/// What arti keeps in its directory for state.
const TOR_STATE: [&str; 4] = ["hss", "keystore", "pt_state", "state"];

/// What arti keeps in its directory for the copy of the network's directory.
const TOR_CACHE: [&str; 6] = [
    "dir.lock",
    "dir.sqlite3",
    "dir.sqlite3-journal",
    "dir.sqlite3-shm",
    "dir.sqlite3-wal",
    "dir_blobs",
];

/// Longest content of a file that is looked into, in bytes; an address has 63 with its line feed.
const SHORT: u64 = 128;

/// Whether an entry, which has this name, is of a show.
type IsOurs = fn(&Path, &str) -> bool;

/// Where is looked for files, and for which.
struct Place {
    dir: PathBuf,
    is_ours: IsOurs,
    kind: Kind,
}

/// Whose a place is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A directory that a setting names: it stays.
    Named,
    /// Made by us: it goes with directories of ours in it, if nothing else is left.
    Own,
    /// Made for a variant by an encoder: it goes if nothing is left in it.
    Variant,
}

impl Place {
    fn new(dir: &Path, is_ours: IsOurs) -> Self {
        Self {
            dir: dir.to_owned(),
            is_ours,
            kind: Kind::Named,
        }
    }

    fn within(dir: PathBuf, is_ours: IsOurs) -> Self {
        Self {
            dir,
            is_ours,
            kind: Kind::Own,
        }
    }

    fn of_variant(dir: PathBuf) -> Self {
        Self {
            dir,
            is_ours: is_of_a_broadcast,
            kind: Kind::Variant,
        }
    }
}

/// The places that `deletions` mean, with those inside others before them.
fn places(settings: &Settings, deletions: Deletions) -> Vec<Place> {
    let mut places = Vec::new();
    if deletions.stream {
        let stream = &settings.ingest.directory;
        let variants = ingest::variant_directories(stream);
        places.extend(variants.into_values().map(Place::of_variant));
        places.push(Place::new(stream, is_of_a_broadcast));
        let recordings = &settings.recording.directory;
        places.push(Place::new(recordings, |_, name| recording::is_ours(name)));
    }
    if deletions.keys {
        let state = &settings.onion.state;
        places.extend([
            Place::new(&settings.onion.keys, is_key),
            Place::within(state.join(onion::TOR_STATE_DIR), |_, name| {
                TOR_STATE.contains(&name)
            }),
            Place::within(state.join(onion::TOR_CACHE_DIR), |_, name| {
                TOR_CACHE.contains(&name)
            }),
            Place::new(state, |_, name| is_state(name)),
        ]);
    }
    places
}

/// Deletes what is asked for. Goes on when something cannot be deleted.
///
/// # Errors
///
/// The first thing that could not be deleted.
pub(super) fn delete(settings: &Settings, deletions: Deletions) -> anyhow::Result<()> {
    let mut result = Ok(());
    for place in places(settings, deletions) {
        let deleted = place.delete().with_context(|| {
            let dir = place.dir.display();
            format!("cannot delete all files of the show in `{dir}`; delete them by hand")
        });
        result = result.and(deleted);
    }
    result
}

/// A sentence for each directory of `deletions` in which there is something now.
pub(super) fn left(settings: &Settings, deletions: Deletions) -> Vec<String> {
    let outer = places(settings, deletions)
        .into_iter()
        .filter(|place| place.kind == Kind::Named);
    let mut dirs: Vec<_> = outer.map(|place| place.dir).collect();
    dirs.sort();
    dirs.dedup();
    let counted = dirs.into_iter().filter_map(|dir| {
        let entries = fs::read_dir(&dir).ok()?.count();
        (entries > 0).then(|| {
            format!(
                "{entries} {} in `{}` not written by a show: left there",
                if entries == 1 {
                    "thing is"
                } else {
                    "things are"
                },
                dir.display()
            )
        })
    });
    counted.collect()
}

impl Place {
    fn delete(&self) -> io::Result<()> {
        // What is behind a link in our own directory is not ours.
        if self.kind == Kind::Own && is_link(&self.dir) {
            return fs::remove_file(&self.dir);
        }
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut result = Ok(());
        for entry in entries {
            let deleted = entry.and_then(|entry| {
                let path = entry.path();
                let name = entry.file_name();
                if !name
                    .to_str()
                    .is_some_and(|name| (self.is_ours)(&path, name))
                {
                    return Ok(());
                }
                match entry.file_type()?.is_dir() {
                    false => fs::remove_file(path),
                    true if self.kind == Kind::Own => fs::remove_dir_all(path),
                    // Nothing of ours is a directory there.
                    true => Ok(()),
                }
            });
            match deleted {
                // Somebody else was quicker.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                deleted => result = result.and(deleted),
            }
        }
        if self.kind != Kind::Named {
            // Something of others is in it: it stays.
            let _not_empty = fs::remove_dir(&self.dir);
        }
        result
    }
}

/// What encoders write into the stream directory.
fn is_of_a_broadcast(path: &Path, name: &str) -> bool {
    ingest::is_of_a_broadcast(name)
        || ingest::NUMBER_FILES.contains(&name)
            && holds(path, |text| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What a show writes into the key directory.
fn is_key(path: &Path, name: &str) -> bool {
    onion::KEY_FILES.contains(&name)
        || is_written_as(name, tripcodes::SALT_FILE)
        // The name alone says little: the computer has a file `hostname`, too.
        || name == onion::HOSTNAME_FILE && holds(path, is_address)
}

/// Whether this is the host of an onion site: 56 letters and digits before the dot.
fn is_address(text: &str) -> bool {
    let name = text.strip_suffix(".onion");
    name.is_some_and(|name| {
        name.len() == 56 && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// What a show writes into the state directory, besides the directories of Tor.
fn is_state(name: &str) -> bool {
    [control::SOCKET, instance::LOCK_FILE].contains(&name)
        || [PASSWORD_FILE, KEEPER_FILE, KEY_FILE]
            .iter()
            .any(|file| is_written_as(name, file))
}

/// Whether `name` is `file`, or `file` while it is being written.
fn is_written_as(name: &str, file: &str) -> bool {
    name == file || private_file::is_unfinished(name, file)
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|found| found.file_type().is_symlink())
}

/// Whether `path` is a short plain file with such a line in it, and nothing else.
fn holds(path: &Path, is_right: impl Fn(&str) -> bool) -> bool {
    if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return false;
    }
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(SHORT + 1).read_to_string(&mut text));
    read.is_ok_and(|length| length as u64 <= SHORT) && is_right(text.trim_ascii())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::config::Override;

    const ALL: Deletions = Deletions {
        stream: true,
        keys: true,
    };

    /// What a show and its encoder leave in the three directories.
    const WRITTEN: [&str; 28] = [
        "stream/stream.m3u8",
        "stream/stream.m3u8.tmp",
        "stream/init.mp4",
        "stream/stream0.m4s",
        "stream/stream17.m4s",
        "stream/stream18.m4s.tmp",
        "stream/pid.txt",
        "stream/start.txt",
        "stream/low/stream.m3u8",
        "stream/low/init.mp4",
        "stream/low/stream3.m4s",
        "stream/low/pid.txt",
        "keys/hs_ed25519_secret_key",
        "keys/hs_ed25519_public_key",
        "keys/hostname",
        "keys/.unfinished",
        "keys/tripcode_salt",
        "keys/.tripcode_salt.0123456789abcdef",
        "state/broadcaster_password",
        "state/.broadcaster_password.0123456789abcdef",
        "state/desk.toml",
        "state/.desk.toml.0123456789abcdef",
        "state/instance.lock",
        "state/control.sock",
        "state/tor/hss/id-1/iptpub.json",
        "state/tor/state/guards.json",
        "state/tor-cache/dir.sqlite3",
        "state/tor-cache/dir_blobs/a",
    ];

    /// What others have, with names that look like ours.
    const OF_OTHERS: [&str; 20] = [
        "photo.jpg",
        ".bashrc",
        ".unfinished.txt",
        "stream.mp4",
        "stream01.m4s",
        "stream-1.m4s",
        "stream1.m4s.bak",
        "my-stream1.m4s",
        "stream3.m4s/inside",
        "init.mp4.old",
        "desk.toml.bak",
        ".desk.toml.swp",
        "tor/browser/firefox",
        "tor-cache/notes",
        "photos/stream1.m4s",
        "Films/init.mp4",
        "Films/stream1.m4s",
        "films/init.mp4.old",
        "films/stream2.m4s",
        "title.txt",
    ];

    fn content(path: &Path) -> &'static str {
        match path.file_name().and_then(|name| name.to_str()) {
            Some("pid.txt" | "start.txt") => "1770149707\n",
            Some("hostname") => "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwx.onion\n",
            _ => "",
        }
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn settings(home: &Path, [stream, keys, state]: [&str; 3]) -> Settings {
        let overrides = [
            Override::set(format!("ingest.directory={stream}")),
            Override::set(format!("onion.keys={keys}")),
            Override::set(format!("onion.state={state}")),
        ];
        Settings::load(home, std::iter::empty(), &overrides).unwrap()
    }

    #[test]
    fn everything_that_a_show_has_written_is_deleted() {
        let home = tempfile::tempdir().unwrap();
        for file in WRITTEN.map(|file| home.path().join(file)) {
            write(&file, content(&file));
        }
        let settings = settings(home.path(), ["stream", "keys", "state"]);

        delete(&settings, ALL).unwrap();

        for dir in ["stream", "keys", "state"] {
            let left: Vec<_> = fs::read_dir(home.path().join(dir)).unwrap().collect();
            assert!(left.is_empty(), "{left:?}");
        }
        assert!(left(&settings, ALL).is_empty());
    }

    #[test]
    fn in_a_directory_with_other_things_only_the_files_of_a_show_are_deleted() {
        // The settings do not let two of them be the same.
        for places in [
            [".", "keys", "state"],
            ["stream", ".", "state"],
            ["stream", "keys", "."],
        ] {
            let home = tempfile::tempdir().unwrap();
            for file in OF_OTHERS.map(|file| home.path().join(file)) {
                write(&file, "mine");
            }
            // Names of ours with contents of others.
            for (name, text) in [("hostname", "laptop\n"), ("pid.txt", "people in distress")] {
                write(&home.path().join(name), text);
            }
            write(&home.path().join("stream5.m4s"), "");
            write(&home.path().join("hs_ed25519_secret_key"), "");
            write(&home.path().join("tor/state/guards.json"), "");
            let settings = settings(home.path(), places);

            delete(&settings, ALL).unwrap();

            for file in OF_OTHERS.iter().chain(&["hostname", "pid.txt"]) {
                assert!(home.path().join(file).exists(), "{places:?}: {file}");
            }
            let is_there = |name: &str| home.path().join(name).exists();
            let [stream, keys, state] = places;
            assert_eq!(is_there("stream5.m4s"), stream != ".");
            assert_eq!(is_there("hs_ed25519_secret_key"), keys != ".");
            assert_eq!(is_there("tor/state"), state != ".");
            let words = left(&settings, ALL);
            assert!(
                words.len() == 1 && words[0].contains("things are in `"),
                "{words:?}"
            );
        }
    }

    #[test]
    fn nothing_is_deleted_that_was_not_asked_for() {
        let home = tempfile::tempdir().unwrap();
        for file in WRITTEN.map(|file| home.path().join(file)) {
            write(&file, content(&file));
        }
        let settings = settings(home.path(), ["stream", "keys", "state"]);
        let only_stream = Deletions { keys: false, ..ALL };

        delete(&settings, Deletions::default()).unwrap();
        assert!(home.path().join("stream/init.mp4").exists());
        delete(&settings, only_stream).unwrap();

        assert!(!home.path().join("stream/init.mp4").exists());
        assert!(home.path().join("keys/hostname").exists());
        assert!(home.path().join("state/desk.toml").exists());
    }

    #[test]
    fn links_are_deleted_and_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let outside = home.path().join("outside");
        write(&outside.join("state/mine"), "mine");
        fs::create_dir_all(home.path().join("stream")).unwrap();
        fs::create_dir_all(home.path().join("state")).unwrap();
        symlink(&outside, home.path().join("stream/stream1.m4s")).unwrap();
        symlink(&outside, home.path().join("state/tor")).unwrap();
        write(&outside.join("init.mp4"), "mine");
        write(&outside.join("stream1.m4s"), "mine");
        symlink(&outside, home.path().join("stream/low")).unwrap();
        let settings = settings(home.path(), ["stream", "keys", "state"]);

        delete(&settings, ALL).unwrap();

        for name in ["state/mine", "init.mp4", "stream1.m4s"] {
            assert!(outside.join(name).exists(), "{name}");
        }
        let words = left(&settings, ALL);
        assert_eq!(words.len(), 1, "the link is not ours: {words:?}");
    }
}
