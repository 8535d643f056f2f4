//! Answers as words and tables for people.
//!
//! Every text goes through [`printable`]: much of it was written by viewers.

use std::fmt::Write as _;

use serde_json::Value;

use super::printable;
use crate::{
    clock::{Civil, WallTime},
    control::request::{Moderator, Request},
};

/// What is printed for the answer to a request.
pub(super) fn of(request: &Request, answer: &Value) -> String {
    match request {
        Request::Status => status(answer),
        Request::Complaints => list(answer, "ffmpeg said nothing", |line| {
            format!("{}\n", text(line))
        }),
        Request::Title(None) => format!("{}\n", text(answer)),
        Request::Say(_) => message(answer),
        Request::Chat(_) => list(answer, "nothing was said yet", message),
        Request::Users => people(answer),
        Request::Bans => list(answer, "nobody is muted, banned or blocked", ban),
        Request::Log => list(answer, "nothing was ordered yet", entry),
        Request::LoginLink => link(answer, "logs in once, within ten minutes"),
        Request::Moderator(Moderator::Link) => link(
            answer,
            "makes a moderator of whoever opens it first, within 24 hours",
        ),
        // A video that was cut does not come back by itself, and most of what `undo` did is
        // noted but cannot be taken back again.
        Request::Cut(_) | Request::Undo(_) => format!("{}\n", text(&answer["did"])),
        _ => did(answer),
    }
}

