//! The tables `users` and `accounts`: the newest state of everyone, merged from the calls from time to time. Pure.
//!
//! Rows are never streamed into them, since BigQuery lets nobody change what was streamed in the last 90 minutes. Merging
//! again changes nothing, so a merge whose fate is not known is simply done again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::views::{Options, newest, sql};
use crate::warehouse::{ColumnType, Schema, Table};

/// How much before the last merge the next one begins: what was on its way meanwhile, or waited while BigQuery was away for
/// some hours, is not missed. A partition is a day, so that less would hardly read less.
pub const MARGIN_SECONDS: i64 = 6 * 3600;

/// Calls, the id that their state is about, the table of states.
const KINDS: [(&str, &str, &str); 2] =
    [("identifies", "user_id", "users"), ("groups", "group_id", "accounts")];

/// Columns of a call that are not part of the state.
const NOT_A_STATE: [&str; 5] = ["anonymous_id", "group_id", "id", "loaded_at", "user_id"];

/// How often a merge reads everything, so that rows which a long retry or a replay brought late are not missed for ever.
pub const WHOLE_EVERY_SECONDS: i64 = 24 * 3600;

/// When merges that worked began; both unknown before the first one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Merged {
    /// The last one.
    pub last: Option<Timestamp>,
    /// The last one that read everything.
    pub whole: Option<Timestamp>,
}

impl Merged {
    /// Returns from which arrival on a merge has to look: some time before the last one began, or `None` for everything.
    pub fn since(&self, now: Timestamp) -> Option<Timestamp> {
        let (last, whole) = (self.last?, self.whole?);
        let is_due = now.as_second().saturating_sub(whole.as_second()) >= WHOLE_EVERY_SECONDS;
        let margin = SignedDuration::from_secs(MARGIN_SECONDS);
        (!is_due).then(|| last.checked_sub(margin).unwrap_or(Timestamp::MIN))
    }

    /// Returns what is known after a merge that began at `now` and looked from `since` on.
    #[must_use]
    pub fn with(self, now: Timestamp, since: Option<Timestamp>) -> Merged {
        Merged { last: Some(now), whole: if since.is_none() { Some(now) } else { self.whole } }
    }
}

/// Returns the tables whose rows are merged.
pub fn calls() -> [&'static str; 2] {
    KINDS.map(|(calls, _, _)| calls)
}

/// Returns the tables that are merged into.
pub fn states() -> [&'static str; 2] {
    KINDS.map(|(_, _, states)| states)
}

/// Returns the statements that bring `users` and `accounts` up to date, to be run in order: what the tables lack, then
/// the merge. `since` bounds the arrival of the calls that are looked at, so that a merge reads few partitions; a table
/// that is not there yet is made of all calls.
///
/// Empty where there are no calls. The same for the same arguments.
pub fn merge(options: &Options, schema: &Schema, since: Option<Timestamp>) -> Vec<String> {
    KINDS.iter().flat_map(|kind| one(kind, options, schema, since)).collect()
}

fn one(
    (calls, id, states): &(&str, &str, &str),
    options: &Options,
    schema: &Schema,
    since: Option<Timestamp>,
) -> Vec<String> {
    let Some(table) = schema.tables.get(*calls) else { return Vec::new() };
    if !["id", "received_at", id].iter().all(|column| table.columns.contains_key(*column)) {
        return Vec::new();
    }
    let path = |table: &str| options.tables.table(table);
    let known = schema.tables.get(*states).map(|table| &**table);
    let since = since.filter(|_| known.is_some());
    let (wanted, target) = (wanted(table), path(states));
    let mut statements = change(&target, &wanted, known);
    let values = values(&wanted, known);
    let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    let source = source(&path(calls), id, &names, since);
    statements.push(format!(
        "MERGE {target} AS u\nUSING (\n{source}\n) AS s\nON u.`id` = s.`id`\n{}",
        actions(&values)
    ));
    statements
}

