//! What the destination remembers between batches: how far tables have come about, and which rows are in. Pure.

use std::sync::Arc;

use jiff::Timestamp;

use super::circuit::Circuits;
use super::creations::MadeAgain;
use super::ledger::Ledger;
use super::looks::Looks;
use super::propagation::{Lane, Pace, Propagation};
use super::waiting::Waiting;
use crate::warehouse::Schema;

/// Everything that is remembered. Bounded.
#[derive(Debug)]
pub(super) struct Memory {
    /// Of tables and columns.
    pub(super) propagation: Propagation,
    /// Tables that the wire has seen made again.
    pub(super) made_again: Arc<MadeAgain>,
    /// Of rows.
    pub(super) ledger: Ledger,
    /// Of events that wait.
    pub(super) waiting: Waiting,
    /// How long a row waits for a column at most.
    pub(super) budget: std::time::Duration,
    /// Of quotas that are used up.
    pub(super) circuits: Circuits,
    /// Whether the project may not stream: then all rows are loaded, for as long as this is remembered.
    pub(super) only_loads: bool,
    /// Of tables that lack something and may not be changed.
    pub(super) looks: Looks,
    /// Columns and tables that a bound has kept out since somebody took these numbers.
    pub(super) kept_out: (u64, u64),
}

impl Memory {
    /// Returns a memory of nothing.
    pub(super) fn new(pace: Pace, budget: std::time::Duration) -> Memory {
        Memory {
            propagation: Propagation::new(pace),
            made_again: Arc::default(),
            ledger: Ledger::default(),
            waiting: Waiting::default(),
            budget,
            circuits: Circuits::default(),
            only_loads: false,
            looks: Looks::default(),
            kept_out: (0, 0),
        }
    }

    /// Compares the schema with the one before, and takes note of tables that were made again.
    pub(super) fn look(&mut self, schema: &Arc<Schema>, now: Timestamp) {
        self.propagation.look(schema, now);
        self.propagation.hold(&self.made_again.load(), now);
    }

    /// Returns the columns of a row whose values go to `_unmapped`: those that refuse them, and when the row has waited
    /// long enough those that it waits for.
    pub(super) fn withheld(&self, event: u128, table: &str, now: Timestamp) -> Vec<String> {
        let Some(row) = self.ledger.row(event, table) else { return Vec::new() };
        let mut withheld = row.withheld().to_vec();
        if row.waited(now).is_some_and(|waited| waited >= self.budget) {
            withheld.extend(row.blamed().iter().cloned());
            withheld.extend(self.propagation.young(table).cloned());
        }
        withheld
    }

    /// Returns how a row goes, and takes note of the time when it does not go with the others.
    pub(super) fn lane(&mut self, (event, table): (u128, &str), uses_young: bool, now: Timestamp) -> Lane {
        let waited = self.ledger.row(event, table).and_then(|row| row.waited(now));
        let lane = self.propagation.lane(table, uses_young, waited, now);
        if lane != Lane::Hot {
            self.ledger.row_mut(event, table).waits(now);
        }
        lane
    }
}
