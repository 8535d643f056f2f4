//! `onionstream tripcode`: the tripcode of a password on this site, without the site.
//!
//! Does not belong here: how a tripcode is computed, asking for the password.

use std::process::ExitCode;

use anyhow::Context as _;

use super::ask;
use crate::{
    config::Settings,
    tripcodes::{self, Salt},
};

/// Asks for a password and prints its tripcode on standard output.
pub(super) fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    // First, so that nobody types a password in vain.
    let salt = Salt::open(&settings.onion.keys)
        .context("the tripcodes of this site cannot be computed")?;
    let password = ask::password("Password: ")?;
    tripcodes::check(&password)?;
    super::print(&format!("{}\n", tripcodes::derive(&password, &salt)))?;
    Ok(ExitCode::SUCCESS)
}
