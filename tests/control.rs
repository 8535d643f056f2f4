//! A running show from a terminal: the real program is asked by the real commands, and by clients
//! that do not behave.

#![expect(
    clippy::indexing_slicing,
    reason = "answers have a known shape, and a helper of a test may fail it"
)]

mod stage;

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixStream, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use stage::{
    Deadline,
    guest::Guest,
    http::{Piece, Request, Stream},
    server::Server,
    tor_network::TorNetwork,
    watch,
};

/// What waits for circuits gets more time than the median second they take.
const THROUGH_TOR: Duration = Duration::from_mins(1);
const SOON: Duration = Duration::from_secs(20);
/// What `panic` promises.
const PANIC_WITHIN: Duration = Duration::from_secs(2);
/// A user that owns nothing, on every Linux.
const NOBODY: u32 = 65_534;

/// The demo, without a captcha before people are on the list.
fn show() -> Server {
    start(&["--source", "demo"])
}

fn start(arguments: &[&str]) -> Server {
    let mut all = vec!["--no-tor", "--set", "captcha.entrance=false"];
    all.extend(arguments);
    let server = Server::start(&all);
    server.local_url();
    server
}

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onionstream"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ONIONSTREAM_") {
            command.env_remove(name);
        }
    }
    command.arg("--dir").arg(directory).args(arguments);
    command.stdin(Stdio::null());
    command
}

fn run(server: &Server, arguments: &[&str]) -> Output {
    command(server.directory(), arguments)
        .output()
        .expect("the program runs")
}

/// What a command prints when all is well.
fn said(server: &Server, arguments: &[&str]) -> String {
    let output = run(server, arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).expect("text")
}

fn json(server: &Server, arguments: &[&str]) -> Value {
    let arguments: Vec<_> = arguments.iter().copied().chain(["--json"]).collect();
    serde_json::from_str(&said(server, &arguments)).expect("JSON")
}

/// What a command complains about, and its exit code.
fn refused(server: &Server, arguments: &[&str]) -> (String, i32) {
    let output = run(server, arguments);
    assert!(!output.status.success(), "{arguments:?} was not refused");
    let code = output.status.code().expect("it ended by itself");
    (String::from_utf8_lossy(&output.stderr).into_owned(), code)
}

/// Somebody with an open panel.
struct Viewer {
    tag: String,
    cookie: String,
    panel: Stream,
}

impl Viewer {
    /// Comes in, and is on the list before anybody else comes.
    fn comes(server: &Server) -> Self {
        let before = tags(server);
        let address = server.local_address();
        let cookie = Request::get("/").send(address).cookies().remove(0);
        let panel = Request::get("/live?follow=1")
            .cookies(&[&cookie])
            .open(address);
        let newcomer = || tags(server).into_iter().find(|tag| !before.contains(tag));
        Self {
            tag: watch(SOON, newcomer).expect("a newcomer is on the list"),
            cookie,
            panel,
        }
    }

    /// Opens the video.
    fn watches(&self, server: &Server) -> Stream {
        Request::get("/stream.mp4?delay=low")
            .cookies(&[&self.cookie])
            .open(server.local_address())
    }
}

/// The tags of everybody who is here.
fn tags(server: &Server) -> Vec<String> {
    let users = json(server, &["users"]);
    let groups = ["broadcaster", "watching", "not_watching"];
    let people = groups
        .iter()
        .flat_map(|group| users[group]["people"].as_array().expect("a list"));
    people
        .map(|person| person["tag"].as_str().expect("a tag").to_owned())
        .collect()
}

/// Whether a response ends within this time.
fn ends(stream: &mut Stream, allowed: Duration) -> bool {
    let deadline = Deadline::after(allowed);
    loop {
        match stream.next(deadline.left()) {
            Piece::Data(_) => {}
            Piece::Silence => return false,
            Piece::End | Piece::Cut => return true,
        }
    }
}

fn socket(server: &Server) -> PathBuf {
    server.directory().join("state/control.sock")
}

/// A client that says what it likes.
struct Raw(BufReader<UnixStream>);

