//! `start --source`: the real program runs a real ffmpeg, and looks after it.

mod stage;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use onionstream::media::{fragment::Fragment, init::TrackKind};
use stage::{
    Deadline,
    firefox::{self, Firefox},
    process::{Process, program, write_script},
    server::Server,
    watch,
    watching::{Watching, encoders_of, is_running},
};

const SOON: Duration = Duration::from_secs(20);

fn ffmpeg() -> PathBuf {
    program("ffmpeg", "FFMPEG")
}

fn start(arguments: &[&str]) -> Server {
    let setting = format!("encoder.ffmpeg={}", ffmpeg().display());
    let mut all = vec!["--no-tor", "--set", &setting];
    all.extend(arguments);
    Server::start(&all)
}

/// Makes a file with these inputs of ffmpeg and this length.
fn make(file: &Path, inputs: &[&str], seconds: f64) {
    let made = Command::new(ffmpeg())
        .args(["-nostdin", "-v", "error", "-y"])
        .args(inputs.iter().flat_map(|input| ["-f", "lavfi", "-i", input]))
        .args(["-t", &seconds.to_string(), "-shortest"])
        .arg(file)
        .status()
        .expect("ffmpeg runs");
    assert!(made.success());
}

const PICTURE: &str = "testsrc2=size=320x180:rate=25";
const TONE: &str = "sine=frequency=300:sample_rate=48000";

fn encoder_of(server: &Server) -> u32 {
    watch(SOON, || encoders_of(server.id()).first().copied()).expect("an encoder")
}

#[test]
fn no_encoder_outlives_its_show_however_that_ends() {
    for is_killed in [false, true] {
        let mut server = start(&["--source", "test", "--preset", "low-latency"]);
        let mut watching = Watching::open(&server);
        assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
        let encoder = encoder_of(&server);
        if is_killed {
            server.sigkill();
        } else {
            assert!(server.sigterm().success());
            assert!(!is_running(encoder), "it waits for its encoder");
        }
        let gone = watch(SOON, || (!is_running(encoder)).then_some(()));
        assert!(gone.is_some(), "killed: {is_killed}");
    }
}

#[test]
fn an_encoder_that_dies_is_back_soon_and_viewers_just_go_on() {
    let server = start(&["--source", "test", "--preset", "low-latency"]);
    let mut watching = Watching::open(&server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));

    let first = encoder_of(&server);
    let killed = Command::new("kill")
        .args(["-KILL", &first.to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    server.wait_log("the encoder has ended with signal: 9", SOON);
    let before = watching.seconds();
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 4.0));

    assert_eq!(watching.inits.len(), 1, "the same response");
    assert_ne!(encoder_of(&server), first);
    let (pause, overlap) = watching.seams();
    assert!(pause < Duration::from_secs(4), "{pause:?}");
    assert!(overlap < Duration::from_millis(2), "{overlap:?}");
}

#[test]
fn while_the_encoder_is_away_viewers_see_the_slate_and_their_players_go_on() {
    for preset in ["low-latency", "balanced", "compatible"] {
        let server = start(&["--source", "test", "--preset", preset]);
        let mut watching = Watching::open(&server);
        assert!(watching.until(SOON, |watching| watching.seconds() > 5.0));
        let encoder = encoder_of(&server).to_string();

        let signal = |name: &str| {
            let sent = Command::new("kill").args([name, &encoder]).status();
            assert!(sent.expect("kill runs").success());
        };
        signal("-STOP");
        // Not a word from the encoder for as long: all of this is the slate.
        let before = watching.seconds();
        let clock = Deadline::after(SOON);
        assert!(
            watching.until(SOON, |watching| watching.seconds() > before + 6.0),
            "{preset}"
        );
        let took = clock.elapsed().as_secs_f64();
        assert!((4.0..9.0).contains(&took), "{preset}: 6 s took {took} s");
        signal("-CONT");
        let before = watching.seconds();
        assert!(
            watching.until(SOON, |watching| watching.seconds() > before + 3.0),
            "{preset}"
        );

        assert_eq!(watching.inits.len(), 1, "{preset}: one response");
        let (pause, overlap) = watching.seams();
        assert!(pause < Duration::from_millis(700), "{preset}: {pause:?}");
        assert!(overlap < Duration::from_millis(2), "{preset}: {overlap:?}");
    }
}

