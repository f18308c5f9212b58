//! What happens to the schema of a warehouse. Names of tables and columns come from senders and stay out of the lines, and
//! so do the other side's words, which may quote them.

use std::time::Duration;

use tracing::{info, warn};

use super::millis;
use crate::telemetry::Metrics;
use crate::telemetry::labels::{DestinationLabels, SchemaChangeKind, SchemaChangeLabels, TableLabels};

/// A warehouse got tables or columns.
#[derive(Debug, Clone, Copy)]
pub struct SchemaChanged<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// What was created.
    pub tables: usize,
    /// What was added to tables that were there.
    pub columns: usize,
    /// What was there and takes more now.
    pub widened: usize,
    /// How long it took.
    pub took: Duration,
}

impl SchemaChanged<'_> {
    /// Counts one change for each kind and writes the line.
    pub fn emit(&self, metrics: &Metrics) {
        let kinds = [
            (SchemaChangeKind::Create, self.tables),
            (SchemaChangeKind::Add, self.columns),
            (SchemaChangeKind::Widen, self.widened),
        ];
        for (kind, _) in kinds.into_iter().filter(|(_, changed)| *changed > 0) {
            count(metrics, self.destination, kind, "done");
        }
        info!(
            destination.name = self.destination,
            schema.tables = self.tables,
            schema.columns = self.columns,
            schema.widened = self.widened,
            took_ms = millis(self.took),
            "created {} tables, added {} columns and widened {} in {}",
            self.tables,
            self.columns,
            self.widened,
            self.destination
        );
    }
}

/// A warehouse did not let its schema be changed.
#[derive(Debug, Clone, Copy)]
pub struct SchemaRefused<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// What was wanted.
    pub kind: SchemaChangeKind,
    /// transient, denied, full or broken.
    pub result: &'static str,
    /// From the closed list of `policy::outcome`.
    pub reason: &'static str,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// How long it took.
    pub took: Duration,
}

impl SchemaRefused<'_> {
    /// Counts the change and writes the line.
    pub fn emit(&self, metrics: &Metrics) {
        count(metrics, self.destination, self.kind, self.result);
        warn!(
            destination.name = self.destination,
            schema.kind = self.kind.as_str(),
            result = self.result,
            reason = self.reason,
            status = self.status,
            took_ms = millis(self.took),
            "could not {} in {}: {} ({})",
            doing(self.kind),
            self.destination,
            self.result,
            self.reason
        );
    }
}

fn doing(kind: SchemaChangeKind) -> &'static str {
    match kind {
        SchemaChangeKind::Create => "create a table",
        SchemaChangeKind::Add => "add columns",
        SchemaChangeKind::Widen => "widen a column",
    }
}

/// The schema of a warehouse was looked at. Writes no line.
#[derive(Debug, Clone, Copy)]
pub struct SchemaMeasured<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// How many columns each table has.
    pub columns: &'a [(String, usize)],
    /// How long ago all of it was read, where it is read from time to time.
    pub age: Option<Duration>,
}

impl SchemaMeasured<'_> {
    /// Sets the gauges.
    pub fn emit(&self, metrics: &Metrics) {
        let warehouse = &metrics.warehouse;
        for (table, columns) in self.columns {
            let labels = TableLabels {
                destination: self.destination.to_owned(),
                table: warehouse.table(self.destination, table),
            };
            warehouse.columns.get_or_create(&labels).set(*columns as u64);
        }
        if let Some(age) = self.age {
            let of = DestinationLabels::new(self.destination);
            warehouse.schema_age_seconds.get_or_create(&of).set(age.as_secs_f64());
        }
    }
}

fn count(metrics: &Metrics, destination: &str, kind: SchemaChangeKind, result: &'static str) {
    let labels = SchemaChangeLabels { destination: destination.to_owned(), kind: kind.as_str(), result };
    metrics.warehouse.schema_changes.get_or_create(&labels).inc();
}
