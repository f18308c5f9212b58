//! One row as a line of JSONEachRow, written once. Pure.
//!
//! Times are RFC 3339 in UTC with microseconds, read as such by `date_time_input_format = best_effort`; decimals are text.

use std::ops::Range;

use jiff::Timestamp;

use crate::warehouse::time::{Precision, write_rfc3339};
use crate::warehouse::value::instant;
use crate::warehouse::{ColumnType, Fitted, Table, UNMAPPED, Value};

/// The instants that every version from 22.8 holds in a DateTime64, in seconds: 1925-01-01 to 2283-11-11. What is outside would
/// be moved without a word. <https://clickhouse.com/docs/sql-reference/data-types/datetime64>
const HELD: Range<i64> = -1_420_070_400..9_904_464_000;

/// Returns whether a column of instants holds this one.
pub(super) fn is_held(at: Timestamp) -> bool {
    HELD.contains(&at.as_second())
}

/// Returns the instant, or the nearest that a column holds.
pub(super) fn nearest(at: Timestamp) -> Timestamp {
    let second = at.as_second().clamp(HELD.start, HELD.end - 1);
    if second == at.as_second() { at } else { Timestamp::from_second(second).unwrap_or(at) }
}

/// Returns the instant that a value of a column of instants is.
pub(super) fn instant_of(value: &Value<'_>) -> Option<Timestamp> {
    match value {
        Value::Time(at, _) => Some(*at),
        Value::Text(text) => instant(text),
        _ => None,
    }
}

/// A table's columns as the keys of JSON objects.
#[derive(Debug)]
pub(super) struct Keys {
    /// In the order of the table's columns, each as `"name":`.
    keys: Vec<String>,
    unmapped: Option<usize>,
    /// Which columns a row had a value for.
    used: Vec<bool>,
}

impl Keys {
    /// Returns the keys of a table.
    pub(super) fn of(table: &Table) -> Keys {
        let key = |name: &String| format!("{}:", serde_json::Value::from(name.as_str()));
        let keys: Vec<String> = table.columns.keys().map(key).collect();
        let unmapped = table.columns.keys().position(|name| name == UNMAPPED);
        Keys { used: vec![false; keys.len()], keys, unmapped }
    }

    /// Returns whether there is a place for what has no column.
    pub(super) fn has_unmapped(&self) -> bool {
        self.unmapped.is_some()
    }

    /// Returns the names of the columns that a row had a value for.
    pub(super) fn used<'a>(&self, table: &'a Table) -> Vec<&'a str> {
        let named = table.columns.keys().zip(&self.used);
        named.filter(|(_, used)| **used).map(|(name, _)| name.as_str()).collect()
    }

    fn take(&mut self, index: usize) -> Option<&str> {
        self.used.get_mut(index).into_iter().for_each(|used| *used = true);
        self.keys.get(index).map(String::as_str)
    }
}

/// The text of many rows, one after the other, each followed by a line break.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// All of it.
    pub(super) bytes: Vec<u8>,
    scratch: String,
    is_first: bool,
}

