//! Runs the recipes in `ffmpeg/` that need no camera, microphone or screen, and reads what they write.
//!
//! Belongs here: what the stream directory promises to whoever follows it, seen through its files alone.
//! Does not belong here: following it (`ingest`), and what browsers make of it.
//!
//! Needs `ffmpeg`, `ffprobe` and a font on this machine. The screen, camera and microphone recipes are only checked
//! as far as their messages go.
#![cfg(unix)]
#![expect(
    clippy::indexing_slicing,
    reason = "a box that is too short must fail the test"
)]

mod boxes;
mod place;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::UNIX_EPOCH;

use rustix::process::Signal;

use boxes::{boxes, contains, decode_times, starts_with_keyframe};
use place::{Ending, Place, eventually, is_running};

/// Every recipe, by file name.
const RECIPES: [&str; 8] = [
    "test-pattern.sh",
    "file.sh",
    "screen.sh",
    "camera.sh",
    "audio.sh",
    "vp9.sh",
    "hls.sh",
    "two-qualities.sh",
];

/// Traces of programs and of the input that no viewer needs to know.
const TRACES: [&[u8]; 6] = [
    b"Lavf",
    b"Lavc",
    b"x264 - core",
    b"libx264",
    b"libvpx",
    b"Secret",
];

#[test]
fn test_pattern_grows_by_whole_fragments_and_ends_its_playlist_when_interrupted() {
    let place = Place::new();
    let mut recipe = place.start("test-pattern.sh", &[], &[]);

    let growth = recipe.watch_segment_grow(0);
    recipe.wait_for_segment(1);
    recipe.stop(Signal::INT);

    assert!(
        growth.windows(2).filter(|pair| pair[0] < pair[1]).count() >= 3,
        "the segment must appear bit by bit, but its fragments were seen as {growth:?}"
    );
    recipe.assert_init_segment(&[b"vide", b"soun"]);
    recipe.assert_growing_segments();
    recipe.assert_without_traces(&TRACES);
    recipe.assert_playlist(Ending::Ended);
}

#[test]
fn balanced_preset_starts_each_segment_with_a_keyframe() {
    let place = Place::new();
    let mut recipe = place.start("test-pattern.sh", &[], &[("PRESET", "balanced")]);

    recipe.wait_for_segment(1);
    recipe.stop(Signal::INT);

    recipe.assert_init_segment(&[b"vide", b"soun"]);
    recipe.assert_growing_segments();
    recipe.assert_without_traces(&TRACES);
}

#[test]
fn file_is_broadcast_once_without_its_title_and_date() {
    let place = Place::new();
    let film = place.film();
    let mut recipe = place.start("file.sh", &[&film], &[]);

    let status = recipe.wait_for_end();

    assert!(status.success(), "{status}: {}", recipe.complaints());
    recipe.assert_init_segment(&[b"vide", b"soun"]);
    recipe.assert_growing_segments();
    recipe.assert_without_traces(&TRACES);
    recipe.assert_playlist(Ending::Ended);
    assert_eq!(recipe.segments(), [0, 1], "3 s in segments of 2 s");
}

#[test]
fn sound_alone_is_broadcast_as_opus_or_aac() {
    for (codec, sample_entry) in [("opus", b"Opus"), ("aac", b"mp4a")] {
        let place = Place::new();
        let film = place.film();
        let mut recipe = place.start("audio.sh", &[&film], &[("CODEC", codec)]);

        recipe.wait_for_end();

        recipe.assert_init_segment(&[b"soun"]);
        assert!(
            contains(&recipe.read("init.mp4"), sample_entry),
            "{codec}: wrong sample entry"
        );
        recipe.assert_growing_segments();
        recipe.assert_without_traces(&TRACES);
        recipe.assert_playlist(Ending::Ended);
    }
}

#[test]
fn vp9_recipe_writes_vp9_and_opus() {
    let place = Place::new();
    let mut recipe = place.start("vp9.sh", &[], &[]);

    recipe.wait_for_segment(1);
    recipe.stop(Signal::INT);

    recipe.assert_init_segment(&[b"vide", b"soun"]);
    let init = recipe.read("init.mp4");
    assert!(contains(&init, b"vp09") && contains(&init, b"Opus"));
    recipe.assert_growing_segments();
    recipe.assert_without_traces(&TRACES);
}

