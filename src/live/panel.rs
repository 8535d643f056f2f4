//! The live panel's values, shared: what it shows now, and the log of HTML that keeps it current.
//!
//! A change is rendered once, by the function handed in at the start, and every open panel sends
//! the same bytes. Newcomers get the current values and then follow the log from that very moment.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::feed::{Cursor, Feed};
use crate::{
    clock::{Clock, Tick},
    media::broadcast::Air,
    room::{
        panel::{Line, Piece, SHOWN_LINES, Update, Values},
        shields::ChatMode,
        tag::PublicKey,
        title::Title,
        transcript::{Message, MessageId, Speaker},
    },
};

/// How many pieces are kept for panels that are slow to take them.
///
/// A slower one ends and reloads. At one heartbeat each 10 s this is more than an hour of quiet,
/// and enough for a burst of changes.
const KEPT_PIECES: u64 = 512;

/// How many changes are kept for programs that follow them.
const KEPT_UPDATES: u64 = 1024;

/// A piece of the document, and what it shows, for those who show it differently.
#[derive(Debug, Clone)]
pub struct Change {
    /// The rendered piece.
    pub piece: Piece,
    /// What changed; the same for all its pieces.
    pub update: Arc<Update>,
}

/// Turns a change into the pieces that show it.
pub type Render = fn(&Update, Tick) -> Vec<Piece>;

/// The shared panel; clones are the same one.
#[derive(Debug, Clone)]
pub struct Panel {
    shared: Arc<Shared>,
}

/// The show in short.
#[derive(Debug, Clone)]
pub struct Summary {
    /// What it is called; may be empty.
    pub title: Title,
    /// On or off the air.
    pub air: Air,
    /// How many viewers are watching.
    pub watching: usize,
}

#[derive(Debug)]
struct Shared {
    values: Mutex<Values>,
    feed: Feed<Change>,
    updates: Feed<Update>,
    render: Render,
    clock: Clock,
}

impl Panel {
    /// A panel without a title, off the air, watched by nobody.
    pub fn new(render: Render, clock: Clock) -> Self {
        let values = Values {
            title: Title::default(),
            air: Air::Off,
            watching: 0,
            lines: VecDeque::new(),
            people: Bytes::new(),
            list: Arc::default(),
            announcement: Arc::default(),
            chat: ChatMode::Shown,
            styles: Arc::default(),
        };
        let feed = Feed::new(KEPT_PIECES);
        let updates = Feed::new(KEPT_UPDATES);
        Self {
            shared: Arc::new(Shared {
                values: Mutex::new(values),
                feed,
                updates,
                render,
                clock,
            }),
        }
    }

    /// What every page says about the show.
    pub fn summary(&self) -> Summary {
        let values = self.shared.lock();
        Summary {
            title: values.title.clone(),
            air: values.air,
            watching: values.watching,
        }
    }

    /// The current values.
    pub fn values(&self) -> Values {
        self.shared.lock().clone()
    }

    /// The current values, and everything that changes after them.
    pub fn open(&self) -> (Values, Cursor<Change>) {
        let values = self.shared.lock();
        // Under the lock: a change between the two would be lost.
        (values.clone(), self.shared.feed.follow())
    }

    /// Every change from now on as a value, for programs.
    pub fn updates(&self) -> Cursor<Update> {
        self.shared.updates.follow()
    }

