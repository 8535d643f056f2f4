//! `Range`: which bytes of a file are wanted (RFC 9110 section 14).
//!
//! One range at a time. What is not understood is ignored, as the RFC wants it, and the whole is sent.

use std::ops::Range;

use http::{HeaderMap, header};

/// What is wanted of something that has some length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it, without a word about ranges.
    Whole,
    /// These bytes; never empty, never beyond the end.
    Part(Range<u64>),
    /// Bytes that there are not.
    Nothing,
}

/// What the headers of a request want of `len` bytes.
pub(super) fn wanted(headers: &HeaderMap, len: u64) -> Wanted {
    // We send no validator, so none can match.
    if headers.contains_key(header::IF_RANGE) {
        return Wanted::Whole;
    }
    let mut ranges = headers.get_all(header::RANGE).iter();
    match (ranges.next(), ranges.next()) {
        (Some(range), None) => range
            .to_str()
            .ok()
            .and_then(|range| parse(range, len))
            .unwrap_or(Wanted::Whole),
        _ => Wanted::Whole,
    }
}

/// `None` for what is no single range of bytes.
fn parse(range: &str, len: u64) -> Option<Wanted> {
    let (unit, range) = range.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let part = match (first, last) {
        // The last so many bytes.
        ("", count) => len.saturating_sub(number(count)?)..len,
        (first, "") => number(first)?..len,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(len)
        }
    };
    Some(if part.is_empty() {
        Wanted::Nothing
    } else {
        Wanted::Part(part)
    })
}

/// Digits; numbers that are too large are as good as the largest.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(range: &str, len: u64) -> Wanted {
        let headers = [(header::RANGE, range.parse().unwrap())];
        wanted(&headers.into_iter().collect(), len)
    }

    #[test]
    fn single_ranges_are_understood() {
        for (range, part) in [
            ("bytes=0-", 0..1000),
            ("bytes=0-0", 0..1),
            ("bytes=999-", 999..1000),
            ("bytes=100-199", 100..200),
            ("bytes=100-5000", 100..1000),
            ("bytes=-1", 999..1000),
            ("bytes=-5000", 0..1000),
            ("Bytes= 5-6", 5..7),
            ("bytes=0-99999999999999999999999", 0..1000),
            ("bytes=0-18446744073709551615", 0..1000),
        ] {
            assert_eq!(of(range, 1000), Wanted::Part(part), "{range}");
        }
    }

    #[test]
    fn bytes_that_there_are_not_are_refused() {
        for range in [
            "bytes=1000-",
            "bytes=1000-2000",
            "bytes=-0",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(of(range, 1000), Wanted::Nothing, "{range}");
        }
        assert_eq!(of("bytes=0-", 0), Wanted::Nothing);
        assert_eq!(of("bytes=-5", 0), Wanted::Nothing);
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5",
            "bytes=6-5",
            "bytes=0-1,5-6",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1 -2",
            "items=0-1",
            "bytes=0x1-",
        ] {
            assert_eq!(of(range, 1000), Wanted::Whole, "{range}");
        }
        let two: HeaderMap = [
            (header::RANGE, "bytes=0-1".parse().unwrap()),
            (header::IF_RANGE, "\"x\"".parse().unwrap()),
        ]
        .into_iter()
        .collect();
        assert_eq!(wanted(&two, 1000), Wanted::Whole);
        let mut twice = HeaderMap::new();
        twice.append(header::RANGE, "bytes=0-1".parse().unwrap());
        twice.append(header::RANGE, "bytes=5-6".parse().unwrap());
        assert_eq!(wanted(&twice, 1000), Wanted::Whole);
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_and_never_beyond_the_end(range in "(bytes=)?[0-9]{0,21}-?[0-9]{0,21}|[ -~]{0,30}", len: u64) {
            if let Wanted::Part(part) = of(&range, len) {
                prop_assert!(part.start < part.end && part.end <= len);
            }
        }
    }
}
