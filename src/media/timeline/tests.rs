mod back;
mod hostile;
mod past;

use proptest::prelude::*;

use super::*;
use crate::media::fragment::sample;

const LIMITS: Limits = Limits {
    keep: Duration::from_mins(1),
    keep_bytes: 1 << 20,
    max_lag: Duration::from_secs(10),
};
const DELAY: Duration = Duration::from_secs(2);

fn at(millis: u64) -> Tick {
    Tick::START + Duration::from_millis(millis)
}

fn init() -> InitSegment {
    sample::audio_and_video_init()
}

fn other_init() -> InitSegment {
    let sound_only = sample::init_with(&[sample::track_boxes(1, b"soun", 48_000)]);
    InitSegment::parse(sound_only.into()).unwrap()
}

/// A timeline that has got fragments of 200 ms with a keyframe each second, each when it ended.
fn on_air(millis: u64) -> Timeline {
    let mut timeline = Timeline::new(LIMITS);
    timeline.begin(init());
    feed(&mut timeline, 0, millis, 0);
    timeline
}

/// Media from `from` to `to` ms, arriving `late` ms after it ended.
fn feed(timeline: &mut Timeline, from: u64, to: u64, late: u64) {
    for start in (from..to).step_by(200) {
        let keyframe = (start - from).is_multiple_of(1000);
        let mut fragment = sample::fragment(start, keyframe);
        if (start - from).is_multiple_of(2000) {
            fragment = fragment.starting_segment();
        }
        assert!(timeline.push(&fragment, at(start + 200 + late)));
    }
}

/// Reads until there is nothing more; gives the decode times in ms of what was read.
fn read_all(timeline: &Timeline, position: &mut Position, now: Tick) -> Vec<u64> {
    let mut starts = Vec::new();
    loop {
        match timeline.read(position, now) {
            Next::Fragment(bytes) | Next::Skipped(bytes) => starts.push(start_of(bytes)),
            Next::Wait(_) | Next::Ended => return starts,
        }
    }
}

fn start_of(bytes: Bytes) -> u64 {
    let start = Fragment::parse(bytes, &init()).unwrap().start();
    u64::try_from(start.as_millis()).unwrap()
}

#[test]
fn the_burst_of_a_newcomer_is_what_they_can_read_at_once() {
    let timeline = on_air(5000);
    let now = at(5000);
    let mut position = timeline.join(DELAY).unwrap();
    let burst = timeline.burst(&position, now);

    let mut read = 0;
    while let Next::Fragment(bytes) = timeline.read(&mut position, now) {
        read += bytes.len();
    }

    assert!(read > 0);
    assert_eq!(burst, Some(read));
}

#[test]
fn a_newcomer_to_a_young_run_has_no_burst() {
    let timeline = on_air(1000);

    let position = timeline.join(DELAY).unwrap();

    assert_eq!(timeline.burst(&position, at(1000)), None);
}

#[test]
fn a_viewer_starts_at_the_newest_keyframe_that_is_old_enough_and_gets_the_rest_at_once() {
    let timeline = on_air(5000);
    let mut position = timeline.join(DELAY).unwrap();

    // The keyframe at 2000 arrived at 2200, 2.8 s before now; the one at 3000 1.8 s before.
    let burst = read_all(&timeline, &mut position, at(5000));

    assert_eq!(burst, (2000..5000).step_by(200).collect::<Vec<_>>());
}

#[test]
fn a_viewer_who_comes_too_early_waits_until_the_first_keyframe_is_old_enough() {
    let timeline = on_air(1000);
    let mut position = timeline.join(DELAY).unwrap();

    assert_eq!(
        timeline.read(&mut position, at(1000)),
        Next::Wait(Some(at(2200)))
    );
    assert_eq!(
        read_all(&timeline, &mut position, at(2200)).first(),
        Some(&0)
    );
}

#[test]
fn a_viewer_gets_each_fragment_once_and_in_order() {
    let mut timeline = on_air(3000);
    let mut position = timeline.join(DELAY).unwrap();
    let first = read_all(&timeline, &mut position, at(3000));

    feed(&mut timeline, 3000, 5000, 0);
    let then = read_all(&timeline, &mut position, at(5000));

    assert_eq!(first.last(), Some(&2800));
    assert_eq!(then, (3000..5000).step_by(200).collect::<Vec<_>>());
}

