//! `/ingest`: an encoder on this computer sends its stream as the body of a request.
//!
//! Only for the local listeners: through the onion service there is nothing at this address, as at
//! any other that does not exist. Not behind the door either, which is for people: the stream key
//! is what counts, and pages of a browser are turned away before it is looked at.

mod presented;

use std::time::Duration;

use axum::{
    body::BodyDataStream,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt as _, StreamExt as _};
use http::{Method, StatusCode, header};

use self::presented::{is_from_a_page, presented_key};
use super::connection::Via;
use crate::{
    media::stream::{StreamError, StreamReader},
    push::{Publishers, Refused, Turn},
};

/// The address.
pub const INGEST_PATH: &str = "/ingest";

/// An encoder that sends nothing for this long is gone.
const STALL: Duration = Duration::from_secs(15);

/// Where streams go, and how much of one is kept.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// Who lets publishers in.
    pub publishers: Publishers,
    /// Longest accepted fragment, in bytes.
    pub max_fragment_bytes: u64,
}

/// What an encoder is told; for people who read what their encoder prints.
struct Answer(StatusCode, String);

impl Answer {
    fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self(status, words.into())
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let Self(status, mut words) = self;
        words.push('\n');
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        let mut response = (status, kind, words).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            // Encoders that were given the key in their address send it when they are asked.
            let challenge = http::HeaderValue::from_static("Basic realm=\"stream key\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, http::HeaderValue::from_static("PUT, POST"));
        }
        response
    }
}

/// Takes the requests of encoders out of those for the site.
pub(super) async fn divert(
    State(ingest): State<Option<Ingest>>,
    request: Request,
    next: Next,
) -> Response {
    let via = request.extensions().get::<Via>();
    let is_local = matches!(via, Some(Via::Loopback | Via::Socket));
    match ingest {
        Some(ingest) if is_local && request.uri().path() == INGEST_PATH => {
            take(&ingest, request).await.into_response()
        }
        _ => next.run(request).await,
    }
}

async fn take(ingest: &Ingest, request: Request) -> Answer {
    let headers = request.headers();
    if is_from_a_page(headers) {
        return Answer::new(
            StatusCode::FORBIDDEN,
            "pages in a browser cannot publish; use an encoder",
        );
    }
    if !matches!(*request.method(), Method::PUT | Method::POST) {
        return Answer::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "send a stream of fragmented MP4 here, with PUT or POST",
        );
    }
    let Some(key) = presented_key(headers) else {
        // Who waits for this answer comes again with the key.
        if !headers.contains_key(header::EXPECT) {
            ingest.publishers.complain_of_no_key();
        }
        return Answer::new(
            StatusCode::UNAUTHORIZED,
            "send the stream key as the password; `onionstream stream-key` shows it",
        );
    };
    match ingest.publishers.admit(key).await {
        Ok(turn) => {
            tracing::info!("an encoder is publishing through {INGEST_PATH}");
            let mut publishing = Publishing {
                turn,
                reader: StreamReader::new(ingest.max_fragment_bytes),
                body: request.into_body().into_data_stream(),
                is_answered: false,
            };
            let answer = publish(&mut publishing).await;
            publishing.is_answered = true;
            tracing::info!("the encoder has ended: {}", answer.1);
            answer
        }
        Err(refused) => {
            let status = match refused {
                Refused::WrongKey => StatusCode::UNAUTHORIZED,
                Refused::Busy => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            Answer::new(status, refused.to_string())
        }
    }
}

/// An encoder whose turn it is, and what comes from it.
struct Publishing {
    turn: Turn,
    reader: StreamReader,
    body: BodyDataStream,
    is_answered: bool,
}

impl Drop for Publishing {
    /// hyper drops the handler of a connection that is closed right behind the last byte, before it
    /// has seen that byte. What has come until then is there.
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let mut words = "its connection ended";
        while let Some(next) = self.body.next().now_or_never() {
            match next {
                Some(Ok(bytes)) => self.reader.push(&bytes),
                Some(Err(_gone)) => break,
                None => {
                    self.turn.goodbye();
                    words = "the stream was received to its end";
                    break;
                }
            }
            if put(&mut self.reader, &self.turn).is_err() {
                break;
            }
        }
        tracing::info!("the encoder has ended: {words}");
    }
}

