//! Forms: bounded, from our own pages only.
//!
//! Every form carries a number that belongs to the session and can be used once; the room checks
//! it. Browsers also say where a request comes from; another site is turned away before anything
//! is read.

use std::time::Duration;

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Bytes of a form. The longest message has 512 characters, in UTF-8 and with escapes at most
/// 6 KiB.
const MAX_FORM: usize = 16 * 1024;

/// Time for a form to arrive; through a bad circuit, seconds. The limit on heads is hyper's, bodies
/// have none.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);

/// Fields of a form, from one of our pages.
#[derive(Debug)]
pub(super) struct OwnForm<T>(pub(super) T);

impl<S, T> FromRequest<S> for OwnForm<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        // Sent by every browser of these years, also where `Origin` is withheld.
        let site = request.headers().get("sec-fetch-site");
        if site.is_some_and(|site| site != "same-origin" && site != "none") {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "This came from another site",
                "Start again from the first page.",
            ));
        }
        let content_type = request.headers().get(header::CONTENT_TYPE);
        if content_type.is_none_or(|kind| kind != "application/x-www-form-urlencoded") {
            return Err(UNREADABLE);
        }
        let body = to_bytes(request.into_body(), MAX_FORM);
        let bytes = tokio::time::timeout(ARRIVES_WITHIN, body)
            .await
            .map_err(|_elapsed| {
                Problem::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "The form did not arrive in time",
                    "Send it again.",
                )
            })?
            .map_err(|_too_long| {
                Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "That was too long",
                    "A message has at most 512 characters.",
                )
            })?;
        serde_urlencoded::from_bytes(&bytes)
            .map(Self)
            .map_err(|_unreadable| UNREADABLE)
    }
}

const UNREADABLE: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "This form cannot be read",
    "Start again from the first page.",
);