#[test]
fn hls_recipe_writes_whole_segments_with_a_map() {
    let place = Place::new();
    let mut recipe = place.start("hls.sh", &[], &[]);

    recipe.wait_for_segment(1);
    recipe.stop(Signal::INT);

    recipe.assert_init_segment(&[b"vide", b"soun"]);
    for number in recipe.segments() {
        let segment = recipe.segment(number);
        let (boxes, rest) = boxes(&segment);
        let kinds: Vec<&[u8]> = boxes.iter().map(|found| found.kind).collect();
        assert_eq!(
            kinds,
            [b"styp", b"sidx", b"sidx", b"moof", b"mdat"],
            "stream{number}.m4s"
        );
        assert!(
            rest.is_empty() && starts_with_keyframe(boxes[3].body),
            "stream{number}.m4s"
        );
    }
    // ffmpeg's `hls` muxer cannot be kept from naming its version in init.mp4; the recipe says so.
    recipe.assert_without_traces(&TRACES[1..]);
    let playlist = recipe.assert_playlist(Ending::Ended);
    assert!(
        playlist.contains("#EXT-X-MAP:URI=\"init.mp4\"\n"),
        "{playlist}"
    );
}

#[test]
fn two_qualities_come_from_one_process_each_in_a_directory_of_its_own() {
    let place = Place::new();
    let mut recipe = place.start("two-qualities.sh", &[], &[("PRESET", "low-latency")]);
    let source = recipe.directory.clone();

    for directory in [source.clone(), source.join("low")] {
        recipe.directory = directory;
        recipe.wait_for_segment(1);
        assert_eq!(recipe.text("pid.txt"), format!("{}\n", recipe.child.id()));
    }
    recipe.stop(Signal::INT);

    let mut bytes = Vec::new();
    for directory in [source.clone(), source.join("low")] {
        recipe.directory = directory;
        recipe.assert_init_segment(&[b"vide", b"soun"]);
        recipe.assert_growing_segments();
        recipe.assert_without_traces(&TRACES);
        recipe.assert_playlist(Ending::Ended);
        assert_eq!(mode(&recipe.directory), 0o700);
        bytes.push(recipe.segment(0).len());
    }
    assert!(bytes[1] * 2 < bytes[0], "{bytes:?}");
}

#[test]
fn a_film_is_broadcast_in_two_qualities() {
    let place = Place::new();
    let film = place.film();
    let mut recipe = place.start("two-qualities.sh", &[&film], &[("LOW_NAME", "p240")]);

    let status = recipe.wait_for_end();

    assert!(status.success(), "{status}: {}", recipe.complaints());
    let source = recipe.directory.clone();
    for directory in [source.clone(), source.join("p240")] {
        recipe.directory = directory;
        recipe.assert_init_segment(&[b"vide", b"soun"]);
        recipe.assert_without_traces(&TRACES);
        assert_eq!(recipe.segments(), [0, 1], "3 s in segments of 2 s");
    }
}

#[test]
fn recipe_names_its_process_and_its_start_and_keeps_others_out() {
    let place = Place::new();
    let mut recipe = place.start("test-pattern.sh", &[], &[]);

    recipe.wait_for_segment(0);

    assert_eq!(
        recipe.text("pid.txt"),
        format!("{}\n", recipe.child.id()),
        "pid.txt names ffmpeg itself"
    );
    let started: u64 = recipe
        .text("start.txt")
        .trim_end()
        .parse()
        .expect("start.txt is a number");
    let written = fs::metadata(recipe.path("start.txt"))
        .and_then(|file| file.modified())
        .expect("start.txt has a date")
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    assert!(
        written.abs_diff(started) <= 1,
        "start.txt says {started}, but was written at {written}"
    );
    assert_eq!(mode(&recipe.directory), 0o700);
    assert_eq!(mode(&recipe.path("stream0.m4s")), 0o600);
}

