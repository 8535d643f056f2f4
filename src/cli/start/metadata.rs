//! Nothing of the picture passes before its metadata was looked at.
//!
//! Belongs here: the one guard of all sources, and telling the broadcaster what it found.
//! Does not belong here: what metadata is and how it is taken out (`media/privacy.rs`).

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    ingest::{Event, Stop},
    live::video::VideoHandle,
    media::{
        privacy::{Guard, Trace},
        variant::VariantName,
    },
};

/// The guard of the show; clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct MetadataGuard {
    /// Only the source takes this lock, one event at a time.
    guard: Arc<Mutex<Guard>>,
    strips: bool,
    video: VideoHandle,
    /// The variant that it guards, if it is not the source.
    variant: Option<VariantName>,
}

impl MetadataGuard {
    /// `strips`: see [`Guard::new`]. `video` is told what was found, for the desk.
    pub(super) fn new(strips: bool, video: VideoHandle) -> Self {
        if !strips {
            tracing::warn!(
                "`ingest.strip_metadata` is off: whatever the encoder writes about itself, its computer \
                 and its owner goes out to viewers"
            );
        }
        Self {
            guard: Arc::new(Mutex::new(Guard::new(strips))),
            strips,
            video,
            variant: None,
        }
    }

    /// The guard of a variant beside what this one guards.
    pub(super) fn beside(&self, name: VariantName, video: VideoHandle) -> Self {
        Self {
            guard: Arc::new(Mutex::new(Guard::new(self.strips))),
            strips: self.strips,
            video,
            variant: Some(name),
        }
    }

    /// To be read after "of" or "the encoder".
    fn whose(&self) -> String {
        self.variant
            .map_or_else(String::new, |name| format!(" of `{name}`"))
    }

    /// The event with clean bytes; `None` if it belongs to a stream that is refused.
    pub(super) fn pass(&self, event: Event) -> Option<Event> {
        // Each call leaves the guard whole, and after a panic the next init segment begins anew.
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        let before = guard.metadata();
        let passed = match event {
            Event::Init { init, started } => Some(match guard.begin(init) {
                Ok(init) => Event::Init { init, started },
                Err(refusal) => {
                    tracing::warn!(
                        "nothing{} is played: {refusal} (or let it out with `ingest.strip_metadata = false`)",
                        self.whose()
                    );
                    Event::Stopped(Stop::Refused)
                }
            }),
            Event::Fragment(fragment) => guard.fragment(&fragment).map(Event::Fragment),
            other => Some(other),
        };
        for trace in guard.news().iter() {
            self.tell(trace);
        }
        let after = guard.metadata();
        drop(guard);
        if before != after {
            self.video.set_metadata(after);
        }
        passed
    }

    /// Never the value itself: the log is kept, and shown to people who help.
    fn tell(&self, trace: Trace) {
        let (what, fix, whose) = (trace.words(), trace.fix(), self.whose());
        if trace == Trace::Unreadable {
            tracing::warn!(
                "the encoder{whose} writes {what}; they go out as they are, with whatever is in them"
            );
        } else if self.strips {
            tracing::warn!(
                "the encoder{whose} writes {what}; that was taken out; {fix} keeps it from being written"
            );
        } else {
            tracing::warn!(
                "the encoder{whose} writes {what}, and viewers get it; {fix} keeps it from being written"
            );
        }
    }
}
