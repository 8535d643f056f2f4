//! Recordings at the desk: start, stop, keep the chat, hide, delete.
//!
//! What is done to files is no order of the room; it is noted in its audit list, and cannot be taken
//! back there.

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
    routing::get,
};
use serde::Deserialize;

use super::{Chief, Notice, page};
use crate::{
    http::{Site, form::OwnForm, problem::Problem},
    live::room::RoomHandle,
    media::recording::RecordingName,
    pages::desk::tools::{self, RecordingsPage},
    recording::Recordings,
    room::{order::Actor, session::ViewerId},
};

pub(super) fn routes() -> Router<Site> {
    Router::new().route("/broadcaster/recordings", get(show).post(change))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Question {
    /// The recording that is about to be deleted.
    delete: String,
}

async fn show(
    State(room): State<RoomHandle>,
    State(recordings): State<Recordings>,
    Chief(viewer): Chief,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Response, Problem> {
    recordings.on_disk(Recordings::look).await;
    let asked = question.ok();
    let asked = asked.and_then(|Query(question)| RecordingName::parse(&question.delete));
    recordings_page(&room, &recordings, viewer, None, asked)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    nonce: String,
    #[serde(rename = "do")]
    deed: String,
}

async fn change(
    State(room): State<RoomHandle>,
    State(recordings): State<Recordings>,
    Chief(viewer): Chief,
    OwnForm(fields): OwnForm<Fields>,
) -> Result<Response, Problem> {
    let notice = match room.use_form(viewer, &fields.nonce) {
        Err(refusal) => Notice::Refused(refusal.to_string()),
        Ok(()) => deed(&room, &recordings, viewer, &fields.deed).await,
    };
    recordings_page(&room, &recordings, viewer, Some(&notice), None)
}

async fn deed(room: &RoomHandle, recordings: &Recordings, viewer: ViewerId, deed: &str) -> Notice {
    let (verb, name) = deed.split_once('-').unwrap_or((deed, ""));
    let name = RecordingName::parse(name);
    let (words, done) = match (verb, name) {
        ("start", None) => {
            recordings.want(true);
            let begun = recordings.settled().await;
            if let Some(problem) = begun.problem {
                return Notice::Refused(format!(
                    "Recording did not begin: {}.",
                    problem.replace('`', "")
                ));
            }
            ("Switched recording on".to_owned(), Ok(()))
        }
        ("stop", None) => {
            recordings.want(false);
            recordings.settled().await;
            ("Switched recording off".to_owned(), Ok(()))
        }
        ("chat" | "nochat", None) => {
            let keep = verb == "chat";
            recordings.want_chat(keep);
            let words = if keep { "on" } else { "off" };
            (format!("Switched keeping the chat {words}"), Ok(()))
        }
        ("hide" | "show", Some(name)) => {
            let hide = verb == "hide";
            let done = recordings.on_disk(move |all| all.hide(name, hide)).await;
            let words = if hide { "Hid" } else { "Showed viewers" };
            (
                format!("{words} the recording {name}"),
                done.unwrap_or(Ok(())),
            )
        }
        ("delete", Some(name)) => {
            let done = recordings.on_disk(move |all| all.delete(name)).await;
            (
                format!("Deleted the recording {name}"),
                done.unwrap_or(Ok(())),
            )
        }
        _ => return Notice::Refused("There is no such button.".to_owned()),
    };
    if let Err(error) = done {
        return Notice::Refused(format!("{words}? No: {error}."));
    }
    let notice = Notice::done(format!("{words}."));
    room.note(Actor::Person(viewer), words);
    notice
}

fn recordings_page(
    room: &RoomHandle,
    recordings: &Recordings,
    viewer: ViewerId,
    notice: Option<&Notice>,
    asked: Option<RecordingName>,
) -> Result<Response, Problem> {
    let list = recordings.list();
    let model = RecordingsPage {
        recorder: &recordings.recorder(),
        recordings: &list,
        is_public: recordings.is_public(),
        keeps_chat: recordings.wants_chat(),
        is_chat_public: recordings.is_chat_public(),
        keep_days: recordings.keep_days(),
        asked: list.iter().find(|one| Some(one.name) == asked),
    };
    page(room, viewer, notice, |tool, nonce| {
        tools::recordings(tool, &model, nonce)
    })
}
