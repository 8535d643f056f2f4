use proptest::prelude::*;

use super::*;
use crate::room::tag::{PublicKey, PublicTag};

fn parsed(line: &str) -> Request {
    Request::parse(line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
}

fn refused(line: &str) -> String {
    Request::parse(line).expect_err(line).to_string()
}

/// What people and programs are told about the lines.
const PAGE: &str = include_str!("../../../docs/control.md");

#[test]
fn the_page_has_every_verb_as_the_table_has_it_and_no_other() {
    let rows: Vec<_> = verb::VERBS
        .iter()
        .map(|verb| {
            let usage = format!("{} {}", verb.word, verb.arguments);
            let usage = usage.trim_end().replace('|', "\\|");
            format!("| `{usage}` | {} |", verb.says)
        })
        .collect();

    let (_, section) = PAGE.split_once("## Requests").expect("a section");
    let (section, _) = section
        .split_once("## Answers")
        .expect("a section after it");
    let in_page: Vec<_> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(in_page, rows);
}

#[test]
fn every_example_of_the_page_is_a_request() {
    let (_, examples) = PAGE.split_once("```control\n").expect("examples");
    let (examples, _) = examples.split_once("```").expect("their end");
    assert!(examples.lines().count() > 15);
    for line in examples.lines() {
        let request = parsed(line);
        assert_eq!(parsed(&request.to_string()), request, "{line}");
    }
}

#[test]
fn lines_are_read_as_the_page_says() {
    let anna = || Who::Name("Anna".to_owned());
    let tag = || Who::Tag(PublicTag::parse("#k7m2").unwrap());
    for (line, request) in [
        ("status", Request::Status),
        ("  status \r", Request::Status),
        ("complaints", Request::Complaints),
        ("title", Request::Title(None)),
        ("title \"\"", Request::Title(Some(String::new()))),
        (
            "title  Night train ",
            Request::Title(Some("Night train".to_owned())),
        ),
        (
            "say for you: purge",
            Request::Say("for you: purge".to_owned()),
        ),
        ("chat", Request::Chat(20)),
        ("chat 5", Request::Chat(5)),
        ("hide 3 4", Request::Hide(vec![3, 4])),
        ("unban 7", Request::Unban(Unban::Number(SanctionId(7)))),
        ("unban @Anna", Request::Unban(Unban::Who(anna()))),
        (
            "unban 12345678",
            Request::Unban(Unban::Who(Who::Key(PublicKey::parse("12345678").unwrap()))),
        ),
        (
            "rename #k7m2",
            Request::Rename {
                who: tag(),
                name: String::new(),
            },
        ),
        (
            "rename @Anna Zoe B",
            Request::Rename {
                who: anna(),
                name: "Zoe B".to_owned(),
            },
        ),
        (
            "shield read-only on",
            Request::Shield(Shield::ReadOnly, true),
        ),
        ("chat-mode hidden", Request::ChatMode(ChatMode::Hidden)),
        ("panic", Request::Panic(Deletions::default())),
        (
            "panic delete-keys delete-stream",
            Request::Panic(Deletions {
                stream: true,
                keys: true,
            }),
        ),
    ] {
        assert_eq!(parsed(line), request, "{line:?}");
    }
}

#[test]
fn a_mute_is_for_ten_minutes_and_a_ban_for_good_unless_told_otherwise() {
    for (line, minutes, is_purge) in [
        ("mute #k7m2", Some(10), false),
        ("mute #k7m2 for 1h", Some(60), false),
        ("mute #k7m2 for good", None, false),
        ("ban #k7m2", None, false),
        ("ban #k7m2 purge", None, true),
        ("block #k7m2 for 2d purge", Some(2 * 24 * 60), true),
    ] {
        let Request::Sanction { term, purge, .. } = parsed(line) else {
            panic!("{line:?}");
        };
        assert_eq!(
            (term, purge),
            (minutes.map(Duration::from_mins), is_purge),
            "{line:?}"
        );
    }
}

#[test]
fn people_are_named_in_four_ways_and_names_may_have_spaces() {
    for (text, who) in [
        ("#K7M2", Who::Tag(PublicTag::parse("#k7m2").unwrap())),
        ("00000001", Who::Key(PublicKey::from_random(1))),
        ("@Anna", Who::Name("Anna".to_owned())),
        ("@\"Anna B\"", Who::Name("Anna B".to_owned())),
        ("message:12", Who::Author(12)),
    ] {
        assert_eq!(parsed(&format!("cut {text}")), Request::Cut(who), "{text}");
    }
    // A terminal gives the whole name as one argument.
    assert_eq!(Who::parse("@Anna B"), Some(Who::Name("Anna B".to_owned())));
}

#[test]
fn what_is_wrong_is_said_with_what_to_write() {
    for (line, words) in [
        ("", "the line is empty; write `help` for the verbs"),
        ("bam @Anna", "`bam` is no verb; did you mean `ban`?"),
        ("dance", "`dance` is no verb; write `help` for the verbs"),
        (
            "status now",
            "there is too much in this line; write `status`",
        ),
        ("say", "something is missing; write `say TEXT`"),
        (
            "chat 0",
            "this takes a number from 1 to 1000; write `chat [N]`",
        ),
        (
            "hide 1 two",
            "this takes a whole number; write `hide ID...`",
        ),
        (
            "ban Anna",
            "WHO is `#tag`, the eight letters of a public id, `@name` or `message:NUMBER`; write `ban WHO [for DURATION|for good] [purge]`",
        ),
        (
            "mute #k7m2 for 10",
            "DURATION is like `10s`, `10m`, `2h` or `7d`, at most 366 days; write `mute WHO [for DURATION|for good] [purge]`",
        ),
        (
            "stop\u{7}now",
            "the line contains the control character U+0007",
        ),
    ] {
        assert_eq!(refused(line), words, "{line:?}");
    }
}

#[test]
fn numbers_terms_and_lines_are_bounded() {
    for line in [
        "hide 18446744073709551616",
        "hide +1",
        "hide -1",
        "chat 1001",
        "mute #k7m2 for 0s",
        "mute #k7m2 for 367d",
        "mute #k7m2 for 99999999999999999999d",
        "ban @",
        "ban @\"Anna",
        "ban @\"\"",
        "cut message:",
    ] {
        assert!(Request::parse(line).is_err(), "{line:?}");
    }
    let longest = format!("say {}", "a".repeat(MAX_LINE - 4));
    assert!(Request::parse(&longest).is_ok());
    assert_eq!(Request::parse(&(longest + "a")), Err(RequestError::TooLong));
}

#[test]
fn an_unknown_verb_is_not_repeated_without_end() {
    assert!(refused(&"x".repeat(MAX_LINE)).len() < 100);
}

#[test]
fn every_verb_of_the_table_is_read() {
    for verb in verb::VERBS {
        match arguments(verb.word, "") {
            Ok(Request::Help) => assert_eq!(verb.word, "help"),
            Ok(_) | Err(Wrong::Missing | Wrong::Shield) => {}
            Err(other) => panic!("{}: {other}", verb.word),
        }
    }
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        any::<u64>().prop_map(|bits| Who::Key(PublicKey::from_random(bits))),
        any::<u32>().prop_map(|bits| Who::Tag(PublicTag::from_random(bits))),
        any::<u64>().prop_map(Who::Author),
        "[\\PC\" ]{1,12}".prop_filter_map("a name", |name| Who::parse(&format!("@{name}"))),
    ]
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{1,40}".prop_map(|text| text.trim().to_owned())
}

