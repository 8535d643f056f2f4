//! The settings of the desk. Each page is a form that answers itself.

mod lists;
mod recordings;

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use maud::Markup;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Chief, LOG_IN, said};
use crate::{
    http::{Site, form::OwnForm, problem::Problem, retitle::Retitle, visitor::Page},
    live::{panel::Panel, room::RoomHandle},
    pages::{
        description,
        desk::{
            Notice,
            tools::{self, DoorPage, FiltersPage, ShowPage, Tool},
        },
    },
    passwords::Passwords,
    room::{
        access::{MAX_CLUB, ViewingPassword},
        filter::FilterRule,
        order::{Actor, Done, Order},
        refusal::Refusal,
        session::ViewerId,
        shields::{ChatMode, Shield, ShieldChange, Shields},
        show::Show,
        title::Title,
        tripcode::Tripcode,
    },
};

/// Least length of a viewing password, in characters.
const SHORTEST_PASSWORD: usize = 6;

/// Mistakes in filters that are listed at once.
const SHOWN_MISTAKES: usize = 20;

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/broadcaster/show", get(show).post(set_show))
        .route("/broadcaster/shields", get(shields).post(set_shields))
        .route("/broadcaster/door", get(door).post(set_door))
        .route("/broadcaster/filters", get(filters).post(set_filters))
        .merge(lists::routes())
        .merge(recordings::routes())
}

