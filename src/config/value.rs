//! What a setting may hold, and how it is written: times, sizes, addresses, filters.
//!
//! Belongs here: text to value, value to text, and the sentence that says what is allowed.
//! Does not belong here: where a text came from, files, rules that join two settings.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// Longest text of one setting, in bytes: a path on Linux is at most 4096.
const MAX_TEXT: usize = 4096;

/// The levels of the log, loudest last.
pub(super) const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

/// What a setting holds, with its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true` or `false`.
    Flag,
    /// A plain whole number in the range, ends included.
    Count(u64, u64),
    /// A time in the range, ends included.
    Time(Duration, Duration),
    /// A number of bytes in the range, ends included.
    Size(u64, u64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A file or directory.
    Path,
    /// A file, or nothing at all.
    OptionalPath,
    /// Any text on one line.
    Text,
    /// A place on this computer to listen at.
    Address,
    /// A level, or a filter by part of the program.
    Filter,
}

/// A checked value, still without the directory that relative paths start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Flag(bool),
    Count(u64),
    Time(Duration),
    Size(u64),
    Text(String),
    Address(Listen),
}

/// Where the site listens on this computer.
///
/// There is no way to say "all interfaces": whoever can reach the site outside Tor learns the
/// address of the computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A loopback address; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// A Unix socket, made at start.
    Unix(PathBuf),
}

/// Why a text is refused, where the range does not say it already.
pub(super) type Why = Option<&'static str>;

impl Kind {
    /// Whether the value stands without quotes in TOML.
    pub(super) const fn is_bare(self) -> bool {
        matches!(self, Self::Flag | Self::Count(..))
    }

    /// Reads a value.
    ///
    /// # Errors
    ///
    /// The reason, if there is more to say than [`Kind::allowed`].
    pub(super) fn read(self, text: &str) -> Result<Value, Why> {
        if text.len() > MAX_TEXT {
            return Err(Some("it is longer than 4096 bytes"));
        }
        if text.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
            return Err(Some(
                "it holds control characters or bytes that are not UTF-8",
            ));
        }
        match self {
            Self::Flag => text.parse().map(Value::Flag).map_err(|_| None),
            Self::Count(min, max) => {
                let count = text.parse().map_err(|_| None)?;
                if (min..=max).contains(&count) {
                    Ok(Value::Count(count))
                } else {
                    Err(None)
                }
            }
            Self::Time(min, max) => {
                let time = read_time(text)?;
                if (min..=max).contains(&time) {
                    Ok(Value::Time(time))
                } else {
                    Err(None)
                }
            }
            Self::Size(min, max) => {
                let size = read_size(text)?;
                if (min..=max).contains(&size) {
                    Ok(Value::Size(size))
                } else {
                    Err(None)
                }
            }
            Self::Word(words) if words.contains(&text) => Ok(Value::Text(text.to_owned())),
            Self::Word(_) => Err(None),
            Self::Path if text.is_empty() => Err(None),
            Self::Path | Self::OptionalPath | Self::Text => Ok(Value::Text(text.to_owned())),
            Self::Address => read_address(text).map(Value::Address),
            Self::Filter => check_filter(text).map(|()| Value::Text(text.to_owned())),
        }
    }

    /// What is allowed, to be read after "allowed is" or in a table.
    pub(super) fn allowed(self) -> String {
        match self {
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Count(min, max) => format!("a whole number from {min} to {max}"),
            Self::Time(min, max) => {
                format!(
                    "a time from \"{}\" to \"{}\"",
                    show_time(min),
                    show_time(max)
                )
            }
            Self::Size(min, max) => {
                format!(
                    "a size from \"{}\" to \"{}\"",
                    show_size(min),
                    show_size(max)
                )
            }
            Self::Word(words) => {
                let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
                words.join(", ")
            }
            Self::Path => "a path, relative to the working directory or absolute".to_owned(),
            Self::OptionalPath => "a path, or \"\" for none".to_owned(),
            Self::Text => "a line of text".to_owned(),
            Self::Address => {
                "a loopback address with a port (port 0: any free one), or \"unix:PATH\"".to_owned()
            }
            Self::Filter => {
                let levels: Vec<_> = LEVELS.iter().map(|level| format!("\"{level}\"")).collect();
                format!(
                    "{}, or a filter such as \"onionstream=debug,warn\"",
                    levels.join(", ")
                )
            }
        }
    }
}

impl fmt::Display for Value {
    /// As in TOML, with quotes where they are needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Time(time) => write!(f, "\"{}\"", show_time(*time)),
            Self::Size(size) => write!(f, "\"{}\"", show_size(*size)),
            Self::Text(text) => write!(f, "{}", toml::Value::String(text.clone())),
            Self::Address(listen) => write!(f, "{}", toml::Value::String(listen.to_string())),
        }
    }
}

