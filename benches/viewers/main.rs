//! What many viewers cost: the real server, and in the same run a minimal one that pushes the
//! same bytes. `docs/benchmarks.md` says how to read the tables.
//!
//! Run it with `cargo bench --bench viewers`; `-- N…` takes other numbers of viewers. The same
//! program is also the viewers and the minimal server, in processes of their own.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark prints what it has measured"
)]

mod clock;
mod cost;
mod crowd;
mod feeder;
mod media;
mod minimal;
mod report;
#[path = "../../tests/stage/mod.rs"]
mod stage;
mod talk;

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
    time::Duration,
};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::{CpuSet, sched_setaffinity},
};
use stage::{process::Process, server::Server};

use self::{
    crowd::{Plan, TITLE_MARK},
    feeder::Feeder,
    report::{Case, Micros},
};

/// Chooses what this process is; without it, the benchmark itself.
const ROLE: &str = "STREAM_BENCH_ROLE";
/// How long each case is measured.
const SECONDS: u64 = 10;
/// Before the first case: the server's memory of the stream must be full, or it grows meanwhile.
const FILLS_IN: Duration = Duration::from_secs(15);
/// What the real server is told to keep, and what makes it accept so little.
const KEEP: [&str; 2] = ["playback.keep=14s", "playback.delay_safe=4s"];
/// Title changes that are measured.
const TITLES: u32 = 16;
/// Messages that are measured.
const MESSAGES: u32 = 16;
/// Starts that are measured.
const STARTS: u32 = 10;
/// First bytes that are measured.
const FIRST_BYTES: u32 = 20;
/// Between two of them, so that the server has gone back to sleep.
const ONE_BY_ONE: Duration = Duration::from_millis(50);
/// Everything a helper process does takes less.
const PATIENCE: Duration = Duration::from_mins(1);
/// Open files that 1,000 viewers need, and some.
const OPEN_FILES: u64 = 8192;

/// Where the servers run.
const SERVER_CORE: usize = 0;
/// Where the viewers and the feeder run.
const CROWD_CORE: usize = 1;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match env::var(ROLE).as_deref() {
        Ok("minimal") => minimal::run(argument(&arguments, 0)),
        Ok("crowd") => {
            let target: String = argument(&arguments, 1);
            crowd::run(Plan {
                address: argument(&arguments, 0),
                target: &target,
                viewers: argument(&arguments, 2),
                seconds: argument(&arguments, 3),
            });
        }
        _ => {
            let chosen: Vec<usize> = arguments
                .iter()
                .filter_map(|argument| argument.parse().ok())
                .collect();
            let viewers = if chosen.is_empty() {
                &[1, 100, 1000][..]
            } else {
                &chosen
            };
            measure(viewers);
        }
    }
}

fn argument<T: std::str::FromStr>(arguments: &[String], index: usize) -> T {
    arguments
        .get(index)
        .and_then(|argument| argument.parse().ok())
        .expect("the benchmark starts its helpers with arguments")
}

/// For the feeder and others that have no result.
fn say(line: &str) {
    println!("{line}");
}

