//! `--source url`: the real program fetches a feed through a real Tor network, or past it for who said
//! so twice, and nothing that a feed says makes it go anywhere else.

#[path = "../stage/mod.rs"]
mod stage;

mod apart;
mod hostile;
mod server;
mod witness;

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    net::{TcpListener, UdpSocket},
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use server::{FeedServer, Page};
use stage::{
    Deadline, desk, firefox,
    process::{Process, program},
    server::Server,
    tor_network::TorNetwork,
    watch,
    watching::{Watching, encoders_of, is_running},
};
use witness::Witness;

const SOON: Duration = Duration::from_secs(40);

/// What waits for circuits gets more time than the median second they take.
const THROUGH_TOR: Duration = Duration::from_mins(2);

/// Where the proxy is, in the network that an ffmpeg has to itself.
const PROXY: u16 = 3128;

/// Both words.
const DIRECT: [&str; 4] = ["--direct", "no-tor", "--direct", "shows-my-address"];

/// Runs an ffmpeg that makes a picture and a tone, then these arguments.
fn source(directory: &Path, arguments: &str) -> Command {
    let mut command = Command::new(program("ffmpeg", "FFMPEG"));
    let all = format!(
        "-nostdin -v error -y -re -f lavfi -i testsrc2=size=320x180:rate=25 -re -f lavfi -i \
         sine=frequency=300:sample_rate=48000 -c:v libx264 -preset ultrafast -g 25 -c:a aac {arguments}"
    );
    command.current_dir(directory).args(all.split_whitespace());
    command
}

/// A feed that goes on, in pieces of so many seconds.
fn live(directory: &Path, seconds: u32) -> Process {
    let arguments = format!(
        "-g {} -hls_time {seconds} -hls_list_size 6 -hls_flags delete_segments -f hls live.m3u8",
        seconds * 25
    );
    let process = Process::start("the feed's ffmpeg", &mut source(directory, &arguments));
    let is_there = || directory.join("live.m3u8").exists().then_some(());
    watch(SOON, is_there).expect("a feed");
    process
}

/// A piece of three seconds.
fn piece(directory: &Path, name: &str) {
    let made = source(directory, &format!("-t 3 -f mpegts {name}")).status();
    assert!(made.expect("ffmpeg runs").success());
}

/// Starts a show of the feed at this address.
fn start(url: &str, more: &[&str]) -> Server {
    let mut arguments = vec!["--source", "url", url, "--preset", "low-latency"];
    arguments.extend(more);
    Server::start(&arguments)
}

fn direct(url: &str, more: &[&str]) -> Server {
    start(url, &[&DIRECT[..], &["--no-tor"], more].concat())
}

fn ffmpeg_setting(witness: &Witness) -> String {
    format!("encoder.ffmpeg={}", witness.ffmpeg().display())
}

#[test]
fn a_feed_behind_an_onion_service_is_on_the_air_and_its_server_meets_only_tor() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut network = TorNetwork::boot();
    let _feed = live(directory.path(), 1);
    let server = FeedServer::start(directory.path(), BTreeMap::new());
    let host = network.host(server.address());
    let witness = Witness::new();

    let settings = [
        format!("onion.network={}", network.arti_toml().display()),
        ffmpeg_setting(&witness),
    ];
    let url = format!("http://{host}/live.m3u8?key=topsecret");
    let show = start(&url, &["--set", &settings[0], "--set", &settings[1]]);
    // Nothing is asked before Tor is there, and then it takes a while.
    show.wait_reachable(THROUGH_TOR);
    let clock = Deadline::after(THROUGH_TOR);
    watch(THROUGH_TOR, || (!server.visits().is_empty()).then_some(())).expect("a visit");
    let mut watching = Watching::open(&show);
    assert!(watching.until(THROUGH_TOR, |watching| watching.seconds() > 12.0));
    println!(
        "12 s were played {:.1} s after the first visit",
        clock.elapsed().as_secs_f64()
    );

    assert_eq!(watching.inits[0].tracks().len(), 2);
    let tor = network.process_ids();
    for visit in server.visits() {
        // tor hides its files, so that whose socket it is cannot be told; those of the show can.
        assert!(
            visit.process.is_none_or(|process| tor.contains(&process)),
            "{visit:?}"
        );
        assert!(visit.head.contains(&format!("host: {host}")), "{visit:?}");
        assert!(
            visit.head.contains("gecko") && !visit.head.contains("lavf"),
            "{visit:?}"
        );
        assert!(!visit.head.contains("proxy"), "{visit:?}");
    }
    assert_eq!(witness.strangers(), Vec::<String>::new());
    assert_eq!(witness.ports(), [PROXY]);
    let told = show.log() + &commands_of(&show);
    for secret in ["topsecret", host.trim_end_matches(".onion")] {
        assert!(!told.contains(secret), "{told}");
    }
}

