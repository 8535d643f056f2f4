//! A show from a real encoder: ffmpeg writes the stream directory, the real program serves it, and
//! HTTP clients and a Firefox without JavaScript watch it.

mod stage;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use stage::{
    Deadline,
    encoder::{Codecs, Encoder, Kind, Options},
    firefox::{self, Firefox},
    http::{Piece, Request, Stream},
    server::Server,
    watch,
};

const SOON: Duration = Duration::from_secs(20);

fn show() -> (Server, PathBuf) {
    let server = Server::start(&["--no-tor"]);
    let stream = server.directory().join("stream");
    server.local_url();
    (server, stream)
}

fn panel(server: &Server) -> String {
    Request::get("/live?static=1")
        .send(server.local_address())
        .text()
}

fn wait_on_air(server: &Server) {
    let on = watch(SOON, || panel(server).contains("On air").then_some(()));
    assert!(
        on.is_some(),
        "not on air: {}\n{}",
        panel(server),
        server.log()
    );
}

/// How long it takes until the panel says that the show is over.
fn time_until_off_air(server: &Server, allowed: Duration) -> Duration {
    let clock = Deadline::after(allowed);
    let off = watch(allowed, || panel(server).contains("Off air").then_some(()));
    assert!(off.is_some(), "still on the air after {allowed:?}");
    clock.elapsed()
}

/// What an answer brings in this time, and how it stood then.
fn read_for(stream: &mut Stream, time: Duration) -> (Vec<u8>, Piece) {
    let deadline = Deadline::after(time);
    let mut bytes = Vec::new();
    loop {
        match stream.next(deadline.left()) {
            Piece::Data(more) => bytes.extend(more),
            last => return (bytes, last),
        }
    }
}

/// Decodes media with ffmpeg, which must find nothing to complain about; gives its duration in s.
fn decoded_seconds(server: &Server, media: &[u8]) -> f64 {
    let file = server.directory().join("taken.mp4");
    fs::write(&file, whole_fragments(media)).expect("a file");
    let decoded = Command::new(std::env::var("FFMPEG").unwrap_or("ffmpeg".into()))
        .args([
            "-hide_banner",
            "-nostdin",
            "-v",
            "warning",
            "-progress",
            "pipe:1",
            "-i",
        ])
        .arg(&file)
        .args(["-f", "null", "-"])
        .output()
        .expect("ffmpeg runs");
    let complaints = String::from_utf8_lossy(&decoded.stderr);
    assert!(
        decoded.status.success() && complaints.trim().is_empty(),
        "{complaints}"
    );
    let progress = String::from_utf8_lossy(&decoded.stdout).into_owned();
    let micros = progress
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("out_time_us="));
    micros
        .and_then(|micros| micros.parse::<f64>().ok())
        .unwrap_or_default()
        / 1e6
}

/// The top-level boxes of some media, each as its name and where it ends. The last may be cut.
fn boxes_of(media: &[u8]) -> Vec<([u8; 4], usize)> {
    let (mut at, mut found) = (0, Vec::new());
    while let Some((size, name)) = media.get(at..).and_then(|rest| {
        let (size, rest) = rest.split_first_chunk::<4>()?;
        Some((u32::from_be_bytes(*size), *rest.first_chunk::<4>()?))
    }) {
        at += (size as usize).max(8);
        found.push((name, at));
    }
    found
}

/// How many boxes of this kind there are.
fn boxes(media: &[u8], kind: [u8; 4]) -> usize {
    boxes_of(media)
        .iter()
        .filter(|(name, _)| *name == kind)
        .count()
}

/// Media without the fragment that reading stopped in: a `moof` needs the whole of its `mdat`.
fn whole_fragments(media: &[u8]) -> &[u8] {
    let whole = boxes_of(media)
        .into_iter()
        .filter(|(name, end)| name != b"moof" && *end <= media.len());
    let end = whole.map(|(_, end)| end).max().unwrap_or_default();
    media.get(..end).unwrap_or_default()
}

