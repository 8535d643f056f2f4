//! The first page: finite, with the player and the live panel in frames.
//!
//! Only two of a browser's six connections stay open: the video and the panel.

use maud::{Markup, html};

use super::{document::Document, show_name, video::delay_links, watching_words};
use crate::{media::broadcast::Air, room::theme::Theme};

const CSS: &str = include_str!("../../assets/home.css");

/// What the first page knows when it is opened; the panel keeps it current.
#[derive(Debug)]
pub struct Home<'a> {
    /// What the show is called; may be empty.
    pub title: &'a str,
    /// On or off the air.
    pub air: Air,
    /// How many are watching.
    pub watching: usize,
    /// The viewer's colours of the pages.
    pub theme: Theme,
}

/// The page.
pub fn page(home: &Home<'_>, nonce: &str) -> Markup {
    let title = show_name(home.title);
    let document = Document {
        title,
        css: &[CSS],
        refresh: None,
        nonce,
        class: "home",
        theme: home.theme,
    };
    document.around(&html! {
        // For browsers that show no frames, such as lynx and w3m.
        div class="text-only" {
            h1 { (title) }
            p {
                @match home.air {
                    Air::On { .. } => { "On air; " (watching_words(home.watching)) "." }
                    Air::Off => { "Off air." }
                }
            }
            ul {
                li { a href="/stream.mp4" { "The stream, for a player" } }
                li { a href="/stream.m3u8" { "The stream as a playlist" } }
                li { a href="/live?static=1" { "What is going on, and the chat" } }
                li { a href="/compose" { "Write something" } }
            }
        }
        main {
            iframe class="video" name="video" src="/video" title="Video player" allow="autoplay; fullscreen" {}
            iframe class="live" name="live" src="/live" title="Live panel: title, on or off air, people, chat" {}
            iframe class="compose" name="compose" src="/compose" title="Write: message, name, colour, tripcode" {}
        }
        footer {
            nav aria-label="Player" {
                span { "Start " }
                (delay_links(None))
            }
            nav aria-label="More" {
                a href="/live" target="live" { "Reload the chat" }
                " "
                a href="/stream.mp4" { "Only the stream" }
                " "
                a href="/stream.m3u8" { "Playlist" }
                " "
                a href="/privacy" { "Privacy" }
            }
        }
    })
}
