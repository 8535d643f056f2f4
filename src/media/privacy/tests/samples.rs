//! Fragments: what is said beside and inside their samples.

use super::*;

/// An init segment with one track whose entry holds this box.
fn one_track(handler: &[u8], format: &[u8], configuration: &[u8]) -> InitSegment {
    let fields = if handler == b"vide" { 78 } else { 28 };
    let entry = a_box(format, &[&vec![0; fields][..], configuration].concat());
    let (trak, trex) = track(1, handler, &entry, true);
    let bytes = super::super::super::fragment::sample::init_with(&[(trak, trex)]);
    InitSegment::parse(bytes.into()).unwrap()
}

fn h264() -> InitSegment {
    one_track(
        b"vide",
        b"avc1",
        &a_box(b"avcC", &[1, 66, 0, 30, 0xFF, 0xE0, 0]),
    )
}

/// `hvcC` with one array of NAL units of this type.
fn hevc(kind: u8, unit: &[u8]) -> InitSegment {
    let mut body = vec![0; 23];
    body[21] = 3;
    body[22] = 1;
    let len = u16::try_from(unit.len()).unwrap().to_be_bytes();
    body.extend([&[kind, 0, 1][..], &len, unit].concat());
    one_track(b"vide", b"hvc1", &a_box(b"hvcC", &body))
}

/// A fragment with these samples of track 1, and these boxes beside its runs.
fn of_samples(samples: &[&[u8]], beside: &[u8], init: &InitSegment) -> Fragment {
    let build = |data_at: u32| {
        let count = u32::try_from(samples.len()).unwrap();
        let sizes = samples
            .iter()
            .map(|sample| u32::try_from(sample.len()).unwrap());
        let run: Vec<u32> = [0x201, count, data_at].into_iter().chain(sizes).collect();
        let traf = [
            a_box(b"tfhd", &words(&[0x0002_0000, 1])),
            a_box(b"tfdt", &words(&[0, 7])),
            a_box(b"trun", &words(&run)),
            beside.to_vec(),
        ];
        let moof = [
            a_box(b"mfhd", &words(&[0, 1])),
            a_box(b"traf", &traf.concat()),
            beside.to_vec(),
        ];
        a_box(b"moof", &moof.concat())
    };
    let data_at = u32::try_from(build(0).len() + 8).unwrap();
    let bytes = [build(data_at), a_box(b"mdat", &samples.concat())].concat();
    Fragment::parse(bytes.into(), init).unwrap()
}

/// What comes out of a fragment with one sample, and what was found.
fn cleaned(init: &InitSegment, sample: &[u8]) -> (Vec<u8>, Traces) {
    let fragment = of_samples(&[sample], &[], init);
    let mut guard = Guard::new(true);
    guard.begin(init.clone()).unwrap();
    let in_header = guard.news();
    assert!(in_header.is_empty(), "{in_header:?}");
    let after = guard.fragment(&fragment).unwrap();
    assert_eq!(after.runs(), fragment.runs());
    assert_eq!(after.bytes().len(), fragment.bytes().len());
    // It would be read as the same.
    assert_eq!(
        Fragment::parse(after.bytes().clone(), init).unwrap().runs(),
        fragment.runs()
    );
    let mut again = Guard::new(true);
    again.begin(init.clone()).unwrap();
    assert_eq!(again.fragment(&after).unwrap().bytes(), after.bytes());
    let from = after.bytes().len() - sample.len();
    (after.bytes()[from..].to_vec(), guard.metadata().found)
}

/// A NAL unit after its length.
fn unit(bytes: &[u8]) -> Vec<u8> {
    [
        &u32::try_from(bytes.len()).unwrap().to_be_bytes()[..],
        bytes,
    ]
    .concat()
}

const SLICE: &[u8] = &[0x65, 0x88, 0x84, 0, 0, 3, 1, 0xFE];

const NOTES: Trace = Trace::PictureNotes;