#[test]
fn a_file_is_played_again_and_again_without_a_gap_at_the_seam() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("short film.mkv");
    make(&file, &[PICTURE, TONE], 2.0);
    let server = start(&["--source", "file", file.to_str().expect("text"), "--loop"]);

    let mut watching = Watching::open(&server);
    let clock = Deadline::after(SOON);
    assert!(watching.until(SOON, |watching| watching.seconds() > 11.0));

    let (pause, overlap) = watching.seams();
    assert_eq!(watching.inits.len(), 1);
    assert!(pause < Duration::from_millis(60), "{pause:?}");
    assert!(overlap < Duration::from_millis(2), "{overlap:?}");
    // In real time, not faster: 2.5 s come at once.
    assert!(
        clock.elapsed() > Duration::from_secs(8),
        "{:?}",
        clock.elapsed()
    );
}

#[test]
fn a_player_goes_over_the_seam_and_does_not_notice() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("loop.mkv");
    make(&file, &[PICTURE, TONE], 2.0);
    let server = start(&["--source", "file", file.to_str().expect("text"), "--loop"]);
    Watching::open(&server);
    let firefox = Firefox::start(firefox::Options::default());
    firefox.goto(&format!("{}video", server.local_url()));
    let before = firefox.wait_for_video(SOON, |video| video.current_time > 1.0);

    let clock = Deadline::after(SOON);
    std::thread::sleep(Duration::from_secs(9));
    let after = firefox.video().expect("a player");

    let rate = (after.current_time - before.current_time) / clock.elapsed().as_secs_f64();
    assert!(
        (0.95..1.05).contains(&rate),
        "four seams at {rate} times the speed"
    );
    assert_eq!((after.error, after.paused), (None, false));
}

#[test]
fn a_folder_is_a_channel_of_whatever_is_in_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path();
    make(&folder.join("1 both.mkv"), &[PICTURE, TONE], 1.5);
    fs::write(folder.join("2 broken.mp4"), "nobody can play this").expect("a file");
    make(&folder.join("3 mute.mkv"), &[PICTURE], 1.5);
    make(&folder.join("4 sound.ogg"), &[TONE], 1.5);
    let server = start(&["--source", "folder", folder.to_str().expect("text")]);

    let mut watching = Watching::open(&server);
    let goes_on = watching.until(SOON, |_| false);

    assert!(!goes_on, "it ends with the last file");
    assert_eq!(watching.inits.len(), 1, "one broadcast");
    assert!(
        (4.3..5.8).contains(&watching.seconds()),
        "{}",
        watching.seconds()
    );
    let log = server.log();
    assert!(
        log.contains("2 broken.mp4` holds neither a picture nor sound"),
        "{log}"
    );
    assert!(log.contains("everything was played"), "{log}");
    assert!(encoders_of(server.id()).is_empty());
}

#[test]
fn sound_alone_and_the_compatible_preset_are_played() {
    for (preset, tracks) in [("audio", 1), ("compatible", 2)] {
        let server = start(&["--source", "test", "--preset", preset, "--bitrate", "200k"]);
        let mut watching = Watching::open(&server);
        assert!(watching.until(SOON, |watching| watching.seconds() > 4.0));
        assert_eq!(watching.inits[0].tracks().len(), tracks, "{preset}");
        let media = watching.fragments.iter().map(|one| one.bytes().len());
        let bytes = u32::try_from(media.sum::<usize>()).expect("some seconds");
        let kbits = f64::from(bytes) * 0.008 / watching.seconds();
        let expected = if tracks == 1 {
            40.0..90.0
        } else {
            200.0..330.0
        };
        assert!(expected.contains(&kbits), "{preset}: {kbits} kbit/s");
    }
}

#[test]
fn a_screen_is_broadcast() {
    let screen = Process::start(
        "Xvfb",
        Command::new(program("Xvfb", "XVFB")).args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "640x480x24",
            "-nolisten",
            "tcp",
        ]),
    );
    let number = screen.out().find(SOON, |line| line.parse::<u32>().ok());
    let display = format!("encoder.screen=:{}", number.expect("a screen"));
    let server = start(&[
        "--source",
        "screen",
        "--set",
        &display,
        "--set",
        "encoder.microphone=none",
    ]);

    let mut watching = Watching::open(&server);

    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
    assert_eq!(watching.inits[0].tracks().len(), 2);
}

/// An ffmpeg that has a camera where this computer has none: a moving picture of another shape and
/// rate takes its place.
fn ffmpeg_with_a_camera(directory: &Path) -> String {
    let script = format!(
        r#"#!/bin/sh
left=$#
while [ "$left" -gt 0 ]; do
  if [ "$1 $2" = "-f v4l2" ]; then
    [ "$4" = /dev/video9 ] || exit 1
    shift 4; left=$((left - 4))
    set -- "$@" -re -f lavfi -i testsrc2=size=320x240:rate=30
  else
    one=$1; shift; left=$((left - 1)); set -- "$@" "$one"
  fi
done
exec "{}" "$@"
"#,
        ffmpeg().display()
    );
    let path = write_script(directory, "ffmpeg", &script);
    format!("encoder.ffmpeg={}", path.display())
}

