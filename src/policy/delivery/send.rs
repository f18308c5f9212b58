//! What is sent next: a lane that is due, or a batch of ready events.

use super::gate::Permission;
use super::lane::{Chunk, Lane};
use super::waits::Past;
use super::{Action, Delivery};
use crate::policy::Moment;

impl Delivery {
    /// Sends the next thing that may go now.
    pub(super) fn next_send(&mut self, now: Moment) -> Option<Action> {
        let permission = self.may_send(now)?;
        if !self.is_affordable(now, permission) {
            return None;
        }
        let urgent = permission != Permission::Free;
        let id = self.due_lane(now, permission).or_else(|| self.new_lane(now, urgent))?;
        if permission == Permission::Probe {
            self.split_probe(id);
        }
        self.send(id, now)
    }

    fn due_lane(&mut self, now: Moment, permission: Permission) -> Option<u64> {
        let (due, id) = self.next_lane_due(now, permission)?;
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
        self.last_sent = Some(now);
        self.pacing.take(chunk.positions.len(), now);
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
        if self.batch_due(urgent)? > now {
            return None;
        }
        let id = self.next_lane;
        let chunk = self.take_ready(id);
        if chunk.positions.is_empty() {
            return None;
        }
        self.next_lane += 1;
        let chunks = [chunk].into();
        self.lanes.insert(id, Lane { chunks, due: now, sent_at: None });
        Some(id)
    }

    /// Returns when the next batch goes, by what is ready now: full, or old enough. To a destination that has nothing in
    /// flight and had nothing for as long as a batch may wait, it goes at once: waiting for company would be for nothing.
    pub(super) fn batch_due(&self, urgent: bool) -> Option<Moment> {
        let oldest = self.slots.get(&self.ready.first()?);
        let full =
            self.ready.len() >= self.most_events() || self.ready_bytes >= self.patience.batch.max_bytes;
        let now = full || urgent || self.draining || self.crowd() >= self.max_slots;
        let waits = oldest.filter(|_| !now);
        let Some(slot) = waits else { return Some(Moment::ZERO) };
        let since = match self.last_sent {
            _ if self.in_flight > 0 => slot.since,
            Some(at) => slot.since.min(at),
            None => return Some(Moment::ZERO),
        };
        Some(since + self.patience.batch.max_delay)
    }

    /// Takes ready events into a lane, in order and within the batch limits. One that waits for another event leaves
    /// `ready` until that one is settled. Events with different pasts go apart, so that each keeps its own.
    fn take_ready(&mut self, id: u64) -> Chunk {
        let (max_events, max_bytes) = (self.most_events(), self.patience.batch.max_bytes);
        let (mut taken, mut bytes, mut past) = (Vec::new(), 0, Past::default());
        while let Some(position) = self.ready.first() {
            let Some(slot) = self.slots.get(&position) else {
                self.ready.pop_first();
                continue;
            };
            let size = slot.bytes;
            if taken.len() >= max_events || (!taken.is_empty() && bytes + size > max_bytes) {
                break;
            }
            let own = self.waits.past(position);
            if !taken.is_empty() && own != past {
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
                past = own;
                self.waits.forget(position);
            } else {
                slot.parked = true;
                self.parked += 1;
            }
        }
        let Past { failures, failing_since } = past;
        Chunk { failures, failing_since, ..Chunk::new(taken) }
    }
}
