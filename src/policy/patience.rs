//! The settings of one destination's patience: batch, retry, breaker, hold. The same for every destination.

use std::num::NonZeroUsize;
use std::time::Duration;

/// How large a batch may get and how long it may wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchLimits {
    /// Most events in one batch.
    pub max_events: NonZeroUsize,
    /// Most bytes of raw events in one batch; a single larger event goes alone.
    pub max_bytes: usize,
    /// How long the oldest event may wait for company.
    pub max_delay: Duration,
}

/// How often and how long to try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Upper bound of the first wait.
    pub initial: Duration,
    /// Upper bound of any wait; never below `initial`.
    pub max: Duration,
    /// Age budget counted from the event's first failed attempt while the destination flows.
    pub give_up_after: Duration,
}

impl Default for Retry {
    /// What suits a service that fails for minutes: from half a second to five minutes, for a week.
    fn default() -> Self {
        Retry {
            initial: Duration::from_millis(500),
            max: Duration::from_secs(5 * 60),
            give_up_after: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

/// When to stop asking a failing destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Consecutive failures that open the breaker; never 0.
    pub failures: u32,
    /// How long it stays open before one batch is let through.
    pub open_for: Duration,
}

impl Default for BreakerSettings {
    /// Five failures in a row, half a minute.
    fn default() -> Self {
        BreakerSettings { failures: 5, open_for: Duration::from_secs(30) }
    }
}

/// How much a destination may be given a second; 0 is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// Events, those of retries included.
    pub events_per_second: u32,
    /// Requests, those of retries included.
    pub requests_per_second: u32,
}

/// Everything the delivery machine needs to know about one destination's patience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// Batch limits.
    pub batch: BatchLimits,
    /// Retry budget.
    pub retry: Retry,
    /// Breaker thresholds.
    pub breaker: BreakerSettings,
    /// How often a held destination is probed.
    pub probe_every: Duration,
    /// Most requests in flight at once; fewer while the destination is throttling, failing or slow.
    pub concurrency: NonZeroUsize,
    /// How much it may be given a second.
    pub rate_limit: RateLimit,
    /// How long one request may take.
    pub timeout: Duration,
}
