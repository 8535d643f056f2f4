//! The slate for encoders that are not ours: they are killed while somebody watches, and what the
//! viewer sees meanwhile was encoded to go with a stream of which only the init segment is known.

#![expect(
    clippy::indexing_slicing,
    clippy::unchecked_time_subtraction,
    clippy::use_debug,
    reason = "a measurement that is not as expected should fail, and says what was measured"
)]

mod stage;

use std::{
    fmt, fs,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::Signal;
use stage::{
    Deadline,
    firefox::{Firefox, Options},
    http::Request,
    process::{Process, program, tell},
    server::Server,
    watch,
    watching::{Watching, encoders_of, is_running},
};

const SOON: Duration = Duration::from_secs(30);
/// What the log says when a slate can be shown.
const READY: &str = "a slate stands ready";
/// Between two looks at the player.
const LOOK: Duration = Duration::from_millis(100);
/// How long the encoder is away.
const AWAY: Duration = Duration::from_secs(6);
/// The ground of the slate that is built in.
const GROUND: [f64; 3] = [27.0, 20.0, 40.0];
/// The ground of what the encoder shows.
const GREEN: [f64; 3] = [32.0, 128.0, 64.0];
/// How far a colour may be from another after encoding.
const NEAR: f64 = 14.0;

/// How the stream comes to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Ingest,
    Rtmp,
    /// Segments that appear as a whole, as OBS writes them.
    Files,
}

/// What is in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codecs {
    /// x264 as OBS sets it: high profile, two B-frames, parameter sets in the init segment alone.
    High,
    Vp9,
    Av1,
    Hevc,
    /// AAC alone.
    Aac,
}

#[derive(Debug, Clone, Copy)]
struct Stream {
    way: Way,
    codecs: Codecs,
    /// Samples of sound a second.
    rate: u32,
    /// Pixels; the height is 360.
    width: u32,
}

impl Stream {
    fn new(way: Way, codecs: Codecs, rate: u32) -> Self {
        let width = 640;
        Self {
            way,
            codecs,
            rate,
            width,
        }
    }

    fn start(self, more: &[&str]) -> Server {
        let ffmpeg = format!("encoder.ffmpeg={}", program("ffmpeg", "FFMPEG").display());
        let source = match self.way {
            Way::Ingest => "ingest",
            Way::Rtmp => "rtmp",
            Way::Files => "watch",
        };
        let usual = ["--no-tor", "--source", source, "--rtmp", "127.0.0.1:0"];
        let server = Server::start(&[&usual[..], &["--set", &ffmpeg], more].concat());
        server.local_url();
        server
    }

    /// An encoder that sends it; dropping it kills it.
    fn publish(self, server: &Server) -> Process {
        let mut command = Command::new(program("ffmpeg", "FFMPEG"));
        command
            .args("-nostdin -hide_banner -nostats -loglevel warning -y".split(' '))
            .args("-re -f lavfi -i".split(' '))
            .arg(format!("color=c=0x208040:size={}x360:rate=30", self.width))
            .args("-re -f lavfi -i testsrc2=size=320x180:rate=30".split(' '))
            .args("-re -f lavfi -i".split(' '))
            .arg(format!("sine=frequency=440:sample_rate={}", self.rate));
        let filter = "[0:v][1:v]overlay=160:90,format=yuv420p[v]";
        if self.codecs != Codecs::Aac {
            command.args(["-filter_complex", filter, "-map", "[v]"]);
        }
        command.args(["-map", "2:a", "-t", "600"]);
        let rates = "-b:v 600k -maxrate 600k -bufsize 600k -g 30 -keyint_min 30";
        let aac = "-c:a aac -b:a 96k -ac 2";
        let codecs = match self.codecs {
            Codecs::High => {
                format!("-c:v libx264 -preset veryfast -profile:v high -bf 2 {rates} {aac}")
            }
            Codecs::Vp9 => format!(
                "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 1 -lag-in-frames 0 {rates} \
                 -c:a libopus -b:a 64k -ac 2"
            ),
            Codecs::Av1 => "-c:v libsvtav1 -preset 12 -svtav1-params \
                            pred-struct=1:lookahead=0:scd=0 -b:v 600k -g 30 -c:a libopus -ac 1"
                .to_owned(),
            Codecs::Hevc => format!("-c:v libx265 -preset ultrafast -tag:v hvc1 {rates} {aac}"),
            Codecs::Aac => aac.to_owned(),
        };
        command.args(codecs.split_whitespace());
        match self.way {
            Way::Ingest => {
                let login = format!("http://anything:{}@", server.stream_key());
                let place = server.place("ingest").replace("http://", &login);
                let fragments = "-f mp4 -movflags +frag_keyframe+empty_moov+default_base_moof+\
                                 skip_trailer -frag_duration 200000 -flush_packets 1";
                command.args(fragments.split_whitespace()).arg(place);
            }
            Way::Rtmp => {
                let place = format!("{}/{}", server.place("rtmp"), server.stream_key());
                command.args(["-f", "flv", &place]);
            }
            Way::Files => {
                let directory = server.directory().join("stream");
                fs::create_dir_all(&directory).expect("a directory");
                let list = "-f hls -hls_time 1 -hls_list_size 10 -hls_flags delete_segments \
                            -hls_segment_type fmp4 -hls_fmp4_init_filename init.mp4 \
                            -hls_segment_filename stream%d.m4s stream.m3u8";
                command.current_dir(directory).args(list.split_whitespace());
            }
        }
        Process::start("publishing ffmpeg", &mut command)
    }
}

