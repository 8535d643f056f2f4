//! `/broadcaster/act`: what the buttons beside messages and people do.

use std::time::Duration;

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use super::{LOG_IN, Staff};
use crate::{
    http::{Site, form::OwnForm, problem::Problem, visitor::Page},
    live::room::RoomHandle,
    pages::desk::{
        Notice,
        act::{self, Act},
    },
    room::{
        audit::AuditId,
        order::{Actor, Done, Order, Term, Whom},
        refusal::Refusal,
        sanction::{SanctionId, SanctionKind},
        tag::PublicKey,
        transcript::{MessageId, Speaker},
    },
};

/// How long the button beside a message mutes its author.
const SHORT_MUTE: Duration = Duration::from_mins(10);

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/broadcaster/act", get(show).post(act))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct About {
    message: Option<u64>,
    person: String,
}

/// The fields of all forms that lead here; each sends some of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    nonce: String,
    #[serde(rename = "do")]
    deed: String,
    person: String,
    term: String,
    name: String,
}

async fn show(
    State(room): State<RoomHandle>,
    staff: Staff,
    about: Result<Query<About>, QueryRejection>,
) -> Result<Response, Problem> {
    let about = about.map(|Query(about)| about).unwrap_or_default();
    let message = about.message.map(MessageId);
    page(&room, staff, message, PublicKey::parse(&about.person), None)
}

async fn act(
    State(room): State<RoomHandle>,
    staff: Staff,
    OwnForm(fields): OwnForm<Fields>,
) -> Result<Response, Problem> {
    let person = PublicKey::parse(&fields.person);
    let done = deed(&room, staff, &fields, person);
    page(&room, staff, None, person, Some(done))
}

fn deed(
    room: &RoomHandle,
    staff: Staff,
    fields: &Fields,
    person: Option<PublicKey>,
) -> Result<Done, Refusal> {
    // The panel's form is sent again and again; every other one once.
    if !room.is_bearer(staff.viewer, &fields.nonce) {
        room.use_form(staff.viewer, &fields.nonce)?;
    }
    let order = order(room, fields, person)?;
    room.order(Actor::Person(staff.viewer), order)
}

/// The order that a button stands for.
fn order(room: &RoomHandle, fields: &Fields, person: Option<PublicKey>) -> Result<Order, Refusal> {
    let (verb, number) = fields.deed.split_once('-').unwrap_or((&fields.deed, ""));
    if let Ok(number) = number.parse::<u64>() {
        let message = MessageId(number);
        return match verb {
            "hide" => Ok(Order::Hide(vec![message])),
            "unhide" => Ok(Order::Unhide(vec![message])),
            "mute" => Ok(Order::Sanction {
                whom: Whom::Author(message),
                kind: SanctionKind::Mute,
                term: Term::For(SHORT_MUTE),
                purge: false,
            }),
            "lift" => Ok(Order::Lift(SanctionId(number))),
            "undo" => Ok(Order::Undo(AuditId(number))),
            _ => Err(Refusal::Form),
        };
    }
    let key = person.ok_or(Refusal::NobodyThere)?;
    let whom = Whom::Key(key);
    let sanction = |kind, purge| {
        Ok(Order::Sanction {
            whom,
            kind,
            term: term(&fields.term).ok_or(Refusal::Term)?,
            purge,
        })
    };
    let tripcode = || {
        let viewer = room.viewer(key).ok_or(Refusal::NobodyThere)?;
        let identity = room.identity(viewer).ok_or(Refusal::NobodyThere)?;
        let tripcode = identity.tripcode.ok_or(Refusal::NobodyThere)?;
        Ok((tripcode, identity))
    };
    match verb {
        "mute" => sanction(SanctionKind::Mute, false),
        "ban" => sanction(SanctionKind::Ban, false),
        "purge" => sanction(SanctionKind::Ban, true),
        "block" => sanction(SanctionKind::Block, false),
        "cut" => Ok(Order::CutVideo(whom)),
        "rename" => Ok(Order::Rename {
            whom,
            name: fields.name.clone(),
        }),
        "tripcode" => Ok(Order::SanctionTripcode {
            tripcode: tripcode()?.0,
            kind: SanctionKind::Ban,
            term: Term::ForGood,
        }),
        "appoint" => {
            let (tripcode, identity) = tripcode()?;
            let name = identity.name.as_ref().map_or("", |name| name.as_str());
            Ok(Order::Appoint {
                tripcode,
                label: name.to_owned(),
            })
        }
        _ => Err(Refusal::Form),
    }
}

/// A term as forms send it: one of [`act::TERMS`].
pub(super) fn term(word: &str) -> Option<Term> {
    let time = match word {
        "10m" => Duration::from_mins(10),
        "1h" => Duration::from_hours(1),
        "1d" => Duration::from_hours(24),
        "7d" => Duration::from_hours(7 * 24),
        "good" => return Some(Term::ForGood),
        _ => return None,
    };
    Some(Term::For(time))
}

fn page(
    room: &RoomHandle,
    staff: Staff,
    message: Option<MessageId>,
    person: Option<PublicKey>,
    done: Option<Result<Done, Refusal>>,
) -> Result<Response, Problem> {
    let form = room.form(staff.viewer)?.ok_or(LOG_IN)?;
    let undo = done.as_ref().and_then(|done| done.as_ref().ok()?.entry);
    let mut notice = done.map(|done| match done {
        Ok(done) => Notice::Done(done.words),
        Err(refusal) => Notice::Refused(refusal.to_string()),
    });
    let shown = message.and_then(|id| room.message(id));
    if message.is_some() && shown.is_none() {
        notice = Some(Notice::Refused(Refusal::NoSuchMessage.to_string()));
    }
    let author = shown
        .as_ref()
        .and_then(|(message, _)| match &message.speaker {
            Speaker::Person(identity) => Some(identity.key),
            Speaker::System => None,
        });
    // As they look now, which may be different from when they said it.
    let key = person.or(author);
    let viewer = key.and_then(|key| room.viewer(key));
    let identity = viewer.and_then(|viewer| room.identity(viewer));
    if key.is_some() && identity.is_none() && notice.is_none() {
        notice = Some(Notice::Refused(Refusal::NobodyThere.to_string()));
    }
    let sanctions = viewer
        .map(|viewer| room.sanctions_of(viewer))
        .unwrap_or_default();
    let model = Act {
        role: staff.role,
        nonce: &form.nonce,
        notice: notice.as_ref(),
        // Undoing an undo is what the log is for.
        undo,
        message: shown
            .as_ref()
            .map(|(message, is_hidden)| (&**message, *is_hidden)),
        person: identity.as_ref(),
        sanctions: &sanctions,
        theme: room.theme(staff.viewer),
    };
    Ok(Page::new(|nonce| act::page(&model, nonce))?.into_response())
}
