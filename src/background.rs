//! Work that can wait: it never takes the processor from somebody who is being served.
//!
//! Belongs here: threads that stand behind all others. Does not belong here: what they compute, and
//! how much of it at a time.
//!
//! Slow hashes and pictures are what strangers can make the program compute. Under a flood of them
//! the picture must go on, also on a computer with one core.

use std::{io, thread};

use tokio::sync::oneshot;

/// How far behind: such a thread gets a tenth of what another gets that wants the same processor.
///
/// Not the least there is, or nobody could log in on a computer that is busy encoding.
const NICENESS: i32 = 10;

/// Puts this thread behind all others, for good.
///
/// Linux counts niceness for each thread; elsewhere it would be that of the whole program, and
/// nothing happens.
pub fn stand_back() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};

        // Whoever starts the program further behind wants that for all of it.
        let behind = getpriority_process(None).map_or(NICENESS, |now| now.max(NICENESS));
        if let Err(error) = setpriority_process(None, behind) {
            tracing::debug!(%error, "a thread cannot be put behind the others");
        }
    }
}

/// Starts a thread that stands behind all others.
///
/// # Errors
///
/// When the system has no thread to give.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let _thread = thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            stand_back();
            work();
        })?;
    Ok(())
}

/// Computes something on a thread of its own, which takes some fifty microseconds more than the
/// computation. The caller bounds how many there are.
///
/// `None` when the system has no thread to give or the computation panicked. Cancel safe: the
/// computation goes on to its end, whoever waits.
pub async fn compute<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (give, take) = oneshot::channel();
    spawn(name, move || {
        // Nobody may be waiting any more.
        let _gone = give.send(work());
    })
    .ok()?;
    take.await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_computed_in_the_background_stands_back_and_nothing_else_does() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let before = niceness();

        let there = compute("test", niceness).await.unwrap();

        #[cfg(target_os = "linux")]
        assert_eq!(there, before.max(NICENESS));
        assert_eq!(niceness(), before);
    }

    #[tokio::test]
    async fn a_computation_that_panics_has_no_result() {
        let nothing = compute("test", || -> u32 { panic!("on purpose") }).await;

        assert_eq!(nothing, None);
    }
}
