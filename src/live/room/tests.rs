use std::time::Duration;

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    live::lease::{Lease, Limits},
    room::{
        RoomLimits,
        access::ViewingPassword,
        challenge::ChallengeLimits,
        flood::FloodLimits,
        name::Reserved,
        order::{Actor, Order, Term, Whom},
        panel::Piece,
        person::Role,
        sanction::SanctionKind,
    },
};

/// A house with a room, a panel and open responses.
struct House {
    room: RoomHandle,
    leases: Leases,
    panel: Panel,
}

impl House {
    fn new() -> Self {
        let clock = Clock::new();
        let limits = RoomLimits {
            sessions: 10,
            messages: 10,
            messages_per_captcha: 10,
            flood: FloodLimits {
                window: Duration::from_secs(20),
                messages: 4,
                rows: 20,
                gap: Duration::ZERO,
                appearance_per_minute: 6,
                room_messages: 60,
                slow_gap: Duration::from_secs(10),
                slow_for: Duration::from_mins(1),
                newcomers_per_minute: 60,
                raid_for: Duration::from_mins(5),
            },
            challenges: ChallengeLimits {
                capacity: 16,
                tries: 5,
                lifetime: Duration::from_mins(10),
            },
            captcha_at_entrance: false,
            here_for: Duration::from_secs(20),
        };
        let render = |_: &Update, _: Tick| vec![Piece::Html("x".into())];
        let panel = Panel::new(render, clock);
        let leases = Leases::new(
            Limits {
                video_per_viewer: 2,
                panel_per_viewer: 2,
                total: 100,
            },
            clock,
            CancellationToken::new(),
        );
        let room = Room::new(limits, Reserved::new([]), Arc::default());
        Self {
            room: RoomHandle::new(room, panel.clone(), leases.clone(), clock),
            leases,
            panel,
        }
    }

    /// Somebody with a video and a panel.
    fn comes(&self) -> (ViewerId, Lease, Lease) {
        let (viewer, _) = self.room.admit(None).unwrap();
        let [video, panel] =
            [Kind::Video, Kind::Panel].map(|kind| self.leases.take(kind, viewer).unwrap());
        (viewer, video, panel)
    }

    fn order(&self, order: Order) {
        self.room.order(Actor::Terminal, order).unwrap();
    }

    fn sanction(&self, viewer: ViewerId, kind: SanctionKind) {
        let key = self.room.identity(viewer).unwrap().key;
        self.order(Order::Sanction {
            whom: Whom::Key(key),
            kind,
            term: Term::ForGood,
            purge: false,
        });
    }
}

fn is_over(lease: &Lease) -> bool {
    lease.revoked().now_or_never().is_some()
}

#[test]
fn a_block_ends_everything_of_one_person_at_once_and_nothing_of_others() {
    let house = House::new();
    let (anna, annas_video, annas_panel) = house.comes();
    let (_ben, bens_video, bens_panel) = house.comes();

    house.sanction(anna, SanctionKind::Ban);
    assert!(!is_over(&annas_video) && !is_over(&annas_panel));
    house.sanction(anna, SanctionKind::Block);

    assert!(is_over(&annas_video) && is_over(&annas_panel));
    assert!(!is_over(&bens_video) && !is_over(&bens_panel));
}

#[test]
fn cutting_the_video_leaves_the_panel_and_they_may_start_again() {
    let house = House::new();
    let (anna, video, panel) = house.comes();
    let key = house.room.identity(anna).unwrap().key;

    house.order(Order::CutVideo(Whom::Key(key)));

    assert!(is_over(&video) && !is_over(&panel));
    assert!(!is_over(&house.leases.take(Kind::Video, anna).unwrap()));
}

#[test]
fn a_viewing_password_ends_the_responses_of_all_but_those_who_keep_order() {
    let house = House::new();
    let (_anna, annas_video, _panel) = house.comes();
    let guest = house.leases.take(Kind::Video, house.room.guest()).unwrap();
    let (broadcaster, own_video, own_panel) = house.comes();
    house
        .room
        .log_in(broadcaster, Role::Broadcaster, false)
        .unwrap();

    let password = ViewingPassword::from_hash("hash");
    house.order(Order::ViewingPassword(Some(password)));

    assert!(is_over(&annas_video) && is_over(&guest));
    assert!(!is_over(&own_video) && !is_over(&own_panel));
    // Whoever loses the seat loses the way in.
    house.room.log_out(broadcaster);
    assert!(is_over(&own_video) && is_over(&own_panel));
}

#[test]
fn what_survives_a_restart_is_handed_over_whenever_it_changes() {
    let house = House::new();
    let mut kept = house.room.kept();
    assert!(!kept.has_changed().unwrap());
    let (anna, ..) = house.comes();
    assert!(
        !kept.has_changed().unwrap(),
        "nothing about viewers is kept"
    );

    house.sanction(anna, SanctionKind::Ban);

    assert!(kept.has_changed().unwrap());
    assert_eq!(kept.borrow_and_update().sanctions.len(), 1);
    let other = House::new();
    let file = Kept::parse(&house.room.kept().borrow().to_toml()).unwrap();
    assert_eq!(other.room.restore(&file, &other.room.saved()), Ok(true));
    assert_eq!(other.room.desk().sanctions.len(), 1);
}

#[test]
fn hiding_reaches_open_panels_and_keeps_the_line_for_the_desk() {
    let house = House::new();
    let message = house.room.proclaim("hello").unwrap();
    let mut events = house.room.events();

    house.order(Order::Hide(vec![message.id]));
    assert!(house.panel.values().lines[0].is_hidden);
    house.order(Order::Unhide(vec![message.id]));

    assert!(!house.panel.values().lines[0].is_hidden);
    let seen: Vec<_> = std::iter::from_fn(|| events.next().now_or_never()).collect();
    assert!(
        matches!(&seen[..], [
            crate::live::feed::Read::Item(Update::Hidden(hidden)),
            crate::live::feed::Read::Item(Update::Shown(shown)),
        ] if hidden == shown),
        "{seen:?}"
    );
}
