//! When the broadcaster's connection is full: whoever comes is offered less instead of making it stall
//! for everybody. The real program with a real encoder; slow viewers are slow on loopback.
//!
//! Without our own onion service nobody is the preview, so that clients on this computer count.

mod stage;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use stage::{
    Deadline,
    desk::{Desk, PASSWORD, set_password},
    firefox::{Firefox, Options, Scheme},
    guest::Guest,
    http::Request,
    process::program,
    server::Server,
    tor_network::TorNetwork,
    watch,
    watching::Watching,
};

const SOON: Duration = Duration::from_secs(30);

/// Within this the sums show what has happened: they are taken over ten seconds.
const SEEN: Duration = Duration::from_mins(1);

/// From the moment when those who were behind are gone until somebody is let in: at most 20 s, until the
/// program has noticed it, and some more on a busy machine.
const FREE_AGAIN: Duration = Duration::from_mins(1);

/// The card looks again at least this often.
const CARD_LOOKS: Duration = Duration::from_secs(30);

/// What waits for circuits gets more time than the median second they take.
const THROUGH_TOR: Duration = Duration::from_mins(1);

const FULL: &str = "connection is full at the moment";

/// A test picture with a tone, about 560 kbit/s.
fn show(settings: &[&str]) -> Server {
    start(&[&["--no-tor"], settings].concat())
}

/// The same with these arguments; what is no flag is a setting.
fn start(more: &[&str]) -> Server {
    let ffmpeg = format!("encoder.ffmpeg={}", program("ffmpeg", "FFMPEG").display());
    let mut arguments = vec!["--source", "test", "--set", &ffmpeg];
    for one in more {
        if !one.starts_with("--") {
            arguments.push("--set");
        }
        arguments.push(one);
    }
    let server = Server::start_prepared(&arguments, |directory| {
        set_password(directory, PASSWORD);
        fs::write(directory.join("title.txt"), "An evening of onions\n").expect("a title");
    });
    server.local_url();
    server
}

/// What the terminal says of the uplink.
fn uplink(server: &Server) -> Value {
    let said = server.says(&["--json", "status"]);
    let status: Value = serde_json::from_str(&said).expect("JSON");
    status.get("uplink").expect("the uplink").clone()
}

/// Waits until the uplink is as wanted.
fn wait_uplink(server: &Server, wanted: impl Fn(&Value) -> bool) -> Value {
    let seen = watch(SEEN, || {
        thread::sleep(Duration::from_millis(300));
        Some(uplink(server)).filter(|now| wanted(now))
    });
    seen.unwrap_or_else(|| panic!("the uplink is {}", uplink(server)))
}

/// A viewer who takes everything at once, in a thread of their own.
struct Fast {
    leaves: Arc<AtomicBool>,
    thread: JoinHandle<Watching>,
}

impl Fast {
    fn comes(server: &Server) -> Self {
        let mut viewer = Watching::open_at(server, "/stream.mp4");
        let leaves = Arc::new(AtomicBool::new(false));
        let leave = Arc::clone(&leaves);
        let thread = thread::spawn(move || {
            let went_on = viewer.until(Duration::from_mins(10), |_| leave.load(Ordering::Relaxed));
            assert!(went_on, "the response has ended");
            viewer
        });
        Self { leaves, thread }
    }

    /// What they saw, when they have left.
    fn leaves(self) -> Watching {
        self.leaves.store(true, Ordering::Relaxed);
        self.thread.join().expect("a viewer")
    }
}

/// Viewers on circuits that carry so many bytes a second.
struct Slow {
    leave: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Slow {
    fn come(server: &Server, count: usize, bytes_per_second: usize) -> Self {
        let leave = Arc::new(AtomicBool::new(false));
        let address = server.local_address();
        let threads = (0..count).map(|_| {
            let leave = Arc::clone(&leave);
            thread::spawn(move || crawl(address, bytes_per_second, &leave))
        });
        Self {
            threads: threads.collect(),
            leave,
        }
    }

    fn leave(self) {
        self.leave.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a slow viewer");
        }
    }
}

