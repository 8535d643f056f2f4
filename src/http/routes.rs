//! The routes, one file for each part of the site.
//!
//! A route module names the handles it needs; no handler sees the whole site.

pub(super) mod compose;
pub(super) mod desk;
pub(super) mod emote;
pub(super) mod entrance;
pub(super) mod home;
pub(super) mod live;
pub(super) mod playlist;
pub(super) mod recordings;
pub(super) mod stream;
pub(super) mod video;
