//! Packing small blocks into large ones: where few events come at a time each is a block of its own at first.
//!
//! An event is packed again twice at most in what it takes to fill a block. Never changes what is counted.

use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, params_from_iter};

use super::block::{self, Packer};
use super::{pending, scan};

/// A block of fewer events is small.
const SMALL: usize = block::MOST / 8;
/// So many small ones of a day are packed at once.
const MANY: i64 = 128;
/// Whether there are is looked at after so many transactions: no more than one block of a day comes with each.
const EVERY: u32 = 64;

/// When it is time to look.
#[derive(Debug, Default)]
pub(super) struct Turn {
    since: u32,
}

impl Turn {
    /// Something was written.
    pub(super) fn count(&mut self) {
        self.since = self.since.saturating_add(1);
    }

    /// Packs what is small of one day; returns whether there was enough of it.
    pub(super) fn merge(&mut self, connection: &mut Connection) -> rusqlite::Result<bool> {
        if self.since < EVERY {
            return Ok(false);
        }
        let transaction = connection.transaction()?;
        let sql = "SELECT day FROM blocks WHERE hits < ?1 GROUP BY day HAVING count(*) >= ?2 LIMIT 1";
        let mut statement = transaction.prepare_cached(sql)?;
        let mut days = statement.query([i64::try_from(SMALL).unwrap_or(i64::MAX), MANY])?;
        let day: Option<i64> = days.next()?.map(|row| row.get(0)).transpose()?;
        drop(days);
        drop(statement);
        let Some(day) = day else {
            self.since = 0;
            return Ok(false);
        };
        pack(&transaction, day)?;
        transaction.commit()?;
        Ok(true)
    }
}

fn pack(transaction: &Transaction<'_>, day: i64) -> rusqlite::Result<()> {
    let sql = "SELECT id, data FROM blocks WHERE day = ?1 AND hits < ?2 ORDER BY id LIMIT ?3";
    let mut packers = vec![Packer::default()];
    let mut gone = Vec::new();
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query([day, i64::try_from(SMALL).unwrap_or(i64::MAX), MANY])?;
    while let Some(row) = rows.next()? {
        gone.push(Value::Integer(row.get(0)?));
        scan::unpack(row, 1, |hit| {
            if packers.last().is_none_or(|last| last.len() >= block::MOST) {
                packers.push(Packer::default());
            }
            packers.iter_mut().last().into_iter().for_each(|packer| packer.add(&hit));
        })?;
    }
    let marks = vec!["?"; gone.len()].join(", ");
    transaction.execute(&format!("DELETE FROM blocks WHERE id IN ({marks})"), params_from_iter(gone))?;
    pending::put_blocks(transaction, day, &packers)
}
