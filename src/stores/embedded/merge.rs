//! Packing small blocks into large ones: where few events come at a time each is a block of its own at first.
//!
//! An event is packed again a few times at most in what it takes to fill a block. Never changes what is counted.

use rusqlite::{Connection, Transaction};

use super::block::{self, Packer};
use super::{pending, scan};

/// A block of fewer events is small.
const SMALL: usize = block::MOST / 8;
/// So many small ones of a day are packed at once.
const MANY: i64 = 128;
/// No more bytes of them are held at once.
const MOST_BYTES: usize = 8 << 20;
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
        let sql = "SELECT day FROM blocks WHERE hits < ?1 GROUP BY day HAVING count(*) >= ?2 \
             ORDER BY day DESC LIMIT 1";
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
    let mut read = transaction.prepare_cached("SELECT data FROM blocks WHERE id = ?1")?;
    let mut delete = transaction.prepare_cached("DELETE FROM blocks WHERE id = ?1")?;
    let (mut packer, mut bytes) = (Packer::default(), 0);
    for id in small(transaction, day)? {
        let (is_sound, len) = read.query_row([id], |row| {
            let is_sound = scan::unpack(row, 0, |hit| packer.add(&hit))?;
            Ok((is_sound, row.get_ref(0)?.as_blob()?.len()))
        })?;
        // One that is damaged is left to whoever looks for what is lost.
        if is_sound {
            delete.execute([id])?;
            bytes += len;
        }
        if packer.len() >= block::MOST - SMALL || bytes >= MOST_BYTES {
            pending::put_blocks(transaction, day, &[std::mem::take(&mut packer)])?;
            bytes = 0;
        }
    }
    pending::put_blocks(transaction, day, &[packer])
}

/// Returns the small blocks of a day, the oldest first.
fn small(transaction: &Transaction<'_>, day: i64) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT id FROM blocks WHERE day = ?1 AND hits < ?2 ORDER BY id LIMIT ?3";
    let mut statement = transaction.prepare_cached(sql)?;
    let ids = statement.query_map([day, i64::try_from(SMALL).unwrap_or(i64::MAX), MANY], |row| row.get(0))?;
    ids.collect()
}
