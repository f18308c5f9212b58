//! Marks, what is passed over, and offsets that begin anew.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap as Map, BTreeSet};

const HOOK: &str = "hook";

fn held(base: u64, inherited: Settled) -> Held {
    Held::new(base, 0, Map::from([(HOOK.to_owned(), inherited)]))
}

#[test]
fn a_cursor_becomes_a_mark_for_each_partition() {
    let mut index = Index::default();
    index.take(0, held(100, Settled::new(100, &[])));
    index.take(1, held(7, Settled::new(7, &[])));
    for (position, partition, offset) in [(50, 0, 100), (51, 0, 101), (52, 1, 7), (53, 0, 103), (54, 1, 8)] {
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
fn what_is_not_there_to_be_read_shows_as_a_gap() {
    let mut index = Index::default();
    index.take(0, held(10, Settled::new(12, &[])));
    let seen = [14, 15, 17].map(|offset| index.see(0, offset, 0));
    assert_eq!(seen, [10, 15, 16].map(|after| Seen::New { after }));
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

#[test]
fn what_lay_in_the_spool_before_offsets_began_anew_is_served_and_no_group_hears_of_it() {
    let mut index = Index::default();
    index.take(0, held(10, Settled::new(12, &[])));
    for n in 0..4 {
        assert_eq!(index.see(0, 10 + n, 0), Seen::New { after: 10 + n });
        index.add(100 + n, 0, 10 + n);
        index.read_to(0, 11 + n);
    }
    assert_eq!(index.see(0, 3, 0), Seen::Anew);
    index.begin_anew(0, 3);
    assert_eq!(index.see(0, 3, 0), Seen::New { after: 3 });
    index.add(104, 0, 3);
    index.read_to(0, 4);
    assert_eq!(index.passed_over(HOOK, 100..105), [100..102], "what it had before is not sent again");
    let settled = index.settled(HOOK, &Settled::new(103, &[104..105]));
    assert_eq!(settled, Map::from([(0, Settled::new(4, &[]))]), "103 is none of the new offsets");
    index.release(0);
    assert_eq!(index.passed_over(HOOK, 100..105), [100..102, 104..105], "nobody else has 102 and 103");
    index.take(0, held(0, Settled::default()));
    index.clear();
    assert_eq!(index.passed_over(HOOK, 100..104), [100..102]);
    index.prune(104);
    assert!(index.runs.is_empty() && index.held.is_empty());
}

#[test]
fn nothing_is_stored_of_a_partition_that_is_blocked_or_was_not_held_when_it_was_read() {
    let mut index = Index::default();
    index.take(0, Held::new(5, 2, Map::new()));
    assert_eq!(index.see(0, 5, 1), Seen::NotOurs);
    assert_eq!(index.see(1, 5, 2), Seen::NotOurs);
    assert_eq!(index.see(0, 5, 2), Seen::New { after: 5 });
    index.block(0, 6);
    assert_eq!(index.see(0, 7, 2), Seen::NotOurs);
    assert_eq!(index.blocked().collect::<Vec<_>>(), [(0, 6)]);
    index.take(0, Held::new(5, 3, Map::new()));
    assert_eq!(index.blocked().count(), 0);
}
