//! The pages of the broadcaster and the moderators.

pub mod act;
pub mod home;
pub mod live;
pub mod login;
pub mod status;
pub mod tools;

use maud::{Markup, html};

use super::document::Document;
use crate::room::theme::Theme;

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

/// What came of the last thing that was done on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It was done.
    Done(String),
    /// It was not, and why.
    Refused(String),
}

fn notice(notice: Option<&Notice>) -> Markup {
    html! {
        @match notice {
            Some(Notice::Done(words)) => p class="notice" role="status" { (words) },
            Some(Notice::Refused(words)) => p class="notice refused" role="alert" { (words) },
            None => {}
        }
    }
}
