//! One lease for each open endless response: counted, revocable, and dropped = left.
//!
//! "Watching" is a lease with a `Drop`, not a counter that somebody must remember to decrement.
//!
//! Bounds: so many leases of a kind for one viewer (the newest wins: the oldest is revoked), and
//! so many in all.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::{
    clock::{Clock, Tick},
    media::{delay::Delay, lag::Lag, variant::Quality},
    room::session::ViewerId,
};

/// A video response that left fragments unread for this long is not being watched.
///
/// A paused player stops reading when its buffer is full; a bad circuit can stall for some seconds.
const NOT_TAKING: Duration = Duration::from_secs(15);

/// Recordings one viewer may have open. A browser has six connections to a site: these, the video
/// and the panel; one that goes to another place in a recording opens a new one.
const RECORDINGS_PER_VIEWER: usize = 4;

/// What a long response carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The video.
    Video,
    /// The live panel.
    Panel,
    /// A recording, or a part of one.
    Recording,
}

/// How many leases there may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Video responses of one viewer.
    pub video_per_viewer: usize,
    /// Live panels of one viewer.
    pub panel_per_viewer: usize,
    /// Leases of both kinds together.
    pub total: usize,
}

/// The register of open endless responses; clones are the same one.
#[derive(Debug, Clone)]
pub struct Leases {
    register: Arc<Register>,
}

#[derive(Debug)]
struct Register {
    limits: Limits,
    clock: Clock,
    /// Revokes every lease, now and later.
    closing: CancellationToken,
    open: Mutex<Open>,
    /// Somebody came or left since it was last waited for.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next_id: u64,
    total: usize,
    by_viewer: BTreeMap<(Kind, ViewerId), VecDeque<Entry>>,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    revoked: CancellationToken,
    progress: Arc<Progress>,
}

/// How far a response has come. Times are in milliseconds; nothing depends on two of them being of
/// the same moment.
#[derive(Debug, Default)]
struct Progress {
    /// When it last asked for bytes, after the start of the clock.
    asked: AtomicU64,
    /// See [`Lag`]; 0 before the first fragment.
    start: AtomicU64,
    behind: AtomicU64,
    taken: AtomicU64,
    /// What the viewer chose.
    choice: OnceLock<Delay>,
    /// When the response began, after the start of the clock.
    opened: u64,
    /// Bytes that were handed out.
    bytes: AtomicU64,
    /// What it plays, if it uses the broadcaster's connection.
    plays: OnceLock<Quality>,
}

impl Progress {
    fn lag(&self) -> Lag {
        let load = |millis: &AtomicU64| Duration::from_millis(millis.load(Ordering::Relaxed));
        Lag {
            start: load(&self.start),
            behind: load(&self.behind),
            taken: load(&self.taken),
        }
    }

    /// For how long there has been something to take, if the newest fragment came at `newest`.
    fn waited(&self, newest: Option<Tick>, now: u64) -> Duration {
        let asked = self.asked.load(Ordering::Relaxed);
        match newest {
            Some(newest) if millis_of(newest) > asked => {
                Duration::from_millis(now.saturating_sub(asked))
            }
            _ => Duration::ZERO,
        }
    }
}

/// How a viewer's newest video response is doing.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    /// How far behind they are.
    pub lag: Lag,
    /// The delay they chose, if any.
    pub choice: Option<Delay>,
}

/// What a video response has taken so far.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    /// Whose it is.
    pub viewer: ViewerId,
    /// Never the same for two responses.
    pub id: u64,
    /// What it plays.
    pub plays: Quality,
    /// Bytes that were handed out.
    pub bytes: u64,
    /// How long it has been open.
    pub age: Duration,
    /// How far behind it was when it began; zero before its first fragment.
    pub start: Duration,
    /// How old the newest fragment was that was handed out, and how long it has been left since.
    pub behind: Duration,
    /// Whether it is the newest one of this viewer.
    pub is_newest: bool,
}

/// The right to keep one endless response open; dropping it is leaving.
#[derive(Debug)]
pub struct Lease {
    register: Arc<Register>,
    kind: Kind,
    viewer: ViewerId,
    id: u64,
    revoked: CancellationToken,
    progress: Arc<Progress>,
}

