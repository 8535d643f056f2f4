//! The desk in real browsers without JavaScript: the broadcaster logs in, keeps order, changes the
//! rules and takes it back, while viewers watch.

mod stage;

use std::{path::Path, process::Command, time::Duration};

use stage::{
    Deadline,
    desk::{Desk, fill, presses, show},
    firefox::Options,
    guest::Guest,
    http::{Piece, Stream},
    person::{ENTER, Person, lines},
    process::Process,
    server::Server,
    watch,
};

const SOON: Duration = Duration::from_secs(20);
/// What the program promises for everything that ends at once.
const AT_ONCE: Duration = Duration::from_secs(1);

fn viewer(server: &Server) -> Person {
    Person::comes(Options::default(), &server.local_url())
}

/// Reads an endless answer until it ends; how long that took.
fn time_to_end(stream: &mut Stream, allowed: Duration) -> Option<Duration> {
    let deadline = Deadline::after(allowed);
    loop {
        match stream.next(deadline.left()) {
            Piece::Data(_) => {}
            Piece::End | Piece::Cut => return Some(deadline.elapsed()),
            Piece::Silence => return None,
        }
    }
}

#[test]
fn the_password_printed_at_the_first_start_opens_the_desk() {
    let directory = tempfile::tempdir().expect("a directory");
    let start = format!(
        "exec {} start --listen 127.0.0.1:0 --source demo --no-tor --dir {}",
        env!("CARGO_BIN_EXE_onionstream"),
        directory.path().display()
    );
    // Only a terminal gets to see the password.
    let mut terminal = Command::new("script");
    terminal.args(["-qefc", &start, "/dev/null"]);
    let process = Process::start("script", &mut terminal);
    let site = process
        .out()
        .find(SOON, |line| line.strip_prefix("local ").map(str::to_owned))
        .expect("an address");
    let password = process
        .out()
        .find(SOON, |line| line.strip_prefix("      ").map(str::to_owned))
        .expect("a password");

    let desk = Desk::opens_with(Options::default(), &site, &password);
    desk.opens_tool("sessions");
    desk.tool(|firefox| firefox.wait_for_text(".list", "this browser", SOON));

    let kept = |file: &Path| std::fs::read_to_string(file).expect("a file");
    let hash = kept(&directory.path().join("state/broadcaster_password"));
    assert!(
        hash.starts_with("$argon2id$") && !hash.contains(&password),
        "{hash}"
    );

    // Out again: the desk is closed, and the way back is the password.
    desk.firefox().click("header form button");
    desk.firefox().wait_for("iframe.video", SOON);
    desk.firefox().goto(&format!("{site}broadcaster"));
    desk.firefox().wait_for("#password", SOON);
    desk.firefox()
        .type_text("#password", &format!("wrong{ENTER}"));
    desk.firefox()
        .wait_for_text(".notice", "not the password", SOON);
    // The guard of the stage knows only `script`: ask the program itself to go.
    desk.firefox().goto("about:blank");
    let instance = kept(&directory.path().join("state/instance.lock"));
    let ended = Command::new("kill").arg(instance.trim()).status();
    assert!(ended.expect("kill runs").success());
    let gone = watch(SOON, || {
        let alive = Command::new("kill").args(["-0", instance.trim()]).output();
        (!alive.expect("kill runs").status.success()).then_some(())
    });
    assert!(gone.is_some(), "it ends when it is asked to");
}

#[test]
fn messages_are_hidden_and_shown_again_beside_the_chat() {
    let server = show(&[]);
    let (anna, ben) = (viewer(&server), viewer(&server));
    anna.says("stays in sight");
    anna.says("goes out of sight");
    ben.sees_line("goes out of sight", SOON);
    let desk = Desk::opens(Options::default(), &server);

    desk.presses("hide", "goes out");
    desk.is_told("Hid message 2");
    ben.sees_no_line("goes out");
    ben.sees_line("stays in sight", SOON);
    // The desk still sees it, dimmed; a viewer who comes now does not.
    let opacity = "return getComputedStyle(document.querySelector('#m2')).opacity";
    let dimmed = watch(SOON, || {
        desk.live(|firefox| firefox.execute(opacity) == "0.6")
            .then_some(())
    });
    assert!(dimmed.is_some());
    assert!(
        desk.person
            .lines()
            .iter()
            .any(|line| line.contains("goes out"))
    );
    let late = viewer(&server);
    late.sees_line("stays in sight", SOON);
    assert!(!late.lines().iter().any(|line| line.contains("goes out")));
    drop(late);

    desk.presses("unhide", "goes out");
    desk.is_told("Showed message 2 again");
    ben.sees_line("goes out", SOON);

    // The same from the frame of actions, and back with its own button.
    desk.presses("more", "stays in");
    assert_eq!(desk.does("button[value=hide-1]"), "Hid message 1.\n\nUndo");
    ben.sees_no_line("stays in sight");
    assert!(
        desk.does("button[value^=undo]")
            .starts_with("Took back: Hid message 1.")
    );
    ben.sees_line("stays in sight", SOON);
}

