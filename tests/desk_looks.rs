//! The desk's pages photographed at three widths, dark and light, for people to look at
//! (`target/screenshots/`), and measured: nothing is wider than the window, everything that can be
//! pressed has a name, is large enough, and shows when the keyboard is at it.

mod stage;

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use stage::{
    desk::{Desk, PASSWORD, fill, presses, set_password, show},
    firefox::{Firefox, Options, Scheme},
    person::Person,
    process::{program, write_script},
    server::Server,
    watch,
    watching::{Watching, encoders_of},
};

const SOON: Duration = Duration::from_secs(20);

/// Width and height of a phone, a tablet and a desktop.
const SIZES: [(u32, u32); 3] = [(360, 740), (768, 1024), (1440, 900)];

const TOOLS: [&str; 9] = [
    "show",
    "shields",
    "door",
    "filters",
    "bans",
    "moderators",
    "recordings",
    "log",
    "sessions",
];

/// What is wrong with how the document of this frame is laid out.
const FLAWS: &str = "
    const found = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth + 1)
        found.push('wider than the window: ' + root.scrollWidth + ' of ' + root.clientWidth);
    const shown = [...document.querySelectorAll('a, button, input, select, textarea, summary')]
        .filter(e => e.checkVisibility({ visibilityProperty: true }) && e.type != 'hidden');
    for (const e of shown) {
        const { width, height } = e.getBoundingClientRect();
        // Links in the course of a sentence are as high as its lines.
        const is_small = Math.min(width, height) < 24 && !e.closest('p, x-line, label, .appearance')
            && !e.labels?.length;
        if (is_small) found.push('too small: ' + e.outerHTML.slice(0, 90) + ' ' + width + 'x' + height);
        const style = getComputedStyle(e);
        const looks = () => style.outlineStyle + style.outlineWidth + style.outlineColor + style.boxShadow;
        e.blur();
        const before = looks();
        e.focus({ focusVisible: true, preventScroll: true });
        if (looks() == before) found.push('does not show the focus: ' + e.outerHTML.slice(0, 90));
        e.blur();
    }
    return found";

fn flaws(firefox: &Firefox) -> Vec<String> {
    let found = firefox.execute(FLAWS);
    let found = found.as_array().expect("a list").iter();
    found.map(ToString::to_string).collect()
}

#[test]
fn every_page_of_the_desk_fits_every_size() {
    let server = show(&[]);
    let url = server.local_url();
    let title = server.directory().join("title.txt");
    fs::write(title, "Evening show: onions & friends\n").expect("a title");
    let anna = Person::comes(Options::default(), &url);
    anna.says("/name Anna with a long name 🌰");
    anna.says("Good evening everybody! Is the sound all right for you? It crackles here a little.");
    let ben = Person::comes(Options::default(), &url);
    ben.says("/name Ben");
    ben.says("BUY MY THINGS http://example.org/cheap/cheap/cheap?and=more");
    ben.says("BUY MY THINGS AGAIN :tada:");
    let desk = Desk::opens(Options::coloured(Scheme::Dark), &server);
    desk.person.says("Welcome! We begin in five minutes.");
    anna.says("yay");
    desk.presses("hide", "BUY MY THINGS http");
    desk.is_told("Hid message");
    desk.presses("mute", "AGAIN");
    desk.is_told("is muted");
    desk.live(|firefox| firefox.wait_for_text("x-audit:last-of-type", "is muted", SOON));
    desk.opens_tool("moderators");
    let link = desk.tool(|firefox| {
        firefox.click("button[value=link]");
        firefox.wait_for_text(".secret", "/broadcaster/in/", SOON)
    });
    photograph(&desk, &url, "dark");
    drop(desk);
    let link = format!("{}{link}", url.trim_end_matches('/'));
    let helper = Desk::opens_by_link(Options::coloured(Scheme::Dark), &link);
    for (width, height) in SIZES {
        helper.firefox().set_page_size(width, height);
        helper.presses("more", "AGAIN");
        helper.act(|firefox| firefox.wait_for("form.sanction", SOON));
        let name = format!("desk-moderator-{width}.png");
        helper.firefox().screenshot(&name);
    }
    drop(helper);
    let desk = Desk::opens(Options::coloured(Scheme::Light), &server);
    photograph(&desk, &url, "light");
}

