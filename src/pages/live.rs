//! The live panel: one endless document that is current without JavaScript.
//!
//! Its first element has a declarative shadow root with named slots. Everything that arrives later
//! is a child of that element and goes to the slot it names; of each kind only the newest is
//! shown. A heartbeat restarts the animation that would otherwise show "connection lost".

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use maud::{Markup, html};

use super::{
    chat,
    document::{self, Document},
    show_name,
    time::{about, roughly, time_of_day},
    video::player_address,
    watching_words,
};
use crate::{
    clock::Tick,
    media::{broadcast::Air, delay::Delay, timeline::RunId},
    room::{
        panel::{Line, Piece, Update, Values},
        shields::ChatMode,
        tag::PublicKey,
        theme::Theme,
    },
};

/// Styles of the children of the panel.
pub(super) const CSS: &str = include_str!("../../assets/live.css");
/// Styles inside the shadow root.
const FRAME_CSS: &str = include_str!("../../assets/live-frame.css");
/// Styles of the finite forms.
const STATIC_CSS: &str = include_str!("../../assets/live-static.css");

/// Styles of the endless form without the chat, inside the shadow root.
const BRIEF_CSS: &str = ".scroll{display:none}:host{overflow-y:auto}header{border:0}";

/// Where the endless document is.
const FOLLOW: &str = "/live?follow=1";

/// Where it is without the chat.
const FOLLOW_BRIEF: &str = "/live?follow=1&chat=0";

/// Where somebody who lost the connection begins again.
const AGAIN: &str = "/live";

/// Seconds from the end of an endless document, for whatever reason, to the next one.
const REOPEN_SECONDS: u32 = 3;

/// Seconds that the first, finite document stays: it must have finished loading before it goes on,
/// or the tab never stops loading and the Stop button ends the video with the panel.
const FIRST_SECONDS: u32 = 2;

/// Lines of the chat in the first, finite document.
const FIRST_LINES: usize = 8;

/// What a finite panel does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// Becomes the endless one.
    Follow,
    /// Loads itself again after this time.
    Static(Duration),
}

/// How far the picture of the one is behind whose panel it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lag {
    /// So much, if it is worth saying.
    pub behind: Option<Duration>,
    /// The delay they chose.
    pub choice: Option<Delay>,
}

/// Whose panel it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reader {
    /// Their public id, to mark what is theirs; guests have none.
    pub key: Option<PublicKey>,
    /// Their colours of the pages.
    pub theme: Theme,
    /// Only what stands above the chat.
    pub without_chat: bool,
}

impl Reader {
    fn follow(self) -> &'static str {
        if self.without_chat {
            FOLLOW_BRIEF
        } else {
            FOLLOW
        }
    }
}

/// The finite panel.
pub fn page(
    values: &Values,
    reader: Reader,
    (refresh, lag): (Refresh, Lag),
    now: Tick,
    nonce: &str,
) -> Markup {
    let next = match refresh {
        Refresh::Follow => format!("{FIRST_SECONDS};url={}", reader.follow()),
        Refresh::Static(after) => format!("{};url=/live?static=1#end", after.as_secs().max(1)),
    };
    // The first form is seen for two seconds and cannot be at its own end: the newest lines must do.
    let shown = match refresh {
        _ if reader.without_chat => 0,
        Refresh::Follow => FIRST_LINES,
        Refresh::Static(_) => usize::MAX,
    };
    let document = Document {
        title: "Live panel",
        css: &[CSS, STATIC_CSS],
        refresh: Some(next),
        nonce,
        class: "static",
        theme: reader.theme,
    };
    document.around(&html! {
        main {
            (document::style(&styles(values, reader), nonce))
            header {
                h1 { (show_name(values.title.as_str())) }
                @if !values.announcement.is_empty() { p class="announcement" { (values.announcement) } }
                @match values.air {
                    Air::On { since, uptime, .. } => {
                        p { b class="air on" { "On air" } " for " (roughly(uptime.at(now))) " (since " (time_of_day(since)) ")" }
                    }
                    Air::Off => p { b class="air off" { "Off air" } },
                }
                p { (watching_words(values.watching)) }
                @if lag.behind.is_some() { p class="behind" { (lag_words(lag)) } }
                @if refresh == Refresh::Follow {
                    p class="other" { a href="/live?static=1#end" { "Stay with this simple form" } }
                }
            }
            div class="lines" role="log" {
                @for line in shown_lines(values).skip(shown_lines(values).count().saturating_sub(shown)) {
                    (document::rendered(&line.html))
                }
            }
            div class="people" id="end" { (document::rendered(&values.people)) }
        }
    })
}

