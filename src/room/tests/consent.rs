//! Whose lines may be kept with a recording.

use super::*;
use crate::room::{
    order::{Actor, Order, Term, Whom},
    sanction::SanctionKind,
    tripcode::Tripcode,
};

impl House {
    /// Says something from a form that says that the chat is kept, or from another one.
    fn writes(&mut self, who: ViewerId, is_told: bool, keeping: Option<bool>) -> bool {
        let random = self.roll();
        let nonce = self.room.form(who, random, at(5)).unwrap();
        let post = Post {
            nonce: &nonce,
            text: "hello",
            is_told,
            keeping,
            ..Post::default()
        };
        let now = at(self.dice * 60);
        match self.room.say(who, post, [0; 16], now, WALL).unwrap() {
            Said::Message(message) => message.may_be_kept,
            other => panic!("{other:?}"),
        }
    }

    /// Whose lines have to go, since this was last asked.
    fn withdrawn(&mut self) -> Vec<PublicKey> {
        let effects = self.room.take_effects().into_iter();
        effects
            .filter_map(|effect| match effect {
                Effect::Withdrawn(key) => Some(key),
                _ => None,
            })
            .collect()
    }

    fn key(&self, who: ViewerId) -> PublicKey {
        self.room.person(who).unwrap().identity.key
    }
}

fn house() -> (House, ViewerId, ViewerId) {
    let mut house = House::new(LIMITS);
    let (anna, ben) = (house.comes(at(0)), house.comes(at(0)));
    house.solves(anna, at(0));
    house.solves(ben, at(0));
    (house, anna, ben)
}

#[test]
fn only_lines_from_a_form_that_said_so_while_it_is_on_may_be_kept() {
    let (mut house, anna, _) = house();
    assert!(!house.writes(anna, true, None), "it is off");
    assert_eq!(house.room.keeps_lines_of(anna), None);
    assert_eq!(house.room.may_keep_lines_of(anna), None);

    let told = house.room.keep_chat(true, WALL).expect("it is said");
    assert!(told.body.source().contains("keeps this chat"));
    assert!(house.room.keep_chat(true, WALL).is_none(), "once");
    assert_eq!(house.room.keeps_lines_of(anna), Some(true));
    assert!(
        !house.writes(anna, false, None),
        "the form was older than that"
    );
    assert!(house.writes(anna, true, None));
    assert!(house.room.proclaim("welcome", WALL).unwrap().may_be_kept);

    let told = house.room.keep_chat(false, WALL).expect("it is said");
    assert!(told.body.source().contains("not kept any more"));
    assert!(!house.writes(anna, true, None));
    assert!(!house.room.proclaim("bye", WALL).unwrap().may_be_kept);
}

#[test]
fn what_was_kept_can_be_taken_back_when_nothing_is_kept_any_more() {
    let (mut house, anna, _) = house();
    house.room.keep_chat(true, WALL);
    assert!(house.writes(anna, true, None));
    house.room.keep_chat(false, WALL);
    assert_eq!(house.room.keeps_lines_of(anna), None);
    assert_eq!(house.room.may_keep_lines_of(anna), Some(true));

    let nonce = house.room.form(anna, 96, at(6)).unwrap();
    let no = house.room.choose_keeping(anna, &nonce, false, at(6));

    assert_eq!(no, Ok(()));
    let key = house.key(anna);
    assert_eq!(house.withdrawn(), [key]);
    assert_eq!(house.room.may_keep_lines_of(anna), Some(false));
}

#[test]
fn a_no_is_remembered_takes_back_what_was_said_and_needs_a_yes() {
    let (mut house, anna, ben) = house();
    house.room.keep_chat(true, WALL);
    assert!(house.writes(anna, true, None));

    assert!(!house.writes(anna, true, Some(false)));
    let key = house.key(anna);
    assert_eq!(house.withdrawn(), [key]);
    assert!(!house.writes(anna, true, None));
    assert_eq!(house.room.keeps_lines_of(anna), Some(false));
    assert_eq!(house.room.keeps_lines_of(ben), Some(true));
    assert!(house.writes(anna, true, Some(true)));
    assert_eq!(house.withdrawn(), []);

    // The same by a button.
    let wrong = house.room.choose_keeping(anna, "made up", false, at(6));
    assert_eq!(wrong, Err(Refusal::Form));
    assert!(house.withdrawn().is_empty());
    let nonce = house.room.form(anna, 99, at(6)).unwrap();
    assert_eq!(
        house.room.choose_keeping(anna, &nonce, false, at(6)),
        Ok(())
    );
    assert_eq!(house.withdrawn(), [key]);
}

#[test]
fn a_no_counts_even_if_the_message_is_refused() {
    let (mut house, anna, _) = house();
    house.room.keep_chat(true, WALL);
    let nonce = house.room.form(anna, 98, at(6)).unwrap();
    let post = Post {
        nonce: &nonce,
        text: " ",
        is_told: true,
        keeping: Some(false),
        ..Post::default()
    };
    assert!(house.room.say(anna, post, [0; 16], at(6), WALL).is_err());
    assert_eq!(house.room.keeps_lines_of(anna), Some(false));
}

#[test]
fn the_lines_of_those_who_are_forgotten_purged_or_blocked_have_to_go() {
    for (kind, purge, goes) in [
        (SanctionKind::Mute, false, false),
        (SanctionKind::Ban, false, false),
        (SanctionKind::Ban, true, true),
        (SanctionKind::Block, false, true),
    ] {
        let (mut house, anna, _) = house();
        let key = house.key(anna);
        let order = Order::Sanction {
            whom: Whom::Key(key),
            kind,
            term: Term::ForGood,
            purge,
        };
        house.room.order(Actor::Terminal, order, WALL).unwrap();
        assert_eq!(house.withdrawn().contains(&key), goes, "{kind:?} {purge}");
    }
    let (mut house, anna, ben) = house();
    let (anna_key, ben_key) = (house.key(anna), house.key(ben));
    let nonce = house.room.form(anna, 97, at(6)).unwrap();
    house.room.forget(anna, &nonce, at(6)).unwrap();
    assert_eq!(house.withdrawn(), [anna_key]);

    // By a tripcode that they show.
    let tripcode = Tripcode::from_bytes([4; 10]);
    let dress = Dress {
        tripcode: Some(Some(tripcode)),
        ..Dress::default()
    };
    house.dresses(ben, dress, at(7)).unwrap();
    let order = Order::SanctionTripcode {
        tripcode,
        kind: SanctionKind::Block,
        term: Term::ForGood,
    };
    house.room.order(Actor::Terminal, order, WALL).unwrap();
    assert_eq!(house.withdrawn(), [ben_key]);
}
