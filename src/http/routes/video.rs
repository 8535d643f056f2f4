//! `/video` and `/audio`: the frame with the player, or the off-air card that becomes it by itself.
//!
//! `/audio` and `/video?quality=NAME` are remembered: `/video` is what the viewer chose last, or the
//! source if there is no such quality.

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    response::IntoResponse,
    routing::get,
};
use serde::Deserialize;

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
    live::{panel::Panel, room::RoomHandle, variants::Variants, video::VideoHandle},
    media::variant::Quality,
    pages::{
        choice::Menu,
        video::{self, Video},
    },
};

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new()
        .route("/video", get(show))
        .route("/audio", get(listen))
}

#[derive(Debug, Deserialize)]
struct Wish {
    /// `0` if nobody has clicked yet.
    start: Option<String>,
}

type Chosen<T> = Result<Query<T>, QueryRejection>;

type Parts = (
    State<Panel>,
    State<RoomHandle>,
    State<LiveLimits>,
    State<Delays>,
    State<Variants>,
);

async fn show(
    parts: Parts,
    visitor: Visitor,
    choice: Chosen<Choice>,
) -> Result<impl IntoResponse, Problem> {
    let (_, State(room), _, _, State(variants)) = &parts;
    let choice = Choice::of(choice);
    if let Some(quality) = choice.quality() {
        room.choose_quality(visitor.viewer, quality);
    }
    let (quality, video) = variants.choose(room.quality(visitor.viewer));
    page(&parts, visitor, &choice, (quality, &video), true)
}

async fn listen(
    parts: Parts,
    visitor: Visitor,
    choice: Chosen<Choice>,
    wish: Chosen<Wish>,
) -> Result<impl IntoResponse, Problem> {
    let (_, State(room), _, _, State(variants)) = &parts;
    room.choose_quality(visitor.viewer, Quality::Sound);
    let waits = wish.is_ok_and(|Query(wish)| wish.start.as_deref() == Some("0"));
    let sound = (Quality::Sound, variants.source());
    page(&parts, visitor, &Choice::of(choice), sound, !waits)
}

fn page(
    (State(panel), State(room), State(limits), State(delays), State(variants)): &Parts,
    visitor: Visitor,
    choice: &Choice,
    (quality, video): (Quality, &VideoHandle),
    starts_itself: bool,
) -> Result<impl IntoResponse + use<>, Problem> {
    let (delay, rewind) = (choice.delay(), choice.rewind());
    let values = panel.summary();
    let list = variants.list();
    let model = Video {
        air: values.air,
        title: values.title.as_str(),
        delay,
        rewind,
        behind: rewind
            .map(|rewind| video.back_to(rewind))
            .filter(|behind| *behind > delays.of(delay)),
        theme: room.theme(visitor.viewer),
        begins: room.show().begins(),
        now: limits.clock.wall(),
        quality,
        menu: Menu {
            source: variants.source().offer(),
            variants: &list,
        },
        starts_itself,
    };
    let page = Page::new(|nonce| video::page(&model, nonce))?;
    Ok((visitor.cookie, page))
}
