//! Load jobs: newline-delimited JSON, packed or not, that comes with the request. A job takes all its rows or none.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::{Answer, already_exists, fine, invalid, not_found, refusal};
use super::call::{gunzip, unpacked};
use super::cell::{self, Way};
use super::field;
use super::job::Job;
use super::schema::Added;
use super::state::{Place, Row, State, Table};
use super::{quota, schema, script, tables};
use crate::destinations::mock::{Incoming, Said};

/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Returns the two parts of a request: what is to be done, and with what.
///
/// # Errors
/// It has no such parts.
pub(super) fn multipart(request: &Incoming) -> Result<(Value, Vec<u8>), Said> {
    let body = unpacked(request)?;
    let boundary =
        request.header("content-type").split(';').find_map(|part| part.trim().strip_prefix("boundary="));
    let boundary = boundary.ok_or_else(|| invalid("Missing boundary in Content-Type"))?.trim_matches('"');
    let mark = format!("--{boundary}");
    let marks: Vec<usize> = memchr::memmem::find_iter(&body, mark.as_bytes()).collect();
    let part = |index: usize| {
        let (from, to) = (marks.get(index)?.checked_add(mark.len())?, *marks.get(index + 1)?);
        let part = body.get(from..to)?;
        let head = memchr::memmem::find(part, b"\r\n\r\n")?;
        let content = part.get(head + 4..)?;
        Some(content.strip_suffix(b"\r\n").unwrap_or(content))
    };
    let (Some(job), Some(data)) = (part(0), part(1)) else {
        return Err(invalid("Malformed multipart body: it must have two parts"));
    };
    let job = serde_json::from_slice(job)
        .map_err(|error| refusal(400, "parseError", &format!("Parse Error: {error}")))?;
    Ok((job, data.to_vec()))
}

/// Refuses who may not make jobs.
pub(super) fn check_right(state: &State) -> Result<(), Said> {
    if state.settings.may("bigquery.jobs.create") {
        return Ok(());
    }
    let project = &state.settings.project;
    let message = format!(
        "Access Denied: Project {project}: User does not have bigquery.jobs.create permission in project {project}."
    );
    Err(refusal(403, "accessDenied", &message))
}

/// Does the work, and answers with the job. What is wrong with the rows is told by the job, not by the answer.
pub(super) fn run(state: &mut State, job: &Value, data: &[u8], at: Timestamp) -> Answer {
    check_right(state)?;
    let configuration = job.get("configuration").cloned().unwrap_or_default();
    let load = configuration.get("load").ok_or_else(|| invalid("Required parameter is missing: load"))?;
    let text =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let place: Option<Place> =
        text(load, "/destinationTable/datasetId").zip(text(load, "/destinationTable/tableId"));
    let place = place.ok_or_else(|| invalid("Required parameter is missing: destinationTable"))?;
    if text(load, "/sourceFormat").as_deref() != Some("NEWLINE_DELIMITED_JSON") {
        return Err(invalid("This stand-in loads NEWLINE_DELIMITED_JSON alone"));
    }
    let location = state.location(&place.0)?;
    if let Some(asked) =
        text(job, "/jobReference/location").filter(|asked| !asked.eq_ignore_ascii_case(&location))
    {
        let what = state.dataset_name(&place.0);
        return Err(not_found(&format!("{what} was not found in location {asked}")));
    }
    let id = match text(job, "/jobReference/jobId") {
        Some(id) => id,
        None => format!("job_{}", state.number()),
    };
    if state.jobs.contains_key(&id) {
        let project = &state.settings.project;
        return Err(already_exists(&format!("Job {project}:{location}.{id}")));
    }
    let name = state.table_name(&place);
    state.needs("bigquery.tables.updateData", &name)?;
    quota::load(state, &place, at)?;
    let mut made = Job::new(state, &location, configuration.clone());
    work(state, &mut made, (&place, load, data), at);
    let project = state.settings.project.clone();
    let said = fine(&made.to_json(&project, &id));
    state.jobs.insert(id, made);
    said
}

