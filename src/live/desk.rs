//! The status block of the desk, shared: what it shows now, and the log of HTML that keeps it current.
//!
//! As with the [`super::panel`], a change is rendered once by the function handed in at the start, and
//! every open desk sends the same bytes. Nothing in it may depend on who looks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::feed::{Cursor, Feed};
use crate::room::{
    panel::Html,
    status::{DeskUpdate, DeskValues},
};

/// How many pieces are kept for desks that are slow to take them: some minutes in which something
/// changes each second. A slower one ends and reloads.
const KEPT_PIECES: u64 = 256;

/// Turns a change into the HTML that shows it.
pub type Render = fn(&DeskUpdate) -> Html;

/// The shared status block; clones are the same one.
#[derive(Debug, Clone)]
pub struct DeskFeed {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    values: Mutex<DeskValues>,
    feed: Feed<Html>,
    render: Render,
}

impl DeskFeed {
    /// Nothing is known yet.
    pub fn new(render: Render) -> Self {
        Self {
            shared: Arc::new(Shared {
                values: Mutex::new(DeskValues::default()),
                feed: Feed::new(KEPT_PIECES),
                render,
            }),
        }
    }

    /// The current values.
    pub fn values(&self) -> DeskValues {
        self.shared.lock().clone()
    }

    /// The current values, and everything that changes after them.
    pub fn open(&self) -> (DeskValues, Cursor<Html>) {
        let values = self.shared.lock();
        // Under the lock: a change between the two would be lost.
        (values.clone(), self.shared.feed.follow())
    }

    /// Shows a change; a value that is already shown is not shown again.
    pub fn publish(&self, update: &DeskUpdate) {
        let mut values = self.shared.lock();
        if values.apply(update) {
            // Inside the lock on purpose: the order of the log is the order of the changes.
            self.shared.feed.push((self.shared.render)(update));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, DeskValues> {
        // Each value is replaced whole.
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::{live::feed::Read, room::status::TorState};

    fn render(update: &DeskUpdate) -> Html {
        match update {
            DeskUpdate::Tor(tor) => tor.words.clone().into(),
            _ => "other".into(),
        }
    }

    fn tor(words: &str) -> DeskUpdate {
        DeskUpdate::Tor(TorState {
            words: words.to_owned(),
            ..TorState::default()
        })
    }

    #[test]
    fn open_desks_get_changes_only_and_newcomers_what_holds_now() {
        let feed = DeskFeed::new(render);
        let (before, mut cursor) = feed.open();

        feed.publish(&tor("connecting"));
        feed.publish(&tor("connecting"));
        feed.publish(&tor("reachable"));

        for words in ["connecting", "reachable"] {
            assert_eq!(cursor.next().now_or_never(), Some(Read::Item(words.into())));
        }
        assert_eq!(cursor.next().now_or_never(), None);
        assert_eq!(before, DeskValues::default());
        let (values, mut late) = feed.open();
        assert_eq!(values.tor.words, "reachable");
        assert_eq!(late.next().now_or_never(), None);
    }
}