#[test]
fn a_slow_viewer_is_moved_to_a_keyframe_and_decode_times_are_kept() {
    let mut timeline = on_air(3000);
    let mut position = timeline.join(DELAY).unwrap();
    assert!(matches!(
        timeline.read(&mut position, at(3000)),
        Next::Fragment(_)
    ));

    feed(&mut timeline, 3000, 20_000, 0);
    let next = timeline.read(&mut position, at(20_000));

    let Next::Skipped(bytes) = next else {
        panic!("{next:?}")
    };
    assert_eq!(
        start_of(bytes),
        17_000,
        "the newest keyframe that is old enough"
    );
    assert_eq!(read_all(&timeline, &mut position, at(20_000)).len(), 14);
}

#[test]
fn a_viewer_within_the_allowed_lag_misses_nothing() {
    let mut timeline = on_air(3000);
    let mut position = timeline.join(DELAY).unwrap();
    let _first = timeline.read(&mut position, at(3000));

    feed(&mut timeline, 3000, 12_000, 0);

    assert_eq!(
        read_all(&timeline, &mut position, at(12_000)).first(),
        Some(&200)
    );
}

#[test]
fn a_restarted_encoder_goes_on_as_much_later_as_it_was_away() {
    let mut timeline = on_air(5000);
    let mut position = timeline.join(DELAY).unwrap();
    read_all(&timeline, &mut position, at(5000));

    assert_eq!(timeline.begin(init()), Begun::Continued);
    // Its first fragment has 200 ms and arrives 3 s after the last one.
    assert!(timeline.push(&sample::fragment(0, true), at(8000)));
    assert!(timeline.push(&sample::fragment(200, false), at(8200)));

    assert_eq!(read_all(&timeline, &mut position, at(8200)), [7801, 8001]);
}

#[test]
fn a_restarted_encoder_is_heard_from_its_first_keyframe_on() {
    let mut timeline = on_air(5000);

    timeline.begin(init());

    assert!(!timeline.push(&sample::fragment(400, false), at(6000)));
    assert!(timeline.push(&sample::fragment(600, true), at(6200)));
}

#[test]
fn another_init_segment_ends_the_open_responses() {
    let mut timeline = on_air(5000);
    let mut position = timeline.join(DELAY).unwrap();

    assert_eq!(timeline.begin(other_init()), Begun::Replaced);

    assert_eq!(timeline.read(&mut position, at(5000)), Next::Ended);
    assert!(timeline.join(DELAY).is_none());
    assert!(timeline.segments(Rendition::Full).is_empty());
}

#[test]
fn an_encoder_that_only_paused_gets_a_new_run_after_the_end() {
    let mut timeline = on_air(3000);
    let mut position = timeline.join(DELAY).unwrap();
    let before = timeline.current().unwrap().0;

    timeline.finish();
    assert!(
        !timeline.push(&sample::fragment(3000, false), at(30_000)),
        "not a keyframe"
    );
    assert!(timeline.push(&sample::fragment(4000, true), at(31_000)));

    assert_eq!(timeline.read(&mut position, at(31_000)), Next::Ended);
    assert!(timeline.current().unwrap().0 > before);
}

#[test]
fn decode_times_that_jump_without_a_restart_are_put_right() {
    let mut timeline = on_air(5000);
    let mut position = timeline.join(DELAY).unwrap();
    read_all(&timeline, &mut position, at(5000));

    assert!(timeline.push(&sample::fragment(0, true), at(5200)));
    assert!(timeline.push(&sample::fragment(3_600_000, true), at(5400)));

    assert_eq!(read_all(&timeline, &mut position, at(5400)), [5001, 5202]);
}

/// Decode times and durations of a fragment's tracks, in ticks.
fn runs_of(bytes: Bytes, init: &InitSegment) -> Vec<(u64, u64)> {
    let fragment = Fragment::parse(bytes, init).unwrap();
    let runs = fragment.runs().iter();
    runs.map(|run| (run.decode_time, run.duration)).collect()
}

/// What a reader without a delay gets now, with the tracks of each fragment checked for steps back.
fn read_without_steps_back(timeline: &Timeline, init: &InitSegment, now: Tick) -> Vec<u64> {
    let mut position = timeline.join(Duration::ZERO).unwrap();
    position.next = Some(timeline.ring.first());
    let mut ends = vec![0; init.tracks().len()];
    let mut firsts = Vec::new();
    while let Next::Fragment(bytes) | Next::Skipped(bytes) = timeline.read(&mut position, now) {
        let runs = runs_of(bytes, init);
        for ((start, duration), end) in runs.iter().zip(&mut ends) {
            assert!(start >= end, "{start} after {end}");
            *end = start + duration;
        }
        firsts.extend(runs.first().map(|(start, _)| *start));
    }
    firsts
}

