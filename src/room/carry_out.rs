//! Carrying out orders: the one path by which the desk, moderators and the terminal change things.
//!
//! Every order answers with what takes it back. Nothing changes before everything is known to be
//! allowed; a refusal leaves all as it was.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    Alarm, Room,
    access::MAX_CLUB,
    audit::AuditId,
    desk::MAX_MODERATORS,
    filter::{FilterRule, Filters},
    order::{Actor, Done, Effect, LONGEST_TERM, MAX_MESSAGES, Order, Term, Whom},
    person::{Identity, Role},
    refusal::Refusal,
    sanction::{SanctionId, SanctionKind, Target},
    session::ViewerId,
    shields::{ShieldChange, Shields},
    transcript::MessageId,
    tripcode::Tripcode,
    wording::{changes, ends, label, messages},
};
use crate::clock::{Step, WallTime};

/// Longest label of a moderator, in characters.
const MAX_LABEL: usize = 40;

/// What an order came to: a sentence without a full stop, and what takes it back.
type Outcome = Result<(String, Vec<Order>), Refusal>;

impl Room {
    /// Carries out an order.
    pub fn order(&mut self, actor: Actor, order: Order, wall: WallTime) -> Result<Done, Refusal> {
        let rank = self.rank_of(actor, wall);
        if rank < self.needed(&order) {
            return Err(Refusal::NotAllowed);
        }
        if let Order::Undo(id) = order {
            return self.undo(actor, id, wall);
        }
        let (what, undo) = self.carry_out(rank, order, &self.by(actor), wall)?;
        if undo.is_empty() && what.is_empty() {
            let words = "Nothing had to be done.".to_owned();
            return Ok(Done { words, entry: None });
        }
        let entry = self
            .desk
            .audit
            .note(wall, self.by(actor), what.clone(), undo);
        Ok(Done {
            words: format!("{what}."),
            entry: Some(entry),
        })
    }

    /// Notes what somebody did outside the room, such as to a file.
    pub fn note(&mut self, actor: Actor, what: String, wall: WallTime) -> AuditId {
        let by = self.by(actor);
        self.desk.audit.note(wall, by, what, Vec::new())
    }

    /// Notes that the date jumped: times before and after are not of one clock. Who said something when,
    /// and how long it was ago, goes on as it was; ends of sanctions go by the new date.
    pub fn clock_went(&mut self, step: Step, wall: WallTime) {
        let what = format!("The clock of this computer went {step}");
        let by = "the program".to_owned();
        self.desk.audit.note(wall, by, what, Vec::new());
        self.alarms.push(Alarm::Clock(step));
    }

    fn undo(&mut self, actor: Actor, id: AuditId, wall: WallTime) -> Result<Done, Refusal> {
        let rank = self.rank_of(actor, wall);
        let entry = self.desk.audit.get(id).ok_or(Refusal::NothingToUndo)?;
        if !entry.can_undo() {
            return Err(Refusal::NothingToUndo);
        }
        // Before anything of it goes back: a part of it would count as all of it.
        if entry.undo.iter().any(|order| rank < self.needed(order)) {
            return Err(Refusal::NotAllowed);
        }
        let (what, orders) = (entry.what.clone(), entry.undo.clone());
        let by = self.by(actor);
        let mut again = Vec::new();
        let mut failed = None;
        for order in orders {
            match self.carry_out(rank, order, &by, wall) {
                Ok((_, undo)) => again.extend(undo),
                // The person or the message may be gone by now; the rest still goes back.
                Err(refusal) => failed = Some(refusal),
            }
        }
        if let Some(refusal) = failed.filter(|_| again.is_empty()) {
            return Err(refusal);
        }
        self.desk.audit.mark_undone(id);
        let what = format!("Took back: {what}");
        let entry = self.desk.audit.note(wall, by, what.clone(), again);
        Ok(Done {
            words: format!("{what}."),
            entry: Some(entry),
        })
    }