#[test]
fn people_are_muted_renamed_and_banned_and_it_is_taken_back() {
    let server = show(&["chat.changes_per_minute=100"]);
    let (anna, ben) = (viewer(&server), viewer(&server));
    anna.says("/name Anna");
    anna.says("hello from Anna");
    let desk = Desk::opens(Options::default(), &server);

    desk.presses("mute", "hello from Anna");
    desk.is_told("is muted until");
    anna.says("not heard");
    assert!(
        anna.is_told().contains("You are muted until"),
        "{}",
        anna.is_told()
    );
    desk.does("button[value^=undo]");
    anna.in_frame("iframe.compose", |firefox| {
        firefox.click("a[href='/compose']");
    });
    anna.says("heard again");
    ben.sees_line("heard again", SOON);

    desk.looks_at("Anna");
    desk.act(|firefox| {
        fill(firefox, "#name", "Berta");
        let said = presses(firefox, "button[value=rename]");
        assert!(said.contains("is now Berta"), "{said}");
    });
    anna.says("who am I");
    ben.in_frame("iframe.live", |firefox| {
        let line = watch(SOON, || {
            lines(firefox)
                .into_iter()
                .find(|line| line.contains("who am I"))
        });
        assert!(line.is_some_and(|line| line.contains("Berta")));
    });

    // A ban for a day that hides everything.
    desk.looks_at("Berta");
    desk.act(|firefox| {
        firefox.click("#term option[value='1d']");
        let said = presses(firefox, "button[value=purge]");
        assert!(said.contains("is banned from the chat until"), "{said}");
    });
    for text in ["hello from Anna", "heard again", "who am I"] {
        ben.sees_no_line(text);
    }
    anna.says("still here");
    assert!(anna.is_told().contains("banned"), "{}", anna.is_told());
    assert!(anna.plays() > 0.5, "the picture is theirs still");

    desk.opens_tool("bans");
    let said = desk.tool(|firefox| {
        firefox.wait_for_text(".list", "is banned from the chat until", SOON);
        presses(firefox, "button[value^=lift]")
    });
    assert!(said.contains("is no longer banned"), "{said}");
    anna.in_frame("iframe.compose", |firefox| {
        firefox.click("a[href='/compose']");
    });
    anna.says("free again");
    ben.sees_line("free again", SOON);
}

#[test]
fn a_block_ends_what_is_open_within_a_second_and_others_see_no_interruption() {
    let server = show(&[]);
    let (victim, other) = (Guest::comes(&server), Guest::comes(&server));
    victim.is_called("Victim");
    let ben = viewer(&server);
    let anna = viewer(&server);
    anna.says("/name Anna");
    let before = ben.plays();
    anna.plays();
    let desk = Desk::opens(Options::default(), &server);
    // Last: whoever takes nothing for a minute is let go, and browsers may take that long to start.
    let (mut video, mut panel) = (victim.opens("/stream.mp4"), victim.opens("/live?follow=1"));
    let (mut others_video, mut others_panel) =
        (other.opens("/stream.mp4"), other.opens("/live?follow=1"));

    desk.looks_at("Victim");
    desk.act(|firefox| firefox.click("button[value=block]"));
    for stream in [&mut video, &mut panel] {
        let took = time_to_end(stream, SOON).expect("it ends");
        assert!(took < AT_ONCE, "{took:?}");
    }
    desk.is_told("is blocked");
    assert_eq!(victim.status("/"), 403);
    assert_eq!(victim.status("/stream.mp4"), 403);
    for stream in [&mut others_video, &mut others_panel] {
        let time = Duration::from_millis(1500);
        assert_eq!(time_to_end(stream, time), None, "somebody else's ended");
    }

    // In a browser: the chat says so by itself, the picture stops, and nobody else notices.
    desk.looks_at("Anna");
    desk.act(|firefox| {
        let said = presses(firefox, "button[value=block]");
        assert!(said.contains("is blocked"), "{said}");
    });
    anna.in_frame("iframe.live", |firefox| {
        firefox.wait_for_text("body", "You cannot be here", SOON)
    });
    let stuck = anna.in_frame("iframe.video", |firefox| {
        watch(SOON, || {
            let video = firefox.video()?;
            (video.ended || video.error.is_some()).then_some(())
        })
    });
    assert!(stuck.is_some(), "the picture goes on");
    let after = ben.plays();
    assert!(after > before, "{after} after {before}");
    ben.in_frame("iframe.video", |firefox| {
        let video = firefox.video().expect("a video");
        assert!(!video.ended && video.error.is_none(), "{video:?}");
    });

    // Taken back, she comes in again.
    desk.does("button[value^=undo]");
    anna.firefox.goto(&server.local_url());
    anna.plays();
}

#[test]
fn the_desk_does_not_play_its_own_picture_before_it_is_asked_to() {
    let server = show(&[]);
    let desk = Desk::opens(Options::default(), &server);
    let watching = |count: &str| {
        desk.live(|firefox| firefox.wait_for_text("x-watching:last-of-type", count, SOON))
    };
    // Somebody else is counted, so that the number is a fresh one.
    let ben = viewer(&server);
    ben.plays();
    watching("1 person is watching");

    desk.firefox().click(".preview summary");
    desk.firefox().click(".preview a");

    watching("2 people are watching");
    desk.person.in_frame(".preview iframe", |firefox| {
        firefox.wait_for_video(SOON, |video| video.current_time > 0.5 && !video.paused);
    });
    desk.firefox().screenshot("desk-preview.png");
}
