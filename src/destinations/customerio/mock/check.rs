//! What is wrong with an item, by <https://docs.customer.io/integrations/api/track/#tag/track_v2> and its limits.

use serde_json::{Map, Value, json};

use super::super::map::{
    MAX_ATTRIBUTES, MAX_EVENT_NAME_BYTES, MAX_ID_BYTES, MAX_ITEM_BYTES, MAX_NAME_BYTES, MAX_VALUE_BYTES,
};

/// A number of this size or more counts milliseconds.
const MILLISECONDS: i64 = 100_000_000_000;
const PERSON: &[&str] = &["id", "email", "cio_id"];
const ANYBODY: &[&str] = &["id", "email", "cio_id", "anonymous_id"];

/// Why an item is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    field: String,
    message: String,
}

impl Wrong {
    pub(super) fn new(field: impl Into<String>, message: impl Into<String>) -> Wrong {
        Wrong { field: field.into(), message: message.into() }
    }

    /// Returns the entry of a 207 for the item at this place.
    pub(super) fn at(&self, index: usize) -> Value {
        json!({ "batch_index": index, "reason": "invalid", "field": self.field, "message": self.message })
    }
}

/// Says what is wrong with an item, when something is.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn check(item: &Value) -> Result<(), Wrong> {
    let bytes = item.to_string().len();
    if bytes > MAX_ITEM_BYTES {
        return Err(Wrong::new("", format!("the item has {bytes} bytes, at most {MAX_ITEM_BYTES} are taken")));
    }
    match (text(item, "type")?, text(item, "action")?) {
        ("person", action) => person(item, action),
        ("object", action) => object(item, action),
        ("delivery", "event") => {
            one_of(text(item, "name")?, "name", &["opened", "converted", "delivered"])?;
            identified(item.get("identifiers"), "identifiers", &["id"])
        }
        (other, _) => Err(Wrong::new("type", format!("`{other}` is no type"))),
    }
}

fn person(item: &Value, action: &str) -> Result<(), Wrong> {
    match action {
        "merge" => {
            identified(item.get("primary"), "primary", PERSON)?;
            identified(item.get("secondary"), "secondary", PERSON)
        }
        "event" | "page" | "screen" | "viewed_content" | "clicked_content" => {
            identified(item.get("identifiers"), "identifiers", ANYBODY)?;
            happened(item)
        }
        "identify" => {
            identified(item.get("identifiers"), "identifiers", PERSON)?;
            attributes(item, MAX_ATTRIBUTES)?;
            relationships(item)
        }
        "add_device" | "delete_device" => {
            identified(item.get("identifiers"), "identifiers", PERSON)?;
            device(item, action)
        }
        "delete" | "suppress" | "unsuppress" => identified(item.get("identifiers"), "identifiers", PERSON),
        other => Err(Wrong::new("action", format!("`{other}` is no action of a person"))),
    }
}

fn object(item: &Value, action: &str) -> Result<(), Wrong> {
    object_identified(item.get("identifiers"), "identifiers")?;
    match action {
        "identify" | "identify_anonymous" => {
            attributes(item, MAX_ATTRIBUTES)?;
            relationships(item)
        }
        "delete" => Ok(()),
        "add_relationships" | "delete_relationships" if item.get("cio_relationships").is_some() => relationships(item),
        "add_relationships" | "delete_relationships" => Err(Wrong::new("cio_relationships", "must be set")),
        other => Err(Wrong::new("action", format!("`{other}` is no action of an object"))),
    }
}

fn text<'a>(item: &'a Value, name: &str) -> Result<&'a str, Wrong> {
    let found = item.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    found.ok_or_else(|| Wrong::new(name, "must be a text that is not blank"))
}

fn one_of(word: &str, field: &str, known: &[&str]) -> Result<(), Wrong> {
    if known.contains(&word) { Ok(()) } else { Err(Wrong::new(field, format!("`{word}` is none of {}", known.join(", ")))) }
}

/// Exactly one identifier of these.
fn identified(found: Option<&Value>, field: &str, known: &[&str]) -> Result<(), Wrong> {
    let members = found.and_then(Value::as_object).ok_or_else(|| Wrong::new(field, "must be an object"))?;
    let mut names = members.iter();
    match (names.next(), names.next()) {
        (Some((name, value)), None) => {
            one_of(name, field, known)?;
            short(value, &format!("{field}.{name}"))
        }
        _ => Err(Wrong::new(field, "must have exactly one identifier")),
    }
}

