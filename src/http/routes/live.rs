//! `/live`: the panel that stays current without JavaScript.
//!
//! First a small finite document, so that the tab stops loading and the Stop button does not end
//! the video; its refresh opens the endless document (`?follow`). That one renews itself by age
//! and size: its own refresh fires when the response ends. `?static=1` is the finite form for
//! browsers without declarative shadow DOM and for text browsers.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use serde::Deserialize;
use tokio::time::{Interval, MissedTickBehavior, Sleep};

use crate::{
    clock::{Clock, Tick},
    http::{
        Site,
        headers::Nonce,
        problem::Problem,
        visitor::{self, Page, Visitor},
    },
    live::{
        feed::{Cursor, Read},
        lease::{Kind, Lease, Leases, Watch},
        panel::{Change, Panel},
        room::RoomHandle,
        video::VideoHandle,
    },
    media::lag::Notice,
    pages::live,
    room::{
        panel::{Piece, Update},
        session::ViewerId,
        shields::ChatMode,
        transcript::MessageId,
    },
};

/// How often an endless panel looks how far its viewer's picture is behind.
const LAG_TICK: Duration = Duration::from_secs(5);

/// When an endless panel ends, to be opened anew by its own refresh.
#[derive(Debug, Clone, Copy)]
pub struct LiveLimits {
    /// Its age. Long enough that hardly anybody sees it.
    pub max_age: Duration,
    /// Its pieces. At 10,000 elements a browser takes 80 MB and 140 ms for each new one.
    pub max_pieces: usize,
    /// How often the finite form refreshes itself.
    pub static_refresh: Duration,
    /// For the times in it.
    pub clock: Clock,
}

#[derive(Debug, Deserialize)]
struct Form {
    #[serde(rename = "static")]
    finite: Option<String>,
    follow: Option<String>,
    /// `0` for what stands above the chat alone.
    chat: Option<String>,
}

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new().route("/live", get(show))
}

async fn show(
    State(panel): State<Panel>,
    State(leases): State<Leases>,
    State(limits): State<LiveLimits>,
    State(room): State<RoomHandle>,
    State(video): State<VideoHandle>,
    visitor: Visitor,
    form: Result<Query<Form>, QueryRejection>,
) -> Result<Response, Problem> {
    let (finite, follow, without_chat) = match form {
        Ok(Query(form)) => (
            form.finite.is_some(),
            form.follow.is_some(),
            form.chat.as_deref() == Some("0"),
        ),
        Err(_) => (false, false, false),
    };
    let now = limits.clock.tick();
    let reader = live::Reader {
        key: room.identity(visitor.viewer).map(|identity| identity.key),
        theme: room.theme(visitor.viewer),
        without_chat,
    };
    if follow && !finite {
        let lease = leases
            .take(Kind::Panel, visitor.viewer)
            .map_err(|_full| Problem::FULL)?;
        let nonce = Nonce::fresh()?;
        let picture = Picture {
            viewer: visitor.viewer,
            leases,
            video,
            notice: Notice::default(),
        };
        let body = follow_panel(&panel, reader, (lease, picture), &nonce, limits, now);
        return Ok((visitor.cookie, visitor::html(&nonce, body)).into_response());
    }
    let values = panel.values();
    let refresh = if finite {
        live::Refresh::Static(limits.static_refresh)
    } else {
        live::Refresh::Follow
    };
    let mut picture = Picture {
        viewer: visitor.viewer,
        leases,
        video,
        notice: Notice::default(),
    };
    let lag = picture.look().unwrap_or_default();
    let page = Page::new(|nonce| live::page(&values, reader, (refresh, lag), now, nonce))?;
    Ok((visitor.cookie, page).into_response())
}

/// The endless document: its head with the current values, then each piece as it comes.
fn follow_panel(
    panel: &Panel,
    reader: live::Reader,
    (lease, picture): (Lease, Picture),
    nonce: &Nonce,
    limits: LiveLimits,
    now: Tick,
) -> Body {
    let (values, cursor) = panel.open();
    let head = live::document(&values, reader, now, nonce.as_str());
    let left_out = values
        .lines
        .iter()
        .filter(|line| line.is_hidden)
        .map(|line| line.id)
        .collect();
    let following = Following {
        head: Some(head),
        cursor,
        left_out,
        without_chat: values.chat == ChatMode::Off,
        lease,
        picture,
        looks: looks(),
        nonce: nonce.clone(),
        pieces_left: limits.max_pieces,
        age: Box::pin(tokio::time::sleep(limits.max_age)),
    };
    Body::from_stream(stream::unfold(following, |mut following| async move {
        let bytes = following.next().await?;
        Some((Ok::<_, Infallible>(bytes), following))
    }))
}

/// The picture of the one whose panel it is. Theirs alone, so it is in no shared log.
struct Picture {
    viewer: ViewerId,
    leases: Leases,
    video: VideoHandle,
    notice: Notice,
}

impl Picture {
    /// What is to be shown from now on, if that has changed. O(log n).
    fn look(&mut self) -> Option<live::Lag> {
        let watch = self.leases.watch(self.viewer, self.video.last_fragment());
        let choice = watch.and_then(|watch| watch.choice);
        self.notice
            .look(watch.map(|watch: Watch| watch.lag))
            .then(|| live::Lag {
                behind: self.notice.shown(),
                choice,
            })
    }
}

fn looks() -> Interval {
    let mut looks = tokio::time::interval(LAG_TICK);
    // One that could not be sent in time is not made up for.
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks
}

/// One open panel.
struct Following {
    head: Option<Bytes>,
    cursor: Cursor<Change>,
    /// Hidden messages that this document never had; when they are shown again it has to be opened
    /// anew, because nothing can be inserted between lines.
    left_out: Vec<MessageId>,
    /// The chat was off when this document began, so that it has none of the lines.
    without_chat: bool,
    lease: Lease,
    picture: Picture,
    looks: Interval,
    nonce: Nonce,
    pieces_left: usize,
    age: std::pin::Pin<Box<Sleep>>,
}

impl Following {
    /// The next part; `None` ends the document, and its refresh opens a new one.
    async fn next(&mut self) -> Option<Bytes> {
        self.lease.asked();
        if let Some(head) = self.head.take() {
            return Some(head);
        }
        self.pieces_left = self.pieces_left.checked_sub(1)?;
        let read = loop {
            tokio::select! {
                biased;
                () = self.lease.revoked() => return None,
                () = &mut self.age => return None,
                _ = self.looks.tick() => {
                    if let Some(lag) = self.picture.look() {
                        return Some(live::lag(lag));
                    }
                }
                read = self.cursor.next() => break read,
            }
        };
        let Read::Item(Change { piece, update }) = read else {
            return None;
        };
        if let Update::Shown(ids) = &*update
            && ids.iter().any(|id| self.left_out.contains(id))
        {
            return None;
        }
        if self.without_chat && matches!(*update, Update::Chat(mode) if mode != ChatMode::Off) {
            return None;
        }
        Some(match piece {
            Piece::Html(bytes) => bytes,
            Piece::Css(css) => live::styled(&css, self.nonce.as_str()),
        })
    }
}
