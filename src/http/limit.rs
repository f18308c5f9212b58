//! How many events a browser, or a source, may send in a time: GCRA, where the cost of a request is its events.
//!
//! Browsers are limited by address and never on loopback, where a proxy or a developer sits. What is over the limit is
//! answered with 429 and the seconds to wait. The memory for addresses is bounded, whoever comes along.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{DefaultDirectRateLimiter, NotUntil, Quota, RateLimiter};

use crate::config::settings::{EventRate, Limits};

use super::answer::Refusal;
use super::auth::Sender;
use super::visitor::Visitor;

/// Addresses remembered at most, about 100 bytes each.
const MAX_ADDRESSES: usize = 50_000;
/// How often the number of addresses is looked at, in checks.
const SWEEP_EVERY: u32 = 1024;

type Addresses = RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>;
type Instant = <DefaultClock as Clock>::Instant;

/// All limits of the door.
pub(super) struct Limiter {
    per_ip: Option<Arc<PerIp>>,
    /// One per source; empty when switched off.
    per_source: Vec<Arc<PerSource>>,
}

struct PerIp {
    quota: Quota,
    addresses: ArcSwap<Addresses>,
    checks: AtomicU32,
}

struct PerSource {
    quota: Quota,
    limiter: DefaultDirectRateLimiter,
}

impl Limiter {
    pub(super) fn new(limits: &Limits, sources: usize) -> Self {
        let per_source = quota(limits.per_source).map(|quota| {
            let one = |_| Arc::new(PerSource { quota, limiter: RateLimiter::direct(quota) });
            (0..sources).map(one).collect()
        });
        let per_ip = quota(limits.per_ip).map(|quota| Arc::new(PerIp::new(quota)));
        Limiter { per_ip, per_source: per_source.unwrap_or_default() }
    }

    /// Goes on with the counts of an earlier limiter where the rate is the same; `were` says for each source which index it
    /// had there.
    pub(super) fn inherit(&mut self, before: &Limiter, were: &[Option<usize>]) {
        if let (Some(own), Some(old)) = (&mut self.per_ip, &before.per_ip)
            && own.quota == old.quota
        {
            *own = Arc::clone(old);
        }
        for (own, was) in self.per_source.iter_mut().zip(were) {
            let old = was.and_then(|index| before.per_source.get(index));
            if let Some(old) = old.filter(|old| old.quota == own.quota) {
                *own = Arc::clone(old);
            }
        }
    }

    /// Lets a request with so many events through.
    ///
    /// # Errors
    /// `rate_limited`; nothing was charged to the limit that refused.
    pub(super) fn admit(&self, visitor: &Visitor<'_>, sender: &Sender, events: usize) -> Result<(), Refusal> {
        let Some(cost) = NonZeroU32::new(u32::try_from(events).unwrap_or(u32::MAX)) else { return Ok(()) };
        if let (Some(limit), Some(ip)) = (&self.per_ip, limited_address(visitor)) {
            limit.admit(ip, cost)?;
        }
        match self.per_source.get(sender.index) {
            Some(limit) => limit.admit(cost),
            None => Ok(()),
        }
    }
}

impl PerIp {
    fn new(quota: Quota) -> Self {
        PerIp {
            quota,
            addresses: ArcSwap::from_pointee(RateLimiter::hashmap(quota)),
            checks: AtomicU32::new(1),
        }
    }

    fn admit(&self, ip: IpAddr, cost: NonZeroU32) -> Result<(), Refusal> {
        let addresses = self.addresses.load();
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
            self.sweep(&addresses);
        }
        match addresses.check_key_n(&ip, affordable(cost, self.quota)) {
            Ok(Err(until)) => Err(refused(&until)),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }

    /// Forgets who has been quiet. A crowd that is still too large is forgotten as a whole: giving everyone a fresh
    /// burst once is better than growing.
    fn sweep(&self, addresses: &Addresses) {
        if addresses.len() < MAX_ADDRESSES {
            return;
        }
        addresses.retain_recent();
        addresses.shrink_to_fit();
        if addresses.len() >= MAX_ADDRESSES / 2 {
            self.addresses.store(Arc::new(RateLimiter::hashmap(self.quota)));
        }
    }
}

