//! When to stop asking a failing destination, and when to ask again.
//!
//! `Closed` means flowing. It opens after enough consecutive failures, or when at least half of the first attempts of the
//! last minute failed. While `Open` nothing is sent; then one batch is let through (`HalfOpen`), which decides. Open means
//! wait, never skip.
//!
//! The share of failures looks at first attempts alone: a batch that fails because of its own events is tried again and
//! again, and must not stop the others, which get through.

use std::time::Duration;

use super::Moment;
use super::patience::BreakerSettings;

/// The time over which the share of failures is taken, in slices that are forgotten as a whole.
const WINDOW: Duration = Duration::from_secs(60);
const SLICES: usize = 12;
/// Fewer first attempts than this in the window say nothing.
const LEAST_ATTEMPTS: u32 = 20;

/// The breaker of one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
    failures: u32,
    recent: Recent,
    /// Opened by the share of failures: a success in between was expected, and does not close it.
    by_share: bool,
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
        Breaker { settings, state: State::Closed, failures: 0, recent: Recent::default(), by_share: false }
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

    /// The other side took something (or refused it for its own fault): all is well. `is_first` when it was the first
    /// attempt of these events.
    pub fn succeeded(&mut self, is_first: bool, now: Moment) {
        self.failures = 0;
        match self.state(now) {
            State::Closed => self.recent.add(is_first, false, now),
            State::Open { .. } if self.by_share => {}
            State::Open { .. } | State::HalfOpen => self.close(),
        }
    }

    /// An attempt failed. Failures that come in while open (from requests sent before) only count.
    pub fn failed(&mut self, is_first: bool, now: Moment) {
        self.failures = self.failures.saturating_add(1);
        let in_a_row = self.failures >= self.settings.failures;
        match self.state(now) {
            State::Closed => {
                self.recent.add(is_first, true, now);
                let by_share = self.recent.is_half_failed(now);
                if in_a_row || by_share {
                    self.open(by_share && !in_a_row, now);
                }
            }
            State::HalfOpen => self.open(self.by_share, now),
            State::Open { .. } => {}
        }
    }

    fn open(&mut self, by_share: bool, now: Moment) {
        self.state = State::Open { until: now + self.settings.open_for };
        self.by_share = by_share;
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.recent = Recent::default();
        self.by_share = false;
    }

    /// Makes an open breaker half-open at once.
    pub fn retry_now(&mut self) {
        if let State::Open { .. } = self.state {
            self.state = State::HalfOpen;
        }
    }
}

/// First attempts and failures of the last [`WINDOW`], by slices of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Recent {
    slices: [Slice; SLICES],
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Slice {
    /// Which slice of time since the start.
    number: u64,
    attempts: u32,
    failures: u32,
}

impl Recent {
    fn add(&mut self, is_first: bool, failed: bool, now: Moment) {
        let number = slice_of(now);
        let Some(slice) = self.slices.get_mut(number as usize % SLICES).filter(|_| is_first) else { return };
        if slice.number != number {
            *slice = Slice { number, ..Slice::default() };
        }
        slice.attempts = slice.attempts.saturating_add(1);
        slice.failures = slice.failures.saturating_add(u32::from(failed));
    }

    fn is_half_failed(&self, now: Moment) -> bool {
        let oldest = (slice_of(now) + 1).saturating_sub(SLICES as u64);
        let recent = self.slices.iter().filter(|slice| slice.number >= oldest);
        let (attempts, failures) = recent.fold((0_u32, 0_u32), |(attempts, failures), slice| {
            (attempts.saturating_add(slice.attempts), failures.saturating_add(slice.failures))
        });
        attempts >= LEAST_ATTEMPTS && failures >= attempts.div_ceil(2)
    }
}

