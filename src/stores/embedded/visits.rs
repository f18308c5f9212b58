//! Visits as rows: how one is read back exactly as it was, and written.

use std::borrow::Cow;
use std::sync::LazyLock;

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::open::{Key, Open, Owed};
use crate::projections::session::{Campaign, Entry, Session};
use crate::stores::reports::fact::{Origin, Place};
use crate::stores::reports::visit::Visit;

/// The columns of a visit after its row's number, in the order in which they are written and read.
const COLUMNS: &str = "site, number, visitor, name, start, last, pageviews, events, interactions, engaged, conversions, \
    entry_ts, entry, exit_ts, exit, pairs_ts, pairs, referrer, channel, source, medium, campaign, country, region, city, \
    device, browser, os, folded";
const COUNT: usize = 29;

pub(super) static NEWEST: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT id, {COLUMNS} FROM visits WHERE site = ?1 AND number = ?2 ORDER BY id DESC LIMIT 1")
});

/// Returns the newest visit of a visitor of a source, whose name is `site`.
pub(super) fn newest(
    connection: &Connection,
    site: &str,
    (key, number): Key,
) -> rusqlite::Result<Option<Open>> {
    let mut statement = connection.prepare_cached(&NEWEST)?;
    let found = statement.query_row(params![key, number.cast_signed()], |row| {
        let visit = Some(read(row, site)?);
        let folded = row.get::<_, i64>(COUNT)?.cast_unsigned();
        Ok(Open { row: row.get(0)?, visit, folded, ..Open::default() })
    });
    found.optional()
}

/// Reads a row that begins with its number and the source's.
fn read(row: &Row<'_>, site: &str) -> rusqlite::Result<Visit> {
    let path = |text: String| Some(text).filter(|text| !text.is_empty());
    let entry: Option<i64> = row.get(12)?;
    let exit: Option<i64> = row.get(14)?;
    let pairs: Option<i64> = row.get(16)?;
    let (entry_path, exit_path, campaign) =
        (path(row.get(13)?), path(row.get(15)?), row.get::<_, String>(17)?);
    let campaign: Campaign = serde_json::from_str(&campaign).unwrap_or_default();
    let session = Session {
        start: row.get(5)?,
        last: row.get(6)?,
        pageviews: row.get(7)?,
        events: row.get(8)?,
        interactions: row.get(9)?,
        engaged_ms: row.get(10)?,
        conversions: row.get(11)?,
        entry: entry.map(|ts| Entry { ts, path: entry_path, referrer: None }),
        exit: exit.map(|ts| (ts, exit_path)),
        campaign: pairs.map(|ts| (ts, campaign)),
    };
    let [channel, source, medium, campaign] = texts(row, 19)?.map(Cow::Owned);
    let [country, region, city, device, browser, os] = texts(row, 23)?.map(Cow::Owned);
    Ok(Visit {
        site: site.to_owned(),
        number: row.get::<_, i64>(2)?.cast_unsigned(),
        visitor: row.get(3)?,
        id: row.get(4)?,
        session,
        referrer: row.get(18)?,
        origin: Origin { channel, source, medium, campaign },
        place: Some(Box::new(Place { country, region, city, device, browser, os })),
    })
}

fn texts<const N: usize>(row: &Row<'_>, first: usize) -> rusqlite::Result<[String; N]> {
    let mut texts = [const { String::new() }; N];
    for (place, text) in texts.iter_mut().enumerate() {
        *text = row.get(first + place)?;
    }
    Ok(texts)
}

/// The columns of [`COLUMNS`] that an event of a visit may change, by their places from 1 on. Not those that never change:
/// the table's indexes would be written again with them.
const CHANGING: &[usize] = &[6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 29];
/// Where a visit begins is in an index, and what led to it is told by its earliest view alone.
const BEGINNING: &[usize] = &[5, 18, 19, 20, 21, 22];

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let places: Vec<String> = (1..=COUNT + 1).map(|n| format!("?{n}")).collect();
    format!("INSERT INTO visits ({COLUMNS}, id) VALUES ({})", places.join(", "))
});
static UPDATE: LazyLock<String> = LazyLock::new(|| update_of(CHANGING));
static UPDATE_ALL: LazyLock<String> = LazyLock::new(|| update_of(&[CHANGING, BEGINNING].concat()));

fn update_of(places: &[usize]) -> String {
    let names: Vec<&str> = COLUMNS.split(", ").map(str::trim).collect();
    let set = |(place, n): (&usize, usize)| Some(format!("{} = ?{n}", names.get(place - 1)?));
    let sets: Vec<String> = places.iter().zip(1..).filter_map(set).collect();
    format!("UPDATE visits SET {} WHERE id = ?{}", sets.join(", "), places.len() + 1)
}

/// Writes what is owed of a visit into its row, with the position after its last event.
pub(super) fn write(
    connection: &Connection,
    (row, site): (i64, i64),
    (visit, folded): (&Visit, u64),
    owed: Owed,
) -> rusqlite::Result<()> {
    let (sql, places): (&str, Option<Vec<usize>>) = match owed {
        Owed::Nothing => return Ok(()),
        Owed::Changes => (&UPDATE, Some(CHANGING.to_vec())),
        Owed::Beginning => (&UPDATE_ALL, Some([CHANGING, BEGINNING].concat())),
        Owed::Row => (&INSERT, None),
    };
    with_values(site, (visit, folded), |values| {
        let some =
            |places: Vec<usize>| places.iter().filter_map(|place| values.get(place - 1).copied()).collect();
        let mut values: Vec<&dyn ToSql> = places.map_or_else(|| values.to_vec(), some);
        values.push(&row);
        connection.prepare_cached(sql)?.execute(values.as_slice()).map(drop)
    })
}

#[expect(clippy::too_many_lines, reason = "one column after the other")]
fn with_values<T>(key: i64, (visit, folded): (&Visit, u64), run: impl FnOnce(&[&dyn ToSql]) -> T) -> T {
    let folded = folded.cast_signed();
    let (session, place, origin) = (&visit.session, visit.place(), &visit.origin);
    let entry = session.entry.as_ref();
    let (entry_ts, entry) = (entry.map(|entry| entry.ts), entry.and_then(|entry| entry.path.as_deref()));
    let exit = session.exit.as_ref();
    let (exit_ts, exit) = (exit.map(|(ts, _)| *ts), exit.and_then(|(_, path)| path.as_deref()));
    let pairs_ts = session.campaign.as_ref().map(|(ts, _)| *ts);
    let pairs = session.campaign.as_ref().and_then(|(_, pairs)| serde_json::to_string(pairs).ok());
    let (entry, exit) = (entry.unwrap_or_default(), exit.unwrap_or_default());
    let (pairs, number) = (pairs.unwrap_or_default(), visit.number.cast_signed());
    run(&[
        &key,
        &number,
        &visit.visitor,
        &visit.id,
        &session.start,
        &session.last,
        &session.pageviews,
        &session.events,
        &session.interactions,
        &session.engaged_ms,
        &session.conversions,
        &entry_ts,
        &entry,
        &exit_ts,
        &exit,
        &pairs_ts,
        &pairs,
        &visit.referrer,
        &origin.channel,
        &origin.source,
        &origin.medium,
        &origin.campaign,
        &place.country,
        &place.region,
        &place.city,
        &place.device,
        &place.browser,
        &place.os,
        &folded,
    ])
}
