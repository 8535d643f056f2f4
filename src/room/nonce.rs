//! One-use numbers in forms: against sending twice, and against other sites sending for you.
//!
//! A nonce belongs to one session, is made from fresh randomness, and can be used once. Bound: so
//! many for a session; the oldest gives way, and with it the oldest of their open forms.

use std::{collections::VecDeque, time::Duration};

use crate::clock::Tick;

/// How long a form may stay open.
pub const LIFETIME: Duration = Duration::from_hours(1);

/// How long the form of an endless page is good; such a page renews itself within an hour.
const PAGE_LIFETIME: Duration = Duration::from_hours(25);

/// Forms that a session may have open.
const KEPT: usize = 32;

/// The open nonces of one session.
#[derive(Default)]
pub struct Nonces(VecDeque<(u64, Tick)>);

impl std::fmt::Debug for Nonces {
    /// Without the numbers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} nonces", self.0.len())
    }
}

impl Nonces {
    /// Opens `random`, and gives it as text for a form.
    pub fn issue(&mut self, random: u64, now: Tick) -> String {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back((random, now));
        format!("{random:016x}")
    }

    /// Whether a nonce is open; it stays so. For pages that never end: their one form is sent again
    /// and again, and what it does twice is done once.
    pub fn holds(&self, text: &str, now: Tick) -> bool {
        read(text).is_some_and(|given| {
            self.0
                .iter()
                .any(|(nonce, issued)| *nonce == given && now.since(*issued) < PAGE_LIFETIME)
        })
    }

    /// Uses a nonce up. Answers whether it was open.
    pub fn take(&mut self, text: &str, now: Tick) -> bool {
        let Some(given) = read(text) else {
            return false;
        };
        let Some(place) = self.0.iter().position(|(nonce, _)| *nonce == given) else {
            return false;
        };
        self.0
            .remove(place)
            .is_some_and(|(_, issued)| now.since(issued) < LIFETIME)
    }
}

fn read(text: &str) -> Option<u64> {
    // `from_str_radix` alone would take a sign or fewer digits.
    let plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Tick = Tick::START;

    #[test]
    fn a_form_can_be_sent_once() {
        let mut nonces = Nonces::default();
        let nonce = nonces.issue(0xabc, NOW);

        assert!(nonces.take(&nonce, NOW));
        assert!(!nonces.take(&nonce, NOW));
    }

    #[test]
    fn a_nonce_that_was_not_issued_is_refused_however_it_looks() {
        let mut nonces = Nonces::default();
        nonces.issue(0, NOW);

        for text in [
            "",
            "0",
            "+000000000000000",
            "000000000000000g",
            "00000000000000000",
            "ffffffffffffffff",
        ] {
            assert!(!nonces.take(text, NOW), "{text}");
        }
    }

    #[test]
    fn a_form_from_an_hour_ago_is_too_old_and_only_so_many_stay_open() {
        let mut nonces = Nonces::default();
        let old = nonces.issue(1, NOW);
        assert!(!nonces.take(&old, NOW + LIFETIME));

        let first = nonces.issue(1, NOW);
        for number in 2..100 {
            nonces.issue(number, NOW);
        }
        assert!(!nonces.take(&first, NOW));
        assert_eq!(nonces.0.len(), KEPT);
    }
}
