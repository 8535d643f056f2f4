//! A numbered queue: items keep their number for ever, old ones fall off the front.
//!
//! Belongs here: the arithmetic of numbers and offsets, once, for fragments and for panel updates.
//! Does not belong here: what to keep (the owner decides when to drop the front), locks, waking.

use std::collections::VecDeque;

/// Items with consecutive numbers. All operations are O(1).
#[derive(Debug)]
pub struct Ring<T> {
    first: u64,
    items: VecDeque<T>,
}

impl<T> Ring<T> {
    /// An empty ring whose first item will have number 0.
    pub const fn new() -> Self {
        Self {
            first: 0,
            items: VecDeque::new(),
        }
    }

    /// An empty ring whose first item will have this number.
    pub const fn starting_at(number: u64) -> Self {
        Self {
            first: number,
            items: VecDeque::new(),
        }
    }

    /// The number of the oldest kept item; equal to [`Ring::end`] when nothing is kept.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number the next item will get.
    pub fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Appends an item and returns its number.
    pub fn push(&mut self, item: T) -> u64 {
        self.items.push_back(item);
        self.end() - 1
    }

    /// Removes the oldest item.
    pub fn drop_first(&mut self) -> Option<T> {
        let item = self.items.pop_front()?;
        self.first += 1;
        Some(item)
    }

    /// Removes everything; numbers go on where they were.
    pub fn clear(&mut self) {
        self.first = self.end();
        self.items.clear();
    }

    /// The item with this number, if it is kept.
    pub fn get(&self, number: u64) -> Option<&T> {
        self.items
            .get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// The item with this number, to be changed.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.items
            .get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// The oldest kept item.
    pub fn oldest(&self) -> Option<&T> {
        self.items.front()
    }

    /// The newest item.
    pub fn newest(&self) -> Option<&T> {
        self.items.back()
    }

    /// The items, oldest first, to be changed.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.items.iter_mut()
    }

    /// Numbers and items, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        self.items
            .iter()
            .enumerate()
            .map(|(offset, item)| (self.first + offset as u64, item))
    }
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_dropping_and_clearing() {
        let mut ring = Ring::new();

        assert_eq!((ring.push('a'), ring.push('b'), ring.push('c')), (0, 1, 2));
        assert_eq!(ring.drop_first(), Some('a'));
        assert_eq!(
            (ring.first(), ring.get(0), ring.get(1)),
            (1, None, Some(&'b'))
        );
        ring.clear();
        assert_eq!((ring.first(), ring.end(), ring.push('d')), (3, 3, 3));

        let mut after = Ring::starting_at(ring.end());
        assert_eq!(
            (after.is_empty(), after.first(), after.push('e')),
            (true, 4, 4)
        );
    }

    #[test]
    fn items_are_listed_with_their_numbers_from_both_ends() {
        let mut ring = Ring::new();
        for item in ['a', 'b', 'c'] {
            ring.push(item);
        }
        ring.drop_first();

        assert_eq!(ring.iter().collect::<Vec<_>>(), [(1, &'b'), (2, &'c')]);
        assert_eq!(ring.iter().next_back(), Some((2, &'c')));
    }
}
