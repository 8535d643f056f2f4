//! Whose turn it is: one publisher, and the newest with the right key takes over.
//!
//! The newest, because an encoder that crashed comes back before its old connection is known to be
//! dead.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::key::{MAX_KEY_BYTES, StreamKey};
use crate::{
    clock::{Clock, Tick},
    ingest::{Event, Stop},
    media::stream::{Item, SEGMENT},
};

/// A wrong key is answered this late.
const PAUSE: Duration = Duration::from_secs(1);

/// Wrong keys that wait for their answer; further ones are answered at once. The right key never
/// waits: nobody can lock the broadcaster out.
const WAITING: usize = 8;

/// Wrong keys are complained about at most this often.
const COMPLAINT_EVERY: Duration = Duration::from_secs(10);

/// Why somebody is not on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Not the stream key.
    #[error("this is not the stream key; `onionstream stream-key` shows it")]
    WrongKey,
    /// Not the stream key either, and too many are wrong at the same time.
    #[error("this is not the stream key, and too many wrong ones are tried at this moment")]
    Busy,
    /// The key cannot be read; the log says why.
    #[error("the stream key cannot be read; the log of onionstream says why")]
    NoKey,
}

/// Lets publishers in, one at a time; clones are the same.
#[derive(Clone)]
pub struct Publishers {
    shared: Arc<Shared>,
}

struct Shared {
    key: StreamKey,
    pauses: Semaphore,
    clock: Clock,
    closing: CancellationToken,
    stage: Mutex<Stage>,
}

/// What the publisher whose turn it is writes to.
struct Stage {
    turn: u64,
    over: CancellationToken,
    complained: Option<Tick>,
    sink: Box<dyn FnMut(Event, Tick) + Send>,
}

/// The right to be on the air until it is over; leaving ends the broadcast.
pub struct Turn {
    shared: Arc<Shared>,
    number: u64,
    over: CancellationToken,
    is_done: AtomicBool,
}

impl fmt::Debug for Publishers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Publishers")
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Turn({})", self.number)
    }
}

impl Publishers {
    /// Nobody is on the air. What publishers send goes to `sink`, one call at a time; `closing` ends
    /// every turn.
    pub fn new(
        key: StreamKey,
        clock: Clock,
        closing: CancellationToken,
        sink: impl FnMut(Event, Tick) + Send + 'static,
    ) -> Self {
        let stage = Mutex::new(Stage {
            turn: 0,
            over: CancellationToken::new(),
            complained: None,
            sink: Box::new(sink),
        });
        let pauses = Semaphore::new(WAITING);
        Self {
            shared: Arc::new(Shared {
                key,
                pauses,
                clock,
                closing,
                stage,
            }),
        }
    }

    /// Gives the turn to whoever has the key; whoever had it before is over.
    ///
    /// # Errors
    ///
    /// [`Refused`]; a wrong key after a pause.
    pub async fn admit(&self, key: Zeroizing<String>) -> Result<Turn, Refused> {
        let asked = Arc::clone(&self.shared);
        let answer = tokio::task::spawn_blocking(move || {
            if key.len() > MAX_KEY_BYTES {
                return Ok(false);
            }
            asked.key.is(&key)
        });
        match answer.await {
            Ok(Ok(true)) => Ok(self.take_turn()),
            Ok(Ok(false)) => {
                self.complain("with a wrong stream key");
                let Ok(_place) = self.shared.pauses.try_acquire() else {
                    return Err(Refused::Busy);
                };
                tokio::time::sleep(PAUSE).await;
                Err(Refused::WrongKey)
            }
            Ok(Err(error)) => {
                tracing::warn!("nobody can publish: {error}");
                tokio::time::sleep(PAUSE).await;
                Err(Refused::NoKey)
            }
            // The runtime is going down.
            Err(_stopped) => Err(Refused::NoKey),
        }
    }

    fn take_turn(&self) -> Turn {
        let over = self.shared.closing.child_token();
        let mut stage = self.shared.stage();
        stage.turn += 1;
        let before = std::mem::replace(&mut stage.over, over.clone());
        let number = stage.turn;
        drop(stage);
        before.cancel();
        Turn {
            shared: Arc::clone(&self.shared),
            number,
            over,
            is_done: AtomicBool::new(false),
        }
    }

    /// Tells the broadcaster that an encoder came without a key; most encoders do not say why they
    /// were refused.
    pub fn complain_of_no_key(&self) {
        self.complain("without the stream key");
    }

