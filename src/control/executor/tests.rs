use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    live::lease::{Kind, Limits},
    room::{
        Room, RoomLimits, challenge::ChallengeLimits, flood::FloodLimits, name::Reserved,
        session::ViewerId,
    },
};

/// A program that only notes what it is told.
#[derive(Debug, Default)]
pub(in crate::control) struct Noted(Mutex<Vec<String>>);

impl Noted {
    fn note(&self, what: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(what);
    }

    pub(in crate::control) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Program for Noted {
    fn write_title(&self, title: &Title) -> Result<(), String> {
        self.note(format!("title {}", title.as_str()));
        Ok(())
    }

    fn reload(&self) -> Result<String, String> {
        Err("the emotes are broken".to_owned())
    }

    fn login_link(&self, role: Role) -> Result<String, String> {
        Ok(format!("link for {role:?}"))
    }

    fn password_changed(&self) -> Result<String, String> {
        Ok("changed".to_owned())
    }

    fn stop(&self) {
        self.note("stop".to_owned());
    }

    fn panic(&self, deletions: Deletions) {
        self.note(Request::Panic(deletions).to_string());
    }
}

/// A show without a program around it.
pub(in crate::control) fn show() -> (Executor, Arc<Noted>) {
    let clock = Clock::new();
    let limits = RoomLimits {
        sessions: 10,
        messages: 10,
        messages_per_captcha: 10,
        flood: FloodLimits {
            window: Duration::from_secs(20),
            messages: 4,
            rows: 20,
            gap: Duration::ZERO,
            appearance_per_minute: 6,
            room_messages: 60,
            slow_gap: Duration::from_secs(10),
            slow_for: Duration::from_mins(1),
            newcomers_per_minute: 60,
            raid_for: Duration::from_mins(5),
        },
        challenges: ChallengeLimits {
            capacity: 16,
            tries: 5,
            lifetime: Duration::from_mins(10),
        },
        captcha_at_entrance: false,
        here_for: Duration::from_secs(20),
    };
    let panel = Panel::new(|_, _| Vec::new(), clock);
    let lease_limits = Limits {
        video_per_viewer: 2,
        panel_per_viewer: 2,
        total: 100,
    };
    let leases = Leases::new(lease_limits, clock, CancellationToken::new());
    let room = Room::new(limits, Reserved::new([]), Arc::default());
    let noted = Arc::new(Noted::default());
    let executor = Executor {
        room: RoomHandle::new(room, panel.clone(), leases.clone(), clock),
        panel,
        leases,
        desk: DeskFeed::new(|_| "".into()),
        clock,
        program: Arc::clone(&noted) as Arc<dyn Program>,
    };
    (executor, noted)
}

/// The answer to a line.
fn answer(executor: &Executor, line: &str) -> Result<Value, String> {
    let request = Request::parse(line).map_err(|error| error.to_string())?;
    match executor.execute(request) {
        Answer::Ok(value) => Ok(value),
        Answer::Error(words) => Err(words),
    }
}

fn did(executor: &Executor, line: &str) -> u64 {
    let answer = answer(executor, line).unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(answer["did"].is_string(), "{line}: {answer}");
    answer["number"].as_u64().unwrap_or_default()
}

/// Somebody comes; gives how they are called in lines.
fn comes(executor: &Executor) -> (ViewerId, String) {
    let (viewer, _) = executor.room.admit(None).unwrap();
    let tag = executor.room.identity(viewer).unwrap().tag;
    (viewer, tag.to_string())
}

#[test]
fn a_person_is_sanctioned_named_in_the_list_and_set_free() {
    let (executor, _) = show();
    let (viewer, tag) = comes(&executor);

    for (verb, kind) in [("mute", "mute"), ("ban", "ban"), ("block", "block")] {
        did(&executor, &format!("{verb} {tag} for 1h"));
        let bans = answer(&executor, "bans").unwrap();
        assert_eq!(bans[0]["kind"], kind);
        assert!(bans[0]["who"].as_str().unwrap().contains(&tag), "{bans}");
        assert_eq!(
            bans[0]["until"].as_u64().unwrap() - bans[0]["since"].as_u64().unwrap(),
            3_600_000
        );
        did(&executor, &format!("unban {}", bans[0]["number"]));
        assert_eq!(answer(&executor, "bans"), Ok(json!([])));
        assert!(executor.room.sanction(viewer).is_none());
    }
}

#[test]
fn unban_takes_everything_back_that_holds_for_a_person_and_says_when_nothing_does() {
    let (executor, _) = show();
    let (viewer, tag) = comes(&executor);
    did(&executor, &format!("mute {tag}"));
    did(&executor, &format!("block {tag}"));

    did(&executor, &format!("unban {tag}"));

    assert!(executor.room.sanction(viewer).is_none());
    let again = answer(&executor, &format!("unban {tag}")).unwrap_err();
    assert!(again.contains("`bans` shows the numbers"), "{again}");
    let nobody = answer(&executor, "unban @Nobody").unwrap_err();
    assert!(nobody.contains("`users` shows who is here"), "{nobody}");
}

#[test]
fn a_block_and_a_cut_end_what_is_open() {
    let (executor, _) = show();
    let (viewer, tag) = comes(&executor);
    let is_over = |lease: &crate::live::lease::Lease| {
        futures_util::FutureExt::now_or_never(lease.revoked()).is_some()
    };
    let [video, panel] =
        [Kind::Video, Kind::Panel].map(|kind| executor.leases.take(kind, viewer).unwrap());

    did(&executor, &format!("cut {tag}"));
    assert!(is_over(&video) && !is_over(&panel));
    did(&executor, &format!("block {tag}"));
    assert!(is_over(&panel));
}

#[test]
fn messages_are_said_listed_hidden_and_shown_again() {
    let (executor, _) = show();

    let said = answer(&executor, "say hello all").unwrap();
    assert_eq!(
        (&said["text"], &said["id"]),
        (&json!("hello all"), &json!(1))
    );
    assert_eq!(said["author"]["role"], "broadcaster");
    assert_eq!(answer(&executor, "chat 5").unwrap()[0], said);
    let number = did(&executor, "hide 1");
    assert_eq!(answer(&executor, "chat"), Ok(json!([])));
    did(&executor, &format!("undo {number}"));
    assert_eq!(answer(&executor, "chat").unwrap()[0]["id"], 1);
    did(&executor, "hide 1");
    did(&executor, "unhide 1");

    let log = answer(&executor, "log").unwrap();
    let undone: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["undone"])
        .collect();
    assert_eq!(log[0]["number"], number);
    assert!(undone.contains(&&json!(true)), "{log}");
    assert!(answer(&executor, &format!("undo {number}")).is_err());
}

