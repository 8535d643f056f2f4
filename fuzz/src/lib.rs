//! The pure parsers of onionstream, without the rest of it.

/// The sources of the crate's `media` module that stand alone.
#[path = "../../src/media"]
#[expect(dead_code, reason = "what the rest of onionstream does with them is not here")]
pub mod media {
    pub mod boxes;
    pub mod fragment;
    pub mod init;
    pub mod playlist;
}

/// The time, which some of the values of the room name.
#[path = "../../src/clock.rs"]
pub mod clock;

/// The lines of the control protocol.
#[path = "../../src/control"]
pub mod control {
    pub mod request;
}

/// The values of the room that those lines name.
#[path = "../../src/room"]
pub mod room {
    pub mod sanction;
    pub mod session;
    pub mod shields;
    pub mod tag;
    pub mod tripcode;
}
