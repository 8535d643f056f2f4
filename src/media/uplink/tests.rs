use proptest::prelude::*;

use super::*;

const RATE: u64 = 500_000;

const MAX_LAG: Duration = Duration::from_secs(10);

fn at(seconds: u64) -> Tick {
    Tick::START + Duration::from_secs(seconds)
}

/// Somebody with a circuit of their own, watching through a connection that all share.
#[derive(Debug, Clone)]
struct Viewer {
    id: u64,
    since: u64,
    /// What their circuit carries, in bits per second.
    circuit: u64,
    bytes: u64,
    /// What they have yet to get, in bits.
    backlog: u64,
    is_paused: bool,
}

impl Viewer {
    fn response(&self, now: u64) -> Response {
        let start = Duration::from_secs(4);
        let behind = Duration::from_millis(self.backlog * 1_000 / RATE);
        Response {
            id: self.id,
            bytes: self.bytes,
            age: Duration::from_secs(now - self.since),
            start,
            behind,
            rate: RATE,
            is_sound: false,
            is_newest: true,
        }
    }
}

/// A house whose connection carries so much, looked at each second.
struct House {
    meter: UplinkMeter,
    line: u64,
    now: u64,
    next: u64,
    viewers: Vec<Viewer>,
    seen: Uplink,
}

impl House {
    fn with_line(line: u64) -> Self {
        let mut house = Self {
            meter: UplinkMeter::new(None, MAX_LAG),
            line,
            now: 0,
            next: 0,
            viewers: Vec::new(),
            seen: Uplink::default(),
        };
        house.run(1);
        house
    }

    fn come(&mut self, count: usize, circuit: u64) {
        for _ in 0..count {
            self.next += 1;
            self.viewers.push(Viewer {
                id: self.next,
                since: self.now,
                circuit,
                bytes: 0,
                backlog: 4 * RATE,
                is_paused: false,
            });
        }
    }

    /// One second after the other; gives the most that was seen.
    fn run(&mut self, seconds: u64) -> Occupancy {
        let mut most = Occupancy::Free;
        for _ in 0..seconds {
            self.now += 1;
            let taking = self.viewers.iter().filter(|one| !one.is_paused).count() as u64;
            let share = self.line / taking.max(1);
            for viewer in &mut self.viewers {
                viewer.backlog += RATE;
                if viewer.is_paused {
                    continue;
                }
                let took = viewer.backlog.min(viewer.circuit).min(share);
                viewer.backlog -= took;
                viewer.bytes += took / 8;
                if viewer.backlog > 14 * RATE {
                    // Moved forward to a keyframe.
                    viewer.backlog = 4 * RATE;
                }
            }
            let now = self.now;
            let responses: Vec<_> = self.viewers.iter().map(|one| one.response(now)).collect();
            self.seen = self.meter.look(responses, at(now));
            most = most.max(self.seen.occupancy);
        }
        most
    }
}

const GOOD: u64 = 10_000_000;
const BAD: u64 = 200_000;

#[test]
fn a_line_that_carries_everybody_is_free() {
    let mut house = House::with_line(100_000_000);
    house.come(20, GOOD);

    assert_eq!(house.run(120), Occupancy::Free);
    let seen = house.seen;
    assert_eq!((seen.viewers, seen.lagging, seen.capacity), (20, 0, None));
    assert_eq!(seen.demand, 20 * RATE);
    assert!(seen.delivered.abs_diff(20 * RATE) < RATE, "{seen:?}");
    assert!(seen.has_room(RATE, false, 0) && !seen.has_limit());
}

#[test]
fn a_few_bad_circuits_do_not_close_the_house() {
    for (good, bad) in [(0, 1), (0, 2), (5, 1), (5, 2), (12, 4)] {
        let mut house = House::with_line(100_000_000);
        house.come(good, GOOD);
        house.come(bad, BAD);
        assert_eq!(house.run(300), Occupancy::Free, "{good} good, {bad} bad");
        assert!(house.seen.has_room(RATE, false, 0));
    }
}

