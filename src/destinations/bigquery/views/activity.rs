//! The views of what people do: all events in one, sessions, and how many are active each day. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{MAX_TEXT, Options, View, condition, dedup, or_null, sql};
use crate::warehouse::{ColumnType, Schema, Table};

/// The tables of calls and the kind of call; each event is in one of them.
const CALLS: [(&str, &str); 6] = [
    ("aliases", "alias"),
    ("groups", "group"),
    ("identifies", "identify"),
    ("pages", "page"),
    ("screens", "screen"),
    ("tracks", "track"),
];

/// The calls that somebody makes by doing something.
const DEEDS: [&str; 3] = ["page", "screen", "track"];

/// A visitor is the device, so that a session goes on when its visitor signs in.
const VISITOR: &str = "COALESCE(t.`anonymous_id`, t.`user_id`)";

/// How long nothing happens until a session is over, in seconds.
const GAP_SECONDS: u32 = 1800;

/// Columns that every call has.
const COMMON: [(&str, ColumnType); 7] = [
    ("id", ColumnType::Text),
    ("received_at", ColumnType::Timestamp),
    ("user_id", ColumnType::Text),
    ("anonymous_id", ColumnType::Text),
    ("timestamp", ColumnType::Timestamp),
    ("original_timestamp", ColumnType::Timestamp),
    ("sent_at", ColumnType::Timestamp),
];

/// Returns the views whose tables are there.
pub(super) fn views(schema: &Schema, options: &Options) -> Vec<View> {
    let calls = calls(schema);
    let mut views = Vec::new();
    if !calls.is_empty() {
        views.push(all_events(&calls, options));
    }
    let deeds: Vec<_> = calls.into_iter().filter(|(_, kind, _)| DEEDS.contains(kind)).collect();
    if !deeds.is_empty() {
        views.push(sessions(&deeds, options));
        views.push(daily_active_users(&deeds, options));
    }
    views
}

type Call<'a> = (&'a str, &'a str, &'a Table);

fn calls(schema: &Schema) -> Vec<Call<'_>> {
    let has_ids = |table: &Table| {
        ["id", "received_at", "user_id", "anonymous_id", "timestamp"]
            .iter()
            .all(|column| table.columns.contains_key(*column))
    };
    let found = CALLS.iter().filter_map(|(name, kind)| Some((*name, *kind, &**schema.tables.get(*name)?)));
    found.filter(|(.., table)| has_ids(table)).collect()
}

fn view(name: &str, what: &str, query: String) -> View {
    let description = format!("{what} Kept by OpenTrack; without its label it is left alone.");
    View { name: name.to_owned(), description, query, texts: BTreeSet::new() }
}

fn all_events(calls: &[Call<'_>], options: &Options) -> View {
    let query = |context: &BTreeMap<&str, ColumnType>| -> String {
        let parts = calls.iter().map(|call| part(call, context, options));
        parts.collect::<Vec<_>>().join("\nUNION ALL\n")
    };
    let whole = query(&context(calls));
    let query = if whole.chars().count() > MAX_TEXT { query(&BTreeMap::new()) } else { whole };
    view("all_events_view", "Every event once, with the columns that all kinds share.", query)
}

/// The columns of the context in any of the tables; text where the tables differ. One table more never takes one away.
fn context<'a>(calls: &[Call<'a>]) -> BTreeMap<&'a str, ColumnType> {
    let mut columns: BTreeMap<&str, ColumnType> = BTreeMap::new();
    let all = calls.iter().flat_map(|(.., table)| &table.columns);
    for (name, column_type) in all.filter(|(name, _)| name.starts_with("context_")) {
        let known = columns.entry(name).or_insert(*column_type);
        if known != column_type {
            *known = ColumnType::Text;
        }
    }
    columns.retain(|_, column_type| *column_type != ColumnType::Other);
    columns
}

fn part(call: &Call<'_>, context: &BTreeMap<&str, ColumnType>, options: &Options) -> String {
    let (name, kind, table) = call;
    let mut selected = vec![format!("{} AS `type`", sql::text(kind))];
    selected.push(format!("{} AS `event`", or_null(table, "event", ColumnType::Text)));
    selected.push(format!("{} AS `name`", title(kind, table)));
    let columns = COMMON.iter().map(|(name, kind)| (*name, *kind));
    let columns = columns.chain(context.iter().map(|(name, kind)| (*name, *kind)));
    selected.extend(
        columns.map(|(name, kind)| format!("{} AS {}", or_null(table, name, kind), sql::quoted(name))),
    );
    let from = options.tables.table(name);
    let (selected, condition, dedup) = (selected.join(",\n  "), condition(options), dedup(options));
    format!("SELECT\n  {selected}\nFROM {from} AS t\nWHERE {condition}\n{dedup}")
}

