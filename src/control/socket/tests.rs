use std::fs;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, Lines};

use super::*;
use crate::{control::executor::tests::show, media::broadcast::Air};

/// A served socket.
struct House {
    home: tempfile::TempDir,
    executor: Executor,
    closing: CancellationToken,
    served: JoinSet<()>,
}

/// One connection to it.
struct Caller {
    answers: Lines<BufReader<OwnedReadHalf>>,
    lines: OwnedWriteHalf,
}

fn private_directory() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o700)).unwrap();
    home
}

impl House {
    fn open() -> Self {
        Self::open_with(WRITE_WITHIN)
    }

    fn open_with(patience: Duration) -> Self {
        let home = private_directory();
        let (executor, _) = show();
        let closing = CancellationToken::new();
        let mut socket = Socket::bind(home.path()).unwrap();
        socket.patience = patience;
        let mut served = JoinSet::new();
        served.spawn(socket.serve(executor.clone(), closing.clone()));
        Self {
            home,
            executor,
            closing,
            served,
        }
    }

    async fn call(&self) -> Caller {
        let path = self.home.path().join(crate::control::SOCKET);
        let (answers, lines) = UnixStream::connect(path).await.unwrap().into_split();
        Caller {
            answers: BufReader::new(answers).lines(),
            lines,
        }
    }
}

impl Caller {
    async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.lines.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn read(&mut self) -> Option<Value> {
        let line = self.answers.next_line().await.ok().flatten()?;
        Some(serde_json::from_str(&line).expect("a line of JSON"))
    }

    async fn ask(&mut self, line: &str) -> Value {
        self.write(format!("{line}\n")).await;
        self.read().await.expect("an answer")
    }
}

#[tokio::test]
async fn the_socket_is_for_this_user_alone_and_gone_at_the_end() {
    let mut house = House::open();
    let path = house.home.path().join(crate::control::SOCKET);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    house.closing.cancel();
    house.served.join_next().await.unwrap().unwrap();

    assert!(!path.exists());
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_told_with_what_to_do() {
    let home = private_directory();
    let long = home.path().join("x".repeat(120));
    fs::create_dir(&long).unwrap();
    fs::set_permissions(&long, Permissions::from_mode(0o700)).unwrap();

    let error = Socket::bind(&long).unwrap_err();

    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("set `onion.state` to a shorter"));
}

