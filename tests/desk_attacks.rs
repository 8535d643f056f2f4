//! The desk against people who have no business there: other sites, viewers, moderators who want
//! more, forms that are sent again, tokens from before.

mod stage;

use std::time::Duration;

use stage::{
    Deadline,
    desk::{PASSWORD, show},
    guest::Guest,
    http::{Piece, Stream},
    server::Server,
};

/// Every page of the desk that changes something, with a change that would be seen.
const CHANGES: [(&str, &[(&str, &str)]); 9] = [
    ("/broadcaster/show", &[("announcement", "taken over")]),
    ("/broadcaster/shields", &[("do", "raid")]),
    (
        "/broadcaster/door",
        &[("do", "password"), ("password", "taken over")],
    ),
    ("/broadcaster/filters", &[("rules", "block hello")]),
    (
        "/broadcaster/bans",
        &[
            ("do", "tripcode"),
            ("tripcode", "aaaa-aaaa-aaaa-aaaa"),
            ("kind", "ban"),
            ("term", "good"),
        ],
    ),
    ("/broadcaster/moderators", &[("do", "link")]),
    ("/broadcaster/log", &[("do", "undo-1")]),
    ("/broadcaster/sessions", &[("do", "end-0")]),
    ("/broadcaster/act", &[("do", "hide-1")]),
];

/// Pages of the broadcaster alone: all of them but the last.
fn settings()
-> impl Iterator<Item = &'static (&'static str, &'static [(&'static str, &'static str)])> {
    CHANGES
        .iter()
        .filter(|(path, _)| *path != "/broadcaster/act")
}

fn broadcaster(server: &Server) -> Guest {
    let mut guest = Guest::comes(server);
    guest.logs_in(PASSWORD);
    guest
}

/// A moderator by a link that this broadcaster makes.
fn moderator(server: &Server, broadcaster: &Guest) -> Guest {
    let page = broadcaster.sends("/broadcaster/moderators", &[("do", "link")]);
    let link = page
        .split_once("/broadcaster/in/")
        .and_then(|(_, rest)| rest.split_once('<'))
        .map(|(token, _)| format!("/broadcaster/in/{token}"));
    let mut guest = Guest::comes(server);
    guest.takes_link(&link.expect("a link"));
    guest
}

/// Says something, so that there is a message 1.
fn speaks(guest: &Guest) {
    guest.sends(
        "/compose",
        &[("kind", "say"), ("text", "hello"), ("act", "send")],
    );
}

/// That nothing of [`CHANGES`] was done.
fn is_untouched(server: &Server, broadcaster: &Guest) {
    let page = |path: &str| {
        broadcaster
            .opens(path)
            .finish(Duration::from_secs(10))
            .text()
    };
    assert!(!page("/broadcaster/show").contains("taken over"));
    assert!(!page("/broadcaster/shields").contains("value=\"on\" checked"));
    assert!(page("/broadcaster/door").contains("everybody who has the address"));
    assert!(!page("/broadcaster/filters").contains("block hello<"));
    assert!(page("/broadcaster/bans").contains("Nobody is muted"));
    assert!(page("/broadcaster/log").contains("Nothing was done yet"));
    assert!(Guest::comes(server).status("/stream.mp4") == 200);
}

#[test]
fn a_form_from_another_site_changes_nothing_whoever_sends_it() {
    let server = show(&[]);
    let broadcaster = broadcaster(&server);
    for (path, fields) in CHANGES {
        for site in ["cross-site", "same-site"] {
            let nonce = broadcaster.nonce(if path.ends_with("act") {
                "/broadcaster/show"
            } else {
                path
            });
            let fields = [&[("nonce", nonce.as_str())], fields].concat();

            let answer = broadcaster.posts(path, &fields, &[("Sec-Fetch-Site", site)]);

            assert_eq!(answer.status, 403, "{path}: {}", answer.text());
        }
    }
    is_untouched(&server, &broadcaster);
}

#[test]
fn a_form_without_a_number_or_with_anothers_changes_nothing() {
    let server = show(&[]);
    let broadcaster = broadcaster(&server);
    let viewer = Guest::comes(&server);
    speaks(&viewer);
    for (path, fields) in CHANGES {
        let others = viewer.nonce("/compose");
        for nonce in [&[][..], &[("nonce", "")], &[("nonce", others.as_str())]] {
            let fields = [nonce, fields].concat();

            let answer = broadcaster.posts(path, &fields, &[]).text();

            let is_refused =
                answer.contains("This was sent before") || answer.contains("cannot be read");
            // These two are refused for what they name before anything else.
            let is_nothing =
                answer.contains("not here any more") || answer.contains("cannot be taken back");
            assert!(is_refused || is_nothing, "{path}: {answer}");
        }
    }
    is_untouched(&server, &broadcaster);
}

#[test]
fn a_form_works_once() {
    let server = show(&[]);
    let broadcaster = broadcaster(&server);
    let nonce = broadcaster.nonce("/broadcaster/shields");
    let raid = [("nonce", nonce.as_str()), ("do", "raid")];
    let none = [("nonce", nonce.as_str()), ("do", "none")];

    let first = broadcaster.posts("/broadcaster/shields", &raid, &[]).text();
    let again = broadcaster.posts("/broadcaster/shields", &none, &[]).text();

    assert!(first.contains("every message needs a captcha"), "{first}");
    assert!(again.contains("This was sent before"), "{again}");
    assert_eq!(
        again.matches(" checked").count(),
        4,
        "the shields are up still"
    );
}

