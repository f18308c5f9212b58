//! Events that wait for something of ours, each by itself: in no lane, not ready, due at a moment of its own.
//!
//! Separate from lanes because nothing failed: nobody is asked to be patient but the event. What becomes due is ready like
//! what was just read, so that a thousand events that waited alone go together again. Says nothing about the destination.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::lane::{Chunk, Deferral};
use super::order::{self, Plain};
use super::{Delivery, loose};
use crate::policy::Moment;
use crate::policy::outcome::Reason;

/// The shortest wait: one of no time at all would make a busy loop.
const SHORTEST: Duration = Duration::from_millis(10);

/// What an event has behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// Failed attempts so far.
    pub(super) failures: u32,
    /// How long the destination had flowed at the first of them.
    pub(super) failing_since: Option<Duration>,
}

impl Past {
    fn of(chunk: &Chunk) -> Past {
        Past { failures: chunk.failures, failing_since: chunk.failing_since }
    }
}

/// Until when an event waits, and what for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    pub(super) due: Moment,
    /// `None` for one that only goes with an earlier event of its user.
    pub(super) reason: Option<Reason>,
    /// The event is tied to no other.
    pub(super) is_loose: bool,
}

/// The events that wait. Bounded like the slots; the loose ones by a bound of their own.
#[derive(Debug, Default)]
pub(super) struct Waits {
    waiting: HashMap<u64, Wait, Plain>,
    due: BTreeSet<(Moment, u64)>,
    /// Of events that are in no lane: those that have failed before.
    pasts: HashMap<u64, Past, Plain>,
    loose: usize,
}

impl Waits {
    pub(super) fn get(&self, position: u64) -> Option<Wait> {
        self.waiting.get(&position).copied()
    }

    pub(super) fn past(&self, position: u64) -> Past {
        self.pasts.get(&position).copied().unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.due.is_empty() && self.pasts.is_empty() && self.loose == 0
    }

    /// Returns how many loose events wait.
    pub(super) fn loose(&self) -> usize {
        self.loose
    }

    fn first_due(&self) -> Option<(Moment, Wait)> {
        let (due, position) = self.due.first()?;
        Some((*due, self.get(*position)?))
    }

    fn add(&mut self, position: u64, wait: Wait, past: Past) {
        self.waiting.insert(position, wait);
        self.loose += usize::from(wait.is_loose);
        self.due.insert((wait.due, position));
        if past != Past::default() {
            self.pasts.insert(position, past);
        }
    }

    /// Forgets an event that is settled, or in a lane again.
    pub(super) fn forget(&mut self, position: u64) {
        self.pasts.remove(&position);
        if let Some(wait) = self.waiting.remove(&position) {
            self.due.remove(&(wait.due, position));
            self.loose -= usize::from(wait.is_loose);
        }
    }

    /// Ends one wait that is over.
    fn take_due(&mut self, now: Moment) -> Option<u64> {
        let (due, position) = self.due.first().copied().filter(|(due, _)| *due <= now)?;
        self.due.remove(&(due, position));
        let wait = self.waiting.remove(&position);
        self.loose -= usize::from(wait.is_some_and(|wait| wait.is_loose));
        Some(position)
    }

    /// Ends every wait now.
    pub(super) fn hurry(&mut self, now: Moment) {
        self.due = std::mem::take(&mut self.due).into_iter().map(|(due, at)| (due.min(now), at)).collect();
        self.waiting.values_mut().for_each(|wait| wait.due = wait.due.min(now));
    }
}

/// Keys of events that wait, with the first position of each.
type Tied = BTreeMap<u64, u64>;

impl Delivery {
    /// Makes ready what has waited long enough; while draining it stays in the journal. It looks for company like an event
    /// that was just read: what becomes due within one `max_delay` is one batch, or full ones.
    pub(super) fn end_waits(&mut self, now: Moment) {
        if self.draining {
            return;
        }
        while self.next_wait().is_some_and(|due| due <= now)
            && let Some(position) = self.waits.take_due(now)
        {
            self.count_back(position);
            if let Some(slot) = self.slots.get_mut(&position) {
                slot.since = now;
            }
            self.make_ready(position);
        }
    }

    /// Returns when the next wait ends, as far as there is room for what comes back.
    pub(super) fn next_wait(&self) -> Option<Moment> {
        let (due, wait) = self.waits.first_due()?;
        (!wait.is_loose || self.has_room_for_loose()).then_some(due)
    }

    /// Takes out of a lane what waits for something of ours, and with it what its users did later; returns what of `rest`
    /// stays. What is taken along only to keep the order is due when the lane is.
    pub(super) fn defer(
        &mut self,
        id: u64,
        (deferred, chunk): (Vec<Deferral>, &Chunk),
        rest: Vec<Chunk>,
        (now, again): (Moment, Moment),
    ) -> Vec<Chunk> {
        let mut tied = Tied::new();
        for Deferral { position, wait, reason } in deferred {
            let wait = Wait { due: now + wait.max(SHORTEST), reason: Some(reason), is_loose: false };
            self.set_apart(position, wait, Past::of(chunk), &mut tied);
        }
        if tied.is_empty() {
            return rest;
        }
        let later = self.lanes.get_mut(&id).map(|lane| std::mem::take(&mut lane.chunks)).unwrap_or_default();
        let rest = rest.into_iter().filter_map(|chunk| self.untied(chunk, again, &mut tied)).collect();
        let later = later.into_iter().filter_map(|chunk| self.untied(chunk, again, &mut tied)).collect();
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.chunks = later;
        }
        rest
    }

    /// Sets apart the events of a chunk that come after one of `tied`; returns the others.
    fn untied(&mut self, chunk: Chunk, due: Moment, tied: &mut Tied) -> Option<Chunk> {
        let mut kept = Vec::new();
        for position in &chunk.positions {
            if self.comes_after(*position, tied) {
                self.set_apart(
                    *position,
                    Wait { due, reason: None, is_loose: false },
                    Past::of(&chunk),
                    tied,
                );
            } else {
                kept.push(*position);
            }
        }
        (!kept.is_empty()).then(|| chunk.with(kept))
    }

    fn comes_after(&self, position: u64, tied: &Tied) -> bool {
        let Some(slot) = self.slots.get(&position) else { return false };
        order::distinct(&slot.keys).any(|key| tied.get(&key).is_some_and(|first| *first < position))
    }

    fn set_apart(&mut self, position: u64, wait: Wait, past: Past, tied: &mut Tied) {
        if self.put_aside(position, wait) {
            return;
        }
        let Some(slot) = self.slots.get_mut(&position) else { return };
        slot.lane = None;
        let wait = Wait { is_loose: loose::is_loose(&slot.keys), ..wait };
        for key in order::distinct(&slot.keys) {
            let first = tied.entry(key).or_insert(position);
            *first = position.min(*first);
        }
        self.waits.add(position, wait, past);
    }
}
