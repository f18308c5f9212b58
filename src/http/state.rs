//! What every request may look at: the per-worker addresses and what all workers share.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::Door;
use super::budget::Budget;
use super::terms::Terms;

/// SDKs hang up after 10 s; an answer that comes earlier can still tell them when to try again.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// One worker's view.
pub(super) struct State {
    /// This worker's addresses.
    pub(super) door: Door,
    /// The same for all workers.
    pub(super) shared: Arc<Shared>,
}

/// What all workers share.
pub(super) struct Shared {
    pub(super) budget: Budget,
    /// What may change while the router runs.
    pub(super) terms: ArcSwap<Terms>,
    /// How long a request may take from its head to its answer.
    pub(super) answer_within: Duration,
}

impl Shared {
    pub(super) fn new(door: &Door) -> Self {
        let settings = &door.settings;
        Shared {
            budget: Budget::for_bodies_of(settings.server.max_body_bytes),
            terms: ArcSwap::from_pointee(Terms::new(settings)),
            answer_within: ANSWER_WITHIN,
        }
    }

    /// Returns the present terms, to keep to until the answer.
    pub(super) fn terms(&self) -> Arc<Terms> {
        self.terms.load_full()
    }
}
