//! Rows as answers write them: a list of cells, every value a text.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::field::{Field, Kind, Mode};

/// Returns one row.
pub(super) fn row(fields: &[Field], cells: &Map<String, Value>) -> Value {
    let cells: Vec<Value> = fields.iter().map(|field| json!({ "v": value(field, cells) })).collect();
    json!({ "f": cells })
}

fn value(field: &Field, cells: &Map<String, Value>) -> Value {
    match cells.get(&field.name) {
        None | Some(Value::Null) if field.mode == Mode::Repeated => json!([]),
        None | Some(Value::Null) => Value::Null,
        Some(Value::Array(items)) if field.mode == Mode::Repeated => {
            items.iter().map(|item| json!({ "v": text(field.kind, item) })).collect()
        }
        Some(Value::Object(members)) if field.kind == Kind::Record => row(&field.fields, members),
        Some(value) => text(field.kind, value),
    }
}

fn text(kind: Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Json, value) => value.to_string().into(),
        (Kind::Timestamp, Value::String(text)) => match text.parse::<Timestamp>() {
            Ok(at) => format!("{}.{:06}", at.as_second(), at.subsec_microsecond()).into(),
            Err(_) => value.clone(),
        },
        (_, Value::String(_)) => value.clone(),
        (_, other) => other.to_string().into(),
    }
}
