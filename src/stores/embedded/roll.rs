//! Days that are over, counted ahead, and days that are too old, given up.
//!
//! A count of a day is made of its events in one go, and holds until an event of that day comes late: then the events answer
//! again until it has been made anew. So counts are never wrong, only missing.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::spec::Kind;
use crate::stores::reports::rows::{Rolled, Unit};

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 86_400_000;
/// How long after its end a day is counted: what comes late comes soon.
const SETTLES_AFTER_MS: i64 = HOUR_MS;
/// How long anything is kept: 25 months, to compare a month with the one two years before.
const KEPT_DAYS: i64 = 763;
/// Most pages, and most events by name, that are counted one by one for a site's day; the rest is counted together.
const MOST_KEYS: usize = 10_000;
/// What the rest is called.
const OTHER: &str = "(other)";
/// Most events that are kept, some 3 GB; the oldest days go first.
const KEPT_HITS: i64 = 20_000_000;

/// Returns the day of an instant, by UTC.
pub(super) fn day_of(ts: i64) -> i64 {
    ts.div_euclid(DAY_MS)
}

/// Does one piece of what is to be done; returns whether there was one.
pub(super) fn tidy(connection: &mut Connection, now: i64) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    let is_done = match oldest(&transaction, now)? {
        Some(day) => give_up(&transaction, day).map(|()| true),
        None => roll_one(&transaction, now),
    }?;
    transaction.commit()?;
    Ok(is_done)
}

/// Returns the oldest day, when it is beyond what is kept.
fn oldest(transaction: &Transaction<'_>, now: i64) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT min(day), sum(hits) FROM days";
    let (day, hits): (Option<i64>, Option<i64>) =
        transaction.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let is_much = hits.unwrap_or_default() > KEPT_HITS;
    // However much there is, the present day stays.
    Ok(day.filter(|day| (is_much && *day < day_of(now)) || *day < day_of(now) - KEPT_DAYS))
}

fn give_up(transaction: &Transaction<'_>, day: i64) -> rusqlite::Result<()> {
    let until = (day + 1) * DAY_MS;
    transaction.execute("DELETE FROM hits WHERE ts < ?1", [until])?;
    transaction.execute("DELETE FROM deals WHERE ts < ?1", [until])?;
    transaction.execute("DELETE FROM measures WHERE ts < ?1", [until])?;
    transaction.execute("DELETE FROM visits WHERE start < ?1 AND last < ?1", [until])?;
    transaction.execute("DELETE FROM rollups WHERE at < ?1", [until])?;
    transaction.execute("DELETE FROM days WHERE day <= ?1", [day]).map(drop)
}

fn roll_one(transaction: &Transaction<'_>, now: i64) -> rusqlite::Result<bool> {
    let over = day_of(now - SETTLES_AFTER_MS);
    let sql = "SELECT day FROM days WHERE rolled = 0 AND day < ?1 ORDER BY day DESC LIMIT 1";
    let day: Option<i64> = transaction.prepare_cached(sql)?.query_row([over], |row| row.get(0)).optional()?;
    day.map_or(Ok(false), |day| roll(transaction, day).map(|()| true))
}

type Counts = HashMap<(u8, i64, i64, String), Rolled>;

/// Returns the key, or the one of the rest where a site's day has no room for another.
fn bounded<'k>(
    counts: &Counts,
    sizes: &mut HashMap<(u8, i64, i64), usize>,
    key: (u8, i64, i64, &'k str),
) -> &'k str {
    let (unit, at, site, key) = key;
    if counts.contains_key(&(unit, at, site, key.to_owned())) {
        return key;
    }
    let size = sizes.entry((unit, at, site)).or_default();
    *size += 1;
    if *size <= MOST_KEYS { key } else { OTHER }
}

/// Counts a day.
fn roll(transaction: &Transaction<'_>, day: i64) -> rusqlite::Result<()> {
    let (from, to) = (day * DAY_MS, (day + 1) * DAY_MS);
    let (mut counts, mut sizes) = (Counts::new(), HashMap::new());
    let sql =
        "SELECT ts, site, kind, client, number, name, path, engaged FROM hits WHERE ts >= ?1 AND ts < ?2";
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        let (ts, site, kind): (i64, i64, u8) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (is_client, number): (bool, i64) = (row.get(3)?, row.get(4)?);
        let (name, path): (&str, &str) = (row.get_ref(5)?.as_str()?, row.get_ref(6)?.as_str()?);
        let engaged: i64 = row.get(7)?;
        let kind = Kind::from_number(kind);
        let is_view = is_client && matches!(kind, Some(Kind::Page | Kind::Screen));
        let mut count = |unit: Unit, at: i64, key: &str, (is_hit, is_seen): (bool, bool)| {
            let key = bounded(&counts, &mut sizes, (unit as u8, at, site, key));
            let mine = counts.entry((unit as u8, at, site, key.to_owned())).or_default();
            mine.hits += u64::from(is_hit);
            mine.engaged_ms += engaged;
            if is_seen {
                mine.visitors.add(number.cast_unsigned());
            }
        };
        if is_client && matches!(kind, Some(Kind::Page | Kind::Screen | Kind::Track)) {
            count(Unit::Hour, ts - ts.rem_euclid(HOUR_MS), "", (is_view, true));
        }
        if is_client && !path.is_empty() && (is_view || engaged > 0) {
            count(Unit::Page, from, path, (is_view, is_view));
        }
        if !name.is_empty() {
            count(Unit::Event, from, name, (true, true));
        }
    }
    write(transaction, day, &counts)
}

fn write(transaction: &Transaction<'_>, day: i64, counts: &Counts) -> rusqlite::Result<()> {
    let (from, to) = (day * DAY_MS, (day + 1) * DAY_MS);
    transaction
        .execute("DELETE FROM rollups WHERE unit IN (0, 1, 2) AND at >= ?1 AND at < ?2", [from, to])?;
    let sql = "INSERT INTO rollups (unit, at, site, key, hits, engaged, visitors) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut statement = transaction.prepare_cached(sql)?;
    for ((unit, at, site, key), count) in counts {
        let (hits, visitors) = (count.hits.cast_signed(), count.visitors.to_bytes());
        statement.execute(params![unit, at, site, key, hits, count.engaged_ms, visitors])?;
    }
    transaction.execute("UPDATE days SET rolled = 1 WHERE day = ?1", [day]).map(drop)
}
