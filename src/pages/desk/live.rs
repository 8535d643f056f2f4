//! The live panel of the desk: the viewers' panel with buttons, and the state of encoder and Tor.
//!
//! Lines of the chat are the same bytes as everybody's; the buttons are an element of their own
//! before each. Hidden lines stay in sight, dimmed. All buttons belong to one form at the head of
//! the document, whose number is good as long as the document.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use maud::{Markup, html};

use super::{
    super::{
        chat,
        document::{self, Document},
        live::{self, Reader},
    },
    shield_name, status,
};
use crate::{
    clock::Tick,
    room::{
        panel::Values,
        people::{Group, People},
        person::Role,
        sanction::SanctionKind,
        shields::{ChatMode, Shield, Shields},
        status::DeskValues,
        tag::PublicKey,
        transcript::MessageId,
    },
};

const CSS: &str = include_str!("../../../assets/desk-live.css");
const FRAME_CSS: &str = include_str!("../../../assets/desk-frame.css");

/// Where the endless document is.
const FOLLOW: &str = "/broadcaster/live?follow=1";

/// Where somebody who lost the connection begins again.
const AGAIN: &str = "/broadcaster/live";

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
    /// What is in force, so that nobody forgets it.
    pub shields: Shields,
    /// Who may not write, dress or be here.
    pub sanctioned: &'a Sanctioned,
}

/// What holds for people.
pub type Sanctioned = BTreeMap<PublicKey, SanctionKind>;

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
    now: Tick,
    nonce: &str,
) -> Bytes {
    let document = Document {
        title: "Desk: live",
        css: &[live::CSS, status::CSS, CSS],
        refresh: Some(format!("{REOPEN_SECONDS};url={FOLLOW}")),
        nonce,
        class: if desk.role == Role::Broadcaster {
            "live"
        } else {
            "live moderator"
        },
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
            slot name="shields" {}
            div role="status" { slot name="notice" {} }
            (tabs(is_broadcaster))
            div class="body" {
                div class="side" {
                    @if is_broadcaster {
                        section class="state-of-things" aria-label="Encoder, Tor, viewers" {
                            slot name="encoder" {}
                            // Open or closed it stays, whatever is said.
                            details class="complaints" {
                                summary { "ffmpeg said: " slot name="complaint" {} }
                                div class="said" { slot name="complaints" {} }
                            }
                            slot name="variants" {}
                            slot name="uplink" {}
                            slot name="tor" {}
                            slot name="recording" {}
                            slot name="history" {}
                        }
                    }
                    section class="people" aria-label="People" { slot name="people" {} }
                    @if is_broadcaster {
                        section class="done" aria-label="Done lately" { slot name="audit" {} }
                    }
                }
                div class="scroll" tabindex="0" { div role="log" aria-label="Chat" { slot {} } }
            }
            slot name="beat" {}
        }
        form id="act" method="post" action="/broadcaster/act" target="act" {
            input type="hidden" name="nonce" value=(desk.bearer);
        }
        (document::style(&live::styles(values, desk.reader), nonce))
        (live::head(values, now, AGAIN, nonce))
        (shields_up(desk.shields))
        @if is_broadcaster { (status::block(status)) }
        (people(&values.list, desk.sanctioned))
        @if !hidden.is_empty() { (document::style(&dimmed(&hidden), nonce)) }
    }
    .into_string();
    let lines: usize = values.lines.iter().map(|line| line.html.len() + 400).sum();
    let mut bytes = BytesMut::with_capacity(start.len() + lines);
    bytes.extend_from_slice(start.as_bytes());
    for shown in &values.lines {
        bytes.extend_from_slice(&line(shown.id, shown.author, &shown.html));
    }
    bytes.freeze()
}

/// In a narrow window one part is shown at a time.
fn tabs(is_broadcaster: bool) -> Markup {
    let parts = [
        ("show-chat", "Chat", true),
        ("show-people", "People", true),
        ("show-state", "Status", is_broadcaster),
        ("show-done", "Done", is_broadcaster),
    ];
    html! {
        div class="tabs" role="radiogroup" aria-label="What is shown" {
            @for (id, name, _) in parts.iter().filter(|(.., is_there)| *is_there) {
                input type="radio" name="shown" id=(id) checked[*id == "show-chat"];
                label for=(id) { (name) }
            }
        }
    }
}

