//! stub
use serde::{Deserialize, Serialize};
/// stub
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Show {
    announcement: String,
}
impl Show {
    /// s
    pub fn announcement(&self) -> &str {
        &self.announcement
    }
    /// s
    pub fn check(&self) -> Result<(), std::fmt::Error> {
        Ok(())
    }
}