fn photograph(desk: &Desk, url: &str, scheme: &str) {
    let firefox = desk.firefox();
    let mut found = Vec::new();
    for (width, height) in SIZES {
        firefox.set_page_size(width, height);
        desk.live(|firefox| {
            firefox.execute(
                "document.querySelector('main').shadowRoot.querySelector('#show-chat').click()",
            )
        });
        desk.presses("more", "AGAIN");
        desk.act(|firefox| firefox.wait_for("form.sanction", SOON));
        firefox.execute("scrollTo(0, 0)");
        firefox.screenshot(&format!("desk-{scheme}-{width}.png"));
        for frame in ["live", "act", "tools"] {
            let flaws = desk.person.in_frame(&format!("iframe.{frame}"), flaws);
            found.extend(
                flaws
                    .into_iter()
                    .map(|flaw| format!("{frame} at {width}: {flaw}")),
            );
        }
        found.extend(
            flaws(firefox)
                .into_iter()
                .map(|flaw| format!("desk at {width}: {flaw}")),
        );
        for tab in ["people", "state", "done"] {
            if width < 600 {
                desk.live(|firefox| {
                    firefox.execute(&format!(
                        "document.querySelector('main').shadowRoot.querySelector('#show-{tab}').click()"
                    ))
                });
                firefox.screenshot(&format!("desk-{scheme}-{width}-{tab}.png"));
            }
        }
    }
    desk.opens_tool("filters");
    desk.tool(|firefox| {
        fill(
            firefox,
            "#rules",
            "censor heck\nblock /buy .* things/i\nbam word\nban /(/",
        );
        presses(firefox, "button.main");
    });
    firefox.screenshot(&format!("desk-{scheme}-mistake.png"));
    desk.opens_tool("shields");
    desk.tool(|firefox| presses(firefox, "button[value=raid]"));
    desk.live(|firefox| firefox.wait_for_text("x-shields:last-of-type", "slow mode", SOON));
    firefox.screenshot(&format!("desk-{scheme}-raid.png"));
    desk.tool(|firefox| presses(firefox, "button[value=none]"));
    for tool in TOOLS {
        for width in [360, 520] {
            firefox.set_page_size(width, 700);
            firefox.goto(&format!("{url}broadcaster/{tool}"));
            firefox.wait_for("h1", SOON);
            firefox.wait_for("main > :last-child", SOON);
            firefox.screenshot(&format!("desk-{scheme}-tool-{tool}-{width}.png"));
            found.extend(
                flaws(firefox)
                    .into_iter()
                    .map(|flaw| format!("{tool} at {width}: {flaw}")),
            );
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What reaches out of the part of the panel with the state of things, in which one cannot scroll
/// sideways, and what is shown that is not the newest of its kind any more.
const REACHES_OUT: &str = "
    const root = document.querySelector('main').shadowRoot;
    const side = root.querySelector('.side').getBoundingClientRect();
    const parts = [...root.querySelectorAll('.side *'), ...document.querySelectorAll('main > *[slot] *')];
    return parts
        .filter(e => e.checkVisibility({ visibilityProperty: true }))
        .map(e => [e, e.getBoundingClientRect(), e.scrollWidth - e.clientWidth])
        .filter(([e, box, over]) => box.width > 0 && (box.right > side.right + 1 || box.left < side.left - 1
            || (e.clientWidth > 0 && over > 1)))
        .map(([e]) => e.outerHTML.slice(0, 120))
        .concat([...document.querySelectorAll('main > *[slot]')]
            .filter((e, _, all) => e.checkVisibility() && e.innerText
                && all.some(other => other != e && other.localName == e.localName && other.checkVisibility()))
            .map(e => 'shown twice: ' + e.localName))";

/// An ffmpeg that has something to say each time, in words that cannot be broken.
fn complaining_ffmpeg(directory: &Path) -> String {
    let path = "/dev/video0_behind_a_hub_with_a_very_long_name_that_has_no_end".repeat(3);
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *-version*) ;; *) \
         echo '[video4linux2 @ 0x5581] {path}: Device or resource busy, said '$$ >&2;; esac\n\
         exec '{}' \"$@\"\n",
        program("ffmpeg", "FFMPEG").display()
    );
    let path = write_script(directory, "ffmpeg-that-complains", &script);
    path.display().to_string()
}

