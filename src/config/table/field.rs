//! From a checked value to the type that a setting has.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    super::value::{Listen, Value},
    LogFilter,
};
use crate::{encoder::Preset, media::delay::Delay};

/// A type that a setting can have in [`Settings`].
pub(super) trait Field: Sized {
    /// Takes the value over; relative paths start at `dir`. Nothing if the kind does not fit.
    fn take(value: &Value, dir: &Path) -> Option<Self>;
}

impl Field for bool {
    fn take(value: &Value, _: &Path) -> Option<Self> {
        if let Value::Flag(flag) = value {
            Some(*flag)
        } else {
            None
        }
    }
}

impl Field for String {
    fn take(value: &Value, _: &Path) -> Option<Self> {
        if let Value::Text(text) = value {
            Some(text.clone())
        } else {
            None
        }
    }
}

impl Field for Preset {
    fn take(value: &Value, _: &Path) -> Option<Self> {
        if let Value::Text(word) = value {
            Self::parse(word)
        } else {
            None
        }
    }
}

impl Field for usize {
    fn take(value: &Value, _: &Path) -> Option<Self> {
        match value {
            Value::Count(number) | Value::Size(number) => Self::try_from(*number).ok(),
            _ => None,
        }
    }
}

impl Field for Duration {
    fn take(value: &Value, _: &Path) -> Option<Self> {
        if let Value::Time(time) = value {
            Some(*time)
        } else {
            None
        }
    }
}

impl Field for PathBuf {
    fn take(value: &Value, dir: &Path) -> Option<Self> {
        if let Value::Text(path) = value {
            Some(dir.join(path))
        } else {
            None
        }
    }
}

impl Field for Option<PathBuf> {
    fn take(value: &Value, dir: &Path) -> Option<Self> {
        match value {
            Value::Text(path) if path.is_empty() => Some(None),
            value => PathBuf::take(value, dir).map(Some),
        }
    }
}

impl Field for Listen {
    fn take(value: &Value, dir: &Path) -> Option<Self> {
        match value {
            Value::Address(Self::Unix(path)) => Some(Self::Unix(dir.join(path))),
            Value::Address(tcp) => Some(tcp.clone()),
            _ => None,
        }
    }
}

impl Field for Delay {
    fn take(value: &Value, _: &Path) -> Option<Self> {
        if let Value::Text(word) = value {
            Self::ALL.into_iter().find(|delay| delay.word() == word)
        } else {
            None
        }
    }
}

impl Field for LogFilter {
    fn take(value: &Value, _: &Path) -> Option<Self> {
        if let Value::Text(filter) = value {
            Some(Self(filter.clone()))
        } else {
            None
        }
    }
}