/// The command lines of all encoders of a show.
fn commands_of(show: &Server) -> String {
    let all = watch(SOON, || {
        let all = encoders_of(show.id());
        (!all.is_empty()).then_some(all)
    });
    // Watched ones are children of the one that watches.
    let all = all.unwrap_or_default().into_iter();
    let lines = all.map(|id| fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default());
    String::from_utf8_lossy(&lines.collect::<Vec<_>>().concat()).into_owned()
}

#[test]
fn who_says_twice_that_no_tor_is_meant_gets_it_and_is_told_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let _feed = live(directory.path(), 4);
    let server = FeedServer::start(directory.path(), BTreeMap::new());
    let url = format!(
        "http://me:topsecret@{}/live.m3u8?key=topsecret",
        server.address()
    );
    let show = direct(&url, &[]);

    let mut watching = Watching::open(&show);
    assert!(watching.until(SOON, |watching| watching.seconds() > 4.0));
    // Pieces of four seconds do not become four seconds of silence.
    let (mut last, mut silence) = (Deadline::after(SOON), Duration::ZERO);
    for _ in 0..50 {
        let count = watching.fragments.len();
        assert!(watching.until(SOON, |watching| watching.fragments.len() > count));
        silence = silence.max(last.elapsed());
        last = Deadline::after(SOON);
    }
    println!("the longest silence between fragments was {silence:?}");
    assert!(silence < Duration::from_millis(1500), "{silence:?}");

    let (pause, overlap) = watching.seams();
    assert!(pause < Duration::from_millis(60), "{pause:?}");
    assert!(overlap < Duration::from_millis(2), "{overlap:?}");
    show.wait_log("not fetched through Tor", SOON);
    let commands = commands_of(&show);
    assert!(
        commands.contains("http://feed.invalid/feed.m3u8"),
        "{commands}"
    );
    let told = show.log() + &commands;
    assert!(!told.contains("topsecret"), "{told}");
    assert!(
        server
            .visits()
            .iter()
            .any(|visit| visit.process == Some(show.id()))
    );
}

#[test]
fn a_feed_that_goes_away_is_followed_by_the_slate_and_is_back_when_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let _feed = live(directory.path(), 1);
    let server = FeedServer::start(directory.path(), BTreeMap::new());
    let address = server.address();
    let show = direct(&format!("http://{address}/live.m3u8"), &[]);
    let mut watching = Watching::open(&show);
    assert!(watching.until(SOON, |watching| watching.seconds() > 5.0));

    drop(server);
    let line = show.wait_log("the feed has broken off", SOON);
    assert!(line.contains("it is asked for again in 0.25 s"), "{line}");
    let line = show.wait_log("the feed cannot be played", SOON);
    assert!(
        line.contains("the feed's server cannot be reached: it refuses"),
        "{line}"
    );
    // Nothing comes from it: all of this is the slate.
    let before = watching.seconds();
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 8.0));
    let server = FeedServer::start_at(address, directory.path(), BTreeMap::new());
    let is_back = watch(SOON, || (server.visits().len() > 4).then_some(()));
    assert!(is_back.is_some(), "{}", show.log());
    let before = watching.seconds();
    assert!(watching.until(SOON, |watching| watching.seconds() > before + 6.0));

    assert_eq!(watching.inits.len(), 1, "one response, one broadcast");
    let (pause, overlap) = watching.seams();
    assert!(pause < Duration::from_secs(4), "{pause:?}");
    assert!(overlap < Duration::from_millis(2), "{overlap:?}");
}

