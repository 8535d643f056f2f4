//! The frame in which a viewer writes: message, captcha when due, name, colour, tripcode.
//!
//! Everything is one page that answers itself: what was typed is kept unless it was sent, and the
//! address it posts to ends in the id of the message field, so that typing goes on.

use std::borrow::Cow;

use data_encoding::BASE64;
use maud::{Markup, html};

use super::{chat, document::Document, marked};
use crate::room::{
    Reply,
    challenge::Prompt,
    form::FormState,
    person::{Identity, Role},
    refusal::Refusal,
    theme::Theme,
};

const CSS: &str = include_str!("../../assets/compose.css");

/// What a form says that shows the box for keeping lines ticked.
pub const TICKED: &str = "yes";

/// The same for one that shows it empty.
const EMPTY: &str = "no";

/// Emoji that the picker offers besides the emotes of the house.
const PICKED: [&str; 16] = [
    "smile",
    "joy",
    "wink",
    "thinking",
    "cry",
    "scream",
    "sunglasses",
    "tada",
    "heart",
    "fire",
    "+1",
    "-1",
    "wave",
    "clap",
    "eyes",
    "onion",
];

/// What is said to the person after what they did.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// It was not done.
    Refused(Refusal),
    /// No captcha could be made just now.
    NoCaptcha,
    /// No tripcode was made, and why, in the words of an error.
    NoTripcode(String),
    /// The answer to a command.
    Reply(Reply),
    /// The names of those who are here.
    Users(Vec<Identity>),
}

/// The page.
#[derive(Debug)]
pub struct Compose<'a> {
    /// The person and their form.
    pub form: &'a FormState,
    /// What they typed and did not send.
    pub text: &'a str,
    /// What happened to what they did last.
    pub notice: Option<&'a Notice>,
    /// Whether several lines can be typed.
    pub several_lines: bool,
    /// Whether the part with the name is open.
    pub dressing: bool,
    /// Whether the box is ticked that lets lines be kept, if that is not what is remembered.
    pub keeps: Option<bool>,
    /// Whether questions are offered in place of pictures.
    pub questions: bool,
    /// The colours of the page.
    pub theme: Theme,
}

/// The compose frame.
pub fn page(compose: &Compose<'_>, nonce: &str) -> Markup {
    let document = Document {
        title: "Write",
        css: &[CSS],
        refresh: None,
        nonce,
        class: "compose",
        theme: compose.theme,
    };
    let form = compose.form;
    document.around(&html! {
        main {
            @if let Some(notice) = compose.notice { (notice_line(notice)) }
            @if let Some(why) = &form.hindrance {
                @if !matches!(compose.notice, Some(Notice::Refused(refusal)) if refusal == why) {
                    p class="notice refused" role="status" { (marked(&why.to_string())) }
                }
                p { a href="/compose" { "Look again" } }
            }
            form hidden[form.hindrance.is_some()] method="post" action="/compose#message" autocomplete="off" {
                (hidden(compose))
                input type="hidden" name="kind" value="say";
                div class="row" {
                    label for="message" { "Message" }
                    @if compose.several_lines {
                        // A first line feed would be swallowed.
                        textarea id="message" name="text" rows="4" maxlength="512" accesskey="m" autofocus { "\n" (compose.text) }
                    } @else {
                        input id="message" name="text" type="text" placeholder="Say something" value=(compose.text) maxlength="512" accesskey="m" autofocus;
                    }
                    button type="submit" name="act" value="send" accesskey="p" { "Send" }
                }
                @if form.captcha_due.is_some() {
                    @if let Some((id, prompt)) = &form.challenge {
                        (captcha(*id, prompt, Some(&other_captchas(prompt, compose.questions))))
                    }
                }
                @if let Some(remembered) = form.keeping { (keeping(remembered, compose.keeps)) }
                div class="extras" {
                    button type="submit" name="act" value=(if compose.several_lines { "one" } else { "several" }) formnovalidate {
                        @if compose.several_lines { "One line" } @else { "Several lines" }
                    }
                    details class="picker" {
                        summary { "Emotes" }
                        div {
                            @for emote in form.emotes.iter() {
                                button type="submit" name="insert" value={ ":" (emote.name) ":" } formnovalidate {
                                    img src={ "/emote/" (emote.id) } alt=(emote.name) title={ ":" (emote.name) ":" } loading="lazy";
                                }
                            }
                            @for name in PICKED {
                                @if let Some(emoji) = emojis::get_by_shortcode(name) {
                                    button type="submit" name="insert" value={ ":" (name) ":" } title={ ":" (name) ":" } formnovalidate { (emoji.as_str()) }
                                }
                            }
                        }
                    }
                }
            }
            (appearance(compose))
        }
    })
}

/// That the chat is kept, and a way to keep out of it.
fn keeping(remembered: bool, ticked: Option<bool>) -> Markup {
    html! {
        p class="keeping" {
            input type="hidden" name="told" value=(if remembered { TICKED } else { EMPTY });
            span { "The broadcaster keeps this chat. " }
            label {
                input type="checkbox" name="keep" value="1" checked[ticked.unwrap_or(remembered)];
                " My lines, too"
            }
            " "
            a href="/privacy#kept" target="_top" { "What that means" }
        }
    }
}

/// What every form of the page carries.
fn hidden(compose: &Compose<'_>) -> Markup {
    html! {
        input type="hidden" name="nonce" value=(compose.form.nonce);
        @if compose.several_lines { input type="hidden" name="several" value="1"; }
    }
}

