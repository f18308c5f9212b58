//! One column of many rows as PostgreSQL reads it: a binary array, written once and copied to the wire.
//!
//! The format is that of `array_recv` and of each type's own `recv` function. Values are written here and nowhere else, so
//! that a row costs no allocation. Pure; knows no table.

use std::error::Error;
use std::fmt;

use bytes::{BufMut as _, BytesMut};
use jiff::Timestamp;
use serde_json::Value as Json;
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};

use super::json;
use crate::warehouse::time::Precision;
use crate::warehouse::value::instant;
use crate::warehouse::{ColumnType, Value};

/// 2000-01-01T00:00:00Z, from which PostgreSQL counts microseconds, in Unix seconds.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// The length that stands for NULL.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// What `jsonb` begins with on the wire: the version of its format.
const JSONB_VERSION: u8 = 1;

/// The values of one column, row after row.
#[derive(Clone)]
pub(super) struct Array {
    kind: ColumnType,
    rows: usize,
    data: Vec<u8>,
}

impl Array {
    /// Returns a column without rows.
    pub(super) fn new(kind: ColumnType) -> Array {
        Array { kind, rows: 0, data: Vec::new() }
    }

    /// Returns the type of the column.
    pub(super) fn kind(&self) -> ColumnType {
        self.kind
    }

    /// Adds NULLs until there are so many rows.
    pub(super) fn fill(&mut self, rows: usize) {
        while self.rows < rows {
            self.data.extend_from_slice(&NULL);
            self.rows += 1;
        }
    }

    /// Adds a value as the next row. Returns whether it lost characters that PostgreSQL cannot hold.
    pub(super) fn push(&mut self, value: &Value<'_>) -> bool {
        let start = self.data.len();
        self.data.extend_from_slice(&NULL);
        let is_cut = write(value, self.kind, &mut self.data);
        self.end(start);
        is_cut
    }

    /// Adds a value that [`write()`] has written as the next row.
    pub(super) fn push_written(&mut self, value: &[u8]) {
        let start = self.data.len();
        self.data.extend_from_slice(&NULL);
        self.data.extend_from_slice(value);
        self.end(start);
    }

    /// Puts the length before the value that begins there.
    fn end(&mut self, start: usize) {
        let length = i32::try_from(self.data.len() - start - NULL.len()).unwrap_or(i32::MAX);
        if let Some(place) = self.data.get_mut(start..start + NULL.len()) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        self.rows += 1;
    }

    /// Iterates over the rows as JSON, NULL as `None`.
    pub(super) fn values(&self) -> impl Iterator<Item = Option<Json>> {
        let (kind, mut rest) = (self.kind, self.data.as_slice());
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let length = i32::from_be_bytes(*length);
            let (value, after) = after.split_at_checked(usize::try_from(length).unwrap_or_default())?;
            rest = after;
            Some((length >= 0).then(|| read(value, kind)))
        })
    }
}

/// A column may hold anything that people are.
impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Array").field("kind", &self.kind).field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl ToSql for Array {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Kind::Array(element) = ty.kind() else { return Err("not a parameter for a column".into()) };
        out.reserve(self.data.len() + 20);
        let dimensions = 1;
        let has_nulls = 1;
        out.put_i32(dimensions);
        out.put_i32(has_nulls);
        out.put_u32(element.oid());
        out.put_i32(i32::try_from(self.rows)?);
        let first_index = 1;
        out.put_i32(first_index);
        out.put_slice(&self.data);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(ty.kind(), Kind::Array(_))
    }

    to_sql_checked!();
}

/// Appends a value that was fitted to a column of this type. Returns whether it lost characters.
pub(super) fn write(value: &Value<'_>, kind: ColumnType, out: &mut Vec<u8>) -> bool {
    match (kind, value) {
        (ColumnType::Bool, Value::Bool(on)) => out.push(u8::from(*on)),
        (ColumnType::Int, Value::Int(number)) => out.extend_from_slice(&number.to_be_bytes()),
        (ColumnType::Float, Value::Float(number, _)) => out.extend_from_slice(&number.to_be_bytes()),
        (ColumnType::Timestamp, value) => out.extend_from_slice(&micros(value).to_be_bytes()),
        (ColumnType::Json, value) => return write_json(value, out),
        (_, value) => return write_text(value, out),
    }
    false
}

/// Microseconds since 2000; what is written in milliseconds elsewhere is cut to them.
fn micros(value: &Value<'_>) -> i64 {
    let (at, precision) = match value {
        Value::Time(at, precision) => (*at, *precision),
        Value::Text(text) => (instant(text).unwrap_or_default(), Precision::Micros),
        _ => (Timestamp::UNIX_EPOCH, Precision::Micros),
    };
    let nanos = at.as_nanosecond();
    let micros = match precision {
        Precision::Millis => nanos.div_euclid(1_000_000) * 1_000,
        Precision::Micros => nanos.div_euclid(1_000),
    };
    i64::try_from(micros).unwrap_or(i64::MAX).saturating_sub(EPOCH_MICROS)
}

