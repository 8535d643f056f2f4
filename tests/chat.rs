//! The room in real browsers without JavaScript: people come in, talk, get captchas and refusals,
//! look different, are forgotten, and find each other again after the server was killed.

mod stage;

use std::time::Duration;

use stage::{
    firefox::{Firefox, Options, Scheme},
    person::{ENTER, Person, asked, lines},
    puzzle,
    server::Server,
    tor_network::TorNetwork,
    watch,
};

const SOON: Duration = Duration::from_secs(20);
const THROUGH_TOR: Duration = Duration::from_mins(1);

fn demo(settings: &[&str]) -> Server {
    let mut arguments = vec!["--source", "demo", "--no-tor"];
    arguments.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
    Server::start(&arguments)
}

#[test]
fn two_people_talk_and_each_sees_what_is_theirs() {
    let server = demo(&["chat.flood_messages=100"]);
    let anna = Person::comes(Options::coloured(Scheme::Dark), &server.local_url());
    let ben = Person::comes(Options::coloured(Scheme::Light), &server.local_url());

    anna.says("Hello from Anna");
    anna.sees_line("Hello from Anna", SOON);
    ben.sees_line("Hello from Anna", Duration::from_secs(2));
    assert!(
        !anna.lines()[0].contains("(you)"),
        "generated text is not in innerText"
    );

    // A name, and a mention of it; the mention is marked for its owner only.
    anna.says("/name Änna 🌰");
    assert!(
        anna.is_told().contains("You are now Änna"),
        "{}",
        anna.is_told()
    );
    ben.says("hi @änna 🌰, see http://example.org/ and :tada:");
    anna.sees_line("hi @änna 🌰", SOON);
    let background = "const e = [...document.querySelectorAll('x-line')].at(-1); return getComputedStyle(e).backgroundColor";
    let marked = anna.in_frame("iframe.live", |firefox| firefox.execute(background));
    let plain = ben.in_frame("iframe.live", |firefox| firefox.execute(background));
    assert_ne!(marked, "rgba(0, 0, 0, 0)");
    assert_eq!(plain, "rgba(0, 0, 0, 0)");
    ben.in_frame("iframe.live", |firefox| {
        assert_eq!(
            firefox.attribute("x-line a", "rel").as_deref(),
            Some("noreferrer nofollow")
        );
        assert_eq!(
            firefox.text("x-line .clearnet").as_deref(),
            Some("clearnet")
        );
    });

    // Focus stays in the message field; what is private stays private.
    let focus = "return document.activeElement.id";
    assert_eq!(
        anna.in_frame("iframe.compose", |firefox| firefox.execute(focus)),
        "message"
    );
    let before = ben.lines().len();
    // The list of people follows within two seconds.
    std::thread::sleep(Duration::from_secs(2));
    anna.says("/users");
    assert!(anna.is_told().contains("Änna"), "{}", anna.is_told());
    anna.says("/nonsense");
    assert!(anna.is_told().contains("no command"));
    ben.says("done");
    ben.sees_line("done", SOON);
    assert_eq!(ben.lines().len(), before + 1, "{:?}", ben.lines());

    // People: both are listed as watching, Anna with her name.
    ben.in_frame("iframe.live", |firefox| {
        let look =
            "const e = [...document.querySelectorAll('x-people')].at(-1); return e.textContent";
        let listed = watch(SOON, || {
            let people = firefox.execute(look);
            let people = people.as_str()?;
            (people.contains("Watching (2)") && people.contains("Änna")).then_some(())
        });
        assert!(listed.is_some(), "{}", firefox.execute(look));
    });
    anna.firefox.screenshot("chat-two-people-dark.png");
}

#[test]
fn floods_names_and_texts_are_refused_with_a_sentence_and_the_text_is_kept() {
    let server = demo(&[]);
    let anna = Person::comes(Options::default(), &server.local_url());
    for text in ["one", "two", "three"] {
        anna.says(text);
        std::thread::sleep(Duration::from_millis(1100));
    }
    anna.says("four, too fast");
    assert!(
        anna.is_told().contains("You said a lot"),
        "{}",
        anna.is_told()
    );
    let kept = anna.in_frame("iframe.compose", |firefox| {
        assert_eq!(firefox.count("fieldset.captcha"), 1, "a captcha is due");
        firefox.attribute("#message", "value")
    });
    assert_eq!(kept.as_deref(), Some("four, too fast"));
    // The text is there already; solving the captcha sends it.
    anna.says("");
    anna.sees_line("four, too fast", SOON);

    std::thread::sleep(Duration::from_millis(1100));
    anna.says("/name Brοadcaster");
    assert!(
        !anna.is_told().contains("You are now"),
        "a name with a Greek letter: {}",
        anna.is_told()
    );
    anna.says("/color #15111d");
    assert!(anna.is_told().contains("contrast"), "{}", anna.is_told());
}