/// Where the player is, how many pictures it has painted, whether it stands, why, and the colours
/// near the four corners of the picture.
const LOOK_AT_PLAYER: &str = "
    const video = document.querySelector('video');
    if (!video || video.readyState < 1) return null;
    const canvas = document.createElement('canvas');
    canvas.width = 32; canvas.height = 18;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(video, 0, 0, 32, 18);
    const corners = [];
    for (const [x, y] of [[1, 1], [30, 1], [1, 16], [30, 16]])
      corners.push(...context.getImageData(x, y, 1, 1).data.slice(0, 3));
    return [video.currentTime, video.mozPaintedFrames, video.paused || video.ended,
      video.error?.message ?? '', ...corners];";

/// What is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Picture {
    Encoder,
    Slate,
    /// Neither: it is broken.
    Other,
}

/// One look at the player.
#[derive(Debug, Clone)]
struct Seen {
    at: Duration,
    time: f64,
    painted: f64,
    picture: Picture,
    has_ended: bool,
    error: String,
}

fn look(firefox: &Firefox, at: Duration) -> Option<Seen> {
    let seen = firefox.execute(LOOK_AT_PLAYER);
    let number = |index: usize| seen.get(index).and_then(serde_json::Value::as_f64);
    let is = |wanted: [f64; 3]| {
        (0..12).all(|at| number(4 + at).is_some_and(|is| (is - wanted[at % 3]).abs() < NEAR))
    };
    let picture = if is(GREEN) {
        Picture::Encoder
    } else if is(GROUND) {
        Picture::Slate
    } else {
        Picture::Other
    };
    Some(Seen {
        at,
        time: number(0)?,
        painted: number(1)?,
        picture,
        has_ended: seen.get(2)?.as_bool()?,
        error: seen.get(3)?.as_str()?.to_owned(),
    })
}

/// The longest time for which this stood still.
#[expect(
    clippy::float_cmp,
    reason = "a value that has not changed is exactly the same"
)]
fn longest_freeze(seen: &[Seen], value: impl Fn(&Seen) -> f64) -> Duration {
    seen.chunk_by(|one, next| value(one) == value(next))
        .map(|stood| stood[stood.len() - 1].at - stood[0].at)
        .max()
        .unwrap_or_default()
}

/// A client that takes everything there is, on a thread of its own.
struct Taking {
    is_over: Arc<AtomicBool>,
    thread: thread::JoinHandle<(Watching, bool)>,
}

impl Taking {
    fn start(mut watching: Watching) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            let goes_on = watching.until(Duration::from_mins(3), |_| over.load(Ordering::Relaxed));
            (watching, goes_on)
        });
        Self { is_over, thread }
    }

    /// What came, and whether the response goes on.
    fn stop(self) -> (Watching, bool) {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().expect("it reads")
    }
}

/// What came, as a file.
fn bytes_of(watching: &Watching) -> Vec<u8> {
    let media = watching.fragments.iter().map(|one| one.bytes().to_vec());
    let init = watching.inits[0].bytes().to_vec();
    std::iter::once(init).chain(media).flatten().collect()
}

/// What ffmpeg complains of when it decodes everything.
fn complaints(file: &Path) -> String {
    let done = Command::new(program("ffmpeg", "FFMPEG"))
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(file)
        // With the times as they are: in the steps of the first frame rate two frames would share one.
        .args(["-enc_time_base", "-1", "-f", "null", "-"])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs");
    String::from_utf8_lossy(&done.stderr).into_owned()
}

