use std::{
    fs::OpenOptions,
    io::Write,
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver},
};

use super::*;
use crate::{
    ingest::Stop,
    media::fragment::{
        Fragment,
        sample::{audio_and_video, fragment_bytes},
    },
};

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A directory with `stream/` and `title.txt`, and the watching thread.
struct Show {
    directory: tempfile::TempDir,
    clock: Clock,
    events: Receiver<(Event, Tick)>,
    _thread: IngestThread,
}

impl Show {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::new();
        let (sink, events) = mpsc::channel();
        let settings = Settings::new(
            directory.path().join("stream"),
            directory.path().join("title.txt"),
        );
        let thread = watch(settings, clock, move |event, now| {
            drop(sink.send((event, now)))
        });
        Self {
            directory,
            clock,
            events,
            _thread: thread.unwrap(),
        }
    }

    fn stream(&self, name: &str) -> PathBuf {
        self.directory.path().join("stream").join(name)
    }

    fn next(&self) -> (Event, Tick) {
        self.events
            .recv_timeout(PATIENCE)
            .expect("an event within the time")
    }

    fn next_fragment(&self) -> (Fragment, Tick) {
        match self.next() {
            (Event::Fragment(fragment), at) => (fragment, at),
            (other, _) => panic!("a fragment, not {other:?}"),
        }
    }

    fn next_title(&self) -> (String, Tick) {
        match self.next() {
            (Event::Title(title), at) => (title.to_string(), at),
            (other, _) => panic!("a title, not {other:?}"),
        }
    }

    /// Runs FFmpeg for `seconds` of test picture and tone, into the stream directory.
    fn encode(&self, seconds: &str, pace: &[&str], output: &[&str]) {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-y"]);
        for source in [
            "testsrc2=size=160x90:rate=25",
            "sine=frequency=440:sample_rate=48000",
        ] {
            ffmpeg
                .args(pace)
                .args(["-f", "lavfi", "-t", seconds, "-i", source]);
        }
        ffmpeg.args([
            "-map",
            "0:v",
            "-map",
            "1:a",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
        ]);
        ffmpeg.args(["-g", "25", "-keyint_min", "25", "-sc_threshold", "0"]);
        ffmpeg.args(["-c:a", "aac", "-map_metadata", "-1", "-fflags", "+bitexact"]);
        ffmpeg.args(["-flags:v", "+bitexact", "-flags:a", "+bitexact"]);
        let status = ffmpeg
            .args(output)
            .current_dir(self.directory.path().join("stream"))
            .stdin(Stdio::null())
            .status()
            .expect("the tests need `ffmpeg` (Debian package `ffmpeg`)");
        assert!(status.success());
    }

    /// The events of one run, up to its end: the fragments, and how many segments they make.
    fn run(&self) -> (InitSegmentLen, Vec<(Fragment, Tick)>, usize) {
        let (mut init, mut fragments, mut segments) = (0, Vec::new(), 0);
        loop {
            match self.next() {
                (Event::Init { init: segment, .. }, _) => {
                    assert!(fragments.is_empty(), "one init segment a run");
                    init = segment.bytes().len();
                }
                (Event::Fragment(fragment), at) => {
                    segments += usize::from(fragment.begins_segment());
                    assert!(!fragment.begins_segment() || fragment.starts_with_keyframe());
                    fragments.push((fragment, at));
                }
                (Event::Stopped(Stop::EndList), _) => return (init, fragments, segments),
                (Event::TargetDuration(target), _) => assert!(target <= Duration::from_secs(3)),
                (other, _) => panic!("{other:?}"),
            }
        }
    }
}

type InitSegmentLen = usize;

const GROWING: &[&str] = &[
    "-f",
    "segment",
    "-segment_time",
    "1",
    "-segment_format",
    "mp4",
    "-segment_list",
    "stream.m3u8",
    "-segment_list_type",
    "m3u8",
    "-segment_list_flags",
    "+live",
    "-segment_list_size",
    "10",
    "-individual_header_trailer",
    "0",
    "-segment_header_filename",
    "init.mp4",
    "-segment_format_options",
    "movflags=+frag_keyframe+empty_moov+default_base_moof+skip_trailer:frag_duration=200000:flush_packets=1",
    "stream%d.m4s",
];

const WHOLE: &[&str] = &[
    "-f",
    "hls",
    "-hls_time",
    "1",
    "-hls_list_size",
    "10",
    "-hls_segment_type",
    "fmp4",
    "-hls_fmp4_init_filename",
    "init.mp4",
    "-hls_segment_filename",
    "stream%d.m4s",
    "stream.m3u8",
];

/// Each track goes on where it ended, and all have `seconds`, to within a frame.
fn assert_seamless(fragments: &[(Fragment, Tick)], seconds: u64) {
    for track in 0..2 {
        let runs: Vec<_> = fragments
            .iter()
            .map(|(fragment, _)| &fragment.runs()[track])
            .collect();
        for pair in runs.windows(2) {
            assert_eq!(pair[0].decode_time + pair[0].duration, pair[1].decode_time);
        }
        let length = runs[runs.len() - 1].end() - runs[0].start();
        assert!(length.abs_diff(Duration::from_secs(seconds)) < Duration::from_millis(60));
    }
}

