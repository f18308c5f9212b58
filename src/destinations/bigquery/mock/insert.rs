//! `tabledata.insertAll`: rows that can be queried at once, each taken or refused on its own.

use std::collections::HashSet;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::answer::{invalid, not_found, put, refusal, too_large};
use super::call::{Call, unpacked};
use super::cell::{self, Bad, Way};
use super::propagation::Propagation;
use super::script;
use super::state::{Place, Row, State, Table};
use crate::destinations::mock::{Incoming, MockEvent, Said};

/// Limits of <https://cloud.google.com/bigquery/quotas#streaming_inserts>.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
const MAX_ROW_BYTES: usize = 10_000_000;
const MAX_ROWS: usize = 50_000;
const MAX_INSERT_ID: usize = 128;
/// How far the day of a row may be from today, as Google's message has it.
const DAYS_BACK: SignedDuration = SignedDuration::from_hours(3650 * 24);
const DAYS_AHEAD: SignedDuration = SignedDuration::from_hours(366 * 24);

/// A request as it is written.
#[derive(Debug)]
pub(super) struct Asked {
    rows: Vec<AskedRow>,
    skip_invalid: bool,
    ignore_unknown: bool,
}

#[derive(Debug)]
struct AskedRow {
    id: Option<String>,
    cells: Map<String, Value>,
}

impl Asked {
    /// Reads a request.
    ///
    /// # Errors
    /// What Google says to one that is too large, or is none.
    pub(super) fn read(request: &Incoming) -> Result<Asked, Said> {
        if unpacked(request)?.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        let mut body = Call::new(request).json()?;
        if body.contains_key("templateSuffix") {
            return Err(invalid("templateSuffix is not known to this stand-in"));
        }
        let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or_default();
        let (skip_invalid, ignore_unknown) = (flag("skipInvalidRows"), flag("ignoreUnknownValues"));
        let rows = match body.remove("rows") {
            Some(Value::Array(rows)) => rows,
            _ => Vec::new(),
        };
        match rows.len() {
            0 => return Err(invalid("No rows present in the request.")),
            1..=MAX_ROWS => {}
            _ => return Err(invalid("too many rows present in the request, limit: 50000 row count")),
        }
        let rows = rows.into_iter().map(asked_row).collect::<Result<_, _>>()?;
        Ok(Asked { rows, skip_invalid, ignore_unknown })
    }

    /// Returns what the rows are known by: their insert ids, or else their column `id`.
    pub(super) fn events(&self, table: &str) -> Vec<MockEvent> {
        let id = |row: &AskedRow| {
            let column = || row.cells.get("id").and_then(Value::as_str).map(str::to_owned);
            row.id.clone().or_else(column).unwrap_or_default()
        };
        self.rows.iter().map(|row| MockEvent { id: id(row), name: table.to_owned() }).collect()
    }
}

fn asked_row(row: Value) -> Result<AskedRow, Said> {
    let Value::Object(mut row) = row else { return Err(invalid("A row must be an object.")) };
    let id = match row.remove("insertId") {
        Some(Value::String(id)) if id.len() > MAX_INSERT_ID => {
            return Err(invalid(&format!(
                "insertId has {} bytes, at most {MAX_INSERT_ID} are allowed.",
                id.len()
            )));
        }
        Some(Value::String(id)) if !id.is_empty() => Some(id),
        _ => None,
    };
    match row.remove("json") {
        Some(Value::Object(cells)) => Ok(AskedRow { id, cells }),
        _ => Err(invalid("A row must have a member `json` that is an object.")),
    }
}

/// Takes the rows, and returns the indexes of those that were taken. The rows at `forced` are refused whatever they hold.
pub(super) fn insert(
    state: &mut State,
    place: &Place,
    request: &Incoming,
    forced: &[usize],
) -> Result<(Said, Vec<usize>), Said> {
    let asked = Asked::read(request)?;
    let name = state.table_name(place);
    state.needs("bigquery.tables.updateData", &name)?;
    if !state.settings.streaming {
        let message = "Access Denied: BigQuery BigQuery: Streaming insert is not allowed in the free tier";
        return Err(refusal(403, "accessDenied", message));
    }
    let dictated = dictated(state, &asked);
    let (table, mut propagation) = parts(state, place, request.at, &name)?;
    let seen = propagation.sees(table);
    if table.view.is_some() {
        return Err(invalid(&format!("{name} is not allowed for this operation because it is a view.")));
    }
    if !seen {
        return Err(not_found(&name));
    }
    if table.fields.is_empty() {
        return Err(invalid("The destination table has no schema."));
    }
    let used = asked.rows.iter().flat_map(|row| row.cells.keys()).map(|name| name.to_lowercase()).collect();
    let hidden = propagation.hidden(table, &used);
    let mut checked: Vec<Result<Map<String, Value>, Bad>> =
        asked.rows.iter().map(|row| check(table, row, &asked, &hidden, request.at)).collect();
    for index in forced {
        if let Some(row) = checked.get_mut(*index) {
            *row = Err(Bad::new("", "as it was told".to_owned()));
        }
    }
    for (row, bad) in checked.iter_mut().zip(dictated) {
        if let Some(bad) = bad {
            *row = Err(bad);
        }
    }
    let dedupe = propagation.settings.dedupe;
    let vanish = propagation.swallows(table);
    Ok(settle(table, &asked, checked, &Moment { at: request.at, dedupe, vanish }))
}

