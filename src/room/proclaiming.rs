//! Saying something without being a person of the room: the program, and the broadcaster from the
//! terminal or a program.

use std::sync::Arc;

use super::{
    Room,
    colour::Colour,
    markup::Body,
    name,
    person::{Identity, Role},
    refusal::Refusal,
    tag::{PublicKey, PublicTag},
    transcript::{Manner, Message, Speaker},
};
use crate::clock::WallTime;

impl Room {
    /// Says something in the name of the program; nothing if the words are no message.
    pub fn announce(&mut self, words: &str, wall: WallTime) -> Option<Arc<Message>> {
        let body = Body::parse(words, &self.emotes, &mut |_| None).ok()?;
        Some(
            self.transcript
                .append(None, Speaker::System, body, Manner::default(), wall),
        )
    }

    /// Says something in the broadcaster's name, from the terminal or a program.
    pub fn proclaim(&mut self, words: &str, wall: WallTime) -> Result<Arc<Message>, Refusal> {
        let handles = &self.handles;
        let body = Body::parse(words, &self.emotes, &mut |name: &str| {
            handles.get(&name::fold(name)).copied()
        })
        .map_err(Refusal::Text)?;
        let speaker = Speaker::Person(house());
        // The broadcaster decides about keeping, and needs not be told.
        let manner = Manner {
            may_be_kept: self.keeps_chat,
            ..Manner::default()
        };
        Ok(self.transcript.append(None, speaker, body, manner, wall))
    }
}

/// How the broadcaster looks who speaks without a browser.
fn house() -> Identity {
    Identity {
        key: PublicKey::from_random(0),
        tag: PublicTag::from_random(0),
        name: None,
        colour: Colour(0xff, 0x82, 0x80),
        tripcode: None,
        role: Role::Broadcaster,
    }
}