/// What people call the event: the text of a track call, the name of a page or screen.
fn title(kind: &str, table: &Table) -> String {
    match kind {
        "track" => or_null(table, "event_text", ColumnType::Text),
        "page" | "screen" => or_null(table, "name", ColumnType::Text),
        _ => "CAST(NULL AS STRING)".to_owned(),
    }
}

/// The deeds as a common table expression named `deeds`.
pub(super) fn deeds(calls: &[Call<'_>], options: &Options) -> String {
    let parts = calls.iter().map(|(name, kind, table)| {
        let from = options.tables.table(name);
        let (title, condition, kind) = (title(kind, table), condition(options), sql::text(kind));
        let event = or_null(table, "event", ColumnType::Text);
        format!(
            "  SELECT {kind} AS `type`, {event} AS `event`, {title} AS `name`, t.`id`, t.`timestamp`, t.`user_id`, \
             {VISITOR} AS `visitor`\n  FROM {from} AS t\n  WHERE {condition}\n  {}",
            dedup(options)
        )
    });
    format!("WITH deeds AS (\n{}\n)", parts.collect::<Vec<_>>().join("\n  UNION ALL\n"))
}

fn sessions(calls: &[Call<'_>], options: &Options) -> View {
    let deeds = deeds(calls, options);
    let query = format!(
        "{deeds},
begun AS (
  SELECT
    d.*,
    IFNULL(TIMESTAMP_DIFF(d.`timestamp`, LAG(d.`timestamp`) OVER of_visitor, SECOND) > {GAP_SECONDS}, TRUE) AS `begins`
  FROM deeds AS d
  WHERE d.`visitor` IS NOT NULL
  WINDOW of_visitor AS (PARTITION BY d.`visitor` ORDER BY d.`timestamp`, d.`id`)
),
numbered AS (
  SELECT
    b.*,
    COUNTIF(b.`begins`) OVER (PARTITION BY b.`visitor` ORDER BY b.`timestamp`, b.`id`) AS `number`
  FROM begun AS b
)
SELECT
  CONCAT(n.`visitor`, '-', CAST(UNIX_MILLIS(MIN(n.`timestamp`)) AS STRING)) AS `session_id`,
  n.`visitor`,
  ARRAY_AGG(n.`user_id` IGNORE NULLS ORDER BY n.`timestamp` DESC, n.`id` DESC LIMIT 1)[SAFE_OFFSET(0)] AS `user_id`,
  n.`number`,
  MIN(n.`timestamp`) AS `started_at`,
  MAX(n.`timestamp`) AS `ended_at`,
  TIMESTAMP_DIFF(MAX(n.`timestamp`), MIN(n.`timestamp`), SECOND) AS `seconds`,
  COUNT(*) AS `events`,
  COUNTIF(n.`type` IN ('page', 'screen')) AS `pages`,
  ARRAY_AGG(n.`name` IGNORE NULLS ORDER BY n.`timestamp`, n.`id` LIMIT 1)[SAFE_OFFSET(0)] AS `first_name`,
  ARRAY_AGG(n.`name` IGNORE NULLS ORDER BY n.`timestamp` DESC, n.`id` DESC LIMIT 1)[SAFE_OFFSET(0)] AS `last_name`
FROM numbered AS n
GROUP BY n.`visitor`, n.`number`"
    );
    view("sessions_view", "What visitors did without a pause of 30 minutes.", query)
}

fn daily_active_users(calls: &[Call<'_>], options: &Options) -> View {
    let deeds = deeds(calls, options);
    let query = format!(
        "{deeds}
SELECT
  DATE(d.`timestamp`) AS `day`,
  COUNT(DISTINCT d.`visitor`) AS `visitors`,
  COUNT(DISTINCT d.`user_id`) AS `users`,
  COUNT(*) AS `events`
FROM deeds AS d
GROUP BY DATE(d.`timestamp`)"
    );
    view("daily_active_users_view", "How many visitors and users did something, by day in UTC.", query)
}

/// Returns the deeds of this schema as a common table expression; `None` without a table of them.
pub(super) fn deeds_of(schema: &Schema, options: &Options) -> Option<String> {
    let calls: Vec<_> = calls(schema).into_iter().filter(|(_, kind, _)| DEEDS.contains(kind)).collect();
    (!calls.is_empty()).then(|| deeds(&calls, options))
}