/// Writes the rows of a job, or has it fail: as a script says, or for what is wrong with them.
fn work(state: &mut State, job: &mut Job, (place, load, data): (&Place, &Value, &[u8]), at: Timestamp) {
    let dictated = script::spoken(&mut state.script, "job", &[place.1.as_bytes(), &rows_of(data)].concat());
    let dictated = dictated.map(|line| json!({ "reason": line.reason, "message": line.message }));
    match dictated.map_or_else(|| rows_into(state, place, load, data, at), Err) {
        Ok(rows) => {
            job.statistics = json!({ "load": { "outputRows": rows.to_string(), "badRecords": "0" } });
        }
        Err(why) => job.error = Some(why),
    }
}

/// Returns the rows as text, as far as they can be unpacked.
fn rows_of(data: &[u8]) -> Bytes {
    gunzip(data).unwrap_or_else(|_| Bytes::copy_from_slice(data))
}

/// Returns how many rows were written, or why the job failed.
fn rows_into(
    state: &mut State,
    place: &Place,
    load: &Value,
    data: &[u8],
    at: Timestamp,
) -> Result<usize, Value> {
    let failed = |said: Said| {
        let body: Value = serde_json::from_str(&said.body).unwrap_or_default();
        json!({ "reason": body.pointer("/error/errors/0/reason"), "message": body.pointer("/error/message") })
    };
    let data = if data.starts_with(&GZIP) { gunzip(data).map_err(failed)? } else { data.to_vec().into() };
    let table = target(state, place, load, at).map_err(failed)?;
    quota::update(state, place, table.partition.is_some(), at).map_err(failed)?;
    let ignore = load.get("ignoreUnknownValues").and_then(Value::as_bool).unwrap_or_default();
    let most_bad = load.get("maxBadRecords").and_then(Value::as_u64).unwrap_or_default();
    let (mut rows, mut bad) = (Vec::new(), 0);
    for (number, line) in data.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match loaded(&table, line, ignore) {
            Ok(cells) => rows.push(Row { cells, streamed: None }),
            Err(_) if bad < most_bad => bad += 1,
            Err(why) => {
                let message = format!(
                    "Error while reading data, error message: JSON table encountered too many errors, giving up. Rows: \
                     {}; errors: 1. JSON parsing error in row starting at position {number}: {why}",
                    number + 1
                );
                return Err(json!({ "reason": "invalid", "message": message }));
            }
        }
    }
    let written = rows.len();
    let truncate = load.get("writeDisposition").and_then(Value::as_str) == Some("WRITE_TRUNCATE");
    let kept = state.table(place).map_err(failed)?;
    if truncate {
        kept.rows.clear();
    }
    kept.fields = table.fields;
    kept.rows.extend(rows);
    Ok(written)
}

fn loaded(table: &Table, line: &[u8], ignore: bool) -> Result<Map<String, Value>, String> {
    let row: Map<String, Value> =
        serde_json::from_slice(line).map_err(|error| format!("Parser terminated: {error}"))?;
    cell::row(&table.fields, &row, Way::Load, ignore, &|_| true).map_err(|bad| bad.message)
}

/// Returns the table with the columns that the job may add, and makes it when the job may.
fn target(state: &mut State, place: &Place, load: &Value, at: Timestamp) -> Result<Table, Said> {
    let given = load.get("schema").and_then(|schema| schema.get("fields"));
    let missing = !state.dataset(&place.0)?.tables.contains_key(&place.1);
    let never = load.get("createDisposition").and_then(Value::as_str) == Some("CREATE_NEVER");
    if missing && never {
        return Err(not_found(&state.table_name(place)));
    }
    if missing {
        let mut body = load.as_object().cloned().unwrap_or_default();
        let mut table = schema::read(&mut body, at)?;
        table.more.clear();
        tables::add(state, place, table)?;
    }
    let mut table = state.table(place)?.clone();
    let options =
        load.get("schemaUpdateOptions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let may_add = options.iter().any(|option| option == "ALLOW_FIELD_ADDITION");
    if let Some(given) = given.filter(|_| !missing) {
        let new = field::read_all(Some(given)).map_err(|why| invalid(&why))?;
        let added = Added { settings: &state.settings, at };
        let name = state.table_name(place);
        let unknown = new.iter().find(|field| table.field(&field.name).is_none());
        match unknown {
            Some(field) if !may_add => {
                let why = format!("Cannot add fields (field: {})", field.name);
                return Err(invalid(&format!("Provided Schema does not match {name}. {why}")));
            }
            _ => table.fields = schema::replaced(&name, &table.fields, new, &added)?,
        }
    }
    Ok(table)
}
