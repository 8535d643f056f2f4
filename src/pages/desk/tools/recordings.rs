//! Recordings: start, stop, keep the chat, hide, delete.

use maud::{Markup, html};

use super::{super::marked, Tool, number};
use crate::media::recording::{Recorder, Recording, Stage, clock, size};

/// What the page shows.
#[derive(Debug)]
pub struct RecordingsPage<'a> {
    /// How recording goes.
    pub recorder: &'a Recorder,
    /// All recordings, the newest first.
    pub recordings: &'a [Recording],
    /// Whether viewers see recordings at all.
    pub is_public: bool,
    /// Whether the chat is kept with what is recorded from now on.
    pub keeps_chat: bool,
    /// Whether viewers get the chats of the recordings that they see.
    pub is_chat_public: bool,
    /// After how many days they are deleted; 0 keeps them.
    pub keep_days: u64,
    /// The one that is about to be deleted.
    pub asked: Option<&'a Recording>,
}

const HERE: &str = "/broadcaster/recordings";

/// Recordings.
pub fn recordings(tool: Tool<'_>, page: &RecordingsPage<'_>, nonce: &str) -> Markup {
    let space = &page.recorder.space;
    tool.page(HERE, nonce, &html! {
        @if let Some(asked) = page.asked { (question(tool, asked)) }
        form method="post" action=(HERE) class="recorder" {
            (number(tool.nonce))
            (state(page.recorder))
            @if page.recorder.is_wanted {
                button type="submit" name="do" value="stop" { "Stop recording" }
            } @else {
                button type="submit" name="do" value="start" class="main" { "Record" }
            }
        }
        (chat(tool, page))
        @if let Some(problem) = &page.recorder.problem {
            p class="notice refused" { "The last recording ended: " (marked(problem)) "." }
        }
        @if let Some(shortage) = space.warning() {
            p class="notice refused" {
                @if space.shortage(1).is_some() { "No room to record: " } @else { "Soon there is no room to record: " }
                (marked(&shortage.to_string())) "."
            }
        }
        p {
            "Recordings take " b { (size(space.used)) } " of " (size(space.max))
            @if let Some(free) = space.free { "; the disk has " b { (size(free)) } " left" }
            "."
        }
        p class="quiet" {
            @if page.is_public {
                "Viewers find them at " code { "/recordings" } ", unless they are hidden. "
            } @else {
                "Viewers do not see them (" code { "public" } " in " code { "[recording]" } "). "
            }
            @match page.keep_days {
                0 => "They are kept until you delete them.",
                1 => "They are deleted after a day.",
                days => { "They are deleted after " (days) " days." }
            }
        }
        @if !page.recordings.is_empty() {
            h2 { "All of them" }
            form method="post" action=(HERE) {
                (number(tool.nonce))
                ul class="list takes" {
                    @for recording in page.recordings { li { (one(recording, page.is_public)) } }
                }
            }
        }
    })
}

/// Whether the chat is kept, with what that means for those who write.
fn chat(tool: Tool<'_>, page: &RecordingsPage<'_>) -> Markup {
    html! {
        form method="post" action=(HERE) class="recorder" {
            (number(tool.nonce))
            p {
                @match (page.keeps_chat, page.recorder.is_wanted) {
                    (true, true) => { b class="running" { "The chat is kept" } " with the recording; those who write are told." }
                    (true, false) => { b { "The chat will be kept" } " when you record; then those who write are told." }
                    (false, _) => { b { "The chat is not kept" } "." }
                }
            }
            @if page.keeps_chat {
                button type="submit" name="do" value="nochat" { "Do not keep the chat" }
            } @else {
                button type="submit" name="do" value="chat" { "Keep the chat, too" }
            }
        }
        p class="quiet" {
            "Kept are the times, names, tripcodes and words of what is said from then on, in a file beside each recording. The chat says so, and so does the field in which people write, where they can keep their lines out of it. Hidden lines are not in it, nor those of people who said no, had themselves forgotten or were blocked. Think of the people in it before you switch this on: such a file may be taken from you. "
            @if page.is_public && page.is_chat_public {
                "Viewers get the chats of the recordings that they see."
            } @else {
                "Viewers do not get them (" code { "chat_public" } " in " code { "[recording]" } ")."
            }
        }
    }
}

fn state(recorder: &Recorder) -> Markup {
    html! {
        p {
            @match (&recorder.running, recorder.is_wanted) {
                (Some((name, length, bytes)), _) => {
                    b class="running" { "Recording" } ": " (clock(*length)) ", " (size(*bytes)) ", in " code { (name.file()) }
                }
                (None, true) => { b { "Waiting" } ": recording begins when the show is on the air." }
                (None, false) => { b { "Not recording" } "." }
            }
        }
    }
}

/// One line of the list.
fn one(recording: &Recording, is_public: bool) -> Markup {
    let Recording { name, title, .. } = recording;
    let words = name.words();
    html! {
        span {
            @if recording.stage == Stage::Whole {
                a href={ "/recordings/" (name) } target="_blank" { (words) }
            } @else {
                (words)
            }
            @if !title.is_empty() { " " span class="what" { (title) } }
            br;
            span class="quiet" {
                @match recording.stage {
                    Stage::Running => "being recorded",
                    Stage::Unchecked => "being looked at after a crash",
                    Stage::Whole => (clock(recording.length)),
                }
                ", " (size(recording.bytes))
                @if recording.chat_bytes > 0 { ", with its chat (" (size(recording.chat_bytes)) ")" }
                @if is_public && recording.is_hidden { ", hidden from viewers" }
            }
        }
        span class="buttons" {
            @if recording.is_hidden {
                button type="submit" name="do" value={ "show-" (name) } aria-label={ "Show viewers the recording of " (words) } { "Show" }
            } @else {
                button type="submit" name="do" value={ "hide-" (name) } aria-label={ "Hide the recording of " (words) } { "Hide" }
            }
            @if recording.stage != Stage::Running {
                a class="button" href={ (HERE) "?delete=" (name) } aria-label={ "Delete the recording of " (words) } { "Delete…" }
            }
        }
    }
}

/// Deleting cannot be taken back, so it is asked for twice.
fn question(tool: Tool<'_>, recording: &Recording) -> Markup {
    let name = recording.name;
    html! {
        form method="post" action=(HERE) class="held" {
            (number(tool.nonce))
            p {
                "Delete the recording of " (name.words()) " (" (clock(recording.length)) ", " (size(recording.bytes)) ")"
                @if recording.chat_bytes > 0 { " and its chat" }
                " for good?"
            }
            span class="buttons" {
                button type="submit" name="do" value={ "delete-" (name) } class="grave" { "Delete it" }
                a class="button" href=(HERE) { "Keep it" }
            }
        }
    }
}
