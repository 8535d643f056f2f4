//! The process that becomes ffmpeg: it ends with the show, however the show ends.
//!
//! Only the child itself can ask the kernel for that, between being made and becoming another
//! program; so the program starts itself once more, with a hidden command.

use std::{ffi::OsString, io, os::unix::process::CommandExt as _, process::Command};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use super::shut_off::{SHUT_OFF, found, shut_off};

/// Exit code of a guard that could not become what it should; a shell says the same of a command that is
/// not there.
pub const NOT_STARTED: u8 = 127;

/// Becomes `program`, which the kernel kills when the process with the number `parent` dies.
///
/// If `program` is `--shut-off`, the first argument is the program, and it has no network but one
/// listener, which goes to the other end of standard input.
///
/// Returns only when that could not be done.
///
/// # Errors
///
/// Always: why it is still here.
pub fn become_encoder(
    parent: i32,
    program: &OsString,
    arguments: &[OsString],
) -> Result<std::convert::Infallible, io::Error> {
    let (file, program, arguments) = if program == SHUT_OFF {
        let missing = || io::Error::other("no program is named");
        let (program, arguments) = arguments.split_first().ok_or_else(missing)?;
        let file = found(program);
        // Before the next call, which it would undo.
        shut_off(io::stdin())?;
        (file, program, arguments)
    } else {
        (program.into(), program, arguments)
    };
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The show may have ended before the kernel was asked.
    if getppid() != Pid::from_raw(parent) {
        return Err(io::Error::other("the show that wanted an encoder is over"));
    }
    // Programs with several names tell them apart by the one that they are called by.
    Err(Command::new(file).arg0(program).args(arguments).exec())
}
