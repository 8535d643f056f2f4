//! The desk's pages photographed at three widths, dark and light, for people to look at
//! (`target/screenshots/`), and measured: nothing is wider than the window, everything that can be
//! pressed has a name and is large enough.

mod stage;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use stage::{
    desk::{Desk, fill, presses, show},
    firefox::{Options, Scheme},
    person::Person,
};

const SOON: Duration = Duration::from_secs(20);

/// Width and height of a phone, a tablet and a desktop.
const SIZES: [(u32, u32); 3] = [(360, 740), (768, 1024), (1440, 900)];

const TOOLS: [&str; 8] = [
    "show",
    "shields",
    "door",
    "filters",
    "bans",
    "moderators",
    "log",
    "sessions",
];

fn picture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("../screenshots")
        .join(name)
}

#[test]
fn every_page_of_the_desk_fits_every_size() {
    let server = show(&[]);
    let url = server.local_url();
    std::fs::write(
        server.directory().join("title.txt"),
        "Evening show: onions & friends\n",
    )
    .expect("a title");
    let anna = Person::comes(Options::default(), &url);
    anna.says("/name Anna of the long, long name 🌰🌰🌰");
    anna.says("Good evening everybody! Is the sound all right for you? It crackles here a little.");
    let ben = Person::comes(Options::default(), &url);
    ben.says("/name Ben");
    ben.says("BUY MY THINGS http://example.org/cheap/cheap/cheap?and=more");
    ben.says("BUY MY THINGS AGAIN :tada:");
    for (scheme, name) in [(Scheme::Dark, "dark"), (Scheme::Light, "light")] {
        let desk = Desk::opens(Options::coloured(scheme), &server);
        let firefox = desk.firefox();
        desk.person.says("Welcome! We begin in five minutes.");
        anna.says("yay");
        desk.presses("hide", "BUY MY THINGS http");
        desk.is_told("Hid message");
        desk.presses("more", "AGAIN");
        desk.act(|firefox| firefox.wait_for("form.sanction", SOON));
        for (width, height) in SIZES {
            firefox.set_page_size(width, height);
            firefox.screenshot(&picture(&format!("desk-{name}-{width}.png")));
        }
        desk.opens_tool("filters");
        desk.tool(|firefox| {
            fill(
                firefox,
                "#rules",
                "censor heck\nblock /buy .* things/i\nbam word",
            );
            presses(firefox, "button.main");
        });
        firefox.screenshot(&picture(&format!("desk-{name}-mistake.png")));
        desk.presses("mute", "AGAIN");
        desk.is_told("muted");
        let links = TOOLS.map(|tool| format!("{url}broadcaster/{tool}"));
        for (link, tool) in links.iter().zip(TOOLS) {
            firefox.set_page_size(460, 700);
            firefox.goto(link);
            firefox.wait_for("h1", SOON);
            firefox.screenshot(&picture(&format!("desk-{name}-tool-{tool}.png")));
        }
    }
}