impl Raw {
    fn connect(server: &Server) -> Self {
        let stream = UnixStream::connect(socket(server)).expect("the socket is there");
        stream.set_read_timeout(Some(SOON)).expect("a time limit");
        Self(BufReader::new(stream))
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("written");
    }

    /// The next line; `None` at the end.
    fn read(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).expect("a line of JSON")),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Reads until there is an event of this type that looks right.
    fn until(&mut self, kind: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.read().expect("the stream goes on");
            if event["type"] == kind && is_right(&event) {
                return event;
            }
        }
    }
}

#[test]
fn the_show_is_looked_at_and_named_from_a_terminal() {
    let server = show();
    let directory = server.directory().to_owned();
    let on = watch(SOON, || {
        (json(&server, &["status"])["air"]["on"] == true).then_some(())
    });
    assert!(on.is_some(), "the demo is not on the air");

    assert!(said(&server, &["title", "Night", "train"]).contains("Night train"));
    assert_eq!(
        fs::read_to_string(directory.join("title.txt")).expect("a title file"),
        "Night train\n"
    );
    assert_eq!(said(&server, &["title"]), "Night train\n");
    let status = said(&server, &["status"]);
    for words in ["on the air", "Night train", "not used", "door"] {
        assert!(status.contains(words), "no `{words}` in:\n{status}");
    }
    said(&server, &["title", ""]);
    assert_eq!(said(&server, &["title"]), "\n");

    // Whoever edits the file is heard, too.
    fs::write(directory.join("title.txt"), "By hand").expect("a title file");
    let title = watch(SOON, || {
        (said(&server, &["title"]) == "By hand\n").then_some(())
    });
    assert!(title.is_some());
    let (words, code) = refused(&server, &["title", &"x".repeat(201)]);
    assert!(words.contains("200 are allowed") && code == 1, "{words}");
}

#[test]
fn messages_are_said_read_hidden_and_shown_again() {
    let server = show();
    let mut viewer = Viewer::comes(&server);

    said(&server, &["say", "hello", "everybody"]);
    viewer.panel.read_until_text(SOON, "hello everybody");
    let chat = said(&server, &["chat"]);
    assert!(
        chat.contains("hello everybody") && chat.contains("[broadcaster]"),
        "{chat}"
    );
    let number = json(&server, &["chat"])[0]["id"].to_string();

    let done = said(&server, &["hide", &number]);
    assert!(done.contains("`onionstream undo "), "{done}");
    assert_eq!(said(&server, &["chat"]), "nothing was said yet\n");
    said(&server, &["unhide", &number]);
    assert!(said(&server, &["chat", "-n", "1"]).contains("hello everybody"));
    let entry = json(&server, &["hide", &number])["number"].to_string();
    said(&server, &["undo", &entry]);
    assert!(said(&server, &["chat"]).contains("hello everybody"));
    assert!(said(&server, &["log"]).contains("(taken back)"));

    // A line end in a text is no way to say something else to the program.
    let (words, _) = refused(&server, &["say", "hello\nstop"]);
    assert!(words.contains("control character"), "{words}");
    assert!(said(&server, &["status"]).contains("watching"));
}

