//! Sessions as an encoder, a browser and somebody with bad intentions would have them.

use proptest::prelude::*;

use super::{super::chunks::MAX_MEDIA, *};

/// A command as a client sends it.
fn command(name: &str, number: f64, values: &[Value<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    amf::write(Value::Text(name), &mut body);
    amf::write(Value::Number(number), &mut body);
    for value in values {
        amf::write(*value, &mut body);
    }
    message(kind::COMMAND, &body)
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    chunks::write(3, kind, 0, body, &mut bytes);
    bytes
}

fn hello() -> Vec<u8> {
    let mut hello = vec![VERSION];
    hello.extend([7; HELLO]);
    hello.extend([8; HELLO]);
    hello
}

/// Everything up to the question for the key.
fn request(key: &str) -> Vec<u8> {
    let about = [("app", Value::Text("live"))];
    [
        hello(),
        message(kind::CHUNK_SIZE, &4096_u32.to_be_bytes()[..]),
        command("connect", 1.0, &[Value::Object(&about)]),
        command("releaseStream", 2.0, &[Value::Null, Value::Text(key)]),
        command("FCPublish", 3.0, &[Value::Null, Value::Text(key)]),
        command("createStream", 4.0, &[Value::Null]),
        command(
            "publish",
            5.0,
            &[Value::Null, Value::Text(key), Value::Text("live")],
        ),
    ]
    .concat()
}

fn steps(session: &mut Session, bytes: &[u8]) -> Result<Vec<Step>, SessionError> {
    session.push(bytes);
    let mut steps = Vec::new();
    while let Some(step) = session.next_step()? {
        steps.push(step);
    }
    Ok(steps)
}

/// A session with somebody on the air.
fn publishing() -> Session {
    let mut session = Session::new();
    let asked = steps(&mut session, &request("key")).unwrap();
    assert_eq!(asked, [Step::Publish(Zeroizing::new("key".to_owned()))]);
    session.accept();
    session
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[test]
fn a_publisher_is_asked_for_the_key_and_then_heard_without_what_describes_the_encoder() {
    let mut session = publishing();
    let reply = session.take_reply();
    assert_eq!(reply[0], VERSION);
    assert_eq!(&reply[1 + HELLO..][..HELLO], &[7; HELLO], "their own");
    for words in ["NetConnection.Connect.Success", "NetStream.Publish.Start"] {
        assert!(holds(&reply, words), "{words}");
    }

    let mut data = Vec::new();
    amf::write(Value::Text("@setDataFrame"), &mut data);
    amf::write(Value::Text("onMetaData"), &mut data);
    amf::write(Value::Object(&[("encoder", Value::Text("obs"))]), &mut data);
    let sent = [
        message(18, &data),
        message(kind::VIDEO, &[0x17, 0, 1]),
        message(kind::AUDIO, &[0xaf, 0, 2]),
        command("FCUnpublish", 6.0, &[]),
        message(kind::VIDEO, &[0x17, 0, 3]),
    ]
    .concat();
    let steps = steps(&mut session, &sent).unwrap();

    let [Step::Media(first), Step::Media(second), Step::End] = &steps[..] else {
        panic!("{steps:?}")
    };
    assert!(first.starts_with(b"FLV\x01\x05") && !holds(first, "obs"));
    assert_eq!(second[0], kind::AUDIO);
}

#[test]
fn a_refused_publisher_hears_why_and_is_not_heard() {
    let mut session = Session::new();
    let bytes = request("wrong");
    // Pieces as small as they get.
    let asked: Vec<_> = bytes
        .chunks(1)
        .flat_map(|piece| steps(&mut session, piece).unwrap())
        .collect();
    assert_eq!(asked.len(), 1);
    assert!(
        !format!("{session:?}{asked:?}").contains("wrong"),
        "the key"
    );

    session.refuse("this is not the stream key");

    let reply = session.take_reply();
    assert!(holds(&reply, "NetStream.Publish.BadName") && holds(&reply, "not the stream key"));
    let more = message(kind::VIDEO, &[0x17, 0, 1]);
    assert_eq!(steps(&mut session, &more), Ok(Vec::new()));
}

#[test]
fn nothing_is_heard_before_the_key_was_right() {
    let mut session = Session::new();
    let early = [hello(), message(kind::VIDEO, &[0x17, 0, 1])].concat();
    assert_eq!(steps(&mut session, &early), Err(SessionError::OutOfTurn));
    let mut session = Session::new();
    let both = [request("key"), message(kind::VIDEO, &[0x17, 0, 1])].concat();
    assert_eq!(steps(&mut session, &both).unwrap().len(), 1, "it waits");
    session.accept();
    assert_eq!(steps(&mut session, &[]).unwrap().len(), 1, "what waited");
}

#[test]
fn browsers_viewers_and_chatterboxes_are_turned_away() {
    let http = b"POST /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    assert_eq!(steps(&mut Session::new(), http), Err(SessionError::NotRtmp));
    let play = [hello(), command("play", 1.0, &[Value::Null])].concat();
    assert_eq!(
        steps(&mut Session::new(), &play),
        Err(SessionError::WantsToPlay)
    );
    let ping = message(kind::USER_CONTROL, &[0, 6, 1, 2, 3, 4]);
    let mut session = Session::new();
    let one = steps(&mut session, &[hello(), ping.clone()].concat());
    assert_eq!(one, Ok(Vec::new()));
    assert!(session.take_reply().ends_with(&[0, 7, 1, 2, 3, 4]));
    let many = ping.repeat(MAX_TALK as usize);
    assert_eq!(steps(&mut session, &many), Err(SessionError::Talk));
    let mut session = publishing();
    let again = command("publish", 9.0, &[Value::Null, Value::Text("key")]);
    assert_eq!(steps(&mut session, &again), Err(SessionError::OutOfTurn));
}

#[test]
fn how_much_has_come_is_said_when_the_encoder_wants_to_know() {
    let mut session = publishing();
    session.take_reply();
    let window = message(kind::WINDOW, &10_000_u32.to_be_bytes());
    steps(&mut session, &window).unwrap();
    steps(
        &mut session,
        &message(kind::AUDIO, &[0xaf; 100]).repeat(100),
    )
    .unwrap();
    let reply = session.take_reply();
    assert_eq!(reply.get(7), Some(&kind::ACKNOWLEDGEMENT), "{reply:?}");
}

/// What a session holds, in bytes.
fn held(session: &Session) -> usize {
    // Buffers show their content; what is held is at least as long.
    session.input.len() + session.reply.len() + session.chunks.held()
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_grow(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..20),
        at in 0_usize..10_000,
        is_on_the_air in any::<bool>(),
        is_greeted in any::<bool>(),
    ) {
        let mut session = if is_on_the_air {
            publishing()
        } else {
            let mut session = Session::new();
            if is_greeted {
                // A real beginning with bytes in the wrong place.
                let mut real = request("key");
                let at = at.min(real.len());
                let wrong = pieces.first().cloned().unwrap_or_default();
                real.splice(at..at, wrong);
                let _steps = steps(&mut session, &real);
            }
            session
        };
        for piece in &pieces {
            if steps(&mut session, piece).is_err() {
                break;
            }
            session.accept();
            let limit = if session.state == State::Asking { 16 * 1024 } else { 0 };
            prop_assert!(held(&session) <= MAX_MEDIA + MAX_REPLY + 2 * HELLO + limit);
        }
    }

    #[test]
    fn changed_bytes_of_a_real_session_make_it_neither_panic_nor_grow(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in 1_usize..5_000,
    ) {
        let media = message(kind::VIDEO, &[0x17; 100]);
        let mut bytes = [&request("key")[2 * HELLO + 1..], &media.repeat(20)].concat();
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let mut session = Session::new();
        prop_assert!(steps(&mut session, &hello()).is_ok());
        for piece in bytes.chunks(cut) {
            if steps(&mut session, piece).is_err() {
                break;
            }
            session.accept();
            prop_assert!(held(&session) <= bytes.len() + MAX_REPLY);
        }
    }
}
