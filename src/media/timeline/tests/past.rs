//! What viewers see of a run that is over.

use super::{super::rewind::Rewind, *};
use crate::media::rendition::Rendition;

/// A reader who went this far back in a run of 40 s, and has read what there is for them.
fn back(timeline: &Timeline, seconds: u64) -> Position {
    let rewind = Rewind::Back(Duration::from_secs(seconds));
    let now = at(40_000);
    let mut position = timeline
        .rewind(Rendition::Full, rewind, DELAY, now)
        .unwrap();
    read_all(timeline, &mut position, now);
    position
}

/// Looks each 100 ms until the end; when each fragment was had, and when it ended.
fn to_the_end(
    timeline: &mut Timeline,
    position: &mut Position,
    from: u64,
) -> (Vec<(u64, u64)>, u64) {
    let mut had = Vec::new();
    for now in (from..from + 120_000).step_by(100) {
        timeline.forget(at(now));
        loop {
            match timeline.read(position, at(now)) {
                Next::Fragment(bytes) | Next::Skipped(bytes) => had.push((now, start_of(bytes))),
                Next::Wait(until) => {
                    assert!(until.is_some_and(|until| until > at(now)), "for ever");
                    break;
                }
                Next::Ended => return (had, now),
            }
        }
    }
    panic!("it does not end");
}

#[test]
fn whoever_went_back_sees_the_rest_in_real_time_and_then_it_ends() {
    let mut timeline = on_air(40_000);
    let mut position = back(&timeline, 30);
    let mut live = timeline.join(DELAY).unwrap();
    read_all(&timeline, &mut live, at(40_000));

    timeline.end();

    assert_eq!(
        timeline.read(&mut live, at(40_000)),
        Next::Ended,
        "has it all"
    );
    assert!(timeline.join(DELAY).is_none(), "nobody new");
    assert!(timeline.current().is_none() && timeline.segments(Rendition::Full).is_empty());
    let (had, ended) = to_the_end(&mut timeline, &mut position, 40_000);
    let starts: Vec<_> = had.iter().map(|(_, start)| *start).collect();
    assert_eq!(starts, (12_000..40_000).step_by(200).collect::<Vec<_>>());
    assert!(had.iter().all(|(now, start)| now - start == 28_200));
    assert_eq!(ended, had.last().unwrap().0, "at once after the last one");
}

#[test]
fn the_next_run_begins_beside_it_and_neither_is_seen_in_the_other() {
    let mut timeline = on_air(40_000);
    let mut position = back(&timeline, 30);
    let (before, _) = timeline.current().unwrap();
    timeline.end();

    assert_eq!(timeline.begin(init()), Begun::Fresh);
    feed(&mut timeline, 0, 10_000, 42_000);
    let (run, _) = timeline.current().unwrap();
    assert_eq!(run.number(), before.number() + 1);
    let mut newcomer = timeline.join(DELAY).unwrap();
    let new = read_all(&timeline, &mut newcomer, at(52_000));
    assert_eq!(new.first(), Some(&7000), "{new:?}");
    let (had, _) = to_the_end(&mut timeline, &mut position, 52_000);
    assert!(had.iter().all(|(_, start)| *start >= 12_000), "{had:?}");
    assert_eq!(had.last().unwrap().1, 39_800);
}

#[test]
fn a_run_that_was_replaced_ends_at_once_and_nothing_of_it_stays() {
    let mut timeline = on_air(40_000);
    let mut position = back(&timeline, 30);

    assert_eq!(timeline.begin(other_init()), Begun::Replaced);

    assert_eq!(timeline.read(&mut position, at(40_000)), Next::Ended);
    assert!(timeline.past.is_none());
}

#[test]
fn only_the_run_that_ended_last_stays_and_no_longer_than_anything_is_kept() {
    let mut timeline = on_air(40_000);
    let mut position = back(&timeline, 30);
    timeline.end();
    timeline.begin(init());
    feed(&mut timeline, 0, 2_000, 42_000);
    timeline.end();
    assert_eq!(timeline.read(&mut position, at(44_000)), Next::Ended);

    // The last keyframe came at 43.2 s; a minute is kept, and nothing without its keyframe.
    timeline.forget(at(103_200));
    assert!(timeline.past.is_some());
    timeline.forget(at(103_300));
    assert!(timeline.past.is_none());
    // An end of nothing is nothing.
    timeline.end();
    assert!(timeline.past.is_none());
}

proptest! {
    #[test]
    fn both_runs_together_have_no_more_room_than_one(
        limit in 20_usize..200,
        first in 1_u64..40,
        second in 1_u64..40,
        look in 0_u64..60,
    ) {
        let size = sample::fragment(0, true).bytes().len();
        let limits = Limits { keep_bytes: limit * size, ..LIMITS };
        let mut timeline = Timeline::new(limits);
        timeline.begin(init());
        feed(&mut timeline, 0, first * 1_000, 0);
        let now = first * 1_000;
        let mut position = timeline
            .rewind(Rendition::Full, Rewind::Start, DELAY, at(now))
            .unwrap();
        timeline.end();
        timeline.begin(init());
        let mut last = None;
        for start in (0..second * 1_000).step_by(200) {
            let fragment = sample::fragment(start, start.is_multiple_of(1000));
            timeline.push(&fragment, at(now + start + 200));
            let past = timeline.past.as_ref().map_or(0, |past| past.bytes);
            let ring = timeline.ring.end() - timeline.ring.first();
            prop_assert!(past + timeline.bytes <= limits.keep_bytes || (past == 0 && ring <= 1));
            // Whatever is dropped: in order, each once, and it ends.
            let look = at(now + start + 200 + look * 1_000);
            for start in read_all(&timeline, &mut position, look) {
                prop_assert!(last.is_none_or(|last| start > last), "{start} after {last:?}");
                last = Some(start);
            }
        }
        timeline.forget(at(now + 200_000));
        prop_assert!(timeline.past.is_none());
        prop_assert_eq!(timeline.read(&mut position, at(now + 200_000)), Next::Ended);
    }
}
