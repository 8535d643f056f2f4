//! `/broadcaster/live`: the desk's panel.
//!
//! The same log as the viewers' panel, with buttons; and the status block's log. Two cursors, one
//! response.

use std::{convert::Infallible, sync::Arc};

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
        desk::live::{self, Desk, Sanctioned},
        live::{Reader, styled},
    },
    room::{
        panel::{Html, Piece, Update},
        people::People,
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
    let sanctioned = room.sanctioned(&values.list);
    let whose = Desk {
        reader,
        role: staff.role,
        bearer: &bearer,
        shields,
        sanctioned: &sanctioned,
    };
    let head = live::document(&values, &status, whose, limits.clock.tick(), nonce.as_str());
    let following = Following {
        head: Some(head),
        changes,
        news,
        room,
        staff,
        shields,
        list: Arc::clone(&values.list),
        sanctioned,
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
    list: Arc<People>,
    sanctioned: Sanctioned,
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
            let parts: Vec<_> = [bytes, self.other_shields(), self.other_people()]
                .into_iter()
                .flatten()
                .collect();
            match parts.as_slice() {
                [] => {}
                [one] => return Some(one.clone()),
                several => return Some(several.concat().into()),
            }
        }
    }

    /// The shields, if they are different from what was shown.
    ///
    /// Every order is followed by news of the audit list, and the heartbeat comes anyway; so for the
    /// people, whose sanctions also end by themselves.
    fn other_shields(&mut self) -> Option<Bytes> {
        let shields = self.room.shields();
        let before = std::mem::replace(&mut self.shields, shields);
        (before != shields).then(|| live::shields_piece(shields))
    }

    /// The list of people, if something else holds for one of them than was shown.
    fn other_people(&mut self) -> Option<Bytes> {
        let sanctioned = self.room.sanctioned(&self.list);
        let is_different = sanctioned != self.sanctioned;
        self.sanctioned = sanctioned;
        is_different.then(|| live::people_piece(&self.list, &self.sanctioned))
    }

    /// A change as the desk shows it: nothing if it shows it not at all. Ends the document if the
    /// outer answer is `None`.
    #[expect(
        clippy::option_option,
        reason = "the outer one ends the document, the inner one is one piece or none"
    )]
    fn with_buttons(&mut self, Change { piece, update }: Change) -> Option<Option<Bytes>> {
        let style = |css: &str| Some(Some(styled(css, self.nonce.as_str())));
        match &*update {
            Update::Hidden(ids) => style(&live::dimmed(ids)),
            Update::Shown(ids) => style(&live::undimmed(ids)),
            Update::Removed(ids) => style(&live::removed(ids)),
            Update::People(list) => {
                self.list = Arc::clone(list);
                self.sanctioned = self.room.sanctioned(list);
                Some(Some(live::people_piece(list, &self.sanctioned)))
            }
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
