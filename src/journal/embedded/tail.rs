//! The newest records in memory, shared by all destinations that keep up.
//!
//! Separate because it is the one part of the journal that readers on actor threads may touch. Never does I/O.

use std::collections::VecDeque;

use crate::journal::{Position, ReadLimit, Record};

/// What an event takes beside its text: head, receipt, places of members, allocator slack. Measured with events of 720 bytes.
const OVERHEAD_BYTES: usize = 640;

fn weight(record: &Record) -> usize {
    record.event.size() + OVERHEAD_BYTES
}

/// A ring of the newest records, bounded in bytes.
#[derive(Debug)]
pub(super) struct Tail {
    records: VecDeque<Record>,
    /// Everything from here on is in the ring, erased records apart.
    start: u64,
    /// The position of the next record.
    next: u64,
    bytes: usize,
    max_bytes: usize,
}

impl Tail {
    /// Starts empty at the end of the log.
    pub(super) fn new(next: u64, max_bytes: usize) -> Self {
        Tail { records: VecDeque::new(), start: next, next, bytes: 0, max_bytes }
    }

    /// Adds a group that has become durable; the oldest records make room.
    pub(super) fn push(&mut self, group: Vec<Record>, next: u64) {
        for record in group {
            self.bytes += weight(&record);
            self.records.push_back(record);
        }
        self.next = next;
        while self.bytes > self.max_bytes {
            let Some(gone) = self.records.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(weight(&gone));
            self.start = gone.position.0 + 1;
        }
        if self.records.is_empty() {
            self.start = next;
        }
    }

    /// Returns records from `from` on; `None` when older ones are asked for than the ring has.
    pub(super) fn read(&self, from: Position, limit: ReadLimit) -> Option<Vec<Record>> {
        if from.0 < self.start {
            return None;
        }
        let mut found = Vec::new();
        let mut bytes = 0;
        let first = self.records.partition_point(|record| record.position < from);
        for record in self.records.range(first..) {
            bytes += record.event.raw.len();
            let full = found.len() >= limit.records || bytes > limit.bytes;
            if full && !found.is_empty() {
                break;
            }
            found.push(record.clone());
        }
        Some(found)
    }

    /// Takes an erased record out.
    pub(super) fn remove(&mut self, position: u64) {
        let Ok(at) = self.records.binary_search_by_key(&position, |record| record.position.0) else { return };
        if let Some(gone) = self.records.remove(at) {
            self.bytes = self.bytes.saturating_sub(weight(&gone));
        }
        if self.records.is_empty() {
            self.start = self.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::{event, limit};
    use std::sync::Arc;

    fn records(range: std::ops::Range<u64>) -> Vec<Record> {
        range
            .map(|n| Record { position: Position(n), event: Arc::new(event(&format!("m{n}"), 20)) })
            .collect()
    }

    #[test]
    fn the_oldest_make_room_and_are_then_not_in_the_tail() {
        let weight = event("m0", 20).size() + OVERHEAD_BYTES;
        let mut tail = Tail::new(0, weight * 3);
        tail.push(records(0..5), 5);
        assert!(tail.read(Position(1), limit(9)).is_none());
        let found = tail.read(Position(3), limit(9)).unwrap();
        assert_eq!(found.iter().map(|r| r.position.0).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(tail.read(Position(5), limit(9)).unwrap().len(), 0);
    }

    #[test]
    fn an_erased_record_is_passed_over() {
        let mut tail = Tail::new(0, usize::MAX);
        tail.push(records(0..3), 3);
        tail.remove(1);
        let found = tail.read(Position(1), limit(9)).unwrap();
        assert_eq!(found.iter().map(|r| r.position.0).collect::<Vec<_>>(), [2]);
    }
}