impl Lines {
    /// Appends a row and returns where it is, its line break included.
    pub(super) fn row(&mut self, keys: &mut Keys, cells: &[Fitted<'_>], unmapped: &str) -> Range<usize> {
        let start = self.begin();
        for cell in cells {
            if let Some(key) = keys.take(cell.index) {
                self.key(key);
                self.value(&cell.value, cell.column_type);
            }
        }
        if let Some(key) = keys.unmapped.filter(|_| !unmapped.is_empty()).and_then(|index| keys.take(index)) {
            self.key(key);
            self.text(unmapped);
        }
        self.end(start)
    }

    /// Begins a row.
    pub(super) fn begin(&mut self) -> usize {
        let start = self.bytes.len();
        self.bytes.push(b'{');
        self.is_first = true;
        start
    }

    /// Appends a key, written as `"name":`.
    pub(super) fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.is_first) {
            self.bytes.push(b',');
        }
        self.bare(key);
    }

    /// Ends a row and returns where it is, its line break included.
    pub(super) fn end(&mut self, start: usize) -> Range<usize> {
        self.bytes.extend_from_slice(b"}\n");
        start..self.bytes.len()
    }

    /// Appends a string.
    pub(super) fn text(&mut self, text: &str) {
        let written = serde_json::to_writer(&mut self.bytes, text);
        debug_assert!(written.is_ok(), "a vector takes everything");
    }

    /// Appends an instant.
    pub(super) fn time(&mut self, at: Timestamp, precision: Precision) {
        self.scratch.clear();
        write_rfc3339(&mut self.scratch, at, precision);
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(self.scratch.as_bytes());
        self.bytes.push(b'"');
    }

    /// Appends what needs no quotes.
    pub(super) fn bare(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn value(&mut self, value: &Value<'_>, kind: ColumnType) {
        match (kind, value) {
            (ColumnType::Timestamp, value) => match instant_of(value) {
                Some(at) => self.time(nearest(at), Precision::Micros),
                None => self.bare("null"),
            },
            (ColumnType::Bool, Value::Bool(on)) => self.bare(if *on { "true" } else { "false" }),
            (ColumnType::Int, Value::Int(number)) => self.bare(&number.to_string()),
            (ColumnType::Float, Value::Float(number, "")) => {
                self.bare(&serde_json::Value::from(*number).to_string())
            }
            (ColumnType::Float, Value::Float(_, raw)) => self.bare(raw),
            (_, Value::Text(text) | Value::Json(text)) => self.text(text),
            (_, value) => {
                let mut text = String::new();
                value.write_text(&mut text);
                self.text(&text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn written(kind: ColumnType, value: Value<'_>) -> String {
        let table = Table { columns: BTreeMap::from([("c".to_owned(), kind)]) };
        let mut lines = Lines::default();
        lines.row(&mut Keys::of(&table), &[Fitted { index: 0, column_type: kind, value }], "");
        String::from_utf8(lines.bytes).unwrap()
    }

    #[test]
    fn every_type_is_written_as_clickhouse_reads_it() {
        let time = "2026-03-01T13:00:00.5+01:00";
        for (kind, value, wanted) in [
            (ColumnType::Bool, Value::Bool(true), "{\"c\":true}\n"),
            (ColumnType::Int, Value::Int(9_007_199_254_740_993), "{\"c\":9007199254740993}\n"),
            (ColumnType::Float, Value::Float(1.5, "1.50"), "{\"c\":1.50}\n"),
            (ColumnType::Float, Value::Float(1e300, ""), "{\"c\":1e+300}\n"),
            (ColumnType::Numeric, Value::Text("12.5".into()), "{\"c\":\"12.5\"}\n"),
            (ColumnType::Numeric, Value::Int(7), "{\"c\":\"7\"}\n"),
            (ColumnType::Timestamp, Value::Text(time.into()), "{\"c\":\"2026-03-01T12:00:00.500000Z\"}\n"),
            (ColumnType::Text, Value::Text("a\"\n".into()), "{\"c\":\"a\\\"\\n\"}\n"),
            (ColumnType::Text, Value::Json("[1,2]".into()), "{\"c\":\"[1,2]\"}\n"),
            (ColumnType::Text, Value::Bool(true), "{\"c\":\"true\"}\n"),
            (ColumnType::Text, Value::Digits("1e400"), "{\"c\":\"1e400\"}\n"),
        ] {
            assert_eq!(written(kind, value.clone()), wanted, "{value:?}");
        }
    }

    #[test]
    fn times_at_the_edges_are_held_and_others_are_not() {
        for (text, held) in [
            ("1924-12-31T23:59:59Z", false),
            ("1925-01-01T00:00:00Z", true),
            ("2283-11-10T23:59:59Z", true),
            ("2283-11-12T00:00:00Z", false),
            ("2999-12-31T00:00:00Z", false),
        ] {
            let at: Timestamp = text.parse().unwrap();
            assert_eq!((is_held(at), nearest(at) == at), (held, held), "{text}");
            assert!(is_held(nearest(at)), "{text}");
        }
    }

    #[test]
    fn what_is_left_over_comes_last_and_unused_columns_are_not_named() {
        let columns = [(UNMAPPED, ColumnType::Text), ("a", ColumnType::Int), ("b", ColumnType::Int)];
        let table = Table { columns: columns.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect() };
        let (mut keys, mut lines) = (Keys::of(&table), Lines::default());
        let cell = Fitted { index: 1, column_type: ColumnType::Int, value: Value::Int(1) };
        lines.row(&mut keys, &[cell], "");
        assert_eq!(keys.used(&table), ["a"]);
        lines.row(&mut keys, &[], r#"{"x":1}"#);
        assert_eq!(keys.used(&table), [UNMAPPED, "a"]);
        assert_eq!(String::from_utf8(lines.bytes).unwrap(), "{\"a\":1}\n{\"_unmapped\":\"{\\\"x\\\":1}\"}\n");
    }
}
