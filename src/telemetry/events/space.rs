//! What is given up for want of room, and by whose order.

use tracing::warn;

/// The journal had no room and dropped its oldest records.
#[derive(Debug, Clone, Copy)]
pub struct RecordsDropped<'a> {
    /// How many records.
    pub records: u64,
    /// Configured names of the destinations that had not settled all of them, with commas.
    pub destinations: &'a str,
}

impl RecordsDropped<'_> {
    /// Writes the line. Each destination counts by itself what it has lost.
    pub fn emit(&self) {
        warn!(
            journal.records = self.records,
            destinations = self.destinations,
            "the journal is full: dropped the oldest {} records, which {} had not settled",
            self.records,
            self.destinations
        );
    }
}

/// An operator has dropped the backlog of a destination.
#[derive(Debug, Clone, Copy)]
pub struct BacklogDropped<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// Events that were dropped.
    pub count: u64,
    /// Events that were on their way.
    pub in_flight: u64,
}

impl BacklogDropped<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        warn!(
            destination.name = self.destination,
            event.count = self.count,
            in_flight = self.in_flight,
            "dropped the backlog of {}: {} events; {} are on their way",
            self.destination,
            self.count,
            self.in_flight
        );
    }
}
