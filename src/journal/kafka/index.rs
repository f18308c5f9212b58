//! Which offset of which partition lies where in the spool, and what that makes of a destination's cursor.
//!
//! The spool numbers what this router has read; Kafka numbers a partition. Runs of both that go together are kept as long as
//! some destination has not settled them. Pure: never reads either of them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::anchor::Anchor;
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
    /// The next offset to store: what is below it is in the spool, or was not worth it.
    pub(super) next: u64,
    /// The next offset to read: what is between is on its way into the spool.
    seen: u64,
    /// Its offsets began anew while it was held: what its groups know is of the former ones.
    pub(super) is_anew: bool,
    /// The last record of ours that was read of it.
    pub(super) anchor: Option<Anchor>,
    /// It is blocked here: the record is of a version that this router does not know.
    blocked_at: Option<u64>,
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
    /// The number below the last that stands for what a partition was before its offsets began anew. Such numbers are
    /// negative: what lies in the spool of it is served still, and no group is told of it.
    former: i32,
}

/// What an offset is, next to those that were read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Its partition is not held any more, or not since it was read, or it is blocked.
    NotOurs,
    /// It is below what was read before: the topic's offsets began anew.
    Anew,
    /// It is to be stored.
    New {
        /// The offset that was to come next: what is between was not read.
        after: u64,
    },
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
        self.held.retain(|partition, _| *partition < 0);
        self.runs.retain(|_, run| run.partition < 0);
    }

    /// Takes note of an offset that was read in this rebalance.
    pub(super) fn see(&mut self, partition: i32, offset: u64, during: u64) -> Seen {
        match self.held.get_mut(&partition) {
            Some(held) if held.since <= during && held.blocked_at.is_none() => {
                if offset < held.seen {
                    return Seen::Anew;
                }
                Seen::New { after: std::mem::replace(&mut held.seen, offset + 1) }
            }
            _ => Seen::NotOurs,
        }
    }

    /// The offsets of a partition began anew, with this one. What lies in the spool of the former ones is served to the end,
    /// since nobody else may have it; every destination begins with the new ones.
    pub(super) fn begin_anew(&mut self, partition: i32, offset: u64) {
        let Some(old) = self.held.get_mut(&partition) else { return };
        let inherited = old.inherited.keys().map(|name| (name.clone(), Settled::new(offset, &[]))).collect();
        let anew = Held { is_anew: true, ..Held::new(offset, old.since, inherited) };
        let old = std::mem::replace(old, anew);
        self.former -= 1;
        self.runs
            .values_mut()
            .filter(|run| run.partition == partition)
            .for_each(|run| run.partition = self.former);
        self.held.insert(self.former, old);
    }

    /// A partition is blocked at this offset: nothing of it is stored from there on.
    pub(super) fn block(&mut self, partition: i32, offset: u64) {
        if let Some(held) = self.held.get_mut(&partition) {
            held.blocked_at = Some(offset);
        }
    }

    /// Returns the partitions that are blocked, and where.
    pub(super) fn blocked(&self) -> impl Iterator<Item = (i32, u64)> {
        self.partitions().filter_map(|(partition, held)| Some((partition, held.blocked_at?)))
    }

    /// Returns what is known of a partition that is held.
    pub(super) fn held(&self, partition: i32) -> Option<&Held> {
        self.held.get(&partition)
    }

    /// Returns the partitions that are held, with what is known of them.
    pub(super) fn partitions(&self) -> impl Iterator<Item = (i32, &Held)> {
        self.held.range(0..).map(|(partition, held)| (*partition, held))
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

    /// This record of a partition was read.
    pub(super) fn anchor(&mut self, partition: i32, anchor: Anchor) {
        if let Some(held) = self.held.get_mut(&partition)
            && held.anchor.is_none_or(|before| before.offset <= anchor.offset)
        {
            held.anchor = Some(anchor);
        }
    }

    /// Gives up what lies wholly below a position that every destination has passed.
    pub(super) fn prune(&mut self, below: u64) {
        while let Some(first) = self.runs.first_entry() {
            if first.key() + first.get().len > below {
                break;
            }
            first.remove();
        }
        let runs = &self.runs;
        self.held.retain(|held, _| *held >= 0 || runs.values().any(|run| run.partition == *held));
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
        self.held.range(0..).map(of).collect()
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
    /// A partition that is read from this offset on, since a rebalance.
    pub(super) fn new(base: u64, since: u64, inherited: BTreeMap<String, Settled>) -> Held {
        let (is_anew, anchor, blocked_at) = (false, None, None);
        Held { base, next: base, seen: base, is_anew, anchor, blocked_at, since, inherited }
    }

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
mod tests;
