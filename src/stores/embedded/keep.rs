//! What is kept, and how what is too old or too much is given up: the oldest first, in portions.
//!
//! Separate from counting because it must go on under a flood: a portion costs some tenths of a second, whatever a day holds,
//! so that the writer never stalls. Never gives up what is younger before what is older.

use rusqlite::{Connection, Transaction, params};

use super::roll::{DAY_MS, day_of};

/// How long anything is kept: 25 months, to compare a month with the one two years before.
const KEPT_DAYS: i64 = 763;
/// Events or rows that are given up in one go.
const PORTION: i64 = 20_000;

/// What bounds the file beside age.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Most events.
    pub(super) hits: i64,
    /// Most bytes that are in use; what was given up is used again, and the file does not grow beyond.
    pub(super) bytes: i64,
}

impl Default for Bounds {
    /// 20 million events of usual length are some 3 GB; long texts reach the bytes first.
    fn default() -> Self {
        Bounds { hits: 20_000_000, bytes: 4 << 30 }
    }
}

/// Returns the first instant of which anything is kept.
pub(super) fn kept_from(now: i64) -> i64 {
    (day_of(now) - KEPT_DAYS) * DAY_MS
}

/// Returns whether something is too old or too much.
pub(super) fn is_due(connection: &Connection, now: i64, bounds: Bounds) -> rusqlite::Result<bool> {
    let sql = "SELECT min(day), sum(hits) FROM days";
    let (day, hits): (Option<i64>, Option<i64>) =
        connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(day) = day else { return Ok(false) };
    let is_old = (day + 1) * DAY_MS <= kept_from(now);
    let is_many = hits.unwrap_or_default() > bounds.hits;
    Ok(is_old || is_many || bytes(connection)? > bounds.bytes)
}

/// Gives up a portion of the oldest.
pub(super) fn give_up(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let day = transaction.query_row("SELECT min(day) FROM days", [], |row| row.get::<_, Option<i64>>(0))?;
    day.map_or(Ok(()), |day| portion(&transaction, day))?;
    transaction.commit()
}

/// Returns how many bytes of the file are in use.
fn bytes(connection: &Connection) -> rusqlite::Result<i64> {
    let read = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((read("page_count")? - read("freelist_count")?) * read("page_size")?)
}

/// Gives up so many of the oldest rows of a day, and the day when it has none left.
fn portion(transaction: &Transaction<'_>, day: i64) -> rusqlite::Result<()> {
    let until = (day + 1) * DAY_MS;
    let gone = blocks(transaction, until)?;
    if gone > 0 {
        // Counts of the day stay until it is gone as a whole.
        let sql = "UPDATE days SET hits = max(hits - ?2, 0) WHERE day = ?1";
        return transaction.execute(sql, params![day, gone]).map(drop);
    }
    let others = [
        "DELETE FROM deals WHERE id IN (SELECT id FROM deals WHERE ts < ?1 LIMIT ?2)",
        "DELETE FROM measures WHERE id IN (SELECT id FROM measures WHERE ts < ?1 LIMIT ?2)",
        "DELETE FROM visits WHERE id IN (SELECT id FROM visits WHERE start < ?1 AND last < ?1 LIMIT ?2)",
        "DELETE FROM rollups WHERE (unit, at, site, key) IN \
         (SELECT unit, at, site, key FROM rollups WHERE unit IN (0, 1, 2) AND at < ?1 LIMIT ?2)",
    ];
    for sql in others {
        if transaction.prepare_cached(sql)?.execute([until, PORTION])? > 0 {
            return Ok(());
        }
    }
    transaction.execute("DELETE FROM days WHERE day <= ?1", [day]).map(drop)
}

/// Gives up so many of the oldest events before an instant, or some more: whole blocks. Returns how many.
fn blocks(transaction: &Transaction<'_>, until: i64) -> rusqlite::Result<i64> {
    let sql = "SELECT id, hits FROM blocks WHERE day < ?1 ORDER BY day, first";
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query([day_of(until)])?;
    let (mut ids, mut hits) = (Vec::new(), 0_i64);
    while let Some(row) = rows.next()?.filter(|_| hits < PORTION) {
        ids.push(row.get::<_, i64>(0)?);
        hits += row.get::<_, i64>(1)?;
    }
    drop(rows);
    let mut delete = transaction.prepare_cached("DELETE FROM blocks WHERE id = ?1")?;
    ids.iter().try_for_each(|id| delete.execute([id]).map(drop))?;
    Ok(hits)
}
