//! A person at a browser, in the room: what they write, and what they see.
//!
//! Belongs here: what viewers do on the first page and in its frames. Does not belong here: the desk
//! (`desk.rs`), Firefox itself (`firefox.rs`).

use std::time::Duration;

use super::{
    firefox::{Firefox, Options},
    puzzle, watch,
};

/// The Enter key.
pub(crate) const ENTER: &str = "\u{e007}";
/// How long an answer of the program may take on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// A person at a browser.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) firefox: Firefox,
}

impl Person {
    /// Opens the first page.
    pub(crate) fn comes(options: Options, url: &str) -> Self {
        let firefox = Firefox::start(options);
        firefox.goto(url);
        Self { firefox }
    }

    /// Looks into a frame of the page.
    pub(crate) fn in_frame<T>(&self, css: &str, look: impl FnOnce(&Firefox) -> T) -> T {
        self.firefox.enter_frame(css);
        let seen = look(&self.firefox);
        self.firefox.leave_frames();
        seen
    }

    /// Types a message and presses Enter; solves a captcha in words if one is asked for.
    pub(crate) fn says(&self, text: &str) {
        self.in_frame("iframe.compose", |firefox| {
            firefox.wait_for("#message", SOON);
            // The last part of the page: everything before it has been read.
            firefox.wait_for(".appearance", SOON);
            if firefox.count("fieldset.captcha img") > 0 {
                firefox.click("button[value=question]");
                let question = asked(firefox, SOON);
                firefox.type_text("#answer", &puzzle::solve(&question));
            } else if firefox.count("fieldset.captcha") > 0 {
                let question = asked(firefox, SOON);
                firefox.type_text("#answer", &puzzle::solve(&question));
            }
            let nonce = firefox.attribute("input[name=nonce]", "value");
            if !text.is_empty() {
                // What was refused before is kept in the field: a person would delete it first.
                firefox.execute("document.querySelector('#message').value = ''");
            }
            firefox.type_text("#message", &format!("{text}{ENTER}"));
            let answered = watch(SOON, || {
                (firefox.attribute("input[name=nonce]", "value") != nonce).then_some(())
            });
            assert!(answered.is_some(), "nothing happened");
        });
    }

    /// What the compose frame says about what was done last.
    pub(crate) fn is_told(&self) -> String {
        self.in_frame("iframe.compose", |firefox| {
            firefox.text(".notice").unwrap_or_default()
        })
    }

    /// Waits until the compose frame says this.
    pub(crate) fn is_told_that(&self, words: &str) {
        self.in_frame("iframe.compose", |firefox| {
            firefox.wait_for_text(".notice", words, SOON);
        });
    }

    /// Waits for a line of the chat with this text.
    pub(crate) fn sees_line(&self, text: &str, allowed: Duration) {
        self.in_frame("iframe.live", |firefox| {
            let seen = watch(allowed, || {
                lines(firefox)
                    .iter()
                    .any(|line| line.contains(text))
                    .then_some(())
            });
            assert!(seen.is_some(), "no line with {text}: {:?}", lines(firefox));
        });
    }

    /// Waits until no line of the chat has this text any more.
    pub(crate) fn sees_no_line(&self, text: &str) {
        let gone = watch(SOON, || {
            let is_there = self.lines().iter().any(|line| line.contains(text));
            (!is_there).then_some(())
        });
        assert!(gone.is_some(), "{text} is still there: {:?}", self.lines());
    }

    /// Waits until the player plays, and gives its place.
    pub(crate) fn plays(&self) -> f64 {
        self.in_frame("iframe.video", |firefox| {
            firefox
                .wait_for_video(SOON, |video| video.current_time > 0.5 && !video.paused)
                .current_time
        })
    }

    /// Sets a tripcode, and gives it as everybody sees it.
    pub(crate) fn sets_tripcode(&self, password: &str) -> String {
        self.in_frame("iframe.compose", |firefox| {
            firefox.wait_for(".appearance", SOON);
            firefox.click(".appearance > summary");
            firefox.click("input[value=set]");
            firefox.type_text("#tripcode", &format!("{password}{ENTER}"));
            firefox.wait_for_text(".notice", "You are now", SOON);
            firefox.wait_for(".notice .tripcode", SOON)
        })
    }

    /// The lines of the chat that can be seen.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.in_frame("iframe.live", lines)
    }
}

/// Waits for a question in words.
pub(crate) fn asked(firefox: &Firefox, allowed: Duration) -> String {
    let question = watch(allowed, || {
        let label = firefox.text("label[for=answer]")?;
        label.ends_with(['.', '?']).then_some(label)
    });
    question.expect("a question in words")
}

/// The lines of the chat that can be seen.
pub(crate) fn lines(firefox: &Firefox) -> Vec<String> {
    let look = "return [...document.querySelectorAll('x-line')].filter(e => e.checkVisibility()).map(e => e.innerText)";
    let lines = firefox.execute(look);
    lines
        .as_array()
        .map(|lines| {
            lines
                .iter()
                .filter_map(|line| line.as_str().map(str::to_owned))
                .collect()
        })
        .unwrap_or_default()
}
