//! What goes out, as numbers for people to look at.

use serde::Serialize;

use super::{
    super::{
        meter::steady::{HARDLY, kept, two_digits},
        rendition::Offer,
        variant::VariantName,
    },
    Uplink,
};

/// What somebody may begin with who comes now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Offered {
    /// The broadcast as it is.
    pub source: bool,
    /// These variants of it.
    pub variants: Vec<VariantName>,
    /// The sound alone, if there is more than that.
    pub sound: bool,
}

/// What goes out to viewers, what one more of them costs, and what they may have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outgoing {
    /// The sums.
    pub uplink: Uplink,
    /// Bits per second of everything; `None` until it was measured.
    pub full: Option<u64>,
    /// Of that, the sound.
    pub sound: Option<u64>,
    /// Whether anybody is turned away when it is full.
    pub has_admission: bool,
    /// What there is room for; `None` off the air.
    pub offered: Option<Offered>,
}

impl Outgoing {
    /// With what there is to watch; `None` when off the air.
    pub fn of(uplink: Uplink, offer: Option<Offer>, has_admission: bool) -> Self {
        Self {
            uplink,
            full: offer.and_then(|offer| offer.full),
            sound: offer.and_then(|offer| offer.sound),
            has_admission,
            offered: None,
        }
    }

    /// The same with what there is room for.
    #[must_use]
    pub fn offering(self, offered: Option<Offered>) -> Self {
        Self { offered, ..self }
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
            offered: self.offered,
        }
    }
}
