//! What an operator sees of the delivery machine.

use super::Delivery;
use super::gate::{Hold, Permission};
use crate::policy::Moment;
use crate::policy::breaker::State as BreakerState;
use crate::policy::settled::Settled;

impl Delivery {
    /// Returns what is settled, to be stored as the cursor.
    pub fn settled(&self) -> &Settled {
        &self.settled
    }

    /// Returns the position up to which records were read.
    pub fn read_to(&self) -> u64 {
        self.read_to
    }

    /// Returns the number of unsettled events before the end of the journal.
    pub fn backlog(&self) -> u64 {
        self.end.saturating_sub(self.settled.mark()).saturating_sub(self.settled.above())
    }

    /// Returns the oldest unsettled position, when there is one.
    pub fn oldest(&self) -> Option<u64> {
        (self.settled.mark() < self.end).then(|| self.settled.mark())
    }

    /// Returns whether an event is loaded and unsettled.
    pub fn holds(&self, position: u64) -> bool {
        self.slots.contains_key(&position)
    }

    /// Returns the hold, when the destination is held.
    pub fn held(&self) -> Option<&Hold> {
        self.gate.held()
    }

    /// Returns the breaker's state and its consecutive failures.
    pub fn breaker(&self, now: Moment) -> (BreakerState, u32) {
        (self.gate.breaker().state(now), self.gate.breaker().failures())
    }

    /// Returns how many attempts may be in flight now, and how many at most.
    pub fn concurrency(&self) -> (usize, usize) {
        (self.pacing.pace.limit(), self.pacing.pace.cap())
    }

    /// Returns the share of the configured rates that the destination bears at present, above 0 and up to 1.
    pub fn share(&self) -> f64 {
        self.pacing.pace.share()
    }

    /// Returns the state in the operator's words.
    pub fn state(&self, now: Moment) -> &'static str {
        if self.draining {
            "draining"
        } else if self.pacing.paused {
            "paused"
        } else if self.gate.held().is_some() {
            "held"
        } else if self.gate.throttled_until(now).is_some() {
            "throttled"
        } else if !matches!(self.gate.breaker().state(now), BreakerState::Closed) || !self.due.is_empty() {
            "retrying"
        } else {
            "flowing"
        }
    }

    /// Returns when the next attempt after a failure is due.
    pub fn next_attempt(&self, now: Moment) -> Option<Moment> {
        if self.pacing.paused {
            return None;
        }
        match self.gate.permission(now) {
            Permission::Wait(until) => (!self.slots.is_empty()).then_some(until),
            Permission::Free | Permission::One | Permission::Probe => self.due.first().map(|(due, _)| *due),
        }
    }
}
