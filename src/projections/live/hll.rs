//! How many different hashes there were, about: HyperLogLog with 2^14 registers of a byte, whose error is 0.8 % (one
//! standard deviation). After Flajolet, Fusy, Gandouet and Meunier, 2007, with linear counting for small numbers.
//!
//! Our own because it is this short, and registers of minutes have to be united without a copy each.

/// Bits of a hash that choose the register.
const BITS: u32 = 14;
const REGISTERS: usize = 1 << BITS;

/// A set that knows its size alone. Takes no memory before the first hash.
#[derive(Debug, Clone, Default)]
pub(super) struct Hll(Vec<u8>);

impl Hll {
    /// Takes a hash of 64 good bits.
    pub(super) fn insert(&mut self, hash: u64) {
        if self.0.is_empty() {
            self.0.resize(REGISTERS, 0);
        }
        let place = usize::try_from(hash >> (64 - BITS)).unwrap_or_default();
        // The bit behind the last one ends the run of zeros.
        let rest = (hash << BITS) | (1 << (BITS - 1));
        let rank = u8::try_from(rest.leading_zeros() + 1).unwrap_or(u8::MAX);
        if let Some(register) = self.0.get_mut(place) {
            *register = rank.max(*register);
        }
    }

    /// Takes everything that another one has taken.
    pub(super) fn unite(&mut self, other: &Hll) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
    }

    /// Returns about how many different hashes it has taken.
    #[expect(clippy::cast_precision_loss, reason = "registers are few")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count is not negative")]
    pub(super) fn count(&self) -> u64 {
        if self.0.is_empty() {
            return 0;
        }
        // Ranks are few, registers are many.
        let mut ranks = [0_u32; 64];
        for rank in &self.0 {
            ranks.get_mut(usize::from(*rank)).into_iter().for_each(|count| *count += 1);
        }
        let registers = REGISTERS as f64;
        let sum: f64 =
            (0_u32..).zip(ranks).map(|(rank, count)| f64::from(count) * (-f64::from(rank)).exp2()).sum();
        let raw = 0.7213 / (1.0 + 1.079 / registers) * registers * registers / sum;
        let empty = ranks.first().copied().unwrap_or_default();
        let count = if raw <= 2.5 * registers && empty > 0 {
            registers * (registers / f64::from(empty)).ln()
        } else {
            raw
        };
        count.round() as u64
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
