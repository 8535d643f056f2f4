//! The settings of the desk in real browsers without JavaScript: what they change for viewers who are
//! there already, who may come in, who helps, and what a restart keeps.

mod stage;

use std::{fs, time::Duration};

use stage::{
    desk::{Desk, fill, presses, show},
    firefox::Options,
    person::{ENTER, Person},
    server::Server,
    watch,
};

const SOON: Duration = Duration::from_secs(20);

fn viewer(server: &Server) -> Person {
    Person::comes(Options::default(), &server.local_url())
}

/// Waits until somebody who was let in finds themselves outside, in the middle of everything.
fn is_shown_the_door(person: &Person, words: &str) {
    person.in_frame("iframe.live", |firefox| {
        firefox.wait_for_text("body", words, SOON)
    });
    person.in_frame("iframe.video", |firefox| {
        let over = watch(SOON, || {
            let video = firefox.video()?;
            (video.ended || video.error.is_some()).then_some(())
        });
        assert!(over.is_some(), "the picture goes on");
    });
}

#[test]
fn word_filters_and_shields_hold_from_when_they_are_saved() {
    let server = show(&["chat.slow_gap=1s"]);
    let (anna, ben) = (viewer(&server), viewer(&server));
    let desk = Desk::opens(Options::default(), &server);

    desk.opens_tool("filters");
    desk.tool(|firefox| {
        fill(firefox, "#rules", "censor heck\nbam word");
        let said = presses(firefox, "button.main");
        assert!(said.contains("Nothing was changed"), "{said}");
        firefox.wait_for_text("#mistakes", "Line 2", SOON);
        let kept = firefox.execute("return document.querySelector('#rules').value");
        assert_eq!(kept, "censor heck\nbam word");
        fill(
            firefox,
            "#rules",
            "censor heck\nblock /buy .* things/i\nban nasty",
        );
        let said = presses(firefox, "button.main");
        assert!(said.contains("There are 3 word filters now"), "{said}");
    });
    anna.says("what the heck is this");
    ben.sees_line("what the ••• is this", SOON);
    anna.says("Buy my THINGS");
    assert!(
        anna.is_told().contains("This was not sent"),
        "{}",
        anna.is_told()
    );
    ben.says("nasty");
    ben.is_told_that("You are banned");
    desk.person.says("heck, this is mine");
    anna.sees_line("heck, this is mine", SOON);

    desk.opens_tool("shields");
    desk.tool(|firefox| {
        let said = presses(firefox, "button[value=raid]");
        assert!(said.contains("every message needs a captcha"), "{said}");
        assert_eq!(firefox.count("input[type=checkbox]:checked"), 3);
    });
    // The captcha is asked for, and solving it sends the message; the link in it is plain text.
    anna.says("one http://example.org/ in a raid");
    assert!(anna.is_told().contains("picture"), "{}", anna.is_told());
    let sent = watch(SOON, || {
        // What was typed is in the field still. Slow mode may ask for another second.
        anna.says("");
        anna.is_told().is_empty().then_some(())
    });
    assert!(sent.is_some(), "{}", anna.is_told());
    anna.sees_line("in a raid", SOON);
    anna.in_frame("iframe.live", |firefox| {
        assert_eq!(firefox.count("x-line:last-of-type a"), 0, "no link");
    });
    // Undo leads to the log, which says so.
    desk.tool(|firefox| {
        firefox.click(".notice button[value^=undo]");
        firefox.wait_for_text(".notice", "Took back: Changed", SOON);
    });
    desk.opens_tool("shields");
    desk.tool(|firefox| {
        assert_eq!(firefox.count("input[type=checkbox]:checked"), 0);
        firefox.click("input[name=read-only]");
        presses(firefox, "button[value=save]");
    });
    let told = watch(SOON, || {
        anna.firefox.goto(&server.local_url());
        anna.in_frame("iframe.compose", |firefox| {
            firefox.wait_for(".appearance", SOON);
            firefox
                .text(".notice")
                .filter(|told| told.contains("only the broadcaster"))
        })
    });
    assert!(told.is_some());
    desk.person.says("only me now");
    anna.sees_line("only me now", SOON);
}

