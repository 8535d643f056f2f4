//! Questions in words, for people who cannot see pictures.
//!
//! Belongs here: wording and right answers. No question can be answered by picking one of its words
//! blindly in fewer than 20 tries; whoever writes a program for these five forms solves them all.

use super::dice::Dice;

/// A question and its answer.
///
/// Has no `Debug`: an answer must not end up in a log.
pub struct Puzzle {
    /// One or two plain sentences, at most 160 bytes of ASCII.
    pub question: String,
    /// What [`normalise`](super::normalise) makes of the right answer: 1 to 16 small letters or
    /// digits.
    pub answer: String,
}

/// Everyday words, spelt the same everywhere, at most eight letters.
const WORDS: [&str; 64] = [
    "apple", "bread", "bridge", "bucket", "button", "candle", "carpet", "castle", "chair",
    "cherry", "circle", "cloud", "coffee", "desert", "dinner", "dragon", "engine", "family",
    "feather", "field", "finger", "flower", "forest", "garden", "guitar", "hammer", "harbour",
    "helmet", "island", "jacket", "kettle", "ladder", "lemon", "letter", "market", "meadow",
    "mirror", "monkey", "morning", "needle", "number", "orange", "paper", "pencil", "pepper",
    "planet", "pocket", "potato", "rabbit", "ribbon", "river", "rocket", "saddle", "shadow",
    "silver", "spider", "spring", "summer", "table", "tiger", "train", "valley", "window",
    "winter",
];

/// Places in a list.
const PLACES: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];

/// Things that can be counted.
const THINGS: [&str; 12] = [
    "apples", "books", "boats", "candles", "coins", "cups", "eggs", "keys", "lamps", "letters",
    "pens", "stones",
];

/// Makes a new question; the same words give the same question.
///
/// Five forms with more than 10^9 questions altogether.
pub fn word_puzzle(mut words: impl FnMut() -> u64) -> Puzzle {
    let mut dice = Dice::new(&mut words);
    match dice.below(5) {
        0 => sum(&mut dice),
        1 => trade(&mut dice),
        2 => letters(&mut dice),
        3 => extremes(&mut dice),
        _ => pair(&mut dice),
    }
}

/// Two numbers added or taken away.
fn sum(dice: &mut Dice<'_>) -> Puzzle {
    let (large, small) = (dice.within(21, 89), dice.within(3, 19));
    let (high, low) = (in_words(large), in_words(small));
    let (question, answer) = match dice.below(4) {
        0 => (format!("What is {high} plus {low}?"), large + small),
        1 => (format!("Add {low} to {high}."), large + small),
        2 => (format!("What is {high} minus {low}?"), large - small),
        _ => (format!("Take {low} away from {high}."), large - small),
    };
    Puzzle {
        question: format!("{question} Answer in digits."),
        answer: answer.to_string(),
    }
}

/// A little story about a number of things.
fn trade(dice: &mut Dice<'_>) -> Puzzle {
    let (have, get, give) = (dice.within(10, 40), dice.within(3, 15), dice.within(2, 9));
    let things = dice.one_of(&THINGS);
    let (had, got, gave) = (in_words(have), in_words(get), in_words(give));
    Puzzle {
        question: format!(
            "You have {had} {things}. You find {got} more and give {gave} away. \
             How many {things} are left? Answer in digits."
        ),
        answer: (have + get - give).to_string(),
    }
}

/// The first or last letters of four words.
fn letters(dice: &mut Dice<'_>) -> Puzzle {
    let words = dice.some_of(&WORDS, 4);
    let first = dice.below(2) == 0;
    let letter = |word: &&str| {
        let mut letters = word.chars();
        if first {
            letters.next()
        } else {
            letters.next_back()
        }
    };
    let which = if first { "first" } else { "last" };
    Puzzle {
        question: format!(
            "Write the {which} letter of each of these four words: {}.",
            words.join(", ")
        ),
        answer: words.iter().filter_map(letter).collect(),
    }
}

/// The largest and the smallest of five numbers.
fn extremes(dice: &mut Dice<'_>) -> Puzzle {
    let all: Vec<usize> = (3..=99).collect();
    let numbers = dice.some_of(&all, 5);
    let largest = numbers.iter().max().copied().unwrap_or_default();
    let smallest = numbers.iter().min().copied().unwrap_or_default();
    let list = numbers.iter().map(|number| in_words(*number));
    let list = list.collect::<Vec<_>>().join(", ");
    let largest_first = dice.below(2) == 0;
    let (one, other, answer) = if largest_first {
        ("largest", "smallest", format!("{largest}{smallest}"))
    } else {
        ("smallest", "largest", format!("{smallest}{largest}"))
    };
    Puzzle {
        question: format!("Write the {one} and then the {other} of these in digits: {list}."),
        answer,
    }
}

