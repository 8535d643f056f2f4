//! Addresses in messages.
//!
//! Belongs here: where an address ends, which ones may be followed, what is shown of a long one.
//! Does not belong here: the markup of a link.

use super::MAX_LABEL;

/// Where a link leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// To an onion service: the visitor stays within Tor.
    Onion,
    /// To the open internet, through an exit.
    Clearnet,
}

/// An address at the start of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// It may be followed.
    Address(&'a str, Place),
    /// It is there, but leads nowhere, into the visitor's own network, or pretends to lead
    /// elsewhere.
    Refused(&'a str),
}

/// Longest name of a host, in bytes (RFC 1035).
const MAX_HOST: usize = 253;

/// Longest part of it.
const MAX_PART: usize = 63;

/// Letters of an onion address of version 3.
const ONION_LETTERS: usize = 56;

/// Last parts of names within the visitor's own network.
const HOME: &[&str] = &["localhost", "local", "internal", "lan", "home", "arpa"];

/// The address at the start of `text`, without the punctuation of the sentence around it.
pub(super) fn at_start(text: &str) -> Option<Found<'_>> {
    let scheme = scheme_length(text)?;
    let end = text
        .find(|letter| !is_address_letter(letter))
        .unwrap_or(text.len());
    let address = without_punctuation(text.get(..end)?);
    let inside = address.get(scheme..)?;
    let authority = inside.split(['/', '?', '#']).next().unwrap_or_default();
    Some(
        place_of(authority).map_or(Found::Refused(address), |place| {
            Found::Address(address, place)
        }),
    )
}

/// Bytes of `http://` or `https://`.
fn scheme_length(text: &str) -> Option<usize> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let start = text.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(scheme.len())
    })
}

fn is_address_letter(letter: char) -> bool {
    if letter.is_ascii() {
        letter.is_ascii_graphic() && !r#""<>[]\^`{|}"#.contains(letter)
    } else {
        letter.is_alphanumeric()
    }
}

/// Without `.` and the like at the end, and without `)` that was opened before the address.
fn without_punctuation(mut address: &str) -> &str {
    let count = |sign| address.chars().filter(|&letter| letter == sign).count();
    let mut unopened = count(')').saturating_sub(count('('));
    loop {
        let shorter = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'']);
        match shorter.strip_suffix(')') {
            Some(shorter) if unopened > 0 => {
                unopened -= 1;
                address = shorter;
            }
            _ => return shorter,
        }
    }
}

/// Where `host` or `host:port` is; `None` if nobody should be sent there.
fn place_of(authority: &str) -> Option<Place> {
    // `user@host` is there to pass for another host.
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    if host.len() > MAX_HOST || port.len() > 5 || !port.bytes().all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    port.parse::<u16>().ok().filter(|&port| port > 0)?;
    let host = host.to_ascii_lowercase();
    let mut parts = host.rsplit('.');
    let (last, before) = (parts.next()?, parts.next()?);
    if !host.split('.').all(is_part) {
        return None;
    }
    if last == "onion" {
        // The last letter carries the version.
        let is_address = before.len() == ONION_LETTERS
            && before
                .bytes()
                .all(|letter| matches!(letter, b'a'..=b'z' | b'2'..=b'7'))
            && before.ends_with('d');
        return is_address.then_some(Place::Onion);
    }
    // A last part with digits is an IP address in one of its many forms.
    let is_name = last.len() >= 2
        && (last.starts_with("xn--") || last.bytes().all(|letter| letter.is_ascii_lowercase()));
    (is_name && !HOME.contains(&last)).then_some(Place::Clearnet)
}

fn is_part(part: &str) -> bool {
    (1..=MAX_PART).contains(&part.len())
        && part
            .bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == b'-')
        && !part.starts_with('-')
        && !part.ends_with('-')
}

