//! Directories in the stream directory that hold a stream of their own: variants of the broadcast.
//!
//! Belongs here: which there are, and a watch for each. Does not belong here: what is in them
//! (`watch.rs`), what becomes of it.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tracing::{info, warn};

use super::{Event, IngestError, IngestThread, Settings, init_file, thread::Sleeper, watch::watch};
use crate::{
    clock::{Clock, Tick},
    media::variant::{MOST, VariantName},
};

/// How often is looked for new ones and for those that are gone.
const LOOK: Duration = Duration::from_secs(1);

/// Entries of the stream directory that are looked at; as many as of segments.
const MAX_ENTRIES: usize = 20_000;

/// Names that one warning has room for.
const NAMED: usize = 8;

/// What there is in a stream directory besides its own stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    variants: BTreeMap<VariantName, PathBuf>,
    /// A directory with a stream whose name cannot be one.
    misnamed: Option<OsString>,
}

/// The variants in a stream directory, by name: directories, not links to some, with the name of a
/// variant and an init segment.
pub fn variant_directories(stream_dir: &Path) -> BTreeMap<VariantName, PathBuf> {
    find(stream_dir).variants
}

fn find(stream_dir: &Path) -> Found {
    let mut found = Found::default();
    // A stream directory that is not there has none.
    let entries = fs::read_dir(stream_dir).into_iter().flatten();
    for entry in entries.take(MAX_ENTRIES).filter_map(Result::ok) {
        let path = entry.path();
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_directory || !is_file(&path.join(init_file::NAME)) {
            continue;
        }
        let name = entry.file_name();
        match name.to_str().and_then(VariantName::parse) {
            Some(variant) => {
                found.variants.insert(variant, path);
            }
            None => found.misnamed = Some(name),
        }
    }
    found
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file())
}

/// Follows the variants in the stream directory of `settings` until the answer is dropped.
///
/// For each, `open` is asked once for the sink of its events, which come without a title; without an
/// answer it is left out. `close` is called after its directory is gone and its last event came.
///
/// # Errors
///
/// There is no thread.
pub fn watch_variants<S>(
    settings: Settings,
    clock: Clock,
    open: impl FnMut(VariantName) -> Option<S> + Send + 'static,
    close: impl FnMut(VariantName) + Send + 'static,
) -> Result<IngestThread, IngestError>
where
    S: FnMut(Event, Tick) + Send + 'static,
{
    let mut watching = Watching {
        settings,
        clock,
        open,
        close,
        watched: BTreeMap::new(),
        left_out: Vec::new(),
        told_of_a_name: false,
    };
    let (bell, sleeper) = IngestThread::bell();
    IngestThread::start("variants", bell, sleeper, move |sleeper| {
        watching.run(&sleeper);
    })
}

struct Watching<O, C> {
    settings: Settings,
    clock: Clock,
    open: O,
    close: C,
    watched: BTreeMap<VariantName, IngestThread>,
    /// As the last warning named them.
    left_out: Vec<VariantName>,
    told_of_a_name: bool,
}

