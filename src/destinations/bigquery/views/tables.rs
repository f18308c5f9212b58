//! The view of one table: every column by its name, each event once. Pure.

use std::collections::BTreeSet;

use super::{MAX_TEXT, Options, View, condition, dedup, sql};
use crate::warehouse::{ColumnType, Table, UNMAPPED};

/// The columns that come first, in this order.
const FIRST: [&str; 13] = [
    "id",
    "received_at",
    "user_id",
    "anonymous_id",
    "event",
    "event_text",
    "group_id",
    "previous_id",
    "timestamp",
    "original_timestamp",
    "sent_at",
    "loaded_at",
    "uuid_ts",
];

/// Returns the view of a table.
pub(super) fn view(
    view: String,
    (name, table): (&str, &Table),
    texts: &BTreeSet<String>,
    options: &Options,
) -> View {
    let description =
        format!("Table {name} with each event once. Kept by OpenTrack; without its label it is left alone.");
    let query = query(&selected(table, texts), name, options);
    // Thousands of columns do not fit into the text of a view.
    let query = match query.chars().count() > MAX_TEXT {
        true => self::query(&everything(table, texts), name, options),
        false => query,
    };
    let is_shown = |column: &&String| as_text(table, column, texts).is_some();
    let texts = table.columns.keys().filter(is_shown).map(|column| text_name(column, table)).collect();
    View { name: view, description, query, texts }
}

fn query(selected: &[String], name: &str, options: &Options) -> String {
    let from = options.tables.table(name);
    let (selected, condition, dedup) = (selected.join(",\n  "), condition(options), dedup(options));
    format!("SELECT\n  {selected}\nFROM {from} AS t\nWHERE {condition}\n{dedup}")
}

/// Every column by its name, a column that has seen other types also as text.
fn selected(table: &Table, texts: &BTreeSet<String>) -> Vec<String> {
    let mut columns: Vec<&String> = table.columns.keys().collect();
    columns.sort_by_key(|column| (rank(column), *column));
    let mut selected = Vec::with_capacity(columns.len());
    for column in columns {
        selected.push(sql::of_t(column));
        selected.extend(as_text(table, column, texts));
    }
    selected
}

fn everything(table: &Table, texts: &BTreeSet<String>) -> Vec<String> {
    let shown = table.columns.keys().filter_map(|column| as_text(table, column, texts));
    std::iter::once("t.*".to_owned()).chain(shown).collect()
}

/// Standard columns, then those of the event, then the context, then what has no column.
fn rank(column: &str) -> usize {
    let standard = FIRST.iter().position(|first| *first == column);
    let others = FIRST.len();
    match column {
        UNMAPPED => others + 2,
        _ if column.starts_with("context_") => others + 1,
        _ => standard.unwrap_or(others),
    }
}

/// What the column holds, or else what it did not take.
fn as_text(table: &Table, column: &str, texts: &BTreeSet<String>) -> Option<String> {
    let column_type = *table.columns.get(column)?;
    let unmapped = *table.columns.get(UNMAPPED)?;
    if !texts.contains(column) || !has_text(column_type) {
        return None;
    }
    let own = sql::of_t(column);
    let kept = sql::json_text(&sql::of_t(UNMAPPED), unmapped, &sql::json_path([column]));
    let name = sql::quoted(&text_name(column, table));
    Some(format!("COALESCE(CAST({own} AS STRING), {kept}) AS {name}"))
}

/// Text takes everything, and what has no cast is not shown again.
fn has_text(column_type: ColumnType) -> bool {
    !matches!(column_type, ColumnType::Text | ColumnType::Json | ColumnType::Other)
}

/// Returns true for what [`text_name`] may have made.
pub(in super::super) fn is_text_name(column: &str) -> bool {
    column.trim_end_matches('_').ends_with("_text")
}

/// Returns the name under which a column is shown as text.
pub(super) fn text_name(column: &str, table: &Table) -> String {
    let mut name = format!("{column}_text");
    while table.columns.contains_key(&name) {
        name.push('_');
    }
    name
}
