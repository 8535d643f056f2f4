//! The frame of those who only listen, and what picture and sound cost.

use maud::{Markup, html};

use super::{
    document::Document,
    show_name,
    video::{CSS, Video},
};
use crate::media::{delay::Delay, rendition::Offer};

/// Leads to the picture, and remembers that it is wanted.
const PICTURE: &str = "/video?picture=1";

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

/// `about 580 kbit/s`: two digits are what one can rely on.
fn about(bits_per_second: u64) -> String {
    let kilobits = bits_per_second.saturating_add(500) / 1_000;
    let digits = kilobits.max(1).ilog10();
    let step = 10_u64.pow(digits.saturating_sub(1));
    let rounded = kilobits.saturating_add(step / 2) / step * step;
    format!("about {rounded} kbit/s")
}

fn cost(bits_per_second: Option<u64>) -> Markup {
    html! { @if let Some(rate) = bits_per_second { " (" (about(rate)) ")" } }
}

/// Links to the player with and without the picture; nothing if there is nothing to choose.
///
/// `None` is a broadcast of which nobody knows yet what will be in it.
pub(super) fn choice_links(offer: Option<Offer>) -> Markup {
    html! {
        @if offer.is_none_or(Offer::is_choice) {
            span class="choice" {
                a href=(PICTURE) target="video" { "Picture and sound" }
                (cost(offer.and_then(|offer| offer.full)))
            }
            " "
            span class="choice" {
                a href="/audio" target="video" { "Only the sound" }
                (cost(offer.and_then(|offer| offer.sound)))
            }
        }
    }
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
            p class="note" {
                @if offer.is_choice() {
                    @if let Some(rate) = offer.sound { "Only the sound: " (about(rate)) ". " }
                    a href=(PICTURE) { "Picture and sound" }
                    @if let Some(rate) = offer.full { ": " (about(rate)) }
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
            p { "This broadcast is a picture without sound. " a href=(PICTURE) { "Show the picture" } }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        clock::{Tick, WallTime},
        media::{
            broadcast::{Air, Broadcast},
            fragment::sample,
            rendition::Rendition,
            timeline::Limits,
        },
        pages::{reading::read, video},
        room::theme::Theme,
    };

    const BOTH: Offer = Offer {
        has_picture: true,
        has_sound: true,
        full: Some(583_400),
        sound: Some(63_600),
    };

    fn frame(air: Air, offer: Option<Offer>, starts_itself: bool) -> String {
        let model = Video {
            air,
            title: "<Ann>",
            delay: Some(Delay::Safe),
            theme: Theme::Dark,
            begins: None,
            now: WallTime::from_unix_millis(0),
            rendition: Rendition::Sound,
            offer,
            starts_itself,
            rewind: None,
            behind: None,
        };
        let html = video::page(&model, "NONCE").into_string();
        let read = read(&html).unwrap_or_else(|flaw| panic!("{flaw}: {html}"));
        assert_eq!(read.nameless(), Vec::<String>::new());
        html
    }

    fn on_air() -> Air {
        let mut broadcast = Broadcast::new(
            Limits {
                keep: Duration::from_mins(1),
                keep_bytes: 1 << 20,
                max_lag: Duration::from_secs(10),
            },
            Duration::from_secs(8),
        );
        broadcast.begin(sample::audio_and_video_init(), None);
        let start = WallTime::from_unix_millis(0);
        broadcast.push(&sample::fragment(0, true), Tick::START, start);
        broadcast.air()
    }

    #[test]
    fn rates_are_said_with_two_digits() {
        let table = [
            (400, "about 0 kbit/s"),
            (7_600, "about 8 kbit/s"),
            (63_600, "about 64 kbit/s"),
            (583_400, "about 580 kbit/s"),
            (1_250_000, "about 1300 kbit/s"),
        ];
        for (rate, words) in table {
            assert_eq!(about(rate), words);
        }
        assert!(about(u64::MAX).starts_with("about "));
    }

    #[test]
    fn there_is_a_choice_unless_one_of_both_is_missing() {
        let links = |offer| choice_links(offer).into_string();

        assert!(links(Some(BOTH)).contains("Only the sound</a> (about 64 kbit/s)"));
        assert!(links(Some(BOTH)).contains("Picture and sound</a> (about 580 kbit/s)"));
        assert!(links(None).contains("/audio") && !links(None).contains("kbit"));
        for missing in [
            Offer {
                has_sound: false,
                ..BOTH
            },
            Offer {
                has_picture: false,
                ..BOTH
            },
        ] {
            assert_eq!(links(Some(missing)), "");
        }
    }

    #[test]
    fn the_frame_is_a_player_a_card_or_the_word_that_there_is_no_sound() {
        let html = frame(on_air(), Some(BOTH), true);
        assert!(
            html.contains("<audio src=\"/audio.mp4?delay=safe\" autoplay controls>"),
            "{html}"
        );
        assert!(html.contains("href=\"/video?picture=1\""), "{html}");
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