    /// Shows a change; a value that is already shown is not shown again.
    pub fn publish(&self, update: &Update) {
        let now = self.shared.clock.tick();
        let mut values = self.shared.lock();
        let changed = match update {
            Update::Title(title) => std::mem::replace(&mut values.title, title.clone()) != *title,
            Update::Air(air) => std::mem::replace(&mut values.air, *air) != *air,
            Update::Watching(count) => std::mem::replace(&mut values.watching, *count) != *count,
            Update::Chat(mode) => std::mem::replace(&mut values.chat, *mode) != *mode,
            Update::Announcement(words) => {
                std::mem::replace(&mut values.announcement, Arc::clone(words)) != *words
            }
            // Whoever publishes these knows that they changed.
            Update::Said(_)
            | Update::Hidden(_)
            | Update::Shown(_)
            | Update::Removed(_)
            | Update::Withdrawn(_)
            | Update::People(_)
            | Update::Looks(_)
            | Update::Heartbeat => true,
        };
        if !changed {
            return;
        }
        let pieces = (self.shared.render)(update, now);
        match update {
            Update::Said(message) => keep_line(&mut values.lines, message, &pieces),
            Update::Hidden(ids) => mark(&mut values.lines, ids, true),
            Update::Shown(ids) => mark(&mut values.lines, ids, false),
            Update::Removed(ids) => values.lines.retain(|line| !ids.contains(&line.id)),
            Update::People(people) => {
                if let Some(Piece::Html(html)) = pieces.first() {
                    values.people = html.clone();
                }
                values.list = Arc::clone(people);
                // Groups are listed in part; whoever is not listed may still speak: their colour
                // comes with what they say.
                let listed = [&people.broadcaster, &people.watching, &people.not_watching];
                let keys: Vec<_> = listed
                    .iter()
                    .flat_map(|group| &group.listed)
                    .map(|i| i.key)
                    .collect();
                forget_styles(&mut values, &keys);
            }
            Update::Looks(identity) => {
                if let Some(Piece::Css(css)) = pieces.first() {
                    Arc::make_mut(&mut values.styles).insert(identity.key, Arc::clone(css));
                }
            }
            Update::Title(_)
            | Update::Air(_)
            | Update::Watching(_)
            | Update::Announcement(_)
            | Update::Chat(_)
            | Update::Withdrawn(_)
            | Update::Heartbeat => {}
        }
        // Inside the lock on purpose: the order of the log is the order of the changes.
        let update = Arc::new(update.clone());
        for piece in pieces {
            let update = Arc::clone(&update);
            self.shared.feed.push(Change { piece, update });
        }
        if !matches!(*update, Update::Heartbeat) {
            self.shared.updates.push(Update::clone(&update));
        }
    }

    /// Whether the colours of this person are known to every open panel.
    pub fn knows(&self, key: PublicKey) -> bool {
        self.shared.lock().styles.contains_key(&key)
    }
}

/// Keeps what newcomers see of a message.
fn keep_line(lines: &mut VecDeque<Line>, message: &Message, pieces: &[Piece]) {
    let author = match &message.speaker {
        Speaker::Person(identity) => Some(identity.key),
        Speaker::System => None,
    };
    for piece in pieces {
        if let Piece::Html(html) = piece {
            lines.push_back(Line {
                id: message.id,
                author,
                html: html.clone(),
                is_hidden: false,
            });
        }
    }
    while lines.len() > SHOWN_LINES {
        lines.pop_front();
    }
}

fn mark(lines: &mut VecDeque<Line>, ids: &[MessageId], hidden: bool) {
    for line in lines.iter_mut().filter(|line| ids.contains(&line.id)) {
        line.is_hidden = hidden;
    }
}

/// Drops the colours of people who are gone and said none of the lines.
fn forget_styles(values: &mut Values, listed: &[PublicKey]) {
    let said: Vec<_> = values.lines.iter().filter_map(|line| line.author).collect();
    let keep = |key: &PublicKey| listed.contains(key) || said.contains(key);
    if values.styles.keys().any(|key| !keep(key)) {
        let styles: &mut BTreeMap<_, _> = Arc::make_mut(&mut values.styles);
        styles.retain(|key, _| keep(key));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Values> {
        // Each value is replaced whole.
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::live::feed::Read;

    fn render(update: &Update, _now: Tick) -> Vec<Piece> {
        let text = match update {
            Update::Watching(count) => count.to_string(),
            _ => "other".to_owned(),
        };
        vec![Piece::Html(text.into())]
    }

    #[test]
    fn a_change_is_rendered_once_and_an_unchanged_value_not_at_all() {
        let panel = Panel::new(render, Clock::new());
        let (_, mut anna) = panel.open();
        let (_, mut ben) = panel.open();

        panel.publish(&Update::Watching(3));
        panel.publish(&Update::Watching(3));

        for viewer in [&mut anna, &mut ben] {
            let Some(Read::Item(change)) = viewer.next().now_or_never() else {
                panic!("nothing came");
            };
            assert_eq!(change.piece, Piece::Html("3".into()));
            assert!(viewer.next().now_or_never().is_none());
        }
        assert_eq!(panel.open().0.watching, 3);
    }
}
