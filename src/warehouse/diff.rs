//! What a batch lacks: from the values of its rows to the tables and columns that must be made first, within guards.
//!
//! Types are collected as sets and decided at the end, so that the order of events in a batch does not matter. Never
//! removes, narrows or renames anything.

use std::collections::BTreeMap;

use super::lack::Lacking;
use super::names::BUILT_IN_TABLES;
use super::schema::{Column, ColumnType, Schema, SchemaDiff};

/// What happens when a value cannot be cast into the column that it belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnTypeConflict {
    /// A column of integers becomes one of floats when a fraction arrives; everything else goes to `_unmapped`.
    #[default]
    Widen,
    /// The value goes to `_unmapped`.
    Keep,
    /// The event is refused.
    Reject,
}

/// What a column of integers becomes when a fraction arrives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum WidenTo {
    /// Floats: every fraction, and integers up to 2^53 exactly.
    #[default]
    Float64,
    /// Decimal numbers: every integer, and fractions of up to 29 digits before the point and 9 after it.
    Numeric,
}

/// How far a stream may change a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards {
    /// What happens to a value that does not fit.
    pub on_type_conflict: OnTypeConflict,
    /// What a column of integers becomes.
    pub widen_to: WidenTo,
    /// Most columns of a table.
    pub max_columns_per_table: usize,
    /// Most columns that one event may add to one table.
    pub max_new_columns_per_event: usize,
    /// Most tables.
    pub max_tables: usize,
}

/// The types that were seen for one column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Types {
    seen: u8,
    /// An integer that no float holds.
    pub(super) has_inexact_int: bool,
    /// A fraction that a decimal number holds.
    pub(super) has_decimal: bool,
    /// Every event may ask for it.
    pub(super) is_standard: bool,
}

impl Types {
    /// Returns a column that every event may ask for.
    pub(super) fn standard(kind: ColumnType) -> Types {
        Types { seen: bit(kind), is_standard: true, ..Types::default() }
    }

    fn join(&mut self, other: Types) {
        self.seen |= other.seen;
        self.has_inexact_int |= other.has_inexact_int;
        self.has_decimal |= other.has_decimal;
        self.is_standard |= other.is_standard;
    }

    /// Returns the narrowest type that holds everything that was seen without loss.
    pub(super) fn decide(self) -> ColumnType {
        let only = ColumnType::ALL.into_iter().find(|kind| self.seen == bit(*kind));
        let is_number = self.seen == bit(ColumnType::Int) | bit(ColumnType::Float);
        match only {
            Some(kind) => kind,
            None if is_number && !self.has_inexact_int => ColumnType::Float,
            None => ColumnType::Text,
        }
    }

    /// Returns whether a column of integers should become one of this type.
    fn widens(self, to: WidenTo) -> bool {
        let has_fraction = self.seen & bit(ColumnType::Float) != 0;
        match to {
            WidenTo::Float64 => has_fraction && !self.has_inexact_int,
            WidenTo::Numeric => self.has_decimal,
        }
    }
}

impl WidenTo {
    /// Returns the type that a widened column has.
    pub fn column_type(self) -> ColumnType {
        match self {
            WidenTo::Float64 => ColumnType::Float,
            WidenTo::Numeric => ColumnType::Numeric,
        }
    }
}

const fn bit(kind: ColumnType) -> u8 {
    match kind {
        ColumnType::Bool => 1,
        ColumnType::Int => 2,
        ColumnType::Float => 4,
        ColumnType::Timestamp => 8,
        ColumnType::Text => 16,
        ColumnType::Numeric => 32,
        ColumnType::Json => 64,
        ColumnType::Other => 128,
    }
}

/// What the rows of a batch lack, table by table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    tables: BTreeMap<String, BTreeMap<String, Types>>,
}

impl Needs {
    /// Returns true when nothing is lacking.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Adds a column that a row of a table lacks.
    pub(super) fn add(&mut self, table: &str, lacking: &Lacking) {
        let known = match self.tables.get_mut(table) {
            Some(known) => known,
            None => self.tables.entry(table.to_owned()).or_default(),
        };
        known.entry(lacking.name.clone()).or_default().join(lacking.types);
    }

    /// Adds the needs of another batch.
    pub fn join(&mut self, other: Needs) {
        for (table, columns) in other.tables {
            let known = self.tables.entry(table).or_default();
            columns.into_iter().for_each(|(name, types)| known.entry(name).or_default().join(types));
        }
    }
}

/// Returns what must change so that the needs are met within the guards, smallest names first. Empty once it is
/// carried out: what the guards do not let through is not asked for again.
pub fn diff(needs: &Needs, schema: &Schema, guards: &Guards) -> SchemaDiff {
    let mut diff = SchemaDiff::default();
    for (name, wanted) in &needs.tables {
        match schema.tables.get(name) {
            Some(table) => change(&mut diff, name, wanted, &table.columns, guards),
            None if BUILT_IN_TABLES.contains(&name.as_str())
                || schema.tables.len() + diff.create.len() < guards.max_tables =>
            {
                let columns = within(wanted, 0, guards);
                diff.create.insert(name.clone(), columns);
            }
            None => {}
        }
    }
    diff
}

fn change(
    diff: &mut SchemaDiff,
    name: &str,
    wanted: &BTreeMap<String, Types>,
    known: &BTreeMap<String, ColumnType>,
    guards: &Guards,
) {
    let missing = wanted.iter().filter(|(column, _)| !known.contains_key(*column));
    let missing: BTreeMap<String, Types> = missing.map(|(column, types)| (column.clone(), *types)).collect();
    let add = within(&missing, known.len(), guards);
    if !add.is_empty() {
        diff.add.insert(name.to_owned(), add);
    }
    let widens = |(column, types): &(&String, &Types)| {
        known.get(*column) == Some(&ColumnType::Int) && types.widens(guards.widen_to)
    };
    let column_type = guards.widen_to.column_type();
    let widen: Vec<Column> = wanted
        .iter()
        .filter(widens)
        .map(|(column, _)| Column { name: column.clone(), column_type })
        .collect();
    if guards.on_type_conflict == OnTypeConflict::Widen && !widen.is_empty() {
        diff.widen.insert(name.to_owned(), widen);
    }
}

/// Returns the columns that fit into a table that has `known` already. Standard columns always do.
fn within(wanted: &BTreeMap<String, Types>, known: usize, guards: &Guards) -> Vec<Column> {
    let standard = wanted.values().filter(|types| types.is_standard).count();
    let mut room = guards.max_columns_per_table.saturating_sub(known + standard);
    let mut columns = Vec::new();
    for (name, types) in wanted {
        if !types.is_standard {
            if room == 0 {
                continue;
            }
            room -= 1;
        }
        columns.push(Column { name: name.clone(), column_type: types.decide() });
    }
    columns
}
