//! Word filters: what must not be said, and what happens to whoever says it.
//!
//! Rules are lines of text, for a form and for the file that survives a restart:
//!
//! ```text
//! censor word          dots in place of the word
//! block case Word      not taken; capitals matter
//! ban /regex/          the author is banned; `/regex/i` does not mind capitals
//! ```
//!
//! A word is a whole word. Regular expressions run in linear time (the `regex` crate), and each is
//! bounded in size. What is invisible, and letters in other forms (full width, ligatures), make no
//! difference.

use std::{fmt, ops::Range};

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use unicode_normalization::UnicodeNormalization as _;

use super::{
    character::{JOINER, NON_JOINER, is_format, is_invisible_letter},
    markup,
};

/// Rules there may be.
pub const MAX_RULES: usize = 256;

/// Longest word or expression, in characters.
pub const MAX_PATTERN: usize = 200;

/// Memory that one compiled expression may take, in bytes.
const PATTERN_SIZE: usize = 256 * 1024;

/// Memory that all expressions of one action may take together, in bytes.
///
/// It also bounds the time that a message can take, in which the whole room waits: at worst, with
/// counters inside counters, 70 ms for each MiB and 512 characters. 256 plain words take 1 MiB,
/// 64 expressions with `\w*` all of it.
const SET_SIZE: usize = 4 * 1024 * 1024;

/// A letter with a longer compatible form is compared as it is: there are some of up to 18 letters,
/// which would make a long text of a short one.
const LONGEST_FORM: usize = 4;

/// What stands in place of a censored word.
const DOTS: &str = "•••";

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FilterAction {
    /// Dots in place of what was found.
    Censor,
    /// It is not taken.
    Block,
    /// It is not taken, and its author is banned.
    Ban,
}

impl FilterAction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Censor, Self::Block, Self::Ban];

    /// The word for it in rules.
    pub fn word(self) -> &'static str {
        match self {
            Self::Censor => "censor",
            Self::Block => "block",
            Self::Ban => "ban",
        }
    }
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// A whole word, or several.
    Word {
        /// As typed.
        text: String,
        /// Whether capitals matter.
        case: bool,
    },
    /// A regular expression.
    Regex {
        /// Without its slashes.
        text: String,
        /// Whether capitals matter.
        case: bool,
    },
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterRule {
    /// What happens.
    pub action: FilterAction,
    /// What is looked for.
    pub pattern: Pattern,
}

/// Why a rule is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterMistake {
    /// No action, or none that there is.
    #[error("a rule begins with `censor`, `block` or `ban`, not with `{found}`")]
    Action {
        /// The first word, cut.
        found: String,
    },
    /// An action without anything to look for.
    #[error("`{action}` needs a word behind it, or a regular expression between slashes")]
    Nothing {
        /// The action.
        action: &'static str,
    },
    /// It would match every message.
    #[error("`{pattern}` is found in every message")]
    Everything {
        /// What is looked for.
        pattern: String,
    },
    /// Longer than [`MAX_PATTERN`].
    #[error("a word or expression has at most {MAX_PATTERN} characters")]
    TooLong,
    /// More than [`MAX_RULES`].
    #[error("there may be {MAX_RULES} rules, these are {count}")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// Not a regular expression, or one that takes too much memory.
    #[error("`/{pattern}/` cannot be used: {why}")]
    Regex {
        /// The expression.
        pattern: String,
        /// What the `regex` crate says, its last line.
        why: String,
    },
    /// All together take too much memory.
    #[error("these rules together are too large; use fewer or simpler expressions")]
    TooLarge,
}

