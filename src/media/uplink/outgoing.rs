//! What goes out, as numbers for people to look at.

use super::{
    super::{
        meter::steady::{HARDLY, kept, two_digits},
        rendition::Offer,
    },
    Uplink,
};

/// What goes out to viewers, and what one more of them costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outgoing {
    /// The sums.
    pub uplink: Uplink,
    /// Bits per second of everything; `None` until it was measured.
    pub full: Option<u64>,
    /// Of that, the sound.
    pub sound: Option<u64>,
    /// Whether anybody is turned away when it is full.
    pub has_admission: bool,
}

impl Outgoing {
    /// With what there is to watch; `None` when off the air.
    pub fn of(uplink: Uplink, offer: Option<Offer>, has_admission: bool) -> Self {
        Self {
            uplink,
            full: offer.and_then(|offer| offer.full),
            sound: offer.and_then(|offer| offer.sound),
            has_admission,
        }
    }

    /// The same for people who see `shown` now.
    #[must_use]
    pub fn steadied(self, shown: &Self) -> Self {
        let steady = |now, shown| kept(now, shown, HARDLY, two_digits);
        let sum = |of: fn(&Uplink) -> u64| {
            let shown = Some(of(&shown.uplink));
            steady(Some(of(&self.uplink)), shown).unwrap_or_default()
        };
        Self {
            uplink: Uplink {
                delivered: sum(|uplink| uplink.delivered),
                demand: sum(|uplink| uplink.demand),
                sound_demand: sum(|uplink| uplink.sound_demand),
                admitted: sum(|uplink| uplink.admitted),
                capacity: steady(self.uplink.capacity, shown.uplink.capacity),
                ..self.uplink
            },
            full: steady(self.full, shown.full),
            sound: steady(self.sound, shown.sound),
            has_admission: self.has_admission,
        }
    }
}
