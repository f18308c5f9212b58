//! How many bytes of request bodies may be in flight, from the socket to the commit, and what happens when they are.
//!
//! A semaphore of KiB, shared by all workers. A body takes its permits as its bytes arrive, so that a sender who promises
//! much and sends nothing holds little. The permit travels on inside the message and comes back when the events are
//! durable.
//!
//! Without a permit a request waits before it is refused, and is not read meanwhile, so that TCP slows its sender down. How
//! many wait is bounded by [`super::waiting`], how long by the patience that a request brings. Those who are not let in yet
//! stand in a line of their own, of which only the first asks for room: who is inside comes first, since its end gives room
//! to others. When there is room nobody is asked anything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::waiting::{WaitingRoom, Wish};

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
    room: Mutex<WaitingRoom>,
    /// How many wait to be let in; who comes later does not overtake them.
    entering: AtomicUsize,
    /// Held by the first of those who wait to be let in.
    line: tokio::sync::Mutex<()>,
}

impl Budget {
    /// Returns a budget that fits bodies of this size. At most so many requests wait to be let in.
    pub(super) fn for_bodies_of(max_body_bytes: usize, seats: usize) -> Self {
        Budget::of(bytes_for(max_body_bytes), seats)
    }

    /// Grows until bodies of this size fit. It never shrinks: what is given away cannot be taken back.
    pub(super) fn fit_bodies_of(&self, max_body_bytes: usize) {
        let wanted = units(bytes_for(max_body_bytes));
        let had = self.units.fetch_max(wanted, Ordering::AcqRel);
        self.semaphore.add_permits(wanted.saturating_sub(had));
    }

    /// Returns a budget of so many bytes.
    pub(super) fn of(bytes: usize, seats: usize) -> Self {
        let units = units(bytes);
        Budget {
            semaphore: Arc::new(Semaphore::new(units)),
            units: AtomicUsize::new(units),
            room: Mutex::new(WaitingRoom::new(seats)),
            entering: AtomicUsize::new(0),
            line: tokio::sync::Mutex::new(()),
        }
    }

    /// Takes what every request costs. When nothing is left, or others wait already, it waits, here and whenever it needs
    /// more: no longer than `patience` in all. `None` when it waited for nothing, or when too many wait.
    pub(super) async fn reserve(&self, patience: Duration) -> Option<Reservation<'_>> {
        let mut left = patience;
        let permit = match self.enter() {
            Some(permit) => permit,
            None => self.wait(Wish::Enter { lacks: BASE_UNITS as usize }, &mut left).await?,
        };
        Some(Reservation { budget: self, permit, left })
    }

    /// Returns how many requests wait.
    pub(super) fn waiting(&self) -> usize {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).waiting()
    }

    /// Returns how many bytes are taken, about.
    pub(super) fn held_bytes(&self) -> usize {
        let units = self.units.load(Ordering::Acquire);
        units.saturating_sub(self.semaphore.available_permits()) * UNIT
    }

    fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let in_turn = self.entering.load(Ordering::Relaxed) == 0;
        in_turn.then(|| self.take(BASE_UNITS as usize)).flatten()
    }

    fn take(&self, units: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.semaphore).try_acquire_many_owned(u32::try_from(units).ok()?).ok()
    }

    async fn wait(&self, wish: Wish, left: &mut Duration) -> Option<OwnedSemaphorePermit> {
        let _seat = Seat::take(self, wish)?;
        let begun = Instant::now();
        let granted = tokio::time::timeout(*left, self.grant(wish)).await;
        *left = left.saturating_sub(begun.elapsed());
        granted.ok().flatten()
    }

    async fn grant(&self, wish: Wish) -> Option<OwnedSemaphorePermit> {
        let (_turn, units) = match wish {
            Wish::Enter { lacks } => (Some(self.line.lock().await), lacks),
            Wish::Grow { lacks, .. } => (None, lacks),
        };
        Arc::clone(&self.semaphore).acquire_many_owned(u32::try_from(units).ok()?).await.ok()
    }
}

fn bytes_for(max_body_bytes: usize) -> usize {
    DEFAULT_BYTES.max(max_body_bytes.saturating_mul(8))
}

fn units(bytes: usize) -> usize {
    (bytes / UNIT).min(Semaphore::MAX_PERMITS)
}

/// The place of one request that waits; also one that is cut off leaves it.
struct Seat<'a> {
    budget: &'a Budget,
    wish: Wish,
}

impl<'a> Seat<'a> {
    fn take(budget: &'a Budget, wish: Wish) -> Option<Self> {
        let mut room = budget.room.lock().unwrap_or_else(PoisonError::into_inner);
        if !room.join(wish, budget.units.load(Ordering::Acquire)) {
            return None;
        }
        budget.entering.store(room.entering(), Ordering::Relaxed);
        Some(Seat { budget, wish })
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut room = self.budget.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.leave(self.wish);
        self.budget.entering.store(room.entering(), Ordering::Relaxed);
    }
}

/// What one request holds of the budget. Dropping it gives it back.
pub(super) struct Reservation<'a> {
    budget: &'a Budget,
    permit: OwnedSemaphorePermit,
    /// How long it may still wait.
    left: Duration,
}

