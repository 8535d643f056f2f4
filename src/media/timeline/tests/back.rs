//! Viewers who start further back than the live edge.

use super::{super::rewind::Rewind, *};
use crate::media::rendition::Rendition;

/// A reader who looks every 100 ms while the timeline gets `from..to`; when each fragment was had.
fn follow(
    timeline: &mut Timeline,
    position: &mut Position,
    media: std::ops::Range<u64>,
) -> Vec<(u64, u64)> {
    let mut had = Vec::new();
    for start in media.step_by(200) {
        feed_one(timeline, start);
        for now in [start + 200, start + 300] {
            for fragment in read_all(timeline, position, at(now)) {
                had.push((now, fragment));
            }
        }
    }
    had
}

fn feed_one(timeline: &mut Timeline, start: u64) {
    let mut fragment = sample::fragment(start, start.is_multiple_of(1000));
    if start.is_multiple_of(2000) {
        fragment = fragment.starting_segment();
    }
    assert!(timeline.push(&fragment, at(start + 200)));
}

#[test]
fn a_viewer_who_goes_back_gets_what_a_live_one_gets_only_later() {
    let mut timeline = on_air(40_000);
    let now = at(40_000);
    let back = Rewind::Back(Duration::from_secs(30));
    let mut position = timeline.rewind(Rendition::Full, back, DELAY, now).unwrap();
    let burst = timeline.burst(&position, now);

    // The keyframe at 9000 arrived at 9200, 30.8 s ago; nothing younger than 28 s comes at once.
    let first = read_all(&timeline, &mut position, now);
    let had = follow(&mut timeline, &mut position, 40_000..95_000);

    assert_eq!(first, (9_000..12_000).step_by(200).collect::<Vec<_>>());
    let bytes: usize = first.len() * sample::fragment(0, true).bytes().len();
    assert_eq!(burst, Some(bytes));
    let starts: Vec<_> = had.iter().map(|(_, start)| *start).collect();
    assert_eq!(starts, (12_000..67_000).step_by(200).collect::<Vec<_>>());
    for (now, start) in had {
        assert_eq!(
            now - start,
            28_200,
            "as it becomes 28 s old, not moved forward"
        );
    }
    assert_eq!(
        position.lag().unwrap().behind,
        Duration::from_millis(30_800)
    );
}

#[test]
fn one_who_waits_for_an_older_fragment_is_told_when_it_is_due() {
    let timeline = on_air(40_000);
    let back = Rewind::Back(Duration::from_secs(30));
    let mut position = timeline
        .rewind(Rendition::Full, back, DELAY, at(40_000))
        .unwrap();
    read_all(&timeline, &mut position, at(40_000));

    let next = timeline.read(&mut position, at(40_050));

    assert_eq!(next, Next::Wait(Some(at(40_200))));
}

#[test]
fn nobody_starts_further_back_than_where_they_may_fall_behind() {
    let reach = |millis| on_air(millis).reach(at(millis));
    assert_eq!(Timeline::new(LIMITS).reach(at(9_000)), Duration::ZERO);
    assert_eq!(reach(20_000), Duration::from_millis(19_800), "to the start");
    assert_eq!(reach(58_000), Duration::from_secs(50));
    assert_eq!(reach(120_000), Duration::from_millis(49_800));

    // From there on nothing is lost while more is dropped than the reader was away from the end.
    let mut timeline = on_air(120_000);
    let mut position = timeline
        .rewind(Rendition::Full, Rewind::Start, DELAY, at(120_000))
        .unwrap();
    let first = read_all(&timeline, &mut position, at(120_000));
    let had = follow(&mut timeline, &mut position, 120_000..200_000);
    assert_eq!(first.first(), Some(&70_000));
    let starts = first
        .into_iter()
        .chain(had.into_iter().map(|(_, start)| start));
    let starts: Vec<_> = starts.collect();
    assert!(
        starts.is_sorted_by(|one, next| next - one == 200),
        "{starts:?}"
    );
}

#[test]
fn a_young_run_is_live_for_those_who_would_go_back_further_than_it_is_old() {
    let timeline = on_air(1000);
    for rewind in [Rewind::Start, Rewind::Back(Duration::from_mins(2))] {
        let mut position = timeline
            .rewind(Rendition::Full, rewind, DELAY, at(1000))
            .unwrap();
        assert_eq!(
            timeline.read(&mut position, at(1000)),
            Next::Wait(Some(at(2200)))
        );
    }
    assert!(
        Timeline::new(LIMITS)
            .rewind(Rendition::Full, Rewind::Start, DELAY, at(0))
            .is_none()
    );
}

#[test]
fn a_number_from_the_playlist_is_where_a_viewer_starts() {
    let timeline = on_air(40_000);
    let first = |number| {
        let rewind = Rewind::Segment(number);
        let mut position = timeline
            .rewind(Rendition::Full, rewind, DELAY, at(40_000))
            .unwrap();
        read_all(&timeline, &mut position, at(40_000))[0]
    };

    for listed in timeline.segments(Rendition::Full) {
        let expected =
            start_of(timeline.segment(Rendition::Full, listed.sequence).unwrap()[0].clone());
        // The newest are younger than the delay.
        assert_eq!(first(listed.sequence), expected.min(37_000), "{listed:?}");
    }
    assert_eq!(first(0), 0, "gone, so the oldest there is");
    assert_eq!(first(99), 37_000, "not there yet, so live");
}

#[test]
fn one_whose_place_is_gone_goes_on_without_waiting_for_what_will_be_gone_too() {
    let mut timeline = Timeline::new(Limits {
        keep_bytes: 200 * sample::fragment(0, true).bytes().len(),
        ..LIMITS
    });
    timeline.begin(init());
    feed(&mut timeline, 0, 60_000, 0);
    let mut position = timeline
        .rewind(Rendition::Full, Rewind::Start, DELAY, at(60_000))
        .unwrap();
    read_all(&timeline, &mut position, at(60_000));
    // The picture gets twice as rich: half as long is kept.
    timeline.limits.keep_bytes /= 2;

    let had = follow(&mut timeline, &mut position, 60_000..90_000);

    let pauses = had.windows(2).map(|pair| pair[1].0 - pair[0].0).max();
    assert!(pauses <= Some(2_000), "{pauses:?}");
    assert!(had.len() > 100, "{}", had.len());
    assert!(position.lag().unwrap().behind >= position.delay);
}
