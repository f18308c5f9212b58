//! Ports for routers: a router keeps its port over restarts, so the port must be known before it starts.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ranges that systems take the ports of outgoing connections from.
const FIRST: u32 = 11_000;
const COUNT: u32 = 4_900;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Returns a loopback port that nobody listens on. Tests of one process never get the same one; processes that run at
/// the same time begin at different places.
pub(crate) fn free_port() -> u16 {
    let start = std::process::id().wrapping_mul(67);
    (0..COUNT)
        .map(|_| start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT + FIRST)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one of thousands of ports is free")
}

#[test]
fn two_ports_differ() {
    assert_ne!(free_port(), free_port());
}
