//! `/audio`: the sound of a broadcast alone, from the same encoder, with real ffmpeg and Firefox.

mod stage;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use onionstream::media::{fragment::Fragment, init::InitSegment};
use serde_json::Value;
use stage::{
    encoder::{Codecs, Encoder, Kind},
    firefox::{Firefox, Options, Scheme},
    http::Request,
    process::program,
    server::Server,
    watch,
    watching::{Watching, encoders_of},
};

const SOON: Duration = Duration::from_secs(30);

fn ffmpeg() -> PathBuf {
    program("ffmpeg", "FFMPEG")
}

fn start(arguments: &[&str]) -> Server {
    let setting = format!("encoder.ffmpeg={}", ffmpeg().display());
    let mut all = vec!["--no-tor", "--set", &setting];
    all.extend(arguments);
    Server::start(&all)
}

/// Beginning of the sound of a fragment, in ticks.
fn sound_at(fragment: &Fragment, track: u32) -> Option<u64> {
    let mut runs = fragment.runs().iter();
    Some(runs.find(|run| run.track_id == track)?.decode_time)
}

/// What ffmpeg hears: a digest of each packet, or of each decoded frame.
fn digests(
    directory: &Path,
    init: &InitSegment,
    fragments: &[&Fragment],
    is_decoded: bool,
) -> Vec<String> {
    let file = directory.join("heard.mp4");
    let media = fragments.iter().map(|one| one.bytes());
    let parts: Vec<&[u8]> = std::iter::once(init.bytes())
        .chain(media)
        .map(|bytes| &bytes[..])
        .collect();
    fs::write(&file, parts.concat()).expect("a file");
    let codec = if is_decoded { "pcm_s16le" } else { "copy" };
    let heard = Command::new(ffmpeg())
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(&file)
        .args(["-map", "0:a", "-c", codec, "-f", "framemd5", "-"])
        .output()
        .expect("ffmpeg runs");
    let said = String::from_utf8_lossy(&heard.stderr);
    assert!(heard.status.success() && said.is_empty(), "{said}");
    let lines = String::from_utf8_lossy(&heard.stdout).into_owned();
    lines
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.rsplit_once(',')?.1.trim().to_owned()))
        .collect()
}

#[test]
fn what_listeners_hear_is_bit_for_bit_what_watchers_hear_for_a_fraction_of_the_bytes() {
    let directory = tempfile::tempdir().expect("a directory");
    for preset in ["balanced", "compatible"] {
        let server = start(&["--source", "test", "--preset", preset]);
        let mut watching = Watching::open(&server);
        assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
        let mut listening = Watching::open_at(&server, "/audio.mp4?delay=low");
        assert!(listening.until(SOON, |listening| listening.seconds() > 6.0));
        let end = listening.fragments.last().map(Fragment::start);
        assert!(watching.until(SOON, |watching| {
            watching.fragments.last().map(Fragment::start) > end
        }));

        let (full, alone) = (&watching.inits[0], &listening.inits[0]);
        assert_eq!((full.tracks().len(), alone.tracks().len()), (2, 1));
        let track = alone.tracks()[0].id;
        // From the same fragment on, so that the decoder is in the same state.
        let times: Vec<_> = listening
            .fragments
            .iter()
            .filter_map(|one| sound_at(one, track))
            .collect();
        let seen: Vec<_> = watching
            .fragments
            .iter()
            .filter(|one| sound_at(one, track).is_some_and(|at| times.contains(&at)))
            .collect();
        let is_seen = |at: u64| seen.iter().any(|one| sound_at(one, track) == Some(at));
        let heard: Vec<_> = listening
            .fragments
            .iter()
            .filter(|one| sound_at(one, track).is_some_and(is_seen))
            .collect();
        assert!(heard.len() > 10, "{preset}: {}", heard.len());
        assert_eq!(heard.len(), seen.len(), "{preset}: the same fragments");
        for is_decoded in [false, true] {
            let of_full = digests(directory.path(), full, &seen, is_decoded);
            let of_sound = digests(directory.path(), alone, &heard, is_decoded);
            assert!(of_full.len() > 100, "{preset}: {}", of_full.len());
            assert_eq!(of_full, of_sound, "{preset}: decoded: {is_decoded}");
        }
        let (_, overlap) = listening.seams();
        assert_eq!(overlap, Duration::ZERO, "{preset}");

        let bytes = |fragments: &[&Fragment]| -> usize {
            fragments.iter().map(|one| one.bytes().len()).sum()
        };
        assert!(
            bytes(&heard) * 3 < bytes(&seen),
            "{preset}: {} of {}",
            bytes(&heard),
            bytes(&seen)
        );
        assert_eq!(encoders_of(server.id()).len(), 1, "one encoder for both");
    }
}

#[test]
fn listeners_count_and_get_the_same_headers_and_one_answer_at_a_time() {
    let server = start(&["--source", "test", "--preset", "low-latency"]);
    let mut watching = Watching::open(&server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
    drop(watching);
    let address = server.local_address();

    let mut listening = Watching::open_at(&server, "/audio.mp4");
    assert!(listening.until(SOON, |listening| listening.seconds() > 1.0));

    let panel = || Request::get("/live?static=1").send(address).text();
    let counted = watch(SOON, || {
        panel().contains("1 person is watching").then_some(())
    });
    assert!(counted.is_some(), "{}", panel());
    let head = Request::new("HEAD", "/audio.mp4").send(address);
    assert_eq!(
        (head.status, head.header("content-type")),
        (200, Some("audio/mp4"))
    );
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("accept-ranges", "none"),
    ] {
        assert_eq!(head.header(name), Some(value), "{name}");
    }
    assert_eq!(head.header("date"), None);

    // As with the picture, the newest answer of a viewer wins.
    let cookie = Request::get("/").send(address).cookies().remove(0);
    let open = |path: &str| Request::get(path).cookies(&[&cookie]).open(address);
    let mut first = open("/audio.mp4");
    let more: Vec<_> = (0..4).map(|_| open("/stream.mp4")).collect();
    let ended = watch(SOON, || {
        let piece = first.next(Duration::from_secs(5));
        matches!(piece, stage::http::Piece::End).then_some(())
    });
    assert!(ended.is_some(), "{} newer ones", more.len());
}

