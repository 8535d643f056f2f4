//! An encoder that is killed again and again while somebody watches.
//!
//! The short form runs with the other tests. The long form, whose figures are in
//! `docs/benchmarks.md`, takes over five minutes:
//! `cargo test --test restarts -- --ignored --nocapture`.

#![expect(
    clippy::indexing_slicing,
    clippy::unchecked_time_subtraction,
    clippy::use_debug,
    reason = "a measurement that is not as expected should fail, and says what was measured"
)]

mod stage;

use std::{
    fmt, fs,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use stage::{
    Deadline,
    firefox::{Firefox, Options},
    process::{program, resident, tell},
    server::Server,
    watch,
    watching::{Watching, encoders_of},
};

const SOON: Duration = Duration::from_secs(30);
/// Between two looks at the player.
const LOOK: Duration = Duration::from_millis(100);
/// What stands for longer has frozen.
const FREEZE: Duration = Duration::from_millis(300);
/// How long an encoder hangs before it is killed, if it does.
const HANGS: Duration = Duration::from_secs(4);
/// The ground of the slate that is built in.
const GROUND: [f64; 3] = [27.0, 20.0, 40.0];
/// How far a colour may be from another after encoding.
const NEAR: f64 = 12.0;

/// Where the player is, how many pictures it has painted, how far it has data, and the colours near
/// the four corners of the picture.
const LOOK_AT_PLAYER: &str = "
    const video = document.querySelector('video');
    if (!video || video.readyState < 1) return null;
    const canvas = document.createElement('canvas');
    canvas.width = 32; canvas.height = 18;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(video, 0, 0, 32, 18);
    const corners = [];
    for (const [x, y] of [[1, 1], [30, 1], [1, 16], [30, 16]])
      corners.push(...context.getImageData(x, y, 1, 1).data.slice(0, 3));
    const { buffered } = video;
    const end = buffered.length ? buffered.end(buffered.length - 1) : 0;
    return [video.currentTime, video.mozPaintedFrames, end, video.paused || video.ended, ...corners];";

/// One look at the player.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Duration,
    time: f64,
    painted: f64,
    /// What the player has and has not shown, in seconds.
    ahead: f64,
    /// What the server has sent to somebody else by then and this player has not shown, in seconds,
    /// from a beginning of its own.
    behind: f64,
    is_slate: bool,
    has_ended: bool,
}

/// Stretches of time in which something stood still for longer than [`FREEZE`].
#[derive(Debug, Default)]
struct Freezes {
    number: usize,
    total: Duration,
    longest: Duration,
    /// When each began, in seconds.
    when: Vec<u64>,
}

impl Freezes {
    #[expect(
        clippy::float_cmp,
        reason = "a value that has not changed is exactly the same"
    )]
    fn of(seen: &[Seen], value: impl Fn(&Seen) -> f64) -> Self {
        let mut freezes = Self::default();
        for stood in seen.chunk_by(|one, next| value(one) == value(next)) {
            let (first, last) = (stood[0].at, stood[stood.len() - 1].at);
            // Between two looks it may have moved at any time: this is the least.
            let time = last - first;
            if time > FREEZE {
                freezes.number += 1;
                freezes.total += time;
                freezes.longest = freezes.longest.max(time);
                freezes.when.push(first.as_secs());
            }
        }
        freezes
    }
}

impl fmt::Display for Freezes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} freezes, {} ms in all, the longest {} ms, at {:?} s",
            self.number,
            self.total.as_millis(),
            self.longest.as_millis(),
            self.when
        )
    }
}

/// What a viewer and the computer went through.
struct Outcome {
    seen: Vec<Seen>,
    /// When the encoder was killed.
    kills: Vec<Duration>,
    cpu: Duration,
    resident_before: u64,
    resident_after: u64,
}

impl Outcome {
    fn time(&self) -> Freezes {
        Freezes::of(&self.seen, |seen| seen.time)
    }

    fn pictures(&self) -> Freezes {
        Freezes::of(&self.seen, |seen| seen.painted)
    }

