//! Recordings: the real program, files that outlive it, and a browser that plays them.

mod stage;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use stage::{
    Deadline,
    desk::{Desk, PASSWORD, presses, set_password},
    firefox::{Firefox, Options, Scheme},
    guest::Guest,
    http::{Piece, Request, Response},
    process::program,
    server::Server,
    watch,
};

const SOON: Duration = Duration::from_secs(20);

/// What every test here wants: no Tor, and disks of any size.
const PLAIN: [&str; 3] = ["--no-tor", "--set", "recording.keep_free=0B"];

fn ffmpeg() -> PathBuf {
    program("ffmpeg", "FFMPEG")
}

/// The files of recordings in a working directory, oldest first.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.join("recordings"));
    let mut files: Vec<_> = entries
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "mp4"))
        .collect();
    files.sort();
    files
}

/// Decodes all of a file, and gives the seconds that were in it and what ffmpeg had to say.
fn decode(file: &Path) -> (f64, String) {
    let output = Command::new(ffmpeg())
        .args(["-nostdin", "-v", "warning", "-stats_period", "60"])
        .args(["-progress", "pipe:1", "-i"])
        .arg(file)
        .args(["-f", "null", "-"])
        .output()
        .expect("ffmpeg runs");
    let told = String::from_utf8_lossy(&output.stdout);
    let micros = told
        .lines()
        .filter_map(|line| line.strip_prefix("out_time_us=")?.parse::<f64>().ok())
        .fold(0.0, f64::max);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (micros / 1e6, said)
}

/// Puts a recording of so many seconds into a directory, as a crash leaves it: with a beginning and
/// no end in the index. Returns its file.
fn put(directory: &Path, name: &str, seconds: u32, index: &str) -> PathBuf {
    let place = directory.join("recordings");
    fs::create_dir_all(&place).expect("a directory");
    let file = place.join(format!("{name}.mp4"));
    let made = Command::new(ffmpeg())
        .args(["-nostdin", "-v", "error", "-y"])
        .args(["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10"])
        .args(["-f", "lavfi", "-i", "sine=frequency=300:sample_rate=48000"])
        .args(["-t", &seconds.to_string(), "-c:v", "libx264"])
        .args(["-preset", "ultrafast", "-g", "20", "-pix_fmt", "yuv420p"])
        .args(["-c:a", "aac", "-b:a", "48k", "-f", "mp4", "-movflags"])
        .arg("+frag_keyframe+empty_moov+default_base_moof+skip_trailer")
        .args(["-frag_duration", "200000"])
        .arg(&file)
        .status()
        .expect("ffmpeg runs");
    assert!(made.success());
    let list = place.join("index.toml");
    let mut text = fs::read_to_string(&list).unwrap_or_default();
    for part in ["[[recordings]]\nname = \"", name, "\"\n", index, "\n"] {
        text.push_str(part);
    }
    fs::write(&list, text).expect("an index");
    fs::set_permissions(&list, fs::Permissions::from_mode(0o600)).expect("a mode");
    file
}

fn get(server: &Server, path: &str) -> Response {
    Request::get(path).send(server.local_address())
}

/// Waits until the list shows so many recordings that can be played.
fn listed(server: &Server, count: usize) -> String {
    let page = watch(SOON, || {
        let page = get(server, "/recordings").text();
        (page.matches(">Download<").count() == count).then_some(page)
    });
    page.unwrap_or_else(|| panic!("{}\n{}", get(server, "/recordings").text(), server.log()))
}

