//! How much one destination is asked at once: additive increase, multiplicative decrease.
//!
//! The limit begins at the configured concurrency and never goes above it. Being throttled, and a batch of which nothing
//! got through, halve it; answers that take clearly longer than they used to lower it gently; answers in good time raise it
//! by one for each round of requests. What was sent before a decrease does not decrease it again: it knew nothing of it.
//!
//! Knows no clock: the moments are arguments.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::Moment;

/// What is left of the limit after being throttled or failing.
const HALF: f64 = 0.5;
/// What is left of the limit when answers have become slow.
const GENTLE: f64 = 0.9;
/// An answer is slow from this many times the usual time on …
const SLOW_FACTOR: u32 = 2;
/// … and this much more: on a fast network twice the time means nothing.
const SLOW_MARGIN: Duration = Duration::from_millis(100);
/// So many slow answers in a row are no accident.
const SLOW_IN_A_ROW: u32 = 3;
/// The usual time comes down by this part of the difference with each faster answer …
const FASTER: u32 = 4;
/// … and goes up by this part with each round of slower ones: what stays slow becomes usual in the end.
const SLOWER: usize = 16;
/// Batches are compared with those of about the same size: of the same power of two, up to this one.
const CLASSES: usize = 20;
/// In how many seconds of success a rate comes back from nothing to what is configured.
const SHARE_BACK_IN: f64 = 60.0;
/// The longest pause that counts as success.
const SHARE_STEP: Duration = Duration::from_secs(5);
/// The least share of the rate that is left.
const LEAST_SHARE: f64 = 1.0 / 64.0;

/// One attempt that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trip {
    /// When it began; what it waited for a permit comes before.
    pub sent_at: Moment,
    /// Events that were tried.
    pub events: usize,
    /// Attempts in flight when it came back, itself among them.
    pub in_flight: usize,
}

/// The limit of one destination, and the share of its rate that it bears.
#[derive(Debug, Clone)]
pub struct Pace {
    cap: usize,
    limit: f64,
    share: f64,
    shared_at: Moment,
    lowered_at: Option<Moment>,
    /// How long an answer usually takes, by class of size.
    usual: [Option<Duration>; CLASSES],
    slow: u32,
}

impl Pace {
    /// Returns a pace that begins at the cap.
    pub fn new(cap: NonZeroUsize) -> Self {
        Pace {
            cap: cap.get(),
            limit: cap.get() as f64,
            share: 1.0,
            shared_at: Moment::ZERO,
            lowered_at: None,
            usual: [None; CLASSES],
            slow: 0,
        }
    }

    /// Returns how many attempts may be in flight: 1 at least, the cap at most.
    pub fn limit(&self) -> usize {
        (self.limit.round() as usize).clamp(1, self.cap)
    }

    /// Returns the cap.
    pub fn cap(&self) -> usize {
        self.cap
    }

    /// Returns the share of the configured rate that may be used, above 0 and up to 1.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// An attempt got through. Raises the limit when it was in use, unless answers have become slow.
    pub fn succeeded(&mut self, trip: &Trip, now: Moment) {
        if self.is_slow(trip, now) {
            self.slow += 1;
            if self.slow >= SLOW_IN_A_ROW {
                self.slow = 0;
                self.lower(GENTLE, trip.sent_at, now);
            }
            return;
        }
        self.slow = 0;
        if self.knew(trip.sent_at) {
            self.raise(trip, now);
        }
    }

    /// The other side asked for less.
    pub fn throttled(&mut self, sent_at: Moment, now: Moment) {
        if self.lower(HALF, sent_at, now) {
            self.share = (self.share * HALF).max(LEAST_SHARE);
            self.shared_at = now;
        }
    }

    /// Nothing of a batch got through, or no answer came in time.
    pub fn failed(&mut self, sent_at: Moment, now: Moment) {
        self.lower(HALF, sent_at, now);
    }

    /// Returns whether an attempt was sent after the last decrease.
    fn knew(&self, sent_at: Moment) -> bool {
        self.lowered_at.is_none_or(|at| sent_at > at)
    }

