//! `/video`: the frame with the player, or the off-air card that becomes the player by itself.

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    response::IntoResponse,
    routing::get,
};

use super::{live::LiveLimits, stream::Choice};
use crate::{
    http::{
        Site,
        problem::Problem,
        visitor::{Page, Visitor},
    },
    live::{panel::Panel, room::RoomHandle},
    pages::video::{self, Video},
};

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new().route("/video", get(show))
}

async fn show(
    State(panel): State<Panel>,
    State(room): State<RoomHandle>,
    State(limits): State<LiveLimits>,
    visitor: Visitor,
    choice: Result<Query<Choice>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let delay = choice.ok().and_then(|Query(choice)| choice.delay);
    let values = panel.summary();
    let model = Video {
        air: values.air,
        title: values.title.as_str(),
        delay,
        theme: room.theme(visitor.viewer),
        begins: room.show().begins(),
        now: limits.clock.wall(),
    };
    let page = Page::new(|nonce| video::page(&model, nonce))?;
    Ok((visitor.cookie, page))
}