#[test]
fn a_viewing_password_set_in_the_middle_shows_everybody_the_door() {
    let server = show(&[]);
    let (anna, ben) = (viewer(&server), viewer(&server));
    anna.plays();
    ben.plays();
    let desk = Desk::opens(Options::default(), &server);

    desk.opens_tool("door");
    desk.tool(|firefox| {
        fill(firefox, "#password", "short");
        let said = presses(firefox, "button[value=password]");
        assert!(said.contains("at least 6 characters"), "{said}");
        fill(firefox, "#password", "open sesame");
        let said = presses(firefox, "button[value=password]");
        assert!(said.contains("need the viewing password"), "{said}");
        assert!(
            firefox
                .text("main")
                .is_some_and(|now| now.contains("whoever knows"))
        );
    });
    is_shown_the_door(&anna, "needs a password now");
    is_shown_the_door(&ben, "needs a password now");
    // The desk is open as before.
    desk.person.says("nobody here");
    desk.person.sees_line("nobody here", SOON);

    for (password, is_right) in [("open says me", false), ("open sesame", true)] {
        anna.firefox.goto(&server.local_url());
        anna.firefox.wait_for("#password", SOON);
        anna.firefox
            .type_text("#password", &format!("{password}{ENTER}"));
        if is_right {
            anna.firefox.wait_for("iframe.video", SOON);
        } else {
            anna.firefox
                .wait_for_text(".notice", "not the password", SOON);
        }
    }
    anna.plays();
    anna.sees_line("nobody here", SOON);

    // Open again: whoever waits outside comes in without it.
    desk.tool(|firefox| presses(firefox, "button[value=open]"));
    ben.firefox.goto(&server.local_url());
    ben.plays();
}

#[test]
fn the_secret_club_is_for_listed_tripcodes_only() {
    let server = show(&[]);
    let (anna, ben) = (viewer(&server), viewer(&server));
    let tripcode = anna.sets_tripcode("correct horse");
    anna.plays();
    ben.plays();
    let desk = Desk::opens(Options::default(), &server);

    desk.opens_tool("door");
    desk.tool(|firefox| {
        fill(firefox, "#club", "nonsense");
        let said = presses(firefox, "button[value=club]");
        assert!(said.contains("Line 1"), "{said}");
        fill(firefox, "#club", &tripcode);
        let said = presses(firefox, "button[value=club]");
        assert!(said.contains("Only the 1 tripcodes"), "{said}");
    });
    is_shown_the_door(&ben, "for members now");
    let before = anna.plays();
    anna.says("I am a member");
    desk.person.sees_line("I am a member", SOON);
    assert!(anna.plays() > before);

    for (password, is_right) in [("wrong horse", false), ("correct horse", true)] {
        ben.firefox.goto(&server.local_url());
        ben.firefox.wait_for("#password", SOON);
        ben.firefox
            .type_text("#password", &format!("{password}{ENTER}"));
        if is_right {
            ben.firefox.wait_for("iframe.video", SOON);
        } else {
            ben.firefox
                .wait_for_text(".notice", "not one of a member", SOON);
        }
    }
    ben.plays();
}

