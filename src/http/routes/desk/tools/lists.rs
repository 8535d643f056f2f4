//! Bans, moderators, the log, sessions.

use axum::{Router, extract::State, response::Response, routing::get};
use serde::Deserialize;

use super::{Chief, Notice, order, page, said};
use crate::{
    http::{Site, form::OwnForm, problem::Problem},
    live::{desk::DeskFeed, room::RoomHandle},
    pages::desk::tools::{self, Bans, Moderators},
    room::{
        audit::AuditId,
        order::Order,
        person::Role,
        refusal::Refusal,
        sanction::{SanctionId, SanctionKind},
        session::ViewerId,
        tag::PublicKey,
        tripcode::Tripcode,
    },
};

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/broadcaster/bans", get(bans).post(change_bans))
        .route(
            "/broadcaster/moderators",
            get(moderators).post(change_moderators),
        )
        .route("/broadcaster/log", get(log).post(undo))
        .route("/broadcaster/sessions", get(sessions).post(end_session))
}

/// The fields of all forms here; each sends some of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    nonce: String,
    #[serde(rename = "do")]
    deed: String,
    tripcode: String,
    kind: String,
    term: String,
    label: String,
}

impl Fields {
    /// What a button is for, and what it is about.
    fn deed(&self) -> (&str, &str) {
        self.deed.split_once('-').unwrap_or((&self.deed, ""))
    }

    fn tripcode(&self) -> Result<Tripcode, Notice> {
        Tripcode::parse(&self.tripcode).ok_or_else(|| {
            Notice::Refused("That is not a tripcode: it looks like abcd-efgh-jkmn-opqr.".to_owned())
        })
    }

    /// What was typed, if it has to be typed again.
    fn typed(&self, notice: &Notice) -> &str {
        match notice {
            Notice::Refused(_) => &self.tripcode,
            Notice::Done(_) => "",
        }
    }
}

async fn bans(State(room): State<RoomHandle>, Chief(viewer): Chief) -> Result<Response, Problem> {
    bans_page(&room, viewer, None, "")
}

fn bans_page(
    room: &RoomHandle,
    viewer: ViewerId,
    notice: Option<&Notice>,
    tripcode: &str,
) -> Result<Response, Problem> {
    let desk = room.desk();
    let model = Bans {
        sanctions: &desk.sanctions,
        tripcode,
    };
    page(room, viewer, notice, |tool, nonce| {
        tools::bans(tool, &model, nonce)
    })
}

async fn change_bans(
    State(room): State<RoomHandle>,
    Chief(viewer): Chief,
    OwnForm(fields): OwnForm<Fields>,
) -> Result<Response, Problem> {
    let wanted = match fields.deed() {
        ("lift", number) => number
            .parse()
            .map(|number| Order::Lift(SanctionId(number)))
            .map_err(|_none| Notice::Refused(Refusal::NoSuchSanction.to_string())),
        _ => fields.tripcode().and_then(|tripcode| {
            let kind = SanctionKind::parse(&fields.kind);
            let term = super::super::act::term(&fields.term);
            let (Some(kind), Some(term)) = (kind, term) else {
                return Err(Notice::Refused(Refusal::Term.to_string()));
            };
            Ok(Order::SanctionTripcode {
                tripcode,
                kind,
                term,
            })
        }),
    };
    let notice = match wanted {
        Ok(wanted) => said(order(&room, viewer, &fields.nonce, wanted)),
        Err(notice) => notice,
    };
    bans_page(&room, viewer, Some(&notice), fields.typed(&notice))
}

async fn moderators(
    State(room): State<RoomHandle>,
    Chief(viewer): Chief,
) -> Result<Response, Problem> {
    moderators_page(&room, viewer, None, None, "")
}

fn moderators_page(
    room: &RoomHandle,
    viewer: ViewerId,
    notice: Option<&Notice>,
    link: Option<&str>,
    tripcode: &str,
) -> Result<Response, Problem> {
    let desk = room.desk();
    let model = Moderators {
        moderators: &desk.moderators,
        link,
        tripcode,
    };
    page(room, viewer, notice, |tool, nonce| {
        tools::moderators(tool, &model, nonce)
    })
}

async fn change_moderators(
    State(room): State<RoomHandle>,
    State(desk): State<DeskFeed>,
    Chief(viewer): Chief,
    OwnForm(fields): OwnForm<Fields>,
) -> Result<Response, Problem> {
    let wanted = match fields.deed() {
        ("link", _) => {
            if let Err(refusal) = room.use_form(viewer, &fields.nonce) {
                let notice = Notice::Refused(refusal.to_string());
                return moderators_page(&room, viewer, Some(&notice), None, "");
            }
            let token = room.login_link(Role::Moderator)?;
            // Without Tor the site has no address that others could use.
            let site = desk.values().tor.address;
            let site = site.as_deref().unwrap_or("/");
            let link = format!("{site}broadcaster/in/{}", token.as_str());
            return moderators_page(&room, viewer, None, Some(&link), "");
        }
        ("dismiss", tripcode) => Tripcode::parse(tripcode)
            .map(Order::Dismiss)
            .ok_or_else(|| Notice::Refused(Refusal::NobodyThere.to_string())),
        _ => fields.tripcode().map(|tripcode| Order::Appoint {
            tripcode,
            label: fields.label.trim().to_owned(),
        }),
    };
    let notice = match wanted {
        Ok(wanted) => said(order(&room, viewer, &fields.nonce, wanted)),
        Err(notice) => notice,
    };
    moderators_page(&room, viewer, Some(&notice), None, fields.typed(&notice))
}

async fn log(State(room): State<RoomHandle>, Chief(viewer): Chief) -> Result<Response, Problem> {
    log_page(&room, viewer, None)
}

fn log_page(
    room: &RoomHandle,
    viewer: ViewerId,
    notice: Option<&Notice>,
) -> Result<Response, Problem> {
    let audit = room.desk().audit;
    page(room, viewer, notice, |tool, nonce| {
        tools::log(tool, &audit, nonce)
    })
}

async fn undo(
    State(room): State<RoomHandle>,
    Chief(viewer): Chief,
    OwnForm(fields): OwnForm<Fields>,
) -> Result<Response, Problem> {
    let done = match fields.deed().1.parse() {
        Ok(number) => order(&room, viewer, &fields.nonce, Order::Undo(AuditId(number))),
        Err(_none) => Err(Refusal::NothingToUndo),
    };
    log_page(&room, viewer, Some(&said(done)))
}

async fn sessions(
    State(room): State<RoomHandle>,
    Chief(viewer): Chief,
) -> Result<Response, Problem> {
    sessions_page(&room, viewer, None)
}

fn sessions_page(
    room: &RoomHandle,
    viewer: ViewerId,
    notice: Option<&Notice>,
) -> Result<Response, Problem> {
    let seats = room.desk().sessions;
    let own = room.identity(viewer).ok_or(super::LOG_IN)?.key;
    page(room, viewer, notice, |tool, nonce| {
        tools::sessions(tool, &seats, own, nonce)
    })
}

async fn end_session(
    State(room): State<RoomHandle>,
    Chief(viewer): Chief,
    OwnForm(fields): OwnForm<Fields>,
) -> Result<Response, Problem> {
    let done = match PublicKey::parse(fields.deed().1) {
        Some(key) => order(&room, viewer, &fields.nonce, Order::EndSession(key)),
        None => Err(Refusal::NobodyThere),
    };
    sessions_page(&room, viewer, Some(&said(done)))
}
