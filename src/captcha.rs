//! Tests that a person passes easily and a simple program does not: pictures, and questions in words.
//!
//! Belongs here: drawing pictures, wording questions, keeping a few pictures ready.
//! Does not belong here: who must answer when, how often and how long an answer counts (the room).
//!
//! The letters are those of the `captcha` crate, one at a time; the picture is our own, because a
//! program reads that crate's pictures without effort. `docs/captcha.md` has the figures, and says
//! what this is: a speed bump.

mod canvas;
mod dice;
mod drawing;
mod png;
mod puzzle;
mod supply;
mod typeface;

pub use self::{
    png::MAX_PNG_BYTES,
    puzzle::{Puzzle, word_puzzle},
    supply::{Captchas, Randomness, fresh_puzzle},
    typeface::Typeface,
};

/// The symbols in pictures: none looks like another, none needs the shift key.
pub const ALPHABET: &str = "346abegkmprtuwxy";

/// Symbols in a picture: 16^6 answers, one in 17 million for a blind guess.
pub const SYMBOLS: usize = 6;

/// Width and height of every picture, in pixels.
pub const SIZE: (usize, usize) = (canvas::WIDTH, canvas::HEIGHT);

/// A picture and what it says.
///
/// Has no `Debug`: an answer must not end up in a log.
pub struct Picture {
    /// [`SYMBOLS`] letters of [`ALPHABET`].
    pub answer: String,
    /// A grey-blue PNG of [`SIZE`] with its own opaque ground, at most [`MAX_PNG_BYTES`].
    pub png: Vec<u8>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptchaError {
    /// The letters could not be had from the crate.
    #[error("the letter `{0}` cannot be drawn; this build has a wrong version of `captcha`")]
    Letter(char),
    /// The picture could not be written as PNG.
    #[error("the picture cannot be written as PNG; draw another")]
    Png(#[source] ::png::EncodingError),
    /// The PNG came out longer than promised.
    #[error("the picture has {bytes} bytes, more than {MAX_PNG_BYTES}; draw another")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The operating system has no random bytes.
    #[error("no random bytes from the operating system; is `getrandom` allowed in this sandbox?")]
    Randomness(#[source] getrandom::Error),
    /// The thread that draws could not be started.
    #[error("cannot start the thread that draws captchas; check the limit on processes")]
    Thread(#[source] std::io::Error),
}

/// What was typed, in the form in which answers are compared: lower case, only letters and digits, so
/// that `90, 7` answers as well as `907`.
///
/// Look-alikes are not mapped onto each other: the alphabet has no pair of them. Bounded: what is
/// longer than any answer is cut, and so is still wrong.
pub fn normalise(answer: &str) -> String {
    answer
        .chars()
        .take(MAX_TYPED)
        .flat_map(char::to_lowercase)
        // Afterwards: a small letter may come with a mark that is no letter, and cut once more.
        .filter(|letter| letter.is_alphanumeric())
        .take(MAX_TYPED)
        .collect()
}

/// Longest answer that is looked at, in characters.
const MAX_TYPED: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_counts_however_it_was_spaced_and_shifted() {
        for (typed, compared) in [
            ("346abe", "346abe"),
            (" 346 ABE\t", "346abe"),
            ("90, 7.", "907"),
            ("3 4 6 a b e\u{a0}", "346abe"),
            ("", ""),
            ("34O", "34o"),
            ("İὐ", "iὐ"),
        ] {
            assert_eq!(normalise(typed), compared, "{typed:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn whatever_is_typed_is_short_and_stays_the_same_when_seen_again(typed in any::<String>()) {
            let once = normalise(&typed);

            prop_assert!(once.chars().count() <= MAX_TYPED);
            prop_assert!(!once.contains(char::is_whitespace));
            prop_assert_eq!(normalise(&once), once);
        }
    }

    #[test]
    fn letters_that_grow_when_they_get_small_stay_the_same_when_seen_again() {
        for typed in [
            "İὐ".to_owned(),
            "İ".repeat(MAX_TYPED),
            "ẞİ".repeat(MAX_TYPED),
        ] {
            let once = normalise(&typed);

            assert_eq!(normalise(&once), once, "{typed:?}");
        }
    }
}
