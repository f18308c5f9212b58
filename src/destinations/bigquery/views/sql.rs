//! Pieces of GoogleSQL: names, literals and types, quoted so that no name of a customer ends a text early. Pure.

use std::fmt::Write as _;

use jiff::Timestamp;

pub(in super::super) use super::super::ddl::quoted;
pub(in super::super) use super::super::types::word;
use crate::warehouse::ColumnType;

/// Returns a column of the table that a statement calls `t`.
///
/// The alias matters: a column that is named like its table would otherwise mean the whole row.
pub(in super::super) fn of_t(column: &str) -> String {
    format!("t.{}", quoted(column))
}

/// Returns a text literal.
pub(in super::super) fn text(value: &str) -> String {
    format!("'{}'", escaped(value, '\''))
}

/// Returns an instant as a literal, in microseconds.
pub(in super::super) fn instant(at: Timestamp) -> String {
    format!("TIMESTAMP '{at:.6}'")
}

/// Returns a value of one type as one of another, NULL where that is not possible; `None` where BigQuery would refuse the
/// statement.
pub(in super::super) fn cast(value: &str, from: ColumnType, to: ColumnType) -> Option<String> {
    let has_casts = |kind: ColumnType| !matches!(kind, ColumnType::Json | ColumnType::Other);
    match (from, to) {
        (from, to) if from == to => Some(value.to_owned()),
        (from, to) if !has_casts(from) || !has_casts(to) => None,
        (_, ColumnType::Text) | (ColumnType::Int, ColumnType::Float | ColumnType::Numeric) => {
            Some(format!("CAST({value} AS {})", word(to)))
        }
        // Not every two types have a cast, but every type has one to and from text.
        _ => Some(format!("SAFE_CAST(CAST({value} AS STRING) AS {})", word(to))),
    }
}

/// Returns the JSONPath to these keys, as a text literal.
pub(in super::super) fn json_path<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::from("$");
    for key in keys {
        let is_plain = key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && key.chars().all(|one| one.is_ascii_alphanumeric() || one == '_');
        if is_plain {
            out.push('.');
            out.push_str(key);
        } else {
            out.push_str(".\"");
            out.push_str(&escaped(key, '"'));
            out.push('"');
        }
    }
    text(&out)
}

/// Returns the value at a path as text, as the arguments of a `COALESCE`: a scalar as it is, a list or an object as JSON.
/// `column` holds JSON as its own type or as text.
pub(in super::super) fn json_text(column: &str, column_type: ColumnType, path: &str) -> String {
    let whole = format!("JSON_QUERY({column}, {path})");
    let whole = match column_type {
        ColumnType::Json => {
            format!("IF(JSON_TYPE({whole}) IN ('array', 'object'), TO_JSON_STRING({whole}), NULL)")
        }
        _ => whole,
    };
    format!("JSON_VALUE({column}, {path}), {whole}")
}

/// See <https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#escape_sequences>.
fn escaped(value: &str, quote: char) -> String {
    let mut out = String::with_capacity(value.len());
    for one in value.chars() {
        match one {
            '\\' => out.push_str("\\\\"),
            one if one == quote => out.extend(['\\', one]),
            one if one.is_control() => {
                let written = write!(out, "\\u{:04x}", u32::from(one));
                debug_assert!(written.is_ok(), "a string takes everything");
            }
            one => out.push(one),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_quotes_early() {
        assert_eq!(text("it's\n\\"), "'it\\'s\\u000a\\\\'");
    }

    #[test]
    fn a_path_quotes_keys_that_are_no_words() {
        assert_eq!(json_path(["total"]), "'$.total'");
        assert_eq!(json_path(["_a", "b c", "d\"e"]), r#"'$._a."b c"."d\\"e"'"#);
    }

    #[test]
    fn a_cast_is_never_one_that_bigquery_refuses() {
        let cast = |from, to| cast("x", from, to);
        assert_eq!(cast(ColumnType::Int, ColumnType::Int).unwrap(), "x");
        assert_eq!(cast(ColumnType::Int, ColumnType::Float).unwrap(), "CAST(x AS FLOAT64)");
        assert_eq!(cast(ColumnType::Timestamp, ColumnType::Text).unwrap(), "CAST(x AS STRING)");
        let there = "SAFE_CAST(CAST(x AS STRING) AS INT64)";
        assert_eq!(cast(ColumnType::Timestamp, ColumnType::Int).unwrap(), there);
        assert_eq!(cast(ColumnType::Json, ColumnType::Text), None);
        assert_eq!(cast(ColumnType::Text, ColumnType::Other), None);
    }

    #[test]
    fn an_instant_keeps_its_microseconds() {
        let at = Timestamp::from_microsecond(1_772_366_400_000_001).unwrap();
        assert_eq!(instant(at), "TIMESTAMP '2026-03-01T12:00:00.000001Z'");
    }
}
