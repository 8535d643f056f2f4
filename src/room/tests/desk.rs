//! Orders: who may give them, what they do, and that each can be taken back.

use std::collections::BTreeSet;

use super::*;
use crate::room::{
    access::ViewingPassword,
    audit::AuditId,
    order::{Actor, Effect, LONGEST_MUTE, Order, Term, Whom},
    sanction::{SanctionId, SanctionKind},
    shields::{ChatMode, Shield, ShieldChange, Shields},
    show::Show,
    tripcode::Tripcode,
};

const TRIPCODE: Tripcode = Tripcode::from_bytes([7; 10]);
const HOUR: Duration = Duration::from_hours(1);

fn house() -> House {
    House::new(RoomLimits {
        flood: FloodLimits {
            messages: 1_000,
            gap: Duration::ZERO,
            ..LIMITS.flood
        },
        ..LIMITS
    })
}

/// Somebody who has solved their first captcha and said something.
fn talker(house: &mut House, words: &str) -> (ViewerId, MessageId) {
    let who = house.comes(at(0));
    house.solves(who, at(0));
    let Ok(Said::Message(message)) = house.says(who, words, at(1)) else {
        panic!("nothing was said");
    };
    house.room.take_effects();
    (who, message.id)
}

fn key(house: &House, who: ViewerId) -> PublicKey {
    house.room.person(who).unwrap().identity.key
}

fn mute(key: PublicKey, time: Duration) -> Order {
    Order::Sanction {
        whom: Whom::Key(key),
        kind: SanctionKind::Mute,
        term: Term::For(time),
        purge: false,
    }
}

fn sanction(key: PublicKey, kind: SanctionKind) -> Order {
    Order::Sanction {
        whom: Whom::Key(key),
        kind,
        term: Term::ForGood,
        purge: false,
    }
}

fn slow(on: bool) -> Order {
    Order::Shields(vec![ShieldChange::Switch(Shield::Slow, on)])
}

/// One of every kind of order, and the least role that may give it.
fn orders(viewer: PublicKey, said: MessageId) -> Vec<(Order, Role)> {
    use Role::{Broadcaster, Moderator};
    let muted = |term| Order::Sanction {
        whom: Whom::Key(viewer),
        kind: SanctionKind::Mute,
        term,
        purge: true,
    };
    vec![
        (Order::Hide(vec![said]), Moderator),
        (Order::Unhide(vec![said]), Moderator),
        (muted(Term::For(HOUR)), Moderator),
        (
            Order::Rename {
                whom: Whom::Author(said),
                name: "Ben".into(),
            },
            Moderator,
        ),
        (muted(Term::For(LONGEST_MUTE + HOUR)), Broadcaster),
        (muted(Term::ForGood), Broadcaster),
        (sanction(viewer, SanctionKind::Ban), Broadcaster),
        (sanction(viewer, SanctionKind::Block), Broadcaster),
        (
            Order::SanctionTripcode {
                tripcode: TRIPCODE,
                kind: SanctionKind::Mute,
                term: Term::For(HOUR),
            },
            Broadcaster,
        ),
        (Order::CutVideo(Whom::Key(viewer)), Broadcaster),
        (
            Order::Appoint {
                tripcode: Tripcode::from_bytes([1; 10]),
                label: "Mo".into(),
            },
            Broadcaster,
        ),
        (Order::Dismiss(Tripcode::from_bytes([1; 10])), Broadcaster),
        (slow(true), Broadcaster),
        (
            Order::Shields(vec![ShieldChange::Chat(ChatMode::Off)]),
            Broadcaster,
        ),
        (Order::Filters(Vec::new()), Broadcaster),
        (
            Order::ViewingPassword(Some(ViewingPassword::from_hash("x"))),
            Broadcaster,
        ),
        (Order::Club(Some(BTreeSet::from([TRIPCODE]))), Broadcaster),
        (Order::Show(Arc::new(Show::default())), Broadcaster),
    ]
}

