//! `onionstream password`: another password for the desk.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use super::{ask, report::WithHint as _};
use crate::{
    config::Settings,
    control::{client::Client, request::Request},
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
    let told = Client::connect(state, Path::new("."))
        .and_then(|mut client| client.ask(&Request::PasswordChanged));
    let mut stderr = io::stderr();
    stderr.write_all(match told {
        Ok(_) => b"The password is set; everybody at the desk was logged out.\n".as_slice(),
        // Nobody is running: it is read at the next start.
        Err(_) => b"The password is set.\n".as_slice(),
    })?;
    Ok(ExitCode::SUCCESS)
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