async fn publish(publishing: &mut Publishing) -> Answer {
    let Publishing {
        turn, reader, body, ..
    } = publishing;
    let mut has_begun = false;
    loop {
        let next = tokio::select! {
            next = tokio::time::timeout(STALL, body.next()) => next,
            () = turn.over() => {
                return Answer::new(
                    StatusCode::CONFLICT,
                    "another encoder with the stream key has taken over, or the show ends",
                );
            }
        };
        let bytes = match next {
            Err(_elapsed) => {
                let words = format!("nothing came for {} s", STALL.as_secs());
                return Answer::new(StatusCode::REQUEST_TIMEOUT, words);
            }
            Ok(None) if has_begun => {
                turn.goodbye();
                return Answer::new(StatusCode::OK, "the stream was received to its end");
            }
            Ok(None) => {
                let words = "the request ended before a stream of fragmented MP4 had begun";
                return Answer::new(StatusCode::BAD_REQUEST, words);
            }
            // Its connection is gone: nobody reads this but the log.
            Ok(Some(Err(_gone))) => {
                return Answer::new(StatusCode::BAD_REQUEST, "the stream ended in the middle");
            }
            Ok(Some(Ok(bytes))) => bytes,
        };
        reader.push(&bytes);
        match put(reader, turn) {
            Ok(came) => has_begun |= came,
            Err(error) => {
                let words = format!(
                    "this is not the fragmented MP4 that is expected here: {error}; docs/obs.md has the settings"
                );
                return Answer::new(StatusCode::BAD_REQUEST, words);
            }
        }
    }
}

