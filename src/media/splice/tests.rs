//! Which streams can have a slate, and what the bytes of one are.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::media::{
    boxes::BoxType,
    fragment::sample::{NON_SYNC, a_box, init_with, words},
};

const SPS: &[u8] = &[0x67, 100, 0, 30, 0xAC];
const PPS: &[u8] = &[0x68, 0xEE];
/// 48,000 Hz, two channels, as FFmpeg writes it.
const AAC: &[u8] = &[0x11, 0x90, 0x56, 0xE5, 0x00];

fn avcc(profile: u8, length: u8, sps: &[u8], pps: &[u8]) -> Vec<u8> {
    let mut body = vec![1, profile, 0, 30, 0xFC | (length - 1), 0xE1, 0];
    body.push(u8::try_from(sps.len()).unwrap());
    body.extend(sps);
    body.extend([1, 0, u8::try_from(pps.len()).unwrap()]);
    body.extend(pps);
    a_box(b"avcC", &body)
}

fn picture_entry(format: &[u8], size: (u16, u16), boxes: &[u8]) -> Vec<u8> {
    let size = [size.0.to_be_bytes(), size.1.to_be_bytes()].concat();
    a_box(format, &[&[0; 24], &size[..], &[0; 50], boxes].concat())
}

fn avc(length: u8) -> Vec<u8> {
    picture_entry(b"avc1", (640, 360), &avcc(100, length, SPS, PPS))
}

/// `esds` around this description.
fn esds(config: &[u8]) -> Vec<u8> {
    let len = |content: &[u8]| u8::try_from(content.len()).unwrap();
    let config = [&[5, len(config)], config].concat();
    let decoder = [&[0x40, 0x15][..], &[0; 11], &config].concat();
    let decoder = [&[4, 0x80, 0x80, 0x80, len(&decoder)], &decoder[..]].concat();
    let stream = [&[0, 1, 0][..], &decoder, &[6, 1, 2]].concat();
    a_box(
        b"esds",
        &[&[0; 4], &[3, len(&stream)][..], &stream].concat(),
    )
}

fn sound_entry(format: &[u8], boxes: &[u8]) -> Vec<u8> {
    a_box(format, &[&[0; 28], boxes].concat())
}

fn aac() -> Vec<u8> {
    sound_entry(b"mp4a", &esds(AAC))
}

fn opus(channels: u8, family: u8) -> Vec<u8> {
    let body = [0, channels, 1, 56, 0, 0, 0xBB, 0x80, 0, 0, family];
    sound_entry(b"Opus", &a_box(b"dOps", &body))
}

/// `trak` and `trex` of a track with these sample entries.
fn track(id: u32, handler: &[u8], timescale: u32, entries: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
    let count = u32::try_from(entries.len()).unwrap();
    let stsd = [words(&[0, count]), entries.concat()].concat();
    let minf = a_box(b"minf", &a_box(b"stbl", &a_box(b"stsd", &stsd)));
    let hdlr = [&words(&[0, 0])[..], handler, &[0; 13]].concat();
    let mdhd = a_box(b"mdhd", &words(&[0, 0, 0, timescale, 0, 0]));
    let mdia = [mdhd, a_box(b"hdlr", &hdlr), minf].concat();
    let tkhd = a_box(b"tkhd", &words(&[3, 0, 0, id, 0, 0]));
    let trak = [tkhd, a_box(b"mdia", &mdia)].concat();
    (
        a_box(b"trak", &trak),
        a_box(b"trex", &words(&[0, id, 1, 7, 3, NON_SYNC])),
    )
}

/// Picture and sound with these numbers.
fn init(ids: (u32, u32), picture: Vec<u8>, sound: Vec<u8>) -> InitSegment {
    parsed(&[
        track(ids.0, b"vide", 12_800, &[picture]),
        track(ids.1, b"soun", 48_000, &[sound]),
    ])
}

fn parsed(tracks: &[(Vec<u8>, Vec<u8>)]) -> InitSegment {
    InitSegment::parse(init_with(tracks).into()).unwrap()
}

