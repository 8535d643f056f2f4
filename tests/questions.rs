//! What the program asks ffmpeg and ffprobe, and the slate that it has made: none of it outlives the
//! show, and the show waits for none of it.

mod stage;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use stage::{
    Deadline,
    process::{program, write_script},
    server::Server,
    watch,
    watching::{Watching, is_running},
};
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(20);
/// What was promised for the end of the show, and for a panic.
const STOPS_WITHIN: Duration = Duration::from_secs(5);
const PANICS_WITHIN: Duration = Duration::from_secs(2);

/// A directory with an ffmpeg and an ffprobe, of which one never answers when `stuck` is in what it is
/// told.
struct Workshop {
    directory: TempDir,
}

impl Workshop {
    fn with(stuck_program: &str, stuck: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let here = directory.path().display();
        for (name, variable) in [("ffmpeg", "FFMPEG"), ("ffprobe", "FFPROBE")] {
            let real = program(name, variable);
            let real = real.display();
            let pattern = if name == stuck_program {
                stuck
            } else {
                "nothing"
            };
            let script = format!(
                "#!/bin/sh\n\
                 case \"$*\" in *{pattern}*) echo $$ >'{here}/part'; mv '{here}/part' '{here}/stuck'; exec sleep 600 ;; esac\n\
                 exec '{real}' \"$@\"\n"
            );
            write_script(directory.path(), name, &script);
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start(&self, arguments: &[&str]) -> Server {
        let ffmpeg = format!("encoder.ffmpeg={}", self.path("ffmpeg").display());
        Server::start(&[&["--no-tor", "--set", &ffmpeg], arguments].concat())
    }

    /// The process that never answers.
    fn stuck(&self) -> u32 {
        let number = watch(SOON, || {
            let text = fs::read_to_string(self.path("stuck")).ok()?;
            text.trim().parse().ok()
        });
        let number = number.expect("something that is stuck");
        assert!(is_running(number));
        number
    }
}

impl Drop for Workshop {
    /// When a test fails.
    fn drop(&mut self) {
        let stuck = fs::read_to_string(self.path("stuck")).unwrap_or_default();
        if stuck.trim().parse().is_ok_and(is_running) {
            let killed = Command::new("kill").args(["-KILL", stuck.trim()]).status();
            drop(killed);
        }
    }
}

fn film(file: &Path) {
    let made = Command::new(program("ffmpeg", "FFMPEG"))
        .args("-nostdin -v error -f lavfi -i testsrc2=size=320x180:rate=25 -t 2".split(' '))
        .arg(file)
        .status();
    assert!(made.is_ok_and(|made| made.success()));
}

fn is_gone(process: u32) -> bool {
    watch(PANICS_WITHIN, || (!is_running(process)).then_some(())).is_some()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Stop,
    Panic,
    Kill,
}

/// Ends the show in this way while something is stuck, and sees that it is in time and complete.
fn end(server: &mut Server, end: End, stuck: u32) {
    let clock = Deadline::after(SOON);
    let within = match end {
        End::Stop => {
            assert!(server.sigterm().success(), "{}", server.log());
            STOPS_WITHIN
        }
        End::Panic => {
            server.says(&["panic", "--yes"]);
            server.wait(SOON);
            PANICS_WITHIN
        }
        End::Kill => {
            server.sigkill();
            PANICS_WITHIN
        }
    };
    let took = clock.elapsed();
    assert!(took < within, "{end:?}: {took:?}");
    assert!(is_gone(stuck), "{end:?}");
}

#[test]
fn a_start_that_waits_for_an_answer_can_be_ended_and_leaves_nothing() {
    for how in [End::Stop, End::Kill] {
        let workshop = Workshop::with("ffprobe", "film.mkv");
        let file = workshop.path("film.mkv");
        film(&file);
        let mut server = workshop.start(&["--source", "file", file.to_str().expect("text")]);
        let stuck = workshop.stuck();
        end(&mut server, how, stuck);
    }
}

#[test]
fn a_show_ends_at_once_while_it_waits_for_what_is_in_the_next_file() {
    for how in [End::Stop, End::Panic, End::Kill] {
        let workshop = Workshop::with("ffprobe", "second.mkv");
        let folder = workshop.path("films");
        fs::create_dir(&folder).expect("a directory");
        film(&folder.join("first.mkv"));
        film(&folder.join("second.mkv"));
        let mut server = workshop.start(&["--source", "folder", folder.to_str().expect("text")]);
        server.local_url();
        let stuck = workshop.stuck();
        end(&mut server, how, stuck);
    }
}

#[test]
fn what_makes_the_slate_ends_with_the_show() {
    for stuck_program in ["ffprobe", "ffmpeg"] {
        for how in [End::Stop, End::Panic, End::Kill] {
            let workshop = Workshop::with(stuck_program, "clip.mkv");
            let clip = workshop.path("clip.mkv");
            film(&clip);
            let slate = format!("encoder.slate={}", clip.display());
            let mut server = workshop.start(&["--source", "test", "--set", &slate]);
            server.local_url();
            let stuck = workshop.stuck();
            end(&mut server, how, stuck);
            assert!(!server.log().contains("no slate"), "{}", server.log());
        }
    }
}

#[test]
fn a_clip_that_gives_nothing_costs_the_slate_alone_and_the_log_says_what_to_do() {
    let workshop = Workshop::with("ffmpeg", "nothing");
    let clip = workshop.path("pipe.mkv");
    mknodat(CWD, &clip, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let slate = format!("encoder.slate={}", clip.display());
    let server = workshop.start(&["--source", "test", "--set", &slate]);
    let mut watching = Watching::open(&server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
    let said = server.wait_log(
        "`encoder.slate` cannot be shown: it was not made in time",
        SOON,
    );
    for part in [
        "its file can be read",
        "the card that is built in takes its place",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let before = watching.seconds();
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 2.0));
}

#[test]
fn what_is_a_program_in_name_only_is_said_so() {
    let workshop = Workshop::with("ffmpeg", "nothing");
    for (text, why) in [
        // The shell says the same of what is in it.
        ("no program\n", ""),
        ("#!/nowhere/sh\n", "No such file"),
    ] {
        let file = write_script(workshop.directory.path(), "ffmpeg", text);
        let setting = format!("encoder.ffmpeg={}", file.display());
        let output = Command::new(env!("CARGO_BIN_EXE_onionstream"))
            .args(["doctor", "--set", &setting, "--dir"])
            .arg(workshop.directory.path())
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let words = format!("`{}` cannot be started: {why}", file.display());
        assert!(said.contains(&words), "{said}");
    }
}
