//! The guide for broadcasters (`docs/broadcasting.md`) against the program: what it calls things is
//! what the desk calls them, and what it says is stored is what is stored.

mod stage;

use std::{
    collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration,
};

use onionstream::room::{filter::FilterRule, theme::Theme};
use stage::{
    desk::{PASSWORD, show},
    guest::Guest,
    server::Server,
    watch,
};

const GUIDE: &str = include_str!("../docs/broadcasting.md");

const SOON: Duration = Duration::from_secs(20);

/// A section of the guide.
fn section(title: &str) -> &'static str {
    let (_, rest) = GUIDE
        .split_once(&format!("\n## {title}\n"))
        .unwrap_or_else(|| panic!("no section {title}"));
    rest.split("\n## ").next().expect("a part")
}

/// The first column of the table that has this heading over it.
fn first_column(section: &str, heading: &str) -> Vec<String> {
    let heading = format!("| {heading} |");
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with(&heading))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| row.split('|').nth(1))
        .map(|cell| cell.trim().to_owned())
        .collect()
}

/// What stands between each two marks of a text, with single spaces.
fn between(text: &str, mark: &str) -> Vec<String> {
    let parts = text.split(mark).skip(1).step_by(2);
    parts
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// The words in italics.
fn italics() -> BTreeSet<String> {
    let mut prose = GUIDE.to_owned();
    for mark in ["```", "`", "**"] {
        prose = prose.split(mark).step_by(2).collect::<Vec<_>>().join(" ");
    }
    between(&prose, "*").into_iter().collect()
}

/// The pieces of text of a page, as people read them.
fn texts(page: &str) -> impl Iterator<Item = String> {
    let pieces = page.split('<').filter_map(|piece| piece.split_once('>'));
    pieces
        .map(|(_, text)| text.replace("&amp;", "&").trim().to_owned())
        .filter(|text| !text.is_empty())
}

/// A desk at which somebody who has a tripcode was banned, and where this can be seen.
fn busy_desk(server: &Server) -> (Guest, String) {
    let viewer = Guest::comes(server);
    let tripcode = [
        ("kind", "dress"),
        ("tripcode_act", "set"),
        ("tripcode", "made up for this test"),
    ];
    viewer.sends("/compose", &tripcode);
    let mut broadcaster = Guest::comes(server);
    broadcaster.logs_in(PASSWORD);
    broadcaster.sends(
        "/compose",
        &[("kind", "say"), ("text", "hello"), ("act", "send")],
    );
    broadcaster.sends("/broadcaster/show", &[("description", "*Hello*")]);
    let person = viewer.key();
    let about = format!("/broadcaster/act?person={person}");
    let nonce = broadcaster.nonce(&about);
    let ban = [
        ("nonce", nonce.as_str()),
        ("do", "ban"),
        ("person", person.as_str()),
        ("term", "good"),
    ];
    let said = broadcaster.posts("/broadcaster/act", &ban, &[]).text();
    assert!(said.contains("is banned"), "{said}");
    (broadcaster, about)
}

fn page(guest: &Guest, path: &str) -> String {
    guest.opens(path).finish(SOON).text()
}

#[test]
fn the_guide_calls_everything_what_the_desk_calls_it() {
    let server = show(&["captcha.entrance=false"]);
    let (broadcaster, about) = busy_desk(&server);
    let home = page(&broadcaster, "/broadcaster");
    let settings = page(&broadcaster, "/broadcaster/shields");
    let (nav, _) = settings.split_once("</nav>").expect("links");
    let tools: Vec<_> = between(nav, "\"")
        .into_iter()
        .filter(|address| address.starts_with("/broadcaster/"))
        .collect();
    assert!(tools.len() > 6, "{tools:?}");
    let mut pages: Vec<_> = tools.iter().map(|tool| page(&broadcaster, tool)).collect();
    pages.extend([home, page(&broadcaster, &about)]);
    let mut panel = broadcaster.opens("/broadcaster/live?follow=1");
    pages.push(panel.read_until_text(SOON, "</x-acts>"));
    // Small letters, because styles make some of them capital.
    let desk: BTreeSet<_> = pages
        .iter()
        .flat_map(|page| texts(page))
        .map(|text| text.to_lowercase())
        .collect();
    let guide = italics();

    for words in &guide {
        let words = words.to_lowercase();
        let is_there = desk.iter().any(|text| {
            text.strip_prefix(&words)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(','))
        });
        assert!(is_there || words == "italics", "not at the desk: {words}");
    }
    let explained = |heading| -> BTreeSet<_> {
        let cells = first_column(section("What the desk can do"), heading);
        let names = cells.iter().flat_map(|cell| between(cell, "*"));
        names.map(|name| name.to_lowercase()).collect()
    };
    let (_, nav) = nav.split_once("<nav").expect("links");
    let links: BTreeSet<_> = texts(nav).map(|name| name.to_lowercase()).collect();
    assert_eq!(explained("page of the desk"), links);
    let shields = settings.split("class=\"shield\"").skip(1);
    let shields: BTreeSet<_> = shields
        .filter_map(|rest| texts(&format!("<b{rest}")).next())
        .collect();
    assert!(shields.len() > 8, "{shields:?}");
    assert_eq!(explained("shield"), shields);
}

