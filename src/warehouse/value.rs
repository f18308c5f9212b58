//! One scalar of an event as it will be stored, borrowed from the event's text wherever that is possible.
//!
//! Numbers keep their digits as sent: an integer beyond 64 bits or a float beyond `f64` is not rounded but stays text.

use std::borrow::Cow;

use jiff::Timestamp;

use super::schema::ColumnType;
use super::time::{Precision, write_rfc3339};

/// The largest integer up to which every integer has an exact float.
pub const EXACT_IN_FLOAT: u64 = 1 << 53;

/// 0001-01-01T00:00:00Z in seconds, before which warehouses have no instants.
const YEAR_ONE: i64 = -62_135_596_800;

/// One value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// A finite number with a fraction or an exponent, and its digits as sent.
    Float(f64, &'a str),
    /// A number that no 64-bit type holds exactly: its digits as sent.
    Digits(&'a str),
    /// A string.
    Text(Cow<'a, str>),
    /// A list, or an object nested too deeply: compact JSON text.
    Json(Cow<'a, str>),
    /// An instant of a standard column.
    Time(Timestamp, Precision),
}

impl<'a> Value<'a> {
    /// Reads a JSON text that is not an object; `None` for `null` and for an empty object.
    pub fn from_json(raw: &'a str) -> Option<Value<'a>> {
        match raw.as_bytes().first()? {
            b'n' => None,
            b't' => Some(Value::Bool(true)),
            b'f' => Some(Value::Bool(false)),
            b'"' => Some(text(raw)),
            b'[' => Some(Value::Json(compact(raw))),
            b'{' => Some(Value::Json(compact(raw))).filter(|value| *value != Value::Json("{}".into())),
            _ => Some(number(raw)),
        }
    }

    /// Returns the type of a column made for this value; with `timestamps` a text that is an instant makes one of
    /// instants.
    pub fn column_type(&self, timestamps: bool) -> ColumnType {
        match self {
            Value::Bool(_) => ColumnType::Bool,
            Value::Int(_) => ColumnType::Int,
            Value::Float(..) => ColumnType::Float,
            Value::Time(..) => ColumnType::Timestamp,
            Value::Text(text) if timestamps && is_instant(text) => ColumnType::Timestamp,
            Value::Digits(_) | Value::Text(_) | Value::Json(_) => ColumnType::Text,
        }
    }

    /// Returns true for an integer that no float holds.
    pub fn is_inexact(&self) -> bool {
        matches!(self, Value::Int(number) if number.unsigned_abs() > EXACT_IN_FLOAT)
    }

    /// Appends the value as text: what a column of text holds.
    pub fn write_text(&self, out: &mut String) {
        match self {
            Value::Bool(on) => out.push_str(if *on { "true" } else { "false" }),
            Value::Int(number) => out.push_str(&number.to_string()),
            Value::Float(_, raw) | Value::Digits(raw) => out.push_str(raw),
            Value::Text(text) | Value::Json(text) => out.push_str(text),
            Value::Time(at, precision) => write_rfc3339(out, *at, *precision),
        }
    }

    /// Appends the value as the JSON that it came from.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Value::Text(text) => write_json_string(out, text),
            Value::Time(at, precision) => {
                out.push('"');
                write_rfc3339(out, *at, *precision);
                out.push('"');
            }
            Value::Bool(_) | Value::Int(_) | Value::Float(..) | Value::Digits(_) | Value::Json(_) => {
                self.write_text(out);
            }
        }
    }
}

/// Appends a JSON string.
pub fn write_json_string(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// Returns true for text that is an [`instant`].
pub fn is_instant(text: &str) -> bool {
    instant(text).is_some()
}

/// Returns the instant that a text is: RFC 3339 with an offset, the only text that is taken for one. What a column of
/// instants could not hold exactly is none: digits beyond a microsecond, a leap second, the year 0.
pub fn instant(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 20
        && bytes.get(4) == Some(&b'-')
        && matches!(bytes.get(10), Some(b'T' | b't' | b' '))
        && bytes.get(13) == Some(&b':')
        && bytes.get(17..19) != Some(b"60");
    if !shaped || text.contains('[') {
        return None;
    }
    let is_exact = |at: &Timestamp| at.subsec_nanosecond() % 1_000 == 0 && at.as_second() >= YEAR_ONE;
    text.parse().ok().filter(is_exact)
}

fn text(raw: &str) -> Value<'_> {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Value::Text(Cow::Borrowed(inner));
    }
    // What is no valid string (half a surrogate pair) is kept as it was sent.
    serde_json::from_str::<String>(raw)
        .map_or(Value::Json(Cow::Borrowed(raw)), |text| Value::Text(text.into()))
}

fn number(raw: &str) -> Value<'_> {
    let is_integer = !raw.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    if is_integer {
        // -0 would lose its sign.
        return match raw.parse::<i64>() {
            Ok(number) if raw != "-0" => Value::Int(number),
            Ok(_) => Value::Float(-0.0, raw),
            Err(_) => Value::Digits(raw),
        };
    }
    match raw.parse::<f64>() {
        Ok(number) if number.is_finite() && significant_digits(raw) <= 17 => Value::Float(number, raw),
        _ => Value::Digits(raw),
    }
}