#[test]
fn players_that_are_paused_do_not_close_the_house() {
    let mut house = House::with_line(100_000_000);
    house.come(5, GOOD);
    house.run(60);
    for viewer in house.viewers.iter_mut().take(4) {
        viewer.is_paused = true;
    }

    assert!(house.run(120) < Occupancy::Full);
    assert_eq!((house.seen.viewers, house.seen.lagging), (1, 0));
    assert_eq!(house.seen.admitted, 5 * RATE, "they may go on");
}

#[test]
fn a_line_that_is_too_thin_is_full_soon_and_free_again_when_enough_have_left() {
    let mut house = House::with_line(4_000_000);
    house.come(7, GOOD);
    assert_eq!(house.run(60), Occupancy::Free);
    house.come(5, GOOD);

    assert_eq!(house.run(45), Occupancy::Full);
    let seen = house.seen;
    assert!(seen.lagging >= MANY, "{seen:?}");
    let capacity = seen.capacity.expect("it was measured");
    assert!(capacity.abs_diff(4_000_000) < 400_000, "{capacity}");
    assert!(!seen.has_room(RATE, false, 0));
    assert!(
        seen.has_room(RATE / 10, true, 0),
        "the sound is let in longer"
    );

    house.viewers.truncate(5);
    house.run(40);
    assert_eq!(house.seen.occupancy, Occupancy::Free);
    // Five and one more are 3 Mbit/s of 4; with three more it would be full again.
    assert!(house.seen.has_room(RATE, false, 0), "{:?}", house.seen);
    assert!(!house.seen.has_room(RATE, false, 3 * RATE));
    // Lines change: some minutes later it is tried again.
    house.run(600);
    assert_eq!(house.seen.capacity, None);
    assert!(house.seen.has_room(RATE, false, 3 * RATE));
}

#[test]
fn it_stays_full_while_those_who_are_behind_stay() {
    let mut house = House::with_line(3_000_000);
    house.come(10, GOOD);
    house.run(60);

    for _ in 0..120 {
        house.run(1);
        assert_eq!(house.seen.occupancy, Occupancy::Full, "{}", house.now);
    }
}

#[test]
fn a_line_that_turns_out_to_carry_more_is_believed() {
    let mut house = House::with_line(3_000_000);
    house.come(8, GOOD);
    house.run(90);
    assert!(house.seen.capacity.is_some_and(|all| all < 4_000_000));

    house.line = 100_000_000;
    house.run(60);

    assert_eq!(house.seen.occupancy, Occupancy::Free);
    assert!(house.seen.capacity.is_some_and(|all| all >= 4_000_000));
}

#[test]
fn the_ceiling_of_the_broadcaster_holds_from_the_first_viewer_on_and_keeps_a_tenth_for_the_sound() {
    let mut meter = UplinkMeter::new(Some(1_200_000), MAX_LAG);
    let response = |id| Response {
        id,
        bytes: 0,
        age: Duration::ZERO,
        start: Duration::ZERO,
        behind: Duration::ZERO,
        rate: RATE,
        is_sound: false,
        is_newest: true,
    };
    let one = meter.look([response(1)], at(1));
    assert!(one.has_limit() && one.has_room(RATE, false, 0));
    assert!(!one.has_room(RATE, false, RATE));
    let two = meter.look([response(1), response(2)], at(2));
    assert!(!two.has_room(RATE, false, 0));
    assert!(two.has_room(200_000, true, 0) && !two.has_room(200_001, true, 0));
    assert_eq!(two.most(), Some(1_080_000));
}