/// A page of settings, with a fresh form and what came of the last one.
fn page(
    room: &RoomHandle,
    viewer: ViewerId,
    notice: Option<&Notice>,
    body: impl FnOnce(Tool<'_>, &str) -> Markup,
) -> Result<Response, Problem> {
    let form = room.form(viewer)?.ok_or(LOG_IN)?;
    let tool = Tool {
        nonce: &form.nonce,
        notice,
        theme: room.theme(viewer),
    };
    Ok(Page::new(|nonce| body(tool, nonce))?.into_response())
}

async fn show(
    State(room): State<RoomHandle>,
    State(panel): State<Panel>,
    Chief(viewer): Chief,
) -> Result<Response, Problem> {
    let (title, words) = (panel.summary().title, room.show());
    page(&room, viewer, None, |tool, nonce| {
        let model = ShowPage {
            title: title.as_str(),
            show: &words,
            preview: description::markup(&words.description),
        };
        tools::show(tool, &model, nonce)
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Words {
    nonce: String,
    title: String,
    announcement: String,
    starts_at: String,
    description: String,
    link_text: String,
    link_address: String,
    profile: String,
}

async fn set_show(
    State(room): State<RoomHandle>,
    State(panel): State<Panel>,
    State(retitle): State<Retitle>,
    Chief(viewer): Chief,
    OwnForm(words): OwnForm<Words>,
) -> Result<Response, Problem> {
    let wanted = Show {
        description: words.description,
        announcement: words.announcement,
        starts_at: words.starts_at,
        link_text: words.link_text,
        link_address: words.link_address,
        profile: words.profile,
    }
    .trimmed();
    let notice = match Title::parse(words.title.trim().as_bytes()) {
        Err(why) => Notice::Refused(format!("The title cannot be shown: {why}.")),
        Ok(title) => {
            let order = Order::Show(Arc::new(wanted.clone()));
            let done = room.order_by_form(viewer, &words.nonce, order);
            // The title has a file of its own, which its watcher publishes.
            if done.is_ok() && panel.summary().title != title {
                match retitle.set(title).await {
                    Ok(()) => match said(&room, done) {
                        Notice::Done { undo, .. } => Notice::Done {
                            words: "Saved.".to_owned(),
                            undo,
                        },
                        refused @ Notice::Refused(_) => refused,
                    },
                    Err(error) => {
                        tracing::warn!(%error, "the title file could not be written");
                        Notice::Refused(format!("The title file could not be written: {error}."))
                    }
                }
            } else {
                said(&room, done)
            }
        }
    };
    page(&room, viewer, Some(&notice), |tool, nonce| {
        let model = ShowPage {
            title: words.title.trim(),
            show: &wanted,
            preview: description::markup(&wanted.description),
        };
        tools::show(tool, &model, nonce)
    })
}

async fn shields(
    State(room): State<RoomHandle>,
    Chief(viewer): Chief,
) -> Result<Response, Problem> {
    page(&room, viewer, None, |tool, nonce| {
        tools::shields(tool, room.shields(), nonce)
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Switches {
    nonce: String,
    #[serde(rename = "do")]
    deed: String,
    slow: String,
    captcha_always: String,
    tripcodes_only: String,
    read_only: String,
    links_off: String,
    filter_broadcaster: String,
    chat: String,
    /// What the form showed when it was opened.
    was: String,
}

impl Switches {
    fn shields(&self) -> Shields {
        let chat = ChatMode::parse(&self.chat).unwrap_or_default();
        let switches = [
            (Shield::Slow, &self.slow),
            (Shield::CaptchaAlways, &self.captcha_always),
            (Shield::TripcodesOnly, &self.tripcodes_only),
            (Shield::ReadOnly, &self.read_only),
            (Shield::LinksOff, &self.links_off),
            (Shield::FilterBroadcaster, &self.filter_broadcaster),
        ];
        let none = Shields {
            chat,
            ..Shields::default()
        };
        switches.into_iter().fold(none, |shields, (shield, word)| {
            shields.with(shield, word == "on")
        })
    }
}

async fn set_shields(
    State(room): State<RoomHandle>,
    Chief(viewer): Chief,
    OwnForm(switches): OwnForm<Switches>,
) -> Result<Response, Problem> {
    let wanted = match switches.deed.as_str() {
        "raid" => Shields::default().changes_to(Shields::default().against_a_raid()),
        "none" => Shield::ALL
            .into_iter()
            .filter(|shield| *shield != Shield::FilterBroadcaster)
            .map(|shield| ShieldChange::Switch(shield, false))
            .collect(),
        // Only what was touched: the terminal or another window may have switched something since.
        _ => {
            let was = Shields::parse(&switches.was).unwrap_or_else(|| room.shields());
            was.changes_to(switches.shields())
        }
    };
    let notice = said(
        &room,
        room.order_by_form(viewer, &switches.nonce, Order::Shields(wanted)),
    );
    page(&room, viewer, Some(&notice), |tool, nonce| {
        tools::shields(tool, room.shields(), nonce)
    })
}

async fn door(State(room): State<RoomHandle>, Chief(viewer): Chief) -> Result<Response, Problem> {
    door_page(&room, viewer, None, None)
}

fn door_page(
    room: &RoomHandle,
    viewer: ViewerId,
    notice: Option<&Notice>,
    typed_club: Option<&str>,
) -> Result<Response, Problem> {
    let access = room.desk().access;
    let club = access.club().map(|club| {
        let members: Vec<_> = club.iter().map(Tripcode::to_string).collect();
        members.join("\n")
    });
    let model = DoorPage {
        has_password: access.password().is_some(),
        club: club.as_deref(),
        typed_club,
    };
    page(room, viewer, notice, |tool, nonce| {
        tools::door(tool, &model, nonce)
    })
}

/// Not `Debug`: there is a password in it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct DoorForm {
    nonce: String,
    #[serde(rename = "do")]
    deed: String,
    password: Zeroizing<String>,
    club: String,
}

async fn set_door(
    State(room): State<RoomHandle>,
    State(passwords): State<Passwords>,
    Chief(viewer): Chief,
    OwnForm(form): OwnForm<DoorForm>,
) -> Result<Response, Problem> {
    let order = match form.deed.as_str() {
        "password" => viewing_password(&passwords, form.password).await,
        "open" => Ok(Order::ViewingPassword(None)),
        "everybody" => Ok(Order::Club(None)),
        _ => club(&form.club).map(|club| Order::Club(Some(club))),
    };
    let notice = match order {
        Ok(order) => said(&room, room.order_by_form(viewer, &form.nonce, order)),
        Err(why) => Notice::Refused(why),
    };
    let is_refused = matches!(notice, Notice::Refused(_)) && !form.club.is_empty();
    let typed = is_refused.then_some(form.club.as_str());
    door_page(&room, viewer, Some(&notice), typed)
}

async fn viewing_password(
    passwords: &Passwords,
    password: Zeroizing<String>,
) -> Result<Order, String> {
    if password.trim().chars().count() < SHORTEST_PASSWORD {
        return Err(format!(
            "A viewing password has at least {SHORTEST_PASSWORD} characters."
        ));
    }
    let hash = passwords
        .hash(password)
        .await
        .map_err(|why| format!("The password was not set: {why}."))?;
    Ok(Order::ViewingPassword(Some(ViewingPassword::from_hash(
        hash,
    ))))
}

/// Tripcodes, one a line.
fn club(text: &str) -> Result<BTreeSet<Tripcode>, String> {
    let mut club = BTreeSet::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let tripcode = Tripcode::parse(line)
            .ok_or_else(|| format!("Line {}: that is not a tripcode.", number + 1))?;
        club.insert(tripcode);
        if club.len() > MAX_CLUB {
            return Err(format!("A club has at most {MAX_CLUB} members."));
        }
    }
    if club.is_empty() {
        return Err("A club needs at least one member.".to_owned());
    }
    Ok(club)
}

async fn filters(
    State(room): State<RoomHandle>,
    Chief(viewer): Chief,
) -> Result<Response, Problem> {
    filters_page(&room, viewer, None, &rules_text(&room), &[])
}

fn filters_page(
    room: &RoomHandle,
    viewer: ViewerId,
    notice: Option<&Notice>,
    rules: &str,
    mistakes: &[(usize, String)],
) -> Result<Response, Problem> {
    let model = FiltersPage { rules, mistakes };
    page(room, viewer, notice, |tool, nonce| {
        tools::filters(tool, &model, nonce)
    })
}

fn rules_text(room: &RoomHandle) -> String {
    let rules: Vec<_> = room
        .desk()
        .filters
        .iter()
        .map(FilterRule::to_string)
        .collect();
    rules.join("\n")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rules {
    nonce: String,
    rules: String,
}

async fn set_filters(
    State(room): State<RoomHandle>,
    Chief(viewer): Chief,
    OwnForm(form): OwnForm<Rules>,
) -> Result<Response, Problem> {
    let mut rules = Vec::new();
    let mut mistakes = Vec::new();
    for (number, line) in form.rules.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match FilterRule::parse(line) {
            Ok(rule) => rules.push(rule),
            Err(mistake) => mistakes.push((number + 1, mistake.to_string())),
        }
    }
    if !mistakes.is_empty() {
        let notice = Notice::Refused("Nothing was changed: not every line is a rule.".to_owned());
        mistakes.truncate(SHOWN_MISTAKES);
        return filters_page(&room, viewer, Some(&notice), &form.rules, &mistakes);
    }
    let done = said(
        &room,
        room.order_by_form(viewer, &form.nonce, Order::Filters(rules)),
    );
    let text = match done {
        Notice::Done { .. } => rules_text(&room),
        Notice::Refused(_) => form.rules,
    };
    filters_page(&room, viewer, Some(&done), &text, &[])
}

/// An order of the broadcaster at a page of settings.
fn order(room: &RoomHandle, viewer: ViewerId, nonce: &str, order: Order) -> Result<Done, Refusal> {
    room.use_form(viewer, nonce)?;
    room.order(Actor::Person(viewer), order)
}
