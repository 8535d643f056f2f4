//! `/broadcaster/api/info`: the show in short, and changing it.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use super::{
    Parts,
    answer::{Answer, Failure},
    request::{Program, Sent},
};
use crate::{
    media::{broadcast::Air, uplink::sums::Sums},
    room::{
        access::ViewingPassword,
        order::{Actor, Order},
        show::Show,
        title::Title,
    },
};

/// The show in short.
#[derive(Debug, Serialize)]
pub(super) struct Info {
    title: String,
    /// Markdown.
    description: String,
    announcement: String,
    on_air: bool,
    /// Whole seconds since the broadcast began.
    uptime: Option<u64>,
    /// People with a video open.
    viewers: usize,
    /// People here, watching or not.
    people: usize,
    /// Whether there is a viewing password; never which.
    has_viewing_password: bool,
    /// What goes out to viewers, and what there is room for, as the desk shows it.
    uplink: Sums,
}

fn info(parts: &Parts) -> Info {
    let summary = parts.panel.summary();
    let show = parts.room.show();
    let people = parts.room.people();
    let groups = [&people.broadcaster, &people.watching, &people.not_watching];
    Info {
        title: summary.title.to_string(),
        description: show.description.clone(),
        announcement: show.announcement.clone(),
        on_air: summary.air != Air::Off,
        uptime: match summary.air {
            Air::On { uptime, .. } => Some(uptime.at(parts.clock.tick()).as_secs()),
            Air::Off => None,
        },
        viewers: summary.watching,
        people: groups.iter().map(|group| group.count).sum(),
        has_viewing_password: parts.room.viewing_password().is_some(),
        uplink: Sums::from(&parts.desk.values().outgoing),
    }
}

/// The show as it is.
pub(super) async fn show(State(parts): State<Parts>, _program: Program) -> Answer<Info> {
    Answer(StatusCode::OK, info(&parts))
}

/// What is to be different; what is left out stays. Not `Debug`: there is a password in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    title: Option<String>,
    description: Option<String>,
    announcement: Option<String>,
    #[serde(default)]
    viewing_password: Wish,
}

/// What is wished for a viewing password.
#[derive(Default)]
enum Wish {
    /// The field is left out.
    #[default]
    Stays,
    /// `null`.
    Gone,
    /// A new one.
    New(Zeroizing<String>),
}

impl<'de> Deserialize<'de> for Wish {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Option::deserialize(deserializer)?;
        Ok(given.map_or(Self::Gone, Self::New))
    }
}

/// Changes the show: all of it, or nothing.
pub(super) async fn change(
    State(parts): State<Parts>,
    Program(viewer): Program,
    Sent(changes): Sent<Changes>,
) -> Result<Answer<Info>, Failure> {
    let title = changes.title.map(|title| Title::parse(title.as_bytes()));
    let title = title.transpose().map_err(|error| refused(&error))?;
    let before = parts.room.show();
    let show = Show {
        description: changes
            .description
            .unwrap_or_else(|| before.description.clone()),
        announcement: changes
            .announcement
            .unwrap_or_else(|| before.announcement.clone()),
        ..Show::clone(&before)
    }
    .trimmed();
    show.check().map_err(|mistake| refused(&mistake))?;

    let password = match changes.viewing_password {
        Wish::Stays => None,
        Wish::Gone => Some(Order::ViewingPassword(None)),
        Wish::New(password) => {
            let hash = parts.passwords.hash(password).await;
            let hash = ViewingPassword::from_hash(hash.map_err(Failure::no_answer)?);
            Some(Order::ViewingPassword(Some(hash)))
        }
    };

    // From here on everything is known to be possible, but for the disk: that comes first.
    if let Some(title) = &title {
        parts.retitle.set(title.clone()).await.map_err(|error| {
            tracing::error!(%error, "the title file cannot be written");
            Failure::OURS
        })?;
    }
    let order = |order| parts.room.order(Actor::Person(viewer), order);
    if show != *before {
        order(Order::Show(Arc::new(show)))?;
    }
    if let Some(password) = password {
        order(password)?;
    }
    let mut now = info(&parts);
    // The watcher of the title file needs a moment.
    if let Some(title) = title {
        now.title = title.to_string();
    }
    Ok(Answer(StatusCode::OK, now))
}

/// An error's words as a sentence.
fn refused(error: &dyn std::error::Error) -> Failure {
    let words = error.to_string();
    let mut letters = words.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let words = format!("{first}{}.", letters.as_str());
    Failure::with(StatusCode::UNPROCESSABLE_ENTITY, words)
}
