//! `/enter`: the captcha before the site. `/privacy`: what is kept, and the way out.

use axum::{
    Router,
    extract::{FromRef, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    captcha,
    http::{
        Site,
        form::OwnForm,
        problem::Problem,
        prompts::{self, Prompts, Wish},
        visitor::{Near, NewCookie, Page, Visitor},
    },
    live::{panel::Panel, room::RoomHandle},
    pages::{
        compose::Notice,
        entrance::{self, Ask, Entrance, Keeping},
    },
    passwords::Passwords,
    room::{
        Dress,
        access::Door,
        session::{Token, ViewerId},
    },
    tripcodes::Tripcodes,
};

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new()
        .route("/enter", get(show).post(enter))
        .route("/privacy", get(privacy).post(forget))
}

/// Not `Debug`: there is a password in it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Solution {
    nonce: String,
    challenge: String,
    answer: String,
    act: String,
    password: Zeroizing<String>,
}

/// What the answer needs besides the room.
#[derive(Clone)]
pub(in crate::http) struct Keys {
    prompts: Prompts,
    passwords: Passwords,
    tripcodes: Tripcodes,
}

impl FromRef<Site> for Keys {
    fn from_ref(site: &Site) -> Self {
        Self {
            prompts: site.prompts.clone(),
            passwords: site.passwords.clone(),
            tripcodes: site.tripcodes.clone(),
        }
    }
}

async fn show(
    State(room): State<RoomHandle>,
    State(panel): State<Panel>,
    State(prompts): State<Prompts>,
    near: Near,
    visitor: Visitor,
) -> Result<Response, Problem> {
    let Some(page) = entrance(
        &room,
        &panel,
        &prompts,
        near,
        visitor.viewer,
        Wish::Any,
        None,
    )?
    else {
        return Ok((visitor.cookie, Redirect::to("/")).into_response());
    };
    Ok((visitor.cookie, page).into_response())
}

async fn enter(
    State(room): State<RoomHandle>,
    State(panel): State<Panel>,
    State(keys): State<Keys>,
    near: Near,
    visitor: Visitor,
    OwnForm(form): OwnForm<Solution>,
) -> Result<Response, Problem> {
    let viewer = visitor.viewer;
    let wish = match form.act.as_str() {
        "picture" => Wish::Picture,
        "question" => Wish::Question,
        _ => Wish::Any,
    };
    let mut cookie = visitor.cookie;
    let mut notice = None;
    if wish == Wish::Any {
        let answered = match room.door_of(viewer, near.0) {
            Door::In | Door::Blocked { .. } => Ok(None),
            Door::Captcha => solve(&room, viewer, &form)?,
            Door::Password => password(&room, &keys.passwords, viewer, form).await?,
            Door::Club => tripcode(&room, &keys.tripcodes, viewer, form).await?,
        };
        match answered {
            Ok(Some(token)) => cookie = NewCookie::Set(token),
            Ok(None) => {}
            Err(why) => notice = Some(why),
        }
    }
    let page = entrance(&room, &panel, &keys.prompts, near, viewer, wish, notice)?;
    Ok(match page {
        Some(page) => (cookie, page).into_response(),
        None => (cookie, Redirect::to("/")).into_response(),
    })
}

/// What an answer at the door came to: a new token, nothing to do, or why not.
type Answered = Result<Option<Token>, Notice>;

fn solve(room: &RoomHandle, viewer: ViewerId, form: &Solution) -> Result<Answered, Problem> {
    let given = captcha::normalise(&form.answer);
    let answer = prompts::answer(&form.challenge, &given).unwrap_or_default();
    Ok(room
        .enter(viewer, &form.nonce, answer)?
        .map(Some)
        .map_err(Notice::Refused))
}

async fn password(
    room: &RoomHandle,
    passwords: &Passwords,
    viewer: ViewerId,
    form: Solution,
) -> Result<Answered, Problem> {
    // Before the expensive part, so that guesses cannot be had for nothing.
    if let Err(refusal) = room.may_guess(viewer, &form.nonce) {
        return Ok(Err(Notice::Refused(refusal)));
    }
    let Some((hash, number)) = room.viewing_password() else {
        return Ok(Ok(None));
    };
    match passwords.verify(hash.as_str(), form.password).await {
        Ok(true) => Ok(Ok(Some(room.knows_password(viewer, number)?))),
        Ok(false) => Ok(Err(Notice::NoTripcode(
            "That is not the password.".to_owned(),
        ))),
        Err(why) => Ok(Err(Notice::NoTripcode(why.to_string()))),
    }
}

