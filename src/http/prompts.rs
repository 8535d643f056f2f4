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
    /// A captcha for `viewer`; `None` when they had too many, or when no picture is ready and there
    /// are no questions.
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
        let picture = match wish {
            Wish::Question if self.questions => None,
            _ => self.pictures.take(),
        };
        let (prompt, answer) = match picture {
            Some(picture) => (Prompt::Picture(picture.png.into()), picture.answer),
            // Also when no picture is ready, as right after the start or in a crowd: whoever has
            // nothing to answer could not write.
            None if self.questions && (wish == Wish::Question || open.is_none()) => question()?,
            None => return Ok(open),
        };
        // Whoever had too many keeps the one that is open, if there is one.
        let id = room.challenge(viewer, prompt.clone(), answer)?;
        Ok(id.map(|id| (id, prompt)).or(open))
    }
}

fn question() -> Result<(Prompt, String), Problem> {
    let puzzle = captcha::fresh_puzzle().map_err(|error| {
        tracing::error!(%error, "no question could be made");
        Problem::OURS
    })?;
    Ok((Prompt::Question(puzzle.question.into()), puzzle.answer))
}

/// The captcha's id and answer in a form, if both are there.
pub(super) fn answer<'a>(challenge: &str, answer: &'a str) -> Option<(u64, &'a str)> {
    let id = u64::from_str_radix(challenge, 16).ok()?;
    (!answer.is_empty()).then_some((id, answer))
}
