//! The clocks of the benchmark.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The monotonic clock, for durations in this process.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Milliseconds after 1970, for durations between processes of this computer.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn millis() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
