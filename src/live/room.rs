//! The room, shared: the one lock around its rules, and the place where decisions become visible.
//!
//! Every method takes the time after taking the lock, so that the rules never see it run backwards,
//! and publishes what follows before giving the lock back, so that the order of the panel is the
//! order of the rules. No caller can forget an effect.
//!
//! A panic inside the rules poisons the lock. A half-applied rule is worse than a restart, so the
//! next caller panics too; the ticking task then ends the program.

mod desk;
mod login;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::watch;

use super::{
    lease::{Kind, Leases},
    panel::Panel,
};
use crate::{
    clock::{Clock, Step, Steps, Tick},
    media::variant::Quality,
    room::{
        Alarm, Dress, Post, Reply, Room, Said,
        access::Door,
        challenge::Prompt,
        emote::EmoteTable,
        form::FormState,
        kept::Kept,
        order::Effect,
        panel::Update,
        people::People,
        person::Identity,
        refusal::Refusal,
        session::{TOKEN_BYTES, Token, ViewerId},
        theme::Theme,
        tripcode::Tripcode,
    },
};

/// Why a lock can be poisoned.
const RULES_HOLD: &str = "the rules of the room panicked; it cannot be trusted any more";

/// The shared room; clones are the same one.
#[derive(Debug, Clone)]
pub struct RoomHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    panel: Panel,
    leases: Leases,
    kept: watch::Sender<Arc<Kept>>,
    /// Of that, what is on the disk.
    saved: Mutex<Arc<Kept>>,
    clock: Clock,
}

#[derive(Debug)]
struct Inner {
    room: Room,
    /// As it was last published.
    people: Arc<People>,
    steps: Steps,
}

impl RoomHandle {
    /// Shares a room whose changes show in `panel`, and which ends responses in `leases`.
    pub fn new(room: Room, panel: Panel, leases: Leases, clock: Clock) -> Self {
        let nothing = Arc::new(room.kept());
        let saved = Mutex::new(Arc::clone(&nothing));
        let (kept, _) = watch::channel(nothing);
        let inner = Mutex::new(Inner {
            room,
            people: Arc::default(),
            steps: Steps::default(),
        });
        Self {
            shared: Arc::new(Shared {
                inner,
                panel,
                leases,
                kept,
                saved,
                clock,
            }),
        }
    }

    /// What stands between the site and whoever has this token. `is_near` is somebody on this
    /// computer.
    pub fn door(&self, token: Option<&str>, is_near: bool) -> (Option<ViewerId>, Door) {
        let (mut inner, now) = self.lock();
        let wall = self.shared.clock.wall();
        inner.room.door(token, is_near, now, wall)
    }

    /// What stands between the site and somebody.
    pub fn door_of(&self, viewer: ViewerId, is_near: bool) -> Door {
        let wall = self.shared.clock.wall();
        self.lock().0.room.door_of(Some(viewer), is_near, wall)
    }

    /// Whether nothing but a captcha can stand between somebody and the show.
    pub fn is_for_everybody(&self) -> bool {
        let (inner, _) = self.lock();
        let access = inner.room.access();
        access.password().is_none() && access.club().is_none()
    }

    /// Whether this tripcode is one of the secret club.
    pub fn opens_club(&self, tripcode: Tripcode) -> bool {
        let (inner, _) = self.lock();
        let club = inner.room.access().club();
        club.is_some_and(|club| club.contains(&tripcode))
    }

    /// The viewer whose token this is, if it is one of ours and no program's.
    pub fn recognise(&self, token: &str) -> Option<ViewerId> {
        let (mut inner, now) = self.lock();
        inner.room.recognise(token, now)
    }

    /// The program whose token this is.
    pub fn recognise_program(&self, token: &str) -> Option<ViewerId> {
        let (mut inner, now) = self.lock();
        inner.room.recognise_program(token, now)
    }