impl<O, C, S> Watching<O, C>
where
    O: FnMut(VariantName) -> Option<S>,
    C: FnMut(VariantName),
    S: FnMut(Event, Tick) + Send + 'static,
{
    fn run(&mut self, sleeper: &Sleeper) {
        while !sleeper.is_stopped() {
            self.look();
            sleeper.sleep(LOOK);
        }
    }

    fn look(&mut self) {
        let Found { variants, misnamed } = find(&self.settings.stream_dir);
        if let Some(name) = misnamed.filter(|_| !self.told_of_a_name) {
            self.told_of_a_name = true;
            // Escaped: anything can be the name of a directory.
            warn!(
                "the directory {name:?} in the stream directory is left out: the name of a quality is \
                 1 to 16 of `a-z`, `0-9` and `-`, begins with a letter, and is not `source`"
            );
        }
        let dir = &self.settings.stream_dir;
        // Not those whose init segment is gone for a moment: an encoder that starts again does that.
        let is_gone = |name: &VariantName| {
            let found = dir.join(name.as_str()).symlink_metadata();
            !found.is_ok_and(|found| found.is_dir())
        };
        let gone: Vec<_> = self.watched.keys().copied().filter(is_gone).collect();
        for name in gone {
            drop(self.watched.remove(&name));
            (self.close)(name);
            info!("the quality `{name}` is over: its directory is gone");
        }
        let mut left_out = Vec::new();
        for (name, path) in variants {
            if !self.watched.contains_key(&name) && !self.begin(name, path) {
                left_out.push(name);
            }
        }
        if !left_out.is_empty() && left_out != self.left_out {
            let names: Vec<_> = left_out.iter().map(VariantName::as_str).collect();
            let more = if names.len() > NAMED { " and more" } else { "" };
            warn!(
                "there are at most {MOST} qualities besides the source: left out are `{}`{more}",
                names.get(..NAMED).unwrap_or(&names).join("`, `")
            );
        }
        self.left_out = left_out;
    }

    /// Watches one more; `false` if there are too many.
    fn begin(&mut self, name: VariantName, path: PathBuf) -> bool {
        if self.watched.len() >= MOST {
            return false;
        }
        let Some(mut sink) = (self.open)(name) else {
            return false;
        };
        let settings = Settings {
            // The title is that of the broadcast.
            title_file: path.join("title.txt"),
            stream_dir: path,
            ..self.settings.clone()
        };
        let watch = watch(settings, self.clock, move |event, now| {
            if !matches!(event, Event::Title(_)) {
                sink(event, now);
            }
        });
        match watch {
            Ok(watch) => {
                info!("there is a quality `{name}`");
                self.watched.insert(name, watch);
                true
            }
            Err(error) => {
                warn!("the quality `{name}` cannot be followed: {error}");
                (self.close)(name);
                // It is no more than it was: the next look tries again.
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::fs::symlink,
        sync::mpsc::{Receiver, channel},
    };

    use super::*;
    use crate::media::fragment::sample;

    const SOON: Duration = Duration::from_secs(20);

    #[derive(Debug, PartialEq)]
    enum Seen {
        Opened(VariantName),
        Init(VariantName),
        Closed(VariantName),
    }

    fn begin(dir: &Path, name: &str) {
        fs::create_dir_all(dir.join(name)).unwrap();
        fs::write(dir.join(name).join("init.mp4"), sample::audio_and_video()).unwrap();
    }

    fn follow(dir: &Path) -> (IngestThread, Receiver<Seen>) {
        let settings = Settings::new(dir.to_owned(), dir.join("title.txt"));
        let (tell, seen) = channel();
        let told = tell.clone();
        let open = move |name| {
            tell.send(Seen::Opened(name)).unwrap();
            let tell = tell.clone();
            let sink = move |event, _now| {
                if matches!(event, Event::Init { .. }) {
                    tell.send(Seen::Init(name)).unwrap();
                }
            };
            Some(sink)
        };
        let close = move |name| told.send(Seen::Closed(name)).unwrap();
        let thread = watch_variants(settings, Clock::new(), open, close).unwrap();
        (thread, seen)
    }

    fn name(text: &str) -> VariantName {
        VariantName::parse(text).unwrap()
    }

    #[test]
    fn only_directories_with_the_name_and_the_init_segment_of_a_variant_are_ones() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path();
        for text in ["low", "Low", "source", "a b", "..b", "audio"] {
            begin(dir, text);
        }
        fs::create_dir(dir.join("empty")).unwrap();
        fs::write(dir.join("file"), "").unwrap();
        symlink(dir.join("low"), dir.join("linked")).unwrap();
        fs::create_dir(dir.join("sly")).unwrap();
        symlink(dir.join("low/init.mp4"), dir.join("sly/init.mp4")).unwrap();

        let found = find(dir);

        let names: Vec<_> = found.variants.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["audio", "low"]);
        assert!(found.misnamed.is_some());
        assert_eq!(find(&dir.join("nothing")), Found::default());
    }

    #[test]
    fn a_variant_is_followed_from_when_its_directory_is_there_until_it_is_gone() {
        let home = tempfile::tempdir().unwrap();
        let (_thread, seen) = follow(home.path());

        begin(home.path(), "low");
        assert_eq!(seen.recv_timeout(SOON), Ok(Seen::Opened(name("low"))));
        // What was there before it was looked at is never handed out, but a new segment is.
        let bytes = sample::fragment_bytes(0, true);
        let mut at = 0;
        let begun = loop {
            fs::write(home.path().join(format!("low/stream{at}.m4s")), &bytes).unwrap();
            at += 1;
            match seen.recv_timeout(Duration::from_millis(300)) {
                Ok(event) => break event,
                Err(_) => assert!(at < 60, "nothing came"),
            }
        };
        assert_eq!(begun, Seen::Init(name("low")));

        fs::remove_dir_all(home.path().join("low")).unwrap();
        assert_eq!(seen.recv_timeout(SOON), Ok(Seen::Closed(name("low"))));
    }

    #[test]
    fn there_are_four_at_most_and_one_more_when_one_of_them_is_gone() {
        let home = tempfile::tempdir().unwrap();
        for text in ["e", "d", "c", "b", "a"] {
            begin(home.path(), text);
        }
        let (_thread, seen) = follow(home.path());

        for text in ["a", "b", "c", "d"] {
            assert_eq!(seen.recv_timeout(SOON), Ok(Seen::Opened(name(text))));
        }
        fs::remove_dir_all(home.path().join("b")).unwrap();
        assert_eq!(seen.recv_timeout(SOON), Ok(Seen::Closed(name("b"))));
        assert_eq!(seen.recv_timeout(SOON), Ok(Seen::Opened(name("e"))));
    }
}
