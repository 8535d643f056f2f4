//! The tables.

use std::{fmt, fs, time::Instant};

/// Microseconds; shown as milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Micros(pub(crate) u64);

impl Micros {
    pub(crate) fn since(start: Instant) -> Self {
        Self(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:02}", self.0 / 1000, self.0 % 1000 / 10);
        out.pad(&text)
    }
}

/// What one number of viewers cost.
pub(crate) struct Case {
    pub(crate) viewers: usize,
    /// From write to arrival: median, 99th percentile, maximum.
    pub(crate) delays: [Micros; 3],
    /// Samples, responses that ended early, and 1 if not everybody got in.
    pub(crate) counts: [u64; 3],
    /// Processor seconds of the server in a second.
    pub(crate) processor: f64,
    /// What the server's memory grew by, in bytes.
    pub(crate) memory: u64,
}

impl Case {
    #[expect(clippy::cast_precision_loss, reason = "a small number of viewers")]
    fn micros_per_viewer_second(&self) -> f64 {
        self.processor * 1e6 / self.viewers as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
    fn kibibytes_per_viewer(&self) -> f64 {
        self.memory as f64 / 1024.0 / self.viewers as f64
    }
}

pub(crate) fn conditions(pinned: bool) {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let place = if pinned {
        "servers on core 0, viewers and feeder on core 1"
    } else {
        "no core could be chosen"
    };
    println!("1 Mbit/s, a fragment of 25,000 bytes each 200 ms; {place}; load before: {load}");
}

pub(crate) fn alone(start_ups: &[Micros], idle: [u64; 2]) {
    let [resident, own] = idle.map(|bytes| bytes / 1024);
    println!(
        "start until the local address is printed (ms): {}",
        spread(start_ups)
    );
    println!("idle memory: {resident} KiB resident, {own} KiB of it its own (Pss)");
}

pub(crate) fn first_bytes(first: &[Micros]) {
    println!(
        "connection to first byte of /stream.mp4 (ms): {}",
        spread(first)
    );
}

pub(crate) fn titles(case: &Case) {
    let [median, most, worst] = case.delays;
    println!(
        "title change to {} open panels (ms): median {median}, p99 {most}, max {worst}; \
         {:.1} KiB each; {}",
        case.viewers,
        case.kibibytes_per_viewer(),
        remarks(case),
    );
}

pub(crate) fn messages((case, rate): &(Case, Option<f64>)) {
    let [median, most, worst] = case.delays;
    println!(
        "message to {} open panels (ms): median {median}, p99 {most}, max {worst}; {}",
        case.viewers,
        remarks(case),
    );
    if let Some(rate) = rate {
        println!(
            "forms fetched and sent by one person, one after the other, with {} panels open: {rate:.0}/s",
            case.viewers
        );
    }
}

pub(crate) fn table(real: &[Case], bare: &[Case]) {
    println!(
        "\n{:>8} {:12} {:>14} {:>11} {:>9} {:>9} {:>9}  samples",
        "viewers", "server", "cpu µs/viewer·s", "KiB/viewer", "median ms", "p99 ms", "max ms"
    );
    for (real, bare) in real.iter().zip(bare) {
        line("onionstream", real);
        line("minimal", bare);
        println!(
            "{:>8} {:12} {:>15.2} {:>11.2} {:>9.2} {:>9.2}",
            "",
            "ratio",
            real.micros_per_viewer_second() / bare.micros_per_viewer_second(),
            real.kibibytes_per_viewer() / bare.kibibytes_per_viewer(),
            ratio(real, bare, 0),
            ratio(real, bare, 1),
        );
    }
}

fn line(name: &str, case: &Case) {
    let [median, most, worst] = case.delays;
    println!(
        "{:>8} {name:12} {:>15.1} {:>11.1} {median:>9} {most:>9} {worst:>9}  {}",
        case.viewers,
        case.micros_per_viewer_second(),
        case.kibibytes_per_viewer(),
        remarks(case),
    );
}

fn remarks(case: &Case) -> String {
    let [samples, ended, incomplete] = case.counts;
    let mut text = samples.to_string();
    if ended > 0 {
        text += ", ";
        text += &ended.to_string();
        text += " responses ended early";
    }
    if incomplete > 0 {
        text.push_str(", not everybody got in");
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "less than an hour")]
fn ratio(real: &Case, bare: &Case, index: usize) -> f64 {
    let of = |case: &Case| {
        case.delays
            .get(index)
            .map_or(f64::NAN, |delay| delay.0 as f64)
    };
    of(real) / of(bare)
}

/// Median and maximum.
fn spread(measured: &[Micros]) -> String {
    let mut sorted = measured.to_vec();
    sorted.sort_unstable();
    match (sorted.get(sorted.len() / 2), sorted.last()) {
        (Some(median), Some(most)) => {
            format!("median {median}, max {most}, {} samples", sorted.len())
        }
        _ => "none".to_owned(),
    }
}
