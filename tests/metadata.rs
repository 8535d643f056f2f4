//! What an encoder writes about itself, its computer and its owner does not reach viewers: real
//! ffmpeg without any of the flags that help, the real program, and every byte that comes out.

mod stage;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use onionstream::media::{
    boxes::MAX_FRAGMENT_BYTES,
    stream::{Item, StreamReader},
};
use stage::{
    Deadline,
    firefox::{self, Firefox},
    http::{Piece, Request},
    process::{Process, program, write_script},
    server::Server,
    watch,
};

const SOON: Duration = Duration::from_secs(30);

/// Segments that are looked at: so many seconds.
const SEGMENTS: usize = 6;

/// What must not come out: planted words, boxes for them, and names of encoders.
const SECRETS: &[&[u8]] = &[
    b"Anna", b"Planted", b"\xA9xyz", b"loci", b"\xA9nam", b"\xA9too", b"Lavf", b"Lavc", b"x264",
    b"x265",
];

const PLANTED: &[&str] = &[
    "-metadata",
    "title=Planted title",
    "-metadata",
    "location=+52.5200+013.4050/",
    "-metadata",
    "creation_time=2024-05-06T07:08:09Z",
    "-metadata:s:v",
    "handler_name=Anna's camera",
    "-metadata:s:a",
    "handler_name=Anna's microphone",
];

const H264: &str =
    "-c:v libx264 -preset ultrafast -x264-params repeat-headers=1 -bf 2 -c:a aac -b:a 64k";
const HEVC: &str = "-c:v libx265 -preset ultrafast -x265-params open-gop=0:log-level=error:pools=1 \
                    -c:a aac -b:a 64k";
const AV1: &str = "-c:v libsvtav1 -preset 12 -svtav1-params pred-struct=1:lookahead=0 -c:a libopus";

/// Segments that grow by fragments.
const GROWING: &str = "-f segment -segment_time 1 -segment_format mp4 -segment_list stream.m3u8 \
     -segment_list_type m3u8 -segment_list_flags +live -individual_header_trailer 0 \
     -segment_header_filename init.mp4 -segment_format_options \
     movflags=+frag_keyframe+empty_moov+default_base_moof+skip_trailer:frag_duration=200000:flush_packets=1 \
     stream%d.m4s";
/// Segments that appear as a whole.
const WHOLE: &str = "-f hls -hls_time 1 -hls_list_size 0 -hls_segment_type fmp4 \
     -hls_fmp4_init_filename init.mp4 -hls_segment_filename stream%d.m4s stream.m3u8";
/// One stream without an end.
const PIPE: &str = "-f mp4 -movflags +frag_keyframe+empty_moov+default_base_moof+skip_trailer \
     -frag_duration 200000 -flush_packets 1 pipe:1";

fn ffmpeg() -> PathBuf {
    program("ffmpeg", "FFMPEG")
}

/// The command line of an encoder that tells everything.
fn telling(codecs: &str, output: &str) -> Vec<String> {
    let inputs = "-nostdin -hide_banner -v error -y -re -f lavfi -i testsrc2=size=320x180:rate=25 \
                  -re -f lavfi -i sine=frequency=440:sample_rate=48000 -t 600 -map 0:v -map 1:a \
                  -pix_fmt yuv420p -g 25 -keyint_min 25";
    let words =
        |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    let planted = PLANTED.iter().map(|&word| word.to_owned());
    [
        words(inputs),
        planted.collect(),
        words(codecs),
        words(output),
    ]
    .concat()
}

/// Writes into the stream directory of a server.
fn write_directory(server: &Server, codecs: &str, output: &str) -> Process {
    server.local_url();
    let directory = server.directory().join("stream");
    Process::start(
        "ffmpeg",
        Command::new(ffmpeg())
            .current_dir(directory)
            .args(telling(codecs, output)),
    )
}

fn holds(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|part| part == secret)
}

/// The first segments as players get them, and the init segment in front.
fn served(server: &Server) -> Vec<u8> {
    let address = server.local_address();
    let names = watch(SOON, || {
        let list = Request::get("/stream.m3u8").send(address).text();
        let names = list.lines().filter(|line| line.contains(".m4s"));
        let names: Vec<String> = names.take(SEGMENTS).map(str::to_owned).collect();
        (names.len() == SEGMENTS).then_some(names)
    });
    let names = names.unwrap_or_else(|| panic!("nothing is played: {}", server.log()));
    let mut bytes = Request::get("/init.mp4").send(address).body;
    for name in names {
        let name = name.rsplit('/').next().expect("a name");
        let answer = Request::get(&format!("/{name}")).send(address);
        assert_eq!(answer.status, 200, "{name}");
        bytes.extend(answer.body);
    }
    bytes
}