#[test]
fn what_a_hostile_feed_names_is_neither_opened_nor_asked() {
    let directory = tempfile::tempdir().expect("a directory");
    piece(directory.path(), "good.ts");
    let home = tempfile::tempdir().expect("a directory");
    piece(home.path(), "private.ts");
    let private = home.path().join("private.ts");
    // Whoever knocks here was sent by the feed.
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    for silent in [&tcp, &other] {
        silent.set_nonblocking(true).expect("a socket");
    }
    udp.set_nonblocking(true).expect("a socket");
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    let traps = hostile::traps(
        &private,
        port(&tcp),
        udp.local_addr().expect("an address").port(),
        port(&other),
    );

    let pages = hostile::pages(
        &traps,
        &private,
        udp.local_addr().expect("an address").port(),
    );
    let server = FeedServer::start(directory.path(), pages);

    let witness = Witness::new();
    let setting = ffmpeg_setting(&witness);
    let mut feeds = Vec::new();
    for name in ["segments", "variants", "keys", "concat", "sdp", "away"] {
        let url = format!("http://{}/{name}.m3u8", server.address());
        feeds.push((name, direct(&url, &["--set", &setting])));
    }
    for (name, show) in &feeds {
        let can_play = ["segments", "variants"].contains(name);
        if can_play {
            let mut watching = Watching::open(show);
            assert!(
                watching.until(SOON, |watching| watching.seconds() > 1.0),
                "{name}"
            );
        }
        // Tried by ffprobe and, where there is something to be played, by ffmpeg, to the end.
        show.wait_log("it is asked for again", Duration::from_mins(2));
        let log = show.log();
        assert!(
            !log.contains("private") && !log.contains("127.0.0.1:"),
            "{name}: {log}"
        );
    }

    assert!(tcp.accept().is_err(), "somebody knocked");
    assert!(other.accept().is_err(), "the proxy let somebody through");
    assert!(udp.recv(&mut [0; 9]).is_err(), "somebody sent something");
    assert_eq!(witness.strangers(), Vec::<String>::new());
    let calls = witness.calls();
    assert!(
        calls.iter().any(|call| call.contains("connect(")),
        "they were watched"
    );
    let opened: Vec<_> = calls
        .iter()
        .filter(|call| call.contains("private.ts"))
        .collect();
    assert!(opened.is_empty(), "{opened:?}");
    let ports = witness.ports();
    assert!(ports.contains(&PROXY), "{ports:?}");
    println!("within the network of its own, ffmpeg went to the ports {ports:?}");
    assert!(!ports.contains(&server.address().port()));
}

#[test]
fn a_key_is_fetched_like_everything_else_and_a_wrong_certificate_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let there = directory.path();
    fs::write(there.join("key.bin"), [7; 16]).expect("a key");
    fs::write(there.join("keys.txt"), "/key.bin\nkey.bin\n").expect("a file");
    let arguments =
        "-t 6 -hls_time 2 -hls_list_size 0 -hls_key_info_file keys.txt -f hls live.m3u8";
    assert!(
        source(there, arguments)
            .status()
            .expect("ffmpeg runs")
            .success()
    );
    let made = Command::new(program("openssl", "OPENSSL"))
        .args("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout k.pem -out c.pem".split(' '))
        .current_dir(there)
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl runs").success());
    let server = FeedServer::start(there, BTreeMap::new());
    let mut show = direct(&format!("http://{}/live.m3u8", server.address()), &[]);
    let mut watching = Watching::open(&show);
    assert!(watching.until(SOON, |watching| watching.seconds() > 3.0));
    assert!(server.visits().iter().any(|visit| visit.path == "/key.bin"));
    assert!(
        server
            .visits()
            .iter()
            .any(|visit| visit.process == Some(show.id()))
    );
    assert!(show.sigterm().success());

    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port().to_string();
    drop(free);
    let mut tls = Command::new(program("openssl", "OPENSSL"));
    tls.args([
        "s_server", "-accept", &port, "-key", "k.pem", "-cert", "c.pem", "-WWW",
    ]);
    let tls = Process::start("openssl", tls.current_dir(there));
    tls.out()
        .find(SOON, |line| line.contains("ACCEPT").then_some(()));
    let show = direct(&format!("https://127.0.0.1:{port}/live.m3u8"), &[]);
    let line = show.wait_log("the feed cannot be played", SOON);
    assert!(line.contains("its certificate may be wrong"), "{line}");
    assert!(!tls.err().text().contains("FILE:"), "nothing was asked for");
}