/// Returns for each row what a test has it refused for.
fn dictated(state: &mut State, asked: &Asked) -> Vec<Option<Bad>> {
    if state.script.is_empty() {
        return Vec::new();
    }
    let bad = |row: &AskedRow| {
        let text = serde_json::to_vec(&row.cells).unwrap_or_default();
        let line = script::spoken(&mut state.script, "row", &text)?;
        let (place, message, reason) = (line.location.clone(), line.message.clone(), line.reason.clone());
        Some(Bad { place, message, reason })
    };
    asked.rows.iter().map(bad).collect()
}

fn parts<'a>(
    state: &'a mut State,
    place: &Place,
    at: Timestamp,
    name: &str,
) -> Result<(&'a mut Table, Propagation<'a>), Said> {
    state.dataset(&place.0)?;
    let dataset = state.datasets.get_mut(&place.0);
    let table = dataset.and_then(|dataset| dataset.tables.get_mut(&place.1));
    let table = table.ok_or_else(|| not_found(name))?;
    Ok((table, Propagation { settings: &state.settings, dice: &mut state.dice, at }))
}

/// What a moment does to the rows that are fine.
struct Moment {
    at: Timestamp,
    dedupe: SignedDuration,
    vanish: bool,
}

fn settle(
    table: &mut Table,
    asked: &Asked,
    checked: Vec<Result<Map<String, Value>, Bad>>,
    moment: &Moment,
) -> (Said, Vec<usize>) {
    let stop = !asked.skip_invalid && checked.iter().any(Result::is_err);
    let (mut errors, mut taken) = (Vec::new(), Vec::new());
    for (index, (row, asked)) in checked.into_iter().zip(&asked.rows).enumerate() {
        match row {
            Err(bad) => errors.push(row_error(index, &bad.reason, &bad.place, &bad.message)),
            Ok(_) if stop => errors.push(row_error(index, "stopped", "", "")),
            Ok(cells) => {
                keep(table, asked.id.as_deref(), cells, moment);
                taken.push(index);
            }
        }
    }
    let mut body = json!({ "kind": "bigquery#tableDataInsertAllResponse" });
    if !errors.is_empty() {
        put(&mut body, "insertErrors", errors.into());
    }
    (Said::json(200, &body), taken)
}

fn row_error(index: usize, reason: &str, location: &str, message: &str) -> Value {
    let error = json!({ "reason": reason, "location": location, "debugInfo": "", "message": message });
    json!({ "index": index, "errors": [error] })
}

fn keep(table: &mut Table, id: Option<&str>, cells: Map<String, Value>, moment: &Moment) {
    if let Some(id) = id {
        let last = table.recent.insert(id.to_owned(), moment.at);
        if last.is_some_and(|last| moment.at.duration_since(last) < moment.dedupe) {
            table.repeated += 1;
            return;
        }
    }
    if moment.vanish {
        table.swallowed += 1;
        return;
    }
    table.streamed = Some(moment.at);
    table.rows.push(Row { cells, streamed: Some(moment.at) });
}

fn check(
    table: &Table,
    row: &AskedRow,
    asked: &Asked,
    hidden: &HashSet<String>,
    at: Timestamp,
) -> Result<Map<String, Value>, Bad> {
    let bytes = serde_json::to_vec(&row.cells).map_or(0, |text| text.len());
    if bytes > MAX_ROW_BYTES {
        let message =
            format!("Maximum allowed row size exceeded. Allowed: {MAX_ROW_BYTES} Row size: {bytes}");
        return Err(Bad::new("", message));
    }
    let visible = |field: &super::field::Field| !hidden.contains(&field.name.to_lowercase());
    let cells = cell::row(&table.fields, &row.cells, Way::Stream, asked.ignore_unknown, &visible)?;
    check_day(table, &cells, at)?;
    Ok(cells)
}

/// Refuses rows of a day that is too far away.
fn check_day(table: &Table, cells: &Map<String, Value>, at: Timestamp) -> Result<(), Bad> {
    let Some(field) = table.partition.as_ref().and_then(|partition| partition.field.as_deref()) else {
        return Ok(());
    };
    let text = table.field(field).and_then(|field| cells.get(&field.name)).and_then(Value::as_str);
    let Some(day) = text.and_then(|text| text.get(..10)).and_then(|day| day.parse::<Date>().ok()) else {
        return Ok(());
    };
    let day = day.to_zoned(jiff::tz::TimeZone::UTC).map_or(at, |zoned| zoned.timestamp());
    let away = day.duration_since(at);
    if (-DAYS_BACK..=DAYS_AHEAD).contains(&away) {
        return Ok(());
    }
    let message = format!(
        "Value {} for field {field} of the destination table is outside the allowed bounds. You can only stream to date \
         range within 3650 days in the past and 366 days in the future relative to the current date.",
        text.unwrap_or_default()
    );
    Err(Bad::new(field, message))
}
