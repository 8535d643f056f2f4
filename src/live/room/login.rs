//! The shared room as the login pages use it.

use super::{RoomHandle, fresh_token};
use crate::room::{
    desk::Seat,
    person::Role,
    refusal::Refusal,
    session::{Token, ViewerId},
};

impl RoomHandle {
    /// Whether the next attempt to log in needs a captcha.
    pub fn login_captcha_due(&self) -> bool {
        let (inner, now) = self.lock();
        inner.room.login_captcha_due(now)
    }

    /// Whether a password may be tried now. Comes before the expensive part: uses the form up, and
    /// the captcha if one is due.
    pub fn try_login(
        &self,
        viewer: ViewerId,
        nonce: &str,
        answer: Option<(u64, &str)>,
    ) -> Result<(), Refusal> {
        let (mut inner, now) = self.lock();
        inner.room.try_login(viewer, nonce, answer, now)
    }

    /// Whether a program may try a password now.
    pub fn try_program_login(&self) -> Result<(), Refusal> {
        let (mut inner, now) = self.lock();
        inner.room.try_program_login(now)
    }

    /// The password was wrong.
    pub fn login_failed(&self) {
        let (mut inner, now) = self.lock();
        inner.room.login_failed(now);
    }

    /// Gives somebody a seat at the desk who proved elsewhere that it is theirs; gives their new
    /// token.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give; so everywhere here.
    pub fn log_in(
        &self,
        viewer: ViewerId,
        role: Role,
        is_program: bool,
    ) -> Result<Token, getrandom::Error> {
        let token = fresh_token()?;
        let (mut inner, now) = self.lock();
        let seat = Seat {
            role,
            since: now,
            is_program,
        };
        inner.room.log_in(viewer, seat, &token);
        self.settle(&mut inner.room);
        Ok(token)
    }

    /// Takes a seat at the desk away.
    pub fn log_out(&self, viewer: ViewerId) {
        let (mut inner, _) = self.lock();
        inner.room.log_out(viewer);
        self.settle(&mut inner.room);
    }

    /// Takes away every seat that came by a password or a link, and closes all links.
    pub fn log_everybody_out(&self) {
        let (mut inner, _) = self.lock();
        inner.room.log_everybody_out();
        self.settle(&mut inner.room);
    }

    /// Opens a link that works once; gives what stands at its end.
    pub fn login_link(&self, role: Role) -> Result<Token, getrandom::Error> {
        let token = fresh_token()?;
        let (mut inner, now) = self.lock();
        inner.room.open_link(&token, role, now);
        Ok(token)
    }

    /// What a link is for; `None` if it does not work any more.
    pub fn link_role(&self, link: &str) -> Option<Role> {
        let (inner, now) = self.lock();
        inner.room.link_role(link, now)
    }

    /// Gives somebody the seat that a link is for, and their new token.
    pub fn use_link(
        &self,
        viewer: ViewerId,
        nonce: &str,
        link: &str,
    ) -> Result<Result<Token, Refusal>, getrandom::Error> {
        let token = fresh_token()?;
        let (mut inner, now) = self.lock();
        let used = inner.room.use_link(viewer, nonce, link, &token, now);
        self.settle(&mut inner.room);
        Ok(used.map(|_role| token))
    }
}