fn write_json(value: &Value<'_>, out: &mut Vec<u8>) -> bool {
    let mut text = String::new();
    value.write_json(&mut text);
    out.push(JSONB_VERSION);
    push_json(&text, out)
}

/// Appends a JSON text as `jsonb`. Returns whether it lost characters.
pub(super) fn write_unmapped(text: &str, kind: ColumnType, out: &mut Vec<u8>) -> bool {
    match kind {
        ColumnType::Json => {
            out.push(JSONB_VERSION);
            push_json(text, out)
        }
        _ => push_text(text, out),
    }
}

fn push_json(text: &str, out: &mut Vec<u8>) -> bool {
    let storable = json::storable(text);
    out.extend_from_slice(storable.as_bytes());
    matches!(storable, std::borrow::Cow::Owned(_))
}

fn write_text(value: &Value<'_>, out: &mut Vec<u8>) -> bool {
    match value {
        Value::Text(text) | Value::Json(text) => push_text(text, out),
        other => {
            let mut text = String::new();
            other.write_text(&mut text);
            push_text(&text, out)
        }
    }
}

/// No text of PostgreSQL holds a NUL.
fn push_text(text: &str, out: &mut Vec<u8>) -> bool {
    let has_nul = memchr::memchr(0, text.as_bytes()).is_some();
    match has_nul {
        true => out.extend(text.bytes().filter(|byte| *byte != 0)),
        false => out.extend_from_slice(text.as_bytes()),
    }
    has_nul
}

fn read(bytes: &[u8], kind: ColumnType) -> Json {
    let number = || bytes.first_chunk::<8>().copied().unwrap_or_default();
    match kind {
        ColumnType::Bool => Json::from(bytes == [1]),
        ColumnType::Int => Json::from(i64::from_be_bytes(number())),
        ColumnType::Float => Json::from(f64::from_be_bytes(number())),
        ColumnType::Timestamp => {
            let micros = i64::from_be_bytes(number()).saturating_add(EPOCH_MICROS);
            Json::from(Timestamp::from_microsecond(micros).unwrap_or_default().to_string())
        }
        ColumnType::Json => serde_json::from_slice(bytes.get(1..).unwrap_or_default()).unwrap_or_default(),
        ColumnType::Numeric | ColumnType::Text | ColumnType::Other => {
            Json::from(String::from_utf8_lossy(bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn column(kind: ColumnType, values: &[Option<Value<'_>>]) -> Array {
        let mut array = Array::new(kind);
        for (row, value) in values.iter().enumerate() {
            match value {
                Some(value) => drop(array.push(value)),
                None => array.fill(row + 1),
            }
        }
        array
    }

    #[test]
    fn values_are_read_back_as_they_were_written() {
        let at: Timestamp = "1969-12-31T23:59:59.123456789Z".parse().unwrap();
        let text = |text: &'static str| Value::Text(text.into());
        let cases = [
            (ColumnType::Bool, Value::Bool(true), json!(true)),
            (ColumnType::Int, Value::Int(i64::MIN), json!(i64::MIN)),
            (ColumnType::Float, Value::Float(-0.0, "-0"), json!(-0.0)),
            (ColumnType::Timestamp, Value::Time(at, Precision::Millis), json!("1969-12-31T23:59:59.123Z")),
            (ColumnType::Timestamp, Value::Time(at, Precision::Micros), json!("1969-12-31T23:59:59.123456Z")),
            (ColumnType::Timestamp, text("2026-03-01T12:00:00+02:00"), json!("2026-03-01T10:00:00Z")),
            (ColumnType::Numeric, text("1.50"), json!("1.50")),
            (ColumnType::Text, Value::Int(7), json!("7")),
            (ColumnType::Json, text("a\u{0}b"), json!("ab")),
            (ColumnType::Text, text("a\u{0}b"), json!("ab")),
        ];
        for (kind, value, wanted) in cases {
            let array = column(kind, &[None, Some(value), None]);
            assert_eq!(array.values().collect::<Vec<_>>(), [None, Some(wanted), None], "{kind:?}");
        }
    }

    #[test]
    fn losing_a_character_is_told() {
        let mut array = Array::new(ColumnType::Text);
        assert!(array.push(&Value::Text("a\u{0}".into())));
        assert!(!array.push(&Value::Text("a".into())));
    }

    #[test]
    fn an_array_goes_over_the_wire_as_array_recv_reads_it() {
        let array = column(ColumnType::Text, &[Some(Value::Text("é".into())), None]);
        let mut out = BytesMut::new();
        array.to_sql(&Type::TEXT_ARRAY, &mut out).unwrap();
        let wanted = [
            0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 25, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0xc3, 0xa9, 0xff, 0xff, 0xff, 0xff,
        ];
        assert_eq!(&out[..], wanted);
        assert!(array.to_sql(&Type::TEXT, &mut out).is_err());
    }
}
