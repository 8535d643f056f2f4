//! The site as bytes on a connection: headers, errors, limits, sessions, the endless responses.
//! The real program plays its built-in clip; nothing else is needed.

mod stage;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use stage::{
    Deadline,
    http::{Piece, Request, Response, Stream},
    server::Server,
    watch,
};

const SOON: Duration = Duration::from_secs(10);

fn demo() -> Server {
    Server::start(&["--source", "demo", "--no-tor"])
}

/// Reads `seconds` of an endless answer.
fn read_for(stream: &mut Stream, time: Duration) -> Vec<u8> {
    let deadline = Deadline::after(time);
    let mut bytes = Vec::new();
    while let Piece::Data(more) = stream.next(deadline.left()) {
        bytes.extend(more);
    }
    bytes
}

/// Whether an endless answer comes to a clean end.
fn ends_cleanly(stream: &mut Stream, allowed: Duration) -> bool {
    let deadline = Deadline::after(allowed);
    loop {
        match stream.next(deadline.left()) {
            Piece::Data(_) => {}
            Piece::End => return true,
            Piece::Cut | Piece::Silence => return false,
        }
    }
}

/// What a panel that is opened now says about the number of people watching.
fn watching(server: &Server) -> String {
    Request::get("/live?static=1")
        .send(server.local_address())
        .text()
}

#[test]
fn every_answer_carries_the_privacy_headers_and_no_fingerprint() {
    let server = demo();
    let requests = [
        ("GET", "/", 200),
        ("GET", "/video", 200),
        ("GET", "/video?delay=safe", 200),
        ("GET", "/video?delay=nonsense", 200),
        ("GET", "/live", 200),
        ("GET", "/live?static=1", 200),
        ("GET", "/compose", 200),
        // Whoever is in already is led to the first page.
        ("GET", "/enter", 303),
        ("GET", "/?chat=0", 200),
        ("GET", "/broadcaster", 303),
        ("GET", "/broadcaster/login", 200),
        ("GET", "/broadcaster/live", 403),
        ("GET", "/broadcaster/api/info", 401),
        ("GET", "/broadcaster/in/x", 404),
        ("GET", "/privacy", 200),
        ("GET", "/emote/1", 404),
        ("GET", "/stream.m3u8", 200),
        ("GET", "/init.mp4", 200),
        ("GET", "/stream2.m4s", 200),
        ("GET", "/master.m3u8", 200),
        ("GET", "/audio.m3u8", 200),
        ("GET", "/audio-init.mp4", 200),
        ("GET", "/audio2.m4s", 200),
        ("GET", "/video?quality=low", 200),
        ("GET", "/video?quality=%2e%2e&quality=x", 200),
        ("GET", "/quality/low/stream.mp4", 404),
        ("GET", "/quality/%2e%2e/init.mp4", 404),
        ("GET", "/quality/low", 404),
        ("GET", "/quality/%ff/stream.mp4", 404),
        ("HEAD", "/quality/%ff/stream.mp4", 404),
        ("GET", "/quality/%ff/stream.m3u8", 404),
        ("GET", "/quality/%ff/init.mp4", 404),
        ("GET", "/recordings/%ff", 404),
        ("GET", "/recordings/%ff/chat.txt", 404),
        ("POST", "/quality/low/init.mp4", 405),
        ("HEAD", "/stream.mp4", 200),
        ("HEAD", "/audio.mp4", 200),
        ("GET", "/audio", 200),
        ("GET", "/audio?delay=nonsense&start=0", 200),
        ("HEAD", "/", 200),
        ("GET", "/stream999999.m4s", 404),
        ("GET", "/stream-1.m4s", 404),
        ("GET", "/stream1.m4s/../../etc/passwd", 404),
        ("GET", "/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/broadcaster.php", 404),
        ("GET", "/favicon.ico", 404),
        ("POST", "/", 405),
        ("DELETE", "/stream.mp4", 405),
        ("POST", "/nothing", 404),
    ];
    for (method, target, status) in requests {
        let answer = Request::new(method, target).send(server.local_address());
        let what = format!("{method} {target}");

        assert_eq!(answer.status, status, "{what}");
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{what}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{what}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'"), "{what}: {policy}");
        assert!(!policy.contains("unsafe"), "{what}: {policy}");
        for name in [
            "date",
            "server",
            "etag",
            "last-modified",
            "x-powered-by",
            "via",
        ] {
            assert!(answer.header(name).is_none(), "{what} tells its {name}");
        }
    }
}

