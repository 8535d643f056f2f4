//! The pure parsers of onionstream, without the rest of it.

/// The sources of the crate's `media` module that stand alone.
#[path = "../../src/media"]
pub mod media {
    pub mod boxes;
    pub mod fragment;
    pub mod init;
    pub mod playlist;
}
