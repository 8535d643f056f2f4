//! The words of the show as viewers see them, in real browsers without JavaScript: announcement,
//! description, countdown, links, the themes, and a site whose chat is hidden or off.

mod stage;

use std::{process::Command, time::Duration};

use stage::{
    desk::{Desk, PASSWORD, fill, presses, set_password, show},
    firefox::{Firefox, Options, Scheme},
    person::Person,
    server::Server,
    watch,
};

const SOON: Duration = Duration::from_secs(20);

/// Width and height of a phone and a desktop.
const SIZES: [(u32, u32); 2] = [(360, 740), (1440, 900)];

const DESCRIPTION: &str = "\
We cook soup over **Tor**, every Saturday.

## What you need

1. onions, *many*
2. a pot

> No tears were shed. ~~Some~~

Recipes are on [our page](http://example.onion/soup); a <b>picture</b>: ![pot](http://example.onion/pot.png)
";

/// The time of day in about two hours, as it is written at the desk.
fn in_two_hours() -> String {
    let date = Command::new("date")
        .args(["-u", "-d", "now + 122 minutes", "+%Y-%m-%d %H:%M"])
        .output()
        .expect("date runs");
    String::from_utf8_lossy(&date.stdout).trim().to_owned()
}

fn fits(firefox: &Firefox) {
    let scrolls = "return document.documentElement.scrollWidth > innerWidth";
    assert_eq!(firefox.execute(scrolls), false, "nothing is too wide");
}

/// Waits until the page has these frames and no others.
fn has_frames(firefox: &Firefox, expected: &[&str]) {
    let look = "return [...document.querySelectorAll('iframe')].map(e => e.name)";
    // While a page is on its way there is nothing to look at.
    let frames =
        || serde_json::from_value::<Vec<String>>(firefox.execute(look)).unwrap_or_default();
    let seen = watch(SOON, || (frames() == expected).then_some(()));
    assert!(seen.is_some(), "{expected:?} are not {:?}", frames());
}

#[test]
fn viewers_see_what_the_broadcaster_writes_about_the_show() {
    let server = Server::start_prepared(&["--no-tor"], |directory| {
        set_password(directory, PASSWORD);
    });
    let viewer = Person::comes(Options::coloured(Scheme::Light), &server.local_url());
    let desk = Desk::opens(Options::default(), &server);
    desk.opens_tool("show");
    desk.tool(|firefox| {
        fill(firefox, "#title", "Onion soup");
        fill(firefox, "#announcement", "Bring a spoon & a friend");
        fill(firefox, "#starts_at", "tonight");
        fill(firefox, "#link_text", "Tip jar");
        fill(firefox, "#link_address", "http://example.onion/tips");
        fill(firefox, "#profile", "https://social.example/@cook");
        firefox.execute(&format!(
            "document.querySelector('#description').value = {DESCRIPTION:?}"
        ));
        let said = presses(firefox, "button.main");
        assert!(said.contains("2026-11-21 20:00"), "{said}");
        fill(firefox, "#starts_at", &in_two_hours());
        presses(firefox, "button.main");
        // What viewers will see of it can be looked at before they do.
        assert_eq!(firefox.count(".preview ol li"), 2);
    });

    // The open page has the announcement and the title at once.
    viewer.in_frame("iframe.live", |firefox| {
        firefox.wait_for_text("x-announcement:last-of-type", "Bring a spoon", SOON);
        firefox.wait_for_text("x-title:last-of-type", "Onion soup", SOON);
    });
    // The card comes anew by itself, and its clock goes backwards between.
    viewer.in_frame("iframe.video", |firefox| {
        firefox.wait_for(".countdown", SOON);
        let before = firefox.picture_of(".countdown");
        let ticked = watch(SOON, || {
            (firefox.count(".countdown") == 1 && firefox.picture_of(".countdown") != before)
                .then_some(())
        });
        assert!(ticked.is_some(), "the clock stands still");
        let left = firefox.attribute(".countdown", "aria-label");
        assert!(
            left.as_ref()
                .is_some_and(|left| left.starts_with("in 2 hours")),
            "{left:?}"
        );
    });
    let firefox = &viewer.firefox;
    for (width, height) in SIZES {
        firefox.set_page_size(width, height);
        firefox.goto(&server.local_url());
        firefox.wait_for("#about", SOON);
        assert_eq!(firefox.count("#about li"), 2);
        assert_eq!(firefox.count("#about img, #about b"), 0);
        assert_eq!(
            firefox.attribute("footer a[rel~=me]", "href").as_deref(),
            Some("https://social.example/@cook")
        );
        viewer.in_frame("iframe.video", |firefox| {
            firefox.wait_for(".countdown", SOON)
        });
        viewer.in_frame("iframe.live", |firefox| {
            firefox.wait_for_text("x-announcement:last-of-type", "Bring a spoon", SOON)
        });
        fits(firefox);
        firefox.screenshot(&format!("show-off-air-{width}.png"));
        firefox.click("a[href='#about']");
        firefox.screenshot(&format!("show-about-{width}.png"));
    }
}

#[test]
fn a_theme_is_kept_for_every_page_of_the_viewer_and_of_nobody_else() {
    let server = show(&[]);
    let anna = Person::comes(Options::coloured(Scheme::Light), &server.local_url());
    let ben = Person::comes(Options::coloured(Scheme::Light), &server.local_url());
    ben.says("hello @Anna, :tada: http://example.onion/");
    for theme in ["contrast", "paper"] {
        anna.in_frame("iframe.compose", |firefox| {
            firefox.wait_for(".appearance", SOON);
            firefox.click(".appearance > summary");
            firefox.click(&format!("#theme option[value={theme}]"));
            firefox.click(".appearance form[target] button");
        });
        let class = format!("theme-{theme}");
        let firefox = &anna.firefox;
        let changed = watch(SOON, || {
            let root = firefox.attribute("html", "class")?;
            root.contains(&class).then_some(())
        });
        assert!(changed.is_some(), "the whole page is {theme}");
        has_frames(firefox, &["video", "live", "compose"]);
        for frame in ["video", "live", "compose"] {
            anna.in_frame(&format!("iframe.{frame}"), |firefox| {
                firefox.wait_for(&format!("html.{class}"), SOON)
            });
        }
        anna.sees_line("hello", SOON);
        anna.plays();
        for (width, height) in SIZES {
            firefox.set_page_size(width, height);
            firefox.screenshot(&format!("theme-{theme}-{width}.png"));
        }
    }
    // The command does the same, and both find each other's choice.
    anna.says("/theme dark");
    assert!(anna.is_told().contains("dark"), "{}", anna.is_told());
    ben.firefox.goto(&server.local_url());
    assert_eq!(
        ben.firefox.attribute("html", "class").as_deref(),
        Some("home theme-browser")
    );
}

#[test]
fn a_hidden_chat_is_a_link_away_and_one_that_is_off_is_nowhere() {
    let server = show(&[]);
    let anna = Person::comes(Options::coloured(Scheme::Dark), &server.local_url());
    let firefox = &anna.firefox;
    anna.says("said before");
    let desk = Desk::opens(Options::default(), &server);
    desk.opens_tool("shields");
    desk.tool(|firefox| {
        firefox.click("input[name=chat][value=hidden]");
        presses(firefox, "button.main");
    });

    for (width, height) in SIZES {
        firefox.set_page_size(width, height);
        firefox.goto(&server.local_url());
        has_frames(firefox, &["video", "live"]);
        anna.in_frame("iframe.live", |firefox| {
            firefox.wait_for_text("x-watching:last-of-type", "watching", SOON)
        });
        assert_eq!(anna.lines(), Vec::<String>::new());
        anna.plays();
        fits(firefox);
        firefox.screenshot(&format!("chat-hidden-{width}.png"));
    }
    firefox.click("a[href='/?chat=1']");
    has_frames(firefox, &["video", "live", "compose"]);
    anna.sees_line("said before", SOON);
    anna.says("said while it was hidden");
    anna.sees_line("said while it was hidden", SOON);

    desk.tool(|firefox| {
        firefox.click("input[name=chat][value=off]");
        presses(firefox, "button.main");
    });
    anna.sees_no_line("said");
    anna.says("into the void");
    let told = anna.is_told();
    assert!(told.contains("There is no chat"), "{told}");
    firefox.goto(&format!("{}?chat=1", server.local_url()));
    has_frames(firefox, &["video", "live"]);

    desk.tool(|firefox| {
        firefox.click("input[name=chat][value=shown]");
        presses(firefox, "button.main");
    });
    firefox.goto(&server.local_url());
    anna.sees_line("said while it was hidden", SOON);
    assert!(!anna.lines().iter().any(|line| line.contains("void")));
}
