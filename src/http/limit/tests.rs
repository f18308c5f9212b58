//! What is charged to whom, and for how long.

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
    let huge = self::limiter((1, 1), (0, 0));
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
fn what_the_source_refuses_costs_the_address_nothing() {
    let limiter = limiter((1, 1000), (1, 2000));
    assert_eq!(refusal(&limiter, "a server", 0, 2000), None);
    for events in [2, 900, 1000, 2500] {
        assert!(refusal(&limiter, "203.0.113.9", 0, events).is_some(), "the source has no more");
    }
    assert_eq!(refusal(&limiter, "203.0.113.9", 1, 900), None, "another source takes it");
    assert!(refusal(&limiter, "203.0.113.9", 0, 50).is_some());
    expect_wait(refusal(&limiter, "203.0.113.9", 1, 600), 500);
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
    let off = self::limiter((0, 0), (0, 0));
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
    let remembered = limit.addresses.load().limiter.len();
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
    assert_eq!(addresses.limiter.len(), 100);
    let clock = DefaultClock::default();
    let filled = clock.now() + Duration::from_millis(1).into();
    while clock.now() < filled {
        std::hint::spin_loop();
    }
    limit.purge(&addresses, after(60));
    assert_eq!(addresses.limiter.len(), 0);
    assert!(limit.admit(IpAddr::from([1, 2, 3, 4]), NonZeroU32::MIN).is_ok());
    limit.purge(&addresses, after(119));
    assert_eq!(addresses.limiter.len(), 1, "the next is a minute later");
}