/// How a player and another client came through a dropout.
struct Outcome {
    stream: Stream,
    seen: Vec<Seen>,
    /// From the end of the encoder to the slate on the screen; the viewer's delay is in it.
    slate: Option<Duration>,
    /// From the start of the next one to its picture on the screen; the same delay is in it, and the
    /// time that ffmpeg takes for its first picture.
    again: Option<Duration>,
    watching: Watching,
    goes_on: bool,
    complaints: String,
}

impl Outcome {
    fn broken(&self) -> usize {
        let is_broken = |seen: &&Seen| seen.picture == Picture::Other;
        self.seen.iter().filter(is_broken).count()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.seen.iter().find(|seen| !seen.error.is_empty());
        write!(
            out,
            "{:?}: slate after {:?}, encoder again after {:?}, {} of {} looks broken, longest freeze \
             {:?} of the time and {:?} of the pictures, ended {}, error {:?}, the response goes on {}, \
             seams {:?}, ffmpeg says {:?}",
            self.stream,
            self.slate,
            self.again,
            self.broken(),
            self.seen.len(),
            longest_freeze(&self.seen, |seen| seen.time),
            longest_freeze(&self.seen, |seen| seen.painted),
            self.seen.iter().any(|seen| seen.has_ended),
            error.map(|seen| &seen.error),
            self.goes_on,
            self.watching.seams(),
            self.complaints,
        )
    }
}

fn watch_a_dropout(firefox: &Firefox, stream: Stream) -> Outcome {
    let server = stream.start(&[]);
    let mut encoder = Some(stream.publish(&server));
    server.wait_log(READY, SOON);
    firefox.goto(&format!("{}video?delay=low", server.local_url()));
    firefox.wait_for_video(SOON, |video| video.current_time > 3.0);
    let taking = Taking::start(Watching::open(&server));

    let clock = Deadline::after(Duration::from_secs(20));
    let mut seen = Vec::new();
    let (mut killed, mut back) = (None, None);
    while !clock.has_passed() {
        let begun = clock.elapsed();
        seen.extend(look(firefox, begun));
        if killed.is_none() && begun > Duration::from_secs(2) {
            encoder.take().expect("running").kill();
            killed = Some(begun);
        }
        if back.is_none() && killed.is_some_and(|killed| begun > killed + AWAY) {
            encoder = Some(stream.publish(&server));
            back = Some(begun);
        }
        thread::sleep(LOOK.saturating_sub(clock.elapsed() - begun));
    }
    let (watching, goes_on) = taking.stop();
    let file = server.directory().join("taken.mp4");
    fs::write(&file, bytes_of(&watching)).expect("a file");
    let (killed, back) = (killed.expect("killed"), back.expect("back"));
    let first = |picture: Picture, after: Duration| {
        let mut seen = seen.iter();
        let found = seen.find(|seen| seen.picture == picture && seen.at > after)?;
        Some(found.at)
    };
    let slate = first(Picture::Slate, killed);
    let again = slate.and_then(|slate| first(Picture::Encoder, back.max(slate)));
    Outcome {
        stream,
        slate: slate.map(|at| at - killed),
        again: again.map(|at| at - back),
        seen,
        watching,
        goes_on,
        complaints: complaints(&file),
    }
}

#[test]
fn a_player_goes_over_to_the_slate_and_back_whoever_encodes() {
    let firefox = Firefox::start(Options {
        // It makes up counts of pictures, and keeps pages from reading them.
        resist_fingerprinting: false,
        ..Options::default()
    });
    for stream in [
        Stream::new(Way::Ingest, Codecs::High, 48_000),
        Stream::new(Way::Rtmp, Codecs::High, 44_100),
        Stream::new(Way::Files, Codecs::High, 44_100),
        Stream::new(Way::Ingest, Codecs::Vp9, 48_000),
        Stream::new(Way::Ingest, Codecs::Av1, 48_000),
    ] {
        let outcome = watch_a_dropout(&firefox, stream);
        tell(&outcome.to_string());
        assert!(outcome.slate.is_some(), "nobody saw the slate: {outcome}");
        assert!(outcome.again.is_some(), "it does not play on: {outcome}");
        assert_eq!(outcome.broken(), 0, "{outcome}");
        let is_well = |seen: &Seen| !seen.has_ended && seen.error.is_empty();
        assert!(outcome.seen.iter().all(is_well), "{outcome}");
        let frozen = longest_freeze(&outcome.seen, |seen| seen.time);
        assert!(frozen < Duration::from_secs(2), "{outcome}");
        assert!(outcome.goes_on, "the response ended: {outcome}");
        assert_eq!(outcome.watching.inits.len(), 1, "{outcome}");
        let (_, overlap) = outcome.watching.seams();
        assert!(overlap.is_zero(), "decode times step back: {outcome}");
        assert_eq!(outcome.complaints, "", "{outcome}");
    }
}