async fn tripcode(
    room: &RoomHandle,
    tripcodes: &Tripcodes,
    viewer: ViewerId,
    form: Solution,
) -> Result<Answered, Problem> {
    if let Err(refusal) = room.may_dress(viewer, &form.nonce) {
        return Ok(Err(Notice::Refused(refusal)));
    }
    let tripcode = match tripcodes.derive(form.password).await {
        Ok(tripcode) => tripcode,
        Err(why) => return Ok(Err(Notice::NoTripcode(why.to_string()))),
    };
    // A tripcode that opens nothing is not shown to anybody either.
    if !room.opens_club(tripcode) {
        let why = "That tripcode is not one of a member.".to_owned();
        return Ok(Err(Notice::NoTripcode(why)));
    }
    let dress = Dress {
        tripcode: Some(Some(tripcode)),
        ..Dress::default()
    };
    Ok(room
        .dress(viewer, dress)?
        .map(|_identity| None)
        .map_err(Notice::Refused))
}

/// The page with what is still to be answered; `None` if there is nothing.
fn entrance(
    room: &RoomHandle,
    panel: &Panel,
    prompts: &Prompts,
    near: Near,
    viewer: ViewerId,
    wish: Wish,
    notice: Option<Notice>,
) -> Result<Option<Page>, Problem> {
    let form = room.form(viewer)?.ok_or(Problem::OURS)?;
    let ask = match room.door_of(viewer, near.0) {
        Door::In | Door::Blocked { .. } => return Ok(None),
        Door::Captcha => Ask::Captcha(prompts.prompt(room, viewer, form.challenge, wish)?),
        Door::Password => Ask::Password,
        Door::Club => Ask::Club,
    };
    let notice = match ask {
        Ask::Captcha(None) => Some(Notice::NoCaptcha),
        _ => notice,
    };
    let title = panel.summary().title;
    let model = Entrance {
        // What the show is called is for those who may see it.
        title: if room.is_for_everybody() {
            title.as_str()
        } else {
            ""
        },
        nonce: &form.nonce,
        ask,
        notice: notice.as_ref(),
        questions: prompts.questions,
    };
    Ok(Some(Page::new(|nonce| entrance::page(&model, nonce))?))
}

async fn privacy(
    State(room): State<RoomHandle>,
    visitor: Visitor,
) -> Result<impl IntoResponse, Problem> {
    let form = room.form(visitor.viewer)?;
    let theme = room.theme(visitor.viewer);
    let nonce = form.as_ref().map(|form| form.nonce.as_str());
    let keeping = form.as_ref().and_then(|form| {
        form.kept.map(|may_be_kept| Keeping {
            goes_on: form.keeping.is_some(),
            may_be_kept,
        })
    });
    let page = Page::new(|style| entrance::privacy(nonce, keeping, theme, style))?;
    Ok((visitor.cookie, page))
}

/// Without `keep` it is the button that forgets everything.
#[derive(Debug, Deserialize)]
struct Forget {
    nonce: String,
    keep: Option<String>,
}

async fn forget(
    State(room): State<RoomHandle>,
    visitor: Visitor,
    OwnForm(form): OwnForm<Forget>,
) -> Result<Response, Problem> {
    if let Some(keep) = form.keep {
        // A form that is too old: the page says what holds, and has a fresh one.
        let _chosen = room.choose_keeping(visitor.viewer, &form.nonce, keep == "1");
        return Ok((visitor.cookie, Redirect::to("/privacy")).into_response());
    }
    if room.forget(visitor.viewer, &form.nonce).is_err() {
        // A form that is too old: the page again, with a fresh one.
        return Ok(Redirect::to("/privacy").into_response());
    }
    Ok((NewCookie::Clear, Redirect::to("/privacy")).into_response())
}
