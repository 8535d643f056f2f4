//! Several qualities side by side, with real ffmpeg and Firefox: directories in the stream directory,
//! and one that is made from the broadcast.

mod stage;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use onionstream::media::{fragment::Fragment, init::InitSegment};
use rustix::process::{Pid, Signal, kill_process};
use stage::{
    Deadline,
    desk::{PASSWORD, set_password},
    encoder::{Codecs, Encoder, Kind, Options},
    firefox::{self, Firefox, Scheme},
    guest::Guest,
    http::{Piece, Request, Stream},
    process::{program, write_script},
    server::Server,
    watch,
    watching::{Watching, encoders_of},
};

const SOON: Duration = Duration::from_secs(40);

fn ffmpeg() -> PathBuf {
    program("ffmpeg", "FFMPEG")
}

fn start(arguments: &[&str]) -> Server {
    let setting = format!("encoder.ffmpeg={}", ffmpeg().display());
    let mut all = vec!["--no-tor", "--set", &setting, "--set"];
    all.push("captcha.entrance=false");
    all.extend(arguments);
    Server::start_prepared(&all, |directory| set_password(directory, PASSWORD))
}

fn get(server: &Server, path: &str) -> stage::http::Response {
    Request::get(path).send(server.local_address())
}

/// An encoder that writes into a directory of its own, below the stream directory.
fn beside(server: &Server, name: &str, width: u32, codecs: Codecs) -> Encoder {
    let options = Options {
        width,
        codecs,
        bitrate: width,
        ..Options::new(Kind::Growing)
    };
    Encoder::start_and_wait(&server.directory().join("stream").join(name), options)
}

/// Source and `low`, written by two encoders; both are on the air.
fn side_by_side(arguments: &[&str]) -> (Server, Encoder, Encoder) {
    let server = start(arguments);
    server.local_url();
    let source = beside(&server, "", 640, Codecs::H264);
    let low = beside(&server, "low", 320, Codecs::H264);
    let both = watch(SOON, || {
        let text = get(&server, "/master.m3u8").text();
        (text.contains("640x360") && text.contains("320x180")).then_some(())
    });
    assert!(both.is_some(), "{}", server.log());
    (server, source, low)
}

/// Width of the picture that comes first at this address.
fn width_at(server: &Server, path: &str) -> u16 {
    let mut watching = Watching::open_at(server, path);
    assert!(watching.until(SOON, |watching| watching.seconds() > 1.0));
    let mut tracks = watching.inits.iter().flat_map(InitSegment::tracks);
    let size = tracks.find_map(|track| track.entry?.size);
    size.expect("a picture").0
}

/// The address of the newest segment of `low`.
fn segment_of_low(server: &Server) -> String {
    let found = watch(SOON, || {
        let list = get(server, "/quality/low/stream.m3u8").text();
        let name = list.lines().rfind(|line| line.starts_with("stream"))?;
        Some(format!("/quality/low/{name}"))
    });
    found.expect("a segment is complete")
}

/// The attribute of a stream in a master playlist.
fn attribute(master: &str, address: &str, name: &str) -> Option<u64> {
    let lines: Vec<_> = master.lines().collect();
    let at = lines.iter().position(|line| *line == address)?;
    let line = lines.get(at.checked_sub(1)?)?;
    let (_, rest) = line.split_once(&format!("{name}="))?;
    rest.split(',').next()?.parse().ok()
}

fn ends(stream: &mut Stream, allowed: Duration) -> bool {
    let deadline = Deadline::after(allowed);
    loop {
        match stream.next(deadline.left()) {
            Piece::Data(_) => {}
            Piece::End => return true,
            Piece::Cut | Piece::Silence => return false,
        }
    }
}

