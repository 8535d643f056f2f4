//! What keeps other programs of this computer out.

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The name that belongs to the secret; HTTP wants one.
const NAME: &str = "feed";

/// A name with 128 random bits.
pub(super) struct Credential {
    pair: Zeroizing<String>,
    /// Of what the client sends.
    digest: [u8; 32],
}

impl Credential {
    /// A new one.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut random = Zeroizing::new([0; 16]);
        getrandom::fill(random.as_mut_slice())?;
        let pair = Zeroizing::new(format!("{NAME}:{}", HEXLOWER.encode(random.as_slice())));
        let digest = Sha256::digest(BASE64.encode(pair.as_bytes()).as_bytes()).into();
        Ok(Self { pair, digest })
    }

    /// `NAME:SECRET`.
    pub(super) fn pair(&self) -> &str {
        &self.pair
    }

    /// Whether the value of a `Proxy-Authorization` field is this one, in a time that does not depend on
    /// how much of it is right.
    pub(super) fn is(&self, value: &str) -> bool {
        let Some((scheme, given)) = value.split_once(' ') else {
            return false;
        };
        let given = Sha256::digest(given.trim().as_bytes());
        let difference = (self.digest.iter().zip(&given)).fold(0, |sum, (a, b)| sum | (a ^ b));
        scheme.eq_ignore_ascii_case("basic") && difference == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_of_this_very_proxy_is_right() {
        let (own, other) = (Credential::new().unwrap(), Credential::new().unwrap());
        let encoded = BASE64.encode(own.pair().as_bytes());

        assert!(own.is(&format!("Basic {encoded}")));
        assert!(own.is(&format!("basic {encoded}")));
        assert!(!other.is(&format!("Basic {encoded}")));
        for wrong in ["", "Basic", "Basic ", &encoded, "Bearer x"] {
            assert!(!own.is(wrong), "{wrong}");
        }
        assert!(!own.is(&format!("Basic {}", encoded.trim_end_matches('='))));
        assert_eq!(own.pair().len(), NAME.len() + 1 + 32);
    }
}
