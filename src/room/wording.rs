//! How orders speak of people, times and switches.

use super::{
    person::Identity,
    shields::{ChatMode, Shield, Shields},
    transcript::MessageId,
};
use crate::clock::{Civil, WallTime};

/// When something ends, in words that follow others.
pub(super) fn ends(until: Option<WallTime>) -> String {
    until.map_or_else(
        || " for good".to_owned(),
        |until| {
            let Civil {
                year,
                month,
                day,
                hour,
                minute,
                ..
            } = Civil::from(until);
            format!(" until {year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
        },
    )
}

/// How a person is called in lists.
pub(super) fn label(identity: &Identity) -> String {
    match &identity.name {
        Some(name) => format!("{} ({})", name.as_str(), identity.tag),
        None => format!("Anonymous {}", identity.tag),
    }
}

/// So many messages.
pub(super) fn messages(ids: &[MessageId]) -> String {
    match ids {
        [id] => format!("message {}", id.0),
        ids => format!("{} messages", ids.len()),
    }
}

/// What is different between two states of the switches.
pub(super) fn changes(before: Shields, after: Shields) -> String {
    let mut parts: Vec<_> = Shield::ALL
        .into_iter()
        .filter(|shield| before.is_on(*shield) != after.is_on(*shield))
        .map(|shield| {
            let state = if after.is_on(shield) { "on" } else { "off" };
            format!("{} is {state} ({})", shield.word(), shield.says())
        })
        .collect();
    if before.chat != after.chat {
        parts.push(
            match after.chat {
                ChatMode::Shown => "the chat is shown",
                ChatMode::Hidden => "the chat is hidden until a viewer asks for it",
                ChatMode::Off => "the chat is off",
            }
            .to_owned(),
        );
    }
    format!("Changed: {}", parts.join("; "))
}
