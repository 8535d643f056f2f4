//! What can be done about a message or a person, and what was done.

use maud::{Markup, html};

use super::{super::chat, Notice, notice, number};
use crate::room::{
    audit::AuditId,
    person::{Identity, Role},
    sanction::{Sanction, SanctionKind},
    theme::Theme,
    transcript::Message,
};

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
    /// What takes the last action back.
    pub undo: Option<AuditId>,
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
                (notice(act.notice))
                @if let Some(AuditId(undo)) = act.undo {
                    form method="post" action="/broadcaster/act" {
                        (number(act.nonce))
                        button type="submit" name="do" value={ "undo-" (undo) } { "Take it back" }
                    }
                }
                @if let Some((message, is_hidden)) = act.message { (of_message(act, message, is_hidden)) }
                @if let Some(person) = act.person { (of_person(act, person)) }
                @if act.message.is_none() && act.person.is_none() && act.notice.is_none() {
                    p class="quiet" { "“…” beside a message or a person shows here what can be done." }
                }
            }
        },
    )
}

fn of_message(act: &Act<'_>, message: &Message, is_hidden: bool) -> Markup {
    let id = message.id.0;
    html! {
        h2 { "Message " (id) @if is_hidden { " (hidden)" } }
        blockquote { (chat::line(message)) }
        form method="post" action="/broadcaster/act" {
            (number(act.nonce))
            @if is_hidden {
                button type="submit" name="do" value={ "unhide-" (id) } { "Show it again" }
            } @else {
                button type="submit" name="do" value={ "hide-" (id) } { "Hide it" }
            }
        }
    }
}

fn of_person(act: &Act<'_>, person: &Identity) -> Markup {
    let is_broadcaster = act.role == Role::Broadcaster;
    let can_touch = person.role < act.role;
    html! {
        h2 { (chat::who(person)) }
        @for sanction in act.sanctions {
            p class="held" { (sanction_words(sanction)) }
            @if sanction.kind == SanctionKind::Mute || is_broadcaster {
                form method="post" action="/broadcaster/act" {
                    (number(act.nonce))
                    button type="submit" name="do" value={ "lift-" (sanction.id.0) } { "Lift it" }
                }
            }
        }
        @if !can_touch {
            p class="quiet" {
                @if person.role == Role::Broadcaster { "This is the broadcaster: out of reach." }
                @else { "This is a moderator: only the broadcaster can do anything here." }
            }
        } @else {
            form method="post" action="/broadcaster/act" class="sanction" {
                (number(act.nonce))
                input type="hidden" name="person" value=(person.key);
                label for="term" { "How long" }
                select id="term" name="term" {
                    @for (word, words) in TERMS {
                        @if is_broadcaster || matches!(word, "10m" | "1h" | "1d") {
                            option value=(word) { (words) }
                        }
                    }
                }
                div class="buttons" {
                    button type="submit" name="do" value="mute" { "Mute" }
                    @if is_broadcaster {
                        button type="submit" name="do" value="ban" { "Ban from the chat" }
                        button type="submit" name="do" value="purge" { "Ban and hide everything" }
                        button type="submit" name="do" value="block" { "Block from everything" }
                    }
                }
                @if is_broadcaster {
                    p class="quiet" {
                        "A mute or a ban stops writing. A block also ends their video and their chat within a second."
                    }
                }
            }
            form method="post" action="/broadcaster/act" class="row" {
                (number(act.nonce))
                input type="hidden" name="person" value=(person.key);
                label for="name" { "Another name (empty: none)" }
                input id="name" name="name" type="text" maxlength="48" value=(person.name.as_ref().map_or("", |name| name.as_str()));
                button type="submit" name="do" value="rename" { "Rename" }
            }
            @if is_broadcaster {
                form method="post" action="/broadcaster/act" class="buttons" {
                    (number(act.nonce))
                    input type="hidden" name="person" value=(person.key);
                    button type="submit" name="do" value="cut" { "Cut their video" }
                    @if person.tripcode.is_some() {
                        button type="submit" name="do" value="tripcode" { "Ban the tripcode for good" }
                        button type="submit" name="do" value="appoint" { "Make the tripcode a moderator" }
                    }
                }
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