/// The first seconds of the endless response.
fn streamed(server: &Server) -> Vec<u8> {
    let mut stream = Request::get("/stream.mp4?delay=low").open(server.local_address());
    assert_eq!(stream.status, 200);
    let (mut bytes, time) = (Vec::new(), Deadline::after(Duration::from_secs(3)));
    while let Piece::Data(piece) = stream.next(time.left()) {
        bytes.extend(piece);
    }
    assert!(bytes.len() > 20_000, "{} bytes", bytes.len());
    bytes
}

/// What the encoder wrote into the directory.
fn written(directory: &Path) -> Vec<u8> {
    let files = (0..=SEGMENTS).map(|number| format!("stream{number}.m4s"));
    let files = std::iter::once("init.mp4".to_owned()).chain(files);
    files
        .flat_map(|name| fs::read(directory.join(name)).unwrap_or_default())
        .collect()
}

/// What a program of ffmpeg says about a file: standard output and standard error.
fn ask(name: &str, file: &Path, before: &[&str], after: &[&str]) -> (String, String) {
    let answer = Command::new(ffmpeg().with_file_name(name))
        .args(["-v", "warning"])
        .args(before)
        .args(["-i".as_ref(), file.as_os_str()])
        .args(after)
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (text(answer.stdout), text(answer.stderr))
}

/// The digests of all decoded pictures, and those of the decoded sound.
fn decoded(bytes: &[u8], directory: &Path) -> [Vec<String>; 2] {
    let file = directory.join("decoded.mp4");
    fs::write(&file, bytes).expect("a file");
    let (lines, complaints) = ask("ffmpeg", &file, &[], &["-f", "framemd5", "-"]);
    assert_eq!(complaints, "");
    ["0,", "1,"].map(|stream| {
        let lines = lines.lines().filter(|line| line.starts_with(stream));
        let digests = lines.filter_map(|line| line.rsplit(',').next());
        digests.map(str::to_owned).collect()
    })
}

/// Compares what came out with what went in, and asks ffprobe what it can tell about it.
fn assert_clean(server: &Server, raw: &[u8]) {
    let (pieces, stream) = (served(server), streamed(server));
    for secret in SECRETS {
        let shown = String::from_utf8_lossy(secret);
        for out in [&pieces, &stream] {
            assert!(!holds(out, secret), "`{shown}` came out");
        }
    }
    let directory = tempfile::tempdir().expect("a directory");
    let (before, after) = (
        decoded(raw, directory.path()),
        decoded(&pieces, directory.path()),
    );
    for (before, after) in before.iter().zip(&after) {
        assert!(after.len() >= 25 * SEGMENTS - 5, "{} frames", after.len());
        assert!(before.starts_with(after), "pictures and sound are the same");
    }
    let file = directory.path().join("served.mp4");
    fs::write(&file, &pieces).expect("a file");
    let (facts, _) = ask("ffprobe", &file, &[], &["-show_format", "-show_streams"]);
    assert!(facts.contains("codec_type=video"), "{facts}");
    for tag in [
        "TAG:creation_time",
        "TAG:location",
        "TAG:title",
        "TAG:handler_name",
        "TAG:encoder",
        "vendor_id=F",
    ] {
        assert!(!facts.contains(tag), "{tag} in {facts}");
    }
    let log = server.log();
    for secret in ["Anna", "Planted", "52.52", "2024-05"] {
        assert!(!log.contains(secret), "`{secret}` in {log}");
    }
}

/// That the planted words are in what the encoder wrote: otherwise the test shows nothing.
fn assert_telling(raw: &[u8], secrets: &[&str]) {
    for secret in secrets.iter().chain(&["Anna", "Planted", "Lavc", "Lavf"]) {
        assert!(holds(raw, secret.as_bytes()), "`{secret}` was not written");
    }
}

#[test]
fn nothing_that_is_said_in_a_directory_of_growing_segments_comes_out() {
    let server = Server::start(&["--no-tor"]);
    let _encoder = write_directory(&server, H264, GROWING);
    served(&server);

    let raw = written(&server.directory().join("stream"));

    assert_telling(&raw, &["x264 - core", "loci"]);
    assert_clean(&server, &raw);
    let log = server.log();
    for words in [
        "a creation time; that was taken out; `-map_metadata -1` keeps",
        "a place;",
        "titles or comments;",
        "a name of a track;",
        "notes in the picture, such as the settings of the encoder; that was taken out",
        "notes in the sound",
    ] {
        assert_eq!(log.matches(words).count(), 1, "`{words}` in {log}");
    }
}

