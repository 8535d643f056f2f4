//! Numbers in a range from a source of random words.
//!
//! Belongs here: turning words into choices. Does not belong here: where the words come from.

/// A source of random 64-bit words with the choices that drawing and wording need.
pub(super) struct Dice<'words> {
    words: &'words mut dyn FnMut() -> u64,
}

impl<'words> Dice<'words> {
    pub(super) fn new(words: &'words mut dyn FnMut() -> u64) -> Self {
        Self { words }
    }

    /// A number below `end`, 0 if there is none. Even to one part in 2^32: enough for choices of a
    /// few thousand.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let scaled = ((self.words)() >> 32) * (end as u64 & 0xffff_ffff);
        (scaled >> 32) as usize
    }

    /// A number from `start` to `end`, both included.
    pub(super) fn within(&mut self, start: usize, end: usize) -> usize {
        start + self.below(end.saturating_sub(start) + 1)
    }

    /// A number between `start` and `end`.
    #[expect(clippy::cast_precision_loss, reason = "both numbers have 24 bits")]
    pub(super) fn between(&mut self, start: f32, end: f32) -> f32 {
        // 24 bits are what an `f32` holds exactly.
        let part = ((self.words)() >> 40) as f32 / (1_u32 << 24) as f32;
        start + (end - start) * part
    }

    /// `size` or `-size` at random, give or take a part of it.
    pub(super) fn either_way(&mut self, least: f32, most: f32) -> f32 {
        let size = self.between(least, most);
        if self.below(2) == 0 { size } else { -size }
    }

    /// One of `choices`; the default value if there are none.
    pub(super) fn one_of<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let index = self.below(choices.len());
        choices.get(index).copied().unwrap_or_default()
    }

    /// `count` different ones of `choices`, in random order; all of them if there are fewer.
    pub(super) fn some_of<T: Copy>(&mut self, choices: &[T], count: usize) -> Vec<T> {
        let mut left = choices.to_vec();
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count && !left.is_empty() {
            taken.push(left.swap_remove(self.below(left.len())));
        }
        taken
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A short generator for tests: the same words for the same seed (splitmix64).
    pub(crate) fn words(mut seed: u64) -> impl FnMut() -> u64 {
        move || {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = seed;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ (word >> 31)
        }
    }

    #[test]
    fn every_choice_comes_up_and_no_other() {
        let mut words = words(1);
        let mut dice = Dice::new(&mut words);
        let mut seen = [0_u32; 16];

        for _ in 0..16_000 {
            seen[dice.below(16)] += 1;
        }

        assert!(
            seen.iter().all(|count| (850..1150).contains(count)),
            "{seen:?}"
        );
    }

    #[test]
    fn the_ends_of_a_range_belong_to_it() {
        for word in [0, u64::MAX] {
            let mut constant = || word;
            let mut dice = Dice::new(&mut constant);

            assert!((3..=7).contains(&dice.within(3, 7)));
            assert!((-1.0..=1.0).contains(&dice.between(-1.0, 1.0)));
            assert_eq!(dice.below(0), 0);
            assert_eq!(dice.some_of(&[1, 2], 3).len(), 2);
        }
    }
}
