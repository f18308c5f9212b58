//! What an attempt passes between two requests: the limit of requests a second, and the wish that it should stop.
//!
//! Separate because an attempt may be hundreds of requests: a stop or a pause must not wait for all of them, and a permit
//! must not count as time that the other side took. Shared by the delivery and its attempts, without messages.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix::Context;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Delivery;
use crate::destinations::Destination;
use crate::policy::delivery::Input;
use crate::policy::patience::Patience;
use crate::policy::rate::Rate;

/// See the module.
#[derive(Debug)]
pub(super) struct Turnstile {
    rate: Option<Mutex<Rate>>,
    origin: Instant,
    stopping: watch::Sender<bool>,
}

impl Turnstile {
    pub(super) fn new(patience: &Patience) -> Self {
        Turnstile {
            rate: Rate::new(patience.rate_limit.requests_per_second).map(Mutex::new),
            origin: Instant::now(),
            stopping: watch::Sender::new(false),
        }
    }

    /// Stops attempts between two requests, and those that wait for a permit; or lets them go on.
    pub(super) fn stop(&self, stopping: bool) {
        self.stopping.send_replace(stopping);
    }

    /// Uses only this share of the configured rate.
    pub(super) fn set_share(&self, share: f64) {
        if let Some(rate) = &self.rate {
            rate.lock().unwrap_or_else(PoisonError::into_inner).set_share(share);
        }
    }

    /// Waits until an attempt may make its next request, and returns how long that took; `None` when it should stop. The
    /// first request of an attempt stops only where it would have to wait, so that an attempt always achieves something.
    pub(super) async fn pass(&self, is_first: bool) -> Option<Duration> {
        if !is_first && *self.stopping.borrow() {
            return None;
        }
        let wait = self.reserve();
        if wait.is_zero() {
            return Some(wait);
        }
        let mut stopping = self.stopping.subscribe();
        match tokio::time::timeout(wait, stopping.wait_for(|stopping| *stopping)).await {
            Ok(_) => None,
            Err(_) => Some(wait),
        }
    }

    /// Takes a permit and returns how long it must be waited for. Permits are given in the order of asking.
    fn reserve(&self) -> Duration {
        let Some(rate) = &self.rate else { return Duration::ZERO };
        let now = self.origin.elapsed();
        let at = rate.lock().unwrap_or_else(PoisonError::into_inner).reserve(1, now);
        at.saturating_sub(now)
    }
}

impl<D: Destination> Delivery<D> {
    /// Sends nothing more until it is told to go on: what is in flight stops after its present request, and counts.
    pub(super) fn pause(&mut self, paused: bool, ctx: &mut Context<Self>) {
        self.ordered_pause = Some(paused);
        self.turnstile.stop(paused || self.draining.is_some());
        self.give(Input::Paused(paused), ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::ENTRIES;

    fn turnstile(requests_per_second: u32) -> Turnstile {
        let mut patience = (ENTRIES[0].patience)();
        patience.rate_limit.requests_per_second = requests_per_second;
        Turnstile::new(&patience)
    }

    #[tokio::test(start_paused = true)]
    async fn requests_beyond_the_rate_wait_their_turn() {
        let turnstile = turnstile(2);
        let begun = Instant::now();
        for expected in [0, 0, 500, 1000, 1500] {
            assert!(turnstile.pass(false).await.is_some());
            assert_eq!(begun.elapsed().as_millis(), expected);
        }
        turnstile.set_share(0.5);
        turnstile.pass(false).await;
        turnstile.pass(false).await;
        assert!(begun.elapsed() >= Duration::from_secs(3), "half the rate: {:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_the_wait_for_a_permit_at_once() {
        let turnstile = turnstile(1);
        assert!(turnstile.pass(true).await.is_some());
        let begun = Instant::now();
        let stop = async {
            tokio::task::yield_now().await;
            turnstile.stop(true);
        };
        let (passed, ()) = tokio::join!(turnstile.pass(true), stop);
        assert_eq!((passed, begun.elapsed()), (None, Duration::ZERO));
    }

    #[tokio::test]
    async fn a_stop_lets_the_first_request_through_and_no_other() {
        let turnstile = turnstile(0);
        turnstile.stop(true);
        assert_eq!(turnstile.pass(true).await, Some(Duration::ZERO));
        assert_eq!(turnstile.pass(false).await, None);
        turnstile.stop(false);
        assert_eq!(turnstile.pass(false).await, Some(Duration::ZERO));
    }
}