fn only(trace: Trace) -> Traces {
    [trace].into_iter().collect()
}

#[test]
fn settings_in_the_picture_are_blanked_and_nothing_else() {
    let text = b"0123456789abcdefx264 - core 164 threads=12";
    let len = u8::try_from(text.len()).unwrap();
    // A recovery point, the settings, captions.
    let captions = b"\xB5\0\x31GA94 words";
    let sei = |text: &[u8]| {
        [
            &[6, 6, 1, 0xC4, 5, len][..],
            text,
            &[4, 13],
            &captions[..],
            &[0x80],
        ]
        .concat()
    };
    let before = [unit(&sei(text)), unit(SLICE)].concat();

    let (after, found) = cleaned(&h264(), &before);

    assert_eq!(
        after,
        [unit(&sei(&vec![1; text.len()])), unit(SLICE)].concat()
    );
    assert_eq!(found, only(NOTES));
}

#[test]
fn a_long_message_and_one_of_a_company_are_blanked_too() {
    let text = [b'x'; 300];
    let company = b"\xB5\0\x99Anna";
    let sei = |text: &[u8], company: &[u8]| {
        [&[6, 5, 255, 45][..], text, &[4, 7], company, &[0x80]].concat()
    };

    let (after, _) = cleaned(&h264(), &unit(&sei(&text, company)));

    assert_eq!(after, unit(&sei(&[1; 300], &[1; 7])));
}

/// The bytes of a NAL unit as a decoder reads them.
fn unescaped(unit: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, byte) in unit.iter().enumerate() {
        if !(*byte == 3 && out.ends_with(&[0, 0]) && at >= 2 && unit[at - 2..at] == [0, 0]) {
            out.push(*byte);
        }
    }
    out
}

#[test]
fn escapes_in_a_message_stay_so_that_it_is_as_long_as_it_says() {
    // 18 bytes of message: an escape in front, in the middle and behind.
    let sei = [
        &[6, 5, 18][..],
        &[
            0, 0, 3, 0, b'A', b'n', b'n', b'a', 0, 0, 3, 2, b'B', b'C', b'D', b'E', b'F', b'G', 0,
            0, 3,
        ],
        &[1, 1, 0xAA, 0x80],
    ]
    .concat();
    assert_eq!(unescaped(&sei).len(), 3 + 18 + 4);

    let (after, found) = cleaned(&h264(), &unit(&sei));

    assert_eq!(found, only(NOTES));
    let after = &after[4..];
    let read = unescaped(after);
    assert_eq!(read.len(), 3 + 18 + 4);
    assert_eq!(
        (&read[..3], &read[21..]),
        (&[6, 5, 18][..], &[1, 1, 0xAA, 0x80][..])
    );
    assert!(read[3..21].iter().all(|byte| *byte <= 1), "{read:?}");
    // No start code and no wrong escape came about.
    assert!(
        !after
            .windows(3)
            .any(|part| part[..2] == [0, 0] && part[2] < 3)
    );
}

#[test]
fn settings_and_time_codes_of_hevc_are_blanked_in_samples_and_in_the_init_segment() {
    let sei =
        |text: &[u8], time: &[u8]| [&[0x4E, 1, 5, 20][..], text, &[136, 3], time, &[0x80]].concat();
    let (said, blank) = (
        sei(b"0123456789abcdefx265", b"\x7F\x12\x34"),
        sei(&[1; 20], &[1; 3]),
    );
    let mut guard = Guard::new(true);

    let init = guard.begin(hevc(0x27, &said)).unwrap();

    assert_eq!(init, hevc(0x27, &blank));
    assert_eq!(guard.metadata().found, only(NOTES));
    let (after, _) = cleaned(&init, &unit(&said));
    assert_eq!(after, unit(&blank));
}

