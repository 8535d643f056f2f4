//! `start --source rtmp` and `start --source ingest`: the real program, and a real ffmpeg that
//! publishes as OBS does.

mod stage;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::Duration,
};

use rustix::process::Signal;
use stage::{
    http::Request,
    process::{Process, program},
    server::Server,
    watch,
    watching::{Watching, encoders_of, is_running},
};

const SOON: Duration = Duration::from_secs(20);

/// Off air within 1.5 s of grace and a moment; on a busy machine more.
const OFF_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Rtmp,
    /// The key as a password in the address: asked for with a 401 first.
    IngestPost,
    /// The key in a header.
    IngestPut,
}

impl Way {
    const ALL: [Self; 3] = [Self::Rtmp, Self::IngestPost, Self::IngestPut];

    fn source(self) -> &'static str {
        match self {
            Self::Rtmp => "rtmp",
            Self::IngestPost | Self::IngestPut => "ingest",
        }
    }

    fn start(self) -> Server {
        self.start_with(&[])
    }

    fn start_with(self, more: &[&str]) -> Server {
        let ffmpeg = format!("encoder.ffmpeg={}", program("ffmpeg", "FFMPEG").display());
        let arguments = ["--no-tor", "--rtmp", "127.0.0.1:0", "--set", &ffmpeg];
        let source = ["--source", self.source()];
        let server = Server::start(&[&source[..], &arguments, more].concat());
        server.local_url();
        server
    }

    /// Starts an ffmpeg that publishes a test picture of this width with this key.
    fn publish(self, server: &Server, key: &str, width: u32) -> Process {
        let place = server.place(self.source());
        let picture = format!("testsrc2=size={width}x180:rate=25");
        let mut command = Command::new(program("ffmpeg", "FFMPEG"));
        command
            .args([
                "-nostdin",
                "-hide_banner",
                "-nostats",
                "-loglevel",
                "warning",
            ])
            .args(["-re", "-f", "lavfi", "-i", &picture])
            .args(["-re", "-f", "lavfi", "-i", "sine=frequency=440"])
            .args("-c:v libx264 -preset veryfast -tune zerolatency -g 25 -t 600".split(' '))
            .args("-c:a aac -b:a 64k -metadata title=secret-title".split(' '));
        let fragments = "-f mp4 -movflags +frag_keyframe+empty_moov+default_base_moof+skip_trailer \
                         -frag_duration 200000 -flush_packets 1 -fflags bitexact";
        let fragments = || fragments.split_whitespace();
        match self {
            Self::Rtmp => command.args(["-f", "flv", &format!("{place}/{key}")]),
            Self::IngestPost => {
                let place = place.replace("http://", &format!("http://anything:{key}@"));
                command.args(fragments()).arg(place)
            }
            Self::IngestPut => command
                .args(fragments())
                .args(["-method", "PUT", "-headers"])
                .arg(format!("Authorization: Bearer {key}\r\n"))
                .arg(place),
        };
        Process::start("publishing ffmpeg", &mut command)
    }
}

fn rtmp_address(server: &Server) -> SocketAddr {
    let place = server.place("rtmp");
    let address = place
        .strip_prefix("rtmp://")
        .and_then(|rest| rest.strip_suffix("/live"));
    address
        .and_then(|text| text.parse().ok())
        .expect("an address")
}

fn is_on_air(server: &Server) -> bool {
    let opened = Request::get("/stream.mp4").open(server.local_address());
    opened.status == 200
}

/// The command lines of a process and of all that it has started.
fn command_lines(of: u32) -> String {
    let mut numbers = encoders_of(of);
    numbers.push(of);
    let lines = numbers
        .into_iter()
        .map(|number| fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default());
    String::from_utf8_lossy(&lines.collect::<Vec<_>>().concat()).into_owned()
}

