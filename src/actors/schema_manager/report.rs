//! What became of a change as lines of the log, and what an operator sees of a schema. No effects.

use jiff::Timestamp;

use super::log::{Beginnings, Change};
use crate::actors::messages::{
    SchemaReport, ShownChange, ShownClosed, ShownColumn, ShownConflict, ShownTable,
};
use crate::destinations::SchemaFault;
use crate::policy::schema::tables;
use crate::telemetry::SchemaChangeKind;
use crate::warehouse::{Column, Schema, SchemaCell, SchemaDiff};

/// How many tables were made, columns added and columns widened by a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) tables: usize,
    pub(super) columns: usize,
    pub(super) widened: usize,
}

/// Returns what a change has done, by the schema before and after it.
pub(super) fn done(
    diff: &SchemaDiff,
    before: &Schema,
    after: &Schema,
    at: Timestamp,
) -> (Vec<Change>, Counts) {
    let (mut changes, mut counts) = (Vec::new(), Counts::default());
    for name in tables(diff) {
        let Some(now) = after.tables.get(name) else { continue };
        let line = |change: &str| blank(name, change, at);
        let Some(was) = before.tables.get(name) else {
            counts.tables += 1;
            let columns = now.columns.keys().cloned().collect();
            changes.push(Change { columns, ..line("create_table") });
            continue;
        };
        for Column { name: column, .. } in wanted(diff, name) {
            let (from, to) = (was.columns.get(column), now.columns.get(column));
            let word = match (from, to) {
                (None, Some(_)) => "add_column",
                (Some(from), Some(to)) if from != to => "widen_column",
                _ => continue,
            };
            counts.columns += usize::from(from.is_none());
            counts.widened += usize::from(from.is_some());
            let word_of =
                |kind: Option<&crate::warehouse::ColumnType>| kind.map(|kind| kind.as_str().to_owned());
            let (from, to) = (word_of(from), word_of(to));
            changes.push(Change { column: Some(column.clone()), from, to, ..line(word) });
        }
    }
    (changes, counts)
}

fn wanted<'a>(diff: &'a SchemaDiff, table: &str) -> impl Iterator<Item = &'a Column> {
    let of = [diff.create.get(table), diff.add.get(table), diff.widen.get(table)];
    of.into_iter().flatten().flatten()
}

/// Returns the lines about a change that the store did not carry out: one for each table.
pub(super) fn refused(diff: &SchemaDiff, fault: &SchemaFault, at: Timestamp) -> Vec<Change> {
    let reason = Some(fault.fault().answer.clone());
    let line = |table| Change { reason: reason.clone(), ..blank(table, fault.as_str(), at) };
    tables(diff).into_iter().map(|table| line(table)).collect()
}

/// Returns the line about a chore that failed.
pub(super) fn chore_failed(name: &str, reason: &str, at: Timestamp) -> Change {
    Change { column: Some(name.to_owned()), reason: Some(reason.to_owned()), ..blank("", "chore", at) }
}

fn blank(table: &str, change: &str, at: Timestamp) -> Change {
    Change {
        at,
        table: table.to_owned(),
        change: change.to_owned(),
        column: None,
        from: None,
        to: None,
        reason: None,
        columns: Vec::new(),
    }
}

/// Returns the kinds of change that a diff asks for.
pub(super) fn kinds(diff: &SchemaDiff) -> impl Iterator<Item = SchemaChangeKind> {
    let kinds = [
        (SchemaChangeKind::Create, &diff.create),
        (SchemaChangeKind::Add, &diff.add),
        (SchemaChangeKind::Widen, &diff.widen),
    ];
    kinds.into_iter().filter(|(_, tables)| !tables.is_empty()).map(|(kind, _)| kind)
}

/// Returns how many columns each table has.
pub(super) fn columns(schema: &Schema) -> Vec<(String, usize)> {
    schema.tables.iter().map(|(name, table)| (name.clone(), table.columns.len())).collect()
}

/// Returns what an operator sees.
pub(super) fn describe(
    destination: &str,
    cell: &SchemaCell,
    statements: &dyn Fn(&SchemaDiff) -> Option<String>,
    (log, since): (Vec<Change>, &Beginnings),
) -> SchemaReport {
    let closed = cell.closed();
    let closed = closed.iter().map(|(table, closed)| ShownClosed {
        destination: destination.to_owned(),
        table: table.clone(),
        why: closed.why.clone(),
        ddl: statements(&closed.wanted),
    });
    SchemaReport {
        tables: shown_tables(destination, &cell.load(), since),
        log: log.into_iter().rev().map(|change| shown_change(destination, change)).collect(),
        conflicts: shown_conflicts(destination, cell),
        closed: closed.collect(),
    }
}

/// Adds the tables whose name something else has: closed as well, and no statement of ours opens them. One that was closed when
/// it was to be made is named once.
pub(super) fn add_taken(report: &mut SchemaReport, destination: &str, taken: Vec<(String, String)>) {
    report.closed.retain(|closed| taken.iter().all(|(table, _)| *table != closed.table));
    report.closed.extend(taken.into_iter().map(|(table, why)| ShownClosed {
        destination: destination.to_owned(),
        table,
        why,
        ddl: None,
    }));
}

fn shown_tables(destination: &str, schema: &Schema, since: &Beginnings) -> Vec<ShownTable> {
    let table = |(name, table): (&String, &std::sync::Arc<crate::warehouse::Table>)| ShownTable {
        destination: destination.to_owned(),
        name: name.clone(),
        columns: table
            .columns
            .iter()
            .map(|(column, kind)| ShownColumn {
                name: column.clone(),
                column_type: kind.as_str(),
                since: since.of(name, column),
            })
            .collect(),
    };
    schema.tables.iter().map(table).collect()
}

fn shown_change(destination: &str, change: Change) -> ShownChange {
    ShownChange {
        at: change.at,
        destination: destination.to_owned(),
        table: change.table,
        change: change.change,
        column: change.column,
        from: change.from,
        to: change.to,
        reason: change.reason,
    }
}

fn shown_conflicts(destination: &str, cell: &SchemaCell) -> Vec<ShownConflict> {
    let conflicts = cell.conflicts();
    let shown = conflicts.all().map(|(conflict, tally)| ShownConflict {
        destination: destination.to_owned(),
        table: conflict.table.clone(),
        column: conflict.column.clone(),
        have: conflict.have.as_str(),
        got: conflict.got.as_str(),
        count: tally.count,
        last_message_id: tally.last.clone(),
    });
    shown.collect()
}
