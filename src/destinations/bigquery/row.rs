//! One row as the JSON text that goes over the wire, written once. Pure.
//!
//! Times are RFC 3339 in UTC with microseconds (a number would be read as seconds), integers that a JSON reader could round
//! are text, decimals are text. A JSON column takes a *string of JSON* from `insertAll`, but the value itself from a load
//! job, which would store the string.

use std::ops::Range;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::spec::Event;
use crate::warehouse::time::{Precision, write_rfc3339};
use crate::warehouse::value::{EXACT_IN_FLOAT, instant};
use crate::warehouse::{ColumnType, Fitted, LOADED_AT, Table, UNMAPPED, Value};

/// Most bytes of a row: <https://cloud.google.com/bigquery/quotas#streaming_inserts>.
pub(super) const MAX_ROW_BYTES: usize = 10_000_000;

/// Which way a row goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `tabledata.insertAll`.
    Insert,
    /// A load job.
    Load,
}

/// A table's columns as the keys of JSON objects.
#[derive(Debug)]
pub(super) struct Keys {
    /// In the order of the table's columns, each as `"name":`.
    keys: Vec<String>,
    unmapped: Option<(String, ColumnType)>,
    loaded_at: Option<String>,
}

impl Keys {
    /// Returns the keys of a table.
    pub(super) fn of(table: &Table) -> Keys {
        let key = |name: &str| format!("{}:", serde_json::Value::from(name));
        let find = |wanted: &str| table.columns.get(wanted).map(|kind| (key(wanted), *kind));
        let is_time = |(_, kind): &(String, ColumnType)| *kind == ColumnType::Timestamp;
        Keys {
            keys: table.columns.keys().map(|name| key(name)).collect(),
            unmapped: find(UNMAPPED),
            loaded_at: find(LOADED_AT).filter(is_time).map(|(key, _)| key),
        }
    }
}

/// The text of many rows, one after the other, each followed by a newline.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// All of it.
    pub(super) bytes: Vec<u8>,
    scratch: String,
    is_first: bool,
}

