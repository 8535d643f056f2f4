//! The way to the desk: the password, or a link that works once.

use maud::{Markup, html};

use super::{
    super::{
        compose::{captcha, other_captchas},
        document::Document,
    },
    Notice, notice, number,
};
use crate::room::{challenge::Prompt, person::Role, theme::Theme};

const CSS: &str = include_str!("../../../assets/entrance.css");

/// The login.
#[derive(Debug)]
pub struct Login<'a> {
    /// The number of the form.
    pub nonce: &'a str,
    /// A captcha, after some failures.
    pub challenge: Option<(u64, Prompt)>,
    /// Whether questions are offered in place of pictures.
    pub questions: bool,
    /// What came of the last attempt.
    pub notice: Option<&'a Notice>,
    /// The colours of the page.
    pub theme: Theme,
}

fn around(title: &str, theme: Theme, nonce: &str, body: &Markup) -> Markup {
    let document = Document {
        title,
        css: &[CSS],
        refresh: None,
        nonce,
        class: "entrance",
        theme,
    };
    document.around(&html! { main { h1 { (title) } (body) } })
}

/// The form with the password.
pub fn page(login: &Login<'_>, nonce: &str) -> Markup {
    around(
        "The desk",
        login.theme,
        nonce,
        &html! {
            p { "For the broadcaster of this show." }
            (notice(login.notice))
            form method="post" action="/broadcaster/login" {
                (number(login.nonce))
                label for="password" { "Password" }
                input type="password" id="password" name="password" required maxlength="1024" autocomplete="current-password" autofocus;
                @if let Some((id, prompt)) = &login.challenge { (captcha(*id, prompt, None)) }
                button type="submit" name="act" value="enter" class="main" { "Log in" }
                @if let Some((_, prompt)) = &login.challenge { (other_captchas(prompt, login.questions)) }
            }
            p class="quiet" {
                "The password was shown at the first start. At the computer of the show, "
                code { "onionstream login-link" } " prints a link that works without it, and "
                code { "onionstream password" } " sets another one."
            }
            p { a href="/" { "To the first page" } }
        },
    )
}

/// The page at the end of a link: nothing happens before the button is pressed, so that whatever
/// looks at links ahead of people does not use them up.
pub fn link(link: &str, role: Role, form_nonce: &str, theme: Theme, nonce: &str) -> Markup {
    around(
        "The desk",
        theme,
        nonce,
        &html! {
            p {
                @if role == Role::Broadcaster { "This link logs you in as the broadcaster. It works once." }
                @else { "This link makes you a moderator of this show, for up to 12 hours. It works once." }
            }
            form method="post" action={ "/broadcaster/in/" (link) } {
                (number(form_nonce))
                button type="submit" class="main" { "Log in" }
            }
        },
    )
}
