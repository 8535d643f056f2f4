//! What many viewers notice when the encoder hangs and dies: the slate comes, the encoder comes back, and
//! nobody's response ends. `docs/benchmarks.md` says how to read the table.
//!
//! Run it with `cargo bench --bench dropout`; `-- N` takes another number of viewers. It needs ffmpeg.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark prints what it has measured"
)]

#[path = "viewers/cost.rs"]
#[expect(dead_code, reason = "the other benchmark measures memory, too")]
mod cost;
#[path = "viewers/open_files.rs"]
mod open_files;
#[path = "../tests/stage/mod.rs"]
mod stage;

use std::{
    array, env, fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use stage::{
    Deadline,
    process::program,
    server::Server,
    watch,
    watching::{Watching, encoders_of},
};

/// Viewers of the second case unless told otherwise; the first has one.
const VIEWERS: usize = 1000;
/// Viewers whose streams are taken apart, besides.
const SAMPLES: usize = 4;
/// What is measured, one after the other.
const PHASES: [&str; 3] = ["live", "encoder hangs", "encoder is back"];
const HANGING: usize = 1;
const BACK: usize = 2;
/// No phase: people come.
const BEFORE: usize = usize::MAX;
/// How long each is measured. A slate comes after 1.5 s of silence.
const EACH: Duration = Duration::from_secs(8);
/// Before the first one, after everybody has come.
const SETTLE: Duration = Duration::from_secs(3);
/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(40);
/// Threads that only read need little.
const STACK: usize = 64 * 1024;

fn main() {
    let wanted = env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    open_files::allow();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    println!(
        "`--source test --preset low-latency`, 500 kbit/s; each phase {} s; load before: {load}",
        EACH.as_secs()
    );
    println!(
        "{:>7}  {:16} {:>28} {:>14} {:>6} {:>18} {:>12}",
        "viewers",
        "phase",
        "longest silence ms",
        "cpu µs/viewer·s",
        "ended",
        "media pause ms",
        "overlap ms"
    );
    let alone = drop_out(1);
    alone.print();
    let crowd = drop_out(wanted.unwrap_or(VIEWERS));
    crowd.print();
    println!("ratio of the longest silences, 99th percentile against one viewer:");
    for (phase, name) in PHASES.iter().enumerate() {
        let of = |case: &Case| case.silence(phase).map(|[_, most, _]| most.as_secs_f64());
        if let (Some(one), Some(many)) = (of(&alone), of(&crowd)) {
            println!("{name:16} {:.2}", many / one.max(0.001));
        }
    }
}

/// What one number of viewers saw.
struct Case {
    viewers: usize,
    /// Of each viewer: the longest time without a byte, in each phase.
    silences: Vec<[Duration; PHASES.len()]>,
    ended: usize,
    /// Processor time of the server in each phase.
    processor: [Duration; PHASES.len()],
    /// The longest pause and the longest overlap of decode times, over all phases.
    seams: (Duration, Duration),
}

impl Case {
    /// Median, 99th percentile and most.
    fn silence(&self, phase: usize) -> Option<[Duration; 3]> {
        let mut all: Vec<_> = self
            .silences
            .iter()
            .filter_map(|viewer| viewer.get(phase).copied())
            .collect();
        all.sort_unstable();
        let last = all.len().checked_sub(1)?;
        let at = |index: usize| all.get(index).copied();
        Some([at(last / 2)?, at(last * 99 / 100)?, at(last)?])
    }

    fn print(&self) {
        for (phase, name) in PHASES.iter().enumerate() {
            let silence = self.silence(phase).unwrap_or_default();
            let [median, most, worst] = silence.map(|time| time.as_millis());
            let processor = self.processor.get(phase).copied().unwrap_or_default();
            let viewers = u32::try_from(self.viewers.max(1)).unwrap_or(u32::MAX);
            let each = processor.as_secs_f64() * 1e6 / EACH.as_secs_f64() / f64::from(viewers);
            let (pause, overlap) = self.seams;
            let silences = format!("{median} (p99 {most}, most {worst})");
            println!(
                "{:>7}  {name:16} {silences:>28} {each:>14.0} {:>6} {:>18} {:>12}",
                self.viewers,
                self.ended,
                pause.as_millis(),
                overlap.as_millis()
            );
        }
    }
}

fn drop_out(viewers: usize) -> Case {
    let ffmpeg = format!("encoder.ffmpeg={}", program("ffmpeg", "FFMPEG").display());
    let server = Server::start(&[
        "--no-tor",
        "--source",
        "test",
        "--preset",
        "low-latency",
        "--set",
        &ffmpeg,
    ]);
    let address = server.local_address();
    let mut first = Watching::open(&server);
    // Until the slate is encoded, which is another ffmpeg.
    let is_prepared = first.until(PATIENCE, |watching| {
        watching.seconds() > 6.0 && encoders_of(server.id()).len() == 1
    });
    assert!(is_prepared, "{}", server.log());
    drop(first);

    let show = Arc::new(Show {
        joined: AtomicUsize::new(0),
        phase: AtomicUsize::new(BEFORE),
        is_over: AtomicBool::new(false),
    });
    let samples: Vec<_> = (0..SAMPLES)
        .map(|_| {
            let (watching, show) = (Watching::open(&server), Arc::clone(&show));
            thread::spawn(move || take_apart(watching, &show))
        })
        .collect();
    let readers: Vec<_> = (0..viewers)
        .map(|_| read(address, Arc::clone(&show)))
        .collect();
    let all = || (show.joined.load(Ordering::Relaxed) == viewers).then_some(());
    watch(PATIENCE, all).expect("everybody gets in");
    thread::sleep(SETTLE);

    let mut processor = [Duration::ZERO; PHASES.len()];
    for (phase, used) in processor.iter_mut().enumerate() {
        let before = cost::processor_time(server.id());
        let clock = Deadline::after(EACH);
        show.phase.store(phase, Ordering::Relaxed);
        match phase {
            HANGING => signal_encoder(&server, Signal::STOP),
            // It hung all the while; now its end is noticed and it is started again.
            BACK => signal_encoder(&server, Signal::KILL),
            _ => {}
        }
        thread::sleep(clock.left());
        *used = cost::processor_time(server.id()).saturating_sub(before);
    }
    show.is_over.store(true, Ordering::Relaxed);
    let seen: Vec<_> = readers
        .into_iter()
        .map(|reader| reader.join().expect("a reader"))
        .collect();
    let mut seams = (Duration::ZERO, Duration::ZERO);
    for sample in samples {
        let (pause, overlap) = sample.join().expect("a sample");
        seams = (seams.0.max(pause), seams.1.max(overlap));
    }
    Case {
        viewers,
        ended: seen.iter().filter(|viewer| viewer.has_ended).count(),
        silences: seen.into_iter().map(|viewer| viewer.silences).collect(),
        processor,
        seams,
    }
}

/// What the viewers are told.
#[derive(Debug)]
struct Show {
    joined: AtomicUsize,
    phase: AtomicUsize,
    is_over: AtomicBool,
}

/// What a viewer noticed.
struct Seen {
    silences: [Duration; PHASES.len()],
    has_ended: bool,
}

/// Takes everything that comes, as a viewer does. A silence counts for the phase in which it ends.
fn read(address: SocketAddr, show: Arc<Show>) -> JoinHandle<Seen> {
    let read = move || {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let request = format!("GET /stream.mp4?delay=low HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut buffer = vec![0; 16 * 1024];
        let first = stream.read(&mut buffer).expect("an answer");
        let head = buffer.get(..first).unwrap_or_default();
        assert!(head.starts_with(b"HTTP/1.1 200 "), "the show is on the air");
        show.joined.fetch_add(1, Ordering::Relaxed);
        let mut seen = Seen {
            silences: array::from_fn(|_| Duration::ZERO),
            has_ended: false,
        };
        let mut last = Deadline::after(PATIENCE);
        let mut before = BEFORE;
        while !show.is_over.load(Ordering::Relaxed) {
            if !stream.read(&mut buffer).is_ok_and(|read| read > 0) {
                seen.has_ended = true;
                break;
            }
            let phase = show.phase.load(Ordering::Relaxed);
            if let Some(longest) = seen.silences.get_mut(phase) {
                *longest = if phase == before {
                    last.elapsed().max(*longest)
                } else {
                    last.elapsed()
                };
            }
            (last, before) = (Deadline::after(PATIENCE), phase);
        }
        seen
    };
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(read)
        .expect("a thread")
}

/// Reads to the end of the measurement; the longest pause and overlap of decode times.
fn take_apart(mut watching: Watching, show: &Show) -> (Duration, Duration) {
    let goes_on = watching.until(PATIENCE.saturating_mul(3), |_| {
        show.is_over.load(Ordering::Relaxed)
    });
    assert!(goes_on, "a sample's response has ended");
    watching.seams()
}

fn signal_encoder(server: &Server, signal: Signal) {
    let encoder = watch(PATIENCE, || encoders_of(server.id()).first().copied());
    let encoder = encoder.expect("an encoder");
    let encoder = Pid::from_raw(encoder.cast_signed()).expect("a process");
    // One that hung too long has been killed by the program itself.
    let _ended = kill_process(encoder, signal);
}
