//! Files that are not served, or not in full, and what is said about them.

use std::os::unix::fs::symlink;

use super::*;

#[test]
fn a_segment_that_ends_in_the_middle_of_a_fragment_costs_only_that_fragment() {
    let mut studio = Studio::open();
    studio.write("init.mp4", audio_and_video());
    studio.write(
        "stream0.m4s",
        [&fragment(0)[..], &fragment(200)[..99]].concat(),
    );
    studio.write("stream1.m4s", fragment(2000));
    assert_eq!(studio.hint(), ["I2/0", "|0", "|2000"]);
    assert_eq!(
        studio.said(),
        [(
            "stream0.m4s",
            "it ends in the middle of a fragment; only the rest was served"
        )]
    );
}

#[test]
fn a_malformed_segment_is_left_out_with_one_complaint() {
    let mut studio = Studio::open();
    studio.write("init.mp4", audio_and_video());
    studio.write(
        "stream0.m4s",
        [&fragment(0)[..], b"GET / HTTP/1.1\r\n"].concat(),
    );
    assert_eq!(studio.hint(), ["I2/0", "|0"]);
    for start in [200, 400] {
        studio.append("stream0.m4s", fragment(start));
        assert_eq!(studio.hint(), [""; 0]);
    }
    studio.write("stream1.m4s", fragment(2000));
    assert_eq!(studio.hint(), ["|2000"]);
    let unknown = a_box(b"moof", &a_box(b"mfhd", &[0; 8]));
    studio.write("stream2.m4s", [unknown, a_box(b"mdat", b"")].concat());
    studio.write("stream3.m4s", fragment(6000));
    assert_eq!(studio.hint(), ["|6000"]);
    assert_eq!(
        studio.said(),
        [
            (
                "stream0.m4s",
                "the box `/ HT` at byte 760 makes 1195725856 bytes; the limit is 8388608"
            ),
            (
                "stream2.m4s",
                "the fragment at byte 0: a fragment has 1 to 16 track runs"
            ),
        ]
    );
}

#[test]
fn links_pipes_and_oversized_files_are_refused_once_and_never_served() {
    let mut studio = Studio::open();
    let secret = studio.path("secret");
    studio.write("secret", segment(&[0]));
    studio.write("init.mp4", audio_and_video());
    symlink(&secret, studio.path("stream0.m4s")).unwrap();
    symlink(&secret, studio.path("stream.m3u8")).unwrap();
    let pipe = studio.path("stream1.m4s");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    File::create(studio.path("stream2.m4s"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    fs::create_dir(studio.path("stream3.m4s")).unwrap();
    studio.write("stream4.m4s", fragment(8000));
    assert_eq!(studio.hint(), ["I2/0", "|8000"]);
    assert_eq!(studio.hear(Look::Slow), [""; 0]);
    let link = "it is a symbolic link; put the file itself there";
    assert_eq!(
        studio.said(),
        [
            ("stream.m3u8", link),
            ("stream0.m4s", link),
            ("stream1.m4s", "it is not a regular file"),
            ("stream2.m4s", "it has more than 100000 bytes"),
            ("stream3.m4s", "it is not a regular file"),
        ]
    );

    fs::remove_file(studio.path("init.mp4")).unwrap();
    symlink(&secret, studio.path("init.mp4")).unwrap();
    studio.append("stream4.m4s", fragment(8200));
    assert_eq!(
        studio.hint(),
        ["8200"],
        "what the old run had still to give"
    );
    studio.append("stream4.m4s", fragment(8400));
    assert_eq!(studio.hint(), [""; 0]);
    assert_eq!(studio.said().last(), Some(&("init.mp4", link)));
}

#[test]
fn a_segment_that_grows_beyond_the_limit_is_given_up() {
    let mut studio = Studio::open();
    studio.write("init.mp4", audio_and_video());
    studio.write("stream0.m4s", fragment(0));
    assert_eq!(studio.hint(), ["I2/0", "|0"]);
    studio.append("stream0.m4s", a_box(b"free", &vec![0; 100_000]));
    studio.append("stream0.m4s", fragment(200));
    assert_eq!(studio.hint(), [""; 0]);
    studio.write("stream1.m4s", fragment(2000));
    assert_eq!(studio.hint(), ["|2000"]);
    assert_eq!(
        studio.said(),
        [("stream0.m4s", "it has more than 100000 bytes")]
    );
}

#[test]
fn an_init_file_with_media_in_it_is_refused_until_it_is_a_good_one() {
    let mut studio = Studio::open();
    studio.write("init.mp4", [audio_and_video(), fragment(0)].concat());
    studio.write("stream0.m4s", fragment(0));
    assert_eq!(studio.hint(), [""; 0]);
    studio.append("init.mp4", fragment(200));
    assert_eq!(studio.hint(), [""; 0]);
    assert_eq!(studio.said().len(), 1);
    assert!(
        studio.said()[0]
            .1
            .starts_with("the init segment contains media (`moof`)")
    );

    studio.write("init.mp4", audio_and_video());
    studio.write("stream0.m4s", fragment(0));
    assert_eq!(studio.hint(), ["I2/0", "|0"]);
    assert!(studio.said().is_empty());
}

#[test]
fn a_bad_playlist_is_complained_about_and_changes_nothing() {
    let mut studio = Studio::open();
    studio.write("init.mp4", audio_and_video());
    studio.write("stream0.m4s", fragment(0));
    studio.list([0], "");
    assert_eq!(studio.hint(), ["I2/0", "target 2", "|0"]);
    for text in [
        "<html>",
        "#EXTM3U\n#EXT-X-TARGETDURATION:99999\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n../../etc/passwd\n#EXT-X-ENDLIST\n",
    ] {
        studio.write("stream.m3u8", text);
        assert_eq!(studio.hint(), [""; 0]);
        assert_eq!(studio.hint(), [""; 0]);
    }
    assert_eq!(studio.said().len(), 3);
    assert_eq!(
        studio.said()[2].1,
        "line 4: segments are named `stream<number>.m4s`, without a directory"
    );
    studio.append("stream0.m4s", fragment(200));
    assert_eq!(studio.hint(), ["200"]);
}
