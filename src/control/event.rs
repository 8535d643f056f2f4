//! What happens in the show, as JSON for programs.
//!
//! Belongs here: which facts go out, under which names. Does not belong here: sending them.
//!
//! Only what everybody in the room can see: public ids, names and colours, never sessions or
//! tokens.

use serde::Serialize;

use crate::{
    media::broadcast::Air,
    room::{
        panel::Update,
        people::{Group, People},
        person::{Identity, Role},
        shields::ChatMode,
        transcript::{Message, MessageId, Speaker},
    },
};

/// Something that happened. Its JSON is an object whose `type` is the name in kebab case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// Somebody said something.
    Message(Said),
    /// These must not be shown any more, but may come back.
    Hidden {
        /// Their numbers.
        ids: Vec<u64>,
    },
    /// These may be shown again.
    Shown {
        /// Their numbers.
        ids: Vec<u64>,
    },
    /// These are gone for good.
    Removed {
        /// Their numbers.
        ids: Vec<u64>,
    },
    /// Somebody is here for the first time, or looks different.
    Appearance {
        /// How they look now.
        person: Looks,
    },
    /// Who is here now.
    Presence(Presence),
    /// On or off the air.
    Air(OnAir),
    /// How many people watch now.
    Watching {
        /// So many.
        count: usize,
    },
    /// Another title.
    Title {
        /// It; may be empty.
        text: String,
    },
    /// Another announcement.
    Announcement {
        /// It; empty if there is none.
        text: String,
    },
    /// Whether there is a chat.
    Chat {
        /// `shown`, `hidden` or `off`.
        mode: ChatMode,
    },
    /// Some events were dropped because the reader was too slow. The stream ends after it.
    Lost,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Its number.
    pub id: u64,
    /// When, in milliseconds since 1970-01-01 00:00 UTC.
    pub at: u64,
    /// Who; `null` for the program itself.
    pub author: Option<Looks>,
    /// What, as it was typed.
    pub text: String,
    /// Whether it tells what the person does (`/me`).
    pub action: bool,
}

/// How somebody looks to everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Looks {
    /// The public id.
    pub key: String,
    /// `#` and four letters.
    pub tag: String,
    /// The name they chose.
    pub name: Option<String>,
    /// The tripcode they set.
    pub tripcode: Option<String>,
    /// `viewer`, `moderator` or `broadcaster`.
    pub role: &'static str,
    /// The colour of the name, like `#40c0b0`.
    pub colour: String,
}

/// Who is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Presence {
    /// Those who run the show.
    pub broadcaster: Listed,
    /// Those who watch.
    pub watching: Listed,
    /// Those who are here and do not watch.
    pub not_watching: Listed,
}

/// A part of those who are here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// How many.
    pub count: usize,
    /// The first of them.
    pub people: Vec<Looks>,
}

/// Whether the show is on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OnAir {
    /// Whether it is.
    pub on: bool,
    /// Since when, in milliseconds since 1970-01-01 00:00 UTC.
    pub since: Option<u64>,
    /// Whether there is a picture; `null` off the air.
    pub has_video: Option<bool>,
}

impl Event {
    /// What a change of the panel means to a program; `None` if nothing happened.
    pub fn of(update: &Update) -> Option<Self> {
        Some(match update {
            Update::Title(title) => Self::Title {
                text: title.as_str().to_owned(),
            },
            Update::Air(air) => Self::Air((*air).into()),
            Update::Watching(count) => Self::Watching { count: *count },
            Update::Said(message) => Self::Message(message.as_ref().into()),
            Update::Hidden(ids) => Self::Hidden { ids: numbers(ids) },
            Update::Shown(ids) => Self::Shown { ids: numbers(ids) },
            Update::Removed(ids) => Self::Removed { ids: numbers(ids) },
            Update::Announcement(words) => Self::Announcement {
                text: words.as_ref().to_owned(),
            },
            Update::Chat(mode) => Self::Chat { mode: *mode },
            Update::People(people) => Self::Presence(people.as_ref().into()),
            Update::Looks(identity) => Self::Appearance {
                person: identity.into(),
            },
            // Who does not want to be kept is nobody else's business.
            Update::Withdrawn(_) | Update::Heartbeat => return None,
        })
    }
}

fn numbers(ids: &[MessageId]) -> Vec<u64> {
    ids.iter().map(|id| id.0).collect()
}

impl From<&Message> for Said {
    fn from(message: &Message) -> Self {
        Self {
            id: message.id.0,
            at: message.at.unix_millis(),
            author: match &message.speaker {
                Speaker::Person(identity) => Some(identity.into()),
                Speaker::System => None,
            },
            text: message.body.source(),
            action: message.is_action,
        }
    }
}

