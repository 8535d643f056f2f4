//! `/`: the finite page that holds the frames.

use axum::{Router, extract::State, response::IntoResponse, routing::get};

use crate::{
    http::{
        Site,
        problem::Problem,
        visitor::{Page, Visitor},
    },
    live::{panel::Panel, room::RoomHandle},
    pages::home::{self, Home},
};

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new().route("/", get(show))
}

async fn show(
    State(panel): State<Panel>,
    State(room): State<RoomHandle>,
    visitor: Visitor,
) -> Result<impl IntoResponse, Problem> {
    let values = panel.summary();
    let model = Home {
        title: values.title.as_str(),
        air: values.air,
        watching: values.watching,
        theme: room.theme(visitor.viewer),
    };
    let page = Page::new(|nonce| home::page(&model, nonce))?;
    Ok((visitor.cookie, page))
}
