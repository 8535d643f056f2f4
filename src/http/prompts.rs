//! Captchas for forms: from the pool of pictures, or questions in words.

use std::sync::Arc;

use crate::{
    captcha::{self, Captchas},
    http::problem::Problem,
    live::room::RoomHandle,
    room::{challenge::Prompt, session::ViewerId},
};

/// Where captchas come from.
#[derive(Clone)]
pub struct Prompts {
    /// Pictures made ahead of need.
    pub pictures: Arc<Captchas>,
    /// Whether questions in words are offered.
    pub questions: bool,
}

/// What kind of captcha somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// The one that is open, or a picture.
    Any,
    /// A new picture.
    Picture,
    /// A question in words.
    Question,
}

impl Prompts {
    /// A captcha for `viewer`; `None` when no picture is ready or they had too many.
    pub(super) fn prompt(
        &self,
        room: &RoomHandle,
        viewer: ViewerId,
        open: Option<(u64, Prompt)>,
        wish: Wish,
    ) -> Result<Option<(u64, Prompt)>, Problem> {
        if wish == Wish::Any && open.is_some() {
            return Ok(open);
        }
        let (prompt, answer) = if wish == Wish::Question && self.questions {
            let puzzle = captcha::fresh_puzzle().map_err(|error| {
                tracing::error!(%error, "no question could be made");
                Problem::OURS
            })?;
            (Prompt::Question(puzzle.question.into()), puzzle.answer)
        } else {
            let Some(picture) = self.pictures.take() else {
                return Ok(open);
            };
            (Prompt::Picture(picture.png.into()), picture.answer)
        };
        // Whoever had too many keeps the one that is open, if there is one.
        let id = room.challenge(viewer, prompt.clone(), answer)?;
        Ok(id.map(|id| (id, prompt)).or(open))
    }
}

/// The captcha's id and answer in a form, if both are there.
pub(super) fn answer<'a>(challenge: &str, answer: &'a str) -> Option<(u64, &'a str)> {
    let id = u64::from_str_radix(challenge, 16).ok()?;
    (!answer.is_empty()).then_some((id, answer))
}
