//! Rows by a name that strangers choose: so many are counted one by one, and the rest together.
//!
//! Whoever has a write key can make up pages, names and campaigns without an end; memory must not follow. When twice as many
//! are held as may be, those with the smallest weight are joined under one name, so that a flood of what was seen once cannot
//! push out what many look at. Up to twice the bound everything is exact. Pure.

use std::collections::HashMap;

/// Most names that a report, or a site's day, tells apart.
pub const MOST: usize = 10_000;
/// What the rest is called.
pub const OTHER: &str = "(other)";

/// What is counted of a name.
pub trait Weighed: Default {
    /// Returns what decides whether it stays apart.
    fn weight(&self) -> u64;
    /// Takes everything that another has counted.
    fn join(&mut self, other: Self);
}

/// See the module.
#[derive(Debug)]
pub struct Top<T> {
    of: HashMap<Box<str>, T>,
    most: usize,
}

impl<T: Weighed> Default for Top<T> {
    fn default() -> Self {
        Top { of: HashMap::new(), most: MOST }
    }
}

impl<T: Weighed> Top<T> {
    /// Returns what is counted of a name.
    pub fn at(&mut self, name: &str) -> &mut T {
        if !self.of.contains_key(name) && self.of.len() >= 2 * self.most {
            self.shrink();
        }
        self.of.entry(name.into()).or_default()
    }

    /// Returns what is counted of a name, where it is told apart.
    pub fn known(&mut self, name: &str) -> Option<&mut T> {
        self.of.get_mut(name)
    }

    /// Returns all that are held, in any order.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.of.values()
    }

    /// Returns the names with what is counted of them: at most so many as may be, the heaviest first, and the rest.
    pub fn into_sorted(mut self) -> Vec<(String, T)> {
        self.shrink();
        let mut all: Vec<(String, T)> = self.of.into_iter().map(|(name, of)| (name.into(), of)).collect();
        all.sort_by(|one, other| (other.1.weight(), &one.0).cmp(&(one.1.weight(), &other.0)));
        all
    }

    /// Joins what is beyond the bound.
    fn shrink(&mut self) {
        let named = self.of.len() - usize::from(self.of.contains_key(OTHER));
        if named > self.most {
            self.join_lightest();
        }
    }

    fn join_lightest(&mut self) {
        // The others are not ranked among the names: they may be many, and are none.
        let mut others = self.of.remove(OTHER).unwrap_or_default();
        let mut all: Vec<(Box<str>, T)> = std::mem::take(&mut self.of).into_iter().collect();
        // The name decides between equals, so that every store says the same.
        all.sort_by(|one, other| (other.1.weight(), &one.0).cmp(&(one.1.weight(), &other.0)));
        let rest = all.split_off(self.most);
        self.of = all.into_iter().collect();
        rest.into_iter().for_each(|(_, of)| others.join(of));
        self.of.insert(OTHER.into(), others);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Count(u64);

    impl Weighed for Count {
        fn weight(&self) -> u64 {
            self.0
        }

        fn join(&mut self, other: Self) {
            self.0 += other.0;
        }
    }

    #[test]
    fn a_flood_of_names_is_counted_together_and_pushes_nothing_out() {
        let mut top = Top::<Count> { most: 3, ..Top::default() };
        (0..100).for_each(|n| {
            top.at(&format!("flood-{n:03}")).0 += 1;
            top.at("/home").0 += 1;
            assert!(top.of.len() <= 6);
        });
        assert!(top.known("/home").is_some());
        let all = top.into_sorted();
        assert_eq!(all.iter().map(|(_, count)| count.0).sum::<u64>(), 200, "nothing is lost");
        assert_eq!((all.len(), all[0].0.as_str(), all[0].1.0), (4, "/home", 100));
        assert_eq!((all[1].0.as_str(), all[1].1.0), (OTHER, 98));
    }

    #[test]
    fn as_many_as_may_be_are_exact() {
        let mut top = Top::<Count> { most: 3, ..Top::default() };
        ["b", "a", "a", "c"].into_iter().for_each(|name| top.at(name).0 += 1);
        let all: Vec<(String, u64)> =
            top.into_sorted().into_iter().map(|(name, count)| (name, count.0)).collect();
        assert_eq!(all, [("a".to_owned(), 2), ("b".to_owned(), 1), ("c".to_owned(), 1)]);
    }
}