/// There are as many endless responses as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Leases {
    /// An empty register. Cancelling `closing` revokes every lease.
    pub fn new(limits: Limits, clock: Clock, closing: CancellationToken) -> Self {
        let open = Mutex::default();
        Self {
            register: Arc::new(Register {
                limits,
                clock,
                closing,
                open,
                changed: Notify::new(),
            }),
        }
    }

    /// A lease for `viewer`; if they have too many of this kind, their oldest is revoked.
    ///
    /// # Errors
    ///
    /// [`Full`] when there are too many of all viewers together.
    pub fn take(&self, kind: Kind, viewer: ViewerId) -> Result<Lease, Full> {
        let register = &self.register;
        let per_viewer = match kind {
            Kind::Video => register.limits.video_per_viewer,
            Kind::Panel => register.limits.panel_per_viewer,
            Kind::Recording => RECORDINGS_PER_VIEWER,
        };
        let revoked = register.closing.child_token();
        let now = register.millis();
        let progress = Arc::new(Progress {
            asked: AtomicU64::new(now),
            opened: now,
            ..Progress::default()
        });
        let mut open = register.lock();
        if open.total >= register.limits.total {
            return Err(Full);
        }
        open.next_id += 1;
        open.total += 1;
        let id = open.next_id;
        let entries = open.by_viewer.entry((kind, viewer)).or_default();
        entries.push_back(Entry {
            id,
            revoked: revoked.clone(),
            progress: Arc::clone(&progress),
        });
        // Revoked leases leave when their response ends; they do not count as the viewer's.
        let live = entries
            .iter()
            .filter(|entry| !entry.revoked.is_cancelled())
            .count();
        for entry in entries
            .iter()
            .filter(|entry| !entry.revoked.is_cancelled())
            .take(live.saturating_sub(per_viewer.max(1)))
        {
            entry.revoked.cancel();
        }
        drop(open);
        register.changed.notify_one();
        Ok(Lease {
            register: Arc::clone(register),
            kind,
            viewer,
            id,
            revoked,
            progress,
        })
    }

    /// Revokes every lease of a kind of this viewer.
    pub fn end(&self, kind: Kind, viewer: ViewerId) {
        if let Some(entries) = self.register.lock().by_viewer.get(&(kind, viewer)) {
            for entry in entries {
                entry.revoked.cancel();
            }
        }
    }

    /// Revokes every lease of viewers who may not be here. O(open responses).
    pub fn end_unless(&self, mut may_stay: impl FnMut(ViewerId) -> bool) {
        for ((_, viewer), entries) in &self.register.lock().by_viewer {
            if !may_stay(*viewer) {
                for entry in entries {
                    entry.revoked.cancel();
                }
            }
        }
    }

    /// How many endless responses are open.
    pub fn count(&self) -> usize {
        self.register.lock().total
    }

    /// Resolves when a lease was taken or dropped since this last resolved. For one waiter.
    pub async fn changed(&self) {
        self.register.changed.notified().await;
    }

    /// The viewers who are watching: who have a video response that takes what there is.
    ///
    /// `newest` is when the newest fragment arrived. O(open video responses).
    pub fn watching(&self, newest: Option<Tick>) -> HashSet<ViewerId> {
        let newest = newest.map_or(0, millis_of);
        let stale = newest.saturating_sub(u64::try_from(NOT_TAKING.as_millis()).unwrap_or(0));
        self.viewers(Kind::Video, |entry| {
            entry.progress.asked.load(Ordering::Relaxed) >= stale
        })
    }

    /// How the newest video response of a viewer is doing, if they have one. O(log n).
    ///
    /// `newest` is when the newest fragment arrived: a response that has not asked since leaves it
    /// unread.
    pub fn watch(&self, viewer: ViewerId, newest: Option<Tick>) -> Option<Watch> {
        let open = self.register.lock();
        let entries = open.by_viewer.get(&(Kind::Video, viewer))?;
        let entry = entries
            .iter()
            .rev()
            .find(|entry| !entry.revoked.is_cancelled())?;
        let waited = entry.progress.waited(newest, self.register.millis());
        Some(Watch {
            lag: entry.progress.lag().after(waited),
            choice: entry.progress.choice.get().copied(),
        })
    }

    /// What the open video responses have taken that use the broadcaster's connection; `newest` as
    /// in [`Leases::watch`]. O(open video responses).
    pub fn flows(&self, newest: Option<Tick>) -> Vec<Flow> {
        let now = self.register.millis();
        let open = self.register.lock();
        let of_video = open
            .by_viewer
            .iter()
            .filter(|((kind, _), _)| *kind == Kind::Video);
        let entries = of_video.flat_map(|((_, viewer), entries)| {
            let live = entries.iter().rev();
            let live = live.filter(|one| !one.revoked.is_cancelled()).enumerate();
            live.map(|(number, entry)| (*viewer, number == 0, entry))
        });
        entries
            .filter_map(|(viewer, is_newest, entry)| {
                let progress = &entry.progress;
                let lag = progress.lag();
                Some(Flow {
                    viewer,
                    id: entry.id,
                    plays: *progress.plays.get()?,
                    bytes: progress.bytes.load(Ordering::Relaxed),
                    age: Duration::from_millis(now.saturating_sub(progress.opened)),
                    start: lag.start,
                    behind: lag.taken.saturating_add(progress.waited(newest, now)),
                    is_newest,
                })
            })
            .collect()
    }

    /// The viewers who have a live panel open. O(open panels).
    pub fn here(&self) -> HashSet<ViewerId> {
        self.viewers(Kind::Panel, |_| true)
    }

    fn viewers(&self, wanted: Kind, counts: impl Fn(&Entry) -> bool) -> HashSet<ViewerId> {
        self.register
            .lock()
            .by_viewer
            .iter()
            .filter(|((kind, _), entries)| {
                *kind == wanted
                    && entries
                        .iter()
                        .any(|entry| !entry.revoked.is_cancelled() && counts(entry))
            })
            .map(|((_, viewer), _)| *viewer)
            .collect()
    }
}

