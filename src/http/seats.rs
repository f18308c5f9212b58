//! How many connections one address may have open, so that a single client cannot take all of them.
//!
//! Loopback and `server.trusted_proxies` are not counted, because many are behind them. An IPv6 customer is a /64. What it remembers
//! is bounded by the connections that are open.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use super::limit::customer;

/// Who sits where.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    uncounted: Vec<IpNet>,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// The place of one open connection; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

/// The address has as many connections as it may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoSeat;

impl Seats {
    /// `most` is how many an address may have, but for those in `uncounted`; 0: as many as it likes.
    pub(super) fn new(most: usize, uncounted: Vec<IpNet>) -> Arc<Seats> {
        Arc::new(Seats { most, uncounted, taken: Mutex::default() })
    }

    /// Takes a place; `None` for those who are not counted.
    ///
    /// # Errors
    /// There is none left for this address.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Result<Option<Seat>, NoSeat> {
        let peer = peer.to_canonical();
        if self.most == 0 || self.uncounted.iter().any(|net| net.contains(&peer)) {
            return Ok(None);
        }
        let address = customer(peer);
        let mut taken = self.taken();
        let count = taken.entry(address).or_default();
        if *count >= self.most {
            return Err(NoSeat);
        }
        *count += 1;
        Ok(Some(Seat { seats: Arc::clone(self), address }))
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        let Entry::Occupied(mut count) = taken.entry(self.address) else { return };
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let seats = Seats::new(2, Vec::new());
        let one = seats.take(ip("203.0.113.9")).unwrap();
        let _two = seats.take(ip("::ffff:203.0.113.9")).unwrap();
        assert_eq!(seats.take(ip("203.0.113.9")).unwrap_err(), NoSeat);
        let other = seats.take(ip("203.0.113.10")).unwrap();
        drop(one);
        drop(seats.take(ip("203.0.113.9")).unwrap());
        drop(other);
        assert_eq!(seats.taken().len(), 1, "who is gone is forgotten");
    }

    #[test]
    fn a_customer_of_ipv6_has_many_addresses_and_the_places_of_one() {
        let seats = Seats::new(1, Vec::new());
        let _one = seats.take(ip("2001:db8:0:1::1")).unwrap();
        assert_eq!(seats.take(ip("2001:db8:0:1:ffff::2")).unwrap_err(), NoSeat);
        assert!(seats.take(ip("2001:db8:0:2::1")).is_ok());
    }

    #[test]
    fn proxies_and_this_machine_are_not_counted() {
        let uncounted = ["127.0.0.0/8", "::1/128", "10.0.0.0/8"].map(|net| net.parse().unwrap());
        let seats = Seats::new(1, uncounted.to_vec());
        let places =
            ["127.0.0.1", "::1", "10.1.2.3"].map(|peer| (seats.take(ip(peer)), seats.take(ip(peer))));
        assert!(places.iter().all(|(one, two)| one.is_ok() && two.is_ok()), "{places:?}");
        let unlimited = Seats::new(0, Vec::new());
        assert!((0..10).all(|_| unlimited.take(ip("203.0.113.9")).is_ok()));
    }
}
