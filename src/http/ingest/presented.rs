//! What a request for `/ingest` shows of whoever sends it: a page of a browser, or an encoder with a key.

use data_encoding::BASE64;
use http::{HeaderMap, header};
use zeroize::{Zeroize as _, Zeroizing};

/// Whether a browser sends this for a page: encoders send neither of these.
pub(super) fn is_from_a_page(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN)
        || headers.contains_key(header::REFERER)
        || headers
            .keys()
            .any(|name| name.as_str().starts_with("sec-fetch-"))
}

/// The key in the only `Authorization` header: a bearer token, or the password of anybody.
pub(super) fn presented_key(headers: &HeaderMap) -> Option<Zeroizing<String>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Zeroizing::new(credentials.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let mut pair = Zeroizing::new(BASE64.decode(credentials.as_bytes()).ok()?);
    let text = std::str::from_utf8(&pair).ok()?;
    let key = Zeroizing::new(text.split_once(':')?.1.to_owned());
    pair.zeroize();
    Some(key)
}
