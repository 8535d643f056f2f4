//! The pages of the broadcaster.

pub mod status;