#[test]
fn a_camera_is_broadcast_in_the_shape_and_rate_that_were_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let ffmpeg = ffmpeg_with_a_camera(directory.path());
    let server = Server::start(&[
        "--no-tor",
        "--source",
        "camera",
        "--preset",
        "low-latency",
        "--set",
        &ffmpeg,
        "--set",
        "encoder.camera=/dev/video9",
        "--set",
        "encoder.microphone=none",
    ]);

    let mut watching = Watching::open(&server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 4.0));

    let init = &watching.inits[0];
    let mut tracks = init.tracks().iter();
    let picture = tracks.find(|track| track.kind == TrackKind::Video);
    let picture = picture.expect("a picture");
    let size = picture.entry.and_then(|entry| entry.size);
    assert_eq!(size, Some((640, 360)));
    let runs = watching.fragments.iter().flat_map(Fragment::runs);
    let samples: u32 = runs
        .filter(|run| run.track_id == picture.id)
        .map(|run| run.samples)
        .sum();
    let rate = f64::from(samples) / watching.seconds();
    assert!((22.0..28.0).contains(&rate), "{rate} pictures a second");
}

#[test]
fn what_cannot_work_is_said_in_a_sentence_before_the_show() {
    let directory = tempfile::tempdir().expect("a directory");
    let there = directory.path();
    let text = there.join("notes.txt");
    fs::write(&text, "not a film").expect("a file");
    let mute = there.join("mute.mkv");
    make(&mute, &[PICTURE], 0.5);
    let empty = there.join("empty");
    fs::create_dir(&empty).expect("a directory");
    let path = |path: &Path| path.to_str().expect("text").to_owned();
    for (arguments, words) in [
        (
            vec![
                "--source",
                "test",
                "--set",
                "encoder.ffmpeg=/nowhere/ffmpeg",
            ],
            "install ffmpeg",
        ),
        (
            vec!["--source", "file", "/nowhere/film.mkv"],
            "`/nowhere/film.mkv` cannot be read",
        ),
        (
            vec!["--source", "file", &path(&text)],
            "neither a picture nor sound",
        ),
        (
            vec!["--source", "file", &path(&mute), "--preset", "audio"],
            "has no sound",
        ),
        (vec!["--source", "folder", &path(&empty)], "nothing to play"),
        (
            vec!["--source", "screen", "--set", "encoder.screen=:9876"],
            "the screen `:9876` cannot be read",
        ),
        (
            vec!["--source", "camera", "--set", "encoder.camera=/dev/null"],
            "the camera `/dev/null` gives no picture",
        ),
        (
            vec!["--source", "camera", "--bitrate", "fast"],
            "write kilobits a second",
        ),
        (vec!["--source", "screen"], "`DISPLAY` is not set"),
        (
            vec!["--source", "ingest", "--bitrate", "700k"],
            "say it to the encoder that you use",
        ),
        (vec!["--source", "test", "--loop"], "`--loop` is for"),
        (vec!["--source", "file"], "required"),
    ] {
        let ffmpeg = format!("encoder.ffmpeg={}", ffmpeg().display());
        let refused = Command::new(env!("CARGO_BIN_EXE_onionstream"))
            .args([
                "start",
                "--no-tor",
                "--listen",
                "127.0.0.1:0",
                "--set",
                &ffmpeg,
                "--dir",
            ])
            .arg(there)
            .args(&arguments)
            .env_remove("DISPLAY")
            .stdin(Stdio::null())
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{arguments:?}");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(refused.stdout.is_empty(), "nobody is told an address");
    }
}

#[test]
fn the_command_that_is_printed_is_the_one_that_works() {
    let directory = tempfile::tempdir().expect("a directory");
    let setting = format!("encoder.ffmpeg={}", ffmpeg().display());
    let printed = Command::new(env!("CARGO_BIN_EXE_onionstream"))
        .args([
            "ffmpeg",
            "--source",
            "test",
            "--preset",
            "low-latency",
            "--into-directory",
        ])
        .args(["--set", &setting, "--dir"])
        .arg(directory.path())
        .output()
        .expect("the program runs");
    let command = String::from_utf8(printed.stdout).expect("text");
    assert!(
        printed.status.success() && command.lines().count() == 1,
        "{command}"
    );
    let server = Server::start_in(directory.path(), &["--no-tor"]);
    server.local_url();

    let _encoder = Process::start(
        "printed ffmpeg",
        Command::new("sh").arg("-c").arg(command.trim_end()),
    );

    let mut watching = Watching::open(&server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
}
