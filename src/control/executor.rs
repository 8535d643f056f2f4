//! Doing what a line says.
//!
//! Belongs here: which order of the room a request is, and what it is answered with.
//! Does not belong here: whether it is allowed (the room decides), sockets, files.

use std::{fmt, sync::Arc};

use thiserror::Error;

use super::{
    answer::{Answer, Ban, Did, Entry, Status},
    event::{Presence, Said},
    request::{Deletions, Moderator, Request, Unban, verb, who::Who},
};
use crate::{
    clock::Clock,
    live::{desk::DeskFeed, lease::Leases, panel::Panel, room::RoomHandle},
    media::uplink::sums::Sums,
    room::{
        audit::AuditId,
        order::{Actor, Order, Term, Whom},
        panel::Update,
        person::Role,
        refusal::Refusal,
        sanction::Sanction,
        shields::{Shield, ShieldChange},
        tag::PublicKey,
        title::{Title, TitleError},
        transcript::{MessageId, Speaker},
    },
};

/// Sanctions of one person that `unban WHO` takes back; nobody has more.
const MOST_SANCTIONS: usize = 64;

/// What belongs to the program and not to the room. Every function may take its time.
pub trait Program: fmt::Debug + Send + Sync {
    /// Writes the title to its file.
    ///
    /// # Errors
    ///
    /// A sentence for whoever asked; so everywhere here.
    fn write_title(&self, title: &Title) -> Result<(), String>;

    /// Reads again what is read at the start; says what.
    fn reload(&self) -> Result<String, String>;

    /// A link for one login with this role.
    fn login_link(&self, role: Role) -> Result<String, String>;

    /// The password file is new; says what was done.
    fn password_changed(&self) -> Result<String, String>;

    /// Ends the program in good order, soon after this returns.
    fn stop(&self);

    /// Ends everything at once, soon after this returns.
    fn panic(&self, deletions: Deletions);
}

/// The parts that requests are about. Clones are about the same ones.
#[derive(Debug, Clone)]
pub struct Executor {
    /// The room.
    pub room: RoomHandle,
    /// What viewers see of it.
    pub panel: Panel,
    /// What is open.
    pub leases: Leases,
    /// How Tor and the encoder do.
    pub desk: DeskFeed,
    /// For sanctions that are over.
    pub clock: Clock,
    /// The rest of the program.
    pub program: Arc<dyn Program>,
}