#[test]
fn each_quality_has_its_addresses_and_a_price_and_other_names_are_nothing() {
    let (server, _source, low) = side_by_side(&[]);
    assert_eq!(width_at(&server, "/stream.mp4?delay=low"), 640);
    assert_eq!(width_at(&server, "/stream.mp4?delay=low&quality=low"), 320);
    assert_eq!(width_at(&server, "/quality/low/stream.mp4?delay=low"), 320);
    // One that there is not: the source.
    assert_eq!(width_at(&server, "/stream.mp4?delay=low&quality=mid"), 640);

    let segment = segment_of_low(&server);
    for path in [
        "/quality/low/init.mp4".to_owned(),
        segment,
        "/audio-init.mp4".to_owned(),
    ] {
        let answer = get(&server, &path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.len() > 500, "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    let head = Request::new("HEAD", "/quality/low/stream.mp4").send(server.local_address());
    assert_eq!(
        (head.status, head.header("content-type")),
        (200, Some("video/mp4"))
    );
    for path in [
        "/quality/mid/stream.mp4",
        "/quality/../stream/init.mp4",
        "/quality/../x/stream.mp4",
        "/quality/%2e%2e/stream.mp4",
        "/quality/%2e%2e%2fstream/init.mp4",
        "/quality/%2e%2e/init.mp4",
        "/quality/low%2f..%2flow/stream.mp4",
        "/quality/desk/stream.mp4",
        "/quality/source/stream.mp4",
        "/quality/LOW/stream.mp4",
        "/quality/low%00/init.mp4",
        "/quality//stream.mp4",
        "/quality/abcdefghijklmnopqrstuvwxyz/stream.m3u8",
        "/quality/low/",
        "/quality/low/stream1.m4s/../../../init.mp4",
        "/quality/low/pid.txt",
        "/quality/low/stream999999.m4s",
        "/quality/low/audio-init.mp4",
        "/audio999999.m4s",
    ] {
        let answer = get(&server, path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("<html"), "{path}");
    }

    // What it costs is said where it is chosen, and at the desk.
    let priced = watch(SOON, || {
        let home = get(&server, "/").text();
        home.contains(">low</a>: about 3").then_some(home)
    });
    let home = priced.unwrap_or_else(|| get(&server, "/").text());
    assert!(home.contains("Picture and sound</a>: about 7"), "{home}");
    assert!(home.contains("Only the sound</a>: about "), "{home}");
    let mut broadcaster = Guest::comes(&server);
    broadcaster.logs_in(PASSWORD);
    let mut desk = broadcaster.opens("/broadcaster/live?follow=1");
    desk.read_until_text(SOON, "<b>low</b>: on the air, about 3");

    // The encoder is gone, and its directory is not: after a while of slate nothing of it can be had.
    low.kill();
    let gone = watch(SOON, || {
        let opened = Request::get("/quality/low/stream.mp4").open(server.local_address());
        (opened.status == 404).then_some(())
    });
    assert!(gone.is_some());
    assert!(!get(&server, "/").text().contains(">low<"));
}

#[test]
fn ffmpeg_plays_every_stream_of_the_master_playlist() {
    let (server, _source, _low) = side_by_side(&[]);
    let long = watch(SOON, || {
        let lists = ["/stream.m3u8", "/quality/low/stream.m3u8", "/audio.m3u8"];
        let is_long = |path: &&str| get(&server, path).text().matches("#EXTINF").count() >= 3;
        lists.iter().all(is_long).then_some(())
    });
    assert!(long.is_some());
    let master = get(&server, "/master.m3u8");
    assert_eq!(
        master.header("content-type"),
        Some("application/vnd.apple.mpegurl")
    );
    let master = master.text();
    assert!(
        master.contains("RESOLUTION=640x360,CODECS=\"avc1.4D"),
        "{master}"
    );
    assert!(
        master.contains(",CODECS=\"mp4a.40.2\"\naudio.m3u8"),
        "{master}"
    );
    for (address, expected) in [
        ("stream.m3u8", 640_000),
        ("quality/low/stream.m3u8", 320_000),
        ("audio.m3u8", 64_000),
    ] {
        let average = attribute(&master, address, "AVERAGE-BANDWIDTH").expect("it is listed");
        let peak = attribute(&master, address, "BANDWIDTH").expect("it is listed");
        let is_near = average > expected / 2 && average < expected * 2;
        assert!(peak >= average && is_near, "{master}");
    }

    let url = format!("{}master.m3u8", server.local_url());
    let seen = Command::new(program("ffprobe", "FFPROBE"))
        .args([
            "-v",
            "error",
            "-show_entries",
            "stream=width:format=nb_streams",
        ])
        .args(["-of", "flat", &url])
        .output()
        .expect("ffprobe runs");
    let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
    for part in ["width=640", "width=320", "format.nb_streams=5"] {
        assert!(seen.contains(part), "{seen}");
    }
    // Decoded from beginning to end, without a complaint.
    for (number, address) in [("0:v:0", "640"), ("0:v:1", "320"), ("0:a:2", "sound")] {
        let played = Command::new(ffmpeg())
            .args([
                "-nostdin", "-v", "warning", "-xerror", "-i", &url, "-t", "2",
            ])
            .args(["-map", number, "-f", "null", "-"])
            .stdout(Stdio::null())
            .output()
            .expect("ffmpeg runs");
        let said = String::from_utf8_lossy(&played.stderr);
        assert!(
            played.status.success() && said.is_empty(),
            "{address}: {said}"
        );
    }
}

#[test]
fn nobody_outside_the_door_gets_a_byte_of_a_variant() {
    let (server, _source, _low) = side_by_side(&[]);
    let segment = segment_of_low(&server);
    let paths = [
        "/stream.mp4?quality=low",
        "/quality/low/stream.mp4",
        "/quality/low/stream.m3u8",
        "/quality/low/init.mp4",
        "/master.m3u8",
        "/audio.m3u8",
        "/audio-init.mp4",
        &segment,
    ];
    let guest = Guest::comes(&server);
    assert!(paths.iter().all(|path| guest.status(path) == 200));
    // Somebody is blocked in the middle of it, and nobody else.
    let troll = Guest::comes(&server);
    let mut panel = troll.opens("/live?follow=1");
    panel.read_until_text(SOON, "x-people");
    troll.is_called("Troll");
    let mut theirs = troll.opens("/quality/low/stream.mp4?delay=low");
    assert!(matches!(theirs.next(SOON), Piece::Data(_)));
    server.says(&["block", "@Troll"]);
    assert!(ends(&mut theirs, SOON));
    for path in paths {
        assert_eq!(troll.status(path), 403, "{path}");
        assert_eq!(guest.status(path), 200, "{path}");
    }
    let mut open = guest.opens("/quality/low/stream.mp4?delay=low");
    let mut chosen = guest.opens("/stream.mp4?delay=low&quality=low");
    for stream in [&mut open, &mut chosen] {
        assert!(matches!(stream.next(SOON), Piece::Data(_)));
    }

    let mut broadcaster = Guest::comes(&server);
    broadcaster.logs_in(PASSWORD);
    let said = broadcaster.sends(
        "/broadcaster/door",
        &[("do", "password"), ("password", "open sesame")],
    );
    assert!(said.contains("need the viewing password"), "{said}");

    assert!(ends(&mut open, SOON) && ends(&mut chosen, SOON));
    for path in paths {
        assert_eq!(guest.status(path), 403, "{path}");
        let answer = get(&server, path);
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.text().contains("needs a password now"), "{path}");
    }
}

/// Waits until the picture of the frame plays and is this wide, and for more than a moment.
fn plays(firefox: &Firefox, width: u64) {
    let begun = firefox.wait_for_video(SOON, |video| {
        video.video_width == width && video.current_time > 0.3 && !video.paused
    });
    firefox.wait_for_video(SOON, |video| video.current_time > begun.current_time + 1.0);
}

/// The choice that the frame of the player marks.
fn current(firefox: &Firefox) -> String {
    firefox.wait_for(".notes [aria-current]", SOON);
    firefox
        .execute("return document.querySelector('.notes [aria-current]').textContent")
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_viewer_without_scripts_chooses_a_quality_keeps_it_and_gets_the_source_when_it_is_gone() {
    let (server, _source, low) = side_by_side(&[]);
    fs::write(
        server.directory().join("title.txt"),
        "An evening of onions\n",
    )
    .expect("a title");
    let priced = watch(SOON, || {
        let home = get(&server, "/").text();
        home.contains(">low</a>: about").then_some(())
    });
    assert!(priced.is_some());
    let firefox = Firefox::start(firefox::Options::coloured(Scheme::Dark));
    firefox.set_page_size(1440, 900);
    firefox.goto(&server.local_url());
    firefox.enter_frame("iframe.video");
    plays(&firefox, 640);
    assert_eq!(current(&firefox), "Picture and sound");
    firefox.leave_frames();

    firefox.click("footer a[href='/video?quality=low']");
    firefox.enter_frame("iframe.video");
    plays(&firefox, 320);
    assert_eq!(current(&firefox), "low");
    firefox.leave_frames();
    for (width, height) in [(1440, 900), (360, 740)] {
        firefox.set_page_size(width, height);
        let scrolls = "return [document.documentElement.scrollWidth > innerWidth]";
        assert_eq!(firefox.execute(scrolls)[0], false, "it fits at {width}");
        firefox.screenshot(&format!("quality-dark-{width}.png"));
    }
    firefox.set_page_size(1440, 900);

    // As last time.
    firefox.goto(&server.local_url());
    firefox.enter_frame("iframe.video");
    plays(&firefox, 320);

    // From the frame, to the sound and back to the quality, and to the picture.
    firefox.click(".notes a[href='/audio']");
    firefox.wait_for("audio", SOON);
    assert_eq!(current(&firefox), "Only the sound");
    firefox.click(".notes a[href='/video?quality=low']");
    plays(&firefox, 320);
    firefox.click(".notes a[href='/video?quality=source']");
    plays(&firefox, 640);
    firefox.click(".notes a[href='/video?quality=low']");
    plays(&firefox, 320);

    // The directory goes while somebody watches it.
    low.kill();
    fs::remove_dir_all(server.directory().join("stream/low")).expect("removed");
    firefox.wait_for_video(SOON, |video| video.ended && video.error.is_none());
    firefox.wait_for_text(".note.paused", "Go live", SOON);
    firefox.click(".note.paused a");
    plays(&firefox, 640);
    firefox.leave_frames();
    let home = get(&server, "/").text();
    assert!(
        !home.contains(">low<") && home.contains("Only the sound"),
        "{home}"
    );
    server.wait_log("the quality `low` is over", SOON);
}

#[test]
fn directories_that_cannot_be_qualities_are_left_out_and_a_fifth_is_named_once() {
    let server = start(&[]);
    server.local_url();
    let stream = server.directory().join("stream");
    for name in ["Low", "a\nb<c>", "p1", "p2", "p3", "p4", "p5"] {
        fs::create_dir(stream.join(name)).expect("made");
        fs::write(stream.join(name).join("init.mp4"), "").expect("written");
    }

    server.wait_log("left out are `p5`", SOON);
    let told = server.wait_log("the name of a quality is", SOON);
    assert!(
        told.contains("\"Low\"") || told.contains(r#""a\nb<c>""#),
        "{told}"
    );
    // Told once, however often it is looked at.
    let later = server.wait_log("there is a quality `p4`", SOON);
    drop(later);
    std::thread::sleep(Duration::from_millis(2_500));
    let log = server.log();
    assert_eq!(log.matches("left out are").count(), 1, "{log}");
    assert_eq!(log.matches("the name of a quality is").count(), 1, "{log}");
    let home = get(&server, "/").text();
    assert!(!home.contains("b<c>") && !home.contains("Low"), "{home}");
}

#[test]
fn low_is_made_from_the_broadcast_in_its_own_codecs_for_what_was_asked() {
    for (preset, codec) in [("balanced", "avc1."), ("compatible", "vp09.")] {
        let mut server = start(&["--source", "test", "--preset", preset, "--low"]);
        let mut watching = Watching::open_at(&server, "/quality/low/stream.mp4?delay=low");
        assert!(watching.until(SOON, |watching| watching.seconds() > 12.0));

        let (_, overlap) = watching.seams();
        assert_eq!(overlap, Duration::ZERO, "{preset}");
        let bytes: usize = watching.fragments.iter().map(|one| one.bytes().len()).sum();
        let kbits =
            f64::from(u32::try_from(bytes).expect("some seconds")) / 125.0 / watching.seconds();
        assert!((120.0..240.0).contains(&kbits), "{preset}: {kbits} kbit/s");
        let frames = watching.fragments.iter().flat_map(Fragment::runs);
        let frames: u32 = frames
            .filter(|run| run.track_id == 1)
            .map(|run| run.samples)
            .sum();
        let rate = f64::from(frames) / watching.seconds();
        assert!((12.0..13.0).contains(&rate), "{preset}: {rate} frames/s");
        let master = get(&server, "/master.m3u8").text();
        let low = master
            .lines()
            .find(|line| line.contains("RESOLUTION=426x240"));
        assert!(
            low.is_some_and(|line| line.contains(codec)),
            "{preset}: {master}"
        );
        assert_eq!(encoders_of(server.id()).len(), 2, "one beside the source");
        let guests = Guest::comes(&server);
        assert_eq!(guests.status("/video?quality=low"), 200);
        let page = guests.opens("/video").finish(SOON).text();
        assert!(page.contains("src=\"/stream.mp4?quality=low\""), "{page}");

        let id = server.id();
        assert!(server.sigterm().success());
        assert!(encoders_of(id).is_empty());
    }
}

#[test]
fn a_directory_for_low_takes_the_place_of_what_is_made_and_gives_it_back() {
    let server = start(&["--low"]);
    server.local_url();
    let source = beside(&server, "", 640, Codecs::H264);
    let has = |size: &str| {
        let seen = watch(SOON, || {
            get(&server, "/master.m3u8")
                .text()
                .contains(size)
                .then_some(())
        });
        assert!(seen.is_some(), "{size}: {}", server.log());
    };
    has("RESOLUTION=426x240");
    let low = beside(&server, "low", 320, Codecs::H264);
    has("RESOLUTION=320x180");
    let alone = watch(SOON, || encoders_of(server.id()).is_empty().then_some(()));
    assert!(alone.is_some(), "nobody needs it any more");
    low.kill();
    fs::remove_dir_all(server.directory().join("stream/low")).expect("removed");
    has("RESOLUTION=426x240");

    // It ends with the broadcast that it is made from.
    let mut watching = Watching::open_at(&server, "/quality/low/stream.mp4?delay=low");
    source.quit();
    assert!(!watching.until(SOON, |_| false), "a clean end");
    let gone = watch(SOON, || {
        let is_off = get(&server, "/quality/low/stream.mp4").status == 404;
        (is_off && encoders_of(server.id()).is_empty()).then_some(())
    });
    assert!(gone.is_some(), "{}", server.log());
}

/// Whether an ffmpeg makes `low`.
fn makes_low(process: u32) -> bool {
    let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).contains("\0pipe:0\0")
}

#[test]
fn firefox_plays_what_is_made_also_while_the_encoder_of_the_broadcast_is_away() {
    for preset in ["balanced", "compatible"] {
        let server = start(&["--source", "test", "--preset", preset, "--low"]);
        let mut watching = Watching::open_at(&server, "/quality/low/stream.mp4?delay=low");
        assert!(watching.until(SOON, |watching| watching.seconds() > 6.0));
        let firefox = Firefox::start(firefox::Options::default());
        firefox.goto(&server.local_url());
        firefox.click("footer a[href='/video?quality=low']");
        firefox.enter_frame("iframe.video");
        plays(&firefox, 426);
        let before = firefox.video().expect("a player");

        let ours = encoders_of(server.id());
        let source: Vec<_> = ours.iter().filter(|id| !makes_low(**id)).collect();
        assert_eq!((ours.len(), source.len()), (2, 1));
        let source = i32::try_from(*source[0]).ok().and_then(Pid::from_raw);
        kill_process(source.expect("a process"), Signal::KILL).expect("killed");

        let so_far = watching.seconds();
        assert!(watching.until(SOON, |watching| watching.seconds() > so_far + 8.0));
        assert_eq!(watching.inits.len(), 1, "{preset}: one stream");
        assert_eq!(watching.seams().1, Duration::ZERO, "{preset}");
        firefox.wait_for_video(SOON, |video| {
            video.current_time > before.current_time + 8.0 && video.error.is_none()
        });
    }
}

/// An ffmpeg that does this in place of making `low`.
fn odd_ffmpeg(directory: &Path, instead: &str) -> String {
    let ffmpeg = ffmpeg().display().to_string();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *'-f mp4 -i pipe:0'*) {} ;; esac\nexec '{ffmpeg}' \"$@\"\n",
        instead.replace("FFMPEG", &ffmpeg)
    );
    let file = write_script(directory, "odd-ffmpeg", &script);
    format!("encoder.ffmpeg={}", file.display())
}

