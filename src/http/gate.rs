//! The entrance: who has not passed it sees nothing of the site.
//!
//! Requests from this computer pass: the preview is for the broadcaster, and a captcha cannot keep
//! out who is in already. Everything else goes through here, media too.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;

use super::{connection::Via, problem::Problem, visitor};
use crate::live::room::RoomHandle;

/// What everybody may see.
const OPEN: [&str; 2] = ["/enter", "/privacy"];

/// Refuses what lies behind the entrance; the first page leads to the entrance.
pub(super) async fn check(
    State(room): State<RoomHandle>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let path = request.uri().path();
    let is_open = OPEN.contains(&path) || request.extensions().get() == Some(&Via::Loopback);
    let viewer = visitor::token(request.headers()).and_then(|token| room.recognise(token));
    // Without an entrance nobody is asked for a session.
    if is_open || viewer.map_or(!room.has_entrance(), |viewer| room.may_enter(viewer)) {
        return Ok(next.run(request).await);
    }
    if path == "/" {
        return Ok(Redirect::to("/enter").into_response());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "Please come in through the first page",
        "There is one question to answer, and it needs a cookie.",
    ))
}