fn measure(viewers: &[usize]) {
    allow_open_files();
    let pinned = pin(CROWD_CORE);
    report::conditions(pinned);

    let directory = tempfile::tempdir().expect("a directory");
    report::alone(&start_ups(), idle_memory());

    let stream = directory.path().join("stream");
    fs::create_dir(&stream).expect("a stream directory");
    let server = on_core(SERVER_CORE, || {
        let [keep, delay] = KEEP;
        Server::start_in(
            directory.path(),
            &[
                &["--no-tor", "--set", keep, "--set", delay][..],
                // What is too much for the processor is to be seen, not turned away.
                &["--set", "playback.admission=false"],
                &talk::UNLIMITED,
            ]
            .concat(),
        )
    });
    let address = server.local_address();
    let feeder = Feeder::into_directory(&stream);
    thread::sleep(FILLS_IN);
    report::first_bytes(&first_bytes(address));
    let real = cases(viewers, server.id(), address, "/stream.mp4?delay=low");
    report::titles(&titles(address, directory.path(), server.id()));
    for panels in [10, 100, 1000] {
        report::messages(&messages(panels, address, server.id()));
    }
    drop(feeder);
    drop(server);

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let fed_at = listener.local_addr().expect("an address");
    let minimal = on_core(SERVER_CORE, || helper("minimal", &[&fed_at.to_string()]));
    let (socket, _) = listener.accept().expect("the minimal server connects");
    let address = minimal
        .out()
        .find(PATIENCE, |line| {
            line.strip_prefix("local http://")?
                .trim_end_matches('/')
                .parse()
                .ok()
        })
        .expect("the minimal server says where it listens");
    let feeder = Feeder::into_socket(socket);
    thread::sleep(Duration::from_secs(1));
    let bare = cases(viewers, minimal.id(), address, "/stream.mp4");
    drop(feeder);
    drop(minimal);

    report::table(&real, &bare);
}

/// One case for each number of viewers, smallest first.
fn cases(viewers: &[usize], server: u32, address: SocketAddr, target: &str) -> Vec<Case> {
    let empty = cost::memory(server);
    viewers
        .iter()
        .map(|&viewers| case(viewers, server, empty, address, target))
        .collect()
}

fn case(viewers: usize, server: u32, empty: u64, address: SocketAddr, target: &str) -> Case {
    let crowd = crowd_of(viewers, address, target, SECONDS);
    wait_for(&crowd, "measuring");
    let (started, before) = (clock::now(), cost::processor_time(server));
    wait_for(&crowd, "measured");
    let (took, after) = (started.elapsed(), cost::processor_time(server));
    let full = cost::memory(server);
    let (delays, counts) = result(&crowd);
    Case {
        viewers,
        delays,
        counts,
        processor: after.saturating_sub(before).as_secs_f64() / took.as_secs_f64(),
        memory: full.saturating_sub(empty),
    }
}

/// From the change of the title until every one of 1,000 panels has it.
fn titles(address: SocketAddr, directory: &Path, server: u32) -> Case {
    let viewers = 1000;
    let empty = cost::memory(server);
    let pause = Duration::from_millis(SECONDS * 1000) / (TITLES + 4);
    let crowd = crowd_of(viewers, address, "/live?follow=1", SECONDS);
    wait_for(&crowd, "measuring");
    let (started, before) = (clock::now(), cost::processor_time(server));
    thread::sleep(pause);
    for _ in 0..TITLES {
        let next = directory.join("title.new");
        fs::write(&next, format!("{TITLE_MARK} {}", clock::nanos())).expect("a title");
        fs::rename(&next, directory.join("title.txt")).expect("a title");
        thread::sleep(pause);
    }
    wait_for(&crowd, "measured");
    let (took, after) = (started.elapsed(), cost::processor_time(server));
    let full = cost::memory(server);
    let (delays, counts) = result(&crowd);
    Case {
        viewers,
        delays,
        counts,
        processor: after.saturating_sub(before).as_secs_f64() / took.as_secs_f64(),
        memory: full.saturating_sub(empty),
    }
}

/// From the sending of a message until every one of the panels has it; with 1,000 panels open, also
/// how many can be sent in a second.
fn messages(panels: usize, address: SocketAddr, server: u32) -> (Case, Option<f64>) {
    let empty = cost::memory(server);
    let person = talk::Person::comes(address);
    let pause = Duration::from_millis(SECONDS * 1000) / (MESSAGES + 4);
    let crowd = crowd_of(panels, address, "/live?follow=1", SECONDS);
    wait_for(&crowd, "measuring");
    let (started, before) = (clock::now(), cost::processor_time(server));
    thread::sleep(pause);
    for _ in 0..MESSAGES {
        let form = person.form();
        person.say(&form, &format!("{TITLE_MARK} {}", clock::nanos()));
        thread::sleep(pause);
    }
    wait_for(&crowd, "measured");
    let (took, after) = (started.elapsed(), cost::processor_time(server));
    let full = cost::memory(server);
    let (delays, counts) = result(&crowd);
    let case = Case {
        viewers: panels,
        delays,
        counts,
        processor: after.saturating_sub(before).as_secs_f64() / took.as_secs_f64(),
        memory: full.saturating_sub(empty),
    };
    let rate = (panels == 1000).then(|| {
        let crowd = crowd_of(panels, address, "/live?follow=1", SECONDS);
        wait_for(&crowd, "measuring");
        let (started, mut sent) = (clock::now(), 0_u32);
        while started.elapsed() < Duration::from_secs(SECONDS) {
            person.say(&person.form(), "one of many");
            sent += 1;
        }
        f64::from(sent) / started.elapsed().as_secs_f64()
    });
    (case, rate)
}

