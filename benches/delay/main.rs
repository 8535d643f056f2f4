//! Glass to glass: from a picture in front of the camera to the same picture in a real Firefox.
//!
//! Each picture carries the time at which it was made; ffmpeg encodes it with our recipe, the real
//! server sends it on, and the time is read back from what `<video>` shows.
//! `docs/benchmarks.md` says how to read the table.
//!
//! Run it with `cargo bench --bench delay`. It needs ffmpeg, firefox-esr and geckodriver.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark prints what it has measured"
)]

mod barcode;
mod camera;
mod clock;
#[path = "../../tests/stage/mod.rs"]
mod stage;

use std::{fs, thread, time::Duration};

use stage::{
    Deadline,
    firefox::{Firefox, Options},
    server::Server,
};

use self::{barcode::Scene, camera::Camera};

/// What is measured, in this order: a preset of the recipe, a scene, and delays of viewers.
const CASES: [(&str, Scene, &[&str]); 3] = [
    (
        "low-latency",
        Scene::Busy,
        &["low", "low", "low", "low", "normal", "safe"],
    ),
    ("low-latency", Scene::Still, &["low"]),
    ("balanced", Scene::Busy, &["low", "low"]),
];
/// Keyframes come each second, and how long ago the last one came is most of what differs between
/// two viewers. So each comes this much later in the second than the one before.
const LATER_MILLIS: u64 = 250;
/// After the encoder has started: more than the longest delay.
const WARM_UP: Duration = Duration::from_secs(11);
/// How long each case is watched.
const WATCHED: Duration = Duration::from_secs(10);
/// How long the first picture may take.
const APPEARS_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks at the picture. Looking takes some milliseconds more.
const PAUSE: Duration = Duration::from_millis(10);
/// A picture that stays longer than this is a freeze; pictures come every 40 ms.
const FREEZE_MILLIS: u64 = 150;

fn main() {
    let directory = tempfile::tempdir().expect("a directory");
    let stream = directory.path().join("stream");
    fs::create_dir(&stream).expect("a stream directory");
    let server = Server::start_in(directory.path(), &["--no-tor", "--source", "watch"]);
    let url = server.local_url();
    let options = Options {
        // It rounds clocks, and keeps pages from reading pictures.
        resist_fingerprinting: false,
        ..Options::default()
    };
    let firefox = Firefox::start(options);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    println!(
        "640x360, 25 pictures/s, 500 kbit/s, keyframe each 1 s, fragment each 200 ms; load before: {load}"
    );
    println!(
        "{:12} {:6} {:7} {:>9} {:>9} {:>9} {:>9} {:>10} {:>9} {:>8} {:>9}",
        "preset",
        "scene",
        "delay",
        "first ms",
        "min ms",
        "median ms",
        "max ms",
        "frozen ms",
        "longest",
        "pictures",
        "look each"
    );
    for (preset, scene, delays) in CASES {
        let camera = Camera::start(&stream, preset, scene);
        thread::sleep(WARM_UP);
        for (later, delay) in (0..).map(|number| number * LATER_MILLIS).zip(delays) {
            firefox.goto("about:blank");
            let wait = (1000 + later % 1000 - clock::millis() % 1000) % 1000;
            thread::sleep(Duration::from_millis(wait));
            let seen = watch(&firefox, &format!("{url}video?delay={delay}"));
            println!("{preset:12} {:6} {delay:7} {seen}", scene.name());
        }
        drop(camera);
    }
}

/// What a viewer saw.
struct Seen {
    /// From the request for the page to the first picture.
    first: u64,
    /// Of each look, sorted.
    ages: Vec<u64>,
    /// Between a new picture and the next one.
    gaps: Vec<u64>,
    /// From look to look.
    resolution: u64,
    /// Looks that met no readable picture.
    unreadable: usize,
}

fn watch(firefox: &Firefox, url: &str) -> Seen {
    let script = barcode::reading_script();
    let mut seen = Seen {
        first: 0,
        ages: Vec::new(),
        gaps: Vec::new(),
        resolution: 0,
        unreadable: 0,
    };
    firefox.goto(url);
    let (mut last, mut since) = (None, 0);
    let mut deadline = Deadline::after(APPEARS_WITHIN);
    let mut looked = clock::now();
    while !deadline.has_passed() {
        thread::sleep(PAUSE);
        let answer = firefox.execute(&script);
        let number = |index| answer.get(index).and_then(serde_json::Value::as_u64);
        let (Some(now), Some(cells), Some(origin)) = (number(0), number(1), number(2)) else {
            continue;
        };
        let Some(made) = barcode::read(cells) else {
            seen.unreadable += 1;
            continue;
        };
        if last.is_none() {
            seen.first = now.saturating_sub(origin);
            deadline = Deadline::after(WATCHED);
            looked = clock::now();
        }
        if last != Some(made) {
            if last.is_some() {
                seen.gaps.push(now - since);
            }
            (last, since) = (Some(made), now);
        }
        seen.ages.push(barcode::age(made, now));
    }
    assert!(
        last.is_some(),
        "no picture within {APPEARS_WITHIN:?} at {url}"
    );
    let looks = u64::try_from(seen.ages.len()).unwrap_or(u64::MAX).max(1);
    seen.resolution = u64::try_from(looked.elapsed().as_millis()).unwrap_or(u64::MAX) / looks;
    seen.ages.sort_unstable();
    seen
}

impl std::fmt::Display for Seen {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let age = |index: usize| self.ages.get(index).copied().unwrap_or_default();
        let frozen: u64 = self.gaps.iter().filter(|&&gap| gap > FREEZE_MILLIS).sum();
        write!(
            out,
            "{:>9} {:>9} {:>9} {:>9} {:>10} {:>9} {:>8} {:>9}",
            self.first,
            age(0),
            age(self.ages.len() / 2),
            age(self.ages.len().saturating_sub(1)),
            frozen,
            self.gaps.iter().max().copied().unwrap_or_default(),
            self.gaps.len() + 1,
            self.resolution,
        )?;
        if self.unreadable > 0 {
            write!(out, "  ({} unreadable)", self.unreadable)?;
        }
        Ok(())
    }
}
