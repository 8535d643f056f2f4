//! Shields, the door, word filters.

use maud::{Markup, html};

use super::{
    super::{super::marked, shield_name},
    Tool, number,
};
use crate::room::shields::{ChatMode, Shield, Shields};

/// The shields.
pub fn shields(tool: Tool<'_>, shields: Shields, nonce: &str) -> Markup {
    tool.page("/broadcaster/shields", nonce, &html! {
        form method="post" action="/broadcaster/shields" class="alarm" {
            (number(tool.nonce))
            div class="buttons" {
                button type="submit" name="do" value="raid" class="grave" { "Raid: press this" }
                button type="submit" name="do" value="none" { "All shields off" }
            }
            p class="quiet" { "In a raid: everybody waits longer, every message needs a captcha, links are off. What was said stays; hide it beside the chat." }
        }
        form method="post" action="/broadcaster/shields" class="fields" {
            (number(tool.nonce))
            // So that only what was touched is changed.
            input type="hidden" name="was" value=(shields.words());
            fieldset {
                legend { "Shields" }
                @for shield in Shield::ALL {
                    label class="check" {
                        input type="checkbox" name=(shield.word()) value="on" checked[shields.is_on(shield)];
                        span { b class="shield" { (shield_name(shield)) } ": " (shield.says()) }
                    }
                }
            }
            fieldset {
                legend { "The chat" }
                @for mode in ChatMode::ALL {
                    label class="check" {
                        input type="radio" name="chat" value=(mode.word()) checked[shields.chat == mode];
                        span {
                            b class="shield" { (mode.word()) } ": "
                            @match mode {
                                ChatMode::Shown => "beside the picture",
                                ChatMode::Hidden => "viewers get a link “Show the chat”",
                                ChatMode::Off => "nobody reads or writes; the picture goes on",
                            }
                        }
                    }
                }
            }
            button type="submit" name="do" value="save" class="main" { "Save" }
        }
    })
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
    tool.page("/broadcaster/door", nonce, &html! {
        p {
            "Now: "
            b {
                @match (page.has_password, page.club.is_some()) {
                    (false, false) => "everybody who has the address",
                    (true, false) => "whoever knows the viewing password",
                    (false, true) => "members of the secret club",
                    (true, true) => "members of the secret club who know the viewing password",
                }
            }
            "."
        }
        p class="quiet" { "When this changes, whoever may not be here any more is shown the door within a second, also in the middle of a video." }
        form method="post" action="/broadcaster/door" class="fields" autocomplete="off" {
            (number(tool.nonce))
            h2 { "Viewing password" }
            label for="password" { @if page.has_password { "Another password" } @else { "A password" } " (at least 6 characters)" }
            input id="password" name="password" type="password" maxlength="1024" autocomplete="new-password";
            div class="buttons" {
                button type="submit" name="do" value="password" class="main" { "Set the password" }
                @if page.has_password { button type="submit" name="do" value="open" { "Take the password away" } }
            }
        }
        form method="post" action="/broadcaster/door" class="fields" autocomplete="off" {
            (number(tool.nonce))
            h2 { "Secret club" }
            label for="club" { "Tripcodes of the members, one a line" }
            textarea id="club" name="club" rows="6" spellcheck="false" placeholder="abcd-efgh-jkmn-opqr" { "\n" (members) }
            div class="buttons" {
                button type="submit" name="do" value="club" class="main" { "Only for these" }
                @if page.club.is_some() { button type="submit" name="do" value="everybody" { "For everybody again" } }
            }
        }
    })
}

/// The word filters.
#[derive(Debug)]
pub struct FiltersPage<'a> {
    /// One rule a line, as it holds or as it was typed.
    pub rules: &'a str,
    /// Lines that are no rules, from 1, and why.
    pub mistakes: &'a [(usize, String)],
}

/// The word filters.
pub fn filters(tool: Tool<'_>, page: &FiltersPage<'_>, nonce: &str) -> Markup {
    let has_mistakes = !page.mistakes.is_empty();
    tool.page("/broadcaster/filters", nonce, &html! {
        form method="post" action="/broadcaster/filters" class="fields" autocomplete="off" {
            (number(tool.nonce))
            @if has_mistakes {
                ul id="mistakes" class="mistakes" {
                    @for (line, why) in page.mistakes { li { b { "Line " (line) } ": " (marked(why)) } }
                }
            }
            label for="rules" { "One rule a line; for messages and for names" }
            textarea id="rules" name="rules" rows="10" spellcheck="false" wrap="off"
                aria-invalid=[has_mistakes.then_some("true")] aria-describedby=[has_mistakes.then_some("mistakes")] { "\n" (page.rules) }
            button type="submit" class="main" { "Save" }
        }
        h2 { "How rules look" }
        dl class="rules" {
            div { dt { code { "censor word" } } dd { "dots in place of the word" } }
            div { dt { code { "block word" } } dd { "the message is not taken" } }
            div { dt { code { "ban word" } } dd { "not taken, and the author is banned from the chat" } }
            div { dt { code { "block case Word" } } dd { "capitals matter" } }
            div { dt { code { "censor /ab+c/i" } } dd { "a regular expression; without " code { "i" } " capitals matter" } }
        }
    })
}
