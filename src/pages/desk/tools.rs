//! The settings of the desk, one finite page each.
//!
//! Every page is a function from what the room says to a form; what was typed and refused is shown
//! again with the reason.

mod lists;
mod recordings;
mod switches;

pub use self::{
    lists::{Bans, Moderators, bans, log, moderators, sessions},
    recordings::{RecordingsPage, recordings},
    switches::{DoorPage, FiltersPage, door, filters, shields},
};

use maud::{Markup, html};

use super::{Notice, notice, number};
use crate::room::{
    show::{MAX_ADDRESS, MAX_ANNOUNCEMENT, MAX_DESCRIPTION, MAX_LINK_TEXT, Show},
    theme::Theme,
};

/// The pages: where they are and what they are called.
const TOOLS: [(&str, &str); 9] = [
    ("/broadcaster/show", "Show"),
    ("/broadcaster/shields", "Shields"),
    ("/broadcaster/door", "Who may come in"),
    ("/broadcaster/filters", "Filters"),
    ("/broadcaster/bans", "Bans"),
    ("/broadcaster/moderators", "Moderators"),
    ("/broadcaster/recordings", "Recordings"),
    ("/broadcaster/log", "Log"),
    ("/broadcaster/sessions", "Sessions"),
];

/// The page on which everything can be taken back.
const LOG: &str = "/broadcaster/log";

/// What every page of settings has.
#[derive(Debug, Clone, Copy)]
pub struct Tool<'a> {
    /// The number of its forms; each page is sent once.
    pub nonce: &'a str,
    /// What came of the last thing that was done here.
    pub notice: Option<&'a Notice>,
    /// The colours of the page.
    pub theme: Theme,
}

impl Tool<'_> {
    /// The page at `here`, with the way to the others.
    fn page(&self, here: &str, nonce: &str, body: &Markup) -> Markup {
        let title = TOOLS.iter().find(|(address, _)| *address == here);
        let title = title.map_or("Settings", |(_, title)| *title);
        super::frame(
            title,
            "tool",
            self.theme,
            nonce,
            &html! {
                nav aria-label="Settings" {
                    @for (address, name) in TOOLS {
                        a href=(address) aria-current=[(address == here).then_some("page")] { (name) }
                        " "
                    }
                }
                main {
                    h1 { (title) }
                    (notice(self.notice, LOG, &number(self.nonce)))
                    (body)
                }
            },
        )
    }
}

/// The words of the show.
#[derive(Debug)]
pub struct ShowPage<'a> {
    /// The title file's.
    pub title: &'a str,
    /// All others.
    pub show: &'a Show,
    /// What viewers see of the description; may be empty.
    pub preview: Markup,
}

/// The words of the show.
pub fn show(tool: Tool<'_>, page: &ShowPage<'_>, nonce: &str) -> Markup {
    let show = page.show;
    tool.page("/broadcaster/show", nonce, &html! {
        form method="post" action="/broadcaster/show" class="fields" autocomplete="off" {
            (number(tool.nonce))
            label for="title" { "Title" }
            input id="title" name="title" type="text" maxlength="200" value=(page.title);
            label for="announcement" { "Announcement, pinned above the chat" }
            input id="announcement" name="announcement" type="text" maxlength=(MAX_ANNOUNCEMENT) value=(show.announcement);
            label for="starts_at" { "Begins at (UTC), like 2026-11-21 20:00; off air, the page counts down to it" }
            input id="starts_at" name="starts_at" type="text" maxlength="16" value=(show.starts_at) placeholder="2026-11-21 20:00";
            label for="description" { "Description, in Markdown" }
            // A first line feed would be swallowed.
            textarea id="description" name="description" rows="8" maxlength=(MAX_DESCRIPTION) { "\n" (show.description) }
            @if !page.preview.0.is_empty() {
                details class="preview" {
                    summary { "What viewers see of the description" }
                    (page.preview)
                }
            }
            fieldset {
                legend { "At the foot of the page" }
                label for="link_text" { "A link: its text" }
                input id="link_text" name="link_text" type="text" maxlength=(MAX_LINK_TEXT) value=(show.link_text);
                label for="link_address" { "Its address" }
                input id="link_address" name="link_address" type="text" maxlength=(MAX_ADDRESS) value=(show.link_address) placeholder="http://….onion/";
                label for="profile" { "Your profile on Mastodon, which can verify this site (rel=me)" }
                input id="profile" name="profile" type="text" maxlength=(MAX_ADDRESS) value=(show.profile) placeholder="https://…/@you";
            }
            button type="submit" class="main" { "Save" }
        }
    })
}

#[cfg(test)]
#[path = "tools_tests.rs"]
mod tests;