fn tripcode() -> impl Strategy<Value = Tripcode> {
    any::<[u8; 10]>().prop_map(Tripcode::from_bytes)
}

fn request() -> impl Strategy<Value = Request> {
    let kind = proptest::sample::select(SanctionKind::ALL.to_vec());
    let term = proptest::option::of((1..=span::LONGEST.as_secs()).prop_map(Duration::from_secs));
    let shield = proptest::sample::select(Shield::ALL.to_vec());
    let mode = proptest::sample::select(ChatMode::ALL.to_vec());
    let ids = || proptest::collection::vec(any::<u64>(), 1..20);
    prop_oneof![
        proptest::sample::select(vec![
            Request::Status,
            Request::Complaints,
            Request::Follow,
            Request::Users,
            Request::Bans,
            Request::Log,
            Request::LoginLink,
            Request::Reload,
            Request::PasswordChanged,
            Request::Stop,
            Request::Help,
        ]),
        proptest::option::of(text())
            .prop_filter("quotes", |text| text.as_deref() != Some("\"\""))
            .prop_map(Request::Title),
        text()
            .prop_filter("empty", |text| !text.is_empty())
            .prop_map(Request::Say),
        (1..=MOST_MESSAGES).prop_map(Request::Chat),
        ids().prop_map(Request::Hide),
        ids().prop_map(Request::Unhide),
        (kind, who(), term, any::<bool>()).prop_map(|(kind, who, term, purge)| {
            Request::Sanction {
                kind,
                who,
                term,
                purge,
            }
        }),
        who().prop_map(|who| Request::Unban(Unban::Who(who))),
        (0..200_000_000_u64).prop_map(|id| Request::Unban(Unban::Number(SanctionId(id)))),
        (who(), text()).prop_map(|(who, name)| Request::Rename { who, name }),
        who().prop_map(Request::Cut),
        any::<u64>().prop_map(Request::Undo),
        (shield, any::<bool>()).prop_map(|(shield, on)| Request::Shield(shield, on)),
        mode.prop_map(Request::ChatMode),
        (tripcode(), text()).prop_map(|(tripcode, label)| {
            Request::Moderator(Moderator::Add { tripcode, label })
        }),
        tripcode().prop_map(|tripcode| Request::Moderator(Moderator::Remove(tripcode))),
        Just(Request::Moderator(Moderator::Link)),
        any::<[bool; 2]>().prop_map(|[stream, keys]| Request::Panic(Deletions { stream, keys })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_written_is_read_back(request in request()) {
        let line = request.to_string();
        prop_assert_eq!(Request::parse(&line), Ok(request), "{}", line);
    }

    #[test]
    fn any_text_is_a_request_that_can_be_written_or_a_short_refusal(
        verb in proptest::sample::select(verb::VERBS.iter().map(|verb| verb.word).collect::<Vec<_>>()),
        rest in "([#@a-z0-9\" ]|\\PC){0,30}",
        is_verb: bool,
    ) {
        let line = if is_verb { format!("{verb} {rest}") } else { rest };
        match Request::parse(&line) {
            Ok(request) => prop_assert_eq!(Request::parse(&request.to_string()), Ok(request)),
            Err(error) => prop_assert!(error.to_string().len() < 400),
        }
    }
}