/// Puts everything on the air that is complete. Returns whether there was anything.
fn put(reader: &mut StreamReader, turn: &Turn) -> Result<bool, StreamError> {
    let mut came = false;
    while let Some(item) = reader.next_item()? {
        came = true;
        if !turn.put(item) {
            // Over: the caller sees it by itself.
            break;
        }
    }
    Ok(came)
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware, routing::get};
    use bytes::Bytes;
    use data_encoding::BASE64;
    use http::HeaderMap;
    use tokio_util::sync::CancellationToken;
    use tower::ServiceExt as _;
    use zeroize::Zeroizing;

    use super::*;
    use crate::{
        clock::Clock,
        ingest::{Event, Stop},
        media::fragment::sample::{audio_and_video, fragment_bytes},
        push::key::StreamKey,
    };

    struct House {
        site: Router,
        key: Zeroizing<String>,
        events: std::sync::mpsc::Receiver<Event>,
        _state: tempfile::TempDir,
    }

    impl House {
        fn new() -> Self {
            let state = tempfile::tempdir().unwrap();
            let stream_key = StreamKey::of(state.path());
            let key = stream_key.open().unwrap();
            let (sender, events) = std::sync::mpsc::channel();
            let publishers = Publishers::new(
                stream_key,
                Clock::new(),
                CancellationToken::new(),
                move |event, _now| drop(sender.send(event)),
            );
            let ingest = Some(Ingest {
                publishers,
                max_fragment_bytes: 1 << 20,
            });
            let site = Router::new()
                .route("/", get(async || "page"))
                .fallback(async || (StatusCode::NOT_FOUND, "nothing"))
                .layer(middleware::from_fn_with_state(ingest, divert));
            Self {
                site,
                key,
                events,
                _state: state,
            }
        }

        fn request(&self) -> http::request::Builder {
            Request::builder()
                .method("PUT")
                .uri(INGEST_PATH)
                .extension(Via::Loopback)
                .header("authorization", format!("Bearer {}", *self.key))
        }

        async fn send(&self, request: Request) -> (StatusCode, String, HeaderMap) {
            let answer = self.site.clone().oneshot(request).await.unwrap();
            let (head, body) = answer.into_parts();
            let body = axum::body::to_bytes(body, 10_000).await.unwrap();
            let text = String::from_utf8(body.to_vec()).unwrap();
            (head.status, text, head.headers)
        }
    }

    fn stream() -> Vec<u8> {
        let media = (0..4).map(|n| fragment_bytes(n * 200, n == 0));
        std::iter::once(audio_and_video())
            .chain(media)
            .collect::<Vec<_>>()
            .concat()
    }

    #[tokio::test]
    async fn a_stream_with_the_key_is_put_on_the_air_until_its_end() {
        let house = House::new();
        let basic = BASE64.encode(format!("anything:{}", *house.key).as_bytes());
        for (authorization, via) in [
            (format!("Bearer {}", *house.key), Via::Loopback),
            (format!("bearer {}", *house.key), Via::Socket),
            (format!("Basic {basic}"), Via::Loopback),
        ] {
            let request = Request::builder()
                .method("POST")
                .uri(INGEST_PATH)
                .extension(via)
                .header("authorization", authorization)
                .body(Body::from(stream()));
            let (status, words, _) = house.send(request.unwrap()).await;
            assert_eq!(status, StatusCode::OK, "{words}");
            let events: Vec<_> = house.events.try_iter().collect();
            assert!(matches!(events.first(), Some(Event::Init { .. })));
            assert!(matches!(events.last(), Some(Event::Stopped(_))));
            let fragments = events.iter().filter(|e| matches!(e, Event::Fragment(_)));
            assert_eq!(fragments.count(), 4);
        }
    }

    #[tokio::test]
    async fn through_the_onion_service_there_is_nothing_here() {
        let house = House::new();
        for via in [Some(Via::Onion), None] {
            for method in ["PUT", "POST", "GET"] {
                let mut request = house.request().method(method).body(Body::from(stream()));
                let extensions = request.as_mut().unwrap().extensions_mut();
                extensions.remove::<Via>();
                if let Some(via) = via {
                    extensions.insert(via);
                }
                let (status, words, headers) = house.send(request.unwrap()).await;
                assert_eq!((status, words.as_str()), (StatusCode::NOT_FOUND, "nothing"));
                assert!(!headers.contains_key(header::WWW_AUTHENTICATE));
            }
        }
        assert_eq!(house.events.try_iter().count(), 0);
    }

    #[tokio::test]
    async fn pages_of_a_browser_cannot_publish_whatever_they_know() {
        let house = House::new();
        for (name, value) in [
            ("origin", "null"),
            ("origin", "http://127.0.0.1:5051"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "no-cors"),
            ("referer", "http://evil.example/"),
        ] {
            let request = house.request().header(name, value);
            let request = request.body(Body::from(stream())).unwrap();
            let (status, _, _) = house.send(request).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{name}");
        }
        assert_eq!(house.events.try_iter().count(), 0);
    }

    #[tokio::test]
    async fn without_the_key_it_is_asked_for_and_a_wrong_one_is_refused() {
        let house = House::new();
        let wrong = format!("Basic {}", BASE64.encode(b"anything:wrong"));
        for (authorization, words) in [
            (None, "send the stream key"),
            (Some("Digest x"), "send the stream key"),
            (Some("Bearer wrong"), "this is not the stream key"),
            (Some(wrong.as_str()), "this is not the stream key"),
        ] {
            let mut request = Request::builder()
                .method("PUT")
                .uri(INGEST_PATH)
                .extension(Via::Loopback);
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            let request = request.body(Body::from(stream())).unwrap();
            let (status, said, headers) = house.send(request).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
            assert!(said.contains(words), "{said}");
            assert!(
                headers[header::WWW_AUTHENTICATE]
                    .to_str()
                    .unwrap()
                    .starts_with("Basic")
            );
        }
        let two = house.request().header("authorization", "Bearer x");
        let (status, _, _) = house.send(two.body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "two of them");
        assert_eq!(house.events.try_iter().count(), 0);
    }

    #[tokio::test]
    async fn what_is_no_fragmented_mp4_is_refused_with_the_reason() {
        let house = House::new();
        let mut huge = audio_and_video().to_vec();
        huge.extend([0x7f, 0xff, 0, 0]);
        huge.extend(b"moof");
        for (body, words) in [
            (b"\0\0\0\x10\0\x01\x02\x03".to_vec(), "fragmented MP4"),
            (fragment_bytes(0, true).to_vec(), "fragmented MP4"),
            (huge, "fragmented MP4"),
            (Vec::new(), "before a stream"),
            (b"x\n".to_vec(), "before a stream"),
        ] {
            let request = house.request().body(Body::from(body)).unwrap();
            let (status, said, _) = house.send(request).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{said}");
            assert!(said.contains(words), "{said}");
        }
        let get = house.request().method("GET").body(Body::empty()).unwrap();
        let (status, _, headers) = house.send(get).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(headers[header::ALLOW], "PUT, POST");
    }

    #[tokio::test]
    async fn an_encoder_that_closes_right_behind_its_last_byte_has_said_goodbye() {
        for is_complete in [true, false] {
            let house = House::new();
            let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(4);
            let body = futures_util::stream::unfold(receiver, async |mut receiver| {
                let bytes = receiver.recv().await?;
                Some((Ok::<_, std::io::Error>(bytes), receiver))
            });
            sender.send(stream().into()).await.unwrap();
            let request = house.request().body(Body::from_stream(body)).unwrap();
            let mut handling = Box::pin(house.send(request));
            let mut events = Vec::new();
            while !events
                .iter()
                .any(|event| matches!(event, Event::Fragment(_)))
            {
                let waited = tokio::time::timeout(Duration::from_millis(10), &mut handling).await;
                assert!(waited.is_err(), "it waits for more");
                events.extend(house.events.try_iter());
            }

            let sender = (!is_complete).then_some(sender);
            drop(handling);

            let stop = house.events.try_iter().last();
            let is_expected = match stop {
                Some(Event::Stopped(Stop::Goodbye)) => is_complete,
                Some(Event::Stopped(Stop::EncoderGone)) => !is_complete,
                _ => false,
            };
            assert!(is_expected, "{is_complete}: {stop:?}");
            drop(sender);
        }
    }

    #[tokio::test]
    async fn a_second_encoder_takes_over_from_one_that_hangs() {
        let house = House::new();
        let bytes = Bytes::from(stream());
        let first = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes.clone())])
            .chain(futures_util::stream::pending());
        let hanging = house.request().body(Body::from_stream(first)).unwrap();
        let second = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let request = house.request().body(Body::from(bytes)).unwrap();
            house.send(request).await
        };

        let (first, second) = tokio::join!(house.send(hanging), second);

        assert_eq!(first.0, StatusCode::CONFLICT, "{}", first.1);
        assert_eq!(second.0, StatusCode::OK, "{}", second.1);
    }
}
