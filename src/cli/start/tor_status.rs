//! The status of the onion service, told to the broadcaster.
use std::time::Duration;

use tokio::sync::watch;

use super::Task;
use crate::{
    cli::progress::Progress,
    clock::{Clock, Tick},
    onion::{self, Stage},
};

/// Tells the broadcaster how the onion service is doing.
pub(super) async fn report(
    mut news: watch::Receiver<onion::Status>,
    progress: Progress,
    clock: Clock,
) -> Task {
    let (mut address_stated, mut reachable_stated) = (false, false);
    let mut last = None;
    loop {
        let onion::Status { address, stage } = news.borrow_and_update().clone();
        if let Some(address) = address.filter(|_| !address_stated) {
            progress.fact(&format!("onion http://{}/", address.as_str()))?;
            address_stated = true;
        }
        if stage == Stage::Reachable && !reachable_stated {
            progress.fact("reachable")?;
            reachable_stated = true;
        }
        let wait = show_stage(&stage, last.as_ref(), &progress, clock.tick());
        last = Some(stage);
        // A line that was held back is shown when its time comes, with what is true by then.
        let changed = match wait {
            Some(wait) => tokio::time::timeout(wait, news.changed())
                .await
                .unwrap_or(Ok(())),
            None => news.changed().await,
        };
        if changed.is_err() {
            progress.finish();
            return Ok("onion status");
        }
    }
}

/// Shows where the service stands: a bar on the way there, log lines when it was there before.
fn show_stage(
    stage: &Stage,
    last: Option<&Stage>,
    progress: &Progress,
    now: Tick,
) -> Option<Duration> {
    let changed = last != Some(stage);
    match stage {
        Stage::Starting => progress.show(0, "starting Tor", None, now),
        Stage::Bootstrapping {
            percent,
            doing,
            blocked,
        } => progress.show(*percent, doing, blocked.as_deref(), now),
        Stage::Publishing { problem } => progress.show(
            100,
            "telling Tor where to find this site",
            problem.as_deref(),
            now,
        ),
        Stage::Reachable => {
            progress.finish();
            if changed && matches!(last, Some(Stage::Unreachable { .. })) {
                tracing::info!("the onion service is reachable again");
            }
            None
        }
        Stage::Unreachable { problem } => {
            if changed {
                tracing::warn!("viewers may not reach the onion service: {problem}");
            }
            None
        }
    }
}
