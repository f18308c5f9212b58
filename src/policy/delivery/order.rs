//! Who waits for whom: events that share a user are delivered in the order of acknowledgement.
//!
//! Each key (a hash of an id) has a queue of the unsettled positions that carry it. An event may be sent when everything
//! before it in each of its queues is in the same batch.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

/// Hashes of the ids that tie an event to others; 0 is none.
pub type Keys = [u64; 3];

/// The queues of all keys that have unsettled events.
#[derive(Debug, Default)]
pub(super) struct Order {
    queues: HashMap<u64, Queue, Plain>,
}

/// Positions in ascending order. The first is kept apart: most users have one event on its way, and need no allocation.
#[derive(Debug)]
struct Queue {
    first: u64,
    rest: VecDeque<u64>,
}

impl Queue {
    /// Returns the position before this one.
    fn before(&self, position: u64) -> Option<u64> {
        if position <= self.first {
            return None;
        }
        let place = self.rest.partition_point(|other| *other < position);
        let before = place.checked_sub(1).and_then(|before| self.rest.get(before));
        Some(before.copied().unwrap_or(self.first))
    }

    /// Takes a position out; returns whether the queue is empty now.
    fn remove(&mut self, position: u64) -> bool {
        if position == self.first {
            let Some(next) = self.rest.pop_front() else { return true };
            self.first = next;
        } else if let Ok(place) = self.rest.binary_search(&position) {
            self.rest.remove(place);
        }
        false
    }
}

/// For keys that nobody can choose to collide: positions, and hashes.
pub type Plain = std::hash::BuildHasherDefault<PlainHasher>;

/// Spreads a number over the bits that a hash table looks at.
#[derive(Debug, Default)]
pub struct PlainHasher(u64);

impl std::hash::Hasher for PlainHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// Returns each key once.
pub(super) fn distinct(keys: &Keys) -> impl Iterator<Item = u64> + '_ {
    let fresh = |at: usize, key: u64| key != 0 && !keys.iter().take(at).any(|earlier| *earlier == key);
    keys.iter().enumerate().filter(move |(at, key)| fresh(*at, **key)).map(|(_, key)| *key)
}

impl Order {
    /// Queues a position behind all earlier ones. Positions come in ascending order.
    pub(super) fn join(&mut self, keys: &Keys, position: u64) {
        for key in distinct(keys) {
            match self.queues.entry(key) {
                Entry::Occupied(mut queue) => queue.get_mut().rest.push_back(position),
                Entry::Vacant(place) => {
                    place.insert(Queue { first: position, rest: VecDeque::new() });
                }
            }
        }
    }

    /// Returns whether everything that this position waits for satisfies `taken`.
    pub(super) fn is_free(&self, keys: &Keys, position: u64, taken: impl Fn(u64) -> bool) -> bool {
        let before = |key: u64| self.queues.get(&key).and_then(|queue| queue.before(position));
        distinct(keys).filter_map(before).all(taken)
    }

    /// Returns whether no event is tied to another.
    pub(super) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Returns whether anything waits under this key.
    pub(super) fn has(&self, key: u64) -> bool {
        self.queues.contains_key(&key)
    }

    /// Takes a settled position out of its queues, and adds the keys under which others wait on.
    pub(super) fn leave(&mut self, keys: &Keys, position: u64, waiting: &mut Vec<u64>) {
        for key in distinct(keys) {
            let Entry::Occupied(mut queue) = self.queues.entry(key) else { continue };
            if queue.get_mut().remove(position) {
                queue.remove();
            } else {
                waiting.push(key);
            }
        }
    }

    /// Returns the first positions that wait under this key, at most `limit`.
    pub(super) fn first(&self, key: u64, limit: usize) -> Vec<u64> {
        let Some(queue) = self.queues.get(&key) else { return Vec::new() };
        std::iter::once(&queue.first).chain(&queue.rest).take(limit).copied().collect()
    }
}
