//! Encoders that are hardware, and `onionstream doctor`: the real program with an ffmpeg in front of
//! the real one that has, or seems to have, such an encoder.
//!
//! Nothing here has the hardware: what is shown is that the program uses what works, with the options
//! that were promised, and explains what does not.

mod stage;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use stage::{
    Deadline,
    process::{program, write_script},
    server::Server,
    watch,
    watching::{Watching, encoders_of},
};
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(20);

/// A directory with an ffmpeg of which `h264_nvenc` does what `acts` says.
struct Workshop {
    directory: TempDir,
}

/// Encodes with the processor instead, and drops the options that only the hardware knows.
const WORKS: &str = r#"
kept=
while [ $# -gt 0 ]; do
    case $1 in
        h264_nvenc) add libx264 ;;
        -preset:v) add -preset:v; add veryfast; shift ;;
        -tune:v|-rc:v|-zerolatency|-delay:v|-no-scenecut|-strict_gop|-b_ref_mode) shift ;;
        *) add "$1" ;;
    esac
    shift
done
eval "exec '$real' $kept"
"#;

const FAILS: &str = "echo '[h264_nvenc @ 0x55aa] No capable devices found' >&2\n\
                     echo 'Conversion failed!' >&2\nexit 1\n";

/// Never ends, and has a child that would not either.
const STICKS: &str = "sleep 600 & echo $! >\"$here/stuck\"; wait\n";

/// Ends well, and wrote nothing.
const SAYS_NOTHING: &str = "exit 0\n";

impl Workshop {
    fn with(acts: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let real = program("ffmpeg", "FFMPEG");
        let script = format!(
            r#"#!/bin/sh
here='{here}'
real='{real}'
add() {{ kept="$kept '$(printf %s "$1" | sed "s/'/'\\\\''/g")'"; }}
is_nvenc=
for word in "$@"; do
    case $word in
        -encoders)
            "$real" "$@" | grep -v 'h264_'
            echo ' V....D h264_nvenc           fake (codec h264)'
            echo ' V....D h264_qsv             fake (codec h264)'
            exit ;;
        h264_nvenc) is_nvenc=yes ;;
        h264_qsv) echo '[h264_qsv @ 0x1] no such chip' >&2; exit 1 ;;
    esac
done
[ "$is_nvenc" ] || exec "$real" "$@"
echo "$@" >>"$here/asked"
{acts}"#,
            here = directory.path().display(),
            real = real.display(),
        );
        write_script(directory.path(), "ffmpeg", &script);
        let ffprobe = program("ffprobe", "FFPROBE");
        std::os::unix::fs::symlink(ffprobe, directory.path().join("ffprobe")).expect("a link");
        Self { directory }
    }

    fn setting(&self) -> String {
        format!("encoder.ffmpeg={}/ffmpeg", self.directory.path().display())
    }

    /// What the hardware was asked, a line each time.
    fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.directory.path().join("asked")).unwrap_or_default();
        asked.lines().map(str::to_owned).collect()
    }

    /// Runs the program to its end in a directory of its own.
    fn run(&self, arguments: &[&str]) -> Output {
        let place = self.directory.path().join("show");
        fs::create_dir_all(&place).expect("a directory");
        onionstream(&place, &[arguments, &["--set", &self.setting()]].concat())
    }
}

