//! How much the producer puts into one batch, and whether several are on their way together.
//!
//! Brokers refuse a batch that is larger than a record may be as a whole. What is sent again then comes behind what was sent
//! after it, so that a user's events change places. Batches go together, therefore, only as large as the brokers said that the
//! topic takes. Where they do not say so, or did not keep it, no partition has a second batch on its way: nothing can
//! overtake one that is refused, however often that happens. Never sends anything.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What a batch has beside its records, generously.
const FRAME: u64 = 1 << 10;
/// How long after a refusal, and after each step, batches of twice the size are tried.
pub(super) const GROW_AFTER: Duration = Duration::from_secs(60);
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
    /// Bytes of the batches that are tried at first.
    next: u64,
}

/// How a producer is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batch {
    /// Batches of at most so many bytes, which the brokers are known to take.
    UpTo(u64),
    /// Batches of at most so many bytes, of which a partition has one at a time.
    OneAtATime(u64),
}

impl Batch {
    /// Returns the same size, of which a partition has one at a time.
    pub(super) fn one_at_a_time(self) -> Batch {
        let (Batch::UpTo(most) | Batch::OneAtATime(most)) = self;
        Batch::OneAtATime(most)
    }
}

impl Batches {
    /// Nothing is known but what the door takes.
    pub(super) fn new(max_event_bytes: usize) -> Batches {
        Batches { otherwise: max_event_bytes as u64, known: Mutex::default() }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The brokers, or at first an operator, said how many bytes the topic takes at once; 0 says nothing. What they said before,
    /// and did not keep, is no news.
    pub(super) fn limited(&self, limit: u64) {
        self.with(|known| {
            if known.limit != limit {
                *known = Known { limit, refusal: None };
            }
        });
    }

    /// Several events were refused together that are taken apart.
    pub(super) fn refused(&self) {
        self.refused_at(Instant::now());
    }

    fn refused_at(&self, now: Instant) {
        let (Batch::UpTo(tried) | Batch::OneAtATime(tried)) = self.present_at(now);
        let next = (tried / 2).max(SMALLEST.min(tried));
        self.with(|known| known.refusal = Some(Refusal { at: now, next }));
    }

    /// Returns whether batches are smaller than they might be, since one was refused.
    pub(super) fn are_reduced(&self) -> bool {
        let now = Instant::now();
        let most = self.with(|known| self.most(known));
        self.with(|known| known.refusal).is_some_and(|refusal| refusal.size_at(now) < most)
    }

    /// Returns what a producer is to be made for now.
    pub(super) fn present(&self) -> Batch {
        self.present_at(Instant::now())
    }

    fn present_at(&self, now: Instant) -> Batch {
        self.with(|known| {
            let most = self.most(known);
            match known.refusal.map(|refusal| refusal.size_at(now)).filter(|size| *size < most) {
                Some(size) => Batch::OneAtATime(size),
                None if known.limit == 0 => Batch::OneAtATime(most),
                None => Batch::UpTo(most),
            }
        })
    }

    /// Returns the bytes of the largest batch that may be tried.
    fn most(&self, known: &Known) -> u64 {
        let limit = if known.limit == 0 { self.otherwise } else { known.limit };
        limit.saturating_sub(FRAME).max(1)
    }
}

impl Refusal {
    /// Returns how large a batch may be by now.
    fn size_at(&self, now: Instant) -> u64 {
        let steps = now.saturating_duration_since(self.at).as_secs() / GROW_AFTER.as_secs();
        let factor = u32::try_from(steps).ok().and_then(|steps| 1_u64.checked_shl(steps)).unwrap_or(u64::MAX);
        self.next.saturating_mul(factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_go_together_only_as_large_as_the_brokers_said() {
        let batches = Batches::new(1 << 20);
        assert_eq!(batches.present(), Batch::OneAtATime((1 << 20) - FRAME), "nobody said so");
        batches.limited(100_000);
        assert_eq!(batches.present(), Batch::UpTo(100_000 - FRAME));
        assert!(!batches.are_reduced());
        batches.refused();
        assert_eq!(batches.present(), Batch::OneAtATime((100_000 - FRAME) / 2));
        batches.limited(100_000);
        assert!(batches.are_reduced(), "that is what it refused");
        batches.limited(50_000);
        assert_eq!(batches.present(), Batch::UpTo(50_000 - FRAME));
        batches.limited(3);
        assert_eq!(batches.present(), Batch::UpTo(1), "the library takes no less");
    }

    #[test]
    fn batches_that_were_refused_become_smaller_and_grow_again() {
        let batches = Batches::new(1 << 20);
        let now = Instant::now();
        let most = (1 << 20) - FRAME;
        batches.refused_at(now);
        batches.refused_at(now);
        assert_eq!(batches.present_at(now), Batch::OneAtATime(most / 4));
        assert_eq!(batches.present_at(now + GROW_AFTER), Batch::OneAtATime(most / 4 * 2));
        assert_eq!(batches.present_at(now + GROW_AFTER * 2), Batch::OneAtATime(most / 4 * 4));
        assert_eq!(batches.present_at(now + GROW_AFTER * 3), Batch::OneAtATime(most));
        for _ in 0..20 {
            batches.refused_at(now);
        }
        assert_eq!(batches.present_at(now), Batch::OneAtATime(SMALLEST), "no event makes it ever smaller");
        assert_eq!(batches.present_at(now + GROW_AFTER * 1_000), Batch::OneAtATime(most));
        batches.limited(1 << 30);
        assert_eq!(batches.present_at(now), Batch::UpTo((1 << 30) - FRAME), "now it is told");
        batches.refused_at(now);
        assert_eq!(
            batches.present_at(now + GROW_AFTER),
            Batch::UpTo((1 << 30) - FRAME),
            "forgotten when all is tried"
        );
    }
}
