//! The room: people and their rules, as plain state machines.

pub mod title;