/// A fragment of 200 ms: these samples of the picture, the first of which may be a keyframe, and ten
/// of sound.
fn fragment_of(ids: (u32, u32), start_ms: u64, key: bool, pictures: &[Vec<u8>]) -> Bytes {
    let data: Vec<u8> = pictures.concat();
    let sound = vec![0x33; 10 * 20];
    let count = u32::try_from(pictures.len()).unwrap();
    let build = |moof: u32| {
        let first = if key { 0x0200_0000 } else { NON_SYNC };
        let mut run = words(&[0x0100_0A05, count, moof + 8, first]);
        for (at, sample) in pictures.iter().enumerate() {
            // Shown later or earlier than it is decoded.
            let composition = if at % 2 == 0 {
                512
            } else {
                (-512_i32).cast_unsigned()
            };
            run.extend(words(&[u32::try_from(sample.len()).unwrap(), composition]));
        }
        let time = |ticks: u64| [words(&[0x0100_0000]), ticks.to_be_bytes().to_vec()].concat();
        let duration = 12_800 / 5 / count;
        let picture = [
            a_box(b"tfhd", &words(&[0x0002_0028, ids.0, duration, NON_SYNC])),
            a_box(b"tfdt", &time(start_ms * 12_800 / 1000)),
            a_box(b"trun", &run),
        ];
        let place = moof + 8 + u32::try_from(data.len()).unwrap();
        let sound = [
            a_box(b"tfhd", &words(&[0x0002_0038, ids.1, 960, 20, 0])),
            a_box(b"tfdt", &time(start_ms * 48_000 / 1000)),
            a_box(b"trun", &words(&[0x001, 10, place])),
        ];
        let parts = [
            a_box(b"mfhd", &words(&[0, 9])),
            a_box(b"traf", &picture.concat()),
            a_box(b"traf", &sound.concat()),
        ];
        a_box(b"moof", &parts.concat())
    };
    let moof = u32::try_from(build(0).len()).unwrap();
    [build(moof), a_box(b"mdat", &[data, sound].concat())]
        .concat()
        .into()
}

/// NAL units, each after its length in so many bytes.
fn nals(length: usize, units: &[&[u8]]) -> Vec<u8> {
    let unit = |unit: &&[u8]| {
        let len = u32::try_from(unit.len()).unwrap().to_be_bytes();
        [&len[4 - length..], unit].concat()
    };
    units.iter().flat_map(unit).collect()
}

/// The samples of a track.
fn samples(fragment: &Fragment, init: &InitSegment, wanted: u32) -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    fragment.each_sample(init, &mut |id, at, len| {
        if id == wanted {
            let range = usize::try_from(at).unwrap()..usize::try_from(at + len).unwrap();
            samples.push(fragment.bytes()[range].to_vec());
        }
    });
    samples
}

/// A clip of `count` fragments with a keyframe each five.
fn clip_of(init: &InitSegment, ids: (u32, u32), count: u64, pictures: &[Vec<u8>]) -> Clip {
    let media = (0..count).map(|n| fragment_of(ids, n * 200, n % 5 == 0, pictures));
    let bytes = std::iter::once(init.bytes().clone()).chain(media);
    Clip::parse(&bytes.collect::<Vec<_>>().concat().into()).unwrap()
}

const SLICE: &[u8] = &[0x65, 1, 2, 3];

#[test]
fn what_a_slate_must_be_like_is_read_from_the_init_segment() {
    let usual = Likeness::of(&init((1, 2), avc(4), aac())).unwrap();
    assert_eq!(
        usual,
        Likeness {
            picture: Some(Picture {
                codec: PictureCodec::H264(100),
                size: (640, 360),
                timescale: 12_800,
            }),
            sound: Some(Sound {
                codec: SoundCodec::Aac,
                rate: 48_000,
                channels: 2,
            }),
        }
    );
    let vp9 = |profile| {
        let body = [1, 0, 0, 0, profile, 31, 0x80];
        picture_entry(b"vp09", (641, 360), &a_box(b"vpcC", &body))
    };
    let compatible = Likeness::of(&init((7, 3), vp9(0), opus(1, 0))).unwrap();
    assert_eq!(compatible.picture.unwrap().size, (640, 360), "even");
    assert_eq!(compatible.sound.unwrap().channels, 1);
    let sound = Likeness::of(&parsed(&[track(1, b"soun", 48_000, &[aac()])])).unwrap();
    assert_eq!((sound.picture, sound.sound), (None, usual.sound));
}

