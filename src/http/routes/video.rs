//! `/video`: the frame with the player, or the off-air card that becomes the player by itself.

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    response::IntoResponse,
    routing::get,
};

use super::stream::Choice;
use crate::{
    http::{
        Site,
        problem::Problem,
        visitor::{Page, Visitor},
    },
    live::{panel::Panel, room::RoomHandle},
    pages::video,
};

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new().route("/video", get(show))
}

async fn show(
    State(panel): State<Panel>,
    State(room): State<RoomHandle>,
    visitor: Visitor,
    choice: Result<Query<Choice>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let delay = choice.ok().and_then(|Query(choice)| choice.delay);
    let values = panel.summary();
    let theme = room.theme(visitor.viewer);
    let page =
        Page::new(|nonce| video::page(values.air, values.title.as_str(), delay, theme, nonce))?;
    Ok((visitor.cookie, page))
}
