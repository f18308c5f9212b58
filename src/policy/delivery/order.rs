//! Who waits for whom: events that share a user are delivered in the order of acknowledgement.
//!
//! Each key (a hash of an id) has a queue of the unsettled positions that carry it. An event may be sent when everything
//! before it in each of its queues is in the same batch.

use std::collections::{HashMap, VecDeque};

/// Hashes of the ids that tie an event to others; 0 is none.
pub type Keys = [u64; 3];

/// The queues of all keys that have unsettled events.
#[derive(Debug, Default)]
pub(super) struct Order {
    queues: HashMap<u64, VecDeque<u64>, Plain>,
}

/// The keys are hashes already.
type Plain = std::hash::BuildHasherDefault<PlainHasher>;

/// Passes a hash through.
#[derive(Debug, Default)]
pub(super) struct PlainHasher(u64);

impl std::hash::Hasher for PlainHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
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
            self.queues.entry(key).or_default().push_back(position);
        }
    }

    /// Returns whether everything that this position waits for satisfies `taken`.
    pub(super) fn is_free(&self, keys: &Keys, position: u64, taken: impl Fn(u64) -> bool) -> bool {
        distinct(keys).all(|key| {
            let Some(queue) = self.queues.get(&key) else { return true };
            let place = queue.partition_point(|other| *other < position);
            place.checked_sub(1).and_then(|before| queue.get(before)).is_none_or(|before| taken(*before))
        })
    }

    /// Takes a settled position out of its queues.
    pub(super) fn leave(&mut self, keys: &Keys, position: u64) {
        for key in distinct(keys) {
            let Some(queue) = self.queues.get_mut(&key) else { continue };
            if let Ok(place) = queue.binary_search(&position) {
                queue.remove(place);
            }
            if queue.is_empty() {
                self.queues.remove(&key);
            }
        }
    }

    /// Returns the first positions that wait under this key, at most `limit`.
    pub(super) fn first(&self, key: u64, limit: usize) -> Vec<u64> {
        self.queues.get(&key).map(|queue| queue.iter().take(limit).copied().collect()).unwrap_or_default()
    }
}
