//! Whether a destination may be asked at all: breaker, hold and throttle in one answer.

use std::time::Duration;

use crate::policy::Moment;
use crate::policy::breaker::{Breaker, State as BreakerState};
use crate::policy::outcome::Fault;
use crate::policy::patience::Patience;

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    /// As many batches as the concurrency allows.
    Free,
    /// One batch, whose fate decides.
    One,
    /// One batch of one event.
    Probe,
    /// Nothing before then.
    Wait(Moment),
}

/// Breaker, hold and throttle of one destination.
#[derive(Debug)]
pub(super) struct Gate {
    breaker: Breaker,
    probe_every: Duration,
    held: Option<Hold>,
    throttled_until: Option<Moment>,
    throttles: u32,
}

/// A hold on a broken destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Why, in the other side's words.
    pub fault: Fault,
    /// When the next probe is due.
    pub probe_at: Moment,
}

/// The wait when the other side throttles without saying for how long; doubled for each throttle in a row.
const THROTTLE_WAIT: Duration = Duration::from_secs(1);
/// The longest wait that we choose ourselves while throttled.
const THROTTLE_MAX: Duration = Duration::from_secs(60);

impl Gate {
    pub(super) fn new(patience: &Patience) -> Self {
        Gate {
            breaker: Breaker::new(patience.breaker.clone()),
            probe_every: patience.probe_every,
            held: None,
            throttled_until: None,
            throttles: 0,
        }
    }

    pub(super) fn permission(&self, now: Moment) -> Permission {
        if let Some(until) = self.throttled_until.filter(|until| now < *until) {
            return Permission::Wait(until);
        }
        if let Some(hold) = &self.held {
            return if now < hold.probe_at { Permission::Wait(hold.probe_at) } else { Permission::Probe };
        }
        match self.breaker.state(now) {
            BreakerState::Closed => Permission::Free,
            BreakerState::HalfOpen => Permission::One,
            BreakerState::Open { until } => Permission::Wait(until),
        }
    }

    /// The other side took something, or refused an event for its own fault.
    pub(super) fn succeeded(&mut self, is_first: bool, now: Moment) {
        self.breaker.succeeded(is_first, now);
        self.held = None;
        self.throttles = 0;
    }

    /// A transient failure. On a held destination it only puts off the next probe: nothing is known to be repaired.
    pub(super) fn failed(&mut self, is_first: bool, now: Moment) {
        match &mut self.held {
            Some(hold) => hold.probe_at = now + self.probe_every,
            None => self.breaker.failed(is_first, now),
        }
    }

    pub(super) fn hold(&mut self, fault: Fault, now: Moment) {
        self.held = Some(Hold { fault, probe_at: now + self.probe_every });
    }

    pub(super) fn throttle(&mut self, wait: Option<Duration>, now: Moment) {
        let own = THROTTLE_WAIT.saturating_mul(1 << self.throttles.min(6)).min(THROTTLE_MAX);
        self.throttles = self.throttles.saturating_add(1);
        // "Wait 0 seconds", and a date that has passed, say nothing about when: obeyed, they would make a busy loop.
        let until = now + wait.filter(|wait| !wait.is_zero()).unwrap_or(own);
        self.throttled_until = Some(self.throttled_until.map_or(until, |other| other.max(until)));
    }

    /// Asks again at once, whatever was decided.
    pub(super) fn retry_now(&mut self, now: Moment) {
        self.throttled_until = None;
        self.breaker.retry_now();
        if let Some(hold) = &mut self.held {
            hold.probe_at = now;
        }
    }

    pub(super) fn held(&self) -> Option<&Hold> {
        self.held.as_ref()
    }

    pub(super) fn throttled_until(&self, now: Moment) -> Option<Moment> {
        self.throttled_until.filter(|until| now < *until)
    }

    pub(super) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Returns whether time counts against an event's retry budget.
    pub(super) fn flows(&self, now: Moment) -> bool {
        self.permission(now) == Permission::Free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::patience::{BatchLimits, BreakerSettings, RateLimit, Retry};

    fn gate() -> Gate {
        let second = Duration::from_secs(1);
        Gate::new(&Patience {
            batch: BatchLimits { max_events: std::num::NonZeroUsize::MIN, max_bytes: 1, max_delay: second },
            retry: Retry { initial: second, max: second, give_up_after: second },
            breaker: BreakerSettings { failures: 5, open_for: second },
            probe_every: second,
            concurrency: std::num::NonZeroUsize::MIN,
            rate_limit: RateLimit::default(),
            timeout: second,
        })
    }

    #[test]
    fn a_throttle_of_no_time_at_all_waits_like_one_that_names_none() {
        let mut gate = gate();
        let mut now = Duration::from_secs(100);
        for expected in [1, 2, 4, 8] {
            gate.throttle(Some(Duration::ZERO), now);
            assert_eq!(gate.permission(now), Permission::Wait(now + Duration::from_secs(expected)));
            now += Duration::from_secs(expected);
        }
        gate.throttle(Some(Duration::from_secs(30)), now);
        assert_eq!(gate.permission(now), Permission::Wait(now + Duration::from_secs(30)));
    }
}
