use proptest::prelude::*;

use super::*;
use crate::room::{character::is_format, emote::Emote, name::fold};

fn table(names: &[&str]) -> EmoteTable {
    let mut table = EmoteTable::default();
    for (id, name) in names.iter().enumerate() {
        let id = u32::try_from(id).unwrap();
        table
            .add(Emote {
                name: (*name).to_owned(),
                width: 32,
                height: 32,
                id,
            })
            .unwrap();
    }
    table
}

fn somebody(name: &str) -> Option<PublicKey> {
    let people = ["ana", "night owl", "#k3v9", "jo!", "夜"];
    let at = people.iter().position(|&known| known == fold(name))?;
    Some(PublicKey::from_random(at as u64))
}

fn parse(text: &str) -> Result<Body, TextRefusal> {
    Body::parse(
        text,
        &table(&["class", "src", "lass", "onion"]),
        &mut somebody,
    )
}

fn spans(text: &str) -> Vec<Span> {
    parse(text)
        .unwrap_or_else(|refusal| panic!("{text:?}: {refusal}"))
        .spans
}

fn text(text: &str) -> Span {
    Span::Text(text.to_owned())
}

fn emote(name: &str, id: u32) -> Span {
    Span::Emote {
        name: name.to_owned(),
        id,
    }
}

fn mention(key: u64, label: &str) -> Span {
    Span::Mention {
        key: PublicKey::from_random(key),
        label: label.to_owned(),
    }
}

#[test]
fn a_message_is_divided_into_its_parts() {
    let link = Span::Link {
        href: "https://example.org/a".to_owned(),
        label: "https://example.org/a".to_owned(),
        place: Place::Clearnet,
    };
    let rocket = Span::Emoji {
        glyph: "🚀",
        alias: "rocket",
    };
    assert_eq!(
        spans("@Ana: see (https://example.org/a)\r\n:rocket: :src:!"),
        [
            mention(0, "@Ana"),
            text(": see ("),
            link,
            text(")"),
            Span::LineBreak,
            rocket,
            text(" "),
            emote("src", 1),
            text("!")
        ]
    );
}

/// Features 5.3-22: an emote called `class` went into markup that was already there.
#[test]
fn an_emote_called_like_markup_changes_nothing_but_its_own_name() {
    assert_eq!(
        spans(":class:<img class=\"src\">:lass:class&amp;"),
        [
            emote("class", 0),
            text("<img class=\"src\">"),
            emote("lass", 2),
            text("class&amp;")
        ]
    );
}

#[test]
fn custom_emotes_go_before_emoji_and_unknown_names_stay_text() {
    assert_eq!(spans(":onion:"), [emote("onion", 3)]);
    assert_eq!(
        spans(":+1:"),
        [Span::Emoji {
            glyph: "👍",
            alias: "+1"
        }]
    );
    assert_eq!(
        spans(":thumbsup:"),
        [Span::Emoji {
            glyph: "👍",
            alias: "thumbsup"
        }]
    );
    for plain in [
        ":Onion:",
        ": onion:",
        ":onion",
        "::",
        ":nonesuch:",
        "10:30:15",
        "std:onion:",
        ":é:",
        ":onion :",
    ] {
        assert_eq!(spans(plain), [text(plain)]);
    }
    assert_eq!(
        spans("::onion::"),
        [text(":"), emote("onion", 3), text(":")]
    );
    assert_eq!(
        spans(":onion:rocket:"),
        [emote("onion", 3), text("rocket:")]
    );
}

#[test]
fn mentions_are_of_people_who_are_there() {
    for (typed, expected) in [
        ("@ana", vec![mention(0, "@ana")]),
        (
            "@Night Owl hello",
            vec![mention(1, "@Night Owl"), text(" hello")],
        ),
        ("@ana's cat", vec![mention(0, "@ana"), text("'s cat")]),
        ("(@ana).", vec![text("("), mention(0, "@ana"), text(").")]),
        ("@#K3V9, hi", vec![mention(2, "@#K3V9"), text(", hi")]),
        ("@jo! you", vec![mention(3, "@jo!"), text(" you")]),
        ("@夜、", vec![mention(4, "@夜"), text("、")]),
        (
            "@ana\nx",
            vec![mention(0, "@ana"), Span::LineBreak, text("x")],
        ),
        ("@@ana", vec![text("@"), mention(0, "@ana")]),
        (
            "@night\nowl",
            vec![text("@night"), Span::LineBreak, text("owl")],
        ),
    ] {
        assert_eq!(spans(typed), expected, "{typed:?}");
    }
    for plain in [
        "me@ana",
        "@ ana",
        "@",
        "@anastasia",
        "@nobody here",
        "https://user@ana/",
    ] {
        assert_eq!(spans(plain), [text(plain)]);
    }
}

