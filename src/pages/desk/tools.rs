//! The settings of the desk, one finite page each.
//!
//! Every page is a function from what the room says to a form; what was typed and refused is shown
//! again with the reason.

mod lists;
mod switches;

pub use self::{
    lists::{Bans, Moderators, bans, log, moderators, sessions},
    switches::{DoorPage, door, filters, shields},
};

use maud::{Markup, html};

use super::{Notice, notice, number};
use crate::room::{show::Show, theme::Theme};

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
    fn page(&self, title: &str, nonce: &str, body: &Markup) -> Markup {
        super::frame(
            title,
            "tool",
            self.theme,
            nonce,
            &html! {
                main {
                    h1 { (title) }
                    (notice(self.notice))
                    (body)
                }
            },
        )
    }
}

/// The words of the show. `title` is the title file's.
pub fn show(tool: Tool<'_>, title: &str, show: &Show, nonce: &str) -> Markup {
    tool.page("Show", nonce, &html! {
        form method="post" action="/broadcaster/show" class="fields" {
            (number(tool.nonce))
            label for="title" { "Title" }
            input id="title" name="title" type="text" maxlength="200" value=(title);
            label for="announcement" { "Announcement, above the chat" }
            input id="announcement" name="announcement" type="text" maxlength="300" value=(show.announcement);
            label for="starts_at" { "Begins at (UTC), like 2026-11-21 20:00; the page counts down to it" }
            input id="starts_at" name="starts_at" type="text" maxlength="16" value=(show.starts_at) placeholder="2026-11-21 20:00";
            label for="description" { "Description, in Markdown" }
            // A first line feed would be swallowed.
            textarea id="description" name="description" rows="10" { "\n" (show.description) }
            fieldset {
                legend { "Link at the foot of the page" }
                label for="link_text" { "Its text" }
                input id="link_text" name="link_text" type="text" maxlength="60" value=(show.link_text);
                label for="link_address" { "Its address" }
                input id="link_address" name="link_address" type="text" maxlength="512" value=(show.link_address) placeholder="http://….onion/";
                label for="profile" { "Your profile on Mastodon, which can verify this site (rel=me)" }
                input id="profile" name="profile" type="text" maxlength="512" value=(show.profile) placeholder="https://…/@you";
            }
            button type="submit" class="main" { "Save" }
        }
    })
}