#[test]
fn the_rules_and_the_themes_of_the_guide_are_rules_and_themes() {
    let filters = section("Filters");
    let mut rules = first_column(filters, "rule");
    rules.push("`censor case Word`".to_owned());
    assert_eq!(rules.len(), 4);
    for rule in rules {
        assert!(filters.contains(&rule));
        let parsed = FilterRule::parse(rule.trim_matches('`'));
        assert!(parsed.is_ok(), "{rule}: {parsed:?}");
    }
    let (_, themes) = GUIDE.split_once("“change”. There are ").expect("themes");
    let (themes, _) = themes.split_once(".\n").expect("an end");
    assert_eq!(between(themes, "`"), Theme::ALL.map(Theme::word));
}

/// Every file in a directory, with its mode; directories end in a slash.
fn found(root: &Path, below: &str) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root.join(below)).expect("a directory") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("text");
        let metadata = entry.metadata().expect("it is there");
        let mode = metadata.permissions().mode() & 0o777;
        let path = format!("{below}{name}");
        if metadata.is_dir() {
            let path = format!("{path}/");
            all.extend(found(root, &path));
            all.push((path, mode));
        } else {
            all.push((path, mode));
        }
    }
    all
}

#[test]
fn what_is_stored_is_what_the_guide_says_and_for_its_owner_alone() {
    let mut server = show(&["captcha.entrance=false"]);
    let _desk = busy_desk(&server);
    server.says(&["title", "Night train"]);
    let root = server.directory().to_owned();
    let kept = watch(SOON, || {
        let text = fs::read_to_string(root.join("state/desk.toml")).ok()?;
        text.contains("[[sanctions]]").then_some(())
    });
    assert!(kept.is_some(), "a ban is kept");
    let told: BTreeSet<_> = first_column(section("What is stored where"), "file")
        .into_iter()
        // What Tor remembers: without Tor it is not there.
        .filter(|cell| cell != "the rest of `state/`")
        // Only on request, and `tests/recording.rs` and `tests/push.rs` look at them.
        .filter(|cell| cell != "`recordings/`" && cell != "`state/stream_key`")
        .map(|cell| cell.trim_matches('`').to_owned())
        .chain(["state/".to_owned()])
        .collect();

    let while_it_runs = found(&root, "");
    server.sigterm();
    let after = found(&root, "");

    let names: BTreeSet<_> = while_it_runs.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, told);
    for (name, mode) in while_it_runs.iter().chain(&after) {
        let expected = if name.ends_with('/') { 0o700 } else { 0o600 };
        assert_eq!(*mode, expected, "{name}: {mode:o}");
    }
    let gone: Vec<_> = names
        .into_iter()
        .filter(|name| after.iter().all(|(still, _)| still != name))
        .collect();
    assert_eq!(gone, ["state/control.sock"]);
}
