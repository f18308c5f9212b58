//! Days that are over, counted ahead.
//!
//! A count of a day is made of its events in one go, and holds until an event of that day comes late: then the events answer
//! again until it has been made anew. So counts are never wrong, only missing. A day for which events keep coming late is
//! counted again once in ten minutes, and not for each of them.

use std::collections::HashMap;

use rusqlite::{Connection, Transaction, params};

use super::block::Hit;
use super::scan;
use crate::spec::Kind;
use crate::stores::reports::rows::{Rolled, Unit};
use crate::stores::reports::top::{Top, Weighed};

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 86_400_000;
/// How long after its end a day is counted: what comes late comes soon.
const SETTLES_AFTER_MS: i64 = HOUR_MS;
/// How long a day that was counted waits for more that comes late before it is counted again.
const AGAIN_AFTER_MS: i64 = 600_000;

/// How a day stands, as `days.rolled` says it.
const COUNTED: i64 = 1;
/// It was counted, and more came late.
const STALE: i64 = 2;
/// A block of it is damaged: it is never counted ahead, so that a report of it says so.
pub(super) const DAMAGED: i64 = 3;

/// When each day that is stale was first seen to be.
pub(super) type Stale = HashMap<i64, i64>;

/// Returns the day of an instant, by UTC.
pub(super) fn day_of(ts: i64) -> i64 {
    ts.div_euclid(DAY_MS)
}

/// Counts one day ahead that is over; returns whether there was one.
pub(super) fn tidy(connection: &mut Connection, now: i64, stale: &mut Stale) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    let is_done = roll_one(&transaction, now, stale)?;
    transaction.commit()?;
    Ok(is_done)
}

fn roll_one(transaction: &Transaction<'_>, now: i64, stale: &mut Stale) -> rusqlite::Result<bool> {
    let over = day_of(now - SETTLES_AFTER_MS);
    let sql = "SELECT day, rolled FROM days WHERE rolled NOT IN (?1, ?2) AND day < ?3 ORDER BY day DESC";
    let mut statement = transaction.prepare_cached(sql)?;
    let waiting = statement.query_map([COUNTED, DAMAGED, over], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let waiting: Vec<(i64, i64)> = waiting.collect::<rusqlite::Result<_>>()?;
    stale.retain(|day, _| waiting.contains(&(*day, STALE)));
    let is_due = |day: i64, rolled: i64, stale: &mut Stale| {
        rolled != STALE || now - *stale.entry(day).or_insert(now) >= AGAIN_AFTER_MS
    };
    // Each is asked, so that the time of each begins.
    let due: Vec<i64> = waiting
        .into_iter()
        .filter(|(day, rolled)| is_due(*day, *rolled, stale))
        .map(|(day, _)| day)
        .collect();
    let Some(day) = due.first() else { return Ok(false) };
    roll(transaction, *day)?;
    stale.remove(day);
    Ok(true)
}

impl Weighed for Rolled {
    fn weight(&self) -> u64 {
        self.hits
    }

    fn join(&mut self, other: Rolled) {
        self.hits += other.hits;
        self.engaged_ms = self.engaged_ms.saturating_add(other.engaged_ms);
        self.visitors.merge(&other.visitors);
    }
}

/// By unit, time and site.
type Counts = HashMap<(u8, i64, i64), Top<Rolled>>;

/// Counts a day.
fn roll(transaction: &Transaction<'_>, day: i64) -> rusqlite::Result<()> {
    let from = day * DAY_MS;
    let mut counts = Counts::new();
    let mut statement = transaction.prepare_cached("SELECT data FROM blocks WHERE day = ?1")?;
    let mut rows = statement.query([day])?;
    while let Some(row) = rows.next()? {
        if !scan::unpack(row, 0, |hit| count(&mut counts, from, &hit))? {
            return transaction
                .execute("UPDATE days SET rolled = ?2 WHERE day = ?1", [day, DAMAGED])
                .map(drop);
        }
    }
    write(transaction, day, counts)
}

/// Counts an event of the day that begins at `from`.
fn count(counts: &mut Counts, from: i64, hit: &Hit<&str>) {
    let kind = Kind::from_number(hit.kind);
    let is_view = hit.is_client && matches!(kind, Some(Kind::Page | Kind::Screen));
    let mut count = |unit: Unit, at: i64, key: &str, (is_hit, is_seen): (bool, bool)| {
        let mine = counts.entry((unit as u8, at, hit.site)).or_default().at(key);
        mine.hits += u64::from(is_hit);
        mine.engaged_ms = mine.engaged_ms.saturating_add(hit.engaged_ms);
        if is_seen {
            mine.visitors.add(hit.number);
        }
    };
    if hit.is_client && matches!(kind, Some(Kind::Page | Kind::Screen | Kind::Track)) {
        count(Unit::Hour, hit.ts - hit.ts.rem_euclid(HOUR_MS), "", (is_view, true));
    }
    if hit.is_client && !hit.path.is_empty() && (is_view || hit.engaged_ms > 0) {
        count(Unit::Page, from, hit.path, (is_view, is_view));
    }
    if !hit.name.is_empty() {
        count(Unit::Event, from, hit.name, (true, true));
    }
}

fn write(transaction: &Transaction<'_>, day: i64, counts: Counts) -> rusqlite::Result<()> {
    let (from, to) = (day * DAY_MS, (day + 1) * DAY_MS);
    transaction
        .execute("DELETE FROM rollups WHERE unit IN (0, 1, 2) AND at >= ?1 AND at < ?2", [from, to])?;
    let sql = "INSERT INTO rollups (unit, at, site, key, hits, engaged, visitors) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut statement = transaction.prepare_cached(sql)?;
    for ((unit, at, site), counts) in counts {
        for (key, count) in counts.into_sorted() {
            let (hits, visitors) = (count.hits.cast_signed(), count.visitors.to_bytes());
            statement.execute(params![unit, at, site, key, hits, count.engaged_ms, visitors])?;
        }
    }
    transaction.execute("UPDATE days SET rolled = ?2 WHERE day = ?1", [day, COUNTED]).map(drop)
}
