//! The uplink, shared: the look at all open responses each second, and who may begin.
//!
//! Belongs here: bringing together what is open, what it costs, and who is never turned away. Does
//! not belong here: when the connection is full ([`crate::media::uplink`]), the rule for one person
//! ([`crate::room::admission`]).

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{lease::Leases, room::RoomHandle, variants::Variants};
use crate::{
    clock::Clock,
    media::{
        advice::rate,
        rendition::Offer,
        uplink::{Occupancy, Response, Uplink, UplinkMeter, outgoing::Offered},
        variant::{Quality, VariantName},
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
    /// How far behind their choice viewers may fall before they are moved forward.
    pub max_lag: Duration,
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
    variants: Variants,
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
        variants: Variants,
        room: RoomHandle,
        clock: Clock,
    ) -> Self {
        let inner = Mutex::new(Inner {
            meter: UplinkMeter::new(policy.ceiling, policy.max_lag),
            admission: Admission::new(policy.admission),
            now: Uplink {
                ceiling: policy.ceiling,
                ..Uplink::default()
            },
        });
        let shared = Shared {
            policy,
            leases,
            variants,
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
        let newest = shared.variants.source().last_fragment();
        let flows = shared.leases.flows(newest);
        let prices = shared.prices();
        let mut inner = shared.lock();
        let now = shared.clock.tick();
        let responses = flows.iter().map(|flow| {
            let wish = prices.of(flow.plays);
            Response {
                id: flow.id,
                bytes: flow.bytes,
                age: flow.age,
                start: flow.start,
                behind: flow.behind,
                rate: wish.rate,
                is_sound: wish.is_sound(),
                is_newest: flow.is_newest,
            }
        });
        let uplink = inner.meter.look(responses, now);
        let before = std::mem::replace(&mut inner.now, uplink);
        let open = flows
            .iter()
            .map(|flow| (flow.viewer, prices.of(flow.plays)));
        inner.admission.look(uplink, open, now);
        drop(inner);
        report(before, uplink);
    }

    /// Whether anybody is turned away when it is full.
    pub fn has_admission(&self) -> bool {
        self.shared.policy.admission
    }

    /// How it was at the last look.
    pub fn now(&self) -> Uplink {
        self.shared.lock().now
    }

    /// Whether somebody may begin with this now. If so, it is promised to them for a while.
    pub fn admits(&self, caller: Caller, quality: Quality) -> bool {
        self.is_never_refused(caller) || {
            let wish = self.shared.prices().of(quality);
            let mut inner = self.shared.lock();
            let now = self.shared.clock.tick();
            inner.admission.admits(caller.viewer, wish, now)
        }
    }

    /// Of these, what somebody may begin with now. Nothing is promised.
    pub fn admissible(&self, caller: Caller, qualities: &[Quality]) -> Vec<Quality> {
        let prices = self.shared.prices();
        let inner = self.shared.lock();
        let now = self.shared.clock.tick();
        let may = |quality: &Quality| {
            let wish = prices.of(*quality);
            inner.admission.would_admit(caller.viewer, wish, now)
        };
        qualities.iter().copied().filter(may).collect()
    }

    /// What somebody may begin with who was never here; `None` off the air.
    pub fn offered(&self) -> Option<Offered> {
        let prices = self.shared.prices();
        let source = prices.source?;
        let inner = self.shared.lock();
        let fits = |quality| inner.admission.has_room(prices.of(quality));
        let names = prices.variants.iter().map(|(name, _)| *name);
        Some(Offered {
            source: fits(Quality::Source),
            variants: names.filter(|name| fits(Quality::Variant(*name))).collect(),
            sound: source.is_choice() && fits(Quality::Sound),
        })
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
    fn prices(&self) -> Prices {
        Prices {
            source: self.variants.source().offer(),
            variants: self.variants.list(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each look counts everything afresh.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the broadcaster, also one without a desk. Sums, never people.
fn report(before: Uplink, now: Uplink) {
    let is_full = now.occupancy == Occupancy::Full;
    if is_full == (before.occupancy == Occupancy::Full) {
        return;
    }
    if is_full {
        tracing::warn!(
            "your connection seems full at {}: {} of {} viewers are behind",
            rate(now.capacity.unwrap_or(now.delivered)),
            now.lagging,
            now.viewers,
        );
    } else {
        tracing::info!("your connection is not full any more");
    }
}

/// What each quality costs.
struct Prices {
    source: Option<Offer>,
    variants: Vec<(VariantName, Offer)>,
}

impl Prices {
    fn of(&self, quality: Quality) -> Wish {
        let (level, offer) = match quality {
            Quality::Sound => {
                let rate = self.source.and_then(|offer| offer.sound);
                return Wish {
                    level: 0,
                    rate: rate.unwrap_or(SOUND),
                };
            }
            Quality::Variant(wanted) => {
                let mut variants = self.variants.iter();
                let found = variants.find(|(name, _)| *name == wanted);
                (1, found.map(|(_, offer)| *offer))
            }
            Quality::Source => (2, self.source),
        };
        Wish {
            // Without a picture everything is sound.
            level: level * u8::from(offer.is_none_or(|offer| offer.has_picture)),
            rate: offer.and_then(|offer| offer.full).unwrap_or(PICTURE),
        }
    }
}
