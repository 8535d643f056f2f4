//! Mistakes that older systems made, as attacks on this one, over HTTP.
//!
//! Through a Unix socket, where the entrance stands as it does on Tor.

mod stage;

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use stage::{puzzle, server::Server, watch};

const SOON: Duration = Duration::from_secs(10);

/// The site behind its entrance.
struct House {
    server: Server,
    socket: PathBuf,
}

/// An answer.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The session cookie it sets, as `session=…`.
    fn cookie(&self) -> Option<String> {
        let line = self
            .head
            .lines()
            .find(|line| line.starts_with("set-cookie: "))?;
        line.trim_start_matches("set-cookie: ")
            .split(';')
            .next()
            .map(str::to_owned)
    }

    /// The value of a hidden field.
    fn field(&self, name: &str) -> String {
        let marker = format!("name=\"{name}\" value=\"");
        let rest = self.body.split(&marker).nth(1).unwrap_or_default();
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    fn question(&self) -> String {
        let rest = self
            .body
            .split("<label for=\"answer\">")
            .nth(1)
            .unwrap_or_default();
        rest.split('<').next().unwrap_or_default().to_owned()
    }
}

impl House {
    fn open(settings: &[&str]) -> Self {
        let mut arguments = vec!["--source", "demo", "--no-tor", "--listen", "unix:site.sock"];
        arguments.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
        let server = Server::start(&arguments);
        let socket = server.directory().join("site.sock");
        // The file is there a moment before somebody listens.
        let there = watch(SOON, || UnixStream::connect(&socket).ok());
        assert!(there.is_some(), "{}", server.log());
        Self { server, socket }
    }

    fn send(&self, request: &str, body: &str) -> Answer {
        let mut socket = UnixStream::connect(&self.socket).expect("a connection");
        socket.set_read_timeout(Some(SOON)).expect("a timeout");
        let head = format!("{request}\r\nHost: x.onion\r\nConnection: close\r\n\r\n");
        socket.write_all(head.as_bytes()).expect("sent");
        // It may have been turned away already.
        let _sent = socket.write_all(body.as_bytes());
        let mut answer = Vec::new();
        let _cut = socket.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head
            .get(9..12)
            .and_then(|status| status.parse().ok())
            .unwrap_or_default();
        Answer {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nCookie: {cookie}"), "")
    }

    fn post(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from("same-origin", path, cookie, fields)
    }

    fn post_from(&self, site: &str, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let body: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        let body = body.join("&");
        self.send(
            &format!(
                "POST {path} HTTP/1.1\r\nCookie: {cookie}\r\nSec-Fetch-Site: {site}\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}",
                body.len()
            ),
            &body,
        )
    }

    /// Passes the entrance; gives the cookie before and after.
    fn come_in(&self) -> (String, String) {
        let before = self.get("/enter", "").cookie().expect("a session");
        let page = self.post("/enter", &before, &[("act", "question")]);
        let answer = puzzle::solve(&page.question());
        let entered = self.post(
            "/enter",
            &before,
            &[
                ("nonce", &page.field("nonce")),
                ("challenge", &page.field("challenge")),
                ("answer", &answer),
            ],
        );
        assert_eq!(entered.status, 303, "{}", entered.body);
        let after = entered.cookie().expect("another session");
        (before, after)
    }

    fn say(&self, cookie: &str, text: &str) -> Answer {
        let nonce = self.get("/compose", cookie).field("nonce");
        self.post(
            "/compose",
            cookie,
            &[("kind", "say"), ("nonce", &nonce), ("text", text)],
        )
    }

    fn chat(&self, cookie: &str) -> String {
        self.get("/live?static=1", cookie).body
    }
}

/// Every byte as a percent code.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |escaped, byte| {
        format!("{escaped}%{byte:02x}")
    })
}

