//! The page of every error.

use maud::{Markup, html};

use super::document::Document;
use crate::room::theme::Theme;

const CSS: &str = include_str!("../../assets/problem.css");

/// What happened and what to do next.
pub fn page(what: &str, advice: &str, nonce: &str) -> Markup {
    let document = Document {
        title: what,
        css: &[CSS],
        refresh: None,
        nonce,
        class: "problem",
        theme: Theme::default(),
    };
    document.around(&html! {
        main {
            h1 { (what) }
            p { (advice) }
            // The whole window, not just the frame this may be shown in.
            p { a href="/" target="_top" { "To the first page" } }
        }
    })
}
