//! What programs send: a token, and bounded JSON.

use std::time::Duration;

use axum::{
    body::to_bytes,
    extract::{FromRef, FromRequest, FromRequestParts, Request},
};
use http::{HeaderMap, StatusCode, header, request::Parts};
use serde::de::DeserializeOwned;

use super::answer::Failure;
use crate::{
    live::room::RoomHandle,
    room::{person::Role, session::ViewerId},
};

/// Bytes of a body.
const MAX_BODY: usize = 16 * 1024;

/// Time for a body to arrive; through a bad circuit, seconds.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);

/// A program that logged in with the broadcaster's password.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program(pub(super) ViewerId);

impl<S> FromRequestParts<S> for Program
where
    S: Send + Sync,
    RoomHandle: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let room = RoomHandle::from_ref(state);
        let viewer = bearer(&parts.headers)
            .and_then(|token| room.recognise_program(token))
            .ok_or(Failure::TOKEN)?;
        if room.role(viewer) < Role::Broadcaster {
            return Err(Failure::TOKEN);
        }
        Ok(Self(viewer))
    }
}

/// The token after `Bearer`, if exactly one was sent (RFC 6750 section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim_matches(' '))
}

/// A body in JSON. Not `Debug`: there can be a password in it.
pub(super) struct Sent<T>(pub(super) T);

impl<S, T> FromRequest<S> for Sent<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Failure;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Failure> {
        if !is_json(request.headers()) {
            return Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send JSON, with \"Content-Type: application/json\".",
            ));
        }
        let body = to_bytes(request.into_body(), MAX_BODY);
        let bytes = tokio::time::timeout(ARRIVES_WITHIN, body)
            .await
            .map_err(|_elapsed| {
                Failure::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "The body did not arrive within 30 seconds; send it again.",
                )
            })?
            .map_err(|_too_long| {
                Failure::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "The body has more than 16 KiB; shorten it.",
                )
            })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| unreadable(&error))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let kind = value.and_then(|value| value.to_str().ok());
    // Parameters such as `charset=utf-8` may follow; JSON is always UTF-8.
    let kind = kind.and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Where the mistake is, but not what was written there: it could be a password.
fn unreadable(error: &serde_json::Error) -> Failure {
    let what = if error.is_data() {
        "has a field that is missing, not known or of another type than docs/openapi.json says"
    } else {
        "is not JSON"
    };
    let words = format!(
        "The body {what}, at line {} column {}.",
        error.line(),
        error.column()
    );
    Failure::with(StatusCode::BAD_REQUEST, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (header::AUTHORIZATION, value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_token_is_what_follows_bearer_and_never_guessed_from_two() {
        for (values, token) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bearer  abc "], Some("abc")),
            (&["Basic abc"], None),
            (&["Bearer"], None),
            (&["Bearer abc", "Bearer def"], None),
            (&[], None),
        ] {
            assert_eq!(bearer(&headers(values)), token, "{values:?}");
        }
    }

    #[test]
    fn a_mistake_is_placed_and_its_text_not_repeated() {
        let error = serde_json::from_str::<u32>("\n \"hunter2\"").unwrap_err();

        let failure = unreadable(&error);

        let expected = "The body has a field that is missing, not known or of another type than \
                        docs/openapi.json says, at line 2 column 10.";
        assert_eq!(
            failure,
            Failure::with(StatusCode::BAD_REQUEST, expected.to_owned())
        );
    }
}
