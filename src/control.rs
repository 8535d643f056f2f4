//! The control socket: how programs and the commands of a terminal talk to a running show.
//!
//! Belongs here: the line protocol, its socket, its client, and what the lines do.
//! Does not belong here: the rules of the room ([`crate::room`]), files and the end of the program
//! (`cli/start/control.rs` hands in functions for those), tables for people (`cli/remote.rs`).
//!
//! `docs/control.md` describes the protocol for people who write programs.

pub mod answer;
pub mod client;
pub mod event;
pub mod executor;
mod line_reader;
pub mod request;
pub mod socket;

use std::path::Path;

/// The name of the socket inside the state directory.
pub const SOCKET: &str = "control.sock";

/// Why there can be no socket at this path, and what to do.
fn too_long(path: &Path) -> String {
    format!(
        "`{}` has {} bytes, more than the path of a socket can have (about 100); set `onion.state` to \
         a shorter one, or move the working directory",
        path.display(),
        path.as_os_str().len()
    )
}
