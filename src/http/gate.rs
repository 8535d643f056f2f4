//! The door: who may not come in sees nothing of the site.
//!
//! Asked for every request, media too; long responses are asked again by the room itself, which
//! ends them. Requests from this computer are spared the captcha: the preview is for the
//! broadcaster, and a captcha cannot keep out who is in already.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;

use super::{connection::Via, problem::Problem, visitor};
use crate::{live::room::RoomHandle, room::access::Door};

/// What everybody may see who is not blocked.
const OPEN: [&str; 2] = ["/enter", "/privacy"];

/// Where the broadcaster logs in. A block does not hold here: it would lock out a broadcaster who
/// shares a browser with somebody who was blocked; there is nothing here without a password.
const DESK: &str = "/broadcaster";

/// Refuses what lies behind the door; the first page leads to it.
pub(super) async fn check(
    State(room): State<RoomHandle>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let path = request.uri().path();
    let is_near = request.extensions().get() == Some(&Via::Loopback);
    let (_, door) = room.door(visitor::token(request.headers()), is_near);
    let is_desk = path
        .strip_prefix(DESK)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match door {
        Door::In => Ok(next.run(request).await),
        _ if is_desk => Ok(next.run(request).await),
        Door::Blocked { .. } => Err(BLOCKED),
        _ if OPEN.contains(&path) => Ok(next.run(request).await),
        _ if path == "/" => Ok(Redirect::to("/enter").into_response()),
        Door::Captcha => Err(OUTSIDE),
        Door::Password => Err(PASSWORD),
        Door::Club => Err(CLUB),
    }
}

const OUTSIDE: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "Please come in through the first page",
    "There is one question to answer, and it needs a cookie.",
);

const PASSWORD: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "This show needs a password now",
    "Start again from the first page and type it there.",
);

const CLUB: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "This show is for members now",
    "Start again from the first page and show your tripcode there.",
);

const BLOCKED: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "You cannot be here",
    "The broadcaster has shut you out.",
);