impl Reservation<'_> {
    /// Makes the reservation cover a body of so many bytes, and waits for them when it must; returns false when the budget
    /// does not have them in time, or never will.
    #[must_use]
    pub(super) async fn cover(&mut self, bytes: usize) -> bool {
        let holds = self.permit.num_permits();
        let lacks = bytes.div_ceil(UNIT).saturating_sub(holds);
        if lacks == 0 {
            return true;
        }
        let more = match self.budget.take(lacks.max(STEP_UNITS)) {
            Some(more) => Some(more),
            None => self.budget.wait(Wish::Grow { holds, lacks }, &mut self.left).await,
        };
        more.map(|more| self.permit.merge(more)).is_some()
    }

    /// Returns the permit, to travel inside a message.
    pub(super) fn into_permit(self) -> OwnedSemaphorePermit {
        self.permit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    const SEATS: usize = 2;
    const PATIENCE: Duration = Duration::from_secs(4);
    const NONE: Duration = Duration::ZERO;

    fn budget(kib: usize) -> Budget {
        Budget::of(kib * UNIT, SEATS)
    }

    /// Takes a reservation that covers so many KiB from a budget that has them.
    fn holding(budget: &Budget, kib: usize) -> Reservation<'_> {
        let mut reservation = budget.reserve(PATIENCE).now_or_never().flatten().unwrap();
        assert_eq!(reservation.cover(kib * UNIT).now_or_never(), Some(true));
        reservation
    }

    #[test]
    fn a_reservation_gives_back_what_it_took() {
        let budget = budget(1024);
        let reservation = holding(&budget, 200);
        assert!(budget.held_bytes() >= 200 * UNIT);
        drop(reservation.into_permit());
        assert_eq!(budget.held_bytes(), 0);
    }

    #[test]
    fn a_body_that_can_never_fit_is_refused_without_waiting() {
        let budget = budget(128);
        let mut reservation = holding(&budget, 4);
        assert_eq!(reservation.cover(256 * UNIT).now_or_never(), Some(false));
        assert_eq!(reservation.cover(64 * UNIT).now_or_never(), Some(true));
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_waits_and_is_let_in_when_there_is_some() {
        let budget = budget(8);
        let (held, other) = (holding(&budget, 4), holding(&budget, 4));
        let mut late = Box::pin(budget.reserve(PATIENCE));
        assert!(late.as_mut().now_or_never().is_none());
        assert_eq!(budget.waiting(), 1);
        drop(held);
        assert!(late.await.is_some());
        assert_eq!(budget.waiting(), 0);
        drop(other);
        assert_eq!(budget.held_bytes(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waited_for_nothing_is_refused_when_its_patience_is_over_and_not_before() {
        let budget = budget(4);
        let _held = holding(&budget, 4);
        let begun = Instant::now();
        assert!(budget.reserve(PATIENCE).await.is_none());
        assert_eq!(begun.elapsed(), PATIENCE);
        assert_eq!(budget.waiting(), 0);
        assert!(budget.reserve(NONE).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn when_every_seat_is_taken_a_request_is_refused_at_once() {
        let budget = budget(4);
        let held = holding(&budget, 4);
        let mut waiting: Vec<_> = (0..SEATS).map(|_| Box::pin(budget.reserve(PATIENCE))).collect();
        assert!(waiting.iter_mut().all(|one| one.as_mut().now_or_never().is_none()));
        assert!(budget.reserve(PATIENCE).now_or_never().is_some_and(|refused| refused.is_none()));
        drop(waiting.pop());
        assert_eq!(budget.waiting(), 1, "who is cut off leaves its seat");
        drop(held);
        assert!(waiting.remove(0).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_later_does_not_overtake_those_who_wait() {
        let budget = budget(4);
        let held = holding(&budget, 4);
        let mut first = Box::pin(budget.reserve(PATIENCE));
        let mut second = Box::pin(budget.reserve(PATIENCE));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        drop(held);
        assert!(budget.reserve(PATIENCE).now_or_never().flatten().is_none(), "it is not its turn");
        assert!(second.as_mut().now_or_never().is_none());
        drop(first.await);
        assert!(second.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_inside_and_needs_more_goes_before_those_who_are_not_let_in_yet() {
        let budget = budget(80);
        let (mut inside, held) = (holding(&budget, 4), holding(&budget, 68));
        let _rest = (holding(&budget, 4), holding(&budget, 4));
        let mut first = Box::pin(budget.reserve(PATIENCE));
        let mut second = Box::pin(budget.reserve(PATIENCE));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        let mut grows = Box::pin(inside.cover(68 * UNIT));
        assert!(grows.as_mut().now_or_never().is_none());
        drop(held);
        let _entered = first.as_mut().now_or_never().flatten().expect("it stood there before");
        assert_eq!(grows.as_mut().now_or_never(), Some(true));
        assert!(second.as_mut().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn two_bodies_that_grow_into_each_other_do_not_wait_for_each_other() {
        let budget = budget(200);
        let (mut one, mut other) = (holding(&budget, 100), holding(&budget, 100));
        let mut grows = Box::pin(one.cover(150 * UNIT));
        assert!(grows.as_mut().now_or_never().is_none(), "it waits for the other");
        assert_eq!(other.cover(150 * UNIT).now_or_never(), Some(false), "which must not wait for it");
        drop(other);
        assert!(grows.await);
    }

    #[tokio::test(start_paused = true)]
    async fn all_waits_of_a_request_together_are_no_longer_than_its_patience() {
        let budget = budget(200);
        let held = holding(&budget, 200);
        let begun = Instant::now();
        let entering = budget.reserve(PATIENCE);
        let freeing = async {
            tokio::time::advance(PATIENCE / 2).await;
            drop(held);
        };
        let (entered, ()) = tokio::join!(entering, freeing);
        let mut entered = entered.unwrap();
        let _held = holding(&budget, 196);
        assert!(!entered.cover(8 * UNIT).await);
        assert_eq!(begun.elapsed(), PATIENCE);
    }
}
