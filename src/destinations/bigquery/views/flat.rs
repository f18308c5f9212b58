//! Views over the one table of the flat layout: an event's properties as columns, typed as they were seen. Pure.
//!
//! No scan of stored rows: what was seen in passing events decides.

use std::collections::{BTreeMap, BTreeSet};

use super::{FlatTable, MAX_TEXT, Options, View, free_name, sql};
use crate::warehouse::names::{BUILT_IN_TABLES, Dialect, segment};
use crate::warehouse::{ColumnType, Table};

/// The properties of each event by its name as sent: the keys that lead to a value, and the type that all values share.
pub type Observed = BTreeMap<String, BTreeMap<Vec<String>, ColumnType>>;

/// Names as the segment layout has them.
const DIALECT: Dialect = Dialect { max_name: 300, ..Dialect::PLAIN };

/// The columns of the flat table that are shown as they are.
const OWN: [&str; 6] = ["message_id", "timestamp", "user_id", "anonymous_id", "received_at", "sent_at"];

/// Returns true when the table has what a view reads; it may be the user's own.
pub(super) fn has_views(table: &Table) -> bool {
    ["message_id", "event", "properties"].iter().all(|column| table.columns.contains_key(*column))
}

/// Returns one view for each event.
pub(super) fn views(flat: &FlatTable<'_>, observed: &Observed, options: &Options) -> Vec<View> {
    let mut taken: BTreeSet<String> = BUILT_IN_TABLES.iter().map(|table| format!("{table}_view")).collect();
    let mut views = Vec::new();
    for (event, properties) in observed {
        let name = free_name(&DIALECT.table(event), &taken);
        taken.insert(name.clone());
        // A description has a bound of 16 KiB, an event's name need not.
        let short: String = event.chars().take(200).collect();
        let description = format!(
            "Event {short} with its properties as columns. Kept by OpenTrack; without its label it is left alone."
        );
        let query = query(flat, (event, properties), options);
        views.push(View { name, description, query, texts: BTreeSet::new() });
    }
    views
}

fn query(
    flat: &FlatTable<'_>,
    (event, properties): (&str, &BTreeMap<Vec<String>, ColumnType>),
    options: &Options,
) -> String {
    let has = |column: &&str| flat.table.columns.contains_key(*column);
    let mut selected: Vec<String> =
        OWN.iter().filter(|column| has(column)).map(|column| sql::of_t(column)).collect();
    let of_properties = flat.table.columns.get("properties").copied().unwrap_or(ColumnType::Text);
    let mut size: usize = selected.iter().map(String::len).sum();
    let mut taken: BTreeSet<String> = OWN.iter().map(|column| (*column).to_owned()).collect();
    for (keys, column_type) in properties {
        let name = column(keys);
        if !taken.insert(name.clone()) {
            continue;
        }
        let shown = format!("{} AS {}", value(keys, *column_type, of_properties), sql::quoted(&name));
        size = size.saturating_add(shown.len());
        // What does not fit is still in `properties`.
        if size > MAX_TEXT / 2 {
            break;
        }
        selected.push(shown);
    }
    let from = options.tables.table(flat.name);
    let (selected, event) = (selected.join(",\n  "), sql::text(event));
    let kind = if flat.table.columns.contains_key("type") { "t.`type` = 'track' AND " } else { "" };
    let order = arrival(flat.table);
    format!(
        "SELECT\n  {selected}\nFROM {from} AS t\nWHERE {kind}t.`event` = {event}\n\
         QUALIFY ROW_NUMBER() OVER (PARTITION BY t.`message_id` ORDER BY {order}) = 1"
    )
}

fn column(keys: &[String]) -> String {
    let parts: Vec<_> = keys.iter().map(|key| segment(key)).collect();
    DIALECT.column(&parts.join("_"))
}

/// The exact table of the layout has no time of arrival.
fn arrival(table: &Table) -> String {
    let known = ["received_at", "timestamp"].into_iter().find(|column| table.columns.contains_key(*column));
    sql::of_t(known.unwrap_or("message_id"))
}

/// Reads properties that are text and those that are JSON.
fn value(keys: &[String], column_type: ColumnType, of_properties: ColumnType) -> String {
    let path = sql::json_path(keys.iter().map(String::as_str));
    match column_type {
        ColumnType::Bool
        | ColumnType::Int
        | ColumnType::Float
        | ColumnType::Timestamp
        | ColumnType::Numeric => {
            format!("SAFE_CAST(JSON_VALUE(t.`properties`, {path}) AS {})", sql::word(column_type))
        }
        ColumnType::Text | ColumnType::Json | ColumnType::Other => {
            format!("COALESCE({})", sql::json_text("t.`properties`", of_properties, &path))
        }
    }
}
