//! What is wrong with a configuration, said so that a person can put it right.
//!
//! Belongs here: the list of mistakes and its wording, and the "did you mean".
//! Does not belong here: finding the mistakes.

use std::fmt;

use super::{table::SECTIONS, value::Kind};

/// Mistakes that are told one by one; a file of nonsense is not worth more.
const MOST_TOLD: usize = 100;

/// Longest part of a value that is repeated in a message, in characters.
const MOST_SHOWN: usize = 60;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is, such as `onionstream.toml, line 7`; empty if it is in no single place.
    place: String,
    problem: String,
    hint: Option<String>,
}

impl Mistake {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
            hint: None,
        }
    }

    pub(super) fn with_hint(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }

    /// What to try, if there is something to suggest.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.problem)
    }
}

/// Every mistake of a configuration, in the order file, environment, command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigErrors {
    told: Vec<Mistake>,
    untold: usize,
}

impl ConfigErrors {
    pub(super) fn push(&mut self, mistake: impl FnOnce() -> Mistake) {
        if self.told.len() < MOST_TOLD {
            self.told.push(mistake());
        } else {
            self.untold = self.untold.saturating_add(1);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// The mistakes, at most a hundred.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.told
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.told.len().saturating_add(self.untold)
    }
}

impl fmt::Display for ConfigErrors {
    /// All of them, one a line, after a line that counts them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.count() == 1 {
            "mistake"
        } else {
            "mistakes"
        };
        write!(f, "the configuration has {} {noun}", self.count())?;
        for mistake in &self.told {
            write!(f, "\n  {mistake}")?;
            if let Some(hint) = mistake.hint() {
                write!(f, "\n    hint: {hint}")?;
            }
        }
        if self.untold > 0 {
            write!(f, "\n  and {} more", self.untold)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// The sentence about a value that a setting does not accept.
pub(super) fn refusal(name: &str, given: &str, kind: Kind, why: Option<&str>) -> String {
    let why = why.map(|why| format!("{why}; ")).unwrap_or_default();
    format!(
        "`{name}` cannot be `{}`: {why}allowed is {}",
        shortened(given),
        kind.allowed()
    )
}

/// `text` without control characters and not longer than fits into a message.
pub(super) fn shortened(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(MOST_SHOWN)
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// What a person may have meant with a section that does not exist.
pub(super) fn suggest_section(name: &str) -> String {
    let nearest = nearest(name, SECTIONS.iter().map(|section| section.name));
    if let Some(nearest) = nearest {
        return format!("did you mean `[{nearest}]`?");
    }
    let names: Vec<_> = SECTIONS
        .iter()
        .map(|section| format!("`[{}]`", section.name))
        .collect();
    format!("the sections are {}", names.join(", "))
}

/// What a person may have meant with a setting that does not exist.
pub(super) fn suggest_setting(section: &str, key: &str) -> String {
    let elsewhere = SECTIONS
        .iter()
        .find(|s| s.settings.iter().any(|known| known.key == key));
    let here = SECTIONS.iter().find(|known| known.name == section);
    match (here, elsewhere) {
        (_, Some(other)) => format!("did you mean `{}.{key}`?", other.name),
        (Some(here), None) => {
            if let Some(nearest) = nearest(key, here.settings.iter().map(|known| known.key)) {
                return format!("did you mean `{section}.{nearest}`?");
            }
            let names: Vec<_> = here
                .settings
                .iter()
                .map(|s| format!("`{}`", s.key))
                .collect();
            format!("the settings of `[{section}]` are {}", names.join(", "))
        }
        (None, None) => suggest_section(section),
    }
}

/// The candidate that needs the fewest changes, if they are few for its length.
fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > 64 {
        return None;
    }
    candidates
        .map(|candidate| (changes(name, candidate), candidate))
        .filter(|(changes, candidate)| *changes <= (candidate.len() / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be added, removed, replaced or swapped with their neighbour.
fn changes(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    // Rows of the usual table of distances between prefixes; a swap looks two rows back.
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let at =
                |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut least = (at(&above, j) + usize::from(a != b))
                .min(at(&above, j + 1) + 1)
                .min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && from.get(i - 1) == Some(b) && to.get(j - 1) == Some(a);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_letter_by_letter() {
        for (from, to, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("listen", "listen", 0),
            ("litsen", "listen", 1),
            ("lisen", "listen", 1),
            ("listten", "listen", 1),
            ("lasten", "listen", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(changes(from, to), expected, "{from} → {to}");
        }
    }

    #[test]
    fn a_typing_mistake_is_answered_with_the_right_name() {
        for (section, key, expected) in [
            ("http", "litsen", "`http.listen`"),
            ("playback", "delay_lo", "`playback.delay_low`"),
            ("http", "delay_low", "`playback.delay_low`"),
            ("", "silence", "`ingest.silence`"),
            ("htpp", "nothing", "`[http]`"),
            ("onion", "entirely_different", "`keys`"),
        ] {
            let hint = suggest_setting(section, key);
            assert!(hint.contains(expected), "{section}.{key}: {hint}");
        }
    }

    #[test]
    fn a_flood_of_mistakes_is_counted_and_not_listed() {
        let mut errors = ConfigErrors::default();
        for _ in 0..1_000 {
            errors.push(|| Mistake::new("", "wrong"));
        }

        assert_eq!(errors.count(), 1_000);
        assert_eq!(errors.mistakes().len(), MOST_TOLD);
        assert!(errors.to_string().ends_with("and 900 more"));
    }

    #[test]
    fn a_long_value_is_shortened_in_a_message() {
        assert_eq!(shortened("a\u{1b}b"), "a\u{fffd}b");
        assert_eq!(
            shortened(&"x".repeat(1_000)).chars().count(),
            MOST_SHOWN + 1
        );
    }
}
