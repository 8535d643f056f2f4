//! stub
use zeroize::Zeroizing;
/// stub
#[derive(Clone, Debug)]
pub struct Passwords;
/// stub
#[derive(Debug, thiserror::Error)]
#[error("busy")]
pub struct Busy;
impl Passwords {
    /// stub
    pub async fn verify(&self, _hash: &str, _password: Zeroizing<String>) -> Result<bool, Busy> {
        Ok(false)
    }
}
