//! Placeholder: the composition root takes the place of this file.

use std::process::ExitCode;

use super::{Source, progress::Screen, report::WithHint as _};
use crate::{clock::Clock, config::Settings};

/// Not there yet.
#[expect(
    clippy::needless_pass_by_value,
    reason = "starting moves the settings into the parts"
)]
pub(super) fn run(
    settings: Settings,
    source: Source,
    screen: &Screen,
    clock: Clock,
) -> anyhow::Result<ExitCode> {
    screen.progress(0, "not there yet", None, clock.tick());
    screen.fact("nothing")?;
    screen.finish();
    let error = anyhow::anyhow!("cannot start {source:?} in `{}`", settings.dir.display());
    Err(error).hint("wait for the next version")
}
