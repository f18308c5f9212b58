//! Which destinations a committed group concerns. One precedence chain, decided once, per group and not per event.

use crate::spec::Kind;

use super::filter::EventFilter;

/// A set of call kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// Adds a kind.
    pub fn insert(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u8;
    }

    /// Returns the kinds that could pass this filter.
    pub fn of_filter(filter: &EventFilter) -> Kinds {
        Kind::ALL.into_iter().filter(|kind| filter.concerns(*kind)).collect()
    }

    /// Returns whether the two sets share a kind.
    pub fn meet(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        let mut set = Kinds::default();
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}

/// Returns the indexes of the destinations that must be woken for a group of these kinds.
///
/// One that is not woken passes over the group at its next tick.
pub fn concerned(group: Kinds, interests: &[Kinds]) -> impl Iterator<Item = usize> {
    interests.iter().enumerate().filter(move |(_, interest)| interest.meet(group)).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_destinations_with_a_kind_of_the_group_are_woken() {
        let kinds = |list: &[Kind]| list.iter().copied().collect::<Kinds>();
        let interests = [kinds(&Kind::ALL), kinds(&[Kind::Page]), kinds(&[Kind::Track, Kind::Alias])];
        let woken: Vec<usize> = concerned(kinds(&[Kind::Track]), &interests).collect();
        assert_eq!(woken, [0, 2]);
    }
}
