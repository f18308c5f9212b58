//! Tables and views by the REST interface: made, read, changed, listed, deleted, and their rows.

use serde_json::{Map, Value, json};

use super::answer::{Answer, already_exists, fine, invalid, put, refusal};
use super::call::Call;
use super::field::{self, Field};
use super::schema::{self, Added};
use super::state::{Place, State, Table};
use super::{quota, result, sql};
use crate::destinations::mock::Said;

/// How many tables a list has on a page, when less is not asked for.
const PAGE: usize = 50;
const MAX_NAME: usize = 1024;

/// Answers about the tables of a dataset.
pub(super) fn all(state: &mut State, call: &Call<'_>, dataset: &str) -> Answer {
    let what = state.dataset_name(dataset);
    match call.request.method.as_str() {
        "POST" => {
            state.needs("bigquery.tables.create", &what)?;
            create(state, call, dataset)
        }
        "GET" => {
            state.needs("bigquery.tables.list", &what)?;
            list(state, call, dataset)
        }
        other => Err(refusal(405, "methodNotAllowed", &format!("{other} is not allowed"))),
    }
}

/// Answers about one table.
pub(super) fn one(state: &mut State, call: &Call<'_>, place: &Place) -> Answer {
    let what = state.table_name(place);
    match call.request.method.as_str() {
        "GET" => {
            state.needs("bigquery.tables.get", &what)?;
            shown(state, call, place)
        }
        "PATCH" | "PUT" => {
            state.needs("bigquery.tables.update", &what)?;
            patch(state, call, place)
        }
        "DELETE" => {
            state.needs("bigquery.tables.delete", &what)?;
            delete(state, place)?;
            Ok(Said { status: 204, headers: Vec::new(), body: String::new() })
        }
        other => Err(refusal(405, "methodNotAllowed", &format!("{other} is not allowed"))),
    }
}

/// `tabledata.list`.
pub(super) fn data(state: &mut State, call: &Call<'_>, place: &Place) -> Answer {
    let what = state.table_name(place);
    state.needs("bigquery.tables.getData", &what)?;
    let table = state.table(place)?;
    let first: usize = call.request.parameter("pageToken").parse().unwrap_or_default();
    let most: usize = call.request.parameter("maxResults").parse().unwrap_or(usize::MAX);
    let page = table.rows.iter().skip(first).take(most);
    let rows: Vec<Value> = page.map(|row| result::row(&table.fields, &row.cells)).collect();
    let mut body = json!({ "kind": "bigquery#tableDataList", "totalRows": table.rows.len().to_string() });
    let next = first.saturating_add(rows.len());
    if next < table.rows.len() {
        put(&mut body, "pageToken", next.to_string().into());
    }
    if !rows.is_empty() {
        put(&mut body, "rows", rows.into());
    }
    fine(&body)
}

/// Makes a table that was read, from either interface.
pub(super) fn add(state: &mut State, place: &Place, mut table: Table) -> Result<(), Said> {
    check_name(&place.1)?;
    let missing = state.table_name(place);
    let settings = state.settings.clone();
    let at = table.created;
    if state.dataset(&place.0)?.tables.contains_key(&place.1) {
        return Err(already_exists(&missing));
    }
    schema::check_new(&table, &settings)?;
    quota::update(state, place, table.partition.is_some(), at)?;
    let dataset = state.dataset(&place.0)?;
    table.again = dataset.deleted.contains(&place.1);
    table.refusals = settings.table_refusals;
    table.swallows = if table.again { settings.swallow_requests } else { 0 };
    dataset.tables.insert(place.1.clone(), table);
    Ok(())
}

/// Deletes a table.
pub(super) fn delete(state: &mut State, place: &Place) -> Result<(), Said> {
    state.table(place)?;
    let dataset = state.dataset(&place.0)?;
    dataset.tables.remove(&place.1);
    dataset.deleted.insert(place.1.clone());
    Ok(())
}

fn check_name(name: &str) -> Result<(), Said> {
    let allowed = |character: char| character.is_alphanumeric() || "_- ".contains(character);
    if !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(allowed) {
        return Ok(());
    }
    Err(invalid(&format!(
        "Invalid table ID \"{name}\". Table IDs must be alphanumeric (plus underscores) and must be at most 1024 characters \
         long."
    )))
}

