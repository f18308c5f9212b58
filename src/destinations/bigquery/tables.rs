//! Tables as Google describes them: read, listed and patched as raw JSON.
//!
//! Raw, because the crate's types drop what they do not know (a patch would remove it from the table) and cannot read a
//! table that has one column of a newer type.

use std::collections::BTreeMap;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{HeaderValue, IF_MATCH};
use serde_json::{Value, json};

use super::api::{Api, Call, odd};
use super::errors::{Kind, Trouble};
use super::types::{understood, word};
use crate::warehouse::{Column, Table};

/// Most tables that are looked at one by one.
const MOST_TABLES: usize = 2_000;

/// Most tables whose names are read.
const MOST_LISTED: usize = 20_000;

/// How often a patch is tried that others overtake.
const MOST_ROUNDS: usize = 5;

/// One table as it is now.
#[derive(Debug)]
pub(super) struct Described {
    raw: Value,
}

impl Described {
    /// Returns its columns. Their names are in small letters: BigQuery does not tell `Id` from `id`, and we ask for `id`.
    pub(super) fn table(&self) -> Table {
        let fields = self.raw.pointer("/schema/fields").and_then(Value::as_array);
        let text =
            |field: &Value, key: &str| field.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let column = |field: &Value| {
            (text(field, "name").to_lowercase(), understood(&text(field, "type"), &text(field, "mode")))
        };
        Table { columns: fields.into_iter().flatten().map(column).collect() }
    }

    /// Returns when it was made, in milliseconds since 1970; `None` from an emulator that does not say it.
    pub(super) fn made_ms(&self) -> Option<i64> {
        made_ms(&self.raw)
    }

    /// Returns whether it has partitions, which makes a larger quota.
    pub(super) fn is_partitioned(&self) -> bool {
        ["timePartitioning", "rangePartitioning"].iter().any(|key| self.raw.get(key).is_some())
    }

    /// Returns whether rows can be written to it: a view cannot be.
    pub(super) fn is_writable(&self) -> bool {
        self.raw.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "TABLE")
    }
}

/// Reads one table; `None` when there is none, or no dataset.
///
/// # Errors
/// What was said, or why nothing was.
pub(super) async fn get(api: &Api, table: &str) -> Result<Option<Described>, Trouble> {
    let url = api.target.url(&["datasets", &api.target.names.dataset, "tables", table]);
    match api.ask(Call::get(url)).await {
        Ok(raw) => Ok(Some(Described { raw })),
        Err(trouble) if matches!(trouble.kind(), Some(Kind::NoTable | Kind::NoDataset)) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// Reads the names of all tables that rows can be written to, and when each was made as in [`Described::made_ms`].
///
/// # Errors
/// What was said, or why nothing was.
pub(super) async fn list(api: &Api) -> Result<BTreeMap<String, Option<i64>>, Trouble> {
    let (mut listed, mut page) = (BTreeMap::new(), String::new());
    loop {
        let mut url = api.target.url(&["datasets", &api.target.names.dataset, "tables"]);
        url.query_pairs_mut().append_pair("maxResults", "1000");
        if !page.is_empty() {
            url.query_pairs_mut().append_pair("pageToken", &page);
        }
        let answer = api.ask(Call::get(url)).await?;
        let tables = answer.get("tables").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let is_table =
            |table: &&Value| table.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "TABLE");
        let one = |table: &Value| {
            Some((table.pointer("/tableReference/tableId")?.as_str()?.to_owned(), made_ms(table)))
        };
        listed.extend(tables.iter().filter(is_table).filter_map(one));
        match answer.get("nextPageToken").and_then(Value::as_str) {
            Some(next) if !next.is_empty() && listed.len() < MOST_LISTED => page = next.to_owned(),
            _ => return Ok(listed),
        }
    }
}

/// Reads all tables, one after the other: what is left where queries are not granted.
///
/// # Errors
/// What was said, or why nothing was.
pub(super) async fn all(api: &Api) -> Result<BTreeMap<String, Described>, Trouble> {
    let mut tables = BTreeMap::new();
    for name in list(api).await?.into_keys().take(MOST_TABLES) {
        if let Some(described) = get(api, &name).await? {
            tables.insert(name, described);
        }
    }
    Ok(tables)
}

/// Adds columns by describing the table anew, where statements are not granted. Returns the table as it is then; `None`
/// when there is none.
///
/// # Errors
/// What was said, or why nothing was; also when others were faster five times.
pub(super) async fn add_columns(
    api: &Api,
    table: &str,
    columns: &[Column],
) -> Result<Option<Described>, Trouble> {
    for _ in 0..MOST_ROUNDS {
        let Some(described) = get(api, table).await? else { return Ok(None) };
        let known = described.table();
        let missing: Vec<_> =
            columns.iter().filter(|column| !known.columns.contains_key(&column.name)).collect();
        if missing.is_empty() {
            return Ok(Some(described));
        }
        match patch(api, table, &described.raw, &missing).await {
            Ok(raw) => return Ok(Some(Described { raw })),
            Err(trouble) if trouble.kind() == Some(Kind::Changed) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Err(odd("conditionNotMet", format!("the table `{table}` was changed by others {MOST_ROUNDS} times")))
}

/// Google writes large numbers as text.
fn made_ms(table: &Value) -> Option<i64> {
    table.get("creationTime")?.as_str()?.parse().ok()
}

/// The whole list of columns goes back as it came, with the new ones at its end.
async fn patch(api: &Api, table: &str, raw: &Value, missing: &[&Column]) -> Result<Value, Trouble> {
    let mut fields = raw.pointer("/schema/fields").and_then(Value::as_array).cloned().unwrap_or_default();
    fields.extend(missing.iter().map(|column| field(column)));
    let body = json!({ "schema": { "fields": fields } }).to_string();
    let url = api.target.url(&["datasets", &api.target.names.dataset, "tables", table]);
    let mut call = Call::with_body(Method::PATCH, url, "application/json", Bytes::from(body));
    if let Some(etag) =
        raw.get("etag").and_then(Value::as_str).and_then(|etag| HeaderValue::try_from(etag).ok())
    {
        call = call.with(IF_MATCH, etag);
    }
    api.ask(call).await
}

fn field(column: &Column) -> Value {
    json!({ "name": column.name, "type": word(column.column_type), "mode": "NULLABLE" })
}
