//! The delivery machine of one destination: what to fetch, send, bury and commit, and when to look again.
//!
//! Outcomes are settled per event; a retry tries only what is unsettled. One user's events are never in two batches at once.
//! Nothing here knows a destination, a clock or an actor: the shell in `actors::delivery` performs the actions.

mod budget;
mod gate;
mod lane;
mod order;
mod ready;
mod step;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::Moment;
use super::backoff;
use super::patience::Patience;
use super::settled::Settled;
use gate::{Gate, Permission};
use lane::{Chunk, Lane};
use order::Order;
use ready::Ready;

pub use gate::Hold;
pub use lane::{Burial, Fate};
pub use order::Keys;
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
    next_lane: u64,
    in_flight: usize,
    gate: Gate,
    read_to: u64,
    end: u64,
    fetching: bool,
    fetch_after: Moment,
    unburied: Vec<Burial>,
    burying: usize,
    bury_after: Moment,
    dirty: bool,
    committing: bool,
    last_success: Option<Moment>,
    draining: bool,
    drained: bool,
}

impl Delivery {
    /// Returns a machine that goes on where `settled` says; `seed` feeds its dice.
    pub fn new(patience: Patience, settled: Settled, seed: u64) -> Self {
        let read_to = settled.mark();
        Delivery {
            gate: Gate::new(&patience),
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
            next_lane: 0,
            in_flight: 0,
            read_to,
            end: read_to,
            fetching: false,
            fetch_after: Moment::ZERO,
            unburied: Vec::new(),
            burying: 0,
            bury_after: Moment::ZERO,
            dirty: false,
            committing: false,
            last_success: None,
            draining: false,
            drained: false,
        }
    }

    /// Takes note of what happened and says what to do now.
    pub fn on(&mut self, input: Input, now: Moment) -> Vec<Action> {
        let mut actions = Vec::new();
        match input {
            Input::Woken { end } => self.end = self.end.max(end),
            Input::Fetched { from, through, items } => self.fetched(from, through, items, now),
            Input::FetchFailed => {
                self.fetching = false;
                self.fetch_after = now + BURY_AGAIN;
            }
            Input::Reported { lane, fates } => self.reported(lane, fates, now),
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
            Input::Draining => self.draining = true,
        }
        self.advance(now, &mut actions);
        actions
    }

    fn fetched(&mut self, from: u64, through: u64, items: Vec<Item>, now: Moment) {
        self.fetching = false;
        if from != self.read_to {
            return;
        }
        let mut next = from;
        for item in items {
            self.settle_range(next..item.position);
            next = item.position + 1;
            if !self.settled.contains(item.position) {
                self.admit(item, now);
            }
        }
        self.settle_range(next..through);
        self.read_to = through;
        self.end = self.end.max(through);
    }

    fn admit(&mut self, item: Item, now: Moment) {
        self.order.join(&item.keys, item.position);
        self.slots.insert(
            item.position,
            Slot { bytes: item.bytes, keys: item.keys, since: now, lane: None, parked: false },
        );
        self.make_ready(item.position);
    }

    fn make_ready(&mut self, position: u64) {
        let Some(slot) = self.slots.get_mut(&position) else { return };
        if slot.lane.is_none() && self.ready.insert(position) {
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
        let mut freed = BTreeSet::new();
        let mut run = 0..0;
        for position in positions {
            freed.extend(self.leave(*position));
            if *position != run.end {
                self.settle_range(std::mem::replace(&mut run, *position..*position));
            }
            run.end = position + 1;
        }
        self.settle_range(run);
        let limit = self.patience.batch.max_events.get();
        for key in freed {
            for position in self.order.first(key, limit) {
                self.make_ready(position);
            }
        }
    }

    /// Takes an event out and returns the keys under which others may wait for it.
    fn leave(&mut self, position: u64) -> Vec<u64> {
        let Some(slot) = self.slots.remove(&position) else { return Vec::new() };
        self.order.leave(&slot.keys, position);
        if self.parked == 0 { Vec::new() } else { order::distinct(&slot.keys).collect() }
    }

    fn reported(&mut self, id: u64, fates: Vec<(u64, Fate)>, now: Moment) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let Some(sent_at) = lane.sent_at.take() else { return };
        self.in_flight -= 1;
        let Some(chunk) = lane.chunks.pop_front() else { return };
        let mut sorted = lane::sort(&chunk, fates);
        let wait = self.judge_destination(&sorted, &chunk, now);
        let charge = if self.gate.flows(now) { wait + now.saturating_sub(sent_at) } else { Duration::ZERO };
        let rest = self.within_budget(std::mem::take(&mut sorted.rest), &mut sorted.buried, (&chunk, charge));
        self.settle(&sorted.settled);
        self.unburied.append(&mut sorted.buried);
        self.put_back(id, rest, now + wait);
    }

