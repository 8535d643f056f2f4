//! The entrance: what stands before the site, and what the site keeps about people.
//!
//! One question at a time: a captcha, the viewing password, a tripcode of the secret club.

use maud::{Markup, html};

use super::{
    compose::{Notice, captcha, other_captchas},
    document::Document,
    marked, show_name,
};
use crate::room::{challenge::Prompt, theme::Theme};

const CSS: &str = include_str!("../../assets/entrance.css");

/// The page of the entrance.
#[derive(Debug)]
pub struct Entrance<'a> {
    /// What the show is called; may be empty.
    pub title: &'a str,
    /// The number of the form.
    pub nonce: &'a str,
    /// What is asked.
    pub ask: Ask,
    /// What happened to the last answer.
    pub notice: Option<&'a Notice>,
    /// Whether questions are offered in place of pictures.
    pub questions: bool,
}

/// What is asked before somebody comes in.
#[derive(Debug)]
pub enum Ask {
    /// A captcha; `None` when none is ready.
    Captcha(Option<(u64, Prompt)>),
    /// The viewing password.
    Password,
    /// The password of a tripcode of the secret club.
    Club,
}

/// The entrance.
pub fn page(entrance: &Entrance<'_>, nonce: &str) -> Markup {
    let title = show_name(entrance.title);
    // Without a captcha there is nothing to do but to wait for one.
    let refresh = matches!(entrance.ask, Ask::Captcha(None)).then(|| "20;url=/enter".to_owned());
    let document = Document {
        title,
        css: &[CSS],
        refresh,
        nonce,
        class: "entrance",
        theme: Theme::default(),
    };
    document.around(&html! {
        main {
            h1 { (title) }
            p {
                @match entrance.ask {
                    Ask::Captcha(_) => "One question before you come in. It keeps programs out, more or less.",
                    Ask::Password => "This show is for people who know its password.",
                    Ask::Club => "This show is for members. Your tripcode's password lets you in; it also shows your tripcode in the chat.",
                }
            }
            @match entrance.notice {
                Some(Notice::Refused(refusal)) => p class="notice refused" role="alert" { (marked(&refusal.to_string())) },
                Some(Notice::NoCaptcha) => p class="notice" role="alert" { "There is no picture for you just now; this page tries again by itself." },
                Some(Notice::NoTripcode(why)) => p class="notice refused" role="alert" { (marked(why)) },
                _ => {}
            }
            @match &entrance.ask {
                Ask::Captcha(Some((id, prompt))) => {
                    form method="post" action="/enter" autocomplete="off" {
                        input type="hidden" name="nonce" value=(entrance.nonce);
                        (captcha(*id, prompt, None))
                        button type="submit" class="main" { "Come in" }
                        (other_captchas(prompt, entrance.questions))
                    }
                }
                Ask::Captcha(None) => {}
                Ask::Password | Ask::Club => {
                    form method="post" action="/enter" autocomplete="off" {
                        input type="hidden" name="nonce" value=(entrance.nonce);
                        label for="password" {
                            @if matches!(entrance.ask, Ask::Password) { "Password" } @else { "Password of your tripcode" }
                        }
                        input type="password" id="password" name="password" required maxlength="1024" autofocus;
                        button type="submit" class="main" { "Come in" }
                    }
                }
            }
            p class="quiet" {
                "This needs a cookie, which is forgotten when you close the browser. "
                a href="/privacy" { "What is kept about me?" }
            }
        }
    })
}

/// What is kept about people, and the button that makes it less.
pub fn privacy(form_nonce: Option<&str>, theme: Theme, nonce: &str) -> Markup {
    let document = Document {
        title: "Privacy",
        css: &[CSS],
        refresh: None,
        nonce,
        class: "entrance",
        theme,
    };
    document.around(&html! {
        main class="words" {
            h1 { "What this site keeps about you" }
            ul {
                li { "A random number in a cookie, so that your browser is one person here. The site keeps only a fingerprint of it, in memory, until you were away for twelve hours." }
                li { "How you look: a random tag, and the name, colour and tripcode you choose. In memory, for as long as the session." }
                li { "What you say: in memory, until the site is restarted or newer messages push it out. Everybody can read it, and anybody can copy it." }
                li { "When you were last here, and whether a video or a panel of yours is open: in memory, to list who is watching." }
                li { "Your tripcode's password is not kept." }
            }
            p { "Nothing of this is written to disk or to a log, with one exception: of somebody whom the broadcaster bans, the fingerprint of the cookie, the tripcode, and how they looked are kept in a file until the ban ends, so that it outlasts a restart. The site does not know your address: you come through Tor. It loads nothing from anywhere else." }
            @if let Some(form_nonce) = form_nonce {
                form method="post" action="/privacy" {
                    input type="hidden" name="nonce" value=(form_nonce);
                    button type="submit" class="main" { "Forget me" }
                    " ends your session and takes what you said out of the chat."
                }
            }
            p { a href="/" { "To the first page" } }
        }
    })
}
