//! How long a show takes to end with many responses open: `stop`, `panic`, and `panic` that deletes.
//! `docs/benchmarks.md` says how to read the table.
//!
//! Run it with `cargo bench --bench ending`; `-- N` takes another number of responses.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark prints what it has measured"
)]

#[path = "viewers/open_files.rs"]
mod open_files;
#[path = "../tests/stage/mod.rs"]
mod stage;

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use stage::{Deadline, server::Server, watch};

/// The ways to end, each some times.
const CASES: [&[&str]; 3] = [
    &["stop"],
    &["panic", "--yes"],
    &["panic", "--yes", "--delete-stream", "--delete-keys"],
];
const RUNS: usize = 5;
/// Open responses unless told otherwise: half of them video, half panels.
const RESPONSES: usize = 1000;
/// Files in the stream directory that a panic deletes: ten minutes of segments of 1 s.
const SEGMENTS: usize = 600;
/// Bytes of each.
const SEGMENT: usize = 125_000;
/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Threads that only read need little.
const STACK: usize = 64 * 1024;

fn main() {
    let wanted = env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let responses = wanted.unwrap_or(RESPONSES);
    open_files::allow();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    println!(
        "{responses} open responses; {RUNS} runs each, ms: median (least-most); load before: {load}"
    );
    println!(
        "{:52} {:>18} {:>18} {:>18}",
        "command", "last response", "process gone", "command returns"
    );
    for arguments in CASES {
        let runs: Vec<_> = (0..RUNS).map(|_| end(arguments, responses)).collect();
        let column = |value: fn(&Ending) -> Duration| {
            let mut millis: Vec<_> = runs.iter().map(|run| value(run).as_millis()).collect();
            millis.sort_unstable();
            let at = |index| millis.get(index).copied().unwrap_or_default();
            format!("{} ({}-{})", at(RUNS / 2), at(0), at(RUNS - 1))
        };
        println!(
            "{:52} {:>18} {:>18} {:>18}",
            arguments.join(" "),
            column(|run| run.last_response),
            column(|run| run.process),
            column(|run| run.command),
        );
    }
}

/// When things were over, from the start of the command on.
struct Ending {
    last_response: Duration,
    process: Duration,
    command: Duration,
}

fn end(arguments: &[&str], responses: usize) -> Ending {
    let mut server = Server::start(&["--no-tor", "--source", "demo"]);
    let address = server.local_address();
    let directory = server.directory().to_owned();
    fill(&directory.join("stream"));
    let joined = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> = (0..responses)
        .map(|number| {
            let target = if number % 2 == 0 {
                "/stream.mp4?delay=low"
            } else {
                "/live?follow=1"
            };
            read_to_the_end(address, target, Arc::clone(&joined))
        })
        .collect();
    let all = || (joined.load(Ordering::Relaxed) == responses).then_some(());
    watch(PATIENCE, all).expect("every response is open");

    let clock = Deadline::after(PATIENCE);
    let mut command = Command::new(env!("CARGO_BIN_EXE_onionstream"))
        .arg("--dir")
        .arg(&directory)
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program runs");
    let command = thread::spawn(move || {
        let status = command.wait().expect("it ends");
        assert!(status.success(), "{status}");
        clock.elapsed()
    });
    let ended = server.wait(PATIENCE);
    let process = clock.elapsed();
    assert!(ended.success(), "{ended}");
    // All clocks are copies of one: a thread says how long ago its response had ended.
    let last_response = readers
        .into_iter()
        .map(|reader| reader.join().expect("a reader"))
        .map(|ended| clock.elapsed().saturating_sub(ended.elapsed()))
        .max()
        .unwrap_or_default();
    let command = command.join().expect("the command");
    Ending {
        last_response,
        process,
        command,
    }
}

/// Takes everything that comes, as a viewer does; gives a clock that began when nothing came any
/// more.
fn read_to_the_end(
    address: SocketAddr,
    target: &'static str,
    joined: Arc<AtomicUsize>,
) -> JoinHandle<Deadline> {
    let read = move || {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut buffer = vec![0; 16 * 1024];
        let first = stream.read(&mut buffer).expect("an answer");
        let head = buffer.get(..first).unwrap_or_default();
        assert!(head.starts_with(b"HTTP/1.1 200 "), "{target}");
        joined.fetch_add(1, Ordering::Relaxed);
        while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
        Deadline::after(Duration::ZERO)
    };
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(read)
        .expect("a thread")
}

fn fill(stream: &Path) {
    fs::create_dir_all(stream).expect("a directory");
    for number in 0..SEGMENTS {
        // Not the names of an encoder: nobody is to play them.
        let file = stream.join(format!("old{number}.bin"));
        fs::write(file, vec![0; SEGMENT]).expect("a file");
    }
}
