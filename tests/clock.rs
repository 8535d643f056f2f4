//! The clock of the computer is set while people watch, by a time server or because the computer slept:
//! what the broadcaster is told, and that the show goes on.
//!
//! No clock is really set: faketime tells the program, and the encoder that it runs, another date.
//! Time that passes goes on as it does, as it would.

mod stage;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use onionstream::media::fragment::Fragment;
use stage::{
    Deadline,
    desk::{Desk, PASSWORD, set_password},
    encoder::{Encoder, Kind, Options},
    firefox,
    guest::Guest,
    http::{Piece, Request},
    person::Person,
    process::{Process, program},
    server::Server,
    tor_network::TorNetwork,
    watch,
    watching::Watching,
};
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(20);
/// How long it may take until a date that has jumped is noticed: it is looked at once a second.
const NOTICED: Duration = Duration::from_secs(5);
/// What waits for circuits gets more time than the median second they take.
const THROUGH_TOR: Duration = Duration::from_mins(1);

/// A program with a clock that can be set.
struct Timed {
    server: Server,
    date: PathBuf,
    // Removed after the server has ended.
    directory: TempDir,
}

impl Timed {
    fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("onionstream-")
            .tempdir()
            .expect("a directory");
        let date = directory.path().join("date");
        fs::write(&date, "+0").expect("a file");
        set_password(directory.path(), PASSWORD);
        let environment = [
            ("LD_PRELOAD", library()),
            ("FAKETIME_TIMESTAMP_FILE", date.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // By both names that it goes by.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let server = Server::start_with(directory.path(), arguments, &environment);
        server.local_url();
        Self {
            server,
            date,
            directory,
        }
    }

    /// Sets the clock to so many seconds before or after the right time.
    fn set(&self, offset: &str) {
        let new = self.date.with_extension("new");
        fs::write(&new, offset).expect("a file");
        // At once: the file is read at every look at the clock.
        fs::rename(&new, &self.date).expect("renamed");
    }

    fn panel(&self) -> String {
        let request = Request::get("/live?static=1");
        request.send(self.server.local_address()).text()
    }
}

/// What has to be loaded before the program for it to see another date.
fn library() -> String {
    let asked = Command::new(program("faketime", "FAKETIME"))
        .args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"])
        .stdin(Stdio::null())
        .output()
        .expect("faketime runs");
    let said = String::from_utf8(asked.stdout).expect("text");
    assert!(said.contains("faketime"), "no library in `{said}`");
    said.trim().to_owned()
}

fn growing(stream: &Path) -> Encoder {
    Encoder::start(stream, Options::new(Kind::Growing))
}

#[test]
fn a_clock_that_is_set_is_told_at_the_desk_and_ends_nothing() {
    let show = Timed::start(&["--no-tor", "--source", "watch"]);
    let stream = show.server.directory().join("stream");
    let mut encoder = growing(&stream);
    let desk = Desk::opens(firefox::Options::default(), &show.server);
    let mut watching = Watching::open(&show.server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));

    for (offset, words) in [
        ("+3600", "went forward by 1 h"),
        ("-3600", "went back by 2 h"),
        ("+0", "went forward by 1 h"),
    ] {
        let told = show.server.log().matches(words).count();
        show.set(offset);
        let noticed = watch(NOTICED, || {
            (show.server.log().matches(words).count() > told).then_some(())
        });
        assert!(noticed.is_some(), "no `{words}`: {}", show.server.log());

        // At the desk, whose owner is still logged in, and in the chat.
        let sentence = format!("The clock of this computer {words}");
        desk.live(|firefox| firefox.wait_for_text("x-audit:last-of-type ol", &sentence, SOON));
        let said = format!("said at {offset}");
        desk.person.says(&said);
        desk.person.sees_line(&said, SOON);

        // What is watched goes on, and so does it when the encoder starts again.
        let before = watching.seconds();
        assert!(watching.until(SOON, |watching| watching.seconds() > before + 3.0));
        encoder.kill();
        thread::sleep(Duration::from_millis(300));
        encoder = growing(&stream);
        let before = watching.seconds();
        assert!(watching.until(SOON, |watching| watching.seconds() > before + 6.0));
        let panel = show.panel();
        let air = panel.split("On air").nth(1).expect("it is on the air");
        let uptime = air.split('(').next().expect("how long");
        assert!(!uptime.contains("hour"), "{uptime}");
    }
    desk.firefox().screenshot("clock-desk.png");

    assert_eq!(watching.inits.len(), 1, "one response");
    let (pause, overlap) = watching.seams();
    assert!(overlap.is_zero(), "decode times step back by {overlap:?}");
    assert!(pause < Duration::from_secs(3), "{pause:?}");
    let log = show.server.log();
    let warned = log.matches("the clock of this computer").count();
    assert_eq!(warned, 3, "once each: {log}");
    assert!(log.contains("Tor needs it"), "{log}");
    // A directory that is made anew holds files that are older than the last one's.
    show.set("-7200");
    fs::remove_dir_all(&stream)
        .or_else(|_written_meanwhile| fs::remove_dir_all(&stream))
        .expect("removed");
    show.server.wait_log("is gone; waiting for it", SOON);
    drop(encoder);
    let _again = growing(&stream);
    show.server
        .wait_log("watching the new stream directory", SOON);
    let before = watching.seconds();
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 6.0));
}

/// A screen on which a picture moves.
struct Screen {
    display: String,
    _picture: Process,
    _server: Process,
}

