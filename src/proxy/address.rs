//! Addresses of feeds, and of the servers that they name: read strictly, judged before anything is
//! asked.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use thiserror::Error;
use zeroize::Zeroizing;

/// Longest accepted address, in bytes; ffmpeg's own limit is 4096.
const MAX_BYTES: usize = 2048;

/// Longest ending of a path that is taken for one.
const MAX_EXTENSION: usize = 5;

/// Names that stand for something on this computer or in its network.
const LOCAL_NAMES: [&str; 5] = ["localhost", "local", "internal", "lan", "home.arpa"];

/// Why an address is not taken. The words never repeat it: there may be a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Nothing that can be fetched here.
    #[error(
        "`--source url` takes an address that begins with `http://` or `https://`; RTMP, RTSP and SRT \
         cannot go through Tor here: let an ffmpeg of your own fetch them and push them to \
         `--source rtmp` (docs/broadcasting.md says how)"
    )]
    Scheme,
    /// Longer than [`MAX_BYTES`].
    #[error("the address after `--source url` has more than 2048 characters")]
    Long,
    /// Spaces, quotes, letters outside ASCII.
    #[error(
        "the address after `--source url` has a space or another character that no address has; copy \
         it from the address bar of a browser, and put it in single quotes"
    )]
    Character,
    /// Not a host.
    #[error(
        "the host in the address after `--source url` is neither a name nor an IP address; numbers in \
         it are written like `192.0.2.1` or `[2001:db8::1]`"
    )]
    Host,
    /// Not a port.
    #[error("the port in the address after `--source url` is not a number from 1 to 65535")]
    Port,
}

/// The address of a feed. Its `Debug` form shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    is_tls: bool,
    target: Target,
    path: Zeroizing<String>,
    /// All of it, without what follows a `#`.
    text: Zeroizing<String>,
    has_login: bool,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    host: Host,
    port: u16,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// In lower case, without a dot at its end.
    Name(String),
    /// An address.
    Ip(IpAddr),
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").finish_non_exhaustive()
    }
}

impl Address {
    /// Reads `http://host/…` or `https://name:password@host:8443/…`.
    ///
    /// # Errors
    ///
    /// [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.len() > MAX_BYTES {
            return Err(AddressError::Long);
        }
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(AddressError::Scheme),
        };
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if !rest.bytes().all(is_plain) {
            return Err(AddressError::Character);
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let path_at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(path_at).unwrap_or((rest, ""));
        let (login, server) = match authority.rsplit_once('@') {
            Some((login, server)) => (Some(login), server),
            None => (None, authority),
        };
        let target = Target::parse(server, Some(if is_tls { 443 } else { 80 }))?;
        let slash = if path.starts_with('/') { "" } else { "/" };
        let path = Zeroizing::new(format!("{slash}{path}"));
        let scheme = if is_tls { "https" } else { "http" };
        let login_part = login.map(|login| format!("{login}@")).unwrap_or_default();
        Ok(Self {
            is_tls,
            text: Zeroizing::new(format!("{scheme}://{login_part}{target}{}", *path)),
            target,
            path,
            has_login: login.is_some(),
        })
    }

    /// Its server.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether it is fetched over TLS.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Path and query.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether there is a name or a password in it.
    pub(super) fn has_login(&self) -> bool {
        self.has_login
    }

    /// The ending of its path, such as `m3u8`.
    pub(super) fn extension(&self) -> Option<&str> {
        let file = self.path.split('?').next()?.rsplit('/').next()?;
        let (_, extension) = file.rsplit_once('.')?;
        let is_one = (1..=MAX_EXTENSION).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_one.then_some(extension)
    }

    /// The answer that sends a client here.
    pub(super) fn redirect(&self) -> Zeroizing<String> {
        Zeroizing::new(format!(
            "HTTP/1.1 302 Found\r\nLocation: {}\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
            *self.text
        ))
    }
}

impl Target {
    /// Reads `host:port`; without a port it is `usual`.
    pub(super) fn parse(text: &str, usual: Option<u16>) -> Result<Self, AddressError> {
        // The colons of an IPv6 address are all before the bracket.
        let bracket = text.rfind(']').unwrap_or(0);
        let colon = text.rfind(':').filter(|colon| *colon >= bracket);
        let (host, port) = match colon.and_then(|colon| text.split_at_checked(colon)) {
            Some((host, port)) => (host, port.trim_start_matches(':')),
            None => (text, ""),
        };
        let port = match port {
            "" if colon.is_none() => usual.ok_or(AddressError::Port)?,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or(AddressError::Port)?,
            _ => return Err(AddressError::Port),
        };
        Ok(Self {
            host: Host::parse(host)?,
            port,
        })
    }

