//! The broadcast, shared: one writer (ingest), any number of viewers.
//!
//! A fragment is stored once; a viewer holds a position and gets clones of the same bytes.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    clock::{Clock, Tick, WallTime},
    media::{
        broadcast::{Air, Broadcast},
        clip::Clip,
        fragment::Fragment,
        init::InitSegment,
        lag::Lag,
        listing::Listing,
        meter::EncoderState,
        privacy::Metadata,
        rendition::{Offer, Rendition},
        timeline::{Limits, Next, Position, rewind::Rewind},
    },
};

/// The shared broadcast; clones are the same one.
#[derive(Debug, Clone)]
pub struct VideoHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    broadcast: Mutex<Broadcast>,
    clock: Clock,
    /// Counts fragments, beginnings and ends; a change wakes the viewers.
    news: watch::Sender<u64>,
    air: watch::Sender<Air>,
}

/// A viewer's place in the broadcast. Does not keep anything alive but the handle.
#[derive(Debug)]
pub struct Viewing {
    shared: Arc<Shared>,
    /// Until it was sent.
    init: Option<Bytes>,
    has_video: bool,
    burst: Option<usize>,
    position: Position,
    news: watch::Receiver<u64>,
}

impl VideoHandle {
    /// Off the air. `silence`: see [`Broadcast::new`].
    pub fn new(limits: Limits, silence: Duration, clock: Clock) -> Self {
        let broadcast = Mutex::new(Broadcast::new(limits, silence));
        let (news, _) = watch::channel(0);
        let (air, _) = watch::channel(Air::Off);
        Self {
            shared: Arc::new(Shared {
                broadcast,
                clock,
                news,
                air,
            }),
        }
    }

    /// The encoder started with this init segment; see [`Broadcast::begin`].
    pub fn begin(&self, init: InitSegment, started: Option<WallTime>) {
        self.shared
            .change(|broadcast| broadcast.begin(init, started));
    }

    /// Takes the next fragment, which arrived at `now`. Returns whether it is kept.
    pub fn push(&self, fragment: &Fragment, now: Tick) -> bool {
        let wall = self.shared.clock.wall();
        self.shared
            .change(|broadcast| broadcast.push(fragment, now, wall))
    }

    /// The encoder announced how long its segments are at most.
    pub fn set_target_duration(&self, target: Duration) {
        self.shared.lock().set_target_duration(target);
    }

    /// What is known of the metadata of the stream.
    pub fn set_metadata(&self, metadata: Metadata) {
        self.shared.lock().set_metadata(metadata);
    }

    /// The encoder said that it is done.
    pub fn stop(&self, now: Tick) {
        self.shared.lock().stop(now);
    }

    /// The encoder is gone, and may come back.
    pub fn lose(&self, now: Tick) {
        self.shared.lock().lose(now);
    }

    /// What is shown while the encoder is away; see [`Broadcast::set_slate`].
    pub fn set_slate(&self, clip: Clip, at_most: Duration) {
        self.shared.lock().set_slate(clip, at_most);
    }

    /// Looks at the time; see [`Broadcast::tick`]. Call it a few times a second.
    pub fn tick(&self) {
        let now = self.shared.clock.tick();
        let mut broadcast = self.shared.lock();
        let before = (broadcast.air(), broadcast.last_fragment());
        broadcast.tick(now);
        let after = (broadcast.air(), broadcast.last_fragment());
        drop(broadcast);
        if before != after {
            self.shared.announce(after.0);
        }
    }

    /// Follows on air / off air.
    pub fn air(&self) -> watch::Receiver<Air> {
        self.shared.air.subscribe()
    }

    /// When the newest fragment arrived.
    pub fn last_fragment(&self) -> Option<Tick> {
        self.shared.lock().last_fragment()
    }

    /// What the encoder delivers. Looks through the newest ten seconds: once a second is enough.
    pub fn encoder(&self) -> EncoderState {
        let broadcast = self.shared.lock();
        broadcast.encoder(self.shared.clock.tick())
    }

    /// How old the picture is that a viewer gets now who wants to see what was; see
    /// [`Timeline::back_to`](crate::media::timeline::Timeline::back_to).
    pub fn back_to(&self, rewind: Rewind) -> Duration {
        let broadcast = self.shared.lock();
        let now = self.shared.clock.tick();
        broadcast.timeline().back_to(rewind, now)
    }

