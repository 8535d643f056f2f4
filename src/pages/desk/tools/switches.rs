//! Shields, the door, word filters.

use maud::{Markup, html};

use super::{Tool, number};
use crate::room::shields::{ChatMode, Shield, Shields};

/// The shields.
pub fn shields(tool: Tool<'_>, shields: Shields, nonce: &str) -> Markup {
    tool.page("Shields", nonce, &html! {
        form method="post" action="/broadcaster/shields" class="alarm" {
            (number(tool.nonce))
            button type="submit" name="do" value="raid" class="main" { "Raid: shields up" }
            p class="quiet" { "Slow mode, a captcha for every message, no links. “All off” takes it back." }
            button type="submit" name="do" value="none" { "All off" }
        }
        form method="post" action="/broadcaster/shields" class="fields" {
            (number(tool.nonce))
            @for shield in Shield::ALL {
                label class="check" {
                    input type="checkbox" name=(shield.word()) value="on" checked[shields.is_on(shield)];
                    " " (sentence(shield.says()))
                }
            }
            fieldset {
                legend { "The chat" }
                @for mode in ChatMode::ALL {
                    label class="check" {
                        input type="radio" name="chat" value=(mode.word()) checked[shields.chat == mode];
                        @match mode {
                            ChatMode::Shown => " is beside the picture",
                            ChatMode::Hidden => " is hidden until a viewer asks for it",
                            ChatMode::Off => " is off",
                        }
                    }
                }
            }
            button type="submit" name="do" value="save" class="main" { "Save" }
        }
    })
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// Who may come in.
#[derive(Debug)]
pub struct DoorPage<'a> {
    /// Whether viewers need a password.
    pub has_password: bool,
    /// The members, one a line; `None` if everybody may come in.
    pub club: Option<&'a str>,
    /// What was typed and refused.
    pub typed_club: Option<&'a str>,
}

/// Who may come in.
pub fn door(tool: Tool<'_>, page: &DoorPage<'_>, nonce: &str) -> Markup {
    let members = page.typed_club.or(page.club).unwrap_or_default();
    tool.page("Who may come in", nonce, &html! {
        p {
            @match (page.has_password, page.club.is_some()) {
                (false, false) => "Everybody who has the address.",
                (true, false) => "Whoever knows the viewing password.",
                (false, true) => "Members of the secret club.",
                (true, true) => "Members of the secret club who know the viewing password.",
            }
            " Everybody else is shown the door within a second, also in the middle of a video."
        }
        form method="post" action="/broadcaster/door" class="fields" {
            (number(tool.nonce))
            h2 { "Viewing password" }
            label for="password" { @if page.has_password { "Another password" } @else { "Password" } " (at least 6 characters)" }
            input id="password" name="password" type="password" maxlength="1024" autocomplete="new-password";
            div class="buttons" {
                button type="submit" name="do" value="password" class="main" { "Set" }
                @if page.has_password { button type="submit" name="do" value="open" { "Take it away" } }
            }
        }
        form method="post" action="/broadcaster/door" class="fields" {
            (number(tool.nonce))
            h2 { "Secret club" }
            label for="club" { "Tripcodes of the members, one a line" }
            textarea id="club" name="club" rows="6" spellcheck="false" { "\n" (members) }
            div class="buttons" {
                button type="submit" name="do" value="club" class="main" { "Only for these" }
                @if page.club.is_some() { button type="submit" name="do" value="everybody" { "For everybody again" } }
            }
        }
    })
}

/// The word filters, one rule a line.
pub fn filters(tool: Tool<'_>, rules: &str, nonce: &str) -> Markup {
    tool.page("Words", nonce, &html! {
        form method="post" action="/broadcaster/filters" class="fields" {
            (number(tool.nonce))
            label for="rules" { "One rule a line; for messages and names" }
            textarea id="rules" name="rules" rows="12" spellcheck="false" { "\n" (rules) }
            button type="submit" class="main" { "Save" }
        }
        table {
            tr { td { code { "censor word" } } td { "dots in place of the word" } }
            tr { td { code { "block word" } } td { "the message is not taken" } }
            tr { td { code { "ban word" } } td { "the author is banned from the chat" } }
            tr { td { code { "block case Word" } } td { "capitals matter" } }
            tr { td { code { "censor /ab+c/i" } } td { "a regular expression; without " code { "i" } " capitals matter" } }
        }
    })
}