/// The beginning of the endless panel, with everything as it is now. Never closed.
///
/// One allocation and one copy of what was rendered before: this is sent to everybody who comes.
pub fn document(values: &Values, reader: Reader, now: Tick, nonce: &str) -> Bytes {
    let document = Document {
        title: "Live panel",
        css: &[CSS],
        // Does nothing until the response ends, for whatever reason.
        refresh: Some(format!("{REOPEN_SECONDS};url={}", reader.follow())),
        nonce,
        class: "live",
        theme: reader.theme,
    };
    let start = html! {
        (document.open())
        template shadowrootmode="open" {
            (document::style(FRAME_CSS, nonce))
            @if reader.without_chat { (document::style(BRIEF_CSS, nonce)) }
            header {
                h1 { slot name="title" {} }
                p class="state" {
                    slot name="air" {}
                    slot name="uptime" {}
                    slot name="watching" {}
                }
                slot name="announcement" {}
                details { summary { "People" } slot name="people" {} }
            }
            div role="status" { slot name="notice" {} slot name="lag" {} }
            // The outer box is turned over, so that it stays at the newest line; the inner one is
            // not, so that lines, wheel and reading place are as everywhere.
            div class="scroll" tabindex="0" { div role="log" aria-label="Chat" { slot {} } }
            slot name="beat" {}
        }
        (document::style(&styles(values, reader), nonce))
        (head(values, now, AGAIN, nonce))
        @if values.chat == ChatMode::Off { (document::style(chat::mode(values.chat), nonce)) }
    }
    .into_string();
    let lines: usize = shown_lines(values).map(|line| line.html.len()).sum();
    let mut bytes = BytesMut::with_capacity(start.len() + values.people.len() + lines);
    bytes.extend_from_slice(start.as_bytes());
    bytes.extend_from_slice(&values.people);
    for line in shown_lines(values) {
        bytes.extend_from_slice(&line.html);
    }
    bytes.freeze()
}

/// What stands above the chat, as it is now. `again` is where a lost connection is taken up.
pub(super) fn head(values: &Values, now: Tick, again: &str, nonce: &str) -> Markup {
    html! {
        (title(values.title.as_str()))
        (air(values.air))
        @if let Some(css) = uptime_css(values.air, now) { (document::style(&css, nonce)) }
        (watching(values.watching))
        (announcement(&values.announcement))
        (beat(again))
    }
}

/// The lines that everybody may see.
fn shown_lines(values: &Values) -> impl DoubleEndedIterator<Item = &Line> {
    let is_off = values.chat == ChatMode::Off;
    values
        .lines
        .iter()
        .filter(move |line| !line.is_hidden && !is_off)
}

/// The colours of people, and the marks of what is the reader's own.
pub(super) fn styles(values: &Values, reader: Reader) -> String {
    let mut css = String::new();
    for looks in values.styles.values() {
        css.push_str(looks);
    }
    if let Some(key) = reader.key {
        css.push_str(&chat::mine(key));
    }
    css
}

/// What open panels get for a change: the same bytes for everybody.
pub fn pieces(update: &Update, now: Tick) -> Vec<Piece> {
    match update {
        Update::Title(text) => vec![shared(title(text.as_str()))],
        Update::Watching(count) => vec![shared(watching(*count))],
        Update::Heartbeat => vec![shared(beat(AGAIN))],
        Update::Said(message) => vec![shared(chat::line(message))],
        Update::Hidden(ids) if ids.is_empty() => Vec::new(),
        Update::Withdrawn(_) => Vec::new(),
        Update::Removed(ids) if ids.is_empty() => Vec::new(),
        Update::Shown(ids) if ids.is_empty() => Vec::new(),
        Update::Hidden(ids) | Update::Removed(ids) => vec![Piece::Css(chat::hidden(ids).into())],
        Update::Shown(ids) => vec![Piece::Css(chat::shown(ids).into())],
        Update::Announcement(words) => vec![shared(announcement(words))],
        Update::Chat(mode) => vec![Piece::Css(chat::mode(*mode).into())],
        Update::Looks(identity) => vec![Piece::Css(chat::looks(identity).into())],
        Update::People(people) => {
            vec![shared(
                html! { x-people slot="people" { (chat::people(people)) } },
            )]
        }
        Update::Air(state) => {
            let mut pieces = Vec::with_capacity(3);
            // Before the element it is for, so that the clock never shows a wrong time.
            pieces.extend(uptime_css(*state, now).map(|css| Piece::Css(css.into())));
            pieces.push(shared(air(*state)));
            pieces.push(shared(notice(*state)));
            pieces
        }
    }
}

