//! How many different visitors: exactly up to some hundreds, and beyond by a HyperLogLog of 4,096 registers.
//!
//! The count depends on the set alone, not on the order or on how parts were merged, so that every store says the same. The
//! error of the estimate is 1.6 %. Pure.

use crate::projections::registers;

/// Most visitors that are kept one by one: as many bytes as the registers.
const EXACT: usize = 512;
const REGISTERS: usize = 1 << 12;

/// A set of visitors' numbers, which must be spread evenly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sketch {
    /// Each of them, in order.
    Exact(Vec<u64>),
    /// For each register the highest rank.
    Dense(Box<[u8]>),
}

impl Default for Sketch {
    fn default() -> Self {
        Sketch::Exact(Vec::new())
    }
}

impl Sketch {
    /// Puts a visitor in.
    pub fn add(&mut self, number: u64) {
        match self {
            Sketch::Exact(all) => {
                let Err(place) = all.binary_search(&number) else { return };
                all.insert(place, number);
                if all.len() > EXACT {
                    let numbers = std::mem::take(all);
                    *self = Sketch::dense(&numbers);
                }
            }
            Sketch::Dense(ranks) => registers::raise(ranks, number),
        }
    }

    /// Puts in whoever is in the other.
    pub fn merge(&mut self, other: &Sketch) {
        match (&mut *self, other) {
            (_, Sketch::Exact(numbers)) => numbers.iter().for_each(|number| self.add(*number)),
            (Sketch::Exact(numbers), Sketch::Dense(_)) => {
                let numbers = std::mem::take(numbers);
                *self = other.clone();
                numbers.into_iter().for_each(|number| self.add(number));
            }
            (Sketch::Dense(mine), Sketch::Dense(theirs)) => {
                registers::unite(mine, theirs);
            }
        }
    }

    /// Returns how many there are.
    pub fn count(&self) -> u64 {
        match self {
            Sketch::Exact(all) => all.len() as u64,
            Sketch::Dense(ranks) => registers::estimate(ranks),
        }
    }

    fn dense(numbers: &[u64]) -> Sketch {
        let mut ranks = vec![0; REGISTERS].into_boxed_slice();
        numbers.iter().for_each(|number| registers::raise(&mut ranks, *number));
        Sketch::Dense(ranks)
    }

    /// Returns it as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Sketch::Exact(all) => all.iter().flat_map(|number| number.to_le_bytes()).collect(),
            Sketch::Dense(ranks) => std::iter::once(1).chain(ranks.iter().copied()).collect(),
        }
    }

    /// Reads [`to_bytes`](Sketch::to_bytes); what is none is empty.
    pub fn from_bytes(bytes: &[u8]) -> Sketch {
        match bytes.split_first() {
            Some((_, ranks)) if ranks.len() == REGISTERS => Sketch::Dense(ranks.into()),
            _ => Sketch::Exact(
                bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stores::reports::fact::number_of;

    fn of(range: std::ops::Range<u32>) -> Sketch {
        let mut sketch = Sketch::default();
        range.for_each(|n| sketch.add(number_of(&format!("visitor-{n}"))));
        sketch
    }

    #[test]
    fn few_are_counted_exactly_and_many_within_five_percent() {
        for all in [0, 1, 500, 512] {
            assert_eq!(of(0..all).count(), u64::from(all));
        }
        for all in [513_u32, 1_000, 5_000, 20_000, 100_000] {
            let found = of(0..all).count() as f64;
            assert!((found / f64::from(all) - 1.0).abs() < 0.05, "{found} of {all}");
        }
    }

    proptest! {
        /// Days are merged into months, and months must not depend on how.
        #[test]
        fn a_count_depends_on_who_is_in_and_not_on_the_way(
            cuts in proptest::collection::vec((0..3_000_u32, 0..900_u32), 1..6),
        ) {
            let mut merged = Sketch::default();
            let mut added = Sketch::default();
            for (from, len) in &cuts {
                let part = of(*from..from + len);
                prop_assert_eq!(&Sketch::from_bytes(&part.to_bytes()), &part);
                merged.merge(&part);
            }
            for (from, len) in cuts.iter().rev() {
                (*from..from + len).rev().for_each(|n| added.add(number_of(&format!("visitor-{n}"))));
            }
            prop_assert_eq!(merged, added);
        }
    }
}
