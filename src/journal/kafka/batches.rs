//! How much the producer puts into one batch.
//!
//! Brokers refuse a batch that is larger than a record may be as a whole. What is sent again then comes behind what was sent
//! after it, so that a user's events change places. No batch of several is to be refused, therefore: none is larger than what
//! the topic takes, and where that is not known and one was refused, each event goes alone until it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a batch has beside its records, generously.
const FRAME: u64 = 1 << 10;

/// What is known of the topic's limit. All clients of a journal share it.
#[derive(Debug)]
pub(super) struct Batches {
    /// What the door takes, in bytes: a topic that is as it should be takes as much.
    otherwise: u64,
    /// Bytes that the topic takes at once, as the brokers say; 0 when they do not.
    limit: AtomicU64,
    /// Several were refused at once all the same.
    single: AtomicBool,
}

/// How a producer is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batch {
    /// Each event goes alone.
    Single,
    /// Batches of at most so many bytes.
    UpTo(u64),
}

impl Batches {
    /// Nothing is known but what the door takes.
    pub(super) fn new(max_event_bytes: usize) -> Batches {
        let otherwise = max_event_bytes as u64;
        Batches { otherwise, limit: AtomicU64::new(0), single: AtomicBool::new(false) }
    }

    /// The brokers said how many bytes the topic takes at once. What they said before, and did not keep, is no news.
    pub(super) fn limited(&self, limit: u64) {
        if self.limit.swap(limit, Ordering::AcqRel) != limit {
            self.single.store(false, Ordering::Release);
        }
    }

    /// Several events were refused together that are taken one by one.
    pub(super) fn refused(&self) {
        self.single.store(true, Ordering::Release);
    }

    /// Returns what a producer is to be made for.
    pub(super) fn present(&self) -> Batch {
        if self.single.load(Ordering::Acquire) {
            return Batch::Single;
        }
        let limit = match self.limit.load(Ordering::Acquire) {
            0 => self.otherwise,
            limit => limit,
        };
        Batch::UpTo(limit.saturating_sub(FRAME).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_no_larger_than_what_the_topic_takes_as_far_as_that_is_known() {
        let batches = Batches::new(1 << 20);
        assert_eq!(batches.present(), Batch::UpTo((1 << 20) - FRAME));
        batches.limited(100_000);
        assert_eq!(batches.present(), Batch::UpTo(100_000 - FRAME));
        batches.refused();
        assert_eq!(batches.present(), Batch::Single);
        batches.limited(100_000);
        assert_eq!(batches.present(), Batch::Single, "that is what it refused");
        batches.limited(50_000);
        assert_eq!(batches.present(), Batch::UpTo(50_000 - FRAME));
        batches.limited(3);
        assert_eq!(batches.present(), Batch::UpTo(1), "the library takes no less");
    }
}
