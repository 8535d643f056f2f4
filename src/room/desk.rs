//! The desk: what the broadcaster decided, and who sits there.
//!
//! Belongs here: the state behind the desk's pages, roles, logging in and out.
//! Does not belong here: carrying out orders ([`super::carry_out`]), passwords and hashing.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    Room,
    access::Access,
    audit::{Audit, AuditEntry},
    filter::{FilterRule, Filters},
    kept::Kept,
    login::{Links, LoginPace},
    person::{Identity, Role},
    sanction::{Sanction, Sanctions},
    session::{Token, ViewerId},
    shields::Shields,
    show::Show,
    tag::PublicKey,
    tripcode::Tripcode,
};
use crate::clock::Tick;

/// A session at the desk ends after this long, used or not.
pub const SESSION: Duration = Duration::from_hours(12);

/// Tripcodes that can belong to moderators.
pub const MAX_MODERATORS: usize = 64;

/// What the broadcaster decided.
#[derive(Debug, Default)]
pub struct Desk {
    pub(super) sanctions: Sanctions,
    pub(super) moderators: BTreeMap<Tripcode, String>,
    pub(super) rules: Vec<FilterRule>,
    pub(super) filters: Filters,
    pub(super) shields: Shields,
    pub(super) access: Access,
    pub(super) show: Arc<Show>,
    pub(super) audit: Audit,
    pub(super) logins: LoginPace,
    pub(super) links: Links,
}

/// Somebody who sits at the desk by a password or a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub since: Tick,
    /// A program that uses the API: it is not shown among the people.
    pub is_program: bool,
}

/// A session at the desk, for the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatView {
    /// How they look; its key ends the session.
    pub identity: Identity,
    /// How long ago they logged in.
    pub age: Duration,
    /// How long ago they last asked for something.
    pub idle: Duration,
    /// Whether it is a program.
    pub is_program: bool,
}

/// Everything that the desk's pages show. A copy, made when it is asked for.
#[derive(Debug, Clone)]
pub struct DeskView {
    /// Who may not write or be here, oldest first.
    pub sanctions: Vec<Sanction>,
    /// Tripcodes of moderators and what they are called.
    pub moderators: Vec<(Tripcode, String)>,
    /// The word filters.
    pub filters: Vec<FilterRule>,
    /// The switches.
    pub shields: Shields,
    /// Who may come in.
    pub access: Access,
    /// Description, announcement and the like.
    pub show: Arc<Show>,
    /// Sessions at the desk.
    pub sessions: Vec<SeatView>,
    /// What was ordered, oldest first.
    pub audit: Vec<AuditEntry>,
}

impl Room {
    /// What a viewer may do.
    pub fn role(&self, viewer: ViewerId) -> Role {
        self.person(viewer)
            .map_or(Role::Viewer, |person| person.identity.role)
    }

    /// The session of the person with this public id.
    pub fn viewer(&self, key: PublicKey) -> Option<ViewerId> {
        self.by_key.get(&key).copied()
    }

    /// The public id of whom `@` and a name, or `#` and a tag, mean.
    pub fn named(&self, handle: &str) -> Option<PublicKey> {
        self.handles.get(&super::name::fold(handle)).copied()
    }

    /// Everything that the desk's pages show.
    pub fn desk_view(&self, now: Tick) -> DeskView {
        let desk = &self.desk;
        let mut sessions: Vec<_> = self
            .sessions
            .iter()
            .filter_map(|(_, person, seen)| {
                let seat = person.seat?;
                Some(SeatView {
                    identity: person.identity.clone(),
                    age: now.since(seat.since),
                    idle: now.since(seen),
                    is_program: seat.is_program,
                })
            })
            .collect();
        sessions.sort_unstable_by_key(|seat| (seat.age, seat.identity.key));
        DeskView {
            sanctions: desk.sanctions.iter().cloned().collect(),
            moderators: desk
                .moderators
                .iter()
                .map(|(tripcode, label)| (*tripcode, label.clone()))
                .collect(),
            filters: desk.rules.clone(),
            shields: desk.shields,
            access: desk.access.clone(),
            show: Arc::clone(&desk.show),
            sessions,
            audit: desk.audit.iter().cloned().collect(),
        }
    }

    /// What was ordered, oldest first.
    pub fn audit(&self) -> impl DoubleEndedIterator<Item = &AuditEntry> {
        self.desk.audit.iter()
    }

    /// The switches.
    pub fn shields(&self) -> Shields {
        self.desk.shields
    }

    /// Description, announcement and the like.
    pub fn show(&self) -> &Arc<Show> {
        &self.desk.show
    }

    /// Who may come in.
    pub fn access(&self) -> &Access {
        &self.desk.access
    }

    /// Gives somebody a seat at the desk who proved elsewhere that it is theirs. Their token is
    /// replaced, so that nobody can have prepared this session for them.
    pub fn log_in(&mut self, viewer: ViewerId, seat: Seat, token: &Token) -> bool {
        let Some(person) = self.sessions.person_mut(viewer) else {
            return false;
        };
        person.seat = Some(seat);
        person.has_entered = true;
        // Forms from before belong to whoever this was before.
        person.nonces = super::nonce::Nonces::default();
        person.bearers = super::nonce::Nonces::default();
        self.remint(viewer, token);
        self.rank(viewer);
        true
    }

    /// Takes the seat away. A program has nothing without it: its token is nobody's then.
    pub fn log_out(&mut self, viewer: ViewerId) {
        let is_program = self.is_program(viewer);
        if let Some(person) = self.sessions.person_mut(viewer) {
            person.seat = None;
            person.nonces = super::nonce::Nonces::default();
            person.bearers = super::nonce::Nonces::default();
        }
        self.rank(viewer);
        if is_program {
            self.sessions.end(viewer);
            self.clear_up();
        }
    }

    /// Takes every seat away that came by a password or a link, and closes the links.
    pub fn log_everybody_out(&mut self) {
        self.desk.links.clear();
        let seated: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, person, _)| person.seat.is_some())
            .map(|(viewer, ..)| viewer)
            .collect();
        for viewer in seated {
            self.log_out(viewer);
        }
    }

    /// Sets the role that follows from the seat and the tripcode, and answers whether it changed.
    pub(super) fn rank(&mut self, viewer: ViewerId) -> bool {
        let Some(person) = self.sessions.person_mut(viewer) else {
            return false;
        };
        let by_seat = person.seat.map_or(Role::Viewer, |seat| seat.role);
        let by_tripcode = person
            .identity
            .tripcode
            .filter(|tripcode| self.desk.moderators.contains_key(tripcode))
            .map_or(Role::Viewer, |_| Role::Moderator);
        let role = by_seat.max(by_tripcode);
        let changed = person.identity.role != role;
        person.identity.role = role;
        if changed {
            let identity = person.identity.clone();
            self.effects.push(super::order::Effect::Looks(identity));
            self.effects.push(super::order::Effect::Enforce);
        }
        changed
    }

    /// Ends seats that are too old.
    pub(super) fn tick_seats(&mut self, now: Tick) {
        let over: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, person, _)| {
                person
                    .seat
                    .is_some_and(|seat| now.since(seat.since) >= SESSION)
            })
            .map(|(viewer, ..)| viewer)
            .collect();
        for viewer in over {
            self.log_out(viewer);
        }
    }

    /// What survives a restart.
    pub fn kept(&self) -> Kept {
        Kept::of(&self.desk)
    }
}