impl fmt::Display for Listen {
    /// As in the configuration: `127.0.0.1:5051` or `unix:PATH`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Splits `2.5s` into `2.5` and `s`.
fn number_and_unit(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end).unwrap_or((text, ""));
    (number, unit.trim_start())
}

/// One number and one unit: `300ms`, `2.5s`, `1min`, `1h`; to the millisecond.
fn read_time(text: &str) -> Result<Duration, Why> {
    let (number, unit) = number_and_unit(text);
    let unit: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "min" | "m" => 60_000,
        "h" => 3_600_000,
        "" => return Err(Some("a time needs a unit: `ms`, `s`, `min` or `h`")),
        _ => return Err(Some("the units of time are `ms`, `s`, `min` and `h`")),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    // Nine digits each way cannot overflow, whatever the unit.
    if whole.is_empty() || part.is_empty() || whole.len() > 9 || part.len() > 9 {
        return Err(None);
    }
    let whole: u64 = whole.parse().map_err(|_| None)?;
    let scale = 10_u64.pow(u32::try_from(part.len()).map_err(|_| None)?);
    let part = part.parse::<u64>().map_err(|_| None)? * unit;
    if !part.is_multiple_of(scale) {
        return Err(Some("times are whole milliseconds"));
    }
    Ok(Duration::from_millis(whole * unit + part / scale))
}

/// One whole number and one unit: `512B`, `64KiB`, `8MiB`, `1GiB`.
fn read_size(text: &str) -> Result<u64, Why> {
    let (number, unit) = number_and_unit(text);
    let unit: u64 = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "" => return Err(Some("a size needs a unit: `B`, `KiB`, `MiB` or `GiB`")),
        _ => return Err(Some("the units of size are `B`, `KiB`, `MiB` and `GiB`")),
    };
    let number: u64 = number.parse().map_err(|_| None)?;
    number.checked_mul(unit).ok_or(None)
}

