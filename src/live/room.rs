//! The room, shared: the one lock around its rules, and the place where decisions become visible.
//!
//! Every method takes the time after taking the lock, so that the rules never see it run backwards,
//! and publishes what follows before giving the lock back, so that the order of the panel is the
//! order of the rules. No caller can forget an effect.
//!
//! A panic inside the rules poisons the lock. A half-applied rule is worse than a restart, so the
//! next caller panics too; the ticking task then ends the program.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard},
};

use super::panel::Panel;
use crate::{
    clock::{Clock, Tick},
    room::{
        Alarm, Dress, Post, Reply, Room, Said,
        challenge::Prompt,
        emote::EmoteTable,
        form::FormState,
        panel::Update,
        people::People,
        person::Identity,
        refusal::Refusal,
        session::{TOKEN_BYTES, Token, ViewerId},
        theme::Theme,
        transcript::MessageId,
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
    clock: Clock,
}

#[derive(Debug)]
struct Inner {
    room: Room,
    /// As it was last published.
    people: Arc<People>,
}

impl RoomHandle {
    /// Shares a room whose changes show in `panel`.
    pub fn new(room: Room, panel: Panel, clock: Clock) -> Self {
        let inner = Mutex::new(Inner {
            room,
            people: Arc::default(),
        });
        Self {
            shared: Arc::new(Shared {
                inner,
                panel,
                clock,
            }),
        }
    }

    /// The viewer whose token this is, if it is one of ours.
    pub fn recognise(&self, token: &str) -> Option<ViewerId> {
        let (mut inner, now) = self.lock();
        inner.room.recognise(token, now)
    }

    /// Makes a session for a newcomer and the token for their cookie.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give; so everywhere here.
    pub fn admit(&self) -> Result<(ViewerId, Token), getrandom::Error> {
        let (token, random) = (fresh_token()?, fresh()?);
        let (mut inner, now) = self.lock();
        let viewer = inner.room.admit(&token, random, now);
        self.report(&mut inner.room);
        Ok((viewer, token))
    }

    /// A viewer without a session, for players that send no cookie.
    pub fn guest(&self) -> ViewerId {
        self.lock().0.room.guest()
    }

    /// Whether a viewer may see the site, or has to pass the entrance first.
    pub fn may_enter(&self, viewer: ViewerId) -> bool {
        self.lock().0.room.may_enter(viewer)
    }

    /// Whether there is an entrance at all.
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
        let emotes = Arc::clone(room.emotes());
        Ok(room.person(viewer).map(|person| FormState {
            identity: person.identity.clone(),
            nonce,
            captcha_due,
            challenge,
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
        self.report(&mut inner.room);
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
        self.report(&mut inner.room);
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
        inner.room.may_dress(viewer, nonce, now)
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
        Ok(dressed)
    }

    /// Forgets a person, and takes what they said from every open panel.
    pub fn forget(&self, viewer: ViewerId, nonce: &str) -> Result<(), Refusal> {
        let (mut inner, now) = self.lock();
        let hidden = inner.room.forget(viewer, nonce, now)?;
        self.shared.panel.publish(&Update::Hidden(hidden));
        Ok(())
    }

    /// Takes messages from every open panel.
    pub fn hide(&self, ids: Vec<MessageId>) {
        let (inner, _) = self.lock();
        self.shared.panel.publish(&Update::Hidden(ids));
        drop(inner);
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
        inner.room.tick(now);
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
