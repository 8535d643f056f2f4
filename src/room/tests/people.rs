//! Who comes, who is here, who goes.

use super::*;

#[test]
fn equal_randomness_does_not_give_equal_tags() {
    let mut house = House::new(RoomLimits {
        sessions: 2_000,
        ..LIMITS
    });
    let tags: std::collections::BTreeSet<_> = (0..1_000_u128)
        .map(|number| {
            let viewer = house.room.admit(
                &Token::from_random(number.to_be_bytes()),
                None,
                [9; 32],
                at(0),
            );
            house.room.person(viewer).unwrap().identity.tag
        })
        .collect();

    assert_eq!(tags.len(), 1_000);
}

#[test]
fn people_are_listed_by_what_they_do_in_the_order_they_came() {
    let mut house = House::new(LIMITS);
    let [anna, ben, zoe, host] = [0, 1, 2, 3].map(|second| house.comes(at(second)));
    house.room.sessions.person_mut(host).unwrap().identity.role = Role::Broadcaster;
    let guest = house.room.guest();
    let (watching, here) = (HashSet::from([zoe, anna, guest]), HashSet::from([ben]));
    let key = |room: &Room, who| room.person(who).unwrap().identity.key;

    let people = house.room.people(&watching, &here, at(10));
    let listed: Vec<_> = people
        .watching
        .listed
        .iter()
        .map(|identity| identity.key)
        .collect();
    assert_eq!(listed, [key(&house.room, anna), key(&house.room, zoe)]);
    assert_eq!(people.watching.count, 3, "the guest is counted");
    assert_eq!(
        (people.not_watching.count, people.broadcaster.count),
        (1, 1)
    );

    let later = house.room.people(&HashSet::new(), &here, at(100));
    assert_eq!(
        (
            later.watching.count,
            later.not_watching.count,
            later.broadcaster.count
        ),
        (0, 1, 0),
        "ben has a panel open"
    );
}

#[test]
fn a_used_captcha_lets_nobody_in_and_sends_no_message() {
    let mut house = House::new(RoomLimits {
        captcha_at_entrance: true,
        messages_per_captcha: 1,
        ..LIMITS
    });
    let [anna, ben] = [house.comes(at(0)), house.comes(at(0))];
    let enters = |house: &mut House, who| {
        let random = house.roll();
        let nonce = house.room.form(who, random, at(1)).unwrap();
        let token = Token::from_random(u128::from(random).to_be_bytes());
        house.room.enter(who, &nonce, (77, "right"), &token, at(1))
    };
    house.room.challenge(
        anna,
        77,
        Prompt::Question("?".into()),
        "right".into(),
        at(1),
    );

    assert_eq!(enters(&mut house, ben), Err(Refusal::CaptchaGone));
    assert_eq!(enters(&mut house, anna), Ok(()));
    for who in [anna, ben] {
        assert_eq!(enters(&mut house, who), Err(Refusal::CaptchaGone));
    }
    assert_eq!(house.door(ben), Door::Captcha);
    // Nor does it count when the next one is due.
    assert!(is_message(&house.says(anna, "one", at(2))));
    for who in [anna, ben] {
        let said = house.answers(who, "two", Some((77, "right")), at(10));
        assert_eq!(said, Err(Refusal::CaptchaGone));
    }
}

#[test]
fn the_entrance_opens_with_a_captcha_and_gives_another_token() {
    let mut house = House::new(RoomLimits {
        captcha_at_entrance: true,
        ..LIMITS
    });
    let token = Token::from_random([1; 16]);
    let anna = house.room.admit(&token, None, [1; 32], at(0));
    assert_eq!(house.door(anna), Door::Captcha);
    let enters = |house: &mut House, answer| {
        let random = house.roll();
        let nonce = house.room.form(anna, random, at(1)).unwrap();
        house
            .room
            .enter(anna, &nonce, answer, &Token::from_random([2; 16]), at(1))
    };

    assert_eq!(enters(&mut house, (0, "")), Err(Refusal::CaptchaGone));
    house.room.challenge(
        anna,
        77,
        Prompt::Question("?".into()),
        "right".into(),
        at(1),
    );
    assert_eq!(
        enters(&mut house, (77, "wrong")),
        Err(Refusal::CaptchaWrong)
    );
    assert_eq!(enters(&mut house, (77, "right")), Ok(()));

    assert_eq!(house.door(anna), Door::In);
    assert_eq!(
        house.room.recognise(token.as_str(), at(2)),
        None,
        "a token known before is worth nothing"
    );
    assert_eq!(
        house
            .room
            .recognise(Token::from_random([2; 16]).as_str(), at(2)),
        Some(anna)
    );
    assert!(
        is_message(&house.says(anna, "hello", at(3))),
        "one captcha is enough"
    );
}

#[test]
fn a_raid_makes_every_message_need_a_captcha_and_is_reported_once() {
    let mut house = House::new(LIMITS);
    let anna = house.comes(at(0));
    house.solves(anna, at(0));
    // Whoever came back is not pushed out by people who only just came.
    assert_eq!(
        house
            .room
            .recognise(Token::from_random(1_u128.to_be_bytes()).as_str(), at(0)),
        Some(anna)
    );
    for _ in 0..70 {
        house.comes(at(1));
    }
    assert_eq!(house.room.take_alarms(), [Alarm::Raid]);
    assert_eq!(
        house.says(anna, "hello", at(30)),
        Err(Refusal::CaptchaDue(CaptchaReason::Raid))
    );
}

#[test]
fn what_a_forgotten_person_said_is_gone() {
    let mut house = House::new(LIMITS);
    let anna = house.comes(at(0));
    house.solves(anna, at(0));
    let Ok(Said::Message(message)) = house.says(anna, "secret", at(1)) else {
        panic!("refused")
    };
    let nonce = house.room.form(anna, 0xf00, at(2)).unwrap();

    assert_eq!(house.room.forget(anna, &nonce, at(2)), Ok(vec![message.id]));

    let (kept, author) = house.room.transcript.get(message.id).unwrap();
    assert_eq!((kept.body.source().as_str(), author), ("", None));
    assert!(house.room.person(anna).is_none());
    assert_eq!(house.says(anna, "again", at(3)), Err(Refusal::NoSession));
}

#[test]
fn every_table_stays_bounded_however_many_come() {
    let mut house = House::new(LIMITS);
    for number in 0..5_000 {
        let viewer = house.comes(at(number / 100));
        house.room.challenge(
            viewer,
            number,
            Prompt::Question("?".into()),
            "x".into(),
            at(0),
        );
        let _named = house.is_named(viewer, &format!("Person {number}"), at(number / 100));
    }

    assert_eq!(house.room.sessions.len(), 50);
    assert!(
        house.room.handles.len() <= 100,
        "{}",
        house.room.handles.len()
    );
    assert!(house.room.alarms.len() <= 2);
}

#[test]
fn a_program_that_asks_for_picture_after_picture_gets_no_more_for_a_while() {
    let mut house = House::new(LIMITS);
    let anna = house.comes(at(0));
    let asks = |house: &mut House, second| {
        let id = house.roll();
        house.room.challenge(
            anna,
            id,
            Prompt::Question("?".into()),
            "right".into(),
            at(second),
        )
    };

    assert!((0..30).all(|second| asks(&mut house, second)));
    assert!(!asks(&mut house, 31));
    assert!(
        house.room.open_challenge(anna, at(31)).is_some(),
        "the last one stays open"
    );
    assert!(asks(&mut house, 600));
}
