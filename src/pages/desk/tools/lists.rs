//! Bans, moderators, the log, sessions.

use std::time::Duration;

use maud::{Markup, html};

use super::{
    super::{
        super::{chat, time},
        act::{TERMS, sanction_words},
    },
    Tool, number,
};
use crate::room::{
    audit::AuditEntry,
    desk::SeatView,
    sanction::{Sanction, SanctionKind},
    tag::PublicKey,
    tripcode::Tripcode,
};

/// Entries of the log on its page.
const LOG_LINES: usize = 200;

/// Who may not write or be here.
#[derive(Debug)]
pub struct Bans<'a> {
    /// All of them, oldest first.
    pub sanctions: &'a [Sanction],
    /// What was typed and refused.
    pub tripcode: &'a str,
}

/// The list of bans.
pub fn bans(tool: Tool<'_>, page: &Bans<'_>, nonce: &str) -> Markup {
    tool.page("/broadcaster/bans", nonce, &html! {
        form method="post" action="/broadcaster/bans" {
            (number(tool.nonce))
            @if page.sanctions.is_empty() { p class="quiet" { "Nobody is muted, banned or blocked." } }
            ul class="list" {
                @for sanction in page.sanctions.iter().rev() {
                    li {
                        span { (sanction_words(sanction)) }
                        button type="submit" name="do" value={ "lift-" (sanction.id.0) } aria-label={ "Lift: " (sanction.label) } { "Lift" }
                    }
                }
            }
        }
        form method="post" action="/broadcaster/bans" class="fields" {
            (number(tool.nonce))
            h2 { "Shut out a tripcode" }
            label for="tripcode" { "Whoever shows this tripcode, now or later" }
            input id="tripcode" name="tripcode" type="text" maxlength="40" spellcheck="false" value=(page.tripcode);
            div class="buttons" {
                select name="kind" aria-label="What" {
                    @for kind in SanctionKind::ALL { option value=(kind.word()) selected[kind == SanctionKind::Ban] { (verb(kind)) } }
                }
                select name="term" aria-label="How long" {
                    @for (word, words) in TERMS { option value=(word) selected[word == "good"] { (words) } }
                }
                button type="submit" name="do" value="tripcode" class="main" { "Shut out" }
            }
        }
    })
}

/// Who helps to keep order.
#[derive(Debug)]
pub struct Moderators<'a> {
    /// By tripcode.
    pub moderators: &'a [(Tripcode, String)],
    /// A link that was just made; it is shown this once.
    pub link: Option<&'a str>,
    /// What was typed and refused.
    pub tripcode: &'a str,
}

/// The list of moderators.
pub fn moderators(tool: Tool<'_>, page: &Moderators<'_>, nonce: &str) -> Markup {
    tool.page("/broadcaster/moderators", nonce, &html! {
        @if let Some(link) = page.link {
            p role="status" { "Send this to one person, on a way you trust. It works once, within 24 hours, and is not shown again:" }
            p { code class="secret" tabindex="0" { (link) } }
            @if link.starts_with('/') {
                p { "Put the address of this site before it. Tor has not told its onion address yet, or is not used: then only browsers on this computer come here." }
            }
        }
        p class="quiet" { "Moderators hide messages, mute for up to a day, and rename. They cannot touch you or each other." }
        form method="post" action="/broadcaster/moderators" {
            (number(tool.nonce))
            @if page.moderators.is_empty() { p { "There are no moderators by tripcode yet." } }
            ul class="list" {
                @for (tripcode, label) in page.moderators {
                    li {
                        span { code { (tripcode) } " " span class="what" { (label) } }
                        button type="submit" name="do" value={ "dismiss-" (tripcode) } aria-label={ "Dismiss " (tripcode) } { "Dismiss" }
                    }
                }
            }
        }
        form method="post" action="/broadcaster/moderators" class="fields" {
            (number(tool.nonce))
            h2 { "By tripcode" }
            label for="tripcode" { "Their tripcode" }
            input id="tripcode" name="tripcode" type="text" maxlength="40" spellcheck="false" value=(page.tripcode);
            label for="label" { "What you call them, for this list" }
            input id="label" name="label" type="text" maxlength="40";
            button type="submit" name="do" value="appoint" class="main" { "Appoint" }
        }
        form method="post" action="/broadcaster/moderators" class="fields" {
            (number(tool.nonce))
            h2 { "By link" }
            p class="quiet" { "For somebody without a tripcode, for as long as their session, at most 12 hours." }
            button type="submit" name="do" value="link" class="main" { "Make a link" }
        }
    })
}

/// What was ordered, newest first.
pub fn log(tool: Tool<'_>, audit: &[AuditEntry], nonce: &str) -> Markup {
    tool.page("/broadcaster/log", nonce, &html! {
        form method="post" action="/broadcaster/log" {
            (number(tool.nonce))
            @if audit.is_empty() { p class="quiet" { "Nothing was done yet." } }
            ol class="list" {
                @for entry in audit.iter().rev().take(LOG_LINES) {
                    li class=[entry.undone.then_some("undone")] {
                        span {
                            time { (time::full(entry.at)) } " " b class="name" { (entry.by) } br;
                            span class="what" { (entry.what) }
                            @if entry.undone { " " span class="quiet" { "(taken back)" } }
                        }
                        @if entry.can_undo() {
                            button type="submit" name="do" value={ "undo-" (entry.id.0) } aria-label={ "Undo: " (entry.what) } { "Undo" }
                        }
                    }
                }
            }
        }
        p class="quiet" { "In memory only; it ends with the program." }
    })
}

/// Who sits at the desk. `own` is the session that looks.
pub fn sessions(tool: Tool<'_>, seats: &[SeatView], own: PublicKey, nonce: &str) -> Markup {
    tool.page("/broadcaster/sessions", nonce, &html! {
        form method="post" action="/broadcaster/sessions" {
            (number(tool.nonce))
            ul class="list" {
                @for seat in seats {
                    li {
                        span {
                            (chat::who(&seat.identity))
                            @if seat.is_program { " (a program)" }
                            @if seat.identity.key == own { " " b { "(this browser)" } }
                            br;
                            span class="quiet" { "logged in " (ago(seat.age)) " ago, last seen " (ago(seat.idle)) " ago" }
                        }
                        button type="submit" name="do" value={ "end-" (seat.identity.key) } aria-label={ "End the session of " (seat.identity.tag) } { "End" }
                    }
                }
            }
        }
        p class="quiet" {
            "A session ends by itself after 12 hours. If one is not yours, end it and set another password: "
            code { "onionstream password" } " ends all of them."
        }
    })
}

fn verb(kind: SanctionKind) -> &'static str {
    match kind {
        SanctionKind::Mute => "mute",
        SanctionKind::Ban => "ban from the chat",
        SanctionKind::Block => "block from everything",
    }
}

fn ago(time: Duration) -> String {
    if time.as_secs() < 60 {
        format!("{} s", time.as_secs())
    } else {
        time::roughly(time)
    }
}
