//! The table and the verdict.

use std::{collections::BTreeMap, fs, time::Duration};

use crate::{
    flood::{Answered, Kind},
    viewer::Delays,
};

/// The effect that is allowed.
const ALLOWED: f64 = 1.05;

/// One kind of flood for some seconds.
pub(crate) struct Interval {
    pub(crate) delays: Delays,
    pub(crate) tried: Answered,
    pub(crate) took: Duration,
    /// Of the server.
    pub(crate) processor: Duration,
}

/// All kinds once, soon after one another.
pub(crate) struct Round(BTreeMap<Kind, Interval>);

impl Round {
    pub(crate) fn of(intervals: impl IntoIterator<Item = (Kind, Interval)>) -> Self {
        Self(intervals.into_iter().collect())
    }
}

/// What a comparison divides.
#[derive(Clone, Copy)]
enum What {
    Messages,
    Fragments,
}

impl What {
    fn of(self, interval: &Interval) -> &[u64] {
        match self {
            Self::Messages => &interval.delays.messages,
            Self::Fragments => &interval.delays.fragments,
        }
    }
}

pub(crate) fn conditions(pinned: bool, rounds: usize) {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let place = if pinned {
        "server on core 0, everything else on core 1"
    } else {
        "no core could be chosen"
    };
    println!("{rounds} rounds; {place}; load before: {load}");
}

/// Prints everything; whether the effect of logins is as small as it has to be.
pub(crate) fn table(rounds: &[Round]) -> bool {
    println!(
        "{:24} {:>7} {:>8} {:>17} {:>17}   answers",
        "meanwhile", "req/s", "cpu %", "message µs", "fragment µs"
    );
    println!(
        "{:24} {:>7} {:>8} {:>17} {:>17}",
        "", "", "server", "median / p95", "median / p95"
    );
    for kind in Kind::ALL {
        let intervals: Vec<_> = rounds
            .iter()
            .filter_map(|round| round.0.get(&kind))
            .collect();
        let took: Duration = intervals.iter().map(|interval| interval.took).sum();
        let processor: Duration = intervals.iter().map(|interval| interval.processor).sum();
        let mut tried = Answered::default();
        for interval in &intervals {
            tried.add(&interval.tried);
        }
        let pooled = |what: What| {
            let all: Vec<u64> = intervals
                .iter()
                .flat_map(|interval| what.of(interval).iter().copied())
                .collect();
            format!(
                "{:.0} / {:.0}",
                percentile(&all, 50) / 1000.0,
                percentile(&all, 95) / 1000.0
            )
        };
        println!(
            "{:24} {:>7.0} {:>8.1} {:>17} {:>17}   {}",
            kind.words(),
            count(tried.total()) / took.as_secs_f64(),
            100.0 * processor.as_secs_f64() / took.as_secs_f64(),
            pooled(What::Messages),
            pooled(What::Fragments),
            tried,
        );
    }
    println!();
    println!("effect: the ratio within a round, median of all rounds (least-most)");
    let mut is_small = true;
    for (login, against) in [
        (Kind::StrangersLogIn, Kind::StrangersAsk),
        (Kind::VisitorsLogIn, Kind::VisitorsAsk),
        (Kind::StrangersLogIn, Kind::Nobody),
        (Kind::VisitorsLogIn, Kind::Nobody),
    ] {
        let of = |what, share| effect(rounds, what, share, login, against);
        let message = of(What::Messages, 50);
        println!(
            "{:24} against {:24} message: median {}, p95 {}; fragment: median {}, p95 {}",
            login.words(),
            against.words(),
            shown(message),
            shown(of(What::Messages, 95)),
            shown(of(What::Fragments, 50)),
            shown(of(What::Fragments, 95)),
        );
        if against != Kind::Nobody {
            is_small &= message[1] <= ALLOWED;
        }
    }
    is_small
}

/// Least, median and most of all rounds.
fn effect(rounds: &[Round], what: What, share: usize, login: Kind, against: Kind) -> [f64; 3] {
    let mut ratios: Vec<f64> = rounds
        .iter()
        .filter_map(|round| {
            let of = |kind| {
                let interval = round.0.get(&kind)?;
                Some(percentile(what.of(interval), share))
            };
            Some(of(login)? / of(against)?)
        })
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let at = |index: usize| ratios.get(index).copied().unwrap_or(f64::NAN);
    [
        at(0),
        at(ratios.len() / 2),
        at(ratios.len().saturating_sub(1)),
    ]
}

fn shown([least, median, most]: [f64; 3]) -> String {
    format!("{median:.2} ({least:.2}-{most:.2})")
}

/// The value below which `share` percent are.
fn percentile(values: &[u64], share: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    let index = values.len().saturating_sub(1) * share / 100;
    values.get(index).copied().map_or(f64::NAN, count)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "far below the precision of an f64"
)]
fn count(number: u64) -> f64 {
    number as f64
}
