//! `/broadcaster/api`: the desk for programs, in JSON. `docs/openapi.json` describes all of it.
//!
//! A program logs in with the broadcaster's password and gets a token of its own, which counts in
//! the `Authorization` header only: a browser sends cookies by itself, also for other sites, but
//! never this. Every answer that is not what was asked for is `{"error": "a sentence"}`.

mod answer;
mod info;
mod login;
mod messages;
mod request;

use axum::{
    Router,
    extract::FromRef,
    routing::{any, delete, get, post},
};

use self::answer::Failure;
use crate::{
    clock::Clock,
    http::{Site, retitle::Retitle},
    live::{desk::DeskFeed, panel::Panel, room::RoomHandle},
    passwords::Passwords,
};

pub(super) fn routes() -> Router<Site> {
    let wrong_method = || async { Failure::METHOD };
    Router::new()
        .route(
            "/broadcaster/api/login",
            post(login::log_in)
                .delete(login::log_out)
                .fallback(wrong_method),
        )
        .route(
            "/broadcaster/api/info",
            get(info::show).patch(info::change).fallback(wrong_method),
        )
        .route(
            "/broadcaster/api/messages",
            get(messages::list)
                .post(messages::say)
                .fallback(wrong_method),
        )
        .route(
            "/broadcaster/api/messages/{id}",
            delete(messages::hide).fallback(wrong_method),
        )
        .route(
            "/broadcaster/api/{*other}",
            any(|| async { Failure::NOTHING }),
        )
        .route("/broadcaster/api/", any(|| async { Failure::NOTHING }))
        .route("/broadcaster/api", any(|| async { Failure::NOTHING }))
}

/// What the answers are made from.
#[derive(Clone)]
struct Parts {
    room: RoomHandle,
    panel: Panel,
    desk: DeskFeed,
    passwords: Passwords,
    retitle: Retitle,
    clock: Clock,
}

impl FromRef<Site> for Parts {
    fn from_ref(site: &Site) -> Self {
        Self {
            room: site.room.clone(),
            panel: site.panel.clone(),
            desk: site.desk.clone(),
            passwords: site.passwords.clone(),
            retitle: site.retitle.clone(),
            clock: site.live.clock,
        }
    }
}
