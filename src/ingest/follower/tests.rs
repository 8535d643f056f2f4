mod refused;

use std::{
    fs::{File, OpenOptions},
    io::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::*;
use crate::media::fragment::sample::{
    a_box, audio_and_video, fragment_bytes, init_with, track_boxes,
};

/// A stream directory, an encoder that the test plays by hand, and a follower.
struct Studio {
    directory: tempfile::TempDir,
    follower: Option<Follower>,
    /// Dates of files: each write is later than the one before, however fast the test is.
    date: SystemTime,
}

/// What came out, in short: `I` for an init segment, the start in milliseconds of a fragment
/// (`|` before it if it begins a segment), or a word.
type Heard = Vec<String>;

impl Studio {
    fn new() -> Self {
        let date = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        Self {
            directory: tempfile::tempdir().unwrap(),
            follower: None,
            date,
        }
    }

    /// With a follower that has seen an empty directory.
    fn open() -> Self {
        Self::new().with_follower()
    }

    fn with_follower(mut self) -> Self {
        let settings = Settings {
            max_segment_bytes: 100_000,
            ..Settings::new(self.directory.path().to_owned(), "title.txt".into())
        };
        self.follower = Some(Follower::new(&settings, now()).unwrap());
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn dated(&mut self, file: &File) {
        self.date += Duration::from_millis(10);
        file.set_modified(self.date).unwrap();
    }

    /// Truncates and writes, as an encoder that opens the file anew.
    fn write(&mut self, name: &str, content: impl AsRef<[u8]>) {
        let mut file = File::create(self.path(name)).unwrap();
        file.write_all(content.as_ref()).unwrap();
        self.dated(&file);
    }

    fn append(&mut self, name: &str, content: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new()
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(content.as_ref()).unwrap();
        self.dated(&file);
    }

    /// Writes the playlist as muxers do, by renaming.
    fn list(&mut self, numbers: impl IntoIterator<Item = u64>, end: &str) {
        let entries = numbers
            .into_iter()
            .map(|n| format!("#EXTINF:2,\nstream{n}.m4s\n"));
        let entries: String = entries.collect();
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{entries}{end}");
        self.write("stream.m3u8.tmp", text);
        fs::rename(self.path("stream.m3u8.tmp"), self.path("stream.m3u8")).unwrap();
    }

    fn hear(&mut self, why: Look) -> Heard {
        let mut heard = Vec::new();
        self.follower
            .as_mut()
            .unwrap()
            .look(why, now(), &mut |event| {
                heard.push(match event {
                    Event::Init { init, started } => {
                        let started = started.map_or(0, WallTime::unix_millis);
                        format!("I{}/{started}", init.tracks().len())
                    }
                    Event::Fragment(fragment) => {
                        let bar = if fragment.begins_segment() { "|" } else { "" };
                        format!("{bar}{}", fragment.start().as_millis())
                    }
                    Event::TargetDuration(target) => format!("target {}", target.as_secs()),
                    Event::Stopped(stop) => format!("{stop:?}"),
                    Event::Title(title) => title.to_string(),
                });
            });
        heard
    }

    fn hint(&mut self) -> Heard {
        self.hear(Look::Hint)
    }

    fn said(&self) -> Vec<(&str, &str)> {
        self.follower.as_ref().unwrap().said()
    }
}

fn now() -> WallTime {
    WallTime::from_unix_millis(1_700_000_100_000)
}

fn fragment(start_ms: u64) -> bytes::Bytes {
    fragment_bytes(start_ms, start_ms.is_multiple_of(2000))
}

/// A whole segment as the hls muxer writes it: two boxes that are dropped, then fragments.
fn segment(starts_ms: &[u64]) -> Vec<u8> {
    let head = [a_box(b"styp", b"msdh\0\0\0\0"), a_box(b"sidx", &[0; 36])].concat();
    starts_ms.iter().fold(head, |bytes, start| {
        [&bytes[..], &fragment(*start)].concat()
    })
}

#[test]
fn a_growing_segment_comes_out_fragment_by_fragment() {
    let mut studio = Studio::open();
    studio.write("init.mp4", audio_and_video());
    studio.write("stream0.m4s", "");
    assert_eq!(studio.hint(), ["I2/0"]);
    studio.append("stream0.m4s", fragment(0));
    assert_eq!(studio.hint(), ["|0"]);
    studio.append("stream0.m4s", &fragment(200)[..100]);
    assert_eq!(studio.hint(), [""; 0], "not yet");
    studio.append("stream0.m4s", &fragment(200)[100..]);
    assert_eq!(studio.hint(), ["200"]);
    studio.append("stream0.m4s", fragment(400));
    studio.write("stream1.m4s", fragment(2000));
    studio.list([0], "");
    assert_eq!(studio.hint(), ["target 2", "400", "|2000"]);
    assert_eq!(studio.hint(), [""; 0]);
    assert!(studio.said().is_empty());
}

#[test]
fn whole_segments_and_an_init_file_that_is_empty_at_first_work_too() {
    let mut studio = Studio::open();
    studio.write("init.mp4", "");
    assert_eq!(studio.hint(), [""; 0]);
    // All in one instant, then looked at once.
    studio.write("stream0.m4s", segment(&[0, 200]));
    studio.list([0], "");
    studio.write("init.mp4", audio_and_video());
    assert_eq!(studio.hint(), ["I2/0", "target 2", "|0", "200"]);
    studio.write("stream1.m4s", segment(&[2000]));
    studio.list([0, 1], "");
    assert_eq!(studio.hint(), ["|2000"]);
    assert!(studio.said().is_empty());
}

#[test]
fn leftovers_of_an_earlier_run_are_never_served() {
    let mut studio = Studio::new();
    studio.write("init.mp4", audio_and_video());
    for number in 0..5 {
        studio.write(&format!("stream{number}.m4s"), segment(&[number * 2000]));
    }
    studio.list(0..5, "#EXT-X-ENDLIST\n");
    studio = studio.with_follower();
    for why in [Look::Hint, Look::Slow, Look::Hint] {
        assert_eq!(studio.hear(why), [""; 0]);
    }

    // The encoder starts again and overwrites one after the other.
    studio.write("init.mp4", "");
    assert_eq!(studio.hint(), [""; 0]);
    studio.write("init.mp4", audio_and_video());
    studio.write("stream0.m4s", segment(&[0, 200, 400]));
    studio.list([0], "");
    assert_eq!(studio.hint(), ["I2/0", "target 2", "|0", "200", "400"]);
    studio.write("stream1.m4s", segment(&[2000]));
    assert_eq!(studio.hint(), ["|2000"]);
    assert_eq!(studio.hint(), [""; 0], "the old stream2 stays where it is");
}

#[test]
fn starting_while_an_encoder_writes_takes_only_what_comes_later() {
    let mut studio = Studio::new();
    studio.write("init.mp4", audio_and_video());
    studio.write("stream7.m4s", fragment(0));
    studio.write("stream8.m4s", fragment(2000));
    studio.append("stream8.m4s", &fragment(2200)[..300]);
    studio = studio.with_follower();
    assert_eq!(studio.hint(), [""; 0]);
    studio.append("stream8.m4s", &fragment(2200)[300..]);
    assert_eq!(studio.hint(), ["I2/0", "2200"]);
    studio.append("stream8.m4s", fragment(2400));
    studio.write("stream9.m4s", fragment(4000));
    assert_eq!(studio.hint(), ["2400", "|4000"]);
}

#[test]
fn a_restarted_encoder_begins_a_new_run() {
    let mut studio = Studio::open();
    studio.write("init.mp4", audio_and_video());
    for number in 0..4 {
        studio.write(&format!("stream{number}.m4s"), fragment(number * 2000));
    }
    assert_eq!(studio.hint(), ["I2/0", "|0", "|2000", "|4000", "|6000"]);
    studio.append("stream3.m4s", fragment(6200));

    // The same init segment; growing.
    studio.write("init.mp4", audio_and_video());
    studio.write("stream0.m4s", "");
    assert_eq!(
        studio.hint(),
        ["6200", "I2/0"],
        "first the rest of the old run"
    );
    studio.append("stream0.m4s", fragment(0));
    assert_eq!(studio.hint(), ["|0"]);
    studio.append("stream0.m4s", fragment(200));
    studio.write("stream1.m4s", fragment(2000));
    assert_eq!(studio.hint(), ["200", "|2000"]);

    // Another init segment; whole segments, all in one instant.
    let sound = init_with(&[
        track_boxes(1, b"vide", 90_000),
        track_boxes(2, b"soun", 8000),
    ]);
    studio.write("init.mp4", [&sound[..], &a_box(b"free", b"")].concat());
    studio.write("stream0.m4s", segment(&[0, 200, 400, 600]));
    assert_eq!(studio.hint(), ["I2/0", "|0", "28", "56", "85"]);
    assert_eq!(studio.hint(), [""; 0]);
}

#[test]
fn a_touched_init_file_does_not_bring_anything_back() {
    let mut studio = Studio::open();
    studio.write("init.mp4", audio_and_video());
    studio.write("stream0.m4s", fragment(0));
    studio.write("stream1.m4s", fragment(2000));
    assert_eq!(studio.hint(), ["I2/0", "|0", "|2000"]);
    let file = File::open(studio.path("init.mp4")).unwrap();
    studio.dated(&file);
    assert_eq!(studio.hint(), ["I2/0"]);
    studio.append("stream1.m4s", fragment(2200));
    assert_eq!(studio.hint(), ["2200"]);
}

#[test]
fn a_segment_that_is_written_anew_without_a_new_init_file_begins_a_new_run_too() {
    let mut studio = Studio::open();
    studio.write("init.mp4", audio_and_video());
    studio.write("stream0.m4s", [fragment(0), fragment(200)].concat());
    assert_eq!(studio.hint(), ["I2/0", "|0", "200"]);
    studio.write("stream0.m4s", fragment(0));
    assert_eq!(studio.hint(), ["I2/0", "|0"]);

    fs::remove_file(studio.path("stream0.m4s")).unwrap();
    assert_eq!(studio.hint(), [""; 0]);
    // Keeps the old inode from being used again.
    studio.write("other", "");
    studio.write(
        "stream0.m4s",
        [fragment(0), fragment(200), fragment(400)].concat(),
    );
    assert_eq!(studio.hint(), ["I2/0", "|0", "200", "400"]);
}

#[test]
fn a_gap_in_the_numbers_is_bridged_by_the_playlist_and_a_wrap_by_itself() {
    let mut studio = Studio::open();
    studio.write("init.mp4", audio_and_video());
    studio.write("stream3.m4s", fragment(0));
    assert_eq!(studio.hint(), ["I2/0", "|0"]);
    studio.write("stream9.m4s", fragment(2000));
    assert_eq!(studio.hint(), [""; 0], "nobody has said that it is next");
    studio.list([3, 9], "");
    assert_eq!(studio.hint(), ["target 2", "|2000"]);
    studio.write("stream0.m4s", fragment(4000));
    studio.append("stream9.m4s", fragment(2200));
    assert_eq!(studio.hint(), ["2200", "|4000"]);
}

#[test]
fn the_end_of_the_playlist_is_an_event_after_the_last_fragment() {
    let mut studio = Studio::open();
    studio.write("init.mp4", audio_and_video());
    studio.write("stream0.m4s", fragment(0));
    studio.list([0], "#EXT-X-ENDLIST\n");
    assert_eq!(studio.hint(), ["I2/0", "target 2", "|0", "EndList"]);
    studio.list([0], "#EXT-X-ENDLIST\n");
    assert_eq!(studio.hint(), [""; 0]);
}

#[test]
fn the_death_of_the_encoder_is_an_event_after_the_last_fragment() {
    let mut encoder = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let mut studio = Studio::open();
    studio.write("pid.txt", encoder.id().to_string());
    studio.write("init.mp4", audio_and_video());
    studio.write("stream0.m4s", fragment(0));
    assert_eq!(studio.hear(Look::Slow), ["I2/0", "|0"]);
    studio.append("stream0.m4s", fragment(200));
    encoder.kill().unwrap();
    encoder.wait().unwrap();
    assert_eq!(studio.hear(Look::Slow), ["200", "EncoderGone"]);
    assert_eq!(studio.hear(Look::Slow), [""; 0]);
}

#[test]
fn the_start_of_the_broadcast_is_believed_only_if_it_was_written_with_the_init_file() {
    let started = |written: i64, text: &str| {
        let mut studio = Studio::open();
        studio.write("start.txt", text);
        let date = studio.date;
        let moved = if written < 0 {
            date - Duration::from_secs(written.unsigned_abs())
        } else {
            date + Duration::from_secs(written.unsigned_abs())
        };
        File::open(studio.path("start.txt"))
            .unwrap()
            .set_modified(moved)
            .unwrap();
        studio.write("init.mp4", audio_and_video());
        studio.hint().concat()
    };
    assert_eq!(started(0, "1699999000\n"), "I2/1699999000000");
    assert_eq!(started(59, "1699999000"), "I2/1699999000000");
    assert_eq!(started(-61, "1699999000"), "I2/0", "left over");
    assert_eq!(started(0, "1700000101"), "I2/0", "in the future");
    for nonsense in [
        "",
        "yesterday",
        "-1",
        "18446744073709551615",
        &"1".repeat(100),
    ] {
        assert_eq!(started(0, nonsense), "I2/0", "{nonsense}");
    }
}

#[test]
fn ten_thousand_leftovers_do_not_hide_a_new_segment() {
    let mut studio = Studio::new();
    for number in 0..10_000 {
        fs::write(studio.path(&format!("stream{number}.m4s")), "x").unwrap();
    }
    studio.write("init.mp4", audio_and_video());
    studio = studio.with_follower();
    assert_eq!(studio.hint(), [""; 0]);
    studio.write("init.mp4", audio_and_video());
    studio.write("stream9999.m4s", fragment(0));
    assert_eq!(studio.hint(), ["I2/0", "|0"]);
    studio.write("stream10000.m4s", fragment(2000));
    assert_eq!(studio.hint(), ["|2000"]);
    assert!(studio.said().is_empty());
}

#[test]
fn in_a_directory_made_anew_only_what_was_written_since_is_live() {
    let mut studio = Studio::open();
    let path = studio.directory.path().to_owned();
    fs::remove_dir(&path).unwrap();
    assert_eq!(studio.hint(), [""; 0]);
    fs::create_dir(&path).unwrap();
    studio.write("stream0.m4s", fragment(0));
    studio.date += Duration::from_secs(10);
    // Dates of files come from a clock that goes in steps.
    let since = WallTime::from(studio.date + Duration::from_millis(40));
    studio.write("stream1.m4s", fragment(2000));
    studio.write("init.mp4", audio_and_video());
    studio
        .follower
        .as_mut()
        .unwrap()
        .directory_replaced(since)
        .unwrap();
    assert_eq!(studio.hint(), ["I2/0", "|2000"]);
}
