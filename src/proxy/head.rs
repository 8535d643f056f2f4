//! Heads of requests: what is asked for, and what goes on to the server. Pure.

use super::{
    address::{Address, Target},
    credential::Credential,
};

/// Bytes of a head: an address of ffmpeg's longest, twice, and what goes with it.
pub(super) const MAX_BYTES: usize = 16 * 1024;

/// Fields of a head.
const MAX_FIELDS: usize = 32;

/// Fields that go on to a server; whatever else a client says is between it and us.
const PASSED_ON: [&str; 5] = ["accept", "authorization", "cookie", "range", "user-agent"];

/// What a client wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// The feed, by its placeholder.
    Feed,
    /// A resource.
    Fetch {
        /// Its server.
        target: Target,
        /// What is said to the server.
        head: Vec<u8>,
    },
    /// A connection to a server.
    Tunnel(Target),
}

/// Why a request does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Without the credential, or with another.
    Credential,
    /// A head that is not complete in time.
    Slow,
    /// A head beyond a limit.
    Large,
    /// Not HTTP as it is written, or nothing for a proxy.
    Malformed,
    /// A method that fetches nothing.
    Method,
    /// A server on this computer or in its network.
    Local,
}

impl Refusal {
    /// The answer.
    pub(super) fn answer(self) -> String {
        match self {
            Self::Credential => "HTTP/1.1 407 Proxy Authentication Required\r\n\
                 Proxy-Authenticate: Basic realm=\"feed\"\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n"
                .to_owned(),
            Self::Slow => plain(408, "too slow"),
            Self::Large => plain(431, "too large"),
            Self::Malformed => plain(400, "malformed"),
            Self::Method => plain(405, "not for fetching"),
            Self::Local => plain(403, "not there"),
        }
    }

    /// What the broadcaster is told; nothing of what belongs to the protocol.
    pub(super) fn report(self) -> Option<String> {
        match self {
            // A client asks without it first, to learn that it is wanted.
            Self::Credential | Self::Slow => None,
            Self::Large | Self::Malformed => Some(
                "an address that the feed names cannot be used: it is too long, or it is none"
                    .to_owned(),
            ),
            Self::Method => {
                Some("the feed wants something sent to a server, which is not done".to_owned())
            }
            Self::Local => Some(
                "the feed names a server on this computer or in its network, which is not asked"
                    .to_owned(),
            ),
        }
    }
}

