//! Errors on their way out: what is printed, and which exit code it means.
//!
//! Belongs here: `error:`, `caused by:`, `hint:`, and attaching a hint to an error.
//! Does not belong here: the sentences themselves; each error brings its own.

use std::{
    error::Error,
    fmt,
    io::{self, Write as _},
    process::ExitCode,
};

use crate::config::ConfigErrors;

/// Exit code for wrong use and for a wrong configuration (`EX_USAGE` of `sysexits.h`).
pub(super) const WRONG_USE: u8 = 64;

/// An error with advice; looks like the error itself from outside.
#[derive(Debug)]
struct Advised {
    error: anyhow::Error,
    hint: String,
}

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Advised {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Attaches what a person can do about an error.
pub(super) trait WithHint<T> {
    /// Adds a `hint:` line, lower case and without a full stop.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> WithHint<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| {
            Advised {
                error: error.into(),
                hint: hint.into(),
            }
            .into()
        })
    }
}

/// Prints `error` on standard error and says how the program ends.
pub(super) fn failed(error: &anyhow::Error) -> ExitCode {
    let (text, code) = explain(error);
    // There is nobody left to tell when standard error is gone.
    drop(io::stderr().write_all(text.as_bytes()));
    ExitCode::from(code)
}

/// What is printed for an error, and its exit code.
fn explain(error: &anyhow::Error) -> (String, u8) {
    if let Some(mistakes) = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<ConfigErrors>())
    {
        return (format!("error: {mistakes}\n"), WRONG_USE);
    }
    let mut text = format!("error: {error}\n");
    let causes = error
        .chain()
        .skip(1)
        .map(|cause| format!("  caused by: {cause}\n"));
    text.extend(causes);
    let hints = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<Advised>());
    text.extend(hints.map(|advised| format!("hint: {}\n", advised.hint)));
    (text, 1)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;
    use crate::config::{Override, Settings};

    #[test]
    fn an_error_is_told_with_its_causes_and_its_hint() {
        let cause: Result<(), io::Error> = Err(io::Error::from(io::ErrorKind::AddrInUse));

        let error = cause
            .context("cannot listen at `127.0.0.1:5051`")
            .hint("another program uses the port: choose one with `--listen`")
            .context("cannot start")
            .unwrap_err();

        assert_eq!(
            explain(&error),
            (
                "error: cannot start\n\
                 \x20 caused by: cannot listen at `127.0.0.1:5051`\n\
                 \x20 caused by: address in use\n\
                 hint: another program uses the port: choose one with `--listen`\n"
                    .to_owned(),
                1
            )
        );
    }

    #[test]
    fn mistakes_in_the_configuration_are_listed_and_mean_wrong_use() {
        let overrides = [
            Override::set("http.max_connections=0"),
            Override::set("htpp.listen=x"),
        ];
        let dir = tempfile::tempdir().unwrap();
        let error = Settings::load(dir.path(), std::iter::empty(), &overrides).unwrap_err();

        let (text, code) = explain(&error.into());

        assert_eq!(code, WRONG_USE);
        assert!(
            text.starts_with("error: the configuration has 2 mistakes\n  command line"),
            "{text}"
        );
        assert!(
            text.ends_with("    hint: did you mean `http.listen`?\n"),
            "{text}"
        );
    }
}
