//! When to stop asking a failing destination, and when to ask again.
//!
//! `Closed` means flowing. After enough consecutive failures it is `Open` for a while; then one batch is let through
//! (`HalfOpen`), which decides. Open means wait, never skip.

use super::Moment;
use super::patience::BreakerSettings;

/// The breaker of one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
    failures: u32,
}

/// What the breaker says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everything flows.
    Closed,
    /// Nothing is sent until then.
    Open {
        /// When it turns half-open.
        until: Moment,
    },
    /// One batch at a time, whose fate decides.
    HalfOpen,
}

impl Breaker {
    /// Returns a closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        Breaker { settings, state: State::Closed, failures: 0 }
    }

    /// Returns the state at `now`: an open breaker whose time is up is half-open.
    pub fn state(&self, now: Moment) -> State {
        match self.state {
            State::Open { until } if now >= until => State::HalfOpen,
            other => other,
        }
    }

    /// Returns the consecutive failures.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The other side took something (or refused it for its own fault): all is well.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.state = State::Closed;
    }

    /// An attempt failed. Failures that come in while open (from requests sent before) only count.
    pub fn failed(&mut self, now: Moment) {
        self.failures = self.failures.saturating_add(1);
        let opens = match self.state(now) {
            State::Closed => self.failures >= self.settings.failures,
            State::HalfOpen => true,
            State::Open { .. } => false,
        };
        if opens {
            self.state = State::Open { until: now + self.settings.open_for };
        }
    }

    /// Makes an open breaker half-open at once.
    pub fn retry_now(&mut self) {
        if let State::Open { .. } = self.state {
            self.state = State::HalfOpen;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn breaker() -> Breaker {
        Breaker::new(BreakerSettings { failures: 3, open_for: Duration::from_secs(30) })
    }

    #[test]
    fn it_opens_after_the_third_failure_and_lets_one_through_after_its_time() {
        let mut breaker = breaker();
        let at = Duration::from_secs;
        breaker.failed(at(1));
        breaker.failed(at(2));
        assert_eq!(breaker.state(at(2)), State::Closed);
        breaker.failed(at(3));
        assert_eq!(breaker.state(at(3)), State::Open { until: at(33) });
        assert_eq!(breaker.state(at(33)), State::HalfOpen);
        breaker.failed(at(34));
        assert_eq!(breaker.state(at(35)), State::Open { until: at(64) });
        breaker.succeeded();
        assert_eq!((breaker.state(at(36)), breaker.failures()), (State::Closed, 0));
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let mut breaker = breaker();
        for second in 0..10 {
            breaker.failed(Duration::from_secs(second));
            breaker.failed(Duration::from_secs(second));
            breaker.succeeded();
        }
        assert_eq!(breaker.state(Duration::from_secs(11)), State::Closed);
    }

    proptest! {
        #[test]
        fn it_never_stays_open_longer_than_open_for(steps in proptest::collection::vec((any::<bool>(), 0u64..60), 1..50)) {
            let mut breaker = breaker();
            let mut now = Duration::ZERO;
            for (ok, wait) in steps {
                now += Duration::from_secs(wait);
                if ok { breaker.succeeded() } else { breaker.failed(now) }
                let open = matches!(breaker.state(now + Duration::from_secs(30)), State::Open { .. });
                prop_assert!(!open);
            }
        }
    }
}
