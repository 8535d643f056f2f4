use std::{os::unix::fs::PermissionsExt as _, path::Path};

use super::*;
use crate::{
    clock::{Clock, WallTime},
    media::recording::{Recording, Stage, chapters::Chapters},
    recording::Settings,
    room::{
        colour::Colour,
        emote::EmoteTable,
        markup::Body,
        name::DisplayName,
        person::{Identity, Role},
        tag::{PublicKey, PublicTag},
        transcript::{Message, MessageId, Speaker},
    },
};

fn name() -> RecordingName {
    RecordingName::parse("2026-11-21_2000").unwrap()
}

/// Recordings with one of 1,000 bytes, in a directory that may hold so many.
fn recordings(directory: &Path, max_bytes: u64) -> Recordings {
    let settings = Settings {
        directory: directory.to_owned(),
        keep_days: 0,
        max_bytes,
        keep_free: 0,
        is_public: true,
        is_chat_public: true,
    };
    let recordings = Recordings::open(settings, Clock::new());
    fs::write(directory.join(name().file()), [0; 1_000]).unwrap();
    let recording = Recording {
        name: name(),
        title: String::new(),
        began: Some(WallTime::from_unix_millis(0)),
        length: Duration::from_secs(5),
        bytes: 1_000,
        chat_bytes: 0,
        chapters: Chapters::default(),
        is_hidden: false,
        stage: Stage::Whole,
    };
    recordings.shared.lock().all.insert(name(), recording);
    recordings
}

fn somebody(key: u64) -> Identity {
    Identity {
        key: PublicKey::from_random(key),
        tag: PublicTag::from_random(0),
        name: Some(DisplayName::parse("Anna").unwrap()),
        colour: Colour(0, 0, 0),
        tripcode: None,
        role: Role::Viewer,
    }
}

fn says(chat: &mut Chat, key: u64, text: &str) {
    let message = Message {
        id: MessageId(key),
        at: WallTime::from_unix_millis(0),
        speaker: Speaker::Person(somebody(key)),
        body: Body::parse(text, &EmoteTable::default(), &mut |_| None).unwrap(),
        is_action: false,
        begins_day: false,
        may_be_kept: true,
    };
    let update = Update::Said(Arc::new(message));
    let due = chat.log.take(&update, Some(Duration::ZERO));
    chat.must(due);
}

fn withdraws(chat: &mut Chat, key: u64) {
    let update = Update::Withdrawn(PublicKey::from_random(key));
    let due = chat.log.take(&update, None);
    chat.must(due);
}

fn chat() -> Chat {
    Chat {
        name: name(),
        log: ChatLog::new(),
        due: Due::Nothing,
        is_ripe: false,
        has_failed: false,
    }
}

#[test]
fn a_chat_counts_to_the_room_of_recordings_is_private_and_goes_with_its_recording() {
    let directory = tempfile::tempdir().unwrap();
    let all = recordings(directory.path(), 1 << 20);
    let file = directory.path().join("2026-11-21_2000.chat.json");
    let mut chat = chat();
    says(&mut chat, 1, "hello");
    assert_eq!((chat.due, chat.is_ripe), (Due::Later, false));

    let (_, due, written) = chat.work(&all)();

    written.unwrap();
    assert_eq!((due, chat.due), (Due::Nothing, Due::Nothing));
    let about = file.metadata().unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    assert_eq!(all.recorder().space.used, 1_000 + about.len());
    assert!(all.has_chat_for(name(), Eyes::Viewer));
    let read = all.shared.read_chat(name()).unwrap();
    assert_eq!(read.lines.len(), 1);
    let same = all.shared.read_chat(name()).unwrap();
    assert!(Arc::ptr_eq(&read, &same), "held once");
    // A look at the directory finds it, and those that are nobody's.
    let orphan = directory.path().join("2026-11-22_2000.chat.json");
    fs::write(&orphan, "{}").unwrap();
    all.look();
    assert_eq!(all.recorder().space.used, 1_000 + about.len());
    assert!(!orphan.exists() && file.exists());

    all.delete(name()).unwrap();
    assert!(!file.exists());
    assert_eq!(all.recorder().space.used, 0);
    // What was still to be written comes too late.
    says(&mut chat, 2, "late");
    let (_, _, written) = chat.work(&all)();
    written.unwrap();
    assert!(!file.exists());
}

#[test]
fn what_cannot_be_written_without_what_was_taken_back_is_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let all = recordings(directory.path(), 1_200);
    let file = directory.path().join("2026-11-21_2000.chat.json");
    let mut chat = chat();
    says(&mut chat, 1, "first");
    chat.work(&all)().2.unwrap();
    let before = fs::read(&file).unwrap();

    // More than there is room for: the rest waits.
    says(&mut chat, 2, &"x".repeat(400));
    let (_, due, written) = chat.work(&all)();
    let why = written.unwrap_err().to_string();
    assert!(why.contains("recording.max_size"), "{why}");
    assert_eq!((due, fs::read(&file).unwrap()), (Due::Later, before));

    withdraws(&mut chat, 1);
    assert_eq!((chat.due, chat.is_ripe), (Due::Now, true));
    let (_, due, written) = chat.work(&all)();
    assert!(written.is_err());
    assert_eq!(due, Due::Later);
    assert!(!file.exists(), "better none than one with that line");
    assert_eq!(all.recorder().space.used, 1_000);

    // Nothing is left at all: no file either, and that is no failure.
    withdraws(&mut chat, 2);
    let (_, due, written) = chat.work(&all)();
    written.unwrap();
    assert_eq!(due, Due::Nothing);
    assert!(!file.exists());
}

#[test]
fn a_chat_that_others_changed_is_not_given_out_when_it_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let all = recordings(directory.path(), 1 << 20);
    let file = directory.path().join("2026-11-21_2000.chat.json");
    private_file::write(&file, "{\"version\":7}").unwrap();
    assert_eq!(all.shared.read_chat(name()), None);
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &file).unwrap();
    assert_eq!(all.shared.read_chat(name()), None);
    for (name, is_ours) in [
        ("2026-11-21_2000.chat.json", true),
        (".2026-11-21_2000.chat.json.0123456789abcdef", true),
        (".2026-11-21_2000.chat.json.swp", false),
        ("notes.chat.json", false),
        (".notes.chat.json.0123456789abcdef", false),
    ] {
        assert_eq!(crate::recording::is_ours(name), is_ours, "{name}");
    }
}

#[tokio::test]
async fn chats_are_read_one_after_the_other_and_who_waits_takes_no_thread() {
    let directory = tempfile::tempdir().unwrap();
    let all = recordings(directory.path(), 1 << 20);
    let mut chat = chat();
    says(&mut chat, 1, "hello");
    chat.work(&all)().2.unwrap();
    let before = Arc::strong_count(&all.shared);
    let turn = Arc::clone(&all.shared.reading).acquire_owned().await;

    let mut waiting = std::pin::pin!(all.chat(name(), Eyes::Broadcaster));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!(
        Arc::strong_count(&all.shared),
        before,
        "no work is under way"
    );
    drop(turn);

    assert_eq!(waiting.await.unwrap().lines.len(), 1);
}
