//! Times that no encoder means.

use super::{
    sample::{a_box, init_with, track_boxes, words},
    *,
};

/// A stream with one tick a second, and a fragment of 1024 of them from `ticks` on.
fn endless(ticks: u64) -> (InitSegment, Fragment) {
    let init = InitSegment::parse(init_with(&[track_boxes(1, b"soun", 1)]).into()).unwrap();
    let moof = |data_at: u32| {
        let time = [&words(&[0x0100_0000])[..], &ticks.to_be_bytes()].concat();
        let traf = [
            a_box(b"tfhd", &words(&[0x2_0000, 1])),
            a_box(b"tfdt", &time),
            a_box(b"trun", &words(&[1, 1, data_at])),
        ];
        let parts = [
            a_box(b"mfhd", &words(&[0, 1])),
            a_box(b"traf", &traf.concat()),
        ];
        a_box(b"moof", &parts.concat())
    };
    let data_at = u32::try_from(moof(0).len() + 8).unwrap();
    let bytes = [moof(data_at), a_box(b"mdat", &[0; 8])].concat();
    let fragment = Fragment::parse(bytes.into(), &init).unwrap();
    (init, fragment)
}

#[test]
fn a_stream_at_the_end_of_time_makes_nobody_panic() {
    let (init, last) = endless(u64::MAX - 1024);
    let (_, first) = endless(0);
    let mut timeline = Timeline::new(LIMITS);
    timeline.begin(init);

    for (hours, fragment) in [(0, &last), (2, &last), (4, &first), (6, &last)] {
        let now = at(hours * 3_600_000);
        assert!(timeline.push(fragment, now), "{hours}");
        timeline.rejoin();
        assert!(timeline.push(fragment, now), "{hours}");
    }
}
