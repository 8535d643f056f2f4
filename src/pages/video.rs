//! The frame with the player, or the card that waits for a broadcast.

use std::time::Duration;

use maud::{Markup, html};

use super::{
    audio,
    choice::{Menu, choices},
    document::{Document, style},
    full, show_name,
    time::{about, date, roughly, time_of_day},
};
use crate::{
    clock::WallTime,
    media::{
        broadcast::Air,
        delay::Delay,
        timeline::rewind::Rewind,
        variant::{Quality, SOURCE},
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

const TWO_MINUTES: Duration = Duration::from_mins(2);

/// What the frame knows.
#[derive(Debug, Clone, Copy)]
pub struct Video<'a> {
    /// On or off the air.
    pub air: Air,
    /// What the show is called; may be empty.
    pub title: &'a str,
    /// What the viewer asked for.
    pub delay: Option<Delay>,
    /// Where they want to start, if not live.
    pub rewind: Option<Rewind>,
    /// How old the picture is that they get for it, if it is not live.
    pub behind: Option<Duration>,
    /// The viewer's colours of the pages.
    pub theme: Theme,
    /// When the show is to begin, if the broadcaster said so.
    pub begins: Option<WallTime>,
    /// The time of day.
    pub now: WallTime,
    /// What they get.
    pub quality: Quality,
    /// What there is.
    pub menu: Menu<'a>,
    /// Whether the sound is to begin without a click.
    pub starts_itself: bool,
    /// If there is no room for what they want: what there is room for.
    pub instead: Option<&'a [Quality]>,
}

/// The player when on the air, else the card.
pub fn page(video: &Video<'_>, nonce: &str) -> Markup {
    if let (Air::On { .. }, Some(instead)) = (video.air, video.instead) {
        return full::card(video, instead, nonce);
    }
    match (video.air, video.quality, video.menu.source) {
        (Air::On { .. }, Quality::Sound, Some(offer)) if offer.has_sound => {
            audio::player(video, offer, nonce)
        }
        (Air::On { .. }, Quality::Sound, Some(_)) => audio::silence(video, nonce),
        (Air::Off, ..) | (_, Quality::Sound, None) => card(video, nonce),
        (Air::On { has_video, .. }, Quality::Source, _) => player(video, has_video, nonce),
        (Air::On { .. }, Quality::Variant(name), _) => {
            let mut variants = video.menu.variants.iter();
            let offer = variants.find(|(other, _)| *other == name);
            player(
                video,
                offer.is_none_or(|(_, offer)| offer.has_picture),
                nonce,
            )
        }
    }
}

/// Where a quality with a picture is chosen.
pub(super) fn quality_address(quality: Quality, delay: Option<Delay>) -> String {
    let name = match &quality {
        Quality::Variant(name) => name.as_str(),
        Quality::Source | Quality::Sound => SOURCE,
    };
    let delay = delay.map_or(String::new(), |delay| format!("&delay={}", delay.word()));
    format!("/video?quality={name}{delay}")
}

/// Where the player is that starts there with this delay.
pub(super) fn player_address(delay: Option<Delay>, rewind: Option<Rewind>) -> String {
    address("/video", None, delay, rewind)
}

fn address(
    path: &str,
    quality: Option<Quality>,
    delay: Option<Delay>,
    rewind: Option<Rewind>,
) -> String {
    let quality = match &quality {
        Some(Quality::Variant(name)) => Some(format!("quality={name}")),
        _ => None,
    };
    let delay = delay.map(|delay| format!("delay={}", delay.word()));
    let rewind = rewind.map(Rewind::query);
    let query: Vec<_> = quality.into_iter().chain(delay).chain(rewind).collect();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", query.join("&"))
    }
}

/// Links that start the player further back.
pub(super) fn rewind_links(delay: Option<Delay>) -> Markup {
    html! {
        a href=(player_address(delay, Some(Rewind::Back(TWO_MINUTES)))) target="video" { "2 minutes back" }
        " "
        a href=(player_address(delay, Some(Rewind::Start))) target="video"
            title="Or as far back as is kept" { "from the start" }
    }
}

/// Links that start the player anew with each delay.
pub(super) fn delay_links(chosen: Option<Delay>) -> Markup {
    html! {
        @for delay in Delay::ALL {
            a href=(player_address(Some(delay), None)) target="video"
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
    // One path for all of them: NoScript's permission is for the path without the query.
    let source = address("/stream.mp4", Some(video.quality), delay, video.rewind);
    let live = player_address(delay, None);
    let again = player_address(delay, video.rewind);
    document.around(&html! {
        // Muted, because browsers refuse to start a player with sound by itself.
        video src=(source) autoplay muted controls playsinline {
            a href=(source) { "The stream, for a player" }
        }
        div class="notes" {
            p class="note paused" { "Paused or ended. " a href=(live) { "Go live" } }
            @if let Some(behind) = video.behind {
                p class="note behind" { "Started about " (about(behind)) " behind. " a href=(live) { "Go live" } }
            }
            p class="note muted" { "The sound is off: switch it on in the player." }
            p class="note help" {
                "No picture? At Tor Browser's Safest level, click the placeholder, then OK. "
                a href=(again) { "Try again" }
                " · "
                a href=(source) { "plain player" }
            }
            p class="note choices" { (choices(&video.menu.choices(Some(video.quality), delay))) }
            p class="note rewind" { "Watch " (rewind_links(delay)) }
        }
    })
}

/// Where a card becomes the player.
pub(super) fn again(video: &Video<'_>) -> String {
    match video.quality {
        Quality::Source | Quality::Variant(_) => player_address(video.delay, None),
        Quality::Sound => audio::sound_address(video.delay, video.starts_itself),
    }
}

fn card(video: &Video<'_>, nonce: &str) -> Markup {
    let title = show_name(video.title);
    let again = again(video);
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
pub(super) mod sample;

#[cfg(test)]
mod tests {
    use super::{
        sample::{frame, html, on_air},
        *,
    };

    fn card_at(begins: &str, now: u64) -> String {
        let show = crate::room::show::Show {
            starts_at: begins.to_owned(),
            ..Default::default()
        };
        html(&Video {
            begins: show.begins(),
            now: WallTime::from_unix_millis(now),
            ..frame(Air::Off)
        })
    }

    #[test]
    fn the_player_keeps_the_delay_wherever_it_starts_and_says_that_it_is_not_live() {
        let html = |rewind, behind| {
            html(&Video {
                rewind,
                behind,
                ..frame(on_air())
            })
        };
        let back = html(
            Some(Rewind::Back(TWO_MINUTES)),
            Some(Duration::from_secs(118)),
        );
        assert!(
            back.contains("src=\"/stream.mp4?delay=safe&amp;back=2m\""),
            "{back}"
        );
        assert!(back.contains("about 2 minutes behind"), "{back}");
        let go_live = "<a href=\"/video?delay=safe\">Go live</a>";
        assert_eq!(back.matches(go_live).count(), 2, "{back}");
        let again = "<a href=\"/video?delay=safe&amp;back=2m\">Try again</a>";
        assert!(back.contains(again), "{back}");

        let live = html(None, None);
        assert!(!live.contains("behind."), "{live}");
        assert!(
            live.contains("\"/video?delay=safe&amp;back=start\""),
            "{live}"
        );
        let segment = html(Some(Rewind::Segment(7)), None);
        assert!(
            segment.contains("/stream.mp4?delay=safe&amp;segment=7\""),
            "{segment}"
        );
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
