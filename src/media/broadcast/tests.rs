//! When the show is on the air, and what covers for the encoder.

use super::*;
use crate::media::{clip::Clip, fragment::sample, timeline::Next};

const LIMITS: Limits = Limits {
    keep: Duration::from_mins(1),
    keep_bytes: 1 << 20,
    max_lag: Duration::from_secs(10),
};
const SILENCE: Duration = Duration::from_secs(8);
const NOON: WallTime = WallTime::from_unix_millis(43_200_000);

fn at(millis: u64) -> Tick {
    Tick::START + Duration::from_millis(millis)
}

/// On the air since `at(0)`.
fn on_air() -> Broadcast {
    let mut broadcast = Broadcast::new(LIMITS, SILENCE);
    broadcast.begin(sample::audio_and_video_init(), None);
    assert_eq!(broadcast.air(), Air::Off, "nothing to play yet");
    broadcast.push(&sample::fragment(0, true), at(0), NOON);
    assert!(is_on(&broadcast));
    broadcast
}

fn is_on(broadcast: &Broadcast) -> bool {
    broadcast.air() != Air::Off
}

#[test]
fn a_stopped_encoder_is_off_the_air_within_two_seconds() {
    let mut broadcast = on_air();

    broadcast.stop(at(1000));

    broadcast.tick(at(2400));
    assert!(is_on(&broadcast), "it may come back");
    broadcast.tick(at(2500));
    assert!(!is_on(&broadcast));
    assert!(broadcast.timeline().join(SILENCE).is_none());
}

#[test]
fn an_encoder_that_comes_back_in_time_was_never_off_the_air() {
    let mut broadcast = on_air();
    let before = broadcast.air();

    broadcast.stop(at(1000));
    broadcast.begin(sample::audio_and_video_init(), None);
    broadcast.tick(at(5000));
    broadcast.push(&sample::fragment(0, true), at(6000), NOON);
    broadcast.tick(at(7000));

    assert_eq!(broadcast.air(), before);
}

#[test]
fn silence_ends_the_broadcast_after_eight_seconds_or_three_segments() {
    for (target, last_on, off) in [(2, 8_000, 8_001), (10, 30_000, 30_001)] {
        let mut broadcast = on_air();
        broadcast.set_target_duration(Duration::from_secs(target));

        broadcast.tick(at(last_on));
        assert!(is_on(&broadcast), "{target}");
        broadcast.tick(at(off));
        assert!(!is_on(&broadcast), "{target}");
    }
}

#[test]
fn the_broadcast_began_when_the_encoder_says_unless_that_is_in_the_future() {
    let earlier = WallTime::from_unix_millis(43_100_000);
    let later = WallTime::from_unix_millis(43_300_000);
    for (stated, expected) in [(None, NOON), (Some(earlier), earlier), (Some(later), NOON)] {
        let mut broadcast = Broadcast::new(LIMITS, SILENCE);
        broadcast.begin(sample::audio_and_video_init(), stated);
        broadcast.push(&sample::fragment(0, true), at(0), NOON);

        let Air::On { since, .. } = broadcast.air() else {
            panic!("off air")
        };
        assert_eq!(since, expected);
    }
}

#[test]
fn a_clock_that_is_set_by_an_hour_ends_no_broadcast_and_changes_no_uptime() {
    let hour = 3_600_000;
    let noon = NOON.unix_millis();
    for wall in [noon - hour, noon + hour, 0, u64::MAX] {
        let wall = WallTime::from_unix_millis(wall);
        let earlier = WallTime::from_unix_millis(noon - 600_000);
        let mut broadcast = Broadcast::new(LIMITS, SILENCE);
        broadcast.begin(sample::audio_and_video_init(), Some(earlier));
        broadcast.push(&sample::fragment(0, true), at(0), NOON);
        let before = broadcast.air();

        // Set between two fragments; then the encoder starts again.
        broadcast.push(&sample::fragment(200, false), at(200), wall);
        broadcast.tick(at(1000));
        broadcast.lose(at(1000));
        broadcast.begin(sample::audio_and_video_init(), Some(wall));
        broadcast.push(&sample::fragment(0, true), at(1500), wall);
        broadcast.tick(at(5000));

        assert_eq!(broadcast.air(), before, "{wall:?}");
        let Air::On { uptime, since, .. } = broadcast.air() else {
            panic!("off air")
        };
        assert_eq!(since, earlier);
        assert_eq!(uptime.at(at(5000)), Duration::from_secs(605));
    }
}

