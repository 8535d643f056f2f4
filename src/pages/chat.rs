//! The chat and the list of people, as parts of the live panel.
//!
//! Everything here is the same for everybody and is rendered once. What concerns one viewer ("you",
//! mentions) is a rule of style in the head of their own panel, keyed by their public id; colours
//! are rules too, because the policy allows no `style` attributes.

use maud::{Markup, html};

use super::time;
use crate::room::{
    markup::{Body, Place, Span},
    people::{Group, People},
    person::{Identity, Role},
    shields::ChatMode,
    tag::PublicKey,
    transcript::{Message, MessageId, Speaker},
};

/// A line of the chat, with the date before the first of a day.
pub(super) fn line(message: &Message) -> Markup {
    html! {
        @if message.begins_day {
            x-day { (time::date(message.at)) }
        }
        @match &message.speaker {
            Speaker::System => {
                x-line id=(line_id(message.id)) class="system" {
                    (when(message)) " " (body(&message.body))
                }
            }
            Speaker::Person(identity) => {
                x-line id=(line_id(message.id)) class=(line_class(message, identity)) {
                    (when(message)) " "
                    @if message.is_action { "* " (who(identity)) " " } @else { (who(identity)) " " }
                    (body(&message.body))
                }
            }
        }
    }
}

/// The id of a line, by which it can be hidden.
pub(super) fn line_id(id: MessageId) -> String {
    format!("m{}", id.0)
}

/// The classes by which a line is coloured and marked: its author, and whom it mentions.
fn line_class(message: &Message, identity: &Identity) -> String {
    let mut class = by(identity.key);
    if message.is_action {
        class.push_str(" action");
    }
    if message.body.has_only_emoji {
        class.push_str(" large");
    }
    for span in &message.body.spans {
        if let Span::Mention { key, .. } = span {
            class.push(' ');
            class.push_str(&to(*key));
        }
    }
    class
}

/// The class of everything that a person is or says.
pub(super) fn by(key: PublicKey) -> String {
    format!("by-{key}")
}

/// The class of a line that mentions a person.
fn to(key: PublicKey) -> String {
    format!("to-{key}")
}

fn when(message: &Message) -> Markup {
    html! { time title=(time::full(message.at)) { (time::clock(message.at)) } }
}

/// A person: insignia, name or tag, tripcode.
pub(super) fn who(identity: &Identity) -> Markup {
    html! {
        span class="who" {
            @match identity.role {
                Role::Broadcaster => span class="insignia" title="Broadcaster" { "★" },
                Role::Moderator => span class="insignia" title="Moderator" { "◆" },
                Role::Viewer => {}
            }
            b class="name" {
                @match (&identity.name, identity.role) {
                    (Some(name), _) => (name.as_str()),
                    (None, Role::Broadcaster) => "Broadcaster",
                    (None, _) => "Anonymous",
                }
            }
            @if identity.name.is_none() { span class="tag" { (identity.tag) } }
            @if let Some(tripcode) = identity.tripcode {
                " " span class="tripcode" { (tripcode) }
            }
        }
    }
}

/// What was said.
fn body(body: &Body) -> Markup {
    html! {
        span class="said" {
            @for span in &body.spans {
                @match span {
                    Span::Text(text) => (text),
                    Span::LineBreak => br;,
                    Span::Link { href, label, place } => {
                        a href=(href) rel="noreferrer nofollow" target="_blank" { (label) }
                        @if *place == Place::Clearnet {
                            span class="clearnet" title="Leaves the Tor network's onion sites" { "clearnet" }
                        }
                    }
                    Span::Emoji { glyph, alias } => span class="emoji" title={ ":" (alias) ":" } { (glyph) },
                    Span::Emote { name, id } => {
                        img class="emote" src={ "/emote/" (id) } alt={ ":" (name) ":" } title={ ":" (name) ":" } loading="lazy";
                    }
                    Span::Mention { key, label } => b class=(by(*key)) { span class="name" { (label) } },
                }
            }
        }
    }
}

/// The rules of style for one person: the colour of the name, and of the tripcode.
pub(super) fn looks(identity: &Identity) -> String {
    let (key, shown) = (identity.key, identity.colour.shown());
    let name = format!(
        ".by-{key}{{--name:light-dark({},{})}}",
        shown.light, shown.dark
    );
    let badge = identity.tripcode.map(|tripcode| {
        let (ground, ink) = tripcode.badge();
        format!(
            ".by-{key}>.who>.tripcode{{background:{};color:{}}}",
            hex(ground),
            hex(ink)
        )
    });
    name + &badge.unwrap_or_default()
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// The rules that mark a viewer's own lines, and those that mention them.
pub(super) fn mine(key: PublicKey) -> String {
    format!(
        ".by-{key}>.who::after{{content:\" (you)\";font-size:.85em}}\
         x-line.to-{key}{{background:var(--mention)}}"
    )
}

/// The rule that hides messages.
pub(super) fn hidden(ids: &[MessageId]) -> String {
    let names: Vec<_> = ids.iter().map(|id| format!("#{}", line_id(*id))).collect();
    format!("{}{{display:none}}", names.join(","))
}

/// The rule that shows hidden messages again.
pub(super) fn shown(ids: &[MessageId]) -> String {
    let names: Vec<_> = ids.iter().map(|id| format!("#{}", line_id(*id))).collect();
    format!("{}{{display:block}}", names.join(","))
}

/// The rule that takes the whole chat out of sight while it is off, and the one that brings it
/// back. Hidden messages stay hidden: their rules name them by id, which counts more.
pub(super) fn mode(mode: ChatMode) -> &'static str {
    match mode {
        ChatMode::Off => "x-line,x-day{display:none}",
        ChatMode::Shown | ChatMode::Hidden => "x-line,x-day{display:block}",
    }
}

/// The list of people.
pub(super) fn people(people: &People) -> Markup {
    html! {
        @if people.broadcaster.count > 0 { (group("Broadcaster", &people.broadcaster)) }
        (group("Watching", &people.watching))
        (group("Not watching", &people.not_watching))
    }
}

fn group(title: &str, group: &Group) -> Markup {
    let others = group.count.saturating_sub(group.listed.len());
    html! {
        h2 { (title) " (" (group.count) ")" }
        @if group.count > 0 {
            ul {
                @for identity in &group.listed {
                    li class=(by(identity.key)) { (who(identity)) }
                }
                @if others > 0 { li class="others" { "and " (others) " more" } }
            }
        }
    }
}

#[cfg(test)]
#[path = "chat_tests.rs"]
mod tests;
