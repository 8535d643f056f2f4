//! The encoder was away and viewers saw the slate: how soon they have its picture when it is back.

mod stage;

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use onionstream::media::{
    boxes::MAX_FRAGMENT_BYTES,
    fragment::Fragment,
    stream::{Item, StreamReader},
};
use stage::{
    Deadline,
    encoder::{Encoder, Kind, Options},
    process::{program, tell},
    server::Server,
    watch,
    watching::{Watching, encoders_of},
};

const SOON: Duration = Duration::from_secs(30);
/// What the log says when a slate can be shown.
const READY: &str = "a slate stands ready";
/// How long the encoder is away: the slate comes after 1.5 s.
const AWAY: Duration = Duration::from_secs(5);
/// What the program promises, from the encoder's first fragment to the viewer's.
const BACK: Duration = Duration::from_secs(1);
/// By how many of its last bytes a fragment is known: headers, decode times and the beginning of a
/// keyframe are ours to change.
const TAIL: usize = 64;

type Tail = Vec<u8>;

fn tail(fragment: &Fragment) -> Tail {
    let bytes = fragment.bytes();
    bytes
        .get(bytes.len().saturating_sub(TAIL)..)
        .unwrap_or_default()
        .to_vec()
}

/// A viewer on a thread of its own, who notes when each fragment came.
struct Viewer {
    is_over: Arc<AtomicBool>,
    thread: thread::JoinHandle<(Vec<(Duration, Tail)>, Watching)>,
}

impl Viewer {
    fn comes(server: &Server, clock: Deadline) -> Self {
        let mut watching = Watching::open(server);
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            let mut came = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let known = came.len();
                let goes_on = watching.until(SOON, |watching| watching.fragments.len() > known);
                assert!(goes_on, "the response ended");
                let now = clock.elapsed();
                let new = watching.fragments.iter().skip(known);
                came.extend(new.map(|fragment| (now, tail(fragment))));
            }
            (came, watching)
        });
        Self { is_over, thread }
    }

    fn leaves(self) -> (Vec<(Duration, Tail)>, Watching) {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().expect("it reads")
    }
}

/// The first whole fragment in what an encoder has written so far, after its init segment.
fn first_fragment(init: &[u8], media: &[u8]) -> Option<Fragment> {
    let mut reader = StreamReader::new(MAX_FRAGMENT_BYTES);
    reader.push(init);
    reader.push(media);
    loop {
        match reader.next_item() {
            Ok(Some(Item::Fragment(fragment))) => return Some(fragment),
            Ok(Some(Item::Init(_))) => {}
            Ok(None) | Err(_) => return None,
        }
    }
}

/// The segments of a stream directory, and how each is.
fn segments(directory: &Path) -> BTreeMap<PathBuf, (u64, std::time::SystemTime)> {
    let entries = fs::read_dir(directory).expect("a directory");
    entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let about = path.metadata().ok()?;
            let is_segment = path.extension().is_some_and(|ending| ending == "m4s");
            is_segment.then_some((path, (about.len(), about.modified().ok()?)))
        })
        .collect()
}

/// What was seen of a return.
struct Return {
    /// When the encoder was started or let go.
    started: Duration,
    /// When its first fragment was there.
    there: Duration,
    first: Tail,
    viewer: Viewer,
}

impl Return {
    /// Waits until the viewer has it, and says how long it took.
    fn reaches_the_viewer(self, what: &str) {
        // What has come by now and a moment more is all that counts.
        thread::sleep(BACK * 2);
        let (came, watching) = self.viewer.leaves();
        // Not before: the one that was killed may have written the same.
        let mut again = came.iter().filter(|(at, _)| *at >= self.started);
        let found = again.find(|(_, tail)| *tail == self.first);
        let (at, _) = found.unwrap_or_else(|| panic!("{what}: it never came"));
        let took = at.saturating_sub(self.there);
        tell(&format!(
            "{what}: {} ms from its first fragment to the viewer, {} ms from its start",
            took.as_millis(),
            at.saturating_sub(self.started).as_millis()
        ));
        assert!(took < BACK, "{what}: {took:?}");
        // The slate stood in between: nothing was missing, and it is one response.
        let longest = came
            .iter()
            .zip(came.iter().skip(1))
            .map(|((before, _), (after, _))| after.saturating_sub(*before))
            .max();
        assert!(longest < Some(AWAY), "{what}: {longest:?}");
        assert_eq!(watching.inits.len(), 1, "{what}");
        assert!(watching.seams().1.is_zero(), "{what}");
    }
}

#[test]
fn an_encoder_that_writes_files_is_seen_within_a_second_of_its_return() {
    for kind in [Kind::Growing, Kind::Whole] {
        let options = Options::new(kind);
        let server = Server::start(&["--no-tor", "--source", "watch"]);
        let stream = server.directory().join("stream");
        let encoder = Encoder::start_and_wait(&stream, options);
        server.wait_log(READY, SOON);
        let clock = Deadline::after(Duration::MAX);
        let viewer = Viewer::comes(&server, clock);
        thread::sleep(Duration::from_secs(3));
        encoder.kill();
        thread::sleep(AWAY);

        let before = segments(&stream);
        let started = clock.elapsed();
        let _again = Encoder::start(&stream, options);
        let first = watch(SOON, || {
            let now = segments(&stream);
            let new = now
                .iter()
                .find(|(path, how)| before.get(*path) != Some(how))?;
            let init = fs::read(stream.join("init.mp4")).ok()?;
            first_fragment(&init, &fs::read(new.0).ok()?)
        });
        let first = tail(&first.expect("it writes"));
        Return {
            started,
            there: clock.elapsed(),
            first,
            viewer,
        }
        .reaches_the_viewer(&format!("{kind:?}"));
    }
}

