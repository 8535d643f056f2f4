//! The uplink, shared: the look at all open responses each second, and who may begin.
//!
//! Belongs here: bringing together what is open, what it costs, and who is never turned away. Does
//! not belong here: when the connection is full ([`crate::media::uplink`]), the rule for one person
//! ([`crate::room::admission`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{lease::Leases, room::RoomHandle, video::VideoHandle};
use crate::{
    clock::Clock,
    media::{
        rendition::{Offer, Rendition},
        uplink::{Response, Uplink, UplinkMeter},
    },
    room::{
        admission::{Admission, Wish},
        person::Role,
        session::ViewerId,
    },
};

/// What everything costs until it was measured, in bits per second: what the recipes make.
const PICTURE: u64 = 600_000;

/// What the sound alone costs until it was measured.
const SOUND: u64 = 64_000;

/// What the broadcaster decided about it.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Whether anybody is turned away.
    pub admission: bool,
    /// The most that may be sent, in bits per second.
    pub ceiling: Option<u64>,
    /// Whether browsers on this computer are the broadcaster's preview, which costs nothing and is
    /// not counted. They are not if somebody else's Tor may bring viewers to the local listener.
    pub has_preview: bool,
}

/// The shared uplink; clones are the same one.
#[derive(Debug, Clone)]
pub struct UplinkHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    policy: Policy,
    leases: Leases,
    video: VideoHandle,
    room: RoomHandle,
    clock: Clock,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    meter: UplinkMeter,
    admission: Admission,
    now: Uplink,
}

/// Somebody who asks.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// Who.
    pub viewer: ViewerId,
    /// Whether they are on this computer.
    pub is_near: bool,
}

impl UplinkHandle {
    /// Nothing goes out yet.
    pub fn new(
        policy: Policy,
        leases: Leases,
        video: VideoHandle,
        room: RoomHandle,
        clock: Clock,
    ) -> Self {
        let inner = Mutex::new(Inner {
            meter: UplinkMeter::new(policy.ceiling),
            admission: Admission::new(policy.admission),
            now: Uplink {
                ceiling: policy.ceiling,
                ..Uplink::default()
            },
        });
        let shared = Shared {
            policy,
            leases,
            video,
            room,
            clock,
            inner,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Looks at every open response. Call it once a second. O(n log n) in open responses.
    pub fn look(&self) {
        let shared = &self.shared;
        let flows = shared.leases.flows(shared.video.last_fragment());
        let offer = shared.video.offer();
        let mut inner = shared.lock();
        let now = shared.clock.tick();
        let responses = flows.iter().map(|flow| Response {
            id: flow.id,
            bytes: flow.bytes,
            age: flow.age,
            start: flow.start,
            behind: flow.behind,
            rate: wish(flow.plays, offer).rate,
            is_sound: wish(flow.plays, offer).is_sound(),
        });
        inner.now = inner.meter.look(responses, now);
        let uplink = inner.now;
        let open = flows
            .iter()
            .map(|flow| (flow.viewer, wish(flow.plays, offer)));
        inner.admission.look(uplink, open, now);
    }

    /// How it was at the last look.
    pub fn now(&self) -> Uplink {
        self.shared.lock().now
    }

    /// Whether somebody may begin with this now. If so, it is promised to them for a while.
    pub fn admits(&self, caller: Caller, rendition: Rendition) -> bool {
        let offer = self.shared.video.offer();
        let wish = wish(rendition, offer);
        self.is_never_refused(caller) || {
            let mut inner = self.shared.lock();
            let now = self.shared.clock.tick();
            inner.admission.admits(caller.viewer, wish, now)
        }
    }

    /// The same without a promise.
    pub fn would_admit(&self, caller: Caller, rendition: Rendition) -> bool {
        let wish = wish(rendition, self.shared.video.offer());
        self.is_never_refused(caller) || {
            let inner = self.shared.lock();
            let now = self.shared.clock.tick();
            inner.admission.would_admit(caller.viewer, wish, now)
        }
    }

    /// Whether what this caller gets costs nothing.
    pub fn is_preview(&self, caller: Caller) -> bool {
        caller.is_near && self.shared.policy.has_preview
    }

    /// Those who run the show must see it.
    fn is_never_refused(&self, caller: Caller) -> bool {
        self.is_preview(caller) || self.shared.room.role(caller.viewer) > Role::Viewer
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each look counts everything afresh.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a rendition costs.
fn wish(rendition: Rendition, offer: Option<Offer>) -> Wish {
    match rendition {
        Rendition::Sound => Wish {
            level: 0,
            rate: offer.and_then(|offer| offer.sound).unwrap_or(SOUND),
        },
        Rendition::Full => Wish {
            level: u8::MAX,
            rate: offer.and_then(|offer| offer.full).unwrap_or(PICTURE),
        },
    }
}
