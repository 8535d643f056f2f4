//! Earlier shows: the list, and the page of one.

use maud::{Markup, html};

use super::{document::Document, show_name};
use crate::{
    media::recording::{Recording, chapters::Chapter, chat::export::Format, clock, size},
    room::theme::Theme,
};

const CSS: &str = include_str!("../../assets/recordings.css");

fn document<'a>(title: &'a str, theme: Theme, nonce: &'a str) -> Document<'a> {
    Document {
        title,
        css: &[CSS],
        refresh: None,
        nonce,
        class: "recordings",
        theme,
    }
}

/// The recordings that somebody may play, the newest first; and whether they may have the chats.
pub fn list(recordings: &[Recording], with_chats: bool, theme: Theme, nonce: &str) -> Markup {
    document("Recordings", theme, nonce).around(&html! {
        main {
            h1 { "Recordings" }
            @if recordings.is_empty() {
                p { "There are none." }
            }
            ol {
                @for recording in recordings {
                    li {
                        div {
                            h2 { a href={ "/recordings/" (recording.name) } { (show_name(&recording.title)) } }
                            (facts(recording))
                        }
                        p class="ways" {
                            a href={ "/recordings/" (recording.name) } aria-label={ "Play " (recording.name.words()) } { "Play" }
                            (download(recording))
                            @if with_chats && recording.chat_bytes > 0 { (chat_link(recording, Format::Text, "Chat")) }
                        }
                    }
                }
            }
            p { a href="/" { "To the first page" } }
        }
    })
}

/// One recording with a player that starts `from` there, and with its chat if they may have it.
pub fn one(
    recording: &Recording,
    from: Option<Chapter>,
    with_chat: bool,
    theme: Theme,
    nonce: &str,
) -> Markup {
    let name = recording.name;
    let title = show_name(&recording.title);
    let chapters = recording.chapters.all();
    let seconds = from.map(|from| from.start().as_secs());
    let with_chat = with_chat && recording.chat_bytes > 0;
    document(title, theme, nonce).around(&html! {
        main {
            h1 { (title) }
            (facts(recording))
            @let source = match seconds {
                Some(seconds) => format!("/recordings/{}?from={seconds}", name.file()),
                None => format!("/recordings/{}", name.file()),
            };
            video controls preload="metadata" src=(source) {
                @if with_chat {
                    track kind="captions" label="Chat" srclang="und" src={ "/recordings/" (name) "/" (Format::WebVtt.file()) @if let Some(seconds) = seconds { "?from=" (seconds) } };
                }
            }
            @if let Some(from) = from {
                p class="from" { "This begins at " b { (clock(from.start())) } " of the recording." }
            }
            @if chapters.len() > 1 {
                nav aria-label="Start at" {
                    span { "Start at" }
                    @for chapter in chapters {
                        @let start = chapter.start().as_secs();
                        " "
                        a href={ "/recordings/" (name) @if start > 0 { "?from=" (start) } }
                            aria-current=[(seconds.unwrap_or_default() == start).then_some("true")] { (clock(chapter.start())) }
                    }
                }
            }
            @if with_chat {
                p class="ways" {
                    span class="quiet" { "The chat as" }
                    @for format in Format::ALL { (chat_link(recording, format, format.words())) }
                }
            }
            p class="ways" {
                (download(recording))
                a href="/recordings" { "All recordings" }
                a href="/" { "To the first page" }
            }
            p class="quiet" {
                "If the player stays empty, click where the picture should be, then OK. To go to another place through Tor, the times above are faster than the bar of the player."
                @if with_chat { " Its button CC shows the chat in the picture." }
            }
        }
    })
}

fn facts(recording: &Recording) -> Markup {
    html! {
        p class="facts" {
            time { (recording.name.words()) }
            span { (clock(recording.length)) }
            span { (size(recording.bytes)) }
            @if recording.is_hidden { span class="hidden" { "hidden from viewers" } }
        }
    }
}

fn chat_link(recording: &Recording, format: Format, words: &str) -> Markup {
    let (name, file) = (recording.name, format.file());
    let label = format!("{words} of {}", name.words());
    html! {
        " " a href={ "/recordings/" (name) "/" (file) } download={ (name) "." (file) } aria-label=(label) { (words) } " "
    }
}

