//! The desk itself: the live panel with its buttons, what a button did, and the settings, in frames.

use maud::{Markup, html};

use super::super::{chat, document::Document};
use crate::room::{
    person::{Identity, Role},
    theme::Theme,
};

const CSS: &str = include_str!("../../../assets/desk-home.css");

/// The pages of settings: where they are and what they are called.
pub const TOOLS: [(&str, &str); 8] = [
    ("/broadcaster/show", "Show"),
    ("/broadcaster/shields", "Shields"),
    ("/broadcaster/door", "Who may come in"),
    ("/broadcaster/filters", "Words"),
    ("/broadcaster/bans", "Bans"),
    ("/broadcaster/moderators", "Moderators"),
    ("/broadcaster/log", "Log"),
    ("/broadcaster/sessions", "Sessions"),
];

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
            p { "You are " (chat::who(identity)) }
            nav aria-label="Desk" {
                a class="jump" href="#act" { "Actions" }
                @if is_broadcaster { a class="jump" href="#tools" { "Settings" } }
                a href="/" target="_blank" { "The site as viewers see it" }
            }
            form method="post" action="/broadcaster/out" {
                input type="hidden" name="nonce" value=(form_nonce);
                button type="submit" { "Log out" }
            }
        }
        main {
            iframe class="live" name="live" src="/broadcaster/live" title="Encoder, Tor, people, and the chat with buttons" {}
            iframe class="compose" name="compose" src="/compose" title="Write: message, name, colour, tripcode" {}
            section id="act" aria-label="Actions" {
                iframe class="act" name="act" src="/broadcaster/act" title="What can be done, and what was done" {}
            }
            @if is_broadcaster {
                section id="tools" aria-label="Settings" {
                    nav aria-label="Settings" {
                        @for (address, name) in TOOLS {
                            a href=(address) target="tools" { (name) }
                            " "
                        }
                    }
                    iframe class="tools" name="tools" src="/broadcaster/show" title="Settings" {}
                }
            }
            details class="preview" {
                summary { "Preview of the picture" }
                iframe name="preview" src="/video" loading="lazy" title="Preview" allow="autoplay" {}
            }
        }
    })
}