#[test]
fn what_fails_or_is_too_slow_is_said_at_the_desk_and_does_not_touch_the_broadcast() {
    let directory = tempfile::tempdir().expect("a directory");
    for (instead, words) in [
        (
            "echo 'this is <broken>' >&2; exit 3",
            "<b>low</b>: not on the air<span class=\"trouble\" role=\"alert\">; its encoder has ended with \
             exit status: 3; it said: this is &lt;broken&gt;",
        ),
        (
            "exec 'FFMPEG' -readrate 0.4 \"$@\"",
            "this computer is too slow",
        ),
    ] {
        let setting = odd_ffmpeg(directory.path(), instead);
        let server = start(&["--low", "--source", "test", "--set", &setting]);
        let mut watching = Watching::open(&server);
        let mut broadcaster = Guest::comes(&server);
        broadcaster.logs_in(PASSWORD);
        let mut desk = broadcaster.opens("/broadcaster/live?follow=1");
        desk.read_until_text(SOON, words);

        let so_far = watching.seconds();
        assert!(watching.until(SOON, |watching| watching.seconds() > so_far + 4.0));
        let (pause, overlap) = watching.seams();
        assert!(pause < Duration::from_millis(50), "{pause:?}");
        assert_eq!(overlap, Duration::ZERO);
        assert_eq!(watching.inits.len(), 1);
        let log = server.log();
        assert_eq!(log.matches("the quality `low`: ").count(), 1, "{log}");
    }
}
