//! What goes wrong around a stream directory while people watch: for each fault what a viewer
//! gets, which sentence the broadcaster reads, and that the show goes on when it is over.

mod stage;

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use stage::{
    Deadline,
    encoder::{Encoder, Kind, Options},
    http::Request,
    process::{resident, tell},
    server::Server,
    watch,
    watching::Watching,
};

const SOON: Duration = Duration::from_secs(20);
/// How much more memory than before a fault may cost, in KiB.
const GROWS_BY: u64 = 24 * 1024;

/// A program that follows its stream directory, and what it was like before the fault.
struct Show {
    server: Server,
    stream: PathBuf,
    resident: u64,
}

/// Without a slate, which would cover for the encoder: what is looked at is what comes of the files.
const WATCH: [&str; 5] = [
    "--no-tor",
    "--source",
    "watch",
    "--set",
    "encoder.slate_for=0s",
];

impl Show {
    fn start() -> Self {
        Self::of(Server::start(&WATCH))
    }

    fn of(server: Server) -> Self {
        server.local_url();
        Self {
            stream: server.directory().join("stream"),
            resident: resident(server.id()),
            server,
        }
    }

    fn panel(&self) -> String {
        let request = Request::get("/live?static=1");
        request.send(self.server.local_address()).text()
    }

    fn is_on_air(&self) -> bool {
        self.panel().contains("On air")
    }

    /// Waits until the panel says so, and gives how long it took.
    fn wait_air(&self, on: bool) -> Duration {
        let clock = Deadline::after(SOON);
        let there = watch(SOON, || (self.is_on_air() == on).then_some(()));
        assert!(there.is_some(), "on air is not {on}: {}", self.server.log());
        clock.elapsed()
    }

    /// How often the log has this sentence.
    fn said(&self, words: &str) -> usize {
        self.server.log().matches(words).count()
    }

    /// What holds after every fault: it runs, it has not grown, and it has not talked without end.
    fn check(&mut self, most_lines: usize) {
        assert!(self.server.is_running());
        let grown = resident(self.server.id()).saturating_sub(self.resident);
        let log = self.server.log();
        assert!(grown < GROWS_BY, "{grown} KiB more: {log}");
        let lines = log
            .lines()
            .filter(|line| line.contains("WARN onionstream::ingest"))
            .count();
        assert!(lines <= most_lines, "{lines} warnings:\n{log}");
    }
}

fn growing(stream: &Path) -> Encoder {
    Encoder::start(stream, Options::new(Kind::Growing))
}

/// A very small disk; unmounted when it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where nothing may be mounted.
    fn mount(at: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs"])
            .arg(at)
            .output();
        let is_mounted = mounted.is_ok_and(|mounted| mounted.status.success());
        is_mounted.then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server, dropped later, may still be looking at it.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn a_full_disk_is_named_in_a_sentence_and_the_show_goes_on_when_there_is_room() {
    let directory = tempfile::tempdir().expect("a directory");
    let stream = directory.path().join("stream");
    fs::create_dir(&stream).expect("a directory");
    let Some(_disk) = SmallDisk::mount(&stream) else {
        tell("LEFT OUT: no disk can be mounted here; a full disk was not tested");
        return;
    };
    let mut show = Show::of(Server::start_in(directory.path(), &WATCH));
    let encoder = growing(&stream);
    let mut watching = Watching::open(&show.server);
    // 1 MiB holds some 14 s. Then nothing comes, and the response ends.
    let goes_on = watching.until(Duration::from_mins(1), |_| false);

    assert!(!goes_on, "a clean end");
    assert!(watching.seconds() > 5.0, "{}", watching.seconds());
    show.server.wait_log("is full", SOON);
    assert!(!show.is_on_air());
    let log = show.server.log();
    assert!(
        log.contains("delete something there, and start the encoder again"),
        "{log}"
    );

    encoder.kill();
    for entry in fs::read_dir(&stream).expect("a directory") {
        fs::remove_file(entry.expect("a file").path()).expect("removed");
    }
    let _again = growing(&stream);
    let back = show.wait_air(true);
    assert!(back < Duration::from_secs(8), "{back:?}");
    show.server.wait_log("has room again", SOON);
    assert_eq!(show.said("is full"), 1, "once");
    show.check(4);
}

#[test]
fn an_encoder_that_may_write_no_more_ends_the_show_and_the_next_one_begins_it_again() {
    let mut show = Show::start();
    fs::create_dir_all(&show.stream).expect("a directory");
    // As on a disk that is full in the middle of a segment: a file of more than 100 KiB is refused.
    let encoder = Encoder::start_limited(&show.stream, Options::new(Kind::Growing), 100);
    show.wait_air(true);
    let mut watching = Watching::open(&show.server);
    let goes_on = watching.until(Duration::from_mins(1), |_| false);

    assert!(!goes_on, "a clean end");
    assert!(!show.is_on_air());
    drop(encoder);
    let _again = growing(&show.stream);
    let back = show.wait_air(true);
    assert!(back < Duration::from_secs(8), "{back:?}");
    show.check(3);
}

#[test]
fn a_directory_that_is_deleted_is_said_to_be_gone_and_a_new_one_is_followed() {
    let mut show = Show::start();
    let encoder = growing(&show.stream);
    show.wait_air(true);
    let mut watching = Watching::open(&show.server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));

    fs::remove_dir_all(&show.stream)
        .or_else(|_written_meanwhile| fs::remove_dir_all(&show.stream))
        .expect("removed");
    show.server.wait_log("is gone; waiting for it", SOON);
    let goes_on = watching.until(Duration::from_secs(30), |_| false);
    assert!(!goes_on, "a clean end");
    assert!(!show.is_on_air());
    drop(encoder);

    let _again = growing(&show.stream);
    let back = show.wait_air(true);
    assert!(back < Duration::from_secs(8), "{back:?}");
    assert_eq!(show.said("is gone; waiting for it"), 1, "once");
    assert_eq!(show.said("watching the new stream directory"), 1, "once");
    show.check(4);
}

