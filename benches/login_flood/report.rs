//! The table and the verdict.

use std::{collections::BTreeMap, fmt, fs, time::Duration};

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

/// Prints everything.
pub(crate) fn table(rounds: &[Round]) -> Verdict {
    println!(
        "{:26} {:>7} {:>8} {:>17} {:>17}   answers",
        "meanwhile", "req/s", "cpu %", "message µs", "fragment µs"
    );
    println!(
        "{:26} {:>7} {:>8} {:>17} {:>17}",
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
            "{:26} {:>7.0} {:>8.1} {:>17} {:>17}   {}",
            kind.words(),
            count(tried.total()) / took.as_secs_f64(),
            100.0 * processor.as_secs_f64() / took.as_secs_f64(),
            pooled(What::Messages),
            pooled(What::Fragments),
            tried,
        );
    }
    println!();
    println!("effect: median of the ratios within a round, and where it is with 95 % confidence");
    let mut verdict = Verdict::Small;
    for (login, against) in [
        (Kind::StrangersLogIn, Kind::Nobody),
        (Kind::VisitorsLogIn, Kind::Nobody),
        (Kind::StrangersLook, Kind::Nobody),
        (Kind::StrangersLogIn, Kind::StrangersAsk),
        (Kind::VisitorsLogIn, Kind::VisitorsAsk),
        (Kind::StrangersLook, Kind::StrangersAsk),
    ] {
        let of = |what, share| Effect::of(rounds, what, share, login, against);
        let message = of(What::Messages, 50);
        println!(
            "{:26} against {:20} message: median {message}, p95 {}; fragment: median {}",
            login.words(),
            against.words(),
            of(What::Messages, 95),
            of(What::Fragments, 50),
        );
        if login.is_login() {
            verdict = verdict.max(message.verdict());
        }
    }
    println!(
        "a message while logins are tried, against nobody else and against other requests: {}",
        match verdict {
            Verdict::Small => "at most 5 %",
            Verdict::Unclear => "too noisy to tell; run it while nothing else runs",
            Verdict::Large => "more than 5 %",
        }
    );
    verdict
}

/// Whether the effect is as small as it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Small,
    /// It looks too large, and may be nothing at all.
    Unclear,
    Large,
}

/// A median ratio, and the bounds between which it is with 95 % confidence.
struct Effect {
    median: f64,
    least: f64,
    most: f64,
}

impl Effect {
    fn of(rounds: &[Round], what: What, share: usize, login: Kind, against: Kind) -> Self {
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
        // The ranks that a binomial distribution gives, whatever the noise is like.
        let aside = (ratios.len().saturating_sub(ratios.len().isqrt() * 2)) / 2;
        Self {
            median: at(ratios.len() / 2),
            least: at(aside),
            most: at(ratios.len().saturating_sub(aside + 1)),
        }
    }

    fn verdict(&self) -> Verdict {
        if self.median <= ALLOWED {
            Verdict::Small
        } else if self.least > 1.0 {
            Verdict::Large
        } else {
            Verdict::Unclear
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{:.2} ({:.2}-{:.2})",
            self.median, self.least, self.most
        )
    }
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