#[test]
fn a_fragment_that_begins_a_millisecond_early_does_not_step_back() {
    let mut timeline = Timeline::new(LIMITS);
    timeline.begin(init());
    for (start, keyframe, now) in [
        (107_011, true, 200),
        (107_210, false, 400),
        (107_410, false, 600),
        // A pause makes up for it.
        (107_615, false, 805),
    ] {
        assert!(timeline.push(&sample::fragment(start, keyframe), at(now)));
    }

    let starts = read_without_steps_back(&timeline, &init(), at(805));

    assert_eq!(starts.last(), Some(&(107_615 * 12_800 / 1000)));
    assert_eq!(timeline.shift, TimeShift::default());
}

/// What a property test found: after two shifts the overlap of a millisecond counted as rounding.
#[test]
fn after_a_shift_a_fragment_that_begins_a_millisecond_early_does_not_step_back() {
    let mut timeline = Timeline::new(LIMITS);
    timeline.begin(init());
    assert!(timeline.push(&sample::fragment(16_275, true), at(3)));
    assert!(timeline.push(&sample::fragment(85_571, false), at(4)));
    timeline.begin(init());
    assert!(timeline.push(&sample::fragment(1000, true), at(350)));
    assert!(timeline.push(&sample::fragment(13_614, false), at(1473)));
    assert!(timeline.push(&sample::fragment(107_012, false), at(1474)));
    assert!(timeline.push(&sample::fragment(107_211, false), at(1475)));

    let starts = read_without_steps_back(&timeline, &init(), at(1475));

    assert_eq!(starts.len(), 6);
}

#[test]
fn after_a_shift_tracks_with_coarse_ticks_go_on_without_another_shift() {
    let tracks = [
        sample::track_boxes(1, b"vide", 30),
        sample::track_boxes(2, b"soun", 7),
    ];
    let init = InitSegment::parse(sample::init_with(&tracks).into()).unwrap();
    let fragment = |start: u64| {
        let bytes = sample::fragment_bytes(start, true);
        Fragment::parse(bytes, &init).unwrap()
    };
    let mut timeline = Timeline::new(LIMITS);
    timeline.begin(init.clone());
    assert!(timeline.push(&fragment(0), at(0)));
    timeline.begin(init.clone());
    assert!(timeline.push(&fragment(0), at(1)));
    let shift = timeline.shift;

    for number in 1..50 {
        // Ticks are written as if there were 12,800 and 48,000 a second, so these follow exactly.
        assert!(timeline.push(&fragment(200 * number), at(1 + number)));
        assert_eq!(timeline.shift, shift, "fragment {number}");
    }

    let starts = read_without_steps_back(&timeline, &init, at(60));
    assert_eq!(starts.len(), 51);
}

#[test]
fn what_is_kept_is_bounded_in_time_and_bytes_and_begins_with_a_keyframe() {
    let mut timeline = on_air(0);
    feed(&mut timeline, 0, 90_000, 0);
    let oldest = timeline.ring.oldest().unwrap();
    assert!(at(90_000).since(oldest.arrived) <= LIMITS.keep);
    assert!(oldest.starts_with_keyframe);

    let small = Limits {
        keep_bytes: 20_000,
        ..LIMITS
    };
    let mut timeline = Timeline::new(small);
    timeline.begin(init());
    feed(&mut timeline, 0, 90_000, 0);
    assert!(timeline.bytes <= small.keep_bytes);
    assert!(timeline.ring.oldest().unwrap().starts_with_keyframe);
    assert_eq!(
        timeline.bytes,
        timeline
            .ring
            .iter()
            .map(|(_, kept)| kept.size())
            .sum::<usize>()
    );
}

#[test]
fn external_players_see_complete_segments_with_numbers_that_do_not_repeat() {
    let mut timeline = on_air(5000);

    let listed: Vec<_> = timeline
        .segments(Rendition::Full)
        .iter()
        .map(|s| (s.sequence, s.duration.as_millis()))
        .collect();
    assert_eq!(listed, [(1, 2000), (2, 2000)], "the third is still growing");
    assert_eq!(timeline.segment(Rendition::Full, 1).unwrap().len(), 10);
    assert_eq!(timeline.segment(Rendition::Full, 3), None);
    assert_eq!(timeline.segment(Rendition::Full, 99), None);

    timeline.begin(other_init());
    timeline.begin(init());
    feed(&mut timeline, 0, 5000, 10_000);
    assert_eq!(
        timeline.segments(Rendition::Full).first().unwrap().sequence,
        4
    );
}

