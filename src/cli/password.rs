//! `onionstream password`: another password for the desk.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, anyhow, bail};
use zeroize::Zeroizing;

use super::{ask, report::WithHint as _};
use crate::{
    config::Settings,
    control::{
        client::{Client, ClientError},
        request::Request,
    },
    instance,
    passwords::{self, SHORTEST},
    private_file,
};

/// Name of the file with the hash, in the state directory.
pub(super) const PASSWORD_FILE: &str = "broadcaster_password";

/// Sets another password; made up if `generate`, else asked for.
pub(super) fn run(settings: &Settings, generate: bool) -> anyhow::Result<ExitCode> {
    let password = if generate { made()? } else { asked()? };
    let length = password.trim().chars().count();
    if length < SHORTEST {
        bail!("a password for the desk has at least {SHORTEST} characters; this one has {length}");
    }
    let hash = passwords::hash(&password)?;
    let state = &settings.onion.state;
    private_file::make_directory(state)
        .with_context(|| format!("cannot make `{}`", state.display()))?;
    private_file::write(&state.join(PASSWORD_FILE), &format!("{hash}\n"))?;
    if generate {
        show(&password)?;
    }
    let words = tell_the_show(state)?;
    writeln!(io::stderr(), "{words}")?;
    Ok(ExitCode::SUCCESS)
}

/// Has a running show use the new password and end the sessions of the desk; says what was done.
///
/// # Errors
///
/// A show is running, or may be, and was not told: it goes on with the old password.
fn tell_the_show(state: &Path) -> anyhow::Result<&'static str> {
    let told = Client::connect(state, Path::new("."))
        .and_then(|mut client| client.ask(&Request::PasswordChanged));
    let trouble = match told {
        Ok(_) => return Ok("The password is set; everybody at the desk was logged out."),
        // Where no socket can be there may be a show all the same; the lock knows.
        Err(ClientError::NotRunning { .. } | ClientError::PathTooLong(_))
            if !instance::is_claimed(state) =>
        {
            return Ok("The password is set.");
        }
        Err(ClientError::NotRunning { .. }) => {
            anyhow!("a show is running, but has no control socket")
        }
        Err(error) => error.into(),
    };
    Err(trouble.context(
        "the password was changed, but the show that is running could not be told: it still takes \
         the old one, and whoever is logged in at the desk stays there",
    ))
    .hint("end the show (Ctrl+C where it runs) and start it again; nobody is logged in then")
}

fn made() -> anyhow::Result<Zeroizing<String>> {
    if !io::stderr().is_terminal() {
        return Err(anyhow::anyhow!(
            "a made-up password is shown on a terminal only, and there is none"
        ))
        .hint("without a terminal, give a password as one line of standard input");
    }
    passwords::generate().context("no password can be made")
}

fn show(password: &Zeroizing<String>) -> io::Result<()> {
    let mut stderr = io::stderr();
    for part in ["\n      ", password.as_str(), "\n\n"] {
        stderr.write_all(part.as_bytes())?;
    }
    stderr.flush()
}

fn asked() -> anyhow::Result<Zeroizing<String>> {
    let password = ask::password("New password for the desk: ")?;
    passwords::check(&password)?;
    if io::stdin().is_terminal() {
        let again = ask::password("The same again: ")?;
        if *again != *password {
            bail!("these were two different passwords; nothing was changed");
        }
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{BufRead as _, BufReader},
        os::unix::net::UnixListener,
        thread,
    };

    use super::*;
    use crate::{control, instance::Instance};

    /// What is said when the show answers the request with this, be it an error.
    fn told(answer: &'static str) -> String {
        let state = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(state.path().join(control::SOCKET)).unwrap();
        let show = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut request = String::new();
            BufReader::new(&stream).read_line(&mut request).unwrap();
            (&stream).write_all(answer.as_bytes()).unwrap();
            request
        });
        let told = said(state.path()).map_or_else(|error| error, str::to_owned);
        assert_eq!(show.join().unwrap(), "password-changed\n");
        told
    }

    fn said(state: &Path) -> Result<&'static str, String> {
        tell_the_show(state).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_show_that_was_told_has_logged_everybody_out() {
        let words = told("{\"ok\":{\"did\":\"\",\"number\":null}}\n");

        assert!(words.ends_with("everybody at the desk was logged out."));
    }

    #[test]
    fn without_a_show_the_password_is_set_and_nothing_else_is_claimed() {
        let state = tempfile::tempdir().unwrap();

        assert_eq!(said(state.path()).unwrap(), "The password is set.");
        assert_eq!(
            said(&state.path().join("missing")).unwrap(),
            "The password is set."
        );
        // What a show leaves that was killed.
        drop(UnixListener::bind(state.path().join(control::SOCKET)).unwrap());
        assert_eq!(said(state.path()).unwrap(), "The password is set.");
    }

    #[test]
    fn a_show_that_could_not_be_told_is_reported_with_the_reason() {
        let long = tempfile::tempdir().unwrap();
        let long_path = long.path().join("x".repeat(120));
        fs::create_dir(&long_path).unwrap();
        assert_eq!(said(&long_path).unwrap(), "The password is set.");
        let _running_there = Instance::claim(&long_path).unwrap();
        let claimed = tempfile::tempdir().unwrap();
        let _running = Instance::claim(claimed.path()).unwrap();

        for (error, reason) in [
            (
                told("{\"error\":\"there is no password file\"}\n"),
                "there is no password file",
            ),
            (told(""), "the onionstream that was running has ended"),
            (
                told("what?\n"),
                "another version of onionstream may be running",
            ),
            (said(&long_path).unwrap_err(), "a socket can have"),
            (
                said(claimed.path()).unwrap_err(),
                "a show is running, but has no control socket",
            ),
        ] {
            assert!(
                error.starts_with("the password was changed, but"),
                "{error}"
            );
            assert!(error.contains(reason), "{error}");
        }
    }
}
