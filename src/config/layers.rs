//! Defaults, file, environment and command line, laid over each other.
//!
//! Belongs here: precedence, where each value came from, rules that join two settings.
//! Does not belong here: TOML syntax (`file.rs`), single values (`value.rs`), output (`text.rs`).

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{
    FILE_NAME, Listen, Settings,
    file::{self, Given},
    mistake::{ConfigErrors, Mistake, refusal, shortened, suggest_setting},
    table::{self, SECTIONS, Section, Setting},
    value::{Kind, Value, Why},
};

/// What an environment variable that sets something starts with.
const ENVIRONMENT: &str = "ONIONSTREAM__";

/// Longest path of a Unix socket on Linux, in bytes: `sun_path` has 108 with the final zero.
const MAX_SOCKET_PATH: usize = 107;

/// A setting given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The flag, for messages.
    flag: &'static str,
    /// `section.key=value`.
    assignment: String,
}

impl Override {
    /// From the text after `--set`: `section.key=value`.
    pub fn set(assignment: impl Into<String>) -> Self {
        Self {
            flag: "--set",
            assignment: assignment.into(),
        }
    }

    /// From a flag that stands for one setting.
    pub fn flag(flag: &'static str, name: &str, value: &str) -> Self {
        Self {
            flag,
            assignment: format!("{name}={value}"),
        }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File { line: usize },
    Environment(String),
    CommandLine(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { line } => write!(f, "{FILE_NAME} line {line}"),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::CommandLine(flag) => write!(f, "command line {flag}"),
        }
    }
}

/// A setting with the value that won.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) section: &'static Section,
    pub(super) setting: &'static Setting,
    pub(super) value: Value,
    pub(super) origin: Origin,
    /// Somebody wanted another value, but it was refused: rules about it would mislead.
    refused: bool,
}

/// The layers on top of each other, with everything that was wrong with them.
#[derive(Debug)]
pub struct Layers {
    dir: PathBuf,
    pub(super) entries: Vec<Entry>,
    errors: ConfigErrors,
}

impl Layers {
    /// Reads the file in `dir` and lays `environment` and `overrides` over it.
    ///
    /// Variables that do not start with `ONIONSTREAM__` are none of our business. Mistakes are kept
    /// for [`Layers::settings`], so that all of them can be told at once.
    pub fn read(
        dir: &Path,
        environment: impl Iterator<Item = (String, String)>,
        overrides: &[Override],
    ) -> Self {
        let entries = SECTIONS.iter().flat_map(|section| {
            section.settings.iter().map(move |setting| Entry {
                section,
                setting,
                value: table::default_of(setting),
                origin: Origin::Default,
                refused: false,
            })
        });
        let mut layers = Self {
            dir: dir.to_owned(),
            entries: entries.collect(),
            errors: ConfigErrors::default(),
        };
        layers.find_directory();
        layers.lay_file();
        layers.lay_environment(environment);
        for given in overrides {
            layers.lay_override(given);
        }
        layers.check_together();
        layers
    }

    /// The checked settings.
    ///
    /// # Errors
    ///
    /// All mistakes of all layers.
    pub fn settings(&self) -> Result<Settings, ConfigErrors> {
        if !self.errors.is_empty() {
            return Err(self.errors.clone());
        }
        Ok(self.current())
    }

    /// The settings without those that are mistaken, which have their defaults, and the mistakes.
    ///
    /// For commands that only have to find a running show: whoever has to end it in a hurry must not
    /// be stopped by a word in a file that somebody edits meanwhile.
    ///
    /// # Errors
    ///
    /// There is no such working directory.
    pub fn settings_with_mistakes(&self) -> Result<(Settings, ConfigErrors), ConfigErrors> {
        if !self.dir.is_dir() {
            return Err(self.errors.clone());
        }
        Ok((self.current(), self.errors.clone()))
    }

