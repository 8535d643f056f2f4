//! What is shown comes in all codecs, sizes and colours, and is one broadcast all the same.

mod stage;

use std::{fs, path::Path, process::Command, time::Duration};

use stage::{
    process::program,
    server::Server,
    watch,
    watching::{Watching, encoders_of},
};

const SOON: Duration = Duration::from_secs(20);
const PICTURE: &str = "testsrc2=size=320x180:rate=25";
const TONE: &str = "sine=frequency=300:sample_rate=48000";

fn start(arguments: &[&str]) -> Server {
    let setting = format!("encoder.ffmpeg={}", program("ffmpeg", "FFMPEG").display());
    let mut all = vec!["--no-tor", "--set", &setting];
    all.extend(arguments);
    Server::start(&all)
}

/// Makes a file of three seconds with these inputs of ffmpeg, and these options for what is written.
fn make(file: &Path, inputs: &[&str], options: &[&str]) {
    let made = Command::new(program("ffmpeg", "FFMPEG"))
        .args(["-nostdin", "-v", "error", "-y"])
        .args(inputs.iter().flat_map(|input| ["-f", "lavfi", "-i", input]))
        .args(["-t", "3", "-shortest"])
        .args(options)
        .arg(file)
        .status()
        .expect("ffmpeg runs");
    assert!(made.success());
}

#[test]
fn files_of_all_kinds_go_round_in_one_response_without_a_gap() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path();
    make(&folder.join("1.mkv"), &[PICTURE, TONE], &[]);
    // Full range, as cameras write it, and with other places of colour.
    make(
        &folder.join("2 upright.avi"),
        &["testsrc2=size=180x320:rate=12"],
        &[],
    );
    make(
        &folder.join("3 jpeg.avi"),
        &[PICTURE, TONE],
        &["-c:v", "mjpeg", "-pix_fmt", "yuvj422p"],
    );
    let surround = "sine=frequency=200:sample_rate=44100,aformat=channel_layouts=5.1";
    make(
        &folder.join("4.mkv"),
        &["testsrc2=size=1280x720:rate=50", surround],
        &["-c:a", "flac"],
    );
    make(&folder.join("5 <b>\u{1b}[31m'\"$(x)\n.ogg"), &[TONE], &[]);
    make(&folder.join("cover.jpg"), &[PICTURE], &["-frames:v", "1"]);
    fs::write(
        folder.join("1.srt"),
        "1\n00:00:00,000 --> 00:00:01,000\nhello\n",
    )
    .expect("a file");
    let server = start(&[
        "--source",
        "folder",
        folder.to_str().expect("text"),
        "--loop",
    ]);

    let mut watching = Watching::open(&server);
    assert!(watching.until(Duration::from_mins(1), |watching| watching.seconds() > 22.0));

    assert_eq!(watching.inits.len(), 1, "one broadcast");
    let (pause, overlap) = watching.seams();
    assert!(pause < Duration::from_millis(150), "{pause:?}");
    assert!(overlap < Duration::from_millis(2), "{overlap:?}");
    let log = server.log();
    assert!(!log.contains("on with the next"), "{log}");
}

#[test]
fn broken_files_between_good_ones_cost_viewers_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path();
    make(&folder.join("1.mkv"), &[PICTURE, TONE], &[]);
    for number in 0..7 {
        let broken = folder.join(format!("2 broken {number}.mkv"));
        fs::write(broken, "nobody can play this").expect("a file");
    }
    make(&folder.join("3.mkv"), &[PICTURE, TONE], &[]);
    let folder = folder.to_str().expect("text");
    let server = start(&["--source", "folder", folder, "--loop"]);

    let mut watching = Watching::open(&server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 12.0));

    assert_eq!(watching.inits.len(), 1, "one broadcast");
    let (pause, _) = watching.seams();
    assert!(pause < Duration::from_millis(150), "{pause:?}");
    assert!(server.log().matches("on with the next").count() >= 7);
}

#[test]
fn a_slate_in_jpeg_is_shown_and_the_card_in_the_place_of_one_that_is_broken() {
    let directory = tempfile::tempdir().expect("a directory");
    let picture = directory.path().join("back soon.jpg");
    make(&picture, &[PICTURE], &["-frames:v", "1"]);
    let broken = directory.path().join("back soon.mp4");
    fs::write(&broken, "nobody can play this").expect("a file");
    let takes_its_place = "the card that is built in takes its place";
    for (slate, is_broken) in [(picture, false), (broken, true)] {
        let setting = format!("encoder.slate={}", slate.display());
        let server = start(&[
            "--source",
            "test",
            "--preset",
            "low-latency",
            "--set",
            &setting,
        ]);
        let mut watching = Watching::open(&server);
        assert!(watching.until(SOON, |watching| watching.seconds() > 6.0));

        let encoder = watch(SOON, || encoders_of(server.id()).first().copied())
            .expect("an encoder")
            .to_string();
        let stopped = Command::new("kill").args(["-STOP", &encoder]).status();
        assert!(stopped.expect("kill runs").success());
        let before = watching.seconds();
        assert!(
            watching.until(SOON, |watching| watching.seconds() > before + 6.0),
            "{}: {}",
            slate.display(),
            server.log()
        );

        assert_eq!(watching.inits.len(), 1, "one response");
        let log = server.log();
        assert_eq!(log.contains(takes_its_place), is_broken, "{log}");
    }
}