/// A show about which there is everything to say: complaints, another quality, a connection that is
/// full, a recording with the chat, and a quality that has trouble.
fn eventful_show(tools: &Path) -> Server {
    let ffmpeg = format!("encoder.ffmpeg={}", complaining_ffmpeg(tools));
    let arguments = [
        "--no-tor",
        "--source",
        "test",
        "--low",
        "--record",
        "--record-chat",
        "--set",
        &ffmpeg,
        "--set",
        "playback.max_upload_kbits=950",
        "--set",
        "captcha.entrance=false",
    ];
    let server = Server::start_prepared(&arguments, |directory| {
        set_password(directory, PASSWORD);
        fs::write(directory.join("title.txt"), "An evening of onions\n").expect("a title");
    });
    server.local_url();
    server
}

fn kill_encoders(server: &Server) {
    for encoder in encoders_of(server.id()) {
        let id = Pid::from_raw(encoder.cast_signed()).expect("a process");
        kill_process(id, Signal::KILL).expect("killed");
    }
}

/// Opens what ffmpeg said; it stays open when more is said.
fn opens_complaints(firefox: &Firefox, server: &Server) {
    let inside = |look: &str| {
        let look = format!("return document.querySelector('main').shadowRoot.querySelector({look}");
        firefox.execute(&look)
    };
    inside("'.complaints summary').click()");
    assert_eq!(inside("'.complaints').open"), true);
    let newest = || firefox.text("x-complaint:last-of-type").unwrap_or_default();
    let before = newest();
    kill_encoders(server);
    let changed = watch(SOON, || Some(newest()).filter(|now| *now != before));
    assert!(changed.is_some(), "nothing more is said: {before}");
    assert_eq!(inside("'.complaints').open"), true);
    let all = firefox
        .text("x-complaints:last-of-type")
        .unwrap_or_default();
    assert!(all.matches("busy").count() > 1, "{all}");
}

#[test]
fn the_state_of_an_eventful_show_fits_every_size() {
    let tools = tempfile::tempdir().expect("a directory");
    let server = eventful_show(tools.path());
    let mut viewer = Watching::open_at(&server, "/stream.mp4");
    let leaves = Arc::new(AtomicBool::new(false));
    let leave = Arc::clone(&leaves);
    let viewer = thread::spawn(move || {
        viewer.until(Duration::from_mins(10), |_| leave.load(Ordering::Relaxed))
    });
    for scheme in [Scheme::Dark, Scheme::Light] {
        let desk = Desk::opens(Options::coloured(scheme), &server);
        desk.live(|firefox| {
            firefox.wait_for_text("x-variants:last-of-type", "kbit/s", SOON);
            firefox.wait_for_text(
                "x-uplink:last-of-type",
                "offered the smaller quality low",
                SOON,
            );
            firefox.wait_for_text("x-recording:last-of-type", "Recording", SOON);
            firefox.wait_for_text("x-complaint:last-of-type", "busy", SOON);
            opens_complaints(firefox, &server);
            firefox.wait_for_text("x-variants:last-of-type", "ended", SOON);
        });
        let mut found = Vec::new();
        for (width, height) in [(360, 740), (360, 1900), (1440, 900), (1440, 1900)] {
            desk.firefox().set_page_size(width, height);
            let flaws = desk.live(|firefox| {
                firefox.execute(
                    "document.querySelector('main').shadowRoot.querySelector('#show-state').click()",
                );
                let reaches_out = firefox.execute(REACHES_OUT);
                let reaches_out = reaches_out.as_array().expect("a list").iter();
                let mut flaws = flaws(firefox);
                flaws.extend(reaches_out.map(ToString::to_string));
                flaws
            });
            let name = format!("desk-eventful-{scheme:?}-{width}x{height}.png").to_lowercase();
            desk.firefox().screenshot(&name);
            let flaws = flaws.into_iter();
            found.extend(flaws.map(|flaw| format!("{scheme:?} at {width}: {flaw}")));
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
    leaves.store(true, Ordering::Relaxed);
    viewer.join().expect("a viewer");
}