impl Text {
    /// Appends a row and returns where it is. `loaded_at` is when its event was first tried, so that a repeated request has
    /// the same bytes.
    pub(super) fn row(
        &mut self,
        keys: &Keys,
        (cells, unmapped): (&[Fitted<'_>], &str),
        (form, loaded_at): (Form, Timestamp),
    ) -> Range<usize> {
        let start = self.begin();
        for cell in cells {
            if let Some(key) = keys.keys.get(cell.index) {
                self.key(key);
                self.value(&cell.value, cell.column_type, form);
            }
        }
        if let Some((key, kind)) = keys.unmapped.as_ref().filter(|_| !unmapped.is_empty()) {
            self.key(key);
            self.json(unmapped, *kind, form);
        }
        if let Some(key) = &keys.loaded_at {
            self.key(key);
            self.time(loaded_at);
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

    /// Appends a key as it was made by [`Keys`].
    pub(super) fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.is_first) {
            self.bytes.push(b',');
        }
        self.bytes.extend_from_slice(key.as_bytes());
    }

    /// Ends a row and returns where it is, without the newline.
    pub(super) fn end(&mut self, start: usize) -> Range<usize> {
        self.bytes.push(b'}');
        let end = self.bytes.len();
        self.bytes.push(b'\n');
        start..end
    }

    /// Takes the last row away again.
    pub(super) fn undo(&mut self, row: &Range<usize>) {
        self.bytes.truncate(row.start);
    }

    /// Appends a string.
    pub(super) fn text(&mut self, text: &str) {
        let written = serde_json::to_writer(&mut self.bytes, text);
        debug_assert!(written.is_ok(), "a vector takes everything");
    }

    /// Appends JSON for a column that holds JSON, or text.
    pub(super) fn json(&mut self, json: &str, kind: ColumnType, form: Form) {
        match (kind, form) {
            (ColumnType::Json, Form::Load) => self.bytes.extend_from_slice(json.as_bytes()),
            _ => self.text(json),
        }
    }

    /// Appends an instant.
    pub(super) fn time(&mut self, at: Timestamp) {
        self.scratch.clear();
        write_rfc3339(&mut self.scratch, at, Precision::Micros);
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(self.scratch.as_bytes());
        self.bytes.push(b'"');
    }

    fn value(&mut self, value: &Value<'_>, kind: ColumnType, form: Form) {
        match (kind, value) {
            (ColumnType::Json, value) => {
                let mut json = String::new();
                value.write_json(&mut json);
                self.json(&json, kind, form);
            }
            (ColumnType::Timestamp, Value::Time(at, _)) => self.time(*at),
            (ColumnType::Timestamp, Value::Text(text)) => match instant(text) {
                Some(at) => self.time(at),
                None => self.text(text),
            },
            (ColumnType::Bool, Value::Bool(on)) => self.bare(if *on { "true" } else { "false" }),
            (ColumnType::Int, Value::Int(number)) if number.unsigned_abs() <= EXACT_IN_FLOAT => {
                self.bare(&number.to_string())
            }
            (ColumnType::Float, Value::Float(number, "")) => {
                self.bare(&serde_json::Value::from(*number).to_string())
            }
            (ColumnType::Float, Value::Float(_, raw)) => self.bare(raw),
            (_, Value::Text(text)) => self.text(text),
            (_, value) => {
                let mut text = String::new();
                value.write_text(&mut text);
                self.text(&text);
            }
        }
    }

    fn bare(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

/// Returns what an event is known by: a hash of its source and message id.
pub(super) fn event_mark(event: &Event) -> u128 {
    let mut hash = Sha256::new();
    hash.update(event.receipt.source.as_bytes());
    hash.update([0]);
    hash.update(event.head.message_id.as_bytes());
    first_half(&hash.finalize())
}

/// Returns what a row is known by, over there too: 32 characters, of at most 128.
pub(super) fn insert_id(event: u128, table: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(event.to_be_bytes());
    hash.update(table.as_bytes());
    format!("{:032x}", first_half(&hash.finalize()))
}

/// Returns the name of a load job of these rows: the same rows never become two jobs.
pub(super) fn job<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for id in ids {
        hash.update(id.as_bytes());
        hash.update([0]);
    }
    format!("{:032x}", first_half(&hash.finalize()))
}

fn first_half(digest: &[u8]) -> u128 {
    digest.iter().take(16).fold(0, |number, byte| (number << 8) | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn written(kind: ColumnType, value: Value<'_>, form: Form) -> String {
        let table = Table { columns: BTreeMap::from([("c".to_owned(), kind)]) };
        let cell = Fitted { index: 0, column_type: kind, value };
        let mut text = Text::default();
        let row = text.row(&Keys::of(&table), (&[cell], ""), (form, Timestamp::UNIX_EPOCH));
        String::from_utf8(text.bytes[row].to_vec()).unwrap()
    }

    #[test]
    fn every_type_is_written_as_google_reads_it() {
        let time = "2026-03-01T13:00:00.5+01:00";
        for (kind, value, wanted) in [
            (ColumnType::Bool, Value::Bool(true), r#"{"c":true}"#),
            (ColumnType::Int, Value::Int(-42), r#"{"c":-42}"#),
            (ColumnType::Int, Value::Int(9_007_199_254_740_993), r#"{"c":"9007199254740993"}"#),
            (ColumnType::Float, Value::Float(1.5, "1.50"), r#"{"c":1.50}"#),
            (ColumnType::Float, Value::Float(1e300, ""), r#"{"c":1e+300}"#),
            (ColumnType::Numeric, Value::Int(7), r#"{"c":"7"}"#),
            (ColumnType::Numeric, Value::Text("12.5".into()), r#"{"c":"12.5"}"#),
            (ColumnType::Timestamp, Value::Text(time.into()), r#"{"c":"2026-03-01T12:00:00.500000Z"}"#),
            (
                ColumnType::Timestamp,
                Value::Time(time.parse().unwrap(), Precision::Millis),
                r#"{"c":"2026-03-01T12:00:00.500000Z"}"#,
            ),
            (ColumnType::Text, Value::Text("a\"\n".into()), r#"{"c":"a\"\n"}"#),
            (ColumnType::Text, Value::Bool(true), r#"{"c":"true"}"#),
            (ColumnType::Text, Value::Json("[1,2]".into()), r#"{"c":"[1,2]"}"#),
            (ColumnType::Text, Value::Digits("1e400"), r#"{"c":"1e400"}"#),
            (ColumnType::Json, Value::Json("[1,2]".into()), r#"{"c":"[1,2]"}"#),
            (ColumnType::Json, Value::Text("x".into()), r#"{"c":"\"x\""}"#),
        ] {
            assert_eq!(written(kind, value.clone(), Form::Insert), wanted, "{value:?}");
        }
    }

    #[test]
    fn a_load_job_takes_json_itself_and_not_a_string_of_it() {
        assert_eq!(written(ColumnType::Json, Value::Json("[1,2]".into()), Form::Load), r#"{"c":[1,2]}"#);
        assert_eq!(written(ColumnType::Json, Value::Int(1), Form::Load), r#"{"c":1}"#);
        assert_eq!(written(ColumnType::Text, Value::Json("[1]".into()), Form::Load), r#"{"c":"[1]"}"#);
    }

    #[test]
    fn what_is_left_over_and_the_time_of_sending_come_last() {
        let columns = [
            (UNMAPPED.to_owned(), ColumnType::Json),
            (LOADED_AT.to_owned(), ColumnType::Timestamp),
            ("a".to_owned(), ColumnType::Int),
        ];
        let table = Table { columns: BTreeMap::from(columns) };
        let cell = Fitted { index: 1, column_type: ColumnType::Int, value: Value::Int(1) };
        let mut text = Text::default();
        let first = text.row(
            &Keys::of(&table),
            (std::slice::from_ref(&cell), r#"{"b":2}"#),
            (Form::Insert, Timestamp::UNIX_EPOCH),
        );
        let second = text.row(&Keys::of(&table), (&[cell], ""), (Form::Insert, Timestamp::UNIX_EPOCH));
        assert_eq!(
            std::str::from_utf8(&text.bytes).unwrap(),
            "{\"a\":1,\"_unmapped\":\"{\\\"b\\\":2}\",\"loaded_at\":\"1970-01-01T00:00:00.000000Z\"}\n\
             {\"a\":1,\"loaded_at\":\"1970-01-01T00:00:00.000000Z\"}\n"
        );
        text.undo(&second);
        assert_eq!(text.bytes.len(), first.end + 1);
    }

    #[test]
    fn a_row_has_an_id_of_its_own_in_every_table() {
        let (one, two) = (insert_id(1, "tracks"), insert_id(1, "one"));
        assert_ne!(one, two);
        assert_ne!(one, insert_id(2, "tracks"));
        assert_eq!((one.len(), insert_id(1, "tracks")), (32, one.clone()));
        assert_ne!(job([one.as_str(), &two].into_iter()), job([two.as_str(), &one].into_iter()));
    }
}