fn any_response() -> impl Strategy<Value = Response> {
    let time = || prop_oneof![0..60_u64, any::<u64>()].prop_map(Duration::from_secs);
    let number = || prop_oneof![0..2_000_000_u64, any::<u64>()];
    (
        0..40_u64,
        number(),
        time(),
        time(),
        time(),
        number(),
        any::<(bool, bool)>(),
    )
        .prop_map(
            |(id, bytes, age, start, behind, rate, (is_sound, is_newest))| Response {
                id,
                bytes,
                age,
                start,
                behind,
                rate,
                is_sound,
                is_newest,
            },
        )
}

proptest! {
    #[test]
    fn no_numbers_make_it_panic_or_remember_more_than_is_open(
        looks in prop::collection::vec(
            (prop::collection::vec(any_response(), 0..30), prop_oneof![0..30_u64, any::<u64>()]),
            1..40,
        ),
        ceiling in any::<Option<u64>>(),
    ) {
        let mut meter = UplinkMeter::new(ceiling, MAX_LAG);
        let mut now = Tick::START;
        for (responses, step) in looks {
            now = now + Duration::from_secs(step);
            let count = responses.len();
            let seen = meter.look(responses, now);
            prop_assert!(meter.marks.len() <= count);
            prop_assert!(seen.lagging <= seen.viewers && seen.viewers <= count);
            let _room = seen.has_room(u64::MAX, true, u64::MAX);
            let _most = seen.most();
        }
    }

    #[test]
    fn with_fewer_than_three_viewers_it_is_never_full(
        looks in prop::collection::vec(prop::collection::vec(any_response(), 0..3), 1..60),
    ) {
        let mut meter = UplinkMeter::new(None, MAX_LAG);
        for (second, responses) in looks.into_iter().enumerate() {
            let seen = meter.look(responses, at(second as u64));
            prop_assert_eq!(seen.occupancy, Occupancy::Free);
            prop_assert!(seen.has_room(u64::MAX, false, 0));
        }
    }

    #[test]
    fn without_those_who_are_behind_it_is_free_within_twenty_seconds(
        looks in prop::collection::vec(prop::collection::vec(any_response(), 0..12), 1..40),
        calm in prop::collection::vec(prop::collection::vec(any_response(), 0..12), 25..26),
    ) {
        let mut meter = UplinkMeter::new(None, MAX_LAG);
        let mut second = 0;
        for responses in looks {
            second += 1;
            meter.look(responses, at(second));
        }
        let mut occupancy = Occupancy::Full;
        for mut responses in calm {
            second += 1;
            for response in &mut responses {
                response.behind = response.start;
            }
            occupancy = meter.look(responses, at(second)).occupancy;
        }
        prop_assert_eq!(occupancy, Occupancy::Free);
    }
}

#[test]
fn whoever_has_two_responses_open_weighs_no_more_than_others() {
    let mut house = House::with_line(100_000_000);
    house.come(2, GOOD);
    house.come(4, BAD);
    let mut meter = UplinkMeter::new(None, MAX_LAG);
    for _ in 0..120 {
        house.run(1);
        // Two people on bad circuits, each with two players.
        let responses = house.viewers.iter().enumerate().map(|(number, viewer)| {
            let is_newest = number < 4;
            Response {
                is_newest,
                ..viewer.response(house.now)
            }
        });
        let seen = meter.look(responses, at(house.now));
        assert_eq!(seen.occupancy, Occupancy::Free);
        assert_eq!((seen.viewers, seen.admitted), (4, 6 * RATE));
    }
}

#[test]
fn each_time_of_trouble_teaches_anew_what_the_line_carries() {
    let mut house = House::with_line(6_000_000);
    house.come(15, GOOD);
    house.run(60);
    assert!(house.seen.capacity.is_some_and(|all| all > 5_500_000));

    house.viewers.truncate(5);
    house.run(60);
    house.line = 2_000_000;
    house.run(60);

    assert_eq!(house.seen.occupancy, Occupancy::Full);
    assert!(
        house.seen.capacity.is_some_and(|all| all < 2_500_000),
        "{:?}",
        house.seen
    );
}
