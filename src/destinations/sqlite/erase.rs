//! The statements that erase people. Pure.

use super::ddl::quoted;

/// Keeps ids in memory alone: a temporary file would outlive them on the disk.
pub(super) const PREPARE: &str =
    "PRAGMA temp_store = MEMORY; CREATE TEMP TABLE IF NOT EXISTS _whom (id TEXT PRIMARY KEY) WITHOUT ROWID";
/// Adds one id.
pub(super) const REMEMBER: &str = "INSERT OR IGNORE INTO temp._whom VALUES (?1)";
/// Takes all out again.
pub(super) const FORGET: &str = "DELETE FROM temp._whom";
/// Writes the log into the file and empties it.
pub(super) const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// Deletes the rows of a table in which one of these columns names somebody; `None` where there is no such column.
pub(super) fn delete(table: &str, columns: &[&str]) -> Option<String> {
    let is_theirs = |column: &&str| format!("{} IN (SELECT id FROM temp._whom)", quoted(column));
    let terms: Vec<String> = columns.iter().map(is_theirs).collect();
    (!terms.is_empty()).then(|| format!("DELETE FROM {} WHERE {}", quoted(table), terms.join(" OR ")))
}