#[test]
fn the_links_do_what_makes_sense_with_sound_alone_a_picture_alone_and_nothing() {
    let nothing = Server::start(&["--no-tor"]);
    let get = |server: &Server, path: &str| Request::get(path).send(server.local_address());
    assert!(get(&nothing, "/audio").text().contains("Off air"));
    assert_eq!(get(&nothing, "/audio.mp4").status, 404);
    assert!(get(&nothing, "/").text().contains("Only the sound"));
    drop(nothing);

    let sound = start(&["--source", "test", "--preset", "audio"]);
    let mut listening = Watching::open_at(&sound, "/audio.mp4?delay=low");
    assert!(listening.until(SOON, |listening| listening.seconds() > 3.0));
    assert!(get(&sound, "/audio").text().contains("There is no picture"));
    assert!(!get(&sound, "/").text().contains("Only the sound"));
    drop(sound);

    let picture = Server::start(&["--no-tor"]);
    let options = stage::encoder::Options {
        codecs: Codecs::Picture,
        ..stage::encoder::Options::new(Kind::Growing)
    };
    picture.local_url();
    let _encoder = Encoder::start(&picture.directory().join("stream"), options);
    Watching::open(&picture);
    let answer = get(&picture, "/audio.mp4");
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("has no sound"));
    let page = get(&picture, "/audio");
    assert!(page.text().contains("picture without sound"));
    assert!(!get(&picture, "/").text().contains("Only the sound"));
    // Who listens elsewhere still sees what there is.
    let cookie = page.cookies().remove(0);
    let video = Request::get("/video").cookies(&[&cookie]);
    assert!(
        video
            .send(picture.local_address())
            .text()
            .contains("<video")
    );
}

/// Place, whether it is paused, and the error of the player of this frame.
fn audio(firefox: &Firefox) -> Option<(f64, bool, Value)> {
    let look = "const a = document.querySelector('audio'); if (!a) return null; \
                return [a.currentTime, a.paused, a.error?.message ?? null]";
    let seen = firefox.execute(look);
    Some((
        seen.get(0)?.as_f64()?,
        seen.get(1)?.as_bool()?,
        seen.get(2)?.clone(),
    ))
}

#[test]
fn a_viewer_without_scripts_chooses_the_sound_is_remembered_and_chooses_the_picture_again() {
    let server = start(&["--source", "test", "--preset", "balanced"]);
    fs::write(
        server.directory().join("title.txt"),
        "An evening of onions\n",
    )
    .expect("a title");
    let mut watching = Watching::open(&server);
    assert!(watching.until(SOON, |watching| watching.seconds() > 6.0));
    drop(watching);
    for (width, height) in [(360, 740), (1440, 900)] {
        // One each: a Firefox that keeps several pages with players has no memory for another one.
        let firefox = Firefox::start(Options::coloured(Scheme::Dark));
        let plays = || {
            let found = watch(SOON, || {
                audio(&firefox).filter(|(at, paused, _)| *at > 0.0 && !paused)
            });
            found.unwrap_or_else(|| panic!("{:?}", audio(&firefox)))
        };
        firefox.set_page_size(width, height);
        firefox.goto(&server.local_url());
        let costs = firefox.wait_for_text("footer", "Only the sound: about", SOON);
        assert!(costs.contains("Picture and sound: about"), "{costs}");
        firefox.click("a[href='/audio']");
        firefox.enter_frame("iframe.video");
        let before = plays();
        let after = watch(SOON, || {
            audio(&firefox).filter(|(at, ..)| *at > before.0 + 2.0)
        });
        assert_eq!(after.expect("it goes on").2, Value::Null);
        let note = firefox.wait_for_text(".notes", "Only the sound: about", SOON);
        assert!(note.contains("Picture and sound: about"), "{note}");
        let scrolls = "return [document.documentElement.scrollWidth > innerWidth]";
        assert_eq!(firefox.execute(scrolls)[0], false, "it fits at {width}");
        firefox.leave_frames();
        firefox.screenshot(&format!("audio-dark-{width}.png"));

        // As last time, and nothing is loaded before a click.
        firefox.goto(&server.local_url());
        firefox.enter_frame("iframe.video");
        firefox.wait_for_text(".note.paused", "Not playing", SOON);
        assert_eq!(
            audio(&firefox).map(|(at, paused, _)| (at, paused)),
            Some((0.0, true))
        );
        firefox.leave_frames();
        firefox.screenshot(&format!("audio-waits-dark-{width}.png"));
        firefox.enter_frame("iframe.video");
        firefox.click(".note.paused a");
        plays();

        firefox.click("a[href^='/video?quality=source']");
        firefox.wait_for_video(SOON, |video| video.current_time > 0.5);
        firefox.goto(&server.local_url());
        firefox.enter_frame("iframe.video");
        firefox.wait_for_video(SOON, |video| video.current_time > 0.5);
        firefox.leave_frames();
    }
}