#[test]
fn looking_people_up_has_an_end() {
    let mut asked = 0;
    let body = Body::parse(
        &"@a b c d. ".repeat(51),
        &EmoteTable::default(),
        &mut |name| {
            assert!(name.len() <= MAX_MENTION_BYTES);
            asked += 1;
            None
        },
    );
    assert_eq!(body.unwrap().spans.len(), 1);
    assert!(asked <= MAX_MENTIONS * MAX_MENTION_WORDS * 3, "{asked}");
}

#[test]
fn addresses_become_links_and_deceptive_ones_stay_text() {
    let link = |href: &str| Span::Link {
        href: href.to_owned(),
        label: href.to_owned(),
        place: Place::Clearnet,
    };
    assert_eq!(
        spans("a https://b.example. c"),
        [text("a "), link("https://b.example"), text(". c")]
    );
    assert_eq!(
        spans("HTTP://B.example/:onion:/@ana"),
        [link("HTTP://B.example/:onion:/@ana")]
    );
    for plain in [
        "xhttp://b.example",
        "http://ana@b.example/:onion:",
        "javascript:alert(1)",
        "www.b.example",
    ] {
        assert_eq!(spans(plain), [text(plain)]);
    }
}

#[test]
fn messages_keep_the_limits() {
    use TextRefusal::{Empty, PiledMarks, TooLong, TooManyLines, TooManyRows};
    for (typed, refusal) in [
        (String::new(), Empty),
        (" \n\t\u{3164}\u{200D}\u{202E}".to_owned(), Empty),
        ("x".repeat(513), TooLong { characters: 513 }),
        ("x".repeat(20_000), TooLong { characters: 20_000 }),
        (vec!["x"; 21].join("\n"), TooManyLines { lines: 21 }),
        ("夜".repeat(512), TooManyRows { rows: 22 }),
        (format!("x{}", "\u{301}".repeat(3)), PiledMarks),
    ] {
        assert_eq!(parse(&typed), Err(refusal), "{typed:?}");
    }
    let long = parse(&"x".repeat(512)).unwrap();
    assert_eq!((long.characters, long.rows), (512, 11));
    assert_eq!(parse(&vec!["x"; 20].join("\r\n")).unwrap().rows, 20);
    assert_eq!(
        parse(&"夜".repeat(512)).unwrap_err().to_string(),
        "the message would fill 22 rows; shorten it to 20"
    );
}

#[test]
fn a_few_emoji_alone_are_told_from_text() {
    for only in ["🧅", ":rocket: :src:", "👩‍👧❤️ 🚀", ":x:"] {
        assert!(parse(only).unwrap().has_only_emoji, "{only}");
    }
    for mixed in ["a", "12", "🧅 a", "🧅\n🧅", "@ana", &":x:".repeat(13)] {
        assert!(!parse(mixed).unwrap().has_only_emoji, "{mixed}");
    }
}

fn message() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[ \n\r\t:@#a-z夜\u{301}\u{200D}\u{202E}\u{2028}\u{1160}]{0,20}",
        prop::sample::select(vec![
            ":onion:",
            ":rocket:",
            ":class:",
            "@ana",
            "@night owl",
            "@#k3v9",
            "https://example.org/x",
            "http://a@b.example/",
            "http://127.0.0.1",
            ".",
            ")",
            "\r\n",
            "<b>",
            "&amp;",
            "\"",
            "👩‍👧",
            "\u{FDFD}",
            "x",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn accepted_messages_keep_every_limit_and_lose_no_text(typed in message()) {
        let normal = normal::checked(&typed);
        let body = parse(&typed);
        prop_assert_eq!(normal.as_ref().err(), body.as_ref().err());
        if let (Ok(normal), Ok(body)) = (normal, body) {
            let source = body.source();
            prop_assert_eq!(&source, &normal.text);
            prop_assert_eq!(parse(&source), Ok(body.clone()));
            prop_assert!((1..=MAX_CHARACTERS).contains(&body.characters));
            prop_assert_eq!(source.chars().count(), body.characters);
            prop_assert!((1..=MAX_ROWS).contains(&body.rows));
            prop_assert!(source.split('\n').count() <= body.rows);
            prop_assert!(!source.chars().any(|letter| is_format(letter) || (letter.is_control() && letter != '\n')));
            for (span, next) in body.spans.iter().zip(body.spans.iter().skip(1)) {
                prop_assert!(!matches!((span, next), (Span::Text(_), Span::Text(_))));
            }
            for span in &body.spans {
                match span {
                    Span::Text(text) => prop_assert!(!text.is_empty() && !text.contains('\n')),
                    Span::Link { href, label, .. } => {
                        let lower = href.to_ascii_lowercase();
                        prop_assert!(lower.starts_with("http://") || lower.starts_with("https://"));
                        prop_assert!(!href.contains(|letter: char| letter.is_whitespace() || "\"<>".contains(letter)));
                        prop_assert!(label.chars().count() <= MAX_LABEL);
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        drop(parse(&String::from_utf8_lossy(&bytes)));
    }
}