/// A line as everybody sees it, with its buttons: behind the date, if it has one, so that they are
/// beside what was said.
pub fn line(id: MessageId, author: Option<PublicKey>, html: &[u8]) -> Bytes {
    let start = html
        .windows(LINE_TAG.len())
        .position(|bytes| bytes == LINE_TAG)
        .unwrap_or_default();
    let (date, said) = html.split_at(start);
    let buttons = buttons(id, author).into_string();
    [date, buttons.as_bytes(), said].concat().into()
}

/// How the line itself begins.
const LINE_TAG: &[u8] = b"<x-line";

/// The buttons before a line.
///
/// Which of them make no sense, because of who said it, is a rule of style. They are no part of what
/// is read aloud when a line comes.
fn buttons(id: MessageId, author: Option<PublicKey>) -> Markup {
    let number = id.0;
    html! {
        x-acts id={ "a" (number) } aria-live="off" {
            button class="hide" form="act" name="do" value={ "hide-" (number) } aria-label={ "Hide message " (number) } { "Hide" }
            button class="unhide" form="act" name="do" value={ "unhide-" (number) } aria-label={ "Show message " (number) " again" } { "Unhide" }
            @if author.is_some() {
                button class="mute" form="act" name="do" value={ "mute-" (number) } aria-label={ "Mute the author of message " (number) " for ten minutes" } { "Mute" span class="term" { " 10 min" } }
                a class="more" href={ "/broadcaster/act?message=" (number) } target="act" aria-label={ "More about message " (number) " and its author" } { "…" }
            }
        }
    }
}

/// What open panels get when nothing happens.
pub fn beat() -> Bytes {
    live::beat(AGAIN).into_string().into()
}

/// The shields that are up, for a panel that is open.
pub fn shields_piece(shields: Shields) -> Bytes {
    shields_up(shields).into_string().into()
}

fn shields_up(shields: Shields) -> Markup {
    let up: Vec<_> = Shield::ALL
        .into_iter()
        .filter(|shield| shields.is_on(*shield) && *shield != Shield::FilterBroadcaster)
        .map(shield_name)
        .collect();
    html! {
        x-shields slot="shields" class=[(up.is_empty() && shields.chat == ChatMode::Shown).then_some("none")] {
            @if !up.is_empty() { "Shields up: " b { (up.join(", ")) } ". " }
            @match shields.chat {
                ChatMode::Shown => {}
                ChatMode::Hidden => "Viewers see the chat only when they ask for it.",
                ChatMode::Off => "The chat is off: viewers do not see it.",
            }
        }
    }
}

/// The list of people, each with what holds for them and a way to what can be done.
pub fn people(people: &People, sanctioned: &Sanctioned) -> Markup {
    html! {
        x-people slot="people" {
            @if people.broadcaster.count > 0 { (group("Broadcaster", &people.broadcaster, sanctioned)) }
            (group("Watching", &people.watching, sanctioned))
            (group("Not watching", &people.not_watching, sanctioned))
        }
    }
}

/// The list of people as a piece of the document.
pub fn people_piece(list: &People, sanctioned: &Sanctioned) -> Bytes {
    people(list, sanctioned).into_string().into()
}

fn group(title: &str, group: &Group, sanctioned: &Sanctioned) -> Markup {
    let others = group.count.saturating_sub(group.listed.len());
    html! {
        h2 { (title) " (" (group.count) ")" }
        @if group.count > 0 {
            ul {
                @for identity in &group.listed {
                    li class=(chat::by(identity.key)) {
                        (chat::who(identity)) " "
                        @if let Some(kind) = sanctioned.get(&identity.key) {
                            span class="sanction" { (mark(*kind)) } " "
                        }
                        a href={ "/broadcaster/act?person=" (identity.key) } target="act" aria-label={ "More about " (identity.tag) } { "…" }
                    }
                }
                @if others > 0 { li class="others" { "and " (others) " more" } }
            }
        }
    }
}

/// What holds for somebody, short enough for a list.
fn mark(kind: SanctionKind) -> &'static str {
    match kind {
        SanctionKind::Mute => "muted",
        SanctionKind::Ban => "banned",
        SanctionKind::Block => "blocked",
    }
}

/// The rule that dims hidden messages and offers to show them.
pub fn dimmed(ids: &[MessageId]) -> String {
    rules(
        ids,
        "{display:block;opacity:.6}",
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
#[path = "live_tests.rs"]
mod tests;
