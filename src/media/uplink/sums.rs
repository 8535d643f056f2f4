//! What goes out, as programs are told it: by the control socket and by `/broadcaster/api/info`.

use serde::Serialize;

use super::{
    super::advice::uplink,
    outgoing::{Offered, Outgoing},
};

/// What goes out to all viewers together, in bits per second; rounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// What they took in the last seconds.
    pub delivered: u64,
    /// What they would take if nothing held them up.
    pub demand: u64,
    /// How many take anything.
    pub viewers: usize,
    /// Of those, how many are behind.
    pub lagging: usize,
    /// `free`, `strained` or `full`.
    pub state: &'static str,
    /// What the connection was seen to carry; `null` unless it was full lately.
    pub capacity: Option<u64>,
    /// What new viewers may begin with; `null` off the air.
    pub offered: Option<Offered>,
    /// What goes out, as a sentence; `null` if nothing does.
    pub words: Option<String>,
    /// What to do about it; `null` unless new viewers are turned away.
    pub advice: Option<String>,
}

impl From<&Outgoing> for Sums {
    fn from(outgoing: &Outgoing) -> Self {
        let sums = outgoing.uplink;
        Self {
            delivered: sums.delivered,
            demand: sums.demand,
            viewers: sums.viewers,
            lagging: sums.lagging,
            state: sums.occupancy.word(),
            capacity: sums.capacity,
            offered: outgoing.offered.clone(),
            words: uplink::outgoing(outgoing),
            advice: uplink::fullness(outgoing).map(|advice| advice.words),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::media::variant::VariantName;

    #[test]
    fn programs_are_told_what_the_desk_shows() {
        let mut outgoing = Outgoing {
            has_admission: true,
            full: Some(580_000),
            ..Outgoing::default()
        };
        let empty = serde_json::to_value(Sums::from(&outgoing)).unwrap();
        assert_eq!(
            (&empty["offered"], &empty["words"]),
            (&json!(null), &json!(null))
        );

        outgoing.uplink.ceiling = Some(900_000);
        (outgoing.uplink.delivered, outgoing.uplink.viewers) = (580_000, 1);
        outgoing.offered = Some(Offered {
            source: false,
            variants: vec![VariantName::LOW],
            sound: true,
        });
        let sums = serde_json::to_value(Sums::from(&outgoing)).unwrap();
        assert_eq!(
            sums["offered"],
            json!({"source": false, "variants": ["low"], "sound": true})
        );
        assert_eq!(sums["words"], "580 kbit/s to 1 person");
        let advice = sums["advice"].as_str().unwrap();
        assert!(
            advice.contains("the smaller quality `low` or only the sound"),
            "{advice}"
        );
    }
}