fn crawl(address: SocketAddr, bytes_per_second: usize, leave: &AtomicBool) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    // Or the system would take megabytes for the viewer.
    socket
        .set_recv_buffer_size(8 * 1024)
        .expect("a small buffer");
    socket.connect(&address.into()).expect("the server");
    let mut stream = TcpStream::from(socket);
    write!(
        stream,
        "GET /stream.mp4 HTTP/1.1\r\nHost: {address}\r\n\r\n"
    )
    .expect("a request");
    let step = Duration::from_millis(100);
    let mut buffer = vec![0; bytes_per_second / 10];
    while !leave.load(Ordering::Relaxed) {
        let next = Deadline::after(step);
        let came = stream.read(&mut buffer);
        assert!(came.is_ok_and(|bytes| bytes > 0), "the response has ended");
        thread::sleep(next.left());
    }
}

fn page(guest: &Guest, path: &str) -> String {
    guest.opens(path).finish(SOON).text()
}

/// Waits until the sound plays and goes on.
fn hears(firefox: &Firefox) {
    let place = || {
        let look = "const a = document.querySelector('audio'); \
                    return a && !a.paused && !a.error ? a.currentTime : null";
        firefox.execute(look).as_f64()
    };
    let begun = watch(SOON, || place().filter(|at| *at > 0.0));
    let begun = begun.expect("it begins");
    let later = watch(SOON, || place().filter(|at| *at > begun + 2.0));
    assert!(later.is_some(), "it goes on");
}

#[test]
fn beyond_what_the_broadcaster_allows_viewers_get_the_sound_and_the_picture_when_there_is_room() {
    // One picture, and a tenth for the sound.
    let server = show(&["playback.max_upload_kbits=900"]);
    let first = Fast::comes(&server);
    wait_uplink(&server, |now| now["advice"].is_string());

    let firefox = Firefox::start(Options::coloured(Scheme::Light));
    firefox.goto(&server.local_url());
    firefox.enter_frame("iframe.video");
    let words = firefox.wait_for_text("main", FULL, SOON);
    assert!(
        words.contains("You can listen: Only the sound: about "),
        "{words}"
    );
    assert!(!words.contains("Picture and sound"), "{words}");
    for (width, height) in [(360, 740), (1440, 900)] {
        firefox.leave_frames();
        firefox.set_page_size(width, height);
        firefox.enter_frame("iframe.video");
        firefox.wait_for_text("main", FULL, SOON);
        let scrolls = "return document.documentElement.scrollWidth > innerWidth";
        assert_eq!(firefox.execute(scrolls), false, "it fits at {width}");
        firefox.leave_frames();
        firefox.screenshot(&format!("full-light-{width}.png"));
        firefox.enter_frame("iframe.video");
    }
    // The chat is as always.
    firefox.leave_frames();
    firefox.enter_frame("iframe.live");
    firefox.wait_for("x-beat", SOON);
    firefox.leave_frames();
    firefox.enter_frame("iframe.video");
    firefox.click(".instead a[href^='/audio']");
    hears(&firefox);

    // A player, and somebody who wants more than they were let in with.
    let address = server.local_address();
    let answer = Request::get("/stream.mp4").send(address);
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("30"))
    );
    assert!(answer.text().contains(FULL), "{}", answer.text());
    firefox.click("a[href^='/video?quality=source']");
    firefox.wait_for_text("main", FULL, SOON);

    // Whoever runs the show sees it, and what to do.
    let mut desk = Guest::comes(&server);
    assert_eq!(desk.status("/stream.mp4"), 503);
    desk.logs_in(PASSWORD);
    assert_eq!(desk.status("/stream.mp4"), 200);
    let mut panel = desk.opens("/broadcaster/live?follow=1");
    let all = panel.read_until_text(SOON, "</x-uplink>");
    let words = all.rsplit("<x-uplink ").next().expect("a part");
    let words = words.split("</x-uplink>").next().expect("a part");
    for part in [
        "To viewers",
        "bit/s to ",
        "(900 kbit/s, <code>playback.max_upload_kbits</code>)",
        "A lower bitrate would let about ",
        " people watch: <code>--bitrate ",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }

    drop(panel);
    let desk = Desk::opens(Options::coloured(Scheme::Light), &server).person;
    desk.firefox.set_page_size(1440, 900);
    desk.in_frame("iframe.live", |firefox| {
        let words = firefox.wait_for_text("x-uplink:last-of-type", "--bitrate", SOON);
        assert!(words.starts_with("To viewers\n"), "{words}");
    });
    desk.firefox.screenshot("full-desk-1440.png");
    drop(desk);

    let seen = first.leaves();
    let left = Deadline::after(CARD_LOOKS + SOON);
    let pause = seen.seams().0;
    drop(seen);
    firefox.wait_for_video(left.left(), |video| video.current_time > 0.5);
    println!("the card became the player after {:?}", left.elapsed());
    assert_eq!(pause, Duration::ZERO, "the first one lost nothing");
}

