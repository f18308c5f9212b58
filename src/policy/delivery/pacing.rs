//! What may be sent, and when: pause, concurrency and event rate in one place, and the clock of the retry budget.
//!
//! Separate from what a batch is made of. Whatever holds things back here has a moment at which it ends by itself, or an
//! input that ends it.

use std::time::Duration;

use super::Delivery;
use super::gate::Permission;
use super::lane::{Chunk, Sorted};
use crate::policy::Moment;
use crate::policy::pace::{Pace, Trip};
use crate::policy::patience::Patience;
use crate::policy::rate::Rate;

/// Concurrency, event rate, pause, and how long the destination has flowed.
#[derive(Debug)]
pub(super) struct Pacing {
    pub(super) pace: Pace,
    rate: Option<Rate>,
    pub(super) paused: bool,
    /// How long the destination has flowed so far: the only time that counts against a retry budget.
    flowed: Duration,
    flows_since: Option<Moment>,
}

impl Pacing {
    pub(super) fn new(patience: &Patience) -> Self {
        Pacing {
            pace: Pace::new(patience.concurrency),
            rate: Rate::new(patience.rate_limit.events_per_second),
            paused: false,
            flowed: Duration::ZERO,
            flows_since: None,
        }
    }

    /// Returns for how long the destination has flowed.
    pub(super) fn flowed(&self) -> Duration {
        self.flowed
    }

    /// Counts the time since the last look, when the destination flowed then.
    pub(super) fn look(&mut self, now: Moment) {
        if let Some(since) = self.flows_since.take() {
            self.flowed += now.saturating_sub(since);
        }
    }

    /// Says whether the destination flows from now on.
    pub(super) fn flows_from(&mut self, flows: bool, now: Moment) {
        self.flows_since = (flows && !self.paused).then_some(now);
    }

    /// Returns when so many events may be sent as far as the rate is concerned.
    fn affordable_at(&self, events: usize) -> Moment {
        self.rate.as_ref().map_or(Moment::ZERO, |rate| rate.ready_at(events))
    }

    pub(super) fn take(&mut self, events: usize, now: Moment) {
        if let Some(rate) = &mut self.rate {
            rate.take(events, now);
        }
    }

    /// What an attempt says about how much the destination bears.
    pub(super) fn judge(&mut self, sorted: &Sorted, (trip, is_to_blame): (&Trip, bool), now: Moment) {
        if sorted.throttled.is_some() {
            self.pace.throttled(trip.sent_at, now);
        } else if sorted.transient.is_some() {
            if !sorted.answered && is_to_blame {
                self.pace.failed(trip.sent_at, now);
            }
        } else if sorted.answered && sorted.broken.is_none() {
            self.pace.succeeded(trip, now);
        }
        let share = self.pace.share();
        self.rate.iter_mut().for_each(|rate| rate.set_share(share));
    }
}

impl Delivery {
    /// Returns what may be sent now; pause and concurrency hold back whatever the gate says.
    pub(super) fn may_send(&self, now: Moment) -> Option<Permission> {
        let permission = self.gate.permission(now);
        let most = match permission {
            Permission::Wait(_) => 0,
            Permission::One | Permission::Probe => 1,
            Permission::Free => self.pacing.pace.limit(),
        };
        (!self.pacing.paused && self.in_flight < most).then_some(permission)
    }

    /// Returns the lane that is next when there is one: the one that has waited longest. A probe does not wait for its
    /// backoff. A half-open breaker is tried with new events in turn, or one batch that fails for its own sake would keep
    /// it from ever closing. While draining nothing is tried again: what is left waits in the journal.
    pub(super) fn next_lane_due(&self, now: Moment, permission: Permission) -> Option<(Moment, u64)> {
        let (due, id) = *self.due.first()?;
        let is_due = due <= now || permission != Permission::Free;
        (is_due && !self.draining && !self.is_new_ones_turn(permission)).then_some((due, id))
    }

    fn is_new_ones_turn(&self, permission: Permission) -> bool {
        permission == Permission::One && self.old_failure && self.ready.len() > 0
    }

    /// Returns whether the rate allows what is next.
    pub(super) fn is_affordable(&self, now: Moment, permission: Permission) -> bool {
        match self.next_lane_due(now, permission) {
            Some((_, id)) => self.lane_affordable_at(id, permission) <= now,
            None => self.batch_affordable_at(permission) <= now,
        }
    }

    fn lane_affordable_at(&self, id: u64, permission: Permission) -> Moment {
        let chunk = self.lanes.get(&id).and_then(|lane| lane.chunks.front());
        let events = chunk.map_or(0, |chunk| chunk.positions.len());
        self.pacing.affordable_at(if permission == Permission::Probe { events.min(1) } else { events })
    }

    fn batch_affordable_at(&self, permission: Permission) -> Moment {
        let events = self.ready.len().min(self.most_events());
        self.pacing.affordable_at(if permission == Permission::Probe { events.min(1) } else { events })
    }

    /// Returns the most events of one batch: never more than the rate allows at once.
    pub(super) fn most_events(&self) -> usize {
        let configured = self.patience.batch.max_events.get();
        self.pacing.rate.as_ref().map_or(configured, |rate| configured.min(rate.burst()))
    }

    /// Returns when something may be sent that may not be sent now.
    pub(super) fn send_deadline(&self, now: Moment) -> Option<Moment> {
        if self.pacing.paused {
            return None;
        }
        if let Permission::Wait(until) = self.gate.permission(now) {
            return (!self.slots.is_empty()).then_some(until);
        }
        let permission = self.may_send(now)?;
        if let Some((_, id)) = self.next_lane_due(now, permission) {
            return Some(self.lane_affordable_at(id, permission));
        }
        // A lane that may not go now is no reason to wake up: it would be one again and again.
        let lane = self.due.first().filter(|_| !self.draining && !self.is_new_ones_turn(permission));
        let lane = lane.map(|(due, id)| self.lane_affordable_at(*id, permission).max(*due));
        let batch = self.batch_due(permission != Permission::Free);
        let batch = batch.map(|due| self.batch_affordable_at(permission).max(due));
        lane.into_iter().chain(batch).min()
    }

    /// Returns whether a failure of this chunk says something about the destination, and not about its own events: it is
    /// the first one, or nothing else got through since.
    pub(super) fn is_to_blame(&self, chunk: &Chunk) -> bool {
        chunk.failures == 0
            || self.last_success.is_none_or(|at| chunk.first_at.is_some_and(|first| at < first))
    }
}