#[test]
fn ffmpegs_growing_segments_come_out_while_they_grow_and_a_restart_is_a_new_run() {
    let show = Show::start();
    show.encode("3", &["-re"], GROWING);
    let (init, fragments, segments) = show.run();
    assert_seamless(&fragments, 3);
    assert_eq!(segments, 3);
    assert!(
        fragments.len() >= 14,
        "{} fragments of 200 ms in 3 s",
        fragments.len()
    );
    let (first, last) = (fragments[0].1, fragments[fragments.len() - 1].1);
    assert!(
        last - first > Duration::from_secs(2),
        "they came as they were written"
    );

    // Overwrites the segments of the first run at the speed of the disk.
    show.encode("2", &[], GROWING);
    let (again, fragments, segments) = show.run();
    assert_seamless(&fragments, 2);
    assert_eq!((again, segments), (init, 2));
}

#[test]
fn ffmpegs_whole_segments_come_out_and_a_restart_is_a_new_run() {
    let show = Show::start();
    for seconds in [3, 2] {
        show.encode(&seconds.to_string(), &[], WHOLE);
        let (init, fragments, segments) = show.run();
        assert_seamless(&fragments, seconds);
        assert_eq!(segments as u64, seconds);
        assert!(init > 500);
    }
}

#[test]
fn a_written_fragment_comes_out_within_milliseconds() {
    let show = Show::start();
    fs::write(show.stream("init.mp4"), audio_and_video()).unwrap();
    assert!(matches!(show.next().0, Event::Init { started: None, .. }));
    let mut segment = OpenOptions::new()
        .create(true)
        .append(true)
        .open(show.stream("stream0.m4s"))
        .unwrap();
    let mut delays = Vec::new();
    for n in 0..50 {
        let bytes = fragment_bytes(n * 200, n == 0);
        let written = show.clock.tick();
        segment.write_all(&bytes).unwrap();
        let (fragment, at) = show.next_fragment();
        assert_eq!(fragment.start(), Duration::from_millis(n * 200));
        delays.push(at.since(written));
    }
    delays.sort();
    println!(
        "written to sink: median {:?}, worst {:?}",
        delays[25], delays[49]
    );
    // 0.1 ms on an idle machine. More than that means the slow look did it.
    assert!(delays[25] < SLOW_LOOK / 4, "{delays:?}");
}

#[test]
fn a_title_comes_out_at_once_however_it_is_written() {
    let show = Show::start();
    let path = show.directory.path().join("title.txt");
    let mut delays = Vec::new();
    for (n, by_rename) in [false, true, false, true].into_iter().enumerate() {
        let text = format!("Title {n}");
        let written = show.clock.tick();
        if by_rename {
            let other = show.directory.path().join(".title.txt.new");
            fs::write(&other, &text).unwrap();
            fs::rename(other, &path).unwrap();
        } else {
            fs::write(&path, &text).unwrap();
        }
        let (title, at) = show.next_title();
        assert_eq!(title, text);
        delays.push(at.since(written));
    }
    delays.sort();
    println!("title written to sink: {delays:?}");
    assert!(delays[1] < Duration::from_millis(100), "{delays:?}");

    fs::remove_file(path).unwrap();
    assert_eq!(show.next_title().0, "");
}

#[test]
fn a_directory_that_is_deleted_and_made_again_is_watched_again() {
    let show = Show::start();
    let stream = show.directory.path().join("stream");
    for round in 0..3 {
        fs::write(show.stream("init.mp4"), audio_and_video()).unwrap();
        assert!(matches!(show.next().0, Event::Init { .. }));
        fs::write(
            show.stream("stream0.m4s"),
            fragment_bytes(round * 200, true),
        )
        .unwrap();
        assert_eq!(
            show.next_fragment().0.start(),
            Duration::from_millis(round * 200)
        );
        fs::remove_dir_all(&stream).unwrap();
        fs::create_dir(&stream).unwrap();
    }
}

#[test]
fn the_stream_directory_is_made_for_its_owner_only() {
    let show = Show::start();
    let mode = fs::metadata(show.stream("")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_file_where_the_stream_directory_belongs_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stream");
    fs::write(&path, "").unwrap();

    let error = watch(
        Settings::new(path, "title.txt".into()),
        Clock::new(),
        |_, _| {},
    );

    assert!(matches!(error, Err(IngestError::MakeDirectory { .. })));
}

#[test]
fn dropping_the_thread_ends_it_and_the_sink() {
    let show = Show::start();
    let Show {
        events,
        _thread: thread,
        directory,
        ..
    } = show;
    thread.stop();
    fs::write(directory.path().join("title.txt"), "too late").unwrap();
    assert!(events.recv().is_err());
}
