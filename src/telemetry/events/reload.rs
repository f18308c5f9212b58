//! A configuration that changes while the router runs.

use crate::telemetry::Metrics;

/// A destination was stopped: it is replaced, switched off, or there no more. Writes no line.
#[derive(Debug, Clone, Copy)]
pub struct DestinationStopped<'a> {
    /// Configured name.
    pub destination: &'a str,
}

impl DestinationStopped<'_> {
    /// Sets its gauges to zero: nobody measures them until it runs again.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.declare_destination(self.destination);
    }
}