    fn current(&self) -> Settings {
        let value = |section: &str, key: &str| self.entry(section, key).map(|entry| &entry.value);
        Settings::from_values(self.dir.clone(), value)
            .expect("the types of the table fit its kinds: a test loads all of them")
    }

    fn entry(&self, section: &str, key: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|e| e.section.name == section && e.setting.key == key)
    }

    fn find_directory(&mut self) {
        let found = std::path::absolute(&self.dir);
        match found {
            Ok(dir) if dir.is_dir() => self.dir = dir,
            _ => {
                let dir = self.dir.display().to_string();
                self.errors.push(|| {
                    let problem =
                        format!("the working directory `{}` does not exist", shortened(&dir));
                    Mistake::new("command line --dir", problem)
                });
            }
        }
    }

    fn lay_file(&mut self) {
        let Some(text) = file::read(&self.dir, &mut self.errors) else {
            return;
        };
        for assignment in file::parse(&text, &mut self.errors) {
            let place = file::place(assignment.line);
            let source = &assignment.source;
            let read = |kind: Kind| match (&assignment.given, kind.is_bare()) {
                (Given::Quoted(text), false) | (Given::Bare(text), true) => kind.read(text),
                (Given::Quoted(_), true) => Err(Some("it must stand without quotes")),
                (Given::Bare(_), false) => Err(Some("it must stand in quotes")),
                (Given::Other, _) => Err(None),
            };
            let origin = Origin::File {
                line: assignment.line,
            };
            self.lay(
                &assignment.section,
                &assignment.key,
                source,
                read,
                origin,
                &place,
            );
        }
    }

    fn lay_environment(&mut self, environment: impl Iterator<Item = (String, String)>) {
        let mut variables: Vec<_> = environment
            .filter(|(variable, _)| variable.starts_with(ENVIRONMENT))
            .collect();
        variables.sort();
        for (variable, text) in variables {
            let place = format!("environment {}", shortened(&variable));
            let name = variable.strip_prefix(ENVIRONMENT).unwrap_or_default();
            match name.split_once("__") {
                Some((section, key)) if !name.contains(|c: char| c.is_ascii_lowercase()) => {
                    let (section, key) = (section.to_lowercase(), key.to_lowercase());
                    let origin = Origin::Environment(variable);
                    self.lay(
                        &section,
                        &key,
                        &text,
                        |kind| kind.read(&text),
                        origin,
                        &place,
                    );
                }
                _ => self.errors.push(|| {
                    Mistake::new(
                        place,
                        "the name is not of the form `ONIONSTREAM__SECTION__KEY`",
                    )
                    .with_hint(suggest_setting("", &name.to_lowercase()))
                }),
            }
        }
    }

    fn lay_override(&mut self, given: &Override) {
        let place = format!("command line {}", given.flag);
        let split = given.assignment.split_once('=').and_then(|(name, text)| {
            name.trim()
                .split_once('.')
                .map(|(section, key)| (section, key, text.trim()))
        });
        let Some((section, key, text)) = split else {
            self.errors.push(|| {
                let name = given.assignment.split('=').next().unwrap_or_default();
                let given = shortened(&given.assignment);
                let problem = format!("`{given}` is not of the form `section.key=value`");
                Mistake::new(place, problem).with_hint(suggest_setting("", name))
            });
            return;
        };
        let origin = Origin::CommandLine(given.flag);
        self.lay(section, key, text, |kind| kind.read(text), origin, &place);
    }

    /// Puts one value on top, or notes why not.
    fn lay(
        &mut self,
        section: &str,
        key: &str,
        given: &str,
        read: impl FnOnce(Kind) -> Result<Value, Why>,
        origin: Origin,
        place: &str,
    ) {
        let entry = self
            .entries
            .iter_mut()
            .find(|e| e.section.name == section && e.setting.key == key);
        let Some(entry) = entry else {
            self.errors.push(|| {
                let problem = format!(
                    "there is no setting `{}`",
                    shortened(&format!("{section}.{key}"))
                );
                Mistake::new(place, problem).with_hint(suggest_setting(section, key))
            });
            return;
        };
        match read(entry.setting.kind) {
            Ok(value) => (entry.value, entry.origin) = (value, origin),
            Err(why) => {
                entry.refused = true;
                let name = format!("{section}.{key}");
                let kind = entry.setting.kind;
                self.errors
                    .push(|| Mistake::new(place, refusal(&name, given, kind, why)));
            }
        }
    }

    /// The rules that join settings.
    fn check_together(&mut self) {
        let mut problems = Vec::new();
        for (smaller, larger, why) in [
            (
                "playback.delay_low",
                "playback.delay_normal",
                "the delays must not get shorter",
            ),
            (
                "playback.delay_normal",
                "playback.delay_safe",
                "the delays must not get shorter",
            ),
            (
                "ingest.max_fragment",
                "ingest.max_segment",
                "a segment holds at least one fragment",
            ),
            (
                "ingest.max_fragment",
                "playback.keep_bytes",
                "one fragment must fit into the memory",
            ),
        ] {
            let (Some(small), Some(large)) = (self.sound(smaller), self.sound(larger)) else {
                continue;
            };
            if amount(&small.value) > amount(&large.value) {
                problems.push(format!("{small} is more than {large}: {why}"));
            }
        }
        if let (Some(keep), Some(safe), Some(lag)) = (
            self.sound("playback.keep"),
            self.sound("playback.delay_safe"),
            self.sound("playback.max_lag"),
        ) && amount(&keep.value) < amount(&safe.value) + amount(&lag.value)
        {
            problems.push(format!(
                "{keep} is less than {safe} and {lag} together: a slow viewer would lose their place",
            ));
        }
        for (one, other) in [
            ("onion.keys", "onion.state"),
            ("onion.keys", "ingest.directory"),
            ("onion.state", "ingest.directory"),
        ] {
            let (Some(one), Some(other)) = (self.sound(one), self.sound(other)) else {
                continue;
            };
            if self.path(one) == self.path(other) {
                problems.push(format!("{one} and {other} must be different directories"));
            }
        }
        if let Some(rtmp) = self.sound("encoder.rtmp")
            && let Value::Address(Listen::Unix(_)) = &rtmp.value
        {
            problems.push(format!(
                "{rtmp}: encoders find no socket; give an address with a port"
            ));
        }
        if let Some(listen) = self.sound("http.listen")
            && let Value::Address(Listen::Unix(path)) = &listen.value
            && self.dir.join(path).as_os_str().len() > MAX_SOCKET_PATH
        {
            problems.push(format!(
                "{listen}: with the working directory before it, the path is longer than the \
                 {MAX_SOCKET_PATH} bytes that the name of a socket may have",
            ));
        }
        for problem in problems {
            self.errors.push(|| Mistake::new("", problem));
        }
    }

    /// The setting called `section.key`, unless somebody gave it a wrong value.
    fn sound(&self, name: &str) -> Option<&Entry> {
        let (section, key) = name.split_once('.')?;
        self.entry(section, key).filter(|entry| !entry.refused)
    }

    fn path(&self, entry: &Entry) -> Option<PathBuf> {
        match &entry.value {
            Value::Text(path) => Some(self.dir.join(path).components().collect()),
            _ => None,
        }
    }
}

impl fmt::Display for Entry {
    /// For the rules that join settings: name, value and where it came from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            section,
            setting,
            value,
            origin,
            ..
        } = self;
        let value = shortened(&value.to_string());
        write!(f, "`{}.{} = {value}` ({origin})", section.name, setting.key)
    }
}

/// A time in milliseconds, a size in bytes, or a count.
fn amount(value: &Value) -> u128 {
    match value {
        Value::Time(time) => time.as_millis(),
        Value::Size(amount) | Value::Count(amount) => u128::from(*amount),
        Value::Flag(_) | Value::Text(_) | Value::Address(_) => 0,
    }
}
