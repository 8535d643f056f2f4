//! Saying something: a message, a command, or the answer to a captcha.
//!
//! Belongs here: the order of the rules a message has to pass. Does not belong here: the rules
//! themselves ([`super::flood`], [`super::challenge`], [`super::markup`]).

use std::{borrow::Cow, sync::Arc};

use super::{
    Alarm, Dress, Room,
    chat_line::{ChatLine, Command},
    filter::Judgement,
    flood::Verdict,
    markup::Body,
    name,
    order::Order,
    person::{Identity, Proof, Role},
    refusal::{CaptchaReason, Refusal},
    sanction::{SanctionKind, Target},
    session::ViewerId,
    shields::ChatMode,
    theme::Theme,
    transcript::{Manner, Message, Speaker},
    wording::label,
};
use crate::clock::{Tick, WallTime};

/// A message on its way in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Post<'a> {
    /// The number of the form.
    pub nonce: &'a str,
    /// What was typed.
    pub text: &'a str,
    /// The id of a captcha, and the answer as normalised.
    pub answer: Option<(u64, &'a str)>,
    /// Whether the form said that the chat is kept.
    pub is_told: bool,
    /// What its author chose about that, if it is not what the form said.
    pub keeping: Option<bool>,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// Everybody sees it now.
    Message(Arc<Message>),
    /// There was only a captcha to solve.
    Solved,
    /// It was a command; only its author sees what comes of it.
    Command(Reply),
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// What commands there are.
    Help,
    /// Their own appearance has changed.
    Dressed(Identity),
    /// The colours of their pages have changed.
    Themed(Theme),
    /// The themes there are.
    Themes,
    /// Who is here.
    Users,
    /// There is no such command.
    Unknown(String),
}

impl Room {
    /// Takes a message, a command, or the answer to a captcha.
    pub fn say(
        &mut self,
        viewer: ViewerId,
        post: Post<'_>,
        dress_random: [u8; 16],
        now: Tick,
        wall: WallTime,
    ) -> Result<Said, Refusal> {
        self.use_form(viewer, post.nonce, now)?;
        // Also when nothing is said in the end.
        if let Some(may_be_kept) = post.keeping {
            self.set_keeping(viewer, may_be_kept);
        }
        let mut solved = false;
        if let Some(answer) = post.answer
            && self.captcha_due(viewer, now).is_some()
        {
            self.solve(viewer, answer, now)?;
            solved = true;
        }
        if solved && post.text.trim().is_empty() {
            return Ok(Said::Solved);
        }
        let (text, is_action) = match ChatLine::parse(post.text) {
            ChatLine::Command(command) => {
                if matches!(command, Command::Name(_) | Command::Colour(_)) {
                    self.may_change(viewer, wall)?;
                }
                return self
                    .obey(viewer, command, dress_random, now)
                    .map(Said::Command);
            }
            ChatLine::Say(text) => (text, false),
            ChatLine::Action(text) => (text, true),
        };
        if let Some(reason) = self.captcha_due(viewer, now).filter(|_| !solved) {
            return Err(Refusal::CaptchaDue(reason));
        }
        self.may_write(viewer, wall)?;
        let text = self.pass_filters(viewer, text, wall)?;
        let handles = &self.handles;
        let mut body = Body::parse(&text, &self.emotes, &mut |name: &str| {
            handles.get(&name::fold(name)).copied()
        })
        .map_err(Refusal::Text)?;
        if self.desk.shields.links_off && self.role(viewer) < Role::Moderator {
            body.unlink();
        }
        self.pass_flood_control(viewer, body.rows, now)?;

        let person = self.sessions.person_mut(viewer).ok_or(Refusal::NoSession)?;
        if let Proof::Good { messages_left } = &mut person.proof {
            *messages_left = messages_left.saturating_sub(1);
        }
        person.pace.said(body.rows, now, &self.limits.flood);
        let speaker = Speaker::Person(person.identity.clone());
        let manner = Manner {
            is_action,
            may_be_kept: self.keeps_chat && post.is_told && person.may_be_kept,
        };
        if !person.is_exempt() && self.pace.said(now, &self.limits.flood) {
            self.alarms.push(Alarm::Slow);
        }
        Ok(Said::Message(self.transcript.append(
            Some(viewer),
            speaker,
            body,
            manner,
            wall,
        )))
    }

