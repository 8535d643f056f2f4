//! `onionstream doctor`: is this computer ready for a show?
//!
//! Belongs here: checks that only look, one line each, with what to do about a finding.
//! Does not belong here: repairs. Nothing is created or changed, nothing is started but ffmpeg for a
//! moment, and nobody is asked over a network.

mod encoder;

use std::{
    fmt::{self, Write as _},
    fs::{self, File, TryLockError},
    io,
    net::TcpListener,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::Path,
    process::ExitCode,
};

use super::source::SourceArguments;
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
struct Finding {
    /// `ok`, `warn` (the show can go on) or `fail` (it cannot).
    word: &'static str,
    what: String,
    /// What to do about it.
    fix: Option<String>,
}

fn good(what: impl Into<String>) -> Finding {
    Finding {
        word: "ok",
        what: what.into(),
        fix: None,
    }
}

fn warn(what: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding {
        word: "warn",
        what: what.into(),
        fix: Some(fix.into()),
    }
}

fn fail(what: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding {
        word: "fail",
        what: what.into(),
        fix: Some(fix.into()),
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.fix
            .as_ref()
            .map_or(Ok(()), |fix| write!(f, "\n      fix: {fix}"))
    }
}

/// Checks everything and prints the findings; devices and files only if `source` names them.
pub(super) fn run(
    layers: &Layers,
    source: &SourceArguments,
    clock: &Clock,
) -> anyhow::Result<ExitCode> {
    let mut findings = Vec::new();
    match layers.settings() {
        Ok(settings) => {
            let running = instance(&settings.onion.state);
            findings.push((
                "configuration",
                good(format!("good, in `{}`", settings.dir.display())),
            ));
            findings.push(("stream", stream_directory(&settings.ingest.directory)));
            findings.push(("identity", identity(&settings.onion.keys)));
            findings.push(("tor state", private_directory(&settings.onion.state)));
            findings.extend(
                encoder::stream_key(&settings.onion.state).map(|finding| ("stream key", finding)),
            );
            let listen = address(&settings.http.listen, running, "http.listen");
            findings.push(("address", listen));
            findings.push(("instance", describe_instance(running)));
            findings.extend(disks(&settings));
            match source.source(&settings) {
                Ok(wanted) => {
                    findings.extend(encoder::look(&settings, &wanted, &source.word(), running));
                }
                Err(error) => {
                    let fix = "`onionstream start --help` says how a source is named";
                    findings.push(("source", fail(error.to_string(), fix)));
                }
            }
        }
        Err(mistakes) => {
            let fix = "see `onionstream config check`; some checks are left out until then";
            findings.push(("configuration", fail(mistakes.to_string(), fix)));
        }
    }
    findings.push(("clock", date(clock.wall())));

    let mut text = String::new();
    for (what, finding) in &findings {
        writeln!(text, "{:<5} {what:<14} {finding}", finding.word)?;
    }
    super::print(&text)?;
    let failed = findings.iter().any(|(_, finding)| finding.word == "fail");
    Ok(ExitCode::from(u8::from(failed)))
}

