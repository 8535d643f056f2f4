//! The room: people and their rules, as plain state machines.
//!
//! Belongs here: who is here, what they may say and when, what was said. Time and random bytes come
//! in as arguments; nothing here waits, reads, writes or shows anything. A refusal is a value with a
//! sentence ([`refusal::Refusal`]) and leaves everything as it was.

pub mod access;
pub mod admission;
pub mod appearance;
pub mod audit;
mod carry_out;
pub mod challenge;
mod character;
pub mod chat_line;
pub mod chat_log;
pub mod colour;
mod consent;
pub mod desk;
mod door;
pub mod emote;
pub mod filter;
pub mod flood;
pub mod form;
pub mod history;
pub mod kept;
pub mod login;
pub mod markup;
pub mod name;
pub mod nonce;
pub mod order;
pub mod panel;
pub mod people;
pub mod person;
mod proclaiming;
mod rank;
pub mod refusal;
pub mod sanction;
pub mod saying;
pub mod session;
pub mod shields;
pub mod show;
pub mod status;
pub mod tag;
pub mod theme;
pub mod title;
pub mod transcript;
pub mod tripcode;
mod wording;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

pub use self::{
    appearance::Dress,
    saying::{Post, Reply, Said},
};
use self::{
    challenge::{Answer, ChallengeLimits, Challenges, Prompt},
    colour::Colour,
    desk::Desk,
    emote::EmoteTable,
    flood::{FloodLimits, RoomPace},
    name::Reserved,
    order::Effect,
    people::{People, Presence},
    person::{Person, Proof},
    refusal::{CaptchaReason, Refusal},
    session::{Sessions, Token, ViewerId, digest},
    tag::{PublicKey, PublicTag},
    transcript::{Message, MessageId, Transcript},
};
use crate::clock::{Step, Tick, WallTime};

/// The numbers of the room.
#[derive(Debug, Clone, Copy)]
pub struct RoomLimits {
    /// Sessions that are remembered.
    pub sessions: usize,
    /// Messages that are kept in memory.
    pub messages: usize,
    /// Messages until the next captcha.
    pub messages_per_captcha: u32,
    /// How often and how much may be said.
    pub flood: FloodLimits,
    /// Open captchas.
    pub challenges: ChallengeLimits,
    /// Whether people solve a captcha before they see the site.
    pub captcha_at_entrance: bool,
    /// Somebody without a panel counts as here for this long after they asked for something.
    pub here_for: Duration,
}

/// Something that concerns the broadcaster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// The room is slow from now on.
    Slow,
    /// Every message needs a captcha from now on.
    Raid,
    /// The date jumped.
    Clock(Step),
}

/// Randomness for a newcomer.
pub type NewcomerBytes = [u8; 32];

/// The room. See the module's words.
#[derive(Debug)]
pub struct Room {
    limits: RoomLimits,
    sessions: Sessions<Person>,
    transcript: Transcript,
    challenges: Challenges,
    pace: RoomPace,
    emotes: Arc<EmoteTable>,
    reserved: Reserved,
    /// Who is meant by `@` and a name in small letters, or a tag.
    handles: HashMap<String, PublicKey>,
    by_key: HashMap<PublicKey, ViewerId>,
    desk: Desk,
    /// What is said is kept with a recording.
    keeps_chat: bool,
    /// It is, or was since the program began.
    has_kept_chat: bool,
    alarms: Vec<Alarm>,
    effects: Vec<Effect>,
}