#[test]
fn a_moderator_comes_by_a_link_that_works_once_and_keeps_order_within_limits() {
    let server = show(&[]);
    let url = server.local_url();
    let anna = viewer(&server);
    anna.says("please be nice");
    let desk = Desk::opens(Options::default(), &server);
    desk.person.says("I am out of reach");
    desk.opens_tool("moderators");
    let link = desk.tool(|firefox| {
        firefox.click("button[value=link]");
        firefox.wait_for_text(".secret", "/broadcaster/in/", SOON)
    });
    // Without Tor the link has no address of its own.
    let link = format!("{}{}", url.trim_end_matches('/'), link);

    let helper = Desk::opens_by_link(Options::default(), &link);
    assert_eq!(helper.firefox().count("iframe.tools"), 0, "no settings");
    helper.presses("hide", "please be nice");
    helper.is_told("Hid message");
    anna.sees_no_line("please be nice");
    helper.presses("mute", "please be nice");
    helper.is_told("is muted until");
    helper.presses("more", "I am out of reach");
    helper.act(|firefox| {
        firefox.wait_for_text("main", "out of reach", SOON);
        assert_eq!(firefox.count("button"), 0);
    });
    let second = Person::comes(Options::default(), &link);
    second
        .firefox
        .wait_for_text("body", "does not work any more", SOON);
    for page in ["show", "bans", "log", "sessions", "door"] {
        second.firefox.goto(&format!("{url}broadcaster/{page}"));
        second
            .firefox
            .wait_for_text("body", "Log in at /broadcaster first", SOON);
        helper.firefox().goto(&format!("{url}broadcaster/{page}"));
        helper
            .firefox()
            .wait_for_text("body", "for the broadcaster alone", SOON);
    }

    // The broadcaster sees who did what, and ends the session; its panel ends with it.
    helper.firefox().goto(&format!("{url}broadcaster"));
    helper.live(|firefox| firefox.wait_for("x-air:last-of-type", SOON));
    desk.opens_tool("log");
    desk.tool(|firefox| firefox.wait_for_text(".list", "Hid message 1", SOON));
    desk.opens_tool("sessions");
    desk.tool(|firefox| {
        let said = presses(firefox, "li:has(.insignia[title=Moderator]) button");
        assert!(said.contains("Logged out"), "{said}");
    });
    helper.live(|firefox| firefox.wait_for_text("body", "Log in at /broadcaster first", SOON));
}

#[test]
fn a_restart_keeps_bans_filters_and_the_words_of_the_show_and_forgets_the_chat() {
    let mut server = show(&[]);
    let anna = viewer(&server);
    anna.says("/name Anna");
    anna.says("before the restart");
    let desk = Desk::opens(Options::default(), &server);
    desk.looks_at("Anna");
    desk.act(|firefox| {
        firefox.click("#term option[value=good]");
        presses(firefox, "button[value=ban]")
    });
    desk.opens_tool("filters");
    desk.tool(|firefox| {
        fill(firefox, "#rules", "censor heck");
        presses(firefox, "button.main")
    });
    desk.opens_tool("show");
    desk.tool(|firefox| {
        fill(firefox, "#title", "A title from the desk & more");
        fill(firefox, "#announcement", "Back in <five> minutes");
        let said = presses(firefox, "button.main");
        assert!(said.starts_with("Saved."), "{said}");
    });
    let seen = |person: &Person| {
        person.in_frame("iframe.live", |firefox| {
            firefox.wait_for_text("x-title:last-of-type", "A title from the desk & more", SOON);
            firefox.wait_for_text(
                "x-announcement:last-of-type",
                "Back in <five> minutes",
                SOON,
            );
        });
    };
    seen(&anna);
    let written = fs::read_to_string(server.directory().join("title.txt")).expect("a title");
    assert_eq!(written.trim(), "A title from the desk & more");
    desk.opens_tool("log");
    drop(desk);
    let file = server.directory().join("state/desk.toml");
    let kept = watch(SOON, || {
        let text = fs::read_to_string(&file).ok()?;
        (text.contains("Back in <five>") && text.contains("heck")).then_some(())
    });
    assert!(kept.is_some(), "it is written within moments");

    server.restart();

    anna.firefox.goto(&server.local_url());
    seen(&anna);
    anna.is_told_that("You are banned");
    let ben = viewer(&server);
    ben.says("what the heck");
    ben.sees_line("what the •••", SOON);
    assert!(
        !ben.lines()
            .iter()
            .any(|line| line.contains("before the restart"))
    );
    let desk = Desk::opens(Options::default(), &server);
    desk.opens_tool("bans");
    desk.tool(|firefox| {
        firefox.wait_for_text(".list", "is banned from the chat for good", SOON);
        presses(firefox, "button[value^=lift]");
    });
    anna.firefox.goto(&server.local_url());
    anna.says("free again");
    ben.sees_line("free again", SOON);
}
