//! The tables of the file as they are: read, made and extended, with the types that SQLite's own words cannot say.

use rusqlite::{Connection, TransactionBehavior};

use super::super::SchemaDiff;
use super::config::DIALECT;
use super::ddl;
use super::store::StoreError;
use crate::telemetry::clock;
use crate::warehouse::names::BUILT_IN_TABLES;
use crate::warehouse::time::{Precision, write_rfc3339};
use crate::warehouse::{Column, ColumnType, Schema, base_columns};

/// Adds the columns that a table does not have, and returns all of them with the type that they really have.
pub(super) fn add_missing(
    connection: &Connection,
    table: &str,
    columns: &[Column],
    since: &str,
) -> Result<Vec<Column>, StoreError> {
    let known = declared_columns(connection, table)?;
    let remembered = remembered_types(connection, table)?;
    let find = |list: &[Column], name: &str| list.iter().find(|column| column.name == name).cloned();
    let mut result = Vec::with_capacity(columns.len());
    for column in columns {
        let there = find(&known, &column.name);
        if there.is_none() {
            connection.execute(&ddl::add_column(table, column), [])?;
        }
        let is_ours = there.as_ref().is_none_or(|there| {
            ddl::declared(there.column_type) == ddl::declared(column.column_type)
        });
        let real = match (find(&remembered, &column.name), there) {
            (Some(remembered), Some(_)) => remembered,
            (None, Some(there)) if !is_ours => there,
            _ => column.clone(),
        };
        remember(connection, table, &real, since)?;
        result.push(real);
    }
    Ok(result)
}

/// Remembers the type of a column.
pub(super) fn remember(connection: &Connection, table: &str, column: &Column, since: &str) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(ddl::REMEMBER_COLUMN)?;
    statement.execute((table, &column.name, column.column_type.as_str(), since))?;
    Ok(())
}

/// Returns the present instant as text.
pub(super) fn now() -> String {
    let mut text = String::new();
    write_rfc3339(&mut text, clock::now(), Precision::Millis);
    text
}

/// Makes the tables that exist from the start.
pub(super) fn create_fixed_tables(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(ddl::CREATE_COLUMNS_TABLE, [])?;
    let since = now();
    for table in BUILT_IN_TABLES {
        let columns = base_columns(table, &DIALECT);
        transaction.execute(&ddl::create_table(table, &columns), [])?;
        add_missing(&transaction, table, &columns, &since)?;
    }
    transaction.execute(ddl::CREATE_TRACKS_INDEX, [])?;
    transaction.commit()?;
    Ok(())
}

/// Reads all tables as they are, with the types that only our own table of columns knows.
pub(super) fn read_schema(connection: &Connection) -> Result<Schema, StoreError> {
    let mut names = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> ?1",
    )?;
    let names: Vec<String> =
        names.query_map([ddl::COLUMNS_TABLE], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut found = SchemaDiff::default();
    for name in names {
        let mut columns = declared_columns(connection, &name)?;
        for remembered in remembered_types(connection, &name)? {
            if let Some(column) = columns.iter_mut().find(|column| column.name == remembered.name) {
                column.column_type = remembered.column_type;
            }
        }
        found.create.insert(name, columns);
    }
    Ok(Schema::default().with(&found))
}

fn declared_columns(connection: &Connection, table: &str) -> Result<Vec<Column>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT name, type FROM pragma_table_info(?1)")?;
    let columns = statement.query_map([table], |row| {
        let declared: String = row.get(1)?;
        Ok(Column { name: row.get(0)?, column_type: ddl::understood(&declared) })
    })?;
    Ok(columns.collect::<Result<_, _>>()?)
}

fn remembered_types(connection: &Connection, table: &str) -> Result<Vec<Column>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT column_name, type FROM _opentrack_columns WHERE table_name = ?1")?;
    let columns = statement.query_map([table], |row| {
        let kind: String = row.get(1)?;
        Ok(ColumnType::from_name(&kind).map(|column_type| (row.get(0), column_type)))
    })?;
    let mut types = Vec::new();
    for (name, column_type) in columns.collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        types.push(Column { name: name?, column_type });
    }
    Ok(types)
}