    fn carry_out(&mut self, rank: Role, order: Order, by: &str, wall: WallTime) -> Outcome {
        match order {
            Order::Hide(ids) => self.hide(rank, &ids),
            Order::Unhide(ids) => self.unhide(rank, &ids),
            Order::Sanction {
                whom,
                kind,
                term,
                purge,
            } => {
                let until = until(term, wall)?;
                self.impose(rank, whom, kind, until, purge, by, wall)
            }
            Order::SanctionTripcode {
                tripcode,
                kind,
                term,
            } => {
                let until = until(term, wall)?;
                let target = Target {
                    tripcode: Some(tripcode),
                    label: "whoever has it".to_owned(),
                    ..Target::default()
                };
                if self.desk.moderators.contains_key(&tripcode) {
                    return Err(Refusal::Protected);
                }
                let id = self.add_sanction(target, kind, by, wall, until)?;
                if kind == SanctionKind::Block {
                    self.withdraw_all_with(tripcode);
                }
                let what = format!("{tripcode} is {}{}", kind.participle(), ends(until));
                Ok((what, vec![Order::Lift(id)]))
            }
            Order::Lift(id) => self.lift(id),
            Order::Restore(restored) => {
                let (sanction, viewers) = *restored;
                let (label, kind, until) = (sanction.label.clone(), sanction.kind, sanction.until);
                let id = self
                    .desk
                    .sanctions
                    .restore(sanction, wall)
                    .map_err(|_too_many| Refusal::TooMany("sanctions"))?;
                for viewer in viewers {
                    // Of those who are gone nothing would ever be cleared up.
                    if self.person(viewer).is_some() {
                        self.desk.sanctions.attach(id, viewer);
                    }
                }
                self.effects.extend([Effect::Keep, Effect::Enforce]);
                let what = format!("{label} is {} again{}", kind.participle(), ends(until));
                Ok((what, vec![Order::Lift(id)]))
            }
            Order::Rename { whom, name } => self.rename(rank, whom, &name),
            Order::CutVideo(whom) => {
                let (viewer, identity) = self.subject(rank, whom)?;
                self.effects.push(Effect::EndVideo(viewer));
                Ok((format!("Cut the video of {}", label(&identity)), Vec::new()))
            }
            Order::Appoint { tripcode, label } => self.appoint(tripcode, &label),
            Order::Dismiss(tripcode) => self.dismiss(tripcode),
            Order::Shields(wanted) => Ok(self.set_shields(&wanted)),
            Order::Filters(rules) => self.set_filters(rules),
            Order::ViewingPassword(password) => {
                let what = match &password {
                    Some(_) => "Viewers need the viewing password from now on",
                    None => "Viewers need no password any more",
                };
                let before = self.desk.access.password.clone();
                self.desk.access.set_password(password);
                self.effects.extend([Effect::Keep, Effect::Enforce]);
                Ok((what.to_owned(), vec![Order::ViewingPassword(before)]))
            }
            Order::Club(club) => self.set_club(club),
            Order::Show(show) => {
                show.check().map_err(Refusal::Show)?;
                let before = std::mem::replace(&mut self.desk.show, Arc::clone(&show));
                if before == show {
                    return Ok((String::new(), Vec::new()));
                }
                self.effects.extend([Effect::Keep, Effect::Show(show)]);
                let what = "Changed what the pages say about the show".to_owned();
                Ok((what, vec![Order::Show(before)]))
            }
            Order::EndSession(key) => {
                let viewer = self.viewer(key).ok_or(Refusal::NobodyThere)?;
                let person = self.person(viewer).ok_or(Refusal::NobodyThere)?;
                if person.seat.is_none() {
                    return Err(Refusal::NobodyThere);
                }
                let what = format!("Logged out {}", label(&person.identity));
                self.log_out(viewer);
                Ok((what, Vec::new()))
            }
            // Handled before; an undo never holds one.
            Order::Undo(_) => Err(Refusal::NothingToUndo),
        }
    }

    /// The person an order is about, if it is one that somebody of this rank may touch.
    fn subject(&self, rank: Role, whom: Whom) -> Result<(ViewerId, Identity), Refusal> {
        let viewer = match whom {
            Whom::Key(key) => self.viewer(key),
            Whom::Author(id) => {
                let (_, author) = self.transcript.get(id).ok_or(Refusal::NoSuchMessage)?;
                author
            }
        };
        let viewer = viewer.ok_or(Refusal::NobodyThere)?;
        let identity = &self.person(viewer).ok_or(Refusal::NobodyThere)?.identity;
        if identity.role >= rank {
            return Err(Refusal::Protected);
        }
        Ok((viewer, identity.clone()))
    }

