//! The shared, wakeable form of the pure machines.
//!
//! Belongs here: the locks, the wake-ups, the handles that apply a command and run its effects.
//! Does not belong here: rules (in [`crate::room`] and [`crate::media`]), HTTP, HTML, files.
//!
//! Locks: the log of a [`feed`] is a leaf, taken under the panel's lock and taking nothing itself;
//! the table of the [`variants`] takes a broadcast's; every other lock is taken alone. No guard leaves
//! its file, and the methods that lock are synchronous, so a guard cannot cross an `.await`.

pub mod desk;
pub mod feed;
pub mod lease;
pub mod panel;
pub mod room;
pub mod variants;
pub mod video;