#[test]
fn what_an_encoder_publishes_with_the_key_is_played_and_the_key_is_seen_nowhere() {
    for way in Way::ALL {
        let server = way.start();
        let key = server.stream_key();
        assert!(key.len() >= 20, "{key}");
        let mut encoder = way.publish(&server, &key, 320);

        let mut watching = Watching::open(&server);
        assert!(
            watching.until(SOON, |watching| watching.seconds() > 3.0),
            "{way:?}"
        );

        assert_eq!(watching.inits[0].tracks().len(), 2, "{way:?}");
        let (pause, overlap) = watching.seams();
        assert!(pause < Duration::from_millis(120), "{way:?}: {pause:?}");
        assert!(overlap < Duration::from_millis(2), "{way:?}: {overlap:?}");
        let pages = ["/", "/live?static=1", "/video"]
            .map(|page| Request::get(page).send(server.local_address()).text());
        for (name, text) in [
            ("command line", command_lines(server.id())),
            ("log", server.log()),
            ("facts", server.facts().join("\n")),
            ("pages", pages.concat()),
        ] {
            assert!(!text.contains(&key), "{way:?}: {name}");
        }
        if way == Way::Rtmp {
            // Besides the one that makes a slate for a moment.
            let one = watch(SOON, || (encoders_of(server.id()).len() == 1).then_some(()));
            assert!(one.is_some());
            // Nothing of what describes the encoder is passed on.
            let media = watching.fragments.iter().map(|one| one.bytes().to_vec());
            let media: Vec<u8> = media
                .chain([watching.inits[0].bytes().to_vec()])
                .flatten()
                .collect();
            for trace in ["secret-title", "x264", "Lavf"] {
                let has_it = media
                    .windows(trace.len())
                    .any(|part| part == trace.as_bytes());
                assert!(!has_it, "{trace}");
            }
        }

        encoder.signal(Signal::INT);
        let off = watch(OFF_WITHIN, || (!is_on_air(&server)).then_some(()));
        assert!(off.is_some(), "{way:?}");
        let gone = watch(SOON, || encoders_of(server.id()).is_empty().then_some(()));
        assert!(gone.is_some(), "{way:?}: it was not looked after");
    }
}

#[test]
fn a_wrong_key_is_refused_and_nothing_is_on_the_air_until_the_right_one_comes() {
    for way in Way::ALL {
        let server = way.start();
        let old = server.stream_key();
        let printed = server.says(&["stream-key", "--new"]);
        let new = server.stream_key();
        assert!(printed.contains(&new), "{printed}");
        assert_ne!(old, new);
        for wrong in ["wrong", &old, "%00"] {
            let mut encoder = way.publish(&server, wrong, 320);
            let ended = encoder
                .wait(SOON)
                .unwrap_or_else(|| panic!("{way:?}: {wrong}"));
            assert!(!ended.success(), "{way:?}: {wrong}");
            if way == Way::Rtmp {
                let said = encoder.err().text();
                assert!(said.contains("not the stream key"), "{said}");
            }
            assert!(!is_on_air(&server));
        }
        server.wait_log("wrong stream key", SOON);
        assert!(!server.log().contains(&old));

        let _encoder = way.publish(&server, &new, 320);
        Watching::open(&server);
    }
}

#[test]
fn an_encoder_that_comes_back_takes_over_from_the_one_that_hangs() {
    for way in [Way::Rtmp, Way::IngestPut] {
        let server = way.start();
        let key = server.stream_key();
        let mut first = way.publish(&server, &key, 320);
        let mut watching = Watching::open(&server);
        assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
        // As after a crash of the computer that it runs on: nothing comes and nothing ends.
        first.signal(Signal::STOP);

        let mut second = way.publish(&server, &key, 256);
        server.wait_log("another encoder", SOON);
        // Another picture is another run: what was open ends, and what is opened shows it.
        assert!(!watching.until(SOON, |_| false), "{way:?}");
        let mut watching = Watching::open(&server);
        assert!(
            watching.until(SOON, |watching| watching.seconds() > 3.0),
            "{way:?}"
        );
        assert!(second.is_running());
        first.signal(Signal::CONT);
        assert!(
            first.wait(SOON).is_some_and(|status| !status.success()),
            "{way:?}"
        );
    }
}

