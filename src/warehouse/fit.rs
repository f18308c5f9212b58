//! What goes into which column of a table that exists, and what is kept in `_unmapped`. Never loses a value.
//!
//! A cast happens only when printing its result gives the input again; anything else keeps its original JSON beside
//! the row.

use std::collections::BTreeMap;

use super::UNMAPPED;
use super::columns::Columns;
use super::decimal;
use super::flatten::Leaf;
use super::layout::TableView;
use super::rows::RowDraft;
use super::schema::ColumnType;
use super::value::{EXACT_IN_FLOAT, Value, is_instant, write_json_string};

/// One value at its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted<'a> {
    /// The place of the column in the order of the table's columns.
    pub index: usize,
    /// What the column holds.
    pub column_type: ColumnType,
    /// The value: of exactly the column's type; anything when the column holds text or JSON; for a decimal number an
    /// integer, or a text of plain digits.
    pub value: Value<'a>,
}

/// One row as it will be written.
#[derive(Debug, Default)]
pub struct Fit<'a> {
    /// Values for columns, without `_unmapped`.
    pub cells: Vec<Fitted<'a>>,
    /// The place of `_unmapped`, when there is something for it.
    pub unmapped_index: Option<usize>,
    /// The JSON object for `_unmapped`; empty when there is nothing for it.
    pub unmapped: String,
    /// Columns whose type does not take their value.
    pub conflicts: Vec<Clash>,
}

/// A column whose type does not take its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The column.
    pub column: String,
    /// What it takes.
    pub have: ColumnType,
    /// What came.
    pub got: ColumnType,
}

/// Puts a row's values into the columns of its table; `more` are values that another row of the event had no table for.
/// The columns `withheld` get none: their values are kept in `_unmapped`.
pub fn fit<'a>(
    draft: RowDraft<'a>,
    more: Vec<Leaf<'a>>,
    view: &mut TableView,
    (columns, withheld): (&Columns, &[String]),
) -> Fit<'a> {
    let mut fit = Fit { cells: Vec::with_capacity(draft.cells.len()), ..Fit::default() };
    let mut kept = Kept::default();
    for Leaf { id, value } in draft.cells {
        match view.slot(id, columns) {
            None => kept.add(columns.dotted(id), &value),
            Some(_) if withheld.iter().any(|name| name == columns.name(id)) => {
                kept.add(columns.name(id), &value)
            }
            Some(slot) => match cast(value, slot.column_type) {
                Ok(value) => {
                    fit.cells.push(Fitted { index: slot.index, column_type: slot.column_type, value })
                }
                Err(value) => {
                    let column = columns.name(id).to_owned();
                    kept.add(&column, &value);
                    let got = value.column_type(columns.dialect().timestamps);
                    fit.conflicts.push(Clash { column, have: slot.column_type, got });
                }
            },
        }
    }
    let mut losers: Vec<Leaf<'a>> = draft.unmapped.into_iter().chain(more).collect();
    losers.sort_by(|one, other| columns.precedence(one.id).cmp(&columns.precedence(other.id)));
    losers.iter().for_each(|leaf| kept.add(columns.dotted(leaf.id), &leaf.value));
    if !kept.0.is_empty() {
        fit.unmapped_index = view.named(UNMAPPED).map(|slot| slot.index);
        fit.unmapped = kept.into_json();
    }
    fit
}

/// Returns whether a column of this type takes the value without loss.
pub fn casts(value: &Value<'_>, to: ColumnType) -> bool {
    match (to, value) {
        (ColumnType::Text | ColumnType::Json, _)
        | (ColumnType::Numeric, Value::Int(_))
        | (ColumnType::Bool, Value::Bool(_))
        | (ColumnType::Int, Value::Int(_))
        | (ColumnType::Float, Value::Float(..))
        | (ColumnType::Timestamp, Value::Time(..)) => true,
        (ColumnType::Bool, Value::Text(text)) => matches!(&**text, "true" | "false"),
        (ColumnType::Int, Value::Float(number, _)) => whole(*number).is_some(),
        (ColumnType::Int, Value::Text(text)) => printed_int(text).is_some(),
        (ColumnType::Float, Value::Int(number)) => number.unsigned_abs() <= EXACT_IN_FLOAT,
        (ColumnType::Float, Value::Text(text)) => printed_float(text).is_some(),
        (ColumnType::Timestamp, Value::Text(text)) => is_instant(text),
        (ColumnType::Numeric, Value::Float(_, raw) | Value::Digits(raw)) => decimal::plain(raw).is_some(),
        (ColumnType::Numeric, Value::Text(text)) => decimal::plain(text).is_some_and(|plain| plain == **text),
        _ => false,
    }
}

/// Casts a value, or gives it back.
fn cast(value: Value<'_>, to: ColumnType) -> Result<Value<'_>, Value<'_>> {
    if !casts(&value, to) {
        return Err(value);
    }
    Ok(match (to, &value) {
        (ColumnType::Bool, Value::Text(text)) => Value::Bool(&**text == "true"),
        (ColumnType::Int, Value::Float(number, _)) => whole(*number).map_or(value, Value::Int),
        (ColumnType::Int, Value::Text(text)) => printed_int(text).map_or(value, Value::Int),
        // Exact up to 2^53, which `casts` has checked.
        (ColumnType::Float, Value::Int(number)) => Value::Float(*number as f64, ""),
        (ColumnType::Float, Value::Text(text)) => {
            printed_float(text).map_or(value, |it| Value::Float(it, ""))
        }
        (ColumnType::Numeric, Value::Float(_, raw) | Value::Digits(raw)) => {
            decimal::plain(raw).map_or(value, |plain| Value::Text(plain.into()))
        }
        _ => value,
    })
}

fn whole(number: f64) -> Option<i64> {
    let is_whole = number.fract() == 0.0 && number.abs() <= EXACT_IN_FLOAT as f64;
    let is_negative_zero = number == 0.0 && number.is_sign_negative();
    (is_whole && !is_negative_zero).then_some(number as i64)
}

fn printed_int(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}

fn printed_float(text: &str) -> Option<f64> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
    (number.to_string() == text).then_some(number)
}

/// What goes to `_unmapped`, by key.
#[derive(Debug, Default)]
struct Kept(BTreeMap<String, String>);

impl Kept {
    fn add(&mut self, key: &str, value: &Value<'_>) {
        let mut json = String::new();
        value.write_json(&mut json);
        let mut key = key.to_owned();
        // `{"a.b": 1, "a": {"b": 2}}` has two paths of one spelling.
        while self.0.contains_key(&key) {
            key.push('~');
        }
        self.0.insert(key, json);
    }

    fn into_json(self) -> String {
        let mut out = String::from("{");
        for (key, json) in self.0 {
            if out.len() > 1 {
                out.push(',');
            }
            write_json_string(&mut out, &key);
            out.push(':');
            out.push_str(&json);
        }
        out.push('}');
        out
    }
}
