//! How long the journal's space will last: pure, from measurements of what waits in it.
//!
//! Separate because a forecast must be testable without a disk. What counts is what somebody still waits for: the rest is
//! given up by itself when space is needed.

use std::collections::VecDeque;
use std::time::Duration;

use super::Moment;

/// Over how long the present rate is taken.
const WINDOW: Duration = Duration::from_secs(60);
/// A shorter look says nothing of a rate.
const SHORTEST: Duration = Duration::from_secs(1);
/// Longer than this is as good as for ever.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Measurements of the last minute.
#[derive(Debug, Default)]
pub struct Fill {
    samples: VecDeque<(Moment, u64)>,
}

impl Fill {
    /// Notes how many bytes wait for somebody. Moments come in order.
    pub fn measured(&mut self, now: Moment, waiting_bytes: u64) {
        self.samples.push_back((now, waiting_bytes));
        while self.samples.get(1).is_some_and(|(at, _)| *at + WINDOW <= now) {
            self.samples.pop_front();
        }
    }

    /// Returns how long it takes until `max_bytes` wait at the rate of the last minute; `None` when they do not grow.
    pub fn full_in(&self, max_bytes: u64) -> Option<Duration> {
        let (begun, before) = *self.samples.front()?;
        let (now, waiting) = *self.samples.back()?;
        let took = now.saturating_sub(begun);
        let grown = waiting.checked_sub(before).filter(|grown| *grown > 0 && took >= SHORTEST)?;
        let rate = grown as f64 / took.as_secs_f64();
        let seconds = max_bytes.saturating_sub(waiting) as f64 / rate;
        Some(Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64())))
    }
}

/// Returns a duration as an operator would say it: `45 s`, `12 min`, `3 h`, `5 days`.
pub fn about(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", (seconds + 30) / 60),
        7200..172_800 => format!("{} h", (seconds + 1800) / 3600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn at_a_steady_rate_the_forecast_is_exact() {
        let mut fill = Fill::default();
        (0..20).for_each(|n| fill.measured(seconds(n * 5), n * 5_000));
        assert_eq!(fill.full_in(95_000 + 720_000), Some(seconds(720)));
        assert_eq!(about(seconds(720)), "12 min");
    }

    #[test]
    fn what_does_not_grow_or_was_seen_once_is_never_full() {
        let mut fill = Fill::default();
        assert_eq!(fill.full_in(10), None);
        fill.measured(seconds(0), 500);
        assert_eq!(fill.full_in(1_000), None);
        fill.measured(seconds(5), 500);
        assert_eq!(fill.full_in(1_000), None);
        fill.measured(seconds(10), 100);
        assert_eq!(fill.full_in(1_000), None);
    }

    #[test]
    fn only_the_last_minute_counts() {
        let mut fill = Fill::default();
        fill.measured(seconds(0), 0);
        fill.measured(seconds(1), 1_000_000);
        (1..14).for_each(|n| fill.measured(seconds(1 + n * 5), 1_000_000 + n * 10));
        assert_eq!(fill.full_in(1_000_130 + 20), Some(seconds(10)));
    }

    #[test]
    fn what_is_full_is_full_now() {
        let mut fill = Fill::default();
        fill.measured(seconds(0), 10);
        fill.measured(seconds(5), 20);
        assert_eq!(fill.full_in(15), Some(Duration::ZERO));
    }

    #[test]
    fn durations_are_said_in_the_unit_that_fits() {
        let said = [45, 119, 120, 5_400, 7_200, 172_800].map(|n| about(seconds(n)));
        assert_eq!(said, ["45 s", "119 s", "2 min", "90 min", "2 h", "2 days"]);
    }

    proptest! {
        #[test]
        fn it_holds_a_minute_of_samples_and_never_panics(
            steps in proptest::collection::vec((0u64..30_000, any::<u64>()), 0..100),
            max in any::<u64>(),
        ) {
            let (mut fill, mut now) = (Fill::default(), Duration::ZERO);
            for (step, bytes) in steps {
                now += Duration::from_millis(step);
                fill.measured(now, bytes);
                prop_assert!(fill.samples.iter().skip(1).all(|(at, _)| *at + WINDOW > now));
                prop_assert!(fill.full_in(max).is_none_or(|full| full <= LONGEST));
            }
        }
    }
}
