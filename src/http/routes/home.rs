//! `/`: the finite page that holds the frames.

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    response::IntoResponse,
    routing::get,
};
use serde::Deserialize;

use crate::{
    http::{
        Site,
        problem::Problem,
        visitor::{Page, Visitor},
    },
    live::{panel::Panel, room::RoomHandle, variants::Variants},
    media::recording::Eyes,
    pages::{
        choice::Menu,
        description,
        home::{self, Home},
    },
    recording::Recordings,
};

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new().route("/", get(show))
}

#[derive(Debug, Deserialize)]
struct Wish {
    /// `1` for the chat, `0` for none.
    chat: Option<String>,
}

async fn show(
    State(panel): State<Panel>,
    State(room): State<RoomHandle>,
    State(recordings): State<Recordings>,
    State(variants): State<Variants>,
    visitor: Visitor,
    wish: Result<Query<Wish>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let values = panel.summary();
    let words = room.show();
    let list = variants.list();
    let wants_chat = wish
        .ok()
        .and_then(|Query(wish)| match wish.chat.as_deref() {
            Some("0") => Some(false),
            Some("1") => Some(true),
            _ => None,
        });
    let model = Home {
        title: values.title.as_str(),
        air: values.air,
        watching: values.watching,
        menu: Menu {
            source: variants.source().offer(),
            variants: &list,
        },
        quality: room.quality(visitor.viewer),
        theme: room.theme(visitor.viewer),
        chat: room.shields().chat,
        wants_chat,
        show: &words,
        about: &description::markup(&words.description),
        has_recordings: !recordings.list_for(Eyes::Viewer).is_empty(),
    };
    let page = Page::new(|nonce| home::page(&model, nonce))?;
    Ok((visitor.cookie, page))
}
