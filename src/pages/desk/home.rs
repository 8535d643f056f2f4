//! The desk itself: the live panel with its buttons, what a button did, and the settings, in frames.

use maud::{Markup, html};

use super::{
    super::{chat, document::Document},
    number,
};
use crate::room::{
    person::{Identity, Role},
    theme::Theme,
};

const CSS: &str = include_str!("../../../assets/desk-home.css");

/// The page. Moderators have no settings.
pub fn page(identity: &Identity, form_nonce: &str, theme: Theme, nonce: &str) -> Markup {
    let is_broadcaster = identity.role == Role::Broadcaster;
    let document = Document {
        title: "The desk",
        css: &[CSS],
        refresh: None,
        nonce,
        class: if is_broadcaster { "desk" } else { "desk small" },
        theme,
    };
    document.around(&html! {
        header {
            h1 { "The desk" }
            p { span class="long" { "You are logged in as " } (chat::who(identity)) }
            nav aria-label="Desk" {
                a class="jump" href="#act" { "Actions" }
                " "
                a class="jump" href="#write" { "Write" }
                " "
                @if is_broadcaster { a class="jump" href="#tools" { "Settings" } " " }
                a href="/broadcaster/live" target="live" { "Reload the panel" }
                " "
                a href="/" target="_blank" { "The site" span class="long" { " as viewers see it" } }
            }
            form method="post" action="/broadcaster/out" {
                (number(form_nonce))
                button type="submit" { "Log out" }
            }
        }
        main {
            iframe class="live" name="live" src="/broadcaster/live" title="Encoder, Tor, people, and the chat with buttons" {}
            iframe class="act" id="act" name="act" src="/broadcaster/act" title="What can be done, and what was done" {}
            iframe class="compose" id="write" name="compose" src="/compose" title="Write: message, name, colour, tripcode" {}
            @if is_broadcaster {
                iframe class="tools" id="tools" name="tools" src="/broadcaster/show" title="Settings" {}
            }
            details class="preview" {
                summary { "Preview of the picture" }
                p class="quiet" {
                    a href="/video" target="video" { "Start it here" }
                    " – it takes as much as one viewer, and counts as one."
                }
                // Empty until asked: without scripts browsers load what is closed, too, and the show
                // would go to its own broadcaster for nothing. The panel's link to the player finds
                // it by this name.
                iframe name="video" title="Preview" allow="autoplay" {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Tick,
        pages::reading::read,
        room::{
            colour::Colour,
            name::DisplayName,
            person::Person,
            tag::{PublicKey, PublicTag},
        },
    };

    #[test]
    fn every_frame_has_a_title_and_moderators_have_no_settings() {
        for role in [Role::Moderator, Role::Broadcaster] {
            let person = Person::new(
                PublicKey::from_random(7),
                PublicTag::from_random(7),
                Colour(1, 2, 3),
                Tick::START,
            );
            let identity = Identity {
                name: DisplayName::parse("<Ann> & \"co\"").ok(),
                role,
                ..person.identity
            };

            let html = page(&identity, "NUMBER", Theme::Browser, "STYLE").into_string();

            let read = read(&html).unwrap_or_else(|flaw| panic!("{flaw}\n{html}"));
            assert_eq!(read.nameless(), Vec::<String>::new());
            assert_eq!(read.loose_forms(), Vec::<String>::new());
            let frames = read.all("iframe").into_iter();
            let names: Vec<_> = frames.filter_map(|frame| frame.attribute("name")).collect();
            assert_eq!(
                names.contains(&"tools"),
                role == Role::Broadcaster,
                "{names:?}"
            );
            for name in ["live", "act", "compose", "video"] {
                assert!(names.contains(&name), "{name}");
            }
            assert!(!html.contains("src=\"/video\""), "nothing plays by itself");
        }
    }
}