impl Register {
    fn lock(&self) -> MutexGuard<'_, Open> {
        // Counting and queueing only; each operation leaves the register whole.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn millis(&self) -> u64 {
        millis_of(self.clock.tick())
    }
}

fn millis_of(tick: Tick) -> u64 {
    u64::try_from(tick.since(Tick::START).as_millis()).unwrap_or(u64::MAX)
}

impl Lease {
    /// Notes that the response asks for bytes now.
    pub fn asked(&self) {
        let now = self.register.millis();
        self.progress.asked.store(now, Ordering::Relaxed);
    }

    /// Notes what the viewer chose. Only the first time counts.
    pub fn chose(&self, delay: Delay) {
        let _same = self.progress.choice.set(delay);
    }

    /// Notes what goes out through the broadcaster's connection. Only the first time counts; a
    /// response that never says it, such as the preview, is not in [`Leases::flows`].
    pub fn plays(&self, quality: Quality) {
        let _same = self.progress.plays.set(quality);
    }

    /// Notes that so many bytes were handed out.
    pub fn handed_out(&self, bytes: usize) {
        self.progress
            .bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Notes how far behind the response is.
    pub fn lags(&self, lag: Lag) {
        let progress = &self.progress;
        for (place, time) in [
            (&progress.start, lag.start),
            (&progress.behind, lag.behind),
            (&progress.taken, lag.taken),
        ] {
            let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            place.store(millis, Ordering::Relaxed);
        }
    }

    /// Resolves when the response must end. Cancel safe.
    pub fn revoked(&self) -> WaitForCancellationFuture<'_> {
        self.revoked.cancelled()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut open = self.register.lock();
        open.total -= 1;
        let key = (self.kind, self.viewer);
        if let Some(entries) = open.by_viewer.get_mut(&key) {
            entries.retain(|entry| entry.id != self.id);
            if entries.is_empty() {
                open.by_viewer.remove(&key);
            }
        }
        drop(open);
        self.register.changed.notify_one();
    }
}

#[cfg(test)]
mod tests;
