//! What each way in adds: the delay from the camera to a viewer, and processor time of the server. In the
//! same run the floor: the same encoder and the same decoder with nothing but a pipe between them.
//! `docs/benchmarks.md` says how to read the table.
//!
//! Run it with `cargo bench --bench sources`. It needs ffmpeg, and Xvfb for the screen.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark prints what it has measured"
)]

#[path = "delay/barcode.rs"]
#[expect(dead_code, reason = "the other benchmark reads pictures in a browser")]
mod barcode;
#[path = "delay/clock.rs"]
mod clock;
#[path = "viewers/cost.rs"]
#[expect(dead_code, reason = "the other benchmark measures memory, too")]
mod cost;
#[path = "../tests/stage/mod.rs"]
mod stage;

use std::{
    fs,
    io::{Read, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use barcode::{HEIGHT, Scene, WIDTH};
use stage::{
    Deadline,
    http::Request,
    process::{Process, program, write_script},
    server::Server,
    watch,
    watching::encoders_of,
};
use tempfile::TempDir;

/// Pictures a second.
const RATE: u32 = 25;
/// After the first picture: a viewer gets some seconds at once, which are old.
const SETTLE: Duration = Duration::from_secs(5);
/// How long each way is measured.
const MEASURED: Duration = Duration::from_secs(10);
/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(40);

/// As the preset `low-latency`.
const ENCODING: &str = "-c:v libx264 -preset:v veryfast -tune:v zerolatency -bf 0 -x264-params \
     repeat-headers=1 -profile:v main -sc_threshold 0 -g 25 -keyint_min 25 -threads:v 2 -b:v 500k \
     -maxrate 500k -bufsize 500k -pix_fmt yuv420p -c:a aac -b:a 64k -ac 2 -ar 48000";
/// As every source of ours writes fragments.
const FRAGMENTS: &str = "-f mp4 -movflags +frag_keyframe+empty_moov+default_base_moof+skip_trailer \
     -frag_duration 200000 -flush_packets 1 -fflags +bitexact";

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// No server at all.
    Floor,
    /// An ffmpeg that the program runs.
    Own,
    /// Growing segments in `stream/`.
    Watch,
    /// Fragments over HTTP.
    Ingest,
    /// FLV over RTMP, which another ffmpeg repacks.
    Rtmp,
    /// A screen that shows the film.
    Screen,
    /// The playlist of another program like this one, which follows growing segments.
    Url,
}

impl Way {
    const ALL: [Self; 7] = [
        Self::Floor,
        Self::Own,
        Self::Watch,
        Self::Ingest,
        Self::Rtmp,
        Self::Screen,
        Self::Url,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Floor => "a pipe (floor)",
            Self::Own => "own encoder",
            Self::Watch => "watch",
            Self::Ingest => "ingest",
            Self::Rtmp => "rtmp",
            Self::Screen => "screen",
            Self::Url => "url",
        }
    }
}

fn main() {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    println!(
        "{WIDTH}x{HEIGHT}, {RATE} pictures/s, 500 kbit/s, fragment each 200 ms; load before: {load}"
    );
    println!(
        "{:16} {:>10} {:>8} {:>10} {:>18} {:>22} {:>9}",
        "way in",
        "median ms",
        "p95 ms",
        "added ms",
        "server cpu µs/s",
        "its ffmpeg's cpu µs/s",
        "pictures"
    );
    let mut floor = None;
    for way in Way::ALL {
        let mut seen = measure(way);
        seen.ages.sort_unstable();
        let at = |percent: usize| {
            let index = seen.ages.len().saturating_sub(1) * percent / 100;
            seen.ages.get(index).copied().unwrap_or_default()
        };
        let least = *floor.get_or_insert(at(50));
        println!(
            "{:16} {:>10} {:>8} {:>10} {:>18} {:>22} {:>9}",
            way.name(),
            at(50),
            at(95),
            i128::from(at(50)) - i128::from(least),
            seen.server,
            seen.children,
            seen.ages.len()
        );
    }
}

/// What came out at the end.
struct Seen {
    /// Of each picture, in milliseconds, when it was decoded.
    ages: Vec<u64>,
    /// Microseconds of processor time a second: of the server, and of what it has started.
    server: u128,
    children: u128,
}

