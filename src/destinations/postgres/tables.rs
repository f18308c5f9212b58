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
