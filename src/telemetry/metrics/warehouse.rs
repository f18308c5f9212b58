//! The metrics of warehouses over a network: their rows, their requests and their schema.
//!
//! Names of tables and columns come from senders, so each destination may fill only so many series with them; what comes
//! later counts as `other`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::{Level, Measure, add, family};
use crate::telemetry::labels::{
    ConflictLabels, DestinationLabels, LaneLabels, RowErrorLabels, RowLabels, SchemaChangeLabels, TableLabels,
};

/// Most names of tables, and of columns, that are told apart in labels, over all destinations together.
const MOST_NAMES: usize = 200;
/// What stands for the names beyond.
const OTHER: &str = "other";

/// From a request to a store nearby to the longest that is waited for, in seconds.
const INSERT_BUCKETS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
/// From one row to the most of a request.
const ROWS_BUCKETS: [f64; 8] = [1.0, 5.0, 20.0, 50.0, 100.0, 200.0, 350.0, 500.0];
/// From a column that works at once to one that takes as long as is waited for, in seconds.
const WAIT_BUCKETS: [f64; 10] = [0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0];

const WAITED: &str = "Time from acceptance until a row that waited for its table or column was taken";

/// Histograms of one family share their buckets.
#[derive(Debug, Clone, Copy)]
pub(in crate::telemetry) struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// A histogram for each destination.
type Timed<L> = Family<L, Histogram, Buckets>;

/// See the module.
#[derive(Debug)]
pub(in crate::telemetry) struct Warehouse {
    pub(in crate::telemetry) rows: Family<RowLabels, Counter>,
    pub(in crate::telemetry) insert_seconds: Timed<DestinationLabels>,
    pub(in crate::telemetry) batch_rows: Timed<DestinationLabels>,
    pub(in crate::telemetry) row_errors: Family<RowErrorLabels, Counter>,
    pub(in crate::telemetry) schema_changes: Family<SchemaChangeLabels, Counter>,
    pub(in crate::telemetry) schema_wait_seconds: Timed<LaneLabels>,
    pub(in crate::telemetry) schema_age_seconds: Family<DestinationLabels, Measure>,
    pub(in crate::telemetry) type_conflicts: Family<ConflictLabels, Counter>,
    pub(in crate::telemetry) column_guard: Family<DestinationLabels, Counter>,
    pub(in crate::telemetry) table_guard: Family<DestinationLabels, Counter>,
    pub(in crate::telemetry) columns: Family<TableLabels, Level>,
    pub(in crate::telemetry) bytes_sent: Family<TableLabels, Counter>,
    pub(in crate::telemetry) circuit: Family<DestinationLabels, Level>,
    pub(in crate::telemetry) oldest_row_seconds: Family<DestinationLabels, Measure>,
    tables: Bounded,
    conflicting: Bounded,
}

impl Warehouse {
    pub(super) fn new(to: &mut Registry) -> Self {
        Warehouse {
            rows: family(to, "bq_rows", "Rows of a table, by what became of them"),
            insert_seconds: timed(
                to,
                "bq_insert_seconds",
                "Time that one request with rows took",
                &INSERT_BUCKETS,
            ),
            batch_rows: timed(to, "bq_batch_rows", "Rows of one request", &ROWS_BUCKETS),
            row_errors: family(
                to,
                "bq_row_errors",
                "Rows that were refused, by the reason of the other side",
            ),
            schema_changes: family(to, "bq_schema_changes", "Changes of a schema, by kind and result"),
            schema_wait_seconds: timed(to, "bq_schema_wait_seconds", WAITED, &WAIT_BUCKETS),
            schema_age_seconds: family(
                to,
                "bq_schema_cache_age_seconds",
                "Time since the whole schema was read",
            ),
            type_conflicts: family(to, "bq_type_conflict", "Values that their column does not take"),
            column_guard: family(to, "bq_column_guard", "Columns that a bound kept out"),
            table_guard: family(to, "bq_table_guard", "Tables that a bound kept out"),
            columns: family(to, "bq_columns", "Columns of a table"),
            bytes_sent: family(to, "bq_table_bytes_sent", "Bytes of rows sent to a table, not compressed"),
            circuit: family(to, "bq_circuit_state", "0 closed, 1 half-open, 2 open"),
            oldest_row_seconds: family(to, "bq_oldest_row_seconds", "Age of the oldest row that waits"),
            tables: Bounded::default(),
            conflicting: Bounded::default(),
        }
    }

    /// Returns the label of a table: its name, or `other` for one of too many.
    pub(in crate::telemetry) fn table(&self, destination: &str, table: &str) -> String {
        self.tables.label(destination, table, table)
    }

    /// Returns the label of a column that does not take a value.
    pub(in crate::telemetry) fn column(&self, destination: &str, table: &str, column: &str) -> String {
        self.conflicting.label(destination, &format!("{table}.{column}"), column)
    }
}

/// Names that have a series of their own.
#[derive(Debug, Default)]
struct Bounded(Mutex<BTreeSet<(String, String)>>);

impl Bounded {
    fn label(&self, destination: &str, key: &str, name: &str) -> String {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = (destination.to_owned(), key.to_owned());
        if known.contains(&entry) {
            return name.to_owned();
        }
        if known.len() >= MOST_NAMES {
            return OTHER.to_owned();
        }
        known.insert(entry);
        name.to_owned()
    }
}

fn timed<L>(to: &mut Registry, name: &'static str, help: &'static str, buckets: &'static [f64]) -> Timed<L>
where
    L: prometheus_client::encoding::EncodeLabelSet
        + Clone
        + std::hash::Hash
        + Eq
        + Send
        + Sync
        + std::fmt::Debug
        + 'static,
{
    add(to, name, help, Family::new_with_constructor(Buckets(buckets)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_invents_tables_fills_only_so_many_series() {
        let bounded = Bounded::default();
        for table in 0..MOST_NAMES {
            let table = format!("t{table}");
            assert_eq!(bounded.label("w", &table, &table), table);
        }
        assert_eq!(bounded.label("w", "one_more", "one_more"), OTHER);
        assert_eq!(bounded.label("w", "t7", "t7"), "t7", "those that have a series keep it");
    }
}
