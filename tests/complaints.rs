//! What the programs of a show say: at the desk, in a terminal, and not in the log if it is a secret.

mod stage;

use std::{fs, process::Command, time::Duration};

use stage::{
    desk::{Desk, PASSWORD, set_password},
    encoder::{self, Encoder, Kind},
    firefox::{Options, Scheme},
    process::{Process, program},
    server::Server,
    watch,
};

const SOON: Duration = Duration::from_secs(20);

/// Waits until a line with these words is among the complaints.
fn complaint(server: &Server, words: &str) -> String {
    let found = watch(SOON, || {
        let lines = server.says(&["complaints"]);
        lines
            .lines()
            .find(|line| line.contains(words))
            .map(str::to_owned)
    });
    found.unwrap_or_else(|| {
        let lines = server.says(&["complaints"]);
        panic!("nobody said {words}: {lines}\n{}", server.log())
    })
}

#[test]
fn the_ffmpeg_of_the_slate_is_heard_at_the_desk_and_in_a_terminal() {
    let setting = format!("encoder.ffmpeg={}", program("ffmpeg", "FFMPEG").display());
    let arguments = ["--source", "test", "--preset", "low-latency", "--no-tor"];
    let settings = ["--set", &setting, "--set", "encoder.slate=broken.png"];
    let server = Server::start_prepared(&[&arguments[..], &settings].concat(), |directory| {
        set_password(directory, PASSWORD);
        fs::write(directory.join("broken.png"), "<b>not a picture</b>").expect("a file");
    });
    server.local_url();
    let line = complaint(&server, "the slate: ");
    server.wait_log("`encoder.slate` cannot be shown: ", SOON);
    let answer = server.says(&["complaints", "--json"]);
    assert!(
        answer.starts_with('[') && answer.contains("the slate: "),
        "{answer}"
    );

    let desk = Desk::opens(Options::coloured(Scheme::Dark), &server);
    desk.firefox().set_page_size(1440, 900);
    desk.live(|firefox| {
        firefox.wait_for_text("x-complaint:last-of-type", "the slate: ", SOON);
        // It is in the summary.
        firefox.click("x-complaint:last-of-type");
        let open = "x-complaints:last-of-type li:last-child";
        let first = line.split_once("] ").map_or(&*line, |(_, rest)| rest);
        let shown = firefox.wait_for_text(open, "the slate: ", SOON);
        assert!(!first.is_empty() && !shown.contains(" @ 0x"), "{shown}");
    });
    for (width, height) in [(1440, 900), (360, 740)] {
        desk.firefox().set_page_size(width, height);
        let name = format!("complaints-{width}.png");
        desk.firefox().screenshot(&name);
    }
}

#[test]
fn the_ffmpeg_of_a_slate_for_an_encoder_of_somebody_else_is_heard_too() {
    let setting = format!("encoder.ffmpeg={}", program("ffmpeg", "FFMPEG").display());
    let settings = ["--set", &setting, "--set", "encoder.slate=broken.png"];
    let server = Server::start_prepared(&[&["--no-tor"][..], &settings].concat(), |directory| {
        fs::write(directory.join("broken.png"), "<b>not a picture</b>").expect("a file");
    });
    server.local_url();

    let stream = server.directory().join("stream");
    let _encoder = Encoder::start(&stream, encoder::Options::new(Kind::Growing));

    complaint(&server, "the slate: ");
    server.wait_log("`encoder.slate` cannot be shown: ", SOON);
    server.wait_log("a slate stands ready", SOON);
}

#[test]
fn the_ffmpeg_that_repacks_is_heard_and_the_stream_key_is_not() {
    let ffmpeg = program("ffmpeg", "FFMPEG");
    let setting = format!("encoder.ffmpeg={}", ffmpeg.display());
    let arguments = ["--source", "rtmp", "--no-tor", "--rtmp", "127.0.0.1:0"];
    let server = Server::start(&[&arguments[..], &["--set", &setting]].concat());
    let (place, key) = (server.place("rtmp"), server.stream_key());

    // Sound that cannot be put into MP4 as it is.
    let _publisher = Process::start(
        "publishing ffmpeg",
        Command::new(ffmpeg)
            .args(["-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi"])
            .args(["-i", "testsrc2=size=320x180:rate=25", "-re", "-f", "lavfi"])
            .args(["-i", "sine=frequency=440:sample_rate=44100", "-t", "60"])
            .args("-c:v libx264 -preset veryfast -tune zerolatency -g 25".split(' '))
            .args("-c:a adpcm_swf -f flv".split(' '))
            .arg(format!("{place}/{key}")),
    );

    let line = complaint(&server, "repacking: ");
    assert!(!line.contains(&key), "{line}");
    assert!(!server.log().contains(&key), "the key is in the log");
}