#[test]
fn people_are_muted_banned_blocked_and_forgiven() {
    let server = show();
    let mut anna = Viewer::comes(&server);
    let mut ben = Viewer::comes(&server);
    let [mut annas_video, mut bens_video] = [&anna, &ben].map(|viewer| viewer.watches(&server));
    let tag = anna.tag.trim_start_matches('#').to_owned();

    said(&server, &["rename", &tag, "Anna", "B"]);
    let renamed = watch(SOON, || {
        said(&server, &["users"]).contains("Anna B").then_some(())
    });
    assert!(renamed.is_some());
    for (verb, words) in [("mute", "until"), ("ban", "for good")] {
        said(&server, &[verb, "@Anna B", "--purge"]);
        let bans = said(&server, &["bans"]);
        assert!(bans.contains(verb) && bans.contains(words), "{bans}");
        said(&server, &["unban", "@Anna B"]);
        assert!(said(&server, &["bans"]).contains("nobody"), "{verb}");
    }
    assert!(!ends(&mut anna.panel, Duration::from_millis(200)));

    said(&server, &["cut", &anna.tag]);
    assert!(
        ends(&mut annas_video, Duration::from_secs(1)),
        "the video goes on"
    );
    said(&server, &["block", &anna.tag, "--for", "2h"]);
    assert!(
        ends(&mut anna.panel, Duration::from_secs(1)),
        "the panel goes on"
    );
    assert!(!ends(&mut bens_video, Duration::from_millis(300)));
    assert!(!ends(&mut ben.panel, Duration::from_millis(10)));
    let number = json(&server, &["bans"])[0]["number"].to_string();
    said(&server, &["unban", &number]);

    let (words, code) = refused(&server, &["ban", "@Nobody"]);
    assert!(
        words.contains("`users` shows who is here") && code == 1,
        "{words}"
    );
    let (words, code) = refused(&server, &["ban", "two words"]);
    assert!(words.contains("by name (@Anna)") && code == 64, "{words}");
}

#[test]
fn shields_moderators_and_links_are_set_from_a_terminal() {
    let server = show();

    said(&server, &["shield", "slow", "on"]);
    said(&server, &["chat-mode", "hidden"]);
    let status = json(&server, &["status"]);
    assert_eq!(status["shields"], serde_json::json!(["slow"]));
    assert_eq!(status["chat"], "hidden");
    said(&server, &["shield", "slow", "off"]);
    said(&server, &["moderator", "add", "aaaa-aaaa-aaaa-aaaa", "Ben"]);
    said(&server, &["moderator", "remove", "aaaa-aaaa-aaaa-aaaa"]);
    assert!(said(&server, &["reload"]).contains("read again"));

    for arguments in [&["login-link"][..], &["moderator", "link"]] {
        let link = json(&server, arguments);
        let link = link.as_str().expect("a link");
        let target = link
            .strip_prefix(server.local_url().trim_end_matches('/'))
            .unwrap_or_else(|| panic!("{link} is not of this site"));
        let page = Request::get(target).send(server.local_address());
        assert_eq!(page.status, 200, "{link}");
    }
}

#[test]
fn the_panel_of_the_desk_marks_who_is_muted_and_who_is_no_longer() {
    let server = show();
    let viewer = Viewer::comes(&server);
    let mut desk = Guest::comes(&server);
    let link = json(&server, &["login-link"]);
    let link = link.as_str().expect("a link");
    let path = link.strip_prefix(server.local_url().trim_end_matches('/'));
    desk.takes_link(path.expect("a link of this site"));
    let mut panel = desk.opens("/broadcaster/live?follow=1");
    panel.read_until_text(SOON, &viewer.tag);

    said(&server, &["mute", &viewer.tag]);
    panel.read_until_text(SOON, "<span class=\"sanction\">muted</span>");
    said(&server, &["ban", &viewer.tag]);
    panel.read_until_text(SOON, "<span class=\"sanction\">banned</span>");
    said(&server, &["unban", &viewer.tag]);
    let mut seen = String::new();
    let unmarked = watch(SOON, || {
        seen.push_str(&panel.read_until_text(SOON, "</x-people>"));
        let (_, list) = seen.rsplit_once("<x-people")?;
        (!list.contains("class=\"sanction\"")).then_some(())
    });
    assert!(unmarked.is_some(), "{seen}");
}

