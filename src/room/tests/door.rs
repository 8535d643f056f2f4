//! The door: who may come in, and that restarts do not open it.

use std::collections::BTreeSet;

use super::*;
use crate::room::{
    access::ViewingPassword,
    kept::Kept,
    order::{Actor, Order, Term, Whom},
    sanction::SanctionKind,
    tripcode::Tripcode,
};

const MEMBER: Tripcode = Tripcode::from_bytes([7; 10]);

fn order(house: &mut House, order: Order) {
    house.room.order(Actor::Terminal, order, WALL).unwrap();
}

fn password(text: &str) -> Order {
    Order::ViewingPassword(Some(ViewingPassword::from_hash(text)))
}

#[test]
fn the_viewing_password_shuts_out_everybody_who_has_not_given_the_newest_one() {
    let mut house = House::new(LIMITS);
    let broadcaster = house.staff(Role::Broadcaster, at(0));
    let anna = house.comes(at(0));
    assert_eq!(house.door(anna), Door::In);

    order(&mut house, password("first"));
    assert_eq!(house.door(anna), Door::Password);
    assert_eq!(house.room.door_of(None, true, WALL), Door::Password);
    assert_eq!(house.door(broadcaster), Door::In);

    let number = house.room.access().password_number();
    let token = Token::from_random([9; 16]);
    house.room.knows_password(anna, number, &token);
    assert_eq!(house.door(anna), Door::In);
    assert_eq!(
        house.room.recognise(token.as_str(), at(1)),
        Some(anna),
        "the token was replaced"
    );

    order(&mut house, password("second"));
    assert_eq!(house.door(anna), Door::Password);
    // An answer to the first one that took long opens nothing.
    house
        .room
        .knows_password(anna, number, &Token::from_random([8; 16]));
    assert_eq!(house.door(anna), Door::Password);
    order(&mut house, Order::ViewingPassword(None));
    assert_eq!(house.door(anna), Door::In);
}

#[test]
fn the_secret_club_is_for_its_tripcodes_while_they_are_shown() {
    let mut house = House::new(LIMITS);
    let anna = house.comes(at(0));
    order(&mut house, Order::Club(Some(BTreeSet::from([MEMBER]))));
    assert_eq!(house.door(anna), Door::Club);

    for (tripcode, door) in [
        (Some(MEMBER), Door::In),
        (Some(Tripcode::from_bytes([1; 10])), Door::Club),
        (None, Door::Club),
    ] {
        let dress = Dress {
            tripcode: Some(tripcode),
            ..Dress::default()
        };
        house.room.dress(anna, dress).unwrap();
        assert_eq!(house.door(anna), door);
    }
}

#[test]
fn a_block_goes_before_everything_and_the_captcha_before_the_password() {
    let mut house = House::new(RoomLimits {
        captcha_at_entrance: true,
        ..LIMITS
    });
    let anna = house.comes(at(0));
    order(&mut house, password("secret"));
    order(&mut house, Order::Club(Some(BTreeSet::new())));
    assert_eq!(house.door(anna), Door::Captcha);
    assert_eq!(house.room.door_of(Some(anna), true, WALL), Door::Password);

    let key = house.room.person(anna).unwrap().identity.key;
    let block = Order::Sanction {
        whom: Whom::Key(key),
        kind: SanctionKind::Block,
        term: Term::For(Duration::from_mins(1)),
        purge: false,
    };
    order(&mut house, block);
    let until = WallTime::from_unix_millis(WALL.unix_millis() + 60_000);
    assert_eq!(house.door(anna), Door::Blocked { until: Some(until) });
    assert_eq!(house.room.door_of(Some(anna), false, until), Door::Captcha);
}

#[test]
fn a_clock_that_is_set_by_an_hour_ends_no_session_and_no_ban_before_its_date() {
    let mut house = House::new(LIMITS);
    let (anna, token) = (house.comes(at(0)), Token::from_random(1_u128.to_be_bytes()));
    let key = house.room.person(anna).unwrap().identity.key;
    let half_an_hour = Order::Sanction {
        whom: Whom::Key(key),
        kind: SanctionKind::Block,
        term: Term::For(Duration::from_mins(30)),
        purge: false,
    };
    order(&mut house, half_an_hour);

    // A ban has a date, which is told to whoever is banned: it holds until a clock shows that.
    let hour = 3_600_000;
    let set_back = WallTime::from_unix_millis(WALL.unix_millis() - hour);
    let set_forward = WallTime::from_unix_millis(WALL.unix_millis() + hour);
    assert!(house.room.sanction(anna, set_back).is_some());
    assert!(house.room.sanction(anna, WALL).is_some());
    assert!(house.room.sanction(anna, set_forward).is_none());
    for wall in [set_back, WALL, set_forward] {
        house.room.door_of(Some(anna), true, wall);
        assert_eq!(
            house.room.recognise(token.as_str(), at(1)),
            Some(anna),
            "a session ends by time that passes"
        );
    }
}