#[test]
fn growing_segments_are_forwarded_by_fragments_and_whole_ones_work_too() {
    for (kind, codecs) in [
        (Kind::Growing, Codecs::H264),
        (Kind::Growing, Codecs::Vp9),
        (Kind::Growing, Codecs::Audio),
        (Kind::Whole, Codecs::H264),
    ] {
        let what = format!("{kind:?} {codecs:?}");
        let (server, stream) = show();
        let _encoder = Encoder::start(
            &stream,
            Options {
                codecs,
                ..Options::new(kind)
            },
        );
        wait_on_air(&server);
        let mut video = Request::get("/stream.mp4?delay=low").open(server.local_address());
        assert_eq!(video.status, 200, "{what}");

        let (media, last) = read_for(&mut video, Duration::from_secs(8));

        assert_eq!(last, Piece::Silence, "{what}: it goes on");
        assert_eq!(media.get(4..8), Some(b"ftyp".as_slice()), "{what}");
        let fragments = boxes(&media, *b"moof");
        assert_eq!(fragments, boxes(&media, *b"mdat"), "{what}");
        assert_eq!(
            boxes(&media, *b"styp") + boxes(&media, *b"sidx"),
            0,
            "{what}"
        );
        match kind {
            Kind::Growing => assert!(fragments >= 30, "{what}: {fragments} fragments"),
            Kind::Whole => assert!((3..=7).contains(&fragments), "{what}: {fragments}"),
        }
        assert!(decoded_seconds(&server, &media) > 6.0, "{what}");
    }
}

#[test]
fn the_picture_starts_at_once_and_fragments_come_as_they_are_written() {
    let (server, stream) = show();
    let _encoder = Encoder::start(&stream, Options::new(Kind::Growing));
    wait_on_air(&server);
    std::thread::sleep(Duration::from_secs(6));
    let clock = Deadline::after(SOON);
    let mut video = Request::get("/stream.mp4?delay=low").open(server.local_address());
    let burst = read_for(&mut video, Duration::from_millis(150)).0;

    assert!(clock.elapsed() < Duration::from_secs(1));
    // A keyframe each second, the newest that is 2.5 s old: from 2.5 to 3.5 s of fragments.
    let fragments = boxes(&burst, *b"moof");
    assert!(
        (12..=19).contains(&fragments),
        "{fragments} fragments in the burst"
    );
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        let clock = Deadline::after(SOON);
        assert!(matches!(video.next(SOON), Piece::Data(_)));
        longest = longest.max(clock.elapsed());
    }
    assert!(
        longest < Duration::from_millis(700),
        "{longest:?} between two fragments of 200 ms"
    );
}

#[test]
fn an_encoder_that_is_killed_and_started_again_continues_the_open_response() {
    let (server, stream) = show();
    let encoder = Encoder::start(&stream, Options::new(Kind::Growing));
    wait_on_air(&server);
    let mut video = Request::get("/stream.mp4").open(server.local_address());
    let mut live = Request::get("/live?follow=1").open(server.local_address());
    live.read_until_text(SOON, "</x-beat>");
    let (mut media, _) = read_for(&mut video, Duration::from_secs(5));

    encoder.kill();
    let _again = Encoder::start(&stream, Options::new(Kind::Growing));
    let (more, last) = read_for(&mut video, Duration::from_secs(8));

    assert_eq!(last, Piece::Silence, "it goes on");
    assert!(boxes(&more, *b"moof") > 15, "{}", boxes(&more, *b"moof"));
    assert_eq!(boxes(&more, *b"moov"), 0, "no second init segment");
    media.extend(more);
    decoded_seconds(&server, &media);
    let (said, _) = read_for(&mut live, Duration::from_millis(100));
    assert!(
        !String::from_utf8_lossy(&said).contains("x-air"),
        "it was never off the air"
    );
}

