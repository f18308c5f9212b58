//! Events of the door itself.

use std::time::Duration;

use super::millis;
use tracing::info;

use crate::telemetry::Metrics;
use crate::telemetry::labels::AnswerLabels;

/// The door has answered a request. Writes no line: there is one of these for every request.
#[derive(Debug, Clone, Copy)]
pub struct RequestAnswered {
    /// Pattern of the route, from the closed list of `http::routes`.
    pub path: &'static str,
    /// Status of the answer.
    pub status: u16,
    /// From the request's head to its answer.
    pub took: Duration,
}

impl RequestAnswered {
    /// Counts the answer.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.answers.get_or_create(&AnswerLabels { path: self.path, status: self.status }).inc();
        metrics.answer_seconds.observe(self.took.as_secs_f64());
    }
}

/// So many requests wait for room before they are read. Writes no line: it is looked at when the metrics are asked for.
#[derive(Debug, Clone, Copy)]
pub struct RequestsWaiting {
    /// At this moment.
    pub count: usize,
}

impl RequestsWaiting {
    /// Sets the gauge.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.requests_waiting.set(self.count as u64);
    }
}

/// The router listens.
#[derive(Debug, Clone, Copy)]
pub struct DoorOpened<'a> {
    /// Addresses, as an operator would type them.
    pub listen: &'a str,
    /// Since the process began.
    pub took: Duration,
}

impl DoorOpened<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        let took_ms = millis(self.took);
        info!(http.listen = self.listen, took_ms, "OpenTrack listens on {} after {took_ms} ms", self.listen);
    }
}
