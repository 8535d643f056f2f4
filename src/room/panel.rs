//! What a live panel shows, and how it changes, as plain values.

use std::sync::Arc;

use bytes::Bytes;

use super::title::Title;
use crate::media::broadcast::Air;

/// What the panel shows.
#[derive(Debug, Clone)]
pub struct Values {
    /// What the show is called; may be empty.
    pub title: Title,
    /// On or off the air.
    pub air: Air,
    /// How many viewers are watching.
    pub watching: usize,
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
    /// Nothing changed; shows that the connection lives.
    Heartbeat,
}

/// A part of the endless document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The same for everybody.
    Html(Bytes),
    /// CSS that each response wraps in a style element with its own nonce.
    Css(Arc<str>),
}
