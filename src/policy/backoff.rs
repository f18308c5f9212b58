//! How long to wait before the next try: exponential with full jitter.
//!
//! Full jitter (uniform between nothing and the cap) spreads the load of many waiting requests better than a fixed part
//! plus noise: <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>. The dice are an argument.

use std::time::Duration;

use super::patience::Retry;

/// Returns the wait before try `failures + 1`, where `dice` is uniform in `0.0..1.0`.
///
/// Never more than `retry.max`, nor more than `retry.initial` doubled for each failure after the first.
pub fn wait(retry: &Retry, failures: u32, dice: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(32);
    let cap = retry.initial.saturating_mul(2u32.saturating_pow(doublings.min(31))).min(retry.max);
    cap.mul_f64(dice.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn retry() -> Retry {
        Retry {
            initial: Duration::from_millis(500),
            max: Duration::from_secs(300),
            give_up_after: Duration::MAX,
        }
    }

    #[test]
    fn the_cap_doubles_from_the_first_failure_on_until_max() {
        let caps: Vec<u128> = [1, 2, 3, 9, 10, 11, 4_000_000_000]
            .map(|failures| wait(&retry(), failures, 1.0).as_millis())
            .to_vec();
        assert_eq!(caps, [500, 1000, 2000, 128_000, 256_000, 300_000, 300_000]);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_longer_than_its_cap(failures in any::<u32>(), dice in 0.0f64..1.0) {
            prop_assert!(wait(&retry(), failures, dice) <= wait(&retry(), failures, 1.0));
            prop_assert!(wait(&retry(), failures, 1.0) <= retry().max);
        }
    }
}
