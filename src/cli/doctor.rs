//! `onionstream doctor`: is this computer ready for a show?
//!
//! Belongs here: checks that only look, one line each, with what to do about a finding.
//! Does not belong here: repairs. Nothing is created, started or changed, and nobody is asked over
//! a network.

use std::{
    fmt::{self, Write as _},
    fs::{self, File, TryLockError},
    io,
    net::TcpListener,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use crate::{
    clock::{Clock, WallTime},
    config::{Layers, Listen, Settings},
};

/// 2026-01-01 00:00 UTC: no computer with this program has an earlier date.
const EARLIEST: WallTime = WallTime::from_unix_millis(1_767_225_600_000);

/// Free disk space below which Tor may be unable to keep its copy of the network directory.
const LEAST_SPACE: u64 = 64 << 20;

/// Free disk space below which a long show with recorded segments may fill the disk.
const LITTLE_SPACE: u64 = 1 << 30;

/// The result of one check.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Ok(String),
    /// The show can go on, but: what is the matter, and what to do.
    Warn(String, String),
    /// The show cannot go on: what is the matter, and what to do.
    Fail(String, String),
}

use Finding::{Fail, Ok as Good, Warn};

/// Checks everything and prints the findings.
pub(super) fn run(layers: &Layers, clock: &Clock) -> anyhow::Result<ExitCode> {
    let mut findings = Vec::new();
    match layers.settings() {
        Ok(settings) => {
            let running = instance(&settings.onion.state);
            findings.push((
                "configuration",
                Good(format!("good, in `{}`", settings.dir.display())),
            ));
            findings.push(("stream", stream_directory(&settings.ingest.directory)));
            findings.push(("identity", identity(&settings.onion.keys)));
            findings.push(("tor state", private_directory(&settings.onion.state)));
            findings.push(("address", address(&settings.http.listen, running)));
            findings.push(("instance", describe_instance(running)));
            findings.push(("disk", disk(&settings)));
        }
        Err(mistakes) => {
            let fix = "see `onionstream config check`; some checks are left out until then";
            findings.push(("configuration", Fail(mistakes.to_string(), fix.to_owned())));
        }
    }
    findings.push(("clock", date(clock.wall())));
    findings.push(("ffmpeg", ffmpeg("ffmpeg")));

    let mut text = String::new();
    for (what, finding) in &findings {
        writeln!(text, "{:<5} {what:<14} {finding}", finding.word())?;
    }
    super::print(&text)?;
    let failed = findings
        .iter()
        .any(|(_, finding)| matches!(finding, Fail(..)));
    Ok(ExitCode::from(u8::from(failed)))
}

impl Finding {
    const fn word(&self) -> &'static str {
        match self {
            Good(_) => "ok",
            Warn(..) => "warn",
            Fail(..) => "fail",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Good(what) => f.write_str(what),
            Warn(what, fix) | Fail(what, fix) => write!(f, "{what}\n      fix: {fix}"),
        }
    }
}

