use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{
    clock::{Tick, WallTime},
    pages::reading::flaw,
    room::{
        colour::Colour,
        emote::{Emote, EmoteTable},
        name::DisplayName,
        person::Person,
        tag::PublicTag,
        tripcode::Tripcode,
    },
};

fn identity(name: &str, key: u64, colour: [u8; 3], role: Role) -> Identity {
    let [r, g, b] = colour;
    let person = Person::new(
        PublicKey::from_random(key),
        PublicTag::from_random(7),
        Colour(r, g, b),
        Tick::START,
    );
    Identity {
        name: DisplayName::parse(name).ok(),
        tripcode: Some(Tripcode::from_bytes([r, g, b, 1, 2, 3, 4, 5, 6, 7])),
        role,
        ..person.identity
    }
}

fn emotes() -> EmoteTable {
    let mut table = EmoteTable::default();
    table
        .add(Emote {
            name: "class".into(),
            width: 8,
            height: 8,
            id: 3,
        })
        .unwrap();
    table
}

proptest! {
    #[test]
    fn every_line_is_well_formed_whatever_people_write(
        text in "(\\PC|[<>&\"'=/:@ \n]|:class:|http://a\\.b/|@Ann|</x-line>){0,60}",
        name in "(\\PC|[<>&\"']){0,24}",
        key: u64,
        colour: [u8; 3],
        is_action: bool,
    ) {
        let ann = PublicKey::from_random(9);
        let Ok(body) = Body::parse(&text, &emotes(), &mut |who| (who == "ann").then_some(ann)) else {
            return Ok(());
        };
        let identity = identity(&name, key, colour, Role::Viewer);
        let message = Message {
            id: MessageId(12),
            at: WallTime::from_unix_millis(1_700_000_000_000),
            speaker: Speaker::Person(identity),
            body,
            is_action,
            begins_day: true,
            may_be_kept: true,
        };

        let html = line(&Arc::new(message)).into_string();

        prop_assert_eq!(flaw(&html), None, "{}", html);
        prop_assert!(!html.contains(" style=") && !html.contains(" on"), "{}", html);
    }

    #[test]
    fn every_list_and_every_style_is_well_formed_whoever_is_here(
        names in proptest::collection::vec("(\\PC|[<>&\"'}{]){0,24}", 0..6),
        key: u64,
        colour: [u8; 3],
    ) {
        let mut list = People::default();
        for name in &names {
            list.add(&identity(name, key, colour, Role::Moderator), crate::room::people::Presence::Here);
        }

        let html = people(&list).into_string();
        prop_assert_eq!(flaw(&html), None, "{}", html);
        for css in [looks(&identity("", key, colour, Role::Viewer)), mine(PublicKey::from_random(key)), hidden(&[MessageId(key)])] {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "{}.#:;,>-() \"".contains(letter);
            prop_assert!(css.chars().all(plain), "{}", css);
            prop_assert_eq!(css.matches('{').count(), css.matches('}').count());
        }
    }
}
