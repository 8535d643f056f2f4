//! `/video` and `/audio`: the frame with the player, or the off-air card that becomes it by itself.
//!
//! `/audio` and `/video?picture=1` are remembered: `/video` is what the viewer chose last.

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
    live::{panel::Panel, room::RoomHandle, video::VideoHandle},
    media::rendition::{Offer, Rendition},
    pages::video::{self, Video},
};

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new()
        .route("/video", get(show))
        .route("/audio", get(listen))
}

#[derive(Debug, Deserialize)]
struct Wish {
    /// `1` to see the picture again.
    picture: Option<String>,
    /// `0` if nobody has clicked yet.
    start: Option<String>,
}

type Chosen<T> = Result<Query<T>, QueryRejection>;

type Parts = (
    State<Panel>,
    State<RoomHandle>,
    State<LiveLimits>,
    State<Delays>,
    State<VideoHandle>,
);

async fn show(
    parts: Parts,
    visitor: Visitor,
    choice: Chosen<Choice>,
    wish: Chosen<Wish>,
) -> Result<impl IntoResponse, Problem> {
    let (_, State(room), _, _, State(video)) = &parts;
    let wants_picture = wish.is_ok_and(|Query(wish)| wish.picture.as_deref() == Some("1"));
    if wants_picture {
        room.choose_rendition(visitor.viewer, Rendition::Full);
    }
    // A viewer who listens sees what there is when there is nothing to hear.
    let is_mute = video.offer().is_some_and(|offer: Offer| !offer.has_sound);
    let rendition = match room.rendition(visitor.viewer) {
        Rendition::Sound if is_mute => Rendition::Full,
        chosen => chosen,
    };
    page(&parts, visitor, choice, rendition, true)
}

async fn listen(
    parts: Parts,
    visitor: Visitor,
    choice: Chosen<Choice>,
    wish: Chosen<Wish>,
) -> Result<impl IntoResponse, Problem> {
    let (_, State(room), ..) = &parts;
    room.choose_rendition(visitor.viewer, Rendition::Sound);
    let waits = wish.is_ok_and(|Query(wish)| wish.start.as_deref() == Some("0"));
    page(&parts, visitor, choice, Rendition::Sound, !waits)
}

fn page(
    (State(panel), State(room), State(limits), State(delays), State(video)): &Parts,
    visitor: Visitor,
    choice: Chosen<Choice>,
    rendition: Rendition,
    starts_itself: bool,
) -> Result<impl IntoResponse + use<>, Problem> {
    let choice = Choice::of(choice);
    let (delay, rewind) = (choice.delay(), choice.rewind());
    let values = panel.summary();
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
        rendition,
        offer: video.offer(),
        starts_itself,
    };
    let page = Page::new(|nonce| video::page(&model, nonce))?;
    Ok((visitor.cookie, page))
}
