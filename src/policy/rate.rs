//! How often something may happen: so many a second in the long run, and never more than one second's worth at once.
//!
//! GCRA: one moment says when everything that was taken has been paid for. Exact to the nanosecond, and no timer fills
//! anything. Knows no clock: the moments are arguments.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Moment;

/// A rate and what was taken of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    configured: NonZeroU32,
    per_second: u64,
    /// When everything taken so far has been paid for.
    paid_at: Moment,
}

impl Rate {
    /// Returns a rate of which nothing was taken; `None` for 0, which means no limit.
    pub fn new(per_second: u32) -> Option<Self> {
        let configured = NonZeroU32::new(per_second)?;
        Some(Rate { configured, per_second: u64::from(per_second), paid_at: Moment::ZERO })
    }

    /// Uses only this share (above 0, at most 1) of what is configured, though never less than one a second.
    pub fn set_share(&mut self, share: f64) {
        self.per_second = ((f64::from(self.configured.get()) * share).round() as u64).max(1);
    }

    /// Returns how many may be taken at once.
    pub fn burst(&self) -> usize {
        usize::try_from(self.per_second).unwrap_or(usize::MAX)
    }

    /// Returns the moment from which `count` may be taken. More than a burst may be taken once all is paid for.
    pub fn ready_at(&self, count: usize) -> Moment {
        self.paid_at.saturating_sub(self.span(self.burst().saturating_sub(count)))
    }

    /// Takes `count`, whether it is time or not.
    pub fn take(&mut self, count: usize, now: Moment) {
        self.paid_at = self.paid_at.max(now).saturating_add(self.span(count));
    }

    /// Takes `count` now or later; returns the moment to wait for.
    pub fn reserve(&mut self, count: usize, now: Moment) -> Moment {
        let at = self.ready_at(count).max(now);
        self.take(count, at);
        at
    }

    /// Returns the time in which so many are allowed.
    fn span(&self, count: usize) -> Duration {
        let nanos = count as u128 * 1_000_000_000 / u128::from(self.per_second);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(per_second: u32) -> Rate {
        Rate::new(per_second).unwrap()
    }

    #[test]
    fn zero_means_no_limit() {
        assert_eq!(Rate::new(0), None);
    }

    #[test]
    fn one_second_s_worth_goes_at_once_and_then_one_after_the_other() {
        let mut rate = rate(4);
        let now = Duration::from_secs(10);
        let moments: Vec<u128> = (0..7).map(|_| (rate.reserve(1, now) - now).as_millis()).collect();
        assert_eq!(moments, [0, 0, 0, 0, 250, 500, 750]);
        let later = Duration::from_secs(60);
        let moments: Vec<u128> = (0..6).map(|_| (rate.reserve(1, later) - later).as_millis()).collect();
        assert_eq!(
            moments,
            [0, 0, 0, 0, 250, 500],
            "time without use saves up one second's worth and no more"
        );
    }

    #[test]
    fn more_than_a_second_s_worth_waits_until_all_is_paid_for() {
        let mut rate = rate(10);
        assert_eq!(rate.reserve(50, Duration::from_secs(1)), Duration::from_secs(1));
        assert_eq!(rate.ready_at(50), Duration::from_secs(6));
        assert_eq!(rate.ready_at(1), Duration::from_millis(5_100));
    }

    #[test]
    fn a_share_slows_down_and_never_stops() {
        let mut rate = rate(10);
        rate.set_share(0.5);
        assert_eq!(rate.burst(), 5);
        rate.take(5, Duration::from_secs(1));
        assert_eq!(rate.ready_at(5), Duration::from_secs(2));
        rate.set_share(0.001);
        assert_eq!(rate.burst(), 1);
    }

    proptest! {
        #[test]
        fn in_any_stretch_of_time_no_more_is_taken_than_a_burst_and_the_rate(
            per_second in 1u32..200,
            wants in proptest::collection::vec((0u64..2_000, 1usize..100), 1..100),
        ) {
            let mut rate = rate(per_second);
            let mut now = Duration::ZERO;
            let mut taken: Vec<(Duration, usize)> = Vec::new();
            for (wait, count) in wants {
                now += Duration::from_millis(wait);
                let count = count.min(rate.burst());
                now = rate.reserve(count, now);
                taken.push((now, count));
            }
            for (first, (from, _)) in taken.iter().enumerate() {
                let mut sum = 0;
                for (to, count) in &taken[first..] {
                    sum += count;
                    let allowed = f64::from(per_second) * (1.0 + (*to - *from).as_secs_f64());
                    prop_assert!(sum as f64 <= allowed + 0.001, "{sum} from {from:?} to {to:?}");
                }
            }
        }

        #[test]
        fn whoever_waits_as_told_gets_the_whole_rate(per_second in 1u32..2_000, count in 1usize..50) {
            let mut rate = rate(per_second);
            let count = count.min(rate.burst());
            let mut now = Duration::ZERO;
            let mut taken = 0;
            while now < Duration::from_secs(20) {
                now = rate.ready_at(count).max(now);
                rate.take(count, now);
                taken += count;
            }
            prop_assert!(taken as f64 >= f64::from(per_second) * 20.0, "{taken}");
        }
    }
}