#[test]
fn no_role_can_do_what_it_may_not() {
    for (order, least) in orders(PublicKey::from_random(1), MessageId(1)) {
        for role in [Role::Viewer, Role::Moderator, Role::Broadcaster] {
            let mut house = house();
            let (viewer, said) = talker(&mut house, "hello");
            let key = key(&house, viewer);
            let actor = match role {
                Role::Viewer => house.comes(at(1)),
                role => house.staff(role, at(1)),
            };
            house.room.take_effects();
            // The same order, about somebody who is in this house.
            let order = orders(key, said)
                .into_iter()
                .map(|(order, _)| order)
                .find(|other| {
                    format!("{other:?}").split('(').next() == format!("{order:?}").split('(').next()
                        && other.needs() == order.needs()
                })
                .unwrap();

            let done = house.room.order(Actor::Person(actor), order.clone(), WALL);

            if role < least {
                assert_eq!(done, Err(Refusal::NotAllowed), "{role:?} {order:?}");
                assert!(house.room.take_effects().is_empty(), "{role:?} {order:?}");
                assert_eq!(house.room.desk_view(at(2)).audit.len(), 0);
            } else {
                assert_ne!(done, Err(Refusal::NotAllowed), "{role:?} {order:?}");
            }
        }
    }
}

#[test]
fn nobody_touches_the_broadcaster_and_moderators_do_not_touch_each_other() {
    let mut house = house();
    let broadcaster = house.staff(Role::Broadcaster, at(0));
    let (one, other) = (
        house.staff(Role::Moderator, at(0)),
        house.staff(Role::Moderator, at(0)),
    );
    let Ok(Said::Message(said)) = house.says(broadcaster, "hello", at(1)) else {
        panic!("the broadcaster cannot speak");
    };
    let order = |house: &mut House, who, order| house.room.order(Actor::Person(who), order, WALL);

    for target in [broadcaster, other] {
        let target = key(&house, target);
        let rename = Order::Rename {
            whom: Whom::Key(target),
            name: "Ben".into(),
        };
        for what in [mute(target, HOUR), rename] {
            assert_eq!(order(&mut house, one, what), Err(Refusal::Protected));
        }
    }
    assert_eq!(
        order(&mut house, one, Order::Hide(vec![said.id])),
        Err(Refusal::Protected)
    );
    let their_own = sanction(key(&house, broadcaster), SanctionKind::Block);
    assert_eq!(
        house.room.order(Actor::Terminal, their_own, WALL),
        Err(Refusal::Protected)
    );
    // The broadcaster does reach a moderator.
    let target = key(&house, other);
    assert!(order(&mut house, broadcaster, sanction(target, SanctionKind::Ban)).is_ok());
}

#[test]
fn what_a_moderator_did_can_be_undone_by_a_moderator_but_not_what_the_broadcaster_did() {
    let mut house = house();
    let moderator = house.staff(Role::Moderator, at(0));
    let (viewer, _) = talker(&mut house, "hello");
    let key = key(&house, viewer);
    let banned = house
        .room
        .order(Actor::Terminal, sanction(key, SanctionKind::Ban), WALL)
        .unwrap();
    let muted = house
        .room
        .order(Actor::Person(moderator), mute(key, HOUR), WALL)
        .unwrap();

    let undo = |house: &mut House, entry: Option<AuditId>| {
        house
            .room
            .order(Actor::Person(moderator), Order::Undo(entry.unwrap()), WALL)
    };
    assert_eq!(undo(&mut house, banned.entry), Err(Refusal::NotAllowed));
    assert!(undo(&mut house, muted.entry).is_ok());
    assert_eq!(undo(&mut house, muted.entry), Err(Refusal::NothingToUndo));
    assert!(matches!(
        house.says(viewer, "hello?", at(9)),
        Err(Refusal::Sanctioned {
            kind: SanctionKind::Ban,
            until: None
        })
    ));
}

#[test]
fn a_mute_ends_by_itself_and_a_ban_stays() {
    let mut house = house();
    let (viewer, _) = talker(&mut house, "hello");
    let key = key(&house, viewer);
    house
        .room
        .order(Actor::Terminal, mute(key, HOUR), WALL)
        .unwrap();
    let later = |hours: u64| WallTime::from_unix_millis(WALL.unix_millis() + hours * 3_600_000);

    assert!(house.room.sanction(viewer, WALL).is_some());
    assert!(house.room.sanction(viewer, later(1)).is_none());
    house.room.tick(at(4_000), later(1));
    assert_eq!(house.room.desk_view(at(4_000)).sanctions, []);

    house
        .room
        .order(Actor::Terminal, sanction(key, SanctionKind::Ban), WALL)
        .unwrap();
    assert!(house.room.sanction(viewer, later(9_000)).is_some());
    // Whoever is banned does not change how they look either.
    assert!(matches!(
        house.room.may_change(viewer, later(9_000)),
        Err(Refusal::Sanctioned { .. })
    ));
}