    /// Whether this person may write at all.
    pub fn may_write(&self, viewer: ViewerId, wall: WallTime) -> Result<(), Refusal> {
        let person = self.person(viewer).ok_or(Refusal::NoSession)?;
        let shields = &self.desk.shields;
        if shields.chat == ChatMode::Off {
            return Err(Refusal::ChatOff);
        }
        if person.is_exempt() {
            return Ok(());
        }
        if let Some(sanction) = self.sanction(viewer, wall) {
            return Err(Refusal::Sanctioned {
                kind: sanction.kind,
                until: sanction.until,
            });
        }
        if person.is_staff() {
            return Ok(());
        }
        if shields.read_only {
            return Err(Refusal::ReadOnly);
        }
        if shields.tripcodes_only && person.identity.tripcode.is_none() {
            return Err(Refusal::TripcodesOnly);
        }
        Ok(())
    }

    /// The text as the word filters leave it.
    fn pass_filters<'t>(
        &mut self,
        viewer: ViewerId,
        text: &'t str,
        wall: WallTime,
    ) -> Result<Cow<'t, str>, Refusal> {
        let is_spared = self.person(viewer).is_some_and(super::Person::is_exempt)
            && !self.desk.shields.filter_broadcaster;
        if is_spared {
            return Ok(Cow::Borrowed(text));
        }
        match self.desk.filters.judge(text) {
            Judgement::Clean => Ok(Cow::Borrowed(text)),
            Judgement::Censored(text) => Ok(Cow::Owned(text)),
            Judgement::Blocked => Err(Refusal::Filtered),
            Judgement::Ban => {
                let person = self.person(viewer).ok_or(Refusal::NoSession)?;
                if person.is_staff() || self.desk.sanctions.is_crowded() {
                    return Err(Refusal::Filtered);
                }
                let identity = person.identity.clone();
                let target = Target {
                    viewer: Some(viewer),
                    token: self.sessions.digest_of(viewer),
                    tripcode: identity.tripcode,
                    label: label(&identity),
                };
                let by = "a word filter";
                let id = self.add_sanction(target, SanctionKind::Ban, by, wall, None)?;
                let what = format!("{} is banned from the chat for good", label(&identity));
                let undo = vec![Order::Lift(id)];
                self.desk.audit.note(wall, by.to_owned(), what, undo);
                Err(Refusal::Sanctioned {
                    kind: SanctionKind::Ban,
                    until: None,
                })
            }
        }
    }

    fn pass_flood_control(
        &mut self,
        viewer: ViewerId,
        rows: usize,
        now: Tick,
    ) -> Result<(), Refusal> {
        let slow = self.pace.is_slow(now) || self.desk.shields.slow;
        let person = self.sessions.person_mut(viewer).ok_or(Refusal::NoSession)?;
        if person.is_exempt() {
            return Ok(());
        }
        Err(
            match person.pace.judge(rows, slow, now, &self.limits.flood) {
                Verdict::Speak => return Ok(()),
                Verdict::Captcha => {
                    person.proof = Proof::Good { messages_left: 0 };
                    Refusal::CaptchaDue(CaptchaReason::Again)
                }
                Verdict::Wait(wait) => Refusal::TooSoon(wait),
                Verdict::RoomIsSlow(wait) => Refusal::RoomIsSlow(wait),
                Verdict::TooManyRows(wait) => Refusal::TooManyRows(wait),
            },
        )
    }

    fn obey(
        &mut self,
        viewer: ViewerId,
        command: Command<'_>,
        random: [u8; 16],
        now: Tick,
    ) -> Result<Reply, Refusal> {
        let dress = match command {
            Command::Help => return Ok(Reply::Help),
            Command::Users => return Ok(Reply::Users),
            Command::Unknown(word) => return Ok(Reply::Unknown(word.to_owned())),
            Command::Theme(None) => return Ok(Reply::Themes),
            Command::Theme(Some(word)) => {
                let Some(theme) = Theme::parse(word) else {
                    return Ok(Reply::Themes);
                };
                self.sessions
                    .person_mut(viewer)
                    .ok_or(Refusal::NoSession)?
                    .theme = theme;
                return Ok(Reply::Themed(theme));
            }
            Command::Name(name) => Dress {
                name: Some(name),
                random,
                ..Dress::default()
            },
            Command::Colour(colour) => Dress {
                colour: Some(colour),
                random,
                ..Dress::default()
            },
        };
        self.count_change(viewer, now)?;
        self.dress(viewer, dress).map(Reply::Dressed)
    }
}