fn onionstream(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_onionstream"))
        .arg("--dir")
        .arg(directory)
        .args(arguments)
        .env_remove("DISPLAY")
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The lines of a check, by its name.
fn finding(said: &str, name: &str) -> String {
    let mut lines = said.lines().skip_while(|line| {
        let mut words = line.splitn(2, ' ');
        let rest = words.nth(1).unwrap_or_default();
        !rest.trim_start().starts_with(name)
    });
    let first = lines.next().unwrap_or_else(|| panic!("no {name}: {said}"));
    let rest: Vec<_> = lines
        .take_while(|line| line.starts_with("      "))
        .collect();
    format!("{first} {}", rest.join(" "))
}

#[test]
fn hardware_that_works_encodes_the_show_and_its_slate() {
    let workshop = Workshop::with(WORKS);
    for preset in ["low-latency", "balanced"] {
        let setting = workshop.setting();
        let arguments = ["--source", "test", "--preset", preset, "--no-tor"];
        let hardware = ["--hardware", "h264_nvenc", "--set", &setting];
        let before = workshop.asked().len();
        let server = Server::start(&[&arguments[..], &hardware].concat());
        let mut watching = Watching::open(&server);
        assert!(
            watching.until(SOON, |watching| watching.seconds() > 5.0),
            "{preset}: {}",
            server.log()
        );

        // Tried, shown, and encoded for the slate: each time with the same options.
        let asked = watch(SOON, || {
            let asked = workshop.asked().split_off(before);
            (asked.len() >= 3).then_some(asked)
        });
        let asked = asked.expect("three times");
        for line in &asked {
            let is_quick = preset == "low-latency";
            let order = if is_quick { "-bf 0 " } else { "-bf 2 " };
            let promised = "-g 25 -bsf:v filter_units=remove_types=6,dump_extra=freq=keyframe \
                            -b:v 500k -maxrate 500k -bufsize 500k -color_range tv \
                            -colorspace bt709 -color_primaries bt709 -color_trc bt709";
            for part in ["-rc:v cbr", order, promised] {
                assert!(line.contains(part), "{part}: {line}");
            }
        }

        // The encoder is away: the same init segment, so that players just go on.
        let encoder = encoders_of(server.id());
        let encoder = encoder.first().expect("an encoder").to_string();
        let signal = |name: &str| {
            let sent = Command::new("kill").args([name, &encoder]).status();
            assert!(sent.expect("kill runs").success());
        };
        signal("-STOP");
        let seen = watching.seconds();
        assert!(
            watching.until(SOON, |watching| watching.seconds() > seen + 5.0),
            "{preset}: no slate: {}",
            server.log()
        );
        signal("-CONT");
        let seen = watching.seconds();
        assert!(watching.until(SOON, |watching| watching.seconds() > seen + 2.0));
        assert_eq!(watching.inits.len(), 1, "{preset}: one response");
    }
}

#[test]
fn what_the_hardware_writes_carries_its_headers_and_tells_nothing_of_the_encoder() {
    let workshop = Workshop::with(WORKS);
    let setting = workshop.setting();
    let server = Server::start(&[
        "--source",
        "test",
        "--preset",
        "low-latency",
        "--no-tor",
        "--hardware",
        "h264_nvenc",
        "--set",
        &setting,
    ]);
    let mut watching = Watching::open(&server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 4.0));

    let file = workshop.directory.path().join("seen.mp4");
    let mut bytes = watching.inits[0].bytes().to_vec();
    for fragment in &watching.fragments {
        bytes.extend_from_slice(fragment.bytes());
    }
    fs::write(&file, &bytes).expect("a file");
    let probe = |entries: &str| {
        let probed = Command::new(program("ffprobe", "FFPROBE"))
            .args(["-v", "error", "-select_streams", "v:0", "-of", "csv=p=0"])
            .args(["-show_entries", entries])
            .arg(&file)
            .output()
            .expect("ffprobe runs");
        text(&probed.stdout)
    };
    let about = probe("stream=codec_name,profile,color_space,color_transfer,color_primaries");
    assert!(about.contains("h264,Main,bt709,bt709,bt709"), "{about}");
    let pictures = probe("frame=pict_type,key_frame");
    assert!(!pictures.contains('B'), "{pictures}");
    let keys: Vec<_> = (pictures.lines().enumerate())
        .filter(|(_, line)| line.starts_with('1'))
        .map(|(number, _)| number)
        .collect();
    assert!(keys.len() > 2, "{pictures}");
    assert!(keys.iter().all(|number| number % 25 == 0), "{keys:?}");
    // SEI with the settings of x264 is gone, and the parameter sets (type 7) stand before keyframes.
    assert!(!bytes.windows(4).any(|part| part == b"x264"));
    let sets = bytes
        .windows(5)
        .filter(|part| part[..3] == [0, 0, 0] && part[4] == 0x67);
    assert!(
        sets.count() >= keys.len(),
        "headers before each of {keys:?}"
    );
}

