use std::fs::File;

use super::*;
use crate::{
    clock::Clock,
    media::fragment::sample,
    recording::{Recordings, Settings},
};

fn settings(directory: &Path) -> Settings {
    Settings {
        directory: directory.to_owned(),
        keep_days: 0,
        max_bytes: 1 << 30,
        keep_free: 0,
        is_public: true,
        is_chat_public: false,
    }
}

/// An init segment and five fragments of 200 ms.
fn recording() -> Vec<u8> {
    let mut bytes = sample::audio_and_video().to_vec();
    for number in 0..5 {
        bytes.extend_from_slice(&sample::fragment_bytes(number * 200, number == 0));
    }
    bytes
}

fn put(directory: &Path, name: &str, index: &str) {
    fs::write(directory.join(format!("{name}.mp4")), recording()).unwrap();
    private_file::write(&directory.join(INDEX), index).unwrap();
}

#[test]
fn what_a_crash_cut_is_cut_to_the_last_whole_fragment() {
    let directory = tempfile::tempdir().unwrap();
    let name = "2026-11-21_2000";
    put(
        directory.path(),
        name,
        &format!("[[recordings]]\nname = \"{name}\"\nbegan = 5\ntitle = \"A & B\"\n"),
    );
    let file = directory.path().join(format!("{name}.mp4"));
    let whole = recording().len() as u64;
    let last = sample::fragment_bytes(0, false).len() as u64;
    File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(whole - 7)
        .unwrap();

    let recordings = Recordings::open(settings(directory.path()), Clock::new());
    assert_eq!(recordings.list()[0].stage, Stage::Unchecked);
    recordings.shared.check();

    let found = recordings.list().remove(0);
    assert_eq!(found.stage, Stage::Whole);
    assert_eq!(found.bytes, whole - last);
    assert_eq!(found.bytes, file.metadata().unwrap().len());
    assert_eq!(found.length, Duration::from_millis(800));
    assert_eq!((found.title.as_str(), found.is_hidden), ("A & B", false));
    // It is known from now on.
    let again = Recordings::open(settings(directory.path()), Clock::new());
    assert_eq!(again.list(), [found]);
}

#[test]
fn a_file_that_the_index_does_not_know_is_hidden_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    put(directory.path(), "2026-11-21_2000", "");
    put(directory.path(), "holiday", "");
    fs::create_dir(directory.path().join("2026-11-22_2000.mp4")).unwrap();
    std::os::unix::fs::symlink(
        "/etc/hostname",
        directory.path().join("2026-11-23_2000.mp4"),
    )
    .unwrap();
    let file = directory.path().join("2026-11-21_2000.mp4");
    let mut bytes = recording();
    bytes.extend_from_slice(b"trailing");
    fs::write(&file, &bytes).unwrap();

    let recordings = Recordings::open(settings(directory.path()), Clock::new());
    recordings.shared.check();

    let found = recordings.list();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].is_hidden);
    assert_eq!(found[0].length, Duration::from_secs(1));
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

#[test]
fn an_index_that_is_none_is_moved_aside_and_everything_is_hidden() {
    let directory = tempfile::tempdir().unwrap();
    put(directory.path(), "2026-11-21_2000", "recordings = 7");

    let recordings = Recordings::open(settings(directory.path()), Clock::new());
    let name = recordings.list()[0].name;
    assert!(recordings.list()[0].is_hidden);
    recordings.hide(name, false).unwrap();

    let aside = directory.path().join("index.toml.unreadable");
    assert_eq!(fs::read_to_string(aside).unwrap(), "recordings = 7");
    let again = Recordings::open(settings(directory.path()), Clock::new());
    assert!(!again.list()[0].is_hidden);
}

