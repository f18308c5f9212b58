//! The metrics of projections: how far each is with the journal.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::{Level, Measure, add, family};
use crate::telemetry::labels::ProjectionLabels;

/// See the module.
#[derive(Debug)]
pub(in crate::telemetry) struct Projections {
    pub(in crate::telemetry) events: Family<ProjectionLabels, Counter>,
    pub(in crate::telemetry) lag: Family<ProjectionLabels, Level>,
    pub(in crate::telemetry) rebuild_seconds: Family<ProjectionLabels, Measure>,
    pub(in crate::telemetry) too_old: Counter,
}

impl Projections {
    pub(super) fn new(to: &mut Registry) -> Self {
        let too_old = "Events that are older than anything that reports keep, and are in none";
        Projections {
            events: family(to, "projection_events", "Events that a projection has taken since the start"),
            lag: family(to, "projection_lag_events", "Events in the journal that a projection has not taken"),
            rebuild_seconds: family(
                to,
                "projection_rebuild_seconds",
                "Time that a projection took to catch up after its start",
            ),
            too_old: add(to, "reports_too_old", too_old, Counter::default()),
        }
    }
}