#[test]
fn recordings_sound_alone_and_playlists_go_through_the_slate() {
    let stream = Stream::new(Way::Ingest, Codecs::High, 48_000);
    let server = stream.start(&["--record", "--set", "recording.public=true"]);
    let mut encoder = stream.publish(&server);
    server.wait_log(READY, SOON);
    let mut watching = Watching::open(&server);
    let sound = Taking::start(Watching::open_at(&server, "/audio.mp4?delay=low"));
    assert!(watching.until(SOON, |watching| watching.seconds() > 4.0));
    encoder.kill();
    let before = watching.seconds();
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 8.0));
    encoder = stream.publish(&server);
    let before = watching.seconds();
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 8.0));
    assert_eq!(watching.inits.len(), 1, "the same response");

    let file = server.directory().join("taken.mp4");
    // From the oldest segment on; it does not wait for those to come.
    let list = format!("{}stream.m3u8", server.local_url());
    let listed = Command::new(program("ffmpeg", "FFMPEG"))
        .args("-nostdin -v error -y -live_start_index 0 -i".split(' '))
        .arg(&list)
        .args("-t 12 -enc_time_base -1 -f null -".split(' '))
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs");
    assert_eq!(String::from_utf8_lossy(&listed.stderr), "", "the playlist");

    let (sound, goes_on) = sound.stop();
    assert!(goes_on, "the sound alone");
    assert!(!sound.inits[0].has_video());
    fs::write(&file, bytes_of(&sound)).expect("a file");
    assert_eq!(complaints(&file), "", "the sound alone");
    assert!(sound.seconds() > 15.0);
    assert!(sound.seams().1.is_zero());

    encoder.signal(Signal::INT);
    let directory = server.directory().join("recordings");
    let recorded = watch(SOON, || {
        let page = Request::get("/recordings").send(server.local_address());
        let text = page.text();
        let at = text.split_once("/recordings/")?.1;
        let name = at.split(['"', '/', '?']).next()?.to_owned();
        let name = name.trim_end_matches(".mp4").to_owned();
        directory
            .join(format!("{name}.mp4"))
            .exists()
            .then_some(name)
    });
    let recorded = recorded.expect("a recording");
    assert_eq!(complaints(&directory.join(format!("{recorded}.mp4"))), "");
    let firefox = Firefox::start(Options {
        resist_fingerprinting: false,
        ..Options::default()
    });
    firefox.goto(&format!("{}recordings/{recorded}.mp4", server.local_url()));
    firefox.execute("const v = document.querySelector('video'); v.muted = true; v.play();");
    let mut seen = Vec::new();
    let clock = Deadline::after(Duration::from_secs(40));
    while !clock.has_passed()
        && !seen
            .last()
            .is_some_and(|seen: &Seen| seen.has_ended && seen.time > 1.0)
    {
        // Until the first picture there is nothing to be seen.
        seen.extend(look(&firefox, clock.elapsed()).filter(|seen| seen.painted > 0.0));
        thread::sleep(LOOK);
    }
    let has = |picture: Picture| seen.iter().any(|seen| seen.picture == picture);
    assert!(has(Picture::Encoder) && has(Picture::Slate), "{seen:?}");
    assert!(!has(Picture::Other), "{seen:?}");
    let last = seen.last().expect("it was looked at");
    assert!(last.has_ended && last.time > 15.0, "{last:?}");
    assert!(seen.iter().all(|seen| seen.error.is_empty()));
}

#[test]
fn without_ffmpeg_or_for_other_codecs_the_response_ends_and_the_log_says_why_once() {
    let missing = ["--set", "encoder.ffmpeg=/nonexistent/ffmpeg"];
    for (codecs, more, why) in [
        (Codecs::Hevc, &[][..], "there is no slate for `hvc1`"),
        (Codecs::High, &missing, "cannot be started: No such file"),
    ] {
        let stream = Stream::new(Way::Ingest, codecs, 48_000);
        let server = stream.start(more);
        let mut encoder = stream.publish(&server);
        server.wait_log(why, SOON);
        let mut watching = Watching::open(&server);
        assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
        encoder.kill();
        assert!(!watching.until(SOON, |_| false), "a clean end");
        let _again = stream.publish(&server);
        Watching::open(&server);
        assert_eq!(server.log().matches(why).count(), 1, "{}", server.log());
        let unplayable = server
            .log()
            .matches("Tor Browser does not play HEVC")
            .count();
        let expected = usize::from(codecs == Codecs::Hevc);
        assert_eq!(unplayable, expected, "{}", server.log());
    }
}

