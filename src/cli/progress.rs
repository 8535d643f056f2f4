//! The terminal while the program runs: Tor's progress, log lines and facts without a mess.
//!
//! Belongs here: one line that is redrawn in place on a terminal, and plain lines elsewhere.
//! Does not belong here: what the progress is, or what is logged.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

use crate::clock::Tick;

/// Least time between two plain lines; a log that is read later needs no more.
const LINE_GAP: Duration = Duration::from_secs(1);

/// Columns of a terminal that does not say how many it has.
const USUAL_WIDTH: usize = 80;

/// Back to the first column and clear to the end of the line.
const CLEAR: &[u8] = b"\r\x1b[K";

/// Tor's progress and the two outputs it shares a terminal with. Copies are the same.
///
/// Dropping a copy does nothing; call [`Progress::finish`] when Tor is up or the program ends.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<State>>);

/// One writer of log lines for [`Progress`]; see [`MakeWriter`].
pub(super) struct LogLine(Progress);

struct State {
    stdout: Box<dyn Write + Send>,
    stderr: Box<dyn Write + Send>,
    shape: Shape,
}

/// How progress is shown.
enum Shape {
    /// Redrawn in place; holds what is to be seen, if anything is.
    Bar {
        columns: fn() -> usize,
        shown: Option<Report>,
    },
    /// One line after the other; holds the last line and its time.
    Lines { said: Option<(Report, Tick)> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Report {
    percent: u8,
    doing: String,
    blocked: Option<String>,
}

impl Progress {
    /// The standard outputs of this process.
    pub(super) fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let shape = if io::stderr().is_terminal() && !dumb {
            Shape::Bar {
                columns,
                shown: None,
            }
        } else {
            Shape::Lines { said: None }
        };
        Self::with(Box::new(io::stdout()), Box::new(io::stderr()), shape)
    }

    fn with(stdout: Box<dyn Write + Send>, stderr: Box<dyn Write + Send>, shape: Shape) -> Self {
        Self(Arc::new(Mutex::new(State {
            stdout,
            stderr,
            shape,
        })))
    }

    /// Shows how far Tor is: `percent` of 100, what it is `doing`, and why it is stuck if it is.
    ///
    /// Plain lines come at most once a second and only when something changed. If this one has to
    /// wait, the answer says how long: call again then, with what is true by then.
    pub(super) fn show(
        &self,
        percent: u8,
        doing: &str,
        blocked: Option<&str>,
        now: Tick,
    ) -> Option<Duration> {
        let report = Report {
            percent,
            doing: doing.to_owned(),
            blocked: blocked.map(str::to_owned),
        };
        let mut state = self.state();
        match &mut state.shape {
            Shape::Bar { shown, .. } => {
                if shown.as_ref() != Some(&report) {
                    *shown = Some(report);
                    state.write_around(&[]);
                }
                None
            }
            Shape::Lines {
                said: Some((before, _)),
            } if *before == report => None,
            Shape::Lines {
                said: Some((_, at)),
            } if now - *at < LINE_GAP => Some(LINE_GAP.saturating_sub(now - *at)),
            Shape::Lines { said } => {
                let line = plain(percent, doing, blocked);
                *said = Some((report, now));
                state.write_around(line.as_bytes());
                None
            }
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        let mut state = self.state();
        if let Shape::Bar { shown, .. } = &mut state.shape
            && shown.take().is_some()
        {
            state.write_around(CLEAR);
        }
    }

    /// Writes one line to standard output and flushes it.
    ///
    /// # Errors
    ///
    /// As from writing, for example when the reader is gone.
    pub(super) fn fact(&self, line: &str) -> io::Result<()> {
        let mut state = self.state();
        let state = &mut *state;
        let has_bar = state.bar().is_some();
        if has_bar {
            // Both outputs are mostly the same terminal.
            state.write_error(CLEAR);
        }
        let written = writeln!(state.stdout, "{line}").and_then(|()| state.stdout.flush());
        if has_bar {
            state.write_around(&[]);
        }
        written
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in the state can be half done: a bar that is drawn wrongly is drawn again.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The bar as it is to be seen now.
    fn bar(&self) -> Option<String> {
        match &self.shape {
            Shape::Bar {
                columns,
                shown: Some(report),
            } => Some(bar(
                report.percent,
                &report.doing,
                report.blocked.as_deref(),
                columns(),
            )),
            Shape::Bar { shown: None, .. } | Shape::Lines { .. } => None,
        }
    }

    /// Writes whole lines to standard error, with the bar below them.
    fn write_around(&mut self, lines: &[u8]) {
        let bar = self.bar();
        let mut output = Vec::with_capacity(lines.len() + 256);
        if bar.is_some() {
            output.extend_from_slice(CLEAR);
        }
        output.extend_from_slice(lines);
        output.extend_from_slice(bar.as_deref().unwrap_or_default().as_bytes());
        self.write_error(&output);
    }

    fn write_error(&mut self, bytes: &[u8]) {
        // There is nobody left to tell when standard error is gone.
        drop(
            self.stderr
                .write_all(bytes)
                .and_then(|()| self.stderr.flush()),
        );
    }
}

impl Write for LogLine {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.state().write_around(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Progress {
    type Writer = LogLine;

    fn make_writer(&'w self) -> Self::Writer {
        LogLine(self.clone())
    }
}

/// The columns of the terminal at standard error, or of `$COLUMNS`.
fn columns() -> usize {
    let asked =
        rustix::termios::tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
    if asked > 0 {
        return asked;
    }
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .unwrap_or(USUAL_WIDTH)
}

/// Progress as one line in words, with its line feed.
fn plain(percent: u8, doing: &str, blocked: Option<&str>) -> String {
    let stuck = blocked
        .map(|why| format!(" (stuck: {why})"))
        .unwrap_or_default();
    let line = format!("Tor {}%: {doing}{stuck}", percent.min(100));
    format!("{}\n", printable(&line))
}

/// Progress as one line with a bar, never as wide as `width`, without a line feed.
///
/// The last column stays free: a character there makes some terminals begin a new line.
fn bar(percent: u8, doing: &str, blocked: Option<&str>, width: usize) -> String {
    let percent = percent.min(100);
    let room = width.saturating_sub(1);
    let cells = (width / 4).min(30);
    let full = cells * usize::from(percent) / 100;
    let drawn = match cells {
        0..10 => String::new(),
        _ => format!(
            "[{}{}] ",
            "#".repeat(full),
            ".".repeat(cells.saturating_sub(full))
        ),
    };
    // Why it is stuck matters more than what it was doing.
    let words = blocked.map_or_else(|| doing.to_owned(), |why| format!("stuck: {why}"));
    fitted(
        &printable(&format!("Tor {drawn}{percent:>3}%  {words}")),
        room,
    )
}

/// The beginning of `line` that fits into `room` columns.
fn fitted(line: &str, room: usize) -> String {
    let line = line.trim_end();
    if line.chars().count() <= room {
        return line.to_owned();
    }
    let dots = if room > 20 { "..." } else { "" };
    let mut cut: String = line.chars().take(room - dots.len()).collect();
    cut.push_str(dots);
    cut
}

/// `text` with everything replaced that a terminal could obey or show wider than one column.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c == ' ' || c.is_ascii_graphic() {
                c
            } else {
                '?'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What was written to one output.
    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<u8>>>);

    impl Seen {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
        }
    }

    impl Write for Seen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A screen whose outputs are one terminal, and what is on it.
    fn screen(shape: Shape) -> (Progress, Seen) {
        let seen = Seen::default();
        (
            Progress::with(Box::new(seen.clone()), Box::new(seen.clone()), shape),
            seen,
        )
    }

    fn on_a_terminal() -> (Progress, Seen) {
        screen(Shape::Bar {
            columns: || 60,
            shown: None,
        })
    }

    #[test]
    fn the_bar_shows_how_far_and_what() {
        assert_eq!(
            bar(45, "asking for the directory", None, 60),
            "Tor [######.........]  45%  asking for the directory"
        );
        assert_eq!(
            bar(5, "connecting", Some("the clock is wrong"), 60),
            "Tor [...............]   5%  stuck: the clock is wrong"
        );
    }

    #[test]
    fn the_bar_gives_way_to_the_words_on_a_narrow_terminal() {
        assert_eq!(
            bar(45, "asking for the directory", None, 30),
            "Tor  45%  asking for the d..."
        );
        assert_eq!(bar(45, "asking", None, 9), "Tor  45%");
        assert_eq!(bar(45, "asking", None, 0), "");
        assert_eq!(bar(200, "", None, 60), "Tor [###############] 100%");
    }

    #[test]
    fn a_log_line_takes_the_place_of_the_bar_which_goes_below_it() {
        let (screen, seen) = on_a_terminal();
        screen.show(10, "connecting", None, Tick::START);
        let drawn = format!("\r\x1b[K{}", bar(10, "connecting", None, 60));
        assert_eq!(seen.take(), drawn);

        screen.make_writer().write_all(b"a log line\n").unwrap();
        screen.fact("local http://127.0.0.1:5051/").unwrap();

        let bar = bar(10, "connecting", None, 60);
        assert_eq!(
            seen.take(),
            format!(
                "\r\x1b[Ka log line\n{bar}\
                 \r\x1b[Klocal http://127.0.0.1:5051/\n\r\x1b[K{bar}"
            )
        );
    }

    #[test]
    fn the_bar_is_gone_after_the_end() {
        let (screen, seen) = on_a_terminal();
        screen.show(100, "done", None, Tick::START);
        seen.take();

        screen.finish();
        screen.make_writer().write_all(b"a log line\n").unwrap();
        screen.finish();

        assert_eq!(seen.take(), "\r\x1b[Ka log line\n");
    }

    #[test]
    fn plain_lines_come_when_something_changed_and_at_most_once_a_second() {
        let (screen, seen) = screen(Shape::Lines { said: None });
        let at = |millis| Tick::START + Duration::from_millis(millis);

        assert_eq!(screen.show(5, "connecting", None, at(0)), None);
        assert_eq!(screen.show(5, "connecting", None, at(1_500)), None);
        assert_eq!(
            screen.show(9, "connecting", Some("no network"), at(1_600)),
            None
        );
        let wait = screen.show(20, "asking", None, at(1_900));
        assert_eq!(wait, Some(Duration::from_millis(700)));
        assert_eq!(screen.show(30, "asking", None, at(2_600)), None);
        screen.finish();

        assert_eq!(
            seen.take(),
            "Tor 5%: connecting\nTor 9%: connecting (stuck: no network)\nTor 30%: asking\n"
        );
    }

    proptest! {
        #[test]
        fn the_bar_never_reaches_the_last_column(percent: u8, doing in "\\PC*", stuck: bool, width in 0_usize..300) {
            let line = bar(percent, &doing, stuck.then_some(doing.as_str()), width);

            prop_assert!(line.len() <= width.saturating_sub(1));
            prop_assert!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
        }
    }
}
