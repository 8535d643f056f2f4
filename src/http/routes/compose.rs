//! `/compose`: the frame in which viewers write.

use axum::{
    Router,
    extract::State,
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
        visitor::{Page, Visitor},
    },
    live::room::RoomHandle,
    pages::compose::{self, Compose, Notice},
    room::{
        Dress, Post, Reply, Said, person::Role, refusal::Refusal, session::ViewerId,
        shields::ChatMode, theme::Theme,
    },
    tripcodes::Tripcodes,
};

/// Characters of a rejected text that are handed back; a form has at most 16 KiB anyway.
const MAX_ECHO: usize = 2048;

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new().route("/compose", get(show).post(send))
}

/// The fields of both forms of the page; each sends some of them. Not `Debug`: there is a password
/// in them.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Fields {
    nonce: String,
    kind: String,
    act: String,
    several: String,
    text: String,
    insert: String,
    told: String,
    keep: String,
    challenge: String,
    answer: String,
    name: String,
    colour: String,
    tripcode_act: String,
    tripcode: Zeroizing<String>,
    theme: String,
}

/// What the page shows after something was done.
struct Outcome {
    text: String,
    notice: Option<Notice>,
    wish: Wish,
    dressing: bool,
    several_lines: bool,
    /// Whether somebody ticked the box that lets lines be kept, or took the tick away.
    keeps: Option<bool>,
}

impl Fields {
    /// Whether the form said that the chat is kept.
    fn is_told(&self) -> bool {
        !self.told.is_empty()
    }

    /// Whether the box was ticked, if there was one and somebody changed it: a page that was opened
    /// before a no elsewhere is no yes.
    fn keeping(&self) -> Option<bool> {
        let (was_ticked, is_ticked) = (self.told == compose::TICKED, !self.keep.is_empty());
        (self.is_told() && was_ticked != is_ticked).then_some(is_ticked)
    }
}

async fn show(
    State(room): State<RoomHandle>,
    State(prompts): State<Prompts>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    let outcome = Outcome {
        text: String::new(),
        notice: None,
        wish: Wish::Any,
        dressing: false,
        several_lines: false,
        keeps: None,
    };
    let page = page(&room, &prompts, visitor.viewer, outcome)?;
    Ok((visitor.cookie, page).into_response())
}

async fn send(
    State(room): State<RoomHandle>,
    State(prompts): State<Prompts>,
    State(tripcodes): State<Tripcodes>,
    visitor: Visitor,
    OwnForm(fields): OwnForm<Fields>,
) -> Result<Response, Problem> {
    let viewer = visitor.viewer;
    let outcome = match fields.kind.as_str() {
        "dress" => dress(&room, &tripcodes, viewer, fields).await?,
        "theme" => {
            let outcome = theme(&room, viewer, fields);
            if outcome.notice.is_none() && room.role(viewer) == Role::Viewer {
                return Ok((visitor.cookie, Redirect::to(front(&room))).into_response());
            }
            outcome
        }
        _ => say(&room, viewer, &fields)?,
    };
    let page = page(&room, &prompts, viewer, outcome)?;
    Ok((visitor.cookie, page).into_response())
}

fn say(room: &RoomHandle, viewer: ViewerId, fields: &Fields) -> Result<Outcome, Problem> {
    let mut outcome = Outcome {
        text: fields.text.chars().take(MAX_ECHO).collect(),
        notice: None,
        wish: Wish::Any,
        dressing: false,
        several_lines: !fields.several.is_empty(),
        keeps: fields.keeping(),
    };
    if !fields.insert.is_empty() {
        let gap = if outcome.text.is_empty() || outcome.text.ends_with(' ') {
            ""
        } else {
            " "
        };
        outcome.text.push_str(gap);
        outcome.text.extend(fields.insert.chars().take(40));
        outcome.text.push(' ');
        return Ok(outcome);
    }
    match fields.act.as_str() {
        "several" => outcome.several_lines = true,
        "one" => outcome.several_lines = false,
        "picture" => outcome.wish = Wish::Picture,
        "question" => outcome.wish = Wish::Question,
        _ => {
            let given = captcha::normalise(&fields.answer);
            let answer = prompts::answer(&fields.challenge, &given);
            let post = Post {
                nonce: &fields.nonce,
                text: &fields.text,
                answer,
                is_told: fields.is_told(),
                keeping: fields.keeping(),
            };
            match room.say(viewer, post)? {
                Err(refusal) => outcome.notice = Some(Notice::Refused(refusal)),
                Ok(said) => {
                    outcome.text.clear();
                    outcome.notice = match said {
                        Said::Command(Reply::Users) => Some(users(room)),
                        Said::Command(reply) => Some(Notice::Reply(reply)),
                        Said::Message(_) | Said::Solved => None,
                    };
                }
            }
        }
    }
    Ok(outcome)
}

