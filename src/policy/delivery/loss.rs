//! Events that end without being delivered or buried: the journal has given them up, or an operator drops the backlog.
//!
//! Separate because it cuts across all that the machine holds: what is ready, parked, in a lane that waits, or not read yet.
//! What is in flight ends by itself: delivered when it is, lost when it comes back. Each is counted once, with a reason.

use std::collections::BTreeMap;
use std::ops::Range;

use super::lane::Sorted;
use super::{Action, Delivery};
use crate::policy::outcome::Reason;

/// What is lost below which position, and what was not yet told of it.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// The journal begins here.
    first: u64,
    /// Below here it gave up records because it was full.
    full: u64,
    /// An operator dropped what is below.
    below: u64,
    /// Events dropped by the order under way.
    dropping: Option<u64>,
    untold: BTreeMap<Reason, Untold>,
}

/// Events that were lost for one reason.
#[derive(Debug, Default)]
struct Untold {
    count: u64,
    /// Where they are, of those that are still in the journal.
    ranges: Vec<Range<u64>>,
}

impl Untold {
    fn add(&mut self, position: u64) {
        self.count += 1;
        match self.ranges.last_mut() {
            Some(last) if last.end == position => last.end += 1,
            _ => self.ranges.push(position..position + 1),
        }
    }
}

impl Losses {
    /// Returns why an unsettled event is lost, when it is.
    fn reason(&self, position: u64) -> Option<Reason> {
        if position < self.full {
            Some(Reason::JournalFull)
        } else if position < self.first {
            Some(Reason::Expired)
        } else {
            (position < self.below).then_some(Reason::DroppedByOperator)
        }
    }

    /// Counts events that the journal does not have any more.
    fn count(&mut self, reason: Reason, count: u64) {
        if count > 0 {
            self.untold.entry(reason).or_default().count += count;
        }
    }

    /// Counts an event that is lost; false for one that is not.
    pub(super) fn take(&mut self, position: u64) -> bool {
        let Some(reason) = self.reason(position) else { return false };
        self.untold.entry(reason).or_default().add(position);
        if reason == Reason::DroppedByOperator
            && let Some(dropped) = &mut self.dropping
        {
            *dropped += 1;
        }
        true
    }
}

impl Delivery {
    /// Returns where the journal begins, as far as is known.
    pub(super) fn losses_first(&self) -> u64 {
        self.losses.first
    }

    /// Returns the position below which an operator dropped everything: the shell need not keep what it reads there.
    pub fn dropped_below(&self) -> u64 {
        self.losses.below
    }

    /// Returns whether nothing is to be read because the destination is paused. A backlog that is dropped is read all the same.
    pub(super) fn reads_nothing(&self) -> bool {
        self.pacing.paused && self.read_to >= self.losses.below
    }

    /// The journal begins at `first` now; below `full` because it had no room.
    pub(super) fn gone(&mut self, first: u64, full: u64) {
        if first <= self.losses.first {
            return;
        }
        let full = full.min(first);
        self.losses.first = first;
        self.losses.full = self.losses.full.max(full);
        self.lose_loaded(first);
        self.lose_shelved(first);
        for (range, reason) in
            [(self.read_to..full, Reason::JournalFull), (full.max(self.read_to)..first, Reason::Expired)]
        {
            self.losses.count(reason, self.settled.missing(range.clone()));
            self.settle_range(range);
        }
        self.end = self.end.max(first);
    }

    /// An operator drops what is unsettled below this position. What is not read yet is read all the same: events that the
    /// destination has no use for are not lost.
    pub(super) fn drop_backlog(&mut self, below: u64) {
        self.losses.below = self.losses.below.max(below);
        self.losses.dropping.get_or_insert(0);
        self.end = self.end.max(below);
        self.lose_loaded(below);
        self.lose_shelved(below);
    }

    /// Settles an event that was just read and is lost; false when it is not.
    pub(super) fn lose_read(&mut self, position: u64) -> bool {
        let lost = self.losses.take(position);
        if lost {
            self.settle_range(position..position + 1);
        }
        lost
    }

    /// Settles what comes back unsettled from an attempt and is lost meanwhile.
    pub(super) fn lose_returned(&mut self, sorted: &mut Sorted) {
        for chunk in std::mem::take(&mut sorted.rest) {
            let (lost, kept): (Vec<u64>, Vec<u64>) =
                chunk.positions.iter().partition(|position| self.losses.take(**position));
            if lost.is_empty() {
                sorted.rest.push(chunk);
            } else if !kept.is_empty() {
                sorted.rest.push(chunk.with(kept));
            }
            sorted.settled.extend(lost);
        }
        let (settled, losses) = (&mut sorted.settled, &mut self.losses);
        sorted.deferred.retain(|deferral| {
            let lost = losses.take(deferral.position);
            settled.extend(lost.then_some(deferral.position));
            !lost
        });
    }

    /// Says what was lost since the last time; before the cursor is stored, so that both survive together or neither does.
    pub(super) fn tell_losses(&mut self, actions: &mut Vec<Action>) {
        let untold = std::mem::take(&mut self.losses.untold);
        let lose = |(reason, Untold { count, ranges })| Action::Lose { reason, count, ranges };
        actions.extend(untold.into_iter().map(lose));
        if !self.fetching {
            self.read_to = self.read_to.max(self.losses.first);
        }
        if self.read_to < self.losses.below {
            return;
        }
        if let Some(count) = self.losses.dropping.take() {
            let left = self.slots.keys().filter(|position| **position < self.losses.below).count();
            actions.push(Action::BacklogDropped { count, in_flight: left as u64 });
        }
    }

    /// Takes out every loaded event below `limit` that is neither in flight nor being buried.
    fn lose_loaded(&mut self, limit: u64) {
        let loose = self.slots.iter().filter(|(position, slot)| **position < limit && slot.lane.is_none());
        let mut lost: Vec<u64> = loose.map(|(position, _)| *position).collect();
        while let Some(position) = self.ready.first().filter(|position| *position < limit) {
            self.ready.pop_first();
            self.ready_bytes -= self.slots.get(&position).map_or(0, |slot| slot.bytes);
        }
        for position in &lost {
            let parked = self.slots.get_mut(position).is_some_and(|slot| std::mem::take(&mut slot.parked));
            self.parked -= usize::from(parked);
        }
        lost.append(&mut self.take_from_lanes(limit));
        lost.sort_unstable();
        for position in &lost {
            self.losses.take(*position);
        }
        self.settle(&lost);
    }

    /// Takes the events below `limit` out of the chunks that wait.
    fn take_from_lanes(&mut self, limit: u64) -> Vec<u64> {
        let (mut taken, mut empty) = (Vec::new(), Vec::new());
        for (id, lane) in &mut self.lanes {
            taken.append(&mut lane.take_waiting(limit));
            if lane.chunks.is_empty() {
                empty.push((lane.due, *id));
            }
        }
        for (due, id) in empty {
            self.lanes.remove(&id);
            self.due.remove(&(due, id));
        }
        taken
    }
}