/// An encoder that pushes what it is told to.
struct Publisher {
    socket: TcpStream,
}

impl Publisher {
    fn comes(server: &Server) -> Self {
        let address = server.local_address();
        let mut socket = TcpStream::connect(address).expect("a connection");
        let head = format!(
            "PUT /ingest HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Transfer-Encoding: chunked\r\n\r\n",
            server.stream_key()
        );
        socket.write_all(head.as_bytes()).expect("sent");
        Self { socket }
    }

    fn sends(&mut self, bytes: &[u8]) {
        let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        self.socket.write_all(&chunk).expect("sent");
    }
}

/// A stream of ten seconds as an encoder sends it.
fn encoded(directory: &Path) -> (Vec<u8>, Vec<Fragment>) {
    let file = directory.join("encoded.mp4");
    let arguments = "-nostdin -v error -y -f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi -i sine \
                     -t 10 -c:v libx264 -preset veryfast -profile:v high -g 25 -b:v 500k -c:a aac -f mp4 \
                     -movflags +frag_keyframe+empty_moov+default_base_moof+skip_trailer \
                     -frag_duration 200000";
    let made = Command::new(program("ffmpeg", "FFMPEG"))
        .args(arguments.split_whitespace())
        .arg(&file)
        .status();
    assert!(made.expect("ffmpeg runs").success());
    let mut reader = StreamReader::new(MAX_FRAGMENT_BYTES);
    reader.push(&fs::read(file).expect("a file"));
    let (mut init, mut fragments) = (Vec::new(), Vec::new());
    while let Some(item) = reader.next_item().expect("a stream") {
        match item {
            Item::Init(its) => init = its.bytes().to_vec(),
            Item::Fragment(fragment) => fragments.push(fragment),
        }
    }
    (init, fragments)
}

#[test]
fn an_encoder_that_pushes_is_seen_within_a_second_of_its_return() {
    let directory = tempfile::tempdir().expect("a directory");
    let (init, fragments) = encoded(directory.path());
    let first = fragments.first().expect("media");
    let server = Server::start(&["--no-tor", "--source", "ingest"]);
    server.local_url();
    let mut publisher = Publisher::comes(&server);
    publisher.sends(&init);
    for fragment in &fragments {
        publisher.sends(fragment.bytes());
        thread::sleep(fragment.duration());
    }
    server.wait_log(READY, SOON);
    let clock = Deadline::after(Duration::MAX);
    let viewer = Viewer::comes(&server, clock);
    // Without a word of farewell, as when a computer crashes.
    drop(publisher);
    thread::sleep(AWAY);

    let started = clock.elapsed();
    let mut publisher = Publisher::comes(&server);
    publisher.sends(&init);
    let there = clock.elapsed();
    for fragment in fragments.iter().take(10) {
        publisher.sends(fragment.bytes());
        thread::sleep(fragment.duration());
    }
    Return {
        started,
        there,
        first: tail(first),
        viewer,
    }
    .reaches_the_viewer("Ingest");
}

#[test]
fn an_encoder_of_ours_that_hung_is_seen_within_a_second_of_its_return() {
    let server = Server::start(&["--no-tor", "--source", "test"]);
    let clock = Deadline::after(Duration::MAX);
    let viewer = Viewer::comes(&server, clock);
    thread::sleep(Duration::from_secs(3));
    let encoder = encoders_of(server.id()).first().copied();
    let encoder = encoder.expect("an encoder").to_string();
    let signal = |signal: &str| {
        let told = Command::new("kill").args([signal, &encoder]).status();
        assert!(told.expect("kill runs").success());
    };
    signal("-STOP");
    let hung = clock.elapsed();
    // Until each picture of the slate has been seen at least once: it is 4 s long.
    thread::sleep(AWAY * 2);
    let back = clock.elapsed();
    signal("-CONT");
    thread::sleep(BACK * 2);

    let (came, watching) = viewer.leaves();
    let late = |(at, _): &&(Duration, Tail)| *at > hung + Duration::from_secs(1);
    let slate: Vec<_> = came
        .iter()
        .filter(late)
        .filter(|(at, _)| *at < back)
        .collect();
    assert!(slate.len() > 20, "there was a slate: {}", slate.len());
    let is_slate = |tail: &Tail| slate.iter().any(|(_, known)| known == tail);
    let again = came
        .iter()
        .find(|(at, tail)| *at >= back && !is_slate(tail));
    let took = again.expect("it came back").0.saturating_sub(back);
    tell(&format!(
        "hung: {} ms until the viewer has it again",
        took.as_millis()
    ));
    assert!(took < BACK, "{took:?}");
    assert_eq!(watching.inits.len(), 1);
    assert!(watching.seams().1.is_zero(), "{:?}", watching.seams());
}