#[test]
fn streams_that_can_have_no_slate_say_why() {
    let of = |picture, sound| Likeness::of(&init((1, 2), picture, sound)).unwrap_err();
    let hevc = picture_entry(b"hvc1", (640, 360), &a_box(b"hvcC", &[0; 30]));
    assert_eq!(
        of(hevc, aac()),
        SpliceError::Codec {
            kind: BoxType(*b"hvc1")
        }
    );
    let deep = picture_entry(b"avc1", (640, 360), &avcc(110, 4, SPS, PPS));
    assert!(of(deep, aac()).to_string().contains("8 bits"));
    let large = picture_entry(b"avc1", (8192, 360), &avcc(100, 4, SPS, PPS));
    assert!(matches!(of(large, aac()), SpliceError::Picture(_)));
    let three = picture_entry(b"avc1", (640, 360), &avcc(100, 3, SPS, PPS));
    assert!(matches!(of(three, aac()), SpliceError::Picture(_)));
    let nothing = picture_entry(b"avc1", (640, 360), &[]);
    assert!(matches!(of(nothing, aac()), SpliceError::Unreadable(_)));
    for config in [
        // Higher tones beside, said first or last; 960 samples a frame; eight channels; nothing.
        &[0x2B, 0x11, 0x88, 0x00][..],
        &[0x11, 0x90, 0x56, 0xE5, 0x80],
        &[0x11, 0x94],
        &[0x11, 0xB8],
        &[],
    ] {
        let sound = sound_entry(b"mp4a", &esds(config));
        assert!(
            matches!(of(avc(4), sound), SpliceError::Sound(_)),
            "{config:?}"
        );
    }
    for sound in [opus(3, 1), opus(2, 1)] {
        assert!(matches!(of(avc(4), sound), SpliceError::Sound(_)));
    }
    let other_ticks = parsed(&[track(1, b"soun", 1000, &[aac()])]);
    assert!(matches!(
        Likeness::of(&other_ticks),
        Err(SpliceError::Sound(_))
    ));
    for tracks in [
        vec![
            track(1, b"vide", 25, &[avc(4)]),
            track(2, b"vide", 25, &[avc(4)]),
        ],
        vec![track(1, b"vide", 25, &[avc(4), avc(4)])],
        vec![track(1, b"text", 25, &[])],
    ] {
        let refused = Likeness::of(&parsed(&tracks)).unwrap_err();
        assert!(
            matches!(refused, SpliceError::Tracks | SpliceError::Unreadable(_)),
            "{refused}"
        );
    }
}

#[test]
fn a_clip_that_another_decoder_would_need_is_refused() {
    let own = init((1, 2), avc(4), aac());
    let clip = clip_of(&own, (1, 2), 10, &[nals(4, &[SLICE])]);
    let refused = |onto: &InitSegment| Spliced::new(&clip, onto).err();
    let slow = sound_entry(b"mp4a", &esds(&[0x12, 0x10]));
    let slow = [
        track(1, b"vide", 12_800, &[avc(4)]),
        track(2, b"soun", 44_100, &[slow]),
    ];
    let ticks = [
        track(1, b"vide", 90_000, &[avc(4)]),
        track(2, b"soun", 48_000, &[aac()]),
    ];
    for onto in [
        parsed(&slow),
        parsed(&ticks),
        parsed(&[track(1, b"vide", 12_800, &[avc(4)])]),
        init((1, 2), avc(4), opus(2, 0)),
    ] {
        assert_eq!(refused(&onto), Some(SpliceError::Unlike));
    }
    assert_eq!(refused(&own), None, "its own");
    let smaller = picture_entry(b"avc3", (320, 180), &avcc(66, 2, SPS, PPS));
    assert_eq!(refused(&init((1, 2), smaller, aac())), None, "said in-band");
}

#[test]
fn an_encoder_with_parameter_sets_in_its_keyframes_is_left_alone() {
    let own = init((1, 2), avc(4), aac());
    let theirs = init((5, 6), avc(4), aac());
    let clip = clip_of(&own, (1, 2), 10, &[nals(4, &[SLICE])]);
    let spliced = Spliced::new(&clip, &theirs).unwrap();
    let of = |key, units: &[&[u8]]| {
        let bytes = fragment_of((5, 6), 0, key, &[nals(4, units)]);
        Fragment::parse(bytes, &theirs).unwrap().starting_segment()
    };

    let bare = of(true, &[&[9, 16], SLICE]);
    let prepared = spliced.prepared(&bare).unwrap();
    assert_eq!(
        samples(&prepared, &theirs, 5),
        [nals(4, &[&[9, 16], SPS, PPS, SLICE])]
    );
    assert!(prepared.begins_segment());
    assert!(spliced.prepared(&prepared).is_none(), "once is enough");
    assert!(spliced.prepared(&of(false, &[SLICE])).is_none());
    // What is no NAL units stays as it is.
    let garbage = fragment_of((5, 6), 0, true, &[vec![0xFF; 40]]);
    let garbage = Fragment::parse(garbage, &theirs).unwrap();
    assert!(spliced.prepared(&garbage).is_none());
    let same: Spliced = clip.into();
    assert!(same.prepared(&bare).is_none());
}

