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
type Addresses = Limit<IpAddr>;

/// What decides, and where it counts.
struct Limit<K: Hash + Eq + Clone> {
    limiter: RateLimiter<Account<K>, Book<K>, DefaultClock, Telling>,
    book: Book<K>,
}

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
    /// `rate_limited`; nothing was charged to any limit.
    pub(super) fn admit(
        &self,
        browser: Option<IpAddr>,
        sender: &Sender,
        events: usize,
    ) -> Result<Option<Allowance>, Refusal> {
        let Some(cost) = NonZeroU32::new(u32::try_from(events).unwrap_or(u32::MAX)) else { return Ok(None) };
        let per_ip = self.per_ip.as_ref().zip(browser.and_then(limited_address));
        let of_ip = per_ip.map_or(Ok(None), |(limit, ip)| limit.admit(ip, cost))?;
        // The address comes first: one that is over its limit must not use up the source's for everybody.
        let of_source = self.per_source.get(sender.index).map_or(Ok(None), |limit| limit.admit(cost));
        if let (Err(_), Some((limit, ip))) = (&of_source, per_ip) {
            limit.give_back(ip, cost);
        }
        Ok(Allowance::tighter(of_ip, of_source?))
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

    /// Takes back what `admit` charged: the events were not let in after all.
    fn give_back(&self, ip: IpAddr, cost: NonZeroU32) {
        let (at_once, owed) = shares(self.quota, cost);
        let paid = self.quota.replenish_interval().saturating_mul(at_once.get());
        self.addresses.load().book.give_back(&Account::of(ip, owed), paid);
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
            addresses.limiter.retain_recent();
            addresses.limiter.shrink_to_fit();
        }
    }

    /// Forgets who has been quiet. A crowd that is still too large is forgotten as a whole: giving everyone a fresh
    /// burst once is better than growing.
    fn sweep(&self, addresses: &Addresses) {
        if addresses.limiter.len() < self.most {
            return;
        }
        addresses.limiter.retain_recent();
        addresses.limiter.shrink_to_fit();
        if addresses.limiter.len() >= self.most / 2 {
            self.addresses.store(Arc::new(empty(self.quota)));
        }
    }
}

fn empty<K: Hash + Eq + Clone>(quota: Quota) -> Limit<K> {
    let book = Book::new();
    Limit { limiter: RateLimiter::new(quota, book.clone(), DefaultClock::default()), book }
}

/// Returns how many events are paid at once, and how long a bucket must be filled for the rest of them.
fn shares(quota: Quota, cost: NonZeroU32) -> (NonZeroU32, Duration) {
    let at_once = cost.min(quota.burst_size());
    (at_once, quota.replenish_interval().saturating_mul(cost.get() - at_once.get()))
}

type Checked = Result<Result<StateSnapshot, NotUntil<Instant>>, InsufficientCapacity>;

/// Charges a key. A batch larger than the whole bucket would be refused for ever, and with it its events: it passes when the
/// bucket is full, and what is lacking is owed.
fn charge<K: Hash + Eq + Clone>(
    limit: &Limit<K>,
    key: K,
    (quota, cost): (Quota, NonZeroU32),
) -> Result<Option<Allowance>, Refusal> {
    let (at_once, owed) = shares(quota, cost);
    let checked: Checked = limit.limiter.check_key_n(&Account::of(key, owed), at_once);
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
mod tests;
