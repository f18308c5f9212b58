//! From the tables of one version to those of the next, in one transaction: a file is of one version or the other.

use rusqlite::Connection;

use super::block::{self, Hit, Packer};
use super::{file, pending, roll};

/// Version 1 had a row for each event, which deals and measures pointed to.
const BEFORE: &str = "
ALTER TABLE position ADD COLUMN visits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE position ADD COLUMN latest INTEGER NOT NULL DEFAULT 0;
UPDATE position SET visits = next, latest = (SELECT coalesce(max(last), 0) FROM visits);
ALTER TABLE visits ADD COLUMN folded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deals RENAME TO old_deals;
ALTER TABLE measures RENAME TO old_measures;
DROP INDEX deals_ts;
DROP INDEX deals_order;
DROP INDEX measures_ts;
";
const AFTER: &str = "
INSERT INTO deals SELECT d.id, d.ts, d.site, h.number, coalesce(h.visit, 0), h.name, h.path, h.environment, d.refund,
    d.order_id, d.currency, d.amount FROM old_deals d JOIN hits h ON h.id = d.hit;
INSERT INTO measures SELECT m.id, m.ts, h.site, h.number, coalesce(h.visit, 0), h.name, h.path, h.environment, m.metric,
    m.value FROM old_measures m JOIN hits h ON h.id = m.hit;
DROP TABLE old_deals;
DROP TABLE old_measures;
DROP TABLE hits;
";

/// Makes version 2 of version 1.
pub(super) fn to_blocks(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(BEFORE)?;
    transaction.execute_batch(file::EVENTS)?;
    let sql = "SELECT ts, site, kind, client, number, coalesce(visit, 0), name, path, environment, engaged FROM hits \
               ORDER BY ts";
    let mut read = transaction.prepare(sql)?;
    let mut rows = read.query([])?;
    let (mut day, mut packer) = (i64::MIN, Packer::default());
    while let Some(row) = rows.next()? {
        let ts = row.get(0)?;
        if roll::day_of(ts) != day || packer.len() >= block::MOST {
            pending::put_blocks(&transaction, day, &[std::mem::take(&mut packer)])?;
            day = roll::day_of(ts);
        }
        packer.add(&Hit {
            ts,
            site: row.get(1)?,
            kind: row.get(2)?,
            is_client: row.get(3)?,
            number: row.get::<_, i64>(4)?.cast_unsigned(),
            visit: row.get(5)?,
            name: row.get_ref(6)?.as_str()?,
            path: row.get_ref(7)?.as_str()?,
            environment: row.get_ref(8)?.as_str()?,
            engaged_ms: row.get(9)?,
        });
    }
    drop(rows);
    drop(read);
    pending::put_blocks(&transaction, day, &[packer])?;
    transaction.execute_batch(AFTER)?;
    transaction.commit()
}
