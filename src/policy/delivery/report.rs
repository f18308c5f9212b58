//! What a report changes: the gate's mind, what is settled, and what of the lane waits for how long.

use std::time::Duration;

use super::lane::{self, Chunk, Fate, Sorted};
use super::{Delivery, Moment, Trip, backoff};
use crate::policy::outcome::Outcome;

/// What came back of an attempt.
#[derive(Debug)]
pub(super) struct Returned {
    pub(super) lane: u64,
    pub(super) fates: Vec<(u64, Fate)>,
    pub(super) answered: bool,
    pub(super) waited: Duration,
}

impl Delivery {
    pub(super) fn reported(&mut self, returned: Returned, now: Moment) {
        let Returned { lane: id, fates, answered, waited } = returned;
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let Some(sent_at) = lane.sent_at.take() else { return };
        let events = fates.iter().filter(|(_, fate)| was_tried(fate, answered)).count();
        let trip = Trip { sent_at: sent_at + waited, events, in_flight: self.in_flight };
        self.in_flight -= 1;
        let Some(chunk) = lane.chunks.pop_front() else { return };
        self.count_tried(&chunk.positions);
        let mut sorted = lane::sort(&chunk, fates);
        sorted.answered |= answered;
        self.pacing.judge(&sorted, (&trip, self.is_to_blame(&chunk)), now);
        let wait = self.judge_destination(&sorted, &chunk, now);
        self.lose_returned(&mut sorted);
        let patience = (self.gate.flows(now) && !self.pacing.paused).then_some(wait);
        let rest =
            self.within_budget(std::mem::take(&mut sorted.rest), &mut sorted.buried, (&chunk, patience));
        self.settle(&sorted.settled);
        self.unburied.append(&mut sorted.buried);
        let again = now + wait;
        let rest = if sorted.deferred.is_empty() {
            rest
        } else {
            self.defer(id, (sorted.deferred, &chunk), rest, (now, again))
        };
        self.put_back(id, rest, again);
    }

    /// Tells the gate what the attempt says about the destination, and returns how long the lane waits.
    fn judge_destination(&mut self, sorted: &Sorted, chunk: &Chunk, now: Moment) -> Duration {
        if sorted.answered {
            self.gate.succeeded(chunk.failures == 0, now);
            self.last_success = Some(now);
        }
        if let Some(fault) = &sorted.broken {
            self.gate.hold(fault.clone(), now);
        } else if let Some((wait, _)) = &sorted.throttled {
            self.gate.throttle(*wait, now);
        } else if sorted.transient.is_some() {
            if !sorted.answered {
                self.gate.failed(chunk.failures == 0, now);
                self.old_failure = chunk.failures > 0;
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
}

/// Returns whether the fate says how much the destination bears.
fn was_tried(fate: &Fate, answered: bool) -> bool {
    match fate {
        Fate::Unsent => false,
        // A part of it may have been sent.
        Fate::Failed(Outcome::Deferred { .. }) => answered,
        _ => true,
    }
}
