//! How often an address may try to log in: GCRA, ten at once and then one every six seconds. Bounded in memory.

use std::net::IpAddr;
use std::num::NonZeroU32;

use actix_web::HttpRequest;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::http::answer::Refusal;
use crate::http::limit::customer;
use crate::http::visitor::Visitor;

/// At once, and within a minute after that.
const TRIES: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Addresses that are remembered at most.
const MOST: usize = 100_000;

/// See the module.
pub(in crate::http) struct Attempts(DefaultKeyedRateLimiter<IpAddr>);

impl Default for Attempts {
    fn default() -> Self {
        Attempts(RateLimiter::keyed(Quota::per_minute(TRIES)))
    }
}

impl Attempts {
    /// Counts an attempt by this client. Those without an address are one together.
    ///
    /// # Errors
    /// `rate_limited` when there were too many.
    pub(super) fn take(&self, request: &HttpRequest, trusted: &[ipnet::IpNet]) -> Result<(), Refusal> {
        let address = Visitor::of(request, trusted).ip.map_or(IpAddr::from([0; 4]), customer);
        if self.0.len() >= MOST {
            self.0.retain_recent();
        }
        // A crowd that is all of now: whoever is new among it waits for the others to be forgotten.
        let is_full = self.0.len() >= MOST;
        let checked =
            if is_full { self.0.check_key(&IpAddr::from([0; 4])) } else { self.0.check_key(&address) };
        checked.map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let retry_after = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
            Refusal::TooManyAttempts { retry_after }
        })
    }
}