#[test]
fn a_segment_whose_beginning_was_dropped_is_not_listed() {
    let mut timeline = Timeline::new(Limits {
        keep: Duration::from_millis(4500),
        ..LIMITS
    });
    timeline.begin(init());
    feed(&mut timeline, 0, 11_000, 0);

    // Kept from the keyframe at 7000 on, in the middle of the segment of 6000.
    let listed: Vec<_> = timeline
        .segments(Rendition::Full)
        .iter()
        .map(|s| s.sequence)
        .collect();
    assert_eq!(listed, [5]);
    assert_eq!(timeline.segment(Rendition::Full, 4), None);
}

proptest! {
    #[test]
    fn whatever_arrives_decode_times_grow_and_limits_hold(
        events in proptest::collection::vec((0..4u8, 0..200_000u64, any::<bool>(), 1..4000u64), 1..200),
    ) {
        let mut timeline = Timeline::new(Limits { keep_bytes: 30_000, ..LIMITS });
        timeline.begin(init());
        let (mut now, mut ends, mut run) = (at(0), [0; 2], None);
        let mut position: Option<Position> = None;
        for (kind, start, keyframe, wait) in events {
            now = now + Duration::from_millis(wait);
            match kind {
                0 => { timeline.begin(init()); }
                1 if start < 1000 => timeline.finish(),
                _ => { timeline.push(&sample::fragment(start, keyframe), now); }
            }
            prop_assert!(timeline.bytes <= 30_000 || timeline.ring.end() - timeline.ring.first() == 1);
            prop_assert!(timeline.ring.oldest().is_none_or(|kept| kept.starts_with_keyframe));
            let current = timeline.current().map(|(run, _)| run);
            if current != run {
                (run, ends, position) = (current, [0; 2], timeline.join(Duration::ZERO));
            }
            let Some(position) = position.as_mut() else { continue };
            while let Next::Fragment(bytes) | Next::Skipped(bytes) = timeline.read(position, now) {
                let fragment = Fragment::parse(bytes, &init()).unwrap();
                for (track, end) in fragment.runs().iter().zip(&mut ends) {
                    prop_assert!(track.decode_time >= *end, "a track steps back");
                    *end = track.decode_time + track.duration;
                }
            }
        }
    }
}

#[test]
fn a_listener_gets_the_sound_of_the_same_fragments_from_whichever_is_old_enough() {
    let timeline = on_air(5000);
    let sound = SoundTrack::of(&init()).unwrap();
    let alone = InitSegment::parse(sound.init().clone()).unwrap();
    let mut position = timeline.join_rendition(Rendition::Sound, DELAY).unwrap();
    let burst = timeline.burst(&position, at(5000));

    let (mut starts, mut bytes) = (Vec::new(), 0);
    while let Next::Fragment(part) = timeline.read(&mut position, at(5000)) {
        bytes += part.len();
        let part = Fragment::parse(part, &alone).unwrap();
        starts.push(u64::try_from(part.start().as_millis()).unwrap());
    }

    // No keyframe at 2800, and none is needed: it arrived at 3000.
    assert_eq!(starts, (2800..5000).step_by(200).collect::<Vec<_>>());
    assert_eq!(burst, Some(bytes));
    assert_eq!(timeline.read(&mut position, at(5000)), Next::Wait(None));
    assert_eq!(timeline.init(Rendition::Sound), Some(sound.init()));
}

#[test]
fn a_listener_who_is_late_skips_and_one_who_is_early_waits() {
    let mut timeline = on_air(1000);
    let mut position = timeline.join_rendition(Rendition::Sound, DELAY).unwrap();
    assert_eq!(
        timeline.read(&mut position, at(1000)),
        Next::Wait(Some(at(2200)))
    );
    assert!(matches!(
        timeline.read(&mut position, at(2200)),
        Next::Fragment(_)
    ));

    feed(&mut timeline, 1000, 30_000, 0);

    assert!(matches!(
        timeline.read(&mut position, at(30_000)),
        Next::Skipped(_)
    ));
}

#[test]
fn the_offer_says_what_there_is_and_what_it_costs() {
    assert_eq!(Timeline::new(LIMITS).offer(), None);
    assert_eq!(on_air(600).offer().unwrap().full, None, "too early");

    let offer = on_air(5000).offer().unwrap();
    assert!(offer.is_choice());
    let full = sample::fragment_bytes(0, true).len() as u64 * 8 * 5;
    assert_eq!(offer.full, Some(full));
    let sound = offer.sound.unwrap();
    assert!((8_000..full / 2).contains(&sound), "{sound} of {full}");

    let mut sound_only = Timeline::new(LIMITS);
    sound_only.begin(other_init());
    assert_eq!(sound_only.offer(), None, "nothing has come");
}
