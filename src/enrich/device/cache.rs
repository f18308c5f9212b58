//! Answers that were given before, so that a text is read once and not with every event.
//!
//! Bounded: two generations of half the size, the older of which is forgotten as a whole when the younger is full; what is
//! asked for again moves into the younger one. Each worker has its own, so that nobody waits. Never keeps the questions.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::rc::Rc;

/// Most answers that are kept.
const CAPACITY: usize = 8_192;

/// The answers of one worker.
#[derive(Debug)]
pub struct Cache<T> {
    young: HashMap<u64, Rc<T>>,
    old: HashMap<u64, Rc<T>>,
    // Seeded at random, so that nobody can make two questions meet.
    keys: RandomState,
}

impl<T> Default for Cache<T> {
    fn default() -> Cache<T> {
        Cache { young: HashMap::new(), old: HashMap::new(), keys: RandomState::new() }
    }
}

impl<T> Cache<T> {
    /// Returns what was answered to this question before, else what `answer` says; it may say nothing, which is not kept.
    pub fn get(&mut self, question: &impl Hash, answer: impl FnOnce() -> Option<T>) -> Option<Rc<T>> {
        let key = self.keys.hash_one(question);
        if let Some(known) = self.young.get(&key) {
            return Some(Rc::clone(known));
        }
        let answer = match self.old.remove(&key) {
            Some(known) => known,
            None => Rc::new(answer()?),
        };
        if self.young.len() >= CAPACITY / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, Rc::clone(&answer));
        Some(answer)
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
