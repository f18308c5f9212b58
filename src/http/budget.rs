//! How many bytes of request bodies may be in flight, from the socket to the commit.
//!
//! A semaphore of KiB, shared by all workers. A body takes its permits as its bytes arrive, so that a sender who promises
//! much and sends nothing holds little. The permit travels on inside the message and comes back when the events are
//! durable; without one a request is refused at once instead of queued.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that one permit stands for.
const UNIT: usize = 1024;
/// What a request costs before its first byte: head, buffers, message.
const BASE_UNITS: u32 = 4;
/// Bodies larger than their reservation grow by at least this many units at a time.
const STEP_UNITS: usize = 64;
/// Bytes in flight at most, unless bodies may be so large that this would be fewer than eight of them.
const DEFAULT_BYTES: usize = 64 * 1024 * 1024;

/// The bytes that all requests together may hold.
pub(super) struct Budget {
    semaphore: Arc<Semaphore>,
    units: AtomicUsize,
}

impl Budget {
    /// Returns a budget that fits bodies of this size.
    pub(super) fn for_bodies_of(max_body_bytes: usize) -> Self {
        Budget::of(bytes_for(max_body_bytes))
    }

    /// Grows until bodies of this size fit. It never shrinks: what is given away cannot be taken back.
    pub(super) fn fit_bodies_of(&self, max_body_bytes: usize) {
        let wanted = units(bytes_for(max_body_bytes));
        let had = self.units.fetch_max(wanted, Ordering::AcqRel);
        self.semaphore.add_permits(wanted.saturating_sub(had));
    }

    /// Returns a budget of so many bytes.
    pub(super) fn of(bytes: usize) -> Self {
        let units = units(bytes);
        Budget { semaphore: Arc::new(Semaphore::new(units)), units: AtomicUsize::new(units) }
    }

    /// Takes what every request costs; `None` when nothing is left.
    pub(super) fn reserve(&self) -> Option<Reservation> {
        let permit = Arc::clone(&self.semaphore).try_acquire_many_owned(BASE_UNITS).ok()?;
        Some(Reservation { semaphore: Arc::clone(&self.semaphore), permit })
    }

    /// Returns how many bytes are free.
    #[cfg(test)]
    pub(super) fn free_bytes(&self) -> usize {
        self.semaphore.available_permits() * UNIT
    }
}

fn bytes_for(max_body_bytes: usize) -> usize {
    DEFAULT_BYTES.max(max_body_bytes.saturating_mul(8))
}

fn units(bytes: usize) -> usize {
    (bytes / UNIT).min(Semaphore::MAX_PERMITS)
}

/// What one request holds of the budget. Dropping it gives it back.
pub(super) struct Reservation {
    semaphore: Arc<Semaphore>,
    permit: OwnedSemaphorePermit,
}

impl Reservation {
    /// Makes the reservation cover a body of so many bytes; returns false when the budget does not have them.
    #[must_use]
    pub(super) fn cover(&mut self, bytes: usize) -> bool {
        let held = self.permit.num_permits();
        let wanted = bytes.div_ceil(UNIT);
        if wanted <= held {
            return true;
        }
        let missing = u32::try_from((wanted - held).max(STEP_UNITS)).unwrap_or(u32::MAX);
        match Arc::clone(&self.semaphore).try_acquire_many_owned(missing) {
            Ok(more) => self.permit.merge(more),
            Err(_) => return false,
        }
        true
    }

    /// Returns the permit, to travel inside a message.
    pub(super) fn into_permit(self) -> OwnedSemaphorePermit {
        self.permit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_gives_back_what_it_took() {
        let budget = Budget::of(1024 * 1024);
        let mut reservation = budget.reserve().unwrap();
        assert!(reservation.cover(200 * 1024));
        assert!(budget.free_bytes() <= 824 * 1024);
        drop(reservation.into_permit());
        assert_eq!(budget.free_bytes(), 1024 * 1024);
    }

    #[test]
    fn a_body_that_does_not_fit_is_refused_without_waiting() {
        let budget = Budget::of(128 * 1024);
        let mut reservation = budget.reserve().unwrap();
        assert!(!reservation.cover(256 * 1024));
        assert!(reservation.cover(64 * 1024));
    }

    #[test]
    fn an_exhausted_budget_has_no_reservation() {
        let budget = Budget::of(8 * 1024);
        let held: Vec<_> = std::iter::from_fn(|| budget.reserve()).collect();
        assert_eq!(held.len(), 2);
        assert!(budget.reserve().is_none());
    }
}