#[test]
fn nothing_is_behind_the_entrance_for_those_who_did_not_pass_it() {
    let house = House::open(&[]);
    let stranger = house.get("/enter", "").cookie().expect("a session");
    for path in [
        "/video",
        "/live",
        "/live?follow=1",
        "/live?static=1",
        "/compose",
        "/stream.mp4",
        "/stream.m3u8",
        "/init.mp4",
        "/stream2.m4s",
        "/emote/1",
        "/nothing",
    ] {
        for cookie in [
            "",
            stranger.as_str(),
            "session=00000000000000000000000000000000",
        ] {
            assert_eq!(house.get(path, cookie).status, 403, "{path} with {cookie}");
        }
    }
    assert_eq!(house.get("/", "").status, 303);

    let (_, cookie) = house.come_in();
    for path in [
        "/",
        "/video",
        "/live",
        "/compose",
        "/stream.m3u8",
        "/init.mp4",
        "/stream2.m4s",
    ] {
        assert_eq!(house.get(path, &cookie).status, 200, "{path}");
    }
}

#[test]
fn a_session_that_somebody_prepared_is_worth_nothing_after_the_entrance() {
    let house = House::open(&[]);
    let (before, after) = house.come_in();

    assert_ne!(before, after);
    assert_eq!(house.get("/live", &before).status, 403);
    assert_eq!(house.get("/live", &after).status, 200);
}

#[test]
fn a_captcha_is_solved_once_by_the_one_who_was_asked() {
    let house = House::open(&[]);
    let [anna, ben] = [(); 2].map(|()| house.get("/enter", "").cookie().expect("a session"));
    let page = house.post("/enter", &anna, &[("act", "question")]);
    let answer = puzzle::solve(&page.question());
    let (nonce, challenge) = (page.field("nonce"), page.field("challenge"));
    let fields = |nonce: &str| {
        [
            ("nonce", nonce.to_owned()),
            ("challenge", challenge.clone()),
            ("answer", answer.clone()),
        ]
    };
    let post = |cookie: &str, nonce: &str| {
        let fields = fields(nonce);
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        house.post("/enter", cookie, &fields)
    };

    let bens_nonce = house.get("/enter", &ben).field("nonce");
    assert_eq!(post(&ben, &bens_nonce).status, 200, "not his to solve");
    let entered = post(&anna, &nonce);
    assert_eq!(entered.status, 303);
    let inside = entered.cookie().expect("a session");

    // The same answer again: with the cookie from before, by the one who was outside then, and by a
    // newcomer. Each is asked something else and stays outside.
    let newcomer = house.get("/enter", "").cookie().expect("a session");
    for (who, cookie) in [("before", &anna), ("ben", &ben), ("newcomer", &newcomer)] {
        let page = house.get("/enter", cookie);
        assert_eq!(page.status, 200, "{who} is outside");
        // Of the cookie from before nothing is known any more.
        let cookie = page.cookie().unwrap_or_else(|| cookie.clone());
        assert_ne!(page.field("challenge"), challenge, "{who}");
        for nonce in [&nonce, &page.field("nonce")] {
            let again = post(&cookie, nonce);
            assert_eq!(again.status, 200, "{who}");
            assert_eq!(again.cookie(), None, "{who} gets no other session");
        }
        assert_eq!(house.get("/live", &cookie).status, 403, "{who}");
    }
    // Whoever is inside is sent on to the first page: nothing is looked at, nothing changes.
    for nonce in [nonce.as_str(), ""] {
        let again = post(&inside, nonce);
        assert_eq!((again.status, again.cookie()), (303, None));
        assert!(again.head.contains("location: /\r\n"), "{}", again.head);
    }
    assert_eq!(house.get("/live?static=1", &inside).status, 200);
}

#[test]
fn in_a_crowd_nobody_is_left_without_a_captcha() {
    let house = House::open(&[]);

    // More at once than there are pictures in stock.
    for newcomer in 0..100 {
        let page = house.get("/enter", "");
        assert_ne!(page.field("challenge"), "", "{newcomer}: {}", page.body);
    }
}

