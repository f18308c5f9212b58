//! What the file would have to become for some events: statements and words, nothing done. Pure.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::{Attempt, Blueprint, Destination};
use super::Sqlite;
use super::ddl;
use crate::spec::Event;
use crate::warehouse::{ColumnType, Conflict, SchemaDiff, UNMAPPED};

impl Blueprint for Sqlite {
    fn wanted(&self, events: &[Arc<Event>]) -> SchemaDiff {
        // Rows are thrown away, so the time does not matter.
        let attempt = Attempt { number: 1, first_at: Timestamp::UNIX_EPOCH, at: Timestamp::UNIX_EPOCH };
        self.plan(events, &attempt).needs.unwrap_or_default()
    }

    fn ddl(&self, diff: &SchemaDiff) -> Vec<String> {
        statements(diff)
    }

    fn type_word(&self, column_type: ColumnType) -> &'static str {
        ddl::declared(column_type)
    }

    fn repair(&self, conflict: &Conflict) -> Option<String> {
        Some(both(conflict))
    }
}

fn statements(diff: &SchemaDiff) -> Vec<String> {
    let created = diff.create.iter().map(|(table, columns)| ddl::create_table(table, columns));
    let added = diff
        .add
        .iter()
        .flat_map(|(table, columns)| columns.iter().map(|column| ddl::add_column(table, column)));
    // A column of SQLite takes any number; only our own memory of its type says what it is.
    let widened = diff.widen.iter().flat_map(|(table, columns)| {
        columns.iter().map(|column| {
            format!(
                "UPDATE {} SET type = {} WHERE table_name = {} AND column_name = {}",
                ddl::COLUMNS_TABLE,
                text(column.column_type.as_str()),
                text(table),
                text(&column.name)
            )
        })
    });
    created.chain(added).chain(widened).collect()
}

/// Returns the query that reads the column, and what it did not take.
fn both(conflict: &Conflict) -> String {
    let (column, table) = (ddl::quoted(&conflict.column), ddl::quoted(&conflict.table));
    let kept = format!("json_extract({}, {})", ddl::quoted(UNMAPPED), text(&format!("$.\"{}\"", conflict.column)));
    format!("SELECT \"id\", coalesce({column}, {kept}) AS {column} FROM {table}")
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rusqlite::Connection;

    use super::*;
    use crate::warehouse::{Column, Dialect, base_columns};

    fn one(name: &str, column_type: ColumnType) -> BTreeMap<String, Vec<Column>> {
        BTreeMap::from([("it's".to_owned(), vec![Column { name: name.to_owned(), column_type }])])
    }

    #[test]
    fn statements_and_queries_are_what_sqlite_takes() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute(ddl::CREATE_COLUMNS_TABLE, []).unwrap();
        let diff = SchemaDiff {
            create: BTreeMap::from([("it's".to_owned(), base_columns("it's", &Dialect::PLAIN))]),
            add: one("n", ColumnType::Int),
            widen: one("n", ColumnType::Float),
        };
        for statement in statements(&diff) {
            connection.execute(&statement, []).unwrap();
        }
        connection.execute("INSERT INTO \"it's\" (id, _unmapped) VALUES ('m', '{\"n\":\"seven\"}')", []).unwrap();
        let conflict = Conflict {
            table: "it's".to_owned(),
            column: "n".to_owned(),
            have: ColumnType::Float,
            got: ColumnType::Text,
        };
        let found: (String, String) =
            connection.query_row(&both(&conflict), [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(found, ("m".to_owned(), "seven".to_owned()));
    }
}
