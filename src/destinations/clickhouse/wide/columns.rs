//! The columns of the wide table, and the statements that make it. Pure.
//!
//! A text that an event does not have is empty and not NULL, which ClickHouse stores and reads for less.

use super::super::ddl::{Names, alter, quoted};
use crate::warehouse::{Column, ColumnType};

/// The table's name.
pub(in super::super) const TABLE: &str = "events";

/// What a column is made as.
const WORD: &str = "LowCardinality(String)";
const TEXT: &str = "String";
const JSON: &str = "String CODEC(ZSTD(3))";
const TIME: &str = "DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1))";

/// Every column: its name and what it is made as. Rows are written in another order; ClickHouse goes by the names.
pub(super) const COLUMNS: [(&str, &str); 43] = [
    ("site", WORD),
    ("environment", WORD),
    ("type", WORD),
    ("event", WORD),
    ("message_id", "String CODEC(ZSTD(1))"),
    ("user_id", TEXT),
    ("anonymous_id", TEXT),
    ("session_id", TEXT),
    ("page_view_id", TEXT),
    ("group_id", TEXT),
    ("previous_id", TEXT),
    ("timestamp", TIME),
    ("received_at", TIME),
    ("page_url", TEXT),
    ("page_host", WORD),
    ("page_path", TEXT),
    ("page_title", TEXT),
    ("referrer", TEXT),
    ("channel", WORD),
    ("source", WORD),
    ("medium", WORD),
    ("campaign", TEXT),
    ("utm_source", WORD),
    ("utm_medium", WORD),
    ("utm_campaign", TEXT),
    ("utm_term", TEXT),
    ("utm_content", TEXT),
    ("country", WORD),
    ("region", WORD),
    ("city", WORD),
    ("device", WORD),
    ("browser", WORD),
    ("os", WORD),
    ("bot", "Bool"),
    ("order_id", TEXT),
    ("revenue", "Nullable(Decimal(18, 4))"),
    ("currency", WORD),
    ("engaged_ms", "UInt32"),
    ("metric", WORD),
    ("metric_value", "Nullable(Float64)"),
    ("properties", JSON),
    ("traits", JSON),
    ("context", JSON),
];

/// Returns the columns for who looks at schemas; the exact types are in [`COLUMNS`].
pub(in super::super) fn columns() -> Vec<Column> {
    let kind = |made: &str| match made {
        "Bool" => ColumnType::Bool,
        "UInt32" => ColumnType::Int,
        "Nullable(Float64)" => ColumnType::Float,
        TIME => ColumnType::Timestamp,
        _ if made.starts_with("Nullable(Decimal") => ColumnType::Numeric,
        _ => ColumnType::Text,
    };
    let mut columns: Vec<Column> = COLUMNS
        .iter()
        .map(|(name, made)| Column { name: (*name).to_owned(), column_type: kind(made) })
        .collect();
    columns.sort_by(|one, other| one.name.cmp(&other.name));
    columns
}

/// Returns the statement that makes the table. The key ends in the message id and holds nothing that a repetition of an event
/// could change, so that repetitions replace each other.
pub(in super::super) fn create_table(names: &Names) -> String {
    let made: Vec<String> = COLUMNS.iter().map(|(name, made)| format!("    {} {made}", quoted(name))).collect();
    format!(
        "CREATE TABLE IF NOT EXISTS {}{} (\n{},\n    \
         INDEX by_message_id `message_id` TYPE bloom_filter GRANULARITY 4,\n    \
         INDEX by_user_id `user_id` TYPE bloom_filter GRANULARITY 4\n)\nENGINE = {}\n\
         PARTITION BY toYYYYMM(`timestamp`)\n\
         ORDER BY (`site`, toStartOfHour(`timestamp`), `type`, cityHash64(`anonymous_id`), `message_id`){}{}",
        names.table(TABLE),
        names.on_cluster(),
        made.join(",\n"),
        names.engine("ReplacingMergeTree", "`received_at`"),
        names.time_to_live("toDate(`timestamp`)"),
        names.settings()
    )
}

/// Returns the statement that adds columns to a table of an older version; those of others are not ours to add.
pub(in super::super) fn add_columns(names: &Names, columns: &[Column]) -> String {
    let ours = COLUMNS.iter().filter(|(name, _)| columns.iter().any(|column| column.name == *name));
    alter(names, TABLE, ours.map(|(name, made)| format!("ADD COLUMN IF NOT EXISTS {} {made}", quoted(name))))
}