#[test]
fn a_follower_sees_messages_appearances_presence_and_the_air() {
    let server = start(&[]);
    let mut follower = Raw::connect(&server);
    follower.write(b"follow\n");
    assert_eq!(follower.read().expect("an answer")["ok"], "following");
    assert_eq!(follower.until("air", |_| true)["on"], false);

    let viewer = Viewer::comes(&server);
    let is_viewer = |person: &Value| person["tag"] == viewer.tag.as_str();
    follower.until("appearance", |event| is_viewer(&event["person"]));
    follower.until("presence", |event| {
        let people = event["not_watching"]["people"].as_array();
        people.is_some_and(|people| people.iter().any(is_viewer))
    });
    said(&server, &["say", "hello"]);
    let message = follower.until("message", |_| true);
    assert_eq!(message["text"], "hello");
    assert_eq!(message["author"]["role"], "broadcaster");
    said(&server, &["rename", &viewer.tag, "Anna"]);
    let looks = follower.until("appearance", |event| is_viewer(&event["person"]));
    assert_eq!(looks["person"]["name"], "Anna");
    said(&server, &["hide", &message["id"].to_string()]);
    assert_eq!(follower.until("hidden", |_| true)["ids"][0], message["id"]);
    said(&server, &["title", "Night"]);
    follower.until("title", |event| event["text"] == "Night");

    said(&server, &["stop"]);
    while follower.read().is_some() {}
}

#[test]
fn a_follower_learns_when_the_show_goes_on_the_air() {
    let server = show();
    let mut follower = Raw::connect(&server);
    follower.write(b"follow\n");

    let air = follower.until("air", |event| event["on"] == true);

    assert!(air["since"].is_u64() && air["has_video"] == true, "{air}");
}