#[test]
fn nothing_in_the_page_tells_the_answer() {
    let house = House::open(&[]);
    let cookie = house.get("/enter", "").cookie().expect("a session");
    let page = house.post("/enter", &cookie, &[("act", "question")]);
    let answer = puzzle::solve(&page.question());
    let without_question = page.body.replace(&page.question(), "");

    assert!(
        !without_question.contains(&format!("\"{answer}\"")),
        "{without_question}"
    );
    // The id is random: two captchas with whatever answers have nothing in common.
    let next = house.post("/enter", &cookie, &[("act", "question")]);
    assert_ne!(page.field("challenge"), next.field("challenge"));
}

#[test]
fn other_sites_cannot_speak_for_a_viewer() {
    let house = House::open(&[]);
    let (_, cookie) = house.come_in();
    let nonce = house.get("/compose", &cookie).field("nonce");
    let fields = [
        ("kind", "say"),
        ("nonce", nonce.as_str()),
        ("text", "from elsewhere"),
    ];

    assert_eq!(
        house
            .post_from("cross-site", "/compose", &cookie, &fields)
            .status,
        403
    );
    assert_eq!(
        house
            .post_from("same-site", "/compose", &cookie, &fields)
            .status,
        403
    );
    for nonce in ["", "0000000000000000", "ffffffffffffffff"] {
        let guessed = [
            ("kind", "say"),
            ("nonce", nonce),
            ("text", "from elsewhere"),
        ];
        let answer = house.post("/compose", &cookie, &guessed);
        assert!(answer.body.contains("sent before"), "{}", answer.body);
    }
    assert!(!house.chat(&cookie).contains("from elsewhere"));

    assert_eq!(house.post("/compose", &cookie, &fields).status, 200);
    assert!(
        house.chat(&cookie).contains("from elsewhere"),
        "the real form works"
    );
    house.post("/compose", &cookie, &fields);
    assert_eq!(
        house.chat(&cookie).matches("from elsewhere").count(),
        1,
        "and only once"
    );
}

#[test]
fn a_viewer_cannot_use_the_form_of_another() {
    let house = House::open(&[]);
    let ((_, anna), (_, ben)) = (house.come_in(), house.come_in());
    let nonce = house.get("/compose", &anna).field("nonce");

    house.post(
        "/compose",
        &ben,
        &[
            ("kind", "say"),
            ("nonce", &nonce),
            ("text", "with her number"),
        ],
    );

    assert!(!house.chat(&anna).contains("with her number"));
}

#[test]
fn forms_have_a_size_a_type_and_a_time() {
    let house = House::open(&[]);
    let (_, cookie) = house.come_in();
    let huge = "x".repeat(20_000);
    assert_eq!(
        house.post("/compose", &cookie, &[("text", &huge)]).status,
        413
    );
    let many: Vec<_> = (0..300).map(|_| ("field", "x")).collect();
    assert_eq!(
        house.post("/compose", &cookie, &many).status,
        200,
        "unknown fields are nothing"
    );
    let request = format!(
        "POST /compose HTTP/1.1\r\nCookie: {cookie}\r\nContent-Type: text/plain\r\nContent-Length: 2"
    );
    assert_eq!(house.send(&request, "{}").status, 400);
    assert_eq!(house.get("/live", &cookie).status, 200, "the site goes on");
}

#[test]
fn markup_from_people_is_text_everywhere() {
    let house = House::open(&[]);
    let (_, cookie) = house.come_in();
    let evil = "<img src=x onerror=alert(1)>\"'&lt; :class: </x-line><script>";
    let said = house.say(&cookie, evil);
    assert!(!said.body.contains("role=\"alert\""), "{}", said.body);

    let chat = house.chat(&cookie);
    assert!(
        chat.contains("&lt;img src=x onerror=alert(1)&gt;"),
        "{chat}"
    );
    assert!(!chat.contains("<img src=x") && !chat.contains("<script"));
    // Refused text comes back into the form, also as text.
    let refused = house.say(&cookie, &format!("{evil}{}", "x".repeat(600)));
    assert!(refused.body.contains("role=\"alert\""));
    assert!(!refused.body.contains("<img src=x") && !refused.body.contains("<script"));
    let named = house.say(&cookie, "/name <script>");
    assert!(!named.body.contains("<script"), "{}", named.body);
}