/// The shortest way to write a time that is read back as the same time.
fn show_time(time: Duration) -> String {
    let ms = time.as_millis();
    match ms {
        3_600_000.. if ms.is_multiple_of(3_600_000) => format!("{}h", ms / 3_600_000),
        120_000.. if ms.is_multiple_of(60_000) => format!("{}min", ms / 60_000),
        1_000.. => {
            let decimals = format!("{}.{:03}", ms / 1_000, ms % 1_000);
            format!("{}s", decimals.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => format!("{ms}ms"),
    }
}

/// The shortest way to write a size that is read back as the same size.
fn show_size(size: u64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if size != 0 && size.trailing_zeros() >= shift {
            return format!("{}{unit}", size >> shift);
        }
    }
    format!("{size}B")
}

fn read_address(text: &str) -> Result<Listen, Why> {
    if let Some(path) = text.strip_prefix("unix:") {
        if path.is_empty() {
            return Err(Some("the path of the socket is missing"));
        }
        return Ok(Listen::Unix(PathBuf::from(path)));
    }
    let address = if let Some(port) = text.strip_prefix("localhost:") {
        // By name, without asking a resolver that could answer anything.
        SocketAddr::new(
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            port.parse().map_err(|_| None)?,
        )
    } else if text.parse::<IpAddr>().is_ok() || text == "localhost" {
        return Err(Some("the port is missing"));
    } else if text.trim_start_matches(':').parse::<u16>().is_ok() {
        return Err(Some("the address before the port is missing"));
    } else {
        text.parse()
            .map_err(|_| Some("names of hosts are not looked up"))?
    };
    if !address.ip().is_loopback() {
        return Err(Some(
            "other computers could reach it, and the site must only be reachable through Tor",
        ));
    }
    Ok(Listen::Tcp(address))
}

/// Checks a filter: levels and `part=level`, with commas between them.
///
/// A word without `=` must be a level: the usual reading of `inof` as "everything of the part
/// called inof" would silence the log because of a typing mistake.
fn check_filter(text: &str) -> Result<(), Why> {
    let is_level = |word: &str| word == "off" || LEVELS.contains(&word);
    let is_part = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        !part.is_empty() && part.chars().all(plain)
    };
    let good = text
        .split(',')
        .all(|directive| match directive.split_once('=') {
            Some((part, level)) => is_part(part) && is_level(level),
            None => is_level(directive),
        });
    if good { Ok(()) } else { Err(None) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIMES: Kind = Kind::Time(Duration::ZERO, Duration::MAX);
    const SIZES: Kind = Kind::Size(0, u64::MAX);

    #[test]
    fn times_have_one_number_and_one_unit() {
        for (text, millis) in [
            ("300ms", 300),
            ("2.5s", 2_500),
            ("0.001s", 1),
            ("1.5 s", 1_500),
            ("1min", 60_000),
            ("2m", 120_000),
            ("0.5h", 1_800_000),
            ("2.50s", 2_500),
        ] {
            let expected = Ok(Value::Time(Duration::from_millis(millis)));
            assert_eq!(TIMES.read(text), expected, "{text}");
        }
        for text in [
            "", "s", "5", "5 sec", "-1s", "1.s", ".5s", "1.2.3s", "0.0005s", "1h30min", "1e3s",
        ] {
            assert!(TIMES.read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_whole_numbers_with_a_binary_unit() {
        for (text, bytes) in [
            ("0B", 0),
            ("64KiB", 65_536),
            ("8 MiB", 8_388_608),
            ("1GiB", 1 << 30),
        ] {
            assert_eq!(SIZES.read(text), Ok(Value::Size(bytes)), "{text}");
        }
        for text in ["", "64", "64MB", "1.5MiB", "-1B", "99999999999999GiB"] {
            assert!(SIZES.read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_count_outside_its_range_is_refused() {
        let kind = Kind::Count(1, 10);

        assert_eq!(kind.read("1"), Ok(Value::Count(1)));
        assert_eq!(kind.read("10"), Ok(Value::Count(10)));
        for text in ["0", "11", "-3", "1.0", "", "99999999999999999999"] {
            assert_eq!(kind.read(text), Err(None), "{text}");
        }
    }

    #[test]
    fn only_loopback_addresses_and_unix_sockets_are_accepted() {
        for (text, shown) in [
            ("127.0.0.1:5051", "127.0.0.1:5051"),
            ("127.9.9.9:0", "127.9.9.9:0"),
            ("[::1]:80", "[::1]:80"),
            ("localhost:5051", "127.0.0.1:5051"),
            ("unix:run/site.sock", "unix:run/site.sock"),
        ] {
            let Ok(Value::Address(listen)) = Kind::Address.read(text) else {
                panic!("{text} is refused")
            };
            assert_eq!(listen.to_string(), shown);
        }
        for (text, reason) in [
            ("0.0.0.0:5051", "reachable through Tor"),
            ("[::]:5051", "reachable through Tor"),
            ("[::ffff:127.0.0.1]:5051", "reachable through Tor"),
            ("192.168.0.7:80", "reachable through Tor"),
            ("example.org:80", "not looked up"),
            ("127.0.0.1", "port is missing"),
            ("localhost", "port is missing"),
            ("5051", "address before the port"),
            (":5051", "address before the port"),
            ("unix:", "path of the socket"),
            ("127.0.0.1:99999", "not looked up"),
        ] {
            let Err(Some(why)) = Kind::Address.read(text) else {
                panic!("{text} is accepted")
            };
            assert!(why.contains(reason), "{text}: {why}");
        }
    }

    #[test]
    fn a_mistyped_level_is_refused_and_not_taken_for_a_part_of_the_program() {
        for text in [
            "info",
            "off",
            "onionstream=debug,warn",
            "tor_hsservice=trace,onionstream::http=info",
        ] {
            assert!(Kind::Filter.read(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "inof",
            "INFO",
            "onionstream=",
            "=info",
            "a b=info",
            "x[y]=info",
            "info,,warn",
        ] {
            assert!(Kind::Filter.read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn control_characters_are_refused_everywhere() {
        for kind in [Kind::Path, Kind::OptionalPath, Kind::Address, Kind::Filter] {
            assert!(kind.read("unix:a\u{1b}[2Jb").is_err(), "{kind:?}");
            assert!(kind.read("unix:\u{fffd}").is_err(), "{kind:?}");
        }
    }

    proptest! {
        #[test]
        fn a_shown_time_is_read_back_as_the_same_time(millis in 0_u64..10_000_000_000) {
            let time = Duration::from_millis(millis);
            prop_assert_eq!(read_time(&show_time(time)), Ok(time));
        }

        #[test]
        fn a_shown_size_is_read_back_as_the_same_size(size: u64) {
            prop_assert_eq!(read_size(&show_size(size)), Ok(size));
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in "\\PC*", number in "[0-9.]{0,25}(ms|s|min|h|B|KiB|GiB)") {
            for kind in [TIMES, SIZES, Kind::Address, Kind::Filter, Kind::Flag, Kind::Path] {
                drop(kind.read(&text));
                drop(kind.read(&number));
            }
        }
    }
}
