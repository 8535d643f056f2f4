//! Rights and lists in the hands of people who mean harm.

use super::*;
use crate::room::{
    order::{Actor, Done, Effect, MAX_MESSAGES, Order, Term, Whom},
    sanction::SanctionKind,
};

const HOUR: Duration = Duration::from_hours(1);

fn house() -> House {
    House::new(RoomLimits {
        messages: 2_000,
        flood: FloodLimits {
            messages: 5_000,
            rows: 5_000,
            gap: Duration::ZERO,
            room_messages: 5_000,
            ..LIMITS.flood
        },
        messages_per_captcha: 5_000,
        ..LIMITS
    })
}

fn talker(house: &mut House) -> (ViewerId, MessageId) {
    let who = house.comes(at(0));
    house.solves(who, at(0));
    (who, says(house, who))
}

fn says(house: &mut House, who: ViewerId) -> MessageId {
    let Ok(Said::Message(message)) = house.says(who, "hello", at(1)) else {
        panic!("nothing was said");
    };
    message.id
}

fn sanction(house: &House, who: ViewerId, kind: SanctionKind, purge: bool) -> Order {
    Order::Sanction {
        whom: Whom::Key(house.room.person(who).unwrap().identity.key),
        kind,
        term: if kind == SanctionKind::Mute {
            Term::For(HOUR)
        } else {
            Term::ForGood
        },
        purge,
    }
}

fn terminal(house: &mut House, order: Order) -> Done {
    house.room.order(Actor::Terminal, order, WALL).unwrap()
}

#[test]
fn a_moderator_cannot_take_back_a_part_of_what_the_broadcaster_did() {
    let mut house = house();
    let moderator = house.staff(Role::Moderator, at(0));
    let (viewer, _) = talker(&mut house);
    let order = sanction(&house, viewer, SanctionKind::Ban, true);
    let entry = terminal(&mut house, order).entry.unwrap();

    let undo = Order::Undo(entry);
    assert_eq!(
        house
            .room
            .order(Actor::Person(moderator), undo.clone(), WALL),
        Err(Refusal::NotAllowed)
    );

    assert_eq!(house.room.messages().count(), 0, "still hidden");
    // The broadcaster can still take it back.
    terminal(&mut house, undo);
    assert_eq!(house.room.messages().count(), 1);
    assert_eq!(house.room.sanction(viewer, WALL), None);
}

#[test]
fn a_moderator_who_is_shut_out_by_the_broadcaster_is_out_and_gives_no_orders() {
    for kind in SanctionKind::ALL {
        let mut house = house();
        let moderator = house.staff(Role::Moderator, at(0));
        house.solves(moderator, at(0));
        let (_, said) = talker(&mut house);
        let order = sanction(&house, moderator, kind, false);
        let done = terminal(&mut house, order);
        let id = house.room.sanction(moderator, WALL).unwrap().id;
        house.room.take_effects();

        assert!(
            matches!(
                house.says(moderator, "hello", at(2)),
                Err(Refusal::Sanctioned { .. })
            ),
            "{kind:?}"
        );
        let is_in = house.door(moderator) == Door::In;
        assert_eq!(is_in, kind < SanctionKind::Block, "{kind:?}");
        let hides = house
            .room
            .order(Actor::Person(moderator), Order::Hide(vec![said]), WALL);
        assert_eq!(hides.is_ok(), kind == SanctionKind::Mute, "{kind:?}");
        let access = Order::ViewingPassword(Some(access::ViewingPassword::from_hash("x")));
        let closed = terminal(&mut house, access);
        let is_let_in = house.door(moderator) == Door::In;
        assert_eq!(is_let_in, kind == SanctionKind::Mute, "{kind:?}");
        terminal(&mut house, Order::Undo(closed.entry.unwrap()));
        // Nor do they take it back themselves.
        for order in [Order::Lift(id), Order::Undo(done.entry.unwrap())] {
            let freed = house.room.order(Actor::Person(moderator), order, WALL);
            assert!(freed.is_err(), "{kind:?}: {freed:?}");
        }

        terminal(&mut house, Order::Lift(id));
        assert_eq!(house.door(moderator), Door::In);
        assert!(house.says(moderator, "hello", at(3)).is_ok());
        assert_eq!(
            house.room.standing(moderator, WALL),
            Role::Moderator,
            "{kind:?}"
        );
    }
}

#[test]
fn whoever_has_more_rights_keeps_their_session_when_they_try_a_link() {
    let mut house = house();
    let broadcaster = house.staff(Role::Broadcaster, at(0));
    let link = Token::from_random([1; 16]);
    house.room.open_link(&link, Role::Moderator, at(1));
    let nonce = house.room.form(broadcaster, 1, at(1)).unwrap();

    let token = Token::from_random([2; 16]);
    house
        .room
        .use_link(broadcaster, &nonce, link.as_str(), &token, at(1))
        .unwrap();

    // The cookie that they get is this token.
    assert_eq!(
        house.room.recognise(token.as_str(), at(2)),
        Some(broadcaster)
    );
    assert_eq!(house.room.role(broadcaster), Role::Broadcaster);
}

