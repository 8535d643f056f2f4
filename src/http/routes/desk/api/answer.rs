//! What the API answers: JSON, and for what was not done a status and one sentence.

use std::{borrow::Cow, time::Duration};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{passwords::NoAnswer, room::refusal::Refusal};

/// A queue of passwords is empty again after some hundred milliseconds.
const BUSY_FOR: Duration = Duration::from_secs(2);

/// A value as JSON.
#[derive(Debug)]
pub(super) struct Answer<T>(pub(super) StatusCode, pub(super) T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let Self(status, value) = self;
        let json = HeaderValue::from_static("application/json");
        match serde_json::to_vec(&value) {
            Ok(bytes) => (status, [(header::CONTENT_TYPE, json)], bytes).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer of the API cannot be written");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// What a program is told instead. The sentence never contains anything from the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    status: StatusCode,
    words: Cow<'static, str>,
    wait: Option<Duration>,
}

impl Failure {
    /// `words` are a sentence for a person.
    pub(super) const fn new(status: StatusCode, words: &'static str) -> Self {
        Self {
            status,
            words: Cow::Borrowed(words),
            wait: None,
        }
    }

    /// With a sentence that was made for the occasion.
    pub(super) fn with(status: StatusCode, words: String) -> Self {
        Self {
            status,
            words: Cow::Owned(words),
            wait: None,
        }
    }

    /// Why a password was not hashed or compared.
    pub(super) fn no_answer(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Busy => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many passwords are being checked; try again in a few seconds.",
            )
            .after(BUSY_FOR),
            NoAnswer::Empty | NoAnswer::TooLong => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "A password has 1 to 1024 bytes that are not all blanks.",
            ),
            why => {
                tracing::error!(%why, "a password cannot be hashed or compared");
                Self::OURS
            }
        }
    }

    /// The same thing may be tried again after this time.
    pub(super) fn after(self, wait: Duration) -> Self {
        Self {
            wait: Some(wait),
            ..self
        }
    }

    /// No token, or none that counts.
    pub(super) const TOKEN: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "Log in with POST /broadcaster/api/login and send the token as \"Authorization: Bearer TOKEN\".",
    );

    /// No such address.
    pub(super) const NOTHING: Self = Self::new(
        StatusCode::NOT_FOUND,
        "There is nothing at this address; docs/openapi.json lists what there is.",
    );

    /// No such message.
    pub(super) const NO_MESSAGE: Self = Self::new(
        StatusCode::NOT_FOUND,
        "There is no message with this number, or it is not kept any more.",
    );

    /// Another method.
    pub(super) const METHOD: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "This address cannot be used with this method; docs/openapi.json lists what there is.",
    );

    /// Something in this program or this computer is broken.
    pub(super) const OURS: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "This did not work, and it is not your fault; the log says why.",
    );
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Words {
            error: Cow<'static, str>,
        }
        let words = Words { error: self.words };
        let mut response = Answer(self.status, words).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.wait {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::NoSession => return Self::TOKEN,
            Refusal::NotAllowed | Refusal::Protected => StatusCode::FORBIDDEN,
            Refusal::NoSuchMessage => return Self::NO_MESSAGE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::with(status, refusal.to_string())
    }
}

impl From<getrandom::Error> for Failure {
    fn from(error: getrandom::Error) -> Self {
        tracing::error!(%error, "the operating system gives no random numbers");
        Self::OURS
    }
}