#[test]
fn a_recording_can_be_played_to_its_last_fragment_after_the_program_was_killed() {
    for source in [&["demo"][..], &["test", "--preset", "low-latency"]] {
        let setting = format!("encoder.ffmpeg={}", ffmpeg().display());
        let mut arguments = vec!["--record", "--set", &setting, "--source"];
        arguments.extend(source.iter().chain(&PLAIN));
        let mut server = Server::start(&arguments);
        let directory = server.directory().to_owned();
        server.wait_log("recording into", SOON);
        let deadline = Deadline::after(Duration::from_secs(6));
        while !deadline.has_passed() {
            std::thread::sleep(deadline.left());
        }
        server.sigkill();

        let file = files(&directory).pop().expect("a recording");
        let (seconds, said) = decode(&file);
        assert!(seconds > 4.0, "{source:?}: only {seconds} s");
        assert_eq!(said, "", "{source:?}");
        let mode = |path: &Path| path.metadata().expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(file.parent().expect("a directory")), 0o700);

        // The power went in the middle of a write.
        let cut = fs::File::options().write(true).open(&file).expect("a file");
        let len = file.metadata().expect("a file").len();
        cut.set_len(len - 1_000).expect("a cut");
        let (after_cut, _) = decode(&file);
        assert!(after_cut > seconds - 1.5, "{after_cut} of {seconds} s");
        let public = ["--set", "recording.public=true", "--source", "demo"];
        let again = Server::start_in(&directory, &[&PLAIN[..], &public].concat());
        let page = listed(&again, 1);
        let (repaired, said) = decode(&file);
        assert!((repaired - after_cut).abs() < 0.5, "{repaired} {after_cut}");
        assert_eq!(said, "", "{source:?}");
        let clock = format!("0:{:02}", repaired.floor());
        assert!(page.contains(&clock), "{clock}: {page}");
    }
}

#[test]
fn parts_are_sent_as_they_are_asked_for_and_nothing_tells_about_files_and_clocks() {
    let server = Server::start_prepared(
        &[&PLAIN[..], &["--set", "recording.public=true"]].concat(),
        |directory| {
            put(
                directory,
                "2026-11-21_2000",
                90,
                "began = 1\ntitle = \"Onions & <tea>\"",
            );
        },
    );
    let page = listed(&server, 1);
    assert!(page.contains("Onions &amp; &lt;tea&gt;"), "{page}");
    let path = "/recordings/2026-11-21_2000.mp4";
    let range = |range: &str| {
        let request = Request::get(path).header("Range", range);
        request.send(server.local_address())
    };

    let whole = get(&server, path);
    assert_eq!(whole.status, 200);
    // As it is on the disk, and how long it is.
    let file = &whole.body;
    let stored = fs::read(&files(server.directory())[0]).expect("a file");
    assert_eq!(file.len(), stored.len() + 20);
    assert_eq!(file[5_000..], stored[4_980..]);
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert_eq!(whole.header("content-type"), Some("video/mp4"));
    for name in [
        "date",
        "server",
        "last-modified",
        "etag",
        "content-disposition",
    ] {
        assert_eq!(whole.header(name), None, "{name}");
    }
    let len = file.len();
    // Longer than one piece, and across its borders.
    for (from, to) in [(0, 0), (65_000, 200_000), (len - 5, len - 1)] {
        let part = range(&format!("bytes={from}-{to}"));
        assert_eq!(part.status, 206);
        assert_eq!(part.body, &file[from..=to]);
        let said = format!("bytes {from}-{to}/{len}");
        assert_eq!(part.header("content-range"), Some(said.as_str()));
        let said = (to - from + 1).to_string();
        assert_eq!(part.header("content-length"), Some(said.as_str()));
    }
    assert_eq!(range("bytes=-7").body, &file[len - 7..]);
    let beyond = range(&format!("bytes={len}-"));
    assert_eq!(beyond.status, 416);
    let said = format!("bytes */{len}");
    assert_eq!(beyond.header("content-range"), Some(said.as_str()));
    assert_eq!(range("bytes=0-1,4-5").status, 200);
    let head = Request::new("HEAD", path).send(server.local_address());
    assert_eq!(
        head.header("content-length"),
        Some(len.to_string().as_str())
    );
    assert_eq!(head.body.len(), 0);

    // From a place in the middle it is a recording by itself.
    let later = get(&server, &format!("{path}?from=75"));
    assert_eq!(later.status, 200);
    let there = server.directory().join("later.mp4");
    fs::write(&there, &later.body).expect("a file");
    let (seconds, said) = decode(&there);
    assert_eq!(said, "");
    assert!((29.0..=31.0).contains(&seconds), "{seconds}");
    let parts = format!("{path}?from=75");
    let part = Request::get(&parts).header("Range", "bytes=500-5000");
    let part = part.send(server.local_address());
    assert_eq!(
        (part.status, part.body.as_slice()),
        (206, &later.body[500..=5000])
    );
    let page = get(&server, "/recordings/2026-11-21_2000?from=75").text();
    assert!(page.contains(".mp4?from=60\""), "{page}");

    for name in [
        "2026-11-21_2000-1.mp4",
        "2026-11-21_2001.mp4",
        "index.toml",
        "..%2Ftitle.txt",
        "2026-11-21_2000.mp4%00",
        "%2e%2e%2f2026-11-21_2000.mp4",
        "2026-11-21_2000.mp4/..",
        "",
    ] {
        let answer = get(&server, &format!("/recordings/{name}"));
        assert_eq!(answer.status, 404, "{name}");
    }
}

