//! How many different hashes there were, about: 2^14 [`registers`] of a byte, whose error is 0.8 % (one standard deviation).
//!
//! Separate because the live view keeps one for each minute, and most of them stay empty.

use crate::projections::registers;

const REGISTERS: usize = 1 << 14;

/// A set that knows its size alone. Takes no memory before the first hash.
#[derive(Debug, Clone, Default)]
pub(super) struct Hll(Vec<u8>);

impl Hll {
    /// Takes a hash of 64 good bits.
    pub(super) fn insert(&mut self, hash: u64) {
        if self.0.is_empty() {
            self.0.resize(REGISTERS, 0);
        }
        registers::raise(&mut self.0, hash);
    }

    /// Takes everything that another one has taken.
    pub(super) fn unite(&mut self, other: &Hll) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        registers::unite(&mut self.0, &other.0);
    }

    /// Returns about how many different hashes it has taken.
    pub(super) fn count(&self) -> u64 {
        if self.0.is_empty() { 0 } else { registers::estimate(&self.0) }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash, Hasher};

    use super::*;

    fn hash(n: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        n.hash(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn counts_are_right_within_three_in_a_hundred() {
        let mut hll = Hll::default();
        assert_eq!(hll.count(), 0);
        let mut taken = 0_u64;
        for wanted in [1_u64, 10, 100, 1_000, 10_000, 45_000, 300_000] {
            for n in taken..wanted {
                hll.insert(hash(n));
                hll.insert(hash(n));
            }
            taken = wanted;
            let off = hll.count().abs_diff(wanted);
            assert!(off * 100 <= wanted * 3, "{} of {wanted}", hll.count());
        }
    }

    #[test]
    fn united_they_count_what_is_in_either_once() {
        let (mut one, mut other, mut both) = (Hll::default(), Hll::default(), Hll::default());
        (0..6_000).for_each(|n| one.insert(hash(n)));
        (4_000..10_000).for_each(|n| other.insert(hash(n)));
        (0..10_000).for_each(|n| both.insert(hash(n)));
        let mut united = Hll::default();
        united.unite(&one);
        united.unite(&other);
        assert_eq!(united.count(), both.count());
    }
}