#[test]
fn the_card_takes_the_place_of_a_slate_that_is_broken_whoever_encodes() {
    let directory = tempfile::tempdir().expect("a directory");
    let broken = directory.path().join("back soon.mp4");
    fs::write(&broken, "nobody can play this").expect("a file");
    let slate = format!("encoder.slate={}", broken.display());
    let stream = Stream::new(Way::Ingest, Codecs::High, 48_000);
    let server = stream.start(&["--set", &slate]);
    let encoder = stream.publish(&server);
    server.wait_log("the card that is built in takes its place", SOON);
    server.wait_log(READY, SOON);
    let mut watching = Watching::open(&server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
    drop(encoder);
    let before = watching.seconds();
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 6.0));
    assert_eq!(watching.inits.len(), 1, "one response");
}

#[test]
fn an_encoder_that_has_ended_properly_is_not_waited_for() {
    for way in [Way::Ingest, Way::Rtmp, Way::Files] {
        let stream = Stream::new(way, Codecs::High, 48_000);
        let server = stream.start(&[]);
        let mut encoder = stream.publish(&server);
        server.wait_log(READY, SOON);
        let mut watching = Watching::open(&server);
        assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
        encoder.signal(Signal::INT);
        let clock = Deadline::after(SOON);
        assert!(!watching.until(SOON, |_| false), "{way:?}: a clean end");
        let took = clock.elapsed();
        assert!(took < Duration::from_secs(6), "{way:?}: {took:?}");
    }
}

#[test]
fn sound_without_a_picture_is_covered_by_silence() {
    let stream = Stream::new(Way::Ingest, Codecs::Aac, 44_100);
    let server = stream.start(&[]);
    let mut encoder = stream.publish(&server);
    server.wait_log(READY, SOON);
    let mut watching = Watching::open(&server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
    encoder.kill();
    let before = watching.seconds();
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 6.0));
    let _again = stream.publish(&server);
    let before = watching.seconds();
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 6.0));
    assert_eq!(watching.inits.len(), 1);
    let file = server.directory().join("taken.mp4");
    fs::write(&file, bytes_of(&watching)).expect("a file");
    assert_eq!(complaints(&file), "");
}

#[test]
fn what_encodes_a_slate_ends_when_nobody_wants_it_any_more_and_with_the_show() {
    let directory = tempfile::tempdir().expect("a directory");
    let clip = directory.path().join("clip.mp4");
    let made = Command::new(program("ffmpeg", "FFMPEG"))
        .args("-nostdin -v error -f lavfi -i testsrc2=size=1280x720:rate=25 -t 60".split(' '))
        .args("-c:v mpeg4 -q:v 5".split(' '))
        .arg(&clip)
        .stdin(Stdio::null())
        .status();
    assert!(made.is_ok_and(|made| made.success()));
    let slate = format!("encoder.slate={}", clip.display());
    let stream = Stream::new(Way::Ingest, Codecs::High, 48_000);
    let mut server = stream.start(&["--set", &slate]);
    let encoding = |server: &Server, not: Option<u32>| {
        let number = watch(SOON, || {
            let mut encoders = encoders_of(server.id()).into_iter();
            // Not the one that is only asked for its version.
            let is_long = |number: &u32| {
                let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&line).contains("clip.mp4") && Some(*number) != not
            };
            encoders.find(is_long)
        });
        number.unwrap_or_else(|| panic!("nothing is encoded: {}", server.log()))
    };
    let gone = |number| watch(SOON, || (!is_running(number)).then_some(())).is_some();

    let first = stream.publish(&server);
    let superseded = encoding(&server, None);
    drop(first);
    let _other = Stream {
        width: 480,
        ..stream
    }
    .publish(&server);
    let second = encoding(&server, Some(superseded));
    assert!(gone(superseded), "it was superseded");
    assert!(!server.log().contains("has no slate"), "{}", server.log());

    server.sigkill();
    assert!(gone(second), "the show was killed");
}