fn object_identified(found: Option<&Value>, field: &str) -> Result<(), Wrong> {
    let part = |name: &str| found.and_then(|found| found.get(name)).unwrap_or(&Value::Null);
    let kind = part("object_type_id");
    if kind.as_str().and_then(|kind| kind.parse::<u32>().ok()).is_none() {
        return Err(Wrong::new(format!("{field}.object_type_id"), "must be a number as a text"));
    }
    short(part("object_id"), &format!("{field}.object_id"))
}

fn short(value: &Value, field: &str) -> Result<(), Wrong> {
    match value.as_str() {
        Some(id) if !id.is_empty() && id.len() <= MAX_ID_BYTES => Ok(()),
        _ => Err(Wrong::new(field, format!("must be a text of 1 to {MAX_ID_BYTES} bytes"))),
    }
}

fn happened(item: &Value) -> Result<(), Wrong> {
    let name = text(item, "name")?;
    // A page is called by its address.
    let most = if text(item, "action")? == "page" { MAX_VALUE_BYTES } else { MAX_EVENT_NAME_BYTES };
    if name.len() > most {
        return Err(Wrong::new("name", format!("must have at most {most} bytes")));
    }
    match item.get("timestamp") {
        None => {}
        Some(at) => seconds(at, "timestamp")?,
    }
    match item.get("id").map(Value::as_str) {
        None => {}
        Some(Some(id)) if is_ulid(id) => {}
        Some(_) => return Err(Wrong::new("id", "must be a ULID")),
    }
    attributes(item, usize::MAX)
}

fn seconds(at: &Value, field: &str) -> Result<(), Wrong> {
    match at.as_i64() {
        Some(at) if at.abs() < MILLISECONDS => Ok(()),
        _ => Err(Wrong::new(field, "must be a whole number of seconds since 1970")),
    }
}

/// 26 digits of Crockford's base 32, and no more than 128 bits, <https://github.com/ulid/spec>.
fn is_ulid(id: &str) -> bool {
    let is_digit = |digit: u8| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&digit.to_ascii_uppercase());
    id.len() == 26 && id.bytes().all(is_digit) && id.as_bytes().first().is_some_and(|first| *first <= b'7')
}

fn device(item: &Value, action: &str) -> Result<(), Wrong> {
    let device = item.get("device").unwrap_or(&Value::Null);
    let part = |name: &str| device.get(name).and_then(Value::as_str).unwrap_or_default();
    if part("token").is_empty() {
        return Err(Wrong::new("device.token", "must be set"));
    }
    if action == "add_device" {
        one_of(part("platform"), "device.platform", &["ios", "android"])?;
        device.get("last_used").map_or(Ok(()), |at| seconds(at, "device.last_used"))?;
    }
    Ok(())
}

fn relationships(item: &Value) -> Result<(), Wrong> {
    let Some(list) = item.get("cio_relationships") else { return Ok(()) };
    let list = list.as_array().ok_or_else(|| Wrong::new("cio_relationships", "must be a list"))?;
    for (index, one) in list.iter().enumerate() {
        let field = format!("cio_relationships.{index}.identifiers");
        match text(item, "type")? {
            "object" => identified(one.get("identifiers"), &field, ANYBODY)?,
            _ => object_identified(one.get("identifiers"), &field)?,
        }
    }
    Ok(())
}

fn attributes(item: &Value, most: usize) -> Result<(), Wrong> {
    let Some(found) = item.get("attributes") else { return Ok(()) };
    let members = found.as_object().ok_or_else(|| Wrong::new("attributes", "must be an object"))?;
    if members.len() > most {
        return Err(Wrong::new("attributes", format!("must be at most {most}")));
    }
    if let Some(at) = members.get("_timestamp") {
        seconds(at, "attributes._timestamp")?;
    }
    short_members(members, "attributes")
}

fn short_members(members: &Map<String, Value>, field: &str) -> Result<(), Wrong> {
    for (name, value) in members {
        let field = format!("{field}.{name}");
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(Wrong::new(field, format!("the name must have 1 to {MAX_NAME_BYTES} bytes")));
        }
        short_value(value, &field)?;
    }
    Ok(())
}

fn short_value(value: &Value, field: &str) -> Result<(), Wrong> {
    match value {
        Value::String(text) if text.len() > MAX_VALUE_BYTES => {
            Err(Wrong::new(field, format!("must have at most {MAX_VALUE_BYTES} bytes")))
        }
        Value::Array(list) => list.iter().try_for_each(|value| short_value(value, field)),
        Value::Object(members) => short_members(members, field),
        _ => Ok(()),
    }
}
