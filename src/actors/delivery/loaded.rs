//! The events that a delivery has in memory, and how many bytes they are.
//!
//! Separate because of its bound: up to 20,000 events may wait behind one that fails, and each may be a megabyte. What does
//! not fit is read from the journal again when its turn comes.

use std::collections::HashMap;
use std::sync::Arc;

use crate::policy::delivery::Plain;
use crate::policy::patience::Patience;
use crate::spec::Event;

/// Events by position.
#[derive(Debug)]
pub(super) struct Loaded {
    events: HashMap<u64, Arc<Event>, Plain>,
    bytes: usize,
    max_bytes: usize,
}

impl Loaded {
    /// Has room for what is on its way and for the two batches that are read ahead.
    pub(super) fn new(patience: &Patience) -> Self {
        let batches = patience.concurrency.get().saturating_add(2);
        let max_bytes = patience.batch.max_bytes.saturating_mul(batches);
        Loaded { events: HashMap::default(), bytes: 0, max_bytes }
    }

    /// Keeps an event when there is room.
    pub(super) fn offer(&mut self, position: u64, event: Arc<Event>) {
        if self.bytes < self.max_bytes {
            self.keep(position, event);
        }
    }

    /// Keeps an event that is needed at once.
    fn keep(&mut self, position: u64, event: Arc<Event>) {
        self.bytes += event.size();
        let gone = self.events.insert(position, event);
        self.forget_old(gone);
    }

    /// Returns an event that is in memory.
    pub(super) fn get(&self, position: u64) -> Option<Arc<Event>> {
        self.events.get(&position).cloned()
    }

    /// Drops an event.
    pub(super) fn remove(&mut self, position: u64) {
        let gone = self.events.remove(&position);
        self.forget_old(gone);
    }

    /// Drops every event that `keep` does not name.
    pub(super) fn retain(&mut self, keep: impl Fn(u64) -> bool) {
        self.events.retain(|position, _| keep(*position));
        self.bytes = self.events.values().map(|event| event.size()).sum();
    }

    fn forget_old(&mut self, gone: Option<Arc<Event>>) {
        self.bytes = self.bytes.saturating_sub(gone.map_or(0, |event| event.size()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::event;

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let event = Arc::new(event("m", 100));
        let size = event.size();
        let mut loaded = Loaded { events: HashMap::default(), bytes: 0, max_bytes: size * 2 };
        (0..5).for_each(|position| loaded.offer(position, Arc::clone(&event)));
        assert_eq!((0..5).filter(|position| loaded.get(*position).is_some()).count(), 2);
        loaded.keep(0, Arc::clone(&event));
        loaded.remove(4);
        assert_eq!(loaded.bytes, size * 2);
        loaded.remove(0);
        loaded.offer(4, event);
        assert!(loaded.get(0).is_none() && loaded.get(4).is_some());
        assert_eq!(loaded.bytes, size * 2);
    }
}