    fn complain(&self, how: &str) {
        let now = self.shared.clock.tick();
        let mut stage = self.shared.stage();
        let is_due = stage
            .complained
            .is_none_or(|last| now.since(last) >= COMPLAINT_EVERY);
        if is_due {
            stage.complained = Some(now);
            drop(stage);
            tracing::warn!(
                "an encoder came {how} and was refused; `onionstream stream-key` shows the right one"
            );
        }
    }
}

impl Shared {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        // A turn is a number; what the sink does with an event is its own.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Puts the next piece on the air. Returns whether the turn is not over.
    pub fn put(&self, item: Item) -> bool {
        let mut stage = self.shared.stage();
        if stage.turn != self.number || self.over.is_cancelled() {
            return false;
        }
        let now = self.shared.clock.tick();
        match item {
            Item::Init(init) => {
                let started = None;
                (stage.sink)(Event::Init { init, started }, now);
                (stage.sink)(Event::TargetDuration(SEGMENT), now);
            }
            Item::Fragment(fragment) => (stage.sink)(Event::Fragment(fragment), now),
        }
        true
    }

    /// The publisher said that it is done: leaving does not mean that it is gone.
    pub fn goodbye(&self) {
        self.is_done.store(true, Ordering::Relaxed);
    }

    /// Waits until somebody else has taken over, or the show ends.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut stage = self.shared.stage();
        if stage.turn == self.number {
            let now = self.shared.clock.tick();
            let stop = if self.is_done.load(Ordering::Relaxed) {
                Stop::Goodbye
            } else {
                Stop::EncoderGone
            };
            (stage.sink)(Event::Stopped(stop), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::media::fragment::sample;

    fn publishers(state: &std::path::Path) -> (Publishers, Receiver<Event>, Zeroizing<String>) {
        let key = StreamKey::of(state);
        let text = key.open().unwrap();
        let (sender, events) = channel();
        let sink = move |event, _now| drop(sender.send(event));
        let closing = CancellationToken::new();
        (
            Publishers::new(key, Clock::new(), closing, sink),
            events,
            text,
        )
    }

    #[tokio::test]
    async fn the_newest_with_the_key_takes_over_and_the_former_is_not_heard_any_more() {
        let state = tempfile::tempdir().unwrap();
        let (publishers, events, key) = publishers(state.path());
        let first = publishers.admit(key.clone()).await.unwrap();
        assert!(first.put(Item::Init(sample::audio_and_video_init())));
        assert!(first.put(Item::Fragment(sample::fragment(0, true))));
        assert_eq!(events.try_iter().count(), 3);

        let second = publishers.admit(key).await.unwrap();

        first.over().await;
        assert!(!first.put(Item::Fragment(sample::fragment(200, false))));
        drop(first);
        assert_eq!(events.try_iter().count(), 0, "it ends nothing");
        assert!(second.put(Item::Init(sample::audio_and_video_init())));
        drop(second);
        let last = events.try_iter().last();
        assert!(
            matches!(last, Some(Event::Stopped(Stop::EncoderGone))),
            "{last:?}"
        );
    }

    #[tokio::test]
    async fn one_that_says_goodbye_is_done_and_not_gone() {
        let state = tempfile::tempdir().unwrap();
        let (publishers, events, key) = publishers(state.path());
        let turn = publishers.admit(key).await.unwrap();

        turn.goodbye();
        drop(turn);

        let last = events.try_iter().last();
        assert!(
            matches!(last, Some(Event::Stopped(Stop::Goodbye))),
            "{last:?}"
        );
    }

    #[tokio::test]
    async fn a_wrong_key_is_refused_late_and_does_not_disturb_whoever_is_on() {
        let state = tempfile::tempdir().unwrap();
        let (publishers, events, key) = publishers(state.path());
        let on = publishers.admit(key.clone()).await.unwrap();
        let clock = Clock::new();
        let before = clock.tick();

        let wrong = (0..WAITING + 3).map(|_| publishers.admit(Zeroizing::new("wrong".to_owned())));
        let answers = futures_util::future::join_all(wrong).await;

        assert!(clock.tick().since(before) >= PAUSE);
        let busy = answers
            .iter()
            .filter(|answer| matches!(answer, Err(Refused::Busy)));
        assert_eq!(busy.count(), 3);
        assert!(answers.iter().all(Result::is_err));
        assert!(on.put(Item::Init(sample::audio_and_video_init())));
        assert_eq!(events.try_iter().count(), 2);
        let huge = Zeroizing::new("x".repeat(100_000));
        assert_eq!(publishers.admit(huge).await.err(), Some(Refused::WrongKey));
    }
}