#[test]
fn hardware_that_does_not_work_is_explained_with_what_does() {
    let fails = Workshop::with(FAILS);
    let works = Workshop::with(WORKS);
    let start = [
        "start",
        "--no-tor",
        "--listen",
        "127.0.0.1:0",
        "--source",
        "test",
        "--hardware",
    ];
    for (workshop, name, parts) in [
        (
            &fails,
            "h264_nvenc",
            &[
                "`h264_nvenc` does not work here (No capable devices found)",
                "`--hardware none`",
            ][..],
        ),
        (
            &works,
            "h264_qsv",
            &[
                "`h264_qsv` does not work here (no such chip)",
                "`h264_nvenc`, or `none`",
            ],
        ),
        (
            &works,
            "h264_amf",
            &[
                "this ffmpeg was built without it",
                "`h264_nvenc`, or `none`",
            ],
        ),
        (
            &works,
            "nvenc",
            &[
                "`h264_nvenc`",
                "`onionstream doctor` says which of them work here",
            ],
        ),
    ] {
        let refused = workshop.run(&[&start[..], &[name]].concat());
        let said = text(&refused.stderr);
        assert!(!refused.status.success(), "{name}");
        for part in parts {
            assert!(said.contains(part), "{part}: {said}");
        }
        let errors = said.lines().filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "one sentence: {said}");
        assert!(refused.stdout.is_empty(), "nobody is told an address");
    }
    let vain = works.run(&[&start[..], &["h264_nvenc", "--preset", "audio"]].concat());
    assert_eq!(vain.status.code(), Some(64));
    assert!(text(&vain.stderr).contains("`--hardware` encodes H.264"));
    assert!(!text(&works.run(&["config", "show"]).stdout).is_empty());
}

#[test]
fn the_doctor_tries_hardware_and_says_what_works_and_what_is_missing() {
    let works = Workshop::with(WORKS);
    let said = text(&works.run(&["doctor"]).stdout);
    let line = finding(&said, "hardware");
    assert!(
        line.starts_with("ok") && line.contains("`h264_nvenc` can encode"),
        "{line}"
    );
    assert!(line.contains("(`h264_qsv`: no such chip)"), "{line}");
    assert!(finding(&said, "ffmpeg").contains("version "), "{said}");
    assert!(finding(&said, "ffprobe").contains("version "), "{said}");

    let silent = Workshop::with(SAYS_NOTHING);
    let said = text(&silent.run(&["doctor"]).stdout);
    let line = finding(&said, "hardware");
    assert!(line.contains("`h264_nvenc`: it wrote no picture"), "{line}");

    // Wanted by the settings and not there: the show would not begin.
    let arguments = ["doctor", "--source", "test", "--hardware", "h264_qsv"];
    let refused = works.run(&arguments);
    let said = text(&refused.stdout);
    assert!(finding(&said, "encoders").starts_with("fail"), "{said}");
    assert!(!refused.status.success());
    let asked = works.run(&["doctor", "--source", "test"]);
    let said = text(&asked.stdout);
    assert!(finding(&said, "source").contains("`test` can be broadcast"));
}

#[test]
fn an_encoder_that_sticks_is_ended_with_its_children_and_does_not_hold_up_the_rest() {
    let workshop = Workshop::with(STICKS);
    let clock = Deadline::after(Duration::from_mins(1));
    let said = text(&workshop.run(&["doctor"]).stdout);

    assert!(!clock.has_passed(), "{:?}", clock.elapsed());
    let line = finding(&said, "hardware");
    assert!(
        line.contains("`h264_nvenc`: it did not end within 10 s"),
        "{line}"
    );
    let number = fs::read_to_string(workshop.directory.path().join("stuck")).expect("a number");
    let process = PathBuf::from("/proc").join(number.trim());
    let gone = watch(SOON, || (!process.exists()).then_some(()));
    assert!(gone.is_some(), "its child still runs");
}

