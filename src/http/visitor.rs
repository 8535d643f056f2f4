//! Who asks, and pages for them.
//!
//! A visitor of a page gets a session in a cookie; a player that sends no cookie is a guest. The
//! token in the cookie is always ours: anything else is treated as no cookie.

use std::convert::Infallible;

use axum::{
    body::Body,
    extract::{FromRef, FromRequestParts},
    response::{IntoResponse, IntoResponseParts, Response, ResponseParts},
};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use maud::Markup;

use super::{connection::Via, headers::Nonce, problem::Problem};
use crate::{
    live::{room::RoomHandle, uplink::Caller},
    room::session::{Token, ViewerId},
};

/// Name of the session cookie.
const COOKIE: &str = "session";

/// Somebody who opens a page; they have a session from now on.
#[derive(Debug)]
pub struct Visitor {
    /// Who it is.
    pub viewer: ViewerId,
    /// The cookie to set if they are new.
    pub cookie: NewCookie,
}

/// What an answer does to the session cookie.
#[derive(Debug)]
pub enum NewCookie {
    /// Nothing.
    Keep,
    /// Replaces it.
    Set(Token),
    /// Takes it away.
    Clear,
}

/// Somebody who fetches media: a viewer with a session, or a guest.
#[derive(Debug, Clone, Copy)]
pub struct Audience(pub ViewerId);

impl<S> FromRequestParts<S> for Visitor
where
    S: Send + Sync,
    RoomHandle: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let room = RoomHandle::from_ref(state);
        let old = token(&parts.headers);
        if let Some(viewer) = old.and_then(|token| room.recognise(token)) {
            return Ok(Self {
                viewer,
                cookie: NewCookie::Keep,
            });
        }
        let (viewer, token) = room.admit(old)?;
        Ok(Self {
            viewer,
            cookie: NewCookie::Set(token),
        })
    }
}

/// Whether a request comes from this computer, whose people are spared the captcha.
#[derive(Debug, Clone, Copy)]
pub(super) struct Near(pub(super) bool);

impl<S: Sync> FromRequestParts<S> for Near {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get() == Some(&Via::Loopback)))
    }
}

impl<S> FromRequestParts<S> for Audience
where
    S: Send + Sync,
    RoomHandle: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let room = RoomHandle::from_ref(state);
        let viewer = token(&parts.headers).and_then(|token| room.recognise(token));
        Ok(Self(viewer.unwrap_or_else(|| room.guest())))
    }
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    RoomHandle: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let Near(is_near) = Near::from_request_parts(parts, state).await?;
        let Audience(viewer) = Audience::from_request_parts(parts, state).await?;
        Ok(Self { viewer, is_near })
    }
}

impl IntoResponseParts for NewCookie {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        // Not `Secure`: an onion site is plain HTTP inside Tor's encryption.
        let cookie = match self {
            Self::Keep => return Ok(parts),
            Self::Set(token) => {
                format!(
                    "{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict",
                    token.as_str()
                )
            }
            Self::Clear => format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"),
        };
        if let Ok(mut value) = HeaderValue::try_from(cookie) {
            value.set_sensitive(true);
            parts.headers_mut().append(header::SET_COOKIE, value);
        }
        Ok(parts)
    }
}

/// The value of our cookie, if exactly one was sent.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let mut tokens = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE)
        .map(|(_, token)| token);
    let token = tokens.next()?;
    tokens.next().is_none().then_some(token)
}

/// A finite HTML page with the policy that fits its styles.
#[derive(Debug)]
pub struct Page {
    nonce: Nonce,
    html: String,
}

impl Page {
    /// Makes the page with a fresh nonce.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give.
    pub fn new(markup: impl FnOnce(&str) -> Markup) -> Result<Self, getrandom::Error> {
        let nonce = Nonce::fresh()?;
        let html = markup(nonce.as_str()).into_string();
        Ok(Self { nonce, html })
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        html(&self.nonce, Body::from(self.html))
    }
}

/// An HTML answer whose styles carry `nonce`.
pub(super) fn html(nonce: &Nonce, body: Body) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (header::CONTENT_SECURITY_POLICY, nonce.policy()),
    ];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (header::COOKIE, value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_token_is_found_among_other_cookies_and_never_guessed_from_two() {
        assert_eq!(token(&cookies(&["a=b; session=abc; c=d"])), Some("abc"));
        assert_eq!(token(&cookies(&["a=b", "session=abc"])), Some("abc"));
        assert_eq!(token(&cookies(&["xsession=abc; sessio"])), None);
        assert_eq!(token(&cookies(&["session=abc; session=def"])), None);
        assert_eq!(token(&cookies(&[])), None);
    }
}
