//! The page of every error.

use maud::{Markup, html};

use super::document::Document;
use crate::room::theme::Theme;

const CSS: &str = include_str!("../../assets/problem.css");

/// Where a problem page leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayOut {
    /// To the site.
    FirstPage,
    /// To the login of the desk.
    DeskLogin,
    /// To the desk.
    Desk,
}

impl WayOut {
    /// Address and words.
    fn link(self) -> (&'static str, &'static str) {
        match self {
            Self::FirstPage => ("/", "To the first page"),
            Self::DeskLogin => ("/broadcaster", "Log in"),
            Self::Desk => ("/broadcaster", "To the desk"),
        }
    }
}

/// What happened, what to do next, and where.
pub fn page(what: &str, advice: &str, way_out: WayOut, nonce: &str) -> Markup {
    let (address, words) = way_out.link();
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
            p { a href=(address) target="_top" { (words) } }
        }
    })
}
