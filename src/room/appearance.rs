//! How people look: name, colour, tripcode.

use super::{
    Room, colour::Colour, name::DisplayName, order::Effect, person::Identity, refusal::Refusal,
    sanction::SanctionKind, session::ViewerId, theme::Theme, tripcode::Tripcode,
};
use crate::{
    clock::{Tick, WallTime},
    media::variant::Quality,
};

/// What somebody wants to change about themselves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Dress<'a> {
    /// Another name; empty for none.
    pub name: Option<&'a str>,
    /// Another colour: a name, `#` and digits, or `random`.
    pub colour: Option<&'a str>,
    /// Another tripcode, or none.
    pub tripcode: Option<Option<Tripcode>>,
    /// For a random colour.
    pub random: [u8; 16],
}

impl Room {
    /// Uses the number of a form up, and counts a change of appearance.
    ///
    /// Before the expensive part of setting a tripcode, so that it cannot be had for nothing.
    pub fn may_dress(&mut self, viewer: ViewerId, nonce: &str, now: Tick) -> Result<(), Refusal> {
        self.use_form(viewer, nonce, now)?;
        self.count_change(viewer, now)
    }

    /// Changes the colours of the pages that somebody sees. Nobody else sees it, so it is free.
    pub fn choose_theme(
        &mut self,
        viewer: ViewerId,
        nonce: &str,
        theme: Theme,
        now: Tick,
    ) -> Result<(), Refusal> {
        self.use_form(viewer, nonce, now)?;
        let person = self.sessions.person_mut(viewer).ok_or(Refusal::NoSession)?;
        person.theme = theme;
        Ok(())
    }

    /// Remembers what somebody chose to watch or hear. Nobody else sees it, and the way back is a
    /// click away, so no form is needed.
    pub fn choose_quality(&mut self, viewer: ViewerId, quality: Quality) {
        if let Some(person) = self.sessions.person_mut(viewer) {
            person.quality = quality;
        }
    }

    /// Whoever is banned does not change how they look.
    pub fn may_change(&self, viewer: ViewerId, wall: WallTime) -> Result<(), Refusal> {
        match self.sanction(viewer, wall) {
            Some(sanction) if sanction.kind >= SanctionKind::Ban => Err(Refusal::Sanctioned {
                kind: sanction.kind,
                until: sanction.until,
            }),
            _ => Ok(()),
        }
    }

    /// Changes how a person looks; [`Room::may_dress`] comes first. All of it or nothing.
    pub fn dress(&mut self, viewer: ViewerId, dress: Dress<'_>) -> Result<Identity, Refusal> {
        let name = dress.name.map(|name| self.name(name)).transpose()?;
        let colour = dress
            .colour
            .map(|colour| self.colour(colour, dress.random))
            .transpose()?;
        let person = self.sessions.person_mut(viewer).ok_or(Refusal::NoSession)?;
        let identity = &mut person.identity;
        if let Some(name) = name {
            if let Some(old) = &identity.name {
                let handle = old.folded();
                if self.handles.get(&handle) == Some(&identity.key) {
                    self.handles.remove(&handle);
                }
            }
            if let Some(new) = &name {
                self.handles.insert(new.folded(), identity.key);
            }
            identity.name = name;
        }
        if let Some(colour) = colour {
            identity.colour = colour;
        }
        if let Some(tripcode) = dress.tripcode {
            identity.tripcode = tripcode;
            // A tripcode can make a moderator, and open or close a door.
            self.rank(viewer);
            self.effects.push(Effect::Enforce);
        }
        let person = self.person(viewer).ok_or(Refusal::NoSession)?;
        Ok(person.identity.clone())
    }

    pub(super) fn count_change(&mut self, viewer: ViewerId, now: Tick) -> Result<(), Refusal> {
        let person = self.sessions.person_mut(viewer).ok_or(Refusal::NoSession)?;
        if person.is_exempt() {
            return Ok(());
        }
        person
            .pace
            .change_appearance(now, &self.limits.flood)
            .map_err(Refusal::ChangedTooOften)
    }

    fn name(&self, text: &str) -> Result<Option<DisplayName>, Refusal> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let name = DisplayName::parse(text).map_err(Refusal::Name)?;
        if let Some(refusal) = self.reserved.refuses(&name) {
            return Err(Refusal::Name(refusal));
        }
        if !self.desk.filters.allows_name(name.as_str()) {
            return Err(Refusal::Filtered);
        }
        Ok(Some(name))
    }

    fn colour(&self, text: &str, random: [u8; 16]) -> Result<Colour, Refusal> {
        Colour::choose(text, random, &self.colours_in_use()).map_err(Refusal::Colour)
    }
}