fn stream_directory(dir: &Path) -> Finding {
    let shown = dir.display();
    match fs::metadata(dir) {
        Ok(about) if !about.is_dir() => fail(
            format!("`{shown}` is not a directory"),
            "choose another `ingest.directory`",
        ),
        Ok(_) if may_write(dir) => good(format!("`{shown}` can be written by an encoder")),
        Ok(_) => warn(
            format!("`{shown}` cannot be written by you"),
            format!("make sure that the encoder can: `chmod u+rwx {shown}`"),
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match dir.parent() {
            Some(parent) if may_write(parent) => good(format!("`{shown}` will be made at start")),
            _ => fail(
                format!("`{shown}` cannot be made"),
                format!("make it: `mkdir -p {shown}`"),
            ),
        },
        Err(error) => fail(
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
    if finding.word != "ok" {
        return finding;
    }
    for file in files.filter_map(Result::ok) {
        let path = file.path();
        if let Ok(about) = fs::symlink_metadata(&path)
            && let Some(problem) = exposure(&about)
        {
            let path = path.display();
            let fix = format!("`chmod go= {path}`, and think about who may have read it");
            return fail(format!("`{path}` {problem}"), fix);
        }
    }
    finding
}

fn private_directory(dir: &Path) -> Finding {
    let shown = dir.display();
    match fs::symlink_metadata(dir) {
        Ok(about) if !about.is_dir() => fail(
            format!("`{shown}` is not a directory"),
            "move it away; the directory is made at start",
        ),
        Ok(about) => match exposure(&about) {
            Some(problem) => fail(
                format!("`{shown}` {problem}"),
                format!("`chmod 700 {shown}`"),
            ),
            None => good(format!("`{shown}` is private")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            good(format!("`{shown}` will be made at start"))
        }
        Err(error) => fail(
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
        Some(true) => good("onionstream is running in this directory"),
        Some(false) => good("onionstream is not running in this directory"),
        None => warn(
            "cannot find out whether onionstream is running in this directory",
            "make sure that you may read `instance.lock` in the directory of Tor's state",
        ),
    }
}

/// Binds and lets go at once; the configuration has made sure that the address is loopback.
fn address(listen: &Listen, running: Option<bool>, setting: &str) -> Finding {
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
        None => good(format!(
            "`{listen}` is free and only reachable from this computer"
        )),
        Some(_) if running == Some(true) => good(format!("`{listen}` is used by this onionstream")),
        Some(error) => fail(
            format!("`{listen}`: {error}"),
            format!("end the program that uses it, or choose another `{setting}`"),
        ),
    }
}

/// The disk of the show, and those of the stream and the recordings if they are others.
fn disks(settings: &Settings) -> Vec<(&'static str, Finding)> {
    let mut findings = vec![("disk", disk(&settings.dir))];
    let here = fs::metadata(&settings.dir).map(|about| about.dev()).ok();
    let recordings = &settings.recording;
    for (name, dir, is_used) in [
        ("stream disk", &settings.ingest.directory, true),
        ("recordings", &recordings.directory, recordings.enabled),
    ] {
        // What is not there yet will be on the disk of what it is put into.
        let there = dir
            .ancestors()
            .find_map(|dir| fs::metadata(dir).ok().map(|about| (dir, about.dev())));
        if let Some((dir, disk_of)) = there
            && is_used
            && Some(disk_of) != here
        {
            findings.push((name, disk(dir)));
        }
    }
    findings
}

fn disk(dir: &Path) -> Finding {
    let free = match rustix::fs::statvfs(dir) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return warn(format!("free space: {error}"), "see `df`"),
    };
    let what = format!("{} MiB free for `{}`", free >> 20, dir.display());
    if free < LEAST_SPACE {
        fail(
            what,
            "make room: Tor and encoders need some for their files",
        )
    } else if free < LITTLE_SPACE {
        warn(what, "make room if the encoder keeps what it writes")
    } else {
        good(what)
    }
}

fn date(now: WallTime) -> Finding {
    if now < EARLIEST {
        let fix = "set it: Tor does not work with a wrong clock";
        fail("the clock of this computer is years behind", fix)
    } else {
        good("the date can be right")
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
        assert_eq!(private_directory(&state).word, "ok");
        fs::create_dir(&state).unwrap();

        set_mode(&state, 0o755);
        let Finding { word, what, fix } = private_directory(&state);
        assert_eq!(word, "fail");
        assert!(what.ends_with("(mode 0755)"), "{what}");
        assert_eq!(fix, Some(format!("`chmod 700 {}`", state.display())));

        set_mode(&state, 0o700);
        assert_eq!(
            private_directory(&state),
            good(format!("`{}` is private", state.display()))
        );
    }

    #[test]
    fn a_key_that_others_can_read_fails() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("hs_ed25519_secret_key");
        set_mode(dir.path(), 0o700);
        fs::write(&key, "").unwrap();

        set_mode(&key, 0o640);
        assert_eq!(identity(dir.path()).word, "fail");

        set_mode(&key, 0o600);
        assert_eq!(identity(dir.path()).word, "ok");
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

        let look = |running| address(&listen, Some(running), "http.listen");
        let finding = look(false);
        assert_eq!(finding.word, "fail");
        assert!(finding.fix.unwrap().ends_with("`http.listen`"));
        assert_eq!(look(true).word, "ok");
        drop(taken);
        assert_eq!(look(false).word, "ok");
    }

    #[test]
    fn a_clock_before_2026_fails() {
        assert_eq!(date(WallTime::from_unix_millis(0)).word, "fail");
        assert_eq!(date(EARLIEST).word, "ok");
    }

    #[test]
    fn a_finding_is_followed_by_its_fix() {
        let finding = fail("`state` is open", "close it");

        assert_eq!(finding.to_string(), "`state` is open\n      fix: close it");
    }
}
