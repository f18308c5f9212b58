//! Offsets that were not there to be read: what of them the topic gave up is counted as lost, once the brokers say how far it
//! reaches.
//!
//! Separate because brokers may be slow to say so, or silent, and reading goes on meanwhile. Never decides what is read.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::journal::JournalError;
use crate::policy::settled::Settled;

/// Gaps that wait at most: a topic that others write into with transactions has one after each.
const MOST: usize = 1_000;

/// A stretch of a partition that was not read.
#[derive(Debug)]
pub(super) struct Gap {
    pub(super) partition: i32,
    pub(super) offsets: Range<u64>,
    /// What each destination had settled before.
    pub(super) inherited: BTreeMap<String, Settled>,
}

/// Those that wait to be counted.
#[derive(Debug, Default)]
pub(super) struct Gaps(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    gaps: VecDeque<Gap>,
    /// One was left out since there was room the last time.
    is_overfull: bool,
}

impl Gaps {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has one counted. Returns whether that is the first one for which there is no room.
    pub(super) fn add(&self, gap: Gap) -> bool {
        let mut waiting = self.waiting();
        if waiting.gaps.len() < MOST {
            waiting.gaps.push_back(gap);
            waiting.is_overfull = false;
            return false;
        }
        !std::mem::replace(&mut waiting.is_overfull, true)
    }

    /// Returns how many events each destination has lost by them. `bounds` says from which offset on a partition has records;
    /// what lies above is no loss, since something else than events was there. It may take long to fail: after it has, nothing
    /// is asked in this round, and the others come first in the next.
    ///
    /// # Errors
    /// That of `bounds`; what it was asked for waits behind the others, and what was counted before is in the map.
    pub(super) fn count(
        &self,
        lost: &mut BTreeMap<String, u64>,
        mut bounds: impl FnMut(i32) -> Result<(u64, u64), JournalError>,
    ) -> Result<(), JournalError> {
        let mut known = BTreeMap::new();
        loop {
            let Some(partition) = self.waiting().gaps.front().map(|gap| gap.partition) else { return Ok(()) };
            let oldest = match known.get(&partition) {
                Some(oldest) => *oldest,
                None => match bounds(partition) {
                    Ok((oldest, _)) => *known.entry(partition).or_insert(oldest),
                    Err(error) => {
                        self.put_behind(partition);
                        return Err(error);
                    }
                },
            };
            let Some(Gap { offsets, inherited, .. }) = self.waiting().gaps.pop_front() else { return Ok(()) };
            let gone = offsets.start..offsets.end.min(oldest);
            let counts = inherited.into_iter().map(|(name, settled)| (name, settled.missing(gone.clone())));
            for (destination, missing) in counts.filter(|(_, missing)| *missing > 0) {
                *lost.entry(destination).or_default() += missing;
            }
        }
    }

    /// Has the gaps of a partition wait behind those of the others.
    fn put_behind(&self, partition: i32) {
        self.waiting().gaps.make_contiguous().sort_by_key(|gap| gap.partition == partition);
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a set of one range is meant")]
mod tests {
    use super::*;
    use crate::journal::kafka::io;

    fn gap(partition: i32, offsets: Range<u64>, settled: Settled) -> Gap {
        Gap { partition, offsets, inherited: BTreeMap::from([("hook".to_owned(), settled)]) }
    }

    #[test]
    fn what_the_topic_gave_up_is_counted_when_the_brokers_answer_again_and_once() {
        let gaps = Gaps::default();
        assert!(!gaps.add(gap(0, 10..20, Settled::new(10, &[12..14]))));
        assert!(!gaps.add(gap(1, 5..6, Settled::new(5, &[]))));
        assert!(!gaps.add(gap(0, 30..31, Settled::new(10, &[]))));
        let mut lost = BTreeMap::new();
        assert!(gaps.count(&mut lost, |_| Err(io("silent", &"no answer"))).is_err());
        assert!(lost.is_empty());
        let half = |partition| if partition == 0 { Ok((20, 40)) } else { Err(io("silent", &"no answer")) };
        assert!(gaps.count(&mut lost, half).is_err());
        assert!(gaps.count(&mut lost, half).is_err());
        assert_eq!(lost, BTreeMap::from([("hook".to_owned(), 8)]));
        gaps.count(&mut lost, |_| Ok((20, 40))).unwrap();
        assert_eq!(
            lost,
            BTreeMap::from([("hook".to_owned(), 9)]),
            "offset 30 is no event, but it is not gone"
        );
        gaps.count(&mut lost, |_| Err(io("silent", &"nobody is asked for nothing"))).unwrap();
        assert_eq!(lost.len(), 1);
    }

    #[test]
    fn a_partition_of_which_the_brokers_say_nothing_keeps_no_other_from_being_counted() {
        let gaps = Gaps::default();
        for (partition, offsets) in [(0, 1..3), (1, 1..4), (0, 5..6), (2, 1..5)] {
            assert!(!gaps.add(gap(partition, offsets, Settled::default())));
        }
        let (mut lost, mut asked) = (BTreeMap::new(), Vec::new());
        let answer = |partition| match partition {
            0 => Err(io("silent", &"no answer")),
            _ => Ok((90, 99)),
        };
        let mut round = || {
            let note = |partition| {
                asked.push(partition);
                answer(partition)
            };
            gaps.count(&mut lost, note).unwrap_err()
        };
        round();
        round();
        assert_eq!((lost["hook"], asked), (7, vec![0, 1, 2, 0]), "one silence in a round, which may be long");
        gaps.count(&mut lost, |_| Ok((90, 99))).unwrap();
        assert_eq!(lost["hook"], 10, "both of the silent one");
    }

    #[test]
    fn the_memory_for_gaps_is_bounded_and_that_is_said_once() {
        let gaps = Gaps::default();
        let add = |n: usize| gaps.add(gap(0, n as u64..n as u64 + 1, Settled::default()));
        assert!((0..MOST).all(|n| !add(n)));
        assert!(add(MOST) && !add(MOST + 1), "once");
        let mut lost = BTreeMap::new();
        gaps.count(&mut lost, |_| Ok((u64::MAX, u64::MAX))).unwrap();
        assert_eq!(lost["hook"], MOST as u64);
        assert!((0..MOST).all(|n| !add(n)) && add(MOST), "and again when there had been room");
    }
}