    /// Tells the gate what the attempt says about the destination, and returns how long the lane waits.
    fn judge_destination(&mut self, sorted: &lane::Sorted, chunk: &Chunk, now: Moment) -> Duration {
        if sorted.answered {
            self.gate.succeeded();
            self.last_success = Some(now);
        }
        if let Some(fault) = &sorted.broken {
            self.gate.hold(fault.clone(), now);
        } else if let Some((wait, _)) = &sorted.throttled {
            self.gate.throttle(*wait, now);
        } else if sorted.transient.is_some() {
            if !sorted.answered {
                self.gate.failed(now);
            }
            return backoff::wait(&self.patience.retry, chunk.failures + 1, self.dice.f64());
        }
        Duration::ZERO
    }

    fn put_back(&mut self, id: u64, rest: Vec<Chunk>, due: Moment) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        for chunk in rest.into_iter().rev() {
            lane.chunks.push_front(chunk);
        }
        if lane.chunks.is_empty() {
            self.lanes.remove(&id);
            return;
        }
        lane.due = due;
        self.due.insert((due, id));
    }

    fn buried(&mut self, positions: &[u64]) {
        self.burying -= positions.len().min(self.burying);
        self.settle(positions);
    }

    fn retry_now(&mut self, now: Moment) {
        self.gate.retry_now(now);
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
        actions.extend(self.next_fetch(now));
        if self.draining && !self.drained && self.is_quiet() {
            self.drained = true;
            actions.push(Action::Drained { left: self.slots.len() as u64 });
        }
        actions.extend(self.next_deadline(now).map(Action::SleepUntil));
    }

    fn is_quiet(&self) -> bool {
        self.in_flight == 0 && self.burying == 0 && !self.committing && !self.dirty
    }

    fn next_send(&mut self, now: Moment) -> Option<Action> {
        if self.in_flight >= self.patience.concurrency.get() {
            return None;
        }
        let permission = self.gate.permission(now);
        let alone = matches!(permission, Permission::One | Permission::Probe);
        if matches!(permission, Permission::Wait(_)) || (alone && self.in_flight > 0) {
            return None;
        }
        let id = self.due_lane(now, permission).or_else(|| self.new_lane(now, alone))?;
        if permission == Permission::Probe {
            self.split_probe(id);
        }
        self.send(id, now)
    }

    /// Returns the lane that has waited longest; a probe does not wait for its backoff.
    fn due_lane(&mut self, now: Moment, permission: Permission) -> Option<u64> {
        let (due, id) = *self.due.first()?;
        if due > now && permission == Permission::Free {
            return None;
        }
        self.due.remove(&(due, id));
        Some(id)
    }

    /// Cuts the first chunk to one event: a probe risks no more.
    fn split_probe(&mut self, id: u64) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let Some(chunk) = lane.chunks.pop_front() else { return };
        let (first, rest) = chunk.positions.split_at(1.min(chunk.positions.len()));
        if !rest.is_empty() {
            lane.chunks.push_front(chunk.with(rest.to_vec()));
        }
        lane.chunks.push_front(chunk.with(first.to_vec()));
    }

    fn send(&mut self, id: u64, now: Moment) -> Option<Action> {
        let lane = self.lanes.get_mut(&id)?;
        let chunk = lane.chunks.front_mut()?;
        lane.sent_at = Some(now);
        self.in_flight += 1;
        let first_at = *chunk.first_at.get_or_insert(now);
        Some(Action::Send {
            lane: id,
            positions: chunk.positions.clone(),
            attempt: chunk.failures + 1,
            first_at,
        })
    }

    /// Makes a lane of ready events when a batch is full, old enough, or there is a reason not to wait.
    fn new_lane(&mut self, now: Moment, urgent: bool) -> Option<u64> {
        let oldest = self.ready.first()?;
        let batch = &self.patience.batch;
        let old =
            self.slots.get(&oldest).is_some_and(|slot| now.saturating_sub(slot.since) >= batch.max_delay);
        let full = self.ready.len() >= batch.max_events.get() || self.ready_bytes >= batch.max_bytes;
        if !(old || full || urgent || self.draining || self.slots.len() >= MAX_SLOTS) {
            return None;
        }
        let id = self.next_lane;
        let positions = self.take_ready(id);
        if positions.is_empty() {
            return None;
        }
        self.next_lane += 1;
        let chunks = [Chunk::new(positions)].into();
        self.lanes.insert(id, Lane { chunks, due: now, sent_at: None });
        Some(id)
    }

    /// Takes ready events into a lane, in order and within the batch limits. One that waits for another event leaves
    /// `ready` until that one is settled.
    fn take_ready(&mut self, id: u64) -> Vec<u64> {
        let (max_events, max_bytes) = (self.patience.batch.max_events.get(), self.patience.batch.max_bytes);
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while let Some(position) = self.ready.first() {
            let Some(slot) = self.slots.get(&position) else {
                self.ready.pop_first();
                continue;
            };
            let size = slot.bytes;
            if taken.len() >= max_events || (!taken.is_empty() && bytes + size > max_bytes) {
                break;
            }
            self.ready.pop_first();
            self.ready_bytes -= size;
            let ours = |other: u64| self.slots.get(&other).is_some_and(|slot| slot.lane == Some(id));
            let free = self.order.is_free(&slot.keys, position, ours);
            let Some(slot) = self.slots.get_mut(&position) else { continue };
            if free {
                bytes += size;
                taken.push(position);
                slot.lane = Some(id);
            } else {
                slot.parked = true;
                self.parked += 1;
            }
        }
        taken
    }

    fn next_fetch(&mut self, now: Moment) -> Option<Action> {
        let batch = &self.patience.batch;
        let room = MAX_SLOTS.saturating_sub(self.slots.len());
        let wants = self.ready.len() < batch.max_events.get() * 2 && self.ready_bytes < batch.max_bytes * 2;
        let may = !self.fetching && !self.draining && now >= self.fetch_after;
        if !(may && wants && room > 0 && self.read_to < self.end) {
            return None;
        }
        self.fetching = true;
        let records = batch.max_events.get().min(room);
        Some(Action::Fetch { from: self.read_to, records, bytes: batch.max_bytes })
    }

    /// Returns when something becomes due by itself.
    fn next_deadline(&self, now: Moment) -> Option<Moment> {
        let (gate, limit) = match self.gate.permission(now) {
            Permission::Wait(until) => (Some(until), 0),
            Permission::Free => (None, self.patience.concurrency.get()),
            Permission::One | Permission::Probe => (None, 1),
        };
        let may_send = self.in_flight < limit;
        let batch = self.ready.first().and_then(|position| self.slots.get(&position));
        let batch = batch.map(|slot| slot.since + self.patience.batch.max_delay).filter(|_| may_send);
        let lane = self.due.first().map(|(due, _)| *due).filter(|_| may_send);
        let bury = (!self.unburied.is_empty()).then_some(self.bury_after);
        let fetch = (now < self.fetch_after).then_some(self.fetch_after);
        let waits = !self.slots.is_empty();
        [gate.filter(|_| waits), batch, lane, bury, fetch].into_iter().flatten().min()
    }
}
