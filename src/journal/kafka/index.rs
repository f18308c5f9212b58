//! Which offset of which partition lies where in the spool, and what that makes of a destination's cursor.
//!
//! The spool numbers what this router has read; Kafka numbers a partition. Runs of both that go together are kept as long as
//! some destination has not settled them. Pure: never reads either of them.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::policy::settled::Settled;

/// A run of consecutive offsets at consecutive positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    partition: i32,
    offset: u64,
    len: u64,
}

/// A partition that this router holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    /// Where reading began.
    pub(super) base: u64,
    /// The next offset to read: what is below it is in the spool, or was not worth it.
    pub(super) next: u64,
    /// When it was taken, as a number that grows with each rebalance.
    pub(super) since: u64,
    /// What each destination had settled before, here or elsewhere, in offsets.
    pub(super) inherited: BTreeMap<String, Settled>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Index {
    runs: BTreeMap<u64, Run>,
    held: BTreeMap<i32, Held>,
}

impl Index {
    /// Takes a partition, of which nothing is in the spool that counts.
    pub(super) fn take(&mut self, partition: i32, held: Held) {
        self.release(partition);
        self.held.insert(partition, held);
    }

    /// Lets a partition go: what is in the spool of it is nobody's business here any more.
    pub(super) fn release(&mut self, partition: i32) {
        self.held.remove(&partition);
        self.runs.retain(|_, run| run.partition != partition);
    }

    /// Lets all partitions go.
    pub(super) fn clear(&mut self) {
        *self = Index::default();
    }

    /// Returns what is known of a partition that is held.
    pub(super) fn held(&self, partition: i32) -> Option<&Held> {
        self.held.get(&partition)
    }

    /// Returns the partitions that are held, with what is known of them.
    pub(super) fn partitions(&self) -> impl Iterator<Item = (i32, &Held)> {
        self.held.iter().map(|(partition, held)| (*partition, held))
    }

    /// An offset is about to be at a position, which is above all others.
    pub(super) fn add(&mut self, position: u64, partition: i32, offset: u64) {
        if let Some((first, run)) = self.runs.iter_mut().next_back()
            && run.partition == partition
            && first + run.len == position
            && run.offset + run.len == offset
        {
            run.len += 1;
            return;
        }
        self.runs.insert(position, Run { partition, offset, len: 1 });
    }

    /// Nothing came to lie at this position and above.
    pub(super) fn retract(&mut self, from: u64) {
        drop(self.runs.split_off(&from));
        if let Some((first, run)) = self.runs.iter_mut().next_back() {
            run.len = run.len.min(from - first);
        }
    }

    /// Everything of a partition below this offset was read.
    pub(super) fn read_to(&mut self, partition: i32, next: u64) {
        if let Some(held) = self.held.get_mut(&partition) {
            held.next = held.next.max(next);
        }
    }

    /// Returns which offsets are missing before and between these, which come in the order of each partition.
    pub(super) fn gaps(&self, read: impl Iterator<Item = (i32, u64)>) -> Vec<(i32, Range<u64>)> {
        let mut expected = BTreeMap::new();
        let mut gaps = Vec::new();
        for (partition, offset) in read {
            let Some(held) = self.held.get(&partition) else { continue };
            let next = expected.insert(partition, offset + 1).unwrap_or(held.next);
            if next < offset {
                gaps.push((partition, next..offset));
            }
        }
        gaps
    }

