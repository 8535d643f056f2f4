//! The log: lines on standard error, and what is said when a part of the program panics.
//!
//! Belongs here: the format, the filter and the panic hook.
//! Does not belong here: what is logged, or where lines go on a terminal with a progress bar (the
//! writer is handed in).
//!
//! `RUST_LOG` is not looked at. A variable left over from other work could turn on the debug lines
//! of the libraries below, and those may hold what viewers send; the one place for the level is
//! `log.level`, whose name a person has to write to get there.

use std::{backtrace::Backtrace, backtrace::BacktraceStatus, fmt, io, panic::PanicHookInfo};

use tracing_subscriber::{
    filter::Targets,
    fmt::{MakeWriter, format::Writer, time::FormatTime},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::clock::{Civil, Clock, WallTime};

/// The log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not a list of `target=level`.
    #[error("`{directives}` is not a filter for the log")]
    Filter {
        /// What was given.
        directives: String,
        /// Why it is not a filter.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// This process has a log already.
    #[error("the log is set up already")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Starts logging to `writer`, with colours if `colour`, and logs panics from now on.
///
/// `directives` are `target=level` with commas between them, as from
/// [`LogFilter::directives`](crate::config::LogFilter::directives).
///
/// # Errors
///
/// [`TelemetryError`]; nothing has changed then.
pub fn init<W>(
    directives: &str,
    writer: W,
    colour: bool,
    clock: Clock,
) -> Result<(), TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter: Targets = directives
        .parse()
        .map_err(|source| TelemetryError::Filter {
            directives: directives.to_owned(),
            source,
        })?;
    let lines = tracing_subscriber::fmt::layer()
        .compact()
        .with_timer(Stamp(clock))
        .with_ansi(colour)
        .with_writer(writer);
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .map_err(TelemetryError::Twice)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = Backtrace::capture();
        let message = describe(panic);
        if place.status() == BacktraceStatus::Captured {
            tracing::error!("{message}\n{place}");
        } else {
            tracing::error!("{message}");
        }
    }));
    Ok(())
}

/// Whether lines on standard error may have colours: a terminal that nobody asked to be plain.
pub fn wants_colour() -> bool {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::IsTerminal::is_terminal(&io::stderr()) && !plain
}

/// Where a panic happened, and its message if that is part of the program's own text.
///
/// A message that was put together at run time can hold what a viewer sent, so it stays out.
fn describe(panic: &PanicHookInfo<'_>) -> String {
    let place = panic
        .location()
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    let message = panic.payload().downcast_ref::<&'static str>();
    let message = message
        .map(|message| format!(": {message}"))
        .unwrap_or_default();
    format!("a mistake in the program stopped a part of it at {place} (thread {thread}){message}")
}

/// The time of a line: UTC to the second, which says nothing about where the computer is.
struct Stamp(Clock);

impl FormatTime for Stamp {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        w.write_str(&stamp(self.0.wall()))
    }
}

/// `2026-11-15T08:05:09Z`.
fn stamp(time: WallTime) -> String {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = time.into();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_stamp_is_the_date_and_time_in_utc() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_794_729_909, "2026-11-15T08:05:09Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(stamp(WallTime::from_unix_millis(seconds * 1_000)), expected);
        }
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_an_error() {
        let result = init("onionstream=loud", io::sink, false, Clock::new());

        let error = result.unwrap_err();
        assert_eq!(
            error.to_string(),
            "`onionstream=loud` is not a filter for the log"
        );
    }

    /// Runs `panics` in a thread of its own and says how its panic is described.
    ///
    /// The hook belongs to the whole process: panics of other tests go on to the hook before.
    fn described(panics: fn()) -> String {
        const THREAD: &str = "described";
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap();
        let seen = Arc::new(Mutex::new(String::new()));
        let before = Arc::new(std::panic::take_hook());
        let (sink, others) = (Arc::clone(&seen), Arc::clone(&before));
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name() == Some(THREAD) {
                *sink.lock().unwrap() = describe(panic);
            } else {
                others(panic);
            }
        }));
        let thread = std::thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(panics)
            .unwrap();
        let ended = thread.join();
        std::panic::set_hook(Box::new(move |panic| before(panic)));
        assert!(ended.is_err());
        seen.lock().unwrap().clone()
    }

    #[test]
    fn a_panic_is_described_by_its_place_and_never_by_text_put_together_at_run_time() {
        let secret = described(|| {
            let message = "what anna wrote".to_owned();
            panic!("cannot show {message}");
        });
        let constant = described(|| panic!("the ring is never empty"));
        let unwrapped = described(|| {
            let _: u8 = "secret text"
                .parse::<u8>()
                .map_err(|_| "secret text".to_owned())
                .unwrap();
        });

        assert!(secret.contains("src/telemetry.rs:"), "{secret}");
        assert!(!secret.contains("anna"), "{secret}");
        assert!(
            constant.ends_with("(thread described): the ring is never empty"),
            "{constant}"
        );
        assert!(!unwrapped.contains("secret"), "{unwrapped}");
    }
}