#[test]
fn a_segment_that_is_cut_short_while_it_grows_costs_no_viewer_the_show() {
    let mut show = Show::start();
    let mut encoder = growing(&show.stream);
    show.wait_air(true);
    let mut watching = Watching::open(&show.server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 4.0));

    // In the middle of a segment, all of which has been read; the encoder writes on behind the hole.
    let is_long = |segment: &PathBuf| fs::metadata(segment).is_ok_and(|file| file.len() > 60_000);
    let is_grown = watch(SOON, || Some(newest_segment(&show.stream)).filter(is_long));
    assert!(is_grown.is_some(), "no segment grows");
    encoder.freeze();
    thread::sleep(Duration::from_millis(600));
    let newest = newest_segment(&show.stream);
    let length = fs::metadata(&newest).expect("a file").len();
    let cut = OpenOptions::new()
        .write(true)
        .open(&newest)
        .expect("a file");
    cut.set_len(length / 2).expect("cut");
    drop(cut);
    thread::sleep(Duration::from_millis(600));
    encoder.thaw();

    let before = watching.seconds();
    let clock = Deadline::after(SOON);
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 5.0));
    assert!(
        clock.elapsed() < Duration::from_secs(12),
        "{:?}",
        clock.elapsed()
    );
    assert_eq!(watching.inits.len(), 1, "the same response");
    let (pause, overlap) = watching.seams();
    assert!(pause < Duration::from_secs(4), "{pause:?}");
    assert!(overlap < Duration::from_millis(2), "{overlap:?}");
    assert!(show.is_on_air());
    let name = newest
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a name");
    let told = format!("cannot use `{name}`");
    show.server.wait_log(&told, SOON);
    assert_eq!(show.said(&told), 1, "once");
    show.check(3);
}

fn newest_segment(stream: &Path) -> PathBuf {
    let entries = fs::read_dir(stream).expect("a directory");
    let segments = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_str()?;
        let number = name.strip_prefix("stream")?.strip_suffix(".m4s")?;
        Some((number.parse::<u64>().ok()?, path))
    });
    segments.max().expect("a segment").1
}

#[test]
fn a_playlist_that_turns_into_garbage_is_named_and_nobody_misses_anything() {
    let mut show = Show::start();
    let _encoder = growing(&show.stream);
    show.wait_air(true);
    let mut watching = Watching::open(&show.server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));

    let playlist = show.stream.join("stream.m3u8");
    let garbage: Vec<u8> = (0..=255).cycle().take(3000).collect();
    for _ in 0..50 {
        // What ffmpeg makes of it again and again is garbage after a tenth of a second.
        fs::write(&playlist, &garbage).expect("a file");
        thread::sleep(Duration::from_millis(100));
    }
    show.server.wait_log("cannot use `stream.m3u8`", SOON);
    let before = watching.seconds();
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 6.0));

    let (pause, _) = watching.seams();
    assert!(pause < Duration::from_millis(100), "{pause:?}");
    assert_eq!(watching.inits.len(), 1);
    // Once for each time that ffmpeg has put it right in between.
    let said = show.said("cannot use `stream.m3u8`");
    assert!(
        (1..=5).contains(&said),
        "{said} times:\n{}",
        show.server.log()
    );
    show.check(5);
}

#[test]
fn ten_thousand_files_do_not_slow_the_start_and_an_encoder_among_them_is_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let stream = directory.path().join("stream");
    fs::create_dir(&stream).expect("a directory");
    for number in 0..10_000 {
        fs::write(stream.join(format!("stream{number}.m4s")), [b'x'; 1000]).expect("a file");
    }
    let clock = Deadline::after(SOON);
    let mut show = Show::of(Server::start_in(
        directory.path(),
        &["--no-tor", "--source", "watch"],
    ));
    let started = clock.elapsed();
    assert!(started < Duration::from_secs(5), "{started:?}");
    assert!(show.resident < 64 * 1024, "{} KiB", show.resident);

    let _encoder = growing(&stream);
    let found = show.wait_air(true);
    assert!(found < Duration::from_secs(8), "{found:?}");
    let mut watching = Watching::open(&show.server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 6.0));
    show.check(2);
}

#[test]
fn ten_thousand_bad_segments_that_come_at_once_are_not_ten_thousand_complaints() {
    let mut show = Show::start();
    let encoder = growing(&show.stream);
    show.wait_air(true);
    let mut watching = Watching::open(&show.server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));

    for number in 100_000..110_000 {
        let path = show.stream.join(format!("stream{number}.m4s"));
        let mut file = File::create(path).expect("a file");
        std::io::Write::write_all(&mut file, b"GET / HTTP/1.1\r\n\r\n").expect("written");
    }
    // The show goes on meanwhile, and after a restart, when the directory is searched.
    let before = watching.seconds();
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 4.0));
    encoder.kill();
    thread::sleep(Duration::from_secs(1));
    let _again = growing(&show.stream);
    let before = watching.seconds();
    assert!(
        watching.until(SOON, |watching| watching.seconds() > before + 6.0),
        "{}",
        show.server.log()
    );

    assert_eq!(watching.inits.len(), 1, "the same response");
    show.check(16);
}
