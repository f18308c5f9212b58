//! The views of people and groups: the newest value of every trait. Pure.
//!
//! They need no right to write and are never behind; the tables `users` and `accounts` are the same, merged from time to
//! time (see `users`).

use std::collections::BTreeSet;

use super::{MAX_TEXT, Options, View, condition, sql};
use crate::warehouse::{Schema, Table, UNMAPPED};

/// Columns of a call that say nothing about a person or group.
const OF_THE_CALL: [&str; 12] = [
    "anonymous_id",
    "event",
    "event_text",
    "group_id",
    "id",
    "loaded_at",
    "original_timestamp",
    "received_at",
    "sent_at",
    "timestamp",
    "user_id",
    "uuid_ts",
];

/// Calls, the id that they are about, and the view.
const KINDS: [(&str, &str, &str); 2] =
    [("identifies", "user_id", "users_view"), ("groups", "group_id", "accounts_view")];

/// Returns the views whose tables are there.
pub(super) fn views(schema: &Schema, options: &Options) -> Vec<View> {
    let views = KINDS.iter().filter_map(|(calls, id, view)| {
        let table = schema.tables.get(*calls).filter(|table| table.columns.contains_key(*id))?;
        Some(one((calls, table), id, view, options))
    });
    views.collect()
}

fn one((calls, table): (&str, &Table), id: &str, view: &str, options: &Options) -> View {
    let traits = |wanted: fn(&str) -> bool| -> Vec<&str> {
        let columns = table.columns.keys().map(String::as_str);
        let mut columns: Vec<&str> =
            columns.filter(|column| !OF_THE_CALL.contains(column) && wanted(column)).collect();
        columns.sort_by_key(|column| *column == UNMAPPED);
        columns
    };
    let query = query((calls, &traits(|_| true)), id, options);
    // The context is what makes a table too wide for the text of a view.
    let query = match query.chars().count() > MAX_TEXT {
        true => self::query((calls, &traits(|column| !column.starts_with("context_"))), id, options),
        false => query,
    };
    let description = format!(
        "The newest value of every trait in {calls} by {id}. Kept by OpenTrack; without its label it is left alone."
    );
    View { name: view.to_owned(), description, query, texts: BTreeSet::new() }
}

fn query((calls, traits): (&str, &[&str]), id: &str, options: &Options) -> String {
    let from = options.tables.table(calls);
    let (id, condition) = (sql::of_t(id), condition(options));
    let mut selected = vec![
        format!("{id} AS `id`"),
        "MIN(t.`received_at`) AS `first_seen`".to_owned(),
        "MAX(t.`received_at`) AS `last_seen`".to_owned(),
    ];
    let taken = ["first_seen", "last_seen"];
    selected.extend(traits.iter().filter(|column| !taken.contains(column)).map(|column| newest(column)));
    let selected = selected.join(",\n  ");
    format!("SELECT\n  {selected}\nFROM {from} AS t\nWHERE {id} IS NOT NULL AND {condition}\nGROUP BY {id}")
}

/// Returns the newest value of a column that is not NULL; of one instant the one with the greatest id, so that the answer
/// is always the same.
pub(in super::super) fn newest(column: &str) -> String {
    let (value, name) = (sql::of_t(column), sql::quoted(column));
    format!(
        "ARRAY_AGG({value} IGNORE NULLS ORDER BY t.`received_at` DESC, t.`id` DESC LIMIT 1)[SAFE_OFFSET(0)] AS {name}"
    )
}
