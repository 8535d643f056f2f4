//! Viewers who are behind: those who want to be, by a link, and those who fell behind and are told.
//! The real program plays its built-in clip; a Firefox without JavaScript and HTTP clients watch.

mod stage;

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use stage::{
    Deadline,
    firefox::{Firefox, Options, Scheme},
    guest::Guest,
    http::{Piece, Request},
    person::Person,
    process::program,
    server::Server,
    watch,
    watching::Watching,
};

const SOON: Duration = Duration::from_secs(20);

/// Width and height of a phone and a desktop.
const SIZES: [(u32, u32); 2] = [(360, 740), (1440, 900)];

/// A show that has been on the air for this long.
fn show_since(seconds: u64, settings: &[&str]) -> Server {
    let server = Server::start(&[&["--source", "demo", "--no-tor"], settings].concat());
    server.local_url();
    Watching::open(&server).until(SOON, |viewer| viewer.seconds() > 0.0);
    thread::sleep(Duration::from_secs(seconds));
    server
}

/// Decode time of the first fragment, in seconds.
fn first(viewer: &Watching) -> f64 {
    let first = viewer.fragments.first().expect("a fragment");
    first.start().as_secs_f64()
}

/// What came in this time, in seconds of playing time.
fn seconds_in(viewer: &mut Watching, time: Duration) -> f64 {
    let clock = Deadline::after(time);
    viewer.until(time + SOON, |_| clock.has_passed());
    viewer.seconds()
}

#[test]
fn an_address_starts_back_in_the_kept_window_and_goes_on_in_real_time() {
    let kept = ["--set", "playback.keep=40s", "--set", "playback.max_lag=5s"];
    let server = show_since(30, &kept);
    let open = |query: &str| {
        let mut viewer = Watching::open_at(&server, &format!("/stream.mp4?delay=low{query}"));
        viewer.until(SOON, |viewer| !viewer.fragments.is_empty());
        viewer
    };

    let live = first(&open(""));
    let mut back = open("&back=20s");
    let behind = live - first(&back);
    // 17.5 s more than live, to within a keyframe and a busy machine.
    assert!((13.0..23.0).contains(&behind), "{behind} s behind");
    let came = seconds_in(&mut back, Duration::from_secs(6));
    // 2.5 s in advance, and 6 s as they became due; not the 20 s that were there.
    assert!((6.0..14.0).contains(&came), "{came} s came");

    let start = live - first(&open("&back=start"));
    assert!((22.0..36.0).contains(&start), "{start} s behind");
    // What nobody can mean is live.
    for query in ["&back=yesterday", "&back=-20s", "&segment=x", "&back=0s"] {
        let now = first(&open(query));
        assert!(
            now - live < 40.0 && now >= live,
            "{query}: {now} after {live}"
        );
    }

    // A number from the playlist: the very fragment that the segment begins with.
    let address = server.local_address();
    let list = Request::get("/stream.m3u8").send(address).text();
    let names: Vec<_> = list.lines().filter(|line| line.contains(".m4s")).collect();
    let name = names[names.len() / 2];
    let segment = Request::get(&format!("/{name}")).send(address).body;
    let number = name.trim_start_matches("stream").trim_end_matches(".m4s");
    let viewer = open(&format!("&segment={number}"));
    let had = viewer.fragments[0].bytes();
    assert_eq!(segment.get(..had.len()), Some(&had[..]), "segment {number}");
    // What is gone is the oldest there is, which moves on between two requests.
    let (gone, oldest) = (first(&open("&segment=0")), first(&open("&back=start")));
    assert!((oldest - gone).abs() < 5.0, "{gone} and {oldest}");
}

/// Sees that the player plays on and has only some seconds in advance.
fn plays_on(firefox: &Firefox) {
    let ahead = || {
        let look = "const v = document.querySelector('video'); const b = v.buffered; \
                    return b.length ? b.end(b.length - 1) - v.currentTime : 0";
        firefox.execute(look).as_f64().expect("a number")
    };
    let started = firefox.wait_for_video(SOON, |video| video.current_time > 0.3 && !video.paused);
    let clock = Deadline::after(SOON);
    let later = firefox.wait_for_video(SOON, |video| {
        video.current_time > started.current_time + 5.0
    });
    assert!(
        later.painted_frames > 0 && later.error.is_none(),
        "{later:?}"
    );
    assert!(
        clock.elapsed() < Duration::from_secs(15),
        "it plays in time"
    );
    // A player that had to wait has as much more; all that is there would be minutes.
    assert!(ahead() < 30.0, "{} s in advance", ahead());
}

