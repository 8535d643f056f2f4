//! What only the desk shows: how the machinery does, as plain values.
//!
//! Belongs here: the values and one change of them. Does not belong here: measuring, rendering
//! (`pages/desk/status.rs`), carrying changes ([`crate::live::desk`]).

use std::{sync::Arc, time::Duration};

use super::{
    audit::{AuditEntry, AuditId},
    history::History,
};
use crate::{
    clock::WallTime,
    media::{
        meter::EncoderState, recording::Recorder, uplink::outgoing::Outgoing, variant::VariantName,
    },
};

/// Whether viewers can reach the site through Tor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TorState {
    /// `http://….onion/`, as soon as it is known; `None` also without Tor.
    pub address: Option<String>,
    /// Where the onion service stands, in words: lower case, no full stop.
    pub words: String,
    /// Whether viewers can come in.
    pub reachable: bool,
    /// From the start until the site could be reached for the first time.
    pub time_to_publish: Option<Duration>,
    /// Whether a feed is fetched past Tor, so that its server sees the address of this computer.
    pub is_feed_direct: bool,
}

/// Whether the show is being recorded, made steady for looking at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordingState {
    /// Whether it is to be recorded whenever it is on the air.
    pub is_wanted: bool,
    /// How long the recording is that is being made, in whole minutes.
    pub length: Option<Duration>,
    /// What ended it or will soon: lower case, no full stop.
    pub trouble: Option<String>,
}

impl From<Recorder> for RecordingState {
    fn from(recorder: Recorder) -> Self {
        let Recorder {
            is_wanted,
            running,
            problem,
            space,
        } = recorder;
        let ended = problem.map(|problem| format!("recording ended: {problem}"));
        // Who does not record has no use for room.
        let short = space.warning().filter(|_| is_wanted);
        let warning = short.map(|shortage| format!("soon there is no room to record: {shortage}"));
        Self {
            is_wanted,
            length: running.map(|(_, length, _)| Duration::from_mins(length.as_secs() / 60)),
            trouble: ended.or(warning),
        }
    }
}

/// A variant of the broadcast, made steady for looking at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantLine {
    /// What it is called.
    pub name: VariantName,
    /// Whether viewers can choose it.
    pub is_on_air: bool,
    /// Kilobits per second, to two digits; `None` until enough has come.
    pub kilobits: Option<u64>,
    /// What is wrong with it: lower case, no full stop.
    pub trouble: Option<String>,
}

/// One line of the list of done orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number, for the button that takes it back.
    pub id: AuditId,
    /// When it was done.
    pub at: WallTime,
    /// Who did it, as text.
    pub by: String,
    /// What was done, as text.
    pub what: String,
    /// Whether it can be taken back.
    pub can_undo: bool,
    /// Whether it was taken back.
    pub undone: bool,
}

impl From<&AuditEntry> for AuditLine {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            by: entry.by.clone(),
            what: entry.what.clone(),
            can_undo: entry.can_undo(),
            undone: entry.undone,
        }
    }
}

/// Everything that the status block shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeskValues {
    /// What the encoder delivers, made steady for looking at.
    pub encoder: EncoderState,
    /// The variants beside it, by name.
    pub variants: Arc<[VariantLine]>,
    /// What goes out, made steady for looking at.
    pub outgoing: Outgoing,
    /// Whether viewers can come in.
    pub tor: TorState,
    /// Whether the show is being recorded.
    pub recording: RecordingState,
    /// How many people watched.
    pub history: History,
    /// Done orders, the newest first.
    pub audit: Arc<[AuditLine]>,
    /// What the ffmpeg of the show said, the newest last; who spoke stands before the words if it was
    /// not the encoder.
    pub complaints: Arc<[String]>,
}

/// One change of the status block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskUpdate {
    /// The encoder delivers differently.
    Encoder(EncoderState),
    /// The variants do differently.
    Variants(Arc<[VariantLine]>),
    /// Something else goes out.
    Outgoing(Outgoing),
    /// The onion service stands elsewhere.
    Tor(TorState),
    /// Recording began, went on, ended, or has trouble.
    Recording(RecordingState),
    /// Another number of people is watching, or another minute began.
    History(History),
    /// Something was done or taken back.
    Audit(Arc<[AuditLine]>),
    /// The encoder complained.
    Complaints(Arc<[String]>),
}

impl DeskValues {
    /// Takes a change; returns whether it is one.
    pub fn apply(&mut self, update: &DeskUpdate) -> bool {
        fn replace<T: Clone + PartialEq>(old: &mut T, new: &T) -> bool {
            let changed = old != new;
            if changed {
                old.clone_from(new);
            }
            changed
        }
        match update {
            DeskUpdate::Encoder(encoder) => replace(&mut self.encoder, encoder),
            DeskUpdate::Variants(variants) => replace(&mut self.variants, variants),
            DeskUpdate::Outgoing(outgoing) => replace(&mut self.outgoing, outgoing),
            DeskUpdate::Tor(tor) => replace(&mut self.tor, tor),
            DeskUpdate::Recording(recording) => replace(&mut self.recording, recording),
            DeskUpdate::History(history) => replace(&mut self.history, history),
            DeskUpdate::Audit(audit) => replace(&mut self.audit, audit),
            DeskUpdate::Complaints(lines) => replace(&mut self.complaints, lines),
        }
    }
}
