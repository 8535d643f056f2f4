//! The broadcaster's password when the show starts.
//!
//! Made at the first start and shown once, on a terminal and nowhere else. Only its hash is kept.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::Path,
};

use anyhow::Context as _;
use zeroize::Zeroizing;

use crate::{
    cli::{password::PASSWORD_FILE, report::WithHint as _},
    passwords, private_file,
};

/// The hash of the broadcaster's password; makes a password at the first start.
pub(super) fn open(state: &Path) -> anyhow::Result<String> {
    let file = state.join(PASSWORD_FILE);
    if let Some(hash) = read(state)? {
        return Ok(hash);
    }
    let password = passwords::generate().context("no password can be made")?;
    let hash = passwords::hash(&password).context("no password can be made")?;
    private_file::write(&file, &format!("{hash}\n"))?;
    show(&password)?;
    Ok(hash)
}

/// The hash in the file; `None` if there is none yet.
pub(super) fn read(state: &Path) -> anyhow::Result<Option<String>> {
    let file = state.join(PASSWORD_FILE);
    let Some(text) = private_file::read(&file)? else {
        return Ok(None);
    };
    let hash = text.trim();
    passwords::check_hash(hash)
        .with_context(|| format!("`{}` cannot be used", file.display()))
        .hint("set another password with `onionstream password`")?;
    Ok(Some(hash.to_owned()))
}

/// Shows the new password to a person, never to a pipe or a log.
fn show(password: &Zeroizing<String>) -> anyhow::Result<()> {
    let mut stderr = io::stderr();
    if !stderr.is_terminal() {
        tracing::warn!(
            "a password for the desk was made, and there is no terminal to show it on: set one with \
             `onionstream password`"
        );
        return Ok(());
    }
    let words = [
        "\n  The password for your desk at /broadcaster, shown this once:\n\n      ",
        password,
        "\n\n  Write it down. `onionstream password` sets another one.\n\n",
    ];
    for part in words {
        stderr.write_all(part.as_bytes())?;
    }
    stderr.flush()?;
    Ok(())
}
