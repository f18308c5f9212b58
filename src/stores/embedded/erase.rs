//! Forgetting people: their visits, and everything that happened in them.
//!
//! Separate from giving up what is old because it goes by who and not by when, and leaves no byte behind. What was counted ahead
//! stays counted: a sum of an hour names nobody. Called while nobody writes.

use std::path::Path;

use rusqlite::{Connection, Transaction};

use super::file::{self, fault};
use crate::spec::People;
use crate::stores::reports::Fault;
use crate::stores::reports::fact::number_of;

/// Ids in memory alone: a temporary file would outlive them on the disk.
const PREPARE: &str =
    "PRAGMA temp_store = MEMORY; CREATE TEMP TABLE whom (id TEXT NOT NULL, number INTEGER NOT NULL)";
const DELETES: [&str; 4] = [
    "DELETE FROM deals WHERE hit IN (SELECT id FROM hits WHERE number IN (SELECT number FROM whom))",
    "DELETE FROM measures WHERE hit IN (SELECT id FROM hits WHERE number IN (SELECT number FROM whom))",
    "DELETE FROM hits WHERE number IN (SELECT number FROM whom)",
    "DELETE FROM visits WHERE number IN (SELECT number FROM whom) OR visitor IN (SELECT id FROM whom)",
];

/// Erases people from the file and returns how many rows went; a file that is not there is not made.
///
/// # Errors
/// Why it is not done; it may be done in part, and may be done again.
pub fn erase(path: &Path, people: &People) -> Result<u64, Fault> {
    match path.try_exists() {
        Ok(false) => return Ok(0),
        Ok(true) => {}
        Err(error) => return Err(Fault::Failed(format!("`{}`: {error}", path.display()))),
    }
    let mut connection = file::open_to_write(path)?;
    let erased = delete(&mut connection, people).map_err(fault)?;
    let is_busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(fault)?;
    if is_busy {
        return Err(Fault::Failed(
            "a report is being made, and the log of the file cannot be emptied".to_owned(),
        ));
    }
    Ok(erased)
}

fn delete(connection: &mut Connection, people: &People) -> rusqlite::Result<u64> {
    connection.execute_batch(PREPARE)?;
    let transaction = connection.transaction()?;
    remember(&transaction, people)?;
    let mut erased = 0;
    for sql in DELETES {
        erased += transaction.execute(sql, [])? as u64;
    }
    transaction.commit()?;
    Ok(erased)
}

fn remember(transaction: &Transaction<'_>, people: &People) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare("INSERT INTO whom VALUES (?1, ?2)")?;
    for id in people.ids() {
        statement.execute((id, number_of(id).cast_signed()))?;
    }
    Ok(())
}
