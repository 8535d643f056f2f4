//! The way to the desk and out of it: passwords, captchas, links, and what ends a session.

mod stage;

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use stage::{
    Deadline,
    desk::{PASSWORD, show},
    guest::Guest,
    http::{Piece, Stream},
    puzzle,
    server::Server,
    watch,
};

const SOON: Duration = Duration::from_secs(20);
/// What the program promises for everything that ends at once.
const AT_ONCE: Duration = Duration::from_secs(1);
const LOGIN: &str = "/broadcaster/login";
const WRONG: &str = "That is not the password.";

/// A program on a terminal of its own, typed into as by a person.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    /// Runs `onionstream` with these words.
    fn run(words: &str) -> Self {
        let command = format!("exec {} {words}", env!("CARGO_BIN_EXE_onionstream"));
        let mut child = Command::new("script")
            .args(["-qefc", &command, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("`script` of util-linux");
        let keys = child.stdin.take().expect("piped");
        let mut screen = child.stdout.take().expect("piped");
        let shown = Arc::new(Mutex::new(String::new()));
        let onto = Arc::clone(&shown);
        thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                let text = String::from_utf8_lossy(buffer.get(..count).unwrap_or_default());
                let mut onto = onto.lock().unwrap_or_else(PoisonError::into_inner);
                onto.push_str(&text);
            }
        });
        Self { child, keys, shown }
    }

    fn shown(&self) -> String {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.clone()
    }

    fn waits_for(&self, text: &str) {
        let seen = watch(SOON, || self.shown().contains(text).then_some(()));
        assert!(seen.is_some(), "no `{text}`: {}", self.shown());
    }

    fn types(&mut self, text: &str) {
        write!(self.keys, "{text}\r").expect("it reads");
        self.keys.flush().expect("it reads");
    }

    /// Waits for its end, and gives whether all went well and what was shown.
    fn ends(mut self) -> (bool, String) {
        let ended = watch(SOON, || self.child.try_wait().expect("a child"));
        let ended = ended.unwrap_or_else(|| panic!("it goes on: {}", self.shown()));
        // What is on its way still.
        thread::sleep(Duration::from_millis(100));
        (ended.success(), self.shown())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The terminal goes with it, and the program with the terminal.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends the login, with more fields than the password; the text of the page that comes.
fn tries(guest: &Guest, password: &str, more: &[(&str, &str)]) -> String {
    let fields = [&[("password", password)], more].concat();
    guest.sends(LOGIN, &fields)
}

/// Asks for a question in words in place of the picture, and solves it: the fields of its answer.
fn solves(guest: &Guest) -> [(&'static str, String); 2] {
    let page = tries(guest, "", &[("act", "question")]);
    let between = |start: &str, end: &str| {
        let (_, rest) = page.split_once(start)?;
        Some(rest.split_once(end)?.0.to_owned())
    };
    let question = between("<label for=\"answer\">", "<").expect("a question");
    let challenge = between("name=\"challenge\" value=\"", "\"").expect("a challenge");
    [
        ("challenge", challenge),
        ("answer", puzzle::solve(&question)),
    ]
}

fn time_to_end(stream: &mut Stream) -> Duration {
    let deadline = Deadline::after(SOON);
    while let Piece::Data(_) = stream.next(deadline.left()) {}
    deadline.elapsed()
}

/// That an endless answer goes on: a piece comes, or nothing, but no end.
fn goes_on(stream: &mut Stream) {
    let deadline = Deadline::after(Duration::from_millis(1500));
    while !deadline.has_passed() {
        let piece = stream.next(deadline.left());
        assert!(matches!(piece, Piece::Data(_) | Piece::Silence), "it ended");
    }
}

/// An open panel of the desk.
fn panel(guest: &Guest) -> Stream {
    let mut panel = guest.opens("/broadcaster/live?follow=1");
    panel.read_until_text(SOON, "x-beat");
    panel
}

fn login_link(server: &Server) -> String {
    // It is running when it has said where.
    server.local_url();
    let said = server.says(&["login-link"]);
    let (_, token) = said.split_once("/broadcaster/in/").expect("a link");
    let token = token.split_whitespace().next().expect("a token");
    format!("/broadcaster/in/{token}")
}

/// Everything in a text that looks like a made password: five groups of four letters.
fn made_passwords(text: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let is_password = |word: &&str| {
        let groups: Vec<_> = word.split('-').collect();
        groups.len() == 5
            && groups.iter().all(|group| {
                group.len() == 4 && !group.contains(|letter: char| letter.is_ascii_uppercase())
            })
    };
    text.split(|letter| !is_part(letter))
        .filter(is_password)
        .map(str::to_owned)
        .collect()
}

/// Every file below a directory, read as text.
fn files(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let (path, kind) = (entry.path(), entry.file_type().expect("a type"));
        if kind.is_dir() {
            found.extend(files(&path));
        } else if kind.is_file() {
            let bytes = fs::read(&path).expect("a file");
            found.push((
                path.display().to_string(),
                String::from_utf8_lossy(&bytes).into_owned(),
            ));
        }
    }
    found
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn after_three_wrong_passwords_it_costs_a_captcha_and_whoever_is_in_stays_in() {
    let server = show(&[]);
    let mut broadcaster = Guest::comes(&server);
    broadcaster.logs_in(PASSWORD);
    let mut open = panel(&broadcaster);
    let (mut late, stranger) = (Guest::comes(&server), Guest::comes(&server));

    for attempt in 1..=3 {
        let page = tries(&stranger, "wrong horse battery", &[]);
        assert!(page.contains(WRONG), "{attempt}: {page}");
        let asks = page.contains("name=\"challenge\"");
        assert_eq!(asks, attempt == 3, "after failure {attempt}");
    }
    // From here on nobody gets an answer for nothing, not even with the right password.
    for guest in [&stranger, &late] {
        let page = tries(guest, PASSWORD, &[]);
        assert!(page.contains("this needs an answer too"), "{page}");
    }
    let [challenge, _] = solves(&late);
    let page = tries(
        &late,
        PASSWORD,
        &[("challenge", &challenge.1), ("answer", "no idea")],
    );
    assert!(page.contains("role=\"alert\""), "{page}");
    assert!(!page.contains(WRONG), "the password is not looked at");
    // A solved captcha and a wrong password: one more failure, so the next has to wait.
    let [challenge, answer] = solves(&stranger);
    let fields = [("challenge", &*challenge.1), ("answer", &*answer.1)];
    assert!(tries(&stranger, "wrong again and again", &fields).contains(WRONG));
    // Used up.
    let page = tries(&stranger, PASSWORD, &fields);
    assert!(!page.contains(WRONG), "{page}");

    // The real broadcaster in another browser: the captcha, perhaps a moment's wait, the desk.
    let come_in = watch(SOON, || {
        let [challenge, answer] = solves(&late);
        let nonce = late.nonce(LOGIN);
        let fields = [
            ("nonce", &*nonce),
            ("password", PASSWORD),
            ("challenge", &challenge.1),
            ("answer", &answer.1),
        ];
        let answer = late.posts(LOGIN, &fields, &[]);
        (answer.status == 303).then(|| answer.cookies().pop())
    });
    let cookie = come_in.flatten().expect("a way in");
    late = late.with_cookie(&cookie);
    assert_eq!(late.status("/broadcaster/show"), 200);

    // Whoever was in has noticed nothing of it.
    goes_on(&mut open);
    assert_eq!(broadcaster.status("/broadcaster/show"), 200);
    let said = broadcaster.sends("/broadcaster/shields", &[("do", "raid")]);
    assert!(said.contains("every message needs a captcha"), "{said}");
}

#[test]
fn a_login_without_a_session_is_sent_to_the_form_and_gets_nothing_else() {
    let server = show(&[]);
    let stranger = Guest::comes(&server).with_cookie("session=00000000000000000000000000000000");
    for _ in 0..5 {
        let answer = stranger.posts(LOGIN, &[("password", PASSWORD)], &[]);

        assert_eq!(answer.status, 303);
        assert_eq!(answer.header("location"), Some(LOGIN));
        assert_eq!(answer.cookies(), Vec::<String>::new());
        assert!(answer.body.is_empty(), "{}", answer.text());
    }
    // Nor do these count as failures.
    let page = tries(&Guest::comes(&server), "wrong horse battery", &[]);
    assert!(
        page.contains(WRONG) && !page.contains("name=\"challenge\""),
        "{page}"
    );
}

#[test]
fn a_login_link_works_once_and_then_says_what_to_do() {
    let server = show(&[]);
    let link = login_link(&server);
    let (mut first, second) = (Guest::comes(&server), Guest::comes(&server));

    // Looking does not use it up.
    for _ in 0..3 {
        assert_eq!(second.status(&link), 200);
    }
    let before = first.takes_link(&link);
    assert_eq!(first.status("/broadcaster/show"), 200);
    assert_eq!(
        first.with_cookie(&before).status("/broadcaster/show"),
        403,
        "the token from before"
    );

    let nonce = second.nonce("/compose");
    let again = second.posts(&link, &[("nonce", &nonce)], &[]);
    assert_eq!(again.status, 404);
    let page = again.text();
    assert!(
        page.contains("does not work any more") && page.contains("onionstream login-link"),
        "{page}"
    );
    assert_eq!(second.status(&link), 404);
    assert_eq!(second.status("/broadcaster/show"), 403);
    assert_eq!(first.status("/broadcaster/show"), 200, "still at the desk");
}

#[test]
fn another_password_ends_every_session_of_the_desk_at_once() {
    const NEW: &str = "quite another one";
    let server = show(&[]);
    let mut by_password = Guest::comes(&server);
    by_password.logs_in(PASSWORD);
    let mut by_link = Guest::comes(&server);
    by_link.takes_link(&login_link(&server));
    let unused = login_link(&server);
    let mut panels = [panel(&by_password), panel(&by_link)];
    let viewer = Guest::comes(&server);
    let mut video = viewer.opens("/stream.mp4");

    let mut terminal = Terminal::run(&format!("--dir {} password", server.directory().display()));
    terminal.waits_for("New password for the desk: ");
    terminal.types(NEW);
    terminal.waits_for("The same again: ");
    terminal.types(NEW);
    let clock = Deadline::after(SOON);
    for panel in &mut panels {
        time_to_end(panel);
    }
    let took = clock.elapsed();
    let (is_done, shown) = terminal.ends();

    assert!(is_done && shown.contains("The password is set"), "{shown}");
    assert!(!shown.contains(NEW), "it is not echoed: {shown}");
    // With the hashing and the second program in it.
    assert!(took < AT_ONCE, "{took:?}");
    for guest in [&by_password, &by_link] {
        assert_eq!(guest.status("/broadcaster/live?follow=1"), 403);
        assert_eq!(guest.status("/broadcaster/show"), 403);
        assert_eq!(guest.status("/"), 200, "a viewer like others");
    }
    assert_eq!(viewer.status(&unused), 404, "open links are closed too");
    assert!(tries(&viewer, PASSWORD, &[]).contains(WRONG), "the old one");
    by_password.logs_in(NEW);
    assert_eq!(by_password.status("/broadcaster/show"), 200);
    goes_on(&mut video);
}

#[test]
fn two_different_passwords_change_nothing() {
    let server = show(&[]);
    let mut broadcaster = Guest::comes(&server);
    broadcaster.logs_in(PASSWORD);

    let mut terminal = Terminal::run(&format!("--dir {} password", server.directory().display()));
    terminal.waits_for("New password for the desk: ");
    terminal.types("one of two passwords");
    terminal.waits_for("The same again: ");
    terminal.types("the other of the two");
    let (is_done, shown) = terminal.ends();

    assert!(
        !is_done && shown.contains("two different passwords"),
        "{shown}"
    );
    assert_eq!(broadcaster.status("/broadcaster/show"), 200);
    broadcaster = Guest::comes(&server);
    broadcaster.logs_in(PASSWORD);
}

#[test]
fn without_a_terminal_the_first_password_is_printed_nowhere() {
    let mut server = Server::start(&["--source", "demo", "--no-tor", "--set", "log.level=trace"]);
    let guest = Guest::comes(&server);
    assert!(tries(&guest, "wrong horse battery", &[]).contains(WRONG));
    let kept = server.directory().join("state/broadcaster_password");

    assert!(fs::read_to_string(&kept).is_ok_and(|hash| hash.starts_with("$argon2id$")));
    assert_eq!(mode(&kept), 0o600);
    assert_eq!(mode(&server.directory().join("state")), 0o700);
    server.wait_log("there is no terminal to show it on", SOON);
    assert!(server.sigterm().success());
    let outputs = [
        ("standard output".to_owned(), server.facts().join("\n")),
        ("the log".to_owned(), server.log()),
    ];
    let written = files(server.directory());
    assert!(written.len() > 1, "{written:?}");
    for (place, text) in written.into_iter().chain(outputs) {
        assert_eq!(made_passwords(&text), Vec::<String>::new(), "{place}");
    }
}

#[test]
fn on_a_terminal_the_first_password_is_shown_once_and_never_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let start = format!(
        "--dir {} start --listen 127.0.0.1:0 --source demo --no-tor",
        directory.path().display()
    );
    let show = || {
        let mut terminal = Terminal::run(&start);
        terminal.waits_for("local http://");
        // ^C, as a person ends it.
        terminal.types("\u{3}");
        terminal.ends()
    };

    let (first_ended, first) = show();
    let (second_ended, second) = show();

    let passwords = made_passwords(&first);
    assert_eq!(passwords.len(), 1, "{first}");
    assert!(second.contains("local http://"), "{second}");
    assert_eq!(made_passwords(&second), Vec::<String>::new(), "{second}");
    assert!(first_ended && second_ended, "{first}{second}");
    for (place, text) in files(directory.path()) {
        assert_eq!(made_passwords(&text), Vec::<String>::new(), "{place}");
    }
}

#[test]
fn who_logs_out_is_out_with_everything_that_is_open_and_others_stay() {
    let server = show(&[]);
    let (mut leaving, mut staying) = (Guest::comes(&server), Guest::comes(&server));
    leaving.logs_in(PASSWORD);
    staying.logs_in(PASSWORD);
    let (mut leaving_panel, mut staying_panel) = (panel(&leaving), panel(&staying));
    let listed = staying.opens("/broadcaster/sessions").finish(SOON).text();
    assert_eq!(listed.matches("value=\"end-").count(), 2, "{listed}");
    // Forms from before the logout.
    let old = leaving.nonce("/broadcaster/shields");
    let out = leaving.nonce("/broadcaster");

    let answer = leaving.posts("/broadcaster/out", &[("nonce", &out)], &[]);
    let took = time_to_end(&mut leaving_panel);

    assert_eq!(answer.status, 303);
    assert!(took < AT_ONCE, "{took:?}");
    for path in ["show", "shields", "live?follow=1", "act?message=1"] {
        let path = format!("/broadcaster/{path}");
        assert_eq!(leaving.status(&path), 403, "{path}");
    }
    assert_eq!(leaving.status("/broadcaster"), 303, "to the login");
    let fields = [("nonce", &*old), ("do", "raid")];
    let answer = leaving.posts("/broadcaster/shields", &fields, &[]);
    assert_eq!(answer.status, 403);
    goes_on(&mut staying_panel);
    let listed = staying.opens("/broadcaster/sessions").finish(SOON).text();
    assert_eq!(listed.matches("value=\"end-").count(), 1, "{listed}");
}