fn users(room: &RoomHandle) -> Notice {
    let people = room.people();
    let groups = [&people.broadcaster, &people.watching, &people.not_watching];
    Notice::Users(
        groups
            .iter()
            .flat_map(|group| group.listed.iter().cloned())
            .collect(),
    )
}

async fn dress(
    room: &RoomHandle,
    tripcodes: &Tripcodes,
    viewer: ViewerId,
    fields: Fields,
) -> Result<Outcome, Problem> {
    let notice = match changed(room, tripcodes, viewer, &fields).await? {
        Ok(reply) => Notice::Reply(reply),
        Err(notice) => notice,
    };
    Ok(Outcome {
        text: fields.text,
        dressing: !matches!(notice, Notice::Reply(_)),
        notice: Some(notice),
        wish: Wish::Any,
        several_lines: !fields.several.is_empty(),
        keeps: None,
    })
}

async fn changed(
    room: &RoomHandle,
    tripcodes: &Tripcodes,
    viewer: ViewerId,
    fields: &Fields,
) -> Result<Result<Reply, Notice>, Problem> {
    if let Err(refusal) = room.may_dress(viewer, &fields.nonce) {
        return Ok(Err(Notice::Refused(refusal)));
    }
    let tripcode = match fields.tripcode_act.as_str() {
        "clear" => Some(None),
        "set" => match tripcodes.derive(fields.tripcode.clone()).await {
            Ok(tripcode) => Some(Some(tripcode)),
            Err(why) => return Ok(Err(Notice::NoTripcode(why.to_string()))),
        },
        _ => None,
    };
    let dress = Dress {
        name: Some(&fields.name),
        colour: (!fields.colour.trim().is_empty()).then_some(&fields.colour),
        tripcode,
        ..Dress::default()
    };
    Ok(room
        .dress(viewer, dress)?
        .map(Reply::Dressed)
        .map_err(Notice::Refused))
}

/// The first page, with the chat that the viewer had.
fn front(room: &RoomHandle) -> &'static str {
    match room.shields().chat {
        ChatMode::Hidden => "/?chat=1",
        ChatMode::Shown | ChatMode::Off => "/",
    }
}

fn theme(room: &RoomHandle, viewer: ViewerId, fields: Fields) -> Outcome {
    let notice = match Theme::parse(&fields.theme) {
        None => Some(Notice::Reply(Reply::Themes)),
        Some(theme) => room
            .choose_theme(viewer, &fields.nonce, theme)
            .err()
            .map(Notice::Refused),
    };
    Outcome {
        text: fields.text,
        dressing: true,
        notice,
        wish: Wish::Any,
        several_lines: !fields.several.is_empty(),
        keeps: None,
    }
}

fn page(
    room: &RoomHandle,
    prompts: &Prompts,
    viewer: ViewerId,
    outcome: Outcome,
) -> Result<Page, Problem> {
    let Some(mut form) = room.form(viewer)? else {
        return Err(Problem::new(
            http::StatusCode::FORBIDDEN,
            "Your session has ended",
            "Start again from the first page.",
        ));
    };
    let mut notice = outcome.notice;
    if form.captcha_due.is_some() {
        form.challenge = prompts.prompt(room, viewer, form.challenge, outcome.wish)?;
        if form.challenge.is_none() {
            notice = Some(Notice::NoCaptcha);
        }
    }
    if let Some(Notice::Refused(Refusal::NoSession)) = notice {
        notice = None;
    }
    let model = Compose {
        form: &form,
        text: &outcome.text,
        notice: notice.as_ref(),
        several_lines: outcome.several_lines || outcome.text.contains('\n'),
        dressing: outcome.dressing,
        keeps: outcome.keeps,
        questions: prompts.questions,
        theme: room.theme(viewer),
    };
    Ok(Page::new(|nonce| compose::page(&model, nonce))?)
}