    /// Makes a session for a newcomer and the token for their cookie. `old` is the token they came
    /// with, which is none of ours any more.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give; so everywhere here.
    pub fn admit(&self, old: Option<&str>) -> Result<(ViewerId, Token), getrandom::Error> {
        let (token, random) = (fresh_token()?, fresh()?);
        let (mut inner, now) = self.lock();
        let viewer = inner.room.admit(&token, old, random, now);
        self.settle(&mut inner.room);
        Ok((viewer, token))
    }

    /// A viewer without a session, for players that send no cookie.
    pub fn guest(&self) -> ViewerId {
        self.lock().0.room.guest()
    }

    /// Whether there is a captcha at the entrance.
    pub fn has_entrance(&self) -> bool {
        self.lock().0.room.has_entrance()
    }

    /// The theme of a viewer.
    pub fn theme(&self, viewer: ViewerId) -> Theme {
        self.lock()
            .0
            .room
            .person(viewer)
            .map(|person| person.theme)
            .unwrap_or_default()
    }

    /// Changes the theme of a viewer.
    pub fn choose_theme(&self, viewer: ViewerId, nonce: &str, theme: Theme) -> Result<(), Refusal> {
        let (mut inner, now) = self.lock();
        inner.room.choose_theme(viewer, nonce, theme, now)
    }

    /// What a viewer chose to watch or hear.
    pub fn quality(&self, viewer: ViewerId) -> Quality {
        let (inner, _) = self.lock();
        let person = inner.room.person(viewer);
        person.map(|person| person.quality).unwrap_or_default()
    }

    /// Remembers what a viewer chose.
    pub fn choose_quality(&self, viewer: ViewerId, quality: Quality) {
        self.lock().0.room.choose_quality(viewer, quality);
    }

    /// How a viewer looks to others; `None` without a session.
    pub fn identity(&self, viewer: ViewerId) -> Option<Identity> {
        Some(self.lock().0.room.person(viewer)?.identity.clone())
    }

    /// What a new form for this person needs; `None` without a session.
    pub fn form(&self, viewer: ViewerId) -> Result<Option<FormState>, getrandom::Error> {
        let random = u64::from_be_bytes(fresh()?);
        let (mut inner, now) = self.lock();
        let room = &mut inner.room;
        let Some(nonce) = room.form(viewer, random, now) else {
            return Ok(None);
        };
        let challenge = room.open_challenge(viewer, now);
        let captcha_due = room.captcha_due(viewer, now);
        let hindrance = room.may_write(viewer, self.shared.clock.wall()).err();
        let keeping = room.keeps_lines_of(viewer);
        let kept = room.may_keep_lines_of(viewer);
        let emotes = Arc::clone(room.emotes());
        Ok(room.person(viewer).map(|person| FormState {
            identity: person.identity.clone(),
            nonce,
            captcha_due,
            hindrance,
            challenge,
            keeping,
            kept,
            emotes,
        }))
    }

    /// Opens a captcha for this person, in place of an open one, and gives its id; `None` if they
    /// had too many.
    pub fn challenge(
        &self,
        viewer: ViewerId,
        prompt: Prompt,
        answer: String,
    ) -> Result<Option<u64>, getrandom::Error> {
        let id = u64::from_be_bytes(fresh()?);
        let (mut inner, now) = self.lock();
        let may = inner.room.challenge(viewer, id, prompt, answer, now);
        Ok(may.then_some(id))
    }

    /// Lets somebody in who solved the captcha at the entrance; gives their new token.
    pub fn enter(
        &self,
        viewer: ViewerId,
        nonce: &str,
        answer: (u64, &str),
    ) -> Result<Result<Token, Refusal>, getrandom::Error> {
        let token = fresh_token()?;
        let (mut inner, now) = self.lock();
        let entered = inner.room.enter(viewer, nonce, answer, &token, now);
        self.settle(&mut inner.room);
        Ok(entered.map(|()| token))
    }

