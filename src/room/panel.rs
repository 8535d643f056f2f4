//! What a live panel shows, and how it changes, as plain values.

use std::{collections::BTreeMap, collections::VecDeque, sync::Arc};

use bytes::Bytes;

use super::{
    people::People,
    person::Identity,
    shields::ChatMode,
    tag::PublicKey,
    title::Title,
    transcript::{Message, MessageId},
};
use crate::media::broadcast::Air;

/// Lines that a newcomer sees.
pub const SHOWN_LINES: usize = 256;

/// HTML that was rendered before; sent as it is.
pub type Html = Bytes;

/// What the panel shows. Cheap to clone: what was rendered is shared.
#[derive(Debug, Clone)]
pub struct Values {
    /// What the show is called; may be empty.
    pub title: Title,
    /// On or off the air.
    pub air: Air,
    /// How many viewers are watching.
    pub watching: usize,
    /// The newest lines of the chat, oldest first; at most [`SHOWN_LINES`], hidden ones too.
    pub lines: VecDeque<Line>,
    /// The list of people.
    pub people: Html,
    /// The same, for those who render it in their own way.
    pub list: Arc<People>,
    /// Pinned above the chat; may be empty.
    pub announcement: Arc<str>,
    /// Whether there is a chat.
    pub chat: ChatMode,
    /// The colours of the people who are here or said one of the lines.
    pub styles: Arc<BTreeMap<PublicKey, Arc<str>>>,
}

/// A line of the chat.
#[derive(Debug, Clone)]
pub struct Line {
    /// The number of the message.
    pub id: MessageId,
    /// Who said it, unless it was the program itself.
    pub author: Option<PublicKey>,
    /// As everybody sees it.
    pub html: Html,
    /// Whether it must not be seen; the desk still sees it.
    pub is_hidden: bool,
}

/// One change of a panel.
#[derive(Debug, Clone)]
pub enum Update {
    /// Another title.
    Title(Title),
    /// On air, off air, or another run.
    Air(Air),
    /// Another number of people watching.
    Watching(usize),
    /// Somebody said something.
    Said(Arc<Message>),
    /// These must not be seen any more, but the desk can show them again.
    Hidden(Vec<MessageId>),
    /// These may be seen again.
    Shown(Vec<MessageId>),
    /// These are gone for good.
    Removed(Vec<MessageId>),
    /// Nothing that this person has said may be kept with a recording; panels show it as before.
    Withdrawn(PublicKey),
    /// Another announcement; an empty one is none.
    Announcement(Arc<str>),
    /// The chat is there, waits to be asked for, or is off.
    Chat(ChatMode),
    /// Somebody came, left, or looks different.
    People(Arc<People>),
    /// Somebody is here for the first time, or looks different.
    Looks(Identity),
    /// Nothing changed; shows that the connection lives.
    Heartbeat,
}

/// A part of the endless document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The same for everybody.
    Html(Html),
    /// CSS that each response wraps in a style element with its own nonce.
    Css(Arc<str>),
}