fn create(state: &mut State, call: &Call<'_>, dataset: &str) -> Answer {
    let mut body = call.json()?;
    let name = body.get("tableReference").and_then(|reference| reference.get("tableId"));
    let name = name.and_then(Value::as_str).unwrap_or_default();
    let place = (dataset.to_owned(), name.to_owned());
    state.dataset(dataset)?;
    let mut table = schema::read(&mut body, call.at)?;
    if let Some(query) = &table.view {
        table.fields = sql::view_fields(state, query, dataset)?;
    }
    // A quota of this method: statements have others.
    quota::create(state, call.at)?;
    add(state, &place, table)?;
    shown(state, call, &place)
}

fn shown(state: &mut State, call: &Call<'_>, place: &Place) -> Answer {
    let (project, location) = (state.settings.project.clone(), state.location(&place.0)?);
    let table = state.table(place)?;
    let etag = call.request.header("if-none-match");
    if !etag.is_empty() && etag == table.etag() {
        return Ok(Said { status: 304, headers: Vec::new(), body: String::new() });
    }
    fine(&table.to_json(&project, place, &location, call.at))
}

fn patch(state: &mut State, call: &Call<'_>, place: &Place) -> Answer {
    let mut body = call.json()?;
    let (name, at) = (state.table_name(place), call.at);
    let table = state.table(place)?.clone();
    let wanted = call.request.header("if-match");
    if !wanted.is_empty() && wanted != "*" && wanted != table.etag() {
        return Err(refusal(412, "conditionNotMet", "Precondition check failed."));
    }
    let fields = new_fields(state, &body, &table, &name, at)?;
    let view = new_view(state, &body, place)?;
    quota::update(state, place, table.partition.is_some(), at)?;
    let changes = schema::more(&mut body);
    let put = call.request.method == "PUT";
    let table = state.table(place)?;
    if let Some(fields) = fields {
        table.fields = fields;
    }
    if let Some((query, fields)) = view {
        (table.view, table.fields) = (Some(query), fields);
    }
    if put {
        table.more.clear();
    }
    merge(&mut table.more, changes);
    table.changed(at);
    shown(state, call, place)
}

/// A null takes a member away; labels are merged one by one.
fn merge(more: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (key, value) in changes {
        match (more.get_mut(&key), value) {
            (_, Value::Null) => {
                more.remove(&key);
            }
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, value) => {
                more.insert(key, value);
            }
        }
    }
}

fn new_fields(
    state: &State,
    body: &Map<String, Value>,
    table: &Table,
    name: &str,
    at: jiff::Timestamp,
) -> Result<Option<Vec<Field>>, Said> {
    let Some(list) = body.get("schema").and_then(|schema| schema.get("fields")) else { return Ok(None) };
    if table.view.is_some() {
        return Err(invalid("The schema of a view is that of its query."));
    }
    let new = field::read_all(Some(list)).map_err(|why| invalid(&why))?;
    let added = Added { settings: &state.settings, at };
    schema::replaced(name, &table.fields, new, &added).map(Some)
}

fn new_view(
    state: &mut State,
    body: &Map<String, Value>,
    place: &Place,
) -> Result<Option<(String, Vec<Field>)>, Said> {
    let Some(query) = body.get("view").and_then(|view| view.get("query")).and_then(Value::as_str) else {
        return Ok(None);
    };
    if state.table(place)?.view.is_none() {
        return Err(invalid("A table cannot become a view."));
    }
    Ok(Some((query.to_owned(), sql::view_fields(state, query, &place.0)?)))
}

fn list(state: &mut State, call: &Call<'_>, dataset: &str) -> Answer {
    let (project, first) =
        (state.settings.project.clone(), call.request.parameter("pageToken").parse().unwrap_or(0));
    let most = call.request.parameter("maxResults").parse().unwrap_or(PAGE).min(PAGE);
    let tables = &state.dataset(dataset)?.tables;
    let short = |(name, table): (&String, &Table)| {
        let mut listed = json!({
            "kind": "bigquery#table",
            "id": format!("{project}:{dataset}.{name}"),
            "tableReference": { "projectId": project, "datasetId": dataset, "tableId": name },
            "type": if table.view.is_some() { "VIEW" } else { "TABLE" },
            "creationTime": table.created.as_millisecond().to_string(),
        });
        if let Some(labels) = table.more.get("labels") {
            put(&mut listed, "labels", labels.clone());
        }
        listed
    };
    let page: Vec<Value> = tables.iter().skip(first).take(most).map(short).collect();
    let mut body = json!({ "kind": "bigquery#tableList", "etag": "list", "totalItems": tables.len() });
    let next = first.saturating_add(page.len());
    if next < tables.len() {
        put(&mut body, "nextPageToken", next.to_string().into());
    }
    if !page.is_empty() {
        put(&mut body, "tables", page.into());
    }
    fine(&body)
}