    /// Returns how many of these offsets each destination had not settled before.
    pub(super) fn unsettled(&self, partition: i32, offsets: &Range<u64>) -> BTreeMap<String, u64> {
        let inherited = self.held.get(&partition).into_iter().flat_map(|held| &held.inherited);
        let counts =
            inherited.map(|(destination, known)| (destination.clone(), known.missing(offsets.clone())));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// Gives up what lies wholly below a position that every destination has passed.
    pub(super) fn prune(&mut self, below: u64) {
        while let Some(first) = self.runs.first_entry() {
            if first.key() + first.get().len > below {
                break;
            }
            first.remove();
        }
    }

    /// Returns the positions of a range that a destination has nothing to do with: their partition is gone, or it had them
    /// settled before they were read.
    pub(super) fn passed_over(&self, destination: &str, range: Range<u64>) -> Vec<Range<u64>> {
        let mut alive = Settled::default();
        for (position, run) in self.overlapping(&range) {
            let offsets = run.offset..run.offset + run.len;
            let inherited = self.held.get(&run.partition).and_then(|held| held.inherited.get(destination));
            let open = match inherited {
                Some(known) => known.gaps(offsets),
                None => vec![offsets],
            };
            for gap in open {
                alive.settle(position + gap.start - run.offset..position + gap.end - run.offset);
            }
        }
        alive.gaps(range)
    }

    /// Returns what a destination with this cursor has settled of each partition, in offsets.
    pub(super) fn settled(&self, destination: &str, cursor: &Settled) -> BTreeMap<i32, Settled> {
        let mut open: BTreeMap<i32, Vec<Range<u64>>> = BTreeMap::new();
        let end = self.runs.last_key_value().map_or(0, |(first, run)| first + run.len);
        for gap in cursor.gaps(cursor.mark()..end) {
            for (position, run) in self.overlapping(&gap) {
                let first = run.offset + gap.start.saturating_sub(position);
                let last = run.offset + run.len.min(gap.end - position);
                open.entry(run.partition).or_default().push(first..last);
            }
        }
        let of = |(partition, held): (&i32, &Held)| {
            let open = open.get(partition).map_or(&[][..], Vec::as_slice);
            (*partition, held.without(destination, open))
        };
        self.held.iter().map(of).collect()
    }

    fn overlapping(&self, range: &Range<u64>) -> impl Iterator<Item = (u64, &Run)> {
        let before = self.runs.range(..range.start).next_back();
        let start = range.start;
        let before = before.filter(move |(first, run)| **first + run.len > start);
        let within = self.runs.range(range.start..range.end.max(range.start));
        before.into_iter().chain(within).map(|(first, run)| (*first, run))
    }
}

impl Held {
    /// Returns everything that was read but these offsets, and what was settled before. Offsets come in order.
    fn without(&self, destination: &str, open: &[Range<u64>]) -> Settled {
        let mut settled =
            self.inherited.get(destination).cloned().unwrap_or_else(|| Settled::new(self.base, &[]));
        let mut from = self.base;
        for range in open {
            settled.settle(from..range.start);
            from = range.end;
        }
        settled.settle(from..self.next);
        settled
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a set of one range is meant")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap as Map, BTreeSet};

    const HOOK: &str = "hook";

    fn held(base: u64, inherited: Settled) -> Held {
        Held { base, next: base, since: 0, inherited: Map::from([(HOOK.to_owned(), inherited)]) }
    }

    #[test]
    fn a_cursor_becomes_a_mark_for_each_partition() {
        let mut index = Index::default();
        index.take(0, held(100, Settled::new(100, &[])));
        index.take(1, held(7, Settled::new(7, &[])));
        for (position, partition, offset) in
            [(50, 0, 100), (51, 0, 101), (52, 1, 7), (53, 0, 103), (54, 1, 8)]
        {
            index.add(position, partition, offset);
            index.read_to(partition, offset + 1);
        }
        let marks = |cursor: Settled| {
            let settled = index.settled(HOOK, &cursor);
            [0, 1].map(|partition| (settled[&partition].mark(), settled[&partition].ranges()))
        };
        assert_eq!(marks(Settled::new(50, &[])), [(100, vec![102..103]), (7, vec![])], "a gap is settled");
        assert_eq!(marks(Settled::new(52, &[53..54])), [(104, vec![]), (7, vec![])]);
        assert_eq!(marks(Settled::new(50, &[51..53])), [(100, vec![101..103]), (8, vec![])]);
        assert_eq!(marks(Settled::new(55, &[])), [(104, vec![]), (9, vec![])]);
    }

    #[test]
    fn what_was_settled_before_and_what_is_gone_is_passed_over() {
        let mut index = Index::default();
        index.take(0, held(10, Settled::new(12, &[14..15])));
        index.take(1, held(0, Settled::new(0, &[])));
        (0..6).for_each(|n| index.add(100 + n, 0, 10 + n));
        index.add(106, 1, 0);
        assert_eq!(index.passed_over(HOOK, 98..107), [98..102, 104..105]);
        assert_eq!(index.passed_over("other", 100..107), Vec::<Range<u64>>::new());
        index.release(0);
        assert_eq!(index.passed_over(HOOK, 100..108), [100..106, 107..108]);
        assert!(!index.settled(HOOK, &Settled::new(0, &[])).contains_key(&0));
    }

    #[test]
    fn what_the_topic_gave_up_is_missed_by_whoever_had_not_had_it() {
        let mut index = Index::default();
        index.take(0, held(10, Settled::new(12, &[])));
        let read = [(0, 14), (1, 3), (0, 15), (0, 17)];
        assert_eq!(index.gaps(read.into_iter()), [(0, 10..14), (0, 16..17)]);
        assert_eq!(index.unsettled(0, &(10..14)), Map::from([(HOOK.to_owned(), 2)]));
        assert!(index.unsettled(0, &(10..12)).is_empty() && index.unsettled(7, &(0..9)).is_empty());
    }

    #[test]
    fn what_did_not_come_to_lie_anywhere_is_retracted() {
        let mut index = Index::default();
        index.take(0, held(0, Settled::default()));
        (0..4).for_each(|n| index.add(n, 0, n));
        index.retract(2);
        assert_eq!(index.passed_over(HOOK, 0..4), [2..4]);
        index.prune(2);
        assert!(index.runs.is_empty());
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// The next offset of a partition is read, or skipped.
        Read { partition: i32, is_duplicate: bool },
        /// The destination settles the nth position.
        Settle(usize),
        /// What all have passed is given up.
        Prune,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..3i32, any::<bool>()).prop_map(|(partition, odd)| Step::Read { partition, is_duplicate: odd }),
            3 => (0..60usize).prop_map(Step::Settle),
            1 => Just(Step::Prune),
        ]
    }