#[tokio::test]
async fn only_a_socket_is_replaced_and_only_in_a_private_directory() {
    let home = private_directory();
    let path = home.path().join(crate::control::SOCKET);
    // As a crash leaves it.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    drop(Socket::bind(home.path()).expect("a stale socket is replaced"));

    fs::write(&path, "mine").unwrap();
    let error = Socket::bind(home.path()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    fs::remove_file(&path).unwrap();

    fs::set_permissions(home.path(), Permissions::from_mode(0o750)).unwrap();
    let error = Socket::bind(home.path()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    assert!(!path.exists());
}

#[test]
fn nobody_else_is_let_in_not_even_root() {
    assert!(is_own(Some(1000), 1000));
    for peer in [Some(0), Some(1001), Some(65534), None] {
        assert!(!is_own(peer, 1000), "{peer:?}");
    }
    assert!(is_private(1000, 0o40700, 1000));
    for (owner, mode) in [
        (0, 0o40700),
        (1000, 0o40701),
        (1000, 0o40710),
        (1000, 0o40770),
    ] {
        assert!(!is_private(owner, mode, 1000), "{owner} {mode:o}");
    }
}

#[tokio::test]
async fn lines_are_answered_in_their_order() {
    let house = House::open();
    let mut caller = house.call().await;

    caller.write("say one\nsay two\nchat\nbam\n").await;

    for text in ["one", "two"] {
        assert_eq!(caller.read().await.unwrap()["ok"]["text"], text);
    }
    let chat = caller.read().await.unwrap();
    assert_eq!(chat["ok"].as_array().unwrap().len(), 2);
    assert_eq!(
        caller.read().await.unwrap()["error"],
        "`bam` is no verb; did you mean `ban`?"
    );
}

#[tokio::test]
async fn nonsense_is_answered_eight_times_then_the_connection_ends() {
    let house = House::open();
    let mut caller = house.call().await;
    let mut nonsense = b"\xff\xfe\n\x1b[2J\n\n".to_vec();
    nonsense.extend(vec![b'x'; 100_000]);
    nonsense.push(b'\n');

    caller.write(&nonsense).await;
    for words in ["not UTF-8", "control character", "empty", "too many bytes"] {
        let answer = caller.read().await.unwrap();
        assert!(
            answer["error"].as_str().unwrap().contains(words),
            "{answer}"
        );
    }
    // A good line in between does not forgive the bad ones.
    assert!(caller.ask("status").await["ok"].is_object());
    for _ in 0..4 {
        assert!(caller.ask("dance").await["error"].is_string());
    }

    let last = caller.read().await.unwrap();
    assert_eq!(last["error"], "too many lines were no requests");
    assert_eq!(caller.read().await, None);
    // Nobody else is the worse for it.
    assert!(house.call().await.ask("status").await["ok"].is_object());
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_places_are_given_back() {
    let house = House::open();
    let mut callers = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut caller = house.call().await;
        assert!(caller.ask("status").await["ok"].is_object());
        callers.push(caller);
    }

    let refusal = house.call().await.read().await.unwrap();
    assert!(
        refusal["error"]
            .as_str()
            .unwrap()
            .contains("too many connections")
    );

    callers.clear();
    // The places are free when the server has seen the ends.
    for _ in 0..1_000 {
        let mut caller = house.call().await;
        let _may_be_closed = caller.lines.write_all(b"status\n").await;
        if caller
            .read()
            .await
            .is_some_and(|answer| answer["ok"].is_object())
        {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("no place was given back");
}

#[tokio::test]
async fn a_follower_gets_what_is_the_case_and_then_what_happens() {
    let house = House::open();
    house
        .executor
        .execute(Request::Title(Some("Night".to_owned())));
    let mut follower = house.call().await;

    assert_eq!(follower.ask("follow").await["ok"], "following");
    let mut present = Vec::new();
    for _ in 0..6 {
        present.push(follower.read().await.unwrap());
    }
    let kinds: Vec<_> = present
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "title",
            "air",
            "watching",
            "announcement",
            "chat",
            "presence"
        ]
    );
    assert_eq!(present[0]["text"], "Night");

    let mut other = house.call().await;
    other.ask("say hello").await;
    other.ask("hide 1").await;
    house.executor.panel.publish(&Update::Air(Air::Off));
    other.ask("unhide 1").await;
    for kind in ["appearance", "message", "hidden", "shown"] {
        assert_eq!(follower.read().await.unwrap()["type"], kind);
    }
}

#[tokio::test]
async fn a_follower_that_does_not_read_is_dropped_and_the_room_does_not_wait() {
    let house = House::open_with(Duration::from_millis(50));
    let mut follower = house.call().await;
    follower.ask("follow").await;

    // Far more than the socket's buffer takes; nobody reads.
    let title = "x".repeat(150);
    for number in 0..20_000 {
        let title = format!("{title}{number}");
        let title = crate::room::title::Title::parse(title.as_bytes()).unwrap();
        house.executor.panel.publish(&Update::Title(title));
        if number % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;

    // What was in the buffer is still there, and then it ends: not by being lost, which it would
    // have been told.
    let mut last = String::new();
    while let Ok(Some(line)) = follower.answers.next_line().await {
        last = line;
    }
    assert!(last.contains(r#""type":"title""#), "{last}");
}

#[tokio::test]
async fn a_follower_that_was_too_slow_is_told_so_and_the_stream_ends() {
    let house = House::open();
    let mut follower = house.call().await;
    follower.ask("follow").await;
    for _ in 0..6 {
        follower.read().await.unwrap();
    }

    // One thread: the connection's task sees none of these before all are there.
    for count in 1..=5_000 {
        house.executor.panel.publish(&Update::Watching(count));
    }

    assert_eq!(follower.read().await.unwrap()["type"], "lost");
    assert_eq!(follower.read().await, None);
}

#[tokio::test]
async fn whoever_is_answered_at_the_end_still_gets_the_answer() {
    let mut house = House::open();
    let mut caller = house.call().await;

    assert_eq!(caller.ask("stop").await["ok"]["did"], "The show ends.");
    house.closing.cancel();

    assert_eq!(caller.read().await, None);
    house.served.join_next().await.unwrap().unwrap();
}