impl FilterRule {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(line: &str) -> Result<Self, FilterMistake> {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let action = FilterAction::ALL
            .into_iter()
            .find(|action| action.word().eq_ignore_ascii_case(word))
            .ok_or_else(|| FilterMistake::Action {
                found: word.chars().take(40).collect(),
            })?;
        let rest = rest.trim();
        if rest.is_empty() {
            return Err(FilterMistake::Nothing {
                action: action.word(),
            });
        }
        let pattern = match regex_of(rest) {
            Some((text, case)) => Pattern::Regex {
                text: text.to_owned(),
                case,
            },
            None => match rest.split_once(char::is_whitespace) {
                Some(("case", word)) => Pattern::Word {
                    text: word.trim().to_owned(),
                    case: true,
                },
                _ => Pattern::Word {
                    text: rest.to_owned(),
                    case: false,
                },
            },
        };
        let rule = Self { action, pattern };
        rule.compile()?;
        Ok(rule)
    }

    fn compile(&self) -> Result<Regex, FilterMistake> {
        let source = self.source()?;
        let compiled = RegexBuilder::new(&source)
            .size_limit(PATTERN_SIZE)
            .dfa_size_limit(PATTERN_SIZE)
            .build()
            .map_err(|error| FilterMistake::Regex {
                pattern: self.pattern.text().to_owned(),
                why: last_line(&error.to_string()),
            })?;
        if compiled.is_match("") {
            return Err(FilterMistake::Everything {
                pattern: self.pattern.text().to_owned(),
            });
        }
        Ok(compiled)
    }

    /// The expression that finds it.
    fn source(&self) -> Result<String, FilterMistake> {
        let text = self.pattern.text();
        if text.chars().count() > MAX_PATTERN {
            return Err(FilterMistake::TooLong);
        }
        Ok(match &self.pattern {
            Pattern::Regex { text, case } => {
                format!("(?{}:{text})", if *case { "-i" } else { "i" })
            }
            Pattern::Word { text, case } => {
                let word: String = plain(text).view;
                if word.is_empty() {
                    return Err(FilterMistake::Nothing {
                        action: self.action.word(),
                    });
                }
                // `\b` means something else beside a sign that is no letter.
                let edge = |letter: Option<char>| {
                    if letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
                        r"\b"
                    } else {
                        ""
                    }
                };
                let parts: Vec<_> = word.split_whitespace().map(regex::escape).collect();
                format!(
                    "(?{}:{}{}{})",
                    if *case { "-i" } else { "i" },
                    edge(word.chars().next()),
                    parts.join(r"\s+"),
                    edge(word.chars().next_back())
                )
            }
        })
    }
}

impl Pattern {
    fn text(&self) -> &str {
        match self {
            Self::Word { text, .. } | Self::Regex { text, .. } => text,
        }
    }
}

impl fmt::Display for FilterRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = self.action.word();
        match &self.pattern {
            Pattern::Word { text, case: false } => write!(f, "{action} {text}"),
            Pattern::Word { text, case: true } => write!(f, "{action} case {text}"),
            Pattern::Regex { text, case: true } => write!(f, "{action} /{text}/"),
            Pattern::Regex { text, case: false } => write!(f, "{action} /{text}/i"),
        }
    }
}

/// What stands between slashes, and whether capitals matter.
fn regex_of(text: &str) -> Option<(&str, bool)> {
    let inside = text.strip_prefix('/')?;
    if let Some(inside) = inside.strip_suffix("/i") {
        return Some((inside, false)).filter(|(inside, _)| !inside.is_empty());
    }
    inside
        .strip_suffix('/')
        .filter(|inside| !inside.is_empty())
        .map(|inside| (inside, true))
}

fn last_line(text: &str) -> String {
    let line = text.lines().next_back().unwrap_or_default().trim();
    line.trim_start_matches("error: ").to_owned()
}

/// What the filters say about a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing was found.
    Clean,
    /// This may be said.
    Censored(String),
    /// It must not be said.
    Blocked,
    /// It must not be said, and its author is banned.
    Ban,
}

/// Rules, ready to be used.
#[derive(Debug, Default)]
pub struct Filters {
    censor: Vec<Regex>,
    /// Whether any of `censor` matches; looked at first.
    censors: RegexSet,
    blocks: RegexSet,
    bans: RegexSet,
}

