//! Where reading a partition begins, and what each destination has had of it.
//!
//! Pure. Nothing that a destination was promised may be passed over: reading begins at the lowest mark of all.

use std::collections::BTreeMap;

use super::groups::Bounds;
use crate::policy::settled::Settled;

/// What a destination's group knows of a partition.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Its name.
    pub(super) destination: String,
    /// What it has settled, if it ever said so.
    pub(super) settled: Option<Settled>,
    /// Where it begins otherwise.
    pub(super) otherwise: u64,
}

/// Where a partition begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Beginning {
    /// The first offset to read.
    pub(super) offset: u64,
    /// What each destination has settled.
    pub(super) inherited: BTreeMap<String, Settled>,
    /// How many events each destination will never get: the topic gave them up.
    pub(super) lost: BTreeMap<String, u64>,
    /// Where the groups were, when the topic's offsets began anew: it does not reach that far, or is another one.
    pub(super) was_at: Option<u64>,
}

/// Decides from what the groups know, the oldest offset that the topic has and the one after its newest, the next one that
/// the routers would read, and whether another record was found where they had been.
///
/// A group that is further than the topic speaks of other offsets, and so do the rest of them: nobody can say which of the
/// present events a destination has had, so that it gets all of them.
pub(super) fn begin(known: Vec<Known>, (oldest, newest): Bounds, next: u64, is_other: bool) -> Beginning {
    let was_at = furthest(&known).max(next);
    let is_anew = is_other || was_at > newest;
    let mut beginning = Beginning {
        offset: u64::MAX,
        inherited: BTreeMap::new(),
        lost: BTreeMap::new(),
        was_at: is_anew.then_some(was_at),
    };
    if is_anew {
        let from_the_oldest = |one: Known| (one.destination, Settled::new(oldest, &[]));
        beginning.inherited = known.into_iter().map(from_the_oldest).collect();
        beginning.offset = oldest;
        return beginning;
    }
    for Known { destination, settled, otherwise } in known {
        let missing = settled.as_ref().map_or(0, |settled| settled.missing(settled.mark()..oldest));
        if missing > 0 {
            beginning.lost.insert(destination.clone(), missing);
        }
        let mut settled = settled.unwrap_or_else(|| Settled::new(otherwise, &[]));
        settled.settle(0..oldest);
        beginning.offset = beginning.offset.min(settled.mark());
        beginning.inherited.insert(destination, settled);
    }
    if beginning.inherited.is_empty() {
        beginning.offset = next.max(oldest);
    }
    beginning
}

/// Returns the highest offset that any group has settled.
fn furthest(known: &[Known]) -> u64 {
    let settled = known.iter().filter_map(|known| known.settled.as_ref());
    settled.map(|settled| settled.ranges().last().map_or(settled.mark(), |last| last.end)).max().unwrap_or(0)
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a set of one range is meant")]
mod tests {
    use super::*;

    fn known(destination: &str, settled: Option<Settled>, otherwise: u64) -> Known {
        Known { destination: destination.to_owned(), settled, otherwise }
    }

    #[test]
    fn reading_begins_at_the_lowest_mark_and_nobody_gets_twice_what_it_had() {
        let both = vec![
            known("a", Some(Settled::new(10, &[12..14])), 0),
            known("b", Some(Settled::new(30, &[])), 0),
            known("new", None, 25),
        ];
        let beginning = begin(both, (5, 40), 40, false);
        assert_eq!((beginning.offset, beginning.lost.len()), (10, 0));
        assert_eq!(beginning.inherited["a"], Settled::new(10, &[12..14]));
        assert_eq!(beginning.inherited["new"].mark(), 25);
    }

    #[test]
    fn what_the_topic_gave_up_is_counted_for_whoever_had_not_had_it() {
        let both = vec![
            known("slow", Some(Settled::new(10, &[12..14])), 0),
            known("new", None, 0),
            known("fine", Some(Settled::new(50, &[])), 0),
        ];
        let beginning = begin(both, (20, 60), 60, false);
        assert_eq!(beginning.lost, BTreeMap::from([("slow".to_owned(), 8)]));
        assert_eq!((beginning.offset, beginning.inherited["slow"].mark()), (20, 20));
        assert_eq!(beginning.inherited["new"].mark(), 20, "it was promised nothing of that");
    }

    #[test]
    fn without_destinations_the_routers_go_on_where_they_were() {
        assert_eq!(begin(Vec::new(), (3, 9), 9, false).offset, 9);
        assert_eq!(begin(Vec::new(), (3, 9), 0, false).offset, 3);
    }

    #[test]
    fn a_group_that_is_further_than_the_topic_makes_everybody_begin_with_the_oldest() {
        let both = || {
            vec![
                known("a", Some(Settled::new(10, &[12..41])), 0),
                known("slow", Some(Settled::new(7, &[])), 0),
            ]
        };
        let anew = begin(both(), (2, 40), 0, false);
        assert_eq!((anew.offset, anew.was_at, anew.lost.len()), (2, Some(41), 0));
        assert!(anew.inherited.values().all(|settled| *settled == Settled::new(2, &[])), "{anew:?}");
        assert_eq!(begin(both(), (2, 41), 41, false).was_at, None);
        assert_eq!(begin(both(), (2, 41), 42, false).was_at, Some(42), "that of the routers counts too");
        assert_eq!(begin(Vec::new(), (0, 3), 9, false).offset, 0);
        let other = begin(both(), (2, 90), 60, true);
        assert_eq!((other.offset, other.was_at), (2, Some(60)), "another record is where they were");
        let new = begin(vec![known("new", None, 9)], (0, 3), 9, false);
        assert_eq!(new.inherited["new"].mark(), 0, "`now` is of the former offsets too");
    }
}