#[test]
fn a_clip_is_shown_as_late_after_decoding_as_the_pictures_of_an_encoder_that_reorders_them() {
    let init = |ids| init(ids, avc(4), aac());
    let (own, theirs) = (init((1, 2)), init((5, 6)));
    let clip = clip_of(&own, (1, 2), 10, &[nals(4, &[SLICE])]);
    let spliced = Spliced::new(&clip, &theirs).unwrap().padded(10_000);
    // Pictures of 40 ms; every other one is shown 40 ms after it is decoded, and the rest 40 ms before.
    let of = |count, key| {
        let pictures = vec![nals(4, &[SLICE]); count];
        let bytes = fragment_of((5, 6), 0, key, &pictures);
        Fragment::parse(bytes, &theirs).unwrap()
    };
    assert!(spliced.in_step_with(&of(5, false)).is_none(), "no keyframe");
    assert_eq!(spliced.pause_behind(&of(5, true)), Duration::ZERO);

    let late = spliced.in_step_with(&of(5, true)).unwrap();

    assert!(late.in_step_with(&of(5, true)).is_none(), "it knows");
    let compositions = |clip: &Spliced| {
        let mut all = Vec::new();
        for fragment in clip.clip().fragments() {
            fragment.each_sample_of_run(&theirs, &mut |_, sample| {
                all.push((sample.track_id, sample.composition));
            });
        }
        all
    };
    for (before, after) in compositions(&spliced).into_iter().zip(compositions(&late)) {
        let expected = if before.0 == 5 { 512 } else { 0 };
        assert_eq!(after, (before.0, before.1 + expected));
    }
    let length = |clip: &Spliced| clip.clip().fragments()[0].bytes().len();
    assert_eq!((length(&spliced), length(&late)), (2000, 2000), "padded");
    // It ends as late as the clip begins, or at a picture that others should have come before.
    assert_eq!(late.pause_behind(&of(5, true)), Duration::ZERO);
    let mut cut = of(5, true).bytes().to_vec();
    let last = cut
        .windows(4)
        .rposition(|w| w == 512_u32.to_be_bytes())
        .unwrap();
    cut[last..last + 4].copy_from_slice(&1024_u32.to_be_bytes());
    let cut = Fragment::parse(cut.into(), &theirs).unwrap();
    assert_eq!(late.pause_behind(&cut), Duration::from_millis(40));
}

#[test]
fn a_sequence_header_of_av1_goes_behind_the_delimiter() {
    let header = [0x0A, 2, 7, 7];
    let av1 = |header: &[u8]| {
        let body = [&[0x81, 0x04, 0x0C, 0][..], header].concat();
        picture_entry(b"av01", (640, 360), &a_box(b"av1C", &body))
    };
    let own = init((1, 2), av1(&header), opus(2, 0));
    let theirs = init((1, 2), av1(&[0x0A, 1, 9]), opus(2, 0));
    let frame = [0x32, 3, 1, 2, 3];
    let clip = clip_of(&own, (1, 2), 10, &[[&[0x12, 0][..], &frame].concat()]);

    let spliced = Spliced::new(&clip, &theirs).unwrap();

    let first = &spliced.clip().fragments()[0];
    let expected = [&[0x12, 0][..], &header, &frame].concat();
    assert_eq!(samples(first, &theirs, 1), [expected]);
    let bare = Fragment::parse(fragment_of((1, 2), 0, true, &[frame.to_vec()]), &theirs);
    let back = spliced.prepared(&bare.unwrap()).unwrap();
    assert_eq!(
        samples(&back, &theirs, 1),
        [[&[0x0A, 1, 9][..], &frame].concat()]
    );
    // More than 8 bits a colour, 4:4:4.
    for kind in [0x4C, 0x00] {
        let body = [0x81, 0x04, kind, 0];
        let entry = picture_entry(b"av01", (640, 360), &a_box(b"av1C", &body));
        let refused = Likeness::of(&init((1, 2), entry, opus(2, 0)));
        assert!(matches!(refused, Err(SpliceError::Picture(_))));
    }
}

