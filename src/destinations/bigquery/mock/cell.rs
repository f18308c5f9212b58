//! One value for one column: what streaming and load jobs take, how they turn it, and how they refuse it. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::field::{Field, Kind, Mode};

/// How a row comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// `tabledata.insertAll`.
    Stream,
    /// A load job.
    Load,
}

/// Why a row is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bad {
    /// The column.
    pub(super) place: String,
    /// Google's words.
    pub(super) message: String,
    /// Google's word; nearly always this one.
    pub(super) reason: String,
}

impl Bad {
    /// Returns a reason.
    pub(super) fn new(place: &str, message: String) -> Bad {
        Bad { place: place.to_owned(), message, reason: "invalid".to_owned() }
    }
}

/// Returns a row as it is kept, without the columns that it leaves null. `visible` says which columns can be seen.
///
/// # Errors
/// The first thing that is wrong with it.
pub(super) fn row(
    fields: &[Field],
    cells: &Map<String, Value>,
    way: Way,
    ignore_unknown: bool,
    visible: &dyn Fn(&Field) -> bool,
) -> Result<Map<String, Value>, Bad> {
    let mut kept = Map::new();
    for (name, value) in cells {
        match fields.iter().find(|field| field.is(name)).filter(|field| visible(field)) {
            Some(field) => {
                let value = checked(field, value, way)?;
                if !value.is_null() {
                    kept.insert(field.name.clone(), value);
                }
            }
            None if ignore_unknown => {}
            None => return Err(Bad::new(name, no_such_field(name, way))),
        }
    }
    let missing = fields.iter().find(|field| field.mode == Mode::Required && !kept.contains_key(&field.name));
    match missing {
        Some(field) => Err(Bad::new(&field.name, format!("Missing required field: {}.", field.name))),
        None => Ok(kept),
    }
}

fn no_such_field(name: &str, way: Way) -> String {
    match way {
        Way::Stream => format!("no such field: {name}."),
        Way::Load => format!("No such field: {name}."),
    }
}

/// Returns the value as it is kept.
fn checked(field: &Field, value: &Value, way: Way) -> Result<Value, Bad> {
    match (field.mode, value) {
        (Mode::Repeated, Value::Null) => Ok(Value::Null),
        (Mode::Repeated, Value::Array(items)) => items.iter().map(|item| one(field, item, way)).collect(),
        (Mode::Repeated, _) => {
            let message = format!("Repeated field must be imported as a JSON array. Field: {}.", field.name);
            Err(Bad::new(&field.name, message))
        }
        (_, Value::Null) => Ok(Value::Null),
        (_, Value::Array(_)) if field.kind != Kind::Json || way == Way::Stream => {
            let message = format!("Array specified for non-repeated field: {}.", field.name);
            Err(Bad::new(&field.name, message))
        }
        (_, value) => one(field, value, way),
    }
}

fn one(field: &Field, value: &Value, way: Way) -> Result<Value, Bad> {
    if field.kind == Kind::Record {
        let members = value.as_object().ok_or_else(|| not_a_record(field))?;
        return row(&field.fields, members, way, false, &|_| true).map(Value::Object);
    }
    if field.kind == Kind::Json && way == Way::Load {
        return Ok(value.clone());
    }
    if value.is_object() {
        return Err(not_a_record(field));
    }
    scalar(field.kind, value).map_err(|message| Bad::new(&field.name, message))
}

fn not_a_record(field: &Field) -> Bad {
    Bad::new(&field.name, format!("This field: {} is not a record.", field.name))
}

fn scalar(kind: Kind, value: &Value) -> Result<Value, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match kind {
        Kind::String if value.is_boolean() => {
            Err("Conversion from bool to string is unsupported.".to_owned())
        }
        Kind::Integer => integer(value, &text),
        Kind::Float => float(value, &text),
        Kind::Numeric | Kind::BigNumeric => numeric(kind, value, &text),
        Kind::Boolean => boolean(value, &text),
        Kind::Timestamp => timestamp(value, &text),
        Kind::Date => civil(text.parse::<Date>().is_ok(), text, "date"),
        Kind::Time => civil(text.parse::<Time>().is_ok(), text, "time"),
        Kind::Datetime => {
            let known = text.replacen(' ', "T", 1).parse::<DateTime>().is_ok();
            civil(known, text, "datetime")
        }
        Kind::Bytes => match STANDARD.decode(&text) {
            Ok(_) => Ok(text.into()),
            Err(_) => Err("Could not decode base64 string to bytes.".to_owned()),
        },
        Kind::Json => json(value),
        Kind::String | Kind::Geography | Kind::Interval | Kind::Range | Kind::Record => Ok(text.into()),
    }
}

