//! What was said: messages in memory, numbered, bounded, gone with the process.

use std::sync::Arc;

use super::{
    markup::Body,
    person::{Identity, Role},
    session::ViewerId,
};
use crate::{clock::WallTime, ring::Ring};

/// The number of a message; grows by one and never repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

/// Who says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speaker {
    /// A person, as they looked when they said it.
    Person(Identity),
    /// The program itself.
    System,
}

/// A message as everybody may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// When it was said.
    pub at: WallTime,
    /// Who said it.
    pub speaker: Speaker,
    /// What was said.
    pub body: Body,
    /// Whether it tells what the person does (`/me`).
    pub is_action: bool,
    /// Whether it is the first of its day (UTC), or the first of all.
    pub begins_day: bool,
    /// Whether it may be kept with a recording; not shown to anybody.
    pub may_be_kept: bool,
}

/// How something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manner {
    /// It tells what the person does (`/me`).
    pub is_action: bool,
    /// It may be kept with a recording.
    pub may_be_kept: bool,
}

impl Message {
    /// The role of the person who said it.
    pub fn role(&self) -> Option<Role> {
        match &self.speaker {
            Speaker::Person(identity) => Some(identity.role),
            Speaker::System => None,
        }
    }
}

#[derive(Debug)]
struct Kept {
    author: Option<ViewerId>,
    message: Arc<Message>,
    is_hidden: bool,
    /// Its author is forgotten; nothing is left of it but its place.
    is_removed: bool,
}

/// The newest messages, at most `capacity`.
#[derive(Debug)]
pub struct Transcript {
    capacity: usize,
    ring: Ring<Kept>,
    last_day: Option<u64>,
}

impl Transcript {
    /// Nothing was said yet.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            ring: Ring::new(),
            last_day: None,
        }
    }

    /// Appends a message; `author` is `None` for the program itself.
    pub fn append(
        &mut self,
        author: Option<ViewerId>,
        speaker: Speaker,
        body: Body,
        manner: Manner,
        at: WallTime,
    ) -> Arc<Message> {
        let day = Some(at.days());
        let begins_day = std::mem::replace(&mut self.last_day, day) != day;
        // Numbers start at 1: an id of 0 reads like a mistake.
        let id = MessageId(self.ring.end() + 1);
        let message = Arc::new(Message {
            id,
            at,
            speaker,
            body,
            is_action: manner.is_action,
            begins_day,
            may_be_kept: manner.may_be_kept,
        });
        self.ring.push(Kept {
            author,
            message: Arc::clone(&message),
            is_hidden: false,
            is_removed: false,
        });
        while self.ring.end() - self.ring.first() > self.capacity as u64 {
            self.ring.drop_first();
        }
        message
    }

    /// The message with this number, and whose it is, if it is kept.
    pub fn get(&self, id: MessageId) -> Option<(&Arc<Message>, Option<ViewerId>)> {
        let kept = self.ring.get(id.0.checked_sub(1)?)?;
        (!kept.is_removed).then_some((&kept.message, kept.author))
    }

    /// The numbers of what this person said.
    pub fn of(&self, viewer: ViewerId) -> Vec<MessageId> {
        self.ring
            .iter()
            .filter(|(_, kept)| kept.author == Some(viewer))
            .map(|(_, kept)| kept.message.id)
            .collect()
    }

    /// Marks messages as hidden; gives those that were not.
    pub fn hide(&mut self, ids: &[MessageId]) -> Vec<MessageId> {
        self.mark(ids, true)
    }

    /// Marks messages as not hidden any more; gives those that were.
    pub fn unhide(&mut self, ids: &[MessageId]) -> Vec<MessageId> {
        self.mark(ids, false)
    }

    fn mark(&mut self, ids: &[MessageId], hidden: bool) -> Vec<MessageId> {
        let mut marked = Vec::new();
        for id in ids {
            let Some(place) = id.0.checked_sub(1) else {
                continue;
            };
            if let Some(kept) = self.ring.get_mut(place)
                && kept.is_hidden != hidden
                // Open panels still have the words, and would show them again.
                && !kept.is_removed
            {
                kept.is_hidden = hidden;
                marked.push(*id);
            }
        }
        marked
    }

    /// Whether a message is hidden.
    pub fn is_hidden(&self, id: MessageId) -> bool {
        id.0.checked_sub(1)
            .and_then(|place| self.ring.get(place))
            .is_some_and(|kept| kept.is_hidden)
    }

    /// The messages that can be seen, oldest first.
    pub fn visible(&self) -> impl DoubleEndedIterator<Item = &Arc<Message>> {
        self.ring
            .iter()
            .filter(|(_, kept)| !kept.is_hidden && !kept.is_removed)
            .map(|(_, kept)| &kept.message)
    }

    /// Forgets everything that this person said; gives the numbers.
    ///
    /// The places stay, empty, so that numbers keep their meaning.
    pub fn remove_of(&mut self, viewer: ViewerId) -> Vec<MessageId> {
        let mut removed = Vec::new();
        for kept in self
            .ring
            .iter_mut()
            .filter(|kept| kept.author == Some(viewer))
        {
            removed.push(kept.message.id);
            kept.author = None;
            kept.is_removed = true;
            kept.message = Arc::new(Message {
                speaker: Speaker::System,
                body: Body {
                    spans: Vec::new(),
                    rows: 0,
                    characters: 0,
                    has_only_emoji: false,
                },
                ..Message::clone(&kept.message)
            });
        }
        removed
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        usize::try_from(self.ring.end() - self.ring.first()).unwrap_or(usize::MAX)
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}
