//! Keeping the chat with a recording: that everybody is told, and whose lines are not kept.
//!
//! Belongs here: whether a line may be kept. Does not belong here: keeping it ([`super::chat_log`]).
//!
//! A line may be kept if all of this holds: the broadcaster wants the chat to be kept; the form it
//! came from said so; and its author did not say no. So somebody who has had their form open since
//! before it was switched on is not kept by surprise.
//!
//! Lines are kept unless their author says no, not the other way round. It is a chat that everybody
//! present reads and can copy; the broadcaster cannot know more by it than by having been there. A
//! conversation of which only those are kept who looked for a switch misleads about the others, and
//! broadcasters who need it would copy the panel instead, which asks nobody. What makes it fair is
//! that everybody is told where they write, each time, that one click beside it is a no, and that the
//! no takes back what they said before it.

use std::sync::Arc;

use super::{
    Room, order::Effect, refusal::Refusal, session::ViewerId, transcript::Message,
    tripcode::Tripcode,
};
use crate::clock::{Tick, WallTime};

/// What the chat says when keeping begins.
const BEGINS: &str = "From now on the broadcaster keeps this chat together with the recording of the show. \
                      Where you write you can keep your lines out of it.";

/// What it says when it ends.
const ENDS: &str = "The chat is not kept any more from now on.";

impl Room {
    /// Whether what is said from now on is kept. Says so in the chat when it changes.
    pub fn keep_chat(&mut self, is_kept: bool, wall: WallTime) -> Option<Arc<Message>> {
        if std::mem::replace(&mut self.keeps_chat, is_kept) == is_kept {
            return None;
        }
        self.has_kept_chat |= is_kept;
        self.announce(if is_kept { BEGINS } else { ENDS }, wall)
    }

    /// Whether the lines of this person are kept; `None` while nobody's are.
    pub fn keeps_lines_of(&self, viewer: ViewerId) -> Option<bool> {
        let person = self.person(viewer)?;
        self.keeps_chat.then_some(person.may_be_kept)
    }

    /// Whether lines of this person may be kept that they write, or wrote; `None` if nobody's were
    /// since the program began. What was kept can be taken back when nothing is kept any more.
    pub fn may_keep_lines_of(&self, viewer: ViewerId) -> Option<bool> {
        let person = self.person(viewer)?;
        self.has_kept_chat.then_some(person.may_be_kept)
    }

    /// Remembers whether the lines of this person may be kept. A no also takes back those that were
    /// kept before; it holds as long as the session.
    ///
    /// # Errors
    ///
    /// [`Refusal::Form`] and [`Refusal::NoSession`].
    pub fn choose_keeping(
        &mut self,
        viewer: ViewerId,
        nonce: &str,
        may_be_kept: bool,
        now: Tick,
    ) -> Result<(), Refusal> {
        self.use_form(viewer, nonce, now)?;
        self.set_keeping(viewer, may_be_kept);
        Ok(())
    }

    pub(super) fn set_keeping(&mut self, viewer: ViewerId, may_be_kept: bool) {
        let Some(person) = self.sessions.person_mut(viewer) else {
            return;
        };
        person.may_be_kept = may_be_kept;
        if !may_be_kept {
            self.withdraw(viewer);
        }
    }

    /// Nothing that this person has said may be kept.
    pub(super) fn withdraw(&mut self, viewer: ViewerId) {
        if let Some(person) = self.person(viewer) {
            let author = person.identity.key;
            self.effects.push(Effect::Withdrawn(author));
        }
    }

    /// Nothing may be kept of those who show this tripcode.
    pub(super) fn withdraw_all_with(&mut self, tripcode: Tripcode) {
        let shown = self.sessions.iter();
        let theirs = shown.filter(|(_, person, _)| person.identity.tripcode == Some(tripcode));
        let withdrawn = theirs.map(|(_, person, _)| Effect::Withdrawn(person.identity.key));
        self.effects.extend(withdrawn);
    }
}
