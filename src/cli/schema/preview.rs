//! What events would change in a warehouse, in the shape of `schema plan --json`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::destinations::{Blueprint, ShownRow};
use crate::policy::outcome::Fault;
use crate::warehouse::{Conflicts, Schema, SchemaDiff, UNMAPPED};

/// The whole answer.
#[derive(Debug, Default, Serialize)]
pub(super) struct Preview {
    pub(super) destination: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// `cache`, `live` or `empty`.
    pub(super) against: &'static str,
    /// How many tables there are.
    pub(super) tables: usize,
    pub(super) create: Vec<NewTable>,
    pub(super) add: Vec<Change>,
    pub(super) widen: Vec<Change>,
    pub(super) conflicts: Vec<Clash>,
    pub(super) kept: Vec<Kept>,
    /// Events that would become dead letters as things are.
    pub(super) dead: Vec<Dead>,
    /// Events that the destination does not get.
    pub(super) skipped: usize,
    /// Rows by table.
    pub(super) rows: BTreeMap<String, usize>,
    pub(super) bytes: usize,
    pub(super) price: Option<String>,
    pub(super) ddl: Vec<String>,
}

/// A table that would be made.
#[derive(Debug, Serialize)]
pub(super) struct NewTable {
    pub(super) table: String,
    pub(super) columns: BTreeMap<String, &'static str>,
}

/// A column that would be added or widened.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    pub(super) table: String,
    pub(super) column: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<&'static str>,
    #[serde(rename = "type")]
    pub(super) to: &'static str,
    /// How many rows have a value that asks for it.
    pub(super) rows: usize,
}

/// A column that does not take a value.
#[derive(Debug, Serialize)]
pub(super) struct Clash {
    pub(super) table: String,
    pub(super) column: String,
    pub(super) have: &'static str,
    pub(super) got: &'static str,
    pub(super) count: u64,
    pub(super) last_message_id: String,
    /// One of the values, cut.
    pub(super) sample: Option<String>,
}

/// A key whose values are kept in `_unmapped` although no column refused them.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Kept {
    pub(super) table: String,
    pub(super) key: String,
    pub(super) rows: usize,
}

/// An event that would become a dead letter.
#[derive(Debug, Serialize)]
pub(super) struct Dead {
    pub(super) message_id: String,
    pub(super) reason: &'static str,
    pub(super) table: Option<String>,
    pub(super) answer: String,
}

impl Dead {
    pub(super) fn of(message_id: &str, fault: Fault) -> Dead {
        Dead {
            message_id: message_id.to_owned(),
            reason: fault.reason.as_str(),
            table: fault.place.map(|place| place.table),
            answer: fault.answer,
        }
    }
}

/// Longest value that is shown.
const WIDEST: usize = 40;

impl Preview {
    /// Takes what would change.
    pub(super) fn see_changes(&mut self, diff: &SchemaDiff, before: &Schema, store: &dyn Blueprint) {
        self.create = diff
            .create
            .iter()
            .map(|(table, columns)| NewTable {
                table: table.clone(),
                columns: columns
                    .iter()
                    .map(|one| (one.name.clone(), store.type_word(one.column_type)))
                    .collect(),
            })
            .collect();
        let changes = |tables: &BTreeMap<String, Vec<crate::warehouse::Column>>| -> Vec<Change> {
            let all = tables.iter().flat_map(|(table, columns)| columns.iter().map(move |one| (table, one)));
            all.map(|(table, one)| {
                let has = before.tables.get(table).and_then(|table| table.columns.get(&one.name));
                Change {
                    table: table.clone(),
                    column: one.name.clone(),
                    from: has.map(|has| store.type_word(*has)),
                    to: store.type_word(one.column_type),
                    rows: 0,
                }
            })
            .collect()
        };
        (self.add, self.widen) = (changes(&diff.add), changes(&diff.widen));
        self.ddl = store.ddl(diff);
    }

    /// Takes the rows as they would be written afterwards.
    pub(super) fn see_rows(&mut self, rows: &[ShownRow], conflicts: &Conflicts, store: &dyn Blueprint) {
        for row in rows {
            *self.rows.entry(row.table.clone()).or_default() += 1;
        }
        let sizes: Vec<usize> = rows.iter().map(size).collect();
        self.bytes = sizes.iter().sum();
        self.price = store.price(&sizes);
        let count = |change: &Change, asks: fn(&Value) -> bool| {
            let of_table = rows.iter().filter(|row| row.table == change.table);
            of_table.filter(|row| row.columns.get(&change.column).is_some_and(asks)).count()
        };
        self.add.iter_mut().for_each(|change| change.rows = count(change, |value| !value.is_null()));
        self.widen.iter_mut().for_each(|change| change.rows = count(change, is_fraction));
        self.conflicts = clashes(rows, conflicts, store);
        self.kept = kept(rows, &self.conflicts);
    }

    /// Returns true when a table would have to change.
    pub(super) fn has_changes(&self) -> bool {
        !(self.create.is_empty() && self.add.is_empty() && self.widen.is_empty())
    }
}

fn size(row: &ShownRow) -> usize {
    serde_json::to_string(&row.columns).map_or(0, |text| text.len())
}

fn is_fraction(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.fract() != 0.0)
}

fn clashes(rows: &[ShownRow], conflicts: &Conflicts, store: &dyn Blueprint) -> Vec<Clash> {
    let clash = conflicts.all().map(|(conflict, tally)| {
        let of_table = rows.iter().filter(|row| row.table == conflict.table);
        let sample = of_table.filter_map(|row| unmapped(row)?.remove(&conflict.column)).next();
        Clash {
            table: conflict.table.clone(),
            column: conflict.column.clone(),
            have: store.type_word(conflict.have),
            got: store.type_word(conflict.got),
            count: tally.count,
            last_message_id: tally.last.clone(),
            sample: sample.map(|value| value.to_string().chars().take(WIDEST).collect()),
        }
    });
    clash.collect()
}

/// What has no column of its own: it is reserved, another key has the column, or a guard holds it off.
fn kept(rows: &[ShownRow], clashes: &[Clash]) -> Vec<Kept> {
    let known: BTreeSet<(&str, &str)> =
        clashes.iter().map(|clash| (clash.table.as_str(), clash.column.as_str())).collect();
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for row in rows {
        let keys = unmapped(row).unwrap_or_default();
        for (key, _) in keys.into_iter().filter(|(key, _)| !known.contains(&(&row.table, key))) {
            *counts.entry((&row.table, key)).or_default() += 1;
        }
    }
    let kept = |((table, key), rows): ((&str, String), usize)| Kept { table: table.to_owned(), key, rows };
    counts.into_iter().map(kept).collect()
}

/// A store keeps it as JSON, or as text that is JSON.
fn unmapped(row: &ShownRow) -> Option<Map<String, Value>> {
    match row.columns.get(UNMAPPED)? {
        Value::Object(object) => Some(object.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}
