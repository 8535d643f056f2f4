//! What a form for a person says about them and asks of them.

use std::sync::Arc;

use super::{
    challenge::Prompt,
    emote::EmoteTable,
    person::Identity,
    refusal::{CaptchaReason, Refusal},
};

/// The state of a form.
#[derive(Debug, Clone)]
pub struct FormState {
    /// How they look.
    pub identity: Identity,
    /// The number of the form; can be used once.
    pub nonce: String,
    /// Why a captcha is due, if one is.
    pub captcha_due: Option<CaptchaReason>,
    /// Why they cannot write now, whatever they type.
    pub hindrance: Option<Refusal>,
    /// The captcha they have open.
    pub challenge: Option<(u64, Prompt)>,
    /// Whether what they say is kept with a recording; `None` while nothing is.
    pub keeping: Option<bool>,
    /// Whether what they said before may stay with a recording; `None` if nothing was kept since the
    /// program began.
    pub kept: Option<bool>,
    /// The emotes there are.
    pub emotes: Arc<EmoteTable>,
}
