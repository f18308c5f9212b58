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
pub(super) struct Gaps(Mutex<VecDeque<Gap>>);

impl Gaps {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Gap>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has one counted. False when there is no room for it.
    pub(super) fn add(&self, gap: Gap) -> bool {
        let mut waiting = self.waiting();
        let has_room = waiting.len() < MOST;
        if has_room {
            waiting.push_back(gap);
        }
        has_room
    }

    /// Returns how many events each destination has lost by them. `bounds` says from which offset on a partition has records;
    /// what lies above is no loss, since something else than events was there.
    ///
    /// # Errors
    /// That of `bounds`; what it was asked for waits for the next time, and what was counted before is in the map.
    pub(super) fn count(
        &self,
        lost: &mut BTreeMap<String, u64>,
        mut bounds: impl FnMut(i32) -> Result<(u64, u64), JournalError>,
    ) -> Result<(), JournalError> {
        let mut known = BTreeMap::new();
        loop {
            let Some(partition) = self.waiting().front().map(|gap| gap.partition) else { return Ok(()) };
            let oldest = match known.get(&partition) {
                Some(oldest) => *oldest,
                None => *known.entry(partition).or_insert(bounds(partition)?.0),
            };
            let Some(Gap { offsets, inherited, .. }) = self.waiting().pop_front() else { return Ok(()) };
            let gone = offsets.start..offsets.end.min(oldest);
            let counts = inherited.into_iter().map(|(name, settled)| (name, settled.missing(gone.clone())));
            for (destination, missing) in counts.filter(|(_, missing)| *missing > 0) {
                *lost.entry(destination).or_default() += missing;
            }
        }
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
        assert!(gaps.add(gap(0, 10..20, Settled::new(10, &[12..14]))));
        assert!(gaps.add(gap(1, 5..6, Settled::new(5, &[]))));
        assert!(gaps.add(gap(0, 30..31, Settled::new(10, &[]))));
        let mut lost = BTreeMap::new();
        assert!(gaps.count(&mut lost, |_| Err(io("silent", &"no answer"))).is_err());
        assert!(lost.is_empty());
        let half = |partition| if partition == 0 { Ok((20, 40)) } else { Err(io("silent", &"no answer")) };
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
    fn the_memory_for_gaps_is_bounded() {
        let gaps = Gaps::default();
        let taken = (0..MOST as u64 + 5).filter(|n| gaps.add(gap(0, *n..n + 1, Settled::default()))).count();
        assert_eq!(taken, MOST);
    }
}