    /// A viewer joins, at the live edge or further back; `None` when off the air, or when there is no
    /// such rendition.
    pub fn join(
        &self,
        rendition: Rendition,
        delay: Duration,
        rewind: Option<Rewind>,
    ) -> Option<Viewing> {
        let broadcast = self.shared.lock();
        let timeline = broadcast.timeline();
        let has_video = rendition == Rendition::Full && timeline.current()?.1.has_video();
        let init = timeline.init(rendition)?.clone();
        let now = self.shared.clock.tick();
        let position = match rewind {
            None => timeline.join_rendition(rendition, delay)?,
            Some(rewind) => timeline.rewind(rendition, rewind, delay, now)?,
        };
        let burst = timeline.burst(&position, now);
        drop(broadcast);
        Some(Viewing {
            shared: Arc::clone(&self.shared),
            init: Some(init),
            has_video,
            burst,
            position,
            news: self.shared.news.subscribe(),
        })
    }

    /// What viewers can choose from; `None` when off the air.
    pub fn offer(&self) -> Option<Offer> {
        self.shared.lock().timeline().offer()
    }

    /// The init segment of the current run; `None` also when there is no such rendition.
    pub fn init(&self, rendition: Rendition) -> Option<Bytes> {
        self.shared.lock().timeline().init(rendition).cloned()
    }

    /// What external players can ask for; `None` when off the air, or when there is no such rendition.
    pub fn listing(&self, rendition: Rendition) -> Option<Listing> {
        let broadcast = self.shared.lock();
        broadcast.timeline().init(rendition)?;
        let segments = broadcast.timeline().segments(rendition);
        Some(Listing {
            segments,
            target_duration: broadcast.target_duration(),
            rendition,
        })
    }

    /// The parts of a complete segment of the current run.
    pub fn segment(&self, rendition: Rendition, sequence: u64) -> Option<Vec<Bytes>> {
        self.shared.lock().timeline().segment(rendition, sequence)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Broadcast> {
        // The broadcast decides nothing about people; after a panic in one call the next
        // init segment puts it right, and the show goes on.
        self.broadcast
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn change<R>(&self, command: impl FnOnce(&mut Broadcast) -> R) -> R {
        let mut broadcast = self.lock();
        let result = command(&mut broadcast);
        let air = broadcast.air();
        drop(broadcast);
        self.announce(air);
        result
    }

    fn announce(&self, air: Air) {
        self.air
            .send_if_modified(|current| std::mem::replace(current, air) != air);
        self.news.send_modify(|count| *count += 1);
    }
}

impl Viewing {
    /// Whether a picture is sent, or only sound.
    pub fn has_video(&self) -> bool {
        self.has_video
    }

    /// The bytes of fragments that there were for this viewer when they joined; `None` if the run
    /// was too young for their delay.
    pub fn burst(&self) -> Option<usize> {
        self.burst
    }

    /// How far behind the viewer is; `None` before their first fragment.
    pub fn lag(&self) -> Option<Lag> {
        self.position.lag()
    }

    /// Whether the init segment was handed out.
    pub fn is_started(&self) -> bool {
        self.init.is_none()
    }

    /// The next bytes of the response: the init segment, then fragments; `None` at the end of the
    /// run. Cancel safe.
    pub async fn next(&mut self) -> Option<Bytes> {
        if let Some(init) = self.init.take() {
            return Some(init);
        }
        loop {
            // Before looking, so that news after the look is not missed.
            self.news.borrow_and_update();
            let now = self.shared.clock.tick();
            let next = self.shared.lock().timeline().read(&mut self.position, now);
            match next {
                Next::Fragment(bytes) | Next::Skipped(bytes) => return Some(bytes),
                Next::Ended => return None,
                Next::Wait(None) => self.news.changed().await.ok()?,
                Next::Wait(Some(until)) => {
                    tokio::select! {
                        changed = self.news.changed() => changed.ok()?,
                        () = tokio::time::sleep(until.since(now)) => {}
                    }
                }
            }
        }
    }
}