#[test]
fn what_is_no_feed_is_a_sentence() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut pages = BTreeMap::new();
    let page = |text: &str| Page::Text("text/html", text.to_owned());
    pages.insert(
        "/page.m3u8".to_owned(),
        page("<!doctype html><title>hello</title>"),
    );
    pages.insert("/empty.ts".to_owned(), page(""));
    pages.insert("/closed".to_owned(), Page::Status(403));
    let server = FeedServer::start(directory.path(), pages);
    for (path, words) in [
        ("nothing.m3u8", "has nothing at this address"),
        ("page.m3u8", "no video or sound that can be used"),
        ("empty.ts", "the feed cannot be played"),
        ("closed", "wants a password, or lets nobody in"),
    ] {
        let show = direct(&format!("http://{}/{path}", server.address()), &[]);
        let line = show.wait_log("the feed cannot be played", SOON);
        assert!(line.contains(words), "{path}: {line}");
    }
    let show = direct("http://no-such-host.invalid/live.m3u8", &[]);
    let line = show.wait_log("the feed cannot be played", SOON);
    assert!(line.contains("no server of that name is known"), "{line}");
}

#[test]
fn a_feed_without_sound_or_without_a_picture_is_played_all_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, options) in [("mute.ts", "-an"), ("blind.mp3", "-vn -c:a libmp3lame")] {
        let made = source(directory.path(), &format!("{options} -t 4 {name}")).status();
        assert!(made.expect("ffmpeg runs").success());
        let server = FeedServer::start(directory.path(), BTreeMap::new());
        let show = direct(&format!("http://{}/{name}", server.address()), &[]);
        let mut watching = Watching::open(&show);
        assert!(
            watching.until(SOON, |watching| watching.seconds() > 2.0),
            "{name}"
        );
        assert_eq!(watching.inits[0].tracks().len(), 2, "{name}");
    }
}

/// Runs the program with these arguments to its end.
fn run(arguments: &[&str], input: &str) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    let mut child = Command::new(env!("CARGO_BIN_EXE_onionstream"))
        .arg("--dir")
        .arg(directory.path())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    // Who does not want it may have ended.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

