//! stub
/// stub
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterRule(String);
/// stub
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("mistake")]
pub struct FilterMistake;
/// stub
#[derive(Debug, Default)]
pub struct Filters;
/// stub
pub enum Judgement {
    /// s
    Clean,
    /// s
    Censored(String),
    /// s
    Blocked,
    /// s
    Ban,
}
impl FilterRule {
    /// s
    pub fn parse(t: &str) -> Result<Self, FilterMistake> {
        Ok(Self(t.to_owned()))
    }
}
impl std::fmt::Display for FilterRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl Filters {
    /// s
    pub fn compile(_: &[FilterRule]) -> Result<Self, FilterMistake> {
        Ok(Self)
    }
    /// s
    pub fn judge(&self, _t: &str) -> Judgement {
        Judgement::Clean
    }
    /// s
    pub fn allows_name(&self, _n: &str) -> bool {
        true
    }
}
