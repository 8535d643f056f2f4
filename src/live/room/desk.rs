//! The shared room as the desk, the door, the terminal and programs use it.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use tokio::sync::watch;

use super::{RoomHandle, fresh, fresh_token};
use crate::{
    live::feed::Cursor,
    room::{
        access::ViewingPassword,
        desk::{DeskView, Seat},
        kept::{Kept, KeptError},
        order::{Actor, Done, Order},
        panel::Update,
        people::People,
        person::Role,
        refusal::Refusal,
        sanction::{Sanction, SanctionKind},
        session::{Token, ViewerId},
        shields::Shields,
        show::Show,
        status::AuditLine,
        tag::PublicKey,
        transcript::{Message, MessageId, Speaker},
    },
};

impl RoomHandle {
    /// What a viewer may do now.
    pub fn role(&self, viewer: ViewerId) -> Role {
        let wall = self.shared.clock.wall();
        self.lock().0.room.standing(viewer, wall)
    }

    /// The session of the person with this public id.
    pub fn viewer(&self, key: PublicKey) -> Option<ViewerId> {
        self.lock().0.room.viewer(key)
    }

    /// Who is called so: a name, or a tag with its `#`.
    pub fn named(&self, handle: &str) -> Option<PublicKey> {
        self.lock().0.room.named(handle)
    }

    /// The sanction that holds for somebody.
    pub fn sanction(&self, viewer: ViewerId) -> Option<Sanction> {
        let wall = self.shared.clock.wall();
        self.lock().0.room.sanction(viewer, wall).cloned()
    }

    /// Of those who are listed, whoever a sanction holds for, with the heaviest one.
    pub fn sanctioned(&self, people: &People) -> BTreeMap<PublicKey, SanctionKind> {
        let wall = self.shared.clock.wall();
        self.lock().0.room.sanctioned(people, wall)
    }

    /// Every sanction about somebody, oldest first.
    pub fn sanctions_of(&self, viewer: ViewerId) -> Vec<Sanction> {
        self.lock().0.room.sanctions_of(viewer)
    }

    /// Carries out an order, with everything that follows from it.
    pub fn order(&self, actor: Actor, order: Order) -> Result<Done, Refusal> {
        let (mut inner, _) = self.lock();
        let wall = self.shared.clock.wall();
        let done = inner.room.order(actor, order, wall);
        self.settle(&mut inner.room);
        done
    }

    /// Uses a form's number up, then carries out an order of this person.
    pub fn order_by_form(
        &self,
        viewer: ViewerId,
        nonce: &str,
        order: Order,
    ) -> Result<Done, Refusal> {
        let (mut inner, now) = self.lock();
        inner.room.use_form(viewer, nonce, now)?;
        let wall = self.shared.clock.wall();
        let done = inner.room.order(Actor::Person(viewer), order, wall);
        self.settle(&mut inner.room);
        done
    }

    /// Notes in the audit list what somebody did outside the room; nothing takes it back there.
    pub fn note(&self, actor: Actor, what: String) {
        let (mut inner, _) = self.lock();
        let wall = self.shared.clock.wall();
        inner.room.note(actor, what, wall);
    }

    /// Uses a form's number up, for forms that do more than one order.
    pub fn use_form(&self, viewer: ViewerId, nonce: &str) -> Result<(), Refusal> {
        let (mut inner, now) = self.lock();
        inner.room.use_form(viewer, nonce, now)
    }

    /// A number for the forms of an endless page; good as long as its bearer is open. The room
    /// keeps it like any other form's, but using it does not use it up.
    pub fn bearer(&self, viewer: ViewerId) -> Result<Option<String>, getrandom::Error> {
        let random = u64::from_be_bytes(fresh()?);
        let (mut inner, now) = self.lock();
        Ok(inner.room.bearer(viewer, random, now))
    }

    /// Whether this is the number of an endless page that this person opened.
    pub fn is_bearer(&self, viewer: ViewerId, nonce: &str) -> bool {
        let (inner, now) = self.lock();
        inner.room.is_bearer(viewer, nonce, now)
    }

    /// Everything that the desk's pages show.
    pub fn desk(&self) -> DeskView {
        let (inner, now) = self.lock();
        inner.room.desk_view(now)
    }