    /// The median of `value` in the first and in the last three seconds.
    fn before_and_after(&self, value: impl Fn(&Seen) -> f64) -> (f64, f64) {
        let median = |mut values: Vec<f64>| {
            values.sort_unstable_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let first = self.seen.iter().take(30).map(&value).collect();
        let last = self.seen.iter().rev().take(30).map(&value).collect();
        (median(first), median(last))
    }

    /// After how many kills the slate was on the screen, and for how long in all.
    fn slates(&self) -> (usize, Duration) {
        let shown = self.seen.windows(2).filter(|pair| pair[0].is_slate);
        let time = shown.map(|pair| pair[1].at - pair[0].at).sum();
        let ends = self.kills.iter().skip(1).copied().chain([Duration::MAX]);
        let after = self.kills.iter().zip(ends).filter(|(kill, end)| {
            let mut seen = self.seen.iter();
            seen.any(|seen| seen.is_slate && seen.at > **kill && seen.at < *end)
        });
        (after.count(), time)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.seen.last().map_or(Duration::ZERO, |seen| seen.at);
        let (number, shown) = self.slates();
        let ahead = self.before_and_after(|seen| seen.ahead);
        let behind = self.before_and_after(|seen| seen.behind);
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        writeln!(
            out,
            "{} kills in {} s, {} looks, load {}",
            self.kills.len(),
            length.as_secs(),
            self.seen.len(),
            load.trim_end()
        )?;
        writeln!(out, "playing time: {}", self.time())?;
        writeln!(out, "pictures:     {}", self.pictures())?;
        writeln!(
            out,
            "delay: {:.2} s of media ahead of the player at first, {:.2} s at last; against another \
             client {:+.2} s",
            ahead.0,
            ahead.1,
            behind.1 - behind.0
        )?;
        writeln!(
            out,
            "slate: on screen after {number} kills, {:.1} s in all",
            shown.as_secs_f64()
        )?;
        writeln!(
            out,
            "server: {:.2} % of a core, resident {} KiB before, {} KiB after",
            self.cpu.as_secs_f64() * 100.0 / length.as_secs_f64(),
            self.resident_before,
            self.resident_after
        )
    }
}

/// Kills the encoder `kills` times, `every` so often, while a Firefox plays. Of five kills the one
/// with the number `hang_at` comes after a while in which the encoder hangs.
fn watch_while_killing(kills: usize, every: Duration, hang_at: usize) -> Outcome {
    let ffmpeg = format!("encoder.ffmpeg={}", program("ffmpeg", "FFMPEG").display());
    let mut server = Server::start(&[
        "--no-tor",
        "--source",
        "test",
        "--preset",
        "low-latency",
        "--set",
        &ffmpeg,
    ]);
    let mut watching = Watching::open(&server);
    // Until the slate is encoded, which is another ffmpeg.
    let prepared = watching.until(SOON, |watching| {
        watching.seconds() > 6.0 && encoders_of(server.id()).len() == 1
    });
    assert!(prepared);
    let edge = Arc::new(Mutex::new(0.0));
    let is_over = Arc::new(AtomicBool::new(false));
    let other = {
        let (edge, is_over) = (Arc::clone(&edge), Arc::clone(&is_over));
        thread::spawn(move || {
            watching.until(Duration::from_mins(10), |watching| {
                *edge.lock().unwrap_or_else(PoisonError::into_inner) = watching.seconds();
                is_over.load(Ordering::Relaxed)
            })
        })
    };
    let firefox = Firefox::start(Options {
        // It makes up counts of pictures, and keeps pages from reading them.
        resist_fingerprinting: false,
        ..Options::default()
    });
    firefox.goto(&format!("{}video?delay=low", server.local_url()));
    firefox.wait_for_video(SOON, |video| video.current_time > 3.0);

    let mut outcome = Outcome {
        seen: Vec::new(),
        kills: Vec::new(),
        cpu: Duration::ZERO,
        resident_before: resident(server.id()),
        resident_after: 0,
    };
    let cpu = cpu(server.id());
    let clock = Deadline::after(every.saturating_mul(u32::try_from(kills).expect("few")) + every);
    let mut due = every;
    while !clock.has_passed() {
        let begun = clock.elapsed();
        outcome.seen.extend(look(&firefox, begun, &edge));
        if outcome.kills.len() < kills && clock.elapsed() >= due {
            due += every;
            outcome.kills.push(clock.elapsed());
            let hangs = outcome.kills.len() % 5 == hang_at;
            end_encoder(&server, hangs);
        }
        thread::sleep(LOOK.saturating_sub(clock.elapsed() - begun));
    }
    outcome.cpu = self::cpu(server.id()) - cpu;
    outcome.resident_after = resident(server.id());
    is_over.store(true, Ordering::Relaxed);
    let goes_on = other.join().expect("the other client reads");
    assert!(goes_on, "its response ended: {}", server.log());
    assert!(server.is_running());
    outcome
}

fn look(firefox: &Firefox, at: Duration, edge: &Mutex<f64>) -> Option<Seen> {
    let seen = firefox.execute(LOOK_AT_PLAYER);
    let edge = *edge.lock().unwrap_or_else(PoisonError::into_inner);
    let number = |index: usize| seen.get(index).and_then(serde_json::Value::as_f64);
    let time = number(0)?;
    let is_slate = (0..4).all(|corner| {
        let channels = GROUND.iter().enumerate();
        channels
            .map(|(channel, wanted)| (number(4 + corner * 3 + channel), wanted))
            .all(|(colour, wanted)| colour.is_some_and(|colour| (colour - wanted).abs() < NEAR))
    });
    Some(Seen {
        at,
        time,
        painted: number(1)?,
        ahead: number(2)? - time,
        behind: edge - time,
        is_slate,
        has_ended: seen.get(3)?.as_bool()?,
    })
}

/// Kills the encoder, at once or after it has hung for a while.
fn end_encoder(server: &Server, hangs: bool) {
    let encoder = watch(SOON, || encoders_of(server.id()).first().copied()).expect("an encoder");
    let encoder = Pid::from_raw(encoder.cast_signed()).expect("a process");
    let kill = move || kill_process(encoder, Signal::KILL).expect("killed");
    if hangs {
        kill_process(encoder, Signal::STOP).expect("stopped");
        thread::spawn(move || {
            thread::sleep(HANGS);
            kill();
        });
    } else {
        kill();
    }
}

/// Time that a process has run, in the kernel's steps of 10 ms.
fn cpu(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
    let fields = stat.rsplit_once(") ").expect("fields").1.split(' ');
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().expect("a number"))
        .sum();
    Duration::from_millis(ticks * 10)
}