    fn hide(&mut self, rank: Role, ids: &[MessageId]) -> Outcome {
        let ids = self.touchable(rank, ids)?;
        let hidden = self.transcript.hide(&ids);
        if hidden.is_empty() {
            return Ok((String::new(), Vec::new()));
        }
        self.effects.push(Effect::Hidden(hidden.clone()));
        let what = format!("Hid {}", messages(&hidden));
        Ok((what, vec![Order::Unhide(hidden)]))
    }

    fn unhide(&mut self, rank: Role, ids: &[MessageId]) -> Outcome {
        let ids = self.touchable(rank, ids)?;
        let shown = self.transcript.unhide(&ids);
        if shown.is_empty() {
            return Ok((String::new(), Vec::new()));
        }
        self.effects.push(Effect::Shown(shown.clone()));
        let what = format!("Showed {} again", messages(&shown));
        Ok((what, vec![Order::Hide(shown)]))
    }

    /// Those of the messages that are still there. Moderators do not touch what the broadcaster and
    /// other moderators say.
    fn touchable(&self, rank: Role, ids: &[MessageId]) -> Result<Vec<MessageId>, Refusal> {
        if ids.len() > MAX_MESSAGES {
            return Err(Refusal::TooMany("messages in one order"));
        }
        let mut there = Vec::with_capacity(ids.len());
        for id in ids {
            let Some((message, _)) = self.transcript.get(*id) else {
                continue;
            };
            let theirs = message.role().unwrap_or(Role::Viewer);
            if rank < Role::Broadcaster && theirs >= rank {
                return Err(Refusal::Protected);
            }
            there.push(*id);
        }
        if there.is_empty() {
            return Err(Refusal::NoSuchMessage);
        }
        Ok(there)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one order and who gives it when"
    )]
    fn impose(
        &mut self,
        rank: Role,
        whom: Whom,
        kind: SanctionKind,
        until: Option<WallTime>,
        purge: bool,
        by: &str,
        wall: WallTime,
    ) -> Outcome {
        let (viewer, identity) = self.subject(rank, whom)?;
        if rank < Role::Broadcaster && self.desk.sanctions.is_crowded() {
            return Err(Refusal::TooMany("sanctions"));
        }
        let target = Target {
            viewer: Some(viewer),
            token: self.sessions.digest_of(viewer),
            tripcode: identity.tripcode,
            label: label(&identity),
        };
        let id = self.add_sanction(target, kind, by, wall, until)?;
        if identity.role > Role::Viewer {
            // The desk's is not theirs any more.
            self.effects.push(Effect::EndPanels(viewer));
        }
        let mut what = format!(
            "{} is {}{}",
            label(&identity),
            kind.participle(),
            ends(until)
        );
        let mut undo = vec![Order::Lift(id)];
        if purge || kind == SanctionKind::Block {
            // For good: the transcript may have forgotten lines that were kept.
            self.withdraw(viewer);
        }
        if purge {
            let ids = self.transcript.of(viewer);
            let hidden = self.transcript.hide(&ids);
            if !hidden.is_empty() {
                what.push_str("; hid what they said");
                self.effects.push(Effect::Hidden(hidden.clone()));
                undo.extend(
                    hidden
                        .chunks(MAX_MESSAGES)
                        .map(|ids| Order::Unhide(ids.to_vec())),
                );
            }
        }
        Ok((what, undo))
    }

    pub(super) fn add_sanction(
        &mut self,
        target: Target,
        kind: SanctionKind,
        by: &str,
        wall: WallTime,
        until: Option<WallTime>,
    ) -> Result<SanctionId, Refusal> {
        let id = self
            .desk
            .sanctions
            .add(target, kind, by.to_owned(), wall, until)
            .map_err(|_too_many| Refusal::TooMany("sanctions"))?;
        self.effects.extend([Effect::Keep, Effect::Enforce]);
        Ok(id)
    }

    fn lift(&mut self, id: SanctionId) -> Outcome {
        let lifted = self
            .desk
            .sanctions
            .lift(id)
            .ok_or(Refusal::NoSuchSanction)?;
        self.effects.push(Effect::Keep);
        let what = format!(
            "{} is no longer {}",
            lifted.0.label,
            lifted.0.kind.participle()
        );
        Ok((what, vec![Order::Restore(Box::new(lifted))]))
    }

    fn rename(&mut self, rank: Role, whom: Whom, name: &str) -> Outcome {
        let (viewer, identity) = self.subject(rank, whom)?;
        let before = identity
            .name
            .as_ref()
            .map_or_else(String::new, |name| name.as_str().to_owned());
        let after = self.dress(
            viewer,
            super::Dress {
                name: Some(name),
                ..super::Dress::default()
            },
        )?;
        let what = format!("{} is now {}", label(&identity), label(&after));
        let key = after.key;
        self.effects.push(Effect::Looks(after));
        let back = Order::Rename {
            whom: Whom::Key(key),
            name: before,
        };
        Ok((what, vec![back]))
    }

    fn appoint(&mut self, tripcode: Tripcode, label: &str) -> Outcome {
        if self.desk.moderators.len() >= MAX_MODERATORS {
            return Err(Refusal::TooMany("moderators"));
        }
        let label: String = label
            .chars()
            .filter(|letter| !letter.is_control())
            .take(MAX_LABEL)
            .collect();
        self.desk.moderators.insert(tripcode, label);
        self.rank_everybody_with(tripcode);
        let what = format!("Whoever has the tripcode {tripcode} is a moderator");
        Ok((what, vec![Order::Dismiss(tripcode)]))
    }

    fn dismiss(&mut self, tripcode: Tripcode) -> Outcome {
        let label = self
            .desk
            .moderators
            .remove(&tripcode)
            .ok_or(Refusal::NobodyThere)?;
        self.rank_everybody_with(tripcode);
        let what = format!("The tripcode {tripcode} makes no moderator any more");
        Ok((what, vec![Order::Appoint { tripcode, label }]))
    }

    fn rank_everybody_with(&mut self, tripcode: Tripcode) {
        let theirs: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, person, _)| person.identity.tripcode == Some(tripcode))
            .map(|(viewer, ..)| viewer)
            .collect();
        for viewer in theirs {
            self.rank(viewer);
        }
        self.effects.extend([Effect::Keep, Effect::Enforce]);
    }

    fn set_shields(&mut self, wanted: &[ShieldChange]) -> (String, Vec<Order>) {
        let before = self.desk.shields;
        let shields = wanted.iter().copied().fold(before, Shields::changed);
        self.desk.shields = shields;
        if before == shields {
            return (String::new(), Vec::new());
        }
        self.effects
            .extend([Effect::Keep, Effect::Shields(shields)]);
        // Only what this order changed goes back: the rest may be different by then.
        let undo = Order::Shields(shields.changes_to(before));
        (changes(before, shields), vec![undo])
    }

    fn set_filters(&mut self, rules: Vec<FilterRule>) -> Outcome {
        self.desk.filters = Filters::compile(&rules).map_err(Refusal::Filter)?;
        let count = rules.len();
        let before = std::mem::replace(&mut self.desk.rules, rules);
        self.effects.push(Effect::Keep);
        let what = match count {
            0 => "There are no word filters any more".to_owned(),
            1 => "There is 1 word filter now".to_owned(),
            _ => format!("There are {count} word filters now"),
        };
        Ok((what, vec![Order::Filters(before)]))
    }

    fn set_club(&mut self, club: Option<BTreeSet<Tripcode>>) -> Outcome {
        if club.as_ref().is_some_and(|club| club.len() > MAX_CLUB) {
            return Err(Refusal::TooMany("tripcodes in the club"));
        }
        let what = match &club {
            None => "Everybody may come in again".to_owned(),
            Some(club) => format!("Only the {} tripcodes of the club may come in", club.len()),
        };
        let before = std::mem::replace(&mut self.desk.access.club, club);
        self.effects.extend([Effect::Keep, Effect::Enforce]);
        Ok((what, vec![Order::Club(before)]))
    }
}

/// When a term that begins now ends.
fn until(term: Term, wall: WallTime) -> Result<Option<WallTime>, Refusal> {
    let Term::For(time) = term else {
        return Ok(None);
    };
    if time < Duration::from_secs(1) || time > LONGEST_TERM {
        return Err(Refusal::Term);
    }
    let millis = u64::try_from(time.as_millis()).map_err(|_long| Refusal::Term)?;
    Ok(Some(WallTime::from_unix_millis(
        wall.unix_millis().saturating_add(millis),
    )))
}
