//! Words for types, both ways: what columns are made as, and what the columns of others are understood to take. Pure.

use crate::warehouse::ColumnType;

/// Returns what a column of this type is made as. Every column may be empty: a row has a value only where its event has one.
pub(super) const fn word(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Bool => "Nullable(Bool)",
        ColumnType::Int => "Nullable(Int64)",
        ColumnType::Float => "Nullable(Float64)",
        ColumnType::Timestamp => "Nullable(DateTime64(6, 'UTC'))",
        ColumnType::Numeric => "Nullable(Decimal(38, 9))",
        ColumnType::Text | ColumnType::Json | ColumnType::Other => "Nullable(String)",
    }
}

/// Returns the type that ClickHouse's word stands for. What would take a value with loss and without a word (a narrower
/// number wraps around, a shorter time is cut) is `Other`, which takes none.
pub(super) fn understood(word: &str) -> ColumnType {
    let bare = inside(word, "LowCardinality(").unwrap_or(word);
    let bare = inside(bare, "Nullable(").unwrap_or(bare);
    let (name, arguments) = bare.split_once('(').unwrap_or((bare, ""));
    match (name, arguments) {
        ("Bool", _) => ColumnType::Bool,
        ("Int64", _) => ColumnType::Int,
        ("Float64", _) => ColumnType::Float,
        ("DateTime64", arguments) if arguments.starts_with(['6', '7', '8', '9']) => ColumnType::Timestamp,
        ("Decimal", "38, 9)") => ColumnType::Numeric,
        ("String", _) => ColumnType::Text,
        _ => ColumnType::Other,
    }
}

fn inside<'a>(word: &'a str, opening: &str) -> Option<&'a str> {
    word.strip_prefix(opening)?.strip_suffix(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_we_write_is_understood() {
        for kind in ColumnType::ALL.into_iter().filter(|kind| !matches!(kind, ColumnType::Other | ColumnType::Json)) {
            assert_eq!(understood(word(kind)), kind, "{kind:?}");
        }
    }

    #[test]
    fn types_of_others_are_understood_where_nothing_would_be_lost() {
        for (written, kind) in [
            ("String", ColumnType::Text),
            ("LowCardinality(String)", ColumnType::Text),
            ("LowCardinality(Nullable(String))", ColumnType::Text),
            ("DateTime64(6, 'UTC')", ColumnType::Timestamp),
            ("DateTime64(9)", ColumnType::Timestamp),
            ("DateTime64(3)", ColumnType::Other),
            ("DateTime", ColumnType::Other),
            ("Int32", ColumnType::Other),
            ("UInt64", ColumnType::Other),
            ("Float32", ColumnType::Other),
            ("Decimal(18, 4)", ColumnType::Other),
            ("UUID", ColumnType::Other),
            ("Array(String)", ColumnType::Other),
            ("Map(String, String)", ColumnType::Other),
            ("JSON", ColumnType::Other),
            ("Enum8('a' = 1)", ColumnType::Other),
            ("", ColumnType::Other),
        ] {
            assert_eq!(understood(written), kind, "{written}");
        }
    }
}
