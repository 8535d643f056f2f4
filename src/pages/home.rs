//! The first page: finite, with the player and the live panel in frames.
//!
//! Only two of a browser's six connections stay open: the video and the panel.

use maud::{Markup, html};

use super::{
    choice::{Menu, choices},
    document::Document,
    show_name,
    video::{delay_links, rewind_links},
    watching_words,
};
use crate::{
    media::{broadcast::Air, rendition::Offer, variant::Quality},
    room::{shields::ChatMode, show::Show, theme::Theme},
};

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
    /// What there is to watch and to hear.
    pub menu: Menu<'a>,
    /// What the viewer chose last.
    pub quality: Quality,
    /// The viewer's colours of the pages.
    pub theme: Theme,
    /// What the broadcaster decided about the chat.
    pub chat: ChatMode,
    /// What the viewer decided, if anything.
    pub wants_chat: Option<bool>,
    /// The words of the show.
    pub show: &'a Show,
    /// Its description, made into elements; may be empty.
    pub about: &'a Markup,
    /// Whether there are earlier shows to see.
    pub has_recordings: bool,
}

impl Home<'_> {
    fn shows_chat(&self) -> bool {
        match self.chat {
            ChatMode::Off => false,
            ChatMode::Shown => self.wants_chat.unwrap_or(true),
            ChatMode::Hidden => self.wants_chat.unwrap_or(false),
        }
    }
}

/// The page.
pub fn page(home: &Home<'_>, nonce: &str) -> Markup {
    let title = show_name(home.title);
    let shows_chat = home.shows_chat();
    let has_about = !home.about.0.is_empty();
    let document = Document {
        title,
        css: &[CSS],
        refresh: None,
        nonce,
        class: match (shows_chat, has_about) {
            (true, false) => "home",
            (true, true) => "home told",
            (false, false) => "home brief",
            (false, true) => "home brief told",
        },
        theme: home.theme,
    };
    let player = match home.quality {
        // Nobody has clicked yet.
        Quality::Sound if home.menu.source.is_none_or(|offer| offer.has_sound) => "/audio?start=0",
        Quality::Source | Quality::Variant(_) | Quality::Sound => "/video",
    };
    document.around(&html! {
        (text_only(home))
        main {
            iframe class="video" name="video" src=(player) title="Video player" allow="autoplay; fullscreen" {}
            @if shows_chat {
                iframe class="live" name="live" src="/live" title="Live panel: title, on or off air, people, chat" {}
                iframe class="compose" name="compose" src="/compose" title="Write: message, name, colour, tripcode" {}
            } @else {
                iframe class="live" name="live" src="/live?chat=0" title="Live panel: title, on or off air, people" {}
            }
        }
        footer {
            nav aria-label="Player" {
                span { "Start " }
                (delay_links(None))
                (rewind_links(None))
                // Which one they have changes in the frame, so it is marked there.
                (choices(&home.menu.choices(None, None)))
            }
            nav aria-label="More" {
                @if has_about { a href="#about" { "About this show" } " " }
                @match (home.chat, shows_chat) {
                    (ChatMode::Off, _) => { span { "The chat is off" } " " }
                    (_, true) => {
                        a href="/live" target="live" { "Reload the chat" }
                        " "
                        a href="/?chat=0" { "Without the chat" }
                        " "
                    }
                    (_, false) => { a href="/?chat=1" { "Show the chat" } " " }
                }
                a href="/stream.mp4" { "Only the stream" }
                " "
                a href="/master.m3u8" { "Playlist" }
                " "
                @if home.has_recordings { a href="/recordings" { "Recordings" } " " }
                a href="/privacy" { "Privacy" }
                (links(home.show))
            }
        }
        @if has_about {
            section id="about" class="about" aria-label="About this show" {
                h2 { (title) }
                (home.about)
            }
        }
    })
}