/// Returns the columns of a state, without its id.
fn wanted(calls: &Table) -> BTreeMap<&str, ColumnType> {
    let columns = calls.columns.iter().map(|(name, column_type)| (name.as_str(), *column_type));
    columns.filter(|(name, kind)| !NOT_A_STATE.contains(name) && *kind != ColumnType::Other).collect()
}

/// Returns the statements that make the table or what it lacks. A state is read by its id, so that it is kept in that
/// order; it has no partitions, since there is one row for each id.
fn change(target: &str, wanted: &BTreeMap<&str, ColumnType>, known: Option<&Table>) -> Vec<String> {
    let declared = |(name, kind): (&&str, &ColumnType)| format!("{} {}", sql::quoted(name), sql::word(*kind));
    let Some(known) = known else {
        let columns: Vec<String> = wanted.iter().map(declared).collect();
        let columns = columns.join(",\n  ");
        return vec![format!(
            "CREATE TABLE IF NOT EXISTS {target} (\n  `id` STRING NOT NULL,\n  {columns}\n)\nCLUSTER BY `id`"
        )];
    };
    let missing = wanted.iter().filter(|(name, _)| !known.columns.contains_key(**name));
    let missing: Vec<String> =
        missing.map(|column| format!("ADD COLUMN IF NOT EXISTS {}", declared(column))).collect();
    let wider = wanted
        .iter()
        .filter(|(name, kind)| known.columns.get(**name).is_some_and(|has| is_widened(*has, **kind)));
    let wider: Vec<String> = wider
        .map(|(name, kind)| format!("ALTER COLUMN {} SET DATA TYPE {}", sql::quoted(name), sql::word(*kind)))
        .collect();
    let alter = |changes: Vec<String>| {
        (!changes.is_empty()).then(|| format!("ALTER TABLE {target}\n  {}", changes.join(",\n  ")))
    };
    alter(missing).into_iter().chain(alter(wider)).collect()
}

/// Returns the value of the source for each column. A column that its owner made of another type takes what it can.
fn values<'a>(wanted: &BTreeMap<&'a str, ColumnType>, known: Option<&Table>) -> Vec<(&'a str, String)> {
    let value = |(name, kind): (&&'a str, &ColumnType)| {
        let has = known.and_then(|table| table.columns.get(*name)).copied().unwrap_or(*kind);
        let has = if is_widened(has, *kind) { *kind } else { has };
        Some((*name, sql::cast(&format!("s.{}", sql::quoted(name)), *kind, has)?))
    };
    wanted.iter().filter_map(value).collect()
}

fn is_widened(has: ColumnType, wanted: ColumnType) -> bool {
    has == ColumnType::Int && matches!(wanted, ColumnType::Float | ColumnType::Numeric)
}

/// Returns the query of the newest values. It reaches from `since` to the newest row, so what it finds is never older
/// than what is stored.
fn source(from: &str, id: &str, names: &[&str], since: Option<Timestamp>) -> String {
    let id = sql::of_t(id);
    // A constant, since only that spares partitions.
    let since = sql::instant(since.unwrap_or(Timestamp::UNIX_EPOCH));
    let selected: Vec<String> =
        std::iter::once(format!("{id} AS `id`")).chain(names.iter().map(|name| newest(name))).collect();
    format!(
        "  SELECT\n    {}\n  FROM {from} AS t\n  WHERE t.`received_at` >= {since} AND {id} IS NOT NULL\n  GROUP BY {id}",
        selected.join(",\n    ")
    )
}

fn actions(values: &[(&str, String)]) -> String {
    let list = |one: fn(&(&str, String)) -> String, glue: &str| {
        values.iter().map(one).collect::<Vec<_>>().join(glue)
    };
    let set = list(
        |(name, value)| {
            let name = sql::quoted(name);
            format!("{name} = COALESCE({value}, u.{name})")
        },
        ",\n  ",
    );
    let names = list(|(name, _)| sql::quoted(name), ", ");
    let values = list(|(_, value)| value.clone(), ", ");
    format!(
        "WHEN MATCHED THEN UPDATE SET\n  {set}\nWHEN NOT MATCHED THEN INSERT (`id`, {names})\n  VALUES (s.`id`, {values})"
    )
}

#[cfg(test)]
mod tests;
