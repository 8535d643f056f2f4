use super::*;
use crate::{
    clock::{Tick, WallTime},
    pages::reading::{Element, read},
    room::{
        audit::AuditId,
        colour::Colour,
        emote::EmoteTable,
        markup::Body,
        name::DisplayName,
        person::Person,
        sanction::SanctionId,
        tag::{PublicKey, PublicTag},
        transcript::{MessageId, Speaker},
        tripcode::Tripcode,
    },
};

const HOSTILE: &str = "\"'></blockquote><script>&amp;";

fn identity(role: Role) -> Identity {
    let person = Person::new(
        PublicKey::from_random(7),
        PublicTag::from_random(7),
        Colour(1, 2, 3),
        Tick::START,
    );
    Identity {
        name: DisplayName::parse("<Ann> & \"co\"").ok(),
        tripcode: Some(Tripcode::from_bytes([9; 10])),
        role,
        ..person.identity
    }
}

fn message(identity: &Identity) -> Message {
    Message {
        id: MessageId(12),
        at: WallTime::from_unix_millis(1_700_000_000_000),
        speaker: Speaker::Person(identity.clone()),
        body: Body::parse(HOSTILE, &EmoteTable::default(), &mut |_| None).unwrap(),
        is_action: false,
        begins_day: true,
        may_be_kept: false,
    }
}

fn sanction(kind: SanctionKind) -> Sanction {
    Sanction {
        id: SanctionId(4),
        kind,
        label: HOSTILE.to_owned(),
        by: HOSTILE.to_owned(),
        since: WallTime::from_unix_millis(0),
        until: None,
        tripcode: None,
        tokens: Vec::new(),
    }
}

/// The frame as `role` sees it about a person of the role `theirs`.
fn seen(role: Role, theirs: Role, is_hidden: bool) -> (Element, Vec<String>) {
    let person = identity(theirs);
    let message = message(&person);
    let notice = Notice::Done {
        words: HOSTILE.to_owned(),
        undo: Some(AuditId(3)),
    };
    let act = Act {
        role,
        nonce: "NUMBER",
        notice: Some(&notice),
        message: Some((&message, is_hidden)),
        person: Some(&person),
        sanctions: &[sanction(SanctionKind::Mute), sanction(SanctionKind::Block)],
        theme: Theme::Browser,
    };
    let html = page(&act, "STYLE").into_string();
    let read = read(&html).unwrap_or_else(|flaw| panic!("{flaw}\n{html}"));
    assert_eq!(read.nameless(), Vec::<String>::new());
    assert_eq!(read.loose_forms(), Vec::<String>::new());
    let buttons = read.all("button").into_iter();
    let deeds = buttons
        .filter_map(|button| button.attribute("value"))
        .map(str::to_owned)
        .collect();
    (read, deeds)
}

#[test]
fn the_broadcaster_can_do_everything_to_a_viewer() {
    let (page, deeds) = seen(Role::Broadcaster, Role::Viewer, false);

    let expected = [
        "undo-3", "hide-12", "lift-4", "lift-4", "mute", "ban", "purge", "block", "tripcode",
        "rename", "cut", "appoint",
    ];
    assert_eq!(deeds, expected);
    assert_eq!(page.all("option").len(), TERMS.len());
}

#[test]
fn a_moderator_gets_only_what_moderators_may_do() {
    let (page, deeds) = seen(Role::Moderator, Role::Viewer, true);

    assert_eq!(deeds, ["undo-3", "unhide-12", "lift-4", "mute", "rename"]);
    let terms: Vec<_> = page
        .all("option")
        .iter()
        .filter_map(|o| o.attribute("value"))
        .collect();
    assert_eq!(terms, ["10m", "1h", "1d"]);
}

#[test]
fn nobody_gets_buttons_for_people_out_of_reach() {
    for (role, theirs) in [
        (Role::Moderator, Role::Moderator),
        (Role::Moderator, Role::Broadcaster),
        (Role::Broadcaster, Role::Broadcaster),
    ] {
        let (_, deeds) = seen(role, theirs, false);

        let own = role == Role::Broadcaster;
        assert_eq!(deeds.contains(&"hide-12".to_owned()), own);
        assert!(
            !deeds
                .iter()
                .any(|deed| ["mute", "rename", "cut"].contains(&deed.as_str())),
            "{deeds:?}"
        );
    }
}
