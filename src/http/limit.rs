//! How many events a browser, or a source, may send in a time: GCRA, where the cost of a request is its events.
//!
//! Browsers are limited by address and never on loopback, where a proxy or a developer sits. What is over the limit is
//! answered with 429 and the seconds to wait. A request with more events than a whole bucket holds needs a full one and is
//! charged whole: what is lacking is owed. The memory for addresses is bounded, whoever comes along.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use arc_swap::ArcSwap;
use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::{InsufficientCapacity, NotUntil, Quota, RateLimiter};

use crate::config::settings::{EventRate, Limits};

use super::answer::Refusal;
use super::auth::Sender;
use super::debt::{Account, Book};

/// Addresses remembered at most, about 50 bytes each.
const MAX_ADDRESSES: usize = 1_000_000;
/// How often the number of addresses is looked at, in checks.
const SWEEP_EVERY: u32 = 1024;
/// How often those who have been quiet are forgotten.
const PURGE_EVERY: Duration = Duration::from_secs(60);

/// Headers of draft-ietf-httpapi-ratelimit-headers, in the form that libraries read.
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

type Instant = <DefaultClock as Clock>::Instant;
type Telling = StateInformationMiddleware;
type Limit<K> = RateLimiter<Account<K>, Book<K>, DefaultClock, Telling>;
type Addresses = Limit<IpAddr>;

/// What a sender may still send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Events at once, after a pause.
    pub(super) limit: u32,
    /// Events at once, now.
    pub(super) remaining: u32,
    /// Whole seconds until there are more, or as many as after a pause.
    pub(super) reset: u64,
}

impl Allowance {
    /// Says it in the headers of an answer.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(self.reset));
    }

    fn of(snapshot: &StateSnapshot, owed: Duration) -> Allowance {
        let (limit, remaining) = (snapshot.quota().burst_size().get(), snapshot.remaining_burst_capacity());
        let refill = snapshot.quota().replenish_interval() * limit.saturating_sub(remaining);
        let refill = refill.saturating_add(owed);
        Allowance { limit, remaining, reset: refill.as_secs() + u64::from(refill.subsec_nanos() > 0) }
    }

    /// The one that will be used up first.
    fn tighter(one: Option<Allowance>, other: Option<Allowance>) -> Option<Allowance> {
        [one, other].into_iter().flatten().min_by_key(|allowance| allowance.remaining)
    }
}

/// All limits of the door.
pub(super) struct Limiter {
    per_ip: Option<Arc<PerIp>>,
    /// One per source; empty when switched off.
    per_source: Vec<Arc<PerSource>>,
}

struct PerIp {
    quota: Quota,
    addresses: ArcSwap<Addresses>,
    most: usize,
    checks: AtomicU32,
    /// Milliseconds from the first purge that never was to the last one.
    purged: AtomicU64,
    begun: Instant,
}

struct PerSource {
    quota: Quota,
    limiter: Limit<()>,
}

impl Limiter {
    pub(super) fn new(limits: &Limits, sources: usize) -> Self {
        let per_source = quota(limits.per_source).map(|quota| {
            let one = |_| Arc::new(PerSource { quota, limiter: empty(quota) });
            (0..sources).map(one).collect()
        });
        let per_ip = quota(limits.per_ip).map(|quota| Arc::new(PerIp::new(quota, MAX_ADDRESSES)));
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

    /// Lets a request with so many events through, and returns what is left of the limits that it is under. The address is
    /// that of a browser; a server has none here.
    ///
    /// # Errors
    /// `rate_limited`; nothing was charged to the limit that refused.
    pub(super) fn admit(
        &self,
        browser: Option<IpAddr>,
        sender: &Sender,
        events: usize,
    ) -> Result<Option<Allowance>, Refusal> {
        let Some(cost) = NonZeroU32::new(u32::try_from(events).unwrap_or(u32::MAX)) else { return Ok(None) };
        let of_ip = match (&self.per_ip, browser.and_then(limited_address)) {
            (Some(limit), Some(ip)) => limit.admit(ip, cost)?,
            _ => None,
        };
        let of_source = match self.per_source.get(sender.index) {
            Some(limit) => limit.admit(cost)?,
            None => None,
        };
        Ok(Allowance::tighter(of_ip, of_source))
    }
}

impl PerIp {
    fn new(quota: Quota, most: usize) -> Self {
        PerIp {
            quota,
            addresses: ArcSwap::from_pointee(empty(quota)),
            most,
            checks: AtomicU32::new(1),
            purged: AtomicU64::new(0),
            begun: DefaultClock::default().now(),
        }
    }

