use std::time::Duration;

use super::*;
use crate::{
    clock::{Tick, WallTime},
    media::recording::{Recorder, Recording, RecordingName, Space, Stage, chapters::Chapters},
    pages::reading::{Element, read},
    room::{
        audit::{Audit, AuditId},
        colour::Colour,
        desk::SeatView,
        name::DisplayName,
        order::Order,
        person::{Person, Role},
        sanction::{Sanction, SanctionId, SanctionKind},
        shields::Shields,
        tag::{PublicKey, PublicTag},
        tripcode::Tripcode,
    },
};

/// What would be a disaster as HTML.
const HOSTILE: &str = "</textarea></form>\"'><script>alert(1)</script>&amp;<!--";

const TOOL: Tool<'static> = Tool {
    nonce: "NUMBER",
    notice: None,
    theme: Theme::Browser,
};

fn sanction() -> Sanction {
    Sanction {
        id: SanctionId(4),
        kind: SanctionKind::Block,
        label: HOSTILE.to_owned(),
        by: HOSTILE.to_owned(),
        since: WallTime::from_unix_millis(0),
        until: None,
        tripcode: Some(Tripcode::from_bytes([7; 10])),
        tokens: Vec::new(),
    }
}

fn seat() -> SeatView {
    let person = Person::new(
        PublicKey::from_random(7),
        PublicTag::from_random(7),
        Colour(1, 2, 3),
        Tick::START,
    );
    SeatView {
        identity: crate::room::person::Identity {
            name: DisplayName::parse("<Ann> & \"co\"").ok(),
            role: Role::Broadcaster,
            ..person.identity
        },
        age: Duration::from_secs(70),
        idle: Duration::from_secs(3),
        is_program: true,
    }
}

fn take(stage: Stage) -> Recording {
    Recording {
        name: RecordingName::parse("2026-11-21_2000-2").unwrap(),
        title: HOSTILE.to_owned(),
        began: None,
        length: Duration::from_secs(70),
        bytes: 3 << 20,
        chat_bytes: 40 << 10,
        chapters: Chapters::default(),
        is_hidden: true,
        stage,
    }
}

fn audit() -> Audit {
    let mut audit = Audit::default();
    let at = WallTime::from_unix_millis(0);
    let undo = vec![Order::Shields(Vec::new())];
    audit.note(at, HOSTILE.to_owned(), HOSTILE.to_owned(), undo);
    audit.note(at, "the terminal".to_owned(), "Cut".to_owned(), Vec::new());
    audit
}

/// Every page of settings with the worst there can be in it.
fn pages(tool: Tool<'_>) -> Vec<(&'static str, String)> {
    let words = Show {
        description: HOSTILE.to_owned(),
        announcement: HOSTILE.to_owned(),
        starts_at: HOSTILE.to_owned(),
        link_text: HOSTILE.to_owned(),
        link_address: HOSTILE.to_owned(),
        profile: HOSTILE.to_owned(),
    };
    let preview = html! { p { (HOSTILE) } };
    let words = ShowPage {
        title: HOSTILE,
        show: &words,
        preview,
    };
    let closed = DoorPage {
        has_password: true,
        club: Some(HOSTILE),
        typed_club: None,
    };
    let rules = FiltersPage {
        rules: HOSTILE,
        mistakes: &[(3, HOSTILE.to_owned())],
    };
    let shut_out = Bans {
        sanctions: &[sanction()],
        tripcode: HOSTILE,
    };
    let helpers = Moderators {
        moderators: &[(Tripcode::from_bytes([7; 10]), HOSTILE.to_owned())],
        link: Some(HOSTILE),
        tripcode: HOSTILE,
    };
    let all = [take(Stage::Running), take(Stage::Whole)];
    let takes = RecordingsPage {
        recorder: &Recorder {
            is_wanted: true,
            running: Some((all[0].name, Duration::from_secs(70), 3 << 20)),
            problem: Some(HOSTILE.to_owned()),
            space: Space::default(),
        },
        recordings: &all,
        is_public: true,
        keeps_chat: true,
        is_chat_public: true,
        keep_days: 1,
        asked: all.last(),
    };
    let seats = [seat()];
    let own = seats[0].identity.key;
    let audit: Vec<_> = audit().iter().cloned().collect();
    [
        ("show", show(tool, &words, "STYLE")),
        ("shields", shields(tool, Shields::default(), "STYLE")),
        ("door", door(tool, &closed, "STYLE")),
        ("filters", filters(tool, &rules, "STYLE")),
        ("bans", bans(tool, &shut_out, "STYLE")),
        ("moderators", moderators(tool, &helpers, "STYLE")),
        ("recordings", recordings(tool, &takes, "STYLE")),
        ("log", log(tool, &audit, "STYLE")),
        ("sessions", sessions(tool, &seats, own, "STYLE")),
    ]
    .map(|(name, page)| (name, page.into_string()))
    .into()
}

