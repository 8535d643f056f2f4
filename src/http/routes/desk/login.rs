//! The way to the desk and out of it.
//!
//! The captcha is looked at before any hashing, the hashing is done in a queue of its own and
//! outside of every lock, and whoever comes in gets another token.

use axum::{
    Router,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{LOG_IN, Staff};
use crate::{
    captcha,
    http::{
        Site,
        form::OwnForm,
        problem::Problem,
        prompts::{self, Prompts, Wish},
        visitor::{self, NewCookie, Page, Visitor},
    },
    live::room::RoomHandle,
    pages::desk::{
        Notice,
        login::{self, Login},
    },
    passwords::Passwords,
    room::{person::Role, refusal::Refusal, session::ViewerId},
};

const DESK: &str = "/broadcaster";

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/broadcaster/login", get(show).post(log_in))
        .route("/broadcaster/in/{link}", get(show_link).post(use_link))
        .route("/broadcaster/out", post(log_out))
}

/// Not `Debug`: there is a password in it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    nonce: String,
    password: Zeroizing<String>,
    challenge: String,
    answer: String,
    act: String,
}

async fn show(
    State(room): State<RoomHandle>,
    State(prompts): State<Prompts>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    if room.role(visitor.viewer) > Role::Viewer {
        return Ok((visitor.cookie, Redirect::to(DESK)).into_response());
    }
    let page = page(&room, &prompts, visitor.viewer, Wish::Any, None)?;
    Ok((visitor.cookie, page).into_response())
}

async fn log_in(
    State(room): State<RoomHandle>,
    State(prompts): State<Prompts>,
    State(passwords): State<Passwords>,
    headers: HeaderMap,
    OwnForm(fields): OwnForm<Fields>,
) -> Result<Response, Problem> {
    // Without a session nobody can have a form of ours. Nothing is made for them, above all no
    // captcha: a flood of logins costs no more than a flood of anything else.
    let Some(viewer) = visitor::token(&headers).and_then(|token| room.recognise(token)) else {
        return Ok(Redirect::to("/broadcaster/login").into_response());
    };
    let wish = match fields.act.as_str() {
        "picture" => Wish::Picture,
        "question" => Wish::Question,
        _ => Wish::Any,
    };
    let why = if wish == Wish::Any {
        match attempt(&room, &passwords, viewer, fields).await {
            Ok(()) => {
                let token = room.log_in(viewer, Role::Broadcaster, false)?;
                tracing::info!("the broadcaster logged in at the desk");
                return Ok((NewCookie::Set(token), Redirect::to(DESK)).into_response());
            }
            Err(why) => Some(Notice::Refused(why)),
        }
    } else {
        None
    };
    Ok(page(&room, &prompts, viewer, wish, why.as_ref())?.into_response())
}

/// Whether the password is right; why not, in words for the page.
async fn attempt(
    room: &RoomHandle,
    passwords: &Passwords,
    viewer: ViewerId,
    fields: Fields,
) -> Result<(), String> {
    let given = captcha::normalise(&fields.answer);
    let answer = prompts::answer(&fields.challenge, &given);
    room.try_login(viewer, &fields.nonce, answer)
        .map_err(|refusal| match refusal {
            Refusal::CaptchaDue(_) => {
                "After some wrong passwords this needs an answer too, whoever typed them."
                    .to_owned()
            }
            refusal => refusal.to_string(),
        })?;
    match passwords.verify_broadcaster(fields.password).await {
        Ok(true) => Ok(()),
        Ok(false) => {
            room.login_failed();
            Err("That is not the password.".to_owned())
        }
        Err(why) => Err(format!("Nothing was checked: {why}.")),
    }
}

fn page(
    room: &RoomHandle,
    prompts: &Prompts,
    viewer: ViewerId,
    wish: Wish,
    notice: Option<&Notice>,
) -> Result<Page, Problem> {
    let form = room.form(viewer)?.ok_or(LOG_IN)?;
    let challenge = if room.login_captcha_due() {
        prompts.prompt(room, viewer, form.challenge, wish)?
    } else {
        None
    };
    let model = Login {
        nonce: &form.nonce,
        challenge,
        questions: prompts.questions,
        notice,
        theme: room.theme(viewer),
    };
    Ok(Page::new(|nonce| login::page(&model, nonce))?)
}

const NO_LINK: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "This link does not work any more",
    "It was used already, or is too old. The broadcaster prints another one at the computer of the \
     show with `onionstream login-link`; moderators ask the broadcaster for one.",
);

async fn show_link(
    State(room): State<RoomHandle>,
    visitor: Visitor,
    link: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Ok(Path(link)) = link else {
        return Err(NO_LINK);
    };
    let role = room.link_role(&link).ok_or(NO_LINK)?;
    let form = room.form(visitor.viewer)?.ok_or(LOG_IN)?;
    let theme = room.theme(visitor.viewer);
    let page = Page::new(|nonce| login::link(&link, role, &form.nonce, theme, nonce))?;
    Ok((visitor.cookie, page).into_response())
}

#[derive(Debug, Deserialize)]
struct OnlyNonce {
    nonce: String,
}

async fn use_link(
    State(room): State<RoomHandle>,
    link: Result<Path<String>, PathRejection>,
    visitor: Visitor,
    OwnForm(form): OwnForm<OnlyNonce>,
) -> Result<Response, Problem> {
    let Ok(Path(link)) = link else {
        return Err(NO_LINK);
    };
    match room.use_link(visitor.viewer, &form.nonce, &link)? {
        Ok(token) => Ok((NewCookie::Set(token), Redirect::to(DESK)).into_response()),
        Err(Refusal::Link) => Err(NO_LINK),
        // A form that is too old: the page again, with a fresh one.
        Err(_refusal) => {
            Ok((visitor.cookie, Redirect::to(&format!("{DESK}/in/{link}"))).into_response())
        }
    }
}

async fn log_out(
    State(room): State<RoomHandle>,
    staff: Staff,
    OwnForm(form): OwnForm<OnlyNonce>,
) -> Result<Response, Problem> {
    if room.use_form(staff.viewer, &form.nonce).is_ok() {
        room.log_out(staff.viewer);
        return Ok(Redirect::to("/").into_response());
    }
    Ok(Redirect::to(DESK).into_response())
}
