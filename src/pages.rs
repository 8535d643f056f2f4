//! Plain values in, HTML out.
//!
//! Belongs here: every word and every tag that people see. Does not belong here: handles, queries,
//! the clock. A page is a function from values to [`maud::Markup`]; text is escaped by maud, and
//! the only unescaped text is our own CSS from `assets/` (see [`document`]).
//!
//! Limits that shape the pages: no JavaScript, no SVG, no web font, no inline `style` attribute
//! (the policy allows only styles with the response's nonce), nothing from anywhere else.

mod audio;
mod chat;
pub mod choice;
pub mod compose;
pub mod description;
pub mod desk;
pub mod document;
pub mod entrance;
mod history;
pub mod home;
pub mod live;
pub mod problem;
#[cfg(test)]
mod reading;
pub mod recordings;
mod time;
pub mod video;

use maud::{Markup, html};

/// The name of a show without a title.
const UNTITLED: &str = "Livestream";

/// What a show is called on pages.
fn show_name(title: &str) -> &str {
    if title.is_empty() { UNTITLED } else { title }
}

/// Text with what stands in backticks as code.
fn marked(words: &str) -> Markup {
    // One that has no other belongs to what somebody wrote, and who knows which one it is.
    if words.matches('`').count() % 2 == 1 {
        return html! { (words) };
    }
    html! {
        @for (number, part) in words.split('`').enumerate() {
            @if number % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// "1 person is watching", as words.
fn watching_words(count: usize) -> String {
    match count {
        0 => "nobody is watching".to_owned(),
        1 => "1 person is watching".to_owned(),
        count => format!("{count} people are watching"),
    }
}
