//! The run that has ended: whoever was watching sees the rest of it at their own pace.
//!
//! Belongs here: how long it stays, and who reads it. Does not belong here: when a run ends
//! ([`super::super::broadcast`]).
//!
//! A viewer who went two minutes back has two minutes to see when the show is over. What has ended is
//! kept as it was, beside the next run and out of its way: nobody new can come to it, it grows no
//! more, fragments leave it when they are older than `keep`, and the next run takes its room.

use std::mem;

use super::{Next, Position, Timeline};
use crate::{clock::Tick, ring::Ring};

impl Timeline {
    /// Ends the run: nobody can join it any more, and every reader gets what is left of it, then
    /// [`Next::Ended`].
    ///
    /// Only the run that ended last stays.
    pub fn end(&mut self) {
        let next = Self {
            run: self.run,
            init: self.init.clone(),
            sound: self.sound.clone(),
            ring: Ring::starting_at(self.ring.end()),
            sequence: self.sequence,
            ..Self::new(self.limits)
        };
        let mut ended = mem::replace(self, next);
        ended.past = None;
        self.past = ended.playing.then(|| Box::new(ended));
    }

    /// Drops of the run that has ended what is too old, or what the current one needs the room for.
    pub fn forget(&mut self, now: Tick) {
        let Some(past) = &mut self.past else {
            return;
        };
        while let Some(oldest) = past.ring.oldest()
            && (!oldest.starts_with_keyframe
                || now.since(oldest.arrived) > self.limits.keep
                || self.bytes.saturating_add(past.bytes) > self.limits.keep_bytes)
        {
            if let Some(dropped) = past.ring.drop_first() {
                past.bytes -= dropped.size();
            }
        }
        if past.ring.is_empty() {
            self.past = None;
        }
    }

    /// The next thing of the run that has ended.
    pub(super) fn read_past(&self, position: &mut Position, now: Tick) -> Next {
        match &self.past {
            Some(past) if past.run == position.run => match past.read(position, now) {
                // Nothing more will come.
                Next::Wait(None) => Next::Ended,
                next => next,
            },
            _ => Next::Ended,
        }
    }
}
