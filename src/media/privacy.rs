//! What an encoder writes into a stream about itself, its computer and its owner, and nobody needs
//! for playing: found, and overwritten in place.
//!
//! Belongs here: what counts as such a trace, what is done about it, and what cannot be cleaned.
//! Does not belong here: telling anybody, and what the picture and the sound themselves show.
//!
//! Nothing ever changes its length. A box that goes becomes `free` and zeros, text becomes zeros or
//! ones: so no size and no offset has to be corrected, the times and the samples stay where they
//! are, and pictures and sound are bit for bit the same. No input makes anything here panic.

mod aac;
mod av1;
mod edit;
mod entry;
mod header;
mod nal;
mod samples;
mod trace;

use thiserror::Error;

use self::samples::Layout;
pub use self::trace::{Trace, Traces};
use super::{
    boxes::{BoxError, BoxType},
    fragment::Fragment,
    init::InitSegment,
};

/// Why a stream cannot be cleaned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A track with the time of day at which each picture was taken.
    #[error("the stream has a track of time codes (`tmcd`); leave it out with `-write_tmcd 0`")]
    TimeCodes,
    /// A track that is neither picture, sound nor text, as phones and action cameras write them.
    #[error(
        "the stream has a track of other data (`{kind}`), which may hold places, times or names; \
         leave it out with `-dn`"
    )]
    DataTrack {
        /// What its `hdlr` box says.
        kind: BoxType,
    },
    /// A part that every player reads in its own way.
    #[error(
        "the init segment cannot be checked for metadata ({error}); write it anew with `-c copy`"
    )]
    Unreadable {
        /// What is wrong with it.
        error: BoxError,
    },
    /// Without what was found in it, it would be another stream.
    #[error("metadata cannot be taken out of the init segment; write it anew with `-c copy`")]
    Entangled,
}

/// What is known of the metadata of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metadata {
    /// What was found since the run began.
    pub found: Traces,
    /// It goes out as it came, because the broadcaster wants it so.
    pub stays: bool,
    /// The stream is not played.
    pub refused: Option<Refusal>,
}

/// Looks at everything that an encoder delivers before anybody else does.
///
/// A run is the time from one init segment to a different one: an encoder that starts again with
/// the same one goes on with its run.
#[derive(Debug)]
pub struct Guard {
    strips: bool,
    /// The newest init segment as it came.
    current: Option<InitSegment>,
    layouts: Vec<(u32, Layout)>,
    metadata: Metadata,
    told: Traces,
}

impl Guard {
    /// A guard that takes out what it finds, or one that only looks.
    pub fn new(strips: bool) -> Self {
        Self {
            strips,
            current: None,
            layouts: Vec::new(),
            metadata: Metadata::default(),
            told: Traces::default(),
        }
    }

    /// The encoder started (again) with this init segment; gives back the one to play.
    ///
    /// # Errors
    ///
    /// It cannot be cleaned: none of its fragments will be let through either. A guard that only
    /// looks never refuses.
    pub fn begin(&mut self, init: InitSegment) -> Result<InitSegment, Refusal> {
        if self.current.as_ref() != Some(&init) {
            self.metadata = Metadata {
                stays: !self.strips,
                ..Metadata::default()
            };
            self.told = Traces::default();
        }
        self.current = Some(init.clone());
        let scanned = header::scan(&init);
        self.layouts = scanned.layouts;
        self.metadata.found.add(scanned.cleaning.traces());
        if !self.strips {
            return Ok(init);
        }
        if let Some(refusal) = scanned.refusal {
            self.metadata.refused = Some(refusal);
            return Err(refusal);
        }
        let Some(bytes) = scanned.cleaning.applied() else {
            return Ok(init);
        };
        match InitSegment::parse(bytes) {
            Ok(clean) if clean.tracks() == init.tracks() => Ok(clean),
            _ => {
                self.metadata.refused = Some(Refusal::Entangled);
                Err(Refusal::Entangled)
            }
        }
    }

    /// The next fragment; gives back the one to play, or nothing if its init segment was refused
    /// or never came.
    pub fn fragment(&mut self, fragment: &Fragment) -> Option<Fragment> {
        let init = self.current.as_ref()?;
        if self.metadata.refused.is_some() {
            return None;
        }
        let (cleaning, is_readable) = samples::scan(fragment, init, &self.layouts);
        self.metadata.found.add(cleaning.traces());
        if !is_readable {
            self.metadata.found.insert(Trace::Unreadable);
        }
        let clean = cleaning.applied().filter(|_| self.strips);
        Some(clean.map_or_else(|| fragment.clone(), |bytes| fragment.overwritten(bytes)))
    }

    /// What was found in this run so far.
    pub fn metadata(&self) -> Metadata {
        self.metadata
    }

    /// What was found and has not been asked for in this run.
    pub fn news(&mut self) -> Traces {
        let news = self.metadata.found.without(self.told);
        self.told = self.metadata.found;
        news
    }
}

#[cfg(test)]
mod tests;
