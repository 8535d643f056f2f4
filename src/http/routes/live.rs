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
use tokio::time::Sleep;

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
        lease::{Kind, Lease, Leases},
        panel::{Change, Panel},
        room::RoomHandle,
    },
    pages::live,
    room::{
        panel::{Piece, Update},
        shields::ChatMode,
        transcript::MessageId,
    },
};

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
        let body = follow_panel(&panel, reader, lease, &nonce, limits, now);
        return Ok((visitor.cookie, visitor::html(&nonce, body)).into_response());
    }
    let values = panel.values();
    let refresh = if finite {
        live::Refresh::Static(limits.static_refresh)
    } else {
        live::Refresh::Follow
    };
    let page = Page::new(|nonce| live::page(&values, reader, refresh, now, nonce))?;
    Ok((visitor.cookie, page).into_response())
}

/// The endless document: its head with the current values, then each piece as it comes.
fn follow_panel(
    panel: &Panel,
    reader: live::Reader,
    lease: Lease,
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
        nonce: nonce.clone(),
        pieces_left: limits.max_pieces,
        age: Box::pin(tokio::time::sleep(limits.max_age)),
    };
    Body::from_stream(stream::unfold(following, |mut following| async move {
        let bytes = following.next().await?;
        Some((Ok::<_, Infallible>(bytes), following))
    }))
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
        let read = tokio::select! {
            biased;
            () = self.lease.revoked() => return None,
            () = &mut self.age => return None,
            read = self.cursor.next() => read,
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
