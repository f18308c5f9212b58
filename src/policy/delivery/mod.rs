//! The delivery machine of one destination: what to fetch, send, bury and commit, and when to look again.
//!
//! Outcomes are settled per event; a retry tries only what is unsettled. One user's events are never in two batches at once.
//! Nothing here knows a destination, a clock or an actor: the shell in `actors::delivery` performs the actions.

mod budget;
mod gate;
mod lane;
mod loose;
#[cfg(test)]
mod loose_tests;
mod loss;
mod order;
mod pacing;
#[cfg(test)]
mod pacing_tests;
mod ready;
mod report;
mod send;
mod shelf;
#[cfg(test)]
mod shelf_tests;
mod step;
#[cfg(test)]
mod tests;
mod view;
mod waits;
#[cfg(test)]
mod waits_tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::Moment;
use super::backoff;
use super::pace::Trip;
use super::patience::Patience;
use super::settled::Settled;
use gate::Gate;
use lane::Lane;
use loose::Aside;
use loss::Losses;
use order::Order;
use pacing::Pacing;
use ready::Ready;
use report::Returned;
use shelf::Shelf;
use waits::Waits;

pub use gate::Hold;
pub use lane::{Burial, Fate};
pub use order::{Keys, Plain};
pub use step::{Action, Input, Item};
pub use view::{Obstacle, Standing};

/// Unsettled events that one destination may have read ahead: what waits for a retry, and their users' later events.
const MAX_SLOTS: usize = 20_000;
/// How soon a burial that failed (a full disk) is tried again.
const BURY_AGAIN: Duration = Duration::from_secs(1);

/// One unsettled event.
#[derive(Debug)]
struct Slot {
    bytes: usize,
    keys: Keys,
    since: Moment,
    lane: Option<u64>,
    /// Waits for an event before it; not in `ready`.
    parked: bool,
    /// It came back from the shelf.
    again: bool,
}

/// The machine. See the module.
#[derive(Debug)]
pub struct Delivery {
    patience: Patience,
    dice: fastrand::Rng,
    settled: Settled,
    slots: HashMap<u64, Slot, order::Plain>,
    order: Order,
    /// Unsettled, in no lane, and not known to wait for another event.
    ready: Ready,
    ready_bytes: usize,
    parked: usize,
    lanes: BTreeMap<u64, Lane>,
    /// Lanes that wait, by when they are due.
    due: BTreeSet<(Moment, u64)>,
    /// Events that wait by themselves, in no lane.
    waits: Waits,
    /// What there was no room for.
    shelf: Shelf,
    /// What of it is tied to nobody.
    aside: Aside,
    max_slots: usize,
    /// Loose events that wait in memory at most.
    max_waiting: usize,
    next_lane: u64,
    in_flight: usize,
    gate: Gate,
    pacing: Pacing,
    read_to: u64,
    end: u64,
    fetching: bool,
    fetch_after: Moment,
    unburied: Vec<Burial>,
    burying: usize,
    bury_after: Moment,
    losses: Losses,
    dirty: bool,
    committing: bool,
    last_sent: Option<Moment>,
    last_success: Option<Moment>,
    /// What failed last had failed before.
    old_failure: bool,
    draining: bool,
    drained: bool,
}

impl Delivery {
    /// Returns a machine that goes on where `settled` says; `seed` feeds its dice.
    pub fn new(patience: Patience, settled: Settled, seed: u64) -> Self {
        let read_to = settled.mark();
        Delivery {
            gate: Gate::new(&patience),
            pacing: Pacing::new(&patience),
            patience,
            dice: fastrand::Rng::with_seed(seed),
            settled,
            slots: HashMap::default(),
            order: Order::default(),
            ready: Ready::default(),
            ready_bytes: 0,
            parked: 0,
            lanes: BTreeMap::new(),
            due: BTreeSet::new(),
            waits: Waits::default(),
            shelf: Shelf::default(),
            aside: Aside::default(),
            max_slots: MAX_SLOTS,
            max_waiting: loose::MAX_WAITING,
            next_lane: 0,
            in_flight: 0,
            read_to,
            end: read_to,
            fetching: false,
            fetch_after: Moment::ZERO,
            unburied: Vec::new(),
            burying: 0,
            bury_after: Moment::ZERO,
            losses: Losses::default(),
            dirty: false,
            committing: false,
            last_sent: None,
            last_success: None,
            old_failure: false,
            draining: false,
            drained: false,
        }
    }