#[test]
fn people_are_renamed_and_found_by_their_name() {
    let (executor, _) = show();
    let (viewer, tag) = comes(&executor);
    let name = || executor.room.identity(viewer).unwrap().name;

    did(&executor, &format!("rename {tag} Night Owl"));
    assert_eq!(name().unwrap().as_str(), "Night Owl");
    did(&executor, "rename @\"Night Owl\"");
    assert_eq!(name(), None);
}

#[test]
fn the_list_of_people_has_public_ids_only() {
    let (executor, _) = show();
    let (viewer, tag) = comes(&executor);
    executor.room.tick(&[viewer].into(), &[viewer].into());

    let users = answer(&executor, "users").unwrap();

    assert_eq!(users["watching"]["count"], 1);
    let person = users["watching"]["people"][0].as_object().unwrap();
    assert_eq!(person["tag"], tag);
    let keys: Vec<_> = person.keys().collect();
    assert_eq!(keys, ["colour", "key", "name", "role", "tag", "tripcode"]);
}

#[test]
fn shields_the_chat_and_moderators_are_switched_one_at_a_time() {
    let (executor, _) = show();

    did(&executor, "shield slow on");
    did(&executor, "shield links-off on");
    did(&executor, "shield slow off");
    did(&executor, "chat-mode hidden");
    let status = answer(&executor, "status").unwrap();
    assert_eq!(status["shields"], json!(["links-off"]));
    assert_eq!(status["chat"], "hidden");

    did(&executor, "moderator add aaaa-aaaa-aaaa-aaaa Ben");
    assert_eq!(executor.room.desk().moderators[0].1, "Ben");
    did(&executor, "moderator remove aaaa-aaaa-aaaa-aaaa");
    assert!(executor.room.desk().moderators.is_empty());
}

#[test]
fn what_belongs_to_the_program_is_handed_to_it() {
    let (executor, noted) = show();

    did(&executor, "title Night train");
    did(&executor, "stop");
    did(&executor, "panic delete-keys");
    assert_eq!(
        noted.taken(),
        ["title Night train", "stop", "panic delete-keys"]
    );
    assert_eq!(answer(&executor, "title"), Ok(json!("Night train")));
    assert_eq!(
        answer(&executor, "reload"),
        Err("the emotes are broken".to_owned())
    );
    assert_eq!(
        answer(&executor, "login-link"),
        Ok(json!("link for Broadcaster"))
    );
    assert_eq!(
        answer(&executor, "moderator link"),
        Ok(json!("link for Moderator"))
    );
    did(&executor, "password-changed");
}

#[test]
fn a_title_that_cannot_be_one_changes_nothing() {
    let (executor, noted) = show();

    let error = answer(&executor, &format!("title {}", "x".repeat(201))).unwrap_err();

    assert!(error.ends_with("the title stays as it was"), "{error}");
    assert!(noted.taken().is_empty());
}

#[test]
fn the_page_names_every_field_of_an_answer() {
    const PAGE: &str = include_str!("../../../docs/control.md");
    let (executor, _) = show();
    let (_, tag) = comes(&executor);
    did(&executor, &format!("ban {tag}"));

    for (line, item) in [("status", None), ("bans", Some(0)), ("log", Some(0))] {
        let answer = answer(&executor, line).unwrap();
        let fields = item.map_or(&answer, |item: usize| &answer[item]);
        let row = PAGE
            .lines()
            .find(|row| row.starts_with(&format!("| `{line}` | a")))
            .expect("a row of the page");
        for field in fields.as_object().unwrap().keys() {
            assert!(row.contains(&format!("`{field}`")), "{line}: {field}");
        }
    }
}

#[test]
fn what_is_not_there_is_refused_with_a_sentence() {
    let (executor, _) = show();
    for (line, words) in [
        ("unban 99", "This is over, or was lifted already."),
        ("undo 99", "This cannot be taken back, or was already."),
        ("hide 99", "This message is not kept any more."),
        ("mute message:99", "This message is not kept any more."),
        ("rename zzzzzzzz Zoe", "This person is not here any more."),
        (
            "cut @Nobody",
            "nobody here is `@Nobody`; `users` shows who is here",
        ),
        (
            "moderator remove aaaa-aaaa-aaaa-aaaa",
            "This person is not here any more.",
        ),
    ] {
        assert_eq!(answer(&executor, line), Err(words.to_owned()), "{line}");
    }
    assert_eq!(answer(&executor, "log"), Ok(json!([])));
}
