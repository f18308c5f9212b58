//! The tables of one schema as the catalogue describes them. Reads and changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_postgres::{Error, GenericClient, Row};

use super::types::understood;
use crate::warehouse::{ColumnType, Schema, Table};

/// The columns of all tables, or of those that are named. Parts of a partitioned table are none of their own, and a column
/// that only the server may write is one that takes no value.
const COLUMNS: &str = "SELECT c.relname::text, a.attname::text, t.typname::text, \
     a.attgenerated <> '' OR a.attidentity = 'a' \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
     AND ($2::text[] IS NULL OR c.relname = ANY($2))";

/// What has a name, in words: tables, views, indexes and the like share their names, and a table makes a type of its own
/// name too. Types of arrays step aside by themselves.
const HOLDER: &str = "SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' \
     WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'S' THEN 'sequence' \
     WHEN 'f' THEN 'foreign table' ELSE 'type' END \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = $1 AND c.relname = $2 \
     UNION ALL SELECT 'type' FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
     WHERE n.nspname = $1 AND t.typname = $2 AND t.typcategory <> 'A' LIMIT 1";

/// Bytes of a table, without its indexes.
const SIZE: &str = "SELECT pg_catalog.pg_table_size(c.oid) FROM pg_catalog.pg_class c \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";

/// Reads the tables of a schema; none where there is no such schema.
///
/// # Errors
/// What the server said, or why it said nothing.
pub(super) async fn read(client: &impl GenericClient, schema: &str, only: Option<&[&str]>) -> Result<Schema, Error> {
    let rows = client.query(COLUMNS, &[&schema, &only]).await?;
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in &rows {
        let (table, column, kind) = described(row)?;
        tables.entry(table).or_default().columns.insert(column, kind);
    }
    Ok(Schema { tables: tables.into_iter().map(|(name, table)| (name, Arc::new(table))).collect() })
}

fn described(row: &Row) -> Result<(String, String, ColumnType), Error> {
    let (kind, is_closed): (String, bool) = (row.try_get(2)?, row.try_get(3)?);
    let kind = if is_closed { ColumnType::Other } else { understood(&kind) };
    Ok((row.try_get(0)?, row.try_get(1)?, kind))
}

/// Returns the kind of what has this name, in words.
///
/// # Errors
/// What the server said, or why it said nothing.
pub(super) async fn holder(client: &impl GenericClient, schema: &str, name: &str) -> Result<Option<String>, Error> {
    client.query_opt(HOLDER, &[&schema, &name]).await?.map(|row| row.try_get(0)).transpose()
}

/// Returns whether a table is one of events. One of an application may well be called `users`; it is not to become ours by
/// accident.
pub(super) fn is_of_events(table: &Table) -> bool {
    let is = |column: &str, kind: ColumnType| table.columns.get(column) == Some(&kind);
    is("id", ColumnType::Text) && is("received_at", ColumnType::Timestamp)
}

/// Returns whether there is such a schema.
///
/// # Errors
/// What the server said, or why it said nothing.
pub(super) async fn has_schema(client: &impl GenericClient, schema: &str) -> Result<bool, Error> {
    let found = client.query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", &[&schema]).await?;
    Ok(!found.is_empty())
}

/// Returns how many bytes a table has; zero where there is none.
///
/// # Errors
/// What the server said, or why it said nothing.
pub(super) async fn size(client: &impl GenericClient, schema: &str, table: &str) -> Result<i64, Error> {
    client.query_opt(SIZE, &[&schema, &table]).await?.map_or(Ok(0), |row| row.try_get(0))
}
