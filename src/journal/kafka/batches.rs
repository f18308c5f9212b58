//! How much the producer puts into one batch.
//!
//! Brokers refuse a batch that is larger than a record may be as a whole. What is sent again then comes behind what was sent
//! after it, so that a user's events change places. No batch of several is to be refused, therefore: none is larger than what
//! the topic takes, and where that is not known and one was refused, each event goes alone for a while, and smaller batches
//! are tried then. One event that is too large has its whole batch refused, and is not to make the router slow for ever.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What a batch has beside its records, generously.
const FRAME: u64 = 1 << 10;
/// How long each event goes alone after a refusal.
pub(super) const ALONE_FOR: Duration = Duration::from_secs(300);
/// No refusal makes batches smaller than that, in bytes: what other producers begin with, and every topic takes.
const SMALLEST: u64 = 16 << 10;

/// What is known of the topic's limit. All clients of a journal share it.
#[derive(Debug)]
pub(super) struct Batches {
    /// What the door takes, in bytes: a topic that is as it should be takes as much.
    otherwise: u64,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Bytes that the topic takes at once, as the brokers say; 0 when they do not.
    limit: u64,
    /// Several were refused at once all the same.
    refusal: Option<Refusal>,
}

#[derive(Debug, Clone, Copy)]
struct Refusal {
    at: Instant,
    /// Bytes of the batches that are tried afterwards.
    next: u64,
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
        Batches { otherwise: max_event_bytes as u64, known: Mutex::default() }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The brokers said how many bytes the topic takes at once. What they said before, and did not keep, is no news.
    pub(super) fn limited(&self, limit: u64) {
        self.with(|known| {
            if known.limit != limit {
                *known = Known { limit, refusal: None };
            }
        });
    }

    /// Several events were refused together that are taken one by one.
    pub(super) fn refused(&self) {
        self.refused_at(Instant::now());
    }

    fn refused_at(&self, now: Instant) {
        let Batch::UpTo(tried) = self.present_at(now) else { return };
        let next = (tried / 2).max(SMALLEST.min(tried));
        self.with(|known| known.refusal = Some(Refusal { at: now, next }));
    }

    /// Returns what a producer is to be made for now.
    pub(super) fn present(&self) -> Batch {
        self.present_at(Instant::now())
    }

    fn present_at(&self, now: Instant) -> Batch {
        let (limit, refusal) = self.with(|known| (known.limit, known.refusal));
        let limit = if limit == 0 { self.otherwise } else { limit };
        let most = limit.saturating_sub(FRAME).max(1);
        match refusal {
            None => Batch::UpTo(most),
            Some(refusal) if now.saturating_duration_since(refusal.at) < ALONE_FOR => Batch::Single,
            Some(refusal) => Batch::UpTo(refusal.next.min(most)),
        }
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

    #[test]
    fn where_the_limit_is_not_told_smaller_batches_are_tried_after_a_while() {
        let batches = Batches::new(1 << 20);
        let mut now = Instant::now();
        let mut tried = (1 << 20) - FRAME;
        for _ in 0..3 {
            batches.refused_at(now);
            assert_eq!(batches.present_at(now + ALONE_FOR - Duration::from_secs(1)), Batch::Single);
            now += ALONE_FOR;
            tried /= 2;
            assert_eq!(batches.present_at(now), Batch::UpTo(tried));
        }
        for _ in 0..20 {
            batches.refused_at(now);
            now += ALONE_FOR;
        }
        assert_eq!(batches.present_at(now), Batch::UpTo(SMALLEST), "no event makes it ever smaller");
        batches.limited(1 << 30);
        assert_eq!(batches.present_at(now), Batch::UpTo((1 << 30) - FRAME), "now it is told");
    }
}