fn check(name: &str, html: &str) -> Element {
    let read = read(html).unwrap_or_else(|flaw| panic!("{name}: {flaw}\n{html}"));
    assert_eq!(read.nameless(), Vec::<String>::new(), "{name}");
    assert_eq!(read.loose_forms(), Vec::<String>::new(), "{name}");
    read
}

#[test]
fn every_page_holds_whatever_is_typed_and_every_control_has_a_name() {
    let refused = Notice::Refused(HOSTILE.to_owned());
    let done = Notice::Done {
        words: HOSTILE.to_owned(),
        undo: Some(AuditId(3)),
    };
    for notice in [None, Some(&refused), Some(&done)] {
        let tool = Tool { notice, ..TOOL };
        for (name, html) in pages(tool) {
            let page = check(name, &html);
            assert_eq!(page.all("h1").len(), 1, "{name}");
            let here = page.all("a").into_iter();
            let current: Vec<_> = here
                .filter(|a| a.attribute("aria-current") == Some("page"))
                .filter_map(|a| a.attribute("href"))
                .collect();
            assert_eq!(current, [format!("/broadcaster/{name}")]);
        }
    }
}

#[test]
fn what_was_done_can_be_taken_back_where_it_is_said() {
    let done = Notice::Done {
        words: "Changed.".to_owned(),
        undo: Some(AuditId(3)),
    };
    let tool = Tool {
        notice: Some(&done),
        ..TOOL
    };
    let html = shields(tool, Shields::default(), "STYLE").into_string();

    let page = check("shields", &html);

    let undo = page
        .all("form")
        .into_iter()
        .find(|form| form.attribute("action") == Some(LOG));
    let button = undo.unwrap().all("button")[0];
    assert_eq!(button.attribute("value"), Some("undo-3"));
    assert_eq!(button.text(), "Undo");
}

#[test]
fn mistakes_are_told_with_their_lines_and_the_text_is_kept() {
    let page = FiltersPage {
        rules: "\nbam",
        mistakes: &[(2, "a rule begins with `censor`".to_owned())],
    };

    let html = filters(TOOL, &page, "STYLE").into_string();

    let read = check("filters", &html);
    assert!(
        html.contains("<b>Line 2</b>: a rule begins with <code>censor</code>"),
        "{html}"
    );
    let field = read.all("textarea")[0];
    assert_eq!(field.attribute("aria-describedby"), Some("mistakes"));
    // The first line feed is not part of what is shown.
    assert!(html.contains(">\n\nbam</textarea>"), "{html}");
}

#[test]
fn what_refusals_name_is_code_and_a_single_backtick_stays_what_it_is() {
    let refused = |words: &str| {
        let notice = Notice::Refused(words.to_owned());
        let tool = Tool {
            notice: Some(&notice),
            ..TOOL
        };
        let html = shields(tool, Shields::default(), "STYLE").into_string();
        check("shields", &html);
        html
    };

    let html = refused("The beginning is written like `2026-11-21 20:00`, in UTC.");
    assert!(html.contains("like <code>2026-11-21 20:00</code>, in UTC."));
    assert!(!html.contains('`'), "{html}");
    let html = refused("`a`b` is <b>found</b> in every message.");
    assert!(html.contains("`a`b` is &lt;b&gt;found"), "{html}");
}

#[test]
fn the_shields_show_what_is_on() {
    let html = shields(TOOL, Shields::default().against_a_raid(), "STYLE").into_string();

    let page = check("shields", &html);

    let is_on = |field: &&&Element| field.attribute("checked").is_some();
    let fields = page.all("input");
    let on: Vec<_> = fields
        .iter()
        .filter(is_on)
        .filter_map(|field| field.attribute("name"))
        .collect();
    assert_eq!(on, ["slow", "captcha-always", "links-off", "chat"]);
}

#[test]
fn a_recording_is_deleted_only_after_a_question() {
    let whole = [take(Stage::Whole)];
    let page = |asked| {
        let model = RecordingsPage {
            recorder: &Recorder::default(),
            recordings: &whole,
            is_public: true,
            keeps_chat: false,
            is_chat_public: false,
            keep_days: 0,
            asked,
        };
        recordings(TOOL, &model, "STYLE").into_string()
    };

    let before = page(None);
    let read_before = check("recordings", &before);
    let deeds = |page: &Element| -> Vec<String> {
        let buttons = page.all("button").into_iter();
        buttons
            .filter_map(|button| button.attribute("value").map(str::to_owned))
            .collect()
    };
    assert_eq!(
        deeds(&read_before),
        ["start", "chat", "show-2026-11-21_2000-2"]
    );
    let question = "/broadcaster/recordings?delete=2026-11-21_2000-2";
    assert!(before.contains(&format!("href=\"{question}\"")), "{before}");

    let asked = page(whole.first());
    assert_eq!(
        deeds(&check("recordings", &asked))[0],
        "delete-2026-11-21_2000-2"
    );
    assert!(asked.contains("for good?"), "{asked}");
}
