//! What one row lacks of its table: the columns that are not there, and those that do not take its value.

use super::UNMAPPED;
use super::columns::{ColumnId, Columns};
use super::decimal;
use super::diff::Types;
use super::fit::casts;
use super::layout::{Slot, TableView};
use super::names::LOADED_AT;
use super::rows::{Cell, RowDraft, base_columns};
use super::schema::{Column, ColumnType};
use super::value::Value;

/// One column that a row asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lacking {
    /// The path that leads to it; `None` for a column that every row has.
    id: Option<ColumnId>,
    /// Its name.
    pub(super) name: String,
    /// What was seen of its values.
    pub(super) types: Types,
    /// True when there is such a column, which does not take the value.
    pub(super) is_there: bool,
}

/// Returns what a row lacks, the columns with the fewest keys first; `view` is its table, if there is one.
pub(super) fn lacking(draft: &RowDraft<'_>, view: Option<&mut TableView>, columns: &Columns) -> Vec<Lacking> {
    let mut lacking: Vec<Lacking> = Vec::new();
    let mut missing = Vec::new();
    match view {
        Some(view) => {
            for cell in &draft.cells {
                let slot = view.slot(cell.id, columns);
                if !is_content(slot, &cell.value) {
                    lacking.push(lack(cell, slot, columns));
                }
            }
            let dialect = columns.dialect();
            let own = [(UNMAPPED, dialect.unmapped), (LOADED_AT, ColumnType::Timestamp)];
            let own = own.into_iter().filter(|(name, _)| *name == UNMAPPED || dialect.loaded_at);
            let own = own.filter(|(name, _)| view.named(name).is_none());
            missing.extend(own.map(|(name, column_type)| Column { name: name.to_owned(), column_type }));
        }
        None => {
            lacking.extend(draft.cells.iter().map(|cell| lack(cell, None, columns)));
            missing = base_columns(&draft.table, columns.dialect());
        }
    }
    let of_every_row = |column: Column| {
        let types = Types::standard(column.column_type);
        Lacking { id: None, name: column.name, types, is_there: false }
    };
    lacking.extend(missing.into_iter().map(of_every_row));
    lacking.sort_by_key(|lacking| lacking.id.map(|id| columns.precedence(id)));
    lacking
}

/// Returns the columns that an event may ask for: those that every event has, and `most` others.
pub(super) fn within(lacking: &[Lacking], most: usize) -> impl Iterator<Item = &Lacking> {
    let mut own = 0;
    lacking.iter().filter(move |lacking| {
        own += usize::from(!lacking.types.is_standard);
        lacking.types.is_standard || own <= most
    })
}

/// Returns whether a value asks nothing of its column. A fraction asks a column of integers to widen; an integer that no
/// float holds asks it to stay, which matters when both come in one batch.
fn is_content(slot: Option<Slot>, value: &Value<'_>) -> bool {
    match slot {
        None => false,
        Some(Slot { column_type: ColumnType::Int, .. }) => {
            let is_fraction = matches!(value, Value::Float(..)) && !casts(value, ColumnType::Int);
            !is_fraction && !value.is_inexact()
        }
        Some(_) => true,
    }
}

/// What one value asks for. An existing column is no new one, whatever becomes of it.
fn lack(cell: &Cell<'_>, there: Option<Slot>, columns: &Columns) -> Lacking {
    let is_standard = there.is_some() || columns.is_standard(cell.id);
    let mut types = Types::standard(cell.value.column_type(columns.dialect().timestamps));
    types.is_standard = is_standard;
    types.has_inexact_int = cell.value.is_inexact();
    types.has_decimal = matches!(cell.value, Value::Float(_, raw) if decimal::plain(raw).is_some());
    let (id, name) = (Some(cell.id), columns.name(cell.id).to_owned());
    Lacking { id, name, types, is_there: there.is_some() }
}