#[test]
fn a_tripcode_is_set_in_the_form_and_shown_with_what_is_said() {
    let server = demo(&[]);
    let anna = Person::comes(Options::default(), &server.local_url());
    anna.in_frame("iframe.compose", |firefox| {
        firefox.click(".appearance > summary");
        firefox.type_text("#name", "Anna");
        firefox.click("input[value=set]");
        firefox.type_text("#tripcode", &format!("correct horse{ENTER}"));
        firefox.wait_for_text(".notice", "You are now Anna", SOON);
    });
    anna.says("it is me");

    let shown = anna.in_frame("iframe.live", |firefox| {
        firefox.wait_for("x-line .tripcode", SOON)
    });
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_onionstream"));
    command.arg("--dir").arg(server.directory()).arg("tripcode");
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), b"correct horse\n")
        .expect("written");
    let printed = child.wait_with_output().expect("it ends");
    assert_eq!(
        String::from_utf8_lossy(&printed.stdout).trim(),
        shown,
        "the command prints the same"
    );
}

#[test]
fn the_chat_stays_at_the_newest_line_unless_somebody_reads_back() {
    let server = demo(&[
        "chat.flood_messages=1000",
        "chat.gap=0ms",
        "chat.flood_rows=10000",
        "chat.busy_messages=10000",
        "captcha.every=10000",
    ]);
    let anna = Person::comes(Options::coloured(Scheme::Dark), &server.local_url());
    for number in 0..40 {
        anna.says(&format!("line {number}"));
    }
    anna.sees_line("line 39", SOON);
    anna.in_frame("iframe.live", |firefox| {
        let scroll =
            "const s = document.querySelector('main').shadowRoot.querySelector('.scroll'); ";
        let top = |firefox: &Firefox| {
            firefox
                .execute(&format!("{scroll} return s.scrollTop"))
                .as_f64()
                .expect("a number")
        };
        assert!(top(firefox).abs() < 1.0, "at the newest line");
        firefox.execute(&format!("{scroll} s.scrollBy(0, -300)"));
        let place = "return document.querySelectorAll('x-line')[20].getBoundingClientRect().top";
        let before = firefox.execute(place).as_f64().expect("a number");
        firefox.leave_frames();
        anna.says("one more while reading back");
        firefox.enter_frame("iframe.live");
        let arrived = watch(SOON, || {
            lines(firefox)
                .iter()
                .any(|line| line.contains("one more"))
                .then_some(())
        });
        assert!(arrived.is_some());
        let after = firefox.execute(place).as_f64().expect("a number");
        assert!(
            (before - after).abs() < 2.0,
            "the place moved from {before} to {after}"
        );
    });
    anna.firefox.screenshot("chat-40-lines-dark.png");
}

#[test]
fn no_text_breaks_the_layout() {
    let server = demo(&[
        "chat.flood_messages=1000",
        "chat.gap=0ms",
        "chat.flood_rows=10000",
        "captcha.every=10000",
    ]);
    let anna = Person::comes(Options::coloured(Scheme::Light), &server.local_url());
    anna.says("hello");
    let zalgo: String = std::iter::repeat_n("e\u{301}\u{302}", 40).collect();
    for text in [
        "w".repeat(512).as_str(),
        "ＷＩＤＥ".repeat(120).as_str(),
        zalgo.as_str(),
        "\u{202e}reversed and \u{2066}isolated",
        "<b>bold</b> <script>alert(1)</script> &amp; \"quoted\"",
        "﷽﷽﷽﷽﷽﷽﷽﷽",
        "https://example.org/a-very-long-address-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on",
    ] {
        anna.says(text);
    }
    anna.sees_line("<b>bold</b> <script>", SOON);
    for (width, height) in [(360, 740), (768, 1024), (1440, 900)] {
        anna.firefox.set_page_size(width, height);
        anna.in_frame("iframe.live", |firefox| {
            let wide = "const s = document.querySelector('main').shadowRoot.querySelector('.scroll'); \
                        return [s.scrollWidth > s.clientWidth + 1, document.querySelectorAll('script, b b').length]";
            let seen = firefox.execute(wide);
            assert_eq!(seen[0], false, "something is wider than the panel at {width}");
            assert_eq!(seen[1], 0, "markup got through");
        });
        anna.firefox
            .screenshot(&format!("chat-hostile-light-{width}.png"));
    }
}

