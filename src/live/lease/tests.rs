use futures_util::FutureExt as _;

use super::*;
use crate::room::session::Sessions;

const LIMITS: Limits = Limits {
    video_per_viewer: 2,
    panel_per_viewer: 1,
    total: 4,
};

fn register() -> (Leases, CancellationToken) {
    let closing = CancellationToken::new();
    (Leases::new(LIMITS, Clock::new(), closing.clone()), closing)
}

fn is_revoked(lease: &Lease) -> bool {
    lease.revoked().now_or_never().is_some()
}

#[test]
fn the_newest_video_of_a_viewer_wins_and_other_viewers_see_nothing() {
    let (leases, _closing) = register();
    let mut people = Sessions::<()>::new(10);
    let (anna, ben) = (people.guest(), people.guest());
    let bens = leases.take(Kind::Video, ben).unwrap();

    let first = leases.take(Kind::Video, anna).unwrap();
    let second = leases.take(Kind::Video, anna).unwrap();
    let third = leases.take(Kind::Video, anna).unwrap();

    assert!(is_revoked(&first));
    assert!(!is_revoked(&second) && !is_revoked(&third) && !is_revoked(&bens));
    drop(third);
    let fourth = leases.take(Kind::Video, anna).unwrap();
    assert!(!is_revoked(&second) && !is_revoked(&fourth));
}

#[test]
fn beyond_the_total_nobody_gets_a_lease_until_somebody_leaves() {
    let (leases, _closing) = register();
    let mut people = Sessions::<()>::new(10);
    let mut held: Vec<_> = (0..4)
        .map(|_| leases.take(Kind::Video, people.guest()).unwrap())
        .collect();

    assert_eq!(leases.take(Kind::Panel, people.guest()).err(), Some(Full));
    held.pop();
    assert!(leases.take(Kind::Panel, people.guest()).is_ok());
}

#[test]
fn watching_counts_viewers_not_responses_and_not_those_who_stopped_reading() {
    let (leases, _closing) = register();
    let mut people = Sessions::<()>::new(10);
    let (anna, ben) = (people.guest(), people.guest());
    let _annas = [
        leases.take(Kind::Video, anna),
        leases.take(Kind::Video, anna),
    ];
    let _bens = leases.take(Kind::Panel, ben);

    assert_eq!(leases.watching(Some(Tick::START)), HashSet::from([anna]));
    assert_eq!(leases.here(), HashSet::from([ben]));
    assert!(
        leases
            .watching(Some(Tick::START + Duration::from_mins(1)))
            .is_empty()
    );
}

#[test]
fn a_viewer_who_leaves_fragments_unread_falls_behind_and_a_new_start_is_not() {
    let (leases, _closing) = register();
    let mut people = Sessions::<()>::new(10);
    let anna = people.guest();
    assert!(leases.watch(anna, None).is_none());
    let first = leases.take(Kind::Video, anna).unwrap();
    first.chose(Delay::Safe);
    first.lags(Lag::started(Duration::from_secs(8)));

    let watch = leases.watch(anna, Some(Tick::START)).unwrap();
    assert_eq!(watch.lag.behind, Duration::from_secs(8));
    assert_eq!(watch.choice, Some(Delay::Safe));
    // Asked for at the very start of the clock, and it has been running since.
    first.progress.asked.store(0, Ordering::Relaxed);
    first.progress.taken.store(60_000, Ordering::Relaxed);
    let newest = Tick::START + Duration::from_millis(1);
    let watch = leases.watch(anna, Some(newest)).unwrap();
    assert!(watch.lag.behind >= Duration::from_mins(1));

    let _second = leases.take(Kind::Video, anna).unwrap();
    let watch = leases.watch(anna, None).unwrap();
    assert_eq!((watch.lag, watch.choice), (Lag::default(), None));
}

#[test]
fn what_goes_out_is_counted_until_the_response_ends_and_a_preview_is_not() {
    let (leases, _closing) = register();
    let mut people = Sessions::<()>::new(10);
    let (anna, ben) = (people.guest(), people.guest());
    let _preview = leases.take(Kind::Video, ben).unwrap();
    let lease = leases.take(Kind::Video, anna).unwrap();
    lease.plays(Quality::Sound);
    lease.lags(Lag::started(Duration::from_secs(4)));
    lease.handed_out(1_000);
    lease.handed_out(24);

    let flows = leases.flows(Some(Tick::START));
    let [flow] = flows[..] else {
        panic!("{flows:?}");
    };
    assert_eq!((flow.bytes, flow.plays), (1_024, Quality::Sound));
    assert!(flow.viewer == anna && flow.age < Duration::from_mins(1));
    let four = Duration::from_secs(4);
    assert_eq!((flow.start, flow.behind), (four, four));

    leases.end(Kind::Video, anna);
    assert!(leases.flows(None).is_empty(), "it ends");
}

#[test]
fn closing_revokes_every_lease() {
    let (leases, closing) = register();
    let mut people = Sessions::<()>::new(10);
    let lease = leases.take(Kind::Panel, people.guest()).unwrap();

    closing.cancel();

    assert!(is_revoked(&lease));
}
