//! A schema change by its tables, and without what is there already.

use std::collections::{BTreeMap, BTreeSet};

use crate::warehouse::{Column, ColumnType, Schema, SchemaDiff, Table};

/// Returns the tables that a change is about.
pub fn tables(diff: &SchemaDiff) -> BTreeSet<&String> {
    diff.create.keys().chain(diff.add.keys()).chain(diff.widen.keys()).collect()
}

/// Returns the change of each table alone.
pub(super) fn by_table(diff: SchemaDiff) -> BTreeMap<String, SchemaDiff> {
    let mut parts: BTreeMap<String, SchemaDiff> = BTreeMap::new();
    for (table, columns) in diff.create {
        parts.entry(table.clone()).or_default().create.insert(table, columns);
    }
    for (table, columns) in diff.add {
        parts.entry(table.clone()).or_default().add.insert(table, columns);
    }
    for (table, columns) in diff.widen {
        parts.entry(table.clone()).or_default().widen.insert(table, columns);
    }
    parts
}

/// Returns what of a change is still to be done. What is wanted of a table that is gone is left out too: who asked planned
/// with another table, and looks again.
pub(super) fn missing(diff: SchemaDiff, schema: &Schema) -> SchemaDiff {
    let mut left = SchemaDiff::default();
    for (name, part) in by_table(diff) {
        let found = schema.tables.get(&name);
        let SchemaDiff { mut create, mut add, mut widen } = part;
        let (create, add) = (create.remove(&name), add.remove(&name).unwrap_or_default());
        match (found, create) {
            (None, None) => {}
            (None, Some(columns)) => {
                let whole = SchemaDiff { create: single(&name, columns), ..SchemaDiff::default() };
                left = left
                    .merge(whole.merge(SchemaDiff { create: single(&name, add), ..SchemaDiff::default() }));
            }
            (Some(table), create) => {
                let wanted = create.into_iter().flatten().chain(add);
                let lacking = wanted.filter(|column| !table.columns.contains_key(&column.name)).collect();
                let narrow = widen.remove(&name).into_iter().flatten();
                let narrow = narrow.filter(|column| is_narrow(table, column)).collect();
                let (add, widen) = (single(&name, lacking), single(&name, narrow));
                left = left.merge(SchemaDiff { add, widen, ..SchemaDiff::default() });
            }
        }
    }
    left
}

fn single(table: &str, columns: Vec<Column>) -> BTreeMap<String, Vec<Column>> {
    if columns.is_empty() { BTreeMap::new() } else { BTreeMap::from([(table.to_owned(), columns)]) }
}

/// Returns whether a column is there and does not yet take what is wanted.
fn is_narrow(table: &Table, wanted: &Column) -> bool {
    match (table.columns.get(&wanted.name), wanted.column_type) {
        (None | Some(ColumnType::Text), _)
        | (Some(ColumnType::Float), ColumnType::Int | ColumnType::Numeric) => false,
        (Some(have), wanted) => *have != wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, column_type: ColumnType) -> Column {
        Column { name: name.to_owned(), column_type }
    }

    fn table(name: &str, columns: &[(&str, ColumnType)]) -> BTreeMap<String, Vec<Column>> {
        let columns = columns.iter().map(|(name, kind)| column(name, *kind)).collect();
        BTreeMap::from([(name.to_owned(), columns)])
    }

    #[test]
    fn a_table_that_somebody_else_made_gets_only_its_columns() {
        let there = SchemaDiff { create: table("t", &[("a", ColumnType::Int)]), ..SchemaDiff::default() };
        let schema = Schema::default().with(&there);
        let create = table("t", &[("a", ColumnType::Text), ("b", ColumnType::Int)]);
        let left = missing(SchemaDiff { create, ..SchemaDiff::default() }, &schema);
        let wanted = SchemaDiff { add: table("t", &[("b", ColumnType::Int)]), ..SchemaDiff::default() };
        assert_eq!(left, wanted);
    }

    #[test]
    fn a_table_that_is_made_gets_the_columns_that_others_wanted_of_it() {
        let diff = SchemaDiff {
            create: table("t", &[("a", ColumnType::Int)]),
            add: table("t", &[("b", ColumnType::Int)]),
            ..SchemaDiff::default()
        };
        let create = table("t", &[("a", ColumnType::Int), ("b", ColumnType::Int)]);
        assert_eq!(missing(diff, &Schema::default()), SchemaDiff { create, ..SchemaDiff::default() });
    }

    #[test]
    fn columns_of_a_table_that_is_gone_are_left_out() {
        let diff = SchemaDiff {
            add: table("t", &[("b", ColumnType::Int)]),
            widen: table("t", &[("a", ColumnType::Float)]),
            ..SchemaDiff::default()
        };
        assert_eq!(missing(diff, &Schema::default()), SchemaDiff::default());
    }

    #[test]
    fn a_column_that_is_wide_enough_is_not_widened() {
        let there = [("int", ColumnType::Int), ("float", ColumnType::Float), ("text", ColumnType::Text)];
        let schema =
            Schema::default().with(&SchemaDiff { create: table("t", &there), ..SchemaDiff::default() });
        let widened = there.map(|(name, _)| (name, ColumnType::Float));
        let left = missing(SchemaDiff { widen: table("t", &widened), ..SchemaDiff::default() }, &schema);
        let wanted = SchemaDiff { widen: table("t", &[("int", ColumnType::Float)]), ..SchemaDiff::default() };
        assert_eq!(left, wanted);
    }
}
