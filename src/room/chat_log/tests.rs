use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{
    clock::WallTime,
    media::recording::chat::ChatFile,
    room::{
        colour::Colour, emote::EmoteTable, name::DisplayName, tag::PublicTag, tripcode::Tripcode,
    },
};

fn name() -> RecordingName {
    RecordingName::parse("2026-11-21_2000").unwrap()
}

/// Somebody by number; 0 has no name.
fn somebody(number: u64) -> Identity {
    let name = format!("Anna {number}");
    Identity {
        key: PublicKey::from_random(number),
        tag: PublicTag::from_random(7),
        name: (number > 0).then(|| DisplayName::parse(&name).unwrap()),
        colour: Colour(1, 2, 3),
        tripcode: (number > 1).then(|| Tripcode::from_bytes([0; 10])),
        role: Role::Viewer,
    }
}

fn said(id: u64, who: Identity, text: &str) -> Message {
    let mut find = |name: &str| (name == "#2jb4").then_some(PublicKey::from_random(9));
    Message {
        id: MessageId(id),
        at: WallTime::from_unix_millis(1_770_149_707_000),
        speaker: Speaker::Person(who),
        body: Body::parse(text, &EmoteTable::default(), &mut find).unwrap(),
        is_action: false,
        begins_day: false,
        may_be_kept: true,
    }
}

fn says(log: &mut ChatLog, id: u64, who: u64, text: &str) -> Due {
    let message = said(id, somebody(who), text);
    log.take(
        &Update::Said(Arc::new(message)),
        Some(Duration::from_secs(id)),
    )
}

fn texts(log: &ChatLog) -> Vec<String> {
    let Some(text) = log.text(name()) else {
        return Vec::new();
    };
    let file = ChatFile::parse(&text).unwrap();
    assert_eq!(file.lines.len(), log.len());
    file.lines.into_iter().map(|line| line.text).collect()
}

#[test]
fn a_line_holds_what_everybody_saw_and_nothing_by_which_strangers_are_told_apart() {
    let mut log = ChatLog::new();
    says(&mut log, 1, 0, "hi @#2jb4 :tada:\nhttp://example.org/");
    says(&mut log, 2, 2, "hello");
    let broadcaster = Identity {
        role: Role::Broadcaster,
        ..somebody(0)
    };
    let mut action = said(3, broadcaster, "waves");
    action.is_action = true;
    log.take(
        &Update::Said(Arc::new(action)),
        Some(Duration::from_millis(3_001)),
    );

    let text = log.text(name()).unwrap();

    assert_eq!(
        text,
        "{\"version\":1,\"recording\":\"2026-11-21_2000\",\"left_out\":0,\"lines\":[\n\
         {\"ms\":1000,\"name\":\"Anonymous\",\"text\":\"hi @Anonymous 🎉\\nhttp://example.org/\"},\n\
         {\"ms\":2000,\"name\":\"Anna 2\",\"tripcode\":\"aaaa-aaaa-aaaa-aaaa\",\"text\":\"hello\"},\n\
         {\"ms\":3001,\"name\":\"Broadcaster\",\"text\":\"waves\",\"action\":true}\n]}\n"
    );
}

#[test]
fn nothing_is_kept_without_consent_outside_a_recording_or_of_the_program_itself() {
    let mut log = ChatLog::new();
    let mut message = said(1, somebody(1), "not asked");
    message.may_be_kept = false;
    let at = Some(Duration::ZERO);
    assert_eq!(log.take(&Update::Said(message.into()), at), Due::Nothing);
    let message = said(2, somebody(1), "off the air");
    assert_eq!(log.take(&Update::Said(message.into()), None), Due::Nothing);
    let mut message = said(3, somebody(1), "it is busy here");
    message.speaker = Speaker::System;
    assert_eq!(log.take(&Update::Said(message.into()), at), Due::Nothing);

    assert!(log.is_empty());
    assert_eq!(log.text(name()), None, "there is no file at all");
}

