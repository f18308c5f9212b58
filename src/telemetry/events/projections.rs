//! How far the projections are with the journal.

use std::time::Duration;

use tracing::info;

use super::millis;
use crate::telemetry::Metrics;
use crate::telemetry::labels::ProjectionLabels;

/// A projection took a batch of events.
#[derive(Debug, Clone, Copy)]
pub struct ProjectionAdvanced {
    /// Its name.
    pub projection: &'static str,
    /// How many it took.
    pub events: u64,
    /// How many are in the journal that it has not taken.
    pub lag: u64,
}

impl ProjectionAdvanced {
    /// Counts.
    pub fn emit(&self, metrics: &Metrics) {
        let labels = ProjectionLabels { projection: self.projection };
        metrics.live.projections.events.get_or_create(&labels).inc_by(self.events);
        metrics.live.projections.lag.get_or_create(&labels).set(self.lag);
    }
}

/// Events came that are older than anything that reports keep.
#[derive(Debug, Clone, Copy)]
pub struct ReportsTooOld {
    /// How many.
    pub events: u64,
}

impl ReportsTooOld {
    /// Counts.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.live.projections.too_old.inc_by(self.events);
    }
}

/// A projection has caught up with the journal after its start.
#[derive(Debug, Clone, Copy)]
pub struct ProjectionCurrent {
    /// Its name.
    pub projection: &'static str,
    /// Events that it took.
    pub events: u64,
    /// How long that took.
    pub took: Duration,
}

impl ProjectionCurrent {
    /// Writes the line and the number.
    pub fn emit(&self, metrics: &Metrics) {
        let labels = ProjectionLabels { projection: self.projection };
        metrics.live.projections.rebuild_seconds.get_or_create(&labels).set(self.took.as_secs_f64());
        info!(
            projection = self.projection,
            events = self.events,
            took_ms = millis(self.took),
            "the projection {} has taken {} events of the journal in {} ms and is current",
            self.projection,
            self.events,
            millis(self.took)
        );
    }
}