    /// Takes a message, a command, or the answer to a captcha.
    pub fn say(
        &self,
        viewer: ViewerId,
        post: Post<'_>,
    ) -> Result<Result<Said, Refusal>, getrandom::Error> {
        let random = fresh()?;
        let (mut inner, now) = self.lock();
        let wall = self.shared.clock.wall();
        let said = inner.room.say(viewer, post, random, now, wall);
        self.settle(&mut inner.room);
        if let Ok(Said::Message(message)) = &said {
            if let Some(person) = inner.room.person(viewer) {
                self.introduce(&person.identity);
            }
            self.shared
                .panel
                .publish(&Update::Said(Arc::clone(message)));
        }
        if let Ok(Said::Command(Reply::Dressed(identity))) = &said {
            self.shared.panel.publish(&Update::Looks(identity.clone()));
        }
        Ok(said)
    }

    /// Uses the number of a form up, and counts a change of appearance. Comes before
    /// [`RoomHandle::dress`].
    pub fn may_dress(&self, viewer: ViewerId, nonce: &str) -> Result<(), Refusal> {
        let (mut inner, now) = self.lock();
        inner.room.may_dress(viewer, nonce, now)?;
        inner.room.may_change(viewer, self.shared.clock.wall())
    }

    /// Changes how a person looks. The randomness in `dress` is put in here.
    pub fn dress(
        &self,
        viewer: ViewerId,
        dress: Dress<'_>,
    ) -> Result<Result<Identity, Refusal>, getrandom::Error> {
        let random = fresh()?;
        let (mut inner, _) = self.lock();
        let dressed = inner.room.dress(viewer, Dress { random, ..dress });
        if let Ok(identity) = &dressed {
            self.shared.panel.publish(&Update::Looks(identity.clone()));
        }
        self.settle(&mut inner.room);
        Ok(dressed)
    }

    /// Forgets a person, and takes what they said from every open panel.
    pub fn forget(&self, viewer: ViewerId, nonce: &str) -> Result<(), Refusal> {
        let (mut inner, now) = self.lock();
        let hidden = inner.room.forget(viewer, nonce, now)?;
        self.settle(&mut inner.room);
        self.shared.panel.publish(&Update::Removed(hidden));
        Ok(())
    }

    /// Whether what is said from now on is kept with a recording; everybody is told when it changes.
    pub fn keep_chat(&self, is_kept: bool) {
        let (mut inner, _) = self.lock();
        let wall = self.shared.clock.wall();
        if let Some(message) = inner.room.keep_chat(is_kept, wall) {
            self.shared.panel.publish(&Update::Said(message));
        }
    }

    /// Remembers whether what this person says may be kept with a recording.
    pub fn choose_keeping(
        &self,
        viewer: ViewerId,
        nonce: &str,
        may_be_kept: bool,
    ) -> Result<(), Refusal> {
        let (mut inner, now) = self.lock();
        inner.room.choose_keeping(viewer, nonce, may_be_kept, now)?;
        self.settle(&mut inner.room);
        Ok(())
    }

    /// Other emotes from now on.
    pub fn set_emotes(&self, emotes: Arc<EmoteTable>) {
        self.lock().0.room.set_emotes(emotes);
    }

    /// The list of people as it was last published.
    pub fn people(&self) -> Arc<People> {
        Arc::clone(&self.lock().0.people)
    }

    /// Looks at everything afresh: forgets what is over, and publishes the list of people if it
    /// changed. Call it about once a second, and when somebody comes or goes.
    pub fn tick(&self, watching: &HashSet<ViewerId>, here: &HashSet<ViewerId>) {
        let (mut inner, now) = self.lock();
        let wall = self.shared.clock.wall();
        if let Some(step) = inner.steps.look(self.shared.clock.both()) {
            inner.room.clock_went(step, wall);
        }
        inner.room.tick(now, wall);
        self.settle(&mut inner.room);
        // Doors are looked at when something about them changes; this is for what was overlooked.
        self.enforce(&inner.room);
        let people = inner.room.people(watching, here, now);
        if *inner.people == people {
            return;
        }
        let people = Arc::new(people);
        inner.people = Arc::clone(&people);
        for group in [&people.broadcaster, &people.watching, &people.not_watching] {
            for identity in &group.listed {
                self.introduce(identity);
            }
        }
        self.shared.panel.publish(&Update::People(people));
    }

