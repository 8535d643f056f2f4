//! Commands for a show that is running: each asks it through its control socket.
//!
//! Belongs here: arguments, and which request they are. Does not belong here: the protocol
//! (`control/`), rules.

mod arguments;
mod printable;
mod words;

use std::{
    io::{self, BufRead as _, Read as _, Write as _},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail};

pub(super) use self::arguments::{Command, GROUPS};
use super::deletion;
use crate::{
    config::Settings,
    control::{
        client::{Client, ClientError},
        request::{Deletions, Request},
    },
    instance,
};

/// How long a show may take to end; it promises five seconds.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// The word that somebody types who means it.
const MEANT: &str = "panic";

/// Carries out a command. `dir` is the working directory.
pub(super) fn run(
    command: &Command,
    dir: &Path,
    settings: &Settings,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let state = &settings.onion.state;
    let mut client = match Client::connect(state, dir) {
        Err(ClientError::NotRunning { .. }) if instance::is_claimed(state) => bail!(
            "the onionstream in `{}` has no control socket: it is only just starting, or said why when \
             it started; try again, or end it with Ctrl+C where it runs",
            dir.display()
        ),
        connected => connected?,
    };
    if let Command::Chat { follow: true, .. } = command {
        return follow(client, json);
    }
    let request = command.request();
    if let Command::Panic { yes: false, .. } = command
        && let Request::Panic(deletions) = &request
    {
        confirm(settings, *deletions)?;
    }
    let answer = client.ask(&request)?;
    let printed = if json {
        format!("{}\n", printable::json(&answer.to_string()))
    } else {
        words::of(&request, &answer)
    };
    super::print(&printed)?;
    if let Request::Stop | Request::Panic(_) = request {
        client.wait_for_end();
        wait_for_end(state)?;
    }
    if let Request::Panic(deletions) = request {
        for words in deletion::left(settings, deletions) {
            writeln!(io::stderr(), "{words}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what happens until the show or the reader ends.
fn follow(mut client: Client, json: bool) -> anyhow::Result<ExitCode> {
    client.follow()?;
    while let Some(event) = client.next_event()? {
        let printed = if json {
            format!("{}\n", printable::json(&event))
        } else {
            let event = serde_json::from_str(&event).context("this is no event")?;
            match words::event(&event) {
                Some(words) => words,
                None => continue,
            }
        };
        let mut stdout = io::stdout().lock();
        match stdout
            .write_all(printed.as_bytes())
            .and_then(|()| stdout.flush())
        {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            result => result?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks whether it is meant.
fn confirm(settings: &Settings, deletions: Deletions) -> anyhow::Result<()> {
    let mut question = vec!["This ends every connection at once.\n".to_owned()];
    if deletions.stream {
        let dir = settings.ingest.directory.display();
        let recordings = settings.recording.directory.display();
        question.push(format!(
            "The files of the broadcast in `{dir}` and every recording in `{recordings}` are deleted.\n"
        ));
    }
    if deletions.keys {
        let (keys, state) = (
            settings.onion.keys.display(),
            settings.onion.state.display(),
        );
        question.push(format!(
            "The keys in `{keys}` and what the show and Tor keep in `{state}` are deleted: your \
             address is gone for good, unless you have a copy of the keys.\n"
        ));
    }
    question.push(format!("Type `{MEANT}` if you mean it: "));
    let mut stderr = io::stderr();
    stderr.write_all(question.concat().as_bytes())?;
    stderr.flush()?;
    let mut typed = String::new();
    io::stdin().lock().take(64).read_line(&mut typed)?;
    if typed.trim() != MEANT {
        bail!("nothing was done; type `{MEANT}` when asked, or say `--yes`");
    }
    Ok(())
}

/// Waits until another show could start in the directory.
fn wait_for_end(state: &Path) -> anyhow::Result<()> {
    let mut waited = Duration::ZERO;
    while instance::is_claimed(state) {
        if waited >= ENDS_WITHIN {
            bail!(
                "the show has not ended within {} seconds",
                ENDS_WITHIN.as_secs()
            );
        }
        std::thread::sleep(LOOK);
        waited += LOOK;
    }
    Ok(())
}
