//! Forgetting people: their visits, and everything that happened in them.
//!
//! Separate from giving up what is old because it goes by who and not by when, and leaves no byte behind. What was counted ahead
//! stays counted: a sum of an hour names nobody. Called while nobody writes.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{Connection, Transaction};

use super::block::{Hit, Packer};
use super::file::{self, fault};
use super::{pending, roll, scan};
use crate::spec::People;
use crate::stores::reports::Fault;
use crate::stores::reports::fact::number_of;

/// Ids in memory alone: a temporary file would outlive them on the disk.
const PREPARE: &str =
    "PRAGMA temp_store = MEMORY; CREATE TEMP TABLE whom (id TEXT NOT NULL, number INTEGER NOT NULL)";
const DELETES: [&str; 3] = [
    "DELETE FROM deals WHERE number IN (SELECT number FROM whom)",
    "DELETE FROM measures WHERE number IN (SELECT number FROM whom)",
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
    let mut erased = blocks(&transaction, &people.ids().map(number_of).collect())?;
    // What was damaged is gone.
    transaction.execute("UPDATE days SET rolled = 0 WHERE rolled = ?1", [roll::DAMAGED])?;
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

/// Packs every block anew that has an event of one of these visitors, without it: one block at a time, for somebody may be in
/// all of them. A block that is damaged goes as a whole, since nobody can tell who is in it. Returns how many events went.
fn blocks(transaction: &Transaction<'_>, whom: &HashSet<u64>) -> rusqlite::Result<u64> {
    let ids = blocks_with(transaction, whom)?;
    let mut read = transaction.prepare("SELECT day, data, hits FROM blocks WHERE id = ?1")?;
    let mut delete = transaction.prepare("DELETE FROM blocks WHERE id = ?1")?;
    let mut erased = 0;
    for id in ids {
        let mut packer = Packer::default();
        let (day, hits) = read.query_row([id], |row| {
            scan::unpack(row, 1, |hit| keep_others(&mut packer, whom, &hit))?;
            Ok((row.get(0)?, row.get::<_, i64>(2)?))
        })?;
        delete.execute([id])?;
        erased += hits.unsigned_abs().saturating_sub(packer.len() as u64);
        pending::put_blocks(transaction, day, &[packer])?;
    }
    Ok(erased)
}

fn keep_others(packer: &mut Packer, whom: &HashSet<u64>, hit: &Hit<&str>) {
    if !whom.contains(&hit.number) {
        packer.add(hit);
    }
}

fn blocks_with(transaction: &Transaction<'_>, whom: &HashSet<u64>) -> rusqlite::Result<Vec<i64>> {
    let mut read = transaction.prepare("SELECT id, data FROM blocks")?;
    let mut rows = read.query([])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        let mut is_in = false;
        let is_sound = scan::unpack(row, 1, |hit| is_in |= whom.contains(&hit.number))?;
        if is_in || !is_sound {
            ids.push(row.get(0)?);
        }
    }
    Ok(ids)
}