#[test]
fn second_recipe_in_the_same_directory_is_refused() {
    let place = Place::new();
    let mut first = place.start("test-pattern.sh", &[], &[]);
    first.wait_for_segment(0);

    let second = place.ask("test-pattern.sh", &[], &[]);

    let pid = first.child.id();
    assert_refused(
        &second,
        &format!(
            "test-pattern.sh: process {pid} is still writing to `{}`; stop it first: kill {pid}\n",
            first.directory.display()
        ),
    );
    assert!(
        first.path("init.mp4").exists(),
        "the first broadcast goes on"
    );
}

#[test]
fn earlier_run_is_cleared_away_and_nothing_else() {
    let place = Place::new();
    let directory = place.stream_directory();
    fs::create_dir(&directory).expect("a new directory");
    let ours = [
        "stream.m3u8",
        "init.mp4",
        "pid.txt",
        "start.txt",
        "stream7.m4s",
        "stream4711.m4s",
    ];
    let others = [
        "notes.txt",
        "stream.m4s",
        "streamX.m4s",
        "stream07.m4s",
        "stream7.m4s.old",
        "mystream7.m4s",
    ];
    for name in ours.iter().chain(&others) {
        fs::write(directory.join(name), "earlier").expect("a file can be written");
    }

    let mut recipe = place.start("test-pattern.sh", &[], &[]);
    recipe.wait_for_segment(0);

    for name in &others {
        assert_eq!(recipe.text(name), "earlier", "{name} is not ours");
    }
    for name in &ours {
        assert!(
            !recipe.path(name).exists() || recipe.read(name) != b"earlier",
            "{name} is left over"
        );
    }
}

#[test]
fn old_segments_are_swept_until_ffmpeg_has_ended() {
    let place = Place::new();
    let settings = [
        ("SEGMENT_SECONDS", "1"),
        ("LIST_SEGMENTS", "3"),
        ("KEEP_SEGMENTS", "3"),
        ("SWEEP_SECONDS", "1"),
    ];
    let mut recipe = place.start("test-pattern.sh", &[], &settings);
    recipe.wait_for_segment(0);
    let sweeper = recipe.sweeper();

    recipe.wait_for_segment(4);
    eventually("stream0.m4s is swept", || {
        !recipe.path("stream0.m4s").exists()
    });
    let left = recipe.segments();
    assert!(
        left.len() >= 3 && left.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "the newest are kept without gaps: {left:?}"
    );

    recipe.stop(Signal::KILL);
    eventually("the sweeper ends by itself", || !is_running(sweeper));
}

#[test]
fn killed_recipe_leaves_its_playlist_open_and_a_restart_writes_the_same_init_segment() {
    let place = Place::new();
    let mut first = place.start("test-pattern.sh", &[], &[]);
    first.wait_for_segment(1);
    first.stop(Signal::KILL);
    first.assert_playlist(Ending::Open);
    let init = first.read("init.mp4");

    let mut second = place.start("test-pattern.sh", &[], &[]);
    second.wait_for_segment(0);

    assert_eq!(second.read("init.mp4"), init);
}

#[test]
fn demo_clip_is_ten_seconds_of_fragments_that_can_be_repeated() {
    let clip = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.mp4"))
        .expect("the clip is in the package");

    let (found, rest) = boxes(&clip);

    assert!(rest.is_empty(), "the clip ends inside a box");
    let (init, media) = found.split_at(2);
    assert_eq!((init[0].kind, init[1].kind), (&b"ftyp"[..], &b"moov"[..]));
    assert_eq!(media.len(), 100, "50 times `moof` and `mdat`");
    for (index, fragment) in media.chunks(2).enumerate() {
        let kinds: Vec<&[u8]> = fragment.iter().map(|part| part.kind).collect();
        assert_eq!(kinds, [b"moof", b"mdat"], "fragment {index}");
        assert_eq!(
            starts_with_keyframe(fragment[0].body),
            index % 5 == 0,
            "fragment {index}: a keyframe each second"
        );
        // 200 ms are 2560 ticks of 1/12800 s, and 9600 samples at 48 kHz.
        let index = u64::try_from(index).expect("a small number");
        assert_eq!(
            decode_times(fragment[0].body),
            [index * 2560, index * 9600],
            "fragment {index}"
        );
    }
    for trace in TRACES {
        assert!(!contains(&clip, trace));
    }
}

