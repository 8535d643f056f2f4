//! Orders: everything that can be changed at the desk, by moderators, or from the terminal.
//!
//! Belongs here: what an order is, and which role it takes.
//! Does not belong here: carrying it out ([`super::desk`]).

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    access::ViewingPassword,
    audit::AuditId,
    filter::FilterRule,
    person::Role,
    sanction::{Sanction, SanctionId, SanctionKind},
    session::ViewerId,
    shields::{ShieldChange, Shields},
    show::Show,
    tag::PublicKey,
    transcript::MessageId,
    tripcode::Tripcode,
};

/// A moderator mutes for at most this long.
pub const LONGEST_MUTE: Duration = Duration::from_hours(24);

/// The longest term; longer ones are for good.
pub const LONGEST_TERM: Duration = Duration::from_hours(366 * 24);

/// Messages that one order may name.
pub const MAX_MESSAGES: usize = 512;

/// Who gives an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Somebody in the room, with their role.
    Person(ViewerId),
    /// Whoever runs the program; has the broadcaster's rights.
    Terminal,
}

/// Whom an order is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// A person by their public id.
    Key(PublicKey),
    /// Whoever said this.
    Author(MessageId),
}

/// For how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// So long from now.
    For(Duration),
    /// Until it is taken back.
    ForGood,
}

/// An order.
#[derive(Debug, Clone)]
pub enum Order {
    /// Takes messages out of sight.
    Hide(Vec<MessageId>),
    /// Shows them again.
    Unhide(Vec<MessageId>),
    /// Takes rights from a person.
    Sanction {
        /// From whom.
        whom: Whom,
        /// Which rights.
        kind: SanctionKind,
        /// For how long.
        term: Term,
        /// Whether everything they said is hidden too.
        purge: bool,
    },
    /// Takes rights from whoever shows this tripcode.
    SanctionTripcode {
        /// Whose.
        tripcode: Tripcode,
        /// Which rights.
        kind: SanctionKind,
        /// For how long.
        term: Term,
    },
    /// Gives the rights back.
    Lift(SanctionId),
    /// Takes back a [`Order::Lift`].
    Restore(Box<(Sanction, Vec<ViewerId>)>),
    /// Gives a person another name; an empty one takes the name away.
    Rename {
        /// Whom.
        whom: Whom,
        /// The name.
        name: String,
    },
    /// Ends a person's video; they can start it again.
    CutVideo(Whom),
    /// Whoever shows this tripcode is a moderator.
    Appoint {
        /// Whose.
        tripcode: Tripcode,
        /// For the list.
        label: String,
    },
    /// Not any more.
    Dismiss(Tripcode),
    /// Some switches in another position; the others stay as they are by then.
    Shields(Vec<ShieldChange>),
    /// Other word filters.
    Filters(Vec<FilterRule>),
    /// Another viewing password, or none.
    ViewingPassword(Option<ViewingPassword>),
    /// A secret club of these tripcodes, or none.
    Club(Option<BTreeSet<Tripcode>>),
    /// Another description, announcement and the like.
    Show(Arc<Show>),
    /// Ends a session of the broadcaster or of a moderator who came by a link.
    EndSession(PublicKey),
    /// Takes an earlier order back.
    Undo(AuditId),
}

impl Order {
    /// The role it takes. Moderators mute for a limited time only, and only viewers.
    pub fn needs(&self) -> Role {
        match self {
            // Of the last two, what is undone or lifted decides: `Room::needed`.
            Self::Hide(_)
            | Self::Unhide(_)
            | Self::Rename { .. }
            | Self::Undo(_)
            | Self::Lift(_) => Role::Moderator,
            Self::Sanction {
                kind: SanctionKind::Mute,
                term: Term::For(time),
                ..
            } if *time <= LONGEST_MUTE => Role::Moderator,
            Self::Restore(restored) if restored.0.kind == SanctionKind::Mute => Role::Moderator,
            Self::Sanction { .. }
            | Self::Restore(_)
            | Self::SanctionTripcode { .. }
            | Self::CutVideo(_)
            | Self::Appoint { .. }
            | Self::Dismiss(_)
            | Self::Shields(_)
            | Self::Filters(_)
            | Self::ViewingPassword(_)
            | Self::Club(_)
            | Self::Show(_)
            | Self::EndSession(_) => Role::Broadcaster,
        }
    }
}

/// An order was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What was done, as a sentence.
    pub words: String,
    /// Its entry in the audit list; nothing had to be done if there is none.
    pub entry: Option<AuditId>,
}

/// What follows from an order outside the room.
#[derive(Debug, Clone)]
pub enum Effect {
    /// These must not be seen any more.
    Hidden(Vec<MessageId>),
    /// These may be seen again.
    Shown(Vec<MessageId>),
    /// Nothing that this person has said may be kept.
    Withdrawn(PublicKey),
    /// Somebody looks different.
    Looks(super::person::Identity),
    /// A person's video ends.
    EndVideo(ViewerId),
    /// A person's panels end; those they may see open again by themselves.
    EndPanels(ViewerId),
    /// Whoever may not be here any more has to go, now.
    Enforce,
    /// The switches are different.
    Shields(Shields),
    /// The show is different.
    Show(Arc<Show>),
    /// What survives a restart is different.
    Keep,
}