    fn lower(&mut self, factor: f64, sent_at: Moment, now: Moment) -> bool {
        let lowers = self.knew(sent_at);
        if lowers {
            self.limit = (self.limit * factor).max(1.0);
            self.lowered_at = Some(now);
        }
        lowers
    }

    fn raise(&mut self, trip: &Trip, now: Moment) {
        if trip.in_flight >= self.limit() {
            self.limit = (self.limit + 1.0 / self.limit).min(self.cap as f64);
        }
        let passed = now.saturating_sub(self.shared_at).min(SHARE_STEP);
        self.share = (self.share + passed.as_secs_f64() / SHARE_BACK_IN).min(1.0);
        self.shared_at = now;
    }

    /// Compares with what is usual for the size, then learns from it.
    fn is_slow(&mut self, trip: &Trip, now: Moment) -> bool {
        let took = now.saturating_sub(trip.sent_at);
        let class = trip.events.max(1).ilog2() as usize;
        let Some(usual) = self.usual.get_mut(class.min(CLASSES - 1)) else { return false };
        let Some(known) = *usual else {
            *usual = Some(took);
            return false;
        };
        let round = u32::try_from(SLOWER.saturating_mul(trip.in_flight.max(1))).unwrap_or(u32::MAX);
        *usual =
            Some(if took < known { known - (known - took) / FASTER } else { known + (took - known) / round });
        took > known.saturating_mul(SLOW_FACTOR).saturating_add(SLOW_MARGIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pace(cap: usize) -> Pace {
        Pace::new(NonZeroUsize::new(cap).unwrap())
    }

    fn at(millis: u64) -> Moment {
        Duration::from_millis(millis)
    }

    /// Sends one full window after the other, each of which takes so long; returns when the last one is back.
    fn windows(pace: &mut Pace, mut now: u64, rounds: usize, took: u64) -> u64 {
        for _ in 0..rounds {
            now += 1;
            for answered in 0..pace.limit() {
                let in_flight = pace.limit().max(answered + 1);
                pace.succeeded(&Trip { sent_at: at(now), events: 100, in_flight }, at(now + took));
            }
            now += took;
        }
        now
    }

    #[test]
    fn being_throttled_halves_the_limit_once_per_round_trip() {
        let mut pace = pace(16);
        (0..16).for_each(|_| pace.throttled(at(0), at(50)));
        assert_eq!(pace.limit(), 8, "what was sent before a decrease does not decrease it again");
        pace.throttled(at(50), at(60));
        assert_eq!(pace.limit(), 8);
        pace.throttled(at(51), at(100));
        assert_eq!((pace.limit(), pace.share()), (4, 0.25));
    }

    #[test]
    fn success_adds_one_for_each_full_window_and_nothing_while_the_limit_is_not_used() {
        let mut pace = pace(16);
        pace.throttled(at(0), at(1));
        assert_eq!(pace.limit(), 8);
        let now = windows(&mut pace, 1, 3, 20);
        assert_eq!(pace.limit(), 11);
        for request in 0..100 {
            let sent_at = at(now + request * 10);
            pace.succeeded(&Trip { sent_at, events: 100, in_flight: 3 }, sent_at + at(20));
        }
        assert_eq!(pace.limit(), 11, "three in flight say nothing about eleven");
    }

    #[test]
    fn answers_that_become_clearly_slower_lower_the_limit_gently() {
        let mut pace = pace(20);
        let now = windows(&mut pace, 0, 20, 50);
        assert_eq!(pace.limit(), 20);
        let now = windows(&mut pace, now, 1, 1_000);
        assert_eq!(pace.limit(), 18, "once for the round, by a tenth");
        windows(&mut pace, now, 4, 1_000);
        assert!((11..16).contains(&pace.limit()), "{}", pace.limit());
    }

    #[test]
    fn a_single_slow_answer_and_noise_on_a_fast_network_mean_nothing() {
        let mut pace = pace(20);
        for request in 0..10_000_u64 {
            let sent_at = at(request * 200);
            let took = if request % 50 == 0 { 5_000 } else { 1 + request * 7 % 90 };
            pace.succeeded(
                &Trip { sent_at, events: 1 + request as usize % 500, in_flight: 20 },
                sent_at + at(took),
            );
            assert_eq!(pace.limit(), 20, "request {request}");
        }
    }

    #[test]
    fn a_large_batch_is_not_slow_because_small_ones_are_fast() {
        let mut pace = pace(8);
        for request in 0..1_000 {
            let (events, took) = if request % 10 < 5 { (2, 5) } else { (500, 900) };
            let sent_at = at(request * 1_000);
            pace.succeeded(&Trip { sent_at, events, in_flight: 8 }, sent_at + at(took));
        }
        assert_eq!(pace.limit(), 8);
    }

    #[test]
    fn what_stays_slow_becomes_usual_and_the_limit_comes_back() {
        let mut pace = pace(10);
        let now = windows(&mut pace, 0, 20, 50);
        windows(&mut pace, now, 200, 1_000);
        assert_eq!(pace.limit(), 10);
    }

    #[test]
    fn the_share_of_the_rate_comes_back_within_a_minute_of_success() {
        let mut pace = pace(4);
        pace.throttled(at(0), at(1));
        assert_eq!(pace.share(), 0.5);
        windows(&mut pace, 1, 60, 400);
        assert!((0.8..1.0).contains(&pace.share()), "{}", pace.share());
        windows(&mut pace, 30_000, 60, 400);
        assert_eq!(pace.share(), 1.0);
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Succeeded,
        Throttled,
        Failed,
    }

    fn steps() -> impl Strategy<Value = Vec<(Step, u64, u64, usize, usize)>> {
        let step =
            prop_oneof![3 => Just(Step::Succeeded), 1 => Just(Step::Throttled), 1 => Just(Step::Failed)];
        proptest::collection::vec((step, 0u64..500, 0u64..5_000, 0usize..5_000, 1usize..70), 0..200)
    }

    proptest! {
        #[test]
        fn the_limit_is_never_above_the_cap_nor_below_one(cap in 1usize..64, steps in steps()) {
            let mut pace = pace(cap);
            let mut now = 0;
            for (step, wait, took, events, in_flight) in steps {
                now += wait;
                let sent_at = at(now.saturating_sub(took));
                let trip = Trip { sent_at, events, in_flight };
                match step {
                    Step::Succeeded => pace.succeeded(&trip, at(now)),
                    Step::Throttled => pace.throttled(sent_at, at(now)),
                    Step::Failed => pace.failed(sent_at, at(now)),
                }
                prop_assert!((1..=cap).contains(&pace.limit()), "{} of {cap}", pace.limit());
                prop_assert!(pace.share() > 0.0 && pace.share() <= 1.0, "{}", pace.share());
            }
        }

        #[test]
        fn after_any_trouble_success_brings_the_limit_back_to_the_cap(cap in 1usize..64, steps in steps()) {
            let mut pace = pace(cap);
            let mut now = 0;
            for (step, wait, took, _, _) in steps {
                now += wait + took;
                match step {
                    Step::Succeeded | Step::Throttled => pace.throttled(at(now - took), at(now)),
                    Step::Failed => pace.failed(at(now - took), at(now)),
                }
            }
            windows(&mut pace, now + 1, cap + 4, 30);
            prop_assert_eq!(pace.limit(), cap);
        }

        #[test]
        fn a_storm_of_throttling_brings_the_limit_down_to_one(cap in 1usize..1_000) {
            let mut pace = pace(cap);
            (0..12).for_each(|round| pace.throttled(at(round * 10), at(round * 10 + 5)));
            prop_assert_eq!(pace.limit(), 1);
        }

        #[test]
        fn a_steady_destination_stays_at_the_cap(
            cap in 1usize..64,
            usual in 1u64..3_000,
            noise in proptest::collection::vec(0u64..100, 1..200),
        ) {
            let mut pace = pace(cap);
            let mut now = 0;
            for percent in noise {
                now += 10;
                let took = usual + usual * percent / 200;
                pace.succeeded(&Trip { sent_at: at(now), events: 10, in_flight: cap }, at(now + took));
                prop_assert_eq!(pace.limit(), cap);
            }
        }
    }
}
