//! How a checked value becomes the type that its setting has.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    super::value::{Listen, Value},
    Field, LogFilter,
};
use crate::{
    encoder::{HardwareEncoder, Preset},
    media::delay::Delay,
};

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

impl Field for Option<HardwareEncoder> {
    fn take(value: &Value, _: &Path) -> Option<Self> {
        if let Value::Text(word) = value {
            Some(HardwareEncoder::parse(word))
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