#[test]
fn bans_survive_a_restart_and_find_whoever_comes_with_the_old_cookie_or_tripcode() {
    let mut house = House::new(LIMITS);
    let (anna, token) = (house.comes(at(0)), Token::from_random(1_u128.to_be_bytes()));
    let ben = house.comes(at(0));
    let dress = Dress {
        tripcode: Some(Some(MEMBER)),
        ..Dress::default()
    };
    house.room.dress(ben, dress).unwrap();
    for who in [anna, ben] {
        let key = house.room.person(who).unwrap().identity.key;
        let block = Order::Sanction {
            whom: Whom::Key(key),
            kind: SanctionKind::Block,
            term: Term::ForGood,
            purge: false,
        };
        order(&mut house, block);
    }
    let file = house.room.kept().to_toml();
    assert!(!file.contains(token.as_str()), "a token on disk: {file}");

    let mut house = House::new(LIMITS);
    house.dice = 1_000;
    house
        .room
        .restore(&Kept::parse(&file).unwrap(), WALL)
        .unwrap();
    let blocked = Door::Blocked { until: None };
    // Without a session they are still outside, also for media.
    assert_eq!(
        house.room.door(Some(token.as_str()), false, at(0), WALL),
        (None, blocked)
    );
    let new = Token::from_random([3; 16]);
    let again = house.room.admit(&new, Some(token.as_str()), [5; 32], at(1));
    assert_eq!(house.door(again), blocked);
    // And after another restart, with the newer cookie.
    let file = house.room.kept().to_toml();
    let mut third = House::new(LIMITS);
    third
        .room
        .restore(&Kept::parse(&file).unwrap(), WALL)
        .unwrap();
    assert_eq!(
        third.room.door(Some(new.as_str()), false, at(0), WALL),
        (None, blocked)
    );
    let carl = third.comes(at(0));
    assert_eq!(third.door(carl), Door::In);
    third.room.dress(carl, dress).unwrap();
    assert_eq!(third.door(carl), blocked);
}

#[test]
fn a_new_token_does_not_shake_a_ban_off() {
    let mut house = House::new(LIMITS);
    let anna = house.comes(at(0));
    let key = house.room.person(anna).unwrap().identity.key;
    let ban = Order::Sanction {
        whom: Whom::Key(key),
        kind: SanctionKind::Ban,
        term: Term::ForGood,
        purge: false,
    };
    order(&mut house, ban);
    let newest = Token::from_random([4; 16]);
    house.room.knows_password(anna, 0, &newest);
    let kept = house.room.kept();

    let mut other = House::new(LIMITS);
    other.dice = 500;
    other.room.restore(&kept, WALL).unwrap();
    let back = other.room.admit(
        &Token::from_random([5; 16]),
        Some(newest.as_str()),
        [5; 32],
        at(0),
    );
    assert!(other.room.sanction(back, WALL).is_some());
}

#[test]
fn a_broken_file_changes_nothing_and_says_where_it_is_broken() {
    let mut house = House::new(LIMITS);
    order(&mut house, password("kept"));
    for (file, words) in [
        ("shields = 3", "shields"),
        ("nonsense = 1", "nonsense"),
        ("club = [\"not one\"]", "not one"),
        ("[[sanctions]]\nkind = \"hug\"\nsince = 1", "hug"),
        (
            "[[sanctions]]\nkind = \"ban\"\nsince = 1\ntokens = [\"zz\"]",
            "tokens",
        ),
    ] {
        let error = Kept::parse(file)
            .and_then(|kept| house.room.restore(&kept, WALL))
            .unwrap_err();

        assert!(error.to_string().contains(words), "{error}");
        assert!(house.room.access().password().is_some());
    }
}

proptest! {
    #[test]
    fn reading_a_file_of_ours_never_panics(text in "(\\PC|[\\[\\]=\"\n]|sanctions|kind|ban){0,200}") {
        if let Ok(kept) = Kept::parse(&text) {
            let _checked = House::new(LIMITS).room.restore(&kept, WALL);
        }
    }
}
