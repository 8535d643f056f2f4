//! What can be done about a message or a person, and what was done.

use maud::{Markup, html};

use super::{super::chat, Notice, notice, number};
use crate::room::{
    person::{Identity, Role},
    sanction::{Sanction, SanctionKind},
    theme::Theme,
    transcript::Message,
};

/// Where all forms of the frame lead.
const ACT: &str = "/broadcaster/act";

/// Terms that the forms offer: the word that is sent, and what people read.
pub const TERMS: [(&str, &str); 5] = [
    ("10m", "for 10 minutes"),
    ("1h", "for an hour"),
    ("1d", "for a day"),
    ("7d", "for 7 days"),
    ("good", "for good"),
];

/// What the frame is about.
#[derive(Debug)]
pub struct Act<'a> {
    /// The role of whoever looks.
    pub role: Role,
    /// The number of the forms.
    pub nonce: &'a str,
    /// What came of the last action.
    pub notice: Option<&'a Notice>,
    /// The message, and whether it is hidden.
    pub message: Option<(&'a Message, bool)>,
    /// The person.
    pub person: Option<&'a Identity>,
    /// What holds for the person.
    pub sanctions: &'a [Sanction],
    /// The colours of the page.
    pub theme: Theme,
}

/// The frame.
pub fn page(act: &Act<'_>, nonce: &str) -> Markup {
    super::frame(
        "Actions",
        "act",
        act.theme,
        nonce,
        &html! {
            main {
                (notice(act.notice, ACT, &carried(act)))
                @if let Some((message, is_hidden)) = act.message { (of_message(act, message, is_hidden)) }
                @if let Some(person) = act.person { (of_person(act, person)) }
                @if act.message.is_none() && act.person.is_none() {
                    p class="quiet" { "“…” beside a message or a person shows here what can be done." }
                }
            }
        },
    )
}

fn of_message(act: &Act<'_>, message: &Message, is_hidden: bool) -> Markup {
    let id = message.id.0;
    let theirs = message.role().unwrap_or(Role::Viewer);
    let can_touch = act.role == Role::Broadcaster || theirs < act.role;
    html! {
        section {
            div class="head" {
                h2 { "Message " (id) @if is_hidden { " (hidden)" } }
                @if can_touch {
                    form method="post" action=(ACT) {
                        (carried(act))
                        @if is_hidden {
                            button type="submit" name="do" value={ "unhide-" (id) } { "Show it again" }
                        } @else {
                            button type="submit" name="do" value={ "hide-" (id) } { "Hide it from everybody" }
                        }
                    }
                }
            }
            blockquote { (chat::line(message)) }
        }
    }
}

/// What every form of the frame carries: its number, and what the frame goes on being about.
fn carried(act: &Act<'_>) -> Markup {
    html! {
        (number(act.nonce))
        @if let Some((message, _)) = act.message {
            input type="hidden" name="message" value=(message.id.0);
        }
        @if let Some(person) = act.person {
            input type="hidden" name="person" value=(person.key);
        }
    }
}

fn of_person(act: &Act<'_>, person: &Identity) -> Markup {
    let is_broadcaster = act.role == Role::Broadcaster;
    html! {
        section {
            h2 { (chat::who(person)) }
            (held(act, is_broadcaster))
            @if person.role >= act.role {
                p class="quiet" {
                    @if person.role == Role::Broadcaster { "This is the broadcaster: out of reach." }
                    @else { "This is a moderator: only the broadcaster can do anything here." }
                }
            } @else {
                (sanctions(act, person, is_broadcaster))
                (name(act, person))
                @if is_broadcaster { (more(act, person)) }
            }
        }
    }
}

/// What holds for the person already.
fn held(act: &Act<'_>, is_broadcaster: bool) -> Markup {
    html! {
        @for sanction in act.sanctions {
            form method="post" action=(ACT) class="held" {
                (carried(act))
                p { (sanction_words(sanction)) }
                @if sanction.kind == SanctionKind::Mute || is_broadcaster {
                    button type="submit" name="do" value={ "lift-" (sanction.id.0) } { "Lift it" }
                }
            }
        }
    }
}

fn sanctions(act: &Act<'_>, person: &Identity, is_broadcaster: bool) -> Markup {
    html! {
        form method="post" action=(ACT) class="sanction" {
            (carried(act))
            div class="buttons" {
                label for="term" { "How long" }
                select id="term" name="term" {
                    @for (word, words) in TERMS {
                        // Moderators mute for a day at most.
                        @if is_broadcaster || matches!(word, "10m" | "1h" | "1d") {
                            option value=(word) { (words) }
                        }
                    }
                }
            }
            div class="buttons" {
                button type="submit" name="do" value="mute" { "Mute" }
                @if is_broadcaster {
                    button type="submit" name="do" value="ban" { "Ban from the chat" }
                    button type="submit" name="do" value="purge" { "Ban, and hide all they said" }
                    button type="submit" name="do" value="block" class="grave" { "Block from everything" }
                    @if person.tripcode.is_some() {
                        button type="submit" name="do" value="tripcode" { "Ban the tripcode" }
                    }
                }
            }
            @if is_broadcaster {
                p class="quiet" {
                    "A mute or a ban stops writing. A block also ends their video and their chat within a second."
                    @if person.tripcode.is_some() { " A banned tripcode is banned whoever shows it, also later." }
                }
            } @else {
                p class="quiet" { "Who is muted sees and hears everything, and cannot write." }
            }
        }
    }
}

fn name(act: &Act<'_>, person: &Identity) -> Markup {
    html! {
        form method="post" action=(ACT) class="row" {
            (carried(act))
            label for="name" { "Another name (empty: none)" }
            input id="name" name="name" type="text" maxlength="48" autocomplete="off" value=(person.name.as_ref().map_or("", |name| name.as_str()));
            button type="submit" name="do" value="rename" { "Rename" }
        }
    }
}

fn more(act: &Act<'_>, person: &Identity) -> Markup {
    html! {
        form method="post" action=(ACT) class="buttons" {
            (carried(act))
            button type="submit" name="do" value="cut" { "Cut their video" }
            @if person.tripcode.is_some() && person.role == Role::Viewer {
                button type="submit" name="do" value="appoint" { "Make the tripcode a moderator" }
            }
        }
    }
}

/// A sanction in words.
pub(super) fn sanction_words(sanction: &Sanction) -> Markup {
    html! {
        b { (sanction.label) }
        @if let Some(tripcode) = sanction.tripcode { " " code { (tripcode) } }
        " is " (sanction.kind.participle()) " "
        @match sanction.until {
            Some(until) => { "until " (super::super::time::full(until)) },
            None => "for good",
        }
        ", by " (sanction.by)
    }
}

#[cfg(test)]
#[path = "act_tests.rs"]
mod tests;