#[test]
fn the_doctor_says_of_each_thing_what_is_wrong_and_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path();
    let ffmpeg = format!("encoder.ffmpeg={}", program("ffmpeg", "FFMPEG").display());
    let state = place.join("state");
    fs::create_dir(&state).expect("a directory");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).expect("a mode");
    let key = state.join("stream_key");
    fs::write(&key, "7k2m-q9xd-7k2m-q9xd-7k2m\n").expect("a key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("a mode");
    let text_file = place.join("notes.txt");
    fs::write(&text_file, "not a film").expect("a file");
    let film = text_file.to_str().expect("text");

    for (arguments, name, word, parts) in [
        (
            vec!["--set", &ffmpeg],
            "stream key",
            "fail",
            ["mode 0640", "stream-key --new"],
        ),
        (
            vec!["--set", "encoder.ffmpeg=/nowhere/ffmpeg"],
            "ffmpeg",
            "warn",
            ["cannot be started", "install ffmpeg"],
        ),
        (
            vec![
                "--source",
                "test",
                "--set",
                "encoder.ffmpeg=/nowhere/ffmpeg",
            ],
            "ffmpeg",
            "fail",
            ["cannot be started", "install ffmpeg"],
        ),
        (
            vec![
                "--source",
                "screen",
                "--set",
                "encoder.screen=:9876",
                "--set",
                &ffmpeg,
            ],
            "source",
            "fail",
            ["the screen `:9876`", "X11 desktop"],
        ),
        (
            vec!["--source", "screen", "--set", &ffmpeg],
            "source",
            "fail",
            ["`DISPLAY` is not set", "X11 desktop"],
        ),
        (
            vec![
                "--source",
                "camera",
                "--set",
                "encoder.camera=/dev/null",
                "--set",
                &ffmpeg,
            ],
            "source",
            "fail",
            ["the camera `/dev/null`", "encoder.camera="],
        ),
        (
            vec!["--source", "file", film, "--set", &ffmpeg],
            "source",
            "fail",
            ["neither a picture nor sound", "choose another"],
        ),
    ] {
        let checked = onionstream(place, &[&["doctor"], &arguments[..]].concat());
        let said = text(&checked.stdout);
        let line = finding(&said, name);
        assert!(line.starts_with(word), "{arguments:?}: {line}");
        for part in parts {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert_eq!(checked.status.code(), Some(1), "the key is open to others");
        assert!(!said.contains("7k2m"), "the key is not shown");
    }
}

#[test]
fn every_option_for_hardware_is_one_that_this_ffmpeg_knows() {
    let directory = tempfile::tempdir().expect("a directory");
    let ffmpeg = program("ffmpeg", "FFMPEG");
    let setting = format!("encoder.ffmpeg={}", ffmpeg.display());
    let listed = Command::new(&ffmpeg)
        .args(["-hide_banner", "-encoders"])
        .output()
        .expect("ffmpeg runs");
    let listed = text(&listed.stdout);
    let names = listed
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1));
    let known = [
        "h264_nvenc",
        "h264_vaapi",
        "h264_qsv",
        "h264_amf",
        "h264_v4l2m2m",
    ];
    for name in names.filter(|name| known.contains(name)) {
        for preset in ["low-latency", "balanced"] {
            let printed = onionstream(
                directory.path(),
                &[
                    "ffmpeg",
                    "--source",
                    "test",
                    "--preset",
                    preset,
                    "--hardware",
                    name,
                    "--set",
                    &setting,
                ],
            );
            assert!(printed.status.success(), "{}", text(&printed.stderr));
            // Without the device: its options are looked at before that is missed. Of an encoder
            // that does work here a moment is enough.
            let command = text(&printed.stdout).replace("-vaapi_device /dev/dri/renderD128", "");
            let command = command.replace("pipe:1", "-t 0.2 pipe:1 >/dev/null");
            let ended = Command::new("sh")
                .args(["-c", command.trim()])
                .stdin(Stdio::null())
                .output()
                .expect("a shell");
            let said = text(&ended.stderr);
            for wrong in [
                "Unrecognized option",
                "has not been used",
                "Option not found",
                "Unable to parse",
                "Undefined constant",
                "Invalid argument for option",
            ] {
                assert!(!said.contains(wrong), "{name} {preset}: {said}");
            }
        }
    }
}
