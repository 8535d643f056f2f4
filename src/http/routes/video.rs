//! `/video`: the frame with the player, or the off-air card that becomes the player by itself.

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    response::IntoResponse,
    routing::get,
};

use super::{
    live::LiveLimits,
    stream::{Choice, Delays},
};
use crate::{
    http::{
        Site,
        problem::Problem,
        visitor::{Page, Visitor},
    },
    live::{panel::Panel, room::RoomHandle, video::VideoHandle},
    pages::video::{self, Video},
};

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new().route("/video", get(show))
}

async fn show(
    State(panel): State<Panel>,
    State(room): State<RoomHandle>,
    State(limits): State<LiveLimits>,
    State(delays): State<Delays>,
    State(stream): State<VideoHandle>,
    visitor: Visitor,
    choice: Result<Query<Choice>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let choice = Choice::of(choice);
    let (delay, rewind) = (choice.delay(), choice.rewind());
    let values = panel.summary();
    let model = Video {
        air: values.air,
        title: values.title.as_str(),
        delay,
        rewind,
        behind: rewind
            .map(|rewind| stream.back_to(rewind))
            .filter(|behind| *behind > delays.of(delay)),
        theme: room.theme(visitor.viewer),
        begins: room.show().begins(),
        now: limits.clock.wall(),
    };
    let page = Page::new(|nonce| video::page(&model, nonce))?;
    Ok((visitor.cookie, page))
}