impl Room {
    /// An empty room. `reserved` are names that nobody may take.
    pub fn new(limits: RoomLimits, reserved: Reserved, emotes: Arc<EmoteTable>) -> Self {
        Self {
            limits,
            sessions: Sessions::new(limits.sessions),
            transcript: Transcript::new(limits.messages),
            challenges: Challenges::new(limits.challenges),
            pace: RoomPace::default(),
            emotes,
            reserved,
            handles: HashMap::new(),
            by_key: HashMap::new(),
            desk: Desk::default(),
            keeps_chat: false,
            has_kept_chat: false,
            alarms: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// A viewer without a session: somebody whose player sends no cookie.
    pub fn guest(&mut self) -> ViewerId {
        self.sessions.guest()
    }

    /// Makes a session for a newcomer. `old` is the token they came with, which is none of ours any
    /// more: sanctions follow it.
    pub fn admit(
        &mut self,
        token: &Token,
        old: Option<&str>,
        random: NewcomerBytes,
        now: Tick,
    ) -> ViewerId {
        let [a, b, c, d, rest @ ..] = random;
        let tag = self.free_tag(u32::from_be_bytes([a, b, c, d]));
        let (key, colour) = split_key(rest);
        let colour = Colour::default_for(colour, &self.colours_in_use());
        let person = Person::new(key, tag, colour, now);
        self.handles.insert(tag.to_string(), key);
        let viewer = self.sessions.admit(token, person, now);
        self.by_key.insert(key, viewer);
        if let Some(old) = old {
            self.desk.has_followed |=
                self.desk
                    .sanctions
                    .follow(&digest(old), viewer, digest(token.as_str()));
        }
        if !self.limits.captcha_at_entrance {
            self.newcomer(now);
        }
        self.clear_up();
        viewer
    }

    /// A tag that nobody here has: equal tags would let somebody be taken for somebody else.
    fn free_tag(&self, random: u32) -> PublicTag {
        (0..=u32::MAX)
            .map(|step| PublicTag::from_random(random.wrapping_add(step)))
            .find(|tag| !self.handles.contains_key(&tag.to_string()))
            .unwrap_or(PublicTag::from_random(random))
    }

    /// The viewer whose token this is, if it is one of ours. A program's token counts for the API
    /// alone: it is nobody's in a cookie.
    pub fn recognise(&mut self, token: &str, now: Tick) -> Option<ViewerId> {
        let viewer = self.sessions.recognise(token, now);
        viewer.filter(|viewer| !self.is_program(*viewer))
    }

    /// The program whose token this is. The token of a browser's session is not for programs,
    /// whoever's it is.
    pub fn recognise_program(&mut self, token: &str, now: Tick) -> Option<ViewerId> {
        let viewer = self.sessions.recognise(token, now);
        viewer.filter(|viewer| self.is_program(*viewer))
    }

    fn is_program(&self, viewer: ViewerId) -> bool {
        let seat = self.person(viewer).and_then(|person| person.seat);
        seat.is_some_and(|seat| seat.is_program)
    }

    /// What is known of a person.
    pub fn person(&self, viewer: ViewerId) -> Option<&Person> {
        self.sessions.person(viewer)
    }

    /// Whether people solve a captcha before they see the site.
    pub fn has_entrance(&self) -> bool {
        self.limits.captcha_at_entrance
    }

    /// What follows from what was done since this was last asked.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The messages that can be seen, oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Arc<Message>> {
        self.transcript.visible()
    }

    /// The message with this number, and whether it is hidden.
    pub fn message(&self, id: MessageId) -> Option<(&Arc<Message>, bool)> {
        let (message, _) = self.transcript.get(id)?;
        Some((message, self.transcript.is_hidden(id)))
    }

    /// A number for a form of this person.
    pub fn form(&mut self, viewer: ViewerId, random: u64, now: Tick) -> Option<String> {
        Some(self.sessions.person_mut(viewer)?.nonces.issue(random, now))
    }

    /// Whether the next message of this person needs a captcha, and why.
    pub fn captcha_due(&self, viewer: ViewerId, now: Tick) -> Option<CaptchaReason> {
        let person = self.person(viewer)?;
        if person.is_exempt() {
            return None;
        }
        if self.pace.is_raided(now) || self.desk.shields.captcha_always {
            return Some(CaptchaReason::Raid);
        }
        match person.proof {
            Proof::Good { messages_left } if messages_left > 0 => None,
            Proof::Good { .. } => Some(CaptchaReason::Again),
            Proof::Due => Some(CaptchaReason::First),
        }
    }

    /// The captcha that this person has open.
    pub fn open_challenge(&self, viewer: ViewerId, now: Tick) -> Option<(u64, Prompt)> {
        self.challenges.open(viewer, now)
    }

    /// Opens a captcha for this person, in place of an open one; `false` if they had too many.
    pub fn challenge(
        &mut self,
        viewer: ViewerId,
        id: u64,
        prompt: Prompt,
        answer: String,
        now: Tick,
    ) -> bool {
        let may = self
            .sessions
            .person_mut(viewer)
            .is_some_and(|person| person.pace.ask(now));
        if may {
            self.challenges.issue(viewer, id, prompt, answer, now);
        }
        may
    }

    /// Lets somebody in who solved the captcha at the entrance. Their token is replaced.
    pub fn enter(
        &mut self,
        viewer: ViewerId,
        nonce: &str,
        answer: (u64, &str),
        token: &Token,
        now: Tick,
    ) -> Result<(), Refusal> {
        self.use_form(viewer, nonce, now)?;
        self.solve(viewer, answer, now)?;
        if let Some(person) = self.sessions.person_mut(viewer) {
            person.has_entered = true;
        }
        self.remint(viewer, token);
        self.newcomer(now);
        Ok(())
    }

    /// Forgets a person: their session, and everything they said. Answers what has to be hidden.
    pub fn forget(
        &mut self,
        viewer: ViewerId,
        nonce: &str,
        now: Tick,
    ) -> Result<Vec<MessageId>, Refusal> {
        self.use_form(viewer, nonce, now)?;
        self.withdraw(viewer);
        self.sessions.end(viewer);
        self.clear_up();
        Ok(self.transcript.remove_of(viewer))
    }

    /// Forgets what is over.
    pub fn tick(&mut self, now: Tick, wall: WallTime) {
        self.sessions.tick(now);
        self.tick_seats(now);
        let has_followed = std::mem::take(&mut self.desk.has_followed);
        if self.desk.sanctions.tick(wall) || has_followed {
            self.effects.push(Effect::Keep);
        }
        self.clear_up();
    }

    /// What the broadcaster should know since this was last asked.
    pub fn take_alarms(&mut self) -> Vec<Alarm> {
        std::mem::take(&mut self.alarms)
    }

    /// Other emotes from now on.
    pub fn set_emotes(&mut self, emotes: Arc<EmoteTable>) {
        self.emotes = emotes;
    }

    /// The emotes there are.
    pub fn emotes(&self) -> &Arc<EmoteTable> {
        &self.emotes
    }

    /// The list of people. `watching` and `here` are the viewers with an open video and an open
    /// panel; players without a session are in `watching` too.
    pub fn people(
        &self,
        watching: &HashSet<ViewerId>,
        here: &HashSet<ViewerId>,
        now: Tick,
    ) -> People {
        let mut present: Vec<_> = self
            .sessions
            .iter()
            .filter_map(|(viewer, person, seen)| {
                let presence = if watching.contains(&viewer) {
                    Presence::Watching
                } else if here.contains(&viewer) || now.since(seen) < self.limits.here_for {
                    Presence::Here
                } else {
                    return None;
                };
                if person.seat.is_some_and(|seat| seat.is_program) {
                    return None;
                }
                let entered = person.has_entered
                    || !self.limits.captcha_at_entrance
                    || presence == Presence::Watching;
                entered.then_some((person.came, viewer, &person.identity, presence))
            })
            .collect();
        present.sort_unstable_by_key(|(came, viewer, ..)| (*came, *viewer));
        let mut people = People::default();
        for (_, _, identity, presence) in &present {
            people.add(identity, *presence);
        }
        let with_session = present
            .iter()
            .filter(|(.., presence)| *presence == Presence::Watching)
            .count();
        people.watching.count += watching.len().saturating_sub(with_session);
        people
    }

    fn newcomer(&mut self, now: Tick) {
        if self.pace.newcomer(now, &self.limits.flood) {
            self.alarms.push(Alarm::Raid);
        }
    }

    /// A number for the forms of an endless page; can be used again and again.
    pub fn bearer(&mut self, viewer: ViewerId, random: u64, now: Tick) -> Option<String> {
        Some(self.sessions.person_mut(viewer)?.bearers.issue(random, now))
    }

    /// Whether this is the number of an endless page of this person.
    pub fn is_bearer(&self, viewer: ViewerId, nonce: &str, now: Tick) -> bool {
        self.person(viewer)
            .is_some_and(|person| person.bearers.holds(nonce, now))
    }

    /// Uses the number of a form up.
    pub fn use_form(&mut self, viewer: ViewerId, nonce: &str, now: Tick) -> Result<(), Refusal> {
        let person = self.sessions.person_mut(viewer).ok_or(Refusal::NoSession)?;
        if person.nonces.take(nonce, now) {
            Ok(())
        } else {
            Err(Refusal::Form)
        }
    }

    fn solve(
        &mut self,
        viewer: ViewerId,
        (id, given): (u64, &str),
        now: Tick,
    ) -> Result<(), Refusal> {
        match self.challenges.answer(viewer, id, given, now) {
            Answer::Right => {}
            Answer::Wrong { tries_left: 0 } | Answer::Gone => return Err(Refusal::CaptchaGone),
            Answer::Wrong { .. } => return Err(Refusal::CaptchaWrong),
        }
        let person = self.sessions.person_mut(viewer).ok_or(Refusal::NoSession)?;
        person.proof = Proof::Good {
            messages_left: self.limits.messages_per_captcha,
        };
        person.pace.solved();
        Ok(())
    }

    /// Colours that a new one should differ from.
    fn colours_in_use(&self) -> Vec<Colour> {
        // Nobody can tell hundreds of colours apart; some of those here are enough.
        self.sessions
            .iter()
            .take(64)
            .map(|(_, person, _)| person.identity.colour)
            .collect()
    }

    /// Takes what belonged to ended sessions out of the tables.
    fn clear_up(&mut self) {
        for (viewer, person) in self.sessions.take_ended() {
            self.challenges.forget(viewer);
            let identity = person.identity;
            self.by_key.remove(&identity.key);
            self.desk.sanctions.forget_viewer(viewer);
            self.handles.remove(&identity.tag.to_string());
            if let Some(name) = identity.name {
                let handle = name.folded();
                if self.handles.get(&handle) == Some(&identity.key) {
                    self.handles.remove(&handle);
                }
            }
        }
    }
}

/// Random bytes for the public key, and the rest for a colour.
fn split_key(random: [u8; 28]) -> (PublicKey, [u8; 16]) {
    let mut key = [0; 8];
    let mut colour = [0; 16];
    for (to, from) in key.iter_mut().chain(&mut colour).zip(random) {
        *to = from;
    }
    (PublicKey::from_random(u64::from_be_bytes(key)), colour)
}

#[cfg(test)]
mod tests;