#[test]
fn pages_have_no_script_nothing_from_elsewhere_and_a_fresh_nonce_each() {
    let server = demo();
    let mut nonces = Vec::new();
    for target in ["/", "/video", "/live", "/live?static=1", "/nothing", "/"] {
        let answer = Request::get(target).send(server.local_address());
        let page = answer.text();
        let nonce = page
            .split("nonce=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let nonce = nonce.unwrap_or_default().to_owned();
        // It is random and may hold slashes.
        let html = page.replace(&nonce, "");
        for foreign in [
            "<script",
            "<svg",
            "http://",
            "https://",
            "//",
            " on",
            "style=\"",
            "@import",
            "@font-face",
        ] {
            let found = html.replace("type=", "").contains(foreign);
            // A word that begins with "on", and the comments of the style sheets.
            let innocent = foreign == " on"
                && !html.contains(" onload")
                && !html.contains(" onclick")
                && !html.contains(" onerror");
            assert!(!found || innocent, "{target} contains {foreign}");
        }
        assert_eq!(nonce.len(), 24, "{target}: 128 bits");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(
            policy.contains(&format!("style-src 'nonce-{nonce}'")),
            "{target}"
        );
        assert!(
            !nonces.contains(&nonce),
            "{target}: the nonce was used before"
        );
        nonces.push(nonce);
    }
}

#[test]
fn oversized_requests_are_refused_and_the_site_goes_on() {
    let server = demo();
    let long = format!("/{}", "a".repeat(2000));
    assert_eq!(Request::get(&long).send(server.local_address()).status, 414);
    let fat = Request::get("/").header("X-Fat", &"a".repeat(40_000));
    assert_eq!(fat.send(server.local_address()).status, 431);
    let mut many = Request::get("/");
    for number in 0..200 {
        many = many.header(&format!("X-{number}"), "a");
    }
    assert_eq!(many.send(server.local_address()).status, 431);
    // A body that nobody asked for is not read.
    let stuffed = Request::get("/").body(vec![b'a'; 5_000_000]);
    assert_eq!(stuffed.send(server.local_address()).status, 200);

    assert_eq!(Request::get("/").send(server.local_address()).status, 200);
}

#[test]
fn the_preview_answers_only_to_names_of_this_computer() {
    let server = demo();
    for host in [
        "evil.example",
        "evil.example:80",
        "localhost.evil.example",
        "192.168.1.5",
    ] {
        let answer = Request::get("/")
            .header("Host", host)
            .send(server.local_address());
        assert_eq!(answer.status, 421, "{host}");
        assert!(answer.cookies().is_empty(), "{host} gets no session");
    }
    for host in ["localhost:5051", "127.0.0.1", "[::1]:99"] {
        let answer = Request::get("/")
            .header("Host", host)
            .send(server.local_address());
        assert_eq!(answer.status, 200, "{host}");
    }
}

#[test]
fn sessions_are_minted_here_and_a_token_chosen_by_a_client_is_worth_nothing() {
    let server = demo();
    let first = Request::get("/").send(server.local_address());
    let header = first.header("set-cookie").unwrap_or_default();
    assert!(
        header.contains("; HttpOnly") && header.contains("; SameSite=Strict"),
        "{header}"
    );
    let cookies = first.cookies();
    assert_eq!(cookies.len(), 1);
    assert_eq!(
        cookies[0].len(),
        "session=".len() + 32,
        "128 bits in hexadecimal"
    );

    let again = Request::get("/")
        .cookies(&[&cookies[0]])
        .send(server.local_address());
    assert!(again.cookies().is_empty(), "a known session stays");

    let chosen = format!("session={}", "0".repeat(32));
    let answer = Request::get("/")
        .cookies(&[&chosen])
        .send(server.local_address());
    assert_eq!(
        answer.cookies().len(),
        1,
        "a token of their own is not taken"
    );
    assert_ne!(answer.cookies()[0], chosen);
    assert_ne!(answer.cookies()[0], cookies[0]);
}

#[test]
fn the_stream_is_one_endless_answer_that_begins_at_once() {
    let server = demo();
    let range = Request::get("/stream.mp4").header("Range", "bytes=0-");
    let clock = Deadline::after(SOON);
    let mut stream = range.open(server.local_address());

    assert_eq!(
        stream.status, 200,
        "not 206: there is no length to take a part of"
    );
    assert_eq!(stream.header("content-type"), Some("video/mp4"));
    assert_eq!(stream.header("transfer-encoding"), Some("chunked"));
    assert_eq!(stream.header("content-length"), None);
    let start = stream.read_until(SOON, |bytes| bytes.len() > 100_000);
    assert_eq!(start.get(4..8), Some(b"ftyp".as_slice()));
    assert!(
        clock.elapsed() < Duration::from_secs(2),
        "the burst took {:?}",
        clock.elapsed()
    );
    // The rest of the burst, and then what the clip brings: 308 kbit/s.
    read_for(&mut stream, Duration::from_secs(1));
    let rest = read_for(&mut stream, Duration::from_secs(3)).len();
    assert!((60_000..200_000).contains(&rest), "{rest} bytes in 3 s");
}

#[test]
fn a_third_video_of_a_session_ends_the_first_cleanly_and_nobody_elses() {
    let server = demo();
    let page = Request::get("/").send(server.local_address());
    let cookies = page.cookies();
    let mine = || {
        Request::get("/stream.mp4")
            .cookies(&[&cookies[0]])
            .open(server.local_address())
    };
    let mut stranger = Request::get("/stream.mp4").open(server.local_address());
    let (mut first, mut second) = (mine(), mine());

    let mut third = mine();

    assert!(ends_cleanly(&mut first, SOON), "the oldest ends");
    assert!(read_for(&mut second, Duration::from_secs(2)).len() > 10_000);
    assert!(read_for(&mut third, Duration::from_secs(1)).len() > 10_000);
    assert!(read_for(&mut stranger, Duration::from_secs(1)).len() > 10_000);
}

#[test]
fn people_are_counted_once_each_while_they_watch() {
    let server = demo();
    assert!(watching(&server).contains("nobody is watching"));
    let cookies = Request::get("/").send(server.local_address()).cookies();
    let open = |cookie: &str| {
        Request::get("/stream.mp4")
            .cookies(&[cookie])
            .open(server.local_address())
    };
    let mine = [open(&cookies[0]), open(&cookies[0])];
    let guest = Request::get("/stream.mp4").open(server.local_address());

    let two = watch(SOON, || {
        watching(&server)
            .contains("2 people are watching")
            .then_some(())
    });
    assert!(two.is_some(), "{}", watching(&server));
    drop(guest);
    let one = watch(SOON, || {
        watching(&server)
            .contains("1 person is watching")
            .then_some(())
    });
    assert!(one.is_some(), "{}", watching(&server));
    drop(mine);
    let none = watch(SOON, || {
        watching(&server)
            .contains("nobody is watching")
            .then_some(())
    });
    assert!(none.is_some(), "{}", watching(&server));
}

#[test]
fn a_title_edit_reaches_open_panels_within_300_ms_in_place_or_by_rename() {
    let server = demo();
    let mut panel = Request::get("/live?follow=1").open(server.local_address());
    panel.read_until_text(SOON, "</x-beat>");
    let file = server.directory().join("title.txt");
    let new = server.directory().join("title.txt.new");

    for (number, rename) in [(1, false), (2, true), (3, false), (4, true)] {
        let clock = Deadline::after(SOON);
        if rename {
            std::fs::write(&new, format!("Show {number}")).expect("a file");
            std::fs::rename(&new, &file).expect("a file");
        } else {
            std::fs::write(&file, format!("Show {number}")).expect("a file");
        }
        panel.read_until_text(SOON, &format!("Show {number}</x-title>"));
        assert!(
            clock.elapsed() < Duration::from_millis(300),
            "{:?}",
            clock.elapsed()
        );
    }

    std::fs::write(&file, b"bad \xff bytes").expect("a file");
    server.wait_log("title.txt", SOON);
    let page = Request::get("/").send(server.local_address()).text();
    assert!(
        page.contains("<title>Show 4</title>"),
        "the old title stays"
    );
}

#[test]
fn the_panel_ends_by_itself_at_its_size_and_its_refresh_opens_the_next() {
    let server = Server::start(&[
        "--source",
        "demo",
        "--no-tor",
        "--set",
        "live.max_elements=100",
        "--set",
        "live.heartbeat=2s",
    ]);
    let file = server.directory().join("title.txt");
    let mut panel = Request::get("/live?follow=1").open(server.local_address());
    let head = panel.read_until_text(SOON, "</x-beat>");
    assert!(head.contains("<meta http-equiv=\"refresh\" content=\"3;url=/live?follow=1\">"));

    let mut number = 0;
    let ended = watch(Duration::from_mins(1), || {
        number += 1;
        std::fs::write(&file, format!("Show {number}")).expect("a file");
        match panel.next(Duration::from_millis(100)) {
            Piece::End => Some(number),
            Piece::Data(_) | Piece::Silence => None,
            Piece::Cut => panic!("cut off"),
        }
    });
    assert!(ended.is_some(), "it never ends");
}

#[test]
fn a_reader_who_stops_is_let_go_and_others_do_not_notice() {
    let server = Server::start(&[
        "--source",
        "demo",
        "--no-tor",
        "--set",
        "http.stall_timeout=5s",
    ]);
    let mut stopped = Request::get("/stream.mp4").open(server.local_address());
    let mut reader = Request::get("/stream.mp4").open(server.local_address());
    let other = read_for(&mut reader, Duration::from_secs(12)).len();
    assert!(other > 300_000, "{other} bytes");

    // The kernel's buffers on both sides fill up first; then five seconds pass.
    let cut = watch(Duration::from_secs(90), || {
        std::thread::sleep(Duration::from_secs(2));
        let log = watching(&server);
        let _more = read_for(&mut reader, Duration::from_millis(100));
        log.contains("1 person is watching").then_some(())
    });
    assert!(cut.is_some(), "{}", watching(&server));
    let deadline = Deadline::after(SOON);
    let last = loop {
        match stopped.next(deadline.left()) {
            Piece::Data(_) => {}
            last => break last,
        }
    };
    assert_eq!(last, Piece::Cut, "what it missed cannot be made up for");
}

#[test]
fn a_head_that_never_ends_is_cut_off() {
    let server = Server::start(&[
        "--source",
        "demo",
        "--no-tor",
        "--set",
        "http.head_timeout=2s",
    ]);
    let mut socket = TcpStream::connect(server.local_address()).expect("a connection");
    socket
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        .expect("sent");
    socket.set_read_timeout(Some(SOON)).expect("a timeout");
    let clock = Deadline::after(SOON);

    let mut rest = Vec::new();
    let _closed = socket.read_to_end(&mut rest);

    assert!(
        clock.elapsed() < Duration::from_secs(6),
        "{:?}",
        clock.elapsed()
    );
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
}

#[test]
fn external_players_get_the_same_media_as_a_playlist() {
    let server = demo();
    let list = Request::get("/stream.m3u8").send(server.local_address());
    assert_eq!(
        list.header("content-type"),
        Some("application/vnd.apple.mpegurl")
    );
    let text = list.text();
    let names: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(names.len() >= 3, "{text}");

    let mut joined = Request::get("/init.mp4").send(server.local_address()).body;
    for name in &names {
        let segment: Response = Request::get(&format!("/{name}")).send(server.local_address());
        assert_eq!(segment.status, 200, "{name}");
        assert_eq!(segment.body.get(4..8), Some(b"moof".as_slice()), "{name}");
        joined.extend(segment.body);
    }
    let file = server.directory().join("joined.mp4");
    std::fs::write(&file, joined).expect("a file");
    let probe = std::process::Command::new(std::env::var("FFMPEG").unwrap_or("ffmpeg".into()))
        .args(["-v", "error", "-xerror", "-i"])
        .arg(&file)
        .args(["-f", "null", "-"])
        .output()
        .expect("ffmpeg runs");
    assert!(
        probe.status.success() && probe.stderr.is_empty(),
        "{probe:?}"
    );
}

#[test]
fn a_signal_ends_open_responses_cleanly_and_the_program_within_five_seconds() {
    let mut server = demo();
    let mut video = Request::get("/stream.mp4").open(server.local_address());
    let mut panel = Request::get("/live?follow=1").open(server.local_address());
    video.read_until(SOON, |bytes| bytes.len() > 10_000);
    panel.read_until_text(SOON, "</x-beat>");
    let clock = Deadline::after(SOON);

    let status = server.sigterm();

    assert!(
        clock.elapsed() < Duration::from_secs(5),
        "{:?}",
        clock.elapsed()
    );
    assert!(status.success(), "{status}");
    assert!(ends_cleanly(&mut video, SOON));
    assert!(ends_cleanly(&mut panel, SOON));
}

#[test]
fn only_loopback_is_served_and_a_second_instance_names_the_first() {
    let server = demo();
    // It is up, and so it is the first.
    server.local_url();
    let directory = server.directory().display().to_string();
    let run = |arguments: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_onionstream"))
            .args(arguments)
            .output()
            .expect("the program runs")
    };

    let second = run(&[
        "--dir",
        &directory,
        "start",
        "--source",
        "demo",
        "--no-tor",
        "--listen",
        "127.0.0.1:0",
    ]);
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{words}");
    assert!(words.contains(&server.id().to_string()), "{words}");

    for address in ["0.0.0.0:0", "192.168.1.5:80", "[::]:80", "example.org:80"] {
        let refused = run(&["start", "--no-tor", "--listen", address]);
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(64), "{address}: {words}");
        assert!(words.contains("loopback"), "{address}: {words}");
    }
}

