//! The desk's API, walked by its own description: `docs/openapi.json` says what there is, and what is
//! not in it is not there.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is missing in a test must fail it"
)]

use std::collections::{BTreeMap, BTreeSet};

mod described;
mod house;

use described::{Walk, assert_sentence, description, operations};
use house::{House, PASSWORD};
use onionstream::{
    media::{
        uplink::{
            Occupancy, Uplink,
            outgoing::{Offered, Outgoing},
        },
        variant::VariantName,
    },
    room::status::DeskUpdate,
};
use serde_json::{Value, json};

/// Every method that a program might try. `HEAD` is answered wherever `GET` is.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

/// Bytes of a body.
const MAX_BODY: usize = 16 * 1024;

#[tokio::test]
async fn nothing_is_there_that_is_not_described() {
    let document = description();
    let house = House::new();
    let token = house.token();
    let mut described: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let operations = operations(&document);
    for operation in &operations {
        described
            .entry(operation.path)
            .or_default()
            .insert(operation.method.clone());
    }
    for (path, methods) in described {
        for method in METHODS {
            let address = path.replace("{id}", "1");
            let answer = house.ask(method, &address, Some(&token), Some("{}")).await;
            if methods.contains(method) {
                assert_ne!(answer.status, 405, "{method} {path}");
                continue;
            }
            assert_eq!(answer.status, 405, "{method} {path}");
            let allowed: BTreeSet<_> = answer.header("allow").unwrap().split(',').collect();
            let mut expected: BTreeSet<_> = methods.iter().map(String::as_str).collect();
            if expected.contains("GET") {
                expected.insert("HEAD");
            }
            assert_eq!(allowed, expected, "{method} {path}");
            assert_sentence(&serde_json::from_str(&answer.body).unwrap());
        }
    }
    for path in ["", "/", "/x", "/info/", "/messages/1/x", "/login/x"] {
        let answer = house
            .ask(
                "GET",
                &format!("/broadcaster/api{path}"),
                Some(&token),
                None,
            )
            .await;
        assert_eq!(answer.status, 404, "{path}");
        assert_sentence(&serde_json::from_str(&answer.body).unwrap());
    }
}