fn measure(way: Way) -> Seen {
    let film = Film::start();
    let directory = tempfile::tempdir().expect("a directory");
    if way == Way::Floor {
        let mut encoder = encoder(film.address, FRAGMENTS)
            .arg("pipe:1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ffmpeg");
        let output = encoder.stdout.take().expect("its output");
        let viewer = Viewer::start("pipe:0", Stdio::from(output));
        let seen = viewer.watch(None);
        end(&mut encoder);
        return seen;
    }
    let origin = (way == Way::Url).then(|| Origin::start(film.address));
    let screen = (way == Way::Screen).then(|| Screen::start(film.address));
    let arguments = match (&origin, &screen) {
        (Some(origin), _) => vec![
            origin.playlist(),
            "--direct".to_owned(),
            "no-tor".to_owned(),
            "--direct".to_owned(),
            "shows-my-address".to_owned(),
        ],
        (_, Some(screen)) => vec![
            "--set".to_owned(),
            format!("encoder.screen={}", screen.display),
            "--set".to_owned(),
            "encoder.microphone=none".to_owned(),
        ],
        _ => Vec::new(),
    };
    let server = start(way, directory.path(), film.address, &arguments);
    let _encoder = match way {
        Way::Own | Way::Floor | Way::Screen | Way::Url => None,
        Way::Watch => Some(growing_segments(
            film.address,
            &directory.path().join("stream"),
        )),
        Way::Ingest => {
            let login = format!("http://obs:{}@", server.stream_key());
            let place = server.place("ingest").replace("http://", &login);
            let mut command = encoder(film.address, FRAGMENTS);
            Some(Process::start("ffmpeg", command.arg(place)))
        }
        Way::Rtmp => {
            let place = format!("{}/{}", server.place("rtmp"), server.stream_key());
            let mut command = encoder(film.address, "-f flv");
            Some(Process::start("ffmpeg", command.arg(place)))
        }
    };
    let address = server.local_address();
    let is_on_air = || (Request::get("/stream.mp4").open(address).status == 200).then_some(());
    watch(PATIENCE, is_on_air).unwrap_or_else(|| panic!("{way:?}: {}", server.log()));
    // Once more, when there is enough for everybody to start from.
    thread::sleep(SETTLE);
    let viewer = Viewer::start(
        &format!("http://{address}/stream.mp4?delay=low"),
        Stdio::null(),
    );
    viewer.watch(Some(server.id()))
}

/// Somebody else's broadcast.
struct Origin {
    server: Server,
    _encoder: Process,
    // Deleted when nobody writes there any more.
    _directory: TempDir,
}

impl Origin {
    fn start(film: SocketAddr) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = start(Way::Watch, directory.path(), film, &[]);
        let encoder = growing_segments(film, &directory.path().join("stream"));
        let address = server.local_address();
        let is_there = || {
            let playlist = Request::get("/stream.m3u8").send(address);
            (playlist.status == 200).then_some(())
        };
        watch(PATIENCE, is_there).unwrap_or_else(|| panic!("{}", server.log()));
        Self {
            server,
            _encoder: encoder,
            _directory: directory,
        }
    }

    fn playlist(&self) -> String {
        format!("{}stream.m3u8", self.server.local_url())
    }
}

/// An X11 screen that is filled by the film.
struct Screen {
    display: String,
    _film: Process,
    _server: Process,
}

impl Screen {
    fn start(film: SocketAddr) -> Self {
        let mut command = Command::new(program("Xvfb", "XVFB"));
        command
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"])
            .arg(format!("{WIDTH}x{HEIGHT}x24"));
        let server = Process::start("Xvfb", &mut command);
        let number = server.out().find(PATIENCE, |line| line.parse::<u32>().ok());
        let display = format!(":{}", number.expect("a screen"));
        let mut command = Command::new(program("ffmpeg", "FFMPEG"));
        command
            .args("-nostdin -hide_banner -nostats -loglevel error -fflags nobuffer".split(' '))
            .args("-f rawvideo -pixel_format gray".split(' '))
            .args(["-video_size", &format!("{WIDTH}x{HEIGHT}")])
            .args(["-framerate", &RATE.to_string()])
            .args(["-i", &format!("tcp://{film}")])
            .args("-pix_fmt yuv420p -f sdl2 film".split(' '))
            .env("DISPLAY", &display)
            .env("SDL_VIDEODRIVER", "x11")
            .env("SDL_RENDER_DRIVER", "software");
        Self {
            display,
            _film: Process::start("ffmpeg that paints", &mut command),
            _server: server,
        }
    }
}

fn start(way: Way, directory: &Path, film: SocketAddr, arguments: &[String]) -> Server {
    let real = program("ffmpeg", "FFMPEG");
    // The test picture of `--source test` becomes the film.
    let script = format!(
        r#"#!/bin/sh
left=$#
while [ "$left" -gt 0 ]; do
  case "$1 $5" in
    "-re testsrc2="*)
      shift 5; left=$((left - 5))
      set -- "$@" -f rawvideo -pixel_format gray -video_size {WIDTH}x{HEIGHT} -framerate {RATE} -i tcp://{film} ;;
    *) one=$1; shift; left=$((left - 1)); set -- "$@" "$one" ;;
  esac
done
exec "{}" "$@"
"#,
        real.display()
    );
    let ffmpeg = write_script(directory, "ffmpeg", &script);
    let ffmpeg = if way == Way::Own { &ffmpeg } else { &real };
    let setting = format!("encoder.ffmpeg={}", ffmpeg.display());
    let source = match way {
        Way::Own | Way::Floor => "test",
        Way::Watch => "watch",
        Way::Ingest => "ingest",
        Way::Rtmp => "rtmp",
        Way::Screen => "screen",
        Way::Url => "url",
    };
    // What belongs to a source stands right behind it.
    let mut all = vec!["--source", source];
    all.extend(arguments.iter().map(String::as_str));
    all.extend(["--no-tor", "--set", "encoder.preset=low-latency"]);
    all.extend(["--rtmp", "127.0.0.1:0", "--set", &setting]);
    Server::start_in(directory, &all)
}