#[test]
fn private_metadata_of_av1_becomes_padding() {
    let init = one_track(b"vide", b"av01", &a_box(b"av1C", &[0x81, 0, 0, 0]));
    let obu =
        |header: u8, body: &[u8]| [&[header, u8::try_from(body.len()).unwrap()][..], body].concat();
    let kept = [
        obu(0x12, &[]),
        // HDR data, captions, the picture.
        obu(0x2A, &[1, 9, 9, 0x80]),
        obu(0x2A, b"\x04\xB5\0\x31GA94 words\x80"),
        obu(0x32, &[1, 2, 3]),
    ]
    .concat();
    let before = [
        kept.clone(),
        obu(0x2A, b"\x04\xB5\0\x99Anna\x80"),
        obu(0x2A, b"\x05\x12\x34"),
    ]
    .concat();

    let (after, found) = cleaned(&init, &before);

    let padding = [obu(0x7A, b"\0\0\0\0\0\0\0\0\x80"), obu(0x7A, b"\0\0\x80")].concat();
    assert_eq!(after, [kept, padding].concat());
    assert_eq!(found, only(NOTES));
}

#[test]
fn the_name_of_the_encoder_in_aac_becomes_silence() {
    let init = one_track(b"soun", b"mp4a", &a_box(b"esds", ESDS));
    // As FFmpeg writes it: a fill element of 15 bytes, four bits of kind, the text, twelve bits less
    // the padding; then a channel pair.
    let text = b"Lavc59.37.100";
    let frame = |text: &[u8]| [&[0xDE, 0x02, 0x00][..], text, &[0x00, 0x42, 0x10]].concat();

    let (after, found) = cleaned(&init, &frame(text));

    assert_eq!(after, frame(&[0; 13]));
    assert_eq!(found, only(Trace::SoundNotes));
    let sound = [0x21, 0x1A, 0x55, 0x66];
    assert_eq!(cleaned(&init, &sound), (sound.to_vec(), Traces::default()));
}

#[test]
fn boxes_that_players_pass_over_become_padding_in_place() {
    let init = h264();
    let slice = unit(SLICE);
    let private = a_box(b"uuid", b"0123456789abcdef12:34:56");
    let before = of_samples(&[&slice, &slice], &private, &init);
    let mut guard = Guard::new(true);
    guard.begin(init.clone()).unwrap();

    let after = guard.fragment(&before).unwrap();

    let padding = a_box(b"free", &vec![0; private.len() - 8]);
    assert_eq!(
        after.bytes(),
        of_samples(&[&slice, &slice], &padding, &init).bytes()
    );
    assert_eq!(guard.metadata().found, only(Trace::PrivateBoxes));
}

#[test]
fn samples_that_are_something_else_are_left_alone_and_said_so() {
    for sample in [&[0, 0, 0, 9, 6, 5][..], &[0, 0], b"no unit at all"] {
        let (after, found) = cleaned(&h264(), sample);
        assert_eq!(after, sample);
        assert_eq!(found, only(Trace::Unreadable));
    }
}

proptest! {
    #[test]
    fn any_sample_keeps_its_length_and_is_cleaned_once(
        bytes in proptest::collection::vec(prop_oneof![0_u8..8, any::<u8>()], 1..120),
        which in 0_usize..4,
    ) {
        let init = match which {
            0 => h264(),
            1 => hevc(0x20, &[0x40, 1, 2]),
            2 => one_track(b"vide", b"av01", &a_box(b"av1C", &[0x81, 0, 0, 0])),
            _ => one_track(b"soun", b"mp4a", &a_box(b"esds", ESDS)),
        };
        cleaned(&init, &bytes);
        // With a length in front, as a message, it gets further.
        let sei: &[u8] = if which == 0 { &[6, 5] } else { &[0x4E, 1, 5] };
        let (after, _) = cleaned(&init, &unit(&[sei, &bytes].concat()));
        if which == 0 {
            let before = unescaped(&[sei, &bytes].concat());
            prop_assert_eq!(unescaped(&after[4..]).len(), before.len());
        }
    }
}