impl Screen {
    fn start() -> Self {
        let arguments = "-displayfd 1 -screen 0 640x360x24 -nolisten tcp";
        let mut command = Command::new(program("Xvfb", "XVFB"));
        let screen = Process::start("Xvfb", command.args(arguments.split(' ')));
        let number = screen.out().find(SOON, |line| line.parse::<u32>().ok());
        let display = format!(":{}", number.expect("a screen"));
        let moving = "-nostdin -hide_banner -loglevel warning -re -f lavfi \
                      -i testsrc2=size=640x360:rate=25 -pix_fmt yuv420p -t 600 -f sdl2 moving";
        let mut command = Command::new(program("ffmpeg", "FFMPEG"));
        command
            .args(moving.split_whitespace())
            .env("DISPLAY", &display)
            .env("SDL_VIDEODRIVER", "x11")
            .env("SDL_RENDER_DRIVER", "software");
        Self {
            display,
            _picture: Process::start("ffmpeg that paints", &mut command),
            _server: screen,
        }
    }
}

/// The times in which the picture stood still for longer than a second and a half, in seconds, as ffmpeg
/// sees it.
fn freezes(file: &Path) -> Vec<f64> {
    let looked = Command::new(program("ffmpeg", "FFMPEG"))
        .args(["-nostdin", "-hide_banner", "-i"])
        .arg(file)
        .args(["-vf", "freezedetect=noise=-50dB:duration=1.5", "-an"])
        .args(["-f", "null", "-"])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs");
    let said = String::from_utf8_lossy(&looked.stderr);
    assert!(said.contains("frame="), "it was decoded: {said}");
    said.lines()
        .filter_map(|line| line.split("freeze_start: ").nth(1)?.trim().parse().ok())
        .collect()
}

#[test]
fn an_encoder_of_ours_that_goes_by_the_clock_is_started_again_when_it_is_set() {
    let screen = Screen::start();
    let ffmpeg = format!("encoder.ffmpeg={}", program("ffmpeg", "FFMPEG").display());
    let display = format!("encoder.screen={}", screen.display);
    let settings = ["--set", &ffmpeg, "--set", &display, "--set"];
    let usual = ["--no-tor", "--source", "screen", "--preset", "low-latency"];
    let show =
        Timed::start(&[&usual[..], &settings[..], &["encoder.microphone=none"][..]].concat());
    let mut watching = Watching::open(&show.server);
    // Longer than one that has to be waited for because it does not work.
    assert!(watching.until(SOON, |watching| watching.seconds() > 12.0));

    for (offset, words) in [
        ("+3600", "went forward by 1 h, and the encoder goes by it"),
        ("-3600", "went back by 2 h, and the encoder goes by it"),
    ] {
        show.set(offset);
        show.server.wait_log(words, NOTICED);
        let before = watching.seconds();
        assert!(watching.until(SOON, |watching| watching.seconds() > before + 12.0));
    }

    assert_eq!(watching.inits.len(), 1, "one response");
    assert!(watching.seams().1.is_zero(), "{:?}", watching.seams());
    let file = show.server.directory().join("taken.mp4");
    let media = watching.fragments.iter().map(Fragment::bytes);
    let init = watching.inits[0].bytes();
    let bytes: Vec<u8> = std::iter::once(init)
        .chain(media)
        .flatten()
        .copied()
        .collect();
    fs::write(&file, bytes).expect("a file");
    assert_eq!(freezes(&file), [0.0; 0], "{}", show.server.log());
}

#[test]
fn through_tor_those_who_watch_go_on_and_others_still_come_after_the_clock_is_set() {
    let network = TorNetwork::with_clients(5);
    let tor = format!("onion.network={}", network.arti_toml().display());
    let settings = ["--set", &tor, "--set", "captcha.entrance=false"];
    let show = Timed::start(&[&["--source", "test"][..], &settings[..]].concat());
    let site = show.server.wait_onion(THROUGH_TOR);
    let host = site.trim_start_matches("http://").trim_end_matches('/');
    show.server.wait_reachable(THROUGH_TOR);
    let anna = Person::comes(firefox::Options::through(network.socks(0)), &site);
    anna.plays();

    for (offset, words, client) in [
        ("+3600", "went forward by 1 h", 2),
        ("-3600", "went back by 2 h", 3),
    ] {
        let mut stream = Guest::comes_through(network.socks(1), host).opens("/stream.mp4");
        show.set(offset);
        show.server.wait_log(words, NOTICED);
        let (before, clock) = (anna.plays(), Deadline::after(THROUGH_TOR));
        while clock.elapsed() < Duration::from_secs(20) {
            let piece = stream.next(SOON);
            assert!(matches!(piece, Piece::Data(_)), "{offset}: {piece:?}");
        }
        let rate = (anna.plays() - before) / clock.elapsed().as_secs_f64();
        assert!((0.8..=1.2).contains(&rate), "the picture moves at {rate}");

        // Somebody whose Tor has to find the way first.
        let newcomer = Guest::comes_through(network.socks(client), host);
        newcomer.says(&format!("said at {offset}"));
        anna.sees_line(&format!("said at {offset}"), THROUGH_TOR);
    }
    anna.firefox.screenshot("clock-tor.png");

    // Started again while the clock is back, it cannot replace its entry; it can when the clock is right.
    let Timed {
        mut server,
        date,
        directory: _kept,
    } = show;
    server.restart();
    let words = "went back by 1 h since the program ran here last";
    server.wait_log(words, THROUGH_TOR);
    let reachable = server.facts().iter().any(|fact| fact == "reachable");
    assert!(!reachable, "it only took long");
    fs::write(date, "+60").expect("a file");
    server.restart();
    server.wait_reachable(THROUGH_TOR);
    let newcomer = Guest::comes_through(network.socks(4), host);
    newcomer.says("said after the restart");
    assert!(!server.log().contains(words), "{}", server.log());
}