/// What must hold however busy the computer is.
fn check(outcome: &Outcome, kills: usize) {
    assert_eq!(outcome.kills.len(), kills, "{outcome}");
    assert!(outcome.seen.iter().all(|seen| !seen.has_ended), "{outcome}");
    assert!(outcome.slates().0 > 0, "nobody saw the slate: {outcome}");
    let (first, last) = outcome.before_and_after(|seen| seen.behind);
    assert!(last - first < 1.5, "the delay has grown: {outcome}");
    let grown = outcome
        .resident_after
        .saturating_sub(outcome.resident_before);
    assert!(grown < 40 * 1024, "the program has grown: {outcome}");
    let frozen = outcome.time();
    assert!(frozen.longest < Duration::from_secs(2), "{outcome}");
}

#[test]
fn a_player_goes_on_while_the_encoder_dies_again_and_again() {
    let outcome = watch_while_killing(3, Duration::from_secs(8), 2);
    tell(&outcome.to_string());
    check(&outcome, 3);
}

#[test]
#[ignore = "takes over five minutes; its figures are in docs/benchmarks.md"]
fn a_player_goes_on_over_twenty_restarts_in_five_minutes() {
    let outcome = watch_while_killing(20, Duration::from_secs(15), 0);
    tell(&outcome.to_string());
    check(&outcome, 20);
}