impl From<&Identity> for Looks {
    fn from(identity: &Identity) -> Self {
        Self {
            key: identity.key.to_string(),
            tag: identity.tag.to_string(),
            name: identity.name.as_ref().map(|name| name.as_str().to_owned()),
            tripcode: identity.tripcode.map(|tripcode| tripcode.to_string()),
            role: match identity.role {
                Role::Viewer => "viewer",
                Role::Moderator => "moderator",
                Role::Broadcaster => "broadcaster",
            },
            colour: identity.colour.to_string(),
        }
    }
}

impl From<&People> for Presence {
    fn from(people: &People) -> Self {
        Self {
            broadcaster: (&people.broadcaster).into(),
            watching: (&people.watching).into(),
            not_watching: (&people.not_watching).into(),
        }
    }
}

impl From<&Group> for Listed {
    fn from(group: &Group) -> Self {
        Self {
            count: group.count,
            people: group.listed.iter().map(Looks::from).collect(),
        }
    }
}

impl From<Air> for OnAir {
    fn from(air: Air) -> Self {
        match air {
            Air::Off => Self {
                on: false,
                since: None,
                has_video: None,
            },
            Air::On {
                since, has_video, ..
            } => Self {
                on: true,
                since: Some(since.unix_millis()),
                has_video: Some(has_video),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        clock::WallTime,
        room::{
            colour::Colour,
            markup::{Body, Span},
            name::DisplayName,
            tag::{PublicKey, PublicTag},
            title::Title,
            tripcode::Tripcode,
        },
    };

    fn identity() -> Identity {
        Identity {
            key: PublicKey::from_random(1),
            tag: PublicTag::from_random(2),
            name: Some(DisplayName::parse("Anna").unwrap()),
            colour: Colour(0x40, 0xc0, 0xb0),
            tripcode: Some(Tripcode::from_bytes([0; 10])),
            role: Role::Moderator,
        }
    }

    fn json(update: &Update) -> String {
        serde_json::to_string(&Event::of(update).unwrap()).unwrap()
    }

    /// What programs are told about the events.
    const PAGE: &str = include_str!("../../docs/control.md");

    const ANNA: &str = r##"{"key":"00000001","tag":"#0002","name":"Anna","tripcode":"aaaa-aaaa-aaaa-aaaa","role":"moderator","colour":"#40c0b0"}"##;

    #[test]
    fn every_change_is_one_line_of_json_with_public_ids_only() {
        let body = Body {
            spans: vec![Span::Text("one\"".into()), Span::LineBreak],
            rows: 2,
            characters: 4,
            has_only_emoji: false,
        };
        let message = Message {
            id: MessageId(3),
            at: WallTime::from_unix_millis(1_770_149_707_000),
            speaker: Speaker::Person(identity()),
            body,
            is_action: false,
            begins_day: true,
            may_be_kept: false,
        };
        let group = Group {
            listed: vec![identity()],
            count: 4,
        };
        let people = People {
            watching: group,
            ..People::default()
        };
        let nobody = r#"{"count":0,"people":[]}"#;
        for (update, expected) in [
            (
                Update::Said(Arc::new(message)),
                format!(
                    r#"{{"type":"message","id":3,"at":1770149707000,"author":{ANNA},"text":"one\"\n","action":false}}"#
                ),
            ),
            (
                Update::Hidden(vec![MessageId(1), MessageId(2)]),
                r#"{"type":"hidden","ids":[1,2]}"#.to_owned(),
            ),
            (
                Update::Shown(vec![MessageId(1), MessageId(2)]),
                r#"{"type":"shown","ids":[1,2]}"#.to_owned(),
            ),
            (
                Update::Removed(vec![MessageId(1), MessageId(2)]),
                r#"{"type":"removed","ids":[1,2]}"#.to_owned(),
            ),
            (
                Update::Watching(7),
                r#"{"type":"watching","count":7}"#.to_owned(),
            ),
            (
                Update::Announcement("Back at nine".into()),
                r#"{"type":"announcement","text":"Back at nine"}"#.to_owned(),
            ),
            (
                Update::Looks(identity()),
                format!(r#"{{"type":"appearance","person":{ANNA}}}"#),
            ),
            (
                Update::People(Arc::new(people)),
                format!(
                    r#"{{"type":"presence","broadcaster":{nobody},"watching":{{"count":4,"people":[{ANNA}]}},"not_watching":{nobody}}}"#
                ),
            ),
            (
                Update::Air(Air::Off),
                r#"{"type":"air","on":false,"since":null,"has_video":null}"#.to_owned(),
            ),
            (
                Update::Title(Title::parse(b"Night train").unwrap()),
                r#"{"type":"title","text":"Night train"}"#.to_owned(),
            ),
            (
                Update::Chat(ChatMode::Off),
                r#"{"type":"chat","mode":"off"}"#.to_owned(),
            ),
        ] {
            assert_eq!(json(&update), expected);
            assert!(PAGE.contains(&expected), "the page has no {expected}");
        }
        assert_eq!(
            serde_json::to_string(&Event::Lost).unwrap(),
            r#"{"type":"lost"}"#
        );
        assert_eq!(Event::of(&Update::Heartbeat), None);
    }
}
