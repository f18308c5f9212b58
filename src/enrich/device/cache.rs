//! Answers that were given before, so that a text is read once and not with every event.
//!
//! Bounded: two generations of half the size, the older of which is forgotten as a whole when the younger is full; what is
//! asked for again moves into the younger one. Each worker has its own, so that nobody waits. Never keeps the texts.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Most answers that are kept.
const CAPACITY: usize = 8_192;

/// The answers of one worker.
#[derive(Debug)]
pub struct Cache<T> {
    young: HashMap<u64, Arc<T>>,
    old: HashMap<u64, Arc<T>>,
    // Seeded at random, so that nobody can make two texts meet.
    keys: RandomState,
}

impl<T> Default for Cache<T> {
    fn default() -> Cache<T> {
        Cache { young: HashMap::new(), old: HashMap::new(), keys: RandomState::new() }
    }
}

impl<T> Cache<T> {
    /// Returns what was answered to this `User-Agent` and these hints before, else what `answer` says.
    pub fn get(&mut self, user_agent: &str, hints: &str, answer: impl FnOnce() -> T) -> Arc<T> {
        let key = self.keys.hash_one((user_agent, hints));
        if let Some(known) = self.young.get(&key) {
            return Arc::clone(known);
        }
        let answer = self.old.remove(&key).unwrap_or_else(|| Arc::new(answer()));
        if self.young.len() >= CAPACITY / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, Arc::clone(&answer));
        answer
    }

    /// Returns how many answers are kept.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Returns whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