#[test]
fn a_line_that_is_seen_to_be_full_is_closed_to_newcomers_until_those_who_are_behind_are_gone() {
    let server = show(&[]);
    let anna = Guest::comes(&server);
    let fast = Fast::comes(&server);
    let hers = anna.opens("/stream.mp4");
    wait_uplink(&server, |now| now["viewers"] == 2);
    drop(hers);
    let slow = Slow::come(&server, 5, 30_000);
    let began = Deadline::after(SEEN);

    // The terminal shows it each second; anna was here less than two minutes ago.
    let full = wait_uplink(&server, |now| now["state"] == "full");
    println!("full after {:?}: {full}", began.elapsed());
    let ben = Guest::comes(&server);
    assert!(page(&ben, "/video").contains(FULL));
    assert!(page(&ben, "/video").contains("You can listen: "));
    assert!(page(&ben, "/audio").contains("<audio"));
    assert_eq!(
        (ben.status("/stream.mp4"), ben.status("/audio.mp4")),
        (503, 200)
    );
    let advice = full["advice"].as_str().expect("advice");
    assert!(advice.contains("seems full at about "), "{advice}");
    let capacity = full["capacity"].as_u64().expect("what it carries");
    assert!((1_000_000..3_000_000).contains(&capacity), "{full}");
    assert_eq!(anna.status("/stream.mp4"), 200, "she was watching");
    assert!(page(&anna, "/video").contains("<video"));

    slow.leave();
    let left = Deadline::after(FREE_AGAIN);
    let admitted = watch(FREE_AGAIN, || {
        thread::sleep(Duration::from_millis(500));
        (ben.status("/stream.mp4") == 200).then_some(())
    });
    assert!(admitted.is_some(), "{}", uplink(&server));
    println!("let in {:?} after they had left", left.elapsed());
    let seen = fast.leaves();
    assert_eq!(
        seen.seams().0,
        Duration::ZERO,
        "whoever was fast lost nothing"
    );
    assert!(seen.seconds() > 20.0, "{}", seen.seconds());
}

#[test]
fn one_slow_viewer_among_five_fast_ones_turns_nobody_away() {
    let server = show(&[]);
    let fast: Vec<_> = (0..5).map(|_| Fast::comes(&server)).collect();
    let slow = Slow::come(&server, 1, 30_000);

    let behind = wait_uplink(&server, |now| now["lagging"] == 1);
    assert_eq!(behind["viewers"], 6, "{behind}");
    let clock = Deadline::after(Duration::from_secs(25));
    while !clock.has_passed() {
        let now = uplink(&server);
        assert_eq!(now["state"], "free", "{now}");
        let newcomer = Guest::comes(&server);
        assert!(page(&newcomer, "/video").contains("<video"));
        assert_eq!(newcomer.status("/stream.mp4"), 200);
        thread::sleep(Duration::from_secs(2));
    }

    slow.leave();
    for viewer in fast {
        assert_eq!(viewer.leaves().seams().0, Duration::ZERO);
    }
}