#[test]
fn one_slip_never_leads_past_tor() {
    let feed = ["--source", "url", "http://127.0.0.1:1/topsecret"];
    let (no_tor, shows) = (["--direct", "no-tor"], ["--direct", "shows-my-address"]);
    for (command, arguments, words) in [
        (
            "start",
            [&feed[..], &no_tor].concat(),
            "say so with `--direct shows-my-address` besides",
        ),
        (
            "start",
            [&feed[..], &shows].concat(),
            "say so with `--direct no-tor` besides",
        ),
        (
            "start",
            [&feed[..], &no_tor, &no_tor].concat(),
            "`--direct shows-my-address` besides",
        ),
        (
            "start",
            [&feed[..], &["--direct"]].concat(),
            "a value is required",
        ),
        (
            "start",
            [&feed[..], &["--direct", "yes"]].concat(),
            "invalid value 'yes'",
        ),
        (
            "start",
            [&feed[..], &["--direct=no-tor,shows-my-address"]].concat(),
            "invalid value",
        ),
        (
            "start",
            [&feed[..], &["--set", "encoder.direct=true"]].concat(),
            "encoder.direct",
        ),
        (
            "start",
            [&feed[..], &["--no-tor"]].concat(),
            "is fetched through Tor, which is switched off",
        ),
        (
            "start",
            [&["--source", "test"][..], &no_tor, &shows].concat(),
            "`--direct` is for",
        ),
        ("start", vec!["--source", "url"], "required"),
        (
            "start",
            vec!["--source", "url", "rtsp://10.0.0.1/topsecret"],
            "push them to `--source rtmp`",
        ),
        (
            "start",
            vec!["--source", "url", "file:///etc/topsecret"],
            "begins with `http://`",
        ),
        (
            "start",
            vec!["--source", "url", "http://127.1/topsecret"],
            "neither a name nor an IP",
        ),
        (
            "start",
            vec!["--source", "url", "-"],
            "begins with `http://`",
        ),
        ("ffmpeg", feed.to_vec(), "is not printed"),
        (
            "ffmpeg",
            [&feed[..], &no_tor, &shows].concat(),
            "is not printed",
        ),
    ] {
        let refused = run(&[&[command], &arguments[..]].concat(), "srt://topsecret\n");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{arguments:?}");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(!said.contains("topsecret"), "{arguments:?}: {said}");
        assert!(refused.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn where_ffmpeg_cannot_be_shut_off_from_the_network_nothing_is_fetched() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = FeedServer::start(directory.path(), BTreeMap::new());
    // A user namespace in which no further one can be made.
    let without = |command: &str| {
        let script = format!(
            "echo 0 > /proc/sys/user/max_user_namespaces && exec {} --dir {} {command} \
             --source url http://{}/live.m3u8 {}",
            env!("CARGO_BIN_EXE_onionstream"),
            directory.path().display(),
            server.address(),
            DIRECT.join(" ")
        );
        Command::new("unshare")
            .args(["--user", "--map-root-user", "sh", "-c", &script])
            .stdin(Stdio::null())
            .output()
            .expect("unshare runs")
    };

    let refused = without("start --listen 127.0.0.1:0 --no-tor");
    let told = without("doctor");

    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        said.contains("ffmpeg cannot be shut off from the network"),
        "{said}"
    );
    assert_eq!(refused.status.code(), Some(1), "{said}");
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(
        told.contains("ffmpeg cannot be shut off from the network"),
        "{told}"
    );
    let url = format!("http://{}/live.m3u8", server.address());
    let doctor = ["doctor", "--source", "url", &url];
    let here = run(&[&doctor[..], &DIRECT].concat(), "");
    let here = String::from_utf8_lossy(&here.stdout);
    assert!(
        here.contains("ffmpeg can be shut off from every network"),
        "{here}"
    );
    assert_eq!(server.visits().len(), 0);
}

#[test]
fn what_fetches_does_not_outlive_a_show_that_is_killed() {
    let directory = tempfile::tempdir().expect("a directory");
    let _feed = live(directory.path(), 1);
    let server = FeedServer::start(directory.path(), BTreeMap::new());
    let mut show = direct(&format!("http://{}/live.m3u8", server.address()), &[]);
    let mut watching = Watching::open(&show);
    assert!(watching.until(SOON, |watching| watching.seconds() > 2.0));
    let encoder = watch(SOON, || encoders_of(show.id()).first().copied()).expect("an encoder");
    let network =
        |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).expect("a network");
    assert_ne!(
        network(&encoder.to_string()),
        network("self"),
        "it has its own"
    );

    show.sigkill();

    let gone = watch(SOON, || (!is_running(encoder)).then_some(()));
    assert!(gone.is_some(), "it is still there");
}

#[test]
fn the_desk_says_that_a_feed_goes_past_tor() {
    let directory = tempfile::tempdir().expect("a directory");
    let _feed = live(directory.path(), 1);
    let server = FeedServer::start(directory.path(), BTreeMap::new());
    let url = format!("http://{}/live.m3u8", server.address());
    let arguments = [&["--no-tor", "--source", "url", url.as_str()][..], &DIRECT].concat();
    let show = Server::start_prepared(&arguments, |directory| {
        desk::set_password(directory, desk::PASSWORD);
    });
    Watching::open(&show);
    let desk = desk::Desk::opens(firefox::Options::default(), &show);
    desk.live(|firefox| {
        firefox.wait_for_text(
            "x-tor:last-of-type",
            "The feed is not fetched through Tor",
            SOON,
        )
    });
    desk.firefox().screenshot("desk-feed-past-tor.png");
}
