//! docs/sources.md, held to the program: what it says is run.

mod stage;

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use stage::{
    process::{Process, program},
    server::Server,
    watch,
    watching::Watching,
};

const SOON: Duration = Duration::from_secs(20);

const PAGE: &str = include_str!("../docs/sources.md");

fn onionstream(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_onionstream"))
        .current_dir(directory)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_the_page_says_ffmpeg_reads_is_what_the_program_prints() {
    let directory = tempfile::tempdir().expect("a directory");
    let film = directory.path().join("film.mkv");
    let made = Command::new(program("ffmpeg", "FFMPEG"))
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i"])
        .args(["testsrc2=size=64x64:rate=5", "-f", "lavfi", "-i", "sine"])
        .args(["-t", "0.4"])
        .arg(&film)
        .status();
    assert!(made.expect("ffmpeg runs").success());

    let mut lines = PAGE.lines();
    let mut told = 0;
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("$ onionstream ") else {
            continue;
        };
        let arguments: Vec<_> = command.split(' ').collect();
        let printed = onionstream(directory.path(), &arguments);
        let printed = text(&printed.stdout);
        let mut rest = printed.as_str();
        let expected = lines.next().expect("what it prints");
        for part in expected.split('…').map(str::trim) {
            let found = rest.split_once(part);
            rest = found
                .unwrap_or_else(|| panic!("`{command}`: no `{part}` in {printed}"))
                .1;
        }
        told += 1;
    }
    assert_eq!(told, 6);
}

#[test]
fn every_source_and_every_hardware_encoder_has_a_row() {
    let directory = tempfile::tempdir().expect("a directory");
    let help = text(&onionstream(directory.path(), &["start", "--help"]).stdout);
    let values = help.split("Possible values:").nth(1).expect("sources");
    let names = values
        .lines()
        .map(str::trim)
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("- ")?.split_once(':'));
    let names: Vec<_> = names.map(|(name, _)| name).collect();
    assert!(names.contains(&"watch") && names.len() >= 9, "{help}");
    for name in names {
        let is_row = |line: &str| {
            let cell = line.strip_prefix("| `").unwrap_or_default();
            cell.split(['`', ' ']).next() == Some(name)
        };
        assert!(PAGE.lines().any(is_row), "`--source {name}`");
    }

    let reference = include_str!("../docs/configuration.md");
    let row = reference
        .lines()
        .find(|line| line.starts_with("| `hardware` "));
    let words = row.expect("a setting").split('"').skip(3).step_by(2);
    let words: Vec<_> = words.filter(|word| word.starts_with("h264_")).collect();
    assert_eq!(words.len(), 6);
    for word in words {
        assert!(PAGE.contains(&format!("\n| `{word}` |")), "{word}");
    }
}

#[test]
fn what_other_computers_are_told_to_send_is_played() {
    let ffmpeg = program("ffmpeg", "FFMPEG");
    let setting = format!("encoder.ffmpeg={}", ffmpeg.display());
    let arguments = ["--source", "rtmp", "--no-tor", "--rtmp", "127.0.0.1:0"];
    let server = Server::start(&[&arguments[..], &["--set", &setting]].concat());
    server.local_url();

    let block = PAGE.split("```sh publish\n").nth(1).expect("a block");
    let command = block.split("```").next().expect("its end");
    let inputs = "-nostdin -re -f lavfi -i testsrc2=size=1280x720:rate=30 \
                  -re -f lavfi -i sine=frequency=440:sample_rate=44100";
    let command = command
        .replace(
            "ffmpeg INPUT",
            &format!("exec '{}' {inputs}", ffmpeg.display()),
        )
        .replace("rtmp://127.0.0.1:1935/live", &server.place("rtmp"))
        .replace("KEY", &server.stream_key());
    assert!(
        !command.contains("INPUT") && !command.contains(":1935"),
        "{command}"
    );
    let script = server.directory().join("publish.sh");
    fs::write(&script, &command).expect("a script");
    let _publisher = Process::start("publishing ffmpeg", Command::new("sh").arg(&script));

    // On the air first: until then there is nothing to open.
    server.wait_log("an encoder is publishing", SOON);
    let played = watch(SOON, || {
        let page = stage::http::Request::get("/stream.mp4").open(server.local_address());
        (page.status == 200).then_some(())
    });
    assert!(played.is_some(), "{}", server.log());
    let mut watching = Watching::open(&server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
    assert_eq!(watching.inits[0].tracks().len(), 2);
}