impl PerSource {
    fn admit(&self, cost: NonZeroU32) -> Result<(), Refusal> {
        match self.limiter.check_n(affordable(cost, self.quota)) {
            Ok(Err(until)) => Err(refused(&until)),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

/// A batch larger than the whole bucket would be refused for ever, and with it its events: it costs a full bucket.
fn affordable(cost: NonZeroU32, quota: Quota) -> NonZeroU32 {
    cost.min(quota.burst_size())
}

fn refused(until: &NotUntil<Instant>) -> Refusal {
    let wait = until.wait_time_from(DefaultClock::default().now());
    Refusal::RateLimited { retry_after: whole_seconds(wait) }
}

/// Rounds up: a client that comes back a little early is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// Zero events per second switch a limit off; a burst of zero is one second's worth.
fn quota(rate: EventRate) -> Option<Quota> {
    let per_second = NonZeroU32::new(rate.events_per_second)?;
    let burst = NonZeroU32::new(rate.burst).unwrap_or(per_second);
    Some(Quota::per_second(per_second).allow_burst(burst))
}

/// Returns the address to count, for browsers that are not on this machine. An IPv6 customer owns a /64, so that is what
/// counts there.
fn limited_address(visitor: &Visitor<'_>) -> Option<IpAddr> {
    visitor.origin?;
    match visitor.ip?.to_canonical() {
        ip if ip.is_loopback() => None,
        IpAddr::V6(ip) => Some(IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64))),
        ip @ IpAddr::V4(_) => Some(ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::consent::Signals;
    use actix_web::http::header::HeaderValue;

    static ORIGIN: HeaderValue = HeaderValue::from_static("https://shop.example");

    fn limiter(per_ip: (u32, u32), per_source: (u32, u32)) -> Limiter {
        let rate = |(events_per_second, burst)| EventRate { events_per_second, burst };
        Limiter::new(&Limits { per_ip: rate(per_ip), per_source: rate(per_source) }, 2)
    }

    fn browser(ip: &str) -> Visitor<'static> {
        Visitor { is_browser: true, origin: Some(&ORIGIN), ip: ip.parse().ok(), signals: Signals::default() }
    }

    fn sender(index: usize) -> Sender {
        Sender { index, name: "web".into() }
    }

    #[test]
    fn the_cost_of_a_request_is_its_events() {
        let limiter = limiter((1, 10), (0, 0));
        assert_eq!(limiter.admit(&browser("203.0.113.9"), &sender(0), 9), Ok(()));
        let refused = limiter.admit(&browser("203.0.113.9"), &sender(0), 3).unwrap_err();
        assert_eq!(refused, Refusal::RateLimited { retry_after: 2 });
        assert_eq!(limiter.admit(&browser("203.0.113.10"), &sender(0), 9), Ok(()));
    }

    #[test]
    fn a_batch_larger_than_the_burst_passes_a_full_bucket() {
        let limiter = limiter((1, 10), (0, 0));
        assert_eq!(limiter.admit(&browser("203.0.113.9"), &sender(0), 2500), Ok(()));
        assert!(limiter.admit(&browser("203.0.113.9"), &sender(0), 1).is_err());
    }

    #[test]
    fn loopback_and_servers_are_not_limited_by_address() {
        let limiter = limiter((1, 1), (0, 0));
        let server = Visitor {
            is_browser: false,
            origin: None,
            ip: "203.0.113.9".parse().ok(),
            signals: Signals::default(),
        };
        for visitor in [browser("127.0.0.1"), browser("::1"), server] {
            for _ in 0..5 {
                assert_eq!(limiter.admit(&visitor, &sender(0), 5), Ok(()));
            }
        }
    }

    #[test]
    fn each_source_has_its_own_bucket() {
        let limiter = limiter((0, 0), (1, 2));
        assert_eq!(limiter.admit(&browser("203.0.113.9"), &sender(0), 2), Ok(()));
        assert!(limiter.admit(&browser("203.0.113.9"), &sender(0), 1).is_err());
        assert_eq!(limiter.admit(&browser("203.0.113.9"), &sender(1), 2), Ok(()));
    }

    #[test]
    fn a_limit_that_stays_the_same_keeps_its_counts_and_another_begins_anew() {
        let mut before = limiter((1, 5), (1, 5));
        for index in 0..2 {
            assert_eq!(before.admit(&browser("203.0.113.9"), &sender(index), 2), Ok(()));
        }
        let mut same = limiter((1, 5), (1, 5));
        same.inherit(&before, &[None, Some(0)]);
        assert!(same.admit(&browser("203.0.113.9"), &sender(1), 2).is_err(), "one of the address is left");
        assert!(same.admit(&browser("203.0.113.1"), &sender(1), 4).is_err(), "three of the source are left");
        assert_eq!(same.admit(&browser("203.0.113.2"), &sender(0), 5), Ok(()), "this source is new");
        let mut other = limiter((1, 6), (2, 5));
        other.inherit(&before, &[Some(0), Some(1)]);
        assert_eq!(other.admit(&browser("203.0.113.9"), &sender(1), 5), Ok(()));
        let mut off = limiter((0, 0), (0, 0));
        off.inherit(&before, &[Some(0), Some(1)]);
        assert_eq!(off.admit(&browser("203.0.113.9"), &sender(0), 100), Ok(()));
        before.inherit(&off, &[Some(0), Some(1)]);
        assert!(before.admit(&browser("203.0.113.9"), &sender(0), 4).is_err());
    }

    #[test]
    fn neighbours_in_one_ipv6_network_share_a_bucket() {
        let limiter = limiter((1, 2), (0, 0));
        assert_eq!(limiter.admit(&browser("2001:db8:0:1::1"), &sender(0), 2), Ok(()));
        assert!(limiter.admit(&browser("2001:db8:0:1::2"), &sender(0), 1).is_err());
        assert_eq!(limiter.admit(&browser("2001:db8:0:2::1"), &sender(0), 1), Ok(()));
    }

    #[test]
    fn the_memory_for_addresses_is_bounded() {
        let limiter = limiter((1, 2), (0, 0));
        for number in 0..(MAX_ADDRESSES as u32 * 2) {
            let ip = IpAddr::from(number.wrapping_add(0x0a00_0000).to_be_bytes());
            let visitor = Visitor {
                is_browser: true,
                origin: Some(&ORIGIN),
                ip: Some(ip),
                signals: Signals::default(),
            };
            assert_eq!(limiter.admit(&visitor, &sender(0), 1), Ok(()));
        }
        let remembered = limiter.per_ip.unwrap().addresses.load().len();
        assert!(remembered <= MAX_ADDRESSES + SWEEP_EVERY as usize, "{remembered}");
    }
}
