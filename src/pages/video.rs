//! The frame with the player, or the card that waits for a broadcast.

use maud::{Markup, html};

use super::{document::Document, show_name};
use crate::{
    media::{broadcast::Air, delay::Delay},
    room::theme::Theme,
};

const CSS: &str = include_str!("../../assets/video.css");

/// How often the off-air card looks whether the broadcast has begun, in seconds.
///
/// The panel says it within moments; this only has to feel like "by itself".
const CARD_REFRESH_SECONDS: u32 = 4;

/// The player when on the air, else the card.
pub fn page(air: Air, title: &str, delay: Option<Delay>, theme: Theme, nonce: &str) -> Markup {
    match air {
        Air::On { has_video, .. } => player(title, has_video, delay, theme, nonce),
        Air::Off => card(title, delay, theme, nonce),
    }
}

/// Where the player with this delay is.
fn player_address(delay: Option<Delay>) -> String {
    delay.map_or("/video".to_owned(), |delay| {
        format!("/video?delay={}", delay.word())
    })
}

/// Links that start the player anew with each delay.
pub(super) fn delay_links(chosen: Option<Delay>) -> Markup {
    html! {
        @for delay in Delay::ALL {
            a href=(player_address(Some(delay))) target="video"
                aria-current=[(chosen == Some(delay)).then_some("true")] {
                @match delay {
                    Delay::Low => "with little delay",
                    Delay::Normal => "normally",
                    Delay::Safe => "safely behind",
                }
            }
            " "
        }
    }
}

fn player(title: &str, has_video: bool, delay: Option<Delay>, theme: Theme, nonce: &str) -> Markup {
    let class = if has_video {
        "player"
    } else {
        "player sound-only"
    };
    let document = Document {
        title: show_name(title),
        css: &[CSS],
        refresh: None,
        nonce,
        class,
        theme,
    };
    // One path for all delays: NoScript's permission is for the path without the query.
    let source = delay.map_or("/stream.mp4".to_owned(), |delay| {
        format!("/stream.mp4?delay={}", delay.word())
    });
    let again = player_address(delay);
    document.around(&html! {
        // Muted, because browsers refuse to start a player with sound by itself.
        video src=(source) autoplay muted controls playsinline {
            a href=(source) { "The stream, for a player" }
        }
        div class="notes" {
            p class="note paused" { "Paused or ended. " a href=(again) { "Go live" } }
            p class="note muted" { "The sound is off: switch it on in the player." }
            p class="note help" {
                "No picture? At Tor Browser's Safest level, click the placeholder, then OK. "
                a href=(again) { "Try again" }
                " · "
                a href=(source) { "plain player" }
            }
        }
    })
}

fn card(title: &str, delay: Option<Delay>, theme: Theme, nonce: &str) -> Markup {
    let document = Document {
        title: show_name(title),
        css: &[CSS],
        refresh: Some(format!(
            "{CARD_REFRESH_SECONDS};url={}",
            player_address(delay)
        )),
        nonce,
        class: "off-air",
        theme,
    };
    document.around(&html! {
        main {
            p class="state" { "Off air" }
            h1 { (show_name(title)) }
            p { "The player starts here by itself when the broadcast begins." }
        }
    })
}
