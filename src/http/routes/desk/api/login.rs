//! `/broadcaster/api/login`: the token of a program.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Parts,
    answer::{Answer, Failure},
    request::{Program, Sent},
};
use crate::{
    live::room::RoomHandle,
    passwords::NoAnswer,
    room::{person::Role, refusal::Refusal},
};

/// Not `Debug`: it is a password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    password: Zeroizing<String>,
}

#[derive(Serialize)]
pub(super) struct TokenView {
    token: String,
}

/// Gives a program a seat of its own, for the broadcaster's password.
pub(super) async fn log_in(
    State(parts): State<Parts>,
    Sent(Login { password }): Sent<Login>,
) -> Result<Answer<TokenView>, Failure> {
    const WRONG: Failure = Failure::new(StatusCode::FORBIDDEN, "That is not the password.");
    // Before the expensive part, so that guesses cannot be had for nothing.
    parts.room.try_program_login().map_err(slowed)?;
    match parts.passwords.verify_broadcaster(password).await {
        Ok(true) => {}
        Ok(false) => {
            parts.room.login_failed();
            return Err(WRONG);
        }
        Err(NoAnswer::Empty | NoAnswer::TooLong) => return Err(WRONG),
        Err(why) => return Err(Failure::no_answer(why)),
    }
    let (viewer, _token) = parts.room.admit(None)?;
    let token = parts.room.log_in(viewer, Role::Broadcaster, true)?;
    let token = token.as_str().to_owned();
    Ok(Answer(StatusCode::OK, TokenView { token }))
}

/// Why a program may not try: it cannot solve captchas, and need not be as fast as it can.
fn slowed(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::TooSoon(wait) => Failure::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many wrong passwords were tried; try again in a moment.",
        )
        .after(wait),
        Refusal::CaptchaDue(_) => Failure::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many wrong passwords were tried, and a captcha is due, which is not for programs. \
             Log in at /broadcaster or with `onionstream login-link`, or try again in 15 minutes.",
        ),
        other => other.into(),
    }
}

/// Gives the token up.
pub(super) async fn log_out(
    State(room): State<RoomHandle>,
    Program(viewer): Program,
) -> Result<StatusCode, Failure> {
    room.log_out(viewer);
    Ok(StatusCode::NO_CONTENT)
}
