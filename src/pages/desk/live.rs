//! The live panel of the desk: the viewers' panel with buttons, and the state of encoder and Tor.
//!
//! Lines of the chat are the same bytes as everybody's; the buttons are an element of their own
//! before each. Hidden lines stay in sight, dimmed. All buttons belong to one form at the head of
//! the document, whose number is good as long as the document.

use bytes::{Bytes, BytesMut};
use maud::{Markup, html};

use super::{
    super::{
        chat,
        document::{self, Document},
        live::{self, Reader},
    },
    status,
};
use crate::{
    clock::WallTime,
    room::{
        panel::Values,
        people::{Group, People},
        person::Role,
        status::DeskValues,
        tag::PublicKey,
        transcript::MessageId,
    },
};

const CSS: &str = include_str!("../../../assets/desk-live.css");
const FRAME_CSS: &str = include_str!("../../../assets/desk-frame.css");

/// Where the endless document is.
const FOLLOW: &str = "/broadcaster/live?follow=1";

/// Seconds from the end of an endless document to the next one.
const REOPEN_SECONDS: u32 = 2;

/// Whose panel it is, and what they may press.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// As in the viewers' panel.
    pub reader: Reader,
    /// Moderators have fewer buttons.
    pub role: Role,
    /// The number of the form.
    pub bearer: &'a str,
}

/// A finite document that becomes the endless one: a tab that never stops loading would be ended
/// by the Stop button.
pub fn first(reader: Reader, nonce: &str) -> Markup {
    let document = Document {
        title: "Desk: live",
        css: &[live::CSS, CSS],
        refresh: Some(format!("0;url={FOLLOW}")),
        nonce,
        class: "static",
        theme: reader.theme,
    };
    document.around(&html! {
        main { p { a href=(FOLLOW) { "Follow what happens" } } }
    })
}

/// The beginning of the endless document. Never closed.
pub fn document(
    values: &Values,
    status: &DeskValues,
    desk: Desk<'_>,
    now: WallTime,
    nonce: &str,
) -> Bytes {
    let document = Document {
        title: "Desk: live",
        css: &[live::CSS, status::CSS, CSS],
        refresh: Some(format!("{REOPEN_SECONDS};url={FOLLOW}")),
        nonce,
        class: "live",
        theme: desk.reader.theme,
    };
    let is_broadcaster = desk.role == Role::Broadcaster;
    let hidden: Vec<_> = values
        .lines
        .iter()
        .filter(|line| line.is_hidden)
        .map(|line| line.id)
        .collect();
    let start = html! {
        (document.open())
        template shadowrootmode="open" {
            (document::style(FRAME_CSS, nonce))
            header {
                h1 { slot name="title" {} }
                p class="state" {
                    slot name="air" {}
                    slot name="uptime" {}
                    slot name="watching" {}
                }
                slot name="announcement" {}
            }
            @if is_broadcaster {
                details class="status" open {
                    summary { "Encoder, Tor, viewers" }
                    div { slot name="encoder" {} slot name="tor" {} slot name="history" {} }
                }
                details class="status" { summary { "Done lately" } slot name="audit" {} }
            }
            details class="status" { summary { "People" } slot name="people" {} }
            div role="status" { slot name="notice" {} }
            div class="scroll" tabindex="0" { div role="log" aria-label="Chat" { slot {} } }
            slot name="beat" {}
        }
        form id="act" method="post" action="/broadcaster/act" target="act" {
            input type="hidden" name="nonce" value=(desk.bearer);
        }
        (document::style(&live::styles(values, desk.reader), nonce))
        (live::head(values, now, nonce))
        @if is_broadcaster { (status::block(status)) }
        (people(&values.list))
        @if !hidden.is_empty() { (document::style(&dimmed(&hidden), nonce)) }
    }
    .into_string();
    let lines: usize = values.lines.iter().map(|line| line.html.len() + 400).sum();
    let mut bytes = BytesMut::with_capacity(start.len() + lines);
    bytes.extend_from_slice(start.as_bytes());
    for line in &values.lines {
        bytes.extend_from_slice(&buttons(line.id, line.author));
        bytes.extend_from_slice(&line.html);
    }
    bytes.freeze()
}

