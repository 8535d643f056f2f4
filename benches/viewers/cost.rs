//! What a process costs: processor time and memory, as Linux counts them.

use std::{fs, time::Duration};

/// The time that all threads of a process have run so far, in both user and system mode.
///
/// From `schedstat` (nanoseconds) instead of `stat` (ticks of 10 ms), which shows one viewer as
/// nothing at all. What threads that have ended used is not in it; the servers end none.
pub(crate) fn processor_time(process: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("the process runs");
    threads
        .flatten()
        .filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            let nanos = text.split_whitespace().next()?.parse().ok()?;
            Some(Duration::from_nanos(nanos))
        })
        .sum()
}

/// The memory that belongs to a process alone or in part, in bytes (`Pss`). Memory that the kernel
/// keeps for its sockets is not in it.
pub(crate) fn memory(process: u32) -> u64 {
    let path = format!("/proc/{process}/smaps_rollup");
    let text = fs::read_to_string(path).expect("the memory of a process of this user");
    let kilobytes: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .expect("a number of kilobytes");
    kilobytes * 1024
}

/// The resident memory of a process in bytes (`VmRSS`), with what it shares.
pub(crate) fn resident(process: u32) -> u64 {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(path).expect("the process runs");
    let kilobytes: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .expect("a number of kilobytes");
    kilobytes * 1024
}
