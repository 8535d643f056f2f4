//! The audit list: what was ordered, by whom, and how to take it back.
//!
//! Kept in memory only and bounded; it names people as they looked, never by session.

use std::collections::VecDeque;

use super::order::Order;
use crate::clock::WallTime;

/// Entries that are kept.
pub const KEPT: usize = 500;

/// The number of an entry; grows and never repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(pub u64);

/// One order that was carried out.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Its number.
    pub id: AuditId,
    /// When.
    pub at: WallTime,
    /// Who ordered it.
    pub by: String,
    /// What was done, as a sentence without a full stop.
    pub what: String,
    /// What takes it back, if anything does.
    pub(super) undo: Vec<Order>,
    /// Whether it was taken back.
    pub undone: bool,
}

impl AuditEntry {
    /// Whether it can be taken back.
    pub fn can_undo(&self) -> bool {
        !self.undone && !self.undo.is_empty()
    }
}

/// The newest entries, oldest first.
#[derive(Debug, Default)]
pub struct Audit {
    next: u64,
    entries: VecDeque<AuditEntry>,
}

impl Audit {
    /// Notes an order.
    pub fn note(&mut self, at: WallTime, by: String, what: String, undo: Vec<Order>) -> AuditId {
        self.next += 1;
        let id = AuditId(self.next);
        if self.entries.len() >= KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(AuditEntry {
            id,
            at,
            by,
            what,
            undo,
            undone: false,
        });
        id
    }

    /// The entry with this number.
    pub fn get(&self, id: AuditId) -> Option<&AuditEntry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// Notes that an entry was taken back.
    pub fn mark_undone(&mut self, id: AuditId) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.undone = true;
            entry.undo.clear();
        }
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &AuditEntry> {
        self.entries.iter()
    }
}