/// Counts the digits of the mantissa without leading and trailing zeros: `f64` can tell 17 apart, never more.
fn significant_digits(raw: &str) -> usize {
    let mantissa = raw.split(['e', 'E']).next().unwrap_or_default();
    let (mut count, mut zeros) = (0, 0);
    for byte in mantissa.bytes().filter(u8::is_ascii_digit) {
        match byte {
            b'0' if count == 0 => {}
            b'0' => zeros += 1,
            _ => {
                count += zeros + 1;
                zeros = 0;
            }
        }
    }
    count
}

/// Drops white space outside of strings; digits and escapes stay as they are.
fn compact(raw: &str) -> Cow<'_, str> {
    if !raw.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return Cow::Borrowed(raw);
    }
    let (mut out, mut in_string, mut escaped) = (String::with_capacity(raw.len()), false, false);
    for char in raw.chars() {
        match char {
            '"' if !escaped => in_string = !in_string,
            ' ' | '\t' | '\n' | '\r' if !in_string => continue,
            _ => {}
        }
        escaped = in_string && char == '\\' && !escaped;
        out.push(char);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_texts_become_the_narrowest_value() {
        let cases = [
            ("true", Some(Value::Bool(true))),
            ("42", Some(Value::Int(42))),
            ("-0", Some(Value::Float(-0.0, "-0"))),
            ("42.00", Some(Value::Float(42.0, "42.00"))),
            ("1e400", Some(Value::Digits("1e400"))),
            ("1000000000000000000000000000000", Some(Value::Digits("1000000000000000000000000000000"))),
            ("0.1234567890123456789012", Some(Value::Digits("0.1234567890123456789012"))),
            ("0.30000000000000004", Some(Value::Float(0.300_000_000_000_000_04, "0.30000000000000004"))),
            ("null", None),
            ("{ }", None),
            ("\"a\\u00e9\"", Some(Value::Text("aé".into()))),
            ("\"\\ud83d\"", Some(Value::Json("\"\\ud83d\"".into()))),
            ("[1, \"a b\\\" c\" ,{\"x\": 1}]", Some(Value::Json("[1,\"a b\\\" c\",{\"x\":1}]".into()))),
        ];
        for (raw, wanted) in cases {
            assert_eq!(Value::from_json(raw), wanted, "{raw}");
        }
    }

    #[test]
    fn only_rfc_3339_text_is_an_instant() {
        for text in ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.123456000+02:00", "0001-01-01T00:00:00Z"] {
            assert!(is_instant(text), "{text}");
        }
        for text in [
            "2026-03-01",
            "12",
            "2026-03-01T12:00:00",
            "2026-03-01T12:00:00Z[UTC]",
            "2026-13-01T12:00:00Z",
            "2026-03-01T12:00:00.0000001Z",
            "2026-06-30T23:59:60Z",
            "0000-12-31T23:59:59Z",
        ] {
            assert!(!is_instant(text), "{text}");
        }
    }
}