/// The number in "about N s" or "about N minutes", in seconds.
fn about(words: &str) -> u64 {
    let rest = words.split("about ").nth(1).unwrap_or_default();
    let (number, rest) = rest.split_once(' ').unwrap_or_default();
    let unit = if rest.starts_with("minute") { 60 } else { 1 };
    number.parse::<u64>().expect("a number") * unit
}

#[test]
fn a_viewer_without_javascript_goes_two_minutes_back_and_live_again() {
    let server = show_since(128, &[]);
    let anna = Person::comes(Options::coloured(Scheme::Dark), &server.local_url());
    let firefox = &anna.firefox;
    firefox.set_page_size(1440, 900);
    anna.plays();
    anna.in_frame("iframe.video", |firefox| {
        assert_eq!(firefox.count(".behind"), 0);
        assert!(
            firefox
                .text(".rewind")
                .is_some_and(|words| words.contains("from the start"))
        );
    });

    firefox.click("footer a[href='/video?delay=safe']");
    anna.in_frame("iframe.video", |firefox| {
        firefox.wait_for("video[src='/stream.mp4?delay=safe']", SOON);
        firefox.click(".rewind a[href*='back=2m']");
        let words = firefox.wait_for(".behind", SOON);
        assert_eq!(about(&words), 120, "{words}");
        // The delay that was chosen is kept.
        firefox.wait_for("video[src='/stream.mp4?delay=safe&back=2m']", SOON);
        plays_on(firefox);
    });
    for (width, height) in SIZES {
        firefox.set_page_size(width, height);
        firefox.screenshot(&format!("two-minutes-back-{width}.png"));
    }
    firefox.set_page_size(1440, 900);
    anna.in_frame("iframe.video", |firefox| {
        firefox.click(".behind a");
        firefox.wait_for("video[src='/stream.mp4?delay=safe']", SOON);
        plays_on(firefox);
        assert_eq!(firefox.count(".behind"), 0);
    });

    // The same from the foot of the page.
    firefox.click("footer a[href='/video?back=start']");
    anna.in_frame("iframe.video", |firefox| {
        let words = firefox.wait_for(".behind", SOON);
        assert!(about(&words) >= 120, "{words}");
        plays_on(firefox);
    });
    // Who wants to be behind is not told that they are.
    anna.in_frame("iframe.live", |firefox| {
        assert_eq!(firefox.count("x-lag:not(.none)"), 0);
    });
}

#[test]
fn whoever_does_not_take_the_picture_is_told_and_nobody_else() {
    let server = show_since(5, &[]);
    let (anna, ben) = (Guest::comes(&server), Guest::comes(&server));
    // Nobody reads this one.
    let _stuck = anna.opens("/stream.mp4?delay=low");
    let _fine = ben.opens("/live?follow=1");
    let mut panel = anna.opens("/live?follow=1");

    let told = panel.read_until_text(Duration::from_mins(2), "\">go live</a>");
    let words = told.rsplit("<x-lag").next().unwrap_or_default();
    assert!((12..40).contains(&about(words)), "{words}");
    assert!(words.contains("href=\"/video?delay=low\""), "{words}");
    let simple = |guest: &Guest| {
        let page = guest.opens("/live?static=1").finish(SOON);
        page.text()
    };
    assert!(simple(&anna).contains("behind: <a"), "{}", simple(&anna));
    assert!(!simple(&ben).contains("behind: <a"));

    // A new start is live.
    let _live = anna.opens("/stream.mp4");
    panel.read_until_text(SOON, "<x-lag slot=\"lag\" class=\"none\">");
}