#[test]
fn a_form_that_was_open_for_long_changes_only_what_was_touched() {
    let server = show(&[]);
    let broadcaster = broadcaster(&server);
    let nonce = broadcaster.nonce("/broadcaster/shields");
    let raid_nonce = broadcaster.nonce("/broadcaster/shields");
    let raid = [("nonce", raid_nonce.as_str()), ("do", "raid")];
    broadcaster.posts("/broadcaster/shields", &raid, &[]);

    // Opened when nothing was on, and sent with one more.
    let old = [
        ("nonce", nonce.as_str()),
        ("do", "save"),
        ("was", "shown"),
        ("read-only", "on"),
        ("chat", "shown"),
    ];
    let said = broadcaster.posts("/broadcaster/shields", &old, &[]).text();

    // The raid's three, this one, and the chat's.
    assert_eq!(said.matches(" checked").count(), 5, "{said}");
    assert!(said.contains("value=\"slow captcha-always read-only links-off shown\""));
}

#[test]
fn viewers_see_nothing_of_the_desk_and_moderators_nothing_of_the_settings() {
    let server = show(&[]);
    let broadcaster = broadcaster(&server);
    let moderator = moderator(&server, &broadcaster);
    let viewer = Guest::comes(&server);
    speaks(&viewer);
    for (path, fields) in CHANGES {
        // The best that a viewer can do: a number of their own, from their own page.
        let nonce = viewer.nonce("/compose");
        let fields = [&[("nonce", nonce.as_str())], fields].concat();
        assert_eq!(viewer.status(path), 403, "{path}");
        assert_eq!(viewer.posts(path, &fields, &[]).status, 403, "{path}");
    }
    assert_eq!(viewer.status("/broadcaster/live"), 403);
    assert_eq!(viewer.status("/broadcaster/live?follow=1"), 403);
    for (path, fields) in settings() {
        let nonce = moderator.nonce("/compose");
        let fields = [&[("nonce", nonce.as_str())], *fields].concat();
        assert_eq!(moderator.status(path), 403, "{path}");
        assert_eq!(moderator.posts(path, &fields, &[]).status, 403, "{path}");
    }
    is_untouched(&server, &broadcaster);
}

#[test]
fn a_moderator_who_asks_for_more_is_refused() {
    let server = show(&[]);
    let broadcaster = broadcaster(&server);
    let moderator = moderator(&server, &broadcaster);
    let viewer = Guest::comes(&server);
    let person = viewer.key();
    for (deed, term) in [
        ("ban", "10m"),
        ("purge", "10m"),
        ("block", "10m"),
        ("cut", ""),
        ("mute", "7d"),
        ("mute", "good"),
    ] {
        // Hand-made: the page does not offer these.
        let nonce = moderator.nonce(&format!("/broadcaster/act?person={person}"));
        let fields = [
            ("nonce", nonce.as_str()),
            ("do", deed),
            ("term", term),
            ("person", &person),
        ];

        let answer = moderator.posts("/broadcaster/act", &fields, &[]).text();

        assert!(
            answer.contains("That is not for you to do"),
            "{deed} {term}: {answer}"
        );
    }
    // Nor can they touch the broadcaster.
    let boss = broadcaster.key();
    let nonce = moderator.nonce(&format!("/broadcaster/act?person={person}"));
    let fields = [
        ("nonce", nonce.as_str()),
        ("do", "mute"),
        ("term", "10m"),
        ("person", &boss),
    ];
    let answer = moderator.posts("/broadcaster/act", &fields, &[]).text();
    assert!(answer.contains("out of reach"), "{answer}");
    is_untouched(&server, &broadcaster);
}

#[test]
fn a_token_from_before_the_login_is_nobodys_and_public_ids_open_nothing() {
    let server = show(&[]);
    let mut guest = Guest::comes(&server);
    // Somebody prepared this session and waits for the broadcaster to log in with it.
    let before = guest.logs_in(PASSWORD);
    let waiting = guest.with_cookie(&before);

    assert_eq!(waiting.status("/broadcaster/show"), 403);
    let key = guest.key();
    let thief = guest.with_cookie(&format!("session={key}"));
    assert_eq!(thief.status("/broadcaster/show"), 403);
    assert_eq!(thief.status("/broadcaster/live?follow=1"), 403);
    assert_eq!(guest.status("/broadcaster/show"), 200);
}

#[test]
fn the_panel_of_a_desk_session_ends_with_the_session() {
    let server = show(&[]);
    let broadcaster = broadcaster(&server);
    let moderator = moderator(&server, &broadcaster);
    let mut panel = moderator.opens("/broadcaster/live?follow=1");
    panel.read_until_text(Duration::from_secs(10), "x-beat");
    let sessions = broadcaster
        .opens("/broadcaster/sessions")
        .finish(Duration::from_secs(10))
        .text();
    // The moderator's is the one that is not this browser's.
    let keys: Vec<_> = sessions
        .split("value=\"end-")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(key, _)| key.to_owned())
        .collect();
    let own = sessions
        .split("<li>")
        .skip(1)
        .position(|item| item.contains("this browser"));
    assert_eq!(keys.len(), 2, "{sessions}");
    let theirs = &keys[1 - own.expect("this browser")];

    broadcaster.sends("/broadcaster/sessions", &[("do", &format!("end-{theirs}"))]);

    let took = time_to_end(&mut panel);
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(moderator.status("/broadcaster/live?follow=1"), 403);
    assert_eq!(moderator.status("/"), 200, "they are a viewer again");
}

fn time_to_end(stream: &mut Stream) -> Duration {
    let deadline = Deadline::after(Duration::from_secs(20));
    while let Piece::Data(_) = stream.next(deadline.left()) {}
    deadline.elapsed()
}