    /// The newest entries of the audit list, at most `count`, newest first.
    pub fn audit(&self, count: usize) -> Vec<AuditLine> {
        let (inner, _) = self.lock();
        let entries = inner.room.audit().rev().take(count);
        entries.map(AuditLine::from).collect()
    }

    /// A viewer's place at the desk, if they logged in.
    pub fn seat(&self, viewer: ViewerId) -> Option<Seat> {
        self.lock().0.room.person(viewer)?.seat
    }

    /// The switches.
    pub fn shields(&self) -> Shields {
        self.lock().0.room.shields()
    }

    /// Description, announcement and the like.
    pub fn show(&self) -> Arc<Show> {
        Arc::clone(self.lock().0.room.show())
    }

    /// The viewing password and its number, if there is one.
    pub fn viewing_password(&self) -> Option<(ViewingPassword, u64)> {
        let (inner, _) = self.lock();
        let access = inner.room.access();
        Some((access.password()?.clone(), access.password_number()))
    }

    /// Uses a form's number up, and counts a guess at a password. Comes before the expensive part.
    pub fn may_guess(&self, viewer: ViewerId, nonce: &str) -> Result<(), Refusal> {
        let (mut inner, now) = self.lock();
        inner.room.may_guess(viewer, nonce, now)
    }

    /// Lets somebody in who knew the viewing password with this number; gives their new token.
    pub fn knows_password(&self, viewer: ViewerId, number: u64) -> Result<Token, getrandom::Error> {
        let token = fresh_token()?;
        let (mut inner, _) = self.lock();
        inner.room.knows_password(viewer, number, &token);
        self.settle(&mut inner.room);
        Ok(token)
    }

    /// Says something in the broadcaster's name, from the terminal or a program.
    pub fn proclaim(&self, words: &str) -> Result<Arc<Message>, Refusal> {
        let (mut inner, _) = self.lock();
        let message = inner.room.proclaim(words, self.shared.clock.wall())?;
        if let Speaker::Person(identity) = &message.speaker {
            self.introduce(identity);
        }
        self.shared
            .panel
            .publish(&Update::Said(Arc::clone(&message)));
        Ok(message)
    }

    /// The newest messages that can be seen, at most `count`, oldest first.
    pub fn messages(&self, count: usize) -> Vec<Arc<Message>> {
        let (inner, _) = self.lock();
        let mut newest: Vec<_> = inner.room.messages().rev().take(count).cloned().collect();
        newest.reverse();
        newest
    }

    /// The message with this number, and whether it is hidden.
    pub fn message(&self, id: MessageId) -> Option<(Arc<Message>, bool)> {
        let (inner, _) = self.lock();
        let (message, is_hidden) = inner.room.message(id)?;
        Some((Arc::clone(message), is_hidden))
    }

    /// What survives a restart, whenever it changes.
    pub fn kept(&self) -> watch::Receiver<Arc<Kept>> {
        self.shared.kept.subscribe()
    }

    /// Notes that this is on the disk now.
    pub fn note_saved(&self, kept: Arc<Kept>) {
        // Replaced whole.
        *self
            .shared
            .saved
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = kept;
    }

    /// What is on the disk, as far as the room knows; ask before the file is read again.
    pub fn saved(&self) -> Arc<Kept> {
        Arc::clone(
            &self
                .shared
                .saved
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Whether everything that is kept is on the disk.
    pub fn is_saved(&self) -> bool {
        Arc::ptr_eq(&self.shared.kept.borrow(), &self.saved())
    }

    /// Takes over what was kept; `saved` is [`RoomHandle::saved`] from before it was read. Answers
    /// `false`, and the room is as it was, if something was decided that is not in the file yet: it
    /// would be lost.
    ///
    /// # Errors
    ///
    /// What is wrong with it; the room is as it was.
    pub fn restore(&self, kept: &Kept, saved: &Arc<Kept>) -> Result<bool, KeptError> {
        let (mut inner, _) = self.lock();
        // Under the lock, where it changes.
        if !Arc::ptr_eq(&self.shared.kept.borrow(), saved) {
            return Ok(false);
        }
        inner.room.restore(kept, self.shared.clock.wall())?;
        self.settle(&mut inner.room);
        Ok(true)
    }

    /// Every change from now on as a value, for programs.
    pub fn events(&self) -> Cursor<Update> {
        self.shared.panel.updates()
    }
}