    /// Shows the colours of somebody whom the panels do not know.
    fn introduce(&self, identity: &Identity) {
        if !self.shared.panel.knows(identity.key) {
            self.shared.panel.publish(&Update::Looks(identity.clone()));
        }
    }

    /// Brings about everything that follows from what the room was told.
    fn settle(&self, room: &mut Room) {
        self.report(room);
        let (mut enforce, mut keep) = (false, false);
        for effect in room.take_effects() {
            match effect {
                Effect::Hidden(ids) => self.shared.panel.publish(&Update::Hidden(ids)),
                Effect::Shown(ids) => self.shared.panel.publish(&Update::Shown(ids)),
                Effect::Withdrawn(author) => {
                    self.shared.panel.publish(&Update::Withdrawn(author));
                }
                Effect::Looks(identity) => self.shared.panel.publish(&Update::Looks(identity)),
                Effect::EndVideo(viewer) => self.shared.leases.end(Kind::Video, viewer),
                Effect::EndPanels(viewer) => self.shared.leases.end(Kind::Panel, viewer),
                Effect::Enforce => enforce = true,
                Effect::Shields(shields) => self.shared.panel.publish(&Update::Chat(shields.chat)),
                Effect::Show(show) => {
                    let words = show.announcement().into();
                    self.shared.panel.publish(&Update::Announcement(words));
                }
                Effect::Keep => keep = true,
            }
        }
        if enforce {
            self.enforce(room);
        }
        if keep {
            self.shared.kept.send_replace(Arc::new(room.kept()));
        }
    }

    /// Ends the responses of everybody who may not be here. The captcha is no reason: it is for
    /// coming in.
    fn enforce(&self, room: &Room) {
        let wall = self.shared.clock.wall();
        self.shared
            .leases
            .end_unless(|viewer| room.door_of(Some(viewer), true, wall) == Door::In);
    }

    /// Tells everybody why the room is different now, and the broadcaster too. Numbers, never people.
    fn report(&self, room: &mut Room) {
        for alarm in room.take_alarms() {
            let (log, words) = match alarm {
                Alarm::Slow => (
                    "the chat is very busy: everybody has to wait longer between messages for a while",
                    "It is busy here. Everybody has to wait longer between messages for a while.",
                ),
                Alarm::Raid => (
                    "many people are coming in at once: every message needs a captcha for a while",
                    "Many people are coming in. Every message needs a captcha for a while.",
                ),
                // Viewers are not told: when a computer slept is a trace of whose it is.
                Alarm::Clock(step) => {
                    let (cause, advice) = match step {
                        Step::Forward(_) => ("it was set, or the computer slept", ""),
                        Step::Back(_) => (
                            "it was set",
                            " If you can, do not start this program again for as long: Tor would not \
                             take the new entry of the site.",
                        ),
                    };
                    tracing::warn!(
                        "the clock of this computer went {step}: {cause}; the show goes on, ends of bans \
                         go by the new time. Check the date: Tor needs it.{advice} If you run an encoder \
                         yourself and its picture stands still, start it again."
                    );
                    continue;
                }
            };
            tracing::warn!("{log}");
            if let Some(message) = room.announce(words, self.shared.clock.wall()) {
                self.shared.panel.publish(&Update::Said(message));
            }
        }
    }

    fn lock(&self) -> (MutexGuard<'_, Inner>, Tick) {
        let inner = self.shared.inner.lock().expect(RULES_HOLD);
        // After the lock: the rules must never see time run backwards.
        (inner, self.shared.clock.tick())
    }
}

fn fresh<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn fresh_token() -> Result<Token, getrandom::Error> {
    Ok(Token::from_random(fresh::<TOKEN_BYTES>()?))
}

#[cfg(test)]
mod tests;
