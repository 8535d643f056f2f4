//! A bounded log with pull cursors: one writer side, any number of readers.
//!
//! A reader holds a number, not a queue, so a reader that stops costs nothing, and falling behind
//! is an answer ([`Read::Lost`]), not an error. Pushing is O(1) and wakes every waiting reader.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::ring::Ring;

/// The writing side; clones write to the same log.
#[derive(Debug)]
pub struct Feed<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    ring: Mutex<Ring<T>>,
    capacity: u64,
    /// The number of the next item; changing it wakes the readers.
    end: watch::Sender<u64>,
}

/// What a cursor finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Read<T> {
    /// The next item.
    Item(T),
    /// The next item was dropped before this reader came for it.
    Lost,
}

/// A reader's place in a [`Feed`].
#[derive(Debug)]
pub struct Cursor<T> {
    shared: Arc<Shared<T>>,
    next: u64,
    end: watch::Receiver<u64>,
}

impl<T> Clone for Feed<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: Clone> Feed<T> {
    /// An empty log that keeps the newest `capacity` items.
    pub fn new(capacity: u64) -> Self {
        let (end, _) = watch::channel(0);
        Self {
            shared: Arc::new(Shared {
                ring: Mutex::new(Ring::new()),
                capacity,
                end,
            }),
        }
    }

    /// Appends an item and wakes every reader.
    pub fn push(&self, item: T) {
        let mut ring = self.shared.lock();
        ring.push(item);
        while ring.end() - ring.first() > self.shared.capacity {
            ring.drop_first();
        }
        let end = ring.end();
        drop(ring);
        self.shared.end.send_replace(end);
    }

    /// A reader that gets everything pushed from now on.
    pub fn follow(&self) -> Cursor<T> {
        let next = self.shared.lock().end();
        Cursor {
            shared: Arc::clone(&self.shared),
            next,
            end: self.shared.end.subscribe(),
        }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Ring<T>> {
        // Every operation leaves the ring whole, so a panic elsewhere cannot have broken it.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Cursor<T> {
    /// Waits for the next item. Cancel safe: an item is only passed over when it is returned.
    ///
    /// Never returns after the last [`Feed`] is gone.
    pub async fn next(&mut self) -> Read<T> {
        loop {
            // Before looking, so that a push after the look is not missed.
            self.end.borrow_and_update();
            if let Some(read) = self.poll_next() {
                return read;
            }
            if self.end.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn poll_next(&mut self) -> Option<Read<T>> {
        let ring = self.shared.lock();
        if self.next < ring.first() {
            self.next = ring.first();
            return Some(Read::Lost);
        }
        let item = ring.get(self.next)?.clone();
        self.next += 1;
        Some(Read::Item(item))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_slow_reader_learns_that_it_lost_items_then_goes_on() {
        let feed = Feed::new(2);
        let mut cursor = feed.follow();
        for item in ['a', 'b', 'c'] {
            feed.push(item);
        }

        assert_eq!(cursor.next().now_or_never(), Some(Read::Lost));
        assert_eq!(cursor.next().now_or_never(), Some(Read::Item('b')));
        assert_eq!(cursor.next().now_or_never(), Some(Read::Item('c')));
        assert_eq!(cursor.next().now_or_never(), None);
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken_by_the_next_item() {
        let feed = Feed::new(2);
        let mut cursor = feed.follow();

        let (read, ()) = tokio::join!(cursor.next(), async { feed.push('a') });

        assert_eq!(read, Read::Item('a'));
    }

    #[test]
    fn a_newcomer_gets_nothing_from_before() {
        let feed = Feed::new(2);
        feed.push('a');

        assert_eq!(feed.follow().next().now_or_never(), None);
    }
}