/// A style sheet in the course of the document.
pub fn styled(css: &str, nonce: &str) -> Bytes {
    document::style(css, nonce).into_string().into()
}

fn shared(markup: Markup) -> Piece {
    Piece::Html(markup.into_string().into())
}

fn title(text: &str) -> Markup {
    html! { x-title slot="title" { (show_name(text)) } }
}

/// What the broadcaster pinned above the chat.
fn announcement(words: &str) -> Markup {
    html! {
        x-announcement slot="announcement" class=[words.is_empty().then_some("none")] { (words) }
    }
}

fn watching(count: usize) -> Markup {
    html! { x-watching slot="watching" { (watching_words(count)) } }
}

fn air(state: Air) -> Markup {
    html! {
        @match state {
            Air::On { run, since, .. } => {
                x-air slot="air" class="on" { "On air" }
                x-uptime slot="uptime" id=(uptime_id(run)) title={ "since " (time_of_day(since)) } {}
            }
            Air::Off => {
                x-air slot="air" class="off" { "Off air" }
                x-uptime slot="uptime" class="off" {}
            }
        }
    }
}

/// Tells people who have the page open what to do; newcomers do not get it.
fn notice(state: Air) -> Markup {
    html! {
        x-notice slot="notice" {
            @match state {
                Air::On { .. } => {
                    "The broadcast has begun. If the picture does not move: "
                    a href="/video" target="video" { "start the player" }
                }
                Air::Off => {
                    "The broadcast has ended. When the next one begins, this says so."
                }
            }
        }
    }
}

/// While these keep coming, the animation that would show its text starts over and over.
pub(super) fn beat(again: &str) -> Markup {
    html! {
        x-beat slot="beat" {
            "The connection is lost. " a href=(again) { "Reconnect" }
        }
    }
}

/// How far behind the viewer's own picture is: nobody else's panel gets this.
pub fn lag(lag: Lag) -> Bytes {
    let markup = html! {
        x-lag slot="lag" class=[lag.behind.is_none().then_some("none")] { (lag_words(lag)) }
    };
    markup.into_string().into()
}

fn lag_words(lag: Lag) -> Markup {
    html! {
        @if let Some(behind) = lag.behind {
            "Your picture is about " (about(behind)) " behind: "
            a href=(player_address(lag.choice, None)) target="video" { "go live" }
        }
    }
}

fn uptime_id(run: RunId) -> String {
    format!("run-{}", run.number())
}

/// Lets the clock of this run count from the time it has been on the air.
///
/// A style of its own for each response, because the policy allows no `style` attributes.
fn uptime_css(state: Air, now: Tick) -> Option<String> {
    let Air::On { run, uptime, .. } = state else {
        return None;
    };
    let seconds = uptime.at(now).as_secs();
    Some(format!(
        "#{}{{animation-delay:-{seconds}s}}",
        uptime_id(run)
    ))
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::Arc};

    use super::*;
    use crate::room::title::Title;

    #[test]
    fn markup_in_a_title_is_shown_as_text() {
        let update = Update::Title(Title::parse("<script>&\"".as_bytes()).unwrap());

        let pieces = pieces(&update, Tick::START);

        let html = "<x-title slot=\"title\">&lt;script&gt;&amp;&quot;</x-title>";
        assert_eq!(pieces, [Piece::Html(html.into())]);
    }

    #[test]
    fn the_endless_document_is_never_closed() {
        let values = Values {
            title: Title::default(),
            air: Air::Off,
            watching: 2,
            lines: VecDeque::new(),
            people: Bytes::new(),
            list: Arc::default(),
            announcement: Arc::default(),
            chat: ChatMode::Shown,
            styles: Arc::default(),
        };

        let html = document(&values, Reader::default(), Tick::START, "NONCE");
        let html = String::from_utf8(html.to_vec()).unwrap();

        assert!(html.contains("2 people are watching"));
        assert!(html.ends_with("</x-beat>"), "{html}");
        assert!(!html.contains("</main>") && !html.contains("</body>"));
    }
}
