//! What a batch lacks: from the values of its rows to the tables and columns that must be made first, within guards.
//!
//! Types are collected as sets and decided at the end, so that the order of events in a batch does not matter. Never
//! removes, narrows or renames anything.

use std::collections::BTreeMap;

use super::UNMAPPED;
use super::columns::{ColumnId, Columns};
use super::fit::casts;
use super::layout::{Slot, TableView};
use super::names::BUILT_IN_TABLES;
use super::rows::{Cell, RowDraft, base_columns};
use super::schema::{Column, ColumnType, Schema, SchemaDiff};
use super::value::{EXACT_IN_FLOAT, Value};

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
struct Types {
    seen: u8,
    has_inexact_int: bool,
    is_standard: bool,
}

impl Types {
    fn see(&mut self, kind: ColumnType, value: &Value<'_>) {
        self.seen |= bit(kind);
        self.has_inexact_int |= is_inexact(value);
    }

    fn join(&mut self, other: Types) {
        self.seen |= other.seen;
        self.has_inexact_int |= other.has_inexact_int;
        self.is_standard |= other.is_standard;
    }

    /// Returns the narrowest type that holds everything that was seen without loss.
    fn decide(self) -> ColumnType {
        let only = ColumnType::ALL.into_iter().find(|kind| self.seen == bit(*kind));
        let is_number = self.seen == bit(ColumnType::Int) | bit(ColumnType::Float);
        match only {
            Some(kind) => kind,
            None if is_number && !self.has_inexact_int => ColumnType::Float,
            None => ColumnType::Text,
        }
    }
}

fn is_inexact(value: &Value<'_>) -> bool {
    matches!(value, Value::Int(number) if number.unsigned_abs() > EXACT_IN_FLOAT)
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

    /// Adds what one row lacks; `view` is its table, if there is one. At most `most_new` columns of its own, those
    /// with the fewest keys first. Returns false when there were more.
    pub fn see(
        &mut self,
        draft: &RowDraft<'_>,
        view: Option<&mut TableView>,
        columns: &Columns,
        most_new: usize,
    ) -> bool {
        let mut lacking = lacking(draft, view, columns);
        if lacking.is_empty() {
            return true;
        }
        lacking.sort_by_key(|(id, ..)| id.map(|id| columns.precedence(id)));
        let (mut own, mut whole) = (0, true);
        for (_, name, types) in lacking {
            own += usize::from(!types.is_standard);
            if types.is_standard || own <= most_new {
                let table = self.tables.entry(draft.table.clone()).or_default();
                table.entry(name).or_default().join(types);
            } else {
                whole = false;
            }
        }
        whole
    }

    /// Adds the needs of another batch.
    pub fn join(&mut self, other: Needs) {
        for (table, columns) in other.tables {
            let known = self.tables.entry(table).or_default();
            columns.into_iter().for_each(|(name, types)| known.entry(name).or_default().join(types));
        }
    }
}

type Lacking = (Option<ColumnId>, String, Types);

fn lacking(draft: &RowDraft<'_>, view: Option<&mut TableView>, columns: &Columns) -> Vec<Lacking> {
    let mut lacking: Vec<Lacking> = Vec::new();
    let (is_new, mut has_unmapped) = (view.is_none(), false);
    match view {
        Some(view) => {
            has_unmapped = view.named(UNMAPPED).is_some();
            for cell in &draft.cells {
                let slot = view.slot(cell.id, columns);
                if !is_content(slot, &cell.value) {
                    lacking.push(lack(cell, slot, columns));
                }
            }
        }
        None => lacking.extend(draft.cells.iter().map(|cell| lack(cell, None, columns))),
    }
    let base = if is_new { base_columns(&draft.table) } else { Vec::new() };
    let unmapped = Column { name: UNMAPPED.to_owned(), column_type: ColumnType::Text };
    for column in base.into_iter().chain((!has_unmapped).then_some(unmapped)) {
        let types = Types { seen: bit(column.column_type), is_standard: true, has_inexact_int: false };
        lacking.push((None, column.name, types));
    }
    lacking
}

/// Returns whether a value asks nothing of its column. A fraction asks a column of integers to widen; an integer that no
/// float holds asks it to stay, which matters when both come in one batch.
fn is_content(slot: Option<Slot>, value: &Value<'_>) -> bool {
    match slot {
        None => false,
        Some(Slot { column_type: ColumnType::Int, .. }) => {
            let is_fraction = matches!(value, Value::Float(..)) && !casts(value, ColumnType::Int);
            !is_fraction && !is_inexact(value)
        }
        Some(_) => true,
    }
}

/// What one value asks for. An existing column is no new one, whatever becomes of it.
fn lack(cell: &Cell<'_>, there: Option<Slot>, columns: &Columns) -> Lacking {
    let is_standard = there.is_some() || columns.is_standard(cell.id);
    let mut types = Types { is_standard, ..Types::default() };
    types.see(cell.value.column_type(columns.dialect().timestamps), &cell.value);
    (Some(cell.id), columns.name(cell.id).to_owned(), types)
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
        let has_fraction = types.seen & bit(ColumnType::Float) != 0;
        known.get(*column) == Some(&ColumnType::Int) && has_fraction && !types.has_inexact_int
    };
    let widen: Vec<Column> = wanted
        .iter()
        .filter(widens)
        .map(|(column, _)| Column { name: column.clone(), column_type: ColumnType::Float })
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