#[test]
fn what_is_hidden_comes_back_and_what_is_taken_back_does_not() {
    let mut log = ChatLog::new();
    for (id, who) in [(1, 1), (2, 2), (3, 1), (4, 3)] {
        assert_eq!(says(&mut log, id, who, &format!("line {id}")), Due::Later);
    }
    let ids = |ids: &[u64]| ids.iter().copied().map(MessageId).collect::<Vec<_>>();

    assert_eq!(log.take(&Update::Hidden(ids(&[2, 9])), None), Due::Now);
    assert_eq!(log.take(&Update::Hidden(ids(&[2])), None), Due::Nothing);
    assert_eq!(texts(&log), ["line 1", "line 3", "line 4"]);
    assert_eq!(log.take(&Update::Shown(ids(&[2])), None), Due::Later);
    assert_eq!(texts(&log).len(), 4);

    let withdrawn = Update::Withdrawn(PublicKey::from_random(1));
    assert_eq!(log.take(&withdrawn, None), Due::Now);
    assert_eq!(log.take(&withdrawn, None), Due::Nothing);
    assert_eq!(log.take(&Update::Removed(ids(&[4])), None), Due::Now);
    log.take(&Update::Shown(ids(&[1, 3, 4])), None);
    assert_eq!(texts(&log), ["line 2"]);
    // Who said no and changes their mind is kept from then on.
    says(&mut log, 5, 1, "again");
    assert_eq!(texts(&log), ["line 2", "again"]);

    assert_eq!(log.clear(), Due::Now);
    let file = ChatFile::parse(&log.text(name()).unwrap()).unwrap();
    assert_eq!((file.lines.len(), file.left_out), (0, 2));
}

#[test]
fn a_full_log_keeps_what_came_first_and_counts_the_rest() {
    let mut log = ChatLog::new();
    let long = "<>\"".repeat(170);
    let mut id = 0;
    while log.left_out == 0 {
        id += 1;
        says(&mut log, id, 1, &long);
        assert!(log.bytes <= chat::MAX_BYTES && log.lines.len() <= chat::MAX_LINES);
    }
    says(&mut log, id + 1, 1, "a short one");

    let text = log.text(name()).unwrap();
    assert!(text.len() <= chat::MOST_BYTES, "{}", text.len());
    let file = ChatFile::parse(&text).unwrap();
    assert_eq!(file.left_out, 2);
    assert_eq!(file.lines[0].ms, 1_000);
    assert!(file.lines.len() > 5_000, "{}", file.lines.len());
}

proptest! {
    #[test]
    fn the_file_holds_what_may_be_kept_and_nothing_else(
        deeds in prop::collection::vec((0_u8..6, 1_u64..4, 1_u64..30), 0..60),
    ) {
        let mut log = ChatLog::new();
        // The same in the simplest way: id, author, hidden.
        let mut model: Vec<(u64, u64, bool)> = Vec::new();
        let mut next = 0;
        for (deed, who, id) in deeds {
            let one = vec![MessageId(id)];
            match deed {
                0..=2 => {
                    next += 1;
                    says(&mut log, next, who, &next.to_string());
                    model.push((next, who, false));
                }
                3 | 4 => {
                    let update = if deed == 3 { Update::Hidden(one) } else { Update::Shown(one) };
                    log.take(&update, None);
                    for line in model.iter_mut().filter(|line| line.0 == id) {
                        line.2 = deed == 3;
                    }
                }
                _ => {
                    log.take(&Update::Withdrawn(PublicKey::from_random(who)), None);
                    model.retain(|line| line.1 != who);
                }
            }
        }
        let shown = model.iter().filter(|line| !line.2);
        let expected: Vec<_> = shown.map(|line| line.0.to_string()).collect();
        prop_assert_eq!(texts(&log), expected);
    }
}