#[test]
fn switched_off_nobody_is_turned_away() {
    let server = show(&["playback.max_upload_kbits=100", "playback.admission=false"]);
    let first = Fast::comes(&server);
    let seen = wait_uplink(&server, |now| now["viewers"] == 1);
    assert!(seen["advice"].is_null(), "{seen}");

    let ben = Guest::comes(&server);
    assert!(page(&ben, "/video").contains("<video"));
    assert_eq!(ben.status("/stream.mp4"), 200);
    first.leaves();
}

#[test]
fn a_smaller_quality_is_offered_while_it_fits() {
    let server = start(&["--no-tor", "--low", "playback.max_upload_kbits=950"]);
    let first = Fast::comes(&server);
    let address = server.local_address();
    let is_there = watch(SEEN, || {
        let home = Request::get("/").send(address).text();
        home.contains(">low</a>: about ").then_some(())
    });
    assert!(is_there.is_some(), "{}", server.log());
    let says = |words: &'static str| {
        move |now: &Value| {
            now["advice"]
                .as_str()
                .is_some_and(|said| said.contains(words))
        }
    };
    let offers = says("new viewers are offered the smaller quality `low` or only the sound");
    let offered = wait_uplink(&server, offers)["offered"].clone();
    assert_eq!(
        offered,
        serde_json::json!({"source": false, "variants": ["low"], "sound": true})
    );

    let (ben, eve) = (Guest::comes(&server), Guest::comes(&server));
    let card = page(&ben, "/video");
    assert!(
        card.contains(FULL) && card.contains("You can have less: "),
        "{card}"
    );
    assert!(!card.contains("Picture and sound"), "{card}");
    assert!(
        card.contains(">low</a>: about ") && card.contains(">Only the sound</a>"),
        "{card}"
    );
    let player = page(&ben, "/video?quality=low");
    assert!(
        player.contains("src=\"/stream.mp4?quality=low\""),
        "{player}"
    );
    let _his = ben.opens("/stream.mp4?quality=low");
    wait_uplink(&server, |now| now["viewers"] == 2);
    wait_uplink(&server, says("new viewers are offered only the sound"));

    let card = page(&eve, "/video");
    assert!(
        !card.contains(">low<") && card.contains("You can listen: "),
        "{card}"
    );
    assert_eq!(eve.status("/stream.mp4?quality=low"), 503);
    assert_eq!(eve.status("/quality/low/stream.mp4"), 503);
    assert_eq!(eve.status("/audio.mp4"), 200);
    assert_eq!(ben.status("/stream.mp4?quality=low"), 200, "he has it");
    assert_eq!(ben.status("/stream.mp4"), 503, "that would be more");
    first.leaves();
}

#[test]
fn through_tor_viewers_count_and_the_preview_on_this_computer_does_not() {
    let network = TorNetwork::boot();
    let setting = format!("onion.network={}", network.arti_toml().display());
    let server = start(&[
        &setting,
        "captcha.entrance=false",
        "playback.max_upload_kbits=900",
    ]);
    let site = server.wait_onion(THROUGH_TOR);
    let host = site.trim_start_matches("http://").trim_end_matches('/');
    server.wait_reachable(THROUGH_TOR);
    let previews: Vec<_> = (0..3).map(|_| Fast::comes(&server)).collect();

    let anna = Guest::comes_through(network.socks(0), host);
    let _hers = anna.opens("/stream.mp4");
    // The advice may come before she is counted: her place is promised from her first page on.
    wait_uplink(&server, |now| {
        now["advice"].is_string() && now["viewers"] == 1
    });
    let ben = Guest::comes_through(network.socks(1), host);
    assert!(page(&ben, "/video").contains(FULL));
    assert_eq!(ben.status("/stream.mp4"), 503);
    assert_eq!(anna.status("/stream.mp4"), 200, "she is watching");
    let on_this_computer = Guest::comes(&server);
    assert!(page(&on_this_computer, "/video").contains("<video"));
    assert_eq!(on_this_computer.status("/stream.mp4"), 200);
    for preview in previews {
        assert_eq!(preview.leaves().seams().0, Duration::ZERO);
    }
}
