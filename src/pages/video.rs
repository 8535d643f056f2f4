//! The frame with the player, or the card that waits for a broadcast.

use std::time::Duration;

use maud::{Markup, html};

use super::{
    audio,
    document::{Document, style},
    show_name,
    time::{date, roughly, time_of_day},
};
use crate::{
    clock::WallTime,
    media::{
        broadcast::Air,
        delay::Delay,
        rendition::{Offer, Rendition},
    },
    room::theme::Theme,
};

pub(super) const CSS: &str = include_str!("../../assets/video.css");

/// How often the off-air card looks whether the broadcast has begun, in seconds.
///
/// The panel says it within moments; this only has to feel like "by itself".
const CARD_REFRESH_SECONDS: u32 = 4;

/// How long after its time a show is still said to begin any moment.
const LATE: Duration = Duration::from_mins(15);

/// What the frame knows.
#[derive(Debug, Clone, Copy)]
pub struct Video<'a> {
    /// On or off the air.
    pub air: Air,
    /// What the show is called; may be empty.
    pub title: &'a str,
    /// What the viewer asked for.
    pub delay: Option<Delay>,
    /// The viewer's colours of the pages.
    pub theme: Theme,
    /// When the show is to begin, if the broadcaster said so.
    pub begins: Option<WallTime>,
    /// The time of day.
    pub now: WallTime,
    /// Whether the picture is wanted.
    pub rendition: Rendition,
    /// What there is; `None` when off the air.
    pub offer: Option<Offer>,
    /// Whether the sound is to begin without a click.
    pub starts_itself: bool,
}

/// The player when on the air, else the card.
pub fn page(video: &Video<'_>, nonce: &str) -> Markup {
    match (video.air, video.rendition, video.offer) {
        (Air::On { has_video, .. }, Rendition::Full, _) => player(video, has_video, nonce),
        (Air::On { .. }, Rendition::Sound, Some(offer)) if offer.has_sound => {
            audio::player(video, offer, nonce)
        }
        (Air::On { .. }, Rendition::Sound, Some(_)) => audio::silence(video, nonce),
        (Air::Off, ..) | (_, Rendition::Sound, None) => card(video, nonce),
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

fn player(video: &Video<'_>, has_video: bool, nonce: &str) -> Markup {
    let class = if has_video {
        "player"
    } else {
        "player sound-only"
    };
    let document = Document {
        title: show_name(video.title),
        css: &[CSS],
        refresh: None,
        nonce,
        class,
        theme: video.theme,
    };
    let delay = video.delay;
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

fn card(video: &Video<'_>, nonce: &str) -> Markup {
    let title = show_name(video.title);
    let again = match video.rendition {
        Rendition::Full => player_address(video.delay),
        Rendition::Sound => audio::sound_address(video.delay, video.starts_itself),
    };
    let document = Document {
        title,
        css: &[CSS],
        refresh: Some(format!("{CARD_REFRESH_SECONDS};url={again}")),
        nonce,
        class: "off-air",
        theme: video.theme,
    };
    document.around(&html! {
        main {
            p class="state" { "Off air" }
            h1 { (title) }
            @if let Some(begins) = video.begins { (beginning(begins, video.now, nonce)) }
            p { "The player starts here by itself when the broadcast begins." }
        }
    })
}

/// When the show is to begin, and a clock that counts down to it.
fn beginning(begins: WallTime, now: WallTime, nonce: &str) -> Markup {
    let left = begins.since(now);
    html! {
        @if !left.is_zero() {
            (style(&countdown_css(left), nonce))
            p class={ "countdown" @if left >= DAY { " days" } } role="timer" aria-label={ "in " (roughly(left)) } {}
            p class="begins" {
                "Begins at " (time_of_day(begins))
                @if begins.days() != now.days() { " on " (date(begins)) }
            }
        } @else if now.since(begins) < LATE {
            p class="begins" { "It should begin any moment." }
        }
    }
}

const DAY: Duration = Duration::from_hours(24);

/// Lets the clock begin with this time.
///
/// The card is loaded anew every few seconds: whole seconds would make the clock jump, so the
/// animation begins with the next whole second and is that much ahead.
fn countdown_css(left: Duration) -> String {
    let seconds = left.as_millis().div_ceil(1_000);
    let ahead = seconds * 1_000 - left.as_millis();
    format!(
        "@keyframes left{{from{{--left:{seconds}}}to{{--left:0}}}}\
         .countdown{{animation:left {seconds}s -{ahead}ms linear both}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::reading::read;

    fn card_at(begins: &str, now: u64) -> String {
        let show = crate::room::show::Show {
            starts_at: begins.to_owned(),
            ..Default::default()
        };
        let video = Video {
            air: Air::Off,
            title: "<Ann>",
            delay: None,
            theme: Theme::Paper,
            begins: show.begins(),
            now: WallTime::from_unix_millis(now),
            rendition: Rendition::Full,
            offer: None,
            starts_itself: true,
        };
        let html = page(&video, "NONCE").into_string();
        read(&html).expect("well-formed");
        html
    }

    #[test]
    fn the_card_counts_down_to_the_beginning_and_no_further() {
        let minute = 60_000;
        let html = card_at("1970-01-01 01:00", 55 * minute - 250);
        assert!(html.contains("Begins at 01:00 UTC<"), "{html}");
        assert!(html.contains("in 5 minutes"), "{html}");
        // 300.25 s are left: the clock shows 301 for another quarter of a second.
        assert!(html.contains("left 301s -750ms linear"), "{html}");

        let html = card_at("1970-01-03 01:00", 0);
        assert!(
            html.contains("01:00 UTC on 1970-01-03") && html.contains("countdown days"),
            "{html}"
        );

        let html = card_at("1970-01-01 01:00", 61 * minute);
        assert!(
            html.contains("any moment") && !html.contains("<p class=\"countdown"),
            "{html}"
        );
        let html = card_at("1970-01-01 01:00", 90 * minute);
        assert!(!html.contains("any moment"), "{html}");
        assert!(!card_at("", 0).contains("egin at"), "nothing is said");
    }
}
