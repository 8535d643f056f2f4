//! The pages of the broadcaster and the moderators.

pub mod act;
pub mod home;
pub mod live;
pub mod login;
pub mod status;
pub mod tools;

use maud::{Markup, html};

use super::document::Document;
use crate::room::{audit::AuditId, shields::Shield, theme::Theme};

/// Styles of the desk's pages.
const CSS: &str = include_str!("../../assets/desk.css");

/// A finite page of the desk, mostly for a frame.
fn frame(title: &str, class: &'static str, theme: Theme, nonce: &str, body: &Markup) -> Markup {
    let document = Document {
        title,
        css: &[CSS],
        refresh: None,
        nonce,
        class,
        theme,
    };
    document.around(body)
}

/// The number of a form.
fn number(nonce: &str) -> Markup {
    html! { input type="hidden" name="nonce" value=(nonce); }
}

/// Text with what stands in backticks as code.
fn marked(words: &str) -> Markup {
    html! {
        @for (number, part) in words.split('`').enumerate() {
            @if number % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// What people call a shield.
fn shield_name(shield: Shield) -> &'static str {
    match shield {
        Shield::Slow => "slow mode",
        Shield::CaptchaAlways => "captchas",
        Shield::TripcodesOnly => "tripcodes only",
        Shield::ReadOnly => "read only",
        Shield::LinksOff => "links off",
        Shield::FilterBroadcaster => "filters for me too",
    }
}

/// What came of the last thing that was done on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It was done.
    Done {
        /// What was done, as a sentence.
        words: String,
        /// What takes it back, if anything does.
        undo: Option<AuditId>,
    },
    /// It was not, and why.
    Refused(String),
}

impl Notice {
    /// It was done, and there is nothing to take back.
    pub fn done(words: impl Into<String>) -> Self {
        Self::Done {
            words: words.into(),
            undo: None,
        }
    }
}

/// What came of the last thing, with the button that takes it back: a form to `action` with
/// these hidden fields.
fn notice(notice: Option<&Notice>, action: &str, hidden: &Markup) -> Markup {
    html! {
        @match notice {
            Some(Notice::Done { words, undo }) => {
                div class="notice" role="status" {
                    p { (words) }
                    @if let Some(AuditId(undo)) = undo {
                        form method="post" action=(action) {
                            (hidden)
                            button type="submit" name="do" value={ "undo-" (undo) } { "Undo" }
                        }
                    }
                }
            }
            Some(Notice::Refused(words)) => p class="notice refused" role="alert" { (words) },
            None => {}
        }
    }
}