#[test]
fn what_is_hidden_or_not_public_is_there_for_the_broadcaster_alone() {
    for is_public in [true, false] {
        let setting = format!("recording.public={is_public}");
        let arguments = [&PLAIN[..], &["--set", &setting]].concat();
        let server = Server::start_prepared(&arguments, |directory| {
            set_password(directory, PASSWORD);
            put(directory, "2026-11-21_2000", 2, "length = 2000");
            put(
                directory,
                "2026-11-22_2000",
                2,
                "length = 2000\nhidden = true",
            );
        });
        let open = "/recordings/2026-11-21_2000";
        let hidden = "/recordings/2026-11-22_2000";
        let anna = Guest::comes(&server);
        let mut ben = Guest::comes(&server);
        ben.logs_in(PASSWORD);

        let seen = if is_public { 200 } else { 404 };
        assert_eq!(get(&server, "/recordings").status, seen);
        let home = get(&server, "/").text();
        assert_eq!(home.contains("href=\"/recordings\""), is_public);
        for path in [open, &format!("{open}.mp4")] {
            assert_eq!(anna.status(path), seen, "{path}");
            assert_eq!(ben.status(path), 200, "{path}");
        }
        for path in [hidden, &format!("{hidden}.mp4")] {
            assert_eq!(anna.status(path), 404, "{path}");
            assert_eq!(ben.status(path), 200, "{path}");
        }

        let said = ben.sends("/broadcaster/recordings", &[("do", "hide-2026-11-21_2000")]);
        assert!(said.contains("Hid the recording"), "{said}");
        assert_eq!(anna.status(&format!("{open}.mp4")), 404);
        ben.sends("/broadcaster/recordings", &[("do", "show-2026-11-22_2000")]);
        assert_eq!(anna.status(hidden), seen);
        let log = ben.opens("/broadcaster/log").finish(SOON).text();
        assert!(log.contains("Hid the recording 2026-11-21_2000"), "{log}");
    }
}

#[test]
fn nobody_else_can_start_stop_hide_or_delete() {
    let server = Server::start_prepared(&PLAIN, |directory| {
        set_password(directory, PASSWORD);
        put(directory, "2026-11-21_2000", 2, "length = 2000");
    });
    let page = "/broadcaster/recordings";
    let anna = Guest::comes(&server);
    let mut ben = Guest::comes(&server);
    ben.logs_in(PASSWORD);
    let deeds = [
        "start",
        "stop",
        "hide-2026-11-21_2000",
        "delete-2026-11-21_2000",
    ];

    assert_eq!(anna.status(page), 403);
    let nonce = ben.nonce(page);
    for deed in deeds {
        // With the broadcaster's own number, too.
        let fields = [("nonce", nonce.as_str()), ("do", deed)];
        assert_eq!(anna.posts(page, &fields, &[]).status, 403, "{deed}");
        let elsewhere = [("Sec-Fetch-Site", "cross-site")];
        assert_eq!(ben.posts(page, &fields, &elsewhere).status, 403, "{deed}");
        let without = ben.posts(page, &[("do", deed)], &[]).text();
        assert!(without.contains("notice refused"), "{deed}: {without}");
        assert_eq!(
            Request::get(&format!("{page}?do={deed}"))
                .send(server.local_address())
                .status,
            403
        );
    }
    assert_eq!(files(server.directory()).len(), 1);
    assert!(!server.log().contains("recording into"), "{}", server.log());

    let question = format!("{page}?delete=2026-11-21_2000");
    let asked = ben.opens(&question).finish(SOON).text();
    assert!(asked.contains("for good?"), "{asked}");
    assert_eq!(files(server.directory()).len(), 1);
    let said = ben.sends(page, &[("do", "delete-2026-11-21_2000")]);
    assert!(said.contains("Deleted the recording"), "{said}");
    assert!(files(server.directory()).is_empty());
    let said = ben.sends(page, &[("do", "delete-2026-11-21_2000")]);
    assert!(said.contains("no such recording"), "{said}");
}