#[test]
fn a_unix_socket_works_and_is_removed_at_the_end() {
    let mut server = Server::start(&[
        "--source",
        "demo",
        "--no-tor",
        "--listen",
        "unix:site.sock",
        "--set",
        "captcha.entrance=false",
    ]);
    let path = server.directory().join("site.sock");
    let there = watch(SOON, || path.exists().then_some(()));
    assert!(there.is_some(), "{}", server.log());
    let mut socket = std::os::unix::net::UnixStream::connect(&path).expect("a connection");
    socket
        .write_all(b"GET / HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    server.sigterm();

    assert!(!path.exists());
}

#[test]
fn the_log_says_nothing_about_requests() {
    let mut server = Server::start(&["--source", "demo", "--no-tor", "--set", "log.level=trace"]);
    let answer = Request::get("/?secret-query=1")
        .header("User-Agent", "secret-agent")
        .header("X-Secret", "secret-header")
        .send(server.local_address());
    let cookie = answer.cookies()[0].clone();
    Request::get("/secret-path")
        .cookies(&[&cookie])
        .send(server.local_address());
    server.sigterm();

    let log = server.log();
    for secret in [
        "secret-query",
        "secret-agent",
        "secret-header",
        "secret-path",
        cookie.trim_start_matches("session="),
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}