#[test]
fn ban_and_purge_hides_everything_they_said_and_its_undo_shows_it_again() {
    let mut house = house();
    let (viewer, first) = talker(&mut house, "one");
    house.says(viewer, "two", at(2)).unwrap();
    let (_, others) = talker(&mut house, "not mine");
    let order = Order::Sanction {
        whom: Whom::Author(first),
        kind: SanctionKind::Ban,
        term: Term::ForGood,
        purge: true,
    };

    let done = house.room.order(Actor::Terminal, order, WALL).unwrap();
    let effects = house.room.take_effects();
    assert!(effects.iter().any(
        |effect| matches!(effect, Effect::Hidden(ids) if *ids == [first, MessageId(first.0 + 1)])
    ));
    let seen: Vec<_> = house.room.messages().map(|message| message.id).collect();
    assert_eq!(seen, [others]);

    let undo = Order::Undo(done.entry.unwrap());
    house.room.order(Actor::Terminal, undo, WALL).unwrap();
    assert_eq!(house.room.messages().count(), 3);
    assert!(house.says(viewer, "back", at(5)).is_ok());
}

#[test]
fn every_order_that_changes_something_can_be_undone_and_done_again() {
    let snapshot = |house: &House| {
        let view = house.room.desk_view(at(9));
        let seen: Vec<_> = house.room.messages().map(|message| message.id).collect();
        format!("{:?} {seen:?} {:?}", house.room.kept(), view.access.password())
            // Numbers of sanctions are not reused, names of people are shown in labels.
            .replace("KeptSanction", "")
    };
    let mut house = house();
    let (viewer, said) = talker(&mut house, "hello");
    let key = key(&house, viewer);
    for (order, _) in orders(key, said) {
        let before = snapshot(&house);
        let text = format!("{order:?}");
        let Ok(done) = house.room.order(Actor::Terminal, order, WALL) else {
            continue;
        };
        let after = snapshot(&house);
        let Some(entry) = done.entry else {
            assert_eq!(before, after, "{text}");
            continue;
        };
        if !house
            .room
            .desk_view(at(9))
            .audit
            .iter()
            .any(|listed| listed.id == entry && listed.can_undo())
        {
            continue;
        }

        let undone = house
            .room
            .order(Actor::Terminal, Order::Undo(entry), WALL)
            .unwrap();
        assert_eq!(snapshot(&house), before, "{text}");
        let again = house
            .room
            .order(Actor::Terminal, Order::Undo(undone.entry.unwrap()), WALL);
        assert!(again.is_ok(), "{text}: {again:?}");
        assert_eq!(snapshot(&house), after, "{text}");
        let last = house.room.desk_view(at(9)).audit.last().unwrap().id;
        house
            .room
            .order(Actor::Terminal, Order::Undo(last), WALL)
            .unwrap();
    }
}

#[test]
fn a_tripcode_makes_a_moderator_as_long_as_it_is_shown_and_appointed() {
    let mut house = house();
    let (viewer, _) = talker(&mut house, "hello");
    let wear = |house: &mut House, tripcode| {
        let dress = Dress {
            tripcode: Some(tripcode),
            ..Dress::default()
        };
        house.room.dress(viewer, dress).unwrap().role
    };
    assert_eq!(wear(&mut house, Some(TRIPCODE)), Role::Viewer);

    let order = Order::Appoint {
        tripcode: TRIPCODE,
        label: "Mo".into(),
    };
    house.room.order(Actor::Terminal, order, WALL).unwrap();
    assert_eq!(house.room.role(viewer), Role::Moderator);
    assert_eq!(wear(&mut house, None), Role::Viewer);
    assert_eq!(wear(&mut house, Some(TRIPCODE)), Role::Moderator);
    house
        .room
        .order(Actor::Terminal, Order::Dismiss(TRIPCODE), WALL)
        .unwrap();
    assert_eq!(house.room.role(viewer), Role::Viewer);
}