#[test]
fn whoever_went_back_sees_the_show_to_its_end_unless_they_are_cut() {
    let directory = tempfile::tempdir().expect("a directory");
    let film = directory.path().join("film.mkv");
    let ffmpeg = program("ffmpeg", "FFMPEG");
    let made = Command::new(&ffmpeg)
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i"])
        .args(["testsrc2=size=160x90:rate=25", "-f", "lavfi", "-i", "sine"])
        .args(["-t", "20"])
        .arg(&film)
        .status();
    assert!(made.expect("ffmpeg runs").success());
    let setting = format!("encoder.ffmpeg={}", ffmpeg.display());
    let server = Server::start(&[
        "--source",
        "file",
        film.to_str().expect("text"),
        "--no-tor",
        "--set",
        &setting,
        "--set",
        "playback.keep=60s",
        "--set",
        "playback.max_lag=20s",
    ]);
    let mut live = Watching::open(&server);
    assert!(live.until(SOON, |live| live.seconds() > 13.0));
    let mut back = Watching::open_at(&server, "/stream.mp4?delay=low&back=12s");
    let guest = Guest::comes(&server);
    let mut cut = guest.opens("/stream.mp4?delay=low&back=12s");
    let clock = Deadline::after(SOON);
    let reading = thread::spawn(move || {
        back.until(Duration::from_mins(1), |_| false);
        (back, clock.elapsed())
    });

    assert!(!live.until(SOON, |_| false), "it ends with the film");
    let ended = clock.elapsed();
    // Off the air: nobody new comes in.
    let off = watch(SOON, || {
        (guest.status("/stream.mp4?back=12s") == 404).then_some(())
    });
    assert!(off.is_some(), "still on the air");
    let users = server.says(&["users", "--json"]);
    let tag = users.split("\"tag\":\"#").nth(1).expect("the guest");
    server.says(&["cut", tag.split('"').next().expect("a tag")]);
    let soon = Deadline::after(Duration::from_secs(4));
    let is_cut = loop {
        match cut.next(soon.left()) {
            Piece::Data(_) => {}
            Piece::Silence => break false,
            Piece::End | Piece::Cut => break true,
        }
    };
    assert!(is_cut, "who is cut is cut");

    let (back, took) = reading.join().expect("it was read");
    let end = |viewer: &Watching| viewer.fragments.last().expect("a fragment").end();
    assert_eq!(end(&back), end(&live), "to the last picture");
    assert!((13.0..20.5).contains(&back.seconds()), "{}", back.seconds());
    let (pause, overlap) = back.seams();
    assert!(pause < Duration::from_millis(60), "{pause:?}");
    assert!(overlap < Duration::from_millis(2), "{overlap:?}");
    // 12 s behind, of which 2.5 s are there in advance.
    let later = took.saturating_sub(ended).as_secs_f64();
    assert!((5.0..14.0).contains(&later), "{later} s after the others");
}

/// A way to the server on which the large answers can be held up.
struct Relay {
    address: SocketAddr,
    held: Arc<AtomicBool>,
}

impl Relay {
    fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let held = Arc::new(AtomicBool::new(false));
        let hold = Arc::clone(&held);
        thread::spawn(move || {
            for browser in listener.incoming().flatten() {
                let site = TcpStream::connect(server).expect("the server");
                let pair = (browser.try_clone(), site.try_clone());
                let (Ok(from), Ok(to)) = pair else { return };
                thread::spawn(move || copy(from, to, None));
                let hold = Arc::clone(&hold);
                thread::spawn(move || copy(site, browser, Some(&hold)));
            }
        });
        Self { address, held }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, hold: Option<&AtomicBool>) {
    let (mut bytes, mut is_video) = ([0; 4096], false);
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        let some = bytes.get(..length).unwrap_or_default();
        is_video |= some.windows(9).any(|part| part == b"video/mp4");
        while is_video && hold.is_some_and(|hold| hold.load(Ordering::Relaxed)) {
            thread::sleep(Duration::from_millis(50));
        }
        if to.write_all(some).is_err() {
            break;
        }
    }
    let _gone = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[test]
fn a_browser_on_a_bad_way_is_told_how_far_behind_it_is_and_goes_live_with_a_click() {
    let server = show_since(5, &[]);
    let relay = Relay::to(server.local_address());
    let site = format!("http://{}/", relay.address);
    let anna = Person::comes(Options::coloured(Scheme::Light), &site);
    let firefox = &anna.firefox;
    anna.plays();
    anna.in_frame("iframe.live", |firefox| firefox.wait_for("x-beat", SOON));

    relay.held.store(true, Ordering::Relaxed);
    anna.in_frame("iframe.live", |firefox| {
        let words = firefox.wait_for_text("x-lag", "go live", Duration::from_mins(2));
        assert!((14..40).contains(&about(&words)), "{words}");
    });
    relay.held.store(false, Ordering::Relaxed);
    for (width, height) in SIZES {
        firefox.set_page_size(width, height);
        firefox.screenshot(&format!("behind-{width}.png"));
    }
    anna.in_frame("iframe.live", |firefox| {
        firefox.click("x-lag:last-of-type a");
        let gone = watch(SOON, || (firefox.count("x-lag.none") > 0).then_some(()));
        assert!(gone.is_some(), "it is still said");
    });
    anna.plays();
}
