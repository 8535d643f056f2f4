//! `/broadcaster/api/messages`: what is said, saying something, hiding something.

use axum::extract::{
    Path, Query, State,
    rejection::{PathRejection, QueryRejection},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    answer::{Answer, Failure},
    request::{Program, Sent},
};
use crate::{
    live::room::RoomHandle,
    room::{
        order::{Actor, Order},
        person::{Identity, Role},
        transcript::{Message, MessageId, Speaker},
    },
};

/// Messages of one answer, unless `limit` says otherwise.
const LIMIT: usize = 50;

/// The most that `limit` may be.
const MAX_LIMIT: usize = 200;

/// A message as programs see it: what everybody in the chat sees.
#[derive(Debug, Serialize)]
pub(super) struct MessageView {
    id: u64,
    /// Milliseconds since 1970-01-01 00:00 UTC.
    at: u64,
    /// `null` for words of the program itself.
    from: Option<Author>,
    text: String,
    is_action: bool,
}

/// Who said it, by public marks only.
#[derive(Debug, Serialize)]
struct Author {
    id: String,
    tag: String,
    name: Option<String>,
    tripcode: Option<String>,
    role: &'static str,
}

impl MessageView {
    fn of(message: &Message) -> Self {
        Self {
            id: message.id.0,
            at: message.at.unix_millis(),
            from: match &message.speaker {
                Speaker::Person(identity) => Some(Author::of(identity)),
                Speaker::System => None,
            },
            text: message.body.source(),
            is_action: message.is_action,
        }
    }
}

impl Author {
    fn of(identity: &Identity) -> Self {
        Self {
            id: identity.key.to_string(),
            tag: identity.tag.to_string(),
            name: identity.name.as_ref().map(ToString::to_string),
            tripcode: identity.tripcode.map(|tripcode| tripcode.to_string()),
            role: match identity.role {
                Role::Viewer => "viewer",
                Role::Moderator => "moderator",
                Role::Broadcaster => "broadcaster",
            },
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    limit: Option<usize>,
    after: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Listed {
    messages: Vec<MessageView>,
}

/// The newest messages, or those after a number; oldest first.
pub(super) async fn list(
    State(room): State<RoomHandle>,
    _program: Program,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Answer<Listed>, Failure> {
    let limits = Failure::new(
        StatusCode::BAD_REQUEST,
        "The query may have \"limit\", a number from 1 to 200, and \"after\", the number of a message.",
    );
    let Query(Wanted { limit, after }) = wanted.map_err(|_rejection| limits.clone())?;
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(limits);
    }
    let messages: Vec<_> = if let Some(after) = after {
        // The first ones after it, so that a program that asks again and again misses none.
        let mut newer = room.messages(usize::MAX);
        newer.retain(|message| message.id.0 > after);
        newer.truncate(limit);
        newer
    } else {
        room.messages(limit)
    };
    let messages = messages
        .iter()
        .map(|message| MessageView::of(message))
        .collect();
    Ok(Answer(StatusCode::OK, Listed { messages }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    text: String,
}

/// Says something in the broadcaster's name.
pub(super) async fn say(
    State(room): State<RoomHandle>,
    _program: Program,
    Sent(words): Sent<Words>,
) -> Result<Answer<MessageView>, Failure> {
    let message = room.proclaim(&words.text)?;
    Ok(Answer(StatusCode::CREATED, MessageView::of(&message)))
}

/// What was done.
#[derive(Debug, Serialize)]
pub(super) struct DoneView {
    /// A sentence for a person.
    done: String,
}

/// Takes a message out of sight.
pub(super) async fn hide(
    State(room): State<RoomHandle>,
    Program(viewer): Program,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Answer<DoneView>, Failure> {
    let Path(id) = id.map_err(|_rejection| Failure::NO_MESSAGE)?;
    let id = MessageId(id);
    if room.message(id).is_none() {
        return Err(Failure::NO_MESSAGE);
    }
    let done = room.order(Actor::Person(viewer), Order::Hide(vec![id]))?;
    Ok(Answer(StatusCode::OK, DoneView { done: done.words }))
}
