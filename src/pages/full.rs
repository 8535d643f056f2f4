//! The card of those for whom the broadcaster's connection has no room now.

use maud::{Markup, html};

use super::{
    choice::choices,
    document::Document,
    show_name,
    video::{CSS, Video, again},
};
use crate::media::variant::Quality;

/// The card looks again after this time and up to [`SPREAD`] more, in seconds: soon enough to feel
/// like waiting for a place, and not everybody at once.
const REFRESH_SECONDS: u32 = 20;

/// See [`REFRESH_SECONDS`].
const SPREAD: u32 = 10;

/// Says why there is no picture, and leads to what there is room for.
pub(super) fn card(video: &Video<'_>, instead: &[Quality], nonce: &str) -> Markup {
    let title = show_name(video.title);
    let again = again(video);
    // The nonce is as good as thrown dice.
    let dice: u32 = nonce.bytes().map(u32::from).sum();
    let seconds = REFRESH_SECONDS + dice % (SPREAD + 1);
    let document = Document {
        title,
        css: &[CSS],
        refresh: Some(format!("{seconds};url={again}")),
        nonce,
        class: "off-air full",
        theme: video.theme,
    };
    let mut list = video.menu.choices(None, video.delay);
    list.retain(|choice| instead.contains(&choice.quality));
    let only_sound = list.iter().all(|choice| choice.quality == Quality::Sound);
    document.around(&html! {
        main {
            p class="state" { "Full" }
            h1 { (title) }
            p {
                "The broadcaster's connection is full at the moment"
                span class="why" { ": one more picture would make it stall for everybody" }
                "."
            }
            @if !list.is_empty() {
                p class="instead" {
                    @if only_sound { "You can listen: " } @else { "You can have less: " }
                    (choices(&list))
                }
            }
            p {
                span class="why" { "The player starts here by itself when there is room. " }
                a href=(again) { "Try again" }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::{broadcast::Air, rendition::Offer, variant::VariantName},
        pages::{
            choice::Menu,
            video::sample::{self, BOTH, on_air},
        },
    };

    fn card(air: Air, quality: Quality, instead: Option<&[Quality]>) -> String {
        let low = Offer {
            full: Some(198_000),
            ..BOTH
        };
        sample::html(&Video {
            quality,
            menu: Menu {
                source: Some(BOTH),
                variants: &[(VariantName::LOW, low)],
            },
            instead,
            ..sample::frame(air)
        })
    }

    #[test]
    fn whoever_is_turned_away_is_told_why_and_what_there_is_room_for() {
        let low = Quality::Variant(VariantName::LOW);
        let html = card(on_air(), Quality::Source, Some(&[low, Quality::Sound]));
        for part in [
            "connection is full at the moment",
            "You can have less: ",
            ">low</a>: about 200 kbit/s",
            ">Only the sound</a>: about 64 kbit/s",
            ";url=/video?delay=safe\"",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(
            !html.contains("Picture and sound") && !html.contains("<video"),
            "{html}"
        );

        let html = card(on_air(), Quality::Source, Some(&[Quality::Sound]));
        assert!(html.contains("You can listen: <span"), "{html}");

        let html = card(on_air(), Quality::Sound, Some(&[]));
        assert!(
            html.contains("<a href=\"/audio?delay=safe\">Try again</a>"),
            "{html}"
        );
        assert!(!html.contains("You can"), "{html}");
    }

    #[test]
    fn it_looks_again_after_twenty_to_thirty_seconds() {
        let html = card(on_air(), Quality::Source, Some(&[]));
        let (before, _) = html.split_once(";url=").unwrap();
        let (_, seconds) = before.rsplit_once('"').unwrap();
        assert!(
            (20..=30).contains(&seconds.parse::<u32>().unwrap()),
            "{seconds}"
        );
    }

    #[test]
    fn off_the_air_and_with_room_there_is_no_such_card() {
        let off = card(Air::Off, Quality::Source, Some(&[]));
        assert!(off.contains("Off air") && !off.contains("full at"), "{off}");
        assert!(card(on_air(), Quality::Source, None).contains("<video"));
    }
}