#[test]
fn every_recipe_states_its_bitrate_and_latency() {
    let place = Place::new();

    for name in RECIPES {
        let answer = place.ask(name, &["-h"], &[]);

        let text = String::from_utf8(answer.stdout).expect("help is text");
        assert!(answer.status.success(), "{name}");
        assert!(
            text.starts_with(&format!("usage: ffmpeg/{name}")),
            "{name}: {text}"
        );
        for line in ["\nBitrate: ", "\nLatency: ", "\nEnvironment: "] {
            assert!(text.contains(line), "{name} must state {line:?}");
        }
        assert!(
            !text.contains("set -eu"),
            "{name} prints more than its head"
        );
    }
}

#[test]
fn what_is_missing_or_wrong_is_said_in_one_sentence() {
    let place = Place::new();
    let tools = place.directory.path().join("tools");
    fs::create_dir(&tools).expect("a new directory");
    for tool in ["dirname", "basename"] {
        symlink(find_tool(tool), tools.join(tool)).expect("a link can be made");
    }
    let tools = tools.to_str().expect("a plain path");
    let nothing = place.directory.path().join("no film here.mp4");
    let nothing = nothing.to_str().expect("a plain path");

    let cases = [
        (
            "test-pattern.sh",
            vec![],
            ("PATH", tools),
            "ffmpeg was not found; install it (Debian: apt install ffmpeg)",
        ),
        (
            "test-pattern.sh",
            vec![],
            ("FONT", "/no/font.ttf"),
            "no font was found; name one with FONT=/path/to/font.ttf (Debian: apt install fontconfig fonts-dejavu-core)",
        ),
        (
            "test-pattern.sh",
            vec![],
            ("PRESET", "fast"),
            "PRESET is `fast`, but must be balanced or low-latency",
        ),
        (
            "vp9.sh",
            vec![],
            ("FRAME_RATE", "25; id"),
            "FRAME_RATE is `25; id`, but must be a whole number",
        ),
        (
            "hls.sh",
            vec![],
            ("GOP_SECONDS", "3"),
            "GOP_SECONDS (3) must divide SEGMENT_SECONDS (2)",
        ),
        (
            "file.sh",
            vec![],
            ("LOOPS", "0"),
            "name one file to broadcast; -h shows the help",
        ),
        (
            "file.sh",
            vec![nothing],
            ("LOOPS", "0"),
            &format!("`{nothing}` is not a readable file"),
        ),
        (
            "screen.sh",
            vec![],
            ("DISPLAY", ""),
            "DISPLAY is not set; start this from a terminal on the X11 desktop, or name it with SCREEN=:0",
        ),
        (
            "camera.sh",
            vec![],
            ("CAMERA", "/no/camera"),
            "there is no camera `/no/camera`; plug one in, or name it with CAMERA=/dev/videoN",
        ),
        (
            "two-qualities.sh",
            vec![],
            ("LOW_NAME", "../x"),
            "LOW_NAME is `../x`, but must be 1 to 16 of a-z, 0-9 and -, begin with a letter, and not be source",
        ),
        (
            "audio.sh",
            vec![],
            ("MICROPHONE", "none"),
            "nothing to broadcast: MICROPHONE is none and no file is named",
        ),
    ];

    for (name, arguments, setting, sentence) in cases {
        let answer = place.ask(name, &arguments, &[setting]);

        assert_refused(&answer, &format!("{name}: {sentence}\n"));
        assert!(
            !place.stream_directory().exists(),
            "{name}: nothing may be written"
        );
    }
}

fn assert_refused(answer: &Output, sentence: &str) {
    assert_eq!(String::from_utf8_lossy(&answer.stderr), sentence);
    assert_eq!(answer.status.code(), Some(1), "{sentence}");
    assert!(answer.stdout.is_empty(), "{sentence}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it exists").permissions().mode() & 0o777
}

/// Where the shell finds a tool.
fn find_tool(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a PATH");
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|tool| tool.is_file())
        .unwrap_or_else(|| panic!("`{name}` is on the PATH"))
}