#[test]
fn another_init_segment_ends_the_response_and_the_panel_says_what_to_do() {
    let (server, stream) = show();
    let encoder = Encoder::start(&stream, Options::new(Kind::Growing));
    wait_on_air(&server);
    let mut video = Request::get("/stream.mp4").open(server.local_address());
    let mut live = Request::get("/live?follow=1").open(server.local_address());
    live.read_until_text(SOON, "</x-beat>");
    read_for(&mut video, Duration::from_secs(3));

    encoder.kill();
    let _other = Encoder::start(
        &stream,
        Options {
            width: 320,
            ..Options::new(Kind::Growing)
        },
    );
    let (_, last) = read_for(&mut video, SOON);

    assert_eq!(last, Piece::End, "a clean last chunk");
    let said = live.read_until_text(SOON, "start the player");
    assert!(
        said.contains("<a href=\"/video\" target=\"video\">"),
        "{said}"
    );
    let mut next = Request::get("/stream.mp4").open(server.local_address());
    assert!(decoded_seconds(&server, &read_for(&mut next, Duration::from_secs(6)).0) > 3.0);
}

#[test]
fn the_end_of_a_show_is_noticed_by_its_end_mark_its_process_or_its_silence() {
    // With a slate the show would go on for some minutes: `foreign_slate.rs`.
    let server = Server::start(&["--no-tor", "--set", "encoder.slate_for=0s"]);
    let stream = server.directory().join("stream");
    server.local_url();
    // Ctrl-C: the playlist gets its end mark.
    let encoder = Encoder::start(&stream, Options::new(Kind::Growing));
    wait_on_air(&server);
    let mut video = Request::get("/stream.mp4").open(server.local_address());
    std::thread::sleep(Duration::from_secs(3));
    encoder.quit();
    let took = time_until_off_air(&server, SOON);
    assert!(took < Duration::from_secs(2), "end mark: {took:?}");
    assert_eq!(read_for(&mut video, Duration::from_secs(5)).1, Piece::End);
    assert_eq!(
        Request::get("/stream.mp4")
            .send(server.local_address())
            .status,
        404
    );

    // A crash of an encoder whose process is known, in the same directory.
    let encoder = Encoder::start(&stream, Options::new(Kind::Growing));
    fs::write(stream.join("pid.txt"), encoder.id().to_string()).expect("a file");
    wait_on_air(&server);
    std::thread::sleep(Duration::from_secs(2));
    encoder.kill();
    let took = time_until_off_air(&server, SOON);
    assert!(took < Duration::from_millis(2500), "dead process: {took:?}");
    fs::remove_file(stream.join("pid.txt")).expect("removed");

    // A crash of an unknown one: silence.
    let encoder = Encoder::start(&stream, Options::new(Kind::Growing));
    wait_on_air(&server);
    std::thread::sleep(Duration::from_secs(3));
    encoder.kill();
    let took = time_until_off_air(&server, SOON);
    let expected = Duration::from_secs(6)..Duration::from_millis(11_500);
    assert!(expected.contains(&took), "silence: {took:?}");
}

#[test]
fn leftovers_of_an_earlier_show_are_never_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let stream = directory.path().join("stream");
    let encoder = Encoder::start_and_wait(&stream, Options::new(Kind::Growing));
    std::thread::sleep(Duration::from_secs(5));
    encoder.kill();
    let left: Vec<_> = fs::read_dir(&stream).expect("a directory").collect();
    assert!(left.len() >= 4, "something is left");

    let server = Server::start_in(directory.path(), &["--no-tor"]);
    server.local_url();
    std::thread::sleep(Duration::from_secs(3));
    assert!(panel(&server).contains("Off air"));
    for name in [
        "stream.mp4",
        "stream.m3u8",
        "init.mp4",
        "stream0.m4s",
        "stream1.m4s",
    ] {
        let answer = Request::get(&format!("/{name}")).send(server.local_address());
        assert_eq!(answer.status, 404, "{name}");
    }

    let _encoder = Encoder::start(&stream, Options::new(Kind::Growing));
    wait_on_air(&server);
}