    proptest! {
        #[test]
        fn a_mark_never_passes_an_offset_that_is_not_settled(
            steps in proptest::collection::vec(step(), 0..120),
            before in 0u64..4,
        ) {
            let mut index = Index::default();
            let inherited = Settled::new(before, &[before + 1..before + 2]);
            (0..3).for_each(|partition| index.take(partition, held(0, inherited.clone())));
            let mut places: Vec<(i32, u64)> = Vec::new();
            let mut next = [0u64; 3];
            let mut cursor = Settled::default();
            for step in steps {
                match step {
                    Step::Read { partition, is_duplicate } => {
                        let offset = next[partition as usize];
                        next[partition as usize] += 1;
                        if !is_duplicate {
                            index.add(places.len() as u64, partition, offset);
                            places.push((partition, offset));
                        }
                        index.read_to(partition, offset + 1);
                    }
                    Step::Settle(n) if n < places.len() => cursor.settle(n as u64..n as u64 + 1),
                    Step::Settle(_) => {}
                    Step::Prune => index.prune(cursor.mark()),
                }
                let passed: BTreeSet<u64> =
                    index.passed_over(HOOK, cursor.mark()..places.len() as u64).into_iter().flatten().collect();
                let told = index.settled(HOOK, &cursor);
                for (position, (partition, offset)) in places.iter().enumerate() {
                    let is_settled = cursor.contains(position as u64) || inherited.contains(*offset);
                    prop_assert_eq!(told[partition].contains(*offset), is_settled, "{} of {}", offset, partition);
                    if !cursor.contains(position as u64) {
                        prop_assert_eq!(passed.contains(&(position as u64)), inherited.contains(*offset));
                    }
                }
                for partition in 0..3 {
                    let unread = next[partition as usize];
                    prop_assert!(!told[&partition].contains(unread) || inherited.contains(unread));
                    let all = (0..unread).all(|offset| told[&partition].contains(offset));
                    prop_assert!(!all || told[&partition].mark() >= unread, "nothing holds the mark back");
                }
            }
        }
    }
}
