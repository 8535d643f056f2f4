//! The desk from far away: the broadcaster, a viewer and somebody who is blocked come through a private
//! Tor network.

mod stage;

use std::{thread, time::Duration};

use stage::{
    Deadline,
    desk::{Desk, PASSWORD, set_password},
    firefox::Options,
    guest::Guest,
    http::{Piece, Stream},
    person::Person,
    server::Server,
    tor_network::TorNetwork,
};

/// What waits for circuits gets more time than the median second they take.
const THROUGH_TOR: Duration = Duration::from_mins(1);
/// What the program promises for everything that a block ends.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How long the others are watched afterwards.
const AFTERWARDS: Duration = Duration::from_secs(5);
/// The demo sends something five times a second; a newcomer has 2.5 s of it in store.
const LONGEST_GAP: Duration = Duration::from_secs(2);

/// Reads until nothing is waiting, as a player that keeps up.
fn catches_up(stream: &mut Stream) {
    while let Piece::Data(_) = stream.next(Duration::from_millis(50)) {}
}

/// Reads an endless answer until it ends.
fn ends(stream: &mut Stream) -> Piece {
    let deadline = Deadline::after(THROUGH_TOR);
    loop {
        match stream.next(deadline.left()) {
            Piece::Data(_) => {}
            last => return last,
        }
    }
}

#[test]
fn a_block_pressed_at_the_desk_through_tor_ends_what_is_open_and_nobody_else_notices() {
    let network = TorNetwork::boot();
    let settings = [
        format!("onion.network={}", network.arti_toml().display()),
        // The entrance has a test of its own.
        "captcha.entrance=false".to_owned(),
    ];
    let mut arguments = vec!["--source", "demo"];
    for setting in &settings {
        arguments.extend(["--set", setting]);
    }
    let server = Server::start_prepared(&arguments, |directory| set_password(directory, PASSWORD));
    let site = server.wait_onion(THROUGH_TOR);
    let host = site.trim_start_matches("http://").trim_end_matches('/');
    server.wait_reachable(THROUGH_TOR);

    // Everybody comes through Tor.
    let victim = Guest::comes_through(network.socks(1), host);
    victim.is_called("Victim");
    victim.says("you will not like this");
    let other = Guest::comes_through(network.socks(0), host);
    let ben = Person::comes(Options::through(network.socks(1)), &site);
    ben.plays();
    ben.sees_line("you will not like this", THROUGH_TOR);
    let desk = Desk::opens_with(Options::through(network.socks(0)), &site, PASSWORD);
    desk.person.sees_line("you will not like this", THROUGH_TOR);
    let mut victims = [victim.opens("/stream.mp4"), victim.opens("/live?follow=1")];
    let mut others = other.opens("/stream.mp4");
    desk.looks_at("Victim");
    desk.firefox().screenshot("desk-tor-1-before.png");
    for stream in &mut victims {
        catches_up(stream);
    }
    let before = ben.plays();

    let clock = Deadline::after(THROUGH_TOR);
    let (ended, others) = thread::scope(|threads| {
        let readers = victims.each_mut().map(|stream| {
            threads.spawn(move || {
                let last = ends(stream);
                (clock.elapsed(), last)
            })
        });
        let others = threads.spawn(move || {
            let (mut longest, whole) = (Duration::ZERO, Deadline::after(AFTERWARDS));
            while !whole.has_passed() {
                let gap = Deadline::after(THROUGH_TOR);
                let piece = others.next(THROUGH_TOR);
                assert!(matches!(piece, Piece::Data(_)), "somebody else's ended");
                longest = longest.max(gap.elapsed());
            }
            longest
        });
        desk.act(|firefox| firefox.click("button[value=block]"));
        (
            readers.map(|reader| reader.join().expect("a reader")),
            others.join().expect("a reader"),
        )
    });

    let [(video, video_end), (panel, panel_end)] = ended;
    println!(
        "from before the click, through Tor: video {} ms, panel {} ms; longest gap of another viewer {} ms",
        video.as_millis(),
        panel.as_millis(),
        others.as_millis()
    );
    assert!(video < AT_ONCE && panel < AT_ONCE, "{video:?}, {panel:?}");
    assert!(others < LONGEST_GAP, "{others:?}");
    assert_ne!(video_end, Piece::Silence);
    assert_eq!(panel_end, Piece::End, "its last words arrive");
    desk.is_told("is blocked");
    desk.firefox().screenshot("desk-tor-2-blocked.png");
    for path in ["/", "/stream.mp4", "/live", "/compose"] {
        assert_eq!(victim.status(path), 403, "{path}");
    }

    // The one who stays sees the picture move at its pace, and the chat go on.
    let took = clock.elapsed();
    let after = ben.plays();
    let rate = (after - before) / took.as_secs_f64();
    assert!((0.8..=1.2).contains(&rate), "the picture moves at {rate}");
    desk.person.says("that is over");
    ben.sees_line("that is over", THROUGH_TOR);
    ben.firefox.screenshot("desk-tor-3-others.png");
}