/// What is printed for an event; `None` for those that people need not see.
pub(super) fn event(event: &Value) -> Option<String> {
    let numbers = || {
        let ids: Vec<_> = items(&event["ids"]).map(Value::to_string).collect();
        ids.join(", ")
    };
    match event["type"].as_str()? {
        "message" => Some(message(event)),
        "hidden" => Some(format!("      (hidden: {})\n", numbers())),
        "shown" => Some(format!("      (shown again: {})\n", numbers())),
        "removed" => Some(format!("      (gone: {})\n", numbers())),
        "air" if event["on"] == true => Some("      (on the air)\n".to_owned()),
        "air" => Some("      (off the air)\n".to_owned()),
        "lost" => Some("      (too slow: some events were lost; start again)\n".to_owned()),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    printable::line(value.as_str().unwrap_or_default())
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn list(answer: &Value, nothing: &str, item: fn(&Value) -> String) -> String {
    let all: String = items(answer).map(item).collect();
    if all.is_empty() {
        return format!("{nothing}\n");
    }
    all
}

/// `20:15:07`, UTC.
fn clock(millis: &Value) -> String {
    let Civil {
        hour,
        minute,
        second,
        ..
    } = civil(millis);
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// `2026-02-03 20:15`, UTC.
fn date(millis: &Value) -> String {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        ..
    } = civil(millis);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}")
}

fn civil(millis: &Value) -> Civil {
    WallTime::from_unix_millis(millis.as_u64().unwrap_or_default()).into()
}

/// `Anna (#k7m2)`, or `#k7m2` without a name, with what they may do.
fn person(value: &Value) -> String {
    let tag = text(&value["tag"]);
    let mut words = match value["name"].as_str() {
        Some(name) => format!("{} ({tag})", printable::line(name)),
        None => tag,
    };
    if let Some(tripcode) = value["tripcode"].as_str() {
        words.extend([" !", &printable::line(tripcode)]);
    }
    match value["role"].as_str() {
        Some("viewer") | None => {}
        Some(role) => words.extend([" [", &printable::line(role), "]"]),
    }
    words
}

fn message(value: &Value) -> String {
    let author = match &value["author"] {
        Value::Null => "onionstream".to_owned(),
        author => person(author),
    };
    let what = printable::paragraph(value["text"].as_str().unwrap_or_default());
    let (number, at) = (value["id"].to_string(), clock(&value["at"]));
    let gap = if value["action"] == true { "" } else { ":" };
    format!("{number:>5} {at} {author}{gap} {what}\n")
}

fn people(value: &Value) -> String {
    let mut words = String::new();
    for (group, title) in [
        ("broadcaster", "broadcaster"),
        ("watching", "watching"),
        ("not_watching", "here, not watching"),
    ] {
        let group = &value[group];
        // Writing to a string cannot fail; so everywhere here.
        let _written = writeln!(words, "{title}: {}", group["count"]);
        let mut listed = 0;
        for somebody in items(&group["people"]) {
            let _written = writeln!(words, "  {}  {}", text(&somebody["key"]), person(somebody));
            listed += 1;
        }
        let others = group["count"].as_u64().unwrap_or_default();
        if others > listed {
            let _written = writeln!(words, "  and {} more", others - listed);
        }
    }
    words
}

fn ban(value: &Value) -> String {
    let until = match &value["until"] {
        Value::Null => "for good".to_owned(),
        until => format!("until {} UTC", date(until)),
    };
    let number = value["number"].to_string();
    let (kind, who) = (text(&value["kind"]), text(&value["who"]));
    format!(
        "{number:>5} {kind:5} {who}, {until}, by {}\n",
        text(&value["by"])
    )
}

fn entry(value: &Value) -> String {
    let state = if value["undone"] == true {
        " (taken back)"
    } else if value["can_undo"] == true {
        ""
    } else {
        " (cannot be taken back)"
    };
    let (number, at) = (value["number"].to_string(), clock(&value["at"]));
    let (by, what) = (text(&value["by"]), text(&value["what"]));
    format!("{number:>5} {at} {by}: {what}{state}\n")
}

fn link(answer: &Value, what: &str) -> String {
    let link = text(answer);
    // Tor Browser does not go to addresses of the computer it runs on.
    let browser = if link.contains(".onion/") {
        "in Tor Browser"
    } else {
        "in another browser than Tor Browser, on this computer"
    };
    format!("{link}\n({what}; open it {browser})\n")
}

fn did(answer: &Value) -> String {
    let words = text(&answer["did"]);
    match &answer["number"] {
        Value::Null => format!("{words}\n"),
        number => format!("{words}\n(`onionstream undo {number}` takes it back)\n"),
    }
}

fn status(value: &Value) -> String {
    let mut words = String::new();
    let mut say = |name: &str, what: &str| {
        let _written = writeln!(words, "{name:13}{what}");
    };
    let air = &value["air"];
    if air["on"] == true {
        let picture = if air["has_video"] == true {
            ""
        } else {
            ", sound only"
        };
        say(
            "on the air",
            &format!("since {} UTC{picture}", date(&air["since"])),
        );
    } else {
        say("off the air", "");
    }
    say("title", &text(&value["title"]));
    say(
        "people",
        &format!(
            "{} watching, {} here",
            value["watching"], value["not_watching"]
        ),
    );
    match value["onion"].as_str() {
        Some(address) => {
            say("site", &printable::line(address));
            say("", &text(&value["tor"]));
        }
        None => say("site", &text(&value["tor"])),
    }
    say("chat", &text(&value["chat"]));
    if !text(&value["announcement"]).is_empty() {
        say("announcement", &text(&value["announcement"]));
    }
    let shields: Vec<_> = items(&value["shields"]).map(text).collect();
    if !shields.is_empty() {
        say("shields", &shields.join(", "));
    }
    match (value["viewing_password"] == true, value["club"] == true) {
        (false, false) => say("door", "open"),
        (true, false) => say("door", "needs the viewing password"),
        (false, true) => say("door", "for the club only"),
        (true, true) => say("door", "needs the viewing password, for the club only"),
    }
    if value["bans"] != 0 {
        say("bans", &value["bans"].to_string());
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_viewers_wrote_cannot_command_the_terminal_anywhere() {
        let evil = "\x1b]0;x\x07\u{202E}";
        let anna = json!({"key": evil, "tag": evil, "name": evil, "tripcode": evil, "role": evil});
        let group = json!({"count": 3, "people": [anna]});
        let said = json!({"type": "message", "id": 1, "at": 0, "author": anna, "text": evil, "action": false});
        let answers = [
            (
                Request::Status,
                json!({"title": evil, "announcement": evil, "onion": evil, "tor": evil,
                "chat": evil, "shields": [evil], "air": {"on": false}}),
            ),
            (Request::Title(None), json!(evil)),
            (Request::Complaints, json!([evil])),
            (Request::Chat(1), json!([said])),
            (
                Request::Users,
                json!({"broadcaster": group, "watching": group, "not_watching": group}),
            ),
            (
                Request::Bans,
                json!([{"number": 1, "kind": evil, "who": evil, "by": evil, "until": null}]),
            ),
            (
                Request::Log,
                json!([{"number": 1, "at": 0, "by": evil, "what": evil}]),
            ),
            (Request::LoginLink, json!(evil)),
            (Request::Reload, json!({"did": evil, "number": null})),
        ];
        for (request, answer) in answers {
            let words = of(&request, &answer);

            assert!(words.contains("�]0;x��"), "{request}: {words:?}");
            assert!(
                words
                    .chars()
                    .all(|letter| letter == '\n' || !letter.is_control()),
                "{request}: {words:?}"
            );
        }
        assert!(!event(&said).unwrap().contains('\x1b'));
    }

    #[test]
    fn a_message_has_its_number_its_time_and_its_author_and_stays_one_paragraph() {
        let anna = json!({"key": "00000001", "tag": "#k7m2", "name": "Anna",
            "tripcode": "aaaa-aaaa-aaaa-aaaa", "role": "moderator"});
        let said = json!({"id": 12, "at": 72_907_000, "author": anna, "text": "one\n 13 two", "action": false});

        assert_eq!(
            message(&said),
            "   12 20:15:07 Anna (#k7m2) !aaaa-aaaa-aaaa-aaaa [moderator]: one\n       13 two\n"
        );
        assert_eq!(of(&Request::Chat(5), &json!([])), "nothing was said yet\n");
    }

    #[test]
    fn what_was_done_is_said_with_the_way_back() {
        let done = json!({"did": "Hid message 3", "number": 7});

        assert_eq!(
            of(&Request::Hide(vec![3]), &done),
            "Hid message 3\n(`onionstream undo 7` takes it back)\n"
        );
        assert_eq!(of(&Request::Undo(6), &done), "Hid message 3\n");
    }

    #[test]
    fn a_link_is_said_to_be_for_a_browser_that_can_open_it() {
        for (site, browser) in [
            ("http://127.0.0.1:5051/", "in another browser than Tor"),
            ("http://example.onion/", "open it in Tor Browser"),
        ] {
            let words = of(
                &Request::LoginLink,
                &json!(format!("{site}broadcaster/in/1")),
            );

            assert!(words.contains(browser), "{words}");
        }
    }
}
