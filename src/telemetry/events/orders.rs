//! Events of orders that an operator gives.

use tracing::info;

/// An operator has ordered something for a destination.
#[derive(Debug, Clone, Copy)]
pub struct OperatorOrdered<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// pause, resume or retry.
    pub order: &'static str,
}

impl OperatorOrdered<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        info!(
            destination.name = self.destination,
            order = self.order,
            "{}: {}",
            self.destination,
            self.order
        );
    }
}

/// A part of the journal is being sent again.
#[derive(Debug, Clone, Copy)]
pub struct ReplayBegun<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// Events to look at.
    pub events: u64,
}

impl ReplayBegun<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        info!(
            destination.name = self.destination,
            event.count = self.events,
            "looking at {} events to send them again to {}",
            self.events,
            self.destination
        );
    }
}

/// A replay has done all it had to.
#[derive(Debug, Clone, Copy)]
pub struct ReplayEnded<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
}

impl ReplayEnded<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        info!(destination.name = self.destination, "the replay to {} is done", self.destination);
    }
}
