//! What every request may look at: the per-worker addresses and what all workers share.

use std::sync::Arc;
use std::time::Duration;

use super::Door;
use super::auth::Sources;
use super::budget::Budget;
use super::cors::Origins;
use super::limit::Limiter;

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
    pub(super) sources: Sources,
    pub(super) origins: Origins,
    pub(super) limiter: Limiter,
    /// How long a request may take from its head to its answer.
    pub(super) answer_within: Duration,
}

impl Shared {
    pub(super) fn new(door: &Door) -> Self {
        let settings = &door.settings;
        Shared {
            budget: Budget::for_bodies_of(settings.server.max_body_bytes),
            sources: Sources::new(&settings.sources),
            origins: Origins::new(&settings.sources),
            limiter: Limiter::new(&settings.limits, settings.sources.len().max(1)),
            answer_within: ANSWER_WITHIN,
        }
    }
}