#[test]
fn what_is_too_old_is_deleted_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["1999-01-01_0000", "1999-01-01_0000-2", "9999-01-01_0000"] {
        put(directory.path(), name, "");
    }
    fs::write(directory.path().join("1999-01-01.mp4"), "mine").unwrap();
    let kept = Recordings::open(settings(directory.path()), Clock::new());
    assert_eq!(kept.list().len(), 3);

    let settings = Settings {
        keep_days: 30,
        ..settings(directory.path())
    };
    let left = Recordings::open(settings, Clock::new());

    let names: Vec<_> = left.list().iter().map(|one| one.name.to_string()).collect();
    assert_eq!(names, ["9999-01-01_0000"]);
    assert!(directory.path().join("1999-01-01.mp4").exists());
    assert!(!directory.path().join("1999-01-01_0000.mp4").exists());
}

#[test]
fn the_longest_index_can_be_read_back() {
    let mut chapters = Chapters::default();
    for minute in 0..60 * 24 * 365 {
        chapters.push(Duration::from_mins(minute), (1 << 50) + minute);
    }
    let worst = Recording {
        name: RecordingName::parse("9999-12-31_2359-999").unwrap(),
        // Quotes of both kinds have to be escaped.
        title: cut("\"'".repeat(500)),
        began: Some(WallTime::from_unix_millis(1 << 48)),
        length: Duration::from_hours(24 * 365),
        chat_bytes: 0,
        bytes: 1 << 50,
        chapters,
        is_hidden: false,
        stage: Stage::Whole,
    };
    let recordings = (0..MOST).map(|_| Entry::of(&worst)).collect();

    let text = toml::to_string(&Index { recordings }).unwrap();

    let len = text.len() as u64;
    assert!(len < private_file::MAX_BYTES, "{len}");
    let read: Index = toml::from_str(&text).unwrap();
    let read: Vec<_> = read.recordings.into_iter().map(Entry::recording).collect();
    let same = read[0].as_ref().unwrap();
    assert_eq!(same.chapters.all(), worst.chapters.all());
    assert_eq!(same.title, worst.title);
    assert_eq!(cut("ä".repeat(200)).len(), MAX_TITLE);
    assert_eq!(cut(format!("x{}", "ä".repeat(200))).len(), MAX_TITLE - 1);
    assert_eq!(cut("Tea".to_owned()), "Tea");
}

#[test]
fn recordings_and_the_index_are_told_from_other_files_by_their_names() {
    for (name, expected) in [
        ("2026-11-21_2000.mp4", true),
        ("2026-11-21_2000-2.mp4", true),
        ("index.toml", true),
        (".index.toml.0123456789abcdef", true),
        ("index.toml.unreadable", true),
        ("index.toml.bak", false),
        ("holiday.mp4", false),
        ("2026-11-21_2000.mp4.bak", false),
    ] {
        assert_eq!(is_ours(name), expected, "{name}");
    }
}

#[test]
fn a_deleted_recording_is_gone_from_disk_list_and_index() {
    let directory = tempfile::tempdir().unwrap();
    put(directory.path(), "2026-11-21_2000", "");
    let recordings = Recordings::open(settings(directory.path()), Clock::new());
    let name = recordings.list()[0].name;

    recordings.delete(name).unwrap();

    assert!(recordings.list().is_empty());
    assert!(!directory.path().join(name.file()).exists());
    let again = recordings.delete(name).unwrap_err().to_string();
    assert!(again.contains("no such recording"), "{again}");
    assert_eq!(recordings.recorder().space.used, 0);
}

#[test]
fn half_an_index_that_a_killed_program_left_does_not_stay() {
    let directory = tempfile::tempdir().unwrap();
    let half = directory.path().join(".index.toml.0123456789abcdef");
    let other = directory.path().join(".index.toml.swp");
    for file in [&half, &other] {
        fs::write(file, "[[recordings]]\ntitle = \"deleted since\"\n").unwrap();
    }

    drop(Recordings::open(settings(directory.path()), Clock::new()));

    assert!(!half.exists() && other.exists());
}
