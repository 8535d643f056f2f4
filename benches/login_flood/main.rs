//! What an honest viewer notices while others try passwords at the desk.
//!
//! One viewer has the panel and the video open. In the same run, in turn: nobody else is there; a
//! thousand requests a second ask for something that does not exist, which is what the client and
//! HTTP cost; a thousand logins a second are tried. `docs/benchmarks.md` says how to read the table.
//!
//! Run it with `cargo bench --bench login_flood`; `-- N` takes another number of rounds.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark prints what it has measured"
)]

#[path = "../viewers/clock.rs"]
mod clock;
#[path = "../viewers/cost.rs"]
#[expect(
    dead_code,
    reason = "of what a process costs, only the processor's time"
)]
mod cost;
#[path = "../viewers/feeder.rs"]
#[expect(dead_code, reason = "only the directory is fed here")]
mod feeder;
mod flood;
#[path = "../viewers/media.rs"]
#[expect(dead_code, reason = "stamps are searched for, not counted to")]
mod media;
mod report;
#[path = "../../tests/stage/mod.rs"]
mod stage;
mod viewer;

use std::{env, fs, process::ExitCode, thread, time::Duration};

use rustix::thread::{CpuSet, sched_setaffinity};
use stage::{desk, server::Server};

use self::{
    feeder::Feeder,
    flood::{Cookies, Flood, Kind},
    report::{Interval, Round, Verdict},
    viewer::Viewer,
};

/// Requests that are sent in a second.
const RATE: u32 = 1000;
/// How often everything is measured, in another order each time.
const ROUNDS: usize = 18;
/// How long one interval is measured. Short, so that what else the computer does hits neighbours
/// alike.
const MEASURED: Duration = Duration::from_secs(1);
/// From the beginning of an interval to the beginning of the measurement.
const SETTLES: Duration = Duration::from_millis(300);
/// Before the first interval: the memory of the stream is full.
const FILLS_IN: Duration = Duration::from_secs(8);
/// Where the server runs.
const SERVER_CORE: usize = 0;
/// Where the viewer, the feeder and the flood run.
const OTHERS_CORE: usize = 1;

fn main() -> ExitCode {
    let rounds = env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(ROUNDS);
    let pinned = pin(SERVER_CORE);
    let directory = tempfile::tempdir().expect("a directory");
    let stream = directory.path().join("stream");
    fs::create_dir(&stream).expect("a stream directory");
    desk::set_password(directory.path(), desk::PASSWORD);
    let server = Server::start_in(
        directory.path(),
        &[
            "--no-tor",
            "--set",
            "playback.keep=14s",
            "--set",
            "playback.delay_safe=4s",
            // The panel is not to renew itself meanwhile.
            "--set",
            "live.max_elements=100000",
        ],
    );
    let address = server.local_address();
    let _pinned = pin(OTHERS_CORE);
    report::conditions(pinned, rounds);
    let feeder = Feeder::into_directory(&stream);
    thread::sleep(FILLS_IN);
    let cookies = Cookies::default();
    fail_until_it_costs_a_captcha(&server, &cookies);
    let viewer = Viewer::comes(address, &directory.path().join("state/control.sock"));

    let measured = (0..rounds)
        .map(|round| {
            let mut kinds = Kind::ALL;
            // Whatever drifts during the run is not to hit the same kind each time.
            let by = round % kinds.len();
            kinds.rotate_left(by);
            let intervals = kinds.map(|kind| (kind, interval(kind, &server, &viewer, &cookies)));
            Round::of(intervals)
        })
        .collect::<Vec<_>>();
    viewer.leaves();
    drop(feeder);
    match report::table(&measured) {
        Verdict::Small => ExitCode::SUCCESS,
        Verdict::Large => ExitCode::FAILURE,
        Verdict::Unclear => ExitCode::from(2),
    }
}

fn interval(kind: Kind, server: &Server, viewer: &Viewer, cookies: &Cookies) -> Interval {
    let flood = Flood::begin(kind, server.local_address(), RATE, cookies);
    thread::sleep(SETTLES);
    let (began, before) = (clock::nanos(), cost::processor_time(server.id()));
    let tried = flood.answered();
    let waited = clock::now();
    thread::sleep(MEASURED);
    let (ended, after) = (clock::nanos(), cost::processor_time(server.id()));
    let took = waited.elapsed();
    let tried = flood.answered().since(&tried);
    flood.end();
    let delays = viewer.saw(began..ended);
    Interval {
        delays,
        tried,
        took,
        processor: after.saturating_sub(before),
    }
}

/// The state in which any flood is after its first moment.
fn fail_until_it_costs_a_captcha(server: &Server, cookies: &Cookies) {
    let flood = Flood::begin(Kind::VisitorsLogIn, server.local_address(), RATE, cookies);
    thread::sleep(SETTLES);
    println!("the first {} ms: {}", SETTLES.as_millis(), flood.answered());
    flood.end();
}

/// For the feeder, which has no result.
fn say(line: &str) {
    println!("{line}");
}

/// Lets this thread, and what it starts, run on one core only. Returns whether that worked.
fn pin(core: usize) -> bool {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).is_ok()
}
