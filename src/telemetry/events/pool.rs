//! What happens between a destination and a database server. Counted and told through the destination's meter.

use tracing::warn;

use crate::telemetry::labels::{DestinationLabels, PoolLabels};
use crate::telemetry::meter::Meter;

/// The connections of one destination were looked at.
#[derive(Debug, Clone, Copy)]
pub struct PoolMeasured {
    /// Those that are at work.
    pub used: usize,
    /// Those that are open and have nothing to do.
    pub idle: usize,
    /// Requests that wait for one.
    pub waiting: usize,
}

impl PoolMeasured {
    /// Sets the gauges.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, metrics| {
            for (state, count) in [("used", self.used), ("idle", self.idle)] {
                let labels = PoolLabels { destination: destination.to_owned(), state };
                metrics.pool.connections.get_or_create(&labels).set(count as u64);
            }
            let of = DestinationLabels::new(destination);
            metrics.pool.waiting.get_or_create(&of).set(self.waiting as u64);
        });
    }
}

/// Values lost characters that the database cannot hold.
#[derive(Debug, Clone, Copy)]
pub struct CharactersDropped {
    /// How many values.
    pub values: u64,
}

impl CharactersDropped {
    /// Counts them.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, metrics| {
            metrics.pool.cut_values.get_or_create(&DestinationLabels::new(destination)).inc_by(self.values);
        });
    }
}

/// The tables of sessions, orders, carts and consents are not kept, since something else has the name of one.
#[derive(Debug, Clone, Copy)]
pub struct LiveTablesOff<'a> {
    /// The table, with its schema.
    pub table: &'a str,
}

impl LiveTablesOff<'_> {
    /// Writes the line.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, _| self.warn(destination));
    }

    fn warn(&self, destination: &str) {
        warn!(
            destination.name = destination,
            "{} is there already and not the router's: no sessions, orders, carts and consents are kept; name another `schema`, \
             or say `first_party = false`",
            self.table
        );
    }
}

/// An event asks for a table whose name something else has that is no table of events.
#[derive(Debug, Clone, Copy)]
pub struct NameTaken<'a> {
    /// The table, with its schema.
    pub table: &'a str,
}

impl NameTaken<'_> {
    /// Writes the line.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, _| self.warn(destination));
    }

    fn warn(&self, destination: &str) {
        warn!(
            destination.name = destination,
            "{} is no table of events: those of its name stay in `tracks`", self.table
        );
    }
}
