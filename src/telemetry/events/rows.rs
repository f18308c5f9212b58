//! What happens to the rows of a warehouse over a network. Counted through the destination's meter.

use std::time::Duration;

use tracing::warn;

use crate::telemetry::labels::{
    BreakerState, ConflictLabels, DestinationLabels, LaneLabels, RowErrorLabels, RowFate, RowLabels, RowLane,
    TableLabels,
};
use crate::telemetry::meter::Meter;

/// Something became of rows of one table.
#[derive(Debug, Clone, Copy)]
pub struct RowsSettled<'a> {
    /// The table.
    pub table: &'a str,
    /// What became of them.
    pub fate: RowFate,
    /// How many.
    pub count: u64,
}

impl RowsSettled<'_> {
    /// Counts them.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, metrics| {
            let table = metrics.warehouse.table(destination, self.table);
            let labels =
                RowLabels { destination: destination.to_owned(), table, outcome: self.fate.as_str() };
            metrics.warehouse.rows.get_or_create(&labels).inc_by(self.count);
        });
    }
}

/// A request with rows of one table was answered, in whatever way.
#[derive(Debug, Clone, Copy)]
pub struct RowsSent<'a> {
    /// The table.
    pub table: &'a str,
    /// How many rows.
    pub rows: usize,
    /// Their bytes before compression.
    pub bytes: usize,
    /// Time from the first byte to the answer.
    pub took: Duration,
}

impl RowsSent<'_> {
    /// Counts the bytes and observes size and time.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, metrics| {
            let warehouse = &metrics.warehouse;
            let of = DestinationLabels::new(destination);
            warehouse.insert_seconds.get_or_create(&of).observe(self.took.as_secs_f64());
            warehouse.batch_rows.get_or_create(&of).observe(self.rows as f64);
            let table = warehouse.table(destination, self.table);
            let labels = TableLabels { destination: destination.to_owned(), table };
            warehouse.bytes_sent.get_or_create(&labels).inc_by(self.bytes as u64);
        });
    }
}

/// The other side refused rows.
#[derive(Debug, Clone, Copy)]
pub struct RowsRefused {
    /// Its reason, from its closed list.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

impl RowsRefused {
    /// Counts them.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, metrics| {
            let labels = RowErrorLabels { destination: destination.to_owned(), reason: self.reason };
            metrics.warehouse.row_errors.get_or_create(&labels).inc_by(self.count);
        });
    }
}

/// A row that had to wait for its table or column was taken.
#[derive(Debug, Clone, Copy)]
pub struct RowWaited {
    /// By which lane it went in the end.
    pub lane: RowLane,
    /// For how long.
    pub waited: Duration,
}

impl RowWaited {
    /// Observes the time.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, metrics| {
            let labels = LaneLabels { destination: destination.to_owned(), lane: self.lane.as_str() };
            let waits = &metrics.warehouse.schema_wait_seconds;
            waits.get_or_create(&labels).observe(self.waited.as_secs_f64());
        });
    }
}

/// A column was given a value that it does not take.
#[derive(Debug, Clone, Copy)]
pub struct TypeConflict<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The name of the column's type.
    pub have: &'static str,
    /// The name of the value's type.
    pub got: &'static str,
}

impl TypeConflict<'_> {
    /// Counts the value.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, metrics| {
            let warehouse = &metrics.warehouse;
            let labels = ConflictLabels {
                table: warehouse.table(destination, self.table),
                column: warehouse.column(destination, self.table, self.column),
                destination: destination.to_owned(),
                have: self.have,
                got: self.got,
            };
            warehouse.type_conflicts.get_or_create(&labels).inc();
        });
    }
}

/// A bound kept columns or tables from being made.
#[derive(Debug, Clone, Copy)]
pub struct SchemaGuarded {
    /// Columns that were not added.
    pub columns: u64,
    /// Tables that were not made.
    pub tables: u64,
}

impl SchemaGuarded {
    /// Counts them.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, metrics| {
            let of = DestinationLabels::new(destination);
            metrics.warehouse.column_guard.get_or_create(&of).inc_by(self.columns);
            metrics.warehouse.table_guard.get_or_create(&of).inc_by(self.tables);
        });
    }
}

/// A project without billing takes no streamed rows; they are loaded from now on.
#[derive(Debug, Clone, Copy)]
pub struct StreamingRefused;

impl StreamingRefused {
    /// Writes the line.
    pub fn emit(self, meter: &Meter) {
        meter.with(|destination, _| {
            warn!(
                destination.name = destination,
                "{destination} takes no streamed rows without billing: rows go by load jobs until the next start, as with \
                 write_method = \"load\""
            );
        });
    }
}

/// The circuit that a quota opens has changed.
#[derive(Debug, Clone, Copy)]
pub struct CircuitChanged {
    /// What it is now.
    pub state: BreakerState,
}

impl CircuitChanged {
    /// Sets the gauge.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, metrics| {
            let of = DestinationLabels::new(destination);
            metrics.warehouse.circuit.get_or_create(&of).set(self.state as u64);
        });
    }
}

/// The rows that wait for a table or column were looked at.
#[derive(Debug, Clone, Copy)]
pub struct OldestRow {
    /// Age of the oldest one, zero when none waits.
    pub age: Duration,
}

impl OldestRow {
    /// Sets the gauge.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, metrics| {
            let of = DestinationLabels::new(destination);
            metrics.warehouse.oldest_row_seconds.get_or_create(&of).set(self.age.as_secs_f64());
        });
    }
}