#[test]
fn the_desk_starts_and_stops_and_a_full_disk_ends_the_recording_and_not_the_show() {
    let arguments = ["--source", "demo", "--set", "recording.max_size=300KiB"];
    let server = Server::start_prepared(&[&PLAIN[..], &arguments].concat(), |directory| {
        set_password(directory, PASSWORD);
    });
    let page = "/broadcaster/recordings";
    let mut ben = Guest::comes(&server);
    ben.logs_in(PASSWORD);
    let state = || ben.opens(page).finish(SOON).text();
    assert!(state().contains("Not recording"));
    assert!(!server.directory().join("recordings").exists());

    let said = ben.sends(page, &[("do", "start")]);
    assert!(said.contains("Switched recording on"), "{said}");
    assert!(said.contains("class=\"running\""), "{said}");
    let said = ben.sends(page, &[("do", "stop")]);
    assert!(said.contains("Not recording"), "{said}");
    assert_eq!(files(server.directory()).len(), 1);

    ben.sends(page, &[("do", "start")]);
    let full = watch(Duration::from_mins(1), || {
        let page = state();
        page.contains("The last recording ended").then_some(page)
    });
    let full = full.unwrap_or_else(|| panic!("{}", state()));
    assert!(
        full.contains("of 300 KiB (<code>recording.max_size</code>)"),
        "{full}"
    );
    assert!(
        full.contains("No room to record") || full.contains("Soon there is no room"),
        "{full}"
    );
    server.wait_log("the show goes on", SOON);
    let sizes = files(server.directory()).into_iter();
    let sizes: Vec<_> = sizes
        .map(|file| file.metadata().expect("a file").len())
        .collect();
    assert!(sizes.iter().sum::<u64>() <= 300 << 10, "{sizes:?}");
    let last = files(server.directory()).pop().expect("a recording");
    assert_eq!(decode(&last).1, "");
    // The show goes on.
    let mut stream = Request::get("/stream.mp4?delay=low").open(server.local_address());
    let mut bytes = 0;
    let deadline = Deadline::after(SOON);
    while bytes < 300_000 {
        match stream.next(deadline.left()) {
            Piece::Data(data) => bytes += data.len(),
            other => panic!("after {bytes} bytes: {other:?}"),
        }
    }
}

#[test]
fn a_download_ends_when_the_recording_is_hidden() {
    let arguments = ["--set", "recording.public=true", "--source", "demo"];
    let server = Server::start_prepared(&[&PLAIN[..], &arguments].concat(), |directory| {
        set_password(directory, PASSWORD);
        let file = put(directory, "2026-11-21_2000", 1, "length = 2000");
        // More than sockets hold.
        let file = fs::File::options().write(true).open(file).expect("a file");
        file.set_len(64 << 20).expect("a large file");
    });
    let mut ben = Guest::comes(&server);
    ben.logs_in(PASSWORD);
    let path = "/recordings/2026-11-21_2000.mp4";
    let mut download = Request::get(path).open(server.local_address());
    assert_eq!(download.status, 200);
    let first = download.next(SOON);
    assert!(matches!(first, Piece::Data(_)), "{first:?}");

    ben.sends("/broadcaster/recordings", &[("do", "hide-2026-11-21_2000")]);

    let mut bytes = 0;
    loop {
        match download.next(SOON) {
            Piece::Data(data) => bytes += data.len(),
            Piece::Silence => panic!("it neither ends nor goes on"),
            _end => break,
        }
    }
    assert!(bytes < 32 << 20, "{bytes} bytes came after that");
}