fn stream_directory(dir: &Path) -> Finding {
    let shown = dir.display();
    match fs::metadata(dir) {
        Ok(about) if !about.is_dir() => Fail(
            format!("`{shown}` is not a directory"),
            "choose another `ingest.directory`".to_owned(),
        ),
        Ok(_) if may_write(dir) => Good(format!("`{shown}` can be written by an encoder")),
        Ok(_) => Warn(
            format!("`{shown}` cannot be written by you"),
            format!("make sure that the encoder can: `chmod u+rwx {shown}`"),
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match dir.parent() {
            Some(parent) if may_write(parent) => Good(format!("`{shown}` will be made at start")),
            _ => Fail(
                format!("`{shown}` cannot be made"),
                format!("make it: `mkdir -p {shown}`"),
            ),
        },
        Err(error) => Fail(
            format!("`{shown}`: {error}"),
            format!("see `ls -ld {shown}`"),
        ),
    }
}

fn may_write(dir: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(dir, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// The directory and each file in it, by their modes alone: the keys are not read here.
fn identity(dir: &Path) -> Finding {
    let finding = private_directory(dir);
    let Ok(files) = fs::read_dir(dir) else {
        return finding;
    };
    if !matches!(finding, Good(_)) {
        return finding;
    }
    for file in files.filter_map(Result::ok) {
        let path = file.path();
        if let Ok(about) = fs::symlink_metadata(&path)
            && let Some(problem) = exposure(&about)
        {
            let path = path.display();
            let fix = format!("`chmod go= {path}`, and think about who may have read it");
            return Fail(format!("`{path}` {problem}"), fix);
        }
    }
    finding
}

fn private_directory(dir: &Path) -> Finding {
    let shown = dir.display();
    match fs::symlink_metadata(dir) {
        Ok(about) if !about.is_dir() => Fail(
            format!("`{shown}` is not a directory"),
            "move it away; the directory is made at start".to_owned(),
        ),
        Ok(about) => match exposure(&about) {
            Some(problem) => Fail(
                format!("`{shown}` {problem}"),
                format!("`chmod 700 {shown}`"),
            ),
            None => Good(format!("`{shown}` is private")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Good(format!("`{shown}` will be made at start"))
        }
        Err(error) => Fail(
            format!("`{shown}`: {error}"),
            format!("see `ls -ld {shown}`"),
        ),
    }
}

/// Why others may get at a file or directory, if they may.
fn exposure(about: &fs::Metadata) -> Option<String> {
    let mode = about.mode() & 0o7777;
    if about.uid() != rustix::process::geteuid().as_raw() {
        Some(format!("belongs to another user (uid {})", about.uid()))
    } else if mode & 0o077 != 0 && !about.is_symlink() {
        Some(format!("can be reached by other users (mode {mode:04o})"))
    } else {
        None
    }
}

/// Whether a program holds the lock of this directory; nothing if that cannot be found out.
fn instance(state: &Path) -> Option<bool> {
    let lock = state.join("instance.lock");
    match File::open(lock) {
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => Some(false),
            Err(TryLockError::WouldBlock) => Some(true),
            Err(TryLockError::Error(_)) => None,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

fn describe_instance(running: Option<bool>) -> Finding {
    match running {
        Some(true) => Good("onionstream is running in this directory".to_owned()),
        Some(false) => Good("onionstream is not running in this directory".to_owned()),
        None => Warn(
            "cannot find out whether onionstream is running in this directory".to_owned(),
            "make sure that you may read `instance.lock` in the directory of Tor's state"
                .to_owned(),
        ),
    }
}

/// Binds and lets go at once; the configuration has made sure that the address is loopback.
fn address(listen: &Listen, running: Option<bool>) -> Finding {
    let taken = match listen {
        Listen::Tcp(address) => TcpListener::bind(address).err(),
        Listen::Unix(path) => match fs::symlink_metadata(path) {
            Ok(about) if about.file_type().is_socket() => None,
            Ok(_) => Some(io::Error::from(io::ErrorKind::AlreadyExists)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(error),
        },
    };
    match taken {
        None => Good(format!(
            "`{listen}` is free and only reachable from this computer"
        )),
        Some(_) if running == Some(true) => Good(format!("`{listen}` is used by this onionstream")),
        Some(error) => Fail(
            format!("`{listen}`: {error}"),
            "end the program that uses it, or choose another `http.listen`".to_owned(),
        ),
    }
}

fn disk(settings: &Settings) -> Finding {
    let free = match rustix::fs::statvfs(&settings.dir) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return Warn(format!("free space: {error}"), "see `df`".to_owned()),
    };
    let what = format!("{} MiB free", free >> 20);
    if free < LEAST_SPACE {
        Fail(
            what,
            "Tor needs some room for its state: make some".to_owned(),
        )
    } else if free < LITTLE_SPACE {
        Warn(
            what,
            "make room if the encoder keeps what it writes".to_owned(),
        )
    } else {
        Good(what)
    }
}

fn date(now: WallTime) -> Finding {
    if now < EARLIEST {
        let fix = "set it: Tor does not work with a wrong clock".to_owned();
        Fail("the clock of this computer is years behind".to_owned(), fix)
    } else {
        Good("the date can be right".to_owned())
    }
}

fn ffmpeg(program: &str) -> Finding {
    let asked = Command::new(program)
        .arg("-version")
        .stdin(Stdio::null())
        .output();
    let fix = "install it if this computer makes the video: `apt install ffmpeg`".to_owned();
    match asked {
        Ok(answer) if answer.status.success() => {
            let text = String::from_utf8_lossy(&answer.stdout);
            let version = text
                .split_whitespace()
                .nth(2)
                .unwrap_or("of unknown version");
            let version: String = version
                .chars()
                .filter(|c| !c.is_control())
                .take(60)
                .collect();
            Good(format!("version {version}"))
        }
        Ok(answer) => Warn(
            format!("`{program} -version` ended with {}", answer.status),
            fix,
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Warn("not found".to_owned(), fix),
        Err(error) => Warn(format!("cannot be run: {error}"), fix),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_directory_that_others_can_read_fails_with_the_command_that_closes_it() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        assert!(matches!(private_directory(&state), Good(_)));
        fs::create_dir(&state).unwrap();

        set_mode(&state, 0o755);
        let Fail(what, fix) = private_directory(&state) else {
            panic!("0755 is private")
        };
        assert!(what.ends_with("(mode 0755)"), "{what}");
        assert_eq!(fix, format!("`chmod 700 {}`", state.display()));

        set_mode(&state, 0o700);
        assert_eq!(
            private_directory(&state),
            Good(format!("`{}` is private", state.display()))
        );
    }

    #[test]
    fn a_key_that_others_can_read_fails() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("hs_ed25519_secret_key");
        set_mode(dir.path(), 0o700);
        fs::write(&key, "").unwrap();

        set_mode(&key, 0o640);
        assert!(matches!(identity(dir.path()), Fail(..)));

        set_mode(&key, 0o600);
        assert!(matches!(identity(dir.path()), Good(_)));
    }

    #[test]
    fn a_running_instance_is_known_by_its_lock() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(instance(dir.path()), Some(false));
        let lock = File::create(dir.path().join("instance.lock")).unwrap();
        assert_eq!(instance(dir.path()), Some(false));

        lock.lock().unwrap();
        assert_eq!(instance(dir.path()), Some(true));
    }

    #[test]
    fn an_address_in_use_fails_unless_we_use_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = Listen::Tcp(taken.local_addr().unwrap());

        assert!(matches!(address(&listen, Some(false)), Fail(..)));
        assert!(matches!(address(&listen, Some(true)), Good(_)));
        drop(taken);
        assert!(matches!(address(&listen, Some(false)), Good(_)));
    }

    #[test]
    fn a_clock_before_2026_fails() {
        assert!(matches!(date(WallTime::from_unix_millis(0)), Fail(..)));
        assert!(matches!(date(EARLIEST), Good(_)));
    }

    #[test]
    fn a_missing_ffmpeg_is_only_a_warning() {
        assert!(matches!(ffmpeg("ffmpeg-that-does-not-exist"), Warn(..)));
    }

    #[test]
    fn a_finding_is_followed_by_its_fix() {
        let finding = Fail("`state` is open".to_owned(), "close it".to_owned());

        assert_eq!(finding.to_string(), "`state` is open\n      fix: close it");
    }
}