fn download(recording: &Recording) -> Markup {
    let file = recording.name.file();
    html! {
        " " a href={ "/recordings/" (file) } download=(file) aria-label={ "Download " (recording.name.words()) } { "Download" } " "
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        media::recording::{RecordingName, Stage, chapters::Chapters},
        pages::reading::{Element, read},
    };

    fn recording() -> Recording {
        let mut chapters = Chapters::default();
        for second in 0..200 {
            chapters.push(Duration::from_secs(second), second * 10);
        }
        Recording {
            name: RecordingName::parse("2026-11-21_2000-2").unwrap(),
            title: "</h2><script>\"&".to_owned(),
            began: None,
            length: Duration::from_secs(200),
            bytes: 5 << 20,
            chat_bytes: 700,
            chapters,
            is_hidden: false,
            stage: Stage::Whole,
        }
    }

    #[test]
    fn a_recording_is_listed_with_its_facts_and_two_ways_to_it() {
        let html = list(&[recording()], false, Theme::Browser, "NONCE").into_string();

        let page = read(&html).unwrap_or_else(|flaw| panic!("{flaw}\n{html}"));
        assert_eq!(page.nameless(), Vec::<String>::new());
        let links: Vec<_> = page.all("a").into_iter().collect();
        let to: Vec<_> = links.iter().filter_map(|a| a.attribute("href")).collect();
        let one = "/recordings/2026-11-21_2000-2";
        assert_eq!(to, [one, one, "/recordings/2026-11-21_2000-2.mp4", "/"]);
        for fact in ["2026-11-21 20:00 UTC", "3:20", "5 MiB"] {
            assert!(html.contains(fact), "{fact}: {html}");
        }
        assert!(!html.contains("<video"));
        let none = list(&[], true, Theme::Browser, "NONCE").into_string();
        assert!(none.contains("There are none."), "{none}");
    }

    #[test]
    fn the_player_starts_where_the_link_says() {
        let recording = recording();
        let from = recording.chapters.before(Duration::from_secs(130));

        let html = one(&recording, from, false, Theme::Browser, "NONCE").into_string();

        let page = read(&html).unwrap_or_else(|flaw| panic!("{flaw}\n{html}"));
        assert_eq!(page.nameless(), Vec::<String>::new());
        let video = page.all("video")[0].attribute("src");
        assert_eq!(video, Some("/recordings/2026-11-21_2000-2.mp4?from=120"));
        let links = page.all("a").into_iter();
        let here: Vec<_> = links
            .filter(|a| a.attribute("aria-current").is_some())
            .map(Element::text)
            .collect();
        assert_eq!(here, ["2:00"]);
        let whole = one(&recording, None, false, Theme::Browser, "NONCE").into_string();
        assert!(whole.contains("src=\"/recordings/2026-11-21_2000-2.mp4\""));
    }

    #[test]
    fn the_chat_is_offered_to_those_who_may_have_it_if_there_is_one() {
        let recording = recording();
        let from = recording.chapters.before(Duration::from_secs(130));
        let links = |html: &str| -> Vec<String> {
            let page = read(html).unwrap_or_else(|flaw| panic!("{flaw}\n{html}"));
            assert_eq!(page.nameless(), Vec::<String>::new());
            let to = page.all("a").into_iter().chain(page.all("track"));
            to.filter_map(|one| one.attribute("href").or(one.attribute("src")))
                .filter(|to| to.contains("/chat."))
                .map(str::to_owned)
                .collect()
        };
        let here = "/recordings/2026-11-21_2000-2";

        let with = one(&recording, from, true, Theme::Browser, "NONCE").into_string();
        assert_eq!(
            links(&with),
            [
                format!("{here}/chat.txt"),
                format!("{here}/chat.vtt"),
                format!("{here}/chat.json"),
                format!("{here}/chat.vtt?from=120"),
            ]
        );
        let listed = list(
            std::slice::from_ref(&recording),
            true,
            Theme::Browser,
            "NONCE",
        );
        assert_eq!(links(&listed.into_string()), [format!("{here}/chat.txt")]);
        let without = Recording {
            chat_bytes: 0,
            ..recording.clone()
        };
        for (recording, with_chat) in [(&recording, false), (&without, true)] {
            let html = one(recording, from, with_chat, Theme::Browser, "NONCE");
            assert_eq!(links(&html.into_string()), Vec::<String>::new());
        }
    }
}