/// An encoder of the film, but for where it writes.
fn encoder(film: SocketAddr, format: &str) -> Command {
    let mut command = Command::new(program("ffmpeg", "FFMPEG"));
    command
        .args(
            "-nostdin -hide_banner -nostats -loglevel error -f rawvideo -pixel_format gray"
                .split(' '),
        )
        .args(["-video_size", &format!("{WIDTH}x{HEIGHT}")])
        .args(["-framerate", &RATE.to_string()])
        .args(["-i", &format!("tcp://{film}")])
        .args("-re -f lavfi -i sine=sample_rate=48000 -map 0:v -map 1:a".split(' '))
        .args(ENCODING.split_whitespace())
        .args(format.split_whitespace());
    command
}

fn growing_segments(film: SocketAddr, stream: &Path) -> Process {
    fs::create_dir_all(stream).expect("a stream directory");
    let format = "-f segment -segment_time 2 -segment_format mp4 -segment_list stream.m3u8 \
         -segment_list_type m3u8 -segment_list_flags +live -segment_list_size 10 \
         -individual_header_trailer 0 -segment_header_filename init.mp4 -segment_format_options \
         movflags=+frag_keyframe+empty_moov+default_base_moof+skip_trailer:frag_duration=200000:flush_packets=1";
    let mut command = encoder(film, format);
    Process::start("ffmpeg", command.arg("stream%d.m4s").current_dir(stream))
}

fn end(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}

/// Pictures in real time, for whoever connects; they say when they were made.
struct Film {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Film {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the pictures");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("the port of a listener");
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((pictures, _)) => show(pictures, &over),
                    Err(_none_yet) => thread::sleep(Duration::from_millis(20)),
                }
            }
        });
        Self {
            address,
            is_over,
            thread: Some(thread),
        }
    }
}

/// Until nobody takes them.
fn show(mut pictures: TcpStream, is_over: &AtomicBool) {
    pictures.set_nonblocking(false).expect("a socket");
    let started = clock::now();
    for number in 0_u32.. {
        let due = Duration::from_secs(1) / RATE * number;
        thread::sleep(due.saturating_sub(started.elapsed()));
        let picture = barcode::paint(clock::millis(), Scene::Busy);
        if is_over.load(Ordering::Relaxed) || pictures.write_all(&picture).is_err() {
            return;
        }
    }
}

impl Drop for Film {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// An ffmpeg that decodes what it gets as soon as it gets it.
struct Viewer {
    decoder: Child,
}

impl Viewer {
    fn start(input: &str, stdin: Stdio) -> Self {
        let decoder = Command::new(program("ffmpeg", "FFMPEG"))
            .args(
                "-hide_banner -nostats -loglevel error -fflags nobuffer -flags low_delay"
                    .split(' '),
            )
            .args("-probesize 32 -analyzeduration 0 -threads 1 -i".split(' '))
            .arg(input)
            .args("-map 0:v -fps_mode passthrough -f rawvideo -pix_fmt gray pipe:1".split(' '))
            .stdin(stdin)
            .stdout(Stdio::piped())
            .spawn()
            .expect("ffmpeg");
        Self { decoder }
    }

    fn watch(mut self, server: Option<u32>) -> Seen {
        let mut output = self.decoder.stdout.take().expect("its output");
        let mut picture = vec![0; WIDTH * HEIGHT];
        output.read_exact(&mut picture).expect("a first picture");
        let settling = Deadline::after(SETTLE);
        while !settling.has_passed() {
            output.read_exact(&mut picture).expect("a picture");
        }
        let used = || {
            let children = server.map(encoders_of).unwrap_or_default();
            let children = children.into_iter().map(cost::processor_time).sum();
            (
                server.map(cost::processor_time).unwrap_or_default(),
                children,
            )
        };
        let (before, clock): ((Duration, Duration), _) = (used(), Deadline::after(MEASURED));
        let mut ages = Vec::new();
        while !clock.has_passed() {
            output.read_exact(&mut picture).expect("a picture");
            // One that was torn says nothing.
            if let Some(made) = barcode::read(cells(&picture)) {
                ages.push(barcode::age(made, clock::millis()));
            }
        }
        let (took, after) = (clock.elapsed(), used());
        let each = |before: Duration, after: Duration| {
            after.saturating_sub(before).as_micros() * 1000 / took.as_millis().max(1)
        };
        Seen {
            ages,
            server: each(before.0, after.0),
            children: each(before.1, after.1),
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        end(&mut self.decoder);
    }
}

/// What is in the middle of each cell.
fn cells(picture: &[u8]) -> u64 {
    let (columns, rows) = (barcode::COLUMNS, barcode::ROWS);
    let bits = (0..columns * rows).map(|cell| {
        let x = (2 * (cell % columns) + 1) * WIDTH / columns / 2;
        let y = (2 * (cell / columns) + 1) * HEIGHT / rows / 2;
        let is_white = picture.get(y * WIDTH + x).is_some_and(|&level| level > 127);
        u64::from(is_white) << cell
    });
    bits.sum()
}
