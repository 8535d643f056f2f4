//! The room: people and their rules, as plain state machines.
//!
//! Belongs here: who is a viewer, who is watching, what the show is called. Time and random bytes
//! come in as arguments; nothing here waits, reads or writes anything.

pub mod panel;
pub mod session;
pub mod title;
pub mod tripcode;