#[test]
fn whole_segments_of_hevc_with_settings_in_the_init_segment_are_cleaned() {
    let server = Server::start(&["--no-tor"]);
    let _encoder = write_directory(&server, HEVC, WHOLE);
    served(&server);

    let raw = written(&server.directory().join("stream"));

    assert_telling(&raw, &["x265 (build"]);
    assert_clean(&server, &raw);
}

#[test]
fn av1_and_opus_are_cleaned() {
    let server = Server::start(&["--no-tor"]);
    let _encoder = write_directory(&server, AV1, GROWING);
    served(&server);

    let raw = written(&server.directory().join("stream"));

    assert_telling(&raw, &[]);
    assert_clean(&server, &raw);
}

/// A server whose own encoder tells everything with these codecs; it also writes `raw.mp4` into
/// `directory`.
fn with_telling_encoder(directory: &Path, codecs: &str, settings: &[&str]) -> Server {
    let quoted = |words: Vec<String>| {
        let words = words
            .iter()
            .map(|word| format!("'{}'", word.replace('\'', r"'\''")));
        words.collect::<Vec<_>>().join(" ")
    };
    // Instead of what it is told; whatever else it is asked, the real one answers.
    let words = format!(
        "#!/bin/sh\nreal='{}'\ncase \"$*\" in\n*pipe:1) \"$real\" {} | tee '{}' ;;\n\
         *) exec \"$real\" \"$@\" ;;\nesac\n",
        ffmpeg().display(),
        quoted(telling(codecs, PIPE)),
        directory.join("raw.mp4").display()
    );
    let script = write_script(directory, "ffmpeg", &words);
    let setting = format!("encoder.ffmpeg={}", script.display());
    let mut arguments = vec!["--no-tor", "--source", "test", "--set", &setting];
    arguments.extend(settings);
    Server::start(&arguments)
}

#[test]
fn nothing_that_is_said_into_the_pipe_comes_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = with_telling_encoder(directory.path(), H264, &[]);
    served(&server);

    let raw = fs::read(directory.path().join("raw.mp4")).expect("what was written");

    assert_telling(&raw, &["x264 - core"]);
    assert_clean(&server, &whole_boxes(&raw));
}

/// Without the last box, which may not be complete yet.
fn whole_boxes(bytes: &[u8]) -> Vec<u8> {
    let mut reader = StreamReader::new(MAX_FRAGMENT_BYTES);
    reader.push(bytes);
    let mut whole = Vec::new();
    while let Some(item) = reader.next_item().expect("a stream") {
        match item {
            Item::Init(init) => whole.extend_from_slice(init.bytes()),
            Item::Fragment(fragment) => whole.extend_from_slice(fragment.bytes()),
        }
    }
    whole
}

#[test]
fn a_track_of_time_codes_is_refused_with_the_flag_and_let_out_on_request() {
    let codecs = format!("{H264} -timecode 10:11:12:13");
    for strips in [true, false] {
        let directory = tempfile::tempdir().expect("a directory");
        let setting = format!("ingest.strip_metadata={strips}");
        let server = with_telling_encoder(directory.path(), &codecs, &["--set", &setting]);
        if strips {
            server.wait_log("leave it out with `-write_tmcd 0`", SOON);
            let written = watch(SOON, || {
                let file = fs::metadata(directory.path().join("raw.mp4")).ok()?;
                (file.len() > 100_000).then_some(())
            });
            assert!(written.is_some(), "it goes on");
            let address = server.local_address();
            assert_ne!(Request::get("/stream.mp4").send(address).status, 200);
        } else {
            assert!(holds(&served(&server), b"Anna"));
            server.wait_log("a creation time, and viewers get it", SOON);
            assert!(server.log().contains("`ingest.strip_metadata` is off"));
        }
    }
}

#[test]
fn a_browser_plays_what_was_cleaned() {
    let server = Server::start(&["--no-tor"]);
    let _encoder = write_directory(&server, H264, GROWING);
    served(&server);
    let firefox = Firefox::start(firefox::Options::default());

    firefox.goto(&format!("{}video?delay=low", server.local_url()));

    let video = firefox.wait_for_video(SOON, |video| video.current_time > 3.0);
    assert_eq!((video.error, video.video_width), (None, 320));
    assert!(video.painted_frames > 25, "{}", video.painted_frames);
}
