//! The layout for analytics: one wide table of all events, and rollups of it. Pure.
//!
//! The table is ours as a whole: its columns are fixed, what an event has beyond them is in `properties`, `traits` and
//! `context` as JSON. Each event is one row.

mod columns;
mod event;
mod money;
mod rollups;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use super::super::{Plan, SchemaCell};
use super::ddl::Names;
use super::plan::{Pile, cut};
use super::request::Request;
use crate::policy::outcome::{Fault, Place, Reason};
use crate::spec::Event;
use crate::warehouse::{Column, SchemaDiff, Table};

pub(super) use columns::{TABLE, add_columns, columns, create_table};
pub(super) use rollups::{Rollup, TO_FILL, all as rollups};

/// How long an event waits while the table is made or given a column.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Maps a batch to requests, or says what the table lacks.
pub(super) fn plan(names: &Names, cell: &SchemaCell, events: &[Arc<Event>]) -> Plan<Request> {
    if events.is_empty() {
        return Plan::default();
    }
    let schema = cell.load();
    let is_closed = cell.closed().contains_key(TABLE);
    match schema.tables.get(TABLE) {
        Some(table) => {
            let missing = if is_closed { Vec::new() } else { missing(table) };
            if missing.is_empty() {
                return rows(names, table, events);
            }
            let add = std::iter::once((TABLE.to_owned(), missing)).collect();
            waits(events, Some(SchemaDiff { add, ..SchemaDiff::default() }))
        }
        None => {
            let create = std::iter::once((TABLE.to_owned(), columns())).collect();
            waits(events, Some(SchemaDiff { create, ..SchemaDiff::default() }).filter(|_| !is_closed))
        }
    }
}

/// Returns our columns that a table does not have.
fn missing(table: &Table) -> Vec<Column> {
    columns().into_iter().filter(|column| !table.columns.contains_key(&column.name)).collect()
}

fn rows(names: &Names, table: &Arc<Table>, events: &[Arc<Event>]) -> Plan<Request> {
    let mut pile = Pile::new(Arc::clone(table));
    let named = columns::COLUMNS.iter().map(|(name, _)| *name);
    let named: Vec<String> = named.filter(|name| table.columns.contains_key(*name)).map(str::to_owned).collect();
    for (index, event) in events.iter().enumerate() {
        pile.write((index, event.receipt.timestamp), |lines| event::row(event, lines));
    }
    Plan { requests: cut((names, TABLE), &named, pile, events), ..Plan::default() }
}

fn waits(events: &[Arc<Event>], needs: Option<SchemaDiff>) -> Plan<Request> {
    let words = match &needs {
        Some(_) => "waits for the table `events`, which is being made or changed",
        None => "waits for the table `events`, which may not be made",
    };
    let place = Place { table: TABLE.to_owned(), ddl: String::new() };
    let fault = Fault { place: Some(Box::new(place)), ..Fault::new(Reason::Schema, None, words) };
    let waiting = (0..events.len()).map(|index| (index, LOOK_AGAIN, fault.clone())).collect();
    Plan { needs, waiting, ..Plan::default() }
}
