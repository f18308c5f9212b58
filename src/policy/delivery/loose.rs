//! Events that are tied to nobody and wait for something of ours, where there are many: a new event of which thousands come
//! before its table is there.
//!
//! Separate because order means nothing to them. They take none of the room of others, come back beside what is new and
//! never instead of it, and beyond a bound go to the shelf: the journal is looked through for them again and again, each
//! time with a rest in proportion to its trouble. Never decides how long an event waits.

use std::time::Duration;

use super::order::{self, Keys};
use super::waits::Wait;
use super::{Delivery, Item};
use crate::policy::Moment;
use crate::policy::outcome::Reason;

/// Events that wait in memory at most: 350 bytes each.
pub(super) const MAX_WAITING: usize = 50_000;
/// What all of them are called on the shelf. A key of an event is a hash, and as likely as any other number.
const LOOSE: u64 = u64::MAX;
/// A look through the journal is followed by a rest of so many times as long as it took.
const REST: u32 = 4;
/// The shortest rest.
const SHORTEST_REST: Duration = Duration::from_secs(10);
/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// What is known of the loose events on the shelf.
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// What the last of them waits for, and when the first of them is due that no scan will meet.
    waits: Option<(Reason, Moment)>,
    /// Before that, no scan is begun for their sake.
    rests_until: Moment,
    /// Loose events that came back, from the shelf or from a wait, and were not tried.
    back: usize,
}

impl Aside {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.back == 0
    }
}

/// Returns whether an event is tied to no other.
pub(super) fn is_loose(keys: &Keys) -> bool {
    order::distinct(keys).next().is_none()
}

/// Returns under which names an event is on the shelf.
pub(super) fn names(keys: &Keys) -> impl Iterator<Item = u64> + '_ {
    order::distinct(keys).chain(is_loose(keys).then_some(LOOSE))
}

impl Delivery {
    /// Returns how many events take the room of others: all but the loose ones that wait.
    pub(super) fn crowd(&self) -> usize {
        self.slots.len().saturating_sub(self.waits.loose())
    }

    /// Returns whether one more loose event may come back. They come first, being older, and may not take all batches.
    pub(super) fn has_room_for_loose(&self) -> bool {
        let at_once = self.patience.batch.max_events.get().saturating_mul(self.pacing.pace.limit());
        let has_turn = at_once > 1 || self.ready.len() == 0;
        has_turn && self.aside.back < (at_once / 2).max(1)
    }

    /// Returns the count of events that came back to which one with these keys belongs.
    pub(super) fn back(&mut self, keys: &Keys) -> &mut usize {
        if is_loose(keys) { &mut self.aside.back } else { &mut self.shelf.again }
    }

    /// A loose event has waited long enough.
    pub(super) fn count_back(&mut self, position: u64) {
        if let Some(slot) = self.slots.get_mut(&position)
            && is_loose(&slot.keys)
            && !std::mem::replace(&mut slot.again, true)
        {
            self.aside.back += 1;
        }
    }

    /// Loose events that came back were tried: whatever became of them, others may come.
    pub(super) fn count_tried(&mut self, positions: &[u64]) {
        if self.aside.back == 0 {
            return;
        }
        for position in positions {
            if let Some(slot) = self.slots.get_mut(position)
                && is_loose(&slot.keys)
                && std::mem::take(&mut slot.again)
            {
                self.aside.back -= 1;
            }
        }
    }

    /// Puts a loose event on the shelf where too many wait in memory; false when it may wait there. What it has behind it is
    /// forgotten.
    pub(super) fn put_aside(&mut self, position: u64, wait: Wait) -> bool {
        let is_one_too_many = self.waits.loose() >= self.max_waiting;
        let Some(slot) = self.slots.get(&position).filter(|slot| is_one_too_many && is_loose(&slot.keys))
        else {
            return false;
        };
        let keys = slot.keys;
        self.slots.remove(&position);
        self.shelf.put(&keys, position);
        let reason = wait.reason.unwrap_or(Reason::Schema);
        let due = self.aside.waits.map_or(wait.due, |(_, due)| due.min(wait.due));
        self.aside.waits = Some((reason, due));
        true
    }

    /// Asks for a scan when a loose event on the shelf is due.
    pub(super) fn look_aside(&mut self, now: Moment) {
        let Some((reason, _)) = self.aside.waits.filter(|(_, due)| now >= *due) else { return };
        if now >= self.aside.rests_until && !self.shelf.is_looking() {
            self.aside.waits = Some((reason, Moment::MAX));
            self.shelf.want(LOOSE);
        }
    }

    /// A scan has ended that began at `begun`.
    pub(super) fn rest_aside(&mut self, begun: Moment, now: Moment) {
        let rest = now.saturating_sub(begun).saturating_mul(REST);
        self.aside.rests_until = now + rest.clamp(SHORTEST_REST, LONGEST_REST);
        if !self.has_aside() {
            self.aside.waits = None;
        }
    }

    /// Returns whether loose events are on the shelf.
    pub(super) fn has_aside(&self) -> bool {
        self.shelf.has(LOOSE)
    }

    /// Looks for every loose event on the shelf now.
    pub(super) fn hurry_aside(&mut self, now: Moment) {
        self.aside.rests_until = now;
        self.aside.waits = self.aside.waits.map(|(reason, due)| (reason, due.min(now)));
    }

    /// Returns what an event on the shelf waits for and until when, when it is a loose one.
    pub(super) fn standing_aside(&self) -> Option<(Reason, Moment)> {
        let (reason, due) = self.aside.waits.filter(|_| self.has_aside())?;
        let is_under_way = due == Moment::MAX;
        Some((reason, if is_under_way { Moment::ZERO } else { due.max(self.aside.rests_until) }))
    }

    /// Returns whether what a scan has read may come back.
    pub(super) fn may_come_back(&self, item: &Item) -> bool {
        self.has_room_again() && (!is_loose(&item.keys) || self.has_room_for_loose())
    }
}