fn integer(value: &Value, text: &str) -> Result<Value, String> {
    let refused = || format!("Cannot convert value to integer (bad value): {text}");
    if value.is_boolean() {
        return Err(refused());
    }
    if let Ok(whole) = text.trim().parse::<i64>() {
        return Ok(whole.into());
    }
    let number: f64 = text.trim().parse().map_err(|_| refused())?;
    // The bounds are exact: 2^63 is a double, and the largest integer is not.
    let fits = number.fract() == 0.0
        && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    if fits {
        Ok(Value::from(format!("{number:.0}").parse::<i64>().map_err(|_| refused())?))
    } else {
        Err(refused())
    }
}

fn float(value: &Value, text: &str) -> Result<Value, String> {
    let refused = || format!("Cannot convert value to floating point (bad value): {text}");
    if value.is_boolean() {
        return Err(refused());
    }
    let number: f64 = text.trim().parse().map_err(|_| refused())?;
    // JSON has no word for an infinity.
    Ok(serde_json::Number::from_f64(number).map_or_else(|| text.into(), Value::Number))
}

/// NUMERIC has 29 digits before the point and 9 after it; BIGNUMERIC 38 and 38.
fn numeric(kind: Kind, value: &Value, text: &str) -> Result<Value, String> {
    let refused = || format!("Invalid {} value: {text}", kind.sql());
    let (most_before, most_after) = if kind == Kind::Numeric { (29, 9) } else { (38, 38) };
    if value.is_boolean() || text.trim().parse::<f64>().map_or(true, |number| !number.is_finite()) {
        return Err(refused());
    }
    let plain = text.trim().trim_start_matches(['-', '+']);
    let (before, after) = plain.split_once('.').unwrap_or((plain, ""));
    let fits = before.len() <= most_before && (value.is_number() || after.len() <= most_after);
    if fits { Ok(text.into()) } else { Err(refused()) }
}

fn boolean(value: &Value, text: &str) -> Result<Value, String> {
    match (value, text.to_ascii_lowercase().as_str()) {
        (Value::Bool(_), _) => Ok(value.clone()),
        (Value::String(_), "true" | "t" | "yes" | "y" | "1") => Ok(true.into()),
        (Value::String(_), "false" | "f" | "no" | "n" | "0") => Ok(false.into()),
        _ => Err(format!("Cannot convert value to boolean (bad value): {text}")),
    }
}

/// A text, or seconds since 1970 as a number.
fn timestamp(value: &Value, text: &str) -> Result<Value, String> {
    let refused = || {
        format!("Could not parse '{text}' as a timestamp. Required format is YYYY-MM-DD HH:MM[:SS[.SSSSSS]]")
    };
    if value.is_boolean() {
        return Err(refused());
    }
    if let Ok(seconds) = text.trim().parse::<f64>() {
        let micros = (seconds * 1e6).round();
        let range = -62_135_596_800.0..253_402_300_800.0;
        let whole = format!("{micros:.0}").parse::<i64>().ok().filter(|_| range.contains(&seconds));
        let at = whole.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        return at.map(instant).ok_or_else(|| format!("Timestamp value is out of allowed range: {text}"));
    }
    parse_timestamp(text).map(instant).ok_or_else(refused)
}

/// `2026-01-02T03:04:05Z`, `2026-01-02 03:04:05.5 UTC`, `2026-01-02 03:04`, `2026-01-02`, with an offset or without.
fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let bare = text.strip_suffix("UTC").map_or(text, str::trim_end);
    let local = DateTimeParser::new().parse_datetime(bare).ok()?;
    // A date alone counts as its first moment.
    local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Microseconds, as BigQuery keeps them.
fn instant(at: Timestamp) -> Value {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string().into()
}

fn civil(known: bool, text: String, kind: &str) -> Result<Value, String> {
    if known { Ok(text.into()) } else { Err(format!("Invalid {kind}: '{text}'")) }
}

/// Streaming wants text that holds JSON.
fn json(value: &Value) -> Result<Value, String> {
    match value {
        Value::String(text) => {
            serde_json::from_str(text).map_err(|error| format!("Failed to parse JSON: {error}; in '{text}'"))
        }
        other => Ok(other.clone()),
    }
}
