//! The pages in a real Firefox without JavaScript: the player plays, the panel lives, and both are
//! photographed at three widths, dark and light, for people to look at (`target/screenshots/`).

mod stage;

use std::{fs, time::Duration};

use stage::{
    firefox::{Firefox, Options, Scheme, VideoState},
    server::Server,
    watch,
};

const SOON: Duration = Duration::from_secs(20);

/// Width and height of a phone, a tablet and a desktop.
const SIZES: [(u32, u32); 3] = [(360, 740), (768, 1024), (1440, 900)];

fn is_playing(video: &VideoState) -> bool {
    video.current_time > 0.5 && !video.paused && video.error.is_none()
}

#[test]
fn the_demo_plays_and_the_panel_lives_at_every_size_and_in_both_schemes() {
    let server = Server::start(&["--source", "demo", "--no-tor"]);
    let title = server.directory().join("title.txt");
    fs::write(&title, "Evening show: onions & friends\n").expect("a title");

    for (scheme, name) in [(Scheme::Dark, "dark"), (Scheme::Light, "light")] {
        let firefox = Firefox::start(Options::coloured(scheme));
        for (width, height) in SIZES {
            firefox.set_page_size(width, height);
            firefox.goto(&server.local_url());
            firefox.enter_frame("iframe.video");
            firefox.wait_for_video(SOON, is_playing);
            assert!(
                firefox
                    .text(".note.muted")
                    .is_some_and(|note| note.contains("sound is off"))
            );
            firefox.leave_frames();
            firefox.enter_frame("iframe.live");
            firefox.wait_for_text("x-title:last-of-type", "onions & friends", SOON);
            firefox.wait_for_text("x-watching:last-of-type", "1 person is watching", SOON);
            assert_eq!(
                firefox.text("x-air:last-of-type").as_deref(),
                Some("On air")
            );
            assert_eq!(
                firefox.text("x-beat:last-of-type").as_deref(),
                Some(""),
                "hidden"
            );
            let scrolls = "return [document.documentElement.scrollWidth > innerWidth]";
            assert_eq!(
                firefox.execute(scrolls)[0],
                false,
                "the panel fits at {width}"
            );
            firefox.leave_frames();
            assert_eq!(
                firefox.execute(scrolls)[0],
                false,
                "the page fits at {width}"
            );
            firefox.screenshot(&format!("on-air-{name}-{width}.png"));
        }
        drop(firefox);
    }
}

#[test]
fn the_off_air_card_waits_and_the_simple_pages_are_readable() {
    let server = Server::start(&["--no-tor"]);
    let firefox = Firefox::start(Options::coloured(Scheme::Dark));
    for (width, height) in SIZES {
        firefox.set_page_size(width, height);
        firefox.goto(&server.local_url());
        firefox.enter_frame("iframe.video");
        firefox.wait_for_text("main", "starts here by itself", SOON);
        firefox.leave_frames();
        firefox.enter_frame("iframe.live");
        firefox.wait_for_text("x-air:last-of-type", "Off air", SOON);
        firefox.leave_frames();
        firefox.screenshot(&format!("off-air-dark-{width}.png"));
    }
    firefox.set_page_size(360, 740);
    firefox.goto(&format!("{}live?static=1", server.local_url()));
    firefox.wait_for_text("main", "Off air", SOON);
    firefox.screenshot("panel-static-360.png");
    firefox.goto(&format!("{}nothing", server.local_url()));
    firefox.wait_for_text("main", "nothing at this address", SOON);
    firefox.screenshot("problem-360.png");
}

#[test]
fn the_first_page_does_not_keep_the_tab_loading_and_the_clock_ticks() {
    let server = Server::start(&["--source", "demo", "--no-tor"]);
    let firefox = Firefox::start(Options::default());

    firefox.goto(&server.local_url());
    let loaded = watch(SOON, || {
        (firefox.execute("return document.readyState") == "complete").then_some(())
    });
    assert!(loaded.is_some(), "the page never finishes loading");

    firefox.enter_frame("iframe.live");
    firefox.wait_for("x-uptime", SOON);
    // Counters are not text: the clock is compared as a picture.
    let before = firefox.picture_of("x-uptime:last-of-type");
    let ticked = watch(Duration::from_secs(5), || {
        (firefox.picture_of("x-uptime:last-of-type") != before).then_some(())
    });
    assert!(ticked.is_some(), "the clock stands still");
}