#[test]
fn the_chat_is_followed_in_a_terminal_until_the_show_ends() {
    let server = show();
    let mut follower = command(server.directory(), &["chat", "--follow"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped")).lines();
    // When it has said something about the air, it follows.
    let first = lines.next().expect("a line").expect("text");
    assert!(first.contains("the air"), "{first}");

    said(&server, &["say", "hello"]);
    let line = lines.find_map(|line| line.ok().filter(|line| line.contains("hello")));
    assert!(line.is_some_and(|line| line.contains("[broadcaster]: hello")));
    said(&server, &["stop"]);

    assert!(lines.all(|line| line.is_ok()));
    assert!(follower.wait().expect("it ends").success());
}

#[test]
fn nonsense_is_answered_and_ends_nothing_but_its_own_connection() {
    let server = show();
    let mut raw = Raw::connect(&server);
    let mut nonsense = vec![b'x'; 1_000_000];
    nonsense.extend(b"\n\xff\xff\n\0\nsay\nbam #k7m2\nban #k7m2 for ever\nhide 1 two\n\n");

    raw.write(&nonsense);

    for words in [
        "4096 are allowed",
        "not UTF-8",
        "control character U+0000",
        "write `say TEXT`",
        "did you mean `ban`?",
        "DURATION is like",
        "whole number",
        "write `help`",
        "too many lines",
    ] {
        let answer = raw.read().expect("an answer");
        let error = answer["error"].as_str().expect("an error");
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(raw.read(), None);
    assert!(said(&server, &["status"]).contains("watching"));
}

#[test]
fn a_show_that_can_have_no_socket_goes_on_and_says_what_to_do() {
    let state = format!("onion.state={}", "x".repeat(120));
    let server = start(&["--source", "demo", "--set", &state]);
    let told = |words: &str| {
        words.contains("more than the path of a socket can have")
            && words.contains("set `onion.state` to a shorter one")
    };

    server.wait_log(
        "commands such as `onionstream status` will not reach this show",
        SOON,
    );
    assert!(told(&server.log()), "{}", server.log());
    let (words, code) = refused(&server, &["--set", &state, "status"]);
    assert!(told(&words) && code == 1, "{words}");
    let page = Request::get("/").send(server.local_address());
    assert_eq!(page.status, 200);
}

#[test]
fn a_show_whose_socket_was_taken_away_is_told_from_none() {
    let server = show();
    fs::remove_file(socket(&server)).expect("a socket");

    let (words, code) = refused(&server, &["status"]);

    assert!(
        words.contains("has no control socket") && code == 1,
        "{words}"
    );
}

#[test]
fn another_user_gets_nowhere() {
    if !rustix::process::geteuid().is_root() {
        eprintln!(
            "NOT TESTED: only root can become another user. The comparison of user ids is tested \
             in src/control/socket/tests.rs."
        );
        return;
    }
    let server = show();
    let program = readable_program(server.directory());
    let status = |arguments: &[&str]| {
        let output = Command::new(&program)
            .arg("--dir")
            .arg(server.directory())
            .args(arguments)
            .current_dir("/")
            .uid(NOBODY)
            .gid(NOBODY)
            .output()
            .expect("the program runs as another user");
        assert!(!output.status.success(), "{arguments:?} was not refused");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let open = |path: PathBuf, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
    };
    open(server.directory().to_owned(), 0o755);

    // The directory is closed.
    let words = status(&["status"]);
    assert!(words.contains("it may belong to another user"), "{words}");
    // Somebody opened directory and socket by mistake: the system says who is calling.
    open(server.directory().join("state"), 0o755);
    open(socket(&server), 0o666);
    let words = status(&["stop"]);
    assert!(words.contains("this socket is for another user"), "{words}");
    open(server.directory().join("state"), 0o700);
    assert!(said(&server, &["status"]).contains("watching"));
}

/// A copy of the program that every user may run.
fn readable_program(directory: &Path) -> PathBuf {
    let copy = directory.join("program");
    fs::copy(env!("CARGO_BIN_EXE_onionstream"), &copy).expect("a copy");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("permissions");
    copy
}

#[test]
fn a_mistake_in_the_configuration_keeps_nobody_from_ending_the_show() {
    let mut server = show();
    server.local_url();
    fs::write(server.directory().join("onionstream.toml"), "set = 1\n[").expect("a file");

    let status = said(&server, &["status"]);
    assert!(status.contains("watching"), "{status}");
    said(&server, &["stop"]);

    assert!(server.wait(Duration::from_millis(500)).success());
}

#[test]
fn stop_ends_the_show_and_comes_back_when_it_has_ended() {
    let mut server = show();
    let viewer = Viewer::comes(&server);

    let video = viewer.watches(&server);

    said(&server, &["stop"]);

    let status = server.wait(Duration::from_millis(500));
    assert!(status.success(), "{status}\n{}", server.log());
    assert!(!socket(&server).exists());
    drop((viewer, video));
    let (words, code) = refused(&server, &["status"]);
    assert!(
        words.contains("no onionstream is running in") && code == 1,
        "{words}"
    );
    // The directory is free at once.
    server.restart();
    server.local_url();
    assert!(said(&server, &["status"]).contains("watching"));
}

#[test]
fn panic_asks_first_and_does_nothing_without_the_word() {
    let mut server = show();
    let asked = |typed: &str| {
        let mut child = command(server.directory(), &["panic", "--delete-keys"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut stdin = child.stdin.take().expect("piped");
        writeln!(stdin, "{typed}").expect("typed");
        child.wait_with_output().expect("it ends")
    };

    for typed in ["", "yes", "Panic"] {
        let output = asked(typed);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{typed}");
        assert!(words.contains("your address is gone for good"), "{words}");
        assert!(words.contains("nothing was done"), "{words}");
    }
    assert!(server.directory().join("onion-keys").is_dir());
    assert!(asked("panic").status.success());
    assert!(server.wait(PANIC_WITHIN).success());
}

#[test]
fn a_panic_is_over_in_two_seconds_and_deletes_what_was_asked_and_nothing_else() {
    for (delete_stream, delete_keys) in [(false, false), (true, false), (false, true), (true, true)]
    {
        let mut server = show();
        let directory = server.directory().to_owned();
        let (stream, keys, state) = (
            directory.join("stream"),
            directory.join("onion-keys"),
            directory.join("state"),
        );
        fs::create_dir_all(&stream).expect("a directory");
        fs::write(stream.join("stream1.m4s"), "video").expect("a file");
        let recordings = directory.join("recordings");
        fs::create_dir(&recordings).expect("a directory");
        fs::write(recordings.join("2026-11-21_2000.mp4"), "video").expect("a file");
        fs::write(directory.join("mine.txt"), "mine").expect("a file");
        said(&server, &["shield", "slow", "on"]);
        let kept = watch(SOON, || state.join("desk.toml").exists().then_some(()));
        assert!(kept.is_some(), "nothing to delete");
        let mut viewers: Vec<_> = (0..3).map(|_| Viewer::comes(&server)).collect();
        let videos = viewers.iter().map(|viewer| viewer.watches(&server));
        let mut videos: Vec<_> = videos.collect();

        let mut arguments = vec!["panic", "--yes"];
        arguments.extend(delete_stream.then_some("--delete-stream"));
        arguments.extend(delete_keys.then_some("--delete-keys"));
        let clock = Deadline::after(PANIC_WITHIN);
        said(&server, &arguments);
        let status = server.wait(clock.left().max(Duration::from_millis(1)));

        assert!(status.success(), "{status}\n{}", server.log());
        eprintln!("{arguments:?}: {:?}", clock.elapsed());
        let panels = viewers.iter_mut().map(|viewer| &mut viewer.panel);
        for response in panels.chain(&mut videos) {
            assert!(ends(response, SOON));
        }
        let is_empty = |dir: &Path| fs::read_dir(dir).expect("the directory stays").count() == 0;
        assert_eq!(is_empty(&stream), delete_stream);
        assert_eq!(is_empty(&recordings), delete_stream);
        assert_eq!(
            (is_empty(&keys), is_empty(&state)),
            (delete_keys, delete_keys)
        );
        assert!(directory.join("mine.txt").exists());
    }
}

#[test]
fn a_panic_in_a_directory_with_other_things_leaves_them_and_says_so() {
    let mut server = start(&["--source", "demo", "--set", "ingest.directory=."]);
    let directory = server.directory().to_owned();
    fs::write(directory.join("stream1.m4s"), "video").expect("a file");
    fs::write(directory.join("mine.txt"), "mine").expect("a file");
    fs::create_dir(directory.join("photos")).expect("a directory");

    // From the same directory, so that the command has the same settings.
    let arguments = [
        "--set",
        "ingest.directory=.",
        "panic",
        "--yes",
        "--delete-stream",
    ];
    let output = run(&server, &arguments);
    let told = String::from_utf8_lossy(&output.stderr);

    assert!(output.status.success(), "{told}");
    assert!(server.wait(PANIC_WITHIN).success());
    assert!(!directory.join("stream1.m4s").exists());
    assert!(directory.join("mine.txt").exists() && directory.join("photos").is_dir());
    assert!(directory.join("onion-keys").is_dir(), "the keys are gone");
    assert!(told.contains("not written by a show: left there"), "{told}");
    assert!(server.log().contains("left there"), "{}", server.log());
}

#[test]
fn a_panic_ends_tor_too_and_leaves_no_key_behind() {
    let network = TorNetwork::boot();
    let setting = format!("onion.network={}", network.arti_toml().display());
    let mut server = Server::start(&[
        "--source",
        "demo",
        "--set",
        "captcha.entrance=false",
        "--set",
        &setting,
    ]);
    let url = server.wait_onion(THROUGH_TOR);
    server.wait_reachable(THROUGH_TOR);
    // The desk hears of it within a moment, too.
    let reachable = watch(SOON, || {
        let status = json(&server, &["status"]);
        (status["reachable"] == true && status["onion"] == url.as_str()).then_some(())
    });
    assert!(reachable.is_some(), "{}", json(&server, &["status"]));
    assert!(
        json(&server, &["login-link"])
            .as_str()
            .expect("a link")
            .starts_with(&url)
    );
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut video = Request::get("/stream.mp4?delay=low")
        .open_through(network.socks(0), host)
        .expect("a video through Tor");
    assert_eq!(video.status, 200);

    let clock = Deadline::after(PANIC_WITHIN);
    said(&server, &["panic", "--yes", "--delete-keys"]);
    let status = server.wait(clock.left().max(Duration::from_millis(1)));

    assert!(status.success(), "{status}\n{}", server.log());
    eprintln!("with Tor: {:?}", clock.elapsed());
    assert!(ends(&mut video, THROUGH_TOR));
    for name in ["onion-keys", "state"] {
        let left: Vec<_> = fs::read_dir(server.directory().join(name))
            .expect("the directory stays")
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