impl Filters {
    /// Makes rules ready.
    ///
    /// # Errors
    ///
    /// What is wrong with the first that is wrong, or with all together.
    pub fn compile(rules: &[FilterRule]) -> Result<Self, FilterMistake> {
        if rules.len() > MAX_RULES {
            return Err(FilterMistake::TooMany { count: rules.len() });
        }
        let (mut censor, mut sources) = (Vec::new(), [const { Vec::new() }; 3]);
        for rule in rules {
            let compiled = rule.compile()?;
            let [censors, blocks, bans] = &mut sources;
            match rule.action {
                FilterAction::Censor => {
                    censors.push(compiled.as_str().to_owned());
                    censor.push(compiled);
                }
                FilterAction::Block => blocks.push(compiled.as_str().to_owned()),
                FilterAction::Ban => bans.push(compiled.as_str().to_owned()),
            }
        }
        let set = |sources: &Vec<String>| {
            RegexSetBuilder::new(sources)
                .size_limit(SET_SIZE)
                .dfa_size_limit(SET_SIZE)
                .build()
                .map_err(|_error| FilterMistake::TooLarge)
        };
        let [censors, blocks, bans] = &sources;
        Ok(Self {
            censor,
            censors: set(censors)?,
            blocks: set(blocks)?,
            bans: set(bans)?,
        })
    }

    /// What becomes of a message. The heaviest action that applies counts.
    pub fn judge(&self, text: &str) -> Judgement {
        if self.censors.is_empty() && self.blocks.is_empty() && self.bans.is_empty() {
            return Judgement::Clean;
        }
        let plain = plain(text);
        if self.bans.is_match(&plain.view) {
            return Judgement::Ban;
        }
        if self.blocks.is_match(&plain.view) {
            return Judgement::Blocked;
        }
        if !self.censors.is_match(&plain.view) {
            return Judgement::Clean;
        }
        let mut found: Vec<Range<usize>> = self
            .censor
            .iter()
            .flat_map(|rule| rule.find_iter(&plain.view))
            .filter(|found| !found.is_empty())
            .filter_map(|found| {
                let first = plain.origin.get(found.start())?.start;
                let last = plain.origin.get(found.end().checked_sub(1)?)?.end;
                Some(first..last)
            })
            .collect();
        found.sort_unstable_by_key(|range| (range.start, range.end));
        Judgement::Censored(dotted(&plain.text, &found))
    }

    /// Whether somebody may be called so. A name that would be censored is not taken either.
    pub fn allows_name(&self, name: &str) -> bool {
        self.judge(name) == Judgement::Clean
    }
}

/// `text` with dots in place of `found`, which is sorted and may overlap.
fn dotted(text: &str, found: &[Range<usize>]) -> String {
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for range in found {
        if range.start >= at {
            out.push_str(text.get(at..range.start).unwrap_or_default());
            out.push_str(DOTS);
        }
        at = at.max(range.end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// A text as it is compared.
struct Plain {
    /// In its normal form.
    text: String,
    /// Without what is invisible, in compatible letters.
    view: String,
    /// For each byte of `view`, the bytes of `text` it comes from.
    origin: Vec<Range<usize>>,
}

fn plain(text: &str) -> Plain {
    let text = markup::normalised(text);
    let (mut view, mut origin) = (String::with_capacity(text.len()), Vec::new());
    for (start, letter) in text.char_indices() {
        if is_format(letter) || is_invisible_letter(letter) || matches!(letter, JOINER | NON_JOINER)
        {
            continue;
        }
        let from = start..start + letter.len_utf8();
        let is_long = std::iter::once(letter).nfkc().nth(LONGEST_FORM).is_some();
        if is_long {
            view.push(letter);
        } else {
            view.extend(std::iter::once(letter).nfkc());
        }
        origin.resize(view.len(), from);
    }
    Plain { text, view, origin }
}

#[cfg(test)]
mod tests;