fn slice_of(now: Moment) -> u64 {
    let length = WINDOW.as_millis() as u64 / SLICES as u64;
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX) / length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn breaker() -> Breaker {
        Breaker::new(BreakerSettings { failures: 3, open_for: Duration::from_secs(30) })
    }

    #[test]
    fn it_opens_after_the_third_failure_and_lets_one_through_after_its_time() {
        let mut breaker = breaker();
        let at = Duration::from_secs;
        breaker.failed(true, at(1));
        breaker.failed(true, at(2));
        assert_eq!(breaker.state(at(2)), State::Closed);
        breaker.failed(true, at(3));
        assert_eq!(breaker.state(at(3)), State::Open { until: at(33) });
        assert_eq!(breaker.state(at(33)), State::HalfOpen);
        breaker.failed(false, at(34));
        assert_eq!(breaker.state(at(35)), State::Open { until: at(64) });
        breaker.succeeded(false, at(36));
        assert_eq!((breaker.state(at(36)), breaker.failures()), (State::Closed, 0));
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let mut breaker = breaker();
        for second in 0..6 {
            let now = Duration::from_secs(second);
            breaker.failed(true, now);
            breaker.failed(true, now);
            breaker.succeeded(true, now);
        }
        assert_eq!(breaker.state(Duration::from_secs(7)), State::Closed);
    }

    /// Attempts one after the other, so many seconds apart; returns at which one the breaker opened.
    fn opened_in(
        breaker: &mut Breaker,
        apart: u64,
        attempts: impl IntoIterator<Item = (bool, bool)>,
    ) -> Option<usize> {
        attempts.into_iter().enumerate().find_map(|(index, (is_first, ok))| {
            let now = Duration::from_secs(index as u64 * apart);
            if ok {
                breaker.succeeded(is_first, now)
            } else {
                breaker.failed(is_first, now)
            }
            (breaker.state(now) != State::Closed).then_some(index)
        })
    }

    fn opened_at(breaker: &mut Breaker, attempts: impl IntoIterator<Item = (bool, bool)>) -> Option<usize> {
        opened_in(breaker, 1, attempts)
    }

    #[test]
    fn it_opens_when_half_of_the_last_minute_failed_and_only_with_enough_attempts() {
        let every = |nth: usize| (0..300).map(move |index| (true, index % nth != 1));
        assert_eq!(opened_at(&mut breaker(), every(2)), Some(19), "not before twenty attempts");
        assert_eq!(opened_at(&mut breaker(), every(3)), None, "a third is not half");
        assert_eq!(opened_in(&mut breaker(), 4, every(2)), None, "fifteen a minute are too few to judge");
    }

    #[test]
    fn a_batch_that_fails_on_its_own_does_not_open_it_however_often_it_is_tried() {
        let others_get_through = (0..3_000).map(|index| match index % 3 {
            0 => (true, true),
            _ => (index == 1, false),
        });
        assert_eq!(opened_at(&mut breaker(), others_get_through), None);
    }

    #[test]
    fn opened_by_its_share_it_is_not_closed_by_a_success_that_was_under_way_but_by_the_one_that_decides() {
        let mut breaker = breaker();
        let opened = opened_at(&mut breaker, (0..300).map(|index| (true, index % 2 == 0))).unwrap() as u64;
        let at = Duration::from_secs;
        breaker.succeeded(true, at(opened + 1));
        assert!(matches!(breaker.state(at(opened + 1)), State::Open { .. }));
        assert_eq!(breaker.state(at(opened + 30)), State::HalfOpen);
        breaker.succeeded(true, at(opened + 30));
        breaker.failed(true, at(opened + 31));
        assert_eq!(breaker.state(at(opened + 31)), State::Closed, "what was before is forgotten");
    }

    proptest! {
        #[test]
        fn it_never_stays_open_longer_than_open_for(steps in proptest::collection::vec((any::<bool>(), any::<bool>(), 0u64..60), 1..50)) {
            let mut breaker = breaker();
            let mut now = Duration::ZERO;
            for (ok, first, wait) in steps {
                now += Duration::from_secs(wait);
                if ok { breaker.succeeded(first, now) } else { breaker.failed(first, now) }
                let open = matches!(breaker.state(now + Duration::from_secs(30)), State::Open { .. });
                prop_assert!(!open);
            }
        }

        #[test]
        fn it_never_opens_while_less_than_half_of_the_first_attempts_fail_and_none_in_a_row(
            retries in proptest::collection::vec(0usize..2, 1..200),
        ) {
            let mut breaker = Breaker { settings: BreakerSettings { failures: 5, ..breaker().settings }, ..breaker() };
            let mut now = Duration::ZERO;
            for (index, retries) in retries.into_iter().enumerate() {
                now += Duration::from_millis(300);
                if index % 3 == 2 { breaker.failed(true, now) } else { breaker.succeeded(true, now) }
                (0..retries).for_each(|_| breaker.failed(false, now));
                prop_assert_eq!(breaker.state(now), State::Closed);
            }
        }
    }
}