#[test]
fn strangers_cannot_fill_the_memory_or_log_people_out() {
    let house = House::open(&["http.max_sessions=200"]);
    let (_, cookie) = house.come_in();
    for _ in 0..1_000 {
        assert_eq!(house.get("/enter", "").status, 200);
    }

    assert_eq!(
        house.get("/live", &cookie).status,
        200,
        "who is in stays in"
    );
    house.come_in();
}

#[test]
fn what_people_type_is_in_no_log() {
    let mut house = House::open(&["log.level=trace"]);
    let (_, cookie) = house.come_in();
    house.say(&cookie, "secret-message");
    house.say(&cookie, "/name SecretName");
    let nonce = house.get("/compose", &cookie).field("nonce");
    house.post(
        "/compose",
        &cookie,
        &[
            ("kind", "dress"),
            ("nonce", &nonce),
            ("name", "OtherName"),
            ("tripcode_act", "set"),
            ("tripcode", "secret-password"),
        ],
    );
    house.server.sigterm();

    let log = house.server.log();
    for secret in [
        "secret-message",
        "SecretName",
        "OtherName",
        "secret-password",
        cookie.trim_start_matches("session="),
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[test]
fn emotes_are_the_houses_own_files_and_follow_their_manifest() {
    let directory = tempfile::tempdir().expect("a directory");
    let emotes = directory.path().join("emotes");
    std::fs::create_dir(&emotes).expect("a directory");
    // A PNG of one pixel: signature, IHDR, IDAT, IEND.
    let pixel = data_encoding::BASE64
        .decode(b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
        .expect("base64");
    std::fs::write(emotes.join("dot.png"), &pixel).expect("a file");
    let manifest = |names: &[&str]| {
        let entries = names
            .iter()
            .map(|name| format!("[[emote]]\nname = \"{name}\"\nfile = \"dot.png\"\n"));
        std::fs::write(emotes.join("emotes.toml"), entries.collect::<String>()).expect("a file");
    };
    manifest(&["class"]);
    let setting = format!("chat.emotes={}", emotes.display());
    let house = House::open(&[&setting]);
    let (_, cookie) = house.come_in();

    // An emote called `class` is only a picture.
    house.say(&cookie, "a :class: of :its: own");
    let chat = house.chat(&cookie);
    assert_eq!(
        chat.matches("<img class=\"emote\" src=\"/emote/").count(),
        1,
        "{chat}"
    );
    assert!(chat.contains(":its:"));
    let id = chat
        .split("/emote/")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default();
    let picture = house.get(&format!("/emote/{id}"), &cookie);
    assert_eq!(picture.status, 200);
    assert!(
        picture.head.contains("content-type: image/png"),
        "{}",
        picture.head
    );

    // Another manifest, while everything runs; a broken one changes nothing.
    manifest(&["class", "its"]);
    house.server.wait_log("loaded again", SOON);
    std::thread::sleep(Duration::from_millis(1100));
    house.say(&cookie, "now :its: there");
    assert_eq!(
        house.chat(&cookie).matches("<img class=\"emote\"").count(),
        2
    );
    std::fs::write(
        emotes.join("emotes.toml"),
        "[[emote]]\nname = \"../x\"\nfile = \"/etc/passwd\"\n",
    )
    .expect("a file");
    house.server.wait_log("stay as they were", SOON);
    assert_eq!(house.get(&format!("/emote/{id}"), &cookie).status, 200);
}