#[test]
fn forget_me_takes_the_lines_from_every_open_panel() {
    let server = demo(&[]);
    let anna = Person::comes(Options::default(), &server.local_url());
    let ben = Person::comes(Options::default(), &server.local_url());
    anna.says("soon forgotten");
    ben.says("stays");
    ben.sees_line("soon forgotten", SOON);

    anna.firefox.goto(&format!("{}privacy", server.local_url()));
    anna.firefox.wait_for("button.main", SOON);
    anna.firefox.click("button.main");

    let gone = watch(SOON, || {
        (!ben
            .lines()
            .iter()
            .any(|line| line.contains("soon forgotten")))
        .then_some(())
    });
    assert!(gone.is_some(), "{:?}", ben.lines());
    assert!(ben.lines().iter().any(|line| line.contains("stays")));
}

#[test]
fn a_panel_whose_server_hangs_says_so_and_recovers() {
    let mut server = demo(&["live.heartbeat=2s"]);
    let anna = Person::comes(Options::default(), &server.local_url());
    anna.says("before the silence");
    anna.sees_line("before the silence", SOON);
    let lost = |firefox: &Firefox| firefox.text("x-beat:last-of-type").unwrap_or_default();

    server.freeze();
    anna.in_frame("iframe.live", |firefox| {
        firefox.wait_for_text("x-beat:last-of-type", "connection is lost", SOON * 3);
        assert!(
            lines(firefox).iter().any(|line| line.contains("before")),
            "what was there stays"
        );
    });
    server.thaw();
    anna.in_frame("iframe.live", |firefox| {
        let back = watch(SOON, || lost(firefox).is_empty().then_some(()));
        assert!(back.is_some(), "{}", lost(firefox));
    });
}

#[test]
fn the_chat_is_empty_after_a_restart_and_old_cookies_are_nobodys() {
    let mut server = demo(&[]);
    let anna = Person::comes(Options::default(), &server.local_url());
    anna.says("before the crash");
    anna.sees_line("before the crash", SOON);

    server.sigkill();
    server.restart();

    anna.firefox.goto(&server.local_url());
    anna.says("after the crash");
    anna.sees_line("after the crash", SOON);
    assert!(
        !anna
            .lines()
            .iter()
            .any(|line| line.contains("before the crash")),
        "kept in memory only"
    );
}

#[test]
fn through_tor_people_pass_the_entrance_and_talk() {
    let network = TorNetwork::boot();
    let setting = format!("onion.network={}", network.arti_toml().display());
    let server = Server::start(&["--source", "demo", "--set", &setting]);
    let url = server.wait_onion(THROUGH_TOR);
    server.wait_reachable(THROUGH_TOR);

    let comes_in = |client: usize| {
        let person = Person::comes(Options::through(network.socks(client)), &url);
        let firefox = &person.firefox;
        firefox.wait_for("fieldset.captcha img", THROUGH_TOR);
        firefox.screenshot(&format!("entrance-tor-{client}.png"));
        firefox.click("button[value=question]");
        let question = asked(firefox, THROUGH_TOR);
        firefox.type_text("#answer", &format!("{}{ENTER}", puzzle::solve(&question)));
        firefox.wait_for("iframe.live", THROUGH_TOR);
        firefox.enter_frame("iframe.video");
        firefox.wait_for_video(THROUGH_TOR, |video| video.current_time > 1.0);
        firefox.leave_frames();
        person
    };
    let (anna, ben) = (comes_in(0), comes_in(1));

    anna.says("hello through Tor");
    ben.sees_line("hello through Tor", THROUGH_TOR);
    ben.says("and back");
    anna.sees_line("and back", THROUGH_TOR);
    ben.firefox.screenshot("chat-tor.png");
}
