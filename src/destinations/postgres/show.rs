//! A transaction as a reader sees it: rows with the names of their columns. Pure.

use serde_json::{Map, Value};

use super::super::{Shown, ShownRow};
use super::plan::{Load, Statement};

/// Shows every row, statement after statement as they are sent.
pub(super) fn show(load: &Load) -> Shown {
    Shown { requests: Vec::new(), rows: load.statements.iter().flat_map(rows).collect() }
}

fn rows(statement: &Statement) -> Vec<ShownRow> {
    let empty = || ShownRow { table: statement.table.clone(), columns: Map::new() };
    let mut rows: Vec<ShownRow> = (0..statement.rows).map(|_| empty()).collect();
    for (name, array) in &statement.columns {
        for (row, value) in rows.iter_mut().zip(array.values()) {
            row.columns.extend(value.map(|value: Value| (name.clone(), value)));
        }
    }
    rows
}