#[test]
fn a_seat_at_the_desk_ends_after_twelve_hours_and_when_it_is_ended() {
    let mut house = house();
    let first = house.staff(Role::Broadcaster, at(0));
    let second = house.staff(Role::Broadcaster, at(0));
    assert_eq!(house.room.desk_view(at(1)).sessions.len(), 2);

    let order = Order::EndSession(key(&house, second));
    house.room.order(Actor::Person(first), order, WALL).unwrap();
    assert_eq!(house.room.role(second), Role::Viewer);
    assert_eq!(house.room.role(first), Role::Broadcaster);
    // Seen all the time, and still over.
    for hour in 1..=12 {
        let token = Token::from_random((2_u128 << 64).to_be_bytes());
        house.room.recognise(token.as_str(), at(hour * 3_600));
        house.room.tick(at(hour * 3_600), WALL);
        let expected = if hour < 12 {
            Role::Broadcaster
        } else {
            Role::Viewer
        };
        assert_eq!(house.room.role(first), expected, "after {hour} hours");
    }
}

#[test]
fn shields_stop_viewers_and_not_those_who_keep_order() {
    let mut house = house();
    let moderator = house.staff(Role::Moderator, at(0));
    house.solves(moderator, at(0));
    let (viewer, _) = talker(&mut house, "hello");
    let set = |house: &mut House, shields| {
        let changes = house.room.shields().changes_to(shields);
        let order = Order::Shields(changes);
        house.room.order(Actor::Terminal, order, WALL).unwrap();
    };
    let none = Shields::default();

    for (shield, refusal) in [
        (Shield::ReadOnly, Refusal::ReadOnly),
        (Shield::TripcodesOnly, Refusal::TripcodesOnly),
    ] {
        set(&mut house, none.with(shield, true));
        assert_eq!(house.says(viewer, "hi", at(20)), Err(refusal));
        assert!(house.says(moderator, "hi", at(20)).is_ok());
    }
    set(&mut house, none.with(Shield::CaptchaAlways, true));
    assert!(matches!(
        house.says(viewer, "hi", at(40)),
        Err(Refusal::CaptchaDue(_))
    ));
    set(&mut house, none.with(Shield::Slow, true));
    assert!(house.says(viewer, "hi", at(60)).is_ok());
    assert!(matches!(
        house.says(viewer, "hi", at(65)),
        Err(Refusal::RoomIsSlow(_))
    ));
    set(&mut house, none.with(Shield::LinksOff, true));
    let Ok(Said::Message(message)) = house.says(viewer, "see http://a.example/ now", at(80)) else {
        panic!("nothing was said");
    };
    assert_eq!(
        message.body.spans,
        [markup::Span::Text("see http://a.example/ now".into())]
    );
    let off = Shields {
        chat: ChatMode::Off,
        ..none
    };
    set(&mut house, off);
    assert_eq!(house.says(viewer, "hi", at(90)), Err(Refusal::ChatOff));
}

#[test]
fn an_order_about_one_shield_leaves_the_others_and_so_does_its_undo() {
    let mut house = house();
    let broadcaster = house.staff(Role::Broadcaster, at(0));
    // Made when nothing was on, as by two terminals at once.
    let orders = [
        slow(true),
        Order::Shields(vec![ShieldChange::Switch(Shield::ReadOnly, true)]),
        Order::Shields(vec![ShieldChange::Chat(ChatMode::Hidden)]),
    ];
    let entries = orders.map(|order| {
        let done = house.room.order(Actor::Person(broadcaster), order, WALL);
        done.unwrap().entry.unwrap()
    });
    assert_eq!(house.room.shields().words(), "slow read-only hidden");

    for (entry, left) in entries
        .into_iter()
        .zip(["read-only hidden", "hidden", "shown"])
    {
        let undo = Order::Undo(entry);
        house.room.order(Actor::Terminal, undo, WALL).unwrap();
        assert_eq!(house.room.shields().words(), left);
    }
    // Nothing to do is no entry.
    let done = house.room.order(Actor::Terminal, slow(false), WALL);
    assert_eq!(done.unwrap().entry, None);
}

#[test]
fn a_sanction_that_is_over_or_unknown_is_said_to_be() {
    let mut house = house();
    let lift = Order::Lift(SanctionId(7));

    assert_eq!(
        house.room.order(Actor::Terminal, lift, WALL),
        Err(Refusal::NoSuchSanction)
    );
    let gone = Order::Hide(vec![MessageId(99)]);
    assert_eq!(
        house.room.order(Actor::Terminal, gone, WALL),
        Err(Refusal::NoSuchMessage)
    );
    let nobody = mute(PublicKey::from_random(99), HOUR);
    assert_eq!(
        house.room.order(Actor::Terminal, nobody, WALL),
        Err(Refusal::NobodyThere)
    );
}
