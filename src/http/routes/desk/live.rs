//! `/broadcaster/live`: the desk's panel.
//!
//! The same log as the viewers' panel, with buttons; and the status block's log. Two cursors, one
//! response.

use std::convert::Infallible;

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

use super::{LOG_IN, Staff};
use crate::{
    http::{
        LiveLimits, Site,
        headers::Nonce,
        problem::Problem,
        visitor::{self, Page},
    },
    live::{
        desk::DeskFeed,
        feed::{Cursor, Read},
        lease::{Kind, Lease, Leases},
        panel::{Change, Panel},
        room::RoomHandle,
    },
    pages::{
        desk::live::{self, Desk},
        live::{Reader, styled},
    },
    room::{
        panel::{Html, Piece, Update},
        person::Role,
        shields::Shields,
        transcript::Speaker,
    },
};

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/broadcaster/live", get(show))
}

#[derive(Debug, Deserialize)]
struct Form {
    follow: Option<String>,
}

async fn show(
    State(panel): State<Panel>,
    State(desk): State<DeskFeed>,
    State(leases): State<Leases>,
    State(limits): State<LiveLimits>,
    State(room): State<RoomHandle>,
    staff: Staff,
    form: Result<Query<Form>, QueryRejection>,
) -> Result<Response, Problem> {
    let reader = Reader {
        key: room.identity(staff.viewer).map(|identity| identity.key),
        theme: room.theme(staff.viewer),
        without_chat: false,
    };
    if !form.is_ok_and(|Query(form)| form.follow.is_some()) {
        return Ok(Page::new(|nonce| live::first(reader, nonce))?.into_response());
    }
    let bearer = room.bearer(staff.viewer)?.ok_or(LOG_IN)?;
    let lease = leases
        .take(Kind::Panel, staff.viewer)
        .map_err(|_full| Problem::FULL)?;
    let nonce = Nonce::fresh()?;
    let (values, changes) = panel.open();
    let (status, news) = desk.open();
    let shields = room.shields();
    let whose = Desk {
        reader,
        role: staff.role,
        bearer: &bearer,
        shields,
    };
    let head = live::document(&values, &status, whose, limits.clock.wall(), nonce.as_str());
    let following = Following {
        head: Some(head),
        changes,
        news,
        room,
        staff,
        shields,
        lease,
        nonce: nonce.clone(),
        pieces_left: limits.max_pieces,
        age: Box::pin(tokio::time::sleep(limits.max_age)),
    };
    let body = Body::from_stream(stream::unfold(following, |mut following| async move {
        let bytes = following.next().await?;
        Some((Ok::<_, Infallible>(bytes), following))
    }));
    Ok(visitor::html(&nonce, body))
}

/// One open panel of the desk.
struct Following {
    head: Option<Bytes>,
    changes: Cursor<Change>,
    news: Cursor<Html>,
    room: RoomHandle,
    staff: Staff,
    /// As they were shown last.
    shields: Shields,
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
        loop {
            self.pieces_left = self.pieces_left.checked_sub(1)?;
            let shows_status = self.staff.role == Role::Broadcaster;
            let bytes = tokio::select! {
                biased;
                () = self.lease.revoked() => return None,
                () = &mut self.age => return None,
                change = self.changes.next() => match change {
                    Read::Item(change) => self.with_buttons(change)?,
                    Read::Lost => return None,
                },
                news = self.news.next(), if shows_status => match news {
                    Read::Item(html) => Some(html),
                    Read::Lost => return None,
                },
            };
            // The seat may be gone: what is written now would be read by somebody who has no
            // business here.
            if self.room.role(self.staff.viewer) < self.staff.role {
                return None;
            }
            // Every order is followed by news of the audit list, and the heartbeat comes anyway.
            let shields = self.room.shields();
            let shields = (std::mem::replace(&mut self.shields, shields) != shields)
                .then(|| live::shields_piece(shields));
            match (bytes, shields) {
                (Some(bytes), Some(shields)) => return Some([bytes, shields].concat().into()),
                (Some(bytes), None) | (None, Some(bytes)) => return Some(bytes),
                (None, None) => {}
            }
        }
    }

    /// A change as the desk shows it: nothing if it shows it not at all. Ends the document if the
    /// outer answer is `None`.
    #[expect(
        clippy::option_option,
        reason = "the outer one ends the document, the inner one is one piece or none"
    )]
    fn with_buttons(&self, Change { piece, update }: Change) -> Option<Option<Bytes>> {
        let style = |css: &str| Some(Some(styled(css, self.nonce.as_str())));
        match &*update {
            Update::Hidden(ids) => style(&live::dimmed(ids)),
            Update::Shown(ids) => style(&live::undimmed(ids)),
            Update::Removed(ids) => style(&live::removed(ids)),
            Update::People(list) => Some(Some(live::people_piece(list))),
            Update::Heartbeat => Some(Some(live::beat())),
            // The desk sees the chat also while it is off.
            Update::Chat(_) => Some(None),
            Update::Said(message) => {
                let author = match &message.speaker {
                    Speaker::Person(identity) => Some(identity.key),
                    Speaker::System => None,
                };
                let Piece::Html(line) = piece else {
                    return Some(None);
                };
                Some(Some(live::line(message.id, author, &line)))
            }
            _ => Some(Some(match piece {
                Piece::Html(bytes) => bytes,
                Piece::Css(css) => styled(&css, self.nonce.as_str()),
            })),
        }
    }
}
