//! The frame of those who only listen.

use maud::{Markup, html};

use super::{
    choice::{about, choices},
    document::Document,
    show_name,
    video::{CSS, Video, quality_address},
};
use crate::media::{delay::Delay, rendition::Offer, variant::Quality};

/// Where the sound with this delay is.
pub(super) fn sound_address(delay: Option<Delay>, starts_itself: bool) -> String {
    let delay = delay.map(|delay| format!("delay={}", delay.word()));
    let start = (!starts_itself).then(|| "start=0".to_owned());
    let query: Vec<_> = delay.into_iter().chain(start).collect();
    if query.is_empty() {
        return "/audio".to_owned();
    }
    format!("/audio?{}", query.join("&"))
}

/// The player of the sound.
pub(super) fn player(video: &Video<'_>, offer: Offer, nonce: &str) -> Markup {
    let title = show_name(video.title);
    let document = Document {
        title,
        css: &[CSS],
        refresh: None,
        nonce,
        class: "player listening",
        theme: video.theme,
    };
    let delay = video.delay;
    let source = delay.map_or("/audio.mp4".to_owned(), |delay| {
        format!("/audio.mp4?delay={}", delay.word())
    });
    let again = sound_address(delay, true);
    document.around(&html! {
        main {
            p class="state" { "Only the sound" }
            h1 { (title) }
        }
        // Browsers let sound begin by itself where somebody has clicked before. Elsewhere it would
        // be loaded and held back, and begin in the past: then nothing is loaded before the click.
        audio src=(source) autoplay[video.starts_itself] preload=[(!video.starts_itself).then_some("none")] controls {
            a href=(source) { "The sound, for a player" }
        }
        div class="notes" {
            p class="note paused" { "Not playing. " a href=(again) { "Listen live" } }
            p class="note help" {
                "No sound? At Tor Browser's Safest level, click the placeholder, then OK. "
                a href=(again) { "Try again" }
                " · "
                a href=(source) { "plain player" }
            }
            @let list = video.menu.choices(Some(Quality::Sound), delay);
            p class="note" {
                @if !list.is_empty() {
                    (choices(&list))
                } @else if let Some(rate) = offer.sound {
                    "There is no picture: " (about(rate))
                }
            }
        }
    })
}

/// Said to those who want to listen to a broadcast without sound.
pub(super) fn silence(video: &Video<'_>, nonce: &str) -> Markup {
    let document = Document {
        title: show_name(video.title),
        css: &[CSS],
        refresh: None,
        nonce,
        class: "off-air",
        theme: video.theme,
    };
    document.around(&html! {
        main {
            p class="state" { "No sound" }
            h1 { (show_name(video.title)) }
            p { "This broadcast is a picture without sound. " a href=(quality_address(Quality::Source, None)) { "Show the picture" } }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::broadcast::Air,
        pages::{
            choice::Menu,
            video::sample::{self, BOTH, on_air},
        },
    };

    fn frame(air: Air, offer: Option<Offer>, starts_itself: bool) -> String {
        sample::html(&Video {
            quality: Quality::Sound,
            menu: Menu {
                source: offer,
                variants: &[],
            },
            starts_itself,
            ..sample::frame(air)
        })
    }

    #[test]
    fn the_frame_is_a_player_a_card_or_the_word_that_there_is_no_sound() {
        let html = frame(on_air(), Some(BOTH), true);
        assert!(
            html.contains("<audio src=\"/audio.mp4?delay=safe\" autoplay controls>"),
            "{html}"
        );
        assert!(
            html.contains("href=\"/video?quality=source&amp;delay=safe\""),
            "{html}"
        );
        let html = frame(on_air(), Some(BOTH), false);
        assert!(
            html.contains("preload=\"none\" controls>") && !html.contains("autoplay"),
            "{html}"
        );

        let html = frame(Air::Off, None, false);
        assert!(html.contains("url=/audio?delay=safe&amp;start=0"), "{html}");

        let mute = Offer {
            has_sound: false,
            ..BOTH
        };
        let html = frame(on_air(), Some(mute), true);
        assert!(
            html.contains("without sound") && !html.contains("<audio"),
            "{html}"
        );
    }
}
