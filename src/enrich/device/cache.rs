//! Answers that were given before, so that a text is read once and not with every event.
//!
//! Bounded: two generations of half the size, the older of which is forgotten as a whole when the younger is full; what is
//! asked for again moves into the younger one. Each worker has its own, so that nobody waits. Never keeps the texts.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use super::{Facts, Hints, Reader};

/// Most answers that are kept.
const CAPACITY: usize = 8_192;

/// The answers of one worker.
#[derive(Debug, Default)]
pub struct Cache {
    young: HashMap<u64, Arc<Facts>>,
    old: HashMap<u64, Arc<Facts>>,
    // Seeded at random, so that nobody can make two texts meet.
    keys: RandomState,
}

impl Cache {
    /// Returns what the reader says, or has said.
    pub fn read(&mut self, reader: &Reader, user_agent: &str, hints: &Hints) -> Arc<Facts> {
        let key = self.key(user_agent, hints);
        if let Some(known) = self.young.get(&key) {
            return Arc::clone(known);
        }
        let facts = self.old.remove(&key).unwrap_or_else(|| Arc::new(reader.read(user_agent, hints)));
        if self.young.len() >= CAPACITY / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, Arc::clone(&facts));
        facts
    }

    /// Returns how many answers are kept.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Returns whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn key(&self, user_agent: &str, hints: &Hints) -> u64 {
        let mut hasher = self.keys.build_hasher();
        hasher.write(user_agent.as_bytes());
        hints.hash_into(&mut hasher);
        hasher.finish()
    }
}