/// Two of six words by their places.
fn pair(dice: &mut Dice<'_>) -> Puzzle {
    let words = dice.some_of(&WORDS, PLACES.len());
    let mut places: Vec<_> = PLACES.iter().zip(&words).collect();
    let one = places.swap_remove(dice.below(places.len()));
    let other = places.swap_remove(dice.below(places.len()));
    Puzzle {
        question: format!(
            "Write the {} word and then the {} word of: {}.",
            one.0,
            other.0,
            words.join(", ")
        ),
        answer: format!("{}{}", one.1, other.1),
    }
}

/// A number below 100 in English words.
fn in_words(number: usize) -> String {
    const SMALL: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 10] = [
        "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    if let Some(word) = SMALL.get(number) {
        return (*word).to_owned();
    }
    match (TENS.get(number / 10), SMALL.get(number % 10)) {
        (Some(tens), Some(_)) if number.is_multiple_of(10) => (*tens).to_owned(),
        (Some(tens), Some(ones)) => format!("{tens}-{ones}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::captcha::{dice::tests::words, normalise};

    #[test]
    fn numbers_are_written_as_people_write_them() {
        for (number, word) in [
            (0, "zero"),
            (13, "thirteen"),
            (20, "twenty"),
            (47, "forty-seven"),
            (99, "ninety-nine"),
            (100, "100"),
        ] {
            assert_eq!(in_words(number), word);
        }
    }

    #[test]
    fn each_form_asks_for_what_it_says() {
        for (form, question, answer) in [
            (
                sum as fn(&mut Dice<'_>) -> Puzzle,
                "What is twenty-one plus three? Answer in digits.",
                "24",
            ),
            (
                trade,
                "You have ten apples. You find three more and give two away. \
                 How many apples are left? Answer in digits.",
                "11",
            ),
            (
                letters,
                "Write the first letter of each of these four words: apple, winter, window, valley.",
                "awwv",
            ),
            (
                extremes,
                "Write the largest and then the smallest of these in digits: \
                 three, ninety-nine, ninety-eight, ninety-seven, ninety-six.",
                "993",
            ),
            (
                pair,
                "Write the first word and then the sixth word of: \
                 apple, winter, window, valley, train, tiger.",
                "appletiger",
            ),
        ] {
            let mut zeros = || 0;
            let puzzle = form(&mut Dice::new(&mut zeros));

            assert_eq!(puzzle.question, question);
            assert_eq!(puzzle.answer, answer);
        }
    }

    #[test]
    fn no_two_of_ten_thousand_questions_need_be_equal_and_every_answer_can_be_typed() {
        let mut questions = BTreeSet::new();
        let mut sums = BTreeSet::new();

        for seed in 0..10_000 {
            let puzzle = word_puzzle(words(seed));

            assert!(
                puzzle.question.is_ascii() && puzzle.question.len() <= 160,
                "{}",
                puzzle.question
            );
            assert!(
                (1..=16).contains(&puzzle.answer.len()),
                "{}",
                puzzle.question
            );
            assert_eq!(normalise(&puzzle.answer), puzzle.answer);
            if puzzle.question.contains("Answer in digits") {
                sums.insert(puzzle.question);
            } else {
                questions.insert(puzzle.question);
            }
        }

        // The forms without sums hardly ever repeat, those with sums seldom.
        assert!(questions.len() > 5_800, "{}", questions.len());
        assert!(sums.len() > 2_900, "{}", sums.len());
    }

    #[test]
    fn a_blind_guess_among_the_answers_of_a_form_rarely_hits() {
        let mut answers = std::collections::BTreeMap::<String, u32>::new();
        for seed in 0..10_000 {
            *answers.entry(word_puzzle(words(seed)).answer).or_default() += 1;
        }

        let most = answers.values().max().unwrap();
        assert!(*most < 200, "{most} of 10000");
    }

    #[test]
    fn any_words_make_a_question() {
        for word in [0, 1, u64::MAX, u64::MAX / 2] {
            assert!(!word_puzzle(|| word).answer.is_empty());
        }
    }
}