/// What is shown of an address: all of it, or so much that start and end of the host remain.
pub(super) fn label(address: &str) -> String {
    if address.chars().count() <= MAX_LABEL {
        return address.to_owned();
    }
    let (scheme, inside) = address
        .split_at_checked(scheme_length(address).unwrap_or(0))
        .unwrap_or(("", address));
    let host_end = inside.find(['/', '?', '#']).unwrap_or(inside.len());
    let (authority, path) = inside.split_at_checked(host_end).unwrap_or((inside, ""));
    let start = if scheme.len() + authority.len() < MAX_LABEL {
        format!("{scheme}{authority}")
    } else {
        // 8 + 16 + 1 + 32 characters leave room for the mark of a path.
        let head = authority.get(..16).unwrap_or_default();
        let tail = authority
            .get(authority.len().saturating_sub(32)..)
            .unwrap_or_default();
        format!("{scheme}{head}…{tail}")
    };
    let room = MAX_LABEL.saturating_sub(start.chars().count());
    if path.chars().count() <= room {
        return start + path;
    }
    let path: String = path.chars().take(room.saturating_sub(1)).collect();
    format!("{start}{path}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONION: &str = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid";

    #[test]
    fn an_address_ends_where_the_sentence_goes_on() {
        for (text, expected) in [
            ("https://example.org", "https://example.org"),
            ("https://example.org.", "https://example.org"),
            (
                "https://example.org/a?b=c#d, and",
                "https://example.org/a?b=c#d",
            ),
            ("https://example.org/a_(b))", "https://example.org/a_(b)"),
            ("https://example.org/a)!)", "https://example.org/a"),
            ("https://example.org/\"onclick", "https://example.org/"),
            ("https://example.org/<b>", "https://example.org/"),
            ("https://example.org/köln。", "https://example.org/köln"),
            (
                "HTTPS://EXAMPLE.ORG:8443/@name x",
                "HTTPS://EXAMPLE.ORG:8443/@name",
            ),
            (
                "http://xn--bcher-kva.example/",
                "http://xn--bcher-kva.example/",
            ),
            ("http://example.xn--p1ai", "http://example.xn--p1ai"),
        ] {
            assert_eq!(
                at_start(text),
                Some(Found::Address(expected, Place::Clearnet)),
                "{text}"
            );
        }
    }

    #[test]
    fn onion_addresses_are_told_from_the_open_internet() {
        for text in [
            format!("http://{ONION}.onion/x"),
            format!("http://www.{}.ONION:81", ONION.to_uppercase()),
        ] {
            assert_eq!(at_start(&text), Some(Found::Address(&text, Place::Onion)));
        }
        let text = format!("http://{ONION}.onion.example/");
        assert_eq!(
            at_start(&text),
            Some(Found::Address(&text, Place::Clearnet))
        );
    }

    #[test]
    fn addresses_that_deceive_or_lead_home_are_not_followed() {
        for text in [
            "http://user@example.org/",
            "https://example.org@evil.example",
            "http://a:b@example.org",
            "http://",
            "http:///x",
            "http://?x",
            "http://localhost:8080/",
            "http://router/",
            "http://printer.local/",
            "http://a.internal",
            "http://127.0.0.1/",
            "http://192.168.0.1",
            "http://0x7f.1",
            "http://2130706433/",
            "http://1.2.3.0x4",
            "http://bücher.example/",
            "http://еxample.org/",
            "http://-a.example",
            "http://a..example",
            "http://a_b.example",
            "http://example.org:0",
            "http://example.org:99999",
            "http://example.org:80:80",
            "http://example.org:8a",
            "http://short.onion/",
            "http://.onion",
            "http://example.o",
            "http://%65xample.org/",
        ] {
            assert!(
                matches!(at_start(text), Some(Found::Refused(_))),
                "{text}: {:?}",
                at_start(text)
            );
        }
        let wrong_version = format!("http://{}a.onion", ONION.trim_end_matches('d'));
        assert!(matches!(at_start(&wrong_version), Some(Found::Refused(_))));
        for text in [
            "javascript:alert(1)",
            "ftp://example.org",
            "data:text/html,x",
            "http:/example.org",
            "https",
            "httpx://a.example",
            "//a.example",
        ] {
            assert_eq!(at_start(text), None, "{text}");
        }
    }

    #[test]
    fn a_long_address_keeps_both_ends_of_its_host() {
        assert_eq!(label("https://example.org/"), "https://example.org/");
        let long = format!("https://example.org/{}", "x".repeat(100));
        assert_eq!(
            label(&long),
            format!("https://example.org/{}…", "x".repeat(39))
        );
        let deceptive = format!("https://bank.example.{}.evil.example/login", "a".repeat(60));
        assert!(
            label(&deceptive).contains("evil.example/"),
            "{}",
            label(&deceptive)
        );
        let onion = format!("http://{ONION}.onion/watch");
        assert_eq!(
            label(&onion),
            "http://2gzyxa5ihm7nsggf…mdlkiu3zzui5du4xyclen53wid.onion/wa…"
        );
        for text in [
            long,
            deceptive,
            onion,
            format!("http://{}", "a".repeat(300)),
            format!("http://a.example/{}", "é".repeat(99)),
        ] {
            assert!(label(&text).chars().count() <= MAX_LABEL);
        }
    }
}