    /// Takes note of what happened and says what to do now.
    pub fn on(&mut self, input: Input, now: Moment) -> Vec<Action> {
        let mut actions = Vec::new();
        self.pacing.look(now);
        match input {
            Input::Woken { end } => self.end = self.end.max(end),
            Input::Fetched { from, through, items } => {
                let unloaded = self.fetched((from, through), items, now);
                actions.extend(Some(unloaded).filter(|some| !some.is_empty()).map(Action::Unload));
            }
            Input::FetchFailed => {
                (self.fetching, self.shelf.reading) = (false, false);
                self.fetch_after = now + BURY_AGAIN;
            }
            Input::Reported { lane, fates, answered, waited } => {
                self.reported(Returned { lane, fates, answered, waited }, now);
            }
            Input::Buried(positions) => self.buried(&positions),
            Input::NotBuried(burials) => {
                self.burying -= burials.len().min(self.burying);
                self.bury_after = now + BURY_AGAIN;
                self.unburied.extend(burials);
            }
            Input::Committed => self.committing = false,
            Input::NotCommitted => (self.committing, self.dirty) = (false, true),
            Input::Tick => {}
            Input::RetryNow => self.retry_now(now),
            Input::Paused(paused) => self.pacing.paused = paused,
            Input::Gone { first, full } => self.gone(first, full),
            Input::Drop { below } => self.drop_backlog(below),
            Input::Draining => self.draining = true,
        }
        self.advance(now, &mut actions);
        self.pacing.flows_from(self.gate.flows(now), now);
        actions
    }

    /// Takes what was read, and returns what need not stay in memory.
    fn fetched(&mut self, (from, through): (u64, u64), items: Vec<Item>, now: Moment) -> Vec<u64> {
        self.fetching = false;
        if std::mem::take(&mut self.shelf.reading) {
            return self.fetched_again((from, through), items, now);
        }
        let mut unloaded = Vec::new();
        if from != self.read_to {
            return unloaded;
        }
        let mut next = from;
        for item in items {
            self.settle_range(next..item.position);
            next = item.position + 1;
            if !self.settled.contains(item.position)
                && !self.lose_read(item.position)
                && self.take_ahead(item, now)
            {
                unloaded.push(item.position);
            }
        }
        self.settle_range(next..through);
        self.read_to = through;
        self.end = self.end.max(through);
        unloaded
    }

    fn admit(&mut self, item: Item, again: bool, now: Moment) {
        self.order.join(&item.keys, item.position);
        self.slots.insert(
            item.position,
            Slot { bytes: item.bytes, keys: item.keys, since: now, lane: None, parked: false, again },
        );
        self.make_ready(item.position);
    }

    fn make_ready(&mut self, position: u64) {
        let Some(slot) = self.slots.get_mut(&position) else { return };
        let is_loose = slot.lane.is_none() && self.waits.get(position).is_none();
        if is_loose && self.ready.insert(position) {
            self.ready_bytes += slot.bytes;
            self.parked -= usize::from(std::mem::take(&mut slot.parked));
        }
    }

    fn settle_range(&mut self, range: std::ops::Range<u64>) {
        if !range.is_empty() {
            self.settled.settle(range);
            self.dirty = true;
        }
    }

