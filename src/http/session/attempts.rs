//! How often an address may give a wrong password: GCRA, ten at once and then one every six seconds. Bounded in memory.
//!
//! A right password is not counted, so that whoever has it shuts nobody out by using it. A token cannot be guessed and is not
//! counted at all: it logs in where others behind the same address have spoilt its attempts.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::HttpRequest;
use tokio::time::Instant;

use crate::http::answer::Refusal;
use crate::http::limit::customer;
use crate::http::visitor::{Visitor, is_forwarded, is_trusted};
use crate::telemetry::events::ProxyUnknown;

/// One is forgotten after this.
const EACH: Duration = Duration::from_secs(6);
/// Of this many at once.
const AT_ONCE: u32 = 10;
/// Addresses that are remembered at most.
const MOST: usize = 100_000;

/// See the module.
#[derive(Default)]
pub(in crate::http) struct Attempts {
    /// When everything is forgotten of an address.
    clean: Mutex<HashMap<IpAddr, Instant>>,
    /// It was said that a proxy should be named.
    warned: AtomicBool,
}

/// One that was counted.
pub(super) struct Attempt<'a> {
    of: &'a Attempts,
    address: IpAddr,
}

impl Attempts {
    /// Counts a password of this client as wrong, until it turns out to be right. Those without an address are one together.
    ///
    /// # Errors
    /// `rate_limited` when there were too many.
    pub(super) fn take(
        &self,
        request: &HttpRequest,
        trusted: &[ipnet::IpNet],
    ) -> Result<Attempt<'_>, Refusal> {
        if is_forwarded(request)
            && !is_trusted(request, trusted)
            && !self.warned.swap(true, Ordering::Relaxed)
        {
            ProxyUnknown { peer: request.peer_addr().map(|peer| peer.ip().to_canonical()) }.emit();
        }
        let address = Visitor::of(request, trusted).ip.map_or(NOBODY, customer);
        self.count(address, Instant::now())
    }

    fn count(&self, address: IpAddr, now: Instant) -> Result<Attempt<'_>, Refusal> {
        let mut clean = self.clean.lock().unwrap_or_else(PoisonError::into_inner);
        if clean.len() >= MOST {
            clean.retain(|_, until| *until > now);
        }
        // A crowd that is all of now: whoever is new among it waits for the others to be forgotten.
        let is_full = clean.len() >= MOST && !clean.contains_key(&address);
        let address = if is_full { NOBODY } else { address };
        let until = clean.get(&address).map_or(now, |until| (*until).max(now)) + EACH;
        let wait = until.saturating_duration_since(now + EACH * AT_ONCE);
        if wait.is_zero() {
            clean.insert(address, until);
            return Ok(Attempt { of: self, address });
        }
        Err(Refusal::TooManyAttempts {
            retry_after: wait.as_millis().div_ceil(1_000).try_into().unwrap_or(1),
        })
    }
}

impl Attempt<'_> {
    /// The password was right: it counts no more.
    pub(super) fn forget(self) {
        let mut clean = self.of.clean.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = clean.get_mut(&self.address) {
            *until -= EACH;
        }
    }
}

const NOBODY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_ones_are_forgotten_one_by_one_and_right_ones_at_once() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let one = IpAddr::from([203, 0, 113, 9]);
        for _ in 0..AT_ONCE {
            attempts.count(one, now).ok().unwrap().forget();
        }
        for _ in 0..AT_ONCE {
            assert!(attempts.count(one, now).is_ok());
        }
        assert!(matches!(attempts.count(one, now), Err(Refusal::TooManyAttempts { retry_after: 6 })));
        assert!(attempts.count(NOBODY, now).is_ok(), "another address");
        assert!(attempts.count(one, now + EACH).is_ok() && attempts.count(one, now + EACH).is_err());
    }
}