#[tokio::test]
async fn only_a_token_in_the_header_counts() {
    let document = description();
    let house = House::new();
    let token = house.token();
    for operation in operations(&document).iter().filter(|o| o.needs_token()) {
        let (method, address) = (operation.method.as_str(), operation.address());
        let json = || ("content-type", "application/json".to_owned());
        for headers in [
            vec![json()],
            vec![json(), ("cookie", format!("session={token}"))],
            vec![json(), ("authorization", format!("Basic {token}"))],
            vec![json(), ("authorization", format!("Bearer {token}x"))],
            vec![
                json(),
                ("authorization", format!("Bearer {}", house.browser_token())),
            ],
            vec![
                json(),
                ("authorization", format!("Bearer {}", house.viewer_token())),
            ],
        ] {
            let body = Some("{}".to_owned());
            let answer = house.send(method, &address, headers.clone(), body).await;
            assert_eq!(answer.status, 401, "{}: {headers:?}", operation.name());
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert_sentence(&serde_json::from_str(&answer.body).unwrap());
            assert!(operation.statuses().contains(&401), "{}", operation.name());
        }
    }
    assert_eq!(
        house
            .ask("GET", "/broadcaster/api/info", Some(&token), None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_programs_token_opens_no_page() {
    let house = House::new();
    let cookie = |token: &str| vec![("cookie", format!("session={token}"))];
    let token = house.token();
    let browser = house.browser_token();
    let get = async |address: &str, token: &str| {
        let answer = house.send("GET", address, cookie(token), None).await;
        let to = answer.header("location").unwrap_or_default().to_owned();
        (answer.status, to)
    };

    for page in [
        "bans",
        "log",
        "sessions",
        "shields",
        "act?message=1",
        "live",
    ] {
        let address = format!("/broadcaster/{page}");
        assert_eq!(get(&address, &token).await.0, 403, "{page}");
    }
    let refused = house
        .send("GET", "/broadcaster/bans", cookie(&token), None)
        .await
        .body;
    // The pages of the desk are frames: out of the frame, and to the login.
    let way_out = "<a href=\"/broadcaster\" target=\"_top\">Log in</a>";
    assert!(refused.contains(way_out), "{refused}");
    let to_login = (303, "/broadcaster/login".to_owned());
    assert_eq!(get("/broadcaster", &token).await, to_login);
    // To the rest of the site it is a stranger, who has to come in first.
    assert_eq!(get("/", &token).await, (303, "/enter".to_owned()));
    for address in ["/chat", "/compose", "/live", "/stream.mp4"] {
        assert_eq!(get(address, &token).await.0, 403, "{address}");
    }
    // The same with the broadcaster's browser, and the token still is a program's.
    assert_eq!(get("/broadcaster/bans", &browser).await.0, 200);
    assert_eq!(get("/broadcaster", &browser).await.0, 200);
    let info = house.ask("GET", "/broadcaster/api/info", Some(&token), None);
    assert_eq!(info.await.status, 200);
    // Given up, it is good for nothing either.
    let out = house.ask("DELETE", "/broadcaster/api/login", Some(&token), None);
    assert_eq!(out.await.status, 204);
    assert_eq!(get("/broadcaster/bans", &token).await.0, 403);
    assert_eq!(get("/", &token).await, (303, "/enter".to_owned()));
}

#[tokio::test]
async fn every_described_answer_occurs_and_is_as_described() {
    let document = description();
    let mut walk = Walk {
        document: &document,
        seen: BTreeMap::new(),
    };
    without_a_token(&mut walk).await;
    unreadable_bodies(&mut walk).await;
    the_show(&mut walk).await;
    the_chat(&mut walk).await;
    the_login(&mut walk).await;
    too_many_passwords(&mut walk).await;
    for operation in operations(&document) {
        let seen = walk
            .seen
            .get(&operation.name())
            .cloned()
            .unwrap_or_default();
        assert_eq!(seen, operation.statuses(), "{}", operation.name());
    }
}

async fn without_a_token(walk: &mut Walk<'_>) {
    let house = House::new();
    for operation in operations(walk.document) {
        if operation.needs_token() {
            let answer = house
                .ask(&operation.method, &operation.address(), None, None)
                .await;
            walk.note(&operation.method, operation.path, &answer);
            assert_eq!(answer.status, 401, "{}", operation.name());
        }
    }
}

/// Too long, no JSON, not said to be JSON: refused with a sentence that repeats nothing.
async fn unreadable_bodies(walk: &mut Walk<'_>) {
    const SECRET: &str = "hunter2-hunter2";
    let house = House::new();
    let token = house.token();
    let nearly =
        format!("{{\"title\":[\"{SECRET}\"],\"text\":[\"{SECRET}\"],\"password\":[\"{SECRET}\"]}}");
    let longest = " ".repeat(MAX_BODY);
    // (body, status)
    let bodies = [
        (String::new(), 400),
        ("{".to_owned(), 400),
        ("[]".to_owned(), 400),
        ("3".to_owned(), 400),
        ("{\"x\":1}".to_owned(), 400),
        (nearly, 400),
        (longest.clone(), 400),
        (format!("{longest} "), 413),
        (longest.repeat(64), 413),
    ];
    for operation in operations(walk.document).iter().filter(|o| o.takes_body()) {
        let (method, path) = (operation.method.as_str(), operation.path);
        for (body, status) in &bodies {
            let answer = house.ask(method, path, Some(&token), Some(body)).await;
            let value = walk.note(method, path, &answer);
            assert_eq!(answer.status, *status, "{path}: {} bytes", body.len());
            assert!(!value.to_string().contains(SECRET), "{value}");
        }
        let form = vec![
            ("authorization", format!("Bearer {token}")),
            (
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            ),
        ];
        let answer = house.send(method, path, form, Some("a=b".to_owned())).await;
        walk.note(method, path, &answer);
        assert_eq!(answer.status, 415, "{path}");
    }
}

/// A program that asks, bound to one house and one token.
struct Caller<'a> {
    house: &'a House,
    token: String,
}

impl Caller<'_> {
    /// Asks, checks the answer against the description, and expects this status.
    async fn gets(
        &self,
        walk: &mut Walk<'_>,
        (method, path): (&str, &str),
        address: &str,
        body: Option<Value>,
        status: u16,
    ) -> Value {
        let body = body.map(|body| body.to_string());
        let answer = self
            .house
            .ask(method, address, Some(&self.token), body.as_deref())
            .await;
        let value = walk.note(method, path, &answer);
        assert_eq!(answer.status, status, "{method} {address}: {answer:?}");
        value
    }
}

/// What the desk shows when the connection is full.
fn full_connection() -> Outgoing {
    Outgoing {
        uplink: Uplink {
            delivered: 900_000,
            viewers: 2,
            lagging: 2,
            occupancy: Occupancy::Full,
            ..Uplink::default()
        },
        has_admission: true,
        offered: Some(Offered {
            source: false,
            variants: vec![VariantName::parse("low").unwrap()],
            sound: true,
        }),
        ..Outgoing::default()
    }
}

async fn the_show(walk: &mut Walk<'_>) {
    let house = House::new();
    let caller = Caller {
        house: &house,
        token: house.token(),
    };
    let before = caller.gets(walk, ("GET", INFO), INFO, None, 200).await;
    assert_eq!(before["on_air"], false);
    assert_eq!(before["uptime"], Value::Null);
    assert_eq!(before["has_viewing_password"], false);
    assert_eq!(before["uplink"]["offered"], Value::Null);
    let outgoing = full_connection();
    house.desk.publish(&DeskUpdate::Outgoing(outgoing));
    let full = caller.gets(walk, ("GET", INFO), INFO, None, 200).await;
    let uplink = &full["uplink"];
    assert_eq!(uplink["state"], "full");
    assert_eq!(uplink["delivered"], 900_000);
    let offered = json!({"source": false, "variants": ["low"], "sound": true});
    assert_eq!(uplink["offered"], offered);
    let advice = uplink["advice"].as_str().unwrap();
    assert!(advice.contains("`low` or only the sound"), "{advice}");

    let words =
        json!({"title": " Evening show ", "description": "**Hello**", "announcement": "Soon"});
    let after = caller
        .gets(walk, ("PATCH", INFO), INFO, Some(words), 200)
        .await;
    assert_eq!(after["title"], "Evening show");
    assert_eq!(after["description"], "**Hello**");
    assert_eq!(house.title().as_deref(), Some("Evening show\n"));
    // What is left out stays, and so does everything if one part is refused.
    let less = json!({"announcement": ""});
    let after = caller
        .gets(walk, ("PATCH", INFO), INFO, Some(less), 200)
        .await;
    assert_eq!(
        (&after["description"], &after["announcement"]),
        (&json!("**Hello**"), &json!(""))
    );
    for wrong in [
        json!({"title": "one\ntwo", "description": "new"}),
        json!({"title": "new", "announcement": "x".repeat(301)}),
        json!({"title": "new", "viewing_password": ""}),
    ] {
        caller
            .gets(walk, ("PATCH", INFO), INFO, Some(wrong), 422)
            .await;
    }
    assert_eq!(house.title().as_deref(), Some("Evening show\n"));
    assert_eq!(house.room.show().description, "**Hello**");

    let locked = json!({"viewing_password": "open sesame 123"});
    let after = caller
        .gets(walk, ("PATCH", INFO), INFO, Some(locked), 200)
        .await;
    assert_eq!(after["has_viewing_password"], true);
    assert!(!after.to_string().contains("sesame"));
    assert!(house.room.viewing_password().is_some());
    // The API itself does not stand behind the viewing password.
    caller.gets(walk, ("GET", INFO), INFO, None, 200).await;
    let open = json!({"viewing_password": null});
    let after = caller
        .gets(walk, ("PATCH", INFO), INFO, Some(open), 200)
        .await;
    assert_eq!(after["has_viewing_password"], false);
}

async fn the_chat(walk: &mut Walk<'_>) {
    const MESSAGES: &str = "/broadcaster/api/messages";
    const MESSAGE: &str = "/broadcaster/api/messages/{id}";
    let house = House::new();
    let caller = Caller {
        house: &house,
        token: house.token(),
    };
    let empty = caller
        .gets(walk, ("GET", MESSAGES), MESSAGES, None, 200)
        .await;
    assert_eq!(empty, json!({"messages": []}));
    for number in 1..=5 {
        let words = json!({"text": format!("number {number}")});
        let said = caller
            .gets(walk, ("POST", MESSAGES), MESSAGES, Some(words), 201)
            .await;
        assert_eq!(said["text"], format!("number {number}"));
        assert_eq!(said["from"]["role"], "broadcaster");
    }
    let nothing = json!({"text": " "});
    caller
        .gets(walk, ("POST", MESSAGES), MESSAGES, Some(nothing), 422)
        .await;

    let texts = |listed: &Value| -> Vec<String> {
        let messages = listed["messages"].as_array().unwrap();
        messages
            .iter()
            .map(|message| message["text"].as_str().unwrap().to_owned())
            .collect()
    };
    for (query, expected) in [
        ("?limit=2", &["number 4", "number 5"][..]),
        ("?limit=2&after=1", &["number 2", "number 3"]),
        ("?after=4", &["number 5"]),
        ("?after=99", &[]),
    ] {
        let address = format!("{MESSAGES}{query}");
        let listed = caller
            .gets(walk, ("GET", MESSAGES), &address, None, 200)
            .await;
        assert_eq!(texts(&listed), expected, "{query}");
    }
    for query in ["?limit=0", "?limit=201", "?limit=x", "?after=-1", "?x=1"] {
        let address = format!("{MESSAGES}{query}");
        caller
            .gets(walk, ("GET", MESSAGES), &address, None, 400)
            .await;
    }

    caller
        .gets(
            walk,
            ("DELETE", MESSAGE),
            &format!("{MESSAGES}/5"),
            None,
            200,
        )
        .await;
    let listed = caller
        .gets(walk, ("GET", MESSAGES), MESSAGES, None, 200)
        .await;
    assert_eq!(texts(&listed).len(), 4);
    for id in ["0", "6", "99999999999999999999", "x", "-1"] {
        caller
            .gets(
                walk,
                ("DELETE", MESSAGE),
                &format!("{MESSAGES}/{id}"),
                None,
                404,
            )
            .await;
    }
}

const LOGIN: &str = "/broadcaster/api/login";
const INFO: &str = "/broadcaster/api/info";

async fn the_login(walk: &mut Walk<'_>) {
    let house = House::new();
    let nobody = Caller {
        house: &house,
        token: "none".to_owned(),
    };
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let right = json!({"password": PASSWORD});
        let answer = nobody
            .gets(walk, ("POST", LOGIN), LOGIN, Some(right), 200)
            .await;
        tokens.push(answer["token"].as_str().unwrap().to_owned());
    }
    assert_ne!(tokens[0], tokens[1], "each login has a session of its own");
    let seats = house.room.desk().sessions;
    assert_eq!(seats.iter().filter(|seat| seat.is_program).count(), 2);
    let mut callers = tokens.into_iter().map(|token| Caller {
        house: &house,
        token,
    });
    let (first, second) = (callers.next().unwrap(), callers.next().unwrap());

    for wrong in ["", "7k2m", "x", "y"] {
        let wrong = json!({"password": wrong});
        nobody
            .gets(walk, ("POST", LOGIN), LOGIN, Some(wrong), 403)
            .await;
    }
    // The right one too: a program cannot solve the captcha that is due now.
    let right = json!({"password": PASSWORD});
    let refused = nobody
        .gets(walk, ("POST", LOGIN), LOGIN, Some(right), 429)
        .await;
    assert!(
        refused["error"].as_str().unwrap().contains("login-link"),
        "{refused}"
    );
    // Who is in is not concerned.
    first.gets(walk, ("GET", INFO), INFO, None, 200).await;

    first.gets(walk, ("DELETE", LOGIN), LOGIN, None, 204).await;
    first.gets(walk, ("GET", INFO), INFO, None, 401).await;
    second.gets(walk, ("GET", INFO), INFO, None, 200).await;
    house.room.log_everybody_out();
    second.gets(walk, ("GET", INFO), INFO, None, 401).await;
}

/// More passwords at once than wait in the queue are refused at once, and may come again.
async fn too_many_passwords(walk: &mut Walk<'_>) {
    let house = House::new();
    let token = house.token();
    let login = json!({"password": "wrong"}).to_string();
    let change = json!({"viewing_password": "a new one"}).to_string();
    for (method, path, body) in [("PATCH", INFO, &change), ("POST", LOGIN, &login)] {
        let asked = (0..20).map(|_| house.ask(method, path, Some(&token), Some(body)));
        let answers = futures_util::future::join_all(asked).await;
        let mut busy = 0;
        for answer in &answers {
            walk.note(method, path, answer);
            if answer.status == 503 {
                assert_eq!(answer.header("retry-after"), Some("2"));
                busy += 1;
            }
        }
        assert!((1..20).contains(&busy), "{method} {path}: {busy}");
    }
}
