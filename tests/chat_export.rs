//! The chat of a recording: nothing of it on the disk unless asked for, everybody told, whoever says no
//! left out; three formats, and a browser that shows it. The real program throughout.

#![expect(
    clippy::indexing_slicing,
    reason = "answers have a known shape, and a helper of a test may fail it"
)]

mod stage;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use stage::{
    desk::{Desk, PASSWORD, presses, show},
    firefox::{Options, Scheme},
    guest::Guest,
    http::{Request, Response},
    server::Server,
    watch,
};

const SOON: Duration = Duration::from_secs(20);

/// What is kept is on the disk after ten seconds; a busy machine gets more.
const WRITTEN_WITHIN: Duration = Duration::from_secs(40);

/// The page of the desk.
const DESK: &str = "/broadcaster/recordings";

const RECORDED: [&str; 3] = [
    "captcha.entrance=false",
    "recording.keep_free=0B",
    "recording.enabled=true",
];

/// A show that is recorded, with these settings, too.
fn recorded(settings: &[&str]) -> Server {
    let server = show(&[&RECORDED, settings].concat());
    server.wait_log("recording into", SOON);
    server
}

/// Every file below a directory.
fn everything(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(everything(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The files of a show in which these words stand.
fn with(server: &Server, words: &str) -> Vec<PathBuf> {
    let mut files = everything(server.directory());
    files.retain(|file| {
        let bytes = fs::read(file).unwrap_or_default();
        bytes
            .windows(words.len())
            .any(|part| part == words.as_bytes())
    });
    files
}

/// The chats in the directory of recordings.
fn chats(directory: &Path) -> Vec<PathBuf> {
    let recordings = directory.join("recordings");
    let mut files = everything(&recordings);
    files.retain(|file| file.to_string_lossy().contains("chat.json"));
    files
}

fn get(server: &Server, path: &str) -> Response {
    Request::get(path).send(server.local_address())
}

/// Somebody who has solved the captcha, with a form that says nothing about keeping.
fn comes(server: &Server, name: &str) -> Guest {
    let guest = Guest::comes(server);
    guest.is_called(name);
    guest.says(&format!("{name} has come"));
    guest
}

/// What a form of the page says about keeping: what it told, and whether the box is ticked.
fn form(guest: &Guest) -> Option<(String, bool)> {
    let page = guest.opens("/compose").finish(SOON).text();
    let (_, rest) = page.split_once("name=\"told\" value=\"")?;
    let (told, rest) = rest.split_once('"')?;
    let (_, rest) = rest.split_once("name=\"keep\" value=\"1\"")?;
    Some((told.to_owned(), rest.starts_with(" checked")))
}

/// Says something with the box as it is, or ticked or not.
fn writes(guest: &Guest, text: &str, ticked: Option<bool>) {
    let (told, is_ticked) = form(guest).expect("the form tells that the chat is kept");
    let mut fields = vec![("kind", "say"), ("text", text), ("told", told.as_str())];
    if ticked.unwrap_or(is_ticked) {
        fields.push(("keep", "1"));
    }
    let said = guest.sends("/compose", &fields);
    assert!(!said.contains("role=\"alert\""), "{said}");
}

/// The number of a message.
fn number(server: &Server, text: &str) -> String {
    let page = get(server, "/live?static=1").text();
    let (before, _) = page
        .split_once(text)
        .unwrap_or_else(|| panic!("no {text}: {page}"));
    let (_, line) = before.rsplit_once("<x-line id=\"m").expect("a line");
    line.split('"').next().expect("a number").to_owned()
}

/// Ends the recording, and gives its name.
fn stops(server: &Server, broadcaster: &Guest) -> String {
    broadcaster.sends(DESK, &[("do", "stop")]);
    let name = watch(SOON, || {
        let page = broadcaster.opens("/recordings").finish(SOON).text();
        let (_, rest) = page.split_once("href=\"/recordings/")?;
        Some(rest.split('"').next()?.to_owned())
    });
    name.unwrap_or_else(|| panic!("no recording\n{}", server.log()))
}

/// The texts of the lines, in order.
fn texts(server: &Server, name: &str) -> Vec<String> {
    let answer = get(server, &format!("/recordings/{name}/chat.json"));
    assert_eq!(answer.status, 200, "{}", server.log());
    let file: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    let lines = file["lines"].as_array().expect("lines");
    let texts = lines
        .iter()
        .map(|line| line["text"].as_str().expect("text"));
    texts.map(str::to_owned).collect()
}

#[test]
fn a_recording_alone_keeps_no_word_of_the_chat() {
    let mut server = recorded(&["recording.public=true", "recording.chat_public=true"]);
    let anna = comes(&server, "Anna Unkept");
    assert_eq!(form(&anna), None);
    let said = anna.sends(
        "/compose",
        &[
            ("kind", "say"),
            ("text", "a word about persimmons"),
            ("told", "yes"),
            ("keep", "1"),
        ],
    );
    assert!(!said.contains("role=\"alert\""), "{said}");
    let privacy = anna.opens("/privacy").finish(SOON).text();
    assert!(!privacy.contains("being kept"), "{privacy}");
    let mut broadcaster = Guest::comes(&server);
    broadcaster.logs_in(PASSWORD);
    let desk = broadcaster.opens(DESK).finish(SOON).text();
    assert!(desk.contains("<b>The chat is not kept</b>"), "{desk}");

    let name = stops(&server, &broadcaster);

    for format in ["txt", "vtt", "json"] {
        let path = format!("/recordings/{name}/chat.{format}");
        assert_eq!(broadcaster.status(&path), 404);
    }
    let page = get(&server, &format!("/recordings/{name}")).text();
    assert!(!page.contains("chat."), "{page}");
    server.sigterm();
    assert_eq!(chats(server.directory()), Vec::<PathBuf>::new());
    for word in ["persimmons", "Anna Unkept"] {
        assert_eq!(with(&server, word), Vec::<PathBuf>::new(), "{word}");
    }
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one show from its beginning to its end"
)]
fn what_is_kept_is_what_people_said_who_were_told_and_did_not_take_it_back() {
    let server = recorded(&[
        "recording.chat=true",
        "recording.public=true",
        "recording.chat_public=true",
    ]);
    let mut broadcaster = Guest::comes(&server);
    broadcaster.logs_in(PASSWORD);
    let names = ["Anna", "Ben", "Zoe", "Mia", "Tom", "Eve"];
    let [anna, ben, zoe, mia, tom, eve] = names.map(|name| comes(&server, name));
    writes(&anna, "hello --> \u{202e}&lt; <b>all</b>", None);
    writes(&ben, "ben before the no", None);
    writes(&zoe, "zoe of all people", None);
    writes(&mia, "mia shouts", None);
    writes(&tom, "tom blocks the way", None);
    writes(&eve, "eve goes later", None);
    server.says(&["say", "welcome"]);
    writes(&anna, "unseen for good", None);
    writes(&anna, "/me waves", None);
    writes(&anna, "unseen and shown", None);
    // All of it is on the disk before anything is taken back.
    let written = watch(WRITTEN_WITHIN, || {
        (!with(&server, "unseen and shown").is_empty()).then_some(())
    });
    assert!(written.is_some(), "{}", server.log());
    let file = chats(server.directory()).pop().expect("a chat");
    let mode = file.metadata().expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    writes(&ben, "ben with the no", Some(false));
    writes(&ben, "ben after the no", None);
    assert_eq!(form(&ben), Some(("no".to_owned(), false)));
    let nonce = zoe.nonce("/privacy");
    assert_eq!(zoe.posts("/privacy", &[("nonce", &nonce)], &[]).status, 303);
    server.says(&["ban", "@Mia", "--for", "2h", "--purge"]);
    server.says(&["block", "@Tom"]);
    server.says(&["hide", &number(&server, "unseen for good")]);
    let shown = number(&server, "unseen and shown");
    server.says(&["hide", &shown]);
    let gone = watch(SOON, || with(&server, "unseen").is_empty().then_some(()));
    assert!(gone.is_some(), "{}", server.log());
    server.says(&["unhide", &shown]);
    writes(&anna, "the last line", None);

    let name = stops(&server, &broadcaster);

    let kept = [
        "hello --> &lt; <b>all</b>",
        "eve goes later",
        "welcome",
        "waves",
        "unseen and shown",
        "the last line",
    ];
    let all = watch(SOON, || {
        let all = texts(&server, &name);
        (all.last().map(String::as_str) == Some("the last line")).then_some(all)
    });
    assert_eq!(all.unwrap_or_else(|| texts(&server, &name)), kept);
    for taken_back in [
        "has come",
        "before the no",
        "with the no",
        "after the no",
        "of all people",
        "mia shouts",
        "blocks the way",
        "unseen for good",
    ] {
        assert_eq!(with(&server, taken_back), Vec::<PathBuf>::new());
    }
    let there = format!("/recordings/{name}/chat");
    let text = get(&server, &format!("{there}.txt"));
    assert_eq!(
        text.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let text = text.text();
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.split_once("] ").expect("a time").1)
        .collect();
    assert_eq!(
        lines,
        [
            "Anna: hello --> &lt; <b>all</b>",
            "Eve: eve goes later",
            "Broadcaster: welcome",
            "* Anna waves",
            "Anna: unseen and shown",
            "Anna: the last line",
        ]
    );
    let vtt = get(&server, &format!("{there}.vtt"));
    assert_eq!(vtt.header("content-type"), Some("text/vtt; charset=utf-8"));
    let vtt = vtt.text();
    assert!(vtt.starts_with("WEBVTT\n\n00:0"), "{vtt}");
    assert_eq!(vtt.matches(" --> ").count(), kept.len(), "{vtt}");
    let first = "<v Anna><b>Anna</b>: hello --&gt; &amp;lt; &lt;b&gt;all&lt;/b&gt;</v>\n\n";
    assert!(vtt.contains(first), "{vtt}");
    let json = get(&server, &format!("{there}.json"));
    assert_eq!(json.header("content-type"), Some("application/json"));
    let json: serde_json::Value = serde_json::from_slice(&json.body).expect("JSON");
    assert_eq!(
        (&json["version"], &json["recording"]),
        (&1.into(), &name.as_str().into())
    );
    for line in json["lines"].as_array().expect("lines") {
        let mut keys: Vec<_> = line.as_object().expect("an object").keys().collect();
        keys.retain(|key| !["ms", "name", "text", "action"].contains(&key.as_str()));
        assert!(keys.is_empty(), "{keys:?}");
    }
    let stored: serde_json::Value =
        serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
    assert_eq!(stored, json);

    // Taken back after the recording has ended.
    let nonce = eve.nonce("/privacy");
    eve.posts("/privacy", &[("nonce", &nonce)], &[]);
    let gone = watch(SOON, || {
        with(&server, "eve goes later").is_empty().then_some(())
    });
    assert!(gone.is_some());
    assert_eq!(texts(&server, &name).len(), kept.len() - 1);

    // It goes where its recording goes.
    broadcaster.sends(DESK, &[("do", &format!("hide-{name}"))]);
    assert_eq!(anna.status(&format!("{there}.txt")), 404);
    assert_eq!(broadcaster.status(&format!("{there}.txt")), 200);
    let asked = format!("{DESK}?delete={name}");
    let asked = broadcaster.opens(&asked).finish(SOON).text();
    assert!(asked.contains(" and its chat"), "{asked}");
    broadcaster.sends(DESK, &[("do", &format!("delete-{name}"))]);
    assert_eq!(broadcaster.status(&format!("{there}.txt")), 404);
    anna.sends("/compose", &[("kind", "say"), ("text", "after that")]);
    assert_eq!(chats(server.directory()), Vec::<PathBuf>::new());
    assert_eq!(with(&server, "the last line"), Vec::<PathBuf>::new());
}

#[test]
fn after_a_crash_the_chat_is_there_up_to_the_last_write_and_nothing_lies_around() {
    let settings = ["recording.chat=true", "recording.public=true"];
    let mut server = recorded(&settings);
    let anna = comes(&server, "Anna");
    writes(&anna, "before the crash", None);
    let written = watch(WRITTEN_WITHIN, || {
        (!with(&server, "before the crash").is_empty()).then_some(())
    });
    assert!(written.is_some(), "{}", server.log());
    server.sigkill();
    let directory = server.directory().to_owned();
    let chat = chats(&directory).pop().expect("a chat");
    let name = chat.file_name().expect("a name").to_string_lossy();
    let name = name.strip_suffix(".chat.json").expect("its ending");
    // What a crash in the middle of a write leaves, and what somebody leaves who deletes a recording.
    let recordings = directory.join("recordings");
    let unfinished = recordings.join(format!(".{name}.chat.json.0123456789abcdef"));
    let orphan = recordings.join("2026-01-01_0000.chat.json");
    let other = recordings.join("notes.chat.json");
    for file in [&unfinished, &orphan, &other] {
        fs::write(file, "{}").expect("a file");
    }

    let arguments = ["--no-tor", "--set", "recording.keep_free=0B"];
    let mut again = Server::start_in(&directory, &arguments);
    let mut broadcaster = Guest::comes(&again);
    broadcaster.logs_in(PASSWORD);
    let path = format!("/recordings/{name}/chat.txt");
    let text = watch(SOON, || {
        let is_there = broadcaster.status(&path) == 200;
        is_there.then(|| broadcaster.opens(&path).finish(SOON).text())
    });

    let text = text.unwrap_or_else(|| panic!("no chat: {}", again.log()));
    assert!(text.ends_with("] Anna: before the crash\n"), "{text}");
    assert!(!unfinished.exists() && !orphan.exists() && other.exists());
    // A panic takes it along.
    again.says(&["panic", "--yes", "--delete-stream"]);
    again.wait(SOON);
    assert_eq!(everything(&recordings), [other]);
}

#[test]
fn what_was_not_written_yet_goes_with_a_panic() {
    let mut server = recorded(&["recording.chat=true"]);
    let anna = comes(&server, "Anna");
    let ben = comes(&server, "Ben");
    writes(&anna, "an early word", None);
    let written = watch(WRITTEN_WITHIN, || {
        (!with(&server, "an early word").is_empty()).then_some(())
    });
    assert!(written.is_some(), "{}", server.log());

    // The next write is ten seconds away.
    writes(&ben, "a late word", None);
    server.says(&["panic", "--yes"]);
    server.wait(SOON);

    assert_eq!(chats(server.directory()).len(), 1);
    assert_eq!(with(&server, "a late word"), Vec::<PathBuf>::new());
}

#[test]
fn the_desk_switches_it_and_everybody_is_told_before_anything_is_kept() {
    let server = recorded(&["recording.public=true"]);
    let mut broadcaster = Guest::comes(&server);
    broadcaster.logs_in(PASSWORD);
    let anna = comes(&server, "Anna");
    let old_form = anna.nonce("/compose");
    let mut panel = anna.opens("/live?follow=1");
    assert_eq!(anna.posts(DESK, &[("do", "chat")], &[]).status, 403);

    let said = broadcaster.sends(DESK, &[("do", "chat")]);
    assert!(said.contains("Switched keeping the chat on"), "{said}");
    assert!(
        said.contains("The chat is kept</b> with the recording"),
        "{said}"
    );
    panel.read_until_text(SOON, "the broadcaster keeps this chat");
    let fields = [
        ("nonce", old_form.as_str()),
        ("kind", "say"),
        ("text", "from a form that did not say so"),
    ];
    let page = anna.posts("/compose", &fields, &[]).text();
    assert!(page.contains("The broadcaster keeps this chat"), "{page}");
    let privacy = anna.opens("/privacy").finish(SOON).text();
    let words = "the chat of this broadcast is being kept by the broadcaster";
    assert!(privacy.contains(words), "{privacy}");
    writes(&anna, "from a form that did", None);

    // A no elsewhere holds although another page still shows the tick, and is taken back by a tick.
    let nonce = anna.nonce("/privacy");
    let no = [("nonce", nonce.as_str()), ("keep", "0")];
    assert_eq!(anna.posts("/privacy", &no, &[]).status, 303);
    let stale = [
        ("kind", "say"),
        ("told", "yes"),
        ("keep", "1"),
        ("text", "not this"),
    ];
    anna.sends("/compose", &stale);
    assert_eq!(form(&anna), Some(("no".to_owned(), false)));
    writes(&anna, "and this again", Some(true));

    broadcaster.sends(DESK, &[("do", "nochat")]);
    panel.read_until_text(SOON, "The chat is not kept any more");
    assert_eq!(form(&anna), None);
    // What was kept is still on the disk: it is not denied, and can be taken back.
    let privacy = anna.opens("/privacy").finish(SOON).text();
    assert!(privacy.contains("It was kept before"), "{privacy}");
    assert!(privacy.contains("Do not keep my lines"), "{privacy}");
    let said = anna.sends("/compose", &[("kind", "say"), ("text", "after it")]);
    assert!(!said.contains("role=\"alert\""), "{said}");
    let log = broadcaster.opens("/broadcaster/log").finish(SOON).text();
    assert!(log.contains("Switched keeping the chat off"), "{log}");
    let name = stops(&server, &broadcaster);

    let path = format!("/recordings/{name}/chat.txt");
    let text = watch(SOON, || {
        let is_there = broadcaster.status(&path) == 200;
        is_there.then(|| broadcaster.opens(&path).finish(SOON).text())
    });
    let text = text.unwrap_or_else(|| panic!("no chat: {}", server.log()));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.ends_with("Anna: and this again\n"), "{text}");
    // Viewers see the recording and not its chat.
    let page = format!("/recordings/{name}");
    assert_eq!((anna.status(&page), anna.status(&path)), (200, 404));
    let seen = anna.opens(&page).finish(SOON).text();
    assert!(!seen.contains("chat."), "{seen}");
    assert!(!get(&server, "/recordings").text().contains("chat."));
}

#[test]
fn a_browser_without_javascript_tells_asks_and_shows_the_chat_as_subtitles() {
    let server = recorded(&[
        "recording.chat=true",
        "recording.public=true",
        "recording.chat_public=true",
    ]);
    let url = server.local_url();
    let desk = Desk::opens(Options::coloured(Scheme::Dark), &server);
    let firefox = desk.firefox();
    firefox.goto(&url);
    desk.person.says("before the no");
    desk.person.in_frame("iframe.compose", |firefox| {
        firefox.click("input[name=keep]");
    });
    desk.person.says("with the no");
    desk.person.in_frame("iframe.compose", |firefox| {
        let ticked = "return document.querySelector('input[name=keep]').checked";
        assert_eq!(firefox.execute(ticked), false, "it is remembered");
        firefox.click("input[name=keep]");
    });
    desk.person.says("Good evening & <welcome>");
    desk.person.says("the second line");

    for (width, height) in [(360, 740), (1440, 900)] {
        firefox.set_page_size(width, height);
        firefox.goto(&format!("{url}broadcaster/recordings"));
        firefox.wait_for(".recorder .running", SOON);
        firefox.assert_fits("the desk");
        firefox.screenshot(&format!("desk-keeping-{width}.png"));
        firefox.goto(&format!("{url}privacy"));
        firefox.wait_for("button[name=keep]", SOON);
        firefox.assert_fits("what is kept");
        firefox.screenshot(&format!("privacy-keeping-{width}.png"));
        firefox.goto(&url);
        desk.person.in_frame("iframe.compose", |firefox| {
            firefox.wait_for_text(".keeping", "keeps this chat", SOON);
            firefox.assert_fits("the form");
        });
        firefox.screenshot(&format!("compose-keeping-{width}.png"));
    }
    firefox.goto(&format!("{url}broadcaster/recordings"));
    firefox.wait_for("button[value=nochat]", SOON);
    presses(firefox, "button[value=stop]");
    let listed = watch(SOON, || {
        firefox.goto(&format!("{url}recordings"));
        (firefox.count("a[href$='chat.txt']") > 0).then_some(())
    });
    assert!(listed.is_some(), "{}", server.log());
    firefox.assert_fits("the list");
    firefox.screenshot("recordings-chat.png");
    firefox.click("li h2 a");
    firefox.wait_for("video", SOON);
    firefox.wait_for_video(SOON, |video| video.ready_state >= 1);
    for (width, height) in [(360, 740), (1440, 900)] {
        firefox.set_page_size(width, height);
        firefox.assert_fits("the player");
        firefox.screenshot(&format!("recording-chat-{width}.png"));
    }
    // The button of the player, then its menu.
    let active = || {
        let look = "return [...document.querySelector('video').textTracks[0].activeCues ?? []]\
                    .map(cue => cue.text)";
        firefox.execute(look)
    };
    assert_eq!(active(), serde_json::json!([]), "nobody has asked for it");
    firefox.click_in_corner("video", 54.0, 20.0);
    firefox.click_in_corner("video", 31.0, 65.0);
    let look = "return [...document.querySelector('video').textTracks[0].cues ?? []]\
                .map(cue => [cue.startTime, cue.text])";
    let cues = watch(SOON, || {
        let cues = firefox.execute(look);
        let count = cues.as_array().map(Vec::len).unwrap_or_default();
        (count == 2).then_some(cues)
    });
    let cues = cues.unwrap_or_else(|| panic!("no subtitles: {}", firefox.execute(look)));
    let first = &cues[0];
    assert_eq!(
        first[1],
        "<v Broadcaster><b>Broadcaster</b>: Good evening &amp; &lt;welcome&gt;</v>"
    );
    let before = firefox.picture_of("video");
    let there = first[0].as_f64().expect("a time") + 0.2;
    firefox.execute(&format!(
        "document.querySelector('video').currentTime = {there}"
    ));
    let shown = watch(SOON, || (active()[0] == first[1]).then_some(()));
    assert!(shown.is_some(), "{}", active());
    assert!(firefox.picture_of("video") != before);
    firefox.screenshot("recording-subtitles.png");
}

/// Puts a recording of so many seconds with two chapters after its beginning into a directory, and
/// its chat.
fn put(directory: &Path, chat: &str) -> PathBuf {
    let place = directory.join("recordings");
    fs::create_dir_all(&place).expect("a directory");
    fs::write(place.join("2026-11-21_2000.mp4"), [0; 10_000]).expect("a file");
    let index = "[[recordings]]\nname = \"2026-11-21_2000\"\nlength = 150000\n\
                 chapters = [[0, 500], [61000, 5000], [122000, 9000]]\n";
    let file = place.join("2026-11-21_2000.chat.json");
    for (file, text) in [(&place.join("index.toml"), index), (&file, chat)] {
        fs::write(file, text).expect("a file");
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    file
}

#[test]
fn subtitles_begin_where_the_player_begins_and_a_broken_chat_is_none() {
    let lines = [(60_500, "a while"), (62_000, "soon"), (130_000, "late")];
    let lines = lines.map(|(ms, text)| {
        format!("{{\"ms\":{ms},\"name\":\"Anna\\u202e\",\"text\":\"{text}\\u0000\"}}")
    });
    let chat = format!(
        "{{\"version\":1,\"recording\":\"x\",\"lines\":[{}]}}",
        lines.join(",")
    );
    let settings = ["recording.public=true", "recording.chat_public=true"];
    let sets = settings.iter().flat_map(|setting| ["--set", setting]);
    let arguments: Vec<_> = ["--no-tor"].into_iter().chain(sets).collect();
    let mut file = PathBuf::new();
    let server = Server::start_prepared(&arguments, |directory| file = put(directory, &chat));
    let there = "/recordings/2026-11-21_2000";
    let starts = |from: &str| -> Vec<String> {
        let vtt = get(&server, &format!("{there}/chat.vtt{from}"));
        assert_eq!(vtt.status, 200, "{}", server.log());
        let vtt = vtt.text();
        let cues = vtt.lines().filter_map(|line| line.split_once(" --> "));
        cues.map(|(start, _)| start.to_owned()).collect()
    };

    let whole = ["00:01:00.500", "00:01:02.000", "00:02:10.000"];
    assert_eq!(starts(""), whole);
    assert_eq!(starts("?from=30"), whole);
    // What is still to be read when it begins, and the rest.
    let later = ["00:00:00.000", "00:00:01.000", "00:01:09.000"];
    assert_eq!(starts("?from=75"), later);
    assert_eq!(starts("?from=149"), ["00:00:08.000"]);
    let page = get(&server, &format!("{there}?from=75")).text();
    assert!(page.contains("/chat.vtt?from=61\""), "{page}");
    assert_eq!(starts("?from=61"), later);
    let text = get(&server, &format!("{there}/chat.txt")).text();
    assert!(text.starts_with("[00:01:00] Anna: a while\n"), "{text}");

    for name in ["chat", "chat.html", "chat.txt.mp4", "..%2Findex.toml", ""] {
        let answer = get(&server, &format!("{there}/{name}"));
        assert_eq!(answer.status, 404, "{name}");
    }
    for path in ["2026-11-21_2001/chat.txt", "index/chat.txt"] {
        assert_eq!(get(&server, &format!("/recordings/{path}")).status, 404);
    }
    let cut = chat.strip_suffix("]}").expect("its end");
    for broken in ["", "{}", "[1]", cut] {
        fs::write(&file, broken).expect("a file");
        assert_eq!(get(&server, &format!("{there}/chat.json")).status, 404);
    }
    server.wait_log("cannot be read: it is no chat of a recording", SOON);
    assert!(!server.log().contains("a while"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(get(&server, &format!("{there}/chat.json")).status, 404);
    server.wait_log("open to other users", SOON);
}