/// The buttons before a line.
pub fn buttons(id: MessageId, author: Option<PublicKey>) -> Bytes {
    let number = id.0;
    html! {
        x-acts id={ "a" (number) } {
            button class="hide" form="act" name="do" value={ "hide-" (number) } aria-label={ "Hide message " (number) } { "Hide" }
            button class="unhide" form="act" name="do" value={ "unhide-" (number) } aria-label={ "Show message " (number) " again" } { "Unhide" }
            @if author.is_some() {
                button form="act" name="do" value={ "mute-" (number) } aria-label={ "Mute the author of message " (number) " for ten minutes" } { "Mute" }
                a href={ "/broadcaster/act?message=" (number) } target="act" aria-label={ "More about message " (number) " and its author" } { "…" }
            }
        }
    }
    .into_string()
    .into()
}

/// The list of people, each with a way to what can be done.
pub fn people(people: &People) -> Markup {
    html! {
        x-people slot="people" {
            @if people.broadcaster.count > 0 { (group("Broadcaster", &people.broadcaster)) }
            (group("Watching", &people.watching))
            (group("Not watching", &people.not_watching))
        }
    }
}

/// The list of people as a piece of the document.
pub fn people_piece(list: &People) -> Bytes {
    people(list).into_string().into()
}

fn group(title: &str, group: &Group) -> Markup {
    let others = group.count.saturating_sub(group.listed.len());
    html! {
        h2 { (title) " (" (group.count) ")" }
        @if group.count > 0 {
            ul {
                @for identity in &group.listed {
                    li class=(chat::by(identity.key)) {
                        (chat::who(identity)) " "
                        a href={ "/broadcaster/act?person=" (identity.key) } target="act" aria-label={ "More about " (identity.tag) } { "…" }
                    }
                }
                @if others > 0 { li class="others" { "and " (others) " more" } }
            }
        }
    }
}

/// The rule that dims hidden messages and offers to show them.
pub fn dimmed(ids: &[MessageId]) -> String {
    rules(
        ids,
        "{display:block;opacity:.45}",
        ">.hide{display:none}",
        ">.unhide{display:inline-block}",
    )
}

/// The rule that takes it back.
pub fn undimmed(ids: &[MessageId]) -> String {
    rules(
        ids,
        "{display:block;opacity:1}",
        ">.hide{display:inline-block}",
        ">.unhide{display:none}",
    )
}

/// The rule for messages that are gone.
pub fn removed(ids: &[MessageId]) -> String {
    let names: Vec<_> = ids
        .iter()
        .map(|id| format!("#{},#a{}", chat::line_id(*id), id.0))
        .collect();
    format!("{}{{display:none}}", names.join(","))
}

fn rules(ids: &[MessageId], line: &str, hide: &str, unhide: &str) -> String {
    let rules: Vec<_> = ids
        .iter()
        .map(|MessageId(id)| format!("#m{id}{line}#a{id}{hide}#a{id}{unhide}"))
        .collect();
    rules.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_button_says_what_it_is_about_and_belongs_to_the_form() {
        let html = buttons(MessageId(7), Some(PublicKey::from_random(3)));
        let html = std::str::from_utf8(&html).unwrap();

        assert_eq!(html.matches("<button").count(), 3);
        assert_eq!(html.matches("form=\"act\"").count(), 3);
        assert_eq!(html.matches("aria-label=").count(), 4);
        // Of the program's own lines there is no author to mute.
        let own = buttons(MessageId(7), None);
        assert!(!std::str::from_utf8(&own).unwrap().contains("mute"));
    }

    #[test]
    fn a_hidden_line_is_dimmed_and_can_be_shown_again() {
        let css = dimmed(&[MessageId(7), MessageId(8)]);

        assert!(css.contains("#m8{display:block;opacity:.45}"), "{css}");
        assert!(css.contains("#a7>.unhide{display:inline-block}"), "{css}");
        assert_eq!(removed(&[MessageId(7)]), "#m7,#a7{display:none}");
    }
}
