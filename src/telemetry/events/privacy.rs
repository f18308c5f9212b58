//! Events of what people ask of us. None says whom it is about.

use tracing::{debug, info};

use crate::telemetry::labels::ReasonLabels;
use crate::telemetry::metrics::{Metrics, SUPPRESSED};

/// Events of suppressed people were accepted and not kept.
#[derive(Debug, Clone, Copy)]
pub struct EventsSuppressed {
    /// How many.
    pub count: u64,
}

impl EventsSuppressed {
    /// Counts the events; says nothing when there are none.
    pub fn emit(&self, metrics: &Metrics) {
        if self.count == 0 {
            return;
        }
        metrics.turned_away.unwanted.get_or_create(&ReasonLabels { reason: SUPPRESSED }).inc_by(self.count);
        debug!(event.count = self.count, "{} events are of suppressed people and were not kept", self.count);
    }
}

/// A regulation was taken.
#[derive(Debug, Clone, Copy)]
pub struct Regulated<'a> {
    /// Of the regulation.
    pub id: &'a str,
    /// How many ids it is about.
    pub subjects: usize,
}

impl Regulated<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        info!(
            regulation.id = self.id,
            regulation.subjects = self.subjects,
            "regulation {} about {} ids is taken",
            self.id,
            self.subjects
        );
    }
}

/// A regulation is carried out.
#[derive(Debug, Clone, Copy)]
pub struct RegulationDone<'a> {
    /// Of the regulation.
    pub id: &'a str,
}

impl RegulationDone<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        info!(regulation.id = self.id, "regulation {} is carried out", self.id);
    }
}
