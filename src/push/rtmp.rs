//! RTMP, as far as an encoder needs it to publish.
//!
//! Belongs here: the protocol (pure, in `session.rs` and below) and the listener.
//! Does not belong here: playing, encryption, anything of other servers' extensions.
//!
//! Written for this program: a library would have to be trusted with whatever comes, and here every
//! length has a limit of its own. See "Real-Time Messaging Protocol Chunk Stream", Adobe 2012, and
//! "Action Message Format -- AMF 0", Adobe 2007.

mod amf;
mod chunks;
mod listener;
mod media;
mod session;

pub use self::{
    listener::{Rtmp, serve},
    session::{Session, SessionError, Step},
};