#[test]
fn what_is_not_a_show_is_refused_with_a_word_and_never_served() {
    let (server, stream) = show();
    let secret = server.directory().join("secret.txt");
    fs::write(&secret, "secret of this computer").expect("a file");
    let playlist =
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n../secret.txt\n#EXTINF:2,\n/etc/passwd\n";
    fs::write(stream.join("stream.m3u8"), playlist).expect("a file");
    std::os::unix::fs::symlink(&secret, stream.join("stream0.m4s")).expect("a link");
    let valid = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.mp4");
    fs::copy(&valid, stream.join("init.mp4")).expect("a copy");

    server.wait_log("stream.m3u8", SOON);
    server.wait_log("init.mp4", SOON);
    std::thread::sleep(Duration::from_secs(2));

    let log = server.log();
    for file in ["stream.m3u8", "init.mp4"] {
        let complaint = format!("cannot use `{file}`");
        assert_eq!(
            log.matches(&complaint).count(),
            1,
            "once for {file}:\n{log}"
        );
    }
    for target in [
        "/stream.mp4",
        "/init.mp4",
        "/stream0.m4s",
        "/secret.txt",
        "/../secret.txt",
    ] {
        let answer = Request::get(target).send(server.local_address());
        assert_eq!(answer.status, 404, "{target}");
        assert!(
            !answer.text().contains("secret of this computer"),
            "{target}"
        );
    }

    // And a real show begins in the same directory.
    fs::remove_file(stream.join("stream0.m4s")).expect("removed");
    let _encoder = Encoder::start(&stream, Options::new(Kind::Growing));
    wait_on_air(&server);
}

#[test]
fn a_browser_without_javascript_gets_from_the_card_to_the_picture_and_over_a_restart() {
    let (server, stream) = show();
    let firefox = Firefox::start(firefox::Options::default());
    firefox.goto(&server.local_url());
    firefox.enter_frame("iframe.video");
    firefox.wait_for_text("main", "starts here by itself", SOON);

    let encoder = Encoder::start(&stream, Options::new(Kind::Growing));
    let before = firefox.wait_for_video(SOON * 2, |video| video.current_time > 1.0);
    assert_eq!((before.paused, before.error), (false, None));
    let clock = Deadline::after(SOON);
    std::thread::sleep(Duration::from_secs(5));
    let after = firefox.video().expect("a player");
    let rate = (after.current_time - before.current_time) / clock.elapsed().as_secs_f64();
    assert!((0.9..=1.1).contains(&rate), "the picture moves at {rate}");

    encoder.kill();
    std::thread::sleep(Duration::from_secs(2));
    let last = firefox.video().expect("a player").current_time;
    let encoder = Encoder::start(&stream, Options::new(Kind::Growing));
    firefox.wait_for_video(SOON, |video| {
        video.current_time > last + 8.0 && !video.paused
    });

    encoder.quit();
    firefox.wait_for_video(SOON, |video| video.ended && video.error.is_none());
    firefox.wait_for_text(".note.paused", "Go live", SOON);
    firefox.leave_frames();
    firefox.enter_frame("iframe.live");
    firefox.wait_for_text("x-air:last-of-type", "Off air", SOON);

    let _other = Encoder::start(
        &stream,
        Options {
            width: 320,
            ..Options::new(Kind::Growing)
        },
    );
    firefox.wait_for_text("x-notice:last-of-type", "start the player", SOON);
    firefox.click("x-notice:last-of-type a");
    firefox.leave_frames();
    firefox.enter_frame("iframe.video");
    firefox.wait_for_video(SOON, |video| {
        video.current_time > 1.0 && video.video_width == 320
    });
}
