//! `/enter`: the captcha before the site. `/privacy`: what is kept, and the way out.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use crate::{
    captcha,
    http::{
        Site,
        form::OwnForm,
        problem::Problem,
        prompts::{self, Prompts, Wish},
        visitor::{NewCookie, Page, Visitor},
    },
    live::{panel::Panel, room::RoomHandle},
    pages::{
        compose::Notice,
        entrance::{self, Entrance},
    },
    room::{refusal::Refusal, session::ViewerId},
};

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new()
        .route("/enter", get(show).post(enter))
        .route("/privacy", get(privacy).post(forget))
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Solution {
    nonce: String,
    challenge: String,
    answer: String,
    act: String,
}

async fn show(
    State(room): State<RoomHandle>,
    State(panel): State<Panel>,
    State(prompts): State<Prompts>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    let page = entrance(&room, &panel, &prompts, visitor.viewer, Wish::Any, None)?;
    Ok((visitor.cookie, page).into_response())
}

async fn enter(
    State(room): State<RoomHandle>,
    State(panel): State<Panel>,
    State(prompts): State<Prompts>,
    visitor: Visitor,
    OwnForm(form): OwnForm<Solution>,
) -> Result<Response, Problem> {
    let viewer = visitor.viewer;
    let wish = match form.act.as_str() {
        "picture" => Wish::Picture,
        "question" => Wish::Question,
        _ => Wish::Any,
    };
    let refusal = if wish == Wish::Any {
        let given = captcha::normalise(&form.answer);
        let answer = prompts::answer(&form.challenge, &given).unwrap_or_default();
        match room.enter(viewer, &form.nonce, answer)? {
            Ok(token) => {
                return Ok((NewCookie::Set(token), Redirect::to("/")).into_response());
            }
            Err(refusal) => Some(refusal),
        }
    } else {
        None
    };
    let page = entrance(&room, &panel, &prompts, viewer, wish, refusal)?;
    Ok((visitor.cookie, page).into_response())
}

fn entrance(
    room: &RoomHandle,
    panel: &Panel,
    prompts: &Prompts,
    viewer: ViewerId,
    wish: Wish,
    refusal: Option<Refusal>,
) -> Result<Page, Problem> {
    let form = room.form(viewer)?.ok_or(Problem::OURS)?;
    let challenge = prompts.prompt(room, viewer, form.challenge, wish)?;
    let notice = match (&challenge, refusal) {
        (None, _) => Some(Notice::NoCaptcha),
        (Some(_), Some(refusal)) => Some(Notice::Refused(refusal)),
        (Some(_), None) => None,
    };
    let title = panel.summary().title;
    let model = Entrance {
        title: title.as_str(),
        nonce: &form.nonce,
        challenge,
        notice: notice.as_ref(),
        questions: prompts.questions,
    };
    Ok(Page::new(|nonce| entrance::page(&model, nonce))?)
}

async fn privacy(
    State(room): State<RoomHandle>,
    visitor: Visitor,
) -> Result<impl IntoResponse, Problem> {
    let form = room.form(visitor.viewer)?;
    let theme = room.theme(visitor.viewer);
    let nonce = form.as_ref().map(|form| form.nonce.as_str());
    let page = Page::new(|style| entrance::privacy(nonce, theme, style))?;
    Ok((visitor.cookie, page))
}

#[derive(Debug, Deserialize)]
struct Forget {
    nonce: String,
}

async fn forget(
    State(room): State<RoomHandle>,
    visitor: Visitor,
    OwnForm(form): OwnForm<Forget>,
) -> Result<Response, Problem> {
    if room.forget(visitor.viewer, &form.nonce).is_err() {
        // A form that is too old: the page again, with a fresh one.
        return Ok(Redirect::to("/privacy").into_response());
    }
    Ok((NewCookie::Clear, Redirect::to("/privacy")).into_response())
}