fn crowd_of(viewers: usize, address: SocketAddr, target: &str, seconds: u64) -> Process {
    helper(
        "crowd",
        &[
            &address.to_string(),
            target,
            &viewers.to_string(),
            &seconds.to_string(),
        ],
    )
}

/// This program in another role.
fn helper(role: &str, arguments: &[&str]) -> Process {
    let program = env::current_exe().expect("the path of this program");
    Process::start(role, Command::new(program).env(ROLE, role).args(arguments))
}

fn wait_for(crowd: &Process, line: &str) {
    let seen = crowd
        .out()
        .find(PATIENCE, |said| (said == line).then_some(()));
    assert!(seen.is_some(), "the viewers did not come to `{line}`");
}

/// Median, 99th percentile and maximum; samples, responses that ended, and whether not all joined.
fn result(crowd: &Process) -> ([Micros; 3], [u64; 3]) {
    let numbers: Vec<u64> = crowd
        .out()
        .find(PATIENCE, |said| {
            let numbers = said.strip_prefix("result ")?.split(' ');
            numbers.map(|number| number.parse().ok()).collect()
        })
        .expect("the viewers say what they saw");
    let Ok([median, most, worst, samples, ended, incomplete]) = <[u64; 6]>::try_from(numbers)
    else {
        panic!("the viewers said something else")
    };
    (
        [median, most, worst].map(|nanos| Micros(nanos / 1000)),
        [samples, ended, incomplete],
    )
}

/// From the start of the process until it has said where it listens.
fn start_ups() -> Vec<Micros> {
    let measure = |_| {
        let started = clock::now();
        let server = Server::start(&["--no-tor"]);
        let _address = server.local_url();
        Micros::since(started)
    };
    (0..STARTS).map(measure).collect()
}

/// Of the server without a stream and without viewers, some seconds after its start.
fn idle_memory() -> [u64; 2] {
    let server = Server::start(&["--no-tor"]);
    let _address = server.local_url();
    thread::sleep(Duration::from_secs(3));
    [cost::resident(server.id()), cost::memory(server.id())]
}

/// From the connection to the first byte of the answer, for viewers who come one by one.
fn first_bytes(address: SocketAddr) -> Vec<Micros> {
    let request = format!("GET /stream.mp4 HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let measure = |_| {
        thread::sleep(ONE_BY_ONE);
        let mut status = *b"HTTP/1.1 ...";
        let started = clock::now();
        let mut stream = TcpStream::connect(address).expect("the server listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        stream.read_exact(&mut status).expect("it answers");
        let took = Micros::since(started);
        assert_eq!(&status, b"HTTP/1.1 200", "the stream is on the air");
        took
    };
    (0..FIRST_BYTES).map(measure).collect()
}

fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit
        .maximum
        .map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        say(&format!("cannot open {wanted} files: {error}"));
    }
}

/// Lets this thread, and what it starts, run on one core only. Returns whether that worked.
fn pin(core: usize) -> bool {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).is_ok()
}

/// Starts something on another core than the rest.
fn on_core<T>(core: usize, start: impl FnOnce() -> T) -> T {
    let _pinned = pin(core);
    let started = start();
    let _pinned = pin(CROWD_CORE);
    started
}