/// An answer without a body.
pub(super) fn plain(status: u16, reason: &str) -> String {
    format!("HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

/// Reads a head up to its empty line.
///
/// # Errors
///
/// It does not pass.
pub(super) fn parse(
    head: &[u8],
    credential: &Credential,
    placeholder: &str,
) -> Result<Request, Refusal> {
    let text = std::str::from_utf8(head)
        .ok()
        .filter(|text| text.is_ascii())
        .and_then(|text| text.strip_suffix("\r\n\r\n"))
        .ok_or(Refusal::Malformed)?;
    let mut lines = text.split("\r\n");
    let request = lines.next().unwrap_or_default();
    let (mut passed_on, mut given) = (String::new(), None);
    for (number, line) in lines.enumerate() {
        if number == MAX_FIELDS {
            return Err(Refusal::Large);
        }
        let (name, value) = field(line)?;
        if name == "proxy-authorization" {
            given = Some(value);
        } else if PASSED_ON.contains(&name.as_str()) {
            passed_on.extend([&name, ": ", value, "\r\n"]);
        }
    }
    // Before anything else: nobody else learns what passes.
    if !given.is_some_and(|given| credential.is(given)) {
        return Err(Refusal::Credential);
    }
    let mut words = request.split(' ');
    let (method, wanted, version) = (words.next(), words.next(), words.next());
    if words.next().is_some() || !matches!(version, Some("HTTP/1.1" | "HTTP/1.0")) {
        return Err(Refusal::Malformed);
    }
    let wanted = wanted.unwrap_or_default();
    let method = match method.unwrap_or_default() {
        "CONNECT" => {
            let target = Target::parse(wanted, None).map_err(|_error| Refusal::Malformed)?;
            return Ok(Request::Tunnel(target));
        }
        method @ ("GET" | "HEAD") => method,
        _ => return Err(Refusal::Method),
    };
    let address = Address::parse(wanted).map_err(|_error| Refusal::Malformed)?;
    if address.is_tls() || address.has_login() {
        return Err(Refusal::Malformed);
    }
    let target = address.target().clone();
    if target.host().to_string() == placeholder {
        return Ok(Request::Feed);
    }
    let host = match target.port() {
        80 => target.host().to_string(),
        _ => target.to_string(),
    };
    let head = format!(
        "{method} {} HTTP/1.1\r\nhost: {host}\r\n{passed_on}connection: close\r\n\r\n",
        address.path()
    );
    Ok(Request::Fetch {
        target,
        head: head.into_bytes(),
    })
}

/// The name of a field in lower case, and its value.
fn field(line: &str) -> Result<(String, &str), Refusal> {
    let (name, value) = line.split_once(':').ok_or(Refusal::Malformed)?;
    let is_token = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let value = value.trim_matches([' ', '\t']);
    let is_text = value
        .bytes()
        .all(|b| b == b'\t' || (b' '..=b'~').contains(&b));
    if is_token && is_text {
        Ok((name.to_ascii_lowercase(), value))
    } else {
        Err(Refusal::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;

    fn read(request: &str) -> Result<Request, Refusal> {
        let credential = Credential::new().unwrap();
        let secret = BASE64.encode(credential.pair().as_bytes());
        let head = format!("{request}\r\nProxy-Authorization: Basic {secret}\r\n\r\n");
        parse(head.as_bytes(), &credential, "feed.invalid")
    }

    #[test]
    fn a_server_gets_the_path_and_what_is_meant_for_it_and_nothing_else() {
        let request = read(
            "GET http://Example.org:8080/a.ts?t=1 HTTP/1.1\r\nHost: evil.example\r\n\
             Connection: keep-alive\r\nRange: bytes=0-\r\nUser-Agent: x\r\nX-Secret: y\r\n\
             Proxy-Connection: keep-alive\r\nUpgrade: z",
        );

        let Ok(Request::Fetch { target, head }) = request else {
            panic!("{request:?}");
        };
        assert_eq!(target.to_string(), "example.org:8080");
        assert_eq!(
            String::from_utf8(head).unwrap(),
            "GET /a.ts?t=1 HTTP/1.1\r\nhost: example.org:8080\r\nrange: bytes=0-\r\n\
             user-agent: x\r\nconnection: close\r\n\r\n"
        );
    }

    #[test]
    fn the_feed_and_tunnels_are_known() {
        let feed = read("GET http://feed.invalid/feed.m3u8 HTTP/1.1\r\nHost: feed.invalid");
        assert_eq!(feed, Ok(Request::Feed));
        let tunnel = read("CONNECT example.org:443 HTTP/1.1");
        let target = Target::parse("example.org:443", None).unwrap();
        assert_eq!(tunnel, Ok(Request::Tunnel(target)));
    }

    #[test]
    fn what_is_not_for_a_proxy_does_not_pass() {
        for (request, refusal) in [
            ("GET / HTTP/1.1", Refusal::Malformed),
            ("GET https://example.org/ HTTP/1.1", Refusal::Malformed),
            ("GET http://a:b@example.org/ HTTP/1.1", Refusal::Malformed),
            ("GET ftp://example.org/ HTTP/1.1", Refusal::Malformed),
            ("GET http://example.org/ HTTP/2", Refusal::Malformed),
            ("GET http://example.org/ x HTTP/1.1", Refusal::Malformed),
            ("CONNECT example.org HTTP/1.1", Refusal::Malformed),
            ("CONNECT example.org:0 HTTP/1.1", Refusal::Malformed),
            ("POST http://example.org/ HTTP/1.1", Refusal::Method),
            (
                "GET http://example.org/ HTTP/1.1\r\n folded: x",
                Refusal::Malformed,
            ),
            (
                "GET http://example.org/ HTTP/1.1\r\nno colon",
                Refusal::Malformed,
            ),
            (
                "GET http://example.org/ HTTP/1.1\r\na: x\ny",
                Refusal::Malformed,
            ),
            ("", Refusal::Malformed),
        ] {
            assert_eq!(read(request), Err(refusal), "{request}");
        }
        let many = "a: b\r\n".repeat(MAX_FIELDS + 1);
        let many = read(&format!("GET http://example.org/ HTTP/1.1\r\n{many}c: d"));
        assert_eq!(many, Err(Refusal::Large));
    }

    #[test]
    fn without_the_credential_nothing_is_said_about_the_rest() {
        let credential = Credential::new().unwrap();
        for head in [
            "GET http://example.org/ HTTP/1.1\r\n\r\n",
            "nonsense\r\n\r\n",
            "GET http://example.org/ HTTP/1.1\r\nProxy-Authorization: Basic ZmVlZDp4\r\n\r\n",
        ] {
            let refused = parse(head.as_bytes(), &credential, "feed.invalid");
            assert_eq!(refused, Err(Refusal::Credential), "{head}");
        }
    }
}