#[test]
fn restarts_under_the_slate_do_not_add_up_to_a_growing_delay() {
    let mut broadcast = on_air();
    broadcast.set_slate(slate(), Duration::from_mins(1));
    let mut now = 0;
    for round in 0..20 {
        broadcast.lose(at(now));
        // Back at any moment between two fragments of the slate.
        let back = now + 2_000 + round * 37 % 200;
        for millis in (now..back).step_by(50) {
            broadcast.tick(at(millis));
        }
        now = back;
        broadcast.begin(sample::audio_and_video_init(), None);
        for _ in 0..10 {
            broadcast.push(
                &sample::fragment((now - back) + 5_000, now == back),
                at(now),
                NOON,
            );
            now += 200;
        }
        now -= 200;
    }
    let init = sample::audio_and_video_init();
    let mut position = broadcast.timeline().join(Duration::ZERO).unwrap();
    let mut end = Duration::ZERO;
    while let Next::Fragment(bytes) = broadcast.timeline().read(&mut position, at(now)) {
        end = Fragment::parse(bytes, &init).unwrap().end();
    }
    // The first fragment began 200 ms before it came.
    let ahead = end.saturating_sub(Duration::from_millis(now + 200));
    assert!(ahead < Duration::from_millis(300), "{ahead:?} ahead");
}

/// A slate of two seconds, for at most a minute, with the init segment of [`on_air`].
fn slate() -> Clip {
    let media = (0..10).map(|n| sample::fragment_bytes(7_000 + n * 200, n % 5 == 0));
    let bytes = std::iter::once(sample::audio_and_video()).chain(media);
    Clip::parse(&bytes.collect::<Vec<_>>().concat().into()).unwrap()
}

/// The decode times of everything that was sent, and whether they follow without a gap.
fn sent(broadcast: &Broadcast, now: Tick) -> usize {
    let init = sample::audio_and_video_init();
    let mut position = broadcast.timeline().join(Duration::ZERO).unwrap();
    let (mut count, mut end) = (0, None);
    // From the oldest kept on: a reader who is late starts at a keyframe.
    while let Next::Fragment(bytes) | Next::Skipped(bytes) =
        broadcast.timeline().read(&mut position, now)
    {
        let fragment = Fragment::parse(bytes, &init).unwrap();
        let gap = end.map(|end| fragment.start().abs_diff(end));
        assert!(
            gap.is_none_or(|gap| gap < Duration::from_millis(5)),
            "{gap:?}"
        );
        end = Some(fragment.end());
        count += 1;
    }
    count
}

#[test]
fn an_encoder_that_is_away_is_covered_by_the_slate_until_it_is_back() {
    let mut broadcast = on_air();
    broadcast.set_slate(slate(), Duration::from_mins(1));
    for n in 1..10 {
        broadcast.push(&sample::fragment(n * 200, n % 5 == 0), at(n * 200), NOON);
    }
    let on = broadcast.air();
    broadcast.tick(at(3_250));
    assert!(!broadcast.is_away(), "a pause is no absence");

    for millis in (3_500..20_000).step_by(250) {
        broadcast.tick(at(millis));
        assert!(broadcast.is_away());
    }
    assert!(sent(&broadcast, at(19_900)) >= 1);
    assert_eq!(broadcast.last_fragment(), Some(at(19_600)));

    assert!(!broadcast.push(&sample::fragment(0, false), at(19_950), NOON));
    assert!(broadcast.push(&sample::fragment(200, true), at(20_000), NOON));
    assert!(!broadcast.is_away());
    assert_eq!(broadcast.air(), on, "it was never off the air");
    assert!(sent(&broadcast, at(20_000)) >= 1);
}

#[test]
fn the_slate_has_an_end_and_covers_no_encoder_that_is_done_or_another_one() {
    let away = |prepare: fn(&mut Broadcast)| {
        let mut broadcast = on_air();
        broadcast.set_slate(slate(), Duration::from_mins(1));
        prepare(&mut broadcast);
        broadcast.tick(at(4_000));
        let was_away = broadcast.is_away();
        broadcast.tick(at(59_000));
        let was_on = is_on(&broadcast);
        broadcast.tick(at(61_000));
        (was_away, was_on, is_on(&broadcast))
    };

    assert_eq!(away(|_| {}), (true, true, false));
    assert_eq!(
        away(|broadcast| broadcast.lose(at(300))),
        (true, true, false)
    );
    assert_eq!(
        away(|broadcast| broadcast.stop(at(300))),
        (false, false, false)
    );
    let other = away(|broadcast| {
        let tracks = [(1, b"vide", 12_800), (2, b"soun", 44_100)];
        let tracks = tracks.map(|(id, kind, scale)| sample::track_boxes(id, kind, scale));
        let other = InitSegment::parse(sample::init_with(&tracks).into()).unwrap();
        broadcast.begin(other, None);
        broadcast.push(&sample::fragment(0, true), at(400), NOON);
    });
    assert_eq!(other, (false, false, false));
}
