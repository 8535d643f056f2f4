//! `/broadcaster`: the desk.
//!
//! Everything but the way in is for those who sit here: [`Staff`] are moderators and the
//! broadcaster, [`Chief`] is the broadcaster alone. The room looks at the role once more for every
//! order.

mod act;
mod api;
mod live;
mod login;
mod tools;

use axum::{
    Router,
    extract::{FromRef, FromRequestParts, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::{StatusCode, request::Parts};

use crate::{
    http::{
        Site,
        problem::Problem,
        visitor::{self, Page},
    },
    live::room::RoomHandle,
    pages::{
        desk::{Notice, home},
        problem::WayOut,
    },
    room::{order::Done, person::Role, refusal::Refusal, session::ViewerId},
};

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new()
        .route("/broadcaster", get(show))
        .merge(login::routes())
        .merge(live::routes())
        .merge(act::routes())
        .merge(api::routes())
        .merge(tools::routes())
}

/// Somebody who keeps order here.
#[derive(Debug, Clone, Copy)]
struct Staff {
    viewer: ViewerId,
    role: Role,
}

/// The broadcaster.
#[derive(Debug, Clone, Copy)]
struct Chief(ViewerId);

const LOG_IN: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "This is the broadcaster's desk",
    "Log in at /broadcaster first.",
)
.leading(WayOut::DeskLogin);

const NOT_YOURS: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "This is for the broadcaster alone",
    "Moderators have their buttons beside the chat.",
)
.leading(WayOut::Desk);

impl<S> FromRequestParts<S> for Staff
where
    S: Send + Sync,
    RoomHandle: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let room = RoomHandle::from_ref(state);
        let viewer = visitor::token(&parts.headers)
            .and_then(|token| room.recognise(token))
            .ok_or(LOG_IN)?;
        let role = room.role(viewer);
        if role < Role::Moderator {
            return Err(LOG_IN);
        }
        Ok(Self { viewer, role })
    }
}

impl<S> FromRequestParts<S> for Chief
where
    S: Send + Sync,
    RoomHandle: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Staff { viewer, role } = Staff::from_request_parts(parts, state).await?;
        if role < Role::Broadcaster {
            return Err(NOT_YOURS);
        }
        Ok(Self(viewer))
    }
}

/// Entries of the audit list among which a new one is looked for.
const NEWEST: usize = 16;

/// What came of an order, for the page that answers.
fn said(room: &RoomHandle, done: Result<Done, Refusal>) -> Notice {
    match done {
        Ok(Done { words, entry }) => Notice::Done {
            words,
            undo: entry.filter(|entry| {
                let newest = room.audit(NEWEST);
                newest.iter().any(|line| line.id == *entry && line.can_undo)
            }),
        },
        Err(refusal) => Notice::Refused(refusal.to_string()),
    }
}

async fn show(
    State(room): State<RoomHandle>,
    staff: Result<Staff, Problem>,
) -> Result<Response, Problem> {
    let Ok(Staff { viewer, .. }) = staff else {
        return Ok(Redirect::to("/broadcaster/login").into_response());
    };
    let form = room.form(viewer)?.ok_or(LOG_IN)?;
    let theme = room.theme(viewer);
    let page = Page::new(|nonce| home::page(&form.identity, &form.nonce, theme, nonce))?;
    Ok(page.into_response())
}