/// Why a request was not carried out.
#[derive(Debug, Error)]
enum Failure {
    #[error("{0}")]
    Refused(Refusal),
    #[error("nobody here is `{0}`; `users` shows who is here")]
    Nobody(Who),
    #[error("nothing holds for `{0}`; `bans` shows the numbers of those who are not here")]
    NotSanctioned(Who),
    #[error("{0}; the title stays as it was")]
    Title(#[from] TitleError),
    #[error("{0}")]
    Program(String),
    #[error("this cannot be answered in one line")]
    Endless,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Executor {
    /// Carries out a request. Takes its time: not for a thread that others wait for.
    ///
    /// [`Request::Follow`] has no single answer; the socket looks after it.
    pub fn execute(&self, request: Request) -> Answer {
        self.carry_out(request)
            .unwrap_or_else(|failure| Answer::Error(failure.to_string()))
    }

    fn carry_out(&self, request: Request) -> Result<Answer, Failure> {
        let ids = |ids: Vec<u64>| ids.into_iter().map(MessageId).collect();
        match request {
            Request::Status => Ok(Answer::of(self.status())),
            Request::Complaints => Ok(Answer::of(&*self.desk.values().complaints)),
            Request::Title(None) => {
                let title = self.panel.summary().title;
                Ok(Answer::of(title.as_str()))
            }
            Request::Title(Some(text)) => self.title(&text),
            Request::Say(text) => {
                let message = self.room.proclaim(&text)?;
                Ok(Answer::of(Said::from(message.as_ref())))
            }
            Request::Chat(count) => {
                let messages = self.room.messages(count);
                let said: Vec<_> = messages
                    .iter()
                    .map(|said| Said::from(said.as_ref()))
                    .collect();
                Ok(Answer::of(said))
            }
            Request::Follow => Err(Failure::Endless),
            Request::Users => Ok(Answer::of(Presence::from(self.room.people().as_ref()))),
            Request::Hide(numbers) => self.order(Order::Hide(ids(numbers))),
            Request::Unhide(numbers) => self.order(Order::Unhide(ids(numbers))),
            Request::Sanction {
                kind,
                who,
                term,
                purge,
            } => self.order(Order::Sanction {
                whom: self.whom(who)?,
                kind,
                term: term.map_or(Term::ForGood, Term::For),
                purge,
            }),
            Request::Unban(Unban::Number(id)) => self.order(Order::Lift(id)),
            Request::Unban(Unban::Who(who)) => self.unban(who),
            Request::Bans => {
                let bans: Vec<_> = self.holding().iter().map(Ban::from).collect();
                Ok(Answer::of(bans))
            }
            Request::Rename { who, name } => self.order(Order::Rename {
                whom: self.whom(who)?,
                name,
            }),
            Request::Cut(who) => self.order(Order::CutVideo(self.whom(who)?)),
            Request::Undo(number) => self.order(Order::Undo(AuditId(number))),
            Request::Log => {
                let entries: Vec<_> = self.room.desk().audit.iter().map(Entry::from).collect();
                Ok(Answer::of(entries))
            }
            Request::Shield(shield, on) => {
                self.order(Order::Shields(vec![ShieldChange::Switch(shield, on)]))
            }
            Request::ChatMode(chat) => self.order(Order::Shields(vec![ShieldChange::Chat(chat)])),
            Request::Moderator(Moderator::Add { tripcode, label }) => {
                self.order(Order::Appoint { tripcode, label })
            }
            Request::Moderator(Moderator::Remove(tripcode)) => self.order(Order::Dismiss(tripcode)),
            Request::Moderator(Moderator::Link) => self.link(Role::Moderator),
            Request::LoginLink => self.link(Role::Broadcaster),
            Request::Reload => did(self.program.reload()),
            Request::PasswordChanged => did(self.program.password_changed()),
            Request::Stop => {
                self.program.stop();
                Ok(Answer::of(Did::only("The show ends.")))
            }
            Request::Panic(deletions) => {
                self.program.panic(deletions);
                Ok(Answer::of(Did::only("Everything ends at once.")))
            }
            Request::Help => Ok(Answer::of(verb::VERBS)),
        }
    }

    fn order(&self, order: Order) -> Result<Answer, Failure> {
        let done = self.room.order(Actor::Terminal, order)?;
        Ok(Answer::of(Did::from(done)))
    }

    fn whom(&self, who: Who) -> Result<Whom, Failure> {
        let found = match &who {
            Who::Author(id) => return Ok(Whom::Author(MessageId(*id))),
            Who::Key(key) => Some(*key),
            Who::Tag(tag) => self.room.named(&tag.to_string()),
            Who::Name(name) => self.room.named(name),
        };
        found.map(Whom::Key).ok_or(Failure::Nobody(who))
    }

    /// The public id of whoever is meant.
    fn key(&self, who: &Who) -> Result<PublicKey, Failure> {
        match self.whom(who.clone())? {
            Whom::Key(key) => Ok(key),
            Whom::Author(id) => {
                let (message, _) = self.room.message(id).ok_or(Refusal::NoSuchMessage)?;
                match &message.speaker {
                    Speaker::Person(identity) => Ok(identity.key),
                    Speaker::System => Err(Failure::Nobody(who.clone())),
                }
            }
        }
    }

    /// Takes back everything that holds for a person.
    fn unban(&self, who: Who) -> Result<Answer, Failure> {
        let key = self.key(&who)?;
        let viewer = self.room.viewer(key).ok_or(Refusal::NobodyThere)?;
        let mut last = None;
        for _ in 0..MOST_SANCTIONS {
            let Some(sanction) = self.room.sanction(viewer) else {
                break;
            };
            last = Some(self.room.order(Actor::Terminal, Order::Lift(sanction.id))?);
        }
        let done = last.ok_or(Failure::NotSanctioned(who))?;
        Ok(Answer::of(Did::from(done)))
    }

    fn link(&self, role: Role) -> Result<Answer, Failure> {
        let link = self.program.login_link(role);
        link.map(Answer::of).map_err(Failure::Program)
    }

    fn title(&self, text: &str) -> Result<Answer, Failure> {
        let title = Title::parse(text.as_bytes())?;
        self.program.write_title(&title).map_err(Failure::Program)?;
        // The file is watched; this only makes it quicker.
        self.panel.publish(&Update::Title(title.clone()));
        let words = match title.as_str() {
            "" => "The show has no title.".to_owned(),
            text => format!("The show is called: {text}"),
        };
        Ok(Answer::of(Did::only(words)))
    }

    /// The sanctions that are not over.
    fn holding(&self) -> Vec<Sanction> {
        let wall = self.clock.wall();
        let mut sanctions = self.room.desk().sanctions;
        sanctions.retain(|sanction| sanction.holds(wall));
        sanctions
    }

    fn status(&self) -> Status {
        let summary = self.panel.summary();
        let desk = self.room.desk();
        let values = self.desk.values();
        let tor = values.tor;
        let on = |shield: &Shield| desk.shields.is_on(*shield);
        Status {
            title: summary.title.as_str().to_owned(),
            air: summary.air.into(),
            watching: summary.watching,
            not_watching: self.room.people().not_watching.count,
            open_responses: self.leases.count(),
            onion: tor.address,
            reachable: tor.reachable,
            tor: tor.words,
            chat: desk.shields.chat,
            announcement: desk.show.announcement().to_owned(),
            shields: Shield::ALL
                .into_iter()
                .filter(on)
                .map(Shield::word)
                .collect(),
            viewing_password: desk.access.password().is_some(),
            club: desk.access.club().is_some(),
            bans: self.holding().len(),
            uplink: Sums::from(&values.outgoing),
        }
    }
}

/// What the program says it did.
fn did(outcome: Result<String, String>) -> Result<Answer, Failure> {
    let words = outcome.map_err(Failure::Program)?;
    Ok(Answer::of(Did::only(words)))
}

#[cfg(test)]
pub(in crate::control) mod tests;