    fn admit(&self, ip: IpAddr, cost: NonZeroU32) -> Result<Option<Allowance>, Refusal> {
        let addresses = self.addresses.load();
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
            self.sweep(&addresses);
        }
        self.purge(&addresses, DefaultClock::default().now());
        charge(&addresses, ip, (self.quota, cost))
    }

    /// Forgets, once a minute, who has been quiet for so long that a stranger has no more.
    fn purge(&self, addresses: &Addresses, now: Instant) {
        let passed = now.duration_since(self.begun);
        let passed = Duration::from(passed).as_millis().try_into().unwrap_or(u64::MAX);
        let last = self.purged.load(Ordering::Relaxed);
        let is_time = passed.saturating_sub(last) >= PURGE_EVERY.as_millis().try_into().unwrap_or(u64::MAX);
        // One of those who notice does it.
        if is_time && self.purged.compare_exchange(last, passed, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            addresses.retain_recent();
            addresses.shrink_to_fit();
        }
    }

    /// Forgets who has been quiet. A crowd that is still too large is forgotten as a whole: giving everyone a fresh
    /// burst once is better than growing.
    fn sweep(&self, addresses: &Addresses) {
        if addresses.len() < self.most {
            return;
        }
        addresses.retain_recent();
        addresses.shrink_to_fit();
        if addresses.len() >= self.most / 2 {
            self.addresses.store(Arc::new(empty(self.quota)));
        }
    }
}

fn empty<K: Hash + Eq + Clone>(quota: Quota) -> Limit<K> {
    RateLimiter::new(quota, Book::new(), DefaultClock::default())
}

type Checked = Result<Result<StateSnapshot, NotUntil<Instant>>, InsufficientCapacity>;

/// Charges a key. A batch larger than the whole bucket would be refused for ever, and with it its events: it passes when the
/// bucket is full, and what is lacking is owed.
fn charge<K: Hash + Eq + Clone>(
    limit: &Limit<K>,
    key: K,
    (quota, cost): (Quota, NonZeroU32),
) -> Result<Option<Allowance>, Refusal> {
    let at_once = cost.min(quota.burst_size());
    let owed = quota.replenish_interval().saturating_mul(cost.get() - at_once.get());
    let checked: Checked = limit.check_key_n(&Account::of(key, owed), at_once);
    match checked {
        Ok(Ok(snapshot)) => Ok(Some(Allowance::of(&snapshot, owed))),
        Ok(Err(until)) => Err(refused(&until)),
        // No cost is larger than the bucket.
        Err(_) => Ok(None),
    }
}

impl PerSource {
    fn admit(&self, cost: NonZeroU32) -> Result<Option<Allowance>, Refusal> {
        charge(&self.limiter, (), (self.quota, cost))
    }
}