/// A captcha inside a form; `others` are the ways to another one, if they belong beside it.
pub(super) fn captcha(id: u64, prompt: &Prompt, others: Option<&Markup>) -> Markup {
    html! {
        fieldset class="captcha" {
            legend { "Are you a person?" }
            input type="hidden" name="challenge" value={ (format!("{id:016x}")) };
            @match prompt {
                Prompt::Picture(png) => {
                    img src={ "data:image/png;base64," (BASE64.encode(png)) } width="300" height="100" alt="Six letters or digits, drawn crookedly";
                    label for="answer" { "Letters in the picture" }
                }
                Prompt::Question(question) => label for="answer" { (question) },
            }
            input id="answer" name="answer" type="text" size="10" maxlength="40" autocapitalize="none" spellcheck="false" accesskey="a";
            @if let Some(others) = others { (others) }
        }
    }
}

/// Buttons that bring another captcha.
///
/// In a form they come after the button that sends it: the Enter key presses the first.
pub(super) fn other_captchas(prompt: &Prompt, questions: bool) -> Markup {
    html! {
        div class="others" {
            button type="submit" name="act" value="picture" formnovalidate { "Another picture" }
            @if questions && matches!(prompt, Prompt::Picture(_)) {
                " "
                button type="submit" name="act" value="question" formnovalidate { "A question instead" }
            }
        }
    }
}

fn appearance(compose: &Compose<'_>) -> Markup {
    let identity = &compose.form.identity;
    html! {
        details class="appearance" open[compose.dressing] {
            summary accesskey="x" { "You are " (chat::who(identity)) ": change" }
            form method="post" action="/compose" autocomplete="off" {
                (hidden(compose))
                input type="hidden" name="kind" value="dress";
                label for="name" { "Name" }
                input id="name" name="name" type="text" maxlength="48" value=(name(identity)) placeholder="Anonymous";
                label for="colour" { "Colour" }
                input id="colour" name="colour" type="text" maxlength="24" value=(identity.colour) list="colours";
                datalist id="colours" {
                    @for word in ["random", "tomato", "gold", "limegreen", "turquoise", "deepskyblue", "orchid", "hotpink"] {
                        option value=(word) {}
                    }
                }
                fieldset {
                    legend { "Tripcode: a badge that shows it is you again" }
                    label { input type="radio" name="tripcode_act" value="keep" checked; " keep" }
                    label { input type="radio" name="tripcode_act" value="set" accesskey="s"; " set" }
                    label { input type="radio" name="tripcode_act" value="clear" accesskey="c"; " clear" }
                    label for="tripcode" { "Password" }
                    input id="tripcode" name="tripcode" type="password" maxlength="1024" autocomplete="off";
                }
                button type="submit" { "Change" }
                a href="/privacy" target="_top" { "What is kept about me?" }
            }
            (themes(compose))
        }
    }
}

/// The colours of the pages: all of them are loaded anew, or at the desk this one alone.
fn themes(compose: &Compose<'_>) -> Markup {
    let is_viewer = compose.form.identity.role == Role::Viewer;
    html! {
        form method="post" action="/compose" target=[is_viewer.then_some("_top")] {
            (hidden(compose))
            input type="hidden" name="kind" value="theme";
            label for="theme" { "How the pages look" }
            div class="row" {
                select id="theme" name="theme" {
                    @for theme in Theme::ALL {
                        option value=(theme.word()) selected[theme == compose.theme] { (theme.says()) }
                    }
                }
                button type="submit" { "Change the pages" }
            }
        }
    }
}

fn name(identity: &Identity) -> &str {
    identity.name.as_ref().map_or("", |name| name.as_str())
}

fn notice_line(notice: &Notice) -> Markup {
    let said: Cow<'static, str> = match notice {
        Notice::Refused(refusal) => {
            return html! { p class="notice refused" role="alert" { (marked(&refusal.to_string())) } };
        }
        Notice::NoCaptcha => {
            return html! {
                p class="notice refused" role="alert" {
                    "There is no picture for you just now. "
                    a href="/compose" { "Look again" }
                    " in a minute."
                }
            };
        }
        Notice::NoTripcode(why) => format!("Nothing was changed: {why}.").into(),
        Notice::Users(people) => {
            return html! {
                div class="notice" role="status" {
                    @if people.is_empty() { "Nobody is listed." } @else {
                        ul { @for identity in people { li { (chat::who(identity)) } } }
                    }
                }
            };
        }
        Notice::Reply(reply) => {
            return html! { div class="notice" role="status" { (reply_words(reply)) } };
        }
    };
    html! { p class="notice refused" role="alert" { (marked(&said)) } }
}

fn reply_words(reply: &Reply) -> Markup {
    html! {
        @match reply {
            Reply::Help => {
                ul {
                    li { code { "/me" } " does something" }
                    li { code { "/name NEW" } " changes your name; without a name it is taken away" }
                    li { code { "/color WORD" } ", " code { "#rrggbb" } " or " code { "random" } " changes its colour" }
                    li { code { "/users" } " lists who is here" }
                    li { code { "/theme dark" } " changes your pages; " code { "/theme" } " lists the others" }
                    li { code { "//" } " begins a message with a slash; " code { ":tada:" } " is an emoji; " code { "@name" } " calls somebody" }
                }
            }
            Reply::Dressed(identity) => { "You are now " (chat::who(identity)) "." }
            Reply::Themed(theme) => { "Your pages are now " (theme.word()) ". Reload them to see it everywhere." }
            Reply::Themes => {
                "Themes: "
                @for theme in Theme::ALL { code { "/theme " (theme.word()) } " " }
            }
            Reply::Users => {}
            Reply::Unknown(word) => { "There is no command " code { "/" (word) } "; " code { "/help" } " lists them." }
        }
    }
}
