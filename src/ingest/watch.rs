//! Watches the stream directory and the title file.
//!
//! Belongs here: when to look.
//! Does not belong here: what to look at and what it means (`follower.rs`, `title.rs`).

use std::{
    fs::{self, DirBuilder, Metadata},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use notify::{
    EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tracing::{info, warn};

use super::{
    Event, IngestError, IngestThread, Settings,
    complaints::Complaints,
    disk::Disk,
    follower::{Follower, Look},
    thread::{Bell, Sleeper, Woken},
    title::TitleFile,
};
use crate::clock::{Clock, Tick, WallTime};

/// How often everything is looked at although nothing hints at a change.
///
/// A lost hint then costs a quarter of a second, and a dead encoder shows within half of one;
/// a look without news is about ten system calls.
const SLOW_LOOK: Duration = Duration::from_millis(250);

/// Follows the stream directory and the title file until the answer is dropped.
///
/// Makes the directory (mode 0700) if it is missing. What it contains when this returns will never
/// be handed out; what is written afterwards will. `sink` is called on the ingest thread, one event
/// at a time and in order, with the time at which the event became known; while it runs nothing
/// is read.
///
/// # Errors
///
/// The directory cannot be made or listed, or there is no thread. A failing `notify` is only
/// logged: then the directory is looked at every 250 ms.
pub fn watch(
    settings: Settings,
    clock: Clock,
    mut sink: impl FnMut(Event, Tick) + Send + 'static,
) -> Result<IngestThread, IngestError> {
    let path = settings.stream_dir.clone();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&path)
        .map_err(|source| IngestError::MakeDirectory {
            path: path.clone(),
            source,
        })?;
    let (bell, sleeper) = IngestThread::bell();
    let hints = Hints::arm(&settings, bell.clone());
    let follower = Follower::new(&settings, clock.wall())
        .map_err(|source| IngestError::ListDirectory { path, source })?;
    let title = TitleFile::new(settings.title_file);
    let mut watching = Watching {
        clock,
        hints,
        follower,
        title,
        title_complaints: Complaints::default(),
        disk: Disk::default(),
    };
    IngestThread::start("ingest", bell, sleeper, move |sleeper| {
        watching.run(&sleeper, &mut |event, now| sink(event, now));
    })
}

/// Everything the ingest thread owns.
struct Watching {
    clock: Clock,
    hints: Hints,
    follower: Follower,
    title: TitleFile,
    title_complaints: Complaints,
    disk: Disk,
}

impl Watching {
    fn run(&mut self, sleeper: &Sleeper, sink: &mut dyn FnMut(Event, Tick)) {
        let mut next_slow = self.clock.tick();
        let mut hinted = false;
        while !sleeper.is_stopped() {
            let now = self.clock.tick();
            let slow = now >= next_slow;
            if slow {
                next_slow = now + SLOW_LOOK;
                self.check_directory();
                self.disk.look(&self.hints.stream_dir);
                self.title_complaints.rest();
            }
            // Without hints every look must do the work of one.
            if hinted || !self.hints.work() {
                self.look(Look::Hint, sink);
            }
            if slow {
                self.look(Look::Slow, sink);
            }
            let now = self.clock.tick();
            if let Some(title) = self.title.look(now, &mut self.title_complaints) {
                sink(Event::Title(title), now);
            }
            let now = self.clock.tick();
            let until_slow = next_slow.since(now);
            let at_most = self
                .title
                .look_again_in(now)
                .map_or(until_slow, |t| t.min(until_slow));
            hinted = match sleeper.sleep(at_most) {
                Woken::ByBell => true,
                Woken::ByTime => false,
                Woken::ToStop => return,
            };
        }
    }

    fn look(&mut self, why: Look, sink: &mut dyn FnMut(Event, Tick)) {
        let clock = self.clock;
        self.follower
            .look(why, clock.wall(), &mut |event| sink(event, clock.tick()));
    }

    /// Notices that the stream directory was deleted or made anew.
    fn check_directory(&mut self) {
        if let Some(last_there) = self.hints.rearm(self.clock.wall())
            && let Err(error) = self.follower.directory_replaced(last_there)
        {
            warn!("cannot list the new stream directory: {error}");
        }
    }
}

/// What tells one directory from a later one at the same path. File systems use the number of a
/// deleted inode again at once, but not its birthday.
type DirectoryIdentity = (u64, u64, Option<SystemTime>);

/// Rings the bell when `notify` says that something has changed.
struct Hints {
    /// `None` if the system has none to give.
    watcher: Option<RecommendedWatcher>,
    stream_dir: PathBuf,
    armed: Option<DirectoryIdentity>,
    /// The watched directory was deleted or moved away.
    lost: Arc<AtomicBool>,
    last_there: WallTime,
}

impl Hints {
    /// Watches the stream directory and the directory of the title file.
    fn arm(settings: &Settings, bell: Bell) -> Self {
        let stream_dir = settings.stream_dir.clone();
        let lost = Arc::new(AtomicBool::new(false));
        // Not the title file itself: editors replace it, and a watch stays with the old inode.
        let title_dir = match settings.title_file.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let handler = {
            let (stream_dir, lost) = (stream_dir.clone(), Arc::clone(&lost));
            let title = title_dir.join(settings.title_file.file_name().unwrap_or_default());
            move |event: notify::Result<notify::Event>| {
                let Ok(event) = event else { return bell.ring() };
                if is_only_access(event.kind) {
                    return;
                }
                let is_ours = |path: &PathBuf| {
                    *path == title || *path == stream_dir || path.parent() == Some(&*stream_dir)
                };
                if event.paths.contains(&stream_dir) {
                    lost.store(true, Ordering::Relaxed);
                }
                // An event without a path says that some were lost.
                if event.paths.is_empty() || event.paths.iter().any(is_ours) {
                    bell.ring();
                }
            }
        };
        let mut watcher = notify::recommended_watcher(handler)
            .inspect_err(|error| warn_of_no_hints(&stream_dir, error))
            .ok();
        if let Some(watcher) = &mut watcher
            && let Err(error) = watcher.watch(&title_dir, RecursiveMode::NonRecursive)
        {
            warn_of_no_hints(&title_dir, &error);
        }
        let mut hints = Self {
            watcher,
            stream_dir,
            armed: None,
            lost,
            last_there: WallTime::from_unix_millis(0),
        };
        hints.arm_stream_dir();
        hints
    }

    /// Whether hints can be expected at all.
    fn work(&self) -> bool {
        self.watcher.is_some() && self.armed.is_some()
    }

    /// Watches the directory that is at the path now, if it is another one than before. Answers
    /// then when the one before was last there.
    fn rearm(&mut self, now: WallTime) -> Option<WallTime> {
        let was_lost = self.lost.swap(false, Ordering::Relaxed);
        let there = identity(&self.stream_dir);
        if there.is_some() && there == self.armed && !was_lost {
            self.last_there = now;
            return None;
        }
        if there.is_none() {
            if self.armed.take().is_some() {
                warn!(
                    "the stream directory `{}` is gone; waiting for it",
                    self.stream_dir.display()
                );
            }
            return None;
        }
        if let Some(watcher) = &mut self.watcher {
            // Fails if the system has dropped the watch together with the directory.
            drop(watcher.unwatch(&self.stream_dir));
        }
        self.arm_stream_dir();
        info!(
            "watching the new stream directory `{}`",
            self.stream_dir.display()
        );
        Some(std::mem::replace(&mut self.last_there, now))
    }

    fn arm_stream_dir(&mut self) {
        // Asked before watching: if the directory is replaced in between, the next look sees it.
        self.armed = identity(&self.stream_dir);
        if let Some(watcher) = &mut self.watcher
            && let Err(error) = watcher.watch(&self.stream_dir, RecursiveMode::NonRecursive)
        {
            warn_of_no_hints(&self.stream_dir, &error);
            self.watcher = None;
        }
    }
}

fn identity(directory: &Path) -> Option<DirectoryIdentity> {
    let of = |metadata: Metadata| (metadata.dev(), metadata.ino(), metadata.created().ok());
    let is_dir = |metadata: &Metadata| metadata.is_dir();
    io::Result::ok(fs::metadata(directory))
        .filter(is_dir)
        .map(of)
}

/// Whether nothing was written: our own reading must not wake us.
fn is_only_access(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    }
}

fn warn_of_no_hints(directory: &Path, error: &notify::Error) {
    warn!(
        "the system does not report changes of `{}` ({error}); looking every {SLOW_LOOK:?}. \
         On Linux, `sysctl fs.inotify` shows the limits",
        directory.display()
    );
}

#[cfg(test)]
mod tests;