    /// Where it is.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Its port, not 0.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, AddressError> {
        let inner = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        if let Some(inner) = inner {
            let ip: Ipv6Addr = inner.parse().map_err(|_error| AddressError::Host)?;
            return Ok(Self::Ip(ip.into()));
        }
        if let Ok(ip) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Ip(ip.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && (label.bytes()).all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let last = name.rsplit('.').next().unwrap_or_default();
        // `127.1`, `2130706433` and `0x7f000001` are addresses to many a resolver.
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
        if name.len() > 253 || is_number || !name.split('.').all(is_label) {
            return Err(AddressError::Host);
        }
        Ok(Self::Name(name))
    }

    /// Whether it is on this computer or in its network, as far as can be told without asking.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Ip(ip) => !is_public(*ip),
            Self::Name(name) => LOCAL_NAMES.iter().any(|local| {
                let before = name.strip_suffix(local);
                before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }),
        }
    }
}

/// Whether an address is one of the internet.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            let embeds_v4 = ip.to_ipv4_mapped().is_some()
                // Translated (RFC 6052), 6to4, Teredo.
                || (first == 0x64 && second == 0xff9b)
                || first == 0x2002
                || (first == 0x2001 && second == 0);
            // Only this eighth is handed out; documentation is a piece of it.
            first & 0xe000 == 0x2000 && !embeds_v4 && !(first == 0x2001 && second == 0xdb8)
        }
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        // This network; shared by providers; for protocols; for benchmarks; multicast and beyond.
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 224;
    !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_into_its_parts_and_put_together_again() {
        let address =
            Address::parse("HTTPS://me:p%40ss@Example.ORG./live/a.m3u8?t=1&u=2#x").unwrap();

        assert!(address.is_tls() && address.has_login());
        assert_eq!(address.target().to_string(), "example.org:443");
        assert_eq!(address.path(), "/live/a.m3u8?t=1&u=2");
        assert_eq!(address.extension(), Some("m3u8"));
        let answer = address.redirect();
        assert!(
            answer.contains("Location: https://me:p%40ss@example.org:443/live/a.m3u8?t=1&u=2\r\n"),
            "{answer:?}"
        );
        let bare = Address::parse("http://[2001:4860::1]:8080?x").unwrap();
        assert_eq!(bare.target().to_string(), "[2001:4860::1]:8080");
        assert_eq!((bare.path(), bare.extension()), ("/?x", None));
        assert_eq!(format!("{address:?}"), "Address { .. }");
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (text, reason) in [
            ("rtmp://example.org/live", AddressError::Scheme),
            ("file:///etc/passwd", AddressError::Scheme),
            ("example.org/live.m3u8", AddressError::Scheme),
            ("http://exa mple.org/", AddressError::Character),
            ("http://example.org/\r\nX: y", AddressError::Character),
            ("http://exämple.org/", AddressError::Character),
            ("http:///live", AddressError::Host),
            ("http://a..b/", AddressError::Host),
            ("http://[::1/", AddressError::Host),
            ("http://127.1/", AddressError::Host),
            ("http://2130706433/", AddressError::Host),
            ("http://0x7f000001/", AddressError::Host),
            ("http://example.org:0/", AddressError::Port),
            ("http://example.org:65536/", AddressError::Port),
            ("http://example.org:+80/", AddressError::Port),
            ("http://example.org:/", AddressError::Port),
        ] {
            assert_eq!(Address::parse(text).err(), Some(reason), "{text}");
        }
        let long = format!("http://example.org/{}", "x".repeat(MAX_BYTES));
        assert_eq!(Address::parse(&long).err(), Some(AddressError::Long));
    }

    #[test]
    fn hosts_of_this_computer_and_its_network_are_told_from_those_of_the_internet() {
        for host in [
            "127.0.0.1",
            "127.8.9.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fd00::1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "printer.local",
            "router.lan",
        ] {
            assert!(Host::parse(host).unwrap().is_local(), "{host}");
        }
        for host in [
            "1.1.1.1",
            "[2606:4700::1]",
            "example.org",
            "notlocalhost",
            "localhost.example.org",
            "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion",
        ] {
            assert!(!Host::parse(host).unwrap().is_local(), "{host}");
        }
    }
}
