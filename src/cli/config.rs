//! `onionstream config`: looking at the configuration without starting anything.
//!
//! Belongs here: what each sub-command prints.
//! Does not belong here: reading and judging the configuration.

use std::{fmt::Write as _, process::ExitCode};

use clap::Subcommand;

use super::Sets;
use crate::config::{self, Layers};

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say whether the configuration is good; list all mistakes if it is not.
    Check(Sets),
    /// Print the merged result as TOML, with where each value came from.
    Show(Sets),
    /// Print `onionstream.example.toml`.
    #[command(hide = true)]
    Example,
    /// Print `docs/configuration.md`.
    #[command(hide = true)]
    Reference,
}

impl Command {
    /// The settings given after this sub-command.
    pub(super) const fn sets(&self) -> Option<&Sets> {
        match self {
            Self::Check(sets) | Self::Show(sets) => Some(sets),
            Self::Example | Self::Reference => None,
        }
    }
}

/// Runs one of the sub-commands; `layers` are read only if it needs them.
pub(super) fn run(command: &Command, layers: impl FnOnce() -> Layers) -> anyhow::Result<ExitCode> {
    let text = match command {
        Command::Check(_) => {
            let settings = layers().settings()?;
            let mut text = String::new();
            writeln!(
                text,
                "the configuration in `{}` is good",
                settings.dir.display()
            )?;
            text
        }
        Command::Show(_) => layers().show()?,
        Command::Example => config::example(),
        Command::Reference => config::reference(),
    };
    super::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
