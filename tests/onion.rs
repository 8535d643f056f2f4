//! The whole way: a private Tor network on loopback, the real program with a real encoder, and a
//! Firefox without JavaScript that comes through Tor.

mod stage;

use std::{fs, time::Duration};

use stage::{
    Deadline,
    encoder::{Encoder, Kind, Options},
    firefox::{self, Firefox, VideoState},
    http::{Piece, Request},
    server::Server,
    tor_network::TorNetwork,
};

/// What waits for circuits gets more time than the median second they take.
const THROUGH_TOR: Duration = Duration::from_mins(1);

fn is_playing(video: &VideoState) -> bool {
    video.current_time > 1.0 && !video.paused && video.error.is_none()
}

fn network_setting(network: &TorNetwork) -> String {
    format!("onion.network={}", network.arti_toml().display())
}

/// The host of `http://HOST/`.
fn host(url: &str) -> &str {
    url.trim_start_matches("http://").trim_end_matches('/')
}

#[test]
fn a_viewer_without_javascript_watches_through_tor_over_every_kind_of_restart() {
    let network = TorNetwork::boot();
    // The entrance has a test of its own.
    let no_entrance = ["--set", "captcha.entrance=false"];
    let mut server =
        Server::start(&[&["--set", &network_setting(&network)], &no_entrance[..]].concat());
    let stream = server.directory().join("stream");
    let title = server.directory().join("title.txt");
    let address = server.wait_onion(THROUGH_TOR);
    server.wait_reachable(THROUGH_TOR);
    let encoder = Encoder::start(&stream, Options::new(Kind::Growing));

    // The page, the card, the picture.
    let firefox = Firefox::start(firefox::Options::through(network.socks(0)));
    firefox.goto(&address);
    firefox.enter_frame("iframe.video");
    let before = firefox.wait_for_video(THROUGH_TOR, is_playing);
    let clock = Deadline::after(THROUGH_TOR);
    std::thread::sleep(Duration::from_secs(8));
    let after = firefox.video().expect("a player");
    let rate = (after.current_time - before.current_time) / clock.elapsed().as_secs_f64();
    assert!((0.9..=1.1).contains(&rate), "the picture moves at {rate}");
    let shown = firefox.picture_of("video");
    std::thread::sleep(Duration::from_secs(1));
    assert!(
        firefox.picture_of("video") != shown,
        "the picture stands still"
    );

    // The panel: title, clock, people.
    firefox.leave_frames();
    firefox.enter_frame("iframe.live");
    firefox.wait_for_text("x-air:last-of-type", "On air", THROUGH_TOR);
    firefox.wait_for_text(
        "x-watching:last-of-type",
        "1 person is watching",
        THROUGH_TOR,
    );
    let clock_face = firefox.picture_of("x-uptime:last-of-type");
    fs::write(&title, "A show through Tor").expect("a title");
    firefox.wait_for_text(
        "x-title:last-of-type",
        "A show through Tor",
        Duration::from_secs(5),
    );
    std::thread::sleep(Duration::from_millis(1500));
    assert!(
        firefox.picture_of("x-uptime:last-of-type") != clock_face,
        "the clock ticks"
    );
    firefox.leave_frames();
    firefox.screenshot("tor-1-playing.png");

    // The encoder dies and comes back: the same player goes on.
    firefox.enter_frame("iframe.video");
    encoder.kill();
    std::thread::sleep(Duration::from_secs(2));
    let last = firefox.video().expect("a player").current_time;
    let _encoder = Encoder::start(&stream, Options::new(Kind::Growing));
    firefox.wait_for_video(THROUGH_TOR, |video| {
        video.current_time > last + 8.0 && !video.paused && video.error.is_none()
    });
    firefox.leave_frames();
    firefox.screenshot("tor-2-encoder-restarted.png");

    // The service dies and comes back: the same address plays again.
    server.sigkill();
    server.restart();
    assert_eq!(server.wait_onion(THROUGH_TOR), address, "the address stays");
    server.wait_reachable(THROUGH_TOR);
    let deadline = Deadline::after(THROUGH_TOR);
    while let Err(problem) = firefox.try_goto(&address, THROUGH_TOR) {
        assert!(!deadline.has_passed(), "{problem}");
    }
    firefox.enter_frame("iframe.video");
    firefox.wait_for_video(THROUGH_TOR, is_playing);
    firefox.leave_frames();
    firefox.screenshot("tor-3-service-restarted.png");

    let log = server.log();
    assert!(
        !log.contains(host(&address).trim_end_matches(".onion")),
        "the log names the address"
    );
}

#[test]
fn an_onion_service_answers_like_any_other_and_ends_what_it_must() {
    let network = TorNetwork::boot();
    let mut server = Server::start(&[
        "--source",
        "demo",
        "--set",
        &network_setting(&network),
        "--set",
        "captcha.entrance=false",
    ]);
    let address = server.wait_onion(THROUGH_TOR);
    let host = host(&address);
    server.wait_reachable(THROUGH_TOR);

    // No `Host` of this computer is needed, and the answer carries nothing that identifies it.
    let page = Request::get("/")
        .open_through(network.socks(0), host)
        .expect("an answer");
    assert_eq!(page.status, 200);
    assert!(page.header("date").is_none() && page.header("server").is_none());
    assert!(page.finish(THROUGH_TOR).text().contains("iframe"));

    // The stream through a circuit of its own.
    let mut video = Request::get("/stream.mp4")
        .open_through(network.socks(1), host)
        .expect("an answer");
    assert_eq!(video.status, 200);
    video.read_until(THROUGH_TOR, |bytes| bytes.len() > 300_000);

    // SIGTERM with the stream open.
    let clock = Deadline::after(THROUGH_TOR);
    assert!(server.sigterm().success());
    assert!(
        clock.elapsed() < Duration::from_secs(5),
        "{:?}",
        clock.elapsed()
    );
    let last = loop {
        match video.next(THROUGH_TOR) {
            Piece::Data(_) => {}
            last => break last,
        }
    };
    assert_eq!(last, Piece::End, "a clean last chunk");
}

#[test]
fn without_a_network_the_preview_plays_and_says_why_tor_does_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let nowhere = directory.path().join("nowhere.toml");
    // A directory authority that nobody runs, and a relay that does not listen.
    fs::write(
        &nowhere,
        "[tor_network]\nfallback_caches = [{ rsa_identity = \"B0CC75E4DBE2F9CBF35C14BFDF4D3B7ED9A1DB0A\", \
         ed_identity = \"kVRMqYOz9RRV4SQrQ8E5HnOQpRYbuHdVRXfRJ1n1zuI\", orports = [\"127.0.0.1:1\"] }]\n\
         [tor_network.authorities]\nv3idents = [\"B0CC75E4DBE2F9CBF35C14BFDF4D3B7ED9A1DB0A\"]\n\
         [address_filter]\nallow_local_addrs = true\n",
    )
    .expect("a file");
    let setting = format!("onion.network={}", nowhere.display());
    let mut server = Server::start(&["--source", "demo", "--set", &setting]);

    let page = Request::get("/stream.mp4").open(server.local_address());
    assert_eq!(page.status, 200);
    server.wait_onion(THROUGH_TOR);
    // The percentage and the reason, in words.
    server.wait_log("%", THROUGH_TOR);
    assert!(!server.facts().iter().any(|fact| fact == "reachable"));
    assert!(server.sigterm().success());
}
