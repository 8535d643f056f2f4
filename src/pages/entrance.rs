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

/// What became of the lines of somebody since the program began, when chats were kept with recordings.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// The chat is kept now; otherwise it was before.
    pub goes_on: bool,
    /// Whether they let their lines be kept.
    pub may_be_kept: bool,
}

/// What is kept about people, and the buttons that make it less. `keeping` is `None` if no chat was kept
/// with a recording.
pub fn privacy(
    form_nonce: Option<&str>,
    keeping: Option<Keeping>,
    theme: Theme,
    nonce: &str,
) -> Markup {
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
                li { "What you chose to watch or hear, and the colours of the pages: in memory, for as long as the session." }
                li { "While you watch or listen: how much was sent to you, and how far behind you are. That you did, and in which quality, for two minutes more, so that you find your place again when the broadcaster's connection is full. In memory; the broadcaster sees sums only." }
                li { "Your tripcode's password is not kept." }
            }
            p { "Nothing of this is written to a log, and nothing to disk, except:" }
            ul {
                li { "Of somebody who is muted, banned or blocked: the fingerprint of the cookie, the tripcode, how they looked, when that was and who did it. In a file until it ends, so that it outlasts a restart." }
                li { "The tripcodes of those whom the broadcaster makes moderators, or lets into a show for members." }
                li {
                    "What is said in the chat, if the broadcaster keeps it with a recording. Everybody reads that where they write. "
                    @match keeping {
                        Some(Keeping { goes_on: true, .. }) => { b { "Now the chat of this broadcast is being kept by the broadcaster" } ", see below." }
                        Some(_) => "It was kept before, and is not now; see below.",
                        None => "It was not since this site was started.",
                    }
                }
            }
            p { "The site does not know your address: you come through Tor. It loads nothing from anywhere else." }
            @if let (Some(keeping), Some(form_nonce)) = (keeping, form_nonce) { (kept(keeping, form_nonce)) }
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

/// That the chat is kept with the recording, and a way to keep out of it.
fn kept(keeping: Keeping, form_nonce: &str) -> Markup {
    html! {
        h2 id="kept" { @if keeping.goes_on { "The chat is being kept" } @else { "The chat was kept" } }
        p {
            @if keeping.goes_on {
                "While the show is recorded, what is said in the chat is written into a file beside the recording"
            } @else {
                "While the show was recorded, what was said in the chat was written into a file beside the recording"
            }
            ": when, under which name and tripcode, and what. The broadcaster has this file as long as they like, and may give it to others. Somebody without a name is “Anonymous” in it; tags, cookies and colours are not in it."
        }
        p {
            "Lines that are hidden are not in it, nor those of people who are blocked. What you take back goes from the file, too, as long as this site is not restarted and the recording is one of the last eight. It cannot be taken from copies that somebody has made."
        }
        form method="post" action="/privacy" {
            input type="hidden" name="nonce" value=(form_nonce);
            @if keeping.may_be_kept {
                button type="submit" class="main" name="keep" value="0" { "Do not keep my lines" }
                " takes those out that you wrote, and keeps those out that you will write."
            } @else {
                "Your lines are not kept. "
                button type="submit" name="keep" value="1" { "Keep them from now on" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::reading::read;

    #[test]
    fn who_is_kept_is_told_so_and_has_a_way_out() {
        let page = |keeping: Option<(bool, bool)>| {
            let keeping = keeping.map(|(goes_on, may_be_kept)| Keeping {
                goes_on,
                may_be_kept,
            });
            let html = privacy(Some("7"), keeping, Theme::Browser, "NONCE").into_string();
            let page = read(&html).unwrap_or_else(|flaw| panic!("{flaw}\n{html}"));
            assert_eq!(page.nameless(), Vec::<String>::new());
            let buttons: Vec<_> = page
                .all("button")
                .iter()
                .map(|one| one.text().to_owned())
                .collect();
            (html, buttons)
        };

        let (html, buttons) = page(None);
        assert_eq!(buttons, ["Forget me"]);
        assert!(
            html.contains("It was not since") && !html.contains("being kept"),
            "{html}"
        );
        let (html, buttons) = page(Some((true, true)));
        assert_eq!(buttons, ["Do not keep my lines", "Forget me"]);
        assert!(html.contains("is being kept by"), "{html}");
        let (html, buttons) = page(Some((true, false)));
        assert_eq!(buttons, ["Keep them from now on", "Forget me"]);
        assert!(html.contains("Your lines are not kept."), "{html}");

        // It is on the disk as before when keeping has ended.
        let (html, buttons) = page(Some((false, true)));
        assert_eq!(buttons, ["Do not keep my lines", "Forget me"]);
        assert!(
            html.contains("It was kept before") && !html.contains("being kept"),
            "{html}"
        );
    }
}
