//! A transaction as a reader sees it: rows with the names of their columns. Pure.

use serde_json::{Map, Value};

use super::super::{Shown, ShownRow};
use super::plan::{Cell, Load, Row, Stored, TableRows};

/// Shows every row, table after table as they are written.
pub(super) fn show(load: &Load) -> Shown {
    let rows = load.tables.iter().flat_map(|table| rows(load, table));
    Shown { requests: Vec::new(), rows: rows.collect() }
}

fn rows(load: &Load, table: &TableRows) -> Vec<ShownRow> {
    let names: Vec<&String> = table.table.columns.keys().collect();
    let shown = |row: &Row| {
        let cells = load.cells.get(row.cells.clone()).unwrap_or_default();
        let named = cells.iter().filter_map(|cell| Some(((*names.get(cell.column)?).clone(), value(load, cell))));
        ShownRow { table: table.name.clone(), columns: by_name(named.collect()) }
    };
    table.rows.iter().map(shown).collect()
}

/// The order of the columns in the table, whatever the order in which values came.
fn by_name(mut columns: Vec<(String, Value)>) -> Map<String, Value> {
    columns.sort_by(|one, other| one.0.cmp(&other.0));
    columns.into_iter().collect()
}

fn value(load: &Load, cell: &Cell) -> Value {
    match &cell.value {
        Stored::Int(number) => Value::from(*number),
        Stored::Real(number) => Value::from(*number),
        Stored::Text(range) => Value::from(load.part(range)),
    }
}