#[test]
fn a_sample_of_countless_units_is_not_taken_apart() {
    let avcc = avcc(100, 4, SPS, PPS);
    let (_, parameters) = parameters::Parameters::of_avc(&avcc[8..]).unwrap();
    let rewriting = Rewriting::new(&parameters, &parameters);
    let unit = [0, 0, 0, 1, 0x65];

    assert!(rewriting.sample(&unit.repeat(4096), true).is_some());
    assert!(rewriting.sample(&unit.repeat(4097), true).is_none());
}

/// NAL units that are slices.
fn units() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let kind = prop_oneof![Just(1_u8), Just(5), Just(6), Just(9)];
    let unit = (kind, proptest::collection::vec(any::<u8>(), 0..300))
        .prop_map(|(kind, body)| [vec![kind], body].concat());
    proptest::collection::vec(unit, 1..5)
}

proptest! {
    #[test]
    fn a_spliced_clip_is_the_same_pictures_and_sound_at_the_same_times(
        pictures in proptest::collection::vec(units(), 1..5),
        ids in (1_u32..9, 10_u32..19),
        length in prop_oneof![Just(1_usize), Just(2), Just(4)],
        sps in proptest::collection::vec(any::<u8>(), 1..90),
    ) {
        let sps = [vec![0x67], sps].concat();
        let own = picture_entry(b"avc1", (640, 360), &avcc(77, 4, &sps, PPS));
        let own = init((1, 2), own, aac());
        let theirs = init(ids, avc(u8::try_from(length).unwrap()), aac());
        let written: Vec<_> = pictures
            .iter()
            .map(|units| nals(4, &units.iter().map(Vec::as_slice).collect::<Vec<_>>()))
            .collect();
        let clip = clip_of(&own, (1, 2), 7, &written);

        let spliced = Spliced::new(&clip, &theirs);

        let longest = pictures.iter().flatten().map(Vec::len).max().unwrap_or(0);
        if length == 1 && longest > 255 {
            prop_assert_eq!(spliced.err(), Some(SpliceError::Rewrite));
            return Ok(());
        }
        let spliced = spliced.unwrap();
        prop_assert_eq!(spliced.clip().init(), &theirs);
        for (number, (before, after)) in
            clip.fragments().iter().zip(spliced.clip().fragments()).enumerate()
        {
            let again = Fragment::parse(after.bytes().clone(), &theirs).unwrap();
            prop_assert_eq!(again.runs(), after.runs());
            for (own, theirs) in before.runs().iter().zip(after.runs()) {
                prop_assert_eq!(own.decode_time, theirs.decode_time);
                prop_assert_eq!(own.duration, theirs.duration);
                prop_assert_eq!(own.sync_samples, theirs.sync_samples);
            }
            prop_assert_eq!(samples(before, &own, 2), samples(after, &theirs, ids.1));
            for (at, sample) in samples(after, &theirs, ids.0).into_iter().enumerate() {
                let mut units: Vec<_> = pictures[at].iter().map(Vec::as_slice).collect();
                if at == 0 && number % 5 == 0 {
                    let first = units.iter().take_while(|unit| unit[0] == 9).count();
                    units.splice(first..first, [&sps[..], PPS]);
                }
                prop_assert_eq!(sample, nals(length, &units));
            }
            let composition = |fragment: &Fragment, init: &InitSegment| {
                let mut all = Vec::new();
                fragment.each_sample_of_run(init, &mut |run, sample| {
                    all.push((run, sample.composition, sample.duration, sample.is_sync()));
                });
                all
            };
            prop_assert_eq!(composition(before, &own), composition(after, &theirs));
        }
    }

    #[test]
    fn no_init_segment_and_no_sample_makes_a_splice_panic(
        flips in proptest::collection::vec((0_usize..900, any::<u8>()), 0..8),
        sample in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let own = init((1, 2), avc(4), aac());
        let clip = clip_of(&own, (1, 2), 7, &[nals(4, &[SLICE])]);
        let mut bytes = init((1, 2), avc(2), aac()).bytes().to_vec();
        for (at, flip) in flips {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= flip;
            }
        }
        let Ok(theirs) = InitSegment::parse(bytes.into()) else {
            return Ok(());
        };
        let Ok(spliced) = Spliced::new(&clip, &theirs) else {
            return Ok(());
        };
        if let Ok(fragment) = Fragment::parse(fragment_of((1, 2), 0, true, &[sample]), &theirs) {
            drop(spliced.prepared(&fragment));
        }
    }
}
