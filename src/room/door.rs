//! The door: what stands between somebody and the site, and the ways through it.

use std::collections::BTreeMap;

use super::{
    Room,
    access::Door,
    order::Effect,
    people::People,
    person::{Identity, Person},
    refusal::Refusal,
    sanction::{Sanction, SanctionKind},
    session::{Token, ViewerId, digest},
    tag::PublicKey,
};
use crate::clock::{Tick, WallTime};

impl Room {
    /// What stands between the site and whoever has this token. `is_near` is somebody on this
    /// computer, who is spared the captcha.
    pub fn door(
        &mut self,
        token: Option<&str>,
        is_near: bool,
        now: Tick,
        wall: WallTime,
    ) -> (Option<ViewerId>, Door) {
        let viewer = token.and_then(|token| self.recognise(token, now));
        if viewer.is_none()
            && let Some(token) = token
            && let Some(sanction) = self.desk.sanctions.of_token(&digest(token), wall)
            && sanction.kind == SanctionKind::Block
        {
            let until = sanction.until;
            return (None, Door::Blocked { until });
        }
        (viewer, self.door_of(viewer, is_near, wall))
    }

    /// What stands between the site and somebody.
    pub fn door_of(&self, viewer: Option<ViewerId>, is_near: bool, wall: WallTime) -> Door {
        let person = viewer.and_then(|viewer| self.person(viewer));
        if person.is_some_and(Person::is_staff) {
            return Door::In;
        }
        if let Some(viewer) = viewer
            && let Some(sanction) = self.sanction(viewer, wall)
            && sanction.kind == SanctionKind::Block
        {
            let until = sanction.until;
            return Door::Blocked { until };
        }
        let access = &self.desk.access;
        if self.limits.captcha_at_entrance
            && !is_near
            && !person.is_some_and(|person| person.has_entered)
        {
            return Door::Captcha;
        }
        let number = Some(access.password_number);
        if access.password.is_some() && person.and_then(|person| person.knows_password) != number {
            return Door::Password;
        }
        if let Some(club) = &access.club {
            let tripcode = person.and_then(|person| person.identity.tripcode);
            if !tripcode.is_some_and(|tripcode| club.contains(&tripcode)) {
                return Door::Club;
            }
        }
        Door::In
    }

    /// The heaviest sanction that holds for somebody.
    pub fn sanction(&self, viewer: ViewerId, wall: WallTime) -> Option<&Sanction> {
        let tripcode = self.person(viewer)?.identity.tripcode;
        self.desk.sanctions.of(viewer, tripcode, wall)
    }

    /// Of those who are listed, whoever a sanction holds for, with the heaviest one.
    pub fn sanctioned(&self, people: &People, wall: WallTime) -> BTreeMap<PublicKey, SanctionKind> {
        let of = |identity: &Identity| {
            let viewer = self.viewer(identity.key)?;
            Some((identity.key, self.sanction(viewer, wall)?.kind))
        };
        people.listed().filter_map(of).collect()
    }

    /// Every sanction about somebody, oldest first.
    pub fn sanctions_of(&self, viewer: ViewerId) -> Vec<Sanction> {
        let tripcode = self
            .person(viewer)
            .and_then(|person| person.identity.tripcode);
        let sanctions = &self.desk.sanctions;
        let ids = sanctions.ids_of(viewer, tripcode);
        ids.into_iter()
            .filter_map(|id| sanctions.get(id).cloned())
            .collect()
    }

    /// Uses the number of a form up, and counts a guess at a password. Comes before the expensive
    /// part.
    pub fn may_guess(&mut self, viewer: ViewerId, nonce: &str, now: Tick) -> Result<(), Refusal> {
        self.use_form(viewer, nonce, now)?;
        let person = self.sessions.person_mut(viewer).ok_or(Refusal::NoSession)?;
        person
            .pace
            .change_appearance(now, &self.limits.flood)
            .map_err(Refusal::ChangedTooOften)
    }

    /// Lets somebody in who knew the viewing password with this number. Their token is replaced.
    pub fn knows_password(&mut self, viewer: ViewerId, number: u64, token: &Token) {
        if let Some(person) = self.sessions.person_mut(viewer) {
            person.knows_password = Some(number);
        }
        self.remint(viewer, token);
    }

    /// Gives a session another token; sanctions follow.
    pub(super) fn remint(&mut self, viewer: ViewerId, token: &Token) {
        let old = self.sessions.digest_of(viewer);
        self.sessions.remint(viewer, token);
        if let Some(old) = old
            && self
                .desk
                .sanctions
                .follow(&old, viewer, digest(token.as_str()))
        {
            self.effects.push(Effect::Keep);
        }
    }
}