fn refused(until: &NotUntil<Instant>) -> Refusal {
    let wait = until.wait_time_from(DefaultClock::default().now());
    Refusal::RateLimited { retry_after: whole_seconds(wait), limit: until.quota().burst_size().get() }
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

/// Returns the address to count, for browsers that are not on this machine.
fn limited_address(browser: IpAddr) -> Option<IpAddr> {
    (!browser.to_canonical().is_loopback()).then(|| customer(browser))
}

/// Returns what of an address is one customer's: an IPv6 customer owns a /64.
pub(super) fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        ip @ IpAddr::V4(_) => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn limiter(per_ip: (u32, u32), per_source: (u32, u32)) -> Limiter {
        let rate = |(events_per_second, burst)| EventRate { events_per_second, burst };
        Limiter::new(&Limits { per_ip: rate(per_ip), per_source: rate(per_source) }, 2)
    }

    /// Returns what is refused; a browser at this address asks, or a server.
    fn refusal(limiter: &Limiter, ip: &str, index: usize, events: usize) -> Option<Refusal> {
        limiter.admit(ip.parse().ok(), &sender(index), events).err()
    }

    fn sender(index: usize) -> Sender {
        Sender { index, name: "web".into() }
    }

    #[test]
    fn the_cost_of_a_request_is_its_events() {
        let limiter = limiter((1, 10), (0, 0));
        assert_eq!(refusal(&limiter, "203.0.113.9", 0, 9), None);
        let refused = refusal(&limiter, "203.0.113.9", 0, 3).unwrap();
        assert_eq!(refused, Refusal::RateLimited { retry_after: 2, limit: 10 });
        assert_eq!(refusal(&limiter, "203.0.113.10", 0, 9), None);
    }

    #[test]
    fn a_batch_larger_than_the_burst_passes_a_full_bucket_and_is_charged_whole() {
        let limiter = limiter((1, 10), (1, 20));
        let passed = limiter.admit("203.0.113.9".parse().ok(), &sender(0), 2500).unwrap();
        assert_eq!(passed, Some(Allowance { limit: 10, remaining: 0, reset: 2500 }));
        // 2,490 are owed, and one more is needed.
        expect_wait(refusal(&limiter, "203.0.113.9", 1, 1), 2491);
        expect_wait(refusal(&limiter, "203.0.113.9", 1, 2500), 2500);
        expect_wait(refusal(&limiter, "a server", 0, 1), 2481);
        assert_eq!(refusal(&limiter, "203.0.113.10", 1, 11), None, "it is nobody else's debt");
        assert_eq!(refusal(&limiter, "203.0.113.11", 1, 1), None, "the source has nine left");
        let huge = super::tests::limiter((1, 1), (0, 0));
        assert_eq!(refusal(&huge, "203.0.113.9", 0, usize::try_from(u32::MAX).unwrap()), None);
        expect_wait(refusal(&huge, "203.0.113.9", 0, 1), u64::from(u32::MAX));
    }

    /// Expects a refusal until so many seconds after the first request, however slowly this machine runs.
    fn expect_wait(refused: Option<Refusal>, seconds: u64) {
        let Some(Refusal::RateLimited { retry_after, .. }) = refused else { panic!("{refused:?}") };
        assert!((seconds - 400..=seconds).contains(&retry_after), "{retry_after} of {seconds}");
    }

    #[test]
    fn a_batch_larger_than_the_burst_waits_for_a_full_bucket() {
        let limiter = limiter((1, 1000), (0, 0));
        assert_eq!(refusal(&limiter, "203.0.113.9", 0, 900), None);
        expect_wait(refusal(&limiter, "203.0.113.9", 0, 2500), 900);
        assert_eq!(refusal(&limiter, "203.0.113.9", 0, 100), None, "what was refused cost nothing");
    }

    #[test]
    fn loopback_and_servers_are_not_limited_by_address() {
        let limiter = limiter((1, 1), (0, 0));
        for ip in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "a server"] {
            for _ in 0..5 {
                assert_eq!(refusal(&limiter, ip, 0, 5), None, "{ip}");
            }
        }
    }

    #[test]
    fn the_allowance_is_that_of_the_limit_that_ends_first() {
        let limiter = limiter((1, 10), (2, 100));
        let left = |ip: &str, events| limiter.admit(ip.parse().ok(), &sender(0), events).unwrap();
        let of_ip = Allowance { limit: 10, remaining: 7, reset: 3 };
        assert_eq!(left("203.0.113.9", 3), Some(of_ip));
        assert_eq!(left("a server", 3), Some(Allowance { limit: 100, remaining: 94, reset: 3 }));
        assert_eq!(left("203.0.113.9", 0), None);
        let off = super::tests::limiter((0, 0), (0, 0));
        assert_eq!(off.admit("203.0.113.9".parse().ok(), &sender(0), 1), Ok(None));
    }

    #[test]
    fn each_source_has_its_own_bucket() {
        let limiter = limiter((0, 0), (1, 2));
        assert_eq!(refusal(&limiter, "203.0.113.9", 0, 2), None);
        assert!(refusal(&limiter, "203.0.113.9", 0, 1).is_some());
        assert_eq!(refusal(&limiter, "203.0.113.9", 1, 2), None);
    }

    #[test]
    fn a_limit_that_stays_the_same_keeps_its_counts_and_another_begins_anew() {
        let mut before = limiter((1, 5), (1, 5));
        for index in 0..2 {
            assert_eq!(refusal(&before, "203.0.113.9", index, 2), None);
        }
        let mut same = limiter((1, 5), (1, 5));
        same.inherit(&before, &[None, Some(0)]);
        assert!(refusal(&same, "203.0.113.9", 1, 2).is_some(), "one of the address is left");
        assert!(refusal(&same, "203.0.113.1", 1, 4).is_some(), "three of the source are left");
        assert_eq!(refusal(&same, "203.0.113.2", 0, 5), None, "this source is new");
        let mut other = limiter((1, 6), (2, 5));
        other.inherit(&before, &[Some(0), Some(1)]);
        assert_eq!(refusal(&other, "203.0.113.9", 1, 5), None);
        let mut off = limiter((0, 0), (0, 0));
        off.inherit(&before, &[Some(0), Some(1)]);
        assert_eq!(refusal(&off, "203.0.113.9", 0, 100), None);
        before.inherit(&off, &[Some(0), Some(1)]);
        assert!(refusal(&before, "203.0.113.9", 0, 4).is_some());
    }

    #[test]
    fn neighbours_in_one_ipv6_network_share_a_bucket() {
        let limiter = limiter((1, 2), (0, 0));
        assert_eq!(refusal(&limiter, "2001:db8:0:1::1", 0, 2), None);
        assert!(refusal(&limiter, "2001:db8:0:1::2", 0, 1).is_some());
        assert_eq!(refusal(&limiter, "2001:db8:0:2::1", 0, 1), None);
    }

    #[test]
    fn the_memory_for_addresses_is_bounded() {
        const MOST: usize = 5_000;
        let limit = PerIp::new(quota(EventRate { events_per_second: 1, burst: 2 }).unwrap(), MOST);
        for number in 0..(MOST as u32 * 3) {
            let ip = IpAddr::from(number.wrapping_add(0x0a00_0000).to_be_bytes());
            assert!(limit.admit(ip, NonZeroU32::MIN).is_ok());
        }
        let remembered = limit.addresses.load().len();
        assert!(remembered <= MOST + SWEEP_EVERY as usize, "{remembered}");
    }

    #[test]
    fn who_has_been_quiet_is_forgotten_once_a_minute() {
        // Their buckets are full again after a millionth of a second.
        let fast = Quota::per_second(NonZeroU32::new(1_000_000).unwrap());
        let limit = PerIp::new(fast, MAX_ADDRESSES);
        for number in 0..100_u32 {
            assert!(limit.admit(IpAddr::from(number.to_be_bytes()), NonZeroU32::MIN).is_ok());
        }
        let addresses = limit.addresses.load();
        let after = |seconds| limit.begun + Duration::from_secs(seconds).into();
        limit.purge(&addresses, after(59));
        assert_eq!(addresses.len(), 100);
        let clock = DefaultClock::default();
        let filled = clock.now() + Duration::from_millis(1).into();
        while clock.now() < filled {
            std::hint::spin_loop();
        }
        limit.purge(&addresses, after(60));
        assert_eq!(addresses.len(), 0);
        assert!(limit.admit(IpAddr::from([1, 2, 3, 4]), NonZeroU32::MIN).is_ok());
        limit.purge(&addresses, after(119));
        assert_eq!(addresses.len(), 1, "the next is a minute later");
    }
}