#[test]
fn numbers_of_sanctions_are_not_used_again_when_the_file_is_read_again() {
    let mut house = house();
    let (anna, _) = talker(&mut house);
    let (ben, _) = talker(&mut house);
    let order = sanction(&house, anna, SanctionKind::Mute, false);
    let muted = terminal(&mut house, order);
    let order = sanction(&house, ben, SanctionKind::Block, false);
    terminal(&mut house, order);
    let before = house.room.kept();
    let later = WallTime::from_unix_millis(WALL.unix_millis() + 3_600_000);

    // The mute is over: the block is the first in the list now.
    house.room.restore(&before, later).unwrap();
    let undone = house
        .room
        .order(Actor::Terminal, Order::Undo(muted.entry.unwrap()), later);

    assert_eq!(undone, Err(Refusal::NoSuchSanction));
    assert!(house.room.sanction(ben, later).is_some());
}

#[test]
fn a_purge_of_more_messages_than_an_order_may_name_can_be_undone() {
    let mut house = house();
    let (anna, _) = talker(&mut house);
    for _ in 0..MAX_MESSAGES {
        says(&mut house, anna);
    }
    let order = sanction(&house, anna, SanctionKind::Ban, true);
    let done = terminal(&mut house, order);
    assert_eq!(house.room.messages().count(), 0);

    terminal(&mut house, Order::Undo(done.entry.unwrap()));

    assert_eq!(house.room.messages().count(), MAX_MESSAGES + 1);
}

#[test]
fn what_somebody_took_back_by_leaving_is_never_shown_again() {
    let mut house = house();
    let (anna, said) = talker(&mut house);
    let nonce = house.room.form(anna, 1, at(2)).unwrap();
    let order = sanction(&house, anna, SanctionKind::Mute, true);
    let done = terminal(&mut house, order);
    house.room.forget(anna, &nonce, at(2)).unwrap();
    house.room.take_effects();

    for order in [
        Order::Undo(done.entry.unwrap()),
        Order::Hide(vec![said]),
        Order::Unhide(vec![said]),
    ] {
        let _done = house.room.order(Actor::Terminal, order, WALL);
    }

    let effects = house.room.take_effects();
    let shown = |effect: &_| matches!(effect, Effect::Shown(_));
    assert!(!effects.iter().any(shown), "{effects:?}");
    assert_eq!(house.room.messages().count(), 0);
}

#[test]
fn a_flood_of_sessions_does_not_log_out_whoever_sits_at_the_desk() {
    let mut house = house();
    let broadcaster = house.staff(Role::Broadcaster, at(0));
    let moderator = house.staff(Role::Moderator, at(0));

    for number in 1..200_u64 {
        let token = Token::from_random((u128::from(number) << 100).to_be_bytes());
        let mut random = [0; 32];
        random[..8].copy_from_slice(&number.to_be_bytes());
        random[8..16].copy_from_slice(&number.to_be_bytes());
        house.room.admit(&token, None, random, at(1));
        house.room.recognise(token.as_str(), at(2));
    }

    assert_eq!(house.room.role(broadcaster), Role::Broadcaster);
    assert_eq!(house.room.role(moderator), Role::Moderator);
    // Whoever has left the desk gives way as anybody.
    house.room.log_out(moderator);
    house.comes(at(3));
    house.comes(at(3));
    assert!(house.room.person(moderator).is_none());
    assert!(house.room.person(broadcaster).is_some());
}

#[test]
fn a_program_that_logs_in_again_and_again_does_not_fill_the_table() {
    let mut house = house();
    for number in 1..500_u64 {
        let viewer = house.comes(at(number));
        let seat = super::super::desk::Seat {
            role: Role::Broadcaster,
            since: at(number),
            is_program: true,
        };
        let token = Token::from_random((u128::from(number) << 100).to_be_bytes());
        assert!(house.room.log_in(viewer, seat, &token));
    }

    assert!(house.room.desk_view(at(500)).sessions.len() <= 65);
}

#[test]
fn neither_a_moderator_nor_a_filter_can_fill_the_list_of_sanctions_for_the_broadcaster() {
    let mut house = house();
    let moderator = house.staff(Role::Moderator, at(0));
    let (viewer, _) = talker(&mut house);
    let mute = sanction(&house, viewer, SanctionKind::Mute, false);
    let mut refused = None;
    for _ in 0..sanction::CAPACITY {
        let done = house
            .room
            .order(Actor::Person(moderator), mute.clone(), WALL);
        refused = refused.or(done.err());
    }
    assert_eq!(refused, Some(Refusal::TooMany("sanctions")));

    let rule = filter::FilterRule::parse("ban spam").unwrap();
    terminal(&mut house, Order::Filters(vec![rule]));
    let (spammer, _) = talker(&mut house);
    assert!(house.says(spammer, "spam", at(5)).is_err());
    let order = sanction(&house, viewer, SanctionKind::Block, false);
    terminal(&mut house, order);
}