/// For browsers that show no frames, such as lynx and w3m.
fn text_only(home: &Home<'_>) -> Markup {
    html! {
        div class="text-only" {
            h1 { (show_name(home.title)) }
            p {
                @match home.air {
                    Air::On { .. } => { "On air; " (watching_words(home.watching)) "." }
                    Air::Off => { "Off air." }
                }
            }
            ul {
                li { a href="/stream.mp4" { "The stream, for a player" } }
                @if home.menu.source.is_some_and(Offer::is_choice) {
                    li { a href="/audio.mp4" { "The sound alone, for a player" } }
                }
                @for (name, _) in home.menu.variants {
                    li { a href={ "/quality/" (name) "/stream.mp4" } { (name) ", for a player" } }
                }
                li { a href="/stream.m3u8" { "The stream as a playlist" } }
                li { a href="/master.m3u8" { "All qualities as a playlist" } }
                li { a href="/live?static=1" { "What is going on, and the chat" } }
                @if home.has_recordings { li { a href="/recordings" { "Recordings of earlier shows" } } }
                @if home.chat != ChatMode::Off { li { a href="/compose" { "Write something" } } }
            }
        }
    }
}

/// The broadcaster's own links. `me` lets the server of the profile see that both are one person's.
fn links(show: &Show) -> Markup {
    html! {
        @if !show.link_text.is_empty() {
            " " a href=(show.link_address) rel="noreferrer" target="_blank" { (show.link_text) }
        }
        @if let Some(host) = host(&show.profile) {
            " " a href=(show.profile) rel="me noreferrer" target="_blank" { "Profile at " (host) }
        }
    }
}

fn host(address: &str) -> Option<&str> {
    let (_scheme, rest) = address.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::{description, reading::read};

    fn frames(chat: ChatMode, wants_chat: Option<bool>) -> Vec<String> {
        let show = Show {
            description: "We **peel** onions.".into(),
            link_text: "Tips & tea".into(),
            link_address: "http://example.onion/?a&b".into(),
            profile: "https://social.example/@ann".into(),
            ..Show::default()
        };
        let home = Home {
            title: "<Onions>",
            air: Air::Off,
            watching: 2,
            menu: Menu {
                source: None,
                variants: &[],
            },
            quality: Quality::Source,
            theme: Theme::Contrast,
            chat,
            wants_chat,
            show: &show,
            about: &description::markup(&show.description),
            has_recordings: true,
        };
        let html = page(&home, "NONCE").into_string();
        let read = read(&html).unwrap_or_else(|flaw| panic!("{flaw}: {html}"));
        assert_eq!(read.nameless(), Vec::<String>::new());
        assert!(html.contains("<strong>peel</strong>"), "{html}");
        assert!(html.contains("rel=\"me noreferrer\""), "{html}");
        assert!(html.contains("Profile at social.example<"), "{html}");
        let frames = read.all("iframe").into_iter();
        frames
            .filter_map(|frame| Some(frame.attribute("src")?.to_owned()))
            .collect()
    }

    #[test]
    fn the_chat_is_there_unless_one_of_both_sides_does_not_want_it() {
        let all = ["/video", "/live", "/compose"];
        let brief = ["/video", "/live?chat=0"];
        for wish in [None, Some(true)] {
            assert_eq!(frames(ChatMode::Shown, wish), all);
            assert_eq!(frames(ChatMode::Off, wish), brief);
        }
        assert_eq!(frames(ChatMode::Shown, Some(false)), brief);
        assert_eq!(frames(ChatMode::Hidden, None), brief);
        assert_eq!(frames(ChatMode::Hidden, Some(true)), all);
    }

    #[test]
    fn a_show_without_words_has_no_empty_parts() {
        let home = Home {
            title: "",
            air: Air::Off,
            watching: 0,
            menu: Menu {
                source: None,
                variants: &[],
            },
            quality: Quality::Sound,
            theme: Theme::Browser,
            chat: ChatMode::Shown,
            wants_chat: None,
            show: &Show::default(),
            about: &description::markup(""),
            has_recordings: false,
        };

        let html = page(&home, "NONCE").into_string();

        assert!(
            !html.contains("#about") && !html.contains("<section") && !html.contains("/recordings"),
            "{html}"
        );
        assert!(!html.contains("rel=\"me"), "{html}");
        assert!(html.contains("src=\"/audio?start=0\""), "as last time");
    }
}
