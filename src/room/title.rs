//! (being written)
use std::sync::Arc;

/// What the show is called; may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(Arc<str>);

impl Default for Title {
    fn default() -> Self {
        Self(Arc::from(""))
    }
}

impl Title {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