#[test]
fn a_browser_without_javascript_plays_a_recording_and_goes_to_other_places() {
    let arguments = ["--set", "recording.public=true", "--source", "demo"];
    let server = Server::start_prepared(&[&PLAIN[..], &arguments].concat(), |directory| {
        let title = "title = \"Evening show: onions, tea & a rather long title that has to be broken somewhere\"";
        put(
            directory,
            "2026-11-21_2000",
            150,
            &format!("began = 1\n{title}"),
        );
        put(directory, "2026-11-22_2000", 3, "began = 1");
    });
    listed(&server, 2);
    let url = server.local_url();
    let firefox = Firefox::start(Options::coloured(Scheme::Dark));
    firefox.goto(&url);
    firefox.wait_for("footer a[href='/recordings']", SOON);
    for (width, height) in [(360, 740), (1440, 900)] {
        firefox.set_page_size(width, height);
        firefox.goto(&format!("{url}recordings"));
        firefox.wait_for("li", SOON);
        firefox.assert_fits("the list");
        firefox.screenshot(&format!("recordings-{width}.png"));
    }
    firefox.click("li a[href='/recordings/2026-11-21_2000']");
    firefox.wait_for("video", SOON);
    let loaded = firefox.wait_for_video(SOON, |video| video.ready_state >= 1);
    assert_eq!(loaded.error, None);
    let length = "return document.querySelector('video').duration";
    let length = firefox.execute(length).as_f64().expect("a length");
    assert!((length - 150.0).abs() < 1.0, "the player says {length} s");
    firefox.click("video");
    let playing = firefox.wait_for_video(SOON, |video| video.current_time > 1.0);
    assert!(!playing.paused && playing.error.is_none(), "{playing:?}");

    // As the bar of the player does it.
    firefox.execute("document.querySelector('video').currentTime = 100");
    let there = firefox.wait_for_video(SOON, |video| video.current_time > 100.5);
    assert!(there.error.is_none(), "{there:?}");
    for (width, height) in [(360, 740), (1440, 900)] {
        firefox.set_page_size(width, height);
        firefox.assert_fits("the player");
        firefox.screenshot(&format!("recording-{width}.png"));
    }

    // From another place, without what is before it.
    firefox.click("nav a[href='/recordings/2026-11-21_2000?from=120']");
    firefox.wait_for_text(".from", "2:00", SOON);
    firefox.wait_for_video(SOON, |video| video.ready_state >= 1);
    let length = "return document.querySelector('video').duration";
    let length = firefox.execute(length).as_f64().expect("a length");
    assert!((length - 30.0).abs() < 1.0, "the player says {length} s");
    firefox.click("video");
    let playing = firefox.wait_for_video(SOON, |video| video.current_time > 1.0);
    assert!(playing.error.is_none(), "{playing:?}");
    // To its end.
    firefox.execute("document.querySelector('video').currentTime = 28");
    let end = firefox.wait_for_video(SOON, |video| video.ended);
    assert!(end.error.is_none(), "{end:?}");
}

#[test]
fn the_broadcaster_records_and_deletes_with_a_mouse() {
    let arguments = [
        "--source",
        "demo",
        "--set",
        "recording.public=true",
        "--set",
        "recording.max_size=5MiB",
    ];
    let server = Server::start_prepared(&[&PLAIN[..], &arguments].concat(), |directory| {
        set_password(directory, PASSWORD);
        put(
            directory,
            "2026-11-21_2000",
            90,
            "began = 1\ntitle = \"Evening show\"",
        );
    });
    listed(&server, 1);
    let desk = Desk::opens(Options::coloured(Scheme::Dark), &server);
    desk.opens_tool("recordings");
    let said = desk.tool(|firefox| presses(firefox, "button[value=start]"));
    assert!(said.contains("Switched recording on"), "{said}");
    desk.live(|firefox| firefox.wait_for_text("x-recording:last-of-type", "has begun", SOON));
    let url = server.local_url();
    let firefox = desk.firefox();
    firefox.screenshot("desk-recording.png");
    for (width, height) in [(360, 740), (1440, 900)] {
        firefox.set_page_size(width, height);
        firefox.goto(&format!("{url}broadcaster/recordings"));
        firefox.wait_for(".takes", SOON);
        firefox.assert_fits("the desk");
        firefox.screenshot(&format!("desk-recordings-{width}.png"));
    }
    presses(firefox, "button[value=stop]");
    firefox.click("a[href='/broadcaster/recordings?delete=2026-11-21_2000']");
    firefox.wait_for("button.grave", SOON);
    firefox.screenshot("desk-recordings-delete.png");
    let said = presses(firefox, "button.grave");
    assert!(said.contains("Deleted the recording"), "{said}");
    assert_eq!(files(server.directory()).len(), 1);
}