#[test]
fn an_encoder_that_is_killed_and_back_in_a_moment_goes_on_and_one_that_stays_away_is_off_air() {
    for way in [Way::Rtmp, Way::IngestPut] {
        // With one it is on the air for some minutes more: `foreign_slate.rs`.
        let server = way.start_with(&["--set", "encoder.slate_for=0s"]);
        let key = server.stream_key();
        let mut first = way.publish(&server, &key, 320);
        let mut watching = Watching::open(&server);
        assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));

        first.signal(Signal::KILL);
        let off = watch(OFF_WITHIN, || (!is_on_air(&server)).then_some(()));
        assert!(off.is_some(), "{way:?}");
        assert!(!watching.until(SOON, |_| false), "{way:?}: a clean end");
        assert!(encoders_of(server.id()).is_empty(), "{way:?}");

        let _second = way.publish(&server, &key, 320);
        Watching::open(&server);
    }
}

#[test]
fn nothing_outlives_the_show() {
    for is_killed in [false, true] {
        let mut server = Way::Rtmp.start();
        let key = server.stream_key();
        let mut encoder = Way::Rtmp.publish(&server, &key, 320);
        Watching::open(&server);
        let ours = encoders_of(server.id());
        if is_killed {
            server.sigkill();
        } else {
            assert!(server.sigterm().success());
        }
        for number in ours {
            let gone = watch(SOON, || (!is_running(number)).then_some(()));
            assert!(gone.is_some(), "killed: {is_killed}");
        }
        assert!(encoder.wait(SOON).is_some(), "its server is gone");
    }
}

#[test]
fn garbage_and_pages_of_a_browser_are_turned_away_and_disturb_nobody() {
    let server = Way::Rtmp.start();
    let key = server.stream_key();
    let address = rtmp_address(&server);
    let http = format!("POST /live/{key} HTTP/1.1\r\nHost: {address}\r\nOrigin: null\r\n\r\n");
    let mut hello = vec![3];
    hello.extend([0; 3072]);
    hello.extend([0xff; 5_000]);
    for bytes in [http.as_bytes(), &[0; 10_000], &hello, b"\x16\x03\x01"] {
        let mut socket = TcpStream::connect(address).expect("a connection");
        socket.set_read_timeout(Some(SOON)).expect("a time limit");
        // It may be closed while we write.
        drop(socket.write_all(bytes));
        let mut answer = Vec::new();
        drop(socket.read_to_end(&mut answer));
        assert!(!answer.starts_with(b"HTTP"), "it speaks no HTTP");
    }
    // More than there are places, and nobody says a word.
    let silent: Vec<_> = (0..40)
        .filter_map(|_| TcpStream::connect(address).ok())
        .collect();
    drop(silent);
    let _encoder = Way::Rtmp.publish(&server, &key, 320);
    Watching::open(&server);
    assert!(!server.log().contains("panic"), "{}", server.log());
    let there = Request::new("PUT", "/ingest")
        .header("Authorization", &format!("Bearer {key}"))
        .body(Vec::new())
        .send(server.local_address());
    assert_eq!(there.status, 404, "another source");
}

#[test]
fn the_ingest_address_says_what_is_wrong_and_is_only_for_encoders_on_this_computer() {
    let server = Way::IngestPut.start();
    let key = server.stream_key();
    let address = server.local_address();
    let request = || {
        Request::new("PUT", "/ingest")
            .header("Authorization", &format!("Bearer {key}"))
            .body(vec![0xab; 50_000])
    };
    for (request, status, words) in [
        (request(), 400, "fragmented MP4"),
        (
            request().header("Origin", "http://evil.example"),
            403,
            "pages in a browser",
        ),
        (
            request().header("Sec-Fetch-Site", "same-origin"),
            403,
            "pages in a browser",
        ),
        (
            request().header("Host", "evil.example"),
            421,
            "local preview",
        ),
        (Request::get("/ingest"), 405, "PUT or POST"),
        (Request::new("PUT", "/ingest").body("x"), 401, "stream-key"),
        (
            Request::new("PUT", &format!("/ingest/{key}")).body("x"),
            404,
            "",
        ),
    ] {
        let answer = request.send(address);
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(words), "{}", answer.text());
        assert!(!answer.text().contains(&key));
    }
    assert!(!is_on_air(&server));
    // Everything else has its own limits.
    let form = Request::form("/compose", &[("text", &"x".repeat(100_000))]).send(address);
    assert_eq!(form.status, 413, "{}", form.text());
}
