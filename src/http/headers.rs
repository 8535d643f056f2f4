//! The headers of every answer, and the nonce that lets our own style through the policy.

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Bytes of randomness in a nonce: 128 bits, as CSP level 3 section 2.3.1 asks for.
const NONCE_BYTES: usize = 16;

/// Sent with every answer. What is not here on purpose: `Date` and `Server` (fingerprints), HSTS
/// and `upgrade-insecure-requests` (an onion site is plain HTTP inside Tor's encryption).
const ALWAYS: [(HeaderName, &str); 4] = [
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// For answers that are not pages: nothing may be loaded or run from them.
const NO_PAGE_POLICY: &str = "default-src 'none'; frame-ancestors 'self'";

/// A number used once, which marks the styles of one response as ours.
#[derive(Debug, Clone)]
pub struct Nonce(String);

impl Nonce {
    /// A fresh one.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give.
    pub fn fresh() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; NONCE_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(data_encoding::BASE64.encode(&bytes)))
    }

    /// The text for the `nonce` attribute.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The policy of a page whose styles carry this nonce.
    ///
    /// `img-src data:` is for pictures that would cost a round trip of their own.
    pub(super) fn policy(&self) -> HeaderValue {
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{}'; img-src 'self' data:; media-src 'self'; \
             frame-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'",
            self.0
        );
        HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(NO_PAGE_POLICY))
    }
}

/// Adds to every answer what is missing, and takes away what tells too much.
pub(super) async fn finish(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        set_if_missing(headers, name, value);
    }
    set_if_missing(headers, header::CONTENT_SECURITY_POLICY, NO_PAGE_POLICY);
    headers.remove(header::DATE);
    headers.remove(header::SERVER);
    response
}

fn set_if_missing(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers
        .entry(name)
        .or_insert(HeaderValue::from_static(value));
}
