//! Where reading a partition begins, and what each destination has had of it.
//!
//! Pure. Nothing that a destination was promised may be passed over: reading begins at the lowest mark of all.

use std::collections::BTreeMap;

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
}

/// Decides from what the groups know, the oldest offset that the topic has, and the next one that the routers would read.
pub(super) fn begin(known: Vec<Known>, oldest: u64, next: u64) -> Beginning {
    let mut beginning = Beginning { offset: u64::MAX, inherited: BTreeMap::new(), lost: BTreeMap::new() };
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
        let beginning = begin(both, 5, 40);
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
        let beginning = begin(both, 20, 60);
        assert_eq!(beginning.lost, BTreeMap::from([("slow".to_owned(), 8)]));
        assert_eq!((beginning.offset, beginning.inherited["slow"].mark()), (20, 20));
        assert_eq!(beginning.inherited["new"].mark(), 20, "it was promised nothing of that");
    }

    #[test]
    fn without_destinations_the_routers_go_on_where_they_were() {
        assert_eq!(begin(Vec::new(), 3, 9).offset, 9);
        assert_eq!(begin(Vec::new(), 3, 0).offset, 3);
    }
}
