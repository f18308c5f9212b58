//! The metrics of what is live: visitors, sessions, who listens, and how far the projections are.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::projections::Projections;
use super::{Level, add};

/// See the module.
#[derive(Debug)]
pub(in crate::telemetry) struct LiveNumbers {
    pub(in crate::telemetry) projections: Projections,
    pub(in crate::telemetry) subscribers: Level,
    pub(in crate::telemetry) dropped: Counter,
    pub(in crate::telemetry) visitors: Level,
    pub(in crate::telemetry) sessions: Level,
    pub(in crate::telemetry) sessions_late: Counter,
    pub(in crate::telemetry) sessions_evicted: Counter,
}

impl LiveNumbers {
    pub(super) fn new(to: &mut Registry) -> Self {
        let late = "Events that came too late for their session";
        let evicted = "Sessions that were ended because too many were open";
        let visitors = "Visitors of the last half hour that are known one by one";
        LiveNumbers {
            projections: Projections::new(to),
            subscribers: add(to, "stream_subscribers", "Listeners of /presence/stream", Level::default()),
            dropped: add(to, "stream_dropped", "Frames that a slow listener missed", Counter::default()),
            visitors: add(to, "presence_visitors", visitors, Level::default()),
            sessions: add(to, "sessions_open", "Sessions that are open", Level::default()),
            sessions_late: add(to, "sessions_late", late, Counter::default()),
            sessions_evicted: add(to, "sessions_evicted", evicted, Counter::default()),
        }
    }
}
