//! A process without a network: what fetches a feed can connect to the proxy of the show and to nothing
//! else, whatever the feed makes it want.
//!
//! The guard ([`super::guard`]) enters a network of its own, which has nothing but its loopback, and
//! listens there. The listener goes to the show, whose proxy answers it; the guard becomes ffmpeg. The
//! kernel knows no way from there to any other network, so that neither an address in a playlist nor a
//! name to be looked up can lead past Tor.
//!
//! A socket that is a file belongs to no network. Services that look names up for others have such
//! sockets (nscd, systemd-resolved, Avahi, SSSD), and glibc asks them before anything else: they would
//! ask in the network that was left. So the directories with the sockets of services are covered.
//!
//! This is no cage for a program that a feed has taken over: such a one still has the files of its user,
//! and what other sockets lie among them.
//!
//! Needs a Linux that lets everybody make namespaces.

use std::{
    env,
    ffi::OsStr,
    fs,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    net::{Ipv4Addr, TcpListener},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::PermissionsExt as _, net::UnixStream},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    cmsg_space,
    mount::{MountFlags, mount},
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketType, recvmsg, send, sendmsg, socket,
    },
    process::getuid,
    thread::UnshareFlags,
};

use super::{
    ask::{Answer, Leash, Limits, answer, question},
    complaints::Complaints,
    probe::EncoderError,
    process::Task,
};

/// In place of a program: what follows is the program, to be shut off.
pub(super) const SHUT_OFF: &str = "--shut-off";

/// Where the proxy is found in such a network. Always the same: it has nobody else in it.
pub const PORT: u16 = 3128;

/// Why it may not work, to be read after "the feed cannot be played: ".
pub(super) const NO_NAMESPACE: &str = "ffmpeg cannot be shut off from the network, and is not trusted with a feed \
     otherwise; this system does not let everybody make user namespaces (on Ubuntu \
     `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` changes that)";

/// Where services have their sockets: those of the system and of its users, of SSSD, of X11.
const SERVICES: [&str; 4] = ["/run", "/var/run", "/var/lib/sss", "/tmp/.X11-unix"];

/// The guard has this long to hand over its listener.
const WITHIN: Duration = Duration::from_secs(5);

/// Puts this process, which must have one thread only, into a network of its own, and hands the
/// listener of that to whoever is at the other end of `to`.
///
/// # Errors
///
/// The process must not go on then: it may still have a network.
pub(super) fn shut_off(to: impl AsFd) -> io::Result<()> {
    enter()
        .and_then(|()| cover_services())
        .map_err(|cause| io::Error::new(cause.kind(), format!("{NO_NAMESPACE}: {cause}")))?;
    raise_loopback()?;
    // Fails if that had no effect.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT))?;
    let listeners = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut message = SendAncillaryBuffer::new(&mut space);
    message.push(SendAncillaryMessage::ScmRights(&listeners));
    sendmsg(to, &[IoSlice::new(b"!")], &mut message, SendFlags::empty())?;
    Ok(())
}

#[expect(
    deprecated,
    reason = "the other one is unsafe for the sake of flags that are not these"
)]
fn enter() -> io::Result<()> {
    let user = getuid().as_raw();
    // A user namespace gives the right to make the others, and takes what rights there were outside.
    rustix::thread::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET | UnshareFlags::NEWNS)?;
    // Who it is stays the same, for programs that ask. Without it, it is nobody; that does no harm.
    drop(fs::write("/proc/self/uid_map", format!("{user} {user} 1")));
    Ok(())
}

/// Asks whether a process can be shut off from the network here.
///
/// # Errors
///
/// [`EncoderError::NotShutOff`].
pub fn check_shut_off(leash: &Leash) -> Result<(), EncoderError> {
    // Our end is there until the answer is.
    let (_ours, theirs) = UnixStream::pair().map_err(|_| EncoderError::NotShutOff)?;
    let task = Task {
        input: OwnedFd::from(theirs).into(),
        ..question(Path::new(SHUT_OFF), ["true"])
    };
    match answer(task, Limits::default(), &Complaints::default(), leash) {
        Ok(Answer { success: true, .. }) => Ok(()),
        _ => Err(EncoderError::NotShutOff),
    }
}

/// Puts an empty directory over each that has sockets of services, for this process alone.
///
/// Over the whole of it: a directory in it could go, and come back uncovered, when a service is
/// started again.
fn cover_services() -> io::Result<()> {
    for directory in SERVICES {
        // Some are other names of others, or not there.
        let Ok(directory) = fs::canonicalize(directory) else {
            continue;
        };
        let flags =
            MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount("none", &directory, "tmpfs", flags, c"size=4k")?;
    }
    Ok(())
}

/// Where a program really is, as the shell would find it; as it was named if that is not known.
///
/// To be asked before [`shut_off`]: NixOS finds its programs through links in `/run`.
pub(super) fn found(program: &OsStr) -> PathBuf {
    let is_program = |file: &PathBuf| {
        let about = fs::metadata(file);
        about.is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    };
    let named = Path::new(program);
    let file = if named.components().count() > 1 {
        Some(named.to_owned())
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut files = env::split_paths(&path).map(|directory| directory.join(named));
        files.find(is_program)
    };
    let file = file.and_then(|file| fs::canonicalize(file).ok());
    file.unwrap_or_else(|| named.to_owned())
}

/// Switches on the loopback of a new network: `ip link set lo up` (rtnetlink(7)).
fn raise_loopback() -> io::Result<()> {
    // Of the protocols of netlink, that of routes is number 0.
    const NEW_LINK: u16 = 16;
    const REQUEST: u16 = 1;
    const LOOPBACK: i32 = 1;
    const UP: u32 = 1;
    let kernel = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    let mut about = vec![0; 4];
    about.extend(LOOPBACK.to_ne_bytes());
    // The flags, and which of them are meant.
    about.extend([UP.to_ne_bytes(), UP.to_ne_bytes()].concat());
    let mut message = Vec::new();
    let length = u32::try_from(about.len() + 16).unwrap_or_default();
    message.extend(length.to_ne_bytes());
    message.extend([NEW_LINK.to_ne_bytes(), REQUEST.to_ne_bytes()].concat());
    // Number and sender, which nobody asks for.
    message.extend([0; 8]);
    message.extend(about);
    send(&kernel, &message, SendFlags::empty())?;
    Ok(())
}

/// Takes the listener from the guard.
///
/// # Errors
///
/// None came in time: the guard has failed.
pub(super) fn receive(from: &UnixStream) -> io::Result<TcpListener> {
    from.set_read_timeout(Some(WITHIN))?;
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut message = RecvAncillaryBuffer::new(&mut space);
    let mut mark = [0; 1];
    let mut marks = [IoSliceMut::new(&mut mark)];
    recvmsg(from, &mut marks, &mut message, RecvFlags::CMSG_CLOEXEC)?;
    for one in message.drain() {
        if let RecvAncillaryMessage::ScmRights(mut files) = one
            && let Some(file) = files.next()
        {
            return Ok(file.into());
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
