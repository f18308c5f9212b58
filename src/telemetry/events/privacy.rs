//! Events of what people ask of us. None says whom it is about.

use std::time::Duration;

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

/// What is not carried out was counted. Writes no line.
#[derive(Debug, Clone, Copy)]
pub struct RegulationsCounted {
    /// How many regulations.
    pub unfinished: u64,
    /// How long ago the oldest of them was asked for; nothing where there is none.
    pub oldest: Duration,
}

impl RegulationsCounted {
    /// Sets the gauges.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.regulations.unfinished.set(self.unfinished);
        metrics.regulations.oldest_seconds.set(self.oldest.as_secs_f64());
    }
}
