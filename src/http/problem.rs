//! Answers that are not what was asked for: one page, one form, for every error.
//!
//! The public words never contain anything from the request. Causes are logged without it.

use std::any::Any;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::visitor::Page;
use crate::pages::{self, problem::WayOut};

/// What a visitor is told when something cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    what: &'static str,
    advice: &'static str,
    way_out: WayOut,
}

impl Problem {
    /// `what` happened and what to do next, each a plain sentence.
    pub const fn new(status: StatusCode, what: &'static str, advice: &'static str) -> Self {
        Self {
            status,
            what,
            advice,
            way_out: WayOut::FirstPage,
        }
    }

    /// The same with a link to somewhere else than the first page.
    #[must_use]
    pub const fn leading(self, way_out: WayOut) -> Self {
        Self { way_out, ..self }
    }

    /// No such address.
    pub(super) const NOT_FOUND: Self = Self::new(
        StatusCode::NOT_FOUND,
        "There is nothing at this address",
        "Start again from the first page.",
    );

    /// Nothing is on the air.
    pub(super) const OFF_AIR: Self = Self::new(
        StatusCode::NOT_FOUND,
        "Nothing is on the air",
        "The first page shows when a broadcast starts.",
    );

    /// As many people are here as there may be.
    pub(super) const FULL: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "The house is full",
        "Try again in a minute.",
    );

    /// Something in this program or this computer is broken.
    pub(super) const OURS: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "This cannot be shown right now",
        "It is not your fault. Try again in a minute.",
    );
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match Page::new(|nonce| pages::problem::page(self.what, self.advice, self.way_out, nonce)) {
            Ok(page) => (self.status, page).into_response(),
            // No randomness for a nonce: say it without a page.
            Err(_) => (self.status, self.what).into_response(),
        }
    }
}

impl From<getrandom::Error> for Problem {
    fn from(error: getrandom::Error) -> Self {
        tracing::error!(%error, "the operating system gives no random numbers");
        Self::OURS
    }
}

pub(super) async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "This page cannot be used like that",
        "Start again from the first page.",
    )
}

/// A request that made us panic. The place was logged by the panic hook; the payload could hold
/// the request's text and is dropped.
pub(super) fn panicked(_payload: Box<dyn Any + Send + 'static>) -> Response {
    Problem::OURS.into_response()
}