    /// Settles loaded events and lets their users' next ones go on.
    fn settle(&mut self, positions: &[u64]) {
        let (mut freed, mut run) = (Vec::new(), 0..0);
        for position in positions {
            self.leave(*position, &mut freed);
            if *position != run.end {
                self.settle_range(std::mem::replace(&mut run, *position..*position));
            }
            run.end = position + 1;
        }
        self.settle_range(run);
        if self.parked == 0 {
            return;
        }
        freed.sort_unstable();
        freed.dedup();
        let limit = self.patience.batch.max_events.get();
        for key in freed {
            for position in self.order.first(key, limit) {
                self.make_ready(position);
            }
        }
    }

    /// Takes an event out and adds the keys under which others may wait for it.
    fn leave(&mut self, position: u64, freed: &mut Vec<u64>) {
        let Some(slot) = self.slots.remove(&position) else { return };
        self.order.leave(&slot.keys, position, freed);
        self.waits.forget(position);
        self.left(&slot.keys, slot.again);
    }

    fn buried(&mut self, positions: &[u64]) {
        self.burying -= positions.len().min(self.burying);
        self.settle(positions);
    }

    fn retry_now(&mut self, now: Moment) {
        self.gate.retry_now(now);
        self.waits.hurry(now);
        self.hurry_aside(now);
        let waiting: Vec<(Moment, u64)> = std::mem::take(&mut self.due).into_iter().collect();
        for (due, id) in waiting {
            let due = due.min(now);
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.due = due;
                self.due.insert((due, id));
            }
        }
    }

    /// Starts everything that may start now.
    fn advance(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.tell_losses(actions);
        self.end_waits(now);
        while let Some(send) = self.next_send(now) {
            actions.push(send);
        }
        if !self.unburied.is_empty() && now >= self.bury_after {
            self.burying += self.unburied.len();
            actions.push(Action::Bury(std::mem::take(&mut self.unburied)));
        }
        if self.dirty && !self.committing {
            (self.dirty, self.committing) = (false, true);
            actions.push(Action::Commit);
        }
        let fetch = self.next_fetch(now, actions);
        actions.extend(fetch);
        if self.draining && !self.drained && self.is_quiet() {
            self.drained = true;
            // Shelved ones among them.
            actions.push(Action::Drained { left: self.settled.missing(0..self.read_to) });
        }
        actions.extend(self.next_deadline(now).map(Action::SleepUntil));
    }

    fn is_quiet(&self) -> bool {
        self.in_flight == 0 && self.burying == 0 && !self.committing && !self.dirty
    }

    fn next_fetch(&mut self, now: Moment, actions: &mut Vec<Action>) -> Option<Action> {
        let batch = &self.patience.batch;
        let wants = self.ready.len() < batch.max_events.get() * 2 && self.ready_bytes < batch.max_bytes * 2;
        let may = !self.fetching && !self.draining && now >= self.fetch_after && !self.reads_nothing();
        if !(may && wants) {
            return None;
        }
        let (most, bytes) = (batch.max_events.get(), batch.max_bytes);
        self.make_room(now, actions);
        let room = self.max_slots.saturating_sub(self.crowd());
        let can_read_ahead = room > 0 && self.read_to < self.end && self.shelf_has_room();
        let (from, records) = match self.scan_from(can_read_ahead, now) {
            Some(at) => (at, usize::try_from(self.read_to - at).unwrap_or(most).min(most)),
            None if can_read_ahead => (self.read_to, most.min(room)),
            None => return None,
        };
        self.fetching = true;
        Some(Action::Fetch { from, records, bytes })
    }

    /// Returns when something becomes due by itself.
    fn next_deadline(&self, now: Moment) -> Option<Moment> {
        let bury = (!self.unburied.is_empty()).then_some(self.bury_after);
        let fetch = (now < self.fetch_after).then_some(self.fetch_after);
        let wait = self.next_wait().filter(|_| !self.draining);
        [self.send_deadline(now), bury, fetch, wait].into_iter().flatten().min()
    }
}
