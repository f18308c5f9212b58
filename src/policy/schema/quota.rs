//! Whether a quota leaves room: never more than so many in any stretch of its time, wherever the stretch begins.
//!
//! The moments themselves are kept, since a bucket that fills slowly lets twice as many pass around its brim, and the quota
//! of the other side does not. Knows no clock.

use std::collections::VecDeque;

use super::pace::Quota;
use crate::policy::Moment;

/// What was used of a quota lately.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Used(VecDeque<Moment>);

impl Used {
    /// Returns the moment from which there is room for one more.
    pub(super) fn ready_at(&self, quota: Quota) -> Moment {
        if quota.per.is_zero() {
            return Moment::ZERO;
        }
        let most = usize::try_from(quota.most).unwrap_or(usize::MAX).max(1);
        let first = self.0.len().checked_sub(most).and_then(|index| self.0.get(index));
        first.map_or(Moment::ZERO, |first| first.saturating_add(quota.per))
    }

    /// Uses one, and forgets what is too long ago to matter.
    pub(super) fn take(&mut self, quota: Quota, now: Moment) {
        if quota.per.is_zero() {
            return;
        }
        self.forget(quota, now);
        self.0.push_back(now);
    }

    /// Says that what was used last counts from now: the other side may have counted it at any time until it answered.
    pub(super) fn ended(&mut self, now: Moment) {
        if let Some(last) = self.0.back_mut() {
            *last = now;
        }
    }

    /// Forgets what is too long ago, and returns whether nothing is left.
    pub(super) fn forget(&mut self, quota: Quota, now: Moment) -> bool {
        while self.0.front().is_some_and(|first| first.saturating_add(quota.per) <= now) {
            self.0.pop_front();
        }
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn no_bound_lets_everything_pass() {
        let mut used = Used::default();
        (0..1000).for_each(|_| used.take(Quota::NONE, Duration::from_secs(1)));
        assert_eq!(used.ready_at(Quota::NONE), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_ever_holds_more_than_the_quota(
            most in 1u32..6,
            per in 1u64..20,
            waits in proptest::collection::vec((0u64..5_000, 0u64..2_000), 1..60),
        ) {
            let quota = Quota { most, per: Duration::from_secs(per) };
            let (mut used, mut now, mut all) = (Used::default(), Duration::from_secs(1), Vec::new());
            for (wait, takes) in waits {
                now = (now + Duration::from_millis(wait)).max(used.ready_at(quota));
                used.take(quota, now);
                // The other side counts at the begin, at the end, or between.
                all.push(now);
                now += Duration::from_millis(takes);
                used.ended(now);
            }
            for window in all.windows(most as usize + 1) {
                prop_assert!(window[most as usize] - window[0] >= quota.per);
            }
        }
    }
}
